"""Agreement of gene lists against the papers' definitions, written out by hand."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t

from tspg.audit.stability import Repeats, nogueira_stability, rank_biased_overlap, ranked


def by_definition(selected):
    """Nogueira et al. 2018, Definition 4, gene by gene."""
    m, d = len(selected), len(selected[0])
    mean_length = sum(sum(row) for row in selected) / m
    total = 0.0
    for gene in range(d):
        share = sum(row[gene] for row in selected) / m
        total += m / (m - 1) * share * (1 - share)
    return 1 - (total / d) / (mean_length / d * (1 - mean_length / d))


def test_stability_by_hand():
    selected = np.array([[1, 1, 0, 0], [1, 0, 1, 0]], dtype=bool)
    # s^2 = 0, 1/2, 1/2, 0; mean 1/4; k/d = 1/2; 1 - (1/4)/(1/4) = 0: one of two genes shared is what chance gives
    assert nogueira_stability(selected)[0] == pytest.approx(0.0)


@given(st.integers(0, 1000))
def test_stability_is_the_papers_definition(seed):
    selected = np.random.default_rng(seed).random((4, 9)) < 0.4
    phi, low, high = nogueira_stability(selected)
    if 0 < selected.sum() < selected.size:
        assert phi == pytest.approx(by_definition(selected.tolist()))
        assert low <= phi <= max(high, phi)


def test_identical_lists_are_stable_and_random_ones_are_not():
    same = np.tile(np.arange(50) < 10, (6, 1))
    assert nogueira_stability(same) == pytest.approx((1.0, 1.0, 1.0))
    rng = np.random.default_rng(0)
    random = np.array([rng.permutation(1000) < 20 for _ in range(200)])
    assert abs(nogueira_stability(random)[0]) < 0.005


def test_the_interval_leaves_out_each_fit_in_turn():
    selected = np.random.default_rng(1).random((4, 30)) < 0.3
    without = [by_definition([row for other, row in enumerate(selected.tolist()) if other != fit]) for fit in range(4)]
    width = t.ppf(0.975, 3) * np.sqrt(3 / 4 * sum((phi - np.mean(without)) ** 2 for phi in without))
    phi, low, high = nogueira_stability(selected)
    assert (low, high) == pytest.approx((max(-1 / 3, phi - width), phi + width))
    assert np.isnan(nogueira_stability(selected[:2])[1:]).all()  # two fits have no spread


def test_stability_of_one_list_or_of_none_is_no_number():
    assert math.isnan(nogueira_stability(np.ones((1, 5), dtype=bool))[0])
    assert math.isnan(nogueira_stability(np.zeros((3, 5), dtype=bool))[0])


def test_rank_biased_overlap_by_hand():
    # depth 1: 0 in common, depth 2: 2; p = .5: (1/2 / 1/2) (0 + 1 * 1/4) + 2/2 * 1/4
    assert rank_biased_overlap(["a", "b"], ["b", "a"], p=0.5) == pytest.approx(0.5)
    # a is short: depths 1, 2 agree 1, 1/2; beyond: X_s (d-s)/(s d) at d=2: 1 * 1/(1*2)
    expected = (0.5 / 0.5) * (1 * 0.5 + 0.5 * 0.25 + 0.5 * 0.25) + ((1 - 1) / 2 + 1 / 1) * 0.25
    assert rank_biased_overlap(["a"], ["a", "b"], p=0.5) == pytest.approx(expected)
    assert rank_biased_overlap(["a", "b"], ["a"], p=0.5) == pytest.approx(expected)


def test_rank_biased_overlap_extrapolates_what_the_infinite_sum_gives():
    """Webber et al. 2010, Eq. 30 comes from going on with the last agreement for ever."""
    first, second = list("abcdef"), list("bacfxy")
    p, agreement = 0.9, [len(set(first[:d]) & set(second[:d])) / d for d in range(1, 7)]
    endless = [*agreement, *itertools.repeat(agreement[-1], 2000)]
    total = (1 - p) * sum(share * p**depth for depth, share in enumerate(endless))
    assert rank_biased_overlap(first, second, p) == pytest.approx(total)


def test_rank_biased_overlap_has_its_limits():
    genes = list(range(20))
    assert rank_biased_overlap(genes, genes) == pytest.approx(1.0)
    assert rank_biased_overlap(genes, range(100, 120)) == 0.0
    assert rank_biased_overlap([], []) == 1.0
    assert rank_biased_overlap([], genes) == 0.0
    assert rank_biased_overlap([1, 0, *genes[2:]], genes) < rank_biased_overlap([*genes[:18], 19, 18], genes)


def test_constant_genes_never_rank_and_lists_hold_one_direction():
    change = np.array([0.5, -0.2, 0.9, 0.0, 0.1])
    may_rank = np.array([True, True, False, True, True])
    assert ranked(change, may_rank, 3, "up").tolist() == [0, 4]
    assert ranked(change, may_rank, 3, "down").tolist() == [1]


def test_repeats_count_selection_and_signs():
    fits = [{"a": np.array([0.5, 0.4, -0.1])}, {"a": np.array([0.5, -0.1, -0.3])}]
    repeats = Repeats.of(fits, np.ones(3, dtype=bool), k=1)
    assert repeats.lists == [("a", "up"), ("a", "down")]
    assert repeats.selected(("a", "up")).tolist() == [[True, False, False]] * 2
    assert repeats.selected(("a", "down")).tolist() == [[False, False, True]] * 2
    assert repeats.same_sign("a").tolist() == [1.0, 0.5, 1.0]
    assert repeats.agreement() == 1.0
    assert repeats.overlap() == pytest.approx(1.0)
    assert repeats.averaged(("a", "up")).tolist() == [0]
    assert repeats.by_chance(0.8) == pytest.approx(2 * 3 * (1 / 3) ** 2)


def test_overlap_of_lists_of_different_length_is_that_of_the_paper_by_hand():
    """Webber et al. 2010, Eq. 32, with p = 1/2: (1/2)^2 / 2 for the agreement at depth 2, and as much for the tail."""
    assert rank_biased_overlap(["a"], ["b", "a"], p=0.5) == pytest.approx(0.25)
