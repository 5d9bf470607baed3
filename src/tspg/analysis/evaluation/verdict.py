"""Whether to believe a run: six questions, each answered in one sentence with its number and limit."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from tspg.analysis.evaluation import thresholds as limit
from tspg.analysis.evaluation.comparison import BETTER, WORSE, compare
from tspg.analysis.evaluation.controls import by_control, text_of_rows, title_of
from tspg.analysis.evaluation.criteria import (
    ANSWERS,
    REALISM,
    TITLES,
    Answer,
    EvidenceView,
    answered,
    energy_is_small,
)
from tspg.analysis.evaluation.measure import (
    COMFORTABLE_TARGETS,
    FEWEST_TARGETS,
    GAUSSIAN_DRAW,
    LINEAR_MAP,
    MEAN_SHIFT,
    REAL,
    TARGET_MEAN,
    Measure,
    Status,
)
from tspg.analysis.evaluation.resampling import FEWEST_DONORS
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
_ONLY_NEW_SAMPLES = (
    "Every number here comes from samples held out of training (all of a donor's where donors are given); "
    "whether a second cohort, or a class of sources that was never trained on, is moved as well was not tested."
)
_ONE_SEED = "Whether the same genes come first with another seed or other samples was not tested."
_NO_CONTROLS = (
    "Whether anything is found where nothing should be (permuted labels, a split target, random gene sets) "
    "was not tested."
)


def verdict(evidence: pd.DataFrame, *, method: str, controls: pd.DataFrame | None = None) -> pd.DataFrame:
    """Whether to believe what a method did: six questions with their answers.

    Parameters
    ----------
    evidence
        The table of `evidence_table`, `run.evidence`, or an `evidence.tsv` that pandas has read.
    method
        The method in question, by its name in the table: `generator`, `linear_map`, ...
    controls
        What `tspg audit` found, its `controls.tsv`: three of the questions rest on it.

    Returns
    -------
    One row per question: `question` (its name in `metrics.json`), `answer`, which is pass, probably, doubtful,
    fail or not tested, and a `sentence` with the numbers and limits that the answer rests on.

    Examples
    --------
    >>> table = tspg.verdict(run.evidence, method=run.model.method.name)
    >>> table["question"].tolist()
    ['realistic', 'generalises', 'individual', 'beats_mean_shift', 'stable_genes', 'controls_clean']
    """
    answers = answer_questions(evidence, method=method, controls=controls)
    rows = [(name, found["answer"], found["sentence"]) for name, found in answers.items()]
    return pd.DataFrame(rows, columns=["question", "answer", "sentence"])


def answer_questions(
    evidence: pd.DataFrame,
    *,
    method: str,
    controls: pd.DataFrame | None = None,
    test_evidence: pd.DataFrame | None = None,
) -> dict[str, Answer]:
    """The answers of `verdict`, each with the `numbers` that it rests on, ready for JSON.

    `test_evidence` is the same table as `evidence`, of a second cohort that nothing was learned from. All limits
    are in `thresholds.py`.
    """
    view = EvidenceView.of(evidence, method)
    second = None if test_evidence is None else EvidenceView.of(test_evidence, method)
    return {
        "realistic": _withheld(view) or _realistic(view),
        "generalises": _generalises(controls, second),
        "individual": _individual(view),
        "beats_mean_shift": _beats_mean_shift(view),
        "stable_genes": _of_controls(controls, lambda name: name == STABILITY, _ONE_SEED),
        "controls_clean": _of_controls(controls, lambda name: name not in (UNSEEN_CLASS, STABILITY), _NO_CONTROLS),
    }


def _generalises(controls: pd.DataFrame | None, second: EvidenceView | None) -> Answer:
    """What holds on a second cohort and for a class left out of training: the worse of the two."""
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


def _withheld(view: EvidenceView) -> Answer | None:
    """Why nothing can be said about likeness to the target; None if something can."""
    n, status = view.n_real, view.own("energy_ratio").status
    if (n is not None and n < FEWEST_TARGETS) or status == Status.TOO_FEW:
        held_out = "too few target samples were held out" if n is None else f"{n} held-out target samples are too few"
        return answered(NOT_TESTED, f"Withheld: {held_out}; at least {FEWEST_TARGETS} are needed.", n_targets=n)
    if status == Status.UNDEFINED:
        sentence = (
            "Source and target cannot be told apart here: they lie no farther from each other than two parts of the "
            "target do, so no distance that is left could be judged."
        )
        return answered(NOT_TESTED, sentence, n_targets=n)
    return None


def _realistic(view: EvidenceView) -> Answer:
    checks = [criterion(view) for criterion in REALISM]
    is_measured = energy_is_small(view).answer != NOT_TESTED
    worst = worst_of([check.answer for check in checks]) if is_measured else NOT_TESTED
    head = {
        PASS: "Like real target samples",
        PROBABLY: "Probably like real target samples",
        DOUBTFUL: "Not fully like real target samples",
    }
    decisive = [check for check in checks if check.answer == worst]
    own, shares, n = view.own("energy_ratio"), view.normalised_hit_rates, view.n_real
    sentence = f"{head.get(worst, 'Not like real target samples')}: {'; '.join(check.words for check in decisive)}."
    if n is not None and n < COMFORTABLE_TARGETS:
        width = f": the energy ratio's 95% interval is {number(own.high - own.low)} wide"
        sentence += f" Only {n} target samples were held out{width if np.isfinite(own.high - own.low) else ''}."
    if of_no_use := [TITLES[check.measure] for check in decisive if check.measure in view.uninformative]:
        what = "this number" if len(of_no_use) == 1 else "these numbers"
        sentence += (
            f" By {listed(of_no_use)} even a simple method is as near as real samples are to each other, so {what} "
            "cannot tell methods apart."
        )
    if worst == NOT_TESTED:
        sentence = "The evidence table does not hold what is needed to say."
    return answered(
        worst,
        sentence,
        energy_ratio=own.value,
        energy_ratio_low=own.low,
        energy_ratio_high=own.high,
        lowest_transfer=min((share.value for share in shares.values()), default=None),
        variance_ratio=view.own("variance_ratio").value,
        gene_correlation_at_equal_n=view.own("gene_correlation_at_equal_n").value,
        real_gene_correlation_at_equal_n=view.of_method(REAL, "gene_correlation_at_equal_n").value,
        nn_fake=view.own("nn_fake").value,
        nn_real=view.own("nn_real").value,
        n_targets=n,
    )


def _individual(view: EvidenceView) -> Answer:
    """Whether what is moved stays this person's own, measured on people with samples of both classes."""
    if view.method == TARGET_MEAN:
        return answered(NOT_TESTED, "Does not apply: the target's mean is the same for everyone.")
    error = view.own("pair_error")
    if np.isfinite(error.low) and np.isfinite(error.high) and error.n >= FEWEST_DONORS:
        return _near_own_counterpart(view, error)
    return _resembles_itself(view)


