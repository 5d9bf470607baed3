"""Files of gene sets."""

import gzip
import json
import re

import pytest

from tspg.data import genesets
from tspg.data.expression import read_expression
from tspg.data.genesets import GeneSet, read_gene_list, read_gene_sets
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
        ("\n \n", "the file is empty"),
        ("# only words\n", "every line starts with #"),
        ("A\tx\tG\nA\tx\tH\n", "line 2: gene set 'A' occurs twice, with different genes"),
        ("A x G1 G2\nB x G1 G2\n", "line 1: .*It has blanks instead.*tr ' ' '.t' <"),
        ("A,x,G1,G2\nB,x,G1,G2\n", "line 1: .*It has commas instead.*tr ',' '.t' <"),
        ("A;x;G1;G2\n", "line 1: .*It has semicolons instead"),
        ("TERM\tGENE\nA\tTP53\nA\tMYC\n", "line 1: expected a name.*found 2 field"),
        ("A\tB\nna\tna\nG1\tG2\tG3\n", "line 1: expected a name"),  # more columns than sets
        ("A\tB\nna\tna\nG1\t\n", "line 1: gene set 'B' has no genes"),
        ('{"A": {"geneSymbols": ["G"]}', "JSON is damaged .*line 1 column"),
        ('{"A": {"genes": ["G"]}}', "gene set 'A' has no list of genes, 'geneSymbols'"),
        ('{"A": ["G"], "A": ["H"]}', "'A' occurs twice"),
        ('{"A": [1, 2]}', "gene set 'A' has no list of genes"),
        ('{"A": []}', "gene set 'A' has no genes"),
        ('{"A": ["\\u001b[2J"]}', "control characters"),
        ("[[" * 100_000, "JSON is damaged"),
        ('["G1", "G2"]', "JSON without gene sets by name"),
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


AB = {"A": ("TP53", "MYC", "BAX"), "B": ("ALB", "TP53")}
GMX = "A\tB\nna\thttp://b\nTP53\tALB\nMYC\tTP53\nBAX\t\n"
MSIGDB_JSON = json.dumps({name: {"systematicName": "M1", "geneSymbols": list(AB[name])} for name in AB}, indent="\t")


@pytest.mark.parametrize(
    ("content", "name", "notes"),
    [
        ("A\tna\tTP53\tMYC\tBAX\nB\thttp://b\tALB\tTP53\n", "s.gmt", []),
        ("A\tna\tTP53\tMYC\tBAX\t\t\nB\thttp://b\tALB\tTP53\n\n\n", "s.gmt", []),
        ("\ufeffA\tna\tTP53\tMYC\tBAX\r\nB\thttp://b\tALB\tTP53\r\n", "s.gmt", []),
        ("A\t\tTP53,1.0\tMYC,0.5\tBAX,1e-3\nB\t\tALB,1\tTP53,-2.5\n", "s.txt", ["weights"]),
        ("A\tna\tTP53,MYC, BAX\nB\tna\tALB,TP53\n", "s.gmt", ["taken apart"]),
        ("A\tna\tTP53 MYC BAX\nB\tna\tALB;TP53\n", "s.gmt", ["taken apart"]),
        ('"A"\t"na"\t"TP53"\t"MYC"\t"BAX"\n"B"\t"na"\t"ALB"\t"TP53"\n', "s.gmt", ["quotation marks"]),
        (
            "# of a tool\nA\tna\tTP53\tMYC\tBAX\n#C\tna\tKRAS\nB\t\tALB\tTP53\n",
            "s.gmt",
            ["2 line.*'#C'"],
        ),
        ("A\tna\tTP53\tMYC\tBAX\nB\t\tALB\tTP53\nA\tna\tBAX\tMYC\tTP53\n", "s.gmt", ["'A' occurs twice"]),
        (GMX, "s.gmx", ["GMX"]),
        (GMX, "s.gmt", ["GMX"]),
        ("A\tB\nfirst words\tmore\nTP53\tALB\nMYC\tTP53\nBAX\n", "s.gmx.gz", ["GMX"]),
        (MSIGDB_JSON, "s.json", ["JSON"]),
        (json.dumps(AB), "s.gmt", ["JSON"]),
    ],
)
def test_every_format_gives_the_same_sets(tmp_path, content, name, notes):
    sets = read_gene_sets(write(tmp_path, content, name))
    assert {key: one.genes for key, one in sets.items()} == AB
    assert len(sets.notes) == len(notes)
    assert all(re.search(says, note) for says, note in zip(notes, sets.notes, strict=True))
    assert sets["A"].notes == sets.union().notes == sets.notes or "twice" in sets.notes[0]


