"""Quantile functions, ranks and panels, against NumPy, a sort by hand, and the same file in every form."""

import gzip

import anndata
import numpy as np
import pandas as pd
import pytest

from tspg.data import quantiles
from tspg.data.expression import read_expression, read_once
from tspg.data.quantiles import (
    KEY,
    LEVELS,
    Quantiles,
    at_ranks,
    panel_of,
    percentiles,
    quantile_functions,
    ranks_of,
)
from tspg.data.reading import Reading
from tspg.errors import ExpressionError

N_GENES, N_SAMPLES = 300, 9
WANTED = ["G7", "G3", "G250"]


@pytest.fixture
def matrix():
    values = np.random.default_rng(1).gamma(1.0, 3.0, (N_SAMPLES, N_GENES)).round(3)
    values[:, ::4] = 0.0
    return pd.DataFrame(
        values, [f"s{number}" for number in range(N_SAMPLES)], [f"G{number}" for number in range(N_GENES)]
    )


def written(matrix, path):
    turned = matrix.T.rename_axis("NAME").reset_index()
    if path.suffix == ".h5ad":
        anndata.AnnData(matrix.to_numpy(np.float32), matrix.iloc[:, :0], matrix.T.iloc[:, :0]).write_h5ad(path)
    elif path.suffix == ".parquet":
        matrix.rename_axis("sample").reset_index().to_parquet(path)
    elif path.suffix == ".gct":
        turned.insert(1, "Description", "x")
        path.write_text(f"#1.2\n{N_GENES}\t{N_SAMPLES}\n{turned.to_csv(sep=chr(9), index=False)}")
    elif path.suffix == ".gz":
        path.write_bytes(gzip.compress(matrix.to_csv(sep="\t", index_label="sample").encode()))
    else:
        (matrix if "samples" in path.name else matrix.T).to_csv(path, sep="\t", index_label="name")
    return path


FORMS = ["samples.tsv", "genes.tsv", "m.gct", "m.tsv.gz", "m.h5ad", "m.parquet"]


def read(path, **options):
    return read_expression(path, transpose=path.name == "genes.tsv", **options)


def test_a_quantile_function_is_numpys(matrix):
    values = matrix.to_numpy(np.float32)
    expected = np.quantile(values, LEVELS, axis=1, method="nearest").T
    np.testing.assert_array_equal(quantile_functions(values), expected)
    np.testing.assert_array_equal(
        percentiles(quantile_functions(values)), np.percentile(values, range(1, 100), axis=1, method="nearest").T
    )
    assert (LEVELS[0], LEVELS[-1]) == (0, 1)
    assert (np.diff(LEVELS) > 0).all()


def test_a_logarithm_of_quantiles_is_the_quantiles_of_logarithms(matrix):
    values = matrix.to_numpy(np.float32)
    np.testing.assert_array_equal(np.log1p(quantile_functions(values)), quantile_functions(np.log1p(values)))


def test_ranks_are_those_of_a_sort_and_ties_get_the_middle():
    values = np.random.default_rng(2).permutation(1001)[None] ** 2.0  # ranks by hand: the root, of a thousand
    np.testing.assert_allclose(ranks_of(values, quantile_functions(values)), np.sqrt(values) / 1000, atol=1.5e-3)
    tied = np.repeat([[0.0, 3.0, 5.0]], [40, 21, 40], axis=1)  # zeros are the ranks 0 to .4, threes .4 to .6
    ranks = ranks_of(np.array([[0.0, 3.0, 5.0, -1.0, 9.0]]), quantile_functions(tied))[0]
    np.testing.assert_allclose(ranks, [0.2, 0.5, 0.8, 0.0, 1.0], atol=0.005)


def test_ranks_read_off_in_another_distribution_give_that_distribution():
    rng = np.random.default_rng(3)
    theirs, ours = rng.normal(5, 2, (1, 5000)), rng.gamma(2, 1, (1, 5000))
    mapped = at_ranks(ranks_of(theirs, quantile_functions(theirs)), quantile_functions(ours)[0])
    np.testing.assert_array_equal(np.argsort(mapped[0], kind="stable"), np.argsort(theirs[0], kind="stable"))
    np.testing.assert_allclose(np.sort(mapped[0]), np.sort(ours[0]), rtol=0.03, atol=0.02)  # as sorted by hand
    same = at_ranks(ranks_of(ours, quantile_functions(ours)), quantile_functions(ours)[0])
    np.testing.assert_allclose(same, ours, rtol=0.03)


def test_the_panel_is_as_many_genes_as_are_allowed_whatever_their_order(monkeypatch):
    monkeypatch.setattr(quantiles, "PANEL", 40)
    names = [f"GENE{number}" for number in range(1000)]
    chosen = [names[at] for at in panel_of(names)]
    assert len(chosen) == 40
    assert chosen == sorted(chosen, key=names.index)
    assert {names[::-1][at] for at in panel_of(names[::-1])} == set(chosen)
    others = [names[at] for at in panel_of(names[:900])]
    assert set(chosen) & set(names[:900]) <= set(others)  # a gene is in, whatever else a larger file holds
    assert panel_of(names[:30]).tolist() == list(range(30))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("most", [25, 8192])
