"""Effective numbers of samples behind a share, against survey statistics by hand."""

import numpy as np
import pytest
from scipy.stats import beta, t

from tspg.analysis.evaluation.proportions import clopper_pearson, effective_size, rate_interval, size_behind


def test_without_donors_or_with_one_sample_each_every_sample_counts():
    is_hit = np.arange(20) < 17
    assert effective_size(is_hit) == effective_size(is_hit, [str(number) for number in range(20)]) == 20
    assert rate_interval(is_hit) == clopper_pearson(17, 20)
    assert clopper_pearson(17, 20) == pytest.approx((beta.ppf(0.025, 17, 4), beta.ppf(0.975, 18, 3)))


def test_donors_who_are_hit_as_a_whole_count_once():
    """Ten of each of 6 donors, 4 of them hit: the variance of a share of 6, and that from 5 degrees of freedom."""
    is_hit, groups = np.repeat(np.arange(6) < 4, 10), np.repeat(list("abcdef"), 10)
    variance = (4 * (10 * (1 - 2 / 3)) ** 2 + 2 * (10 * (0 - 2 / 3)) ** 2) * 6 / 5 / 60**2
    expected = (2 / 9) / variance * (t.ppf(0.975, 59) / t.ppf(0.975, 5)) ** 2
    assert effective_size(is_hit, groups) == pytest.approx(expected)
    assert expected < 5
    assert rate_interval(is_hit, groups) == pytest.approx(clopper_pearson(expected * 2 / 3, expected))


def test_where_all_are_hit_each_donor_counts_once():
    assert rate_interval(np.ones(60, dtype=bool), np.repeat(np.arange(12), 5).astype(str)) == clopper_pearson(12, 12)
    assert rate_interval(np.zeros(60, dtype=bool), np.repeat(np.arange(12), 5).astype(str)) == clopper_pearson(0, 12)


def test_donors_alike_to_each_other_are_worth_no_more_than_their_samples():
    is_hit = np.tile([True, False], 30)  # each donor is hit in one of two: less different than chance has it
    assert effective_size(is_hit, np.repeat(np.arange(30), 2).astype(str)) == 60
    assert np.isnan(rate_interval(is_hit[:0])).all()
    assert effective_size(is_hit[:4], list("aaaa")) == 1  # one person says nothing of others


@pytest.mark.parametrize("groups", [None, np.repeat(np.arange(15), 4).astype(str)])
@pytest.mark.parametrize("hits", [0, 13, 48, 60])
def test_the_size_can_be_read_off_the_interval(groups, hits):
    is_hit = np.arange(60) < hits
    size = effective_size(is_hit, groups)
    assert size_behind(hits / 60, *rate_interval(is_hit, groups), 60) == pytest.approx(size, rel=1e-6)
    assert size_behind(0.5, np.nan, np.nan, 60) == 60
