"""Is what was moved still this person? Asked of people whose own target sample is known, where there are any."""

import numpy as np

from tspg.analysis.evaluation import thresholds as limit
from tspg.analysis.evaluation.criteria import Answer, EvidenceView, answered
from tspg.analysis.evaluation.measure import FEWEST_TARGETS, GAUSSIAN_DRAW, MEAN_SHIFT, TARGET_MEAN, Measure
from tspg.analysis.evaluation.resampling import FEWEST_DONORS
from tspg.analysis.evaluation.thresholds import DOUBTFUL, FAIL, NOT_TESTED, PASS, PROBABLY
from tspg.utils.text import number


def individual(readings: EvidenceView) -> Answer:
    """Whether what is moved stays this person's own: asked of people with samples of both classes."""
    if readings.method == TARGET_MEAN:
        return answered(NOT_TESTED, "Does not apply: the target's mean is the same for everyone.")
    error = readings.own("pair_error")
    if np.isfinite(error.low) and np.isfinite(error.high) and error.n >= FEWEST_DONORS:
        return _beside_own_counterpart(readings, error)
    return _resembles_itself(readings)


def _beside_own_counterpart(readings: EvidenceView, error: Measure) -> Answer:
    """The error to each person's own target sample, beside that of the target's mean (1)."""
    reaches_over = error.low <= 1 <= error.high
    answer = (PROBABLY if reaches_over else PASS) if error.value < 1 else DOUBTFUL if reaches_over else FAIL
    head = {
        PASS: "Nearer to each person's own target sample than the target's mean is",
        PROBABLY: "Probably nearer to each person's own target sample than the target's mean is",
        DOUBTFUL: "Not nearer to each person's own target sample than the target's mean is, as far as can be told",
        FAIL: "Farther from each person's own target sample than the target's mean is",
    }[answer]
    found = (
        f"pair error {number(error.value)} (95% interval {number(error.low)} to {number(error.high)}; 1 is the "
        f"target's mean, below is nearer) over {error.n:,} people with held-out samples of both classes"
    )
    advice = ". For what is a person's own read the list of unusual genes, not the moved profile"
    sentence = f"{head}: {found}{advice if answer == FAIL else ''}."
    measured = ("pair_error", "pair_correlation", "pair_discrimination", "pair_top_genes", "individuality")
    numbers = {name: readings.own(name).value for name in measured}
    low, high = error.low, error.high
    return answered(answer, sentence, **numbers, pair_error_low=low, pair_error_high=high, n=error.n)


def _resembles_itself(readings: EvidenceView) -> Answer:
    """Without pairs: resemblance to the input can fail, but is no proof that it is the person's own."""
    own = readings.own("individuality")
    shift, draw = (readings.of_method(name, "individuality") for name in (MEAN_SHIFT, GAUSSIAN_DRAW))
    numbers = {"individuality": own.value, "mean_shift": shift.value, "gaussian_draw": draw.value, "n": own.n}
    if not np.isfinite(own.value) or own.n < FEWEST_TARGETS:
        sentence = f"Withheld: it needs at least {FEWEST_TARGETS} held-out samples to be moved; there are {own.n}."
        return answered(NOT_TESTED, sentence, **numbers)
    as_a_draw = readings.method == GAUSSIAN_DRAW or own.low <= draw.high
    if own.value < limit.INDIVIDUALITY_DOUBTFUL or as_a_draw:
        drawn = f"; a random target profile has {number(draw.value)}" if np.isfinite(draw.value) else ""
        asked = f"individuality {number(own.value)} ({limit.INDIVIDUALITY_DOUBTFUL} is the least{drawn})"
        return answered(FAIL, f"Does not keep the person, so read no single sample's genes: {asked}.", **numbers)
    part = "What" if own.value >= limit.INDIVIDUALITY_PASS else "Only part of what"
    kept = f"{part} is high in a sample stays high (individuality {number(own.value)})"
    n = readings.own("pair_error").n
    few = f"; {n:,} were held out, at least {FEWEST_DONORS} are needed" if n else ""
    takes = f"it takes people with samples of both classes{few}"
    sentence = f"{kept}. Whether that is the person's own was not tested: {takes}."
    return answered(NOT_TESTED, sentence, **numbers)
