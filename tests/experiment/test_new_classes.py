"""Classes that a model was never trained on: where they go, what is said of them, and the row of every moved sample."""

import json
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
from anndata import AnnData

import tspg
from tests.docs.documented import assert_as_documented
from tests.options import nested
from tspg.analysis.evaluation.energy import energy_distance
from tspg.analysis.interpretation.samples import SAMPLE_COLUMNS
from tspg.cli.main import main
from tspg.errors import ModelError, UsageError
from tspg.experiment.metrics import perturb_metrics
from tspg.model.baselines import BASELINES, TrainingPart
from tspg.utils.files import read_table, write_table

ARCHIVED = Path(__file__).parents[1] / "archives" / "v0.1.0" / "transport"
HOW = {"label_column": "label", "target_class": "target", "target_epochs": 10, "folds": 1, "threads": 1}


def cohort_of(n, name="gamma", seed=5, first=0):
    """A class that is neither alpha nor beta: genes 30 to 44 are 4 lower, and half of the others vary less."""
    rng = np.random.default_rng(seed)
    values = 8 + rng.normal(size=(n, 60)) * np.where(np.arange(60) % 2, 0.5, 1)
    values[:, 30:45] -= 4
    values[:, 59] = 3
    names = [f"{name}{number}" for number in range(first, first + n)]
    genes = pd.DataFrame(index=[f"G{number}" for number in range(60)])
    return AnnData(values.astype(np.float32), pd.DataFrame({"label": name}, index=names), genes)


@pytest.fixture(scope="module")
def wide(planted):
    """The planted classes, in which some values are so low that a new class stays inside the training range."""
    adata = planted.adata.copy()
    rng = np.random.default_rng(8)
    adata.X[:, 30:45] -= (rng.random((120, 1)) < 0.25) * rng.uniform(0, 7, (120, 15)).astype(np.float32)
    return adata


@pytest.fixture(scope="module")
def run(wide):
    return tspg.run(
        wide, **nested(group_column="donor", method="linear_map", samples=["s7", "s2"], annotations=[], **HOW)
    )


@pytest.fixture(scope="module")
def folder(run, tmp_path_factory):
    out = tmp_path_factory.mktemp("new") / "run"
    tspg.save_run(run, out)
    return out


def written(adata, path, *, labels=True):
    """Options that name a matrix, and its labels, once both are written."""
    adata.to_df().to_csv(path / "new.tsv", sep="\t", index_label="sample")
    if not labels:
        return ["--expression", str(path / "new.tsv")]
    adata.obs.to_csv(path / "labels.tsv", sep="\t", header=False)
    return ["--expression", str(path / "new.tsv"), "--labels", str(path / "labels.tsv")]


def test_a_new_class_arrives_where_the_rule_of_the_likeliest_class_leaves_it_behind(run, wide):
    model, cohort = run.model, cohort_of(40)
    targets = model.scaler.transform(wide.X[(wide.obs["label"] == "target").to_numpy()])[0]
    own, likeliest = model.perturb(cohort, label_column="label"), model.perturb(cohort)
    before = energy_distance(own.layers["original"], targets)
    assert energy_distance(likeliest.X, targets) > 0.2 * before
    assert energy_distance(own.X, targets) < 0.05 * before
    centre = targets.mean(axis=0)
    assert np.abs(own.X.mean(axis=0) - centre).max() < 0.1
    assert np.abs(likeliest.X.mean(axis=0) - centre)[30:45].min() > 0.1
    assert set(own.obs["moved_as"]) == {"gamma"}
    assert set(likeliest.obs["moved_as"]) <= {"alpha", "beta"}
    few = model.perturb(cohort[:5], label_column="label")
    assert energy_distance(few.X, targets) < 0.5 * energy_distance(likeliest.X[:5], targets)


def test_every_class_of_a_file_is_moved_as_it_would_be_alone(run, wide):
    parts = [cohort_of(6), cohort_of(9, "delta", seed=6), cohort_of(4, "few", seed=7), wide[:3].copy()]
    parts[3].obs_names = ["known0", "known1", "known2"]
    together = anndata.concat(parts)
    together.obs["label"] = together.obs["label"].astype(object)
    together.obs.loc["known2", "label"] = ""
    moved = run.model.perturb(together[::-1], label_column="label")
    for part in parts[:3]:
        alone = run.model.perturb(part, label_column="label")
        np.testing.assert_allclose(moved[part.obs_names].X, alone.X, atol=1e-6)
    np.testing.assert_allclose(
        moved[["known0", "known1"]].X, run.model.perturb(parts[3][:2], label_column="label").X, atol=1e-6
    )
    np.testing.assert_allclose(moved[["known2"]].X, run.model.perturb(parts[3][2:]).X, atol=1e-6)
    how = dict(zip(moved.uns["tspg"]["new_classes"], moved.uns["tspg"]["new_classes_moved"], strict=True))
    assert how == {"delta": "own", "few": "too_few", "gamma": "own"}
    np.testing.assert_allclose(moved[parts[2].obs_names].X, run.model.perturb(parts[2]).X, atol=1e-6)
    assert (moved.obs["moved_as"] != "").all()
    assert set(moved[parts[2].obs_names].obs["moved_as"]) <= {"alpha", "beta"}


