"""The paper's claims, each with the rules by which it holds or holds partly, and whether it does here."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from reproduction import paper
from reproduction.kidney import CLAIMS as OF_TUMOURS
from reproduction.lists import apart
from reproduction.runs import ABLATED, ALL, FIGURE_4, PRESETS, SEEDS, TABLE_1, TUMOURS, WITHOUT_TD
from reproduction.stored import NOT_RUN, Runs, Stored, between, decimals, mean, percent, small, spread, whole

HOLDS, PARTLY, FAILS, CANNOT = "holds", "partly", "fails", "not asked"
LIVER = (ALL, "Liver")
Answer = tuple[str, str]  # our numbers in words, and holds / partly / fails


@dataclass(frozen=True)
class Claim:
    """Something that the paper says, where, its number, when it holds and when partly, and how it is asked here."""

    words: str
    place: str
    number: str
    rule: str
    in_part: str
    make_task: Callable[[Stored, str], Answer]


def answered(
    numbers: Sequence[Any], told: Callable[[], str], holds: Callable[[], bool], partly: Callable[[], bool]
) -> Answer:
    """The answer where there are numbers."""
    if not numbers:
        return NOT_RUN, NOT_RUN
    return told(), HOLDS if holds() else PARTLY if partly() else FAILS


def of_rows(stored: Stored, preset: str, *path: str) -> list[float]:
    """A number's mean over seeds for each row of Table 1 that was run."""
    rows = [stored.values(*row, preset, *path) for row in TABLE_1]
    return [mean(values) for values in rows if values]


def f_accuracy(stored: Stored, preset: str) -> Answer:
    """Table 1."""
    found = of_rows(stored, preset, "f_accuracy")
    least = min(row.f_accuracy for row in paper.TABLE_1)
    return answered(
        found,
        lambda: between(found, percent),
        lambda: min(found) >= least,
        lambda: sum(value >= least for value in found) > len(found) / 2,
    )


def on_the_map(stored: Stored, preset: str) -> Answer:
    """Figs. 2-4, left."""
    figures = (TABLE_1[0], LIVER, FIGURE_4)
    found = [mean(values) for row in figures if (values := stored.values(*row, preset, "looks", "on_map"))]
    return answered(found, lambda: between(found, percent), lambda: min(found) >= 0.9, lambda: mean(found) >= 0.5)


def heat_maps(stored: Stored, preset: str) -> Answer:
    """Figs. 2-4, right."""
    after, real = (of_rows(stored, preset, "looks", f"correlation_{name}") for name in ("after", "real"))
    shares = [a / b for a, b in zip(after, real, strict=True)]
    return answered(
        after,
        lambda: f"{between(after, decimals(2))} (real: {between(real, decimals(2))})",
        lambda: min(shares) >= 0.9,
        lambda: mean(shares) >= 0.9,
    )


def like_the_target(stored: Stored, preset: str) -> Answer:
    """Question 1."""
    energy, genes = of_rows(stored, preset, "energy_ratio"), of_rows(stored, preset, "gene_correlation")
    measured = [
        [mean(values) for name in ("energy_ratio", "gene_correlation") if (values := stored.values(*row, preset, name))]
        for row in TABLE_1
    ]
    passed = [row[0] <= 0.1 and row[1] >= 0.5 for row in measured if len(row) == 2]
    return answered(
        energy,
        lambda: f"energy ratio {between(energy, decimals(3))}, gene correlation {between(genes, decimals(2))}",
        lambda: all(passed),
        lambda: sum(passed) > len(passed) / 2,
    )


def not_nonsense(stored: Stored, preset: str) -> Answer:
    """Question 2."""
    way, forest = of_rows(stored, preset, "looks", "way"), of_rows(stored, preset, "hit_rate_forest")
    return answered(
        way,
        lambda: f"correlation {between(way, decimals(2))}, a forest agrees {between(forest, percent)}",
        lambda: min(way) >= 0.8 and min(forest) >= 0.9,
        lambda: mean(way) >= 0.8 and mean(forest) >= 0.8,
    )


