"""The controls of an audit in plain words: what is done, what should come of it, and what each number says."""

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
import pandas as pd

from tspg.analysis.evaluation.thresholds import DOUBTFUL, NOT_TESTED, PASS, SEVERITY, THRESHOLDS, worst_of
from tspg.utils.text import number, percent

Record = Mapping[Hashable, Any]  # a row of `controls.tsv`
_OTHERWISE = {DOUBTFUL: "In doubt", PASS: "As asked", NOT_TESTED: "Not tested"}


@dataclass(frozen=True)
class MeasureText:
    """What a number says, and its limit, by its name in `THRESHOLDS`.

    `{value}` and `{percent}` are the number; `{rest}` is what follows in the name of the measure.
    """

    words: str
    limit: str = ""


@dataclass(frozen=True)
class Control:
    """A control: its name for people, what should come of it, and words for each number.

    The key of a number is its measure; where that ends in a level, size or column, what comes before it.
    """

    title: str
    asks: str
    numbers: Mapping[str, MeasureText]


WORDS: Mapping[str, Control] = {
    "source_is_target": Control(
        "target samples moved to the target",
        "they stay as they are",
        {"relative_change": MeasureText("they change by {percent} of what the run's sources do", "relative_change")},
    ),
    "permuted_labels": Control(
        "labels shuffled",
        "the classifier is at chance, profiles stay about where they were, no gene comes back",
        {
            "f_accuracy": MeasureText("the classifier is right for {percent}"),
            "hit_rate_logistic": MeasureText("logistic regression calls {percent} the target"),
            "energy_ratio": MeasureText("energy ratio {value}"),
            "stability": MeasureText("the gene lists agree by {value} (0: chance, 1: the same)", "false_stability"),
        },
    ),
    "pseudo_target": Control(
        "the target split in two at random",
        "there is nothing to move",
        {
            "energy_ratio_defined": MeasureText("{percent} of the splits can be told apart", "share_defined"),
            "genes_beyond_noise": MeasureText("{percent} of the genes move beyond noise", "genes_beyond_noise"),
            "relative_change": MeasureText("the change beyond chance is {percent} of the run's", "relative_change"),
        },
    ),
    "planted_drivers": Control(
        "genes moved on purpose",
        "they are found as often as by a mean shift",
        {"precision at ": MeasureText("{percent} found at {rest}")},
    ),
    "random_gene_sets": Control(
        "random gene sets of the same size",
        "they do worse",
        {
            "energy_ratio p-value": MeasureText("by energy ratio p = {value}", "p_value"),
            "hit_rate p-value": MeasureText("by hits p = {value}", "p_value"),
        },
    ),
    "leave_one_class_out": Control(
        "a class left out of training",
        "it arrives as well",
        {
            "energy_ratio": MeasureText("energy ratio {value}", "unseen_energy_ratio"),
            "hit_rate_logistic": MeasureText("logistic regression calls {percent} the target", "unseen_hit_rate"),
        },
    ),
    "technical_column": Control(
        "a technical column as the target",
        "it goes with no class, and cannot be moved to as easily",
        {
            "association": MeasureText("association {value}", "cramers_v"),
            "predictable_from_profiles": MeasureText("{percent} told from profiles"),
            "energy_ratio to ": MeasureText("energy ratio {value} to {rest}"),
        },
    ),
    "stability": Control(
        "fitted again with samples drawn anew",
        "the same genes lead",
        {
            "stability, ": MeasureText("over {rest} the lists agree by {value} (0: chance, 1: the same)", "stability"),
            "rank_biased_overlap, ": MeasureText("over {rest} their order by {value}", "overlap"),
            "top_gene_agreement, ": MeasureText("over {rest} two lists share {percent}", "overlap"),
            "sign_agreement": MeasureText("{percent} of the fits move a gene the same way", "sign_agreement"),
            "stable_genes": MeasureText("{percent} of the top genes are stable", "share_stable"),
        },
    ),
}


@dataclass(frozen=True)
class ControlText:
    """One control as people read it: what was done, what should come of it, the worst answer, what was found."""

    title: str
    asks: str
    answer: str
    found: str


def control_text(controls: pd.DataFrame) -> list[ControlText]:
    """Every control of `controls.tsv`, in its order."""
    found = []
    for name, rows in by_control(controls.to_dict("records")):
        parts = [(answer, [row for row in rows if row["answer"] == answer]) for answer in SEVERITY]
        (_, decisive), *others = [(answer, own) for answer, own in parts if own]
        rest = [f"{_OTHERWISE[answer]}: {text_of_rows(own)}" for answer, own in others]
        words, worst = _words(name), worst_of(row["answer"] for row in rows)
        found.append(ControlText(words.title, words.asks, worst, ". ".join([text_of_rows(decisive), *rest])))
    return found


def title_of(control: str) -> str:
    """The name of a control for people."""
    return _words(control).title


def by_control(rows: Iterable[Record]) -> Iterator[tuple[str, list[Record]]]:
    """The rows of each control, in their order."""
    for name, own in groupby(rows, key=lambda row: str(row["control"])):
        yield name, list(own)


def text_of_rows(rows: list[Record]) -> str:
    """What the numbers of one control say; a note that all of them share is given once."""
    texts, notes = [_text(row) for row in rows], [row["note"] if isinstance(row["note"], str) else "" for row in rows]
    if len(rows) == 1 and not np.isfinite(rows[0]["value"]) and notes[0]:
        return notes[0]  # why the control was not carried out
    if len(set(notes)) == 1:
        texts, notes = ["; ".join(texts)], notes[:1]
    return "; ".join(f"{text} ({note})" if note else text for text, note in zip(texts, notes, strict=True))


def _words(control: str) -> Control:
    """The words for a control; its bare name for one of another version."""
    return WORDS.get(control) or Control(control.replace("_", " "), "", {})


def _text(row: Record) -> str:
    measure, value = str(row["measure"]), float(row["value"])
    if not np.isfinite(value):
        return f"{measure.replace('_', ' ')} could not be measured"
    for start, form in _words(str(row["control"])).numbers.items():
        if measure.startswith(start):
            rest = measure.removeprefix(start)
            text = form.words.format(value=number(value), percent=percent(value), rest=rest)
            if row["answer"] == PASS or not form.limit:
                return text
            limit = THRESHOLDS[form.limit]
            good = percent(limit.good) if "{percent}" in form.words else f"{limit.good:g}"
            return f"{text}, {'at least' if limit.higher else 'at most'} {good} asked"
    return f"{measure.replace('_', ' ')} {number(value)}"
