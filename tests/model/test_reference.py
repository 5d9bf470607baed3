"""What a class is like, gene by gene, against planted genes, simulated people with a known truth, and SciPy."""

import numpy as np
import pytest
from scipy.stats import false_discovery_control, percentileofscore
from scipy.stats import t as student

from tspg.model import residuals as module
from tspg.model.expectation import Expectation, counterparts, paired_slopes
from tspg.model.reference import ClassReference, SampleReference, class_references
from tspg.model.residuals import Tail, cross_fitted, profile_spread

GENES = 400


class People:
    """A class in which genes go along with five hidden factors, and each donor has a level of its own."""

    def __init__(self, seed=0, genes=GENES, factors=5, heavy=False):
        self.rng = np.random.default_rng(seed)
        self.loadings = self.rng.normal(0, 0.8, (factors, genes))
        self.center, self.scale = self.rng.normal(8, 2, genes), self.rng.uniform(0.2, 2, genes)
        self.heavy = heavy

    def draw(self, donors, each=1):
        """Samples of new donors, and the donor of each."""
        n, (factors, genes) = donors * each, self.loadings.shape
        of_donor = np.repeat(np.arange(donors), each)
        of_donor_alone = 0.5 * self.rng.normal(size=(donors, genes))[of_donor]
        own = self.rng.standard_t(5, (n, genes)) if self.heavy else self.rng.normal(size=(n, genes))
        standard = self.rng.normal(size=(donors, factors))[of_donor] @ self.loadings + of_donor_alone + own
        return self.center + self.scale * standard, of_donor


def fitted(people, donors, each=1):
    return ClassReference.fit(*people.draw(donors, each), seed=3)


# one person's unusual genes


def test_a_gene_that_goes_against_the_rest_of_the_profile_is_found_where_its_value_is_not_unusual():
    people = People()
    reference, values = fitted(people, 100), people.draw(60)[0]
    genes = np.arange(60) * 6
    values[np.arange(60), genes] += 6 * people.scale[genes]
    z = np.abs(reference.residual_z(values))
    plain = np.abs((values - reference.center) / reference.unit)
    assert (z.argmax(axis=1) == genes).mean() > 0.8
    assert (plain.argmax(axis=1) == genes).mean() < 0.6


@pytest.mark.parametrize(
    ("donors", "each", "heavy", "most"),
    [(100, 1, False, 0.002), (60, 1, True, 0.002), (30, 3, True, 0.002), (28, 1, False, 0.002), (9, 1, False, 0.003)],
)
def test_p_values_of_held_out_people_are_calibrated(donors, each, heavy, most):
    shares = []
    for seed in range(6):  # classes differ where they are small
        people = People(seed=100 * donors + seed, heavy=heavy)
        reference, values = fitted(people, donors, each), people.draw(150)[0]
        p = reference.tail.p_value(reference.residual_z(values))
        called = false_discovery_control(p, axis=1) < 0.05
        shares.append([(p < 0.05).mean(), (p < 0.001).mean(), called.sum(axis=1).mean()])
    body, tail, calls = np.mean(shares, axis=0)
    assert 0.04 < body < 0.065
    assert 0.0005 < tail < most
    assert calls < 1


def test_p_values_of_few_genes_are_calibrated():
    shares = []
    for seed in range(30):  # too few genes to tell a person's own spread from: each fit must be honest by itself
        people = People(seed=seed, genes=60, factors=1)
        reference, values = fitted(people, 8), people.draw(150)[0]
        shares.append((reference.tail.p_value(reference.residual_z(values)) < 0.05).mean())
    assert 0.04 < np.mean(shares) < 0.065


def test_a_noisy_profile_has_no_crowd_of_unusual_genes():
    people = People()
    reference, values = fitted(people, 100), people.draw(20)[0]
    noisy = values + people.rng.normal(0, 3, values.shape) * people.scale
    p = reference.tail.p_value(reference.residual_z(noisy))
    assert (p < 0.05).mean() < 0.08


