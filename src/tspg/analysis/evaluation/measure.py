"""One number of the evidence table, and the facts about each measure that programs need."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

COLUMNS = ["method", "measure", "value", "low", "high", "n", "status", "note"]  # of the evidence table
# What the methods are called that others are read against.
UNTOUCHED, REAL = "untouched_source", "real_target"
MEAN_SHIFT, TARGET_MEAN = "mean_shift", "target_mean"
GAUSSIAN_DRAW, LINEAR_MAP = "gaussian_draw", "linear_map"

EQUAL_SIZE_DRAWS = 20  # random choices of as many samples as the smaller side has
FEWEST_TARGETS = 10  # with fewer held-out target samples a number says more about chance than about the method
COMFORTABLE_TARGETS = 20  # from here on the interval speaks for itself
NARROWEST = 0.005  # an interval that a note mentions; the one of a ratio that is 1 by construction is not


class Status(StrEnum):
    """How far a number of the evidence can be used."""

    OK = "ok"
    TOO_FEW = "too_few"  # samples: there is no number, or it says more about chance than about the method
    UNDEFINED = "undefined"  # there is nothing to compare
    NOT_ADMITTED = "not_admitted"  # the classifier misses too many real samples of the target


@dataclass(frozen=True)
class Measure:
    """One number, its 95% interval, the number of samples behind it, its status, and a note for people.

    `chance` is what the number would be by chance, with its 95% range, where that is known.
    """

    value: float
    low: float = np.nan
    high: float = np.nan
    n: int = 0
    status: Status = Status.OK
    note: str = ""
    chance: "Measure | None" = None

    @classmethod
    def too_few(cls, n: int = 0) -> "Measure":
        """No number, for want of samples."""
        return cls(np.nan, n=n, status=Status.TOO_FEW, note="too few")

    @classmethod
    def undefined(cls, n: int, note: str = "undefined") -> "Measure":
        """No number, since there is nothing to compare."""
        return cls(np.nan, n=n, status=Status.UNDEFINED, note=note)

    @property
    def cells(self) -> tuple[float, float, float, int, str, str]:
        """The cells of its row in the evidence table, from `value` to `note`."""
        return self.value, self.low, self.high, self.n, str(self.status), self.note


@dataclass(frozen=True)
class MeasureInfo:
    """What kind of number a measure is."""

    is_rate: bool = False  # the share of samples that a classifier calls the target
    is_p_value: bool = False
    of_pairs: bool = False  # about people with samples of both classes, of whom a fold holds out few
    needs_targets: bool = False  # a note says where few target samples were held out
    more_is_better: bool = False  # so that a value above that of real samples is no distance from them
    is_reference: bool = False  # what another measure is read against: no measure of a method
    digits: int = 2  # decimals for people


NEAREST, NN_P_VALUE = ("nn_fake", "nn_real"), "nn_p_value"  # the accuracies of either side; p of both at once
_CLASSIFIERS = ("f", "logistic", "knn", "forest", "second_f")


def by_chance(measure: str) -> str:
    """The name of the row that holds what a measure would be by chance."""
    return f"{measure}_by_chance"


MEASURES: Mapping[str, MeasureInfo] = {
    **{f"hit_rate_{name}": MeasureInfo(is_rate=True) for name in _CLASSIFIERS},
    "energy_ratio": MeasureInfo(needs_targets=True, digits=3),
    "energy_less_mean_shift": MeasureInfo(digits=3),
    "energy_p_value": MeasureInfo(is_p_value=True, needs_targets=True, digits=3),
    **dict.fromkeys((*NEAREST, "precision", "recall", "density", "coverage"), MeasureInfo(needs_targets=True)),
    **dict.fromkeys(("gene_correlation", "gene_correlation_at_equal_n"), MeasureInfo(more_is_better=True)),
    **dict.fromkeys(
        ("pair_error", "pair_correlation", "pair_discrimination", "pair_top_genes"), MeasureInfo(of_pairs=True)
    ),
    **dict.fromkeys(map(by_chance, (*NEAREST, "source_leak")), MeasureInfo(is_reference=True)),
    NN_P_VALUE: MeasureInfo(is_p_value=True, is_reference=True),
}


def info_of(measure: str) -> MeasureInfo:
    """What kind of number a measure is; a plain number where nothing else is known of it."""
    return MEASURES.get(measure, MeasureInfo())


def few_targets(n_targets: int, low: float = np.nan, high: float = np.nan) -> tuple[Status, str]:
    """The status and note that the number of held-out target samples calls for; no note where there are enough."""
    if n_targets < FEWEST_TARGETS:
        return Status.TOO_FEW, "too few"
    if n_targets < COMFORTABLE_TARGETS:
        width = f"; the interval is {high - low:.2g} wide" if NARROWEST < high - low < np.inf else ""
        return Status.OK, f"only {n_targets} held-out target samples{width}"
    return Status.OK, ""


def chance_note(chance: Measure, p_value: float) -> str:
    """A nearest-neighbour accuracy by chance, for people."""
    return f"by chance {chance.value:.3f} ({chance.low:.3f} to {chance.high:.3f}), both sides p = {p_value:.2g}"


def as_noted(value: float, form: str = ".3f") -> float:
    """A number as its note gives it: more digits of a permutation null are noise, so they decide nothing either."""
    return float(format(value, form))


def joined_notes(*notes: str) -> str:
    """Several notes as one, without the empty ones."""
    return "; ".join(note for note in notes if note)
