"""Samples against genes: never decided by the shape of the matrix."""

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData

from tspg.data.expression import read_expression
from tspg.data.orientation import TURNED
from tspg.errors import ExpressionError, LabelError, UsageError
from tspg.utils.names import near_matches

SAMPLES = [f"s{at}" for at in range(4)]
GENES = ["TP53", "MYC", "KRAS"]
VALUES = np.arange(12).reshape(4, 3) + 0.5


@pytest.fixture
def straight(tmp_path):
    return write(tmp_path / "straight.tsv", SAMPLES, GENES, VALUES)


@pytest.fixture
def turned(tmp_path):
    return write(tmp_path / "turned.tsv", GENES, SAMPLES, VALUES.T)


def write(path, rows, columns, values):
    lines = [["id", *columns], *([row, *map(str, line)] for row, line in zip(rows, values, strict=True))]
    path.write_text("".join("\t".join(line) + "\n" for line in lines))
    return path


def label(folder, samples):
    path = folder / "labels.tsv"
    path.write_text("".join(f"{sample}\tclass {sample.strip()}\n" for sample in samples))
    return path


def check(adata):
    assert list(adata.obs_names) == SAMPLES
    assert list(adata.var_names) == GENES
    np.testing.assert_array_equal(adata.X, VALUES)


def test_labelled_samples_in_rows(tmp_path, straight):
    adata = read_expression(straight, labels=label(tmp_path, SAMPLES[::-1]))
    check(adata)
    assert list(adata.obs["label"]) == [f"class {sample}" for sample in SAMPLES]
    assert adata.uns["tspg_input"]["unnamed_label"] is True


def test_transpose_turns(tmp_path, turned):
    check(read_expression(turned, labels=label(tmp_path, SAMPLES), transpose=True))
    check(read_expression(turned, transpose=True))


def test_the_genes_of_a_model_decide_though_there_are_labels(tmp_path, straight, turned):
    for path in (straight, turned):
        check(read_expression(path, labels=label(tmp_path, SAMPLES), orient_by_genes=GENES))


def test_labelled_samples_in_columns_turn_the_file_and_that_is_said(tmp_path, turned):
    adata = read_expression(turned, labels=label(tmp_path, SAMPLES))
    check(adata)
    assert list(adata.obs["label"]) == [f"class {sample}" for sample in SAMPLES]
    assert adata.uns["tspg_input"]["notes"] == [TURNED]
    assert adata.uns["tspg_input"]["orientation"] == "genes in rows"


def test_known_genes_in_the_rows_turn_a_file_without_labels(turned, straight):
    adata = read_expression(turned)
    check(adata)
    assert adata.uns["tspg_input"]["notes"] == [TURNED]
    check(read_expression(straight))


def test_genes_nobody_knows_turn_nothing(tmp_path):
    path = write(tmp_path / "m.tsv", ["g1", "g2", "g3"], SAMPLES, VALUES.T)
    assert list(read_expression(path).obs_names) == ["g1", "g2", "g3"]


def test_genes_on_both_sides_turn_nothing(tmp_path):
    path = write(tmp_path / "m.tsv", GENES, ["EGFR", "BRAF", "ALK", "RET"], VALUES.T)
    assert list(read_expression(path).obs_names) == GENES


def test_samples_and_a_models_genes_on_one_side(tmp_path, straight):
    with pytest.raises(ExpressionError, match="labelled samples and the genes of the model are both in the rows"):
        read_expression(straight, labels=label(tmp_path, SAMPLES), orient_by_genes=["s0", "s1", "zz", "yy", "xx"])


def test_labelled_samples_among_the_genes_of_an_h5ad(tmp_path):
    path = tmp_path / "m.h5ad"
    frame = pd.DataFrame(VALUES.T.astype(np.float32), GENES, SAMPLES)
    AnnData(frame).write_h5ad(path)
    with pytest.raises(ExpressionError, match="labelled samples are where the genes should be"):
        read_expression(path, labels=label(tmp_path, SAMPLES))


