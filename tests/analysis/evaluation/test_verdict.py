"""The six answers: each limit from either side, and what must be withheld is withheld."""

import json

import numpy as np
import pandas as pd
import pytest

from tspg.analysis.evaluation.measure import COLUMNS
from tspg.analysis.evaluation.verdict import QUESTIONS, answer_questions, verdict

GOOD = {
    "generator": {
        "hit_rate_f": 1.0,
        "hit_rate_logistic": 0.97,
        "hit_rate_forest": 0.95,
        "energy_ratio": 0.01,
        "variance_ratio": 1.05,
        "gene_correlation": 0.85,
        "gene_correlation_at_equal_n": 0.75,
        "individuality": 0.87,
        "nn_fake": 0.52,
        "nn_real": 0.55,
    },
    "mean_shift": {"hit_rate_forest": 0.70, "energy_ratio": 0.09, "gene_correlation": 0.45, "individuality": 1.0},
    "linear_map": {"hit_rate_forest": 0.95, "energy_ratio": 0.012, "gene_correlation": 0.84},
    "gaussian_draw": {"individuality": 0.0, "gene_correlation": 0.95},
    "untouched_source": {"hit_rate_logistic": 0.0, "hit_rate_forest": 0.0, "energy_ratio": 1.0},
    "real_target": {
        "hit_rate_f": 1.0,
        "hit_rate_logistic": 0.97,
        "hit_rate_forest": 0.95,
        "energy_ratio": 0.0,
        "gene_correlation": 0.8,
        "gene_correlation_at_equal_n": 0.8,
        "variance_ratio": 1.0,
    },
}
HALF_WIDTH = 0.02


def table(n_real=40, n=100, without=None, p_value=0.01, chance=(0.49, 0.3, 0.7), **changes):
    """Evidence of a good run, but for `generator` values that a test changes; None takes a row out.

    `without` maps measures that have no number to their status.
    """
    values = {method: dict(measures) for method, measures in GOOD.items()}
    for place, value in changes.items():
        method, _, measure = place.rpartition("__")
        values[method or "generator"][measure] = value
    records = []
    for method, measures in values.items():
        for measure, value in measures.items():
            n_rows = n_real if method == "real_target" else n
            interval = value and value - HALF_WIDTH, value and value + HALF_WIDTH
            records.append((method, measure, value, *interval, n_rows, "ok", ""))
    records += [("generator", f"{measure}_by_chance", *chance, n, "ok", "") for measure in ("nn_fake", "nn_real")]
    records.append(("generator", "nn_p_value", p_value, np.nan, np.nan, n, "ok", ""))
    found = pd.DataFrame(records, columns=COLUMNS).dropna(subset="value")
    for measure, status in (without or {}).items():
        found.loc[found["measure"] == measure, ["value", "low", "high", "status"]] = [np.nan, np.nan, np.nan, status]
    return found


def answers(evidence, **given):
    return {name: found["answer"] for name, found in answer_questions(evidence, method="generator", **given).items()}


def sentence(evidence, name, **given):
    return answer_questions(evidence, method="generator", **given)[name]["sentence"]


def test_a_good_run_passes_what_was_measured_and_no_more():
    tested = ("realistic", "beats_mean_shift")
    assert answers(table()) == {name: "pass" if name in tested else "not tested" for name in QUESTIONS}


