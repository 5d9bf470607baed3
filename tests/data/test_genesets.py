"""GMT files."""

import gzip

import pytest

from tspg.data import genesets
from tspg.data.genesets import GeneSet, read_gene_sets
from tspg.errors import GeneSetError

GMT = "B set: x\thttp://b\tG2\tG1\tG2\nA\tdescription words\tG3\t\tG1\n"


def write(folder, content, name="sets.gmt"):
    path = folder / name
    path.write_bytes(gzip.compress(content.encode()) if name.endswith(".gz") else content.encode())
    return path


@pytest.mark.parametrize("name", ["sets.gmt", "sets.gmt.gz"])
def test_order_names_and_genes_are_kept(tmp_path, name):
    sets = read_gene_sets(write(tmp_path, GMT, name))
    assert list(sets) == ["B set: x", "A"]
    assert sets["B set: x"] == GeneSet("B set: x", ("G2", "G1"))
    assert sets["A"].genes == ("G3", "G1")
    assert sets.union() == GeneSet("all", ("G2", "G1", "G3"))
    assert "A" in sets
    assert "C" not in sets


def test_several_files(tmp_path):
    sets = read_gene_sets(write(tmp_path, "A\t\tG1\n", "a.gmt"), write(tmp_path, "B\t\tG2\n", "b.gmt"))
    assert list(sets) == ["A", "B"]


def test_unknown_name_lists_the_three_closest(tmp_path):
    lines = ["HALLMARK_APOPTOSIS", "HALLMARK_HYPOXIA", "HALLMARK_MYOGENESIS", "ZZZ"]
    sets = read_gene_sets(write(tmp_path, "".join(f"{name}\t\tG\n" for name in lines)))
    with pytest.raises(GeneSetError, match="no gene set 'hallmark_apoptose' among the 4") as caught:
        sets["hallmark_apoptose"]
    assert "are 'HALLMARK_APOPTOSIS'" in str(caught.value)
    assert "ZZZ" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "empty"),
        ("A\tx\tG\nB\tx\n", "line 2: expected a name.*found 2 field"),
        ("A x G1 G2\n", "line 1: expected a name.*found 1 field"),
        ("A\tx\tG\n\n", "line 2: the line is empty"),
        ("A\tx\tG\nA\tx\tH\n", "line 2: gene set 'A' was read before"),
        ("A\tx\t\t\n", "line 1: gene set 'A' has no genes"),
        ("\tx\tG\n", "line 1: gene set '' has no name"),
        ("A\tx\tG\0\n", "NUL"),
    ],
)
def test_faults(tmp_path, content, message):
    with pytest.raises(GeneSetError, match=message):
        read_gene_sets(write(tmp_path, content))


def test_caps(tmp_path, monkeypatch):
    path = write(tmp_path, GMT)
    assert genesets.MOST_SETS == genesets.MOST_GENES == 100_000
    monkeypatch.setattr(genesets, "MOST_GENES", 3)  # the larger set names one of its genes twice
    monkeypatch.setattr(genesets, "MOST_SETS", 2)
    assert len(read_gene_sets(path)) == 2
    monkeypatch.setattr(genesets, "MOST_GENES", 2)
    with pytest.raises(GeneSetError, match="more than 2 genes"):
        read_gene_sets(path)
    monkeypatch.undo()
    monkeypatch.setattr(genesets, "MOST_SETS", 1)
    with pytest.raises(GeneSetError, match="line 2: more than 1 gene sets"):
        read_gene_sets(path)
