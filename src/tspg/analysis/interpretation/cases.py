"""The profiles whose change is analysed further: some of each source class, and the samples that were named."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from anndata import AnnData
from numpy.typing import NDArray

from tspg.analysis.evaluation.classifiers import LinearClassifier, logistic_classifier
from tspg.analysis.interpretation.perturbations import source_classes_of, target_class_of
from tspg.utils.typing import BoolArray, Float32Array, Float64Array, FloatArray, NameArray

MOST_OF_A_CLASS = 20  # samples, taken evenly


@dataclass(frozen=True)
class Case:
    """Profiles before, and what is added to each: of one sample, or (`sample` empty) of some of a source class.

    `like_class` is the source class, or the one that f sees where it is not known.
    """

    source_class: str
    sample: str
    like_class: str
    before: Float32Array
    change: Float32Array

    @property
    def mean_change(self) -> Float64Array:
        """The change of the average gene profile, shape (genes,)."""
        mean: Float64Array = self.change.mean(axis=0, dtype=np.float64)
        return mean


@dataclass(frozen=True)
class LayeredClassifier:
    """A classifier as its first layer, which is linear, and the rest: what a few genes change is soon computed.

    `weights` have shape (genes, units); `rest` gives the class of each row of profiles @ weights.
    """

    weights: FloatArray
    rest: Callable[[FloatArray], NameArray]

    @classmethod
    def of_linear(cls, classifier: LinearClassifier) -> "LayeredClassifier":
        """A classifier that has no other layer."""
        return cls(
            classifier.coefficients.astype(np.float32),
            lambda units: classifier.classes[(units + classifier.intercepts).argmax(axis=1)],
        )


@dataclass(frozen=True)
class Reference:
    """What cases are read against: f, an independent classifier, and the real samples of the model's own run.

    `classifiers` are `f` and `logistic`, fitted on real training samples only; `profiles` are the real samples, scaled,
    with the class and name of each.
    """

    target_class: str
    classifiers: dict[str, LayeredClassifier]
    profiles: Float32Array
    classes: NameArray
    names: NameArray
    is_train: BoolArray

    @classmethod
    def of(
        cls, adata: AnnData, f: LayeredClassifier, *, seed: int, logistic: LinearClassifier | None = None
    ) -> "Reference":
        """From the moved profiles of the run that trained the model, and its f.

        `logistic` is a classifier that was fitted on the same training samples before; None fits it here.
        """
        is_train = (adata.obs["split"] == "train").to_numpy()
        classes, names = adata.obs["source_class"].to_numpy(dtype=object), adata.obs_names.to_numpy(dtype=object)
        real = np.asarray(adata.layers["original"])
        logistic = logistic or logistic_classifier(real[is_train], classes[is_train], seed=seed)
        classifiers = {"f": f, "logistic": LayeredClassifier.of_linear(logistic)}
        return cls(target_class_of(adata), classifiers, real, classes, names, is_train)

    def of_class(self, name: str) -> Float32Array:
        """The real training profiles of a class."""
        members: Float32Array = self.profiles[self.is_train & (self.classes == name)]
        return members

    def called_along(self, case: Case, steps: Float64Array) -> dict[str, BoolArray]:
        """Which profiles each classifier calls the target at x + a P, shape (steps, profiles)."""
        called = {}
        for name, classifier in self.classifiers.items():
            before, change = case.before @ classifier.weights, case.change @ classifier.weights
            called[name] = self._is_target(classifier, before + steps[:, None, None].astype(before.dtype) * change)
        return called

    def called_with(self, case: Case, gene_sets: Sequence[NDArray[np.integer]]) -> dict[str, BoolArray]:
        """Which profiles each classifier calls the target if only a set's genes are moved, shape (sets, profiles)."""
        called = {}
        for name, classifier in self.classifiers.items():
            moved = [case.change[:, genes] @ classifier.weights[genes] for genes in gene_sets]
            called[name] = self._is_target(classifier, case.before @ classifier.weights + np.stack(moved))
        return called

    def shares_agreed(
        self, groups: Sequence[Callable[[str, LayeredClassifier], FloatArray]], *, least: float
    ) -> Float64Array:
        """The share of each group's profiles that all classifiers call the target; below `least` it may be less.

        A group gives, for a classifier, its profiles times the weights. `logistic`, the last, is quick and comes
        first: f only sees the profiles that it lets pass, in groups of which it lets enough pass.
        """
        left: dict[int, BoolArray] = {}
        shares = np.ones(len(groups))
        for name, classifier in reversed(self.classifiers.items()):
            possible = np.flatnonzero(shares >= least).tolist()
            if not possible:
                break
            units = [groups[at](name, classifier) for at in possible]
            seen = np.stack([left.get(at, every) for at, every in zip(possible, map(_all_of, units), strict=True)])
            called = classifier.rest(np.concatenate([own[rows] for own, rows in zip(units, seen, strict=True)]))
            seen[seen] = called == self.target_class
            left |= zip(possible, seen, strict=True)
            shares[possible] = seen.mean(axis=1)
        return shares

    def _is_target(self, classifier: LayeredClassifier, units: FloatArray) -> BoolArray:
        """Of units of shape (groups, profiles, units)."""
        called: BoolArray = classifier.rest(units.reshape(-1, units.shape[2])) == self.target_class
        return called.reshape(units.shape[:2])


def _all_of(profiles: FloatArray) -> BoolArray:
    return np.ones(len(profiles), dtype=bool)


def cases_of(adata: AnnData, samples: Sequence[str] = ()) -> Iterator[Case]:
    """Each source class, by up to twenty of its held-out samples or of all if none was; then the named samples."""
    classes = adata.obs["source_class"].to_numpy(dtype=object)
    held_out = (adata.obs["split"] != "train").to_numpy()
    row_of = {str(name): row for row, name in enumerate(adata.obs_names)}

    def case(source_class: str, sample: str, rows: NDArray[np.int64]) -> Case:
        like = source_class or str(adata.obs["predicted_before"].iloc[rows[0]])
        before, change = (np.asarray(adata.layers[name][rows]) for name in ("original", "perturbation"))
        return Case(source_class, sample, like, before, change)

    for name in source_classes_of(adata):
        rows = np.flatnonzero((classes == name) & held_out)
        rows = rows if len(rows) else np.flatnonzero(classes == name)
        yield case(name, "", rows[:: -(-len(rows) // MOST_OF_A_CLASS)])
    for name in samples:
        yield case(str(classes[row_of[name]]), name, np.array([row_of[name]]))
