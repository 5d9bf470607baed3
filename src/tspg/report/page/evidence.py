"""The evidence as the page shows it: the verdict, the telling measures of all methods, and all the rest."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

import pandas as pd

from tspg.analysis.evaluation.classifiers import LEAST_RECALL
from tspg.analysis.evaluation.controls import control_text
from tspg.analysis.evaluation.measure import REAL, UNTOUCHED, Status, by_chance, info_of
from tspg.analysis.evaluation.scale import relative_scale, uninformative
from tspg.report.read import RunFiles
from tspg.utils.text import listed, number, percent

METHODS = {
    "generator": "Generator",
    "mean_shift": "Mean shift",
    "linear_map": "Linear map",
    "quantile_map": "Gene by gene",
    "nearest_target": "Nearest real sample",
    "gaussian_draw": "Random draw",
    "target_mean": "Target mean",
    "paired_regression": "Paired regression",
    UNTOUCHED: "Not moved at all",
    REAL: "Real target samples",
}
EXPLAINED = {
    "mean_shift": "adds the difference of the class means",
    "linear_map": "stretches and turns the cloud of sources, no network",
    "quantile_map": "each gene's ranks, no gene-gene structure",
    "nearest_target": "replaced by the closest one seen in training",
    "gaussian_draw": "a random target profile, nothing of the person",
    "target_mean": "one profile for all, the mean of the target",
    "paired_regression": "the target's mean and what people keep of their own",
    UNTOUCHED: "the sources as they are",
    REAL: "what can be reached",
}
SIGNS = {"pass": "✓", "probably": "≈", "doubtful": "?", "fail": "✕", "not tested": "–"}


class MeasureText(NamedTuple):
    """A measure in plain words: its title, the best value, and what it says."""

    title: str
    best: str
    words: str


# The table on the page holds the most telling ones, those of TELLING; the rest stand below it.
MEASURES = {
    "hit_rate_f": MeasureText(
        "Called target", "as real", "Share that the classifier calls the target. A generator is trained for it."
    ),
    "hit_rate_logistic": MeasureText(
        "by logistic regression",
        "as real",
        "The same by a logistic regression that learned from real training samples only.",
    ),
    "hit_rate_forest": MeasureText("by random forest", "as real", "The same by a random forest."),
    "hit_rate_second_f": MeasureText(
        "by a second classifier",
        "as real",
        "The same by the classifier trained with another seed, which the generator was never shown.",
    ),
    "energy_ratio": MeasureText(
        "Energy ratio", "0", "How far from real target samples, by all genes together: 0 like real ones, 1 not moved."
    ),
    "energy_less_mean_shift": MeasureText(
        "Energy beside a shift",
        "below 0",
        "How much nearer to real target samples than a plain shift comes: below 0 is nearer.",
    ),
    "variance_ratio": MeasureText(
        "Variance ratio", "1", "How much samples differ among themselves: 1 as real ones do, 0 all are one profile."
    ),
    "gene_correlation": MeasureText(
        "Gene correlation",
        "high",
        "Whether genes go up and down together as in the target: 1 they do, 0 not. Few real samples blur their own.",
    ),
    "gene_correlation_at_equal_n": MeasureText(
        "Gene correlation at equal n",
        "as real",
        "Whether genes go up and down together as in the target, in as many moved as real samples: few blur it.",
    ),
    "individuality": MeasureText(
        "Individuality", "high", "Whether what is high for its class in a sample stays high: 1 all is kept, 0 nothing."
    ),
    "pair_error": MeasureText(
        "Error to own counterpart",
        "low",
        "How far moved samples lie from the same person's real target sample: 1 as far as the target's mean does, "
        "below 1 nearer.",
    ),
    "pair_correlation": MeasureText(
        "Own residual",
        "high",
        "Whether what sets a moved sample apart from the target's mean is what sets the person's real target sample "
        "apart: 1 the same, 0 nothing of it.",
    ),
    "pair_discrimination": MeasureText(
        "Own counterpart nearer",
        "1",
        "Share of other people's real target samples that lie farther from the moved sample than the person's own: "
        "½ by chance.",
    ),
    "pair_top_genes": MeasureText(
        "Own top genes",
        "high",
        "Share of the genes that differ most between the person's two real samples that are moved most as well "
        "(a tenth of the genes, at most 100).",
    ),
    "nn_fake": MeasureText(
        "Moved mix with real",
        "½",
        "Share of moved samples whose nearest neighbour is a moved one too: about ½ if they mix.",
    ),
    "nn_real": MeasureText(
        "Real mix with moved",
        "½",
        "The same for real samples. Both sides must be right: high on one hides low on the other.",
    ),
    "source_leak": MeasureText(
        "Source leak",
        "chance",
        "How well a classifier tells from the moved profile which class it came from.",
    ),
    "hit_rate_knn": MeasureText(
        "Called target by neighbours", "as real", "Share that its five nearest neighbours call the target."
    ),
    "energy_p_value": MeasureText(
        "Energy p-value",
        "",
        "Chance of so large a distance between real samples. Any method fails it with enough samples.",
    ),
    "precision": MeasureText("Precision", "as real", "Share of moved samples that lie where real ones do."),
    "recall": MeasureText("Recall", "as real", "Share of real samples that lie where moved ones do."),
    "density": MeasureText(
        "Density", "as real", "How closely real samples surround the moved ones; 1 as real ones do."
    ),
    "coverage": MeasureText("Coverage", "as real", "Share of real samples with a moved one close by."),
    "distance_correlation": MeasureText(
        "Distance correlation",
        "high",
        "Whether people who differed before still differ after: 0 not at all, 1 likewise.",
    ),
    "train_on_moved": MeasureText(
        "Learned from moved",
        "as real",
        "Real samples told right by a classifier that knows the target from moved ones only.",
    ),
    "mean_abs_change": MeasureText("Mean change", "", "How far a gene was moved on the scaled axis from 0 to 1."),
    "clipped_fraction": MeasureText("Clipped", "as real", "Share of values at the ends of the scaled axis."),
}
TELLING = (
    "hit_rate_f",
    "hit_rate_logistic",
    "hit_rate_forest",
    "energy_ratio",
    "variance_ratio",
    "gene_correlation_at_equal_n",
    "individuality",
    "nn_fake",
    "nn_real",
    "source_leak",
)


@dataclass(frozen=True)
class Cell:
    """One number of the table, what is small below it, and whether it is greyed out."""

    value: str
    below: str = ""
    muted: bool = False
    scaled: str = ""  # its place between the best simple method and real samples


@dataclass(frozen=True)
class Row:
    """One method with its numbers."""

    name: str
    explained: str
    kind: str
    cells: list[Cell]


def controls(run: RunFiles) -> list[dict[str, str]]:
    """What an audit found, control by control; empty where there was none."""
    table = run.tables["controls"]
    return [] if table.empty else [{**asdict(one), **_sign(one.answer)} for one in control_text(table)]


def _sign(answer: str) -> dict[str, str]:
    return {"sign": SIGNS[answer], "css": answer.replace("not tested", "untested")}


def telling_measures(run: RunFiles) -> dict[str, MeasureText]:
    """The most telling measures that the run holds."""
    table = run.tables["evidence"]
    present = set(table.loc[table["value"].notna(), "measure"].astype(str)) if len(table) else set()
    return {name: MEASURES[name] for name in TELLING if name in present}


def all_measures(run: RunFiles) -> list[tuple[MeasureText, list[dict[str, str]]]]:
    """Every measure with the numbers of all methods, their intervals and notes."""
    table = run.tables["evidence"]
    present = [name for name in dict.fromkeys(_column(run, "measure")) if not info_of(name).is_reference]
    order = [*(name for name in MEASURES if name in present), *(name for name in present if name not in MEASURES)]
    return [
        (
            MEASURES.get(name, MeasureText(name.replace("_", " "), "", "")),
            [_in_full(name, row) for row in table[table["measure"] == name].to_dict("records")],
        )
        for name in order
    ]


def comparison(run: RunFiles) -> list[Row]:
    """The table's lines: the run's own method, the simple ones, then what they are read against."""
    present = dict.fromkeys(_column(run, "method"))
    simple = [name for name in [*METHODS, *present] if name not in (run.method, UNTOUCHED, REAL)]
    order = dict.fromkeys([run.method, *simple, UNTOUCHED, REAL])
    measures, places = telling_measures(run), _places(run)
    grey = uninformative(run.tables["evidence"], run.method)

    def cell(name: str, measure: str) -> Cell:
        found = _cell(run, name, measure)
        place = places.get(measure, "") if name == run.method else ""
        return replace(found, scaled=place, muted=found.muted or measure in grey)

    return [
        Row(
            f"{METHODS.get(name, name)}{' (this run)' if name == run.method else ''}",
            EXPLAINED.get(name, ""),
            {run.method: "own", UNTOUCHED: "untouched", REAL: "ceiling"}.get(name, "simple"),
            [cell(name, measure) for measure in measures],
        )
        for name in order
        if name in present
    ]


def scale_notes(run: RunFiles) -> list[str]:
    """How the scale of the table is read, and which numbers are grey."""
    telling, grey = telling_measures(run), uninformative(run.tables["evidence"], run.method)
    notes = []
    if set(telling) & set(_places(run)):
        notes.append(
            "s: where this run lies between the best simple method (0: a plain shift or the target's mean, whichever "
            "is nearer to real samples) and real samples (1). Above 1 it went past them, which is no merit: a moved "
            "cloud can be smoother than a real one."
        )
    if titles := [text.title for name, text in telling.items() if name in grey]:
        notes.append(
            f"Grey, which cannot tell methods apart here: {listed(titles)}. Even a simple method is as near there as "
            "real samples are to each other."
        )
    return notes


def _places(run: RunFiles) -> dict[str, str]:
    """Where the run lies between the best simple method and real samples, for each measure that can tell."""
    found = relative_scale(run.tables["evidence"], run.method).dropna(subset="s")
    return {str(name): f"s {number(float(s))}" for name, s in zip(found["measure"], found["s"], strict=True)}


def _column(run: RunFiles, name: str) -> list[str]:
    table = run.tables["evidence"]
    return [str(value) for value in table[name]] if name in table else []


def _cell(run: RunFiles, method: str, measure: str) -> Cell:
    row = run.evidence_row(method, measure)
    if row is None or pd.isna(row["value"]):
        lacks = row["status"] if row and row["status"] != Status.OK else ""
        return Cell("–", str(lacks).replace("_", " "), muted=True)
    not_admitted, value = row["status"] == Status.NOT_ADMITTED, float(row["value"])
    below = _interval(measure, row) if measure == "energy_ratio" else ""
    if not_admitted:
        below = "not admitted"
    elif method == REAL and info_of(measure).is_rate and value < LEAST_RECALL:
        below = f"under {percent(LEAST_RECALL)}"
    elif chance := run.evidence(method, by_chance(measure)) if measure == "source_leak" else None:
        below = f"chance {chance['value']:.2g}"  # it depends on how many classes there are
    return Cell(as_shown(measure, value), below, not_admitted)


def as_shown(measure: str, value: float) -> str:
    """A measure's value for people."""
    info = info_of(measure)
    return percent(value) if info.is_rate else number(value, info.digits)


def _interval(measure: str, row: Mapping[Any, Any]) -> str:
    low, high = row.get("low"), row.get("high")
    if pd.isna(low) or pd.isna(high) or high - low < 1e-6:
        return ""
    form = percent if info_of(measure).is_rate else number
    return f"{form(float(low))} to {form(float(high))}"


def _in_full(measure: str, row: Mapping[Any, Any]) -> dict[str, str]:
    name, note = str(row["method"]), row.get("note")
    return {
        "method": METHODS.get(name, name),
        "value": "–" if pd.isna(row["value"]) else as_shown(measure, float(row["value"])),
        "interval": _interval(measure, row),
        "n": number(int(row["n"])) if pd.notna(row.get("n")) else "",
        "note": note if isinstance(note, str) else "",
    }
