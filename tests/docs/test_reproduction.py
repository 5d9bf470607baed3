"""docs/reproduction.md is what its script makes of the stored numbers, and what it counts is counted right."""

import copy
import importlib
import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData

ROOT = Path(__file__).resolve().parents[2]
BENCHMARKS = ROOT / "benchmarks"
if not BENCHMARKS.is_dir():
    pytest.skip("the benchmarks are part of a checkout, not of a source distribution", allow_module_level=True)
sys.path.insert(0, str(BENCHMARKS))  # scripts, not a package

PARTS = ("claims", "kidney", "lists", "looks", "page", "paper", "runs", "stored")
claims, kidney, lists, looks, page, paper, runs, stored = (
    importlib.import_module(f"reproduction.{name}") for name in PARTS
)
Query = lists.Query
PICTURES = ROOT / "docs" / "images" / "reproduction"
MOST_BYTES = 250_000


@pytest.fixture(scope="module")
def numbers():
    return stored.Stored.read(BENCHMARKS / "reproduction.json")


@pytest.fixture(scope="module")
def written():
    return (ROOT / "docs" / "reproduction.md").read_text(encoding="utf-8")


def test_the_page_is_made_of_the_stored_numbers(numbers, written):
    assert page.page(numbers, page.pictures_in(PICTURES)) == written


def test_another_number_is_another_page(numbers, written):
    for run in ("organs-hedgehog_signaling-prostate-paper-0", "kidney-all-kirc-paper-0"):
        changed = stored.Stored(copy.deepcopy(numbers.content))
        (found,) = (one for one in changed.content["runs"] if one["name"] == run)
        found["energy_ratio"] = 12.345
        assert page.page(changed, page.pictures_in(PICTURES)) != written


def test_every_picture_is_shown_and_small(written):
    linked = re.findall(r"\]\(images/reproduction/([^)]+)\)", written)
    assert sorted(linked) == sorted(path.name for path in PICTURES.iterdir())
    assert max(path.stat().st_size for path in PICTURES.iterdir()) < MOST_BYTES


def test_the_papers_numbers_are_in_the_page(written):
    for number in ("11,688", "4,386", "99.9%", "| 53 | 85 | 642 | 7.6 |", "8e-22", "3,311", "10,950"):
        assert number in written


def test_every_claim_has_an_answer_for_either_preset(numbers):
    verdicts = {claims.HOLDS, claims.PARTLY, claims.FAILS, claims.CANNOT, stored.NOT_RUN, "–"}
    for claim, answers in claims.asked(numbers):
        assert set(answers) == set(runs.PRESETS), claim.words
        assert {verdict for _, verdict in answers.values()} <= verdicts


@pytest.mark.parametrize(
    ("accuracy", "verdict"), [([1.0] * 6, "holds"), ([1.0] * 5 + [0.9], "partly"), ([0.99] * 6, "fails")]
)
def test_a_claim_holds_by_its_rule(accuracy, verdict):
    made = [
        {"study": "organs", "gene_set": row[0], "target": row[1], "preset": "paper", "seed": 0, "f_accuracy": value}
        for row, value in zip(runs.TABLE_1, accuracy, strict=True)
    ]
    assert claims.f_accuracy(stored.Stored({"runs": made}), "paper")[1] == verdict


def test_distinct_genes_of_lists_that_are_one_and_of_independent_ones():
    assert lists.apart(paper.TOP, 4000, 11) == 0
    rng = np.random.default_rng(0)
    drawn = {Query(str(i), "", way): rng.choice(4000, 20, replace=False) for i in range(53) for way in lists.WAYS}
    found = lists.distinct(drawn)
    assert found["up"] == pytest.approx(lists.independent(4000, 53), rel=0.02)
    assert lists.apart(found["up"], 4000, 53) == pytest.approx(1, abs=0.03)
    same = {Query(str(i), "", way): range(20) for i in range(3) for way in lists.WAYS}
    assert lists.distinct(same) == {"up": 20, "up_in_all": 20, "down": 20, "down_in_all": 20}


