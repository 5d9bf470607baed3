"""Top genes and their overlap by hand on numbers small enough to see."""

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData

from tspg.analysis.interpretation.genes import all_top_genes, compare_targets, gene_overlap, top_genes
from tspg.errors import UsageError

GENES = ["A", "B", "C", "D", "E"]


@pytest.fixture
def moved():
    """Two samples of class x, one of y, one of the target; gene E was constant in training."""
    original = np.array(
        [[0.25, 0.5, 0.9, 0.4, 0.0], [0.25, 0.5, 0.7, 0.4, 0.0], [0.1, 0.1, 0.1, 0.9, 0.0], [0.5, 0.5, 0.5, 0.5, 0.0]]
    )
    change = np.array(
        [
            [0.375, 0.125, -0.4, 0.0, 0.9],
            [0.125, 0.375, -0.2, 0.0, 0.9],
            [0.0, 0.5, 0.6, -0.7, 0.9],
            [0.0, 0.0, 0.0, 0.1, 0.9],
        ]
    )
    obs = pd.DataFrame({"source_class": ["x", "x", "y", "t"]}, index=["s1", "s2", "NA", "t1"])
    var = pd.DataFrame({"minimum": [0.0, 0, 10, 0, 3], "maximum": [10.0, 10, 30, 1, 3]}, index=GENES)
    perturbations = AnnData((original + change).astype(np.float32), obs, var)
    perturbations.layers["original"] = original.astype(np.float32)
    perturbations.uns["tspg"] = {"target_class": "t"}
    return perturbations


def test_class_means_are_ranked_by_the_effective_change(moved):
    table = top_genes(moved, k=2)
    found = {key: part["gene"].tolist() for key, part in table.groupby(["source_class", "direction"])}
    # x: A +.25, B +.25 (a tie, so in gene order), C -.3, D 0; y: C +.6, B +.5, D -.7
    assert found == {("x", "up"): ["A", "B"], ("x", "down"): ["C"], ("y", "up"): ["C", "B"], ("y", "down"): ["D"]}
    assert table["rank"].tolist() == [1, 2, 1, 1, 2, 1]


def test_values_come_scaled_and_in_the_users_units(moved):
    row = top_genes(moved, k=1, direction="down").iloc[0]
    assert (row["source_class"], row["sample"], row["gene"]) == ("x", "", "C")
    assert row[["perturbation", "before", "after"]].tolist() == pytest.approx([-0.3, 0.8, 0.5])
    assert row[["before_units", "after_units"]].tolist() == pytest.approx([26.0, 20.0])  # 10 + 20 x


def test_single_samples_are_ranked_by_their_own_change(moved):
    table = top_genes(moved, k=1, direction="up", samples=["NA", "s1"])
    assert table[["source_class", "sample", "gene"]].to_numpy().tolist() == [["y", "NA", "C"], ["x", "s1", "A"]]


def test_a_constant_gene_and_an_unmoved_gene_never_rank(moved):
    table = all_top_genes(moved, k=5, samples=["s1", "t1"])
    assert "E" not in set(table["gene"])
    assert not ((table["gene"] == "D") & (table["source_class"] == "x")).any()
    assert (table["perturbation"][table["direction"] == "up"] > 0).all()
    assert (table["perturbation"][table["direction"] == "down"] < 0).all()


def test_overlap_counts_in_how_many_sources_a_gene_is_chosen(moved):
    overlap = gene_overlap(all_top_genes(moved, k=2, samples=["s1"]))  # the sample's rows do not count
    expected = [("up", "B", 2, 2, 0.375, 3), ("up", "A", 1, 2, 0.25, 3), ("up", "C", 1, 2, 0.6, 3)]
    expected += [("down", "C", 1, 2, -0.3, 2), ("down", "D", 1, 2, -0.7, 2)]
    assert [tuple(row) for row in overlap.round(6).itertuples(index=False)] == expected


def test_permuting_the_genes_permutes_nothing_but_ties(moved):
    shuffled = moved[:, ["D", "C", "E", "B", "A"]].copy()
    first, second = (
        top_genes(data, k=5).sort_values(["source_class", "direction", "gene"]) for data in (moved, shuffled)
    )
    columns = ["source_class", "direction", "gene", "perturbation"]
    pd.testing.assert_frame_equal(first[columns].reset_index(drop=True), second[columns].reset_index(drop=True))


def test_unknown_samples_and_directions_are_refused(moved):
    with pytest.raises(UsageError, match="'nobody'"):
        top_genes(moved, samples=["nobody"])
    with pytest.raises(UsageError, match="sideways"):
        top_genes(moved, direction="sideways")


def test_no_source_gives_an_empty_table_with_its_columns(moved):
    empty = top_genes(moved[moved.obs["source_class"] == "t"])
    assert empty.empty
    assert gene_overlap(empty).empty
    assert list(empty.columns) == list(top_genes(moved).columns)


def top(**by_direction):
    rows = [
        ("normal", "", way, rank, gene)
        for way, genes in by_direction.items()
        for rank, gene in enumerate(genes, start=1)
    ]
    return pd.DataFrame(rows, columns=["source_class", "sample", "direction", "rank", "gene"])


def test_targets_are_compared_gene_by_gene_shared_ones_first():
    found = compare_targets({"KIRC": top(up=["CA9", "A"], down=["X"]), "KICH": top(up=["A", "B"], down=["Y"])})
    assert found["gene"].tolist() == ["A", "B", "CA9", "Y", "X"]
    assert found["targets"].tolist() == ["KIRC; KICH", "KICH", "KIRC", "KICH", "KIRC"]
    assert found["rank in KIRC"].fillna(0).tolist() == [2, 0, 1, 0, 1]


def test_runs_without_a_common_source_cannot_be_compared():
    with pytest.raises(UsageError, match="share no source class"):
        compare_targets({"a": top(up=["A"]), "b": top(up=["A"]).assign(source_class="tumour")})