def test_every_form_of_a_file_gives_the_quantiles_of_the_whole_matrix(matrix, tmp_path, monkeypatch, form, most):
    monkeypatch.setattr(quantiles, "PANEL", most)
    path = written(matrix, tmp_path / form)
    whole = Quantiles.of(anndata.AnnData(matrix.to_numpy(np.float32), matrix.iloc[:, :0], matrix.T.iloc[:, :0]))
    assert len(whole.genes) == min(most, N_GENES)
    for genes in (WANTED, None):
        adata = read(path, genes=genes)
        assert KEY in adata.obsm
        found = Quantiles.of(adata)
        assert found.genes == whole.genes
        np.testing.assert_array_equal(found.values, whole.values)
    some = Quantiles.of(adata[::2])
    np.testing.assert_array_equal(some.values, whole.values[::2])


def test_streamed_rows_are_let_go_of_as_better_ones_come(monkeypatch):
    monkeypatch.setattr(quantiles, "PANEL", 20)
    rows = quantiles.PanelRows(2, None, file="f", limit=1e9)
    names = [f"GENE{number}" for number in range(400)]
    for start in range(0, 400, 16):
        block = names[start : start + 16]
        chosen = rows.candidates(block)
        rows.add([block[at] for at in chosen], np.repeat((start + chosen)[:, None], 2, axis=1).astype(np.float32))
        assert sum(map(len, rows._parts)) <= 25
    kept, values = rows.samples()
    assert kept == [names[at] for at in panel_of(names)]
    np.testing.assert_array_equal(values, np.repeat(panel_of(names)[None], 2, axis=0))


@pytest.mark.parametrize("form", ["samples.tsv", "genes.tsv", "m.h5ad"])
def test_counts_are_transformed_before_they_are_compared(matrix, tmp_path, form):
    path = written((matrix * 10).round(), tmp_path / form)
    part, whole = (read(path, genes=genes, transform="log2") for genes in (WANTED, None))
    np.testing.assert_allclose(Quantiles.of(part).values, quantile_functions(whole.X), rtol=1e-6)


@pytest.mark.parametrize("form", ["samples.tsv", "genes.tsv"])
def test_genes_that_occur_twice_are_one(matrix, tmp_path, form):
    doubled = pd.concat([matrix, matrix[["G5", "G7"]] + 4], axis=1)
    path = written(doubled, tmp_path / form)
    found = Quantiles.of(read(path, genes=WANTED, duplicates="mean"))
    joined = matrix.assign(G5=matrix["G5"] + 2, G7=matrix["G7"] + 2).to_numpy(np.float32)
    assert len(found.genes) == N_GENES
    np.testing.assert_allclose(found.values, quantile_functions(joined), rtol=1e-6)


@pytest.mark.parametrize("form", ["samples.tsv", "genes.tsv", "m.h5ad", "m.parquet"])
def test_a_gap_in_a_gene_that_nobody_asked_for_is_refused_with_its_place(matrix, tmp_path, form):
    gap = matrix.copy()
    gap.loc["s4", "G10"] = np.nan
    path = written(gap, tmp_path / form)
    with pytest.raises(ExpressionError, match=r"(?s)('s4'.*'G10'|'G10'.*'s4').*value is missing"):
        read(path, genes=WANTED)


@pytest.mark.parametrize("form", ["samples.tsv", "genes.tsv", "m.h5ad"])
def test_the_genes_of_another_file_can_be_asked_for(matrix, tmp_path, form):
    path = written(matrix, tmp_path / form)
    theirs = ["G200", "G11", "NOT HERE", "G12"]
    found = Quantiles.of(read(path, genes=WANTED, panel=theirs), genes=theirs)
    assert set(found.genes) == {"G200", "G11", "G12"}
    np.testing.assert_array_equal(found.values, quantile_functions(matrix[["G11", "G12", "G200"]].to_numpy(np.float32)))


def test_changed_values_no_longer_have_the_distribution_that_was_read(matrix, tmp_path):
    adata = read(written(matrix, tmp_path / "m.h5ad"), genes=WANTED)
    assert len(Quantiles.of(adata).genes) == N_GENES
    adata.layers["doubled"] = adata.X * 2
    assert Quantiles.of(adata, "doubled").genes == ("G3", "G7", "G250")
    assert len(Quantiles.of(adata, "X").genes) == N_GENES
    adata.X = np.log2(adata.X + 1)
    assert Quantiles.of(adata).genes == ("G3", "G7", "G250")
    np.testing.assert_array_equal(Quantiles.of(adata).values, quantile_functions(adata.X))


def test_several_selections_share_one_distribution(matrix, tmp_path):
    path = written(matrix, tmp_path / "samples.tsv")
    whole = read_once(Reading(path), [WANTED, ["G1"], None])
    alone = read(path, genes=["G1"])
    for genes in (WANTED, ["G1"], None):
        np.testing.assert_array_equal(whole.select(genes).obsm[KEY][:, :-1], alone.obsm[KEY][:, :-1])