@pytest.fixture
def moved():
    """Three classes of 30 in 40 genes; those of `a` go to the target, those of `b` stay."""
    rng = np.random.default_rng(3)
    source = np.repeat(["a", "b", "target"], 30)
    x = rng.normal(0.4, 0.02, (90, 40))
    x[source == "b", :5] += 0.4
    x[source == "target", 10:30] += 0.3
    after = x.copy()
    after[source == "a", 10:30] += 0.3
    after[source == "b"] += rng.normal(0, 0.01, (30, 40))
    obs = pd.DataFrame({"source_class": source, "split": np.tile(["train", "train", "test"], 30)})
    obs.index = obs.index.astype(str)
    adata = AnnData(after, obs=obs, layers={"original": x, "perturbation": after - x})
    adata.var["target_mean"] = x[source == "target"].mean(axis=0)
    adata.uns["tspg"] = {"target_class": "target", "source_classes": ["a", "b"]}
    return adata


def test_moved_samples_are_near_the_target_only_where_they_got_there(moved):
    x, source = moved.layers["original"], moved.obs["source_class"]
    is_target = source.eq("target").to_numpy()
    near = [looks.among(np.asarray(moved.X[(source == name).to_numpy()]), x, is_target) for name in ("a", "b")]
    assert near == [1.0, 0.0]
    assert looks.among(x[is_target], x, is_target, skip_self=True) == 1.0


def test_a_heat_map_in_numbers(moved):
    found = looks.in_the_heat_map(moved)
    assert found["correlation_before"] < 0.3 < found["correlation_after"] < found["correlation_real"]
    assert found["distance_after"] < found["distance_before"]
    only_a = moved[moved.obs["source_class"].ne("b").to_numpy()].copy()
    assert looks.in_the_heat_map(only_a)["way"] > 0.98


def test_mean_differences_list_what_was_planted(moved):
    moved.var_names = [f"G{number}" for number in range(40)]
    found = lists.lists_of_mean_difference(moved)
    assert set(found[Query("a", "", "up")]) == {f"G{number}" for number in range(10, 30)}
    assert set(found[Query("b", "", "down")]) > {f"G{number}" for number in range(5)}


def test_overlaps_of_three_lists():
    shared = {"KICH": ["x", "y"], "KIRC": ["x", "z"], "KIRP": ["x", "y"]}
    found = kidney.overlaps({name: {"up": genes, "down": [name]} for name, genes in shared.items()})
    assert found["up"] == {"distinct": 3, "in_all": 1, "in_one": 1}
    assert found["down"] == {"distinct": 3, "in_all": 0, "in_one": 3}


def test_annexins_are_told_from_all_other_genes():
    named = kidney.annexins(["ANXA1", "TP53", "ANXA10", "XANXA"]).gene_sets
    assert named["annexins"].genes == ("ANXA1", "ANXA10")
    assert set(named["other genes"].genes) == {"TP53", "XANXA"}


def test_without_eq_4_only_its_weight_is_gone():
    weights = runs.without_target_distance().weights
    assert (weights.realism, weights.target_class, weights.perturbation_norm, weights.target_distance) == (1, 1, 1, 0)


def test_seeds_in_words():
    assert stored.spread([0.93, 0.96, 0.99], stored.percent) == "96% (93–99%)"
    assert stored.spread([1.0, 1.0, 1.0], stored.percent) == "100%"
    assert stored.spread([], stored.percent) == "not run"
    assert stored.spread([None], stored.percent) == "too few"
    assert stored.named("paper", [{}]) == "`paper`, 1 of 3 seeds"
    assert (stored.small(3.4e-12), stored.small(0.0123), stored.decimals(2)(-0.5)) == ("3e-12", "0.012", "−0.50")
