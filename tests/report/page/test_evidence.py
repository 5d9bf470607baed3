"""The evidence on the page: every number that of its table, with what it is read against and what to doubt."""

import json
import re
import shutil
from html import unescape
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.report.page.folders import html_of, page_of, part_of, text_of
from tspg.analysis.evaluation.measure import info_of
from tspg.analysis.evaluation.verdict import QUESTIONS, answer_questions
from tspg.analysis.interpretation.gene_set_contribution import CONTRIBUTION_COLUMNS
from tspg.report.page.evidence import MEASURES, METHODS, TELLING
from tspg.report.read import read_run, verdict_of_run
from tspg.utils.files import read_json, write_json, write_table
from tspg.utils.text import number, percent


@pytest.fixture
def run(plain_folder, tmp_path) -> Path:
    return shutil.copytree(plain_folder, tmp_path / "run")


def full_evidence(methods=("generator", "mean_shift", "linear_map", "untouched_source", "real_target")) -> pd.DataFrame:
    """Evidence of today's shape, every number a different one."""
    measures = [*MEASURES, "a_new_measure"]
    records = [
        (method, measure, (1 + i * len(measures) + j) / 1000, 0.0001, 0.9, 40, "chance 0.33 (3 classes)")
        for i, method in enumerate(methods)
        for j, measure in enumerate(measures)
        if not (method == "real_target" and measure == "individuality")
    ]
    table = pd.DataFrame(records, columns=["method", "measure", "value", "low", "high", "n", "note"])
    forest = (table["measure"] == "hit_rate_forest") & (table["method"] != "real_target")
    table.loc[forest, "note"] = "not admitted; recall 0.54"
    return table


def run_with(table: pd.DataFrame, run: Path) -> Path:
    write_table(run / "evidence.tsv", table)
    return run


def compared(run: Path) -> str:
    return re.search(r'<table class="compare">(.*?)</table>', html_of(run), re.DOTALL)[1]


def test_a_classifier_that_always_says_target_is_called_out(run, make_evidence):
    warning = "The classifier called 100% of these samples Lung before they were moved"
    assert warning not in page_of(run).text
    table = make_evidence()
    table.loc[table["method"].eq("untouched_source"), "value"] = 1.0
    assert warning in page_of(run_with(table, run)).text


def test_few_target_samples_withhold_the_verdict(run, make_evidence):
    html = html_of(run_with(make_evidence(note="too few"), run))
    chip = re.search(r'data-chip="realistic" data-answer="([\w-]+)"', html)
    assert chip[1] == "not-tested"
    assert "oo few target samples were held out; at least 10 are needed" in text_of(html)


def test_a_run_without_a_stored_verdict_is_judged_by_its_evidence(run, make_evidence):
    html = html_of(run_with(make_evidence(0.5), run))
    assert 'data-chip="beats_mean_shift" data-answer="fail"' in html
    assert "energy ratio 0.500 against 0.310 (worse)" in text_of(html)


def test_questions_of_an_older_version_are_asked_anew(run, make_evidence):
    """Its tick for keeping the person rested on resemblance to the input alone, and is not shown again."""
    anew = read_run(run_with(make_evidence(0.5), run)).verdict
    old = {"keeps_person": {"answer": "pass", "sentence": "What is high stays high: all of it.", "numbers": {}}}
    write_json(run / "metrics.json", {**read_json(run / "metrics.json"), "verdict": old})
    rows = [("stability", "stability, seeds", 0.9, 0.8, 1.0, 5, "", "pass")]
    columns = ["control", "measure", "value", "low", "high", "n", "note", "answer"]
    write_table(run / "controls.tsv", pd.DataFrame(rows, columns=columns))
    found = verdict_of_run(run)
    assert list(found) == list(QUESTIONS)
    assert found["stable_genes"]["answer"] == "pass"  # by the controls of its audit
    assert [found[name] for name in ("realistic", "individual")] == [anew[name] for name in ("realistic", "individual")]
    assert "What is high stays high" not in page_of(run).text


