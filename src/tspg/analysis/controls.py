"""The controls of an audit in plain words: what is done, what should come of it, and what each number says."""

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
import pandas as pd

from tspg.analysis.thresholds import worst_of
from tspg.analysis.wording import number, percent

Row = Mapping[Hashable, Any]  # of `controls.tsv`


@dataclass(frozen=True)
class Control:
    """A control: its name for people, what should come of it, and words for each number.

    `numbers` are by measure, or by what several measures begin with; `{rest}` is what follows.
    """

    title: str
    asks: str
    numbers: Mapping[str, str]


_LIKE_TARGET = {
    "energy_ratio": "energy ratio {value}",
    "hit_rate_logistic": "logistic regression calls {percent} the target",
}
CONTROLS: Mapping[str, Control] = {
    "source_is_target": Control(
        "target samples moved to the target",
        "they stay as they are",
        {"relative_change": "they change by {percent} of what the run's sources do"},
    ),
    "permuted_labels": Control(
        "labels shuffled",
        "nothing arrives, and no gene comes back",
        {
            "f_accuracy": "f is right for {percent}",
            **_LIKE_TARGET,
            "stability": "the gene lists agree by {value}",
        },
    ),
    "pseudo_target": Control(
        "the target split in two at random",
        "there is nothing to move",
        {
            "energy_ratio_defined": "{percent} of the splits can be told apart",
            "genes_beyond_noise": "{percent} of the genes move beyond noise",
            "relative_change": "the change beyond chance is {percent} of the run's",
        },
    ),
    "planted_drivers": Control(
        "genes moved on purpose",
        "they are found as often as by a mean shift",
        {"precision at ": "{percent} found at {rest}"},
    ),
    "random_gene_sets": Control(
        "random gene sets of the same size",
        "they do worse",
        {"energy_ratio p-value": "by energy ratio p = {value}", "hit_rate p-value": "by hits p = {value}"},
    ),
    "leave_one_class_out": Control("a class left out of training", "it arrives as well", _LIKE_TARGET),
    "technical_column": Control(
        "a technical column as the target",
        "it goes with no class, and cannot be moved to as easily",
        {
            "association": "association {value}",
            "predictable_from_profiles": "{percent} told from profiles",
            "energy_ratio to ": "energy ratio {value} to {rest}",
        },
    ),
    "stability": Control(
        "trained again with other seeds and other samples",
        "the same genes lead: agreement near 1, where 0 is chance",
        {
            "stability, ": "over {rest} the lists agree by {value}",
            "rank_biased_overlap, ": "over {rest} their order by {value}",
            "top_gene_agreement, ": "over {rest} two lists share {percent}",
            "sign_agreement": "{percent} of the fits move a gene the same way",
            "stable_genes": "{percent} of the top genes are stable",
        },
    ),
}


@dataclass(frozen=True)
class Told:
    """One control as people read it: what was done, what should come of it, the worst answer, what was found."""

    title: str
    asks: str
    answer: str
    found: str


def told(controls: pd.DataFrame) -> list[Told]:
    """Every control of `controls.tsv`, in its order."""
    return [
        Told(title_of(name), _known(name).asks, worst_of(row["answer"] for row in rows), together(rows))
        for name, rows in by_control(controls.to_dict("records"))
    ]


def title_of(control: str) -> str:
    """The name of a control for people."""
    return _known(control).title


def _known(control: str) -> Control:
    """The words for a control; its bare name for one of another version."""
    return CONTROLS.get(control) or Control(control.replace("_", " "), "", {})


def by_control(rows: Iterable[Row]) -> Iterator[tuple[str, list[Row]]]:
    """The rows of each control, in their order."""
    for name, own in groupby(rows, key=lambda row: str(row["control"])):
        yield name, list(own)


def together(rows: list[Row]) -> str:
    """What the numbers of one control say; a note that all of them share stands once."""
    notes = [_note(row) for row in rows]
    if len(set(notes)) == 1:
        return _noted("; ".join(map(_number_in_words, rows)), notes[0])
    return "; ".join(_noted(_number_in_words(row), note) for row, note in zip(rows, notes, strict=True))


def _note(row: Row) -> str:
    return row["note"] if isinstance(row["note"], str) else ""


def _noted(words: str, note: str) -> str:
    return f"{words} ({note})" if words and note else words or note


def _number_in_words(row: Row) -> str:
    measure, value = str(row["measure"]), float(row["value"])
    if not np.isfinite(value):  # the note says why
        return ""
    for start, words in _known(str(row["control"])).numbers.items():
        if measure.startswith(start):
            return words.format(value=number(value), percent=percent(value), rest=measure.removeprefix(start))
    return f"{measure.replace('_', ' ')} {number(value)}"