# Each number stands in an interval of its value -+ .02, and a pass or a failure has to hold for all of it.
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"energy_ratio": 0.029}, "pass"),
        ({"energy_ratio": 0.031}, "probably"),  # reaches .051
        ({"energy_ratio": 0.05}, "probably"),
        ({"energy_ratio": 0.051}, "doubtful"),
        ({"energy_ratio": 0.251}, "doubtful"),  # a failure that reaches back to .231
        ({"energy_ratio": 0.269}, "doubtful"),
        ({"energy_ratio": 0.271}, "fail"),
        ({"energy_ratio": 0.19, "real_target__energy_ratio": 0.19}, "pass"),  # real samples reach .216 by chance
        ({"energy_ratio": 0.2, "real_target__energy_ratio": 0.19}, "probably"),
        ({"energy_ratio": 0.04, "real_target__energy_ratio": 0.19}, "pass"),  # to .06: still what real samples reach
        ({"energy_ratio": 0.5, "real_target__energy_ratio": 0.6}, "doubtful"),  # chance alone excuses no failure
        ({"variance_ratio": 0.70}, "pass"),
        ({"variance_ratio": 0.68}, "probably"),
        ({"variance_ratio": 0.66}, "doubtful"),
        ({"variance_ratio": 1.47}, "pass"),
        ({"variance_ratio": 1.49}, "probably"),
        ({"variance_ratio": 1.51}, "doubtful"),
        ({"variance_ratio": 0.49}, "doubtful"),  # a failure that reaches back to .51
        ({"variance_ratio": 0.47}, "fail"),
        ({"variance_ratio": 2.01}, "doubtful"),
        ({"variance_ratio": 2.03}, "fail"),
        ({"variance_ratio": 1.6, "real_target__variance_ratio": 1.59}, "pass"),  # held-out real samples reach 1.63
        ({"variance_ratio": 2.1, "real_target__variance_ratio": 2.1}, "fail"),  # chance alone excuses no failure
        ({"gene_correlation_at_equal_n": 0.61}, "pass"),  # of .8 in as many real samples: .6 asked
        ({"gene_correlation_at_equal_n": 0.59}, "doubtful"),
        ({"gene_correlation_at_equal_n": 0.59, "real_target__gene_correlation": None}, "doubtful"),
        ({"gene_correlation_at_equal_n": 0.39}, "fail"),
        ({"gene_correlation": 0.1}, "pass"),  # with more samples than there are real ones it is no fair question
        ({"hit_rate_forest": 0.88}, "pass"),  # of .95, and .86 to .90: the transfer is .905 or more
        ({"hit_rate_forest": 0.87}, "probably"),  # .85 to .89: .895 or more
        ({"hit_rate_forest": 0.85}, "doubtful"),
        ({"hit_rate_forest": 0.66}, "doubtful"),  # .64 to .68: up to .716
        ({"hit_rate_forest": 0.64}, "fail"),
        ({"hit_rate_forest": 0.1, "real_target__hit_rate_forest": 0.89}, "pass"),  # not admitted, so not heard
        ({"hit_rate_f": 0.1}, "pass"),  # f itself is no independent classifier
        ({"nn_real": 1.0}, "doubtful"),
        ({"nn_fake": 0.0}, "doubtful"),
    ],
)
def test_realism_follows_its_limits(changes, expected):
    assert answers(table(**changes))["realistic"] == expected


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"energy_ratio": 0.04}, "Probably like real target samples: energy ratio 0.040 (at most 0.05 asked; "),
        ({"energy_ratio": 0.04}, "asked; its interval reaches 0.060)."),
        ({"energy_ratio": 0.26}, "Not fully like real target samples: energy ratio 0.260 (at most 0.05 asked, above "),
        ({"energy_ratio": 0.26}, "0.25 fails; its interval reaches 0.240)."),
        ({"variance_ratio": 0.68}, "(0.67 to 1.5 asked; its interval reaches 0.66)"),
        ({"variance_ratio": 2.01}, "(0.67 to 1.5 asked; its interval reaches 1.99)"),
        ({"hit_rate_forest": 0.87}, "(transfer 0.92, 0.9 asked; its interval reaches 0.89)"),
        ({"hit_rate_forest": 0.66}, "(transfer 0.69, 0.9 asked; its interval reaches 0.72)"),
        (
            {"energy_ratio": 0.04, "real_target__energy_ratio": 0.03},
            "reach 0.056 by chance; its interval reaches 0.060)",
        ),
    ],
)
def test_the_sentence_says_how_far_the_interval_reaches(changes, says):
    assert says in sentence(table(**changes), "realistic")


def test_an_interval_over_both_limits_of_the_variance_makes_a_pass_probable_and_a_failure_doubtful():
    evidence = table()
    own = (evidence["method"] == "generator") & (evidence["measure"] == "variance_ratio")
    evidence.loc[own, ["low", "high"]] = [0.1, 5.0]
    assert answers(evidence)["realistic"] == "probably"
    evidence.loc[own, "value"] = 2.5
    assert answers(evidence)["realistic"] == "doubtful"


def test_without_an_interval_the_number_alone_decides():
    evidence = table(energy_ratio=0.05)
    evidence.loc[evidence["method"] == "generator", ["low", "high"]] = np.nan
    assert answers(evidence)["realistic"] == "pass"
    evidence.loc[(evidence["method"] == "generator") & (evidence["measure"] == "energy_ratio"), "value"] = 0.251
    assert answers(evidence)["realistic"] == "fail"


