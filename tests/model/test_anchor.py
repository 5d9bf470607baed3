"""The closed-form map against closed forms: Gaussian clouds, NumPy's decomposition, and the mean shift."""

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData

from tspg.data.prepare import Prepared, Scaler
from tspg.model import anchor as module
from tspg.model.anchor import Anchor, leading_directions, transport_map


def study(profiles, labels):
    """Profiles as a prepared study in which every sample is trained on; values need not lie in [0, 1] here."""
    classes, class_index = np.unique(labels, return_inverse=True)
    n, genes = profiles.shape
    return Prepared(
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


def moved_source(prepared, anchor):
    rows = prepared.class_index == 0
    return anchor.move(prepared.profiles[rows], prepared.class_index[rows])


def test_a_gaussian_cloud_gets_the_targets_mean_and_covariance(monkeypatch):
    monkeypatch.setattr(module, "RIDGE", 0.0)
    prepared = clouds(np.random.default_rng(0), 10_000, 20)
    moved = moved_source(prepared, Anchor.estimate(prepared, "t"))
    target = prepared.profiles[prepared.class_index == 1].astype(float)
    np.testing.assert_allclose(moved.mean(axis=0), target.mean(axis=0), atol=1e-5)
    expected = np.cov(target, rowvar=False)
    error = np.linalg.norm(np.cov(moved, rowvar=False) - expected) / np.linalg.norm(expected)
    assert error < 0.01  # shrinking by 20 of 10,020 samples leaves about .002


def test_equal_spread_makes_it_the_mean_shift():
    rng = np.random.default_rng(1)
    residual = rng.normal(size=(30, 12))
    residual -= residual.mean(axis=0)
    means = rng.normal(size=(2, 12))
    prepared = study(np.concatenate([residual + means[0], residual[::-1] + means[1]]), np.repeat(["a", "t"], 30))
    moved = moved_source(prepared, Anchor.estimate(prepared, "t"))
    np.testing.assert_allclose(moved, prepared.profiles[:30] + means[1] - means[0], atol=1e-5)


def test_all_weight_on_the_pool_only_scales_the_mean_shift(monkeypatch):
    monkeypatch.setattr(module, "RIDGE", 0.0)
    monkeypatch.setattr(module, "POOL_WEIGHT", 1e12)
    prepared = clouds(np.random.default_rng(2), 200, 12)
    anchor = Anchor.estimate(prepared, "t")
    spread = [prepared.profiles[prepared.class_index == c].astype(float).var(axis=0, ddof=1).sum() for c in (0, 1)]
    scale = np.sqrt(spread[1] / spread[0])
    residual = prepared.profiles[:200] - anchor.class_means[0]
    np.testing.assert_allclose(moved_source(prepared, anchor), anchor.class_means[1] + scale * residual, atol=1e-4)


def test_samples_of_the_target_stay_as_they_are():
    prepared = clouds(np.random.default_rng(3), 40, 10)
    target = prepared.class_index == 1
    moved = Anchor.estimate(prepared, "t").move(prepared.profiles[target], prepared.class_index[target])
    np.testing.assert_array_equal(moved, prepared.profiles[target])


def test_permuting_the_genes_permutes_the_result():
    prepared = clouds(np.random.default_rng(4), 60, 15)
    order = np.random.default_rng(5).permutation(15)
    shuffled = study(prepared.profiles[:, order], prepared.source_class)
    first = moved_source(prepared, Anchor.estimate(prepared, "t"))
    second = moved_source(shuffled, Anchor.estimate(shuffled, "t"))
    np.testing.assert_allclose(second, first[:, order], atol=1e-4)


def test_a_source_class_of_one_sample_lands_on_the_target_mean():
    rng = np.random.default_rng(6)
    prepared = study(rng.normal(size=(61, 10)), ["a"] * 30 + ["b"] + ["t"] * 30)
    anchor = Anchor.estimate(prepared, "t")
    moved = anchor.move(prepared.profiles[30:31], prepared.class_index[30:31])
    np.testing.assert_allclose(moved[0], prepared.profiles[31:].mean(axis=0), atol=1e-5)
    other = anchor.move(prepared.profiles[30:31] + 1, prepared.class_index[30:31])
    assert np.isfinite(other).all()
    assert np.abs(other - moved).max() > 0.1  # a new sample of that class keeps what is its own


def test_a_target_of_one_sample_works():
    prepared = study(np.random.default_rng(7).normal(size=(31, 10)), ["a"] * 30 + ["t"])
    moved = moved_source(prepared, Anchor.estimate(prepared, "t"))
    np.testing.assert_allclose(moved.mean(axis=0), prepared.profiles[30], atol=1e-5)


def test_classes_without_any_spread_are_shifted():
    prepared = study(np.repeat([[0.0, 1.0], [1.0, 0.5]], 5, axis=0), np.repeat(["a", "t"], 5))
    np.testing.assert_allclose(moved_source(prepared, Anchor.estimate(prepared, "t")), np.tile([1.0, 0.5], (5, 1)))


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
    moved = Anchor.estimate(second, "t").move(first.profiles, first.class_index)
    expected = Anchor.estimate(first, "t").move(first.profiles, first.class_index)
    np.testing.assert_allclose(moved, expected, atol=1e-6)


def test_held_out_samples_have_no_say(planted):
    from tspg.data.prepare import prepare

    prepared = prepare(planted.adata, label_column="label")
    poisoned = planted.adata.copy()
    poisoned.X[~prepared.is_train] += 1e3
    first, second = (Anchor.estimate(p, "target") for p in (prepared, prepare(poisoned, label_column="label")))
    for name in ("directions", "class_means", "maps", "stretch"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))


def test_stored_and_read_again_it_is_the_same():
    prepared = clouds(np.random.default_rng(10), 40, 10)
    anchor = Anchor.estimate(prepared, "t")
    again = Anchor.from_tensors(anchor.tensors())
    np.testing.assert_array_equal(moved_source(prepared, again), moved_source(prepared, anchor))


def test_new_samples_without_a_label_are_moved_from_the_class_f_sees(planted):
    import tspg

    run = tspg.run(
        planted.adata,
        label_column="label",
        target_class="target",
        preset="transport",
        steps=10,
        target_epochs=25,
        folds=1,
        threads=1,
    )
    labelled = run.model.perturb(planted.adata, label_column="label")
    unlabelled = run.model.perturb(planted.adata)
    sources = (labelled.obs["source_class"] != "target").to_numpy()
    sure = sources & (unlabelled.obs["predicted_before"] == labelled.obs["source_class"]).to_numpy()
    assert sure.sum() > 60
    np.testing.assert_allclose(unlabelled.X[sure], labelled.X[sure], atol=1e-5)
    target = ~sources
    np.testing.assert_allclose(labelled.X[target], labelled.layers["original"][target])  # stays
    stranger = AnnData(
        planted.adata.X[:2], pd.DataFrame({"label": ["never seen"] * 2}, index=["a", "b"]), planted.adata.var
    )
    moved = run.model.perturb(stranger, label_column="label")
    np.testing.assert_allclose(moved.X, unlabelled.X[:2], atol=1e-5)