def _near_own_counterpart(view: EvidenceView, error: Measure) -> Answer:
    """The error to each person's own target sample, compared with that of the target's mean (1)."""
    reaches_over = error.low <= 1 <= error.high
    answer = (PROBABLY if reaches_over else PASS) if error.value < 1 else DOUBTFUL if reaches_over else FAIL
    head = {
        PASS: "Nearer to each person's own target sample than the target's mean is",
        PROBABLY: "Probably nearer to each person's own target sample than the target's mean is",
        DOUBTFUL: "Not nearer to each person's own target sample than the target's mean is, as far as the data show",
        FAIL: "Farther from each person's own target sample than the target's mean is",
    }[answer]
    found = (
        f"pair error {number(error.value)} (95% interval {number(error.low)} to {number(error.high)}; 1 is the "
        f"target's mean, below is nearer) over {error.n:,} people with held-out samples of both classes"
    )
    advice = ". For what is a person's own read the list of unusual genes, not the moved profile"
    sentence = f"{head}: {found}{advice if answer == FAIL else ''}."
    measured = ("pair_error", "pair_correlation", "pair_discrimination", "pair_top_genes", "individuality")
    numbers = {name: view.own(name).value for name in measured}
    return answered(answer, sentence, **numbers, pair_error_low=error.low, pair_error_high=error.high, n=error.n)


