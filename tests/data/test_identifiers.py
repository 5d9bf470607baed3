"""Matching of gene names."""

import gzip

import anndata
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tspg.data.identifiers import entrez_table, match_genes, possible_match, symbol_table, without_version
from tspg.data.mismatch import Kind, Mismatch, kind_of
from tspg.errors import GeneSetError

TP53, MYC = "ENSG00000141510", "ENSG00000136997"  # of Ensembl; looked up by hand
TP53_ENTREZ, MYC_ENTREZ, ALB_ENTREZ = "7157", "4609", "213"  # of NCBI Gene; looked up by hand


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
        ("TP53", ["MYC (4609)", "TP53 (7157)"], 1, "part of a name"),
        ("TP53", ["MYC|4609", "TP53|7157"], 1, "part of a name"),
        ("TP53 (7157)", ["TP53"], 0, "part of a name"),
        ("TP53", [f"{MYC}.9_MYC", f"{TP53}.17_TP53"], 1, "Ensembl id to symbol"),
        (TP53, [f"{TP53}.17|TP53"], 0, "without version"),
        ("TP53", ["MYC|4609", "?|7157"], 1, "Entrez id"),
        ("TP53", [MYC_ENTREZ, TP53_ENTREZ], 1, "Entrez id"),
        ("TP53", ["gene-MYC", "gene-TP53"], 1, "part of a name"),
        ("TP53", [f"gene:{MYC}", f"gene:{TP53}.17"], 1, "Ensembl id to symbol"),
        (TP53, [f"gene:{TP53}"], 0, "without version"),
        ("TP53", ["hsa:4609", "hsa:7157"], 1, "Entrez id"),
        (TP53_ENTREZ, ["MYC", "TP53"], 1, "Entrez id"),
        (TP53_ENTREZ, [f"{MYC}.3", f"{TP53}.3"], 1, "Entrez id"),
        (TP53_ENTREZ, ["MYC (4609)", "TP53 (7157)"], 1, "Entrez id"),
        (f"{TP53}.17", [MYC_ENTREZ, TP53_ENTREZ], 1, "Entrez id"),
        ("tp53", ["MYC", "TP53"], 1, "capital letters aside"),
        ("TP53", ["myc", "tp53"], 1, "capital letters aside"),
        ("tp53", [f"{MYC}.3", f"{TP53}.3"], 1, "capital letters aside"),
        ("c1orf112", ["C1orf112"], 0, "capital letters aside"),
        ("C1ORF112", ["C1orf112"], 0, "capital letters aside"),
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
        "0 of 4 genes of HALLMARK_X are in the expression matrix. Wanted: 'ACHE', 'ADGRG1', 'AMOT'. "
        "There: 'f1', 'f2'. The wanted genes look like gene symbols, those of the expression matrix like no names of "
        "human genes. Check that the matrix has its genes where they should be: with genes in rows, say --transpose."
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


@pytest.mark.parametrize(
    ("wanted", "available"),
    [
        (["Trp53", "Myc", "Alb"], ["TP53", "MYC", "ALB"]),  # a mouse's genes on a human matrix
        (["TP53", "MYC", "ALB"], ["Trp53", "Myc", "Alb"]),
        (["TP53", "MYC", "ALB"], ["Trp53 (22059)", "Myc (17869)", "Alb (11657)"]),
        (["myc", "alb"], ["Trp53", "Myc", "Alb"]),
        (["TP53", "A1BG", "A2M"], [str(number) for number in range(40)]),  # the genes were only counted
        (["TP53", "A1BG", "A2M"], [str(number) for number in range(1, 20_000, 3)]),
        (["A1BG", "CDH2"], [f"chr1|{number}" for number in range(1, 3000)]),
        ([f"{TP53}.1"], [f"{MYC}|TP53"]),  # one symbol does not make one gene of two ids
        (["ENSG00000002586"], ["ENSG00000002586.20_PAR_Y"]),
    ],
)
def test_what_only_looks_alike_is_not_matched(wanted, available):
    with pytest.raises(GeneSetError, match=r"^0 of"):
        match_genes(wanted, available)


def test_a_stray_number_in_a_set_of_symbols_is_no_id():
    assert match_genes(["TP53", "MYC", "213"], ["ALB", "TP53"]).found == ("TP53",)


def test_letters_that_differ_in_case_are_matched_only_where_that_is_one_gene():
    assert match_genes(["TP53", "myc"], ["TP53", "MYC", "Myc"]).missing == ("myc",)
    assert match_genes(["TP53", "myc", "mYC"], ["TP53", "MYC"]).missing == ("myc", "mYC")
    assert match_genes(["MYC", "myc"], ["MYC", "Myc"]).missing == ("myc",)


def test_two_names_of_one_symbol_are_told_apart_by_their_entrez_ids():
    legacy = ["SLC35E2|728661", "TP53|7157", "SLC35E2|9906"]  # of TCGA; both have symbols of their own today
    assert match_genes(["TP53", "SLC35E2B", "SLC35E2A"], legacy).found == ("SLC35E2B", "TP53", "SLC35E2A")
    assert match_genes(["TP53", "SLC35E2"], legacy).missing == ("SLC35E2",)


