"""Independent judges: classifiers that never saw the generator, fitted on real training samples only."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from threadpoolctl import threadpool_info, threadpool_limits

from tspg.analysis.evaluation.measure import Measure, joined_notes
from tspg.analysis.evaluation.proportions import rate_interval
from tspg.analysis.evaluation.resampling import Groups
from tspg.analysis.evaluation.subsampling import MOST_TAUGHT, rows_of_every_class
from tspg.utils.typing import Float32Array, FloatArray, NameArray

Classify = Callable[[Float32Array], NameArray]

LEAST_RECALL = 0.9  # a judge that misses more real samples of the target is not admitted (trust.md, 4.2)
NEIGHBOURS = 5
TREES = 200
TREE_SAMPLES = 1000  # that each tree draws where the training samples are bounded
MOST_SPANNED = 700  # samples; of more, their space takes longer to find than the few steps in all genes
_WORTH_SHARING = 10**8  # multiplications; a twentieth of a second
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

        With more genes than samples it is solved in the space that the samples span: the ridge
        penalty does not change under rotation, and the best coefficients lie in that space, so the
        model is the same and 18,154 genes take no longer than 600. Of more than 700 samples that space
        takes longer to find than it saves.
        """
        centre = profiles.mean(axis=0, dtype=np.float64)
        centred = profiles - centre
        varies = bool(centred.any())  # where nothing does, only the class sizes speak
        is_wide = centred.shape[1] > len(centred) and len(centred) <= MOST_SPANNED
        to_genes = _span(centred) if varies and is_wide else None
        scores = centred if to_genes is None else centred @ to_genes
        with _threads_for(scores.size * len(set(class_names))):
            fitted = LogisticRegression(C=1.0, max_iter=5000).fit(scores, class_names)
        coefficients, intercepts = fitted.coef_.T, fitted.intercept_
        if len(fitted.classes_) == 2:  # scikit-learn keeps only the second class's difference from the first
            coefficients = np.hstack([np.zeros_like(coefficients), coefficients])
            intercepts = np.array([0.0, intercepts[0]])
        if to_genes is not None:
            coefficients = to_genes @ coefficients
        return cls(fitted.classes_.astype(object), coefficients, intercepts - centre @ coefficients)

    def __call__(self, profiles: FloatArray) -> NameArray:
        """The class of each profile."""
        called: NameArray = self.classes[(profiles @ self.coefficients + self.intercepts).argmax(axis=1)]
        return called


def _threads_for(products: int) -> AbstractContextManager[object]:
    """One thread where each step is a small product: many threads wait for each other longer than they compute."""
    return threadpool_limits(1) if products < _WORTH_SHARING else nullcontext()


def _span(centred: NDArray[np.float64]) -> NDArray[np.float64]:
    """Orthonormal directions, genes x rank, in which the profiles vary (right singular vectors)."""
    lengths, vectors = _variation(centred)
    directions: NDArray[np.float64] = centred.T @ (vectors / lengths)
    return directions