def test_a_stranger_that_f_calls_the_target_is_moved_too(run, wide):
    twins = wide[(wide.obs["label"] == "target").to_numpy()][:6].copy()
    twins.obs["label"], twins.obs_names = "gamma", [f"twin{number}" for number in range(6)]
    for some in (twins, twins[:3]):
        moved = run.model.perturb(some, label_column="label")
        assert (moved.obs["predicted_before"] == "target").all()
        assert (moved.obs["moved_as"] != "").all()
        assert (np.abs(moved.layers["perturbation"]).max(axis=1) > 0).all()


def test_new_class_says_what_labels_would(run):
    cohort = cohort_of(8)
    labelled, said = run.model.perturb(cohort, label_column="label"), run.model.perturb(cohort, new_class="gamma")
    np.testing.assert_array_equal(said.X, labelled.X)
    assert said.obs.equals(labelled.obs)
    assert said.uns["tspg"]["model_id"] == run.model.model_id


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"new_class": "beta"}, "'beta' is no new class"),
        ({"new_class": "target"}, "'target' is no new class"),
        ({"new_class": " "}, "no name for a new class"),
        ({"new_class": "a\x1b[2J"}, "class names hold control characters"),
        ({"new_class": "gamma", "label_column": "label"}, "Give one of them"),
    ],
)
def test_what_contradicts_itself_is_refused(run, how, words):
    with pytest.raises(UsageError, match=words):
        run.model.perturb(cohort_of(8), **how)


def test_genes_of_a_person_of_a_new_class_are_held_against_the_target_alone(run, wide):
    cohort = cohort_of(8)
    genes = run.model.sample_genes(cohort, samples=["gamma3"], label_column="label").set_index("gene")
    assert genes[["z_own", "p_own", "q_own", "percentile_source"]].isna().all(axis=None)
    train = np.array([run.model.split[name] == "train" for name in wide.obs_names])
    mean = wide.X[train & (wide.obs["label"] == "target").to_numpy()].mean(axis=0)
    np.testing.assert_allclose(genes.loc[wide.var_names, "expected"], mean, rtol=1e-4)
    together = run.model.perturb(cohort, label_column="label")[["gamma3"]]
    np.testing.assert_allclose(genes.loc[wide.var_names, "perturbation"], together.layers["perturbation"][0], atol=1e-6)


@pytest.mark.parametrize("name", ["mean_shift", "quantile_map"])
def test_a_baseline_that_learns_a_class_later_is_the_one_that_knew_it(name):
    rng = np.random.default_rng(3)
    profiles = rng.random((60, 7)).astype(np.float32)
    classes = np.repeat([0, 1, 2], 20)
    full = BASELINES[name].fit(TrainingPart(profiles, classes, 1))
    later = BASELINES[name].fit(TrainingPart(profiles[:40], classes[:40], 1)).with_class(profiles[40:], classes[40:])
    np.testing.assert_array_equal(later.move(profiles, classes), full.move(profiles, classes))


@pytest.mark.parametrize(
    ("method", "how"),
    [("nearest_target", "one_for_all"), ("paired_regression", "method"), ("quantile_map", "own")],
)
def test_each_method_does_what_it_can(wide, method, how):
    adata = wide.copy()
    adata.obs["who"] = [f"p{number % 40}" for number in range(120)]  # of all three classes, as that method needs
    model = tspg.run(adata, **nested(group_column="who", method=method, annotations=[], **HOW)).model
    cohort = cohort_of(8)
    moved = model.perturb(cohort, label_column="label")
    found = perturb_metrics(model, cohort, moved)["data"]
    assert found["new_classes"]["gamma"]["moved"] == how
    assert found["new_classes"]["gamma"]["n"] == 8
    told = found["notes"][0]
    assert "'gamma' (8 samples)" in told
    if how == "method":
        assert "cannot learn a class" in told
        with pytest.raises(UsageError, match="--method linear_map"):
            model.perturb(cohort, new_class="gamma")
        np.testing.assert_array_equal(moved.X, model.perturb(cohort).X)
    if how == "one_for_all":
        assert set(moved.obs["moved_as"]) == {""}
        np.testing.assert_array_equal(moved.X, model.perturb(cohort, new_class="gamma").X)


def test_an_older_model_moves_as_before_and_says_what_it_lacks():
    model = tspg.load_model(ARCHIVED)
    study = anndata.read_h5ad(ARCHIVED.parent / "study.h5ad")[:8].copy()
    study.obs["state"] = "unheard of"
    moved = model.perturb(study, label_column="state")
    np.testing.assert_array_equal(moved.X, model.perturb(study).X)
    notes = perturb_metrics(model, study, moved)["data"]["notes"]
    assert any("train it again" in note for note in notes)
    with pytest.raises(ModelError, match="Train it again"):
        model.perturb(study, new_class="unheard of")
    few = model.perturb(study[:2], new_class="unheard of")
    assert few.uns["tspg"]["new_classes_moved"].tolist() == ["too_few"]


