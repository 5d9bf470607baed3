"""Whether to believe a run: six questions, each answered in one sentence with its number and limit."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from tspg.analysis.evaluation.comparison import BETTER, WORSE, beside
from tspg.analysis.evaluation.controls import by_control, title_of, together
from tspg.analysis.evaluation.criteria import (
    ANSWERS,
    REALISM,
    TITLES,
    Answer,
    Check,
    EvidenceView,
    answered,
    energy_is_small,
)
from tspg.analysis.evaluation.measure import COMFORTABLE_TARGETS, FEWEST_TARGETS, LINEAR_MAP, MEAN_SHIFT, REAL
from tspg.analysis.evaluation.person import individual
from tspg.analysis.evaluation.thresholds import DOUBTFUL, FAIL, NOT_TESTED, PASS, PROBABLY, worst_of
from tspg.utils.text import listed, number

QUESTIONS = {
    "realistic": "Realistic?",
    "generalises": "Generalises?",
    "individual": "Individual?",
    "beats_mean_shift": "Better than a mean shift?",
    "stable_genes": "Stable genes?",
    "controls_clean": "Controls clean?",
}
# Which controls answer which question; every other control asks whether something moves that should not.
UNSEEN_CLASS, STABILITY = "leave_one_class_out", "stability"


def verdict(
    evidence: pd.DataFrame,
    *,
    method: str,
    controls: pd.DataFrame | None = None,
    test_evidence: pd.DataFrame | None = None,
) -> dict[str, Answer]:
    """Answer whether a run can be believed, question by question.

    Parameters
    ----------
    evidence
        The table of `evidence_table`.
    method
        The method that is judged, by its name in the table.
    controls
        What `tspg audit` found: columns control, measure, value, low, high, n, note, answer.
    test_evidence
        The same table as `evidence`, of a second cohort that nothing was learned from.

    Returns
    -------
    For each of the six questions (see `QUESTIONS`) `answer`, which is pass, probably, doubtful, fail or
    not tested, `sentence`, and the `numbers` that it rests on. All limits stand in `thresholds.py`.
    """
    readings = EvidenceView.of(evidence, method)
    return {
        "realistic": _withheld(readings) or _realistic(readings),
        "generalises": _generalises(
            controls, None if test_evidence is None else EvidenceView.of(test_evidence, method)
        ),
        "individual": individual(readings),
        "beats_mean_shift": _beats_mean_shift(readings),
        "stable_genes": _of_controls(controls, lambda name: name == STABILITY, _ONE_SEED),
        "controls_clean": _of_controls(controls, lambda name: name not in (UNSEEN_CLASS, STABILITY), _NO_CONTROLS),
    }


_ONLY_NEW_SAMPLES = (
    "Every number here comes from samples held out of training (all of a donor's where donors are given); "
    "whether a second cohort, or a class of sources that was never trained on, is moved as well was not tested."
)
_ONE_SEED = "Whether the same genes come first with another seed or other samples was not tested."
_NO_CONTROLS = (
    "Whether anything is found where nothing should be (permuted labels, a split target, random gene sets) "
    "was not tested."
)


def _generalises(controls: pd.DataFrame | None, second: EvidenceView | None) -> Answer:
    """What holds on a second cohort and for a class left out of training: the worse of the two, each told."""
    unseen = _of_controls(controls, lambda name: name == UNSEEN_CLASS, _ONLY_NEW_SAMPLES)
    if second is None:
        return unseen
    found = _withheld(second) or _realistic(second)
    numbers = {f"test_cohort.{name}": value for name, value in found["numbers"].items()}
    sentence = f"On the second cohort: {found['sentence']}"
    if not unseen["numbers"]:  # no audit
        return answered(found["answer"], sentence, **numbers)
    worst = worst_of([found["answer"], unseen["answer"]])
    return answered(worst, f"{sentence} {unseen['sentence']}", **numbers, **unseen["numbers"])


def _withheld(readings: EvidenceView) -> Answer | None:
    """Why nothing can be said about likeness to the target; None if something can."""
    n = readings.n_real
    if (n is not None and n < FEWEST_TARGETS) or readings.own("energy_ratio").note.startswith("too few"):
        held_out = "too few target samples were held out" if n is None else f"{n} held-out target samples are too few"
        return answered(NOT_TESTED, f"Withheld: {held_out}; at least {FEWEST_TARGETS} are needed.", n_targets=n)
    if readings.cannot_be_told_apart:
        sentence = (
            "Source and target cannot be told apart here: they lie no farther from each other than two parts of the "
            "target do, so no distance that is left could be judged."
        )
        return answered(NOT_TESTED, sentence, n_targets=n)
    return None


def _realistic(readings: EvidenceView) -> Answer:
    checks = [criterion(readings) for criterion in REALISM]
    energy = energy_is_small(readings)
    worst = NOT_TESTED if energy.answer == NOT_TESTED else worst_of([check.answer for check in checks])
    head = {
        PASS: "Like real target samples",
        PROBABLY: "Probably like real target samples",
        DOUBTFUL: "Not fully like real target samples",
    }
    decisive = [check for check in checks if check.answer == worst]
    found = "; ".join(check.words for check in decisive)
    rest = f"{_how_uncertain(readings)}{_of_no_use(readings, decisive)}"
    sentence = f"{head.get(worst, 'Not like real target samples')}: {found}{rest}."
    if worst == NOT_TESTED:
        sentence = "The evidence table does not hold what is needed to say."
    own = readings.own("energy_ratio")
    return answered(
        worst,
        sentence,
        energy_ratio=own.value,
        energy_ratio_low=own.low,
        energy_ratio_high=own.high,
        lowest_transfer=min((share.value for share in readings.transfers.values()), default=None),
        variance_ratio=readings.own("variance_ratio").value,
        gene_correlation_at_equal_n=readings.own("gene_correlation_at_equal_n").value,
        real_gene_correlation_at_equal_n=readings.of_method(REAL, "gene_correlation_at_equal_n").value,
        nn_fake=readings.own("nn_fake").value,
        nn_real=readings.own("nn_real").value,
        n_targets=readings.n_real,
    )


def _how_uncertain(readings: EvidenceView) -> str:
    n, energy = readings.n_real, readings.own("energy_ratio")
    if n is None or n >= COMFORTABLE_TARGETS:
        return ""
    width = f": the energy ratio's 95% interval is {number(energy.high - energy.low)} wide"
    return f". Only {n} target samples were held out{width if np.isfinite(energy.high - energy.low) else ''}"


def _of_no_use(readings: EvidenceView, checks: list[Check]) -> str:
    """Which of the numbers behind an answer a simple method reaches as well as real samples do."""
    found = [TITLES[check.measure] for check in checks if check.measure in readings.uninformative]
    if not found:
        return ""
    what = "this number" if len(found) == 1 else "these numbers"
    return (
        f". By {listed(found)} even a simple method is as near as real samples are to each other, so {what} cannot "
        "tell methods apart"
    )


def _beats_mean_shift(readings: EvidenceView) -> Answer:
    if readings.method == MEAN_SHIFT:
        return answered(NOT_TESTED, "Does not apply: this run is the mean shift itself.")
    if withheld := _withheld(readings):
        return withheld
    found = beside(readings, MEAN_SHIFT)
    if not found:
        return answered(NOT_TESTED, "The evidence table does not hold a mean shift to compare with.")
    if not any(comparison.counts for comparison in found):
        compared = "; ".join(comparison.words for comparison in found)
        sentence = (
            "Methods cannot be told apart on this data set: even a simple one is as near as real samples are to each "
            f"other ({compared})."
        )
        return answered(NOT_TESTED, sentence)
    outcomes = {comparison.outcome for comparison in found}
    better, worse = BETTER in outcomes, WORSE in outcomes
    answer = FAIL if not better else DOUBTFUL if worse else PASS
    head = {FAIL: "Not better", DOUBTFUL: "Better in part only", PASS: "Better"}[answer]
    gains = [comparison.measure for comparison in found if comparison.outcome == BETTER]
    where = f" in {listed(gains)}, and not worse" if answer == PASS and len(gains) < len(found) else ""
    compared = "; ".join(comparison.verdict for comparison in found)
    sentence = f"{head} than adding the difference of the class means{where}: {compared}{_network_adds(readings)}."
    measured = ("energy_ratio", "gene_correlation", "hit_rate_forest")
    numbers = {name: readings.own(name).value for name in measured}
    of_shift = {f"mean_shift_{name}": readings.of_method(MEAN_SHIFT, name).value for name in measured}
    return answered(answer, sentence, **numbers, **of_shift)


def _network_adds(readings: EvidenceView) -> str:
    """What training a network brought beside the closed-form map."""
    found = beside(readings, LINEAR_MAP)
    if readings.method != "generator" or not found:
        return ""
    better = [comparison.words for comparison in found if comparison.outcome == BETTER]
    worse = [comparison.words for comparison in found if comparison.outcome == WORSE]
    if not better and not worse:
        return ". Beside the linear map, which needs no network, the network adds nothing on this data set"
    parts = [f"{word} in {listed(words)}" for word, words in (("gains", better), ("loses", worse)) if words]
    return f". Beside the linear map, which needs no network, the network {' and '.join(parts)}"


def _of_controls(controls: pd.DataFrame | None, belongs: Callable[[str], bool], without: str) -> Answer:
    """The worst of the controls that a question rests on; `without` says what was not tested."""
    records = [] if controls is None else controls.to_dict("records")
    rows = [record for record in records if belongs(str(record["control"]))]
    if not rows:
        return answered(NOT_TESTED, without)
    by_answer = {answer: [row for row in rows if row["answer"] == answer] for answer in ANSWERS}
    worst = worst_of([answer for answer in ANSWERS if by_answer[answer]])
    head = {
        PASS: "Passed",
        PROBABLY: "Probably passed",
        DOUBTFUL: "In doubt",
        FAIL: "Failed",
        NOT_TESTED: "Not tested",
    }[worst]
    decisive = dict(by_control(by_answer[worst]))
    if worst == PASS and len(decisive) > 1:  # many numbers; the page has them in a table
        sentence = f"{head}: {listed([title_of(name) for name in decisive])}"
    else:
        sentence = f"{head}: {'; '.join(f'{title_of(name)}: {together(own)}' for name, own in decisive.items())}"
    untested = [title_of(name) for name, own in by_control(rows) if {row["answer"] for row in own} == {NOT_TESTED}]
    if worst != NOT_TESTED and untested:
        sentence += f". Not tested: {listed(untested)}"
    return answered(
        worst, f"{sentence}.", **{f"{row['control']}.{row['measure']}": float(row["value"]) for row in rows}
    )
