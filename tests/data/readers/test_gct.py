"""GCT files of both versions."""

import gzip

import numpy as np
import pytest

from tspg.data.expression import read_expression
from tspg.data.readers.blocks import RowFormat, TextBlock
from tspg.errors import ExpressionError, LabelError

GCT2 = "#1.2\n2\t3\nNAME\tDescription\ts1\ts2\ts3\nTP53\tna\t1.5\t2\t3\nMYC\ttext\t4\t5\t6\n"
GCT3 = (
    "#1.3\n2\t3\t2\t1\nid\tsymbol\tnumber\ts1\ts2\ts3\n"
    "tissue\tna\tna\tLung\tLiver\tLung\nTP53\tx\t1\t1.5\t2\t3\nMYC\ty\t2\t4\t5\t6\n"
)
VALUES = np.array([[1.5, 4], [2, 5], [3, 6]], np.float32)


def write(folder, content, name="m.gct"):
    path = folder / name
    path.write_bytes(gzip.compress(content.encode()) if name.endswith(".gz") else content.encode())
    return path


@pytest.mark.parametrize("content", [GCT2, GCT3, GCT2.replace("#1.2", "#1.2\t\t").replace("2\t3\n", "2\t3\t\t\n", 1)])
@pytest.mark.parametrize("name", ["m.gct", "m.gct.gz"])
def test_genes_become_columns(tmp_path, content, name):
    adata = read_expression(write(tmp_path, content, name))
    assert list(adata.obs_names) == ["s1", "s2", "s3"]
    assert list(adata.var_names) == ["TP53", "MYC"]
    np.testing.assert_array_equal(adata.X, VALUES)


def test_only_wanted_genes(tmp_path):
    adata = read_expression(write(tmp_path, GCT3), genes=["MYC"])
    np.testing.assert_array_equal(adata.X, VALUES[:, 1:])


def test_annotations_of_samples(tmp_path):
    path = write(tmp_path, GCT3)
    adata = read_expression(path, label_column="tissue")
    assert list(adata.obs["tissue"]) == ["Lung", "Liver", "Lung"]
    with pytest.raises(LabelError, match=r"no sample column 'tisue'.*'tissue'"):
        read_expression(path, label_column="tisue")


def test_annotations_stay_beside_labels(tmp_path):
    labels = tmp_path / "labels.tsv"
    labels.write_text("s1\ta\ns2\tb\ns3\tc\n")
    adata = read_expression(write(tmp_path, GCT3), labels=labels)
    assert adata.obs.to_dict("list") == {"label": ["a", "b", "c"], "tissue": ["Lung", "Liver", "Lung"]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (GCT2.replace("#1.2", "#1.1"), "line 1: expected #1.2 or #1.3, found '#1.1'"),
        ("", "line 1: expected"),
        (GCT2.replace("2\t3\n", "2\t3\t1\n", 1), "line 2: expected 2 whole numbers"),
        (GCT2.replace("2\t3\n", "two\t3\n", 1), "line 2: expected 2 whole numbers"),
        (GCT2.replace("2\t3\n", "9" * 5000 + "\t3\n", 1), "line 2: expected 2 whole numbers"),
        (GCT2.replace("2\t3\n", "2\t4\n", 1), "line 3: expected 6 fields for the 4 samples.*found 5"),
        (GCT2.replace("2\t3\n", "3\t3\n", 1), "declares 3 genes, the file holds 2"),
        (GCT2.replace("2\t3\n", "1\t3\n", 1), "declares 1 genes, the file holds 2"),
        ("\n".join(GCT2.split("\n")[:3]) + "\n", "no row of values"),
        (GCT2.replace("MYC", "TP53"), "1 gene name.*more than once: 'TP53'"),
        (GCT2.replace("s2", "s1"), "1 sample name.*more than once: 's1'"),
        (GCT2.replace("\t5\t", "\tNA\t"), "line 5: row 'MYC', column 's2': the value is missing"),
        (GCT2.replace("\t5\t6", "\t5"), "line 5: expected 5 fields, found 4"),
        (GCT3.replace("Lung\tLiver", "Lung"), "line 4: expected 6 fields, found 5"),
    ],
)
def test_faults(tmp_path, content, message):
    with pytest.raises(ExpressionError, match=message):
        read_expression(write(tmp_path, content))


def test_transpose_says_of_gct_what_is_so(tmp_path):
    adata = read_expression(write(tmp_path, GCT2), transpose=True)
    np.testing.assert_array_equal(adata.X, VALUES)


def test_the_numbered_tables_of_gtex_are_read_by_gene_names(tmp_path):
    content = "#1.2\n2\t3\nid\tName\tDescription\ts1\ts2\ts3\n0\tTP53\tx\t1.5\t2\t3\n1\tMYC\ty\t4\t5\t6\n"
    adata = read_expression(write(tmp_path, content))
    assert list(adata.var_names) == ["TP53", "MYC"]
    np.testing.assert_array_equal(adata.X, VALUES)


def test_minus_666_is_a_missing_annotation(tmp_path):
    adata = read_expression(write(tmp_path, GCT3.replace("Liver", "-666")))
    assert adata.obs["tissue"].tolist() == ["Lung", "", "Lung"]


def test_columns_are_counted_from_the_values_whatever_names_the_row():
    form = RowFormat("m.gct", "\t", False, 6, np.arange(3, 6), ["a", "b", "c"])
    block = TextBlock(1, b"TP53\tna\tx\t1\t2\t3\nMYC\tna\ty\t4\t5\t6.5\n", form)
    np.testing.assert_array_equal(block.values(), [[1, 2, 3], [4, 5, 6.5]])
