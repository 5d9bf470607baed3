"""What the documentation says of other people's methods is what was measured, and what it concludes follows from it."""

import importlib
import sys
from pathlib import Path

import pandas as pd
import pytest

PEERS = Path(__file__).resolve().parents[2] / "benchmarks" / "peers"
if not PEERS.is_dir():
    pytest.skip("the benchmarks are part of a checkout, not of a source distribution", allow_module_level=True)
sys.path.insert(0, str(PEERS))  # scripts, not a package

peers = importlib.import_module("compared")


def results(**methods):
    """Stored results of one task: rho, variance ratio, gene correlation and individuality of each method and split."""
    measures = (peers.RHO, peers.VARIANCE, peers.GENES, peers.PERSON)
    rows = [
        (method, "T", seed, measure, value, 1.0)
        for method, splits in methods.items()
        for seed, values in enumerate(splits)
        for measure, value in zip(measures, values, strict=True)
    ]
    return pd.DataFrame(rows, columns=["method", "task", "seed", "measure", "value", "cpu"])


def test_the_page_says_what_is_stored():
    page = peers.PAGE.read_text(encoding="utf-8")
    made = peers.with_block(page, peers.block(peers.stored("results.tsv"), peers.stored("genes.tsv")))
    assert made == page, "run python benchmarks/peers/compared.py"


def test_another_number_is_another_page():
    table = peers.stored("results.tsv")
    row = table.index[(table["method"] == peers.OURS) & (table["measure"] == peers.PERSON)][0]
    changed = table.assign(value=table["value"].where(table.index != row, table["value"] + 1))
    genes = peers.stored("genes.tsv")
    assert peers.block(changed, genes) != peers.block(table, genes)


def test_every_stored_method_and_task_is_in_the_tables():
    table = peers.stored("results.tsv")
    lines = peers.block(table, peers.stored("genes.tsv")).splitlines()
    for method in set(table["method"]):
        assert any(line.startswith(f"| `{method}` |") for line in lines), method
    for task in set(table["task"]):
        assert any(line.startswith("| method |") and f"{task}: " in line for line in lines), task


def test_a_claim_stands_only_where_it_is_true():
    ours = [(0.1, 1.0, 0.9, 0.9)]
    alone = results(transport=ours, other=[(0.05, 1.0, 0.9, 0.5)])
    assert peers.findings(alone)[0] == ("- On T no method is ahead of `transport` on realism and person together.")
    beaten = results(transport=ours, other=[(0.05, 2.0, 0.5, 0.95)])
    assert peers.findings(beaten)[0] == "- Those ahead of it on both: on T `other`."
    assert peers.findings(beaten)[1] == "- On T none is ahead of `transport` on all four numbers."


def test_a_method_is_held_against_ours_on_its_own_splits():
    table = results(transport=[(0.1, 1, 0.9, 0.9), (0.9, 1, 0.9, 0.9)], other=[(0.2, 1, 0.9, 0.9)])
    assert peers.ahead(table, "T", ("realism", peers.PERSON)) == []
    assert peers.behind(table, "T") == ["other"]


def test_variance_is_wrong_in_both_directions_and_less_than_no_distance_is_none():
    table = results(transport=[(-0.1, 1.1, 0.9, 0.9)], wide=[(0, 2.0, 0.9, 0.9)], narrow=[(0, 0.5, 0.9, 0.9)])
    found = peers.losses(peers.means(table).loc["T"])
    assert found[peers.VARIANCE]["wide"] == pytest.approx(found[peers.VARIANCE]["narrow"])
    assert (found["realism"] == 0).all()


def test_the_block_goes_to_its_place_or_to_the_end():
    made = f"{peers.BEGIN}\nnew\n{peers.END}"
    assert peers.with_block("# A page\n", made) == f"# A page\n\n{made}\n"
    page = f"# A page\n\n{peers.BEGIN}\nold\n{peers.END}\n\n## More\n"
    assert peers.with_block(page, made) == page.replace("old", "new")
