"""A split that a column gives: used as it is, and refused where nothing could be learned or judged by it."""

import numpy as np
import pytest

import tspg
from tspg.cli.main import main
from tspg.errors import LabelError, UsageError
from tspg.experiment.fit import prepare_task
from tspg.experiment.task import make_task

GIVEN = tspg.Training(split_column="part", method="mean_shift", target_epochs=1, threads=1)


@pytest.fixture
def adata(planted):
    """Donors of two samples; every fourth donor is held out."""
    adata = planted.adata.copy()
    adata.obs["part"] = np.where(np.arange(120) // 2 % 4 == 0, "test", "train")
    return adata


def task_of(adata, **options):
    return make_task(adata, "target", label_column="label", annotations=(), **{"training": GIVEN, **options})


def test_the_column_decides_who_is_held_out(adata):
    found = tspg.run(adata, target_class="target", label_column="label", annotations=(), training=GIVEN)
    assert found.perturbations.obs["split"].tolist() == adata.obs["part"].tolist()
    assert found.model.split == dict(zip(adata.obs_names, adata.obs["part"], strict=True))
    assert (found.config.split_column, found.config.folds) == ("part", 1)
    assert any("given by column part" in note for note in found.metrics["data"]["notes"])
    held_out = adata.obs["part"].eq("test") & adata.obs["label"].ne("target")
    assert found.metrics["perturbation"]["n_held_out"] == held_out.sum()


def test_whatever_the_seed(adata):
    one, other = (prepare_task(task_of(adata, seed=seed)).is_train for seed in (0, 1))
    assert (one == other).all()
    assert one.tolist() == adata.obs["part"].eq("train").tolist()


@pytest.mark.parametrize(
    ("rows", "part", "says"),
    [
        ([3], "validation", "'validation'"),
        ([3], "Train", "'Train'"),
        (range(80, 119), "test", "class 'target' has 1 sample to train on; 2 or more"),
        (range(40), "test", "class 'alpha' has 0 samples"),
        (range(80, 120), "train", "no sample of the target class is held out"),
        (range(80), "train", "no sample of a source class is held out"),
    ],
)
def test_a_split_by_which_nothing_is_learned_or_judged_is_refused(adata, rows, part, says):
    adata.obs.loc[adata.obs_names[list(rows)], "part"] = part
    adata.obs.loc[adata.obs_names[119], "part"] = "train"
    with pytest.raises(LabelError, match=says):
        task_of(adata)


def test_a_donor_on_both_sides_is_refused(adata):
    assert task_of(adata, group_column="donor")
    adata.obs.loc["s1", "part"] = "train"  # its donor's other sample is held out
    with pytest.raises(LabelError, match=r"1 donor .*'d0'"):
        task_of(adata, group_column="donor")


def test_gaps_other_columns_and_folds_are_refused(adata):
    with pytest.raises(UsageError, match=r"^folds is 3, but split_column"):
        tspg.Training(split_column="part", folds=3)
    with pytest.raises(LabelError, match="no sample column 'side'"):
        task_of(adata, training=tspg.Training(split_column="side"))
    adata.obs.loc["s5", "part"] = None
    with pytest.raises(LabelError, match="'part' is empty"):
        task_of(adata)


def test_the_command_line_names_it_by_its_flag(adata, tmp_path, capsys):
    adata.write_h5ad(tmp_path / "m.h5ad")
    command = ["run", "--expression", str(tmp_path / "m.h5ad"), "--label-column", "label", "--target", "target"]
    command += ["--out", str(tmp_path / "run"), "--split-column", "part", "--folds", "3"]
    assert main(command) == 2
    assert "--folds is 3, but --split-column" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
