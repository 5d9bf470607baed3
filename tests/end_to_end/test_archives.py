"""What any release wrote is read for ever: the model, the moved profiles, the tables, and a report from them."""

import shutil
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest

import tspg
from tests.packaging.released import last_release
from tspg.analysis.interpretation.genes import all_top_genes
from tspg.analysis.interpretation.perturbations import read_perturbations
from tspg.cli.main import main
from tspg.errors import ModelError
from tspg.report.manifest import verify
from tspg.report.read import read_run
from tspg.report.save import DRAWN_AGAIN
from tspg.utils.files import read_table, sha256_of

ARCHIVES = Path(__file__).resolve().parents[1] / "archives"
PNG = ["--figures", "png"]
RUNS = sorted(path.parent for path in ARCHIVES.glob("v*/*/manifest.json"))
pytestmark = pytest.mark.slow
EACH = pytest.mark.parametrize("run", RUNS, ids=lambda run: f"{run.parent.name}-{run.name}")


def test_there_is_an_archive_of_every_release():
    assert f"v{last_release()}" in {path.name for path in ARCHIVES.iterdir() if path.is_dir()}
    assert len(RUNS) >= 2


@EACH
def test_an_archived_model_moves_profiles_as_it_did(run, tmp_path):
    study = anndata.read_h5ad(run.parent / "study.h5ad")
    stored = read_perturbations(run)
    moved = tspg.load_model(run).perturb(study, label_column="state")
    assert list(moved.obs_names) == list(stored.obs_names)
    np.testing.assert_allclose(moved.X, stored.X, rtol=0, atol=1e-6)
    assert list(moved.obs["predicted_after"]) == list(stored.obs["predicted_after"])
    one = tmp_path / "one.h5ad"
    study[:1].write_h5ad(one)
    assert main(["perturb", "--model", str(run), "--expression", str(one), "--out", str(tmp_path / "new"), *PNG]) == 0


@EACH
def test_an_archived_folder_is_whole_and_its_report_is_drawn_again(run, tmp_path):
    verify(run, but=DRAWN_AGAIN)
    folder = shutil.copytree(run, tmp_path / "run")
    before = {path.name: sha256_of(path) for path in run.iterdir() if path.is_file()}
    assert main(["report", "--run", str(folder), *PNG]) == 0
    assert "target" in (folder / "report.html").read_text()
    changed = {name for name, digest in before.items() if sha256_of(folder / name) != digest}
    assert changed <= {"manifest.json", "tsne.tsv"}  # which tells of what is drawn; until 0.2.0 made of real ones alone


@EACH
def test_an_archived_table_still_means_the_same(run):
    stored = read_table(run / "top_genes.tsv")
    again = all_top_genes(read_perturbations(run), k=20, samples=())
    pd.testing.assert_frame_equal(again.reset_index(drop=True), stored, check_dtype=False, rtol=1e-6)
    assert read_run(run).target == "c"


def test_the_archived_study_has_a_known_answer():
    high = {f"GENE{number}" for number in range(10)}  # those that were made higher in class c
    top = read_table(ARCHIVES / "v0.1.0" / "transport" / "top_genes.tsv")
    up = top[(top["direction"] == "up") & (top["rank"] <= 10)]
    assert (up.groupby("source_class")["gene"].apply(lambda genes: len(high & set(genes))) >= 9).all()


def test_an_archive_that_was_changed_is_noticed(tmp_path):
    folder = shutil.copytree(RUNS[0], tmp_path / "run")
    (folder / "top_genes.tsv").write_bytes((folder / "top_genes.tsv").read_bytes()[:-1])
    with pytest.raises(ModelError, match=r"top_genes.tsv: was changed"):
        verify(folder, but=DRAWN_AGAIN)