def test_the_classifier_whose_answer_is_worst_decides_though_another_is_convinced_less():
    """.90 of .95 in .88 to .92 passes; .93 of .97, which is nearer to 1, may be anything."""
    evidence = table(hit_rate_forest=0.90, hit_rate_logistic=0.93)
    own = (evidence["method"] == "generator") & (evidence["measure"] == "hit_rate_logistic")
    evidence.loc[own, ["low", "high"]] = [0.5, 1.0]
    assert sentence(evidence, "realistic").startswith(
        "Probably like real target samples: logistic regression calls 93%"
    )


def test_a_neighbour_accuracy_barely_outside_a_narrow_null_is_no_doubt():
    assert answers(table(nn_real=1.0, p_value=0.013))["realistic"] == "pass"  # both sides together are within chance
    assert answers(table(nn_real=0.58, chance=(0.49, 0.45, 0.55)))["realistic"] == "pass"


def test_a_p_value_alone_changes_nothing():
    p_value = pd.DataFrame([("generator", "energy_p_value", 0.001, None, None, 100, "ok", "999 permutations")])
    p_value.columns = table().columns
    assert answers(pd.concat([table(), p_value.astype(table().dtypes)])) == answers(table())


def test_without_an_admitted_classifier_there_is_doubt():
    evidence = table(real_target__hit_rate_forest=0.5, real_target__hit_rate_logistic=0.5)
    assert answers(evidence)["realistic"] == "doubtful"
    assert "no independent classifier knows 90% of real target samples (the best one 50%)" in sentence(
        evidence, "realistic"
    )


def test_few_targets_withhold_the_verdict_or_widen_it():
    withheld = table(n_real=9)
    assert answers(withheld)["realistic"] == answers(withheld)["beats_mean_shift"] == "not tested"
    assert sentence(withheld, "realistic").startswith("Withheld: 9 held-out target samples are too few; at least 10")
    assert "Only 19 target samples were held out" in sentence(table(n_real=19), "realistic")
    assert "interval is 0.04 wide" in sentence(table(n_real=19), "realistic")
    assert "Only" not in sentence(table(n_real=20), "realistic")


def test_source_and_target_that_cannot_be_told_apart_are_not_judged():
    evidence = table(without={"energy_ratio": "undefined"})
    assert answers(evidence)["realistic"] == answers(evidence)["beats_mean_shift"] == "not tested"
    assert "cannot be told apart here" in sentence(evidence, "realistic")


def pairs(value, low=None, high=None, n=12, **changes):
    """Evidence of people with samples of both classes; 1 is the error of the target's mean."""
    evidence = table(pair_error=value, pair_correlation=0.31, **changes)
    own = (evidence["method"] == "generator") & (evidence["measure"] == "pair_error")
    evidence.loc[own, ["low", "high", "n"]] = [np.nan if low is None else low, np.nan if high is None else high, n]
    return evidence


@pytest.mark.parametrize(
    ("value", "low", "high", "expected"),
    [
        (0.9, 0.85, 0.99, "pass"),
        (0.9, 0.85, 1.0, "probably"),
        (0.99, 0.9, 1.1, "probably"),
        (1.0, 0.9, 1.1, "doubtful"),
        (1.05, 1.0, 1.1, "doubtful"),
        (1.05, 1.001, 1.1, "fail"),
    ],
)
def test_a_persons_own_counterpart_decides_whether_it_is_individual(value, low, high, expected):
    """Whatever individuality says: here it is as high as that of a run without pairs that is kept from a tick."""
    found = answer_questions(pairs(value, low, high), method="generator")["individual"]
    assert found["answer"] == expected
    assert f"pair error {value:.2f} (95% interval {low:.2f} to {high:.2f};" in found["sentence"]
    assert ("list of unusual genes" in found["sentence"]) == (expected == "fail")
    numbers = found["numbers"]
    assert [numbers[name] for name in ("pair_error", "pair_error_low", "pair_error_high", "n")] == [
        value,
        low,
        high,
        12,
    ]
    assert numbers["pair_correlation"] == 0.31


def test_pairs_are_heard_from_five_people_on_and_with_an_interval():
    assert answers(pairs(0.9, 0.8, 0.95, n=5))["individual"] == "pass"
    few = pairs(0.9, n=4)
    assert answers(few)["individual"] == "not tested"
    assert "both classes; 4 were held out, at least 5 are needed." in sentence(few, "individual")
    assert answers(pairs(0.9, n=12))["individual"] == "not tested"


