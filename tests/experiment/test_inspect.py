"""What `tspg inspect` notes about files before an hour of work."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData

import tspg
from tests.docs.documented import keys_of, objections_to
from tspg.cli.main import main
from tspg.data.genesets import GeneSet, GeneSets
from tspg.data.identifiers import match_genes
from tspg.experiment.inspect import find_gene_sets

GENES = ["TP53", "MYC", "ALB", "CDH1", "ENSG00000112715.27", "KRAS", "EGFR", "VHL", "PTEN", "BRAF"]
SAMPLES = ["MET", "CAT", *(f"patient-{number}" for number in range(8))]  # some people are called like genes


@pytest.mark.parametrize(("rows", "noted"), [(GENES, True), (SAMPLES, False)], ids=["genes", "samples"])
def test_genes_in_the_place_of_samples_are_noted(rows, noted):
    values = np.random.default_rng(0).random((10, 12)).astype(np.float32)
    found = tspg.inspect_data(AnnData(values, obs=pd.DataFrame(index=rows)))
    assert any("names of genes" in note for note in found.notes) is noted


def inspected(obs, **options):
    values = np.random.default_rng(0).random((len(obs), 12)).astype(np.float32)
    return tspg.inspect_data(AnnData(values, obs=obs), **options)


def test_donors_that_were_not_asked_for_are_told_with_what_to_do():
    rows = [f"s{number}" for number in range(40)]
    obs = pd.DataFrame({"patient": [f"p{number // 2}" for number in range(38)] + ["p38", "p39"]}, index=rows)
    obs["kind"] = ["tumour", "normal"] * 17 + ["normal"] * 6
    found = inspected(obs, label_column="kind")
    assert (found.donors.n_donors, found.donors.n_repeated, found.donors.n_spanning) == (21, 19, 17)
    told = "21 in column 'patient', 19 with several samples, 17 across classes: add --group-column patient"
    assert f"Donors      {told}" in found.lines()
    without = inspected(obs).lines()  # no classes are named
    assert "Donors      21 in column 'patient', 19 with several samples: add --group-column patient" in without


def test_donors_in_names_of_samples_need_a_column():
    rows = [f"TCGA-AB-{number // 2:04d}-{number % 2}1A" for number in range(40)]
    found = inspected(pd.DataFrame({"kind": ["tumour", "normal"] * 20}, index=rows), label_column="kind")
    assert found.lines()[5] == (
        "Donors      20 by the first 12 characters of TCGA barcodes, 20 with several samples, 20 across classes: "
        "add them as a column: --group-column NAME"
    )


def test_without_donors_there_is_no_line_of_them():
    found = inspected(pd.DataFrame({"kind": ["a", "b"] * 20}, index=[f"s{at}" for at in range(40)]))
    assert found.donors is None
    assert not any(line.startswith("Donors") for line in found.lines())


MATRIX = ["TP53", "MYC", "ALB", "KRAS", "EGFR", "BAX", "CDH1", "VHL", "PTEN", "BRAF"]


def found_sets(*sets, genes=MATRIX, **described):
    values = np.random.default_rng(0).random((6, len(genes))).astype(np.float32)
    adata = AnnData(values, obs=pd.DataFrame(index=[f"s{at}" for at in range(6)]), var=pd.DataFrame(index=genes))
    adata.uns["tspg_input"] = {"file": "m.tsv", **described}
    named = [tspg.GeneSet(f"S{at}", tuple(one)) for at, one in enumerate(sets)]
    return tspg.inspect_data(adata, gene_sets=tspg.GeneSets(named) if named else None)


@pytest.mark.parametrize("turned", [True, False], ids=["genes in rows", "samples in rows"])
def test_genes_in_rows_are_shown_and_samples_in_rows_are_not(tmp_path, turned):
    rows = [f"s{number}" for number in range(8)]
    table = pd.DataFrame(np.random.default_rng(0).random((8, 10)), rows, GENES)
    (table.T if turned else table).to_csv(tmp_path / "matrix.tsv", sep="\t", index_label="id")
    (tmp_path / "labels.tsv").write_text("".join(f"{name}\t{'ab'[at % 2]}\n" for at, name in enumerate(rows)))
    adata = tspg.read_expression(tmp_path / "matrix.tsv", labels=tmp_path / "labels.tsv")
    assert ("Layout      genes in rows" in tspg.inspect_data(adata).lines()) is turned


@pytest.mark.parametrize(
    ("genes", "kinds", "says"),
    [
        (["Trp53", "Myc", "Il4r"], ("mouse_symbols", "symbols"), "mouse symbols.*Give both of one species"),
        (["P04637", "P01106"], ("proteins", "symbols"), "UniProt.*id-mapping"),
        (["1000", "1001", "1002"], ("entrez", "symbols"), "Entrez"),
        (["GATA1", "GATA2", "GATA3"], ("symbols", "symbols"), "Both look like gene symbols.*one species"),
    ],
)
def test_where_hardly_any_gene_is_found_both_sides_and_the_reason_are_told(genes, kinds, says):
    found = found_sets(genes)
    told = found.as_dict()["gene_sets"]
    assert (told["look_like"], told["matrix_looks_like"]) == kinds
    assert told["sets"] == [{"gene_set": "S0", "n_genes": len(genes), "n_found": 0, "share": 0.0, "matched_by": ""}]
    text = " ".join(found.lines())
    assert re.search(says, text)
    assert repr(genes[0]) in text
    assert "'TP53'" in text


def test_one_set_with_a_fifth_of_its_genes_is_enough_to_say_nothing():
    others = [f"GATA{at}" for at in range(4)]
    assert found_sets(others, ["TP53", *others]).gene_sets.mismatch is None
    assert found_sets(others, ["TP53", *others, "GATA9"]).gene_sets.mismatch is not None


def test_coverage_is_what_matching_finds():
    sets = [["TP53", "MYC", "X"], ["tp53", "alb"], ["7157", "4609", "213"], ["ENSG00000141510.2", "KRAS"]]
    found = found_sets(*sets)
    assert list(found.gene_sets.coverage["n_found"]) == [2, 2, 3, 2]
    for genes, row in zip(sets, found.gene_sets.coverage.itertuples(), strict=True):
        match = match_genes(genes, MATRIX)
        assert (row.n_found, row.n_genes, row.matched_by or "exact") == (len(match.found), len(genes), match.how)
    assert found.gene_sets.matched_by == ["Ensembl id to symbol", "Entrez id", "capital letters aside"]


def test_what_reading_found_out_is_shown_in_order():
    found = found_sets(
        MATRIX,
        layout="featureCounts output",
        orientation="genes in rows",
        left_out={"rows": ["N_unmapped"], "columns": ["Chr", "Start"]},
        join={"column": "barcode", "n_samples": 6, "n_matched": 5, "n_labels": 90, "how": "shorter"},
        scale={"kind": "log scale", "figure": np.float32(np.nan)},
        notes=["a note", "a note"],
    )
    assert [line.partition("  ")[0] for line in found.lines() if line[0] != " "] == [
        *("Expression", "Layout", "Units", "Classes", "Joined", "Gene sets", "Note", "Expect", "Expect"),
    ]
    assert "Layout      featureCounts output, genes in rows" in found.lines()
    assert "Joined      5 of 6 samples are among 90 labelled ones by column 'barcode' (shorter)" in found.lines()
    told = found.as_dict()
    assert told["scale"] == {"kind": "log scale", "figure": None}
    assert told["left_out"] == {"rows": ["N_unmapped"], "columns": ["Chr", "Start"]}
    assert told["notes"][0] == "a note"
    json.dumps(told, allow_nan=False)


def test_many_classes_take_few_lines():
    classes = [f"Organ with a long name {at:02d}" for at in range(53) for _ in range(at + 1)]
    rows = [f"s{at}" for at in range(len(classes))]
    found = inspected(pd.DataFrame({"organ": classes}, index=rows), label_column="organ")
    lines = found.lines()
    assert len(lines) <= 25
    assert max(map(len, lines[:10])) <= 110
    text = "\n".join(lines)
    assert "53 Organ with a long name 52, 52 Organ" in text
    assert "and 33 more with 33 to 1 samples" in text
    assert found.as_dict()["classes"] == {f"Organ with a long name {at:02d}": at + 1 for at in range(53)}


def test_json_is_as_the_page_says_and_agrees_with_the_text(tmp_path, capsys):
    rows = [f"TCGA-AB-{number // 2:04d}-{number % 2}1A" for number in range(40)]
    values = pd.DataFrame(np.random.default_rng(0).random((40, 10)), index=rows, columns=MATRIX)
    values.to_csv(tmp_path / "m.tsv", sep="\t", index_label="sample")
    (tmp_path / "labels.tsv").write_text("".join(f"{row}\t{'AB'[at % 2]}\n" for at, row in enumerate(rows)))
    (tmp_path / "sets.gmt").write_text("ONE\t\tTP53,1.0\tMYC,1.0\tGATA1,1.0\nTWO\tna\ttp53\n")
    files = {"--expression": "m.tsv", "--labels": "labels.tsv", "--gene-sets": "sets.gmt"}
    command = ["inspect", *(word for option, name in files.items() for word in (option, str(tmp_path / name)))]
    assert main([*command, "--json"]) == 0
    printed = capsys.readouterr().out
    told = json.loads(printed)
    (tmp_path / "told.json").write_text(printed)
    assert objections_to("inspect --json", keys_of(tmp_path / "told.json")) == []
    assert main(command) == 0
    text = capsys.readouterr().out
    assert f"Expression  m.tsv: {told['n_samples']} samples x {told['n_genes']} genes" in text
    assert f"Units       {told['units']} ({told['reason']})" in text
    assert told["classes"] == {"A": 20, "B": 20}
    assert f"Donors      {told['donors']['n_donors']} by" in text
    assert [one["n_found"] for one in told["gene_sets"]["sets"]] == [2, 1]
    assert told["gene_sets"]["median_share"] == pytest.approx((2 / 3 + 1) / 2)
    assert f"Gene sets   2: {told['gene_sets']['median_share']:.0%}" in text
    assert "sets.gmt: weights of genes (GENE,1.0) were left out" in told["notes"]
    flowing = " ".join(text.split())  # lines are wrapped
    assert all(f"Note {' '.join(note.split())}" in flowing for note in told["notes"])
    assert [one["genes"] for one in told["expected"]] == ["all"]


def test_json_of_a_fault_is_an_ordinary_error(tmp_path, capsys):
    assert main(["inspect", "--expression", str(tmp_path / "none.tsv"), "--json"]) == 3
    assert capsys.readouterr().out == ""


def test_two_versions_of_a_gene_are_told_as_a_run_would_refuse_them():
    twice = ["ENSG00000141510.1", "ENSG00000141510.2", "MYC"]
    found = found_sets(["TP53", "MYC"], genes=twice)
    assert any("TP53 is in the expression matrix more than once" in note for note in found.notes)
    assert found.gene_sets.mismatch is None


def test_sets_whose_descriptions_are_genes_are_doubted():
    adata = AnnData(
        np.arange(12, dtype=np.float32).reshape(2, 6), var=pd.DataFrame(index=["A1", "B1", "C1", "D1", "E1", "F1"])
    )
    sets = GeneSets([GeneSet("X", ("B1", "C1"), "A1"), GeneSet("Y", ("E1", "F1"), "D1")])
    assert any("its description, 'A1', is a gene" in note for note in find_gene_sets(adata, sets).notes)
    told = GeneSets([GeneSet("X", ("B1", "C1"), "na"), GeneSet("Y", ("E1", "F1"), "D1"), GeneSet("Z", ("A1",), "")])
    assert not find_gene_sets(adata, told).notes
