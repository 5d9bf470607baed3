"""The closed-form map against closed forms: Gaussian clouds, NumPy's decomposition, and the mean shift."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from anndata import AnnData
from scipy.linalg import sqrtm

from tspg.data.prepare import Dataset, Scaler, prepare
from tspg.errors import ModelError
from tspg.model import ot_map as module
from tspg.model.config import ExperimentConfig, TargetModelConfig
from tspg.model.methods import LinearMap
from tspg.model.ot_map import GaussianOTMap, leading_directions, transport_map
from tspg.model.trained_model import TrainedModel
from tspg.model.training import train_target_model


def study(profiles, labels):
    """Profiles as a prepared study in which every sample is trained on; values need not lie in [0, 1] here."""
    classes, class_index = np.unique(labels, return_inverse=True)
    n, genes = profiles.shape
    return Dataset(
        profiles=np.asarray(profiles, np.float32),
        class_index=class_index,
        classes=tuple(map(str, classes)),
        is_train=np.ones(n, bool),
        sample_ids=tuple(map(str, range(n))),
        gene_ids=tuple(f"G{k}" for k in range(genes)),
        scaler=Scaler(np.zeros(genes), np.ones(genes)),
        clipped_cells=0,
    )


def random_covariance(rng, genes):
    root = rng.normal(size=(genes, genes))
    return root @ root.T / genes + 0.1 * np.eye(genes)


def clouds(rng, n, genes):
    """Class a and target t, two Gaussian clouds with different means and covariances."""
    covariances = [random_covariance(rng, genes) for _ in range(2)]
    parts = [rng.multivariate_normal(rng.normal(size=genes), c, size=n) for c in covariances]
    return study(np.concatenate(parts), np.repeat(["a", "t"], n))


def moved_source(dataset, ot_map):
    rows = dataset.class_index == 0
    return ot_map.move(dataset.profiles[rows], dataset.class_index[rows])


def test_a_gaussian_cloud_gets_the_targets_mean_and_covariance(monkeypatch):
    monkeypatch.setattr(module, "RIDGE", 0.0)
    dataset = clouds(np.random.default_rng(0), 10_000, 20)
    moved = moved_source(dataset, GaussianOTMap.estimate(dataset, "t"))
    target = dataset.profiles[dataset.class_index == 1].astype(float)
    np.testing.assert_allclose(moved.mean(axis=0), target.mean(axis=0), atol=1e-5)
    expected = np.cov(target, rowvar=False)
    error = np.linalg.norm(np.cov(moved, rowvar=False) - expected) / np.linalg.norm(expected)
    assert error < 0.01  # shrinking by 20 of 10,020 samples leaves about .002


def test_the_pool_is_the_pooled_covariance_within_the_other_classes():
    """S_p = sum (n_c - 1) S_c / (N - C), as in any text on discriminant analysis."""
    rng = np.random.default_rng(20)
    parts = {"a": rng.normal(size=(5, 4)), "b": 3 + 2 * rng.normal(size=(7, 4)), "t": rng.normal(size=(9, 4))}
    dataset = study(np.concatenate(list(parts.values())), np.repeat(["a", "b", "t"], [5, 7, 9]))
    found = GaussianOTMap.estimate(dataset, "t")
    expected = (4 * np.cov(parts["a"].T) + 6 * np.cov(parts["b"].T)) / 10
    inside = found.directions.T @ expected @ found.directions
    np.testing.assert_allclose(found.pooled.inside, inside, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found.pooled.total, np.trace(expected), rtol=1e-5)


def test_equal_spread_makes_it_the_mean_shift():
    rng = np.random.default_rng(1)
    residual = rng.normal(size=(30, 12))
    residual -= residual.mean(axis=0)
    means = rng.normal(size=(2, 12))
    dataset = study(np.concatenate([residual + means[0], residual[::-1] + means[1]]), np.repeat(["a", "t"], 30))
    moved = moved_source(dataset, GaussianOTMap.estimate(dataset, "t"))
    np.testing.assert_allclose(moved, dataset.profiles[:30] + means[1] - means[0], atol=1e-5)


def test_all_weight_on_the_pool_only_scales_the_mean_shift(monkeypatch):
    monkeypatch.setattr(module, "RIDGE", 0.0)
    monkeypatch.setattr(module, "POOL_WEIGHT", 1e12)
    dataset = clouds(np.random.default_rng(2), 200, 12)
    ot_map = GaussianOTMap.estimate(dataset, "t")
    spread = [dataset.profiles[dataset.class_index == c].astype(float).var(axis=0, ddof=1).sum() for c in (0, 1)]
    scale = np.sqrt(spread[1] / spread[0])
    residual = dataset.profiles[:200] - ot_map.class_means[0]
    np.testing.assert_allclose(moved_source(dataset, ot_map), ot_map.class_means[1] + scale * residual, atol=1e-4)


def test_few_target_samples_decide_the_directions_as_much_as_many_others(monkeypatch):
    """The leading eigenvector of S_pool + S_t is gene 1, where the target varies; weighed by samples it is gene 0."""
    monkeypatch.setattr(module, "DIRECTIONS", 1)
    source, target = np.zeros((400, 3)), np.zeros((20, 3))
    source[:, 0] = np.tile([1, -1], 200)  # variance 1
    target[:, 1] = np.tile([2, -2], 10)  # variance 4; the sums of squares are 400 and 80
    dataset = study(np.concatenate([source, target]), np.repeat(["a", "t"], [400, 20]))
    found = GaussianOTMap.estimate(dataset, "t").directions
    np.testing.assert_allclose(np.abs(found), [[0], [1], [0]], atol=1e-6)


def test_the_ridge_by_hand(monkeypatch):
    """Uncorrelated genes: gene g is scaled by sqrt((t_g + .02 mean t) / (s_g + .02 mean s)), also where s_g is 0."""
    monkeypatch.setattr(module, "POOL_WEIGHT", 0.0)
    square = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]] * 5)
    source, target = 5 + square * [3, 0], 2 + square * [1, 2]
    dataset = study(np.concatenate([source, target]), np.repeat(["a", "t"], 20))
    s, t = np.array([9, 0]) * 20 / 19, np.array([1, 4]) * 20 / 19
    scale = np.sqrt((t + 0.02 * t.mean()) / (s + 0.02 * s.mean()))
    moved = GaussianOTMap.estimate(dataset, "t").move(np.float32([[6.0, 5.5]]), np.array([0]))
    np.testing.assert_allclose(moved, [2 + scale * [1.0, 0.5]], rtol=1e-5)


def test_outside_the_shared_directions_no_class_is_stretched_by_more_than_half(monkeypatch):
    monkeypatch.setattr(module, "DIRECTIONS", 1)
    monkeypatch.setattr(module, "POOL_WEIGHT", 0.0)
    square = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]] * 5)
    dataset = study(np.concatenate([square * [10, 1], 2 + square * [10, 4]]), np.repeat(["a", "t"], 20))
    moved = GaussianOTMap.estimate(dataset, "t").move(np.float32([[0, 1]]), np.array([0]))
    np.testing.assert_allclose(moved, [[2, 2 + 1.5]], atol=1e-5)  # sqrt(16 / 1) is 4


def test_samples_of_the_target_stay_as_they_are():
    dataset = clouds(np.random.default_rng(3), 40, 10)
    target = dataset.class_index == 1
    moved = GaussianOTMap.estimate(dataset, "t").move(dataset.profiles[target], dataset.class_index[target])
    np.testing.assert_array_equal(moved, dataset.profiles[target])


def test_permuting_the_genes_permutes_the_result():
    dataset = clouds(np.random.default_rng(4), 60, 15)
    order = np.random.default_rng(5).permutation(15)
    shuffled = study(dataset.profiles[:, order], dataset.source_class)
    first = moved_source(dataset, GaussianOTMap.estimate(dataset, "t"))
    second = moved_source(shuffled, GaussianOTMap.estimate(shuffled, "t"))
    np.testing.assert_allclose(second, first[:, order], atol=1e-4)


def test_a_source_class_of_one_sample_lands_on_the_target_mean():
    rng = np.random.default_rng(6)
    dataset = study(rng.normal(size=(61, 10)), ["a"] * 30 + ["b"] + ["t"] * 30)
    ot_map = GaussianOTMap.estimate(dataset, "t")
    moved = ot_map.move(dataset.profiles[30:31], dataset.class_index[30:31])
    np.testing.assert_allclose(moved[0], dataset.profiles[31:].mean(axis=0), atol=1e-5)
    other = ot_map.move(dataset.profiles[30:31] + 1, dataset.class_index[30:31])
    assert np.isfinite(other).all()
    assert np.abs(other - moved).max() > 0.1  # a new sample of that class keeps what is its own


def test_a_target_of_one_sample_works():
    dataset = study(np.random.default_rng(7).normal(size=(31, 10)), ["a"] * 30 + ["t"])
    moved = moved_source(dataset, GaussianOTMap.estimate(dataset, "t"))
    np.testing.assert_allclose(moved.mean(axis=0), dataset.profiles[30], atol=1e-5)


def test_classes_without_any_spread_are_shifted():
    dataset = study(np.repeat([[0.0, 1.0], [1.0, 0.5]], 5, axis=0), np.repeat(["a", "t"], 5))
    np.testing.assert_allclose(moved_source(dataset, GaussianOTMap.estimate(dataset, "t")), np.tile([1.0, 0.5], (5, 1)))


def test_the_map_solves_its_equation_and_is_symmetric():
    rng = np.random.default_rng(8)
    source, target = random_covariance(rng, 6), random_covariance(rng, 6)
    found = transport_map(source, target)
    np.testing.assert_allclose(found @ source @ found.T, target, atol=1e-10)
    np.testing.assert_allclose(found, found.T, atol=1e-10)
    assert np.linalg.eigvalsh(found).min() > 0  # the shortest of all maps with that property
    diagonal = transport_map(np.diag([1.0, 4.0]), np.diag([9.0, 1.0]))
    np.testing.assert_allclose(diagonal, np.diag([3.0, 0.5]), atol=1e-12)


@pytest.mark.parametrize("flattest", [0.1, 3])  # 3: noise, all directions alike
@pytest.mark.parametrize("shape", [(200, 500), (200, 120), (60, 20), (7, 40)])
def test_directions_are_those_of_the_full_decomposition(shape, flattest):
    rng = np.random.default_rng(9)
    matrix = rng.normal(size=shape) * np.linspace(3, flattest, shape[1])
    weights = rng.uniform(0.2, 3, len(matrix))
    found = leading_directions(matrix.astype(np.float32), weights.astype(np.float32))
    matrix *= weights[:, None]
    k = max(1, min(32, shape[0] // 5, shape[1]))
    exact = np.linalg.svd(matrix, full_matrices=False)[2][:k].T
    assert found.shape == (shape[1], k)
    np.testing.assert_allclose(found.T @ found, np.eye(k), atol=1e-10)
    np.testing.assert_allclose(np.linalg.svd(found.T @ exact)[1], 1, atol=1e-6)  # the same space


def test_in_whatever_order_the_samples_come_each_is_moved_to_the_same_place():
    rng = np.random.default_rng(11)  # noise: the eigenvalues are flat, as those of single cells
    profiles, labels, order = rng.uniform(size=(300, 400)), np.repeat(["a", "t"], 150), rng.permutation(300)
    first, second = (study(profiles[rows], labels[rows]) for rows in (np.arange(300), order))
    moved = GaussianOTMap.estimate(second, "t").move(first.profiles, first.class_index)
    expected = GaussianOTMap.estimate(first, "t").move(first.profiles, first.class_index)
    np.testing.assert_allclose(moved, expected, atol=1e-6)


def test_held_out_samples_have_no_say(planted):
    dataset = prepare(planted.adata, label_column="label")
    poisoned = planted.adata.copy()
    poisoned.X[~dataset.is_train] += 1e3
    first, second = (GaussianOTMap.estimate(p, "target") for p in (dataset, prepare(poisoned, label_column="label")))
    for name in ("directions", "class_means", "maps", "stretch"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))


def test_stored_and_read_again_it_is_the_same():
    dataset = clouds(np.random.default_rng(10), 40, 10)
    ot_map = GaussianOTMap.estimate(dataset, "t")
    again = GaussianOTMap.from_tensors(ot_map.tensors())
    np.testing.assert_array_equal(moved_source(dataset, again), moved_source(dataset, ot_map))


def test_new_samples_without_a_label_are_moved_from_the_class_f_sees(planted):
    dataset = prepare(planted.adata, label_column="label")
    f = train_target_model(dataset, TargetModelConfig(hidden_units=(32,), epochs=25, batch_size=32))
    method = LinearMap(GaussianOTMap.estimate(dataset, "target"))
    model = TrainedModel.of(dataset, f, method, ExperimentConfig("target"), {})
    labelled = model.perturb(planted.adata, label_column="label")
    unlabelled = model.perturb(planted.adata)
    sources = (labelled.obs["source_class"] != "target").to_numpy()
    sure = sources & (unlabelled.obs["predicted_before"] == labelled.obs["source_class"]).to_numpy()
    assert sure.sum() > 60
    np.testing.assert_allclose(unlabelled.X[sure], labelled.X[sure], atol=1e-5)
    target = ~sources
    np.testing.assert_allclose(labelled.X[target], labelled.layers["original"][target])  # stays
    unknown = AnnData(
        planted.adata.X[:2], pd.DataFrame({"label": ["never seen"] * 2}, index=["a", "b"]), planted.adata.var
    )
    moved = model.perturb(unknown, label_column="label")
    np.testing.assert_allclose(moved.X, unlabelled.X[:2], atol=1e-5)


def three_clouds(seed=20):
    """Classes a, b and t of different means, spreads and sizes."""
    rng = np.random.default_rng(seed)
    sizes = {"a": 40, "b": 17, "t": 50}
    parts = [rng.normal(size=12) + rng.normal(size=(n, 12)) @ rng.normal(size=(12, 12)) for n in sizes.values()]
    return study(np.concatenate(parts), np.repeat(list(sizes), list(sizes.values())))


def without_class(ot_map, number):
    kept = [c for c in range(len(ot_map.stretch)) if c != number]
    return replace(
        ot_map,
        target_index=kept.index(ot_map.target_index),
        class_means=ot_map.class_means[kept],
        maps=ot_map.maps[kept],
        stretch=ot_map.stretch[kept],
    )


def test_a_class_that_is_added_later_is_moved_as_one_that_was_trained_on():
    dataset = three_clouds()
    full, cohort = GaussianOTMap.estimate(dataset, "t"), dataset.profiles[dataset.class_index == 1]
    later = without_class(full, 1).with_class(cohort)
    np.testing.assert_allclose(later.maps[2], full.maps[1], atol=1e-10)
    np.testing.assert_allclose(later.stretch[2], full.stretch[1], atol=1e-10)
    rows = np.ones(len(cohort), int)
    np.testing.assert_allclose(later.move(cohort, 2 * rows), full.move(cohort, rows), atol=1e-6)
    others = dataset.profiles[dataset.class_index == 0]
    rows = np.zeros(len(others), int)
    np.testing.assert_array_equal(later.move(others, rows), full.move(others, rows))


def test_the_map_of_a_new_class_by_hand():
    dataset = three_clouds(21)
    known = dataset.class_index != 1
    trained = study(dataset.profiles[known], dataset.source_class[known])
    ot_map, cohort = GaussianOTMap.estimate(trained, "t"), dataset.profiles[~known].astype(float)
    q = ot_map.directions
    k = q.shape[1]

    def parts(profiles):
        covariance = np.cov(profiles, rowvar=False)
        inside = q.T @ covariance @ q
        return inside, np.trace(covariance) - np.trace(inside), np.trace(covariance)

    pool, target = (parts(trained.profiles[trained.class_index == c].astype(float)) for c in (0, 1))

    def shrunk(own, n):
        alpha, size = 20 / (20 + n), own[2] / pool[2]
        inside = (1 - alpha) * own[0] + alpha * size * pool[0]
        return inside + 0.02 * np.trace(inside) / k * np.eye(k), (1 - alpha) * own[1] + alpha * size * pool[1]

    (inside, outside), (there, there_outside) = shrunk(parts(cohort), 17), shrunk(target, 50)
    root = sqrtm(inside).real
    expected_map = np.linalg.inv(root) @ sqrtm(root @ there @ root).real @ np.linalg.inv(root)
    stretch = min(np.sqrt(there_outside / outside), 1.5)
    residual = cohort - cohort.mean(axis=0)
    on = residual @ q
    expected = trained.profiles[trained.class_index == 1].mean(axis=0, dtype=float)
    expected = expected + on @ expected_map.T @ q.T + stretch * (residual - on @ q.T)
    added = ot_map.with_class(dataset.profiles[~known])
    np.testing.assert_allclose(added.maps[2], expected_map, rtol=1e-4, atol=1e-5)  # residuals are held in 32 bits
    np.testing.assert_allclose(added.move(dataset.profiles[~known], np.full(17, 2)), expected, atol=1e-4)


def test_what_a_new_class_needs_is_stored_and_read_again():
    dataset = three_clouds()
    cohort = dataset.profiles[dataset.class_index == 1]
    ot_map = without_class(GaussianOTMap.estimate(dataset, "t"), 1)
    again = GaussianOTMap.from_tensors(ot_map.tensors())
    np.testing.assert_array_equal(again.with_class(cohort).maps, ot_map.with_class(cohort).maps)
    older = {name: part for name, part in ot_map.tensors().items() if "." not in name}
    with pytest.raises(ModelError, match="Train it again"):
        GaussianOTMap.from_tensors(older).with_class(cohort)
    with pytest.raises(ValueError, match="another number of directions"):
        GaussianOTMap.from_tensors({**ot_map.tensors(), "pooled.inside": torch.eye(1, dtype=torch.float64)})


def test_where_no_class_varies_a_new_one_is_shifted():
    dataset = study(np.repeat([[0.0, 1.0], [1.0, 0.5]], 5, axis=0), np.repeat(["a", "t"], 5))
    cohort = np.float32([[2, 2], [4, 4]])
    moved = GaussianOTMap.estimate(dataset, "t").with_class(cohort).move(cohort, np.array([2, 2]))
    np.testing.assert_allclose(moved, [[0, -0.5], [2, 1.5]])


def test_an_uncertain_mean_is_drawn_to_the_known_one_and_a_sure_one_stays():
    rng = np.random.default_rng(30)
    known, errors = np.zeros(200), {"raw": [], "shrunk": []}
    for _ in range(50):  # a class that is as far off as five samples of it scatter
        truth = rng.normal(size=200) * 0.3
        few = (truth + rng.normal(size=(5, 200))).astype(np.float32)
        errors["raw"].append(((few.mean(axis=0) - truth) ** 2).sum())
        errors["shrunk"].append(((module.shrunk_mean(few, known) - truth) ** 2).sum())
    # Bayes: tau^2 / (tau^2 + s^2/n), for classes with tau^2 = .09 around the known one
    assert np.mean(errors["shrunk"]) / np.mean(errors["raw"]) == pytest.approx(0.09 / (0.09 + 0.2), rel=0.15)
    far = (50 + rng.normal(size=(5, 200))).astype(np.float32)
    np.testing.assert_allclose(module.shrunk_mean(far, known), far.mean(axis=0), rtol=1e-3)
    np.testing.assert_array_equal(module.shrunk_mean(far, far.mean(axis=0, dtype=float)), far.mean(axis=0, dtype=float))