def test_low_individuality_does_not_overrule_pairs():
    assert answers(pairs(0.9, 0.85, 0.95, individuality=0.1))["individual"] == "pass"


@pytest.mark.parametrize("value", [0.5, 0.79, 0.8, 0.99])
def test_resemblance_to_the_input_alone_earns_no_tick(value):
    found = answer_questions(table(individuality=value), method="generator")["individual"]
    assert found["answer"] == "not tested"
    head = "What is high" if value >= 0.8 else "Only part of what is high"
    assert found["sentence"] == (
        f"{head} in a sample stays high (individuality {value:.2f}). Whether that is the person's own was not tested: "
        "it takes people with samples of both classes."
    )


@pytest.mark.parametrize("value", [0.49, 0.01])
def test_a_person_that_is_lost_fails_without_pairs(value):
    assert answers(table(individuality=value))["individual"] == "fail"
    assert "read no single sample's genes" in sentence(table(individuality=value), "individual")


def test_no_more_person_than_in_a_random_draw_is_none():
    assert answers(table(individuality=0.81, gaussian_draw__individuality=0.8))["individual"] == "fail"


def test_too_few_moved_samples_say_nothing_of_the_person():
    assert answers(table(n=9))["individual"] == "not tested"
    assert sentence(table(n=9), "individual").startswith("Withheld: it needs at least 10")


def test_the_targets_mean_is_not_asked_for_a_person():
    evidence = pairs(0.9, 0.8, 0.95).assign(method=lambda t: t["method"].replace("generator", "target_mean"))
    found = answer_questions(evidence, method="target_mean")["individual"]
    assert (found["answer"], found["sentence"][:15]) == ("not tested", "Does not apply:")


TIED = {"gene_correlation": 0.5, "hit_rate_forest": 0.71, "energy_ratio": 0.1}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (TIED, "fail"),
        ({**TIED, "gene_correlation": 0.56}, "pass"),
        ({**TIED, "hit_rate_forest": 0.75}, "pass"),
        ({**TIED, "energy_ratio": 0.05}, "pass"),
        ({**TIED, "gene_correlation": 0.56, "energy_ratio": 0.2}, "doubtful"),
        ({**TIED, "energy_ratio": 0.2}, "fail"),
    ],
)
def test_a_tie_with_the_mean_shift_is_not_better(changes, expected):
    evidence = table(**changes)
    assert answers(evidence)["beats_mean_shift"] == expected
    if expected == "fail":
        head = "Not better than adding the difference of the class means: energy ratio"
        assert sentence(evidence, "beats_mean_shift").startswith(head)


@pytest.mark.parametrize(
    ("difference", "expected"), [(-0.05, "pass"), (-0.021, "pass"), (-0.019, "fail"), (0.0, "fail"), (0.05, "fail")]
)
def test_the_same_donors_decide_whether_it_is_nearer_than_the_mean_shift(difference, expected):
    """Where the paired difference is known, it decides, not the two intervals; .02 is the half-width here."""
    evidence = table(**TIED, energy_less_mean_shift=difference)
    assert answers(evidence)["beats_mean_shift"] == expected
    assert ("(worse)" in sentence(evidence, "beats_mean_shift")) == (difference == 0.05)


def test_a_measure_that_a_simple_method_masters_is_no_reason_to_be_better():
    """The forest calls 94% of plainly shifted and 95% (93% to 97%) of real samples the target: it tells nothing."""
    tied = {**TIED, "hit_rate_forest": 0.75, "mean_shift__hit_rate_forest": 0.94, "hit_rate_logistic": 0.97}
    evidence = table(**tied)
    assert "random forest's hits 75% against 94% (cannot be told apart on this data set)" in sentence(
        evidence, "beats_mean_shift"
    )
    assert answers(evidence)["beats_mean_shift"] == "fail"
    told = "By the calls of a random forest even a simple method is as near as real samples are to each other, so this"
    assert told in sentence(evidence, "realistic")
    # By three percentage points it is farther from real samples than these are known: then it counts.
    assert "(worse)" in sentence(table(**{**tied, "mean_shift__hit_rate_forest": 0.92}), "beats_mean_shift")