@pytest.mark.parametrize(
    ("content", "name", "called"),
    [
        ("TP53\nMYC\nBAX\n", "mine.grp", "mine"),
        ("# of a tool\nTP53\n\nMYC\nBAX", "my.own.grp.gz", "my.own"),
        ("APOPTOSIS\n# https://www.gsea-msigdb.org\nTP53\nMYC\nBAX\n", "x.v2023.2.Hs.grp", "APOPTOSIS"),  # MSigDB
        ("A\n> https://www.gsea-msigdb.org\nTP53\nMYC\nBAX\n", "x.gmx", "A"),
    ],
)
def test_a_list_of_genes_is_one_set(tmp_path, content, name, called):
    (one,) = read_gene_sets(write(tmp_path, content, name)).values()
    assert (one.name, one.genes) == (called, ("TP53", "MYC", "BAX"))


def test_names_of_two_parts_are_no_line_without_tabs(tmp_path):
    (one,) = read_gene_sets(write(tmp_path, "TSPAN6 (7105)\nTP53 (7157)\n", "depmap.grp")).values()
    assert one.genes == ("TSPAN6 (7105)", "TP53 (7157)")


def test_notes_of_a_file_are_told_where_its_genes_are_read(tmp_path):
    (tmp_path / "m.tsv").write_text("sample\tTP53\tMYC\tX\ns1\t1\t2\t3.5\ns2\t2\t3\t1\n")
    sets = read_gene_sets(write(tmp_path, "A\t\tTP53,1.0\tMYC,1.0\n", "enrichr.txt"))
    notes = read_expression(tmp_path / "m.tsv", genes=sets["A"]).uns["tspg_input"]["notes"]
    assert "enrichr.txt: weights of genes (GENE,1.0) were left out" in notes


@pytest.mark.parametrize(
    ("content", "genes"),
    [
        ("TP53\nMYC\n", ("TP53", "MYC")),
        ("# mine\nTP53\n\nMYC\nTP53\n\n", ("TP53", "MYC")),
        ("TP53, MYC,ALB\n", ("TP53", "MYC", "ALB")),
        ("TP53,\nMYC,\nALB\n", ("TP53", "MYC", "ALB")),
        ('"TP53"\n"MYC"\n', ("TP53", "MYC")),
    ],
)
def test_gene_lists(tmp_path, content, genes):
    assert read_gene_list(write(tmp_path, content, "genes.txt")) == genes


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("gene,logFC\nTP53,2.5\n", r"line 1: .*cut -d, -f1 genes.csv \| tail -n \+2 > genes.txt"),
        ("TP53,2.5\nMYC,1.0\n", r"line 1: .*cut -d, -f1 genes.csv > genes.txt"),
        ("gene\tlogFC\nTP53\t2.5\n", r"line 1: .*cut -f1 genes.csv \| tail"),
        ("TP53\nMYC,ALB\n", "line 2: expected one gene"),
    ],
)
def test_a_table_is_no_gene_list(tmp_path, content, says):
    with pytest.raises(GeneSetError, match=says):
        read_gene_list(write(tmp_path, content, "genes.csv"))
