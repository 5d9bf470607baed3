"""The moderated t against limma's port to Python, SciPy, least squares by hand, and simulated people."""

import warnings

import numpy as np
import pytest
from scipy.stats import t as student
from scipy.stats import ttest_ind, ttest_rel

from tspg.analysis.interpretation.differential import moderated_t
from tspg.model.gene_statistics import moderate_variances


def samples(n=24, genes=1500, seed=0):
    """Genes with variances of their own, a tenth of which differ between the classes; more than one block of them."""
    rng = np.random.default_rng(seed)
    is_target = np.arange(n) % 2 == 1
    values = rng.normal(8, np.sqrt(0.3 * 6 / rng.chisquare(6, genes)), (n, genes))
    values[np.ix_(is_target, np.arange(genes) < genes // 10)] += 0.8
    return values, is_target


def limma(values, design):
    """Estimate, t and p of the last column of a design by pylimma."""
    pylimma = pytest.importorskip("pylimma")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = pylimma.e_bayes(pylimma.lm_fit(np.asarray(values, float).T, np.asarray(design, float)))
    return tuple(np.asarray(fit[name])[:, -1] for name in ("coefficients", "t", "p_value"))


def assert_equal(found, expected):
    estimate, t, p = expected
    np.testing.assert_allclose(found.estimate, estimate, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found.t, t, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found.p_value, p, rtol=1e-7)


def blocks(codes):
    return np.eye(codes.max() + 1)[codes]


def test_two_classes_are_compared_as_by_limma():
    values, is_target = samples()
    values[:, 7] = 3.0  # constant
    assert_equal(moderated_t(values, is_target), limma(values, np.column_stack([np.ones(24), is_target])))


def test_most_donors_with_both_classes_are_a_block_of_limma():
    values, is_target = samples()
    pairs = np.arange(24) // 2
    values += np.random.default_rng(1).normal(0, 2, (12, 1))[pairs]
    found = moderated_t(values, is_target, donors=pairs + 40)
    assert found.paired
    assert_equal(found, limma(values, np.column_stack([blocks(pairs), is_target])))


def test_levels_are_a_block_of_limma():
    values, is_target = samples(n=30)
    levels = np.arange(30) // 2 % 3
    values += np.random.default_rng(1).normal(0, 2, (3, 1500))[levels]
    assert_equal(
        moderated_t(values, is_target, levels=levels), limma(values, np.column_stack([blocks(levels), is_target]))
    )


def test_donors_and_levels_together_are_blocks_of_limma():
    values, is_target = samples(n=32)
    pairs, levels = np.arange(32) // 2, np.arange(32) % 5 % 2
    found = moderated_t(values, is_target, donors=pairs, levels=levels)
    assert_equal(found, limma(values, np.column_stack([blocks(pairs), levels, is_target])))


def test_a_level_that_no_sample_has_changes_nothing():
    values, is_target = samples(n=30)
    levels = np.arange(30) // 2 % 3
    spread_out = moderated_t(values, is_target, levels=2 * levels)
    np.testing.assert_allclose(spread_out.t, moderated_t(values, is_target, levels=levels).t, rtol=1e-9)
    assert spread_out.df == pytest.approx(moderated_t(values, is_target, levels=levels).df)


def test_a_prior_without_weight_gives_students_t():
    rng = np.random.default_rng(2)
    values = rng.normal(0, 10 ** rng.uniform(-12, 12, 400), (40, 400))  # variances have nothing in common
    is_target = np.arange(40) < 18
    found, plain = moderated_t(values, is_target), ttest_ind(values[is_target], values[~is_target])
    large = np.argsort(values.var(axis=0))[200:]
    assert found.df == pytest.approx(38, abs=1)
    np.testing.assert_allclose(found.t[large], plain.statistic[large], rtol=0.02)
    np.testing.assert_allclose(found.p_value[large], plain.pvalue[large], rtol=0.15)


def test_genes_of_one_variance_share_it_with_all_degrees_of_freedom():
    rng = np.random.default_rng(3)
    pattern = np.array([-1.0, 0, 1, -2, 2, -0.5, 0.5])  # sums to 0 in either class
    is_target = np.arange(7) >= 3
    signs, shift = rng.choice([-1.0, 1], 50), rng.normal(size=50)
    values = np.outer(pattern, signs) + np.outer(is_target, shift)
    error = np.sqrt((pattern @ pattern) / 5 * (1 / 3 + 1 / 4))
    found = moderated_t(values, is_target)
    assert found.df == 5 * 50
    np.testing.assert_allclose(found.standard_error, error)
    np.testing.assert_allclose(found.p_value, 2 * student.sf(np.abs(shift / error), 250))
    quantile_of_250 = 1.9694984  # 97.5% point of t
    np.testing.assert_allclose(found.interval()[0], shift - quantile_of_250 * error, rtol=1e-6)
    np.testing.assert_allclose(found.interval()[1], shift + quantile_of_250 * error, rtol=1e-6)


def test_the_interval_is_that_of_limmas_top_table():
    values, is_target = samples(n=10, genes=80)
    pylimma = pytest.importorskip("pylimma")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        design = np.column_stack([np.ones(10), is_target]).astype(float)
        fit = pylimma.e_bayes(pylimma.lm_fit(values.T, design))
        table = pylimma.top_table(fit, coef=1, number=np.inf, sort_by="none", confint=True)
    low, high = moderated_t(values, is_target).interval()
    np.testing.assert_allclose(low, table["ci_l"], rtol=1e-9)
    np.testing.assert_allclose(high, table["ci_r"], rtol=1e-9)


@pytest.mark.parametrize("paired", [False, True])
def test_the_variance_that_is_moderated_is_that_of_scipys_test(paired):
    values, is_target = samples(n=16, genes=60)
    test = ttest_rel if paired else ttest_ind
    plain = test(values[is_target], values[~is_target])
    difference = values[is_target].mean(axis=0) - values[~is_target].mean(axis=0)
    moderated = moderate_variances((difference / plain.statistic) ** 2, 7 if paired else 14)
    found = moderated_t(values, is_target, donors=np.arange(16) // 2 if paired else None)
    assert found.paired == paired
    np.testing.assert_allclose(found.t, difference / np.sqrt(moderated.variance), rtol=1e-9)
    assert found.df == pytest.approx(moderated.prior_df + plain.df[0])


def test_levels_by_least_squares():
    values, is_target = samples(n=20, genes=40)
    levels = np.arange(20) % 7 % 3
    design = np.column_stack([blocks(levels), is_target]).astype(float)
    coefficients, squares, *_ = np.linalg.lstsq(design, values, rcond=None)
    variance = moderate_variances(squares / 16, 16).variance
    found = moderated_t(values, is_target, levels=levels)
    np.testing.assert_allclose(found.estimate, coefficients[-1])
    np.testing.assert_allclose(found.standard_error, np.sqrt(variance * np.linalg.inv(design.T @ design)[-1, -1]))


def test_repeated_samples_of_a_donor_count_as_their_mean():
    values, is_target = samples(n=20, genes=50)
    donors = np.arange(20)
    again = np.repeat(np.arange(20), 1 + np.arange(20) % 3)
    noise = np.random.default_rng(4).normal(size=(len(again), 50))
    for donor in donors:
        noise[again == donor] -= noise[again == donor].mean(axis=0)
    order = np.random.default_rng(5).permutation(len(again))
    found = moderated_t((values[again] + noise)[order], is_target[again][order], donors=again[order])
    np.testing.assert_allclose(found.t, moderated_t(values, is_target).t, rtol=1e-9)


def test_a_donor_whose_samples_lie_in_several_levels_lies_between_them():
    values, is_target = samples(n=24, genes=40)
    donors = np.arange(24) // 4 * 2 + is_target  # twelve donors, two samples each
    levels = np.array([0, 0, 1, 1, 0, 1, 1, 2, 2, 2, 0, 2, 1, 1, 2, 0, 0, 0, 1, 2, 2, 1, 0, 1])
    averaging = blocks(donors).T / 2
    design = averaging @ np.column_stack([blocks(levels), is_target])
    coefficients, squares, *_ = np.linalg.lstsq(design, averaging @ values, rcond=None)
    error = np.sqrt(moderate_variances(squares / 8, 8).variance * np.linalg.inv(design.T @ design)[-1, -1])
    found = moderated_t(values, is_target, donors=donors, levels=levels)
    np.testing.assert_allclose(found.estimate, coefficients[-1])
    np.testing.assert_allclose(found.standard_error, error)


@pytest.mark.parametrize("both_classes", [False, True])
def test_p_values_hold_where_donors_give_several_samples(both_classes):
    rng = np.random.default_rng(6)
    donors = np.repeat(np.arange(16), 4)
    is_target = (np.arange(64) % 4 < 2) if both_classes else donors % 2 == 1
    own = rng.normal(size=(16, 4000))
    per_class = rng.normal(0, 2 * both_classes, size=(32, 4000))
    values = own[donors] + per_class[2 * donors + is_target] + rng.normal(0, 0.5, (64, 4000))
    found = moderated_t(values, is_target, donors=donors)
    assert found.paired == both_classes
    for level in (0.5, 0.1, 0.05, 0.01):
        allowed = level + 4 * np.sqrt(level * (1 - level) / 4000)
        assert (found.p_value < level).mean() < allowed
    assert (moderated_t(values, is_target).p_value < 0.05).mean() > 0.075  # as if samples were people
    assert (found.p_value < 0.05).mean() > 0.03  # nor is it far too careful


def test_donors_are_compared_within_only_if_more_than_half_give_both():
    values, is_target = samples(n=12, genes=30)
    half = np.array([0, 0, 1, 1, 2, 2, 3, 4, 5, 6, 7, 8])[: len(is_target)]  # three of nine
    assert not moderated_t(values, is_target, donors=half).paired
    assert moderated_t(values, is_target, donors=np.array([0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 6])).paired


@pytest.mark.parametrize(
    ("is_target", "donors", "levels"),
    [
        ([False, True], None, None),  # nothing is left to classifier a difference by
        ([False] * 6, None, None),
        ([False, False, False, True, True, True], None, [0, 0, 0, 1, 1, 1]),  # one batch a class
        ([False, True, False, True], [0, 0, 1, 1], [0, 1, 0, 1]),
    ],
)
def test_what_cannot_be_told_is_not_a_number(is_target, donors, levels):
    values = np.random.default_rng(7).normal(size=(len(is_target), 5))
    codes = [None if one is None else np.array(one) for one in (donors, levels)]
    found = moderated_t(values, np.array(is_target), donors=codes[0], levels=codes[1])
    assert np.isnan(found.t).all()
    assert np.isnan(found.p_value).all()
    assert np.isnan(found.estimate).all()
    assert np.isnan(found.interval()).all()


def test_one_gene_that_does_not_vary_has_no_difference():
    values, is_target = samples(n=12, genes=30)
    values[:, 3] = 5.0
    found = moderated_t(values, is_target)
    assert (found.estimate[3], found.t[3], found.p_value[3]) == (0, 0, 1)
    assert np.isfinite(found.t).all()


def test_a_study_in_which_nothing_varies_has_no_t():
    found = moderated_t(np.full((8, 4), 2.0), np.arange(8) < 4)
    assert (found.estimate == 0).all()
    assert np.isnan(found.t).all()
    assert np.isnan(found.interval()).all()


def test_single_precision_is_enough_far_from_zero():
    values, is_target = samples(n=20, genes=100)
    single = (values + 1000).astype(np.float32)
    assert_equal(moderated_t(single, is_target), limma(single, np.column_stack([np.ones(20), is_target])))
