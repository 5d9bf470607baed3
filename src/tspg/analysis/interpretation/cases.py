"""The profiles that single questions are put to: some of each source class, and the samples that were named."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from anndata import AnnData
from numpy.typing import NDArray

from tspg.analysis.evaluation.classifiers import logistic_classifier
from tspg.analysis.interpretation.perturbations import source_classes_of, target_class_of
from tspg.utils.typing import Float32Array, NameArray

MOST_OF_A_CLASS = 20  # samples, taken evenly
Classify = Callable[[Float32Array], NameArray]


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
    def mean_change(self) -> NDArray[np.float64]:
        """The change of the average gene profile, shape (genes,)."""
        mean: NDArray[np.float64] = self.change.mean(axis=0, dtype=np.float64)
        return mean


@dataclass(frozen=True)
class Setting:
    """What a case is judged by: f, an independent classifier, and the real samples of the model's own study.

    `judges` are `f` and `logistic`, fitted on real training samples only; `training` and `held_out` are
    real scaled profiles, with the class of each.
    """

    target_class: str
    classifiers: dict[str, Classify]
    training: Float32Array
    training_class: NameArray
    held_out: Float32Array
    held_out_class: NameArray
    held_out_names: tuple[str, ...] = ()

    @classmethod
    def of(cls, study: AnnData, classify: Classify, *, seed: int, logistic: Classify | None = None) -> "Setting":
        """From the perturbations of the run that trained the model, and its f.

        `logistic` is a judge that was fitted on the same training samples before; None fits it here.
        """
        is_train = (study.obs["split"] == "train").to_numpy()
        classes = study.obs["source_class"].to_numpy(dtype=object)
        real = np.asarray(study.layers["original"])
        training, training_class = real[is_train], classes[is_train]
        names = tuple(map(str, study.obs_names[~is_train]))
        classifiers: dict[str, Classify] = {
            "f": classify,
            "logistic": logistic or logistic_classifier(training, training_class, seed=seed),
        }
        return cls(
            target_class_of(study), classifiers, training, training_class, real[~is_train], classes[~is_train], names
        )

    def of_class(self, name: str) -> Float32Array:
        """The real training profiles of a class."""
        members: Float32Array = self.training[self.training_class == name]
        return members

    def called(self, profiles: Float32Array) -> dict[str, NDArray[np.bool_]]:
        """Which profiles each judge calls the target."""
        return {name: judge(profiles) == self.target_class for name, judge in self.classifiers.items()}

    def shares_agreed(self, groups: Float32Array, *, least: float) -> NDArray[np.float64]:
        """The share of each group's profiles that all judges call the target; below `least` it may be less.

        `groups` has shape (groups, profiles, genes). `logistic`, the last, is quick and comes first: f is
        only asked about what that one lets pass, in groups of which it lets enough pass.
        """
        left = np.ones(groups.shape[:2], dtype=bool)
        for judge in reversed(self.classifiers.values()):
            asked = left & (left.mean(axis=1) >= least)[:, None]
            left[asked] = judge(groups[asked]) == self.target_class
        shares: NDArray[np.float64] = left.mean(axis=1)
        return shares


def cases_of(perturbations: AnnData, samples: Sequence[str] = ()) -> Iterator[Case]:
    """Each source class, by up to twenty of its held-out samples or of all if none was; then the named samples."""
    obs = perturbations.obs
    classes = obs["source_class"].to_numpy(dtype=object)
    held_out = (obs["split"] != "train").to_numpy()
    for name in source_classes_of(perturbations):
        rows = np.flatnonzero((classes == name) & held_out)
        rows = rows if len(rows) else np.flatnonzero(classes == name)
        chosen = rows[:: -(-len(rows) // MOST_OF_A_CLASS)]
        yield _case(perturbations, name, "", chosen)
    row_of = {str(name): row for row, name in enumerate(perturbations.obs_names)}
    for name in samples:
        yield _case(perturbations, str(classes[row_of[name]]), name, np.array([row_of[name]]))


def _case(perturbations: AnnData, source_class: str, sample: str, rows: NDArray[np.int64]) -> Case:
    layers = perturbations.layers
    like = source_class or str(perturbations.obs["predicted_before"].iloc[rows[0]])
    before, change = (np.asarray(layers[name][rows]) for name in ("original", "perturbation"))
    return Case(source_class, sample, like, before, change)