def test_the_run_has_its_place_on_the_scale_and_what_tells_nothing_is_grey(run):
    """Half-way from the shift to real samples by variance, and hits by which the shift is as good as real."""
    own, shift, real = "generator", "mean_shift", "real_target"
    rows = [
        (own, "variance_ratio", 1.25, np.nan, np.nan),
        (shift, "variance_ratio", 1.5, np.nan, np.nan),
        (real, "variance_ratio", 1.0, 0.9, 1.1),
        (own, "hit_rate_forest", 0.98, 0.9, 1.0),
        (shift, "hit_rate_forest", 0.99, 0.9, 1.0),
        (real, "hit_rate_forest", 1.0, 0.96, 1.0),
    ]
    table = pd.DataFrame(rows, columns=["method", "measure", "value", "low", "high"]).assign(n=40, note="")
    compare = compared(run_with(table, run))
    cells = [re.findall(r'<td class="n( muted)?">(.*?)</td>', row) for row in compare.split("<tr class=")[1:]]
    assert cells == [  # hits, then variance
        [(" muted", "98%"), ("", "1.25<small>s 0.50</small>")],
        [(" muted", "99%"), ("", "1.50")],
        [(" muted", "100%"), ("", "1.00")],
    ]
    text = unescape(html_of(run))
    assert "Grey, which cannot tell methods apart here: by random forest. Even a simple method" in text
    assert "Above 1 it went past them" in text


def test_the_telling_measures_are_side_by_side_and_all_of_them_below(run):
    table = full_evidence()
    compare = compared(run_with(table, run))
    kinds = re.findall(r'<tr class="(\w+)"><th scope="row">([^<]*)', compare)
    assert kinds[0] == ("own", "Generator (this run)")
    assert kinds[-2:] == [("untouched", "Not moved at all"), ("ceiling", "Real target samples")]
    own = re.findall(r'<td class="n[^"]*">([^<]*)', compare)[: len(TELLING)]
    expected = table[table["method"] == "generator"].set_index("measure").loc[list(TELLING), "value"]
    shown = [percent(v) if "hit" in name else number(v, 3 if "energy" in name else 2) for name, v in expected.items()]
    assert own == shown
    assert compare.count("not admitted") == 4
    assert '<td class="n muted">–</td>' in compare  # real samples were not moved, so they have no individuality
    full = re.search(r'<table class="full">(.*?)</table>', html_of(run), re.DOTALL)[1]
    assert full.count("<tr><td>") == len(table)
    for meaning in MEASURES.values():
        assert f"<b>{meaning.title}</b>" in full
    assert "<b>a new measure</b>" in full


def test_the_real_samples_say_why_a_classifier_is_not_admitted(run):
    table = full_evidence()
    real = table["method"] == "real_target"
    table.loc[real & (table["measure"] == "hit_rate_forest"), "value"] = 0.85
    table.loc[real & (table["measure"] == "hit_rate_logistic"), "value"] = 0.95
    compare = compared(run_with(table, run))
    assert "85%<small>under 90%</small>" in compare
    assert "95%</td>" in compare


def test_every_measure_and_method_of_an_experiment_has_plain_words(planted_run):
    table = planted_run.evidence
    of_pairs = {name for name in MEASURES if name.startswith("pair_")}  # nobody here gave samples of two classes
    measures = {name for name in table["measure"] if not info_of(name).is_reference}  # what chance gives has no words
    assert measures == set(MEASURES) - of_pairs - {"hit_rate_second_f"}  # the audit adds it
    assert set(table["method"]) == set(METHODS) - {"paired_regression"}
    assert planted_run.metrics["verdict"] == answer_questions(table, method="generator")


def test_the_chosen_method_leads_instead_of_the_generator(make_run, make_perturbations, tmp_path: Path):
    perturbations = make_perturbations()
    perturbations.uns["tspg"]["method"] = "mean_shift"
    run = run_with(full_evidence(("mean_shift", "untouched_source", "real_target")), make_run(tmp_path, perturbations))
    text = page_of(run).text
    assert "Mean shift (this run)" in text
    assert "Does not apply: " in text
    assert "no generator was trained" in text


