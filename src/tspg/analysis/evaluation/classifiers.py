"""Independent classifiers: they never saw the generator, and are fitted on real training samples only.

scikit-learn is loaded when one is fitted: finished runs are opened, compared and drawn without it.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_info

from tspg.analysis.evaluation.measure import Measure, Status, joined_notes
from tspg.analysis.evaluation.proportions import rate_interval
from tspg.analysis.evaluation.resampling import MOST_TRAINING, Groups, rows_of_every_class
from tspg.utils.typing import Float32Array, Float64Array, FloatArray, NameArray

Classify = Callable[[Float32Array], NameArray]

LEAST_RECALL = 0.9  # a classifier that misses more real samples of the target is not admitted (trust.md, 4.2)
NEIGHBOURS = 5
TREES = 200
# Where the training samples are bounded: 100 trees of 1,000 samples each know held-out samples as well as 200 do.
BOUNDED_TREES, TREE_SAMPLES = 100, 1000
MOST_SPANNED = 700  # samples; of more, their space takes longer to find than the few steps in all genes
_NEGLIGIBLE = 1e-12  # of the largest eigenvalue: a direction without variance


@dataclass(frozen=True)
class LinearClassifier:
    """Multinomial logistic regression: the class with the largest intercept + profile . coefficients."""

    classes: NameArray
    coefficients: NDArray[np.float64]  # genes x classes
    intercepts: NDArray[np.float64]

    @classmethod
    def fit(cls, profiles: FloatArray, class_names: NameArray) -> "LinearClassifier":
        """Logistic regression with scikit-learn's ridge penalty (C = 1).

        With more genes than samples it is solved in the space that the samples span: the ridge penalty does
        not change under rotation and the best coefficients lie in that space, so the model is the same and
        18,154 genes take no longer than 600. With more than 700 samples finding that space takes longer than
        it saves.
        """
        from sklearn.linear_model import LogisticRegression

        centre = profiles.mean(axis=0, dtype=np.float64)
        centred = profiles - centre
        is_wide = centred.shape[1] > len(centred) and len(centred) <= MOST_SPANNED
        scores, to_samples = centred, None
        if is_wide and centred.any():  # where nothing varies, only the class sizes count
            lengths, vectors = _variation(centred)
            scores, to_samples = vectors * lengths, vectors / lengths
        fitted = LogisticRegression(C=1.0, max_iter=5000).fit(scores, class_names)
        coefficients, intercepts = fitted.coef_.T, fitted.intercept_
        if len(fitted.classes_) == 2:  # scikit-learn keeps only the second class's difference from the first
            coefficients = np.hstack([np.zeros_like(coefficients), coefficients])
            intercepts = np.array([0.0, intercepts[0]])
        if to_samples is not None:
            coefficients = centred.T @ (to_samples @ coefficients)
        return cls(fitted.classes_.astype(object), coefficients, intercepts - centre @ coefficients)

    def __call__(self, profiles: FloatArray) -> NameArray:
        """The class of each profile."""
        scores = profiles @ self.coefficients.astype(profiles.dtype) + self.intercepts
        called: NameArray = self.classes[scores.argmax(axis=1)]
        return called


def _variation(centred: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Singular values and left singular vectors, those that are not rounding alone."""
    eigenvalues, vectors = np.linalg.eigh(centred @ centred.T)
    kept = eigenvalues > _NEGLIGIBLE * eigenvalues[-1]
    return np.sqrt(eigenvalues[kept]), vectors[:, kept]


def in_their_span(profiles: FloatArray) -> FloatArray:
    """Profiles with more genes than samples by their coordinates in the space that they span; others unchanged.

    All distances and angles stay, so a classifier with a ridge penalty learns the same from either.
    """
    centred = profiles - profiles.mean(axis=0, dtype=np.float64)
    if centred.shape[1] <= len(centred) or not centred.any():
        return profiles
    lengths, vectors = _variation(centred)
    return vectors * lengths


