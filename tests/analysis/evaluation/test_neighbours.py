"""Nearest neighbours against scikit-learn, hand-made lines and brute force."""

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from tspg.analysis.evaluation.distances import CloudPair
from tspg.analysis.evaluation.neighbours import nn_two_sample, precision_recall_density_coverage

MEASURES = ["precision", "recall", "density", "coverage"]


def cloud(n, seed, mean=0.0, genes=6):
    return np.random.default_rng(seed).normal(mean, 1.0, (n, genes))


def line(*values):
    return np.array(values, dtype=float)[:, None]


def test_accuracies_are_those_of_scikit_learn_at_equal_numbers():
    moved, real = cloud(40, 0, mean=0.5), cloud(40, 1)
    pooled, side = np.concatenate([moved, real]), np.repeat([True, False], 40)
    nearest = NearestNeighbors(n_neighbors=2).fit(pooled).kneighbors(return_distance=False)[:, 0]
    same = side[nearest] == side
    found = nn_two_sample(CloudPair.of(moved, real), seed=0)
    assert found.fake.value == same[:40].mean()
    assert found.real.value == same[40:].mean()


def test_a_line_by_hand():
    # nearest: 0 -> 1 (moved), 1 -> 0 (moved), 5.1 -> 5 (real); 5 -> 5.1 (moved), 9 -> 9.5, 9.5 -> 9 (real)
    found = nn_two_sample(CloudPair.of(line(0, 1, 5.1), line(5, 9, 9.5)), seed=0)
    assert (found.fake.value, found.real.value) == pytest.approx((2 / 3, 2 / 3))


def test_sides_are_not_averaged():
    """Moved profiles in the middle of a wide cloud: every real one finds a moved one nearest, and so do they."""
    rng = np.random.default_rng(0)
    real, moved = rng.normal(size=(60, 200)), 0.3 * rng.normal(size=(60, 200))
    found = nn_two_sample(CloudPair.of(moved, real), seed=0)
    assert found.fake.value > 0.95
    assert found.real.value < 0.05


def test_unequal_numbers_are_brought_to_equal_ones():
    """Expected accuracy by brute force over many equal-sized subsets; neighbours far down the list must be found."""
    moved, real = cloud(300, 0, mean=0.8), cloud(10, 1)
    rng = np.random.default_rng(5)
    expected = []
    for _ in range(400):
        pooled = np.concatenate([moved[rng.choice(300, 10, replace=False)], real])
        nearest = NearestNeighbors(n_neighbors=1).fit(pooled).kneighbors(return_distance=False)[:, 0]
        same = (nearest < 10) == (np.arange(20) < 10)
        expected.append((same[:10].mean(), same[10:].mean()))
    found = nn_two_sample(CloudPair.of(moved, real), seed=0)
    error = 4 * np.std(expected, axis=0) / np.sqrt(20)
    assert abs(found.fake.value - np.mean(expected, axis=0)[0]) < error[0]
    assert abs(found.real.value - np.mean(expected, axis=0)[1]) < error[1]
    assert found.fake.n == 10


@pytest.mark.parametrize(("n_moved", "n_real", "used"), [(40, 4, 3), (3, 40, 2), (40, 40, 5), (2, 2, 1)])
def test_with_few_profiles_fewer_neighbours_make_the_balls(n_moved, n_real, used):
    moved, real = cloud(n_moved, 0), cloud(n_real, 1)
    found = precision_recall_density_coverage(CloudPair.of(moved, real), k=5)
    radius = [
        NearestNeighbors(n_neighbors=used + 1).fit(side).kneighbors(side)[0][:, -1] for side in (real, moved)
    ]  # the first neighbour of each is itself
    between = np.linalg.norm(moved[:, None] - real[None], axis=2)
    inside_real, inside_moved = between <= radius[0] + 1e-9, between <= radius[1][:, None] + 1e-9
    expected = {
        "precision": inside_real.any(axis=1).mean(),
        "recall": inside_moved.any(axis=0).mean(),
        "density": inside_real.sum(axis=1).mean() / used,
        "coverage": inside_real.any(axis=0).mean(),
    }
    assert {name: measure.value for name, measure in found.items()} == pytest.approx(expected)
    assert all(f"k = {used}" in measure.note for measure in found.values())


def test_one_profile_has_no_neighbour():
    assert np.isnan(precision_recall_density_coverage(CloudPair.of(cloud(1, 0), cloud(9, 1)))["recall"].value)


def test_neighbours_beyond_the_short_list_are_found_all_the_same(monkeypatch):
    pair = CloudPair.of(cloud(60, 0), cloud(5, 1))
    expected = nn_two_sample(pair, seed=0, n_permutations=20)
    monkeypatch.setattr("tspg.analysis.evaluation.neighbours._SHORT_LIST", 1)
    found = nn_two_sample(pair, seed=0, n_permutations=20)
    assert (found.fake, found.real) == (expected.fake, expected.real)
    np.testing.assert_array_equal(found.null, expected.null)


