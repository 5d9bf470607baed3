"""What a classifier can learn from moved profiles: where they came from, and what the target looks like."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tspg.analysis.evaluation.classifiers import LinearClassifier, in_their_span
from tspg.analysis.evaluation.measure import Measure, joined_notes
from tspg.analysis.evaluation.resampling import (
    MOST_SEPARATED,
    Groups,
    bootstrap_interval,
    bound_note,
    donor_codes,
    donor_folds,
    rows_of_every_class,
)
from tspg.utils.typing import Float64Array, FloatArray, Int64Array, NameArray

FOLDS = 5


def source_leak(moved: FloatArray, source_class: NameArray, *, groups: Groups = None, seed: int) -> Measure:
    """How well the class that moved profiles came from can be told from them: balanced accuracy, with its chance.

    Logistic regression, cross-fitted with whole donors held out. A class with samples of fewer than two donors
    is left out. Read it against the mean shift, which moves every class by one vector and so leaves all that
    tells classes apart but their means. Of more than 1,000 samples so many are used, classes drawn evenly.
    """
    chosen = rows_of_every_class(source_class, seed=seed, bound=MOST_SEPARATED)
    (donors,) = donor_codes((len(moved), groups))
    names = sorted(set(source_class[chosen]))
    kept = [name for name in names if len(np.unique(donors[chosen][source_class[chosen] == name])) >= 2]
    note = f"{len(names) - len(kept)} classes with one donor left out" if len(kept) < len(names) else ""
    rows = chosen[np.isin(source_class[chosen], kept)]
    if len(kept) < 2:
        return Measure.undefined(len(rows), joined_notes("fewer than two classes to tell apart", note))
    profiles, truth, donors = in_their_span(moved[rows]), source_class[rows], donors[rows]
    fold = donor_folds(donors, truth, n_folds=min(FOLDS, len(np.unique(donors))), seed=seed)
    called = np.full(len(truth), "", dtype=object)
    for held_out in (fold == number for number in np.unique(fold)):
        seen = truth[~held_out]
        only_one = len(set(seen)) == 1
        called[held_out] = seen[0] if only_one else LinearClassifier.fit(profiles[~held_out], seen)(profiles[held_out])
    chance, bound = 1 / len(kept), bound_note(len(chosen), len(moved), "samples")
    return replace(
        _balanced_accuracy(called, truth, donors, seed),
        note=joined_notes(f"chance {chance:.2g} ({len(kept)} classes)", note, bound),
        chance=Measure(chance, n=len(rows)),
    )


def _balanced_accuracy(called: NameArray, truth: NameArray, donors: Int64Array, seed: int) -> Measure:
    """Mean over classes of the share called right, with its interval over donors."""
    is_class = (truth[:, None] == np.unique(truth.astype(str)).astype(object)).astype(np.float64)
    is_right = (called == truth).astype(np.float64)

    def replicates(weights: Float64Array) -> Float64Array:
        sizes = weights @ is_class
        shares = np.divide((weights * is_right) @ is_class, sizes, out=np.full_like(sizes, np.nan), where=sizes > 0)
        has_class = np.isfinite(shares)
        means: Float64Array = np.nansum(shares, axis=1) / has_class.sum(axis=1)
        return means

    value = float(replicates(np.ones((1, len(truth))))[0])
    low, high = bootstrap_interval(value, donors, replicates, seed=seed)
    return Measure(value, float(np.clip(low, 0, 1)), float(np.clip(high, 0, 1)), len(truth))


@dataclass(frozen=True)
class TargetLesson:
    """Do moved profiles teach what the target looks like? Balanced accuracy, target against rest, on real samples.

    Two logistic regressions tell the target from all other classes: one is fitted on moved training *sources*
    (as many as there are real target samples, drawn at random), the other, whose accuracy is in the note, on
    the real training samples of the target. The other classes are the same real samples both times, so sources
    that were not moved carry both labels and teach nothing (.5). `bound` says how many of all training samples
    these are, where not all.
    """

    training: FloatArray
    training_class: NameArray
    held_out: FloatArray
    held_out_class: NameArray
    target_class: str
    held_out_groups: Groups
    seed: int
    bound: str = ""

    @cached_property
    def _targets(self) -> FloatArray:
        targets: FloatArray = self.training[self.training_class == self.target_class]
        return targets

    @cached_property
    def _from_real(self) -> float:
        return self._accuracy(self._targets).value  # the same for every method

    def taught(self, n_sources: int) -> NDArray[np.int64]:
        """Which of the training sources teach: as many as there are real target samples; only these need be moved."""
        n = min(len(self._targets), n_sources)
        return np.sort(np.random.default_rng([self.seed, 91]).choice(n_sources, n, replace=False))

    def from_moved(self, moved: FloatArray) -> Measure:
        """What moved training sources teach."""
        is_target = self.held_out_class == self.target_class
        if len(moved) == 0 or len(self._targets) == 0 or not is_target.any() or is_target.all():
            return Measure.too_few(len(self.held_out))
        note = joined_notes(f"{self._from_real:.3f} when trained on real target samples", self.bound)
        return replace(self._accuracy(moved[self.taught(len(moved))]), note=note)

    def _accuracy(self, targets: FloatArray) -> Measure:
        """How well held-out samples are told apart by a classifier that was given these as the target."""
        others = self.training[self.training_class != self.target_class]
        names = np.repeat(np.array(["other", "target"], dtype=object), [len(others), len(targets)])
        classifier = LinearClassifier.fit(np.concatenate([others, targets]), names)
        truth = np.where(self.held_out_class == self.target_class, "target", "other").astype(object)
        (donors,) = donor_codes((len(self.held_out), self.held_out_groups))
        return _balanced_accuracy(classifier(self.held_out), truth, donors, self.seed)
