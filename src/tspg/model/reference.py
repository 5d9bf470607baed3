"""What real samples of each class are like, gene by gene: the scale on which a single profile is read.

It answers two questions. Which genes are unusual for the sample's own class, given the rest of the profile (outlier
calling, as OUTRIDER does for counts: Brechtmann et al. 2018)? And which value of each gene is expected in the target
class? It is learned from training samples and holds statistics of classes only. The first components of a class can
still resemble its most unusual sample, so guard a model as you guard its data. Values are in the user's units.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tspg.model.expectation import FEWEST_PAIRS, Expectation, counterparts
from tspg.model.gene_statistics import mean_and_sd, moderated_sd
from tspg.model.residuals import Tail, as_stored, cross_fitted, from_mean, mean_and_spread, profile_spread
from tspg.utils.threads import over_threads
from tspg.utils.typing import BoolArray, Float32Array, Float64Array, Int64Array, NamedArrays

SamplesOf = Callable[[str], tuple[Float64Array, Int64Array]]  # training samples of a class, and their donors

FEWEST_DONORS = 5  # of a class that has a reference
# With fewer samples, or donors, a value is compared with the class mean alone. k = n // 4, at most 20.
FEWEST_FOR_COMPONENTS, FEWEST_DONORS_FOR_COMPONENTS = 20, 8
MOST_COMPONENTS, SAMPLES_PER_COMPONENT = 20, 4
STEPS = np.linspace(0, 100, 21)  # percentiles that are kept of each gene
_ROUNDING = 2e-3  # of stored percentiles, which are float16


@dataclass(frozen=True)
class ClassReference:
    """One class: mean, spread and percentiles of each gene, and how genes vary together.

    `center` and `unit` are mean and moderated standard deviation per gene; unit is 0 where a gene does not
    vary. `components`, shape (k, genes), are principal components of the standardised training samples.
    `residual_sd`, in the user's units, is the spread of the residuals of held-out samples, and `tail` their
    distribution. `percentiles`, shape (21, genes), are standardised.
    """

    n_donors: int
    center: Float64Array
    unit: Float64Array
    components: Float32Array
    residual_sd: Float64Array
    tail: Tail
    percentiles: Float32Array

    @classmethod
    def fit(cls, values: Float64Array, donors: Int64Array, *, seed: int) -> "ClassReference":
        """Learn a class from its training samples, shape (samples, genes), and the donor of each."""
        center, unit = map(as_stored, mean_and_sd(values))
        standard, n_donors = _standardised(values, center, unit), len(np.unique(donors))
        ordered = np.sort(standard, axis=0)  # of what is sorted, percentiles are found three times as fast
        k = n_components(len(values), n_donors)

        def from_components(train: BoolArray, held_out: BoolArray) -> tuple[Float64Array, None]:
            center, unit = mean_and_sd(values[train])  # a unit that includes a value would hide how far off it is
            most = min(k, int(train.sum()) // SAMPLES_PER_COMPONENT)
            components = _components(_standardised(values[train], center, unit), most)
            return _residuals(components, values[held_out] - center, unit), None

        left, z = cross_fitted(from_components if k else from_mean(values), donors, seed=seed)
        sd = moderated_sd((left**2).mean(axis=0), len(left)) if k else mean_and_spread(values)[1]
        z = z[:, unit > 0]
        return cls(
            n_donors=n_donors,
            center=center,
            unit=unit,
            components=_components(standard, k).astype(np.float16).astype(np.float32),
            residual_sd=as_stored(sd),
            tail=Tail.fit(z / profile_spread(z)),
            percentiles=np.percentile(ordered, STEPS, axis=0).astype(np.float16).astype(np.float32),
        )

    def arrays(self) -> NamedArrays:
        """Everything that was learned, as arrays to store."""
        half = {name: getattr(self, name).astype(np.float16) for name in ("components", "percentiles")}
        single = {name: getattr(self, name).astype(np.float32) for name in ("center", "unit", "residual_sd")}
        return {**half, **single, "facts": np.array([self.n_donors, *self.tail])}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "ClassReference":
        """The class as it was stored."""
        n, *tail = arrays["facts"].tolist()
        components, percentiles = (arrays[name].astype(np.float32) for name in ("components", "percentiles"))
        center, unit, residual_sd = (arrays[name].astype(np.float64) for name in ("center", "unit", "residual_sd"))
        return cls(int(n), center, unit, components, residual_sd, Tail(*tail), percentiles)

    def residual_z(self, values: ArrayLike) -> Float64Array:
        """How far each value is from what its class and the rest of its profile predict, as a z, shape as `values`.

        One unit is the spread of held-out samples, times how far the profile as a whole deviates: a noisy sample
        does not have a thousand unusual genes. NaN for a gene that does not vary.
        """
        left = _residuals(self.components, np.asarray(values, dtype=np.float64) - self.center, self.unit)
        z: Float64Array = left / np.where(self.unit > 0, self.residual_sd, np.nan)
        z /= profile_spread(z[:, self.unit > 0])
        return z

    def percentile(self, values: ArrayLike) -> Float64Array:
        """Percentiles of values among real samples of the class, 0 to 100; the middle one where several are equal."""
        standard = _standardised(values, self.center, self.unit)
        found = np.empty(standard.shape)
        for row, profile in enumerate(standard):
            near = _ROUNDING * np.maximum(1, np.abs(profile))
            below = (self.percentiles < profile - near).sum(axis=0)
            up_to = (self.percentiles <= profile + near).sum(axis=0)
            inside = np.clip(below, 1, len(STEPS) - 1)
            low, high = (np.take_along_axis(self.percentiles, at[None], axis=0)[0] for at in (inside - 1, inside))
            share = np.clip((profile - low) / np.where(high > low, high - low, np.inf), 0, 1)
            between = STEPS[inside - 1] + share * (STEPS[1] - STEPS[0])
            tied = (STEPS[np.minimum(below, len(STEPS) - 1)] + STEPS[np.maximum(up_to - 1, 0)]) / 2
            found[row] = np.where(up_to > below, tied, between)
        found[:, self.unit == 0] = np.nan
        return found


@dataclass(frozen=True)
class SampleReference:
    """The references of all classes, and what is expected of each class in the target.

    Classes with fewer than five training donors are missing.
    """

    target_class: str
    classes: Mapping[str, ClassReference]
    expectations: Mapping[str, Expectation]  # by source class; the target's is the one without pairs

    @classmethod
    def fit(
        cls, samples_of: SamplesOf, target_class: str, classes: Mapping[str, ClassReference], *, seed: int
    ) -> "SampleReference":
        """Learn what is expected in the target class from the training samples of all classes."""
        if target_class not in classes:
            return cls(target_class, classes, {})
        after, donors = samples_of(target_class)
        expectations = {target_class: Expectation.of_target(after, donors, seed=seed)}
        for name in sorted(set(classes) - {target_class}):
            before, source_donors = samples_of(name)
            if len(np.intersect1d(source_donors, donors)) < FEWEST_PAIRS:
                continue
            is_target = np.arange(len(before) + len(after)) >= len(before)
            paired, theirs = counterparts(
                np.concatenate([before, after]), ~is_target, is_target, np.concatenate([source_donors, donors])
            )
            expectations[name] = Expectation.of_pairs(
                _from_others(before[paired] - classes[name].center, source_donors),
                _from_others(theirs - classes[target_class].center, donors),
                source_donors[paired],
                seed=seed,
            )
        return cls(target_class, classes, expectations)

    def expectation(self, source_class: str) -> Expectation | None:
        """What is expected of a class in the target; None where the target class has no reference."""
        return self.expectations.get(source_class, self.expectations.get(self.target_class))

    def n_samples_behind(self, class_name: str) -> dict[str, int]:
        """Sizes behind what is said of a sample of this class: donors, components, and pairs with the target."""
        known, expectation = self.classes.get(class_name), self.expectation(class_name)
        return {
            "n_donors": 0 if known is None else known.n_donors,
            "n_components": 0 if known is None else len(known.components),
            "n_pairs": 0 if expectation is None else expectation.n_pairs,
        }

    def expected(self, values: NDArray[np.floating], source_class: str) -> Float64Array | None:
        """The values expected in the target class for profiles of a class; None where the target has no reference."""
        found = self.expectation(source_class)
        if found is None:
            return None
        target = self.classes[self.target_class]
        expected: Float64Array = target.center + found.slope * (values - self.classes.get(source_class, target).center)
        return expected

    def arrays(self, classes: Sequence[str]) -> NamedArrays:
        """Everything as named arrays to store; names hold a class's number among `classes`, those of the model."""
        found: NamedArrays = {}
        for kind, parts in (("class", self.classes), ("expected", self.expectations)):
            for name, part in parts.items():
                found |= {f"{kind}.{classes.index(name)}.{key}": array for key, array in part.arrays().items()}
        return found

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, NDArray[Any]], classes: Sequence[str], target_class: str
    ) -> "SampleReference":
        """The reference as it was stored."""
        parts: dict[tuple[str, str], NamedArrays] = {}
        for place, array in arrays.items():
            kind, number, key = place.split(".")
            parts.setdefault((kind, classes[int(number)]), {})[key] = array
        return cls(
            target_class,
            {name: ClassReference.from_arrays(part) for (kind, name), part in parts.items() if kind == "class"},
            {name: Expectation.from_arrays(part) for (kind, name), part in parts.items() if kind == "expected"},
        )