def test_what_few_genes_tell_is_not_divided_by_a_spread_of_their_own():
    few, many = np.full((2, 99), 3.0), np.full((2, 100), 3.0)
    np.testing.assert_array_equal(profile_spread(few), np.ones((2, 1)))
    np.testing.assert_allclose(profile_spread(many), 3 / student(1e9).ppf(0.75), rtol=1e-3)
    np.testing.assert_array_equal(profile_spread(np.zeros((2, 100))), np.ones((2, 1)))


@pytest.mark.parametrize(("df", "scale"), [(3, 0.7), (8, 1.2), (30, 1.0)])
def test_the_tail_is_that_of_the_students_t_that_residuals_follow(df, scale):
    residuals = scale * student(df).ppf((np.arange(1_000_000) + 0.5) / 1_000_000)
    tail = Tail.fit(residuals)
    assert tail.df == pytest.approx(df, rel=0.01)
    assert tail.scale == pytest.approx(scale, rel=0.005)
    assert tail.half_width == pytest.approx(scale * student(df).ppf(0.975), rel=0.005)
    np.testing.assert_allclose(tail.p_value(np.array([0.0, 2.0])), [1, 2 * student(df).sf(2 / scale)], rtol=0.02)


def test_tails_beyond_reason_are_held():
    assert Tail.fit(np.zeros(100)) == Tail()
    assert Tail.fit(np.sign(np.arange(-500, 500) + 0.5)).df == module.MOST_DF  # thinner than normal
    assert Tail.fit(np.random.default_rng(0).standard_cauchy(200_000)).df == module.LEAST_DF


# what is kept


def samples_of(values, names, donors):
    """The samples of a class and the donor of each, by its name."""
    return lambda name: (values[names == name].astype(np.float64), donors[names == name])


def test_classes_of_less_than_five_samples_are_missing():
    values, donors = People(genes=120).draw(12)
    names = np.array(["four"] * 4 + ["five"] * 5 + ["three"] * 3, dtype=object)
    assert list(class_references(samples_of(values, names, donors), sorted(set(names)), seed=0)) == ["five"]


@pytest.mark.parametrize(("n", "k"), [(5, 0), (19, 0), (20, 5), (41, 10), (80, 20), (120, 20)])
def test_how_many_components_a_class_has(n, k):
    assert fitted(People(), n).components.shape == (k, GENES)


def test_without_components_a_value_is_held_against_the_class_mean():
    people = People()
    (values, donors), new = people.draw(12), people.draw(7)[0]
    found = ClassReference.fit(values, donors, seed=0).residual_z(new)
    z = (new - values.mean(axis=0)) / values.std(axis=0, ddof=1)
    assert np.corrcoef(found.ravel(), z.ravel())[0, 1] > 0.9


def test_no_profile_is_kept():
    values, donors = People().draw(20)
    reference = ClassReference.fit(values, donors, seed=0)
    standard = (values - values.mean(axis=0)) / values.std(axis=0, ddof=1)
    standard /= np.linalg.norm(standard, axis=1, keepdims=True)
    rows = [np.atleast_2d(array) for array in reference.arrays().values() if array.shape[-1:] == (GENES,)]
    kept = np.vstack([row / np.linalg.norm(row, axis=1, keepdims=True) for row in map(np.float64, rows)])
    assert np.abs(kept @ standard.T).max() < 0.9
    along = ((standard @ reference.components.T.astype(float)) ** 2).sum(axis=1)
    assert along.max() < 0.9  # nor do all components together give one back


def test_components_are_those_of_numpy():
    values, donors = People(genes=60).draw(40)
    reference = ClassReference.fit(values, donors, seed=0)
    standard = (values - reference.center) / reference.unit
    expected = np.linalg.svd(standard, full_matrices=False)[2][:10]
    np.testing.assert_allclose(np.abs((reference.components * expected).sum(axis=1)), 1, atol=2e-3)


