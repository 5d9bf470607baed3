"""What comes back over seeds and targets, by hand; and the table of all runs."""

import json

import numpy as np
import pandas as pd
import pytest

import tspg
from tspg.audit.stability import Repeats
from tspg.errors import ModelError
from tspg.sweep import collect
from tspg.sweep.collect import TOP_K
from tspg.sweep.rows import Rows

GENES = [f"g{number}" for number in range(50)]


def repeats(*fits):
    return Repeats.of([{"": np.array(fit)} for fit in fits], np.ones(50, dtype=bool), TOP_K)


def stable_genes(genes, found):
    return pd.concat(map(pd.DataFrame, collect.stable_genes(genes, found)), ignore_index=True)


def gene_frequency(found):
    return pd.concat(map(pd.DataFrame, collect.gene_frequency(found)), ignore_index=True)


def change(**moved):
    """Mean changes of fifty genes, of which 30 fill up the list with small ones."""
    fit = np.zeros(50)
    fit[20:] = 0.001
    for gene, value in moved.items():
        fit[GENES.index(gene)] = value
    return fit


def test_genes_are_averaged_over_seeds_and_weighted_by_how_often_they_lead():
    # g1 leads with every seed, g2 by more, but with one seed of two, and then backwards; g3 falls twice
    found = stable_genes(GENES, repeats(change(g1=0.4, g2=0.9, g3=-0.5), change(g1=0.2, g2=-0.1, g3=-0.7)))
    up, down = (found[found["direction"] == way].set_index("gene") for way in ("up", "down"))
    assert list(up.index[:2]) == ["g1", "g2"]  # .3 x 1 and .4 x 1/2
    assert up.loc["g1", ["mean_perturbation", "selection_frequency", "weight"]].tolist() == pytest.approx([0.3, 1, 0.3])
    assert up.loc["g2", ["mean_perturbation", "selection_frequency", "weight"]].tolist() == pytest.approx(
        [0.4, 0.5, 0.2]
    )
    assert up.loc["g2", "sign_agreement"] == 0.5
    assert down.loc["g3", ["rank", "mean_perturbation", "weight"]].tolist() == pytest.approx([1, -0.6, 0.6])
    assert set(down.index) == {"g3"}  # g2 fell once, but rises on average
    assert list(up["rank"]) == list(range(1, len(up) + 1))
    assert set(found["n_seeds"]) == {2}


def test_the_stability_index_is_one_for_equal_lists_and_undefined_for_one_seed():
    same = change(g1=0.4, g3=-0.5)
    assert set(stable_genes(GENES, repeats(same, same))["phi"]) == {1.0}
    two, three = (stable_genes(GENES, repeats(*[same] * n, change(g2=0.3))) for n in (1, 2))
    assert two[["phi_low", "phi_high"]].isna().all(axis=None)  # two fits have no spread
    assert (three["phi_low"] < three["phi"]).all()
    assert stable_genes(GENES, repeats(same))["phi"].isna().all()


def test_frequency_counts_runs_and_targets():
    first = repeats(change(g1=0.4), change(g1=0.4, g2=0.9))
    second = repeats(change(g2=0.3, g3=-0.1), change(g2=0.3))
    found = gene_frequency([(GENES, first), (GENES, second)]).set_index(["direction", "gene"])
    assert found.loc[("up", "g2"), ["n_runs", "n_targets"]].tolist() == [3, 2]
    assert found.loc[("up", "g1"), ["n_runs", "n_targets"]].tolist() == [2, 1]
    assert found.loc[("down", "g3"), "frequency"] == 1 / 4
    assert set(found["n_runs_total"]) == {4}
    assert set(found["n_targets_total"]) == {2}


def test_a_folder_without_a_sweep_is_told(tmp_path):
    with pytest.raises(ModelError, match=r"no sweep\.tsv here"):
        tspg.read_sweep(tmp_path)


