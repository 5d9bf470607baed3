"""The evidence as the page shows it: the verdict, the telling measures side by side, and all the rest."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import pandas as pd

from tspg.analysis.evaluation.classifiers import LEAST_RECALL
from tspg.analysis.evaluation.controls import control_text
from tspg.analysis.evaluation.measure import REAL, UNTOUCHED
from tspg.analysis.evaluation.scale import relative_scale, uninformative
from tspg.analysis.evaluation.verdict import QUESTIONS
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


@dataclass(frozen=True)
class Meaning:
    """A measure in plain words: its title, the best value, and what it says."""

    title: str
    best: str
    words: str


# The table on the page holds the most telling ones, those of TELLING; the rest stand below it.
MEASURES = {
    "hit_rate_f": Meaning(
        "Called target by f", "as real", "Share that f calls the target. A generator is trained for it."
    ),
    "hit_rate_logistic": Meaning(
        "by logistic", "as real", "The same by a logistic regression that learned from real training samples only."
    ),
    "hit_rate_forest": Meaning("by forest", "as real", "The same by a random forest."),
    "hit_rate_second_f": Meaning(
        "by a second f", "as real", "The same by f trained with another seed, which the generator was never shown."
    ),
    "energy_ratio": Meaning(
        "Energy ratio", "0", "How far from real target samples, by all genes together: 0 like real ones, 1 not moved."
    ),
    "energy_less_mean_shift": Meaning(
        "Energy beside a shift",
        "below 0",
        "How much nearer to real target samples than a plain shift comes: below 0 is nearer.",
    ),
    "variance_ratio": Meaning(
        "Variance ratio", "1", "How much samples differ among themselves: 1 as real ones do, 0 all are one profile."
    ),
    "gene_correlation": Meaning(
        "Gene correlation",
        "high",
        "Whether genes go up and down together as in the target: 1 they do, 0 not. Few real samples blur their own.",
    ),
    "gene_correlation_at_equal_n": Meaning(
        "Gene correlation at equal n",
        "as real",
        "Whether genes go up and down together as in the target, in as many moved as real samples: few blur it.",
    ),
    "individuality": Meaning(
        "Individuality", "high", "Whether what is high for its class in a sample stays high: 1 all is kept, 0 nothing."
    ),
    "pair_error": Meaning(
        "Error to own counterpart",
        "low",
        "How far moved samples lie from the same person's real target sample: 1 as far as the target's mean does, "
        "below 1 nearer.",
    ),
    "pair_correlation": Meaning(
        "Own residual",
        "high",
        "Whether what sets a moved sample apart from the target's mean is what sets the person's real target sample "
        "apart: 1 the same, 0 nothing of it.",
    ),
    "pair_discrimination": Meaning(
        "Own counterpart nearer",
        "1",
        "Share of other people's real target samples that lie farther from the moved sample than the person's own: "
        "½ by chance.",
    ),
    "pair_top_genes": Meaning(
        "Own top genes",
        "high",
        "Share of the genes that differ most between the person's two real samples that are moved most as well "
        "(a tenth of the genes, at most 100).",
    ),
    "nn_fake": Meaning(
        "NN moved",
        "½",
        "Share of moved samples whose nearest neighbour is a moved one too: about ½ if they mix.",
    ),
    "nn_real": Meaning(
        "NN real",
        "½",
        "The same for real samples. Both sides must be right: high on one hides low on the other.",
    ),
    "source_leak": Meaning(
        "Source leak",
        "chance",
        "How well a classifier tells from the moved profile which class it came from.",
    ),
    "hit_rate_knn": Meaning(
        "Called target by neighbours", "as real", "Share that its five nearest neighbours call the target."
    ),
    "energy_p_value": Meaning(
        "Energy p-value",
        "",
        "Chance of so large a distance between real samples. Any method fails it with enough samples.",
    ),
    "precision": Meaning("Precision", "as real", "Share of moved samples that lie where real ones do."),
    "recall": Meaning("Recall", "as real", "Share of real samples that lie where moved ones do."),
    "density": Meaning("Density", "as real", "How closely real samples surround the moved ones; 1 as real ones do."),
    "coverage": Meaning("Coverage", "as real", "Share of real samples with a moved one close by."),
    "distance_correlation": Meaning(
        "Distance correlation",
        "high",
        "Whether people who differed before still differ after: 0 not at all, 1 likewise.",
    ),
    "train_on_moved": Meaning(
        "Learned from moved",
        "as real",
        "Real samples told right by a classifier that knows the target from moved ones only.",
    ),
    "mean_abs_change": Meaning("Mean change", "", "How far a gene was moved on the scaled axis from 0 to 1."),
    "clipped_fraction": Meaning("Clipped", "as real", "Share of values at the ends of the scaled axis."),
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
    """One number of the table, what stands small below it, and whether it should not be heard."""

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


def verdict_rows(run: RunFiles) -> list[dict[str, Any]]:
    """The six questions with their answers; empty where nothing was measured."""
    return [
        {
            "question": words,
            **_headed(answer),
            **_sign(answer["answer"]),
        }
        | answer
        for name, words in QUESTIONS.items()
        if (answer := run.verdict.get(name))
    ]


def _headed(answer: Mapping[str, Any]) -> dict[str, str]:
    """What was found as the head of the sentence, and its numbers as the rest."""
    head, colon, rest = str(answer["sentence"]).partition(": ")
    return {"head": f"{head}." if colon else "", "rest": rest[:1].upper() + rest[1:] if colon else head}


def controls(run: RunFiles) -> list[dict[str, str]]:
    """What an audit found, control by control; empty where there was none."""
    table = run.tables["controls"]
    return [] if table.empty else [{**asdict(one), **_sign(one.answer)} for one in control_text(table)]


def _sign(answer: str) -> dict[str, str]:
    return {"sign": SIGNS[answer], "css": answer.replace("not tested", "untested")}


def telling_measures(run: RunFiles) -> dict[str, Meaning]:
    """The most telling measures that the run holds."""
    table = run.tables["evidence"]
    present = set(table.loc[table["value"].notna(), "measure"].astype(str)) if len(table) else set()
    return {name: MEASURES[name] for name in TELLING if name in present}


def all_measures(run: RunFiles) -> list[tuple[Meaning, list[dict[str, str]]]]:
    """Every measure with the numbers of all methods, their intervals and notes."""
    table = run.tables["evidence"]
    present = list(dict.fromkeys(_column(run, "measure")))
    order = [*(name for name in MEASURES if name in present), *(name for name in present if name not in MEASURES)]
    return [
        (
            MEASURES.get(name, Meaning(name.replace("_", " "), "", "")),
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
    """What is to be known about the scale of the table: how it is read, and which numbers are grey."""
    telling, grey = telling_measures(run), uninformative(run.tables["evidence"], run.method)
    notes = []
    if set(telling) & set(_places(run)):
        notes.append(
            "s: where this run lies between the best simple method (0: a plain shift or the target's mean, whichever "
            "is nearer to real samples) and real samples (1). Above 1 it went past them, which is no merit: a moved "
            "cloud can be smoother than a real one (docs/evidence.md)."
        )
    if titles := [meaning.title for name, meaning in telling.items() if name in grey]:
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
    found = run.evidence(method, measure)
    if found is None:
        row = run.evidence_row(method, measure)
        return Cell("–", _short_note(row.get("note")) if row else "", muted=True)
    not_admitted = "not admitted" in str(found.get("note"))
    below = _interval(measure, found) if measure == "energy_ratio" else ""
    if method == REAL and measure.startswith("hit_rate") and float(found["value"]) < LEAST_RECALL:
        below = f"under {percent(LEAST_RECALL)}"
    if measure == "source_leak":
        below = str(found.get("note")).partition(" (")[0]  # chance, which depends on how many classes there are
    return Cell(as_shown(measure, float(found["value"])), "not admitted" if not_admitted else below, not_admitted)


def _short_note(note: Any) -> str:
    return str(note) if isinstance(note, str) and len(note) <= 12 else ""


def as_shown(measure: str, value: float) -> str:
    """A measure's value for people."""
    if measure.startswith("hit_rate"):
        return percent(value)
    return number(value, 3 if measure.startswith("energy") else 2)


def _interval(measure: str, found: Mapping[Any, Any]) -> str:
    low, high = found.get("low"), found.get("high")
    if pd.isna(low) or pd.isna(high) or high - low < 1e-6:
        return ""
    ends = [percent(float(end)) if measure.startswith("hit_rate") else number(float(end)) for end in (low, high)]
    return " to ".join(ends)


def _in_full(measure: str, row: Mapping[Any, Any]) -> dict[str, str]:
    name, note = str(row["method"]), row.get("note")
    return {
        "method": METHODS.get(name, name),
        "value": "–" if pd.isna(row["value"]) else as_shown(measure, float(row["value"])),
        "interval": _interval(measure, row),
        "n": number(int(row["n"])) if pd.notna(row.get("n")) else "",
        "note": note if isinstance(note, str) else "",
    }
