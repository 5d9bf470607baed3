"""The same real samples from different files must be the same numbers."""

import anndata
import numpy as np
import pytest

from tspg.data.expression import read_expression
from tspg.data.genesets import read_gene_sets
from tspg.data.identifiers import match_genes, symbol_table


@pytest.mark.parametrize(
    ("text", "labels", "binary", "column"),
    [
        (
            "tcga_coadread/coadread.hallmark.gct.gz",
            "tcga_coadread/coadread.labels.tsv",
            "tcga_coadread/tcga_coadread.h5ad",
            "subtype",
        ),
        (
            "tcga_kidney/kidney.expression.tsv.gz",
            "tcga_kidney/kidney.labels.tsv",
            "tcga_kidney/tcga_kidney.h5ad",
            "diagnosis",
        ),
    ],
)
def test_text_and_h5ad_agree(shared_data, text, labels, binary, column):
    from_text = read_expression(shared_data / text, labels=shared_data / labels)
    from_binary = read_expression(shared_data / binary, label_column=column, genes=list(from_text.var_names))
    oracle = anndata.read_h5ad(shared_data / binary)[from_text.obs_names, from_text.var_names]
    np.testing.assert_array_equal(from_text.X, oracle.X)
    np.testing.assert_array_equal(from_binary[:, from_text.var_names].X, oracle.X)
    assert list(from_text.obs["label"]) == list(oracle.obs[column])
    assert list(from_binary.obs[column]) == list(oracle.obs[column])


def test_versioned_ensembl_ids_match_symbols(shared_data):
    wanted = read_gene_sets(shared_data / "genesets" / "h.all.v2023.2.Hs.symbols.gmt.gz").union().genes
    ids = [f"{gene}.{at % 19 + 1}" for at, gene in enumerate(symbol_table().symbol_of)]
    match = match_genes(wanted, ids)
    assert match.how == "Ensembl id to symbol"
    assert set(match.missing) == {"METTL7B", "PRPF4B", "CENPJ", "THEG"}
    for position, symbol in zip(match.positions, match.found, strict=True):
        assert symbol_table().symbol_of[ids[position].split(".")[0]] == symbol


def test_matrix_with_versioned_ids_gives_the_same_genes(shared_data, tmp_path):
    wanted = read_gene_sets(shared_data / "genesets" / "h.all.v2023.2.Hs.symbols.gmt.gz")["HALLMARK_APOPTOSIS"].genes
    source = read_expression(shared_data / "tcga_kidney" / "kidney.expression.tsv.gz", genes=wanted)
    ids = symbol_table().ids_of
    header = "\t".join(["id", *(f"{ids[symbol][0]}.7" for symbol in source.var_names)])
    rows = [
        "\t".join([sample, *map(repr, map(float, row))]) for sample, row in zip(source.obs_names, source.X, strict=True)
    ]
    path = tmp_path / "m.tsv"
    path.write_text("\n".join([header, *rows]) + "\n")
    adata = read_expression(path, genes=wanted)
    np.testing.assert_array_equal(adata.X, source.X)


@pytest.mark.slow
def test_every_shared_collection_is_read(shared_data):
    for path in sorted((shared_data / "genesets").rglob("*.gmt.gz")):
        sets = read_gene_sets(path)
        assert len(sets) > 0
        assert all(len(set(one.genes)) == len(one.genes) > 0 for one in sets.values())
    assert "Adipose Tissue" in " ".join(read_gene_sets(shared_data / "genesets/tissue/tissueenrich_GTEX.gmt.gz"))
