"""Is a profile like the training samples? Held against planted truth: level, power, donors, and a distance by hand."""

import numpy as np
import pytest
from scipy.spatial.distance import mahalanobis

from tspg.data.quantiles import LEVELS, Quantiles, percentiles, quantile_functions, ranks_of
from tspg.model.shift import FEWEST_SAMPLES, Distribution, Shift, ShiftTest, covers

N_GENES, N_OWN = 800, 60
BASE = np.random.default_rng(0).normal(6, 3, N_GENES)


def profiles(n, seed, *, shift=0.0, spread=1.0):
    """Samples of one pipeline: genes about their own level, and a few traits by which people differ."""
    rng = np.random.default_rng([7, seed])
    traits = rng.normal(size=(n, 5)) @ np.random.default_rng(1).normal(0, 0.5, (5, N_GENES))
    values = BASE + traits + rng.normal(0, 0.7, (n, N_GENES))
    return np.maximum(values * spread + shift, 0).astype(np.float32)


def fitted(values, donors=None, seed=0):
    donors = np.arange(len(values)) if donors is None else donors
    return ShiftTest.fit(quantile_functions(values), values[:, :N_OWN], donors, seed=seed)


def p_of(test, values):
    return test.p_values(quantile_functions(values), values[:, :N_OWN])


def test_the_distance_is_mahalanobis_with_a_ridge():
    values = profiles(70, 1)
    quantiles = quantile_functions(values)
    ranks = ranks_of(values[:, :N_OWN], quantiles)
    known = Distribution.fit(quantiles, ranks.min(axis=0), ranks.max(axis=0))
    found = percentiles(quantiles)
    covariance = np.cov(found.T)
    inverse = np.linalg.inv(covariance + 0.05 * np.trace(covariance) / 99 * np.eye(99))
    new = quantile_functions(profiles(3, 2))
    expected = [mahalanobis(row, found.mean(axis=0), inverse) ** 2 for row in percentiles(new)]
    np.testing.assert_allclose(known.distance(new), expected, rtol=1e-5)
    np.testing.assert_allclose(known.reference, quantiles.mean(axis=0), rtol=1e-6)


def test_the_share_outside_is_that_after_normalising_by_hand():
    """Normalised values beyond the training samples' own, counted gene by gene on the values themselves."""
    training, new = profiles(50, 3), profiles(8, 4, spread=1.4)
    quantiles = quantile_functions(training)
    ranks = ranks_of(training[:, :N_OWN], quantiles)
    known = Distribution.fit(quantiles, ranks.min(axis=0), ranks.max(axis=0))

    def normalised(values):
        ranks = ranks_of(values[:, :N_OWN], quantile_functions(values))
        return np.interp(ranks, LEVELS, known.reference)

    low, high = normalised(training).min(axis=0), normalised(training).max(axis=0)
    expected = ((normalised(new) < low - 1e-9) | (normalised(new) > high + 1e-9)).mean(axis=1)
    found = known.share_outside(ranks_of(new[:, :N_OWN], quantile_functions(new)))
    np.testing.assert_allclose(found, expected, atol=1.5 / N_OWN)
    assert found.max() > 0


def test_ranks_below_and_above_the_known_range_count_alike():
    reference = np.linspace(1, 5, len(LEVELS), dtype=np.float32)
    lowest, highest = np.full(5, 0.2, np.float32), np.full(5, 0.6, np.float32)
    known = Distribution(reference, np.zeros(99), np.eye(99), lowest, highest)
    found = known.share_outside(np.array([[0.1, 0.3, 0.5, 0.7, 0.9], [0.2, 0.6, 0.4, 0.4, 0.19]], np.float32))
    np.testing.assert_allclose(found, [3 / 5, 1 / 5])


def test_profiles_of_the_same_pipeline_are_called_odd_at_the_level_or_below():
    """60 fits, 20 new samples each; 1,200 at .05 would be 60 +- 7.5, and each fit's share varies besides."""
    called, of_training = [], []
    for seed in range(60):
        test, own = fitted(profiles(60, 100 + seed), seed=seed)
        called.append((p_of(test, profiles(20, 300 + seed)) < 0.05).mean())
        of_training.append((own < 0.05).mean())
    assert np.mean(called) < 0.05 + 2.6 * np.std(called) / np.sqrt(60)
    assert np.mean(called) > 0.005  # nor is it a test that never speaks
    assert np.mean(of_training) <= 0.05
    assert np.mean([(own < 0.5).mean() for own in [fitted(profiles(60, 500))[1]]]) < 0.6