def test_a_stored_model_makes_the_same_map(folder, run):
    cohort = cohort_of(8)
    again = tspg.load_model(folder).perturb(cohort, new_class="gamma")
    np.testing.assert_allclose(again.X, run.model.perturb(cohort, new_class="gamma").X, atol=1e-6)


def test_terminal_page_and_metrics_tell_of_a_new_class(folder, tmp_path, capsys):
    files, out = written(cohort_of(30), tmp_path, labels=False), tmp_path / "out"
    assert main(["perturb", "--model", str(folder), *files, "--new-class", "gamma", "--out", str(out)]) == 0
    told = "The model was not trained on 'gamma' (30 samples). They were moved by a map made of their own mean"
    assert told in " ".join(capsys.readouterr().out.split())
    page = (out / "report.html").read_text()
    assert told.replace("'", "&#39;") in page
    assert "new to the model" in page
    assert "the model was not trained on this class" in page
    assert page.count('<th scope="row">gamma') >= 30
    data = json.loads((out / "metrics.json").read_text())["data"]
    assert data["new_classes"] == {"gamma": {"n": 30, "moved": "own", "moved_as": {"gamma": 30}}}
    assert data["unseen_energy_ratio"] is None
    samples = read_table(out / "samples.tsv")
    assert samples["sample"].tolist() == [f"gamma{number}" for number in range(30)]
    assert set(samples["moved_as"]) == {"gamma"}
    assert_as_documented(out)


def test_few_of_a_class_are_told_with_what_it_costs(folder, tmp_path, capsys):
    controls = pd.DataFrame(
        [("leave_one_class_out", "hit_rate_logistic", 0.4), ("leave_one_class_out", "energy_ratio", 0.5625)],
        columns=["control", "measure", "value"],
    )
    write_table(folder / "controls.tsv", controls)
    files, out = written(cohort_of(3, "alpah"), tmp_path), tmp_path / "out"
    assert main(["perturb", "--model", str(folder), *files, "--out", str(out)]) == 0
    (folder / "controls.tsv").unlink()
    told = " ".join(capsys.readouterr().out.split())
    assert "'alpah' (3 samples). These are too few to make a map of (5 are needed)" in told
    assert "energy ratio of a class left out of training was up to 0.56" in told
    data = json.loads((out / "metrics.json").read_text())["data"]
    assert data["new_classes"]["alpah"]["moved"] == "too_few"
    assert sum(data["new_classes"]["alpah"]["moved_as"].values()) == 3
    assert data["unseen_energy_ratio"] == 0.5625
    assert_as_documented(out)


def test_a_name_that_differs_in_letters_alone_is_asked_about(run):
    cohort = cohort_of(6, "Alpha")
    moved = run.model.perturb(cohort, label_column="label")
    notes = perturb_metrics(run.model, cohort, moved)["data"]["notes"]
    assert "Is the name of a class misspelt? 'Alpha' ('alpha' is known)." in notes


@pytest.mark.parametrize(("labels", "name"), [(True, "gamma"), (False, "alpha"), (False, "")])
def test_the_command_refuses_before_any_work(folder, tmp_path, labels, name):
    files, out = written(cohort_of(8), tmp_path, labels=labels), tmp_path / "out"
    assert main(["perturb", "--model", str(folder), *files, "--new-class", name, "--out", str(out)]) == 2
    assert not out.exists()


def test_a_run_has_a_row_for_every_sample_and_those_named_first(run, wide):
    table, moved = run.tables["samples"], run.perturbations
    assert tuple(table.columns) == SAMPLE_COLUMNS
    assert table["sample"][:2].tolist() == ["s7", "s2"]
    assert sorted(table["sample"]) == sorted(moved.obs_names)
    assert table["distance"].notna().tolist() == [True, True] + [False] * 118
    by_name = table.set_index("sample").loc[wide.obs_names]
    assert by_name["source_class"].tolist() == wide.obs["label"].tolist()
    own = np.where(wide.obs["label"] == "target", "", wide.obs["label"])
    assert by_name["moved_as"].tolist() == own.tolist()
    train = (by_name["split"] == "train").to_numpy()
    low, high = wide.X[train].min(axis=0), wide.X[train].max(axis=0)
    outside = ((low > wide.X) | (high < wide.X))[:, :59].sum(axis=1) / 60  # the last gene does not vary
    np.testing.assert_allclose(by_name["clipped"], outside, atol=1e-12)
    assert by_name["clipped"][~train].max() > 0
    assert by_name["p_shift"].between(0, 1).all()
    assert (set(table["normalised"]), set(table["aligned"])) == ({"none"}, {0.0})
    assert moved.uns["tspg"].get("new_classes") is None
