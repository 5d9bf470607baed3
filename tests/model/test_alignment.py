"""Bringing a cohort onto the training cohort's axis: planted Gaussians, offsets, and what is refused."""

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from tspg.errors import UsageError
from tspg.experiment.notes import alignment_note
from tspg.model.alignment import CohortAlignment
from tspg.model.class_spread import ClassMeans, Products

CLASSES = ("a", "b", "c")
GENES = 60


def roots(rng, genes=GENES):
    """A square root of each class's covariance: correlated genes, more in some classes than in others."""
    shared = rng.normal(size=(genes, 3))
    return [np.eye(genes) + 0.25 * (1 + number) * shared @ rng.normal(size=(3, genes)) / 3 for number in range(3)]


class World:
    """Three classes whose means and covariances are known."""

    def __init__(self, seed=0):
        rng = np.random.default_rng(seed)
        self.means, self.roots = rng.normal(5, 2, size=(3, GENES)), roots(rng)

    def draw(self, rng, counts):
        index = np.repeat(np.arange(3), counts)
        noise = rng.normal(size=(len(index), GENES))
        values = self.means[index] + np.stack([self.roots[c] @ z for c, z in zip(index, noise, strict=True)])
        return values.astype(np.float32), index

    def fit(self, rng, counts=(40, 30, 20)):
        values, index = self.draw(rng, counts)
        return CohortAlignment.fit(values, index, CLASSES, np.arange(len(values)))

    def cohort(self, rng, counts=(4, 3, 3)):
        values, index = self.draw(rng, counts)
        return values, np.array(CLASSES, dtype=object)[index]


@pytest.fixture(scope="module")
def world():
    return World()


@pytest.fixture(scope="module")
def alignment(world):
    return world.fit(np.random.default_rng(1))


@pytest.fixture(scope="module")
def many_alignments(world):
    return [world.fit(np.random.default_rng([6, draw]), (30, 20, 15)) for draw in range(40)]


def test_traces_of_products_are_those_of_the_planted_covariances(world):
    """Averaged over many small training sets, each of which knows 6 to 12 samples of 60 genes."""
    truth = [root @ root.T / GENES for root in world.roots]
    expected = [[np.trace(one @ other) for other in truth] for one in truth]
    unit = ClassMeans(world.means, np.ones(GENES), np.ones(3), np.ones(3))
    found = []
    for draw in range(150):
        values, index = world.draw(np.random.default_rng([2, draw]), (12, 8, 6))
        found.append(Products.of(values, index, np.arange(len(values)), unit).products)
    error = np.std(found, axis=0) / np.sqrt(len(found))
    assert (np.abs(np.mean(found, axis=0) - expected) < 4 * error).all()
    np.testing.assert_allclose(np.mean(found, axis=0), expected, rtol=0.15)


def test_mean_variance_and_limit_are_those_of_many_cohorts(world):
    alignment, counts = world.fit(np.random.default_rng(3), (400, 300, 200)), (5, 3, 2)
    sizes = []
    for draw in range(700):
        values, names = world.cohort(np.random.default_rng([4, draw]), counts)
        aligned = alignment.align(values, names)
        sizes.append(aligned.size)
    mean, variance = alignment.moments(np.array(counts))
    assert mean == pytest.approx(np.mean(sizes), rel=0.04)
    assert variance == pytest.approx(np.var(sizes), rel=0.2)
    assert aligned.limit == pytest.approx(np.quantile(sizes, 0.95), rel=0.06)


def test_the_error_of_small_training_classes_counts():
    """One class, one gene pattern: s = |mean of n - mean of m|^2 / G has the mean 1 / n + 1 / m."""
    rng = np.random.default_rng(5)
    values = rng.normal(size=(24, 4000)).astype(np.float32)
    alignment = CohortAlignment.fit(values, np.repeat([0, 1], 12), ("a", "b"), np.arange(24))
    mean, variance = alignment.moments(np.array([6, 0]))
    # The spread is learned from 22 degrees of freedom: E(1 / chi^2) makes it 22 / 20 for others; more for the floor.
    assert mean == pytest.approx((1 / 6 + 1 / 12) * 22 / 20, rel=0.03)
    assert variance == pytest.approx(2 * mean**2 / 4000, rel=0.35)