def class_references(samples_of: SamplesOf, classes: Sequence[str], *, seed: int) -> dict[str, ClassReference]:
    """The reference of every class with five or more training donors."""

    def fit(name: str) -> ClassReference | None:
        values, donors = samples_of(name)
        return ClassReference.fit(values, donors, seed=seed) if len(np.unique(donors)) >= FEWEST_DONORS else None

    found = zip(classes, over_threads(fit, classes), strict=True)
    return {name: reference for name, reference in found if reference is not None}


def n_components(n_samples: int, n_donors: int) -> int:
    """How many principal components a class has; 0 for a small class."""
    if n_samples < FEWEST_FOR_COMPONENTS or n_donors < FEWEST_DONORS_FOR_COMPONENTS:
        return 0
    return min(n_samples // SAMPLES_PER_COMPONENT, MOST_COMPONENTS)


def _from_others(deviations: Float64Array, donors: Int64Array) -> Float64Array:
    """Deviations from the mean of a class, as they would be from the mean of its other donors."""
    n = len(np.unique(donors))
    return deviations * (n / (n - 1))


def _standardised(values: ArrayLike, center: Float64Array | float, unit: Float64Array) -> Float64Array:
    return (np.asarray(values, dtype=np.float64) - center) / np.where(unit > 0, unit, np.inf)


def _components(centred: Float64Array, k: int) -> Float64Array:
    """The first k principal components of centred rows, shape (k, genes); by the smaller of the two products."""
    k = min(k, len(centred) - 1, centred.shape[1])
    if k < 1:
        return np.zeros((0, centred.shape[1]))
    values, vectors = np.linalg.eigh(centred @ centred.T)
    values, vectors = values[::-1][:k], vectors[:, ::-1][:, :k]
    kept = values > 1e-10 * max(float(values[0]), 1e-300)
    components: Float64Array = (vectors[:, kept].T @ centred) / np.sqrt(values[kept])[:, None]
    return components


def _residuals(components: NDArray[np.floating], centred: Float64Array, unit: Float64Array) -> Float64Array:
    """Centred rows without their part along principal components of standardised profiles."""
    left: Float64Array = centred - (_standardised(centred, 0.0, unit) @ components.T) @ components * unit
    return left
