"""Table 2 of the page: what the genes turned up do, and which tissue the lists speak of."""

from collections.abc import Iterator, Sequence
from typing import Any

from reproduction import paper
from reproduction.claims import LIVER
from reproduction.runs import ALL, PRESETS
from reproduction.stored import NOT_RUN, Runs, Stored, mean, named, small, table, whole

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


def terms(stored: Stored) -> str:
    """Table 2: the paper's terms, ours of each preset, and the first of `transport`."""
    found = [stored.runs(*LIVER, preset) for preset in PRESETS]
    return table(("paper: terms", "first", "here", *(f"`{preset}`" for preset in PRESETS), "first"), _rows(found))


def _rows(found: Sequence[Runs]) -> Iterator[Sequence[str]]:
    """A row for each of our categories, beside the paper's of the same kind."""
    for theirs, names in CATEGORIES.items():
        n, hit, q = paper.TABLE_2[theirs]
        for place, name in enumerate(names):
            told = ("", "") if place else (f"{theirs}: {n:,}", f"{hit} ({small(q)})")
            yield (*told, name, *(_counts(runs, name) for runs in found), _first(found[-1], name))
    yield ("–", "–", "Hallmark", *(_counts(runs, "Hallmark") for runs in found), _first(found[-1], "Hallmark"))


def _counts(runs: Runs, category: str) -> str:
    """How many terms: outside / inside / of random lists."""
    counts = [
        whole(mean([run["function"][where].get(category, NOTHING)["n"] for run in runs]))
        for where in ("up_outside", "up_inside", "random_outside")
        if runs
    ]
    return "/".join(counts) or NOT_RUN


def _first(runs: Runs, category: str) -> str:
    """The first hit of seed 0 with its q."""
    if not runs:
        return NOT_RUN
    first = runs[0]["function"]["up_outside"].get(category, NOTHING)
    return f"{_short(first['term'])} ({small(first['q'])})"


def _short(term: str) -> str:
    """A term without the name of its collection."""
    for prefix in ("GOBP_", "GOCC_", "GOMF_", "HP_", "REACTOME_", "WP_", "PID_", "HALLMARK_", "GTEX ", "HPA "):
        term = term.removeprefix(prefix)
    return term.replace("_", " ").lower()


def tissues(stored: Stored) -> str:
    """For how many sources the target's and the source's own tissue come first, or among the first three."""
    head = ("moved to", "preset", "up: target's tissue first", "down: source's first", "among three")
    return table(head, _tissue_rows(stored))


def _tissue_rows(stored: Stored) -> Iterator[Sequence[str]]:
    for target in ("Liver", "Thyroid"):
        for preset in PRESETS:
            runs = stored.runs(ALL, target, preset)
            if runs:
                found = [run["function"]["tissue_of_samples"] for run in runs]
                cells = [_within(found, *one) for one in (("up_target", 1), ("down_source", 1), ("down_source", 3))]
                yield (target, named(preset, runs), *cells)


def _within(found: Sequence[dict[str, Any]], way: str, most: int) -> str:
    ranks = [list(one[way].values()) for one in found]
    counts = [sum(rank is not None and rank <= most for rank in one) for one in ranks]
    return f"{whole(mean(counts))} of {len(ranks[0])}"