def target_tissue(stored: Stored, preset: str) -> Answer:
    """Question 3."""
    found = [list(run["function"]["tissue_of_samples"]["up_target"].values()) for run in stored.runs(*LIVER, preset)]
    first = [sum(rank == 1 for rank in ranks) for ranks in found]
    n = len(found[0]) if found else 0
    return answered(
        first,
        lambda: f"liver first for {spread(first, whole)} of {n}",
        lambda: min(first) >= 0.8 * n,
        lambda: mean(first) >= 0.5 * n,
    )


def fewer_up_than_down(stored: Stored, preset: str) -> Answer:
    """The 85 and 642."""
    runs = stored.runs(*LIVER, preset)
    up, down = ([run["lists"]["samples"][way] for run in runs] for way in ("up", "down"))
    ratios = [d / u for u, d in zip(up, down, strict=True)]
    return answered(
        up,
        lambda: f"{spread(up, whole)} and {spread(down, whole)}",
        lambda: min(ratios) >= 2 and max(apart_of(runs, "up")) <= 0.25,
        lambda: min(ratios) > 1,
    )


def apart_of(runs: Runs, way: str, which: str = "samples") -> list[float]:
    """For each run how far its lists are from being one list, towards independent ones."""
    return [apart(run["lists"][which][way], run["n_genes"], run["lists"]["n_lists"]) for run in runs]


def source_tissue(stored: Stored, preset: str) -> Answer:
    """Down genes and the source."""
    found = [list(run["function"]["tissue_of_samples"]["down_source"].values()) for run in stored.runs(*LIVER, preset)]
    first = [sum(rank == 1 for rank in ranks) for ranks in found]
    three = [sum(rank is not None and rank <= 3 for rank in ranks) for ranks in found]
    n = len(found[0]) if found else 0
    return answered(
        first,
        lambda: f"first for {spread(first, whole)}, among three for {spread(three, whole)} of {n}",
        lambda: min(first) >= 0.8 * n,
        lambda: mean(three) >= 0.5 * n,
    )


def kidney_like(stored: Stored, preset: str) -> Answer:
    """Fig. 5: down genes are kidney-like."""
    rows = [run["kidney"]["kidney"]["down"] for name in TUMOURS for run in stored.runs(ALL, name, preset, "kidney")]
    strong = [row["rank"] == 1 and row["q"] < paper.Q_VALUE for row in rows]
    return answered(
        rows,
        lambda: (
            f"kidney first in {sum(row['rank'] == 1 for row in rows)} of {len(rows)} lists, "
            f"q < 1e-4 in {sum(row['q'] < paper.Q_VALUE for row in rows)}"
        ),
        lambda: all(strong),
        lambda: sum(row["rank"] == 1 for row in rows) > len(rows) / 2,
    )


def shared_down(stored: Stored, preset: str) -> Answer:
    """Fig. 5: what is turned down is shared, what is turned up is not."""
    found = stored.overlaps(preset)
    down, up = ([one[way]["in_all"] for one in found] for way in ("down", "up"))
    return answered(
        found,
        lambda: f"{spread(down, whole)} of 20 down in all three, {spread(up, whole)} up",
        lambda: min(down) >= 10 and max(up) <= 2,
        lambda: mean(down) > mean(up),
    )


def specific(tumour: str) -> Callable[[Stored, str], Answer]:
    """Fig. 5: what the genes turned up in one tumour are rich in."""
    word = OF_TUMOURS[tumour][0]

    def make_task(stored: Stored, preset: str) -> Answer:
        runs = stored.runs(ALL, tumour, preset, "kidney")
        rows = [run["kidney"]["claims"][word] for run in runs if word in run["kidney"]["claims"]]
        if runs and not rows:
            return "no such gene here", CANNOT
        lists, ranks = [row["q"] for row in rows], [row["q_ranked"] for row in rows]
        counts = spread([row["overlap"] for row in rows], whole)
        return answered(
            rows,
            lambda: f"{counts} of 20; q {spread(lists, small)} (ranks {spread(ranks, small)})",
            lambda: max(lists) < paper.Q_VALUE,
            lambda: min([*lists, *ranks]) < 0.05,
        )

    return make_task


