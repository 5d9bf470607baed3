"""The block of numbers in the page: those of the run's tables and profiles, as near as its steps allow."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.report.page.folders import GENES, IDS, OTHERS, block_of, full_folder, html_of, numbers, steps
from tspg.analysis.interpretation.perturbations import read_perturbations
from tspg.data.demo import demo_gene_sets
from tspg.report.page.data import data_of
from tspg.report.read import read_run
from tspg.utils.files import read_table, write_table

NAMED = ["sample-0", "sample-13"]
WHOLE = {"rank", "up", "stable", "source", "sample"}  # not in columns of 16 bits


@pytest.fixture(scope="module")
def block(whole_folder):
    return block_of(html_of(whole_folder))


@pytest.fixture(scope="module")
def moved(whole_folder):
    return read_perturbations(whole_folder)


def same(column, expected):
    """Equal to half a step, and not a number at the same places."""
    np.testing.assert_allclose(numbers(column), expected, rtol=0, atol=0.500001 * column["step"])
    assert column["step"] * 32767 == pytest.approx(np.nanmax(np.abs(expected)))


def test_the_tests_are_those_of_the_table_of_genes(block, whole_folder):
    genes = pd.read_csv(whole_folder / "genes.tsv", sep="\t", keep_default_na=False, na_values=[""])
    genes["source_class"] = genes["source_class"].fillna("")
    assert [test["source"] for test in block["tests"]] == ["", "Kidney", "Liver"]
    for test in block["tests"]:
        own = genes[genes["source_class"] == test["source"]].set_index("gene").loc[block["genes"]]
        columns = {
            "change": "perturbation",
            "mean": "mean_source",
            "stability": "stability",
            "difference": "difference",
        }
        columns |= {"low": "difference_low", "high": "difference_high"}
        for key, name in columns.items():
            same(test[key], own[name])
        same(test["log_q"], -np.log10(own["q_value"]))
        same(test["log_p"], -np.log10(own["p_value"]))
        rank = own["rank_up"].fillna(own["rank_down"]).fillna(0)
        assert test["rank"] == rank.tolist()
        assert test["up"] == own["rank_up"].notna().astype(int).tolist()
        assert set(test) == {*columns, "log_q", "log_p", "rank", "up", "stable", "source"}
    assert sorted(block["genes"]) == GENES
    assert block["measure"] == "log2 fold change"


def test_a_gene_is_stable_where_an_audit_found_it_in_its_direction(whole_folder, tmp_path):
    run = shutil.copytree(whole_folder, tmp_path / "run")
    genes = read_table(run / "genes.tsv")
    in_all = genes["rank_up"].notna().groupby(genes["gene"]).transform("all")  # from each source and from both
    up = genes[(genes["source_class"] == "") & in_all]["gene"].tolist()
    rows = [("Kidney", "up", up[0], "yes"), ("Kidney", "down", up[1], "yes"), ("Liver", "up", up[2], "no")]
    table = pd.DataFrame(rows, columns=["source_class", "direction", "gene", "stable"])
    write_table(run / "stable_genes.tsv", table)
    block = data_of(read_run(run))
    assert [block["genes"][i] for i in block["tests"][0]["stable"]] == up[:1]
    of_class = {test["source"]: len(test["stable"]) for test in block["tests"][1:]}
    assert of_class == {test["source"]: int(test["source"] == rows[0][0]) for test in block["tests"][1:]}


def test_the_genes_of_samples_are_those_of_their_table(block, whole_folder):
    table = read_table(whole_folder / "sample_genes.tsv")
    assert [one["sample"] for one in block["samples"]] == NAMED
    for one in block["samples"]:
        own = table[table["sample"] == one["sample"]].set_index("gene").loc[block["genes"]]
        for key in set(one) - {"sample", "log_q_own", "log_q_target"}:
            same(one[key], own[key])
        for key in ("q_own", "q_target"):
            same(one[f"log_{key}"], -np.log10(own[key]))


def test_quantiles_and_single_values_are_those_of_the_profiles(block, moved):
    values = block["values"]
    groups = values["groups"]
    names = [("Kidney", "source"), ("Kidney", "moved"), ("Liver", "source"), ("Liver", "moved"), ("Lung", "target")]
    assert [(group["name"], group["kind"]) for group in groups] == names
    quantiles = steps(values["quantiles"]).reshape(len(groups), len(GENES), 5) / 255
    cells = steps(values["cells"]).reshape(-1, len(GENES)) / 255
    assert values["levels"] == [0.05, 0.25, 0.5, 0.75, 0.95]
    first = 0
    for number, group in enumerate(groups):
        rows = moved[moved.obs["source_class"] == group["name"], block["genes"]]
        layer = rows.X if group["kind"] == "moved" else rows.layers["original"]
        assert group["n"] == len(layer)
        expected = np.quantile(layer, values["levels"], axis=0).T
        np.testing.assert_allclose(quantiles[number], expected, rtol=0, atol=0.51 / 255)
        own = pd.DataFrame(layer, index=rows.obs_names).loc[group["samples"]]
        np.testing.assert_allclose(cells[first : first + len(own)], own, rtol=0, atol=0.51 / 255)
        first += len(own)
    var = moved.var.loc[block["genes"]]
    np.testing.assert_allclose(values["minimum"], var["minimum"], rtol=1e-4)
    np.testing.assert_allclose(values["range"], var["maximum"] - var["minimum"], rtol=1e-4)
    np.testing.assert_allclose(steps(values["target_mean"]) / 255, var["target_mean"], rtol=0, atol=0.51 / 255)


def test_pairs_are_samples_of_one_person(block, moved):
    groups = block["values"]["groups"]
    assert block["values"]["pairs"]
    for number, source, target in block["values"]["pairs"]:
        names = [groups[number]["samples"][source], groups[-1]["samples"][target]]
        assert (groups[number]["kind"], groups[-1]["kind"]) == ("source", "target")
        assert moved.obs.loc[names, "group"].nunique() == 1
    paired = {(number, source) for number, source, _ in block["values"]["pairs"]}
    assert len(paired) == 2 * 12  # every sample of both source classes has a donor with target samples


def test_the_heat_map_has_the_leading_genes_and_their_values(block, moved, whole_folder):
    heat, groups = block["values"]["heat"], block["values"]["groups"]
    genes = read_table(whole_folder / "genes.tsv")
    pooled = genes[genes["source_class"] == ""]
    leading = [gene for way in ("up", "down") for gene in pooled.sort_values(f"rank_{way}")["gene"][:20]]
    assert heat["genes"] == leading
    assert heat["shown"] == [12] * 5
    values = steps(heat["data"]).reshape(-1, len(leading)) / 255
    for number, group in enumerate(groups):
        rows = moved[moved.obs["source_class"] == group["name"], leading]
        layer = rows.X if group["kind"] == "moved" else rows.layers["original"]
        shown = values[12 * number : 12 * number + 12]
        np.testing.assert_allclose(shown, layer, rtol=0, atol=0.51 / 255)  # few samples: all, in their order


def test_the_map_has_every_point_at_its_place_with_its_labels(block, whole_folder, moved):
    found = block["map"]
    table = read_table(whole_folder / "pca.tsv")
    assert found["samples"] == table["sample"].tolist()
    assert found["moved"] == (table["kind"] == "moved").astype(int).tolist()
    assert [one["name"] for one in found["maps"]] == ["pca", "tsne"]  # fitted on real samples alone first
    for one in found["maps"]:
        places = read_table(whole_folder / f"{one['name']}.tsv")
        for key in ("x", "y"):
            low, high = places[key].min(), places[key].max()
            np.testing.assert_allclose(np.array(one[key]) / 1000, (places[key] - low) / (high - low), atol=0.00051)
    assert [one["share"] for one in found["maps"]] == [[0.41, 0.2], None]
    called = np.where(table["kind"] == "moved", table["predicted_after"], table["predicted_before"])
    assert found["called"] == called.tolist()
    columns = {one["name"]: np.array(one["values"])[one["codes"]].tolist() for one in found["columns"]}
    assert list(columns) == ["class", "batch"]
    assert columns["class"] == table["source_class"].tolist()
    assert columns["batch"] == moved.obs.loc[table["sample"], "batch"].tolist()


def test_names_and_memberships_are_those_of_the_databases(block):
    ids = dict(
        zip(block["genes"] + block["others"]["genes"], block["aliases"] + block["others"]["aliases"], strict=True)
    )
    assert block["others"]["genes"] == OTHERS
    assert {f"ENSG{n:011d}" for name in OTHERS for n in ids[name]} == {IDS[name] for name in OTHERS}
    members = {name: {block["genes"][i] for i in own} for name, own in block["gene_sets"]}
    assert members == {
        name: set(one.genes) & set(GENES) for name, one in demo_gene_sets().items() if set(one.genes) & set(GENES)
    }
    assert members["HALLMARK_HYPOXIA"] == set(GENES)


def test_genes_known_by_ensembl_id_have_their_symbols_and_gene_sets(make_run, make_perturbations, tmp_path: Path):
    genes = [f"{IDS['VEGFA']}.7", IDS["TP53"], *(f"ENSG{i:011d}" for i in range(4))]
    moved = make_perturbations(genes=genes, n_genes=6)
    block = block_of(html_of(full_folder(tmp_path / "run", moved, make_run)))
    assert block["aliases"][block["genes"].index(genes[0])] == "VEGFA"
    hypoxia = dict(block["gene_sets"])["HALLMARK_HYPOXIA"]
    assert [block["genes"][i] for i in hypoxia] == [genes[0]]


@pytest.mark.parametrize(("room", "levels", "n_kept"), [(900, 3, None), (300, 1, None), (100, 1, 20)])
def test_with_little_room_fewer_quantiles_then_only_leading_genes_are_kept(
    whole_folder, moved, monkeypatch, room, levels, n_kept
):
    monkeypatch.setattr("tspg.report.page.values.QUANTILE_BYTES", room)
    block = data_of(read_run(whole_folder))
    values = block["values"]
    assert len(values["levels"]) == levels
    kept = values["kept"]
    genes = block["genes"] if kept is None else [block["genes"][i] for i in kept]
    if n_kept:
        table = read_table(whole_folder / "genes.tsv")
        pooled = table[table["source_class"] == ""]
        rank = pooled.set_index("gene")[["rank_up", "rank_down"]].min(axis=1)
        assert len(genes) == n_kept
        assert rank[genes].max() <= rank.drop(genes).min()
    medians = steps(values["quantiles"]).reshape(5, len(genes), levels)[0, :, levels // 2] / 255
    kidney = moved[moved.obs["source_class"] == "Kidney", genes].layers["original"]
    np.testing.assert_allclose(medians, np.median(kidney, axis=0), rtol=0, atol=0.51 / 255)


def test_what_has_no_room_is_counted(whole_folder, monkeypatch):
    monkeypatch.setattr("tspg.report.page.data.TEST_BYTES", 1)
    monkeypatch.setattr("tspg.report.page.data.SAMPLE_BYTES", 1)
    block = data_of(read_run(whole_folder))
    assert [test["source"] for test in block["tests"]] == [""]
    assert [one["sample"] for one in block["samples"]] == NAMED[:1]
    assert block["left_out"] == {"sources": 2, "samples": 1}


def test_profiles_that_are_read_in_parts_give_the_same_block(whole_folder, monkeypatch):
    whole = data_of(read_run(whole_folder))
    monkeypatch.setattr("tspg.report.page.values._BLOCK", 7 * 4 * 36)
    assert data_of(read_run(whole_folder)) == whole


def test_a_named_sample_is_always_among_those_shown(whole_folder, monkeypatch):
    monkeypatch.setattr("tspg.report.page.values.MOST_SHOWN", 5)
    groups = data_of(read_run(whole_folder))["values"]["groups"]
    assert [len(group["samples"]) for group in groups] == [5] * 5
    assert all(NAMED[0] in group["samples"] for group in groups[:2])
    assert groups[0]["samples"] == groups[1]["samples"]  # as it is and moved: the same people


def test_one_source_class_is_not_told_twice(make_run, make_perturbations, tmp_path: Path):
    block = data_of(read_run(full_folder(tmp_path / "run", make_perturbations(("Kidney", "Lung")), make_run)))
    assert [test["source"] for test in block["tests"]] == ["Kidney"]
    assert block["left_out"]["sources"] == 0


def test_folders_without_profiles_or_tests_have_a_block_of_what_is_there(
    whole_folder, perturb_folder, plain_folder, tmp_path
):
    shutil.copytree(whole_folder, tmp_path / "tables")
    (tmp_path / "tables" / "perturbations.h5ad").unlink()
    tables, perturb, plain = (data_of(read_run(one)) for one in (tmp_path / "tables", perturb_folder, plain_folder))
    assert tables["values"] is None
    assert len(tables["tests"]) == 3
    assert perturb["tests"] == []
    assert len(perturb["samples"]) == 2
    assert perturb["values"]["heat"] is None
    assert (plain["tests"], plain["samples"], plain["map"]) == ([], [], None)
    assert plain["genes"] == [f"G{i}" for i in range(30)]  # found in the profiles