def test_after_an_audit_the_controls_are_on_the_page(run):
    assert 'id="controls"' not in html_of(run)
    rows = [("permuted_labels", "f_accuracy", 0.5, "", "pass"), ("stability", "stable_genes", 0.3, "", "fail")]
    write_table(run / "controls.tsv", pd.DataFrame(rows, columns=["control", "measure", "value", "note", "answer"]))
    html = html_of(run)
    section = html[html.index('id="controls"') :]
    assert re.search(r"labels shuffled.*?✓.*?pass.*?50%", section, re.DOTALL)
    assert re.search(r"same genes lead.*?✕.*?fail.*?30% of the top genes are stable", section, re.DOTALL)


CASES = [  # shares of the genes and of the way of gene sets moved alone, and which of them are shown
    ([(0.2, 0.3), (0.1, 0.2)], ["MOVED_0", "MOVED_1"]),
    ([(1.0, 1.0), (0.1, 0.2)], ["MOVED_1"]),  # the run's own gene set is the whole move
    ([(0.2, 3.1), (0.1, 0.2)], []),  # the whole move hardly shortens the way, so shares of it mean nothing
]


@pytest.mark.parametrize(("shares", "shown"), CASES)
def test_gene_sets_that_carry_are_shown_where_shares_mean_something(run, shares, shown):
    rows = [("Kidney", "", "Hallmark", f"MOVED_{n}", 5, *share, 0.0, 0.0) for n, share in enumerate(shares)]
    write_table(run / "carriers.tsv", pd.DataFrame(rows, columns=list(CONTRIBUTION_COLUMNS)))
    assert re.findall(r"MOVED_\d", page_of(run).text) == shown


@pytest.mark.parametrize(("enough", "words"), [(12, "12"), (None, "all are not enough")])
def test_how_few_genes_are_enough_and_from_where_on_is_on_the_page(run, enough, words):
    rows = [("Kidney", "", "generator", enough, 30), ("Kidney", "", "mean_shift", None, 30)]
    columns = ["source_class", "sample", "genes_by", "n_genes", "n_genes_in_all"]
    write_table(run / "smallest_sets.tsv", pd.DataFrame(rows, columns=columns))
    path = pd.DataFrame({"source_class": "Kidney", "sample": "", "a": [0.0, 0.5, 1.0], "energy_left": [1.0, 0.5, 0.1]})
    write_table(run / "path.tsv", path.assign(called_by_f=[0.0, 0.6, 1.0], called_by_logistic=[0.0, 0.2, 0.9]))
    text = text_of(part_of(html_of(run), "meaning"))
    assert f"in the model's order {words}, in the mean shift's order all are not enough of 30." in text
    assert "at least half of the samples are called Lung by f from a = 0.50 on" in text.replace("the classifier", "f")
    assert "by logistic regression from a = 1.00 on" in text
    assert "10% of the energy distance" in text


def test_a_second_cohort_stands_beside_the_first(run):
    table = full_evidence(("generator", "real_target"))
    run_with(full_evidence(), run)
    write_table(run / "test_evidence.tsv", table.assign(value=table["value"] + 0.1))
    genes = {"n_leading": 40, "same_sign": 33, "sure": 21, "spearman": 0.5, "phi": 0.25}
    cohort = {"classes": {"Kidney": 5, "Lung": 7}, "clipped_fraction": 0.02, "n_samples": 12}
    cohort |= {"genes": {**genes, "by_class": {"Kidney": genes}}, "unknown_classes": {}}
    metrics = json.loads((run / "metrics.json").read_text())
    write_json(run / "metrics.json", {**metrics, "test_cohort": cohort})
    html = html_of(run)
    section = html[html.index('id="second"') :]
    row = re.search(r'<th scope="row">Energy ratio</th>(.*?)</tr>', section)
    own, real = (table[table["method"] == name].set_index("measure")["value"] for name in ("generator", "real_target"))
    shown = [own["energy_ratio"], own["energy_ratio"] + 0.1, real["energy_ratio"] + 0.1]
    assert re.findall(r'<td class="n">([^<]*)', row[1]) == [number(one, 3) for one in shown]
    assert "33 of 40" in section
    assert "21 of 40" in section
