"""Adjustment for a batch: a planted effect is subtracted, biology stays, and confounded columns are refused."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

import tspg
from tests.options import nested
from tspg.data.batch import Adjustment, check_adjustable
from tspg.errors import UsageError
from tspg.model.storage import load_model, save_model


def test_offsets_by_hand():
    """Two classes 4 apart, two batches 2 apart, one sample each."""
    values = np.array([[1.0, 5.0], [3.0, 5.0], [5.0, 5.0], [7.0, 5.0]], np.float32)
    found = Adjustment.fit(values, np.array([0, 0, 1, 1]), ["x", "y", "x", "y"], column="batch")
    assert found.levels == ("x", "y")
    np.testing.assert_allclose(found.offsets, [[-1, 0], [1, 0]], atol=1e-6)
    adjusted, unknown = found.transform(values, ["x", "y", "x", "z"])
    np.testing.assert_allclose(adjusted[:, 0], [2, 2, 6, 7], atol=1e-6)
    assert unknown == 1


def test_offsets_agree_with_scikit_learn_where_nothing_is_balanced():
    rng = np.random.default_rng(0)
    classes, levels = rng.integers(0, 3, 80), rng.integers(0, 4, 80)
    values = rng.normal(size=(80, 5)).astype(np.float32)
    found = Adjustment.fit(values, classes, list(map(str, levels)), column="batch")
    design = np.hstack([np.eye(3)[classes], np.eye(4)[levels]])
    fitted = LinearRegression().fit(design, values)
    expected = fitted.coef_[:, 3:].T[:, :]
    np.testing.assert_allclose(np.diff(found.offsets, axis=0), np.diff(expected, axis=0), atol=1e-5)
    np.testing.assert_allclose(found.offsets[levels].mean(axis=0), 0, atol=1e-6)


def test_what_is_the_class_is_never_taken_for_the_batch():
    """Nine of ten samples of a class in one batch: the means of the batches differ, and the offsets do not."""
    classes = np.repeat([0, 1], 10)
    levels = ["x"] * 9 + ["y"] + ["x"] + ["y"] * 9
    found = Adjustment.fit(np.where(classes == 1, 8.0, 2.0)[:, None], classes, levels, column="batch")
    np.testing.assert_allclose(found.offsets, 0, atol=1e-6)


@pytest.mark.parametrize(
    ("levels", "says"),
    [
        (["x"] * 8, "1 different values"),
        ([f"b{number}" for number in range(50)], "50 different values"),
        (["x", "x", "x", "x", "y", "y", "y", "y"], "cannot be separated from biology"),
        (["x"] * 14 + ["y"] * 2 + ["x"] * 2 + ["y"] * 14, "Cramer's V 0.7"),
    ],
)
def test_what_cannot_be_told_from_the_class_is_refused(levels, says):
    classes = ["a"] * (len(levels) // 2) + ["b"] * (len(levels) - len(levels) // 2)
    with pytest.raises(UsageError, match=says):
        check_adjustable(classes, levels, column="batch")


def test_parts_that_share_no_level_are_refused():
    """Within either part the batch says nothing, between them everything."""
    classes, levels = list("aabb" * 2 + "ccdd" * 2), list("xyxy" * 2 + "zwzw" * 2)
    with pytest.raises(UsageError, match="cannot be separated from biology"):
        check_adjustable(classes, levels, column="batch")
    check_adjustable(classes[:8], levels[:8], column="batch")


@pytest.fixture(scope="module")
def batched(planted):
    """The planted classes, of which the target was measured mostly on a platform that reads G30 three higher."""
    adata = planted.adata.copy()
    is_target = (adata.obs["label"] == "target").to_numpy()
    second = np.random.default_rng(5).random(120) < np.where(is_target, 0.7, 0.3)
    adata.obs["platform"] = np.where(second, "second", "first")
    adata.X[:, 30] += 3.0 * second
    return adata


@pytest.fixture(scope="module")
def adjusted(batched):
    options = {"method": "mean_shift", "target_epochs": 2, "folds": 1, "adjust_column": "platform"}
    return tspg.run(batched, **nested(label_column="label", target_class="target", **options))


def test_a_gene_of_the_platform_is_no_longer_found(batched, planted, adjusted):
    dataset = tspg.prepare(batched, label_column="label")
    others = dataset.profiles[~dataset.class_mask("target") & dataset.is_train].mean(axis=0)
    unadjusted = pd.Series(dataset.class_mean("target") - others, dataset.gene_ids).nlargest(6)
    assert "G30" in unadjusted
    genes = adjusted.top_genes
    first_six = set(genes.loc[(genes["direction"] == "up") & (genes["rank"] <= 6), "gene"])
    assert "G30" not in first_six
    assert planted.up <= first_six
    assert any("adjusted for platform" in note for note in adjusted.metrics["data"]["notes"])


def test_held_out_samples_have_no_say_in_the_offsets(batched):
    before = tspg.prepare(batched, label_column="label", adjust_column="platform")
    poisoned = batched.copy()
    poisoned.X[~before.is_train] *= 1e3
    after = tspg.prepare(poisoned, label_column="label", adjust_column="platform")
    np.testing.assert_array_equal(before.adjustment.offsets, after.adjustment.offsets)


def test_a_stored_model_adjusts_new_profiles_whose_platform_is_known(batched, adjusted, tmp_path):
    save_model(adjusted.model, tmp_path / "model")
    model = load_model(tmp_path / "model")
    assert model.model_id == adjusted.model.model_id
    again = model.perturb(batched)
    rows = again.obs_names.get_indexer(adjusted.perturbations.obs_names)
    np.testing.assert_array_equal(again.layers["original"][rows], adjusted.perturbations.layers["original"])
    assert again.uns["tspg"]["unadjusted"] == 0
    unknown = batched[:2].copy()
    del unknown.obs["platform"]
    assert model.perturb(unknown).uns["tspg"]["unadjusted"] == 2
