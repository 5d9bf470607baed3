"""The annotations that `tspg` carries, and those a user names."""

import gzip

import pytest

from tspg.data.annotations import annotation_files, carried_annotations, read_annotations
from tspg.data.genesets import read_gene_list, read_gene_sets
from tspg.errors import GeneSetError


@pytest.fixture
def gmt(tmp_path):
    path = tmp_path / "tissue sets.gmt.gz"
    path.write_bytes(gzip.compress(b"lung\t\tA\tB\n"))
    return path


def test_carried_sets_are_those_of_msigdb(shared_data):
    carried = {one.category: one.gene_sets for one in carried_annotations()}
    files = {"Hallmark": "h.all", "Reactome": "c2.cp.reactome", "WikiPathways": "c2.cp.wikipathways"}
    files |= {f"GO {name.upper()}": f"c5.go.{name}" for name in ("bp", "cc", "mf")}
    assert list(carried) == list(files)
    for category, name in files.items():
        original = read_gene_sets(shared_data / "genesets" / f"{name}.v2023.2.Hs.symbols.gmt.gz")
        assert {n: set(s.genes) for n, s in carried[category].items()} == {n: set(s.genes) for n, s in original.items()}


def test_named_files_replace_the_carried_ones_unless_default_keeps_them(gmt):
    assert [one.category for one in read_annotations([str(gmt)])] == ["tissue sets"]
    assert [one.category for one in read_annotations([f"Tissue={gmt}"])] == ["Tissue"]
    kept = [one.category for one in read_annotations(["default", f"Tissue={gmt}"])]
    assert kept == [*(one.category for one in carried_annotations()), "Tissue"]
    assert read_annotations([]) == carried_annotations()
    assert annotation_files(["default", f"Tissue={gmt}"]) == [gmt]


@pytest.mark.parametrize("name", ["own.v1.gmt", "own.v1.gmx", "own.v1.json", "own.v1.gmt.gz", "own.v1"])
def test_a_category_is_called_as_its_file(name, tmp_path):
    content = b'{"A": ["G1", "G2"]}' if "json" in name else b"A\t\tG1\tG2\n"
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    assert [one.category for one in read_annotations([str(tmp_path / name)])] == ["own.v1"]


def test_files_of_one_category_are_joined(gmt, tmp_path):
    other = tmp_path / "other.gmt"
    other.write_text("liver\t\tC\n", encoding="utf-8")
    (joined,) = read_annotations([f"Tissue={gmt}", f"Tissue={other}"])
    assert list(joined.gene_sets) == ["lung", "liver"]
    assert joined.origin == "tissue sets.gmt.gz, other.gmt"


@pytest.mark.parametrize("given", [["default", "Hallmark={}"], ["={}"]])
def test_a_category_needs_a_name_of_its_own(gmt, given):
    with pytest.raises(GeneSetError, match="Choose another name"):
        read_annotations([word.format(gmt) for word in given])


def test_a_list_of_genes_is_read_line_by_line(tmp_path):
    path = tmp_path / "genes.txt"
    path.write_text("CA9\nNA\nCA9\n", encoding="utf-8")
    assert read_gene_list(path) == ("CA9", "NA")
    path.write_text("CA9\t12\n", encoding="utf-8")
    with pytest.raises(GeneSetError, match="line 1: expected one gene"):
        read_gene_list(path)
