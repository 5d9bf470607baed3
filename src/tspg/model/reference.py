"""What real samples of each class are like, gene by gene: the scale on which one person's profile is read.

Two questions need it. Which of her genes are unusual for her own class, given the rest of her profile
(outlier calling, as OUTRIDER does for counts: Brechtmann et al. 2018)? And where would each gene be
expected if she were of the target class? It is learned from training samples and holds statistics of
classes only. The first components of a class can still resemble its most unusual sample, so a model is
to be guarded as its data are. Values are in the user's units.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import stdtrit
from scipy.stats import t as student

from tspg.model.gene_statistics import moderate_variances
from tspg.model.randomness import REFERENCE_FOLDS, stream

Numbers = NDArray[np.float64]
Codes = NDArray[np.int64]
Rows = NDArray[np.bool_]
SamplesOf = Callable[[str], tuple[Numbers, Codes]]  # a class's training samples in the user's units, and their donors

FEWEST_SAMPLES = 5  # of a class: statistics of fewer would give single values away
FEWEST_FOR_COMPONENTS = 20  # of a class: with fewer, a value is held against the class mean alone
MOST_COMPONENTS, SAMPLES_PER_COMPONENT = 20, 4  # k = n // 4, at most 20 (benchmarks/truth_patient.py)
FEWEST_PAIRS = 8  # donors with samples of both classes, to learn a slope from
FEWEST_GENES_FOR_SPREAD = 100  # with fewer, a person's own spread cannot be told from her unusual genes
FOLDS = 5
BODY, TAIL = 0.05, 0.001  # shares of held-out residuals that `Tail` is fitted to
LEAST_DF, MOST_DF = 1.5, 500.0
STEPS = np.linspace(0, 100, 21)  # percentiles that are kept of each gene
NORMAL_MEDIAN = 0.6745  # of |z| under the normal distribution
_ROUNDING = 2e-3  # of stored percentiles, which are float16


class Tail(NamedTuple):
    """How large standardised residuals get: Student's t with `df` degrees of freedom, times `scale`."""

    df: float = MOST_DF
    scale: float = 1.0

    @classmethod
    def fit(cls, residuals: Numbers) -> "Tail":
        """The distribution that 5 and .1 percent of residuals lie beyond as they do beyond these."""
        if residuals.size == 0:
            return cls()
        body, tail = np.quantile(np.abs(residuals), [1 - BODY, 1 - TAIL])
        if body <= 0:
            return cls()

        def excess(df: float) -> float:
            return float(stdtrit(df, 1 - TAIL / 2) / stdtrit(df, 1 - BODY / 2) - tail / body)

        if excess(MOST_DF) >= 0:
            df = MOST_DF
        else:
            df = LEAST_DF if excess(LEAST_DF) <= 0 else float(brentq(excess, LEAST_DF, MOST_DF))
        return cls(df, float(body / stdtrit(df, 1 - BODY / 2)))

    def p_value(self, z: Numbers) -> Numbers:
        """Two-sided p per standardised residual."""
        p: Numbers = 2 * student.sf(np.abs(z) / self.scale, self.df)
        return p

    @property
    def half_width(self) -> float:
        """The |z| that 5 percent of residuals lie beyond."""
        return float(self.scale * stdtrit(self.df, 1 - BODY / 2))