def _resembles_itself(view: EvidenceView) -> Answer:
    """Without pairs: resemblance to the input can fail, but is no proof that it is the person's own."""
    own = view.own("individuality")
    shift, draw = (view.of_method(name, "individuality") for name in (MEAN_SHIFT, GAUSSIAN_DRAW))
    numbers = {"individuality": own.value, "mean_shift": shift.value, "gaussian_draw": draw.value, "n": own.n}
    if not np.isfinite(own.value) or own.n < FEWEST_TARGETS:
        sentence = f"Withheld: it needs at least {FEWEST_TARGETS} held-out samples to be moved; there are {own.n}."
        return answered(NOT_TESTED, sentence, **numbers)
    as_a_draw = view.method == GAUSSIAN_DRAW or own.low <= draw.high
    if own.value < limit.INDIVIDUALITY_DOUBTFUL or as_a_draw:
        drawn = f"; a random target profile has {number(draw.value)}" if np.isfinite(draw.value) else ""
        asked = f"individuality {number(own.value)} ({limit.INDIVIDUALITY_DOUBTFUL} is the least{drawn})"
        return answered(FAIL, f"Does not keep the person, so read no single sample's genes: {asked}.", **numbers)
    part = "What" if own.value >= limit.INDIVIDUALITY_PASS else "Only part of what"
    kept = f"{part} is high in a sample stays high (individuality {number(own.value)})"
    n = view.own("pair_error").n
    few = f"; {n:,} were held out, at least {FEWEST_DONORS} are needed" if n else ""
    takes = f"it takes people with samples of both classes{few}"
    return answered(NOT_TESTED, f"{kept}. Whether that is the person's own was not tested: {takes}.", **numbers)


def _beats_mean_shift(view: EvidenceView) -> Answer:
    if view.method == MEAN_SHIFT:
        return answered(NOT_TESTED, "Does not apply: this run is the mean shift itself.")
    if withheld := _withheld(view):
        return withheld
    found = compare(view, MEAN_SHIFT)
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
    answer = FAIL if BETTER not in outcomes else DOUBTFUL if WORSE in outcomes else PASS
    head = {FAIL: "Not better", DOUBTFUL: "Better in part only", PASS: "Better"}[answer]
    gains = [comparison.measure for comparison in found if comparison.outcome == BETTER]
    where = f" in {listed(gains)}, and not worse" if answer == PASS and len(gains) < len(found) else ""
    compared = "; ".join(comparison.sentence for comparison in found)
    sentence = f"{head} than adding the difference of the class means{where}: {compared}{_network_adds(view)}."
    measured = ("energy_ratio", "gene_correlation", "hit_rate_forest")
    numbers = {name: view.own(name).value for name in measured}
    of_shift = {f"mean_shift_{name}": view.of_method(MEAN_SHIFT, name).value for name in measured}
    return answered(answer, sentence, **numbers, **of_shift)


def _network_adds(view: EvidenceView) -> str:
    """What training a network gains over the closed-form map."""
    found = compare(view, LINEAR_MAP)
    if view.method != "generator" or not found:
        return ""
    parts = [
        f"{verb} in {listed(words)}"
        for verb, outcome in (("gains", BETTER), ("loses", WORSE))
        if (words := [comparison.words for comparison in found if comparison.outcome == outcome])
    ]
    adds = " and ".join(parts) or "adds nothing on this data set"
    return f". Beside the linear map, which needs no network, the network {adds}"


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
        sentence = f"{head}: {'; '.join(f'{title_of(name)}: {text_of_rows(own)}' for name, own in decisive.items())}"
    untested = [title_of(name) for name, own in by_control(rows) if {row["answer"] for row in own} == {NOT_TESTED}]
    if worst != NOT_TESTED and untested:
        sentence += f". Not tested: {listed(untested)}"
    numbers = {f"{row['control']}.{row['measure']}": float(row["value"]) for row in rows}
    return answered(worst, f"{sentence}.", **numbers)