@pytest.mark.parametrize("counts", [(2, 2, 1), (10, 0, 0), (12, 10, 8)])
def test_a_cohort_of_the_same_kind_is_rarely_aligned(world, many_alignments, counts):
    """At 5 % of 400 cohorts, 2.3 to 8 % are expected with probability .99."""
    rng = np.random.default_rng(6)
    alarms = [
        alignment.align(*world.cohort(rng, counts)).weight > 0 for alignment in many_alignments for _ in range(10)
    ]
    assert 0.02 <= np.mean(alarms) <= 0.08


def test_donors_with_several_samples_count_once_each(world):
    """Copies of a sample tell nothing new: what is learned from them is what the samples alone tell."""
    values, index = world.draw(np.random.default_rng(7), (12, 9, 8))
    donors = np.arange(len(values))
    once = CohortAlignment.fit(values, index, CLASSES, donors)
    twice = CohortAlignment.fit(np.repeat(values, 2, axis=0), np.repeat(index, 2), CLASSES, np.repeat(donors, 2))
    for name, array in once.arrays().items():
        np.testing.assert_allclose(twice.arrays()[name], array, rtol=1e-4, atol=1e-6)


def test_a_class_of_one_donor_tells_nothing_of_the_spread():
    rng = np.random.default_rng(12)
    values, repeats = rng.normal(size=(30, GENES)), 5 + 10 * rng.normal(size=(4, GENES))
    index, donors = np.repeat([0, 1], [30, 4]), np.minimum(np.arange(34), 30)
    found = ClassMeans.of(np.vstack([values, repeats]), index, donors, 2)
    np.testing.assert_allclose(found.sigma, ClassMeans.of(values, index[:30], donors[:30], 1).sigma)
    assert (found.trace[1], found.error[1]) == (1, 1)  # as all together do


def test_training_means_of_the_same_people_share_their_errors():
    """A person's own level is in both classes: the means' errors have the covariance (variance of level) / people."""
    rng = np.random.default_rng(8)
    level = rng.normal(size=(50, 3000))
    values = np.concatenate([level + rng.normal(size=level.shape) for _ in range(2)]).astype(np.float32)
    people = np.tile(np.arange(50), 2)
    together = CohortAlignment.fit(values, np.repeat([0, 1], 50), ("a", "b"), people)
    apart = CohortAlignment.fit(values, np.repeat([0, 1], 50), ("a", "b"), np.arange(100))
    assert together.errors[0, 1] / together.errors[0, 0] == pytest.approx(0.5, abs=0.05)
    assert apart.errors[0, 1] == 0
    assert together.products[0, 1] < 1e-3  # 1 / 3000; with pairs of a person and herself .25 / 50 more
    mixed = np.array([5, 5])
    assert together.moments(mixed)[0] - apart.moments(mixed)[0] == pytest.approx(0.25 / 50, rel=0.2)


def test_a_planted_offset_is_removed(world, alignment):
    rng = np.random.default_rng(9)
    values, names = world.cohort(rng, (12, 10, 8))
    offset = rng.normal(0, 3, GENES) * alignment.sigma
    aligned = alignment.align(values + offset.astype(np.float32), names)
    left = (aligned.values - values).mean(axis=0)
    assert (left**2).sum() < 0.1 * (offset**2).sum()
    assert 0.9 < aligned.weight < 1
    assert aligned.p_value < 1e-6


def test_the_weight_is_the_part_of_the_difference_that_chance_does_not_explain(alignment):
    """By hand: s of five samples that all lie three standard deviations above their class means is 9."""
    names = np.array(["a", "a", "b", "b", "c"], dtype=object)
    values = (alignment.means[[0, 0, 1, 1, 2]] + 3 * alignment.sigma).astype(np.float32)
    aligned = alignment.align(values, names)
    assert aligned.size == pytest.approx(9, rel=1e-5)
    assert aligned.weight == pytest.approx(1 - aligned.expected / 9, rel=1e-5)
    left = alignment.means[[0, 0, 1, 1, 2]] + aligned.expected / 3 * alignment.sigma
    np.testing.assert_allclose(aligned.values, left, rtol=1e-4)


def test_what_is_within_chance_stays_bit_for_bit(alignment):
    names = np.array(["a", "b", "c"] * 2, dtype=object)
    values = alignment.means[[0, 1, 2] * 2].astype(np.float32)
    before = values.tobytes()
    aligned = alignment.align(values, names)
    assert aligned.weight == 0
    assert aligned.size < aligned.limit
    assert aligned.values.tobytes() == before == values.tobytes()