def test_a_table_with_the_reason_inside_the_status_is_still_read(tmp_path):
    statuses = ["done", "failed: f: the loss is nan", "skipped: 4 of 5 genes", "not run"]
    pd.DataFrame({"gene_set": "A", "seed": range(4), "status": statuses, "run": ""}).to_csv(
        tmp_path / "sweep.tsv", sep="\t", index=False
    )
    found = tspg.read_sweep(tmp_path)
    assert list(found.columns) == ["gene_set", "seed", "status", "reason", "run"]
    assert found["status"].tolist() == ["done", "failed", "skipped", "not run"]
    assert found["reason"].tolist() == ["", "f: the loss is nan", "4 of 5 genes", ""]


def test_names_in_the_table_stay_text(tmp_path):
    names = {"gene_set": ["NA", "12"], "target_class": ["2E8", "1-Mar"], "seed": [0, 1], "status": ["done", "done"]}
    names["data.gene_set.name"] = ["0012", "12"]
    pd.DataFrame(names).to_csv(tmp_path / "sweep.tsv", sep="\t", index=False)
    found = tspg.read_sweep(tmp_path)
    assert found["gene_set"].tolist() == ["NA", "12"]
    assert found["data.gene_set.name"].tolist() == ["0012", "12"]
    assert found["target_class"].tolist() == ["2E8", "1-Mar"]


def test_rows_of_nested_values_become_the_table_that_pandas_makes_of_them(tmp_path):
    awkward = 'tab\t, line\n, "quote"'
    rows = [
        {
            "a": 1,
            "b": {"c": 0.1, "d": {"e": "x", "f": True}},
            "none": None,
            "seconds": {"f": 1.5},
            "list": [1, "ä", 0.5],
        },
        {"a": 2, "b": {"d": {"f": False, "late": -3e-17}}, "g": {}, "none": None, awkward: awkward},
        {"a": 3, "b": {"c": 12345678901234567890, "d": {"e": "0012", "f": True}}, "list": [], "none": 2.5, "late": "ü"},
    ]
    flat = [
        {"a": 1, "b.c": 0.1, "b.d.e": "x", "b.d.f": True, "list": '[1, "ä", 0.5]', "seconds.f": 1.5},
        {"a": 2, "b.d.f": False, "b.d.late": -3e-17, awkward: awkward},
        {"a": 3, "b.c": 12345678901234567890, "b.d.e": "0012", "b.d.f": True, "list": "[]", "none": 2.5, "late": "ü"},
    ]
    order = ["name", "a", "b.c", "b.d.e", "b.d.f", "none", "list", "b.d.late", awkward, "late", "seconds.f"]
    made = Rows(last="seconds")
    for row in rows:
        made.add({"name": awkward}, json.dumps(row))
    made.write(tmp_path / "rows.tsv")
    assert made.columns == order
    expected = pd.DataFrame(flat, dtype=object).assign(name=awkward)[order].to_csv(sep="\t", index=False)
    assert (tmp_path / "rows.tsv").read_text() == expected


@pytest.mark.parametrize("content", ["", "[1]", "1", "{", "[" * 100_000])
def test_a_row_that_is_no_json_object_is_refused(content):
    with pytest.raises((ValueError, TypeError, RecursionError)):
        Rows(last="seconds").add({}, content)


def test_a_table_of_genes_is_read_as_pandas_reads_it_whatever_the_names(tmp_path):
    names = ['5"-OT', "NA", "0012", "plain"]
    table = pd.DataFrame({"source_class": ["", "A", "", ""], "gene": names, "perturbation": [0.1, 9.0, -1e-17, 1 / 3]})
    for kept in (table, table.iloc[1:]):  # with a quoted name, and without
        kept.to_csv(tmp_path / "genes.tsv", sep="\t", index=False)
        mine = kept[kept["source_class"] == ""]
        assert collect._mean_changes(tmp_path / "genes.tsv") == (list(mine["gene"]), list(mine["perturbation"]))
