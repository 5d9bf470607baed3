"""One number of the evidence table, with what it rests on."""

from dataclasses import dataclass

import numpy as np

# What the methods are called that others are read against.
UNTOUCHED, REAL = "untouched_source", "real_target"
MEAN_SHIFT, TARGET_MEAN = "mean_shift", "target_mean"
GAUSSIAN_DRAW, LINEAR_MAP = "gaussian_draw", "linear_map"

EQUAL_SIZE_DRAWS = 20  # random choices of as many samples as the smaller side has
FEWEST_TARGETS = 10  # with fewer held-out target samples a number says more about chance than about the method
COMFORTABLE_TARGETS = 20  # from here on the interval speaks for itself


@dataclass(frozen=True)
class Measure:
    """One number, its 95% interval, how many samples stand behind it, and a word where one is needed."""

    value: float
    low: float = np.nan
    high: float = np.nan
    n: int = 0
    note: str = ""


NARROWEST = 0.005  # an interval that is told; the one of a ratio that is 1 by construction is not


def few_targets_note(n_targets: int, low: float = np.nan, high: float = np.nan) -> str:
    """What has to be said about the number of held-out target samples; empty where there are enough."""
    if n_targets < FEWEST_TARGETS:
        return "too few"
    if n_targets < COMFORTABLE_TARGETS:
        width = f"; the interval is {high - low:.2g} wide" if NARROWEST < high - low < np.inf else ""
        return f"only {n_targets} held-out target samples{width}"
    return ""


def joined_notes(*notes: str) -> str:
    """Several remarks as one, without the empty ones."""
    return "; ".join(note for note in notes if note)