def test_a_class_that_varies_along_two_directions_has_two_components():
    rng = np.random.default_rng(0)
    values = 8 + rng.normal(size=(30, 2)) @ rng.normal(size=(2, 50))
    assert ClassReference.fit(values, np.arange(30), seed=0).components.shape == (2, 50)


def test_a_class_answers_alike_after_it_was_stored():
    people = People()
    reference, new = fitted(people, 50), people.draw(9)[0]
    again = ClassReference.from_arrays(reference.arrays())
    np.testing.assert_array_equal(again.residual_z(new), reference.residual_z(new))
    np.testing.assert_array_equal(again.percentile(new), reference.percentile(new))
    assert (again.n_donors, again.tail) == (reference.n_donors, reference.tail)


def test_everything_answers_alike_after_it_was_stored():
    study = Pairs(40)
    again = SampleReference.from_arrays(study.reference.arrays(["b.t", "a.s"]), ["b.t", "a.s"], "b.t")
    assert list(again.classes) == ["a.s", "b.t"]
    for name in ("a.s", "b.t"):
        one, other = study.reference.expectation(name), again.expectation(name)
        np.testing.assert_array_equal(one.slope, other.slope)
        np.testing.assert_array_equal(one.sd, other.sd)
        assert (one.tail, one.n_pairs) == (other.tail, other.n_pairs)
        np.testing.assert_array_equal(again.classes[name].center, study.reference.classes[name].center)


def test_genes_that_do_not_vary_have_no_z_and_no_percentile():
    values, donors = People().draw(30)
    values[:, 4] = 2.0
    reference = ClassReference.fit(values, donors, seed=0)
    for found in (reference.residual_z(values), reference.percentile(values)):
        assert np.isnan(found[:, 4]).all()
        assert np.isfinite(np.delete(found, 4, axis=1)).all()


def test_equal_samples_can_be_learned_from():
    reference = ClassReference.fit(np.full((6, 3), 2.0), np.arange(6), seed=0)
    assert np.isnan(reference.residual_z(np.ones((1, 3)))).all()
    assert (Expectation.of_target(np.full((6, 3), 2.0), np.arange(6), seed=0).sd == 0).all()


