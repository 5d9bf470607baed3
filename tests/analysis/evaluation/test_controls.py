"""What the controls of an audit found, in words."""

import re

import numpy as np
import pandas as pd
import pytest

from tspg.analysis.evaluation.controls import WORDS, control_text, text_of_rows


def row(control, measure, value, note="", answer="pass"):
    return {"control": control, "measure": measure, "value": value, "note": note, "answer": answer}


SAID = {
    ("source_is_target", "relative_change"): "they change by 25% of what the run's sources do",
    ("permuted_labels", "f_accuracy"): "the classifier is right for 25%",
    ("permuted_labels", "hit_rate_logistic"): "logistic regression calls 25% the target",
    ("permuted_labels", "energy_ratio"): "energy ratio 0.25",
    ("permuted_labels", "stability"): "the gene lists agree by 0.25 (0: chance, 1: the same)",
    ("pseudo_target", "energy_ratio_defined"): "25% of the splits can be told apart",
    ("pseudo_target", "genes_beyond_noise"): "25% of the genes move beyond noise",
    ("pseudo_target", "relative_change"): "the change beyond chance is 25% of the run's",
    ("planted_drivers", "precision at 0.5 sd"): "25% found at 0.5 sd",
    ("random_gene_sets", "energy_ratio p-value"): "by energy ratio p = 0.25",
    ("random_gene_sets", "hit_rate p-value"): "by hits p = 0.25",
    ("leave_one_class_out", "energy_ratio"): "energy ratio 0.25",
    ("leave_one_class_out", "hit_rate_logistic"): "logistic regression calls 25% the target",
    ("technical_column", "association"): "association 0.25",
    ("technical_column", "predictable_from_profiles"): "25% told from profiles",
    ("technical_column", "energy_ratio to batch {2}"): "energy ratio 0.25 to batch {2}",
    ("stability", "stability, seeds"): "over seeds the lists agree by 0.25 (0: chance, 1: the same)",
    ("stability", "rank_biased_overlap, seeds"): "over seeds their order by 0.25",
    ("stability", "top_gene_agreement, donors drawn anew"): "over donors drawn anew two lists share 25%",
    ("stability", "sign_agreement"): "25% of the fits move a gene the same way",
    ("stability", "stable_genes"): "25% of the top genes are stable",
    ("stability", "a_new_measure"): "a new measure 0.25",
    ("a_new_control", "some_share"): "some share 0.25",
}


@pytest.mark.parametrize(("control", "measure"), SAID)
def test_a_number_stands_in_words(control, measure):
    assert text_of_rows([row(control, measure, 0.25)]) == SAID[control, measure]


def test_every_measure_of_every_control_is_tried():
    tried = {(control, start) for control, measure in SAID for start in _starts(control) if measure.startswith(start)}
    assert tried == {(control, start) for control in WORDS for start in _starts(control)}


def _starts(control):
    return WORDS[control].numbers if control in WORDS else ()


@pytest.mark.parametrize(
    ("control", "measure", "asked"),
    [
        ("leave_one_class_out", "energy_ratio", "energy ratio 0.56, at most 0.05 asked"),
        ("leave_one_class_out", "hit_rate_logistic", "logistic regression calls 56% the target, at least 90% asked"),
        ("pseudo_target", "genes_beyond_noise", "56% of the genes move beyond noise, at most 1% asked"),
        ("planted_drivers", "precision at 1 sd", "56% found at 1 sd"),  # it is held against the mean shift, in the note
    ],
)
def test_a_number_that_does_not_pass_stands_with_its_limit(control, measure, asked):
    assert text_of_rows([row(control, measure, 0.56, answer="fail")]) == asked


def test_a_note_that_all_numbers_share_stands_once():
    worst = "worst of 2 classes: Lung"
    ratio = row("leave_one_class_out", "energy_ratio", 0.5, worst)
    hits = row("leave_one_class_out", "hit_rate_logistic", 0, worst)
    assert text_of_rows([ratio, hits]) == f"energy ratio 0.50; logistic regression calls 0% the target ({worst})"
    hits["note"] = np.nan  # as an empty cell is read
    assert text_of_rows([ratio, hits]) == f"energy ratio 0.50 ({worst}); logistic regression calls 0% the target"


def test_without_a_number_it_is_said_what_and_why():
    untested = row("random_gene_sets", "energy_ratio p-value", np.nan, "too few genes", "not tested")
    assert text_of_rows([untested]) == "too few genes"
    levels = [
        row("technical_column", f"energy_ratio to {name}", np.nan, "too few samples", "not tested") for name in "AB"
    ]
    told = "energy ratio to A could not be measured; energy ratio to B could not be measured (too few samples)"
    assert text_of_rows(levels) == told
    assert text_of_rows([row("source_is_target", "relative_change", np.nan)]) == "relative change could not be measured"


def test_a_control_is_told_with_what_was_asked_and_its_worst_answer():
    table = pd.DataFrame(
        [
            row("permuted_labels", "energy_ratio", 2.0, answer="fail"),
            row("permuted_labels", "stability", 0.5, answer="doubtful"),
            row("permuted_labels", "f_accuracy", 0.5),
            row("technical_column", "association", np.nan, "no column was named", "not tested"),
            row("a_new_control", "share", 0.5),
        ]
    )
    shuffled, technical, unknown = control_text(table)
    assert (shuffled.title, shuffled.asks) == (WORDS["permuted_labels"].title, WORDS["permuted_labels"].asks)
    agree = "the gene lists agree by 0.50 (0: chance, 1: the same), at most 0.2 asked"
    found = f"energy ratio 2.00. In doubt: {agree}. As asked: the classifier is right for 50%"
    assert (shuffled.answer, shuffled.found) == ("fail", found)
    assert (technical.answer, technical.found) == ("not tested", "no column was named")
    assert (unknown.title, unknown.asks, unknown.found) == ("a new control", "", "share 0.50")


def test_no_words_hold_a_place_that_is_never_filled():
    places = {
        place for one in WORDS.values() for said in one.numbers.values() for place in re.findall(r"{\w+}", said.words)
    }
    assert places == {"{value}", "{percent}", "{rest}"}