def fit_independent_classifiers(
    training: FloatArray, training_class: NameArray, *, seed: int, logistic: LinearClassifier | None = None
) -> dict[str, Classify]:
    """`logistic`, `knn` and `forest`, each a function from scaled profiles to class names.

    They are fitted on real training samples only: neither held-out nor moved ones. They know no target, so one
    fit serves all targets. Of more than 2,000 samples they learn from so many, classes drawn evenly and small
    ones whole, and the forest has 100 trees that draw 1,000 of these each. `logistic` is the one of
    `logistic_classifier` where it was fitted before.
    """
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.neighbors import KNeighborsClassifier

    logistic, n = logistic or logistic_classifier(training, training_class, seed=seed), len(training)
    rows = rows_of_every_class(training_class, seed=seed, bound=MOST_TRAINING)
    training, training_class = training[rows], training_class[rows]
    nearest = KNeighborsClassifier(n_neighbors=min(NEIGHBOURS, len(training)), algorithm="brute")
    nearest.fit(training, training_class)
    trees, drawn = (TREES, None) if len(training) == n else (BOUNDED_TREES, min(TREE_SAMPLES, len(training)))
    n_threads = max((int(pool["num_threads"]) for pool in threadpool_info()), default=1)  # trees do not depend on it
    forest = RandomForestClassifier(trees, n_jobs=n_threads, random_state=seed, max_samples=drawn)
    forest.fit(training, training_class)
    forest.set_params(n_jobs=1)  # the trees' votes are then added up in one order
    return {"logistic": logistic, "knn": nearest.predict, "forest": forest.predict}


def logistic_classifier(training: FloatArray, training_class: NameArray, *, seed: int) -> LinearClassifier:
    """Logistic regression on the training samples or, of more than 2,000, on so many."""
    rows = rows_of_every_class(training_class, seed=seed, bound=MOST_TRAINING)
    return LinearClassifier.fit(training[rows], training_class[rows])


def training_note(n_training: int) -> str:
    """A note where classifiers learn from a part of the training samples; empty where from all."""
    return f"learned from {MOST_TRAINING:,} of {n_training:,} samples at most" if n_training > MOST_TRAINING else ""


def hit_rate(called: NameArray, target_class: str, groups: Groups = None) -> Measure:
    """Share of profiles called the target class, with its 95% Clopper-Pearson interval over donors."""
    is_hit = np.asarray(called == target_class, dtype=bool)
    if not len(is_hit):
        return Measure.too_few()
    return Measure(float(is_hit.mean()), *rate_interval(is_hit, groups), len(is_hit))


def normalised_hit_rate(rate: float, base: float, recall: float) -> float:
    """The hit rate on the scale from untouched sources (0) to real target samples (1): (A - b) / (R - b)."""
    return (rate - base) / (recall - base) if recall > base else np.nan


def rated(found: Measure, *, base: Measure, recall: Measure, note: str = "") -> Measure:
    """A hit rate with status and note: the classifier's recall on real samples, and the normalised hit rate."""
    is_admitted = recall.value >= LEAST_RECALL
    share = normalised_hit_rate(found.value, base.value, recall.value)
    note = joined_notes(
        "" if is_admitted else "not counted",
        f"recall {recall.value:.2f}" if recall.n else "no real sample to check the judge",
        f"transfer {share:.2f}" if np.isfinite(share) else "",
        note,
    )
    status = Status.TOO_FEW if not found.n else Status.OK if is_admitted else Status.NOT_ADMITTED
    return Measure(found.value, found.low, found.high, found.n, status, note)


@dataclass(frozen=True)
class ClassifierScore:
    """Which share of untouched sources (`base`) and of real held-out target samples (`recall`) is called the target.

    `groups` are the donors of the sources, in the order of moved profiles; `note` is added to each measure's own.
    """

    classify: Classify
    target_class: str
    base: Measure
    recall: Measure
    groups: Groups = None
    note: str = ""

    @classmethod
    def of(
        cls,
        classify: Classify,
        target_class: str,
        *,
        sources: Float32Array,
        real: Float32Array,
        source_groups: Groups = None,
        real_groups: Groups = None,
        note: str = "",
    ) -> "ClassifierScore":
        """Classify profiles whose class is known."""
        known = ((sources, source_groups), (real, real_groups))
        base, recall = (hit_rate(_called(classify, profiles), target_class, groups) for profiles, groups in known)
        return cls(classify, target_class, base, recall, source_groups, note)

    def of_moved(self, moved: Float32Array) -> Measure:
        """The hit rate of moved profiles."""
        found = hit_rate(_called(self.classify, moved), self.target_class, self.groups)
        return rated(found, base=self.base, recall=self.recall, note=self.note)


def _called(classify: Classify, profiles: Float32Array) -> NameArray:
    # No classifier of scikit-learn takes no profile at all.
    return classify(profiles) if len(profiles) else np.empty(0, dtype=object)