def test_all_ways_that_were_needed_are_told():
    assert match_genes(["ALB", "TP53", "myc"], ["ALB", f"{TP53}.1", "MYC"]).how == (
        "Ensembl id to symbol, capital letters aside"
    )


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (["TP53", "C1orf112", "HLA-A", "MT-CO1"], Kind.SYMBOLS),
        (["Trp53", "B2m", "mt-Co1", "4930402H24Rik", "Il4r"], Kind.MOUSE),
        (["tp53", "myca"], Kind.LOWER_CASE),
        ([f"{TP53}.1", MYC], Kind.ENSEMBL),
        (["ENSMUSG00000000001.4", "ENSMUSG00000000003"], Kind.OTHER_ENSEMBL),
        (["ENST00000456328.2", "NM_000546"], Kind.TRANSCRIPTS),
        (["1007_s_at", "ILMN_1762337", "A_23_P117082"], Kind.PROBES),
        (["P04637", "Q9Y6K9", "A0A024R1R8"], Kind.PROTEINS),
        (["7157", "4609"], Kind.NUMBERS),
        (["TP53,1.0", "MYC,0.5"], Kind.WEIGHTED),
        (["TP53, MYC", "ALB KRAS"], Kind.SEVERAL),
        ([], Kind.SYMBOLS),
    ],
)
def test_kinds_of_names(names, kind):
    assert kind_of(names) == kind


@pytest.mark.parametrize(
    ("wanted", "available", "says"),
    [
        (["Trp53", "Il4r"], ["TP53", "ALB"], "look like mouse symbols, those of the .* like gene symbols.*human"),
        (["TP53"], ["ENSMUSG00000000001"], "those of the expression matrix like gene ids of another species.*BioMart"),
        (["P04637"], ["TP53"], "UniProt accessions.*id-mapping"),
        (["TP53"], ["1007_s_at"], "probes of an array.*GPL"),
        (["TP53"], ["ENST00000456328.2"], "transcripts, not genes.*tximport"),
        (["TP53"], ["S-1", "S-2"], "those of the expression matrix like no names of human genes.*--transpose"),
        (["TP53"], ["0", "1", "2"], "like numbers.*Entrez"),
        ([MYC_ENTREZ, ALB_ENTREZ], ["TP53"], "like human Entrez ids, those of the .* like gene symbols. Such names"),
        (["TP53"], ["ALB"], "Both look like gene symbols. Check that both are of one species"),
    ],
)
def test_where_nothing_is_found_the_likely_reason_is_told(wanted, available, says):
    with pytest.raises(GeneSetError, match=says):
        match_genes(wanted, available)


def test_where_hardly_anything_is_found_the_reason_comes_with_the_match():
    mouse = ["TP53", *(f"Abc{at}" for at in range(9))]
    assert match_genes(mouse, ["TP53", "MYC"]).mismatch == Mismatch(Kind.MOUSE, Kind.SYMBOLS)
    assert match_genes(["TP53", "ALB"], ["TP53", "MYC"]).mismatch is None


def test_entrez_ids_of_a_study_are_its_symbols(shared_data):
    """Genes of the tumours, by the ids beside their symbols, in every form that files have."""
    var = anndata.read_h5ad(shared_data / "tcga_coadread" / "tcga_coadread.h5ad", backed="r").var.iloc[::6]
    entrez = {str(symbol): str(number) for symbol, number in var["entrez"].items() if number}
    symbols = list(entrez)
    for names in (
        list(entrez.values()),
        [f"{symbol} ({number})" for symbol, number in entrez.items()],
        [f"{symbol if at % 9 else '?'}|{number}" for at, (symbol, number) in enumerate(entrez.items())],
        [symbol.lower() for symbol in symbols],
    ):
        assert match_genes(symbols, names).positions == tuple(range(len(symbols)))
        assert match_genes(names, symbols).positions == tuple(range(len(symbols)))
    assert match_genes(list(entrez.values()), symbols[::-1]).found[::-1] == tuple(entrez.values())


def test_embedded_table_of_entrez_ids_is_that_of_the_study(shared_data):
    var = anndata.read_h5ad(shared_data / "tcga_coadread" / "tcga_coadread.h5ad", backed="r").var
    known = {str(number): str(symbol) for symbol, number in var["entrez"].items() if number}
    assert entrez_table().symbol_of == known
    assert entrez_table().id_of == {symbol: number for number, symbol in known.items()}


pool = st.sampled_from(
    [
        *(TP53, f"{TP53}.1", f"{TP53}.2", "TP53", MYC, f"{MYC}.3", "MYC", "other", "AC012345.1", f"{MYC}.3_MYC"),
        *("tp53", "Tp53", "TP53 (7157)", "TP53|7157", "?|7157", TP53_ENTREZ, MYC_ENTREZ, "1", "myc", "Myc"),
    ]
)
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


@given(lists, lists)
def test_names_are_matched_across_capital_letters_at_most_once(wanted, available):
    """By hand: no two columns that differ in capital letters alone are taken for one gene, nor one for two genes."""
    try:
        match = match_genes(wanted, available)
    except GeneSetError:
        return
    exact = set(wanted) & set(available)
    for gene, at in zip(match.found, match.positions, strict=True):
        if gene not in exact and gene.casefold() == available[at].casefold():
            assert [one for one in available if one.casefold() == gene.casefold() and one not in exact] == [
                available[at]
            ]
