"""The target's mean, and what people keep of their own: hand calculation, planted slopes."""

import numpy as np
import pytest
from safetensors.numpy import load, save
from scipy.stats import linregress

from tspg.data.prepare import prepare
from tspg.model.baselines import PairedRegression, TargetMean, TrainingPart
from tspg.model.expectation import classes_with_pairs, donors_of_both

GENES = 40
T = 2  # the target


def paired(slope, *, n_pairs=60, noise=0.02, seed=0, donors=True):
    """People with a sample of `a` and one of `t`, who keep `slope` of their deviation, and ten of class `b` alone."""
    rng = np.random.default_rng(seed)
    means = {name: rng.uniform(0.4, 0.6, GENES) for name in "abt"}
    own = 0.08 * rng.standard_normal((n_pairs, GENES)).clip(-2, 2)
    before = means["a"] + own
    after = means["t"] + slope * own + noise * rng.standard_normal((n_pairs, GENES))
    others = means["b"] + 0.05 * rng.standard_normal((10, GENES))
    profiles = np.concatenate([before, after, others]).astype(np.float32)
    classes = np.repeat([0, T, 1], [n_pairs, n_pairs, 10])
    of_whom = np.concatenate([np.arange(n_pairs), np.arange(n_pairs), np.arange(n_pairs, n_pairs + 10)])
    return TrainingPart(profiles, classes, T, of_whom if donors else None)


def test_target_mean_is_the_mean_of_the_target_for_everybody():
    training = paired(0.3)
    moved = TargetMean.fit(training).move(training.profiles, training.class_index)
    expected = training.profiles[60:120].astype(np.float64).mean(axis=0)
    sources = training.class_index != T
    np.testing.assert_allclose(moved[sources], np.tile(expected, (70, 1)), atol=1e-7)
    np.testing.assert_array_equal(moved[~sources], training.profiles[~sources])


@pytest.mark.parametrize("slope", [0.0, 0.3, 0.8])
def test_a_planted_slope_is_found_and_used(slope):
    training = paired(slope)
    fitted = PairedRegression.fit(training)
    np.testing.assert_allclose(fitted.slopes[0], slope, atol=0.05)
    moved = fitted.move(training.profiles[:60], training.class_index[:60])
    a, t = (training.profiles[training.class_index == number].astype(np.float64) for number in (0, T))
    np.testing.assert_allclose(moved, t.mean(axis=0) + slope * (a - a.mean(axis=0)), atol=0.02)


def test_slopes_of_single_genes_are_those_of_scipy_where_genes_differ():
    """Half the genes keep all and half keep nothing: shrinking to one slope would be wrong, and does not happen."""
    slope = np.where(np.arange(GENES) < GENES // 2, 0.0, 1.0)
    training = paired(slope, n_pairs=400, noise=0.005)
    fitted = PairedRegression.fit(training)
    lines = [linregress(training.profiles[:400, g], training.profiles[400:800, g]).slope for g in range(GENES)]
    np.testing.assert_allclose(fitted.slopes[0], lines, atol=0.01)


def test_without_enough_pairs_it_is_the_target_mean():
    few, alone = paired(0.8, n_pairs=7), paired(0.8, donors=False)
    for training in (few, alone):
        fitted = PairedRegression.fit(training)
        assert not fitted.slopes.any()
        expected = TargetMean.fit(training).move(training.profiles, training.class_index)
        np.testing.assert_allclose(fitted.move(training.profiles, training.class_index), expected, atol=1e-7)
    assert PairedRegression.fit(paired(0.8, n_pairs=8)).slopes[0].any()


def test_a_class_without_pairs_gets_the_mean_and_one_with_pairs_what_was_learned():
    training = paired(0.8)
    fitted = PairedRegression.fit(training)
    assert fitted.slopes[0].all()
    assert not fitted.slopes[1:].any()  # b, and the target itself
    again = PairedRegression.from_arrays(load(save(fitted.arrays())), T)
    np.testing.assert_array_equal(
        again.move(training.profiles, training.class_index), fitted.move(training.profiles, training.class_index)
    )


def test_donors_of_both_classes_are_counted_once():
    names, donors = list("aaabbttt"), ["1", "1", "2", "3", "4", "1", "3", "5"]
    assert donors_of_both(names, donors, "t") == {"a": 1, "b": 1}
    assert donors_of_both(names, donors, "a") == {"b": 0, "t": 1}


def test_pairs_count_only_where_they_are_trained_on(planted):
    adata = planted.adata.copy()
    adata.obs["donor"] = [f"d{number % 40}" for number in range(120)]  # everybody gave all three classes
    options = {"label_column": "label", "group_column": "donor"}
    assert classes_with_pairs(prepare(adata, **options, train_fraction=0.25), "target") == {"alpha", "beta"}
    assert classes_with_pairs(prepare(adata, **options, train_fraction=0.15), "target") == set()
    assert classes_with_pairs(prepare(adata, label_column="label"), "target") == set()
