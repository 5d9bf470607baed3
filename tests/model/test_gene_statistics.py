"""Moderated variances against simulated priors, the formulas of Smyth 2004, and limma's port to Python."""

import numpy as np
import pytest
from scipy.special import polygamma

from tspg.model import gene_statistics as module
from tspg.model.gene_statistics import mean_and_sd, moderate_variances


def drawn(prior_df, prior_variance, df, genes=200_000, seed=0):
    """Sample variances of genes whose true ones follow a scaled inverse chi-square."""
    rng = np.random.default_rng(seed)
    true = prior_variance * prior_df / rng.chisquare(prior_df, genes)
    return true * rng.chisquare(df, genes) / df, true


@pytest.mark.parametrize(("prior_df", "prior_variance", "df"), [(4, 0.3, 10), (20, 7.0, 3), (2.5, 1e-4, 60)])
def test_the_prior_that_variances_were_drawn_from_is_found(prior_df, prior_variance, df):
    found = moderate_variances(drawn(prior_df, prior_variance, df)[0], df)
    assert found.prior_df == pytest.approx(prior_df, rel=0.04)
    assert found.prior_variance == pytest.approx(prior_variance, rel=0.02)


def test_moderated_variances_are_the_posterior_and_nearer_to_the_truth():
    raw, true = drawn(6, 0.5, 4)
    found = moderate_variances(raw, 4)
    d0, s0 = found.prior_df, found.prior_variance
    np.testing.assert_allclose(found.variance, (d0 * s0 + 4 * raw) / (d0 + 4))
    assert np.mean(np.log(found.variance / true) ** 2) < 0.6 * np.mean(np.log(raw / true) ** 2)


@pytest.mark.parametrize("df", [1, 3, 17.5])
def test_limma_moderates_alike(df):
    pylimma = pytest.importorskip("pylimma")
    raw, _ = drawn(5, 0.2, df, genes=300)
    theirs, ours = pylimma.squeeze_var(raw, df), moderate_variances(raw, df)
    np.testing.assert_allclose(ours.variance, theirs["var_post"], rtol=1e-9)
    assert ours.prior_df == pytest.approx(float(theirs["df_prior"]), rel=1e-9)


def test_equal_variances_are_kept_with_an_infinite_prior():
    found = moderate_variances(np.full(50, 0.7), 5)
    assert found.prior_df == np.inf
    np.testing.assert_allclose(found.variance, 0.7)


def test_differences_by_chance_alone_become_one_variance():
    raw = np.random.default_rng(1).chisquare(5, 30) / 5 * 0.2
    closer = np.exp(np.log(raw) * 0.5)  # less apart than chance makes them
    found = moderate_variances(closer, 5)
    assert found.prior_df == np.inf
    np.testing.assert_allclose(found.variance, closer.mean())


def test_many_degrees_of_freedom_leave_variances_as_they_are():
    raw = np.array([0.1, 1.0, 5.0, 30.0])
    np.testing.assert_allclose(moderate_variances(raw, 1e6).variance, raw, rtol=1e-4)


@pytest.mark.parametrize("unit", [1e-12, 100.0])
def test_the_unit_of_the_values_does_not_matter(unit):
    raw, _ = drawn(5, 0.2, 4, genes=100)
    one, other = moderate_variances(raw, 4), moderate_variances(raw * unit, 4)
    np.testing.assert_allclose(other.variance, one.variance * unit, rtol=1e-8)
    assert other.prior_df == pytest.approx(one.prior_df, rel=1e-6)


def test_a_variance_of_zero_is_drawn_up_and_shifts_the_others_little():
    raw, _ = drawn(5, 0.2, 10, genes=2000)
    without, found = moderate_variances(raw, 10), moderate_variances(np.append(raw, 0.0), 10)
    d0, s0 = found.prior_df, found.prior_variance
    assert found.variance[-1] == pytest.approx(d0 * s0 / (d0 + 10))
    np.testing.assert_allclose(found.variance[:-1], without.variance, rtol=0.2)


def test_most_genes_may_be_constant():
    raw = np.append(np.zeros(60), drawn(5, 0.2, 4, genes=40)[0])
    assert (moderate_variances(raw, 4).variance > 0).all()


@pytest.mark.parametrize("raw", [[0.0, 0.0], [0.4]])
def test_one_gene_and_nothing_but_zeros_stay_as_they_are(raw):
    np.testing.assert_array_equal(moderate_variances(np.array(raw), 3).variance, raw)


@pytest.mark.parametrize("value", [1e-9, 1e-7, 1e-6, 1e-3, 0.1, 1.0, 40.0, 1e4, 9e6, 1e7, 1e12])
def test_trigamma_is_inverted(value):
    assert polygamma(1, module._inverse_trigamma(value)) == pytest.approx(value, rel=2e-3 if value > 1e6 else 1e-6)


def test_a_constant_gene_has_no_spread_though_its_variance_is_rounded():
    values = np.random.default_rng(0).normal(size=(7, 30))
    values[:, 3] = 0.1
    assert values[:, 3].var(ddof=1) > 0  # by rounding
    mean, sd = mean_and_sd(values)
    np.testing.assert_allclose(mean, values.mean(axis=0))
    assert np.flatnonzero(sd == 0).tolist() == [3]