def _variation(centred: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Singular values and left singular vectors, those that are not rounding alone."""
    eigenvalues, vectors = np.linalg.eigh(centred @ centred.T)
    kept = eigenvalues > _NEGLIGIBLE * eigenvalues[-1]
    return np.sqrt(eigenvalues[kept]), vectors[:, kept]


def in_their_span(profiles: FloatArray) -> FloatArray:
    """Profiles with more genes than samples by their places in the space that they span; others as they are.

    All that lies between them stays as it is, so a classifier with a ridge penalty learns the same from
    either, and several that learn from some of these samples need not carry all genes.
    """
    centred = profiles - profiles.mean(axis=0, dtype=np.float64)
    if centred.shape[1] <= len(centred) or not centred.any():
        return profiles
    lengths, vectors = _variation(centred)
    return vectors * lengths


def fit_independent_classifiers(training: FloatArray, training_class: NameArray, *, seed: int) -> dict[str, Classify]:
    """`logistic`, `knn` and `forest`, each a function from scaled profiles to class names.

    They see the real training samples only: neither held-out nor moved ones, nor the target model. They
    know no target, so one study's judges can be fitted once for all its targets. Of more than 2,000
    samples they see so many, classes drawn evenly and small ones whole, and each tree draws 1,000 of these.
    """
    logistic, n = logistic_classifier(training, training_class, seed=seed), len(training)
    training, training_class = _taught(training, training_class, seed)
    nearest = KNeighborsClassifier(n_neighbors=min(NEIGHBOURS, len(training)), algorithm="brute")
    nearest.fit(training, training_class)
    drawn = None if len(training) == n else min(TREE_SAMPLES, len(training))  # None: as many as there are
    forest = RandomForestClassifier(TREES, n_jobs=_threads(), random_state=seed, max_samples=drawn)
    forest.fit(training, training_class)
    forest.set_params(n_jobs=1)  # the trees' votes are then added up in one order
    return {"logistic": logistic, "knn": nearest.predict, "forest": forest.predict}


def logistic_classifier(training: FloatArray, training_class: NameArray, *, seed: int) -> LinearClassifier:
    """The linear judge of a study, fitted on its training samples or, of more than 2,000, on so many."""
    return LinearClassifier.fit(*_taught(training, training_class, seed))


def _taught(training: FloatArray, training_class: NameArray, seed: int) -> tuple[FloatArray, NameArray]:
    """The training samples that judges learn from."""
    rows = rows_of_every_class(training_class, seed=seed, bound=MOST_TAUGHT)
    return training[rows], training_class[rows]


def _threads() -> int:
    """How many threads the run may use now; trees do not depend on who grows them."""
    return max((int(pool["num_threads"]) for pool in threadpool_info()), default=1)


def training_note(n_training: int) -> str:
    """What there is to say about how many of the training samples judges learn from."""
    return f"learned from {MOST_TAUGHT:,} of {n_training:,} samples at most" if n_training > MOST_TAUGHT else ""


def hit_rate(called: NameArray, target_class: str, groups: Groups = None) -> Measure:
    """Share of profiles that a judge calls the target class, with its 95% Clopper-Pearson interval over donors."""
    is_hit = np.asarray(called == target_class, dtype=bool)
    if not len(is_hit):
        return Measure(np.nan, note="too few")
    return Measure(float(is_hit.mean()), *rate_interval(is_hit, groups), len(is_hit))


def _called(classify: Classify, profiles: Float32Array) -> NameArray:
    """What a judge calls the profiles; no classifier of scikit-learn takes none at all."""
    return classify(profiles) if len(profiles) else np.empty(0, dtype=object)


def transfer(rate: float, base: float, recall: float) -> float:
    """The hit rate on the scale from untouched sources (0) to real target samples (1): (A - b) / (R - b)."""
    return (rate - base) / (recall - base) if recall > base else np.nan


def classifier_note(found: Measure, *, base: Measure, recall: Measure) -> str:
    """What is to be known beside a hit rate: whether its judge knows real samples, and the transfer."""
    share = transfer(found.value, base.value, recall.value)
    return joined_notes(
        "" if recall.value >= LEAST_RECALL else "not admitted",
        f"recall {recall.value:.2f}" if recall.n else "no real sample to check the judge",
        f"transfer {share:.2f}" if np.isfinite(share) else "",
    )


@dataclass(frozen=True)
class ClassifierScore:
    """How one judge calls untouched sources (`base`) and real held-out target samples (`recall`).

    `groups` are the donors of the sources, in whose order moved profiles come.
    """

    classify: Classify
    target_class: str
    base: Measure
    recall: Measure
    groups: Groups = None
    taught: str = ""  # what there is to say about how it was fitted

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
        taught: str = "",
    ) -> "ClassifierScore":
        """Ask the judge about profiles whose class is known."""
        base = hit_rate(_called(classify, sources), target_class, source_groups)
        recall = hit_rate(_called(classify, real), target_class, real_groups)
        return cls(classify, target_class, base, recall, source_groups, taught)

    def of_moved(self, moved: Float32Array) -> Measure:
        """The hit rate of moved profiles; the note holds the judge's recall on real samples and the transfer."""
        found = hit_rate(_called(self.classify, moved), self.target_class, self.groups)
        note = classifier_note(found, base=self.base, recall=self.recall)
        return Measure(found.value, found.low, found.high, found.n, joined_notes(note, self.taught))
