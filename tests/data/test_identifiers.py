"""Matching of gene names."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tspg.data.identifiers import match_genes, possible_match, symbol_table, without_version
from tspg.errors import GeneSetError

TP53, MYC = "ENSG00000141510", "ENSG00000136997"  # of Ensembl; looked up by hand


def test_exact_in_the_order_of_the_matrix():
    match = match_genes(["B", "X", "A", "B"], ["A", "C", "B"])
    assert (match.positions, match.found, match.missing, match.how) == ((0, 2), ("A", "B"), ("X",), "exact")


@pytest.mark.parametrize(
    ("name", "bare"),
    [
        ("ENSG00000223972.5", "ENSG00000223972"),
        ("ENSMUSG00000000001.4", "ENSMUSG00000000001"),
        ("ENST00000456328.2", "ENST00000456328"),
        ("ENSG00000002586.20_PAR_Y", "ENSG00000002586_PAR_Y"),
        ("ENSG00000223972", "ENSG00000223972"),
        ("AC012345.1", "AC012345.1"),
        ("HLA-A.1", "HLA-A.1"),
        ("ENSG0000022397.5", "ENSG0000022397.5"),
        ("ENSG00000223972.5.1", "ENSG00000223972.5.1"),
    ],
)
def test_only_ensembl_ids_lose_their_version(name, bare):
    assert without_version(name) == bare


@pytest.mark.parametrize(
    ("wanted", "available", "position", "how"),
    [
        (f"{TP53}.12", ["x", f"{TP53}.17"], 1, "without version"),
        (TP53, [f"{TP53}.17"], 0, "without version"),
        (f"{TP53}.3", [TP53], 0, "without version"),
        ("TP53", ["x", TP53], 1, "Ensembl id to symbol"),
        ("TP53", [f"{TP53}.17"], 0, "Ensembl id to symbol"),
        (f"{TP53}.17", ["MYC", "TP53"], 1, "Ensembl id to symbol"),
        ("TP53", [f"{TP53}.17", "TP53"], 1, "exact"),
    ],
)
def test_other_forms_of_a_name(wanted, available, position, how):
    match = match_genes([wanted], available)
    assert (match.positions, match.found, match.how) == ((position,), (wanted,), how)


def test_pseudoautosomal_copy_on_y_is_another_gene():
    match = match_genes(["ENSG00000002586"], ["ENSG00000002586.20_PAR_Y", "ENSG00000002586.20"])
    assert match.positions == (1,)


def test_symbol_with_several_ids_takes_the_only_protein_coding_one():
    table = symbol_table()
    symbol, ids = next(
        (symbol, ids)
        for symbol, ids in table.ids_of.items()
        if len(ids) > 1 and sum(gene in table.protein_coding for gene in ids) == 1
    )
    coding = next(gene for gene in ids if gene in table.protein_coding)
    available = [gene for gene in ids if gene != coding] + [coding]
    assert match_genes([symbol], available).positions == (len(ids) - 1,)


def test_symbol_with_several_ids_of_no_kind_takes_the_first_column():
    table = symbol_table()
    symbol, ids = next(
        (symbol, ids)
        for symbol, ids in table.ids_of.items()
        if len(ids) > 1 and not table.protein_coding.intersection(ids)
    )
    assert match_genes([symbol], ids[::-1]).positions == (0,)


def test_two_versions_of_one_wanted_gene_are_refused():
    with pytest.raises(
        GeneSetError, match=rf"{TP53} is in the expression matrix more than once: '{TP53}.1', '{TP53}.2'"
    ):
        match_genes([TP53], [f"{TP53}.1", f"{TP53}.2"])
    with pytest.raises(GeneSetError, match="TP53 is in the expression matrix more than once"):
        match_genes(["TP53"], [f"{TP53}.1", f"{TP53}.2"])


def test_a_column_serves_one_gene_only():
    match = match_genes(["TP53", TP53], [f"{TP53}.1"])
    assert match.positions == (0,)
    assert len(match.missing) == 1


def test_nothing_found_shows_both_sides():
    with pytest.raises(GeneSetError) as caught:
        match_genes(["ACHE", "ADGRG1", "AMOT", "Z"], ["f1", "f2"], name="HALLMARK_X")
    assert str(caught.value) == (
        "0 of 4 genes of HALLMARK_X are in the expression matrix. Gene set: ACHE, ADGRG1, AMOT. "
        "Matrix: f1, f2, … Convert one to the other's identifiers."
    )


def test_table_knows_genes_by_both_names():
    table = symbol_table()
    assert table.symbol_of[MYC] == "MYC"
    assert table.ids_of["TP53"] == [TP53]


def test_embedded_table_is_the_shared_one(shared_data):
    with gzip.open(shared_data / "idmaps" / "ensembl_symbol.tsv.gz", "rt", encoding="utf-8") as stream:
        rows = stream.read().split("\n")[1:-1]
    table = symbol_table()
    assert [tuple(row.split("\t")[:2]) for row in rows] == list(table.symbol_of.items())
    coding = {row.split("\t")[0] for row in rows if row.endswith("\tprotein_coding")}
    assert table.protein_coding == coding


pool = st.sampled_from([TP53, f"{TP53}.1", f"{TP53}.2", "TP53", MYC, f"{MYC}.3", "MYC", "other", "AC012345.1"])
lists = st.lists(pool, min_size=1, unique=True)


@given(lists, lists)
def test_matches_are_one_to_one_ordered_and_foreseen(wanted, available):
    try:
        match = match_genes(wanted, available)
    except GeneSetError:
        return
    assert list(match.positions) == sorted(set(match.positions))
    assert len(match.positions) == len(match.found) == len(set(match.found))
    assert sorted(match.found + match.missing) == sorted(wanted)
    assert set(wanted) & set(available) <= set(match.found)
    is_possible = possible_match(wanted)
    assert all(is_possible(available[at]) for at in match.positions)