def test_where_no_measure_can_tell_methods_apart_nobody_is_better():
    same = {"mean_shift__hit_rate_forest": 0.95, "mean_shift__energy_ratio": 0.01, "real_target__energy_ratio": 1e-9}
    evidence = table(**same, mean_shift__gene_correlation_at_equal_n=0.79)
    assert answers(evidence)["beats_mean_shift"] == "not tested"
    assert "cannot be told apart on this data set: even a simple one" in sentence(evidence, "beats_mean_shift")
    told = "By energy ratio and gene correlation even a simple method is as near as real samples are to each other, so"
    assert told in sentence(evidence, "realistic")


def test_what_the_network_adds_is_said_openly():
    assert "the network adds nothing on this data set" in sentence(table(), "beats_mean_shift")
    poor = table(linear_map__gene_correlation=0.5)
    assert "the network gains in gene correlation of all moved samples 0.85 against 0.50" in sentence(
        poor, "beats_mean_shift"
    )
    rich = table(linear_map__gene_correlation=0.96)
    assert "the network loses in gene correlation of all moved samples 0.85 against 0.96" in sentence(
        rich, "beats_mean_shift"
    )


def test_a_closed_form_run_is_asked_what_applies():
    found = answer_questions(table(), method="mean_shift")["beats_mean_shift"]
    assert (found["answer"], found["sentence"][:15]) == ("not tested", "Does not apply:")
    assert "network adds" not in answer_questions(table(), method="linear_map")["beats_mean_shift"]["sentence"]
    assert answer_questions(table(), method="gaussian_draw")["individual"]["answer"] == "fail"
    drawn = pd.concat([table(), table().assign(method=lambda t: t["method"].replace("generator", "x"))])
    assert answer_questions(drawn, method="x")["realistic"]["answer"] == "pass"


def controls(*rows):
    records = [(*row[:2], row[2], np.nan, np.nan, 5, row[3], row[4]) for row in rows]
    return pd.DataFrame(records, columns=["control", "measure", "value", "low", "high", "n", "note", "answer"])


def test_controls_answer_their_own_questions():
    found = controls(
        ("leave_one_class_out", "energy_ratio", 0.04, "worst of 3 classes", "pass"),
        ("stability", "stability, seeds", 0.5, "", "doubtful"),
        ("permuted_labels", "f_accuracy", 0.1, "", "pass"),
        ("pseudo_target", "relative_change", 0.9, "mean of 5", "fail"),
        ("pseudo_target", "genes_beyond_noise", np.nan, "too few", "not tested"),
        ("technical_column", "association", np.nan, "no column was named", "not tested"),
    )
    by_question = answers(table(), controls=found)
    assert by_question["generalises"] == "pass"
    assert by_question["stable_genes"] == "doubtful"
    assert by_question["controls_clean"] == "fail"
    told = (
        "Failed: the target split in two at random: the change beyond chance is 90% of the run's, at most 25% asked "
        "(mean of 5). "
        "Not tested: a technical column as the target."
    )
    assert sentence(table(), "controls_clean", controls=found) == told
    again = "fitted again with samples drawn anew"
    agree = "over seeds the lists agree by 0.50 (0: chance, 1: the same), at least 0.75 asked"
    assert sentence(table(), "stable_genes", controls=found) == f"In doubt: {again}: {agree}."


def test_controls_that_pass_are_named_and_a_single_one_with_its_numbers():
    found = controls(
        ("leave_one_class_out", "energy_ratio", 0.04, "", "pass"),
        ("leave_one_class_out", "hit_rate_logistic", 0.98, "", "pass"),
        ("permuted_labels", "f_accuracy", 0.1, "", "pass"),
        ("pseudo_target", "relative_change", 0.1, "", "pass"),
    )
    clean = "Passed: labels shuffled and the target split in two at random."
    assert sentence(table(), "controls_clean", controls=found) == clean
    new = "Passed: a class left out of training: energy ratio 0.04; logistic regression calls 98% the target."
    assert sentence(table(), "generalises", controls=found) == new


def test_controls_that_could_not_be_carried_out_are_not_clean():
    found = controls(("technical_column", "association", np.nan, "no column was named", "not tested"))
    assert answers(table(), controls=found)["controls_clean"] == "not tested"
    assert "target: no column was named." in sentence(table(), "controls_clean", controls=found)


