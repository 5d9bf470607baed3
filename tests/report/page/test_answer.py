"""The answer of a run: its genes, gene sets and trust are those of the tables."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.report.page.folders import ANSWERS, GENES, enrichment_tables, full_folder
from tspg.report.page.answer import answers_of
from tspg.report.page.meaning import MOST_NAMED, categories_without, terms_of
from tspg.report.read import read_run
from tspg.utils.files import read_json, read_table, write_json, write_table


@pytest.fixture
def folder(whole_folder, tmp_path) -> Path:
    return shutil.copytree(whole_folder, tmp_path / "run")


def answer_of(folder: Path):
    return answers_of(read_run(folder))[0]


def test_the_lists_are_the_first_genes_of_the_table_with_their_numbers(folder):
    genes = read_table(folder / "genes.tsv")
    pooled = genes[genes["source_class"] == ""]
    answer = answer_of(folder)
    assert [one.title for one in answer.lists] == ["Higher in Lung", "Lower in Lung"]
    for found, way in zip(answer.lists, ("up", "down"), strict=True):
        expected = pooled.sort_values(f"rank_{way}")[:6]
        assert found.measure == "log2 fold change"
        assert [one.gene for one in found.genes] == expected["gene"].tolist()
        numbers = [(one.size, one.low, one.high, one.q_value, one.stability) for one in found.genes]
        columns = ["difference", "difference_low", "difference_high", "q_value", "stability"]
        np.testing.assert_array_equal(numbers, expected[columns])
        assert [one.is_sure for one in found.genes] == (expected["q_value"] < 0.05).tolist()
        assert [one.leads_often for one in found.genes] == (expected["stability"] >= 0.8).tolist()
    sure = pooled[pooled["q_value"] < 0.05]
    higher = (sure["difference"] > 0).sum()
    assert answer.sentence == (
        f"{len(sure)} of 59 genes differ: {higher} higher and {len(sure) - higher} lower in Lung (q < 0.05)."
    )
    assert answer.question == "From Kidney and Liver to Lung: which genes change?"
    assert answer.counts == ["36 samples", "60 genes", "3 classes", "from Kidney and Liver"]
    ends = [abs(end) for one in answer.lists for gene in one.genes for end in (gene.low, gene.high)]
    assert answer.widest == {"log2 fold change": max(ends)}


def test_without_a_logarithm_sizes_are_no_fold_changes(folder):
    metrics = read_json(folder / "metrics.json")
    metrics["data"]["is_log"] = False
    write_json(folder / "metrics.json", metrics)
    assert {one.measure for one in answer_of(folder).lists} == {"difference"}


def test_one_source_class_is_named_in_the_question(make_run, make_perturbations, tmp_path):
    folder = full_folder(tmp_path / "run", make_perturbations(("Kidney", "Lung")), make_run)
    assert answer_of(folder).question == "From Kidney to Lung: which genes change?"


def test_a_gene_is_stable_where_the_audit_found_it_in_the_same_direction(folder):
    lists = answer_of(folder).lists
    up, down = ([one.gene for one in found.genes] for found in lists)
    rows = [("Kidney", "up", up[0], "yes"), ("Kidney", "up", up[1], "no"), ("Liver", "down", up[2], "yes")]
    rows += [("Liver", "down", down[0], "yes")]
    write_table(
        folder / "stable_genes.tsv", pd.DataFrame(rows, columns=["source_class", "direction", "gene", "stable"])
    )
    found = [one.gene for genes in answer_of(folder).lists for one in genes.genes if one.is_stable]
    assert found == [up[0], down[0]]


@pytest.mark.parametrize("untested", [True, False])
def test_where_nothing_was_tested_the_genes_are_those_moved_most(whole_folder, plain_folder, tmp_path, untested):
    folder = shutil.copytree(whole_folder if untested else plain_folder, tmp_path / "run")
    if untested:  # too few donors: ranks by P, no q
        genes = read_table(folder / "genes.tsv").assign(p_value=np.nan, q_value=np.nan)
        write_table(folder / "genes.tsv", genes)
        assert answer_of(folder).sentence.startswith("Too few donors to test which genes differ")
        assert not any(one.is_sure for found in answer_of(folder).lists for one in found.genes)
        return
    answer = answer_of(folder)
    assert answer.sentence.startswith("Which genes differ was not tested here")
    assert [one.title for one in answer.lists] == ["Raised most", "Lowered most"]
    top = read_table(folder / "top_genes.tsv")
    for found, way in zip(answer.lists, ("up", "down"), strict=True):
        mean = top[top["direction"] == way].groupby("gene")["perturbation"].mean()
        assert [one.size for one in found.genes] == sorted(mean, key=abs, reverse=True)[:6]


def test_the_six_chips_have_the_answers_of_the_verdict(folder):
    chips = answer_of(folder).chips
    assert {one.key: one.answer for one in chips} == ANSWERS
    assert {one.sentence for one in chips if one.sentence == f"Why {one.key}."} == {f"Why {key}." for key in ANSWERS}


def test_a_sample_has_its_own_genes_and_those_against_the_target(perturb_folder):
    table = read_table(perturb_folder / "sample_genes.tsv")
    answers = answers_of(read_run(perturb_folder))
    assert [one.sample for one in answers] == ["sample-0", "sample-13"]
    for answer, of in zip(answers, ("Kidney", "Liver"), strict=True):
        genes = table[table["sample"] == answer.sample].set_index("gene")
        assert [one.title for one in answer.lists] == [f"Most unusual for {of}", "Against Lung"]
        own, against = ([one.gene for one in found.genes] for found in answer.lists)
        assert own == genes["z_own"].abs().nlargest(6).index.tolist()
        distance = genes["value"] - genes["expected"]
        assert against == distance.abs().nlargest(6).index.tolist()
        numbers = [(one.size, one.low, one.high) for one in answer.lists[1].genes]
        rows = genes.loc[against]
        expected = [distance[against], rows["value"] - rows["high"], rows["value"] - rows["low"]]
        np.testing.assert_allclose(np.array(numbers).T, expected)
        assert [one.is_sure for one in answer.lists[1].genes] == (
            rows["value"].lt(rows["low"]) | rows["value"].gt(rows["high"])
        ).tolist()
        assert [one.size for one in answer.lists[0].genes] == genes.loc[own, "z_own"].tolist()
        assert [one.is_sure for one in answer.lists[0].genes] == (genes.loc[own, "q_own"] < 0.05).tolist()
        assert {chip.answer for chip in answer.chips} == {"not tested"}  # of the run that trained the model


def test_the_terms_that_hold_in_both_tests_lead_and_each_has_the_q_of_its_test(folder):
    run = read_run(folder)
    terms = {one.name: one for one in terms_of(run)}
    assert list(terms) == ["GOBP_BEST_TERM", "HALLMARK_HYPOXIA", "my genes"]
    best, ranked, listed = terms.values()
    assert (best.found_by, best.q_value, best.direction) == ("both tests", 1e-7, "up")  # in the class where both hold
    assert (best.n_sources, best.n_sources_total, best.n_genes) == (1, 2, 30)
    assert best.genes == (GENES[3], *GENES[:3], GENES[4])[:MOST_NAMED]  # those of both tests first
    assert ranked.genes == tuple(GENES[3:5])
    assert listed.genes == ()  # G9 is no gene of this run
    assert best.link == "https://www.gsea-msigdb.org/gsea/msigdb/human/geneset/GOBP_BEST_TERM"
    assert (ranked.found_by, ranked.q_value, ranked.direction) == ("all genes ranked", 0.003, "down")
    assert (listed.found_by, listed.direction, listed.link) == ("top genes", "down", "")
    assert [one.place for one in (best, ranked)] == pytest.approx([7 / 12, -np.log10(0.003) / 12])
    assert categories_without(run, terms_of(run)) == ["KEGG"]


def test_a_term_that_both_tests_find_in_different_directions_is_of_no_use_to_both(folder):
    listed, ranked = enrichment_tables(["Kidney", "Liver"])
    ranked.loc[0, "statistic"] = -5.0
    write_table(folder / "enrichment.tsv", listed[:1])
    write_table(folder / "enrichment_ranked.tsv", ranked[:1])
    assert [(one.direction, one.found_by) for one in terms_of(read_run(folder))] == [
        ("down", "all genes ranked"),
        ("up", "top genes"),
    ]


def test_terms_of_a_sample_are_its_own(folder):
    listed, ranked = enrichment_tables(["Kidney", "Liver"])
    write_table(folder / "enrichment.tsv", listed[:1].assign(sample="sample-0"))
    write_table(folder / "enrichment_ranked.tsv", ranked[2:3])
    assert [one.name for one in terms_of(read_run(folder), "sample-0")] == ["GOBP_BEST_TERM"]
    assert [one.name for one in terms_of(read_run(folder))] == ["HALLMARK_HYPOXIA"]


def test_without_a_test_of_gene_sets_there_are_no_terms(folder):
    for name in ("enrichment", "enrichment_ranked"):
        (folder / f"{name}.tsv").unlink()
    assert terms_of(read_run(folder)) == []


def test_a_term_that_each_test_finds_in_another_class_has_the_q_of_the_test_that_is_named(folder):
    listed, ranked = enrichment_tables(["Kidney", "Liver"])
    write_table(folder / "enrichment.tsv", listed[:1])
    write_table(folder / "enrichment_ranked.tsv", ranked[1:2])
    [term] = terms_of(read_run(folder))
    assert term.q_value == {"top genes": 1e-7, "all genes ranked": 1e-19}[term.found_by]
