"""What users put into a matrix comes out of it again: their columns of samples and genes stay beside the results."""

import anndata
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tspg
from tests.options import nested
from tspg.cli.main import main
from tspg.data.own_columns import GENE_COLUMNS, SAMPLE_COLUMNS, kept_names, own_column

QUICK = {"target_class": "T", "label_column": "tissue", "target_epochs": 1, "folds": 1, "threads": 1, "annotations": ()}


@pytest.fixture(autouse=True)
def no_figures(monkeypatch):
    """Nobody looks at them here."""
    monkeypatch.setattr("tspg.report.save.write_figures", lambda *_figures, **_options: [])


@pytest.fixture(scope="module")
def adata():
    """Twelve samples with columns of every kind, and of names that are taken."""
    rng, n = np.random.default_rng(0), 12
    obs = pd.DataFrame({"tissue": [*"AAAABBBBTTTT"]}, index=[f"s{at}" for at in range(n)])
    obs["age"] = np.arange(n) + 0.5
    obs["is_male"] = np.arange(n) % 2 == 0
    obs["stage"] = pd.Categorical([["I", "II", None][at % 3] for at in range(n)], ["I", "II", "III"], ordered=True)
    obs["born"] = pd.date_range("1960-01-01", periods=n)
    obs["mixed"] = [1, "a", None] * 4
    obs["age/sex"] = "40/f"
    obs["age_sex"] = "mine"
    for name in ("split", "source_class", "predicted_before", "group", "_index", "."):
        obs[name] = [f"{name} {at}" for at in range(n)]
    var = pd.DataFrame(index=[f"G{at}" for at in range(6)])
    var["symbol"], var["minimum"], var["chr/start"], var["length"] = "TP53", "low", "1/2", np.arange(6)
    return anndata.AnnData(rng.normal(5, 1, (n, 6)).astype(np.float32), obs, var)


@pytest.fixture(scope="module")
def run(adata):
    return tspg.run(adata, **nested(group_column="split", **QUICK))


def written_and_read(moved, folder):
    """As scanpy would open it."""
    from tspg.analysis.interpretation.perturbations import write_perturbations

    write_perturbations(moved, folder / "moved.h5ad")
    return anndata.read_h5ad(folder / "moved.h5ad")


@pytest.mark.parametrize("by", ["run", "perturb"])
def test_every_column_of_samples_and_genes_stays(run, adata, tmp_path, by):
    some = adata[3:9, ::-1]
    moved = run.perturbations if by == "run" else run.model.perturb(some, label_column="tissue")
    given_obs, found = (adata if by == "run" else some).obs, written_and_read(moved, tmp_path)
    for name in ("age", "is_male"):
        np.testing.assert_array_equal(found.obs[name], given_obs[name])
    assert found.obs["stage"].tolist() == given_obs["stage"].tolist()
    assert found.obs["stage"].cat.categories.tolist() == given_obs["stage"].cat.categories.tolist()
    assert found.obs["stage"].cat.ordered
    assert found.obs["born"].tolist() == given_obs["born"].astype(str).tolist()
    assert found.obs["mixed"].tolist() == [{None: ""}.get(value, str(value)) for value in given_obs["mixed"]]
    assert found.obs["age_sex_2"].tolist() == ["40/f"] * len(given_obs)
    assert found.obs["age_sex"].tolist() == ["mine"] * len(given_obs)
    for name in ("split", "source_class", "predicted_before", "group", "_index", "."):
        assert found.obs[f"{name}_input"].tolist() == given_obs[name].tolist()
    assert found.obs["source_class"].tolist() == given_obs["tissue"].tolist()
    assert found.var["symbol"].tolist() == ["TP53"] * 6
    assert found.var["length"].tolist() == list(range(6))  # in the model's order, whatever that of the file
    assert found.var["minimum_input"].tolist() == ["low"] * 6
    assert found.var["chr_start"].tolist() == ["1/2"] * 6
    np.testing.assert_array_equal(found.var["minimum"], run.model.scaler.minimum)


def test_the_names_that_are_taken_are_all_that_a_run_writes(planted_run, planted):
    bare = planted.adata[:, :].copy()
    bare.obs = bare.obs[[]]
    for moved in (planted_run.model.perturb(bare), planted_run.perturbations):
        assert set(moved.obs) - {"label", "donor"} <= set(SAMPLE_COLUMNS)
        assert set(moved.var) == set(GENE_COLUMNS)
    assert set(planted_run.perturbations.obs) == {*SAMPLE_COLUMNS, "label", "donor"}


