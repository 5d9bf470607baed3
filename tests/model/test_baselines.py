"""The methods without a network: hand calculation, SciPy, planted distributions."""

import numpy as np
import pytest
from safetensors.numpy import load, save
from scipy.spatial.distance import cdist

from tspg.data.prepare import prepare
from tspg.model.baselines import BASELINES, GaussianDraw, MeanShift, NearestTarget, QuantileMap, TrainingPart

CLASSES = np.array([0, 0, 1, 1, 1, 2, 2, 2, 2])  # 2 is the target


@pytest.fixture
def training():
    profiles = np.random.default_rng(0).uniform(0.3, 0.7, (9, 6)).astype(np.float32)
    return TrainingPart(profiles, CLASSES, 2)


@pytest.fixture
def new():
    profiles = np.random.default_rng(1).uniform(0.0, 1.0, (7, 6)).astype(np.float32)
    return profiles, np.array([0, 1, 2, 0, 1, 2, 1])


@pytest.mark.parametrize("name", BASELINES)
def test_every_method_stays_in_range_leaves_the_target_alone_and_comes_back_from_storage(name, training, new):
    profiles, class_index = new
    before = profiles.copy()
    method = BASELINES[name].fit(training, seed=3)
    moved = method.move(profiles, class_index)
    assert method.name == name
    assert (moved.dtype, moved.shape) == (np.float32, profiles.shape)
    assert ((moved >= 0) & (moved <= 1)).all()
    np.testing.assert_array_equal(profiles, before)
    np.testing.assert_array_equal(moved[class_index == 2], profiles[class_index == 2])
    assert (moved[class_index != 2] != profiles[class_index != 2]).any(axis=1).all()
    stored = load(save({key: np.ascontiguousarray(value) for key, value in method.arrays().items()}))
    again = BASELINES[name].from_arrays(stored, 2)
    np.testing.assert_array_equal(again.move(profiles, class_index), moved)


def test_mean_shift_by_hand(training, new):
    profiles, class_index = new
    moved = MeanShift.fit(training).move(profiles, class_index)
    shift = training.profiles[5:].mean(axis=0) - training.profiles[:2].mean(axis=0)
    np.testing.assert_allclose(moved[0], np.clip(profiles[0] + shift, 0, 1), atol=1e-6)


def test_mean_shift_of_a_prepared_matrix_moves_the_class_mean_onto_the_target(planted):
    dataset = prepare(planted.adata, label_column="label", seed=1)
    rows = dataset.class_mask("beta") & dataset.is_train
    fitted = MeanShift.fit(TrainingPart.of(dataset, "target"))
    moved = fitted.move(dataset.profiles[rows], dataset.class_index[rows])
    inside = dataset.profiles[rows] + dataset.class_mean("target") - dataset.class_mean("beta")
    free = ((inside > 0) & (inside < 1)).all(axis=0)
    assert free.sum() > 20
    np.testing.assert_allclose(moved[:, free].mean(axis=0), dataset.class_mean("target")[free], atol=1e-6)


def one_gene(source, target):
    values = np.array([*source, *target], dtype=np.float32)[:, None]
    method = QuantileMap.fit(TrainingPart(values, np.repeat([0, 1], [len(source), len(target)]), 1))
    return lambda *x: method.move(np.array(x, dtype=np.float32)[:, None], np.zeros(len(x), int))[:, 0]


def test_quantile_map_by_hand():
    move = one_gene([0.0, 0.1, 0.2, 0.3, 0.4], [0.5, 0.55, 0.6, 0.7, 1.0])
    np.testing.assert_allclose(move(0.0, 0.1, 0.15, 0.4), [0.5, 0.55, 0.575, 1.0], atol=1e-6)
    np.testing.assert_allclose(move(0.9, 0.0), [1.0, 0.5], atol=1e-6)  # beyond the known range: its end


def test_tied_values_get_their_middle_rank():
    move = one_gene([0.0, 0.0, 0.0, 0.2, 0.4], [0.1, 0.2, 0.3, 0.4, 0.5])
    np.testing.assert_allclose(move(0.0, 0.2, 0.4), [0.2, 0.4, 0.5], atol=1e-6)  # three zeros: the middle of the three


def test_a_gene_that_does_not_vary_in_its_class_moves_by_the_medians():
    move = one_gene([0.2, 0.2, 0.2], [0.4, 0.5, 0.9])
    np.testing.assert_allclose(move(0.2, 0.3), [0.5, 0.6], atol=1e-6)


def test_quantile_map_gives_every_gene_the_targets_distribution_whatever_the_source():
    rng = np.random.default_rng(0)
    source, target = rng.beta(2, 5, (400, 3)), rng.beta(5, 1, (400, 3))
    training = TrainingPart(np.concatenate([source, target]).astype(np.float32), np.repeat([0, 1], 400), 1)
    moved = QuantileMap.fit(training).move(source.astype(np.float32), np.zeros(400, int))
    np.testing.assert_allclose(np.sort(moved, axis=0)[8:-8], np.sort(target, axis=0)[8:-8], atol=0.03)
    assert (np.argsort(moved[:, 0]) == np.argsort(source[:, 0].astype(np.float32))).mean() > 0.95  # ranks stay


def test_nearest_target_is_scipys_nearest(training, new):
    profiles, class_index = new
    moved = NearestTarget.fit(training).move(profiles, class_index)
    nearest = cdist(profiles, training.profiles[5:]).argmin(axis=1)
    sources = class_index != 2
    np.testing.assert_array_equal(moved[sources], training.profiles[5:][nearest][sources])


def test_gaussian_draws_have_mean_and_covariance_of_the_target():
    rng = np.random.default_rng(0)
    target = np.clip(0.5 + 0.08 * rng.normal(size=(60, 4)) @ rng.normal(size=(4, 4)) / 2, 0.2, 0.8).astype(np.float32)
    training = TrainingPart(np.concatenate([target, target - 0.1]), np.repeat([0, 1], 60), 0)
    sources, classes = np.zeros((20000, 4), np.float32), np.ones(20000, int)
    drawn = GaussianDraw.fit(training, seed=1).move(sources, classes)
    np.testing.assert_allclose(drawn.mean(axis=0), target.mean(axis=0), atol=0.004)
    np.testing.assert_allclose(np.cov(drawn.T), np.cov(target.T), atol=4e-4)
    other = GaussianDraw.fit(training, seed=2).move(sources, classes)
    assert np.abs(np.corrcoef(drawn[:, 0], other[:, 0])[0, 1]) < 0.03


def test_one_target_sample_has_no_spread(training):
    alone = TrainingPart(training.profiles[:6], CLASSES[:6], 2)
    drawn = GaussianDraw.fit(alone).move(training.profiles[:2], CLASSES[:2])
    np.testing.assert_array_equal(drawn, training.profiles[[5, 5]])
