"""Independent judges: classifiers that never saw the generator, fitted on real training samples only."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from tspg.analysis.distances import Matrix
from tspg.analysis.measure import Measure, joined_notes
from tspg.data.prepare import FloatMatrix

Names = NDArray[np.object_]
Classify = Callable[[FloatMatrix], Names]

LEAST_RECALL = 0.9  # a judge that misses more real samples of the target is not admitted (trust.md, 4.2)
NEIGHBOURS = 5
TREES = 200
_NEGLIGIBLE = 1e-12  # of the largest eigenvalue: a direction without variance


@dataclass(frozen=True)
class LinearJudge:
    """Multinomial logistic regression: the class with the largest intercept + profile . coefficients."""

    classes: Names
    coefficients: NDArray[np.float64]  # genes x classes
    intercepts: NDArray[np.float64]

    @classmethod
    def fit(cls, profiles: Matrix, class_names: Names) -> "LinearJudge":
        """Logistic regression with scikit-learn's ridge penalty (C = 1).

        With more genes than samples it is solved in the space that the samples span: the ridge
        penalty does not change under rotation, and the best coefficients lie in that space, so the
        model is the same and 18,154 genes take no longer than 600.
        """
        centre = profiles.mean(axis=0, dtype=np.float64)
        centred = profiles - centre
        varies = bool(centred.any())  # where nothing does, only the class sizes speak
        to_genes = _span(centred) if varies and centred.shape[1] > len(centred) else None
        scores = centred if to_genes is None else centred @ to_genes
        fitted = LogisticRegression(C=1.0, max_iter=5000).fit(scores, class_names.astype(str))
        coefficients, intercepts = fitted.coef_.T, fitted.intercept_
        if len(fitted.classes_) == 2:  # scikit-learn keeps only the second class's difference from the first
            coefficients = np.hstack([np.zeros_like(coefficients), coefficients])
            intercepts = np.array([0.0, intercepts[0]])
        if to_genes is not None:
            coefficients = to_genes @ coefficients
        return cls(fitted.classes_.astype(object), coefficients, intercepts - centre @ coefficients)

    def __call__(self, profiles: Matrix) -> Names:
        """The class of each profile."""
        called: Names = self.classes[(profiles @ self.coefficients + self.intercepts).argmax(axis=1)]
        return called


def _span(centred: NDArray[np.float64]) -> NDArray[np.float64]:
    """Orthonormal directions, genes x rank, in which the profiles vary (right singular vectors)."""
    eigenvalues, vectors = np.linalg.eigh(centred @ centred.T)
    kept = eigenvalues > _NEGLIGIBLE * eigenvalues[-1]
    directions: NDArray[np.float64] = centred.T @ (vectors[:, kept] / np.sqrt(eigenvalues[kept]))
    return directions


def fit_judges(training: Matrix, training_class: Names, *, seed: int) -> dict[str, Classify]:
    """`logistic`, `knn` and `forest`, each a function from scaled profiles to class names.

    They see the real training samples only: neither held-out nor moved ones, nor the target model.
    """
    labels = training_class.astype(str)
    nearest = KNeighborsClassifier(n_neighbors=min(NEIGHBOURS, len(labels)), algorithm="brute").fit(training, labels)
    forest = RandomForestClassifier(TREES, n_jobs=1, random_state=seed).fit(training, labels)
    return {
        "logistic": LinearJudge.fit(training, training_class),
        "knn": lambda profiles: nearest.predict(profiles).astype(object),
        "forest": lambda profiles: forest.predict(profiles).astype(object),
    }


def hit_rate(called: Names, target_class: str) -> Measure:
    """Share of profiles that a judge calls the target class, with its 95% Clopper-Pearson interval."""
    return rate(int((called == target_class).sum()), len(called))


def rate(hits: int, n: int) -> Measure:
    """A share with its 95% Clopper-Pearson interval."""
    if n == 0:
        return Measure(np.nan, note="too few")
    interval = binomtest(hits, n).proportion_ci(confidence_level=0.95, method="exact")
    return Measure(hits / n, float(interval.low), float(interval.high), n)


def _called(classify: Classify, profiles: FloatMatrix) -> Names:
    """What a judge calls the profiles; no classifier of scikit-learn takes none at all."""
    return classify(profiles) if len(profiles) else np.empty(0, dtype=object)


def transfer(rate: float, base: float, recall: float) -> float:
    """The hit rate on the scale from untouched sources (0) to real target samples (1): (A - b) / (R - b)."""
    return (rate - base) / (recall - base) if recall > base else np.nan


def judge_note(found: Measure, *, base: Measure, recall: Measure) -> str:
    """What is to be known beside a hit rate: whether its judge knows real samples, and the transfer."""
    share = transfer(found.value, base.value, recall.value)
    return joined_notes(
        "" if recall.value >= LEAST_RECALL else "not admitted",
        f"recall {recall.value:.2f}" if recall.n else "no real sample to check the judge",
        f"transfer {share:.2f}" if np.isfinite(share) else "",
    )


@dataclass(frozen=True)
class Hearing:
    """How one judge calls untouched sources (`base`) and real held-out target samples (`recall`)."""

    classify: Classify
    target_class: str
    base: Measure
    recall: Measure

    @classmethod
    def of(cls, classify: Classify, target_class: str, *, sources: FloatMatrix, real: FloatMatrix) -> "Hearing":
        """Ask the judge about profiles whose class is known."""
        base, recall = (hit_rate(_called(classify, part), target_class) for part in (sources, real))
        return cls(classify, target_class, base, recall)

    def of_moved(self, moved: FloatMatrix) -> Measure:
        """The hit rate of moved profiles; the note holds the judge's recall on real samples and the transfer."""
        found = hit_rate(_called(self.classify, moved), self.target_class)
        note = judge_note(found, base=self.base, recall=self.recall)
        return Measure(found.value, found.low, found.high, found.n, note)