def test_the_order_of_samples_changes_nothing(world, alignment):
    values, names = world.cohort(np.random.default_rng(10))
    values += np.float32(2)
    order = np.random.default_rng(11).permutation(len(values))
    one, other = alignment.align(values, names), alignment.align(values[order], names[order])
    assert other.weight == pytest.approx(one.weight, rel=1e-6)
    np.testing.assert_allclose(other.values, one.values[order], rtol=1e-5)


def test_genes_that_do_not_vary_in_training_stay_and_do_not_count(world):
    values, index = world.draw(np.random.default_rng(12), (10, 10, 10))
    constant = np.column_stack([values, np.full(30, 7.0, np.float32)])
    with_constant = CohortAlignment.fit(constant, index, CLASSES, np.arange(30))
    cohort, names = world.cohort(np.random.default_rng(13))
    aligned = with_constant.align(np.column_stack([cohort + 3, np.full(10, 99.0, np.float32)]), names)
    assert (aligned.values[:, -1] == 99).all()
    assert aligned.size == pytest.approx(
        CohortAlignment.fit(values, index, CLASSES, np.arange(30)).align(cohort + 3, names).size, rel=1e-6
    )


def test_classes_of_one_sample_spread_as_all_together(world):
    values, index = world.draw(np.random.default_rng(14), (20, 15, 1))
    alignment = CohortAlignment.fit(values, index, CLASSES, np.arange(36))
    mean, variance = alignment.moments(np.array([0, 0, 6]))
    assert mean == pytest.approx(1 + 1 / 6, rel=0.25)  # its own mean is one sample's
    assert 0 < variance < np.inf


def test_a_class_whose_samples_are_all_alike_allows_no_difference_by_chance(world):
    values, index = world.draw(np.random.default_rng(20), (10, 10, 0))
    values[index == 1] = values[index == 1][0]
    alignment = CohortAlignment.fit(values, index, CLASSES[:2], np.arange(20))
    same = np.repeat(values[index == 1][:1], 5, axis=0)
    assert alignment.align(same, ["b"] * 5).weight == 0
    assert alignment.align(same + 1, ["b"] * 5).weight == 1


def test_it_is_stored_and_loaded(world, alignment, tmp_path):
    values, names = world.cohort(np.random.default_rng(15))
    save_file(alignment.arrays(), tmp_path / "alignment.safetensors")
    loaded = CohortAlignment.from_arrays(load_file(tmp_path / "alignment.safetensors"), CLASSES)
    one, other = alignment.align(values + 2, names), loaded.align(values + 2, names)
    assert (other.weight, other.limit) == pytest.approx((one.weight, one.limit), rel=1e-5)
    np.testing.assert_allclose(other.values, one.values, atol=1e-4)
    assert all(array.dtype == np.float32 for array in alignment.arrays().values())


def test_the_same_samples_teach_the_same_bytes(world):
    one, other = (world.fit(np.random.default_rng(16)).arrays() for _ in range(2))
    assert all(one[name].tobytes() == other[name].tobytes() for name in one)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a"] * 4, "A cohort of 4 cannot be aligned; 5 samples or more"),
        ([""] * 6, "class by class, and the samples have no class. Give the class of each: label_column"),
        (["a"] * 5 + [""], "1 samples have no class"),
        (["a"] * 5 + ["new"], "does not know: 'new'.*Leave its samples out; the model knows 'a', 'b', 'c'"),
    ],
)
def test_a_cohort_that_cannot_be_aligned_is_refused(alignment, names, message):
    with pytest.raises(UsageError, match=message):
        alignment.align(np.zeros((len(names), GENES), np.float32), names)


def test_nothing_is_learned_from_classes_of_three_donors(world):
    values, index = world.draw(np.random.default_rng(17), (3, 3, 3))
    assert CohortAlignment.fit(values, index, CLASSES, np.arange(9)) is None


def test_words_say_what_was_removed_and_what_that_costs(world, alignment):
    values, names = world.cohort(np.random.default_rng(19))
    note = alignment_note(alignment.align(values + np.float32(8), names).facts)
    assert note.startswith("The cohort of 10 samples was aligned: 99% of its mean difference")
    assert "Real differences of this cohort are removed too" in note
    names, values = np.array(list("abcabc"), dtype=object), alignment.means[[0, 1, 2] * 2].astype(np.float32)
    note = alignment_note(alignment.align(values, names).facts)
    assert note.startswith("The cohort of 6 samples was left as it is")
