"""Intervals over few people, against Student's t."""

import numpy as np
import pytest
from scipy.stats import t

from tspg.analysis.evaluation.resampling import bootstrap_interval, spread_interval


def test_the_interval_of_a_mean_over_few_people_is_students():
    values = np.array([-1.53, -0.89, -0.49, -0.16, 0.17, 0.47, 0.9, 1.53])  # unevenly apart, so that means are not
    half = t.ppf(0.975, 7) * values.std(ddof=1) / np.sqrt(8)

    def means(weights):
        return weights @ values / weights.sum(axis=1)

    low, high = bootstrap_interval(0.0, np.arange(8), means, seed=0, n_boot=20_000)
    assert high - low == pytest.approx(2 * half, rel=0.025)


def test_replicates_that_are_all_too_large_do_not_shift_the_interval():
    replicates = 5 + np.random.default_rng(0).normal(size=20_000)
    low, high = spread_interval(1.0, replicates, 1000)
    assert (low, high) == pytest.approx((1 - 1.96, 1 + 1.96), abs=0.1)
