"""`tspg enrich` of lists as people have them: other letters' case, other ids, tables."""

import pytest

from tspg.cli.main import main
from tspg.utils.files import read_table

BACKGROUND = ["TP53", "MYC", "ALB", "KRAS", "EGFR", "BAX", "CDH1", "VHL", "PTEN", "BRAF"]


@pytest.fixture
def enrich(tmp_path, capsys):
    def run(genes, annotations="OWN\tna\tTP53\tMYC\tKRAS\nREST\tna\tALB\tEGFR\tBAX\tCDH1\n", background=None):
        (tmp_path / "genes.txt").write_text(genes)
        (tmp_path / "all.txt").write_text("".join(f"{gene}\n" for gene in background or BACKGROUND))
        (tmp_path / "sets.gmt").write_text(annotations)
        named = {"genes": "genes.txt", "background": "all.txt", "annotations": "sets.gmt", "out": "out"}
        code = main(["enrich", *(word for name, file in named.items() for word in (f"--{name}", str(tmp_path / file)))])
        told = capsys.readouterr()
        return code, " ".join((told.out + told.err).split()), tmp_path / "out"

    return run


@pytest.mark.parametrize(
    ("genes", "note"),
    [
        ("TP53\nMYC\n", ""),
        ("# mine\nTP53\n\nMYC\n\n", ""),
        ("TP53,MYC\n", ""),
        ("tp53\nmyc\n", "Note: genes were found in the background by another form of their names (capital letters"),
        ("7157\n4609\n", "Note: genes were found in the background by another form of their names (Entrez id)"),
        ("ENSG00000141510.12\nENSG00000136997\n", "(Ensembl id to symbol)"),
    ],
)
def test_harmless_forms_of_a_list_give_the_same_tables(enrich, genes, note):
    code, told, out = enrich(genes)
    assert code == 0
    assert note in told
    assert ("another form" in told) == bool(note)
    first = read_table(out / "enrichment.tsv").iloc[0]
    assert first[["term", "overlap", "query_size", "background"]].tolist() == ["OWN", 2, 2, 7]
    assert first["p_value"] == pytest.approx(3 / 21)  # of C(7, 2) pairs of annotated genes, those from three
    assert set(first["genes"].split()) == {"TP53", "MYC"}


@pytest.mark.parametrize(
    ("genes", "says"),
    [
        ("Trp53\nMyc\n", "2 of 2 genes are not in the background: 'Trp53', 'Myc'. These genes look like mouse symbols"),
        ("tp53\nGATA1\n", "1 of 2 genes are not in the background: 'GATA1'. The background must hold"),
        ("P04637\nP01106\n", "UniProt accessions of proteins, those of the background like gene symbols"),
        ("gene,logFC\nTP53,2.5\n", "cut -d, -f1 genes.txt | tail -n +2 > genes.txt"),
    ],
)
def test_what_is_not_in_the_background_is_told_with_the_reason(enrich, genes, says):
    code, told, out = enrich(genes)
    assert code == 3
    assert says in told
    assert not out.exists()


def test_annotations_of_another_species_are_refused(enrich):
    code, told, _ = enrich("TP53\n", annotations="OWN\tna\tTrp53\tMyc\tKras\n")
    assert code == 3
    assert "0 of 3 genes of sets are in the background" in told
    assert "mouse symbols" in told


def test_weights_of_annotations_are_told(enrich):
    code, told, _ = enrich("TP53\nMYC\n", annotations="OWN\t\tTP53,1.0\tMYC,1.0\tKRAS,1.0\nREST\t\tALB,1.0\tBAX,1.0\n")
    assert code == 0
    assert "Note: sets.gmt: weights of genes (GENE,1.0) were left out" in told