def test_another_scale_is_found_in_every_sample():
    test, _ = fitted(profiles(100, 5))
    assert (p_of(test, profiles(20, 6, shift=-2.0)) < 0.05).all()
    assert (p_of(test, profiles(20, 6, spread=0.7)) < 0.05).all()
    assert p_of(test, profiles(1, 6, shift=-2.0))[0] == pytest.approx(2 / 101)  # the smallest that there can be


def test_genes_in_strange_places_are_found_where_the_distribution_tells_nothing():
    test, _ = fitted(profiles(100, 7))
    strange = profiles(20, 8)
    strange[:, :N_OWN] = strange[:, :N_OWN][:, ::-1]
    assert (p_of(test, strange) < 0.05).mean() > 0.9


def test_with_fewer_than_forty_samples_nothing_is_tested():
    test, own = fitted(profiles(FEWEST_SAMPLES - 1, 9))
    assert not test.is_tested
    assert np.isnan(own).all()
    assert np.isnan(p_of(test, profiles(3, 10, shift=-5))).all()
    test, own = fitted(profiles(FEWEST_SAMPLES, 9))
    assert (p_of(test, profiles(3, 10, shift=-5)) < 0.05).all()
    assert np.isfinite(own).all()


def test_samples_of_one_donor_are_held_out_together():
    """Every donor twice, each with its own scale: held out alone, a sample would be like the other one."""
    rng = np.random.default_rng(11)
    values = np.repeat(profiles(30, 11) + rng.normal(0, 1.5, (30, 1)).astype(np.float32), 2, axis=0)
    values = np.maximum(values + rng.normal(0, 0.01, values.shape), 0).astype(np.float32)
    together, apart = (fitted(values, donors)[0] for donors in (np.repeat(np.arange(30), 2), None))
    assert together.shares.mean() > 1.5 * apart.shares.mean()


def test_order_of_samples_does_not_matter_to_what_is_kept_and_no_profile_is():
    values = profiles(60, 12)
    test, _ = fitted(values)
    for array in test.arrays().values():
        assert array.shape[0] in (len(LEVELS), 99, N_OWN, 60)
        assert array.ndim == 1 or array.shape == (99, 99)
    assert (np.diff(test.distances) >= 0).all()
    assert (np.diff(test.shares) >= 0).all()


def of_study(values, is_train, seed=0):
    genes = tuple(f"G{number}" for number in range(N_GENES))
    quantiles = Quantiles(genes, quantile_functions(values))
    return Shift.fit(quantiles, values[:, :N_OWN], is_train, np.arange(len(values)), seed=seed)


def test_a_poisoned_held_out_sample_changes_nothing_that_is_kept():
    values, is_train = profiles(80, 13), np.arange(80) < 60
    clean, p = of_study(values, is_train)
    far = values.copy()
    far[~is_train] *= 1e6
    poisoned, q = of_study(far, is_train)
    for name, array in clean.arrays().items():
        np.testing.assert_array_equal(array, poisoned.arrays()[name])
    np.testing.assert_array_equal(p[is_train], q[is_train])
    assert (q[~is_train] < 0.05).all()


def test_the_own_genes_are_tested_where_the_panel_is_not_there():
    shift, _ = of_study(profiles(80, 14), np.arange(80) < 60)
    new = profiles(10, 15, shift=-2.0)
    p, over = shift.p_values(Quantiles(shift.panel, quantile_functions(new)), new[:, :N_OWN])
    assert over == "panel"
    few = Quantiles(shift.panel[:-3], quantile_functions(new[:, :-3]))  # of 800, 1 may be missing
    assert covers(shift.panel, Quantiles(shift.panel[:-1], few.values))
    q, over = shift.p_values(few, new[:, :N_OWN])
    assert over == "model"
    assert shift.p_values(None, new[:, :N_OWN])[1] == "model"
    assert ((p < 0.05).all(), (q < 0.05).all()) == (True, True)


def test_what_is_stored_answers_alike_and_damage_is_refused():
    shift, _ = of_study(profiles(80, 16), np.arange(80) < 60)
    again = Shift.from_arrays(shift.arrays(), shift.panel)
    again.check(N_OWN)
    new = profiles(10, 17)
    quantiles = Quantiles(shift.panel, quantile_functions(new))
    np.testing.assert_array_equal(
        again.p_values(quantiles, new[:, :N_OWN])[0], shift.p_values(quantiles, new[:, :N_OWN])[0]
    )
    with pytest.raises(ValueError, match=r"lowest of shift\.safetensors"):
        again.check(N_OWN + 1)
    holed = {**shift.arrays(), "model.center": np.full(99, np.nan)}
    with pytest.raises(ValueError, match=r"model\.center"):
        Shift.from_arrays(holed, shift.panel).check(N_OWN)
