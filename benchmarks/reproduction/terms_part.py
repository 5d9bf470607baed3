"""Table 2 of the page: what the genes turned up do, and which tissue the lists speak of."""

from collections.abc import Iterator, Sequence
from typing import Any

from reproduction import paper
from reproduction.claims import LIVER
from reproduction.runs import ALL, PRESETS
from reproduction.stored import NOT_RUN, Runs, Stored, named, small, spread, table, whole

CATEGORIES = {  # the paper's categories and ours: the same kind of knowledge, not the same files
    "Coexpression": ("ImmuneSigDB",),
    "Coexpression Atlas": ("Tissue GTEx", "Tissue HPA"),
    "GO: BP": ("GO BP",),
    "GO: CC": ("GO CC",),
    "GO: MF": ("GO MF",),
    "Human Phenotype": ("HPO",),
    "Pathway": ("Reactome", "WikiPathways", "PID"),
    "ToppCell Atlas": ("Cell types",),
    "TFBS": ("TF targets",),
}
NOTHING: dict[str, Any] = {"n": 0, "term": "none", "q": 1.0}
KINDS = {
    "tissue_of_samples": "single samples, outside",
    "tissue_of_samples_inside": "single samples, inside",
    "tissue_of_classes": "class means, inside",
}


def terms(stored: Stored) -> str:
    """Table 2, once for each preset."""
    head = ("paper / here", "paper: terms", "first hit", "q", "outside: terms", "first hit", "q")
    head = (*head, "inside: terms", "first hit", "q", "random: terms")
    found = {preset: stored.runs(*LIVER, preset) for preset in PRESETS}
    return "\n\n".join(f"Preset {named(preset, runs)}:\n\n{table(head, _rows(runs))}" for preset, runs in found.items())


def _rows(runs: Runs) -> Iterator[Sequence[str]]:
    """A row for each of our categories, beside the paper's of the same kind."""
    for theirs, names in CATEGORIES.items():
        n, hit, q = paper.TABLE_2[theirs]
        for name in names:
            yield (f"{theirs} / {name}", f"{n:,}", hit, small(q), *_row(runs, name))
    yield ("– / Hallmark", "–", "–", "–", *_row(runs, "Hallmark"))


def _row(runs: Runs, category: str) -> Sequence[str]:
    outside, inside, random = (
        [run["function"][where].get(category, NOTHING) for run in runs]
        for where in ("up_outside", "up_inside", "random_outside")
    )
    return (*_hits(outside), *_hits(inside), spread((one["n"] for one in random), whole))


def _hits(found: Sequence[dict[str, Any]]) -> tuple[str, str, str]:
    """How many terms, and the first hit of seed 0 with its q."""
    if not found:
        return NOT_RUN, "–", "–"
    return spread((one["n"] for one in found), whole), found[0]["term"].replace("_", " "), small(found[0]["q"])


def tissues(stored: Stored) -> str:
    """For how many sources the target's and the source's own tissue come first, or among the first three."""
    head = ("moved to", "preset", "lists of", "up: the target's tissue first", "among three")
    return table((*head, "down: the source's first", "among three"), _tissue_rows(stored))


def _tissue_rows(stored: Stored) -> Iterator[Sequence[str]]:
    for target in ("Liver", "Thyroid"):
        for preset in PRESETS:
            runs = stored.runs(ALL, target, preset)
            for kind, words in KINDS.items() if runs else ():
                found = [run["function"][kind] for run in runs]
                cells = [_within(found, way, most) for way in ("up_target", "down_source") for most in (1, 3)]
                yield (target, named(preset, runs), words, *cells)


def _within(found: Sequence[dict[str, Any]], way: str, most: int) -> str:
    ranks = [list(one[way].values()) for one in found]
    counts = [sum(rank is not None and rank <= most for rank in one) for one in ranks]
    return f"{spread(counts, whole)} of {len(ranks[0])}"
