"""Where a verdict changes: the numbers that were promised. One that moves makes other verdicts of the same data."""

import math

import pytest

from tspg.analysis.evaluation import thresholds
from tspg.analysis.evaluation.thresholds import (
    DOUBTFUL,
    FAIL,
    NOT_TESTED,
    PASS,
    PROBABLY,
    THRESHOLDS,
    Threshold,
    worst_of,
)

PROMISED = {
    "excess_accuracy": (0.05, 0.15),
    "excess_hit_rate": (0.1, 0.3),
    "distance_from_one": (0.15, 0.4),
    "false_stability": (0.2, 0.4),
    "share_defined": (0.15, 0.4),
    "genes_beyond_noise": (0.01, 0.05),
    "relative_change": (0.25, 0.5),
    "cramers_v": (0.3, 0.5),  # Cohen 1988
    "p_value": (0.05, 1.0),
    "unseen_energy_ratio": (0.05, 0.25),
    "unseen_hit_rate": (0.9, 0.7),
    "precision_below_mean_shift": (0.1, 0.3),
    "stability": (0.75, 0.4),  # Nogueira et al. 2018
    "overlap": (0.75, 0.4),
    "sign_agreement": (0.95, 0.8),
    "share_stable": (0.8, 0.4),
}


def test_the_thresholds_are_those_that_were_promised():
    assert {name: (one.good, one.bad) for name, one in THRESHOLDS.items()} == PROMISED
    assert thresholds.SELECTED_OFTEN == 0.8


@pytest.mark.parametrize("name", PROMISED)
def test_each_threshold_looks_the_right_way(name):
    """What is between good and bad is doubtful; a better number than good passes, a worse one than bad fails."""
    good, bad = PROMISED[name]
    step = (bad - good) / 10
    values = (good - step, good, good + step, bad, bad + step)
    assert [THRESHOLDS[name].answer(value) for value in values] == [PASS, PASS, DOUBTFUL, DOUBTFUL, FAIL]
    assert THRESHOLDS[name].answer(math.nan) == NOT_TESTED
    assert Threshold(1, 2).answer(math.inf) == NOT_TESTED


@pytest.mark.parametrize(
    ("value", "low", "high", "answer"),
    [
        (1.0, 0.5, 2.0, PASS),  # up to the limit itself
        (1.0, 0.5, 2.1, PROBABLY),
        (2.1, 1.0, 3.0, DOUBTFUL),
        (3.1, 2.9, 3.2, DOUBTFUL),  # reaches back
        (3.1, 3.05, 3.2, FAIL),
        (1.0, math.nan, math.nan, PASS),
        (3.1, math.nan, math.nan, FAIL),
        (math.nan, 0.0, 9.0, NOT_TESTED),
    ],
)
def test_an_interval_that_crosses_the_limit_weakens_the_answer_either_way(value, low, high, answer):
    assert Threshold(2.0, 3.0).answer_within(value, low, high) == answer
    assert Threshold(-2.0, -3.0, higher=True).answer_within(-value, -high, -low) == answer


def test_answers_have_an_order_from_failure_to_what_was_not_tested():
    order = [FAIL, DOUBTFUL, PROBABLY, PASS, NOT_TESTED]
    assert [worst_of(order[at:]) for at in range(5)] == order


def test_intervals_are_widened_so_that_four_criteria_share_five_percent():
    assert pytest.approx(2.5 / 1.96) == thresholds.BY_CHANCE
    assert pytest.approx(thresholds.BY_CHANCE * math.sqrt(2)) == thresholds.BETWEEN_SAMPLES