def test_an_older_table_gets_an_answer_from_what_it_holds():
    old = table().query("measure in ['hit_rate_f', 'energy_ratio', 'variance_ratio']")
    old = old[["method", "measure", "value"]]
    assert answers(old)["beats_mean_shift"] == "pass"  # .01 against .09, farther apart than a tie
    assert answers(old)["realistic"] == "doubtful"  # close and varied enough, but no independent classifier
    assert set(answers(pd.DataFrame()).values()) == {"not tested"}


@pytest.mark.parametrize("evidence", [table(), table(without={"energy_ratio": "undefined"}), table(n_real=5)])
def test_every_answer_is_plain_json_and_a_sentence(evidence):
    found = answer_questions(evidence, method="generator")
    assert list(found) == list(QUESTIONS)
    json.dumps(found, allow_nan=False)
    for answer in found.values():
        assert answer["sentence"].endswith(".")
        assert "nan" not in answer["sentence"]


def test_a_second_cohort_answers_whether_it_generalises():
    answer = answer_questions(table(), method="generator", test_evidence=table(energy_ratio=0.4))["generalises"]
    assert answer["answer"] == "fail"
    assert answer["sentence"].startswith("On the second cohort: Not like real target samples: energy ratio 0.40")
    assert answer["numbers"]["test_cohort.energy_ratio"] == 0.4
    assert answer_questions(table(), method="generator", test_evidence=table())["generalises"]["answer"] == "pass"
    few = answer_questions(table(), method="generator", test_evidence=table(n_real=5))["generalises"]
    assert few["answer"] == "not tested"
    assert few["sentence"].startswith("On the second cohort: Withheld: 5 ")


@pytest.mark.parametrize(
    ("energy", "n_real", "unseen", "worst"),
    [
        (0.01, 40, "fail", "fail"),
        (0.4, 40, "pass", "fail"),
        (0.01, 40, "pass", "pass"),
        (0.01, 5, "doubtful", "doubtful"),
        (0.01, 40, "not tested", "pass"),
    ],
)
def test_of_second_cohort_and_unseen_class_the_worse_decides_and_both_are_named(energy, n_real, unseen, worst):
    found = controls(("leave_one_class_out", "energy_ratio", 0.3, "", unseen))
    second = table(energy_ratio=energy, n_real=n_real)
    answer = answer_questions(table(), method="generator", controls=found, test_evidence=second)["generalises"]
    assert answer["answer"] == worst
    assert answer["sentence"].startswith("On the second cohort: ")
    assert "a class left out of training" in answer["sentence"]
    assert {"test_cohort.energy_ratio", "leave_one_class_out.energy_ratio"} <= set(answer["numbers"]) or n_real == 5


def test_an_audit_without_an_unseen_class_adds_no_word():
    found = controls(("permuted_labels", "f_accuracy", 0.1, "", "pass"))
    alone = answer_questions(table(), method="generator", test_evidence=table())["generalises"]
    assert answer_questions(table(), method="generator", controls=found, test_evidence=table())["generalises"] == alone


def test_the_public_table_has_one_row_per_question_also_of_a_table_read_from_a_file(tmp_path):
    evidence, found = table(energy_ratio=0.4), controls(("stability", "stability, seeds", 0.9, "", "pass"))
    for one, name in ((evidence, "evidence.tsv"), (found, "controls.tsv")):
        one.to_csv(tmp_path / name, sep="\t", index=False)
    read = {name: pd.read_csv(tmp_path / f"{name}.tsv", sep="\t") for name in ("evidence", "controls")}
    public = verdict(read["evidence"], method="generator", controls=read["controls"]).set_index("question")
    assert list(public.index) == list(QUESTIONS)
    assert public["answer"].to_dict() == answers(evidence, controls=found)
    assert public.loc[["realistic", "stable_genes", "beats_mean_shift"], "answer"].tolist() == [
        "fail",
        "pass",
        "doubtful",
    ]
    assert "energy ratio 0.400" in public.loc["realistic", "sentence"]


@pytest.mark.parametrize("status", ["too_few", "undefined"])
def test_the_status_withholds_the_verdict_whatever_the_note_says(status):
    evidence = table(without={"energy_ratio": status}).assign(note="some other words")
    assert answers(evidence)["realistic"] == "not tested"
    assert ("Withheld" in sentence(evidence, "realistic")) == (status == "too_few")
    words_alone = table().assign(note="too few; undefined; not admitted")
    assert answers(words_alone) == answers(table())
