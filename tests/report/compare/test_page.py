"""Runs side by side: which genes are shared and which specific, as by hand, and what the page says of them."""

import re
from html import unescape

import pandas as pd
import pytest

from tests.report.compare.made import HOSTILE, known_tables, many_tables
from tspg.analysis.interpretation.genes import compare_genes, compare_targets, compared_sources
from tspg.report.compare.groups import NONE, SHARED, SOME, Compared, of_lists
from tspg.report.compare.page import compare_program, write_compare_page
from tspg.report.page.render import LIBRARIES, source_of
from tspg.report.read import read_run


def compared(tables, source="Colon") -> Compared:
    return Compared(source, list(tables), compare_genes(tables, [source]), is_tested=True)


def test_every_gene_stands_with_its_numbers_of_every_run():
    table = compare_genes(known_tables(), ["Colon"]).set_index("gene")
    assert table.loc["OPPOSITE", ["difference in Lung", "difference in Liver"]].tolist() == [4.0, -4.0]
    assert table.loc["BOTH_DOWN", ["q in Lung", "q in Liver"]].tolist() == [0.01, 0.0001]
    counts = table[["n_targets_up", "n_targets_down"]].apply(tuple, axis=1).to_dict()
    assert counts == {
        "BOTH_UP": (2, 0),
        "BOTH_DOWN": (0, 2),
        "OPPOSITE": (1, 1),
        "FIRST_ONLY": (1, 0),
        "SECOND_ONLY": (0, 1),
        "NEITHER": (0, 0),
        "LATE": (1, 0),  # is in one run alone
    }
    assert pd.isna(table.loc["LATE", "q in Lung"])
    assert table.loc["LATE", "rank in Liver"] == 2  # after BOTH_UP


def test_a_gene_is_shared_if_it_differs_the_same_way_everywhere():
    view = compared(known_tables())
    of = dict(zip(view.table["gene"], view.of.tolist(), strict=True))
    assert of == {
        **dict.fromkeys(["BOTH_UP", "BOTH_DOWN"], SHARED),
        "OPPOSITE": SOME,
        "FIRST_ONLY": 0,
        **dict.fromkeys(["SECOND_ONLY", "LATE"], 1),
        "NEITHER": NONE,
    }
    # both shared genes have rank 1 in both targets, so their names decide
    assert view.table["gene"].iloc[view.order()].tolist()[:3] == ["BOTH_DOWN", "BOTH_UP", "FIRST_ONLY"]


@pytest.mark.parametrize("n", [2, 3, 12])
def test_with_many_targets_a_gene_is_in_all_some_one_or_none(n):
    view = compared(many_tables([f"T{i}" for i in range(n)]))
    of = dict(zip(view.table["gene"], view.of.tolist(), strict=True))
    assert of["G0"] == 0
    assert all(of[f"G{i}"] == SOME for i in range(1, n - 1))
    assert all(of[f"G{i}"] == SHARED for i in range(n - 1, 40))


def test_the_sources_are_those_that_all_runs_moved():
    tables = known_tables()
    assert compared_sources(tables) == ["Colon"]  # all samples together are the same
    more = pd.concat([tables["Lung"], tables["Lung"].assign(source_class="Kidney")])
    assert compared_sources({**tables, "Lung": more}) == ["Colon", ""]  # in one run "all" is other classes, too
    assert compared_sources({"Lung": more, "Liver": more}) == ["", "Colon", "Kidney"]


def test_without_tests_the_lists_are_compared():
    def top(**genes):
        rows = [("Colon", "", way, rank, gene) for way, names in genes.items() for rank, gene in enumerate(names, 1)]
        return pd.DataFrame(rows, columns=["source_class", "sample", "direction", "rank", "gene"])

    lists = compare_targets({"Lung": top(up=["A", "B"], down=["C"]), "Liver": top(up=["B", "C"], down=["D"])})
    (view,) = of_lists(lists, ["Lung", "Liver"])
    of = dict(zip(view.table["gene"], view.of.tolist(), strict=True))
    assert of == {"A": 0, "B": SHARED, "C": SOME, "D": 1}  # C goes down to the one and up to the other


@pytest.fixture
def runs(make_run, make_perturbations, tmp_path):
    """Finished runs to some targets, without tables of genes."""

    def make(targets):
        folders = []
        for place, target in enumerate(targets):
            perturbations = make_perturbations(("Colon", target), target=target)
            folders.append(read_run(make_run(tmp_path / f"run-{place}", perturbations)))
        return folders

    return make


def test_the_page_says_what_is_shared_and_what_specific(runs, tmp_path):
    page = tmp_path / "compare.html"
    write_compare_page(page, [compared(known_tables())], runs(["Lung", "Liver"]))
    html = page.read_text(encoding="utf-8")
    text = " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())
    assert "From Colon to Lung and Liver: which genes are shared, which specific?" in text
    assert "2 of 7 genes differ the same way in both; 1 in Lung alone and 2 in Liver alone (q &lt; 0.05)." in html
    first = html[: html.index('class="below"')]
    named = re.findall(r'<li data-gene="(\w+)"', first)
    assert named == ["BOTH_DOWN", "BOTH_UP", "FIRST_ONLY", "LATE", "SECOND_ONLY"]
    assert "−3.0" in first  # of -1 and -5 the mean
    assert len(re.findall("data-chip=", first)) == 12
    assert 'href="run-0/report.html"' not in html  # there is no such page
    before = page.read_bytes()
    write_compare_page(page, [compared(known_tables())], [read_run(tmp_path / f"run-{n}") for n in (0, 1)])
    assert page.read_bytes() == before


def test_hostile_names_stay_text(runs, tmp_path, hash_of):
    page = tmp_path / "compare.html"
    tables = {
        name: table.replace({"BOTH_UP": HOSTILE[1]})
        for name, table in zip(HOSTILE[:2], known_tables().values(), strict=True)
    }
    write_compare_page(page, [compared(tables)], runs(HOSTILE[:2]))
    html = page.read_text(encoding="utf-8")
    assert html.count("<script") == 3
    assert "<svg onload" not in html
    hashes = " ".join(f"'{hash_of(one)}'" for one in (source_of(LIBRARIES), compare_program()))
    assert f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src {hashes};" in html
