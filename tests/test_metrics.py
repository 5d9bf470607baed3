"""The numbers of metrics.json against counts by hand."""

import json

import numpy as np
import pytest

from tspg.metrics import number, perturb_metrics


def test_numbers_of_a_run_are_those_of_its_tables(planted_run):
    moved, found = planted_run.perturbations, planted_run.metrics["perturbation"]
    is_target = (moved.obs["source_class"] == "target").to_numpy()
    called = (moved.obs["predicted_after"] == "target").to_numpy()
    held_out = (moved.obs["split"] == "test").to_numpy() & ~is_target
    assert found["n"] == 120
    assert found["f_accuracy"] == pytest.approx(called.mean())  # all samples, those of the target too
    assert found["n_held_out"] == held_out.sum() == 16
    assert found["hit_rate"] == pytest.approx(called[held_out].mean())
    change = np.abs(moved.X - moved.layers["original"])[~is_target]
    assert found["mean_abs_change"] == pytest.approx(change.mean(), rel=1e-5)


def test_accuracy_of_f_is_over_held_out_samples_of_all_classes(planted_run):
    moved, found = planted_run.perturbations, planted_run.metrics["target_model"]
    held_out = (moved.obs["split"] == "test").to_numpy()
    right = (moved.obs["predicted_before"] == moved.obs["source_class"]).to_numpy()[held_out]
    assert found["n_test"] == held_out.sum() == 24
    assert found["test_accuracy"] == pytest.approx(right.mean())
    by_class = [
        right[(moved.obs["source_class"][held_out] == name).to_numpy()].mean() for name in ("alpha", "beta", "target")
    ]
    assert found["test_balanced_accuracy"] == pytest.approx(np.mean(by_class))


def test_balanced_accuracy_weighs_classes_alike(planted):
    from types import SimpleNamespace

    from tspg.data.prepare import prepare
    from tspg.metrics import _accuracy

    prepared = prepare(planted.adata[list(range(30)) + list(range(80, 90))], label_column="label")  # 30 and 10
    one_sided = SimpleNamespace(classify=lambda profiles: np.full(len(profiles), "alpha", dtype=object))
    found = _accuracy(prepared, one_sided)
    assert found == {"test_accuracy": 6 / 8, "test_balanced_accuracy": 0.5, "n_test": 8}


def test_profiles_on_both_sides_of_the_split_are_named(planted):
    from dataclasses import replace

    from tspg.data.prepare import prepare
    from tspg.metrics import _doubled

    prepared = prepare(planted.adata, label_column="label")
    assert _doubled(prepared) == []
    profiles = prepared.profiles.copy()
    train, test = np.flatnonzero(prepared.is_train), np.flatnonzero(~prepared.is_train)
    profiles[test[:2]], profiles[train[1]] = profiles[train[0]], profiles[train[2]]  # a pair inside training is no leak
    assert _doubled(replace(prepared, profiles=profiles)) == [prepared.sample_ids[row] for row in test[:2]]


def test_data_are_described_by_class_and_split(planted_run):
    data = planted_run.metrics["data"]
    assert data["classes"] == {name: {"train": 32, "test": 8} for name in ("alpha", "beta", "target")}
    assert (data["n_samples"], data["n_train"], data["n_test"], data["n_genes"]) == (120, 96, 24, 60)
    assert data["constant_genes"] == ["G59"]
    assert data["clipped_fraction"] == pytest.approx(data["clipped_cells"] / (24 * 60))


def test_perturb_counts_only_sources_that_were_not_trained_on(planted_run, planted):
    moved = planted_run.model.perturb(planted.adata, label_column="label")
    found = perturb_metrics(planted_run.model, planted.adata, moved)
    asked = (moved.obs["source_class"] != "target").to_numpy() & (moved.obs["split"] != "train").to_numpy()
    called = (moved.obs["predicted_after"] == "target").to_numpy()
    assert found["perturbation"]["n_held_out"] == asked.sum() == 16
    assert found["perturbation"]["hit_rate"] == pytest.approx(called[asked].mean())
    assert found["perturbation"]["f_accuracy"] == pytest.approx(called.mean())
    assert any("96 samples bear the name" in note for note in found["data"]["notes"])


def test_perturb_without_labels_has_no_hit_rate(planted_run, planted):
    moved = planted_run.model.perturb(planted.adata[:3])
    found = perturb_metrics(planted_run.model, planted.adata[:3], moved)
    assert found["perturbation"]["hit_rate"] is None
    assert found["perturbation"]["n_held_out"] == 0


def test_values_in_other_units_are_doubted(planted_run, planted):
    linear = planted.adata.copy()
    linear.X = np.exp2(linear.X) + 0.5
    found = perturb_metrics(planted_run.model, linear, planted_run.model.perturb(linear))
    assert any("look like linear" in note and "trained on log scale" in note for note in found["data"]["notes"])


def test_json_can_say_every_number(planted_run):
    json.dumps(planted_run.metrics, allow_nan=False)
    assert number(np.float32("nan")) is None
    assert number(np.inf) is None
    assert number(np.float32(0.5)) == 0.5


def test_a_run_introduces_itself_in_two_lines(planted_run):
    lines = repr(planted_run).splitlines()
    assert lines[0] == "Run: 120 samples x 60 genes, alpha, beta -> target (preset paper, seed 0)"
    assert len(lines) == 2