def test_what_is_renamed_is_told_and_still_found(run):
    notes = [note for note in run.metrics["data"]["notes"] if note.startswith("Renamed")]
    assert notes == [
        "Renamed sample columns in perturbations.h5ad, since tspg or the file format uses the name: 'age/sex' is kept "
        "as 'age_sex_2', 'split' is kept as 'split_input', 'source_class' is kept as 'source_class_input', "
        "'predicted_before' is kept as 'predicted_before_input', 'group' is kept as 'group_input', '_index' is kept as "
        "'_index_input', '.' is kept as '._input'.",
        "Renamed gene columns in perturbations.h5ad, since tspg or the file format uses the name: 'minimum' is kept as "
        "'minimum_input', 'chr/start' is kept as 'chr_start'.",
    ]
    found = [own_column(run.perturbations, name) for name in ("age/sex", "split", "age", "p_shift", "nothing")]
    assert found == ["age_sex_2", "split_input", "age", None, None]


def test_the_command_line_keeps_columns_too_and_says_so(tmp_path, capsys, recwarn):
    rows = [f"s{at}\t{'AB T'[at // 4] if at < 8 else 'T'}\t{at}\t40/f" for at in range(12)]
    (tmp_path / "labels.tsv").write_text("\n".join(["sample\tsource_class\t_index\tage/sex", *rows]) + "\n")
    values = np.random.default_rng(0).normal(5, 1, (12, 6)).round(3)
    cells = ["\t".join([f"s{at}", *map(str, row)]) for at, row in enumerate(values)]
    (tmp_path / "m.tsv").write_text("\n".join(["\t".join(["sample", *(f"G{at}" for at in range(6))]), *cells]) + "\n")
    (tmp_path / "sets.gmt").write_text("SET\tabout\tG0\tG1\tG2\n")
    asked = ["--expression", str(tmp_path / "m.tsv"), "--labels", str(tmp_path / "labels.tsv")]
    asked += ["--label-column", "source_class", "--annotations", str(tmp_path / "sets.gmt"), "--out"]
    shorter = ["--target-epochs", "1", "--folds", "1", "--threads", "1"]
    assert main(["run", *asked, str(tmp_path / "run"), "--target", "T", *shorter]) == 0
    assert main(["perturb", "--model", str(tmp_path / "run"), *asked, str(tmp_path / "moved")]) == 0
    for folder in ("run", "moved"):
        obs = anndata.read_h5ad(tmp_path / folder / "perturbations.h5ad").obs
        assert obs["_index_input"].tolist() == [str(at) for at in range(12)]
        assert obs["age_sex"].tolist() == ["40/f"] * 12
        assert obs["source_class_input"].tolist() == obs["source_class"].tolist()
    assert " ".join(capsys.readouterr().out.split()).count("'age/sex' is kept as 'age_sex'") == 2
    assert not [warning for warning in recwarn if issubclass(warning.category, FutureWarning)]


@given(
    st.lists(st.text(alphabet="a/._s", max_size=4) | st.sampled_from(["split", "split_input", "_index"]), max_size=8)
)
def test_kept_names_are_told_apart_and_can_be_written(columns):
    kept = kept_names(columns, SAMPLE_COLUMNS)
    assert len(set(kept)) == len(kept) == len(columns)
    assert not {"", ".", "_index", *SAMPLE_COLUMNS} & set(kept)
    assert not any("/" in name for name in kept)
    free = [name for name in dict.fromkeys(columns) if name not in {"", ".", "_index", "split"} and "/" not in name]
    assert set(free) <= set(kept)  # nothing is renamed that need not be


def test_a_study_of_a_sweep_keeps_the_columns_of_genes(adata, tmp_path):
    from tspg.sweep.cache import open_matrix, write_matrix

    texts = adata[:, [4, 1]].copy()
    texts.obs, texts.var = texts.obs[["tissue"]], texts.var[["symbol", "chr/start"]]
    texts.uns["tspg_input"] = {}
    write_matrix(tmp_path / "study", texts, None)
    found, _ = open_matrix(tmp_path / "study")
    pd.testing.assert_frame_equal(found.var, texts.var, check_dtype=False)