def test_labelled_samples_may_be_the_last_ones(tmp_path, monkeypatch):
    """Only the first block's rows are known at opening; that none of them is labelled does not mean that none is."""
    monkeypatch.setattr("tspg.data.readers.streams.BLOCK", 1 << 10)
    monkeypatch.setattr("tspg.data.readers.unpacking.BLOCK", 1 << 10)
    monkeypatch.setattr("tspg.data.readers.unpacking._COMPRESSED_BLOCK", 1 << 10)
    samples = [f"s{at}" for at in range(2000)]
    path = write(tmp_path / "m.tsv", samples, GENES, np.ones((2000, 3)))
    adata = read_expression(path, labels=label(tmp_path, samples[-20:]), allow_unlabelled=True)
    assert (adata.obs["label"] != "").sum() == 20


def test_needless_transpose_is_refused(tmp_path, straight):
    with pytest.raises(ExpressionError, match=r"labelled samples are in the rows. Leave out --transpose"):
        read_expression(straight, labels=label(tmp_path, SAMPLES), transpose=True)


def test_labels_on_no_side_show_both_sides_and_near_names(tmp_path, straight):
    with pytest.raises(LabelError, match=r"neither.*'s0'.*'TP53'.*The nearest names are 's0' here and 'sx0' there"):
        read_expression(straight, labels=label(tmp_path, [f"sx{at}" for at in range(4)]))


def test_labels_on_both_sides(tmp_path):
    path = write(tmp_path / "square.tsv", SAMPLES, SAMPLES, np.eye(4))
    with pytest.raises(ExpressionError, match=r"both in the rows and in the columns"):
        read_expression(path, labels=label(tmp_path, SAMPLES))


def test_a_sample_without_label(tmp_path, straight):
    labels = label(tmp_path, [*SAMPLES[:2], "S2"])
    with pytest.raises(
        LabelError, match=r"2 of 4 samples have no label: 's2', 's3' .* 's2' is nearly the labelled 'S2'"
    ):
        read_expression(straight, labels=labels)
    adata = read_expression(straight, labels=labels, allow_unlabelled=True)
    assert list(adata.obs["label"]) == ["class s0", "class s1", "", ""]
    assert any("2 of 4 samples have no label" in note for note in adata.uns["tspg_input"]["notes"])


def test_labels_of_more_samples_are_noted(tmp_path, straight):
    adata = read_expression(straight, labels=label(tmp_path, [*SAMPLES, "more", "and more"]))
    assert adata.uns["tspg_input"]["notes"] == ["the labels file covers 2 samples that are not in the matrix"]


def test_columns_of_a_label_table_become_obs(tmp_path, straight):
    path = tmp_path / "table.csv"
    path.write_text("sample,tissue,donor\n" + "".join(f"{sample},Lung,0{sample}\n" for sample in SAMPLES))
    adata = read_expression(straight, labels=path, label_column="tissue")
    assert list(adata.obs.columns) == ["tissue", "donor"]
    assert list(adata.obs["donor"]) == [f"0{sample}" for sample in SAMPLES]
    assert all(type(value) is str for value in adata.obs["tissue"])
    assert "unnamed_label" not in adata.uns["tspg_input"]


@pytest.mark.parametrize("genes", [GENES, ["MYC"], [*GENES, "X", "Y", "Z", "Q"]])
def test_a_models_genes_decide(straight, turned, genes):
    check(read_expression(straight, orient_by_genes=genes))
    check(read_expression(turned, orient_by_genes=genes))


def test_a_sample_called_like_a_gene_does_not_mislead(tmp_path):
    path = write(tmp_path / "m.tsv", GENES, ["MYC", "s1", "s2", "s3"], VALUES.T)
    adata = read_expression(path, orient_by_genes=[*GENES, "X"])
    assert list(adata.var_names) == GENES


def test_a_models_genes_on_no_side(straight):
    with pytest.raises(ExpressionError, match=r"none of the 1 genes \('ZZZ'\).*Rows start with 's0'.*'TP53'"):
        read_expression(straight, orient_by_genes=["ZZZ"])


def test_label_column_needs_a_table_of_samples(straight):
    with pytest.raises(LabelError, match=r"no sample column 'tissue'.*--labels"):
        read_expression(straight, label_column="tissue")


def test_unknown_transform(straight):
    with pytest.raises(UsageError, match=r"--transform ln.*none, log2"):
        read_expression(straight, transform="ln")


MANY = [f"s{at}" for at in range(10)]


