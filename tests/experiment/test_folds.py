"""When the evidence is taken from five further fits unasked: at each limit of the formula, from either side."""

import json

import pytest

import tspg
from tests.options import nested
from tspg.cli.main import main
from tspg.experiment.task import MOST_CELLS, MOST_GENES, automatic_folds, make_task
from tspg.model.config import Training

HERE = {"label_column": "label", "annotations": (), "threads": 1}


@pytest.fixture(autouse=True)
def short_of_what_nobody_looks_at(monkeypatch):
    """No figures, and small forests."""
    monkeypatch.setattr("tspg.report.save.write_figures", lambda *_figures, **_options: [])
    monkeypatch.setattr("tspg.analysis.evaluation.classifiers.TREES", 20)


def folds(*size, n_target=50, n_donors=50, config=None):
    config = config or Training(preset="transport").config(target_class="t")
    return automatic_folds(*(size or (300, 1000, 4)), config, n_target=n_target, n_donors=n_donors)


@pytest.mark.parametrize(("n_target", "expected"), [(13, 5), (147, 5), (148, 1), (150, 1), (151, 1)])
def test_a_split_that_holds_thirty_targets_out_is_enough(n_target, expected):
    """A fifth of 147 is 29.4, of 148 it is 29.6: 30 samples."""
    assert folds(n_target=n_target) == expected


@pytest.mark.parametrize(("n_donors", "expected"), [(4, 1), (5, 5)])
def test_every_fold_needs_a_donor_of_the_target(n_donors, expected):
    assert folds(n_donors=n_donors) == expected


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((1000, 1500, 4), 5),
        ((1000, 1501, 4), 1),
        ((1001, 1500, 4), 1),
        ((1000, 1500, 5), 1),
        ((100, 4500, 2), 5),
        ((100, 4501, 2), 1),  # training takes as long however few the samples are
    ],
)
def test_large_matrices_are_never_fitted_five_times_unasked(size, expected):
    assert (MOST_CELLS, MOST_GENES) == (6_000_000, 4_500)
    assert folds(*size) == expected


@pytest.mark.parametrize(
    ("preset", "changed", "expected"),
    [
        ("transport", {}, 5),
        ("transport", {"target_epochs": 2}, 5),
        ("transport", {"target_epochs": 1000}, 1),
        ("transport", {"method": "mean_shift"}, 5),
        ("paper", {}, 1),
        ("paper", {"steps": 1}, 1),
        ("paper", {"method": "mean_shift"}, 5),
    ],
)
def test_long_training_is_not_repeated_unasked(preset, changed, expected):
    assert folds(config=Training(preset=preset, **changed).config(target_class="t")) == expected


def test_a_question_has_as_many_folds_as_its_target_calls_for(planted):
    asked = {**HERE, "group_column": "donor"}
    task = make_task(planted.adata, "target", **nested(**asked))
    assert (task.config.folds, task.automatic_folds) == (5, True)
    for given in (1, 2, 5):
        task = make_task(planted.adata, "target", **nested(folds=given, **asked))
        assert (task.config.folds, task.automatic_folds) == (given, False)
    few = planted.adata[:88].copy()  # eight samples of the target, of four donors
    assert make_task(few, "target", **nested(**asked)).config.folds == 1
    assert make_task(few, "target", **nested(**HERE)).config.folds == 5  # each its own donor


def test_a_run_says_why_it_took_folds_and_how_to_turn_them_off(planted, tmp_path):
    short = {"method": "mean_shift", "target_epochs": 1, **HERE}
    found = tspg.run(planted.adata, **nested(target_class="target", group_column="donor", **short))
    assert found.config.folds == 5
    own = found.evidence.set_index(["method", "measure"])
    assert own.loc[("real_target", "hit_rate_f"), "n"] == 40  # every target sample was held out once
    (note,) = [note for note in found.metrics["data"]["notes"] if "further fits" in note]
    assert note == (
        "Only 8 target samples would be held out, so the evidence comes from 5 further fits, each holding out other "
        "samples; figures and genes are those of the model that was kept. --folds 1 turns this off."
    )
    tspg.save_run(found, tmp_path / "run")
    page = (tmp_path / "run" / "report.html").read_text()
    assert "--folds 5" in page
    assert "Only 8 target samples would be held out" in page
    one = tspg.run(planted.adata, **nested(target_class="target", group_column="donor", folds=1, **short))
    assert not [note for note in one.metrics["data"]["notes"] if "further fits" in note]
    assert one.model.model_id == found.model.model_id  # the model that is kept is the ordinary one


def test_what_is_resumed_is_the_resolved_number_of_folds(planted, tmp_path, capsys):
    planted.adata.write_h5ad(tmp_path / "m.h5ad")
    (tmp_path / "known.gmt").write_text("KNOWN\tx\tG3\tG4\tG5\n")
    command = ["run", "--expression", str(tmp_path / "m.h5ad"), "--label-column", "label", "--target", "target"]
    command += ["--method", "mean_shift", "--target-epochs", "1", "--threads", "1", "--out", str(tmp_path / "run")]
    command += ["--annotations", str(tmp_path / "known.gmt")]
    assert main(command) == 0
    assert "Note: Only 8 target samples would be held out" in " ".join(capsys.readouterr().out.split())
    settings = json.loads((tmp_path / "run" / "model" / "model.json").read_text())["settings"]
    assert settings["folds"] == 5
    for same in ([], ["--folds", "5"]):
        assert main([*command, *same, "--resume"]) == 0
    assert main([*command, "--folds", "1", "--resume"]) == 2
    assert "folds" in capsys.readouterr().err
