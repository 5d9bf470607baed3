"""Genes that a file holds several times, and how they become one."""

import json

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from tspg.cli.main import main
from tspg.data.expression import read_expression, read_once
from tspg.data.reading import Reading
from tspg.errors import ExpressionError, UsageError

NAMES = ["A", "B", "A", "C", "B", "A"]
VALUES = np.array([[1, 2, 4, 50, 6, 4], [0, 1, 9, 50, 8, 3]], np.float32)
BY_HAND = {  # A, B, C
    "first": [[1, 2, 50], [0, 1, 50]],
    "mean": [[3, 4, 50], [4, 4.5, 50]],
    "sum": [[9, 8, 50], [12, 9, 50]],
}


def written(folder, kind):
    """The same matrix with its doubled genes, in each format that can hold them; and how to say where they are."""
    frame = pd.DataFrame(VALUES, index=["s1", "s2"], columns=NAMES)
    path = folder / f"m.{kind.split()[0]}"
    if kind.startswith("tsv"):
        (frame.T if "turned" in kind else frame).to_csv(path, sep="\t", index_label="id")
    elif kind == "gct":
        rows = "".join(
            "\t".join([name, "", *map(str, column)]) + "\n" for name, column in zip(NAMES, VALUES.T, strict=True)
        )
        path.write_text(f"#1.2\n{len(NAMES)}\t2\nNAME\tDescription\ts1\ts2\n{rows}")
    elif kind == "npy":
        np.save(path, VALUES)
        (folder / "m.rownames.txt").write_text("s1\ns2\n")
        (folder / "m.colnames.txt").write_text("".join(f"{name}\n" for name in NAMES))
    elif kind == "parquet":
        frame.T.to_parquet(path)
    else:
        obs, var = pd.DataFrame(index=frame.index), pd.DataFrame(index=pd.Index(NAMES))
        with pytest.warns(UserWarning, match="not unique"):
            matrix = anndata.AnnData(X=sparse.csc_matrix(VALUES) if "csc" in kind else VALUES, obs=obs, var=var)
        matrix.write_h5ad(path)
    return path, {"transpose": "turned" in kind or kind == "parquet"}


@pytest.fixture(params=["tsv", "tsv turned", "gct", "npy", "h5ad", "h5ad csc", "parquet"])
def matrix(request, tmp_path, monkeypatch):
    monkeypatch.setattr("tspg.data.readers.streams.BLOCK", 8)  # doubled genes in different blocks
    return written(tmp_path, request.param)


@pytest.mark.parametrize("rule", list(BY_HAND))
def test_each_rule_gives_what_it_gives_by_hand_in_every_format(matrix, rule):
    path, where = matrix
    adata = read_expression(path, duplicates=rule, transform="none", **where)
    assert list(adata.var_names) == ["A", "B", "C"]
    np.testing.assert_array_equal(adata.X, np.array(BY_HAND[rule], np.float32))
    assert any("2 gene name(s) occur more than once; " in note for note in adata.uns["tspg_input"]["notes"])
    some = read_expression(path, duplicates=rule, transform="none", genes=["C", "B"], **where)
    assert list(some.var_names) == ["B", "C"]
    np.testing.assert_array_equal(some.X, np.array(BY_HAND[rule], np.float32)[:, 1:])


def test_without_a_rule_they_are_refused_with_the_way_out(matrix):
    path, where = matrix
    with pytest.raises(
        ExpressionError, match=r"2 gene name.*more than once: 'A', 'B'.*--duplicates sum, mean or first"
    ):
        read_expression(path, **where)


def test_a_rule_changes_nothing_where_no_gene_is_doubled(tmp_path):
    path = tmp_path / "m.tsv"
    path.write_text("id\tA\tB\ns1\t1.5\t2\ns2\t3\t4\n")
    plain, ruled = read_expression(path), read_expression(path, duplicates="sum")
    np.testing.assert_array_equal(plain.X, ruled.X)
    assert ruled.uns["tspg_input"]["notes"] == plain.uns["tspg_input"]["notes"] == []


def test_doubled_samples_are_never_joined(tmp_path):
    path = tmp_path / "m.tsv"
    path.write_text("id\tA\tA\ns1\t1.5\t2\ns1\t3\t4\n")
    with pytest.raises(ExpressionError, match=r"1 sample name.*more than once: 's1'") as refused:
        read_expression(path, duplicates="mean")
    assert "--duplicates" not in str(refused.value)