def target_distance(stored: Stored, preset: str) -> Answer:
    """Eq. 4."""
    if preset != "paper":
        return "has no Eq. 4", "–"
    told, ahead = [], []
    for row in ABLATED:
        ratios = [
            {run["seed"]: run["energy_ratio"] for run in stored.runs(*row, name)} for name in ("paper", WITHOUT_TD)
        ]
        pairs = [(ratios[0][seed], ratios[1][seed]) for seed in ratios[0] if seed in ratios[1]]
        ahead += [with_it < without for with_it, without in pairs]
        if pairs:
            with_it, without = (mean(side) for side in zip(*pairs, strict=True))
            seeds = "" if len(pairs) == len(SEEDS) else f" ({len(pairs)} of {len(SEEDS)} seeds)"
            told.append(f"{row[1]} {with_it:.3f} with, {without:.2f} without{seeds}")
    return answered(
        ahead,
        lambda: "energy ratio: " + "; ".join(told),
        lambda: all(ahead),
        lambda: sum(ahead) > len(ahead) / 2,
    )


RICH = ("q < 1e-4 with each seed", "q < .05 with one, lists or ranks")
CLAIMS = (
    Claim(
        "f calls moved samples the target",
        "Table 1",
        "99.8–100%",
        "every row at least 99.8%",
        "most rows",
        f_accuracy,
    ),
    Claim(
        "moved samples lie among the target's on the map",
        "Figs. 2–4, left",
        "picture",
        "90% of samples, each figure",
        "50%, mean",
        on_the_map,
    ),
    Claim(
        "x_adv looks like mu_T",
        "Figs. 2–4, right",
        "picture",
        "correlation with mu_T nine tenths of real samples', each row",
        "mean",
        heat_maps,
    ),
    Claim(
        "moved samples follow the target's distribution",
        "question 1",
        "picture",
        "energy ratio at most .1, gene correlation at least .5, each row",
        "most rows",
        like_the_target,
    ),
    Claim(
        "changes are not nonsense",
        "question 2",
        "picture",
        "correlation .8 with the real difference, forest 90%, each row",
        "means .8, 80%",
        not_nonsense,
    ),
    Claim(
        "genes up encode the target's biology",
        "question 3; Table 2",
        "heart and muscle terms",
        "the target first for 80% of sources",
        "50%",
        target_tissue,
    ),
    Claim(
        "the same genes up whatever the source, others down",
        "section 3",
        "85 up, 642 down",
        "twice as many down as up, up at most .25 from 0 to 1",
        "more down than up",
        fewer_up_than_down,
    ),
    Claim(
        "genes down are the source's",
        "section 3",
        "\u201cin most cases\u201d",
        "the source first for 80%",
        "among three for 50%",
        source_tissue,
    ),
    Claim(
        "Eq. 4 makes results more realistic",
        "section 4",
        "picture",
        "a smaller energy ratio in each run",
        "most runs",
        target_distance,
    ),
    Claim(
        "genes down in kidney tumours are kidney-like",
        "Fig. 5",
        "no number",
        "kidney first with q < 1e-4, each list",
        "first in most",
        kidney_like,
    ),
    Claim(
        "they share genes down, not up",
        "Fig. 5",
        "no number",
        "ten of 20 down in all three, at most two up",
        "more down than up",
        shared_down,
    ),
    Claim("KIRC turns up hypoxia genes", "Fig. 5", "enriched", *RICH, specific("KIRC")),
    Claim("KIRP turns up annexins", "Fig. 5", "enriched", *RICH, specific("KIRP")),
    Claim(
        "KICH turns up oestrogen-response genes",
        "Fig. 5",
        "enriched",
        *RICH,
        specific("KICH"),
    ),
)


def asked(stored: Stored) -> list[tuple[Claim, dict[str, Answer]]]:
    """Every claim with the answer of each preset."""
    return [(claim, {preset: claim.make_task(stored, preset) for preset in PRESETS}) for claim in CLAIMS]