def test_many_samples_of_few_donors_are_no_class_and_of_some_have_no_components():
    people = People(genes=120)
    for donors, known, k in ((4, 0, 0), (5, 1, 0), (7, 1, 0), (8, 1, 10)):
        values, of_donor = people.draw(donors, each=40 // donors)
        found = class_references(samples_of(values, np.array(["x"] * len(values)), of_donor), ["x"], seed=0)
        assert len(found) == known
        assert [len(one.components) for one in found.values()] in ([], [k], [k - 1])
        assert [one.n_donors for one in found.values()] in ([], [donors])


@pytest.mark.parametrize("n", [5, 6, 8, 12])
def test_p_comes_true_in_classes_of_few_samples_too(n):
    """New samples of independent normal genes: .001 came five times too often where a fit had seen the sample."""
    shares = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        reference = ClassReference.fit(rng.normal(8, 1, (n, 500)), np.arange(n), seed=seed)
        p = reference.tail.p_value(reference.residual_z(rng.normal(8, 1, (50, 500))))
        shares.append([(p < 0.05).mean(), (p < 0.001).mean()])
    body, tail = np.mean(shares, axis=0)
    assert 0.025 < body < 0.075
    assert tail < 0.002


# percentiles


def test_percentiles_are_those_of_scipy():
    people = People(genes=80)
    (values, donors), new = people.draw(150), people.draw(12)[0]
    found = ClassReference.fit(values, donors, seed=0).percentile(new)
    for row in range(12):
        for gene in range(80):
            expected = percentileofscore(values[:, gene], new[row, gene], kind="mean")
            assert found[row, gene] == pytest.approx(expected, abs=5)


def test_the_percentile_of_equal_values_is_their_middle():
    values = np.tile(np.arange(200.0)[:, None], (1, 3))
    values[:80, 0] = 0.0  # 0 to 40
    values[60:120, 1] = 90.0  # 30 to 60
    values[150:, 2] = 150.0  # 75 to 100
    found = ClassReference.fit(values, np.arange(200), seed=0).percentile(np.array([[0.0, 90.0, 150.0]]))[0]
    for gene, value in enumerate([0.0, 90.0, 150.0]):
        assert found[gene] == pytest.approx(percentileofscore(values[:, gene], value, kind="mean"), abs=2.6)


def test_percentiles_rise_with_the_value_and_end_at_0_and_100():
    values = np.random.default_rng(0).normal(size=(60, 1))
    reference = ClassReference.fit(values, np.arange(60), seed=0)
    found = reference.percentile(np.linspace(-9, 9, 500)[:, None])[:, 0]
    assert (np.diff(found) >= 0).all()
    assert (found[0], found[-1]) == (0, 100)


# what is expected in the target class


class Pairs:
    """Donors with a sample of a.s and one of b.t, which keeps `slope` of what is special about them."""

    def __init__(self, donors, slope=0.4, seed=0):
        self.rng = np.random.default_rng(seed)
        self.source, self.target = self.rng.normal(8, 2, (2, GENES))
        self.slope, self.scale = slope, self.rng.uniform(0.2, 2, GENES)
        before, after = self.people(donors)
        self.values = np.vstack([before, after]).astype(np.float32)
        self.names = np.repeat(np.array(["a.s", "b.t"], dtype=object), donors)
        self.donors = np.tile(np.arange(donors), 2)
        of_class = samples_of(self.values, self.names, self.donors)
        classes = class_references(of_class, ["a.s", "b.t"], seed=1)
        self.reference = SampleReference.fit(of_class, "b.t", classes, seed=1)

    def people(self, n):
        """Deviating samples of new donors before and after."""
        before = self.rng.normal(size=(n, GENES)) * self.scale
        after = self.slope * before + 0.7 * self.rng.normal(size=(n, GENES)) * self.scale
        return self.source + before, self.target + after


@pytest.mark.parametrize("donors", [10, 40])
@pytest.mark.parametrize("name", ["a.s", "b.t"])
def test_the_interval_holds_95_percent_of_new_people(donors, name):
    study = Pairs(donors, seed=donors)
    before, after = study.people(300)
    found = study.reference.expectation(name)
    kept = found.slope * (before - study.reference.classes[name].center) if found.n_pairs else 0
    left = after - study.reference.classes["b.t"].center - kept
    assert 0.93 < (np.abs(left) < found.sd * found.tail.half_width).mean() < 0.97
    assert found.n_pairs == (donors if name == "a.s" else 0)


def test_the_slope_of_people_is_found_and_narrows_the_interval():
    study = Pairs(40, slope=0.9)
    paired, plain = (study.reference.expectation(name) for name in ("a.s", "b.t"))
    assert paired.slope.mean() == pytest.approx(0.9, abs=0.03)
    assert (plain.slope == 0).all()
    assert np.median(paired.sd / plain.sd) < 0.75


def test_the_slope_of_few_people_is_not_biased():
    slopes = [Pairs(8, slope=0.9, seed=seed).reference.expectation("a.s").slope.mean() for seed in range(8)]
    assert np.mean(slopes) == pytest.approx(0.9, abs=0.05)


def test_fewer_than_eight_donors_with_both_teach_no_slope():
    assert Pairs(8).reference.expectation("a.s").n_pairs == 8
    seven = Pairs(7).reference
    assert seven.expectation("a.s") is seven.expectations["b.t"]


def test_nothing_is_expected_of_a_target_that_is_too_small():
    values, donors = People().draw(10)
    names = np.array(["s"] * 7 + ["t"] * 3, dtype=object)
    of_class = samples_of(values, names, donors)
    found = SampleReference.fit(of_class, "t", class_references(of_class, ["s", "t"], seed=0), seed=0)
    assert found.expectation("s") is None


@pytest.mark.parametrize("spread", [0.0, 0.5])
def test_slopes_are_shrunk_as_far_as_genes_are_alike(spread):
    rng = np.random.default_rng(4)
    true = 0.3 + spread * rng.normal(size=2000)
    before = rng.normal(size=(15, 2000))
    after = true * before + rng.normal(size=(15, 2000))
    own = (before * after).sum(axis=0) / (before**2).sum(axis=0)
    found = paired_slopes(before, after, np.arange(15))
    assert found.mean() == pytest.approx(0.3, abs=0.04)
    error = np.mean((found - true) ** 2)
    assert error < 0.85 * np.mean((own - true) ** 2)
    assert error < max(0.85 * np.mean((0.3 - true) ** 2), 0.002)


def test_donors_count_alike_however_many_samples_they_give():
    rng = np.random.default_rng(5)
    before, after = rng.normal(size=(2, 12, 30))
    again = np.repeat(np.arange(12), np.arange(12) % 4 + 1)
    np.testing.assert_allclose(
        paired_slopes(before[again], after[again], again), paired_slopes(before, after, np.arange(12))
    )


def test_genes_without_anything_to_learn_from_have_no_slope():
    before, after = np.random.default_rng(6).normal(size=(2, 10, 5))
    before[:, 2] = 0
    assert paired_slopes(before, after, np.arange(10))[2] == 0
    assert (paired_slopes(0 * before, after, np.arange(10)) == 0).all()
    assert np.isfinite(paired_slopes(before, 0 * after, np.arange(10))).all()


def test_counterparts_are_the_mean_of_a_donors_target_samples():
    values = np.arange(12, dtype=np.float32).reshape(6, 2)
    is_source, is_target = np.array([1, 1, 0, 0, 0, 1], bool), np.array([0, 0, 1, 1, 1, 0], bool)
    rows, own = counterparts(values, is_source, is_target, np.array([3, 9, 3, 3, 8, 3]))
    assert rows.tolist() == [0, 5]
    np.testing.assert_array_equal(own, [[5, 6], [5, 6]])
    rows, own = counterparts(values, is_source, is_target, np.arange(6))
    assert own.shape == (0, 2)


def test_no_residual_is_of_a_fit_that_has_seen_its_donor():
    donors = np.repeat(np.arange(9), 3)
    seen = np.zeros(27, dtype=int)

    def residuals(train, held_out):
        assert not set(donors[train]) & set(donors[held_out])
        seen[held_out] += 1
        return np.flatnonzero(held_out)[:, None] + np.arange(2.0), None

    left, _ = cross_fitted(residuals, donors, seed=0)
    assert (seen == 1).all()
    np.testing.assert_array_equal(left[:, 0], np.arange(27))


def test_the_same_seed_gives_the_same_answers_and_the_order_of_samples_next_to_none():
    people = People()
    (values, donors), new = people.draw(40), people.draw(5)[0]
    one, again = (ClassReference.fit(values, donors, seed=3).residual_z(new) for _ in range(2))
    np.testing.assert_array_equal(one, again)
    order = people.rng.permutation(40)
    np.testing.assert_allclose(ClassReference.fit(values[order], donors[order], seed=3).residual_z(new), one, atol=0.02)


def test_a_target_is_expected_where_its_samples_are():
    values, donors = People().draw(50)
    reference = ClassReference.fit(values, donors, seed=0)
    found = Expectation.of_target(values, donors, seed=0)
    assert (found.slope == 0).all()
    np.testing.assert_allclose(found.sd, reference.unit * np.sqrt(51 / 50), rtol=1e-6)
    new = (People().draw(1)[0] - reference.center) / found.sd
    assert np.isfinite(found.tail.p_value(new)).all()