def test_several_selections_of_one_reading_agree_with_readings_of_their_own(tmp_path):
    path, where = written(tmp_path, "tsv turned")
    selections = [["A", "C"], ["B"], None]
    together = read_once(Reading(path, duplicates="mean", transform="none", **where), selections)
    for selection in selections:
        alone = read_expression(path, genes=selection, duplicates="mean", transform="none", **where)
        found = together.select(selection)
        assert list(found.var_names) == list(alone.var_names)
        np.testing.assert_array_equal(found.X, alone.X)


@pytest.mark.parametrize("kind", ["tsv", "tsv turned"])
@pytest.mark.parametrize("genes", [None, ["A", "B"]])
def test_counts_are_joined_before_they_are_scaled_by_all_reads_of_the_sample(tmp_path, kind, genes):
    path, where = written(tmp_path, kind)
    adata = read_expression(path, duplicates="mean", transform="log2", genes=genes, **where)
    expected = np.log2(np.array(BY_HAND["mean"]) / VALUES.sum(axis=1, keepdims=True) * 1e6 + 1)
    np.testing.assert_allclose(adata.X, expected[:, : adata.n_vars], rtol=1e-6)


def test_logarithms_that_were_added_up_are_a_warning_and_means_are_not(tmp_path):
    path = tmp_path / "m.tsv"
    path.write_text("id\tA\tA\tB\ns1\t1.5\t2\t3\ns2\t3\t4\t5\n")
    notes = {rule: read_expression(path, duplicates=rule).uns["tspg_input"]["notes"] for rule in BY_HAND}
    assert "on a log scale use --duplicates mean or first" in notes["sum"][0]
    assert not any("log scale" in note for rule in ("mean", "first") for note in notes[rule])
    others = read_expression(path, duplicates="sum", genes=["B"]).uns["tspg_input"]["notes"]
    assert not any("log scale" in note for note in others)  # nothing of it was added up


def test_sums_beyond_what_a_number_holds_are_refused(tmp_path):
    path = tmp_path / "m.tsv"
    path.write_text("id\tA\tA\ns1\t3e38\t3e38\n")
    assert read_expression(path, duplicates="mean", transform="none").X[0, 0] == np.float32(3e38)
    with pytest.raises(ExpressionError, match="add up to more than a 32-bit number holds"):
        read_expression(path, duplicates="sum", transform="none")


def test_an_unknown_rule_is_told_with_those_that_there_are(tmp_path):
    with pytest.raises(UsageError, match=r"--duplicates max-mean.*error, first, mean, sum"):
        read_expression(tmp_path / "m.tsv", duplicates="max-mean")


@pytest.mark.slow
def test_a_run_its_model_and_its_audit_read_the_file_in_one_way(planted, tmp_path):
    adata = planted.adata
    table = pd.DataFrame(adata.X, index=adata.obs_names, columns=adata.var_names)
    half = table["G3"] / 2
    table["G3"] = half
    table.insert(30, "G3", half, allow_duplicates=True)
    table.to_csv(tmp_path / "m.tsv", sep="\t", index_label="sample")
    adata.obs["label"].to_csv(tmp_path / "labels.tsv", sep="\t", header=False)
    given, out = ["--expression", str(tmp_path / "m.tsv")], tmp_path / "run"
    (tmp_path / "known.gmt").write_text("KNOWN\tx\tG3\tG4\tG5\n")
    given += ["--annotations", str(tmp_path / "known.gmt")]
    asked = ["--labels", str(tmp_path / "labels.tsv"), "--target", "target", "--method", "mean_shift"]
    run = ["run", *given, *asked, "--target-epochs", "1", "--folds", "1", "--threads", "1", "--out", str(out)]
    assert main(run) == 3
    assert main([*run, "--duplicates", "sum"]) == 0
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["reading"]["duplicates"] == "sum"
    moved = anndata.read_h5ad(out / "perturbations.h5ad")
    maxima = moved.var.loc["G3", "maximum"]
    assert maxima == pytest.approx(adata.X[(moved.obs["split"] == "train").to_numpy(), 3].max(), rel=1e-5)

    assert main(["perturb", "--model", str(out), *given, "--out", str(tmp_path / "again")]) == 0
    again = anndata.read_h5ad(tmp_path / "again" / "perturbations.h5ad")
    np.testing.assert_array_equal(again.layers["original"], moved.layers["original"])

    from tspg.audit.context import read_context
    from tspg.audit.inputs import all_genes, located

    values, genes = all_genes(read_context(out), located(manifest["reading"], out))
    np.testing.assert_allclose(values[:, genes.index("G3")], adata.X[:, 3], rtol=1e-5)