def test_one_population_lies_within_its_null():
    inside = doubtful = 0
    for k in range(100):
        found = nn_two_sample(CloudPair.of(cloud(15, 2 * k), cloud(15, 2 * k + 1)), seed=k, n_permutations=99)
        low, high = np.quantile(found.null[:, 0], [0.025, 0.975])
        inside += low <= found.fake.value <= high
        doubtful += found.p_value < 0.05
    assert inside >= 88
    assert doubtful <= 5 + 3 * np.sqrt(100 * 0.05 * 0.95)  # for both sides together
    assert found.null.mean() == pytest.approx(0.5, abs=0.05)
    assert found.fake.note.startswith("by chance 0.")
    chance = found.fake.chance
    assert (chance.low, chance.high) == pytest.approx(np.quantile(found.null[:, 0], [0.025, 0.975]), abs=1e-3)


def test_copies_of_one_profile_find_each_other():
    real = cloud(20, 0)
    found = nn_two_sample(CloudPair.of(np.repeat(cloud(4, 1), 5, axis=0), real), seed=0)
    assert found.fake.value == 1.0
    assert found.p_value < 0.05


def test_lost_correlation_shows_as_opposite_accuracies():
    """A Gaussian with the right variances but no correlation: moved ones sit where real ones never are."""
    rng = np.random.default_rng(0)
    factors = rng.normal(size=(3, 60))
    real = rng.normal(size=(80, 3)) @ factors + 0.1 * rng.normal(size=(80, 60))
    diagonal = rng.normal(size=(80, 60)) * real.std(axis=0)
    found = nn_two_sample(CloudPair.of(diagonal, real), seed=0)
    assert found.fake.value < 0.15
    assert found.real.value > 0.95
    assert precision_recall_density_coverage(CloudPair.of(diagonal, real))["precision"].value < 0.1


def test_a_single_profile_is_too_few():
    pair = CloudPair.of(cloud(1, 0), cloud(9, 1))
    found = nn_two_sample(pair, seed=0)
    assert (found.fake.status, found.real.status) == ("too_few", "too_few")
    assert found.null.shape == (0, 2)
    assert {measure.status for measure in precision_recall_density_coverage(pair).values()} == {"too_few"}


def test_precision_recall_density_coverage_by_hand():
    # k = 1. Real balls: 0 +- 1, 1 +- 1, 4 +- 3. Moved balls: .5 +- 1.5, 2 +- 1.5, 9 +- 7. The rim belongs to a ball.
    found = precision_recall_density_coverage(CloudPair.of(line(0.5, 2, 9), line(0, 1, 4)), k=1)
    # .5 lies in balls 0 and 1; 2 in 1 (on the rim) and 4; 9 in none
    assert found["precision"].value == pytest.approx(2 / 3)
    assert found["density"].value == pytest.approx((2 + 2 + 0) / 3)
    assert found["coverage"].value == pytest.approx(3 / 3)
    # 0 and 1 lie in the ball of .5, 4 in that of 9
    assert found["recall"].value == pytest.approx(3 / 3)
    assert {measure.note for measure in found.values()} == {"k = 1; too few"}


def test_precision_recall_density_coverage_are_those_of_scikit_learns_neighbours():
    moved, real = cloud(35, 0, mean=0.4), cloud(28, 1)
    k = 5
    radius = NearestNeighbors(n_neighbors=k).fit(real).kneighbors()[0][:, -1]
    counts = np.zeros(35)
    covered = []
    for centre, r in zip(real, radius, strict=True):
        inside = NearestNeighbors(radius=r).fit(moved).radius_neighbors(centre[None], return_distance=False)[0]
        counts[inside] += 1
        covered.append(len(inside) > 0)
    moved_radius = NearestNeighbors(n_neighbors=k).fit(moved).kneighbors()[0][:, -1]
    recalled = (np.linalg.norm(real[:, None] - moved, axis=2) <= moved_radius).any(axis=1)
    found = precision_recall_density_coverage(CloudPair.of(moved, real), k=k)
    expected = [(counts > 0).mean(), recalled.mean(), counts.mean() / k, np.mean(covered)]
    assert [found[name].value for name in MEASURES] == pytest.approx(expected)
    assert found["recall"].note == "k = 5"


def test_few_samples_lower_k():
    assert precision_recall_density_coverage(CloudPair.of(cloud(4, 0), cloud(30, 1)))["recall"].note == "k = 3"


def test_collapse_is_precise_but_covers_nothing():
    real = cloud(40, 0)
    middle = np.tile(real.mean(axis=0), (40, 1))
    found = precision_recall_density_coverage(CloudPair.of(middle, real))
    assert found["precision"].value == 1.0
    assert found["recall"].value == 0.0
