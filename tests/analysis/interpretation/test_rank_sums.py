"""Rank sums against SciPy's Mann-Whitney test and a simulation of genes that go together."""

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.stats import mannwhitneyu

from tspg.analysis.interpretation.rank_sums import RankSums


def test_ranked_p_values_without_correlation_are_those_of_mann_whitney():
    rng = np.random.default_rng(7)
    values = rng.normal(size=(3, 50)).round(1)  # with ties
    members = rng.random((9, 50)) < 0.2
    statistic, p_value = RankSums.of(csr_array(members.astype(np.int32)), values).test()
    for profile, change in enumerate(values):
        for number, inside in enumerate(members):
            expected = mannwhitneyu(change[inside], change[~inside], method="asymptotic")
            assert p_value[profile, number] == pytest.approx(expected.pvalue, rel=1e-9)
            middle = inside.sum() * (~inside).sum() / 2
            assert np.sign(statistic[profile, number]) in (0, np.sign(expected.statistic - middle))


def test_the_variance_of_a_correlated_rank_sum_is_that_of_a_simulation():
    rng = np.random.default_rng(8)
    inside, outside, correlation, repeats = 15, 45, 0.2, 20000
    shared = rng.normal(size=(repeats, 1)) * np.sqrt(correlation)
    members = shared + rng.normal(size=(repeats, inside)) * np.sqrt(1 - correlation)
    others = rng.normal(size=(repeats, outside))
    ranks = np.argsort(np.argsort(np.hstack([members, others]), axis=1), axis=1)[:, :inside].sum(axis=1)
    row = csr_array(np.r_[np.ones(inside), np.zeros(outside)][None].astype(np.int32))
    values = np.r_[np.arange(outside, outside + inside), np.arange(outside)][None].astype(float)  # the largest rank sum
    statistic, _ = RankSums.of(row, values).test(correlation=correlation)
    deviation = (inside * outside / 2 - 0.5) / statistic[0, 0]
    assert deviation == pytest.approx(ranks.std(), rel=0.03)


@pytest.mark.parametrize("correlation", [0.0, 0.01, 0.3])
@pytest.mark.parametrize("sizes", [(3, 4), (1, 5), (6, 2)])
def test_the_variance_is_the_sum_over_all_pairs_of_comparisons(sizes, correlation):
    """Whether a member is above another gene is a coin; two such coins agree by the arc sine of their correlation."""
    inside, outside = sizes
    genes = np.eye(inside + outside)
    genes[:inside, :inside] += correlation * (1 - np.eye(inside))
    differences = [genes_above(inside + outside, i, inside + j) for i in range(inside) for j in range(outside)]
    covariance = np.array(differences) @ genes @ np.array(differences).T  # of members minus others, each of variance 2
    variance = np.arcsin(np.clip(covariance / 2, -1, 1)).sum() / (2 * np.pi)
    row = csr_array(np.r_[np.ones(inside), np.zeros(outside)][None].astype(np.int32))
    values = np.r_[np.arange(outside, outside + inside), np.arange(outside)][None].astype(float)  # the largest rank sum
    statistic, _ = RankSums.of(row, values).test(correlation=correlation)
    assert statistic[0, 0] == pytest.approx((inside * outside / 2 - 0.5) / np.sqrt(variance), rel=1e-9)


def genes_above(n_genes, member, other):
    """The row that takes one gene from another."""
    return np.eye(n_genes)[member] - np.eye(n_genes)[other]