@pytest.mark.parametrize("n_labelled", [0, 1])
def test_one_labelled_sample_of_ten_is_enough_to_know_the_side(tmp_path, n_labelled):
    path = write(tmp_path / "m.tsv", MANY, GENES, np.ones((10, 3)))
    labels = label(tmp_path, [*MANY[:n_labelled], "elsewhere"])
    if n_labelled:
        assert read_expression(path, labels=labels, allow_unlabelled=True).n_obs == 10
        with pytest.raises(LabelError, match="9 of 10 samples have no label"):
            read_expression(path, labels=labels)
    else:
        with pytest.raises(LabelError, match="neither in the rows nor in the columns"):
            read_expression(path, labels=labels)


def test_labels_of_one_column_in_ten_turn_the_file(tmp_path):
    path = write(tmp_path / "m.tsv", GENES, MANY, np.ones((3, 10)))
    assert read_expression(path, labels=label(tmp_path, MANY[:1]), allow_unlabelled=True).shape == (10, 3)


def test_one_labelled_sample_of_ten_on_either_side_is_on_both(tmp_path):
    columns = [MANY[1], *(f"G{at}" for at in range(9))]
    rows = [MANY[0], *(f"r{at}" for at in range(9))]
    path = write(tmp_path / "m.tsv", rows, columns, np.ones((10, 10)))
    with pytest.raises(ExpressionError, match="both in the rows and in the columns"):
        read_expression(path, labels=label(tmp_path, MANY[:2]), allow_unlabelled=True)


def test_half_of_a_models_genes_in_the_columns_decide_and_fewer_do_not(tmp_path):
    """Rows that are called like all of the genes are counted only where the columns hold fewer than half of them."""
    for wanted, n_columns, turned in (([*GENES, "EGFR"], 2, False), ([*GENES, "EGFR", "BRAF"], 2, True)):
        columns = [*wanted[:n_columns], "s2"]
        path = write(tmp_path / "m.tsv", [*wanted, "s1"], columns, np.ones((len(wanted) + 1, 3)))
        assert list(read_expression(path, orient_by_genes=wanted).var_names) == ([*wanted, "s1"] if turned else columns)


def test_a_hyphen_that_r_made_a_point_is_found():
    assert near_matches(["TCGA.A1", "s 2", "x"], {"TCGA-A1", "S2", "y"}) == [("TCGA.A1", "TCGA-A1"), ("s 2", "S2")]


@pytest.mark.parametrize("n_genes", [2, 4, 9])
@pytest.mark.parametrize("is_turned", [False, True])
def test_the_shape_of_a_matrix_decides_nothing(tmp_path, n_genes, is_turned):
    frame = pd.DataFrame(np.arange(4.0 * n_genes).reshape(4, -1) / 7, SAMPLES, [f"g{at}" for at in range(n_genes)])
    written = frame.T if is_turned else frame
    path = write(tmp_path / "m.tsv", list(written.index), list(written.columns), written.to_numpy())
    adata = read_expression(path, labels=label(tmp_path, SAMPLES[::-1]))
    pd.testing.assert_frame_equal(
        adata.to_df(), frame.astype(np.float32), check_index_type=False, check_column_type=False
    )


def test_all_labelled_samples_outweigh_genes_that_have_a_few_of_their_names(tmp_path):
    """Entrez ids among which are 1, 2 and 9, and samples called 1 to 10."""
    samples, genes = list(map(str, range(1, 11))), ["1", "2", "9", *map(str, range(100, 107))]
    path = write(tmp_path / "entrez.tsv", genes, samples, np.arange(100).reshape(10, 10) / 8)
    for transpose in (False, True):
        adata = read_expression(path, labels=label(tmp_path, samples), transpose=transpose)
        assert list(adata.obs_names) == samples
        assert list(adata.var_names) == genes
    alike = write(tmp_path / "alike.tsv", samples[::-1], samples, np.arange(100).reshape(10, 10) / 8)
    with pytest.raises(ExpressionError, match="both in the rows and in the columns"):
        read_expression(alike, labels=label(tmp_path, samples))
    adata = read_expression(alike, labels=label(tmp_path, samples), transpose=True)
    np.testing.assert_array_equal(adata.X, (np.arange(100).reshape(10, 10) / 8).T)
