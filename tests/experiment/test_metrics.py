"""The numbers of metrics.json against counts by hand."""

import json

import numpy as np
import pytest

from tests.options import nested
from tspg.experiment.metrics import number, perturb_metrics


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
    from tspg.experiment.metrics import _accuracy

    dataset = prepare(planted.adata[list(range(30)) + list(range(80, 90))], label_column="label")  # 30 and 10
    one_sided = SimpleNamespace(classify=lambda profiles: np.full(len(profiles), "alpha", dtype=object))
    found = _accuracy(dataset, one_sided)
    assert found == {"test_accuracy": 6 / 8, "test_balanced_accuracy": 0.5, "n_test": 8}


def test_profiles_on_both_sides_of_the_split_are_named(planted):
    from dataclasses import replace
    from types import SimpleNamespace

    import tspg
    from tspg.data.prepare import prepare
    from tspg.experiment.metrics import _notes_on_samples

    def notes(dataset):
        task = SimpleNamespace(config=tspg.ExperimentConfig(target_class="target"))
        counts = {name: {"train": 30, "test": 8} for name in dataset.classes}
        return [note for note in _notes_on_samples(task, dataset, counts) if "exactly the profile" in note]

    dataset = prepare(planted.adata, label_column="label")
    assert notes(dataset) == []
    profiles = dataset.profiles.copy()
    train, test = np.flatnonzero(dataset.is_train), np.flatnonzero(~dataset.is_train)
    profiles[test[:2]], profiles[train[1]] = profiles[train[0]], profiles[train[2]]  # a pair inside training is no leak
    (note,) = notes(replace(dataset, profiles=profiles))
    assert note.startswith("2 held-out samples have")
    assert all(dataset.sample_ids[row] in note for row in test[:2])


def run_without_groups(planted, obs):
    from anndata import AnnData

    import tspg

    adata = AnnData(planted.adata.X, obs=obs, var=planted.adata.var)
    how = {"label_column": "label", "target_class": "target", "method": "mean_shift", "target_epochs": 2, "folds": 1}
    return tspg.run(adata, **nested(**how, annotations=(), threads=1))


def test_donors_on_both_sides_of_the_split_are_counted_and_told(planted):
    donors = [f"d{at // 3}" if at < 60 else f"e{at}" for at in range(120)]  # d13 gives samples of two classes
    obs = planted.adata.obs.assign(donor=donors)
    run = run_without_groups(planted, obs)
    split, donor = run.perturbations.obs["split"], obs["donor"]
    trained = set(donor[split == "train"])
    n_seen = sum(name in trained for name in donor[split == "test"])
    assert 0 < n_seen < 24
    told = {"column": "donor", "rule": "column", "n_donors": 80, "n_repeated": 20, "n_spanning": 1}
    assert run.metrics["data"]["donors"] == {**told, "held_out_seen": n_seen}
    assert run.metrics["data"]["notes"][0] == (
        f"{n_seen} of 24 held-out samples have a sample of the same donor in training (column 'donor', as it seems): "
        "results may look better than they are. Say: --group-column donor."
    )


def test_donors_that_only_names_of_samples_tell_need_a_column(planted):
    obs = planted.adata.obs[["label"]].set_axis([f"GTEX-D{at // 2}-{at % 2}" for at in range(120)])
    run = run_without_groups(planted, obs)
    found = run.metrics["data"]["donors"]
    assert (found["column"], found["rule"], found["n_repeated"]) == (None, "gtex_id", 60)
    assert run.metrics["data"]["notes"][0].endswith(
        "in training (the first two fields of GTEx ids, as it seems): results may look better than they are. "
        "Make a column with the donors and name it: --group-column NAME."
    )


def test_donors_that_are_named_or_not_there_or_on_one_side_are_no_news(planted, planted_run):
    from types import SimpleNamespace

    from tspg.data.prepare import prepare
    from tspg.experiment.metrics import _donors

    nothing = dict.fromkeys(("column", "rule", "n_donors", "n_repeated", "n_spanning", "held_out_seen"))
    assert planted_run.config.group_column == "donor"
    assert planted_run.metrics["data"]["donors"] == nothing
    assert not any("same donor" in note for note in planted_run.metrics["data"]["notes"])
    grouped = prepare(planted.adata, label_column="label", group_column="donor")
    task = SimpleNamespace(config=SimpleNamespace(group_column=None), adata=planted.adata)
    apart, notes = _donors(task, grouped)
    assert (apart["n_repeated"], apart["held_out_seen"], notes) == (60, 0, [])
    task.adata = planted.adata[:, :].copy()
    task.adata.obs = planted.adata.obs[["label"]]
    assert _donors(task, grouped) == (nothing, [])


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
