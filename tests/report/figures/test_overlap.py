"""Which lists share which genes, counted by hand and read off the figure."""

import pandas as pd

from tspg.analysis.interpretation.paper_tables import table_1, table_2
from tspg.report.figures.captions import of_overlap
from tspg.report.figures.overlap import MOST_COMBINATIONS, MOST_LISTS, combinations_of, lists_by_source, plot_overlap

LISTS = {"x": frozenset("ABC"), "y": frozenset("ABD"), "z": frozenset("AE")}


def test_each_gene_counts_for_exactly_the_lists_that_hold_it():
    assert combinations_of(LISTS) == [
        (frozenset("xyz"), 1),
        (frozenset("xy"), 1),
        (frozenset("x"), 1),
        (frozenset("y"), 1),
        (frozenset("z"), 1),
    ]


def test_the_figure_has_a_bar_for_each_combination():
    figure = plot_overlap({"up": {name: sorted(genes) for name, genes in LISTS.items()}})
    dots, bars = figure.axes
    assert [patch.get_height() for patch in bars.patches] == [1, 1, 1, 1, 1]
    assert [label.get_text() for label in dots.get_yticklabels()] == ["x", "y", "z"]
    assert bars.get_title(loc="left") == "raised"


def test_the_caption_tells_how_many_genes_there_are_and_what_does_not_fit():
    lists = {"down": {f"class {n:02}": [f"G{n}", f"G{n + 1}"] for n in range(26)}}
    _, bars = plot_overlap(lists).axes
    assert len(bars.patches) == MOST_COMBINATIONS
    text = of_overlap(lists, "source classes")
    assert "Lowered: 25 genes in 24 lists." in text
    assert f"{MOST_COMBINATIONS} of its 25 combinations are shown" in text
    assert "class 24 and class 25" in text
    assert "Left out" not in of_overlap({"up": LISTS}, "source classes")


def test_the_longest_lists_are_those_that_are_shown():
    many = {f"class {n}": [f"G{n} {gene}" for gene in range(n + 1)] for n in range(MOST_LISTS + 3)}
    dots, _ = plot_overlap({"up": many}).axes
    assert [label.get_text() for label in dots.get_yticklabels()] == [f"class {n}" for n in range(3, MOST_LISTS + 3)]


def test_lists_are_those_of_class_means():
    top = pd.DataFrame(
        [("x", "", "up", "A"), ("x", "s1", "up", "B"), ("y", "", "up", "C")],
        columns=["source_class", "sample", "direction", "gene"],
    )
    assert lists_by_source(top) == {"up": {"x": ["A"], "y": ["C"]}}


def test_table_2_counts_enriched_terms_over_the_sources():
    rows = [
        ("x", "", "up", "GO", "T1", 1e-6),
        ("x", "", "up", "GO", "T2", 0.01),
        ("y", "", "up", "GO", "T1", 0.04),
        ("y", "", "up", "GO", "T3", 0.05),  # not below
        ("y", "s", "up", "GO", "T9", 1e-9),  # a single sample
        ("x", "", "down", "GO", "T4", 0.5),
    ]
    columns = ["source_class", "sample", "direction", "category", "term", "q_value"]
    found = table_2(pd.DataFrame(rows, columns=columns)).set_index("direction")
    assert found.loc["up"].tolist() == ["GO", 3, 1, 2, "T1", "x", 1e-6]
    assert found.loc["down"].tolist() == ["GO", 0, 0, 0, "T4", "x", 0.5]


def test_table_1_is_f_accuracy_beside_the_held_out_rate():
    metrics = {
        "perturbation": {"f_accuracy": 0.99, "hit_rate": 0.9},
        "data": {"gene_set": {"name": ""}, "n_genes": 60},
        "target_model": {"test_accuracy": 0.95},
    }
    assert table_1(metrics, "Lung").iloc[0].tolist() == ["all genes", 60, "Lung", 0.99, 0.9, 0.95]
