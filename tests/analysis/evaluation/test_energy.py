"""Energy distance, ratio and p-value against SciPy, closed forms, and brute force."""

from itertools import combinations, permutations

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import energy_distance as energy_distance_of_scipy

from tspg.analysis.evaluation.distances import CloudPair, pairwise
from tspg.analysis.evaluation.energy import EnergyScale, energy_distance, energy_null, energy_p_value
from tspg.analysis.evaluation.resampling import bootstrap_weights, donor_codes, permuted_rows, permuted_sides


def draws(n, mean=0.0, seed=0, genes=8):
    return np.random.default_rng(seed).normal(mean, 1.0, (n, genes)).astype(np.float32)


@pytest.mark.parametrize("offset", [0.0, 1000.0])
def test_distances_are_those_of_scipy_also_far_from_zero_and_over_several_blocks_of_genes(offset):
    x = np.random.default_rng(0).normal(offset, 1.0, (13, 5000))
    y = np.random.default_rng(1).normal(offset, 1.0, (11, 5000))
    y[3] = x[5]
    np.testing.assert_allclose(pairwise(x, y), cdist(x, y), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(pairwise(x), cdist(x, x), rtol=1e-9, atol=1e-9)
    pair = CloudPair.of(x, y)
    for found, (first, second) in {"within_moved": (x, x), "between": (x, y), "within_real": (y, y)}.items():
        np.testing.assert_allclose(getattr(pair, found), cdist(first, second), rtol=1e-9, atol=1e-9)


def test_close_profiles_keep_their_distance():
    x = draws(1, genes=300)
    assert pairwise(x, x + np.float32(1e-3))[0, 0] == pytest.approx(cdist(x, x + np.float32(1e-3))[0, 0], rel=1e-6)


def test_energy_distance_agrees_with_scipy_in_one_dimension():
    x, y = draws(40, genes=1), draws(30, mean=1.0, seed=1, genes=1)
    # SciPy gives the square root of the biased form; the unbiased one leaves out pairs of a sample with itself
    biased = energy_distance_of_scipy(x[:, 0], y[:, 0]) ** 2
    within = [np.abs(z - z.T).mean() for z in (x.astype(float), y.astype(float))]
    correction = within[0] / (40 - 1) + within[1] / (30 - 1)
    assert energy_distance(x, y) == pytest.approx(biased - correction, rel=1e-6)


def test_energy_distance_by_hand():
    # between: |0-3|, |0-3|, |4-3|, |4-3| -> mean 2; within x: 4; within y: 0
    assert energy_distance(np.array([[0.0], [4.0]]), np.array([[3.0], [3.0]])) == pytest.approx(2 * 2 - 4 - 0)


def test_energy_distance_is_zero_on_average_between_halves_of_one_population():
    values = [energy_distance(draws(20, seed=2 * k), draws(20, seed=2 * k + 1)) for k in range(300)]
    assert abs(np.mean(values)) < 4 * np.std(values) / np.sqrt(300)
    assert min(values) < 0  # unbiased, so sometimes below 0


def test_energy_distance_sees_collapse_that_the_squared_form_misses():
    x, collapsed = draws(200), np.zeros((50, 8), np.float32)
    squared = 2 * (x**2).sum(axis=1).mean() - 2 * x.var(axis=0, ddof=1).sum()  # to a point at the mean: near 0
    assert abs(squared) < 1.0
    assert energy_distance(x, collapsed) > 1.0


def scale_of(sources, real, training, **more):
    return EnergyScale.of(sources, real, training, seed=0, **more)


def ratio_of(scale, moved, real):
    return scale.ratio(scale.excess(CloudPair.of(moved, real)))


SOURCES, REAL, TRAINING = draws(60, mean=2.0), draws(40, seed=1), draws(90, seed=2)


def test_ratio_is_the_quotient_of_energy_distances():
    moved = draws(60, mean=0.5, seed=3)
    e0 = energy_distance(TRAINING, REAL)
    expected = (energy_distance(moved, REAL) - e0) / (energy_distance(SOURCES, REAL) - e0)
    found = ratio_of(scale_of(SOURCES, REAL, TRAINING), moved, REAL)
    assert found.value == pytest.approx(expected, rel=1e-6)
    assert found.n == 60
    assert found.note == ""


def test_untouched_sources_score_one_and_real_ones_zero():
    scale = scale_of(SOURCES, REAL, TRAINING)
    untouched = ratio_of(scale, SOURCES, REAL)
    assert (untouched.value, untouched.low, untouched.high) == pytest.approx((1.0, 1.0, 1.0))
    real = ratio_of(scale, draws(60, seed=4), REAL)
    assert real.low < 0.0 < real.high or abs(real.value) < 0.01
    halves = scale.split_halves()
    assert halves.low < halves.value < halves.high
    assert abs(halves.value) < 0.02


def test_the_interval_of_split_halves_is_that_of_splits_on_the_scale_of_the_ratio():
    scale = scale_of(SOURCES, REAL, TRAINING)
    gap = energy_distance(SOURCES, REAL) - energy_distance(TRAINING, REAL)
    halves = scale.split_halves()
    assert scale.gap == pytest.approx(gap, rel=1e-6)
    assert (halves.low, halves.high) == pytest.approx(tuple(np.quantile(scale.null, [0.025, 0.975]) / gap), rel=1e-6)
    assert halves.value == pytest.approx(scale.null.mean() / gap, rel=1e-6)


def test_collapse_and_half_the_way_are_seen():
    scale = scale_of(SOURCES, REAL, TRAINING)
    collapsed = np.tile(TRAINING.mean(axis=0), (60, 1))
    shifted = SOURCES - 2
    values = [ratio_of(scale, moved, REAL).value for moved in (shifted, (SOURCES + shifted) / 2, collapsed)]
    assert values[0] < 0.03
    assert 0.1 < values[1] < 0.9
    assert values[2] > 0.1


def test_a_paired_difference_is_that_of_the_ratios_and_narrower_than_either():
    sources, real, training = draws(60, 1.0, seed=1), draws(40, seed=2), draws(60, seed=3)
    scale = scale_of(sources, real, training)
    near, far = (scale.excess(CloudPair.of(sources - shift, real)) for shift in (0.9, 0.6))
    found, own, other = scale.difference(near, far), scale.ratio(near), scale.ratio(far)
    assert found.value == pytest.approx(own.value - other.value)
    assert found.low < found.value < found.high < 0
    assert found.high - found.low < other.high - other.low  # what both share is not noise
    same = scale.difference(near, near)
    assert (same.value, same.low, same.high) == (0, 0, 0)


def test_without_training_samples_the_real_ones_are_the_zero():
    moved = draws(60, mean=0.5, seed=3)
    scale = scale_of(SOURCES, REAL, None)
    expected = energy_distance(moved, REAL) / energy_distance(SOURCES, REAL)
    assert ratio_of(scale, moved, REAL).value == pytest.approx(expected, abs=1e-12)
    assert scale.gap == pytest.approx(energy_distance(SOURCES, REAL), abs=1e-12)


def test_pieces_of_the_real_samples_alone_differ_by_chance_as_two_clouds_of_their_size():
    whole, halves = [], []
    for seed in range(60):
        real, other = draws(40, seed=2 * seed), draws(40, seed=2 * seed + 1)
        whole.append(energy_distance(real, other))
        halves.append(EnergyScale.of(SOURCES, real, None, seed=seed, n_boot=20).null.std())
    assert np.mean(halves) == pytest.approx(np.std(whole), rel=0.35)


def test_ratio_is_undefined_where_source_and_target_are_one_population():
    undefined = 0
    for k in range(40):
        scale = EnergyScale.of(*(draws(20, seed=3 * k + j) for j in range(3)), seed=k, n_boot=20)
        undefined += not scale.is_defined
    assert undefined >= 33  # the rule lets 5% of one-sided nulls through, and e0 adds its own noise
    assert scale_of(SOURCES, REAL, TRAINING).is_defined
    same = scale_of(draws(20, seed=5), draws(20, seed=6), draws(20, seed=7))
    found = ratio_of(same, draws(20, seed=8), draws(20, seed=6))
    assert np.isnan(found.value)
    assert (found.status, same.split_halves().status) == ("undefined", "undefined")


def test_few_held_out_targets_are_said_in_words():
    for n, note in {5: "too few", 12: "only 12 held-out target samples; the interval is"}.items():
        real = draws(n, seed=1)
        found = ratio_of(scale_of(SOURCES, real, TRAINING), SOURCES - 2, real)
        assert found.note.startswith(note)
        assert np.isfinite(found.value)
    alone = ratio_of(scale_of(SOURCES, draws(1), draws(1, seed=1)), SOURCES, draws(1))
    assert alone.status == "too_few"


def test_repeated_donors_widen_the_interval():
    """Ten copies of each of six people are six people, not sixty samples."""
    sources, names = np.repeat(draws(6, mean=2.0), 10, axis=0), np.repeat(list("abcdef"), 10)
    alone = ratio_of(scale_of(sources, REAL, TRAINING), sources - 2, REAL)
    grouped = ratio_of(scale_of(sources, REAL, TRAINING, source_groups=names), sources - 2, REAL)
    assert grouped.value == alone.value
    assert grouped.high - grouped.low > 1.5 * (alone.high - alone.low)


def test_bootstrap_draws_whole_donors_and_keeps_the_strata():
    donors = np.array([0, 0, 1, 2, 2, 2, 3])
    weights = bootstrap_weights(
        donors, n_boot=400, rng=np.random.default_rng(0), strata=np.array([0, 0, 0, 1, 1, 1, 1])
    )
    assert (weights[:, 0] == weights[:, 1]).all()
    assert (weights[:, 3] == weights[:, 5]).all()
    assert (weights[:, 0] + weights[:, 2] == 2).all()
    assert (weights[:, 3] + weights[:, 6] == 2).all()
    assert weights[:, 0].mean() == pytest.approx(1.0, abs=0.15)


@pytest.mark.parametrize("n", [3, 2, 5], ids=["equal sides", "two moved", "one real"])
def test_permutation_null_is_that_of_all_relabelings(n):
    x, y = draws(n, mean=1.0, genes=2), draws(6 - n, seed=1, genes=2)
    pooled = np.concatenate([x, y])
    every = [energy_distance(pooled[list(c)], np.delete(pooled, list(c), axis=0)) for c in combinations(range(6), n)]
    observed, null = energy_null(CloudPair.of(x, y), seed=0, n_permutations=2000)
    assert observed == pytest.approx(energy_distance(x, y))
    np.testing.assert_allclose(np.unique(null.round(6)), np.unique(np.round(every, 6)), atol=2e-6)
    exact = np.mean(np.array(every) >= observed - 1e-9)
    if n == 5:
        return  # a single real sample gives no p
    assert energy_p_value(CloudPair.of(x, y), seed=0, n_permutations=2000).value == pytest.approx(exact, abs=0.04)


def test_a_donor_has_one_number_in_all_clouds():
    first, second, third = donor_codes((2, ["x", "y"]), (2, ["y", "z"]), (2, None))
    assert (first.tolist(), second.tolist(), third.tolist()) == ([0, 1], [1, 2], [3, 4])


def test_whole_donors_change_sides():
    donors = np.array([0, 0, 1, 1, 1, 2, 3, 3, 3, 3])  # donor 3 has samples in both clouds
    is_first = np.array([True, True, False, False, False, False, True, True, True, False])
    sides = permuted_sides(donors, is_first, n=300, rng=np.random.default_rng(0))
    assert {tuple(row[[0, 2, 5]]) for row in sides} == set(permutations([True, False, False]))
    assert (sides[:, 0] == sides[:, 1]).all()
    assert (sides[:, [2, 2]] == sides[:, [3, 4]]).all()
    assert (sides[:, 6:].sum(axis=1) == 3).all()
    assert len({tuple(row[6:]) for row in sides}) == 4


def test_the_null_of_the_energy_distance_is_that_of_whole_donors():
    """Four donors of three samples, two on each side: six ways to share them out, and no other energy distance."""
    centres = np.random.default_rng(0).normal(0, 5, (4, 8))
    profiles = np.repeat(centres, 3, axis=0) + np.random.default_rng(1).normal(0, 1, (12, 8))
    donors = np.repeat(list("abcd"), 3)
    pair = CloudPair.of(profiles[:6], profiles[6:], moved_groups=donors[:6], real_groups=donors[6:])
    observed, null = energy_null(pair, seed=0, n_permutations=200)
    ways = [np.isin(donors, list(chosen)) for chosen in ("ab", "ac", "ad")]  # the others are these, sides swapped
    possible = [energy_distance(profiles[first], profiles[~first]) for first in ways]
    assert observed == pytest.approx(possible[0])
    assert {float(value) for value in np.round(null, 9)} == {round(value, 9) for value in possible}


def test_orders_keep_donors_together_and_swap_only_equal_sizes():
    donors = np.array([4, 7, 4, 9, 7, 8])  # two donors of two samples, two of one
    orders = permuted_rows(donors, n=200, rng=np.random.default_rng(0))
    assert {tuple(order) for order in orders} == {
        (0, 1, 2, 3, 4, 5), (1, 0, 4, 3, 2, 5), (0, 1, 2, 5, 4, 3), (1, 0, 4, 5, 2, 3)
    }  # fmt: skip


def test_a_difference_is_found_and_p_is_never_zero():
    found = energy_p_value(CloudPair.of(SOURCES, REAL), seed=0)
    assert found.value == 1 / 1000
    assert energy_p_value(CloudPair.of(SOURCES[:1], REAL), seed=0).status == "too_few"


def test_the_same_seed_gives_the_same_numbers():
    pair = CloudPair.of(SOURCES - 2, REAL)
    first, second = (ratio_of(scale_of(SOURCES, REAL, TRAINING), SOURCES - 2, REAL) for _ in range(2))
    assert first == second
    assert energy_p_value(pair, seed=1) == energy_p_value(pair, seed=1)