@dataclass(frozen=True)
class ClassReference:
    """One class: per gene its mean, spread and percentiles, and what the rest of a profile lets one expect.

    `center` and `unit` are mean and moderated standard deviation per gene; unit is 0 where a gene does not
    vary. `components`, shape (k, genes), are principal components of the standardised training samples.
    `residual_sd` is the spread of what they leave and `tail` its distribution, both of held-out samples.
    `percentiles`, shape (21, genes), are standardised.
    """

    n: int
    center: Numbers
    unit: Numbers
    components: NDArray[np.float32]
    residual_sd: Numbers
    tail: Tail
    percentiles: NDArray[np.float32]

    @classmethod
    def fit(cls, values: ArrayLike, donors: Codes, *, seed: int) -> "ClassReference":
        """Learn a class from its training samples, shape (samples, genes), and the donor of each."""
        matrix = np.asarray(values, dtype=np.float64)
        n, (center, unit) = len(matrix), _center_and_unit(matrix)
        center, unit = _single(center), _single(unit)
        standard = _standardised(matrix, center, unit)
        k = min(n // SAMPLES_PER_COMPONENT, MOST_COMPONENTS) if n >= FEWEST_FOR_COMPONENTS else 0

        def residuals(train: Rows, held_out: Rows) -> Numbers:
            center, unit = _center_and_unit(matrix[train])  # a unit that has seen a value would hide how far off it is
            most = min(k, int(train.sum()) // SAMPLES_PER_COMPONENT)
            components = _components(_standardised(matrix[train], center, unit), most)
            return _left_by(components, matrix[held_out] - center, unit)

        left, z = cross_fitted(residuals, donors, seed=seed)
        z = z[:, unit > 0]
        return cls(
            n=n,
            center=center,
            unit=unit,
            components=_components(standard, k).astype(np.float16).astype(np.float32),
            residual_sd=_single(moderated_sd((left**2).mean(axis=0), n)),
            tail=Tail.fit(z / own_spread(z)),
            percentiles=np.percentile(standard, STEPS, axis=0).astype(np.float16).astype(np.float32),
        )

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything that was learned, as arrays to store."""
        half = {name: getattr(self, name).astype(np.float16) for name in ("components", "percentiles")}
        single = {name: getattr(self, name).astype(np.float32) for name in ("center", "unit", "residual_sd")}
        return {**half, **single, "facts": np.array([self.n, *self.tail])}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "ClassReference":
        """The class as it was stored."""
        n, *tail = arrays["facts"].tolist()
        components, percentiles = (arrays[name].astype(np.float32) for name in ("components", "percentiles"))
        center, unit, residual_sd = (arrays[name].astype(np.float64) for name in ("center", "unit", "residual_sd"))
        return cls(int(n), center, unit, components, residual_sd, Tail(*tail), percentiles)

    def residual_z(self, values: ArrayLike) -> Numbers:
        """How far each value lies from what class and the rest of the profile lead one to expect, as a z; as shaped.

        One unit is the spread of held-out samples, times how far the profile as a whole lies off: a noisy sample
        does not have a thousand unusual genes. Not a number for a gene that does not vary.
        """
        left = _left_by(self.components, np.asarray(values, dtype=np.float64) - self.center, self.unit)
        z: Numbers = left / np.where(self.unit > 0, self.residual_sd, np.nan)
        z /= own_spread(z[:, self.unit > 0])
        return z

    def percentile(self, values: ArrayLike) -> Numbers:
        """Where values lie among real samples of the class, 0 to 100; the middle of those that are equal."""
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
class Expectation:
    """Where samples of one class are expected in the target class: mean_t + slope x (value - mean_s), per gene.

    `slope` is 0 without `n_pairs`: then target samples themselves tell the spread `sd` around it. With donors
    who gave samples of both classes it is what is kept of a person, and `sd` how far her own sample lies off.
    """

    slope: Numbers
    sd: Numbers
    tail: Tail
    n_pairs: int

    @classmethod
    def of_target(cls, reference: ClassReference, values: ArrayLike, donors: Codes, *, seed: int) -> "Expectation":
        """The target class's mean and spread, from its training samples."""
        matrix = np.asarray(values, dtype=np.float64)

        def residuals(train: Rows, held_out: Rows) -> Numbers:
            left: Numbers = matrix[held_out] - matrix[train].mean(axis=0)
            return left

        _, z = cross_fitted(residuals, donors, seed=seed)
        sd = reference.unit * np.sqrt(1 + 1 / reference.n)
        return cls(np.zeros(len(sd)), _single(sd), Tail.fit(z[:, sd > 0]), 0)

    @classmethod
    def of_pairs(cls, before: Numbers, after: Numbers, donors: Codes, *, seed: int) -> "Expectation":
        """What donors keep: `before` deviates each sample from its class, `after` its donor from the target class."""

        def residuals(train: Rows, held_out: Rows) -> Numbers:
            return after[held_out] - paired_slopes(before[train], after[train], donors[train]) * before[held_out]

        left, z = cross_fitted(residuals, donors, seed=seed)
        n_pairs = len(np.unique(donors))
        sd = np.where(np.ptp(after, axis=0) > 0, moderated_sd((left**2).mean(axis=0), n_pairs), 0.0)
        slope = _single(paired_slopes(before, after, donors))
        return cls(slope, _single(sd), Tail.fit(z[:, sd > 0]), n_pairs)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything that was learned, as arrays to store."""
        facts = np.array([self.n_pairs, *self.tail])
        return {"slope": self.slope.astype(np.float32), "sd": self.sd.astype(np.float32), "facts": facts}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "Expectation":
        """What is expected, as it was stored."""
        n_pairs, *tail = arrays["facts"].tolist()
        slope, sd = (arrays[name].astype(np.float64) for name in ("slope", "sd"))
        return cls(slope, sd, Tail(*tail), int(n_pairs))


def paired_slopes(before: Numbers, after: Numbers, donors: Codes) -> Numbers:
    """Per gene the slope of `after` on `before`, shrunk towards one slope of all genes; shapes (samples, genes).

    Least squares through the origin, in which donors count alike. A gene's own slope counts as much as slopes of
    genes differ beyond their errors (empirical Bayes by moments).
    """
    of_donor = np.unique(donors, return_inverse=True)[1]
    n_donors = int(of_donor.max()) + 1
    weight = (1 / np.bincount(of_donor))[of_donor]
    size = np.einsum("i,ij,ij->j", weight, before, before)
    usable = size > 0
    slopes = np.zeros(len(size))
    slopes[usable] = np.einsum("i,ij,ij->j", weight, before, after)[usable] / size[usable]
    left = after - slopes * before
    df = max(n_donors - 1, 1)
    variance = moderated_sd(np.einsum("i,ij,ij->j", weight, left, left) / df, df) ** 2
    usable &= variance > 0
    if not usable.any():
        return np.zeros(len(size))
    own, precision = slopes[usable], size[usable] / variance[usable]
    common = float(precision @ own / precision.sum())
    beyond = max(float(precision @ (own - common) ** 2 - len(own)) / float(precision.sum()), 0.0)
    shrunk = np.zeros(len(size))
    shrunk[usable] = common + beyond / (beyond + 1 / precision) * (own - common)
    return shrunk


@dataclass(frozen=True)
class SampleReference:
    """All that one person's profile is read against: the classes, and what is expected of each in the target.

    Classes with fewer than five training samples are missing.
    """

    target_class: str
    classes: Mapping[str, ClassReference]
    expectations: Mapping[str, Expectation]  # by source class; the target's name holds that without pairs

    @classmethod
    def fit(
        cls, samples_of: SamplesOf, target_class: str, classes: Mapping[str, ClassReference], *, seed: int
    ) -> "SampleReference":
        """Learn what is expected in the target class, from the training samples of the classes."""
        if target_class not in classes:
            return cls(target_class, classes, {})
        center, (after, donors) = classes[target_class].center, samples_of(target_class)
        expectations = {target_class: Expectation.of_target(classes[target_class], after, donors, seed=seed)}
        for name in sorted(set(classes) - {target_class}):
            before, own_donors = samples_of(name)
            if len(np.intersect1d(own_donors, donors)) < FEWEST_PAIRS:
                continue
            every, is_target = np.concatenate([own_donors, donors]), np.arange(len(before) + len(after)) >= len(before)
            paired, theirs = counterparts(np.concatenate([before, after]), ~is_target, is_target, every)
            own = _from_others(before[paired] - classes[name].center, own_donors)
            expectations[name] = Expectation.of_pairs(
                own, _from_others(theirs - center, donors), own_donors[paired], seed=seed
            )
        return cls(target_class, classes, expectations)

    def expectation(self, source_class: str) -> Expectation | None:
        """What is expected of a class in the target; None where the target class is too small to say."""
        return self.expectations.get(source_class, self.expectations.get(self.target_class))

    def expected(self, values: NDArray[np.floating], source_class: str) -> Numbers | None:
        """Where profiles of a class are expected in the target class; None where that is too small to say."""
        found = self.expectation(source_class)
        if found is None:
            return None
        target = self.classes[self.target_class]
        expected: Numbers = target.center + found.slope * (values - self.classes.get(source_class, target).center)
        return expected

    def arrays(self, classes: Sequence[str]) -> dict[str, NDArray[Any]]:
        """Everything as named arrays, ready to be stored; `classes` are those of the model, by whose number they go."""
        found: dict[str, NDArray[Any]] = {}
        for kind, parts in (("class", self.classes), ("expected", self.expectations)):
            for name, part in parts.items():
                found |= {f"{kind}.{classes.index(name)}.{key}": array for key, array in part.arrays().items()}
        return found

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, NDArray[Any]], classes: Sequence[str], target_class: str
    ) -> "SampleReference":
        """The reference as it was stored."""
        parts: dict[tuple[str, str], dict[str, NDArray[Any]]] = {}
        for place, array in arrays.items():
            kind, number, key = place.split(".")
            parts.setdefault((kind, classes[int(number)]), {})[key] = array
        return cls(
            target_class,
            {name: ClassReference.from_arrays(part) for (kind, name), part in parts.items() if kind == "class"},
            {name: Expectation.from_arrays(part) for (kind, name), part in parts.items() if kind == "expected"},
        )


def class_references(samples_of: SamplesOf, classes: Sequence[str], *, seed: int) -> dict[str, ClassReference]:
    """The reference of every class with five training samples or more."""
    found = {}
    for name in classes:
        values, donors = samples_of(name)
        if len(values) >= FEWEST_SAMPLES:
            found[name] = ClassReference.fit(values, donors, seed=seed)
    return found


def counterparts(
    values: NDArray[np.floating], is_source: Rows, is_target: Rows, donors: Codes
) -> tuple[NDArray[np.int64], Numbers]:
    """Rows of the source samples whose donor has target samples too, and the mean of those, one row for each."""
    paired = np.flatnonzero(is_source & np.isin(donors, donors[is_target]))
    own = {d: values[is_target & (donors == d)].mean(axis=0, dtype=np.float64) for d in np.unique(donors[paired])}
    return paired, np.array([own[d] for d in donors[paired]]).reshape(len(paired), values.shape[1])


def cross_fitted(residuals: Callable[[Rows, Rows], Numbers], donors: Codes, *, seed: int) -> tuple[Numbers, Numbers]:
    """Residuals of samples that their fit has not seen, and the same divided by the spread of those of other folds.

    `residuals` takes which samples to learn from and which to give. Five folds, donors whole. A spread that a
    residual took part in is larger than that which a new sample meets, so its own fold is left out.
    """
    codes, of_donor = np.unique(donors, return_inverse=True)
    n_folds = min(FOLDS, len(codes))
    fold = (stream(seed, REFERENCE_FOLDS, 0).permutation(len(codes)) % n_folds)[of_donor]
    if n_folds == 1:
        everyone = np.ones(len(donors), dtype=bool)
        left = residuals(everyone, everyone)
        return left, left / _not_zero(moderated_sd((left**2).mean(axis=0), len(left)))
    parts = [residuals(fold != at, fold == at) for at in range(n_folds)]
    left = np.empty((len(donors), parts[0].shape[1]))
    for at, part in enumerate(parts):
        left[fold == at] = part
    z = np.empty(left.shape)
    for at in range(n_folds):
        others = left[fold != at]
        z[fold == at] = left[fold == at] / _not_zero(moderated_sd((others**2).mean(axis=0), len(others)))
    return left, z


def _from_others(deviations: Numbers, donors: Codes) -> Numbers:
    """Deviations from the mean of a class, as they would be from the mean of its other donors."""
    n = len(np.unique(donors))
    return deviations * (n / (n - 1))


def moderated_sd(variance: Numbers, df: float) -> Numbers:
    """Standard deviation per gene, moderated over the genes that vary; 0 for the others."""
    sd = np.zeros(len(variance))
    varies = variance > 0
    if varies.any():
        sd[varies] = np.sqrt(moderate_variances(variance[varies], max(df, 1)).variance)
    return sd


def own_spread(z: Numbers) -> Numbers:
    """How far profiles lie off as a whole, 1 for a usual one, shape (samples, 1): the median of |z|."""
    if z.shape[1] < FEWEST_GENES_FOR_SPREAD:
        return np.ones((len(z), 1))
    middle: Numbers = np.median(np.abs(z), axis=1, keepdims=True)
    return _not_zero(middle / NORMAL_MEDIAN)


def _center_and_unit(matrix: Numbers) -> tuple[Numbers, Numbers]:
    """Mean and moderated standard deviation per gene; 0 where it does not vary."""
    sd = moderated_sd(matrix.var(axis=0, ddof=1), len(matrix) - 1)
    return matrix.mean(axis=0), np.where(np.ptp(matrix, axis=0) > 0, sd, 0.0)


def _standardised(values: ArrayLike, center: Numbers | float, unit: Numbers) -> Numbers:
    return (np.asarray(values, dtype=np.float64) - center) / np.where(unit > 0, unit, np.inf)


def _components(centred: Numbers, k: int) -> Numbers:
    """The first k principal components of centred rows, shape (k, genes); by the smaller of the two products."""
    k = min(k, len(centred) - 1, centred.shape[1])
    if k < 1:
        return np.zeros((0, centred.shape[1]))
    values, vectors = np.linalg.eigh(centred @ centred.T)
    values, vectors = values[::-1][:k], vectors[:, ::-1][:, :k]
    kept = values > 1e-10 * max(float(values[0]), 1e-300)
    components: Numbers = (vectors[:, kept].T @ centred) / np.sqrt(values[kept])[:, None]
    return components


def _left_by(components: NDArray[np.floating], centred: Numbers, unit: Numbers) -> Numbers:
    """What principal components of standardised profiles leave of centred rows."""
    left: Numbers = centred - (_standardised(centred, 0.0, unit) @ components.T) @ components * unit
    return left


def _single(numbers: Numbers) -> Numbers:
    """Numbers as precise as they are stored, so that a model answers alike before and after."""
    return numbers.astype(np.float32).astype(np.float64)


def _not_zero(numbers: Numbers) -> Numbers:
    return np.where(numbers > 0, numbers, 1.0)
