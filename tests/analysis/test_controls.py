"""What the controls of an audit found, in words."""

import numpy as np
import pandas as pd
import pytest

from tspg.analysis.controls import CONTROLS, together, told


def row(control, measure, value, note="", answer="pass"):
    return {"control": control, "measure": measure, "value": value, "note": note, "answer": answer}


@pytest.mark.parametrize(
    ("control", "measure", "value", "words"),
    [
        ("permuted_labels", "f_accuracy", 0.25, "f is right for 25%"),
        ("leave_one_class_out", "energy_ratio", 0.564, "energy ratio 0.56"),
        ("pseudo_target", "genes_beyond_noise", 0.0003, "<0.1% of the genes move beyond noise"),
        ("planted_drivers", "precision at 0.25 sd", 0.35, "35% found at 0.25 sd"),
        ("technical_column", "energy_ratio to batch {2}", 0.1, "energy ratio 0.10 to batch {2}"),
        ("stability", "top_gene_agreement, donors drawn anew", 0.4833, "over donors drawn anew two lists share 48%"),
        ("stability", "a_new_measure", 0.5, "a new measure 0.50"),
        ("a_new_control", "some_share", -0.5, "some share −0.50"),
    ],
)
def test_a_number_stands_in_words(control, measure, value, words):
    assert together([row(control, measure, value)]) == words


def test_a_note_that_all_numbers_share_stands_once():
    worst = "worst of 2 classes: Lung"
    pair = [
        row("leave_one_class_out", "energy_ratio", 0.5, worst),
        row("leave_one_class_out", "hit_rate_logistic", 0, worst),
    ]
    assert together(pair) == f"energy ratio 0.50; logistic regression calls 0% the target ({worst})"
    pair[1]["note"] = np.nan  # as an empty cell is read
    assert together(pair) == f"energy ratio 0.50 ({worst}); logistic regression calls 0% the target"


def test_without_a_number_the_note_says_why():
    assert together([row("random_gene_sets", "energy_ratio p-value", np.nan, "too few genes")]) == "too few genes"


def test_a_control_is_told_with_what_was_asked_and_its_worst_answer():
    table = pd.DataFrame(
        [
            row("permuted_labels", "f_accuracy", 0.5, answer="doubtful"),
            row("permuted_labels", "energy_ratio", 1.0, answer="fail"),
            row("technical_column", "association", np.nan, "no column was named", "not tested"),
            row("a_new_control", "share", 0.5),
        ]
    )
    shuffled, technical, unknown = told(table)
    assert (shuffled.title, shuffled.asks) == (CONTROLS["permuted_labels"].title, CONTROLS["permuted_labels"].asks)
    assert (shuffled.answer, shuffled.found) == ("fail", "f is right for 50%; energy ratio 1.00")
    assert (technical.answer, technical.found) == ("not tested", "no column was named")
    assert (unknown.title, unknown.asks, unknown.found) == ("a new control", "", "share 0.50")
