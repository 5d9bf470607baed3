"""Alignment of a new cohort to the training cohort, gene by gene, where the two differ by more than chance.

It removes the mean difference of the cohort's samples from the training means of their classes. A pipeline's offset and
a real difference of the cohort look the same: both are removed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import gamma

from tspg.errors import Option, UsageError
from tspg.model.class_spread import FEWEST_DONORS, ClassMeans, Products, held_out_excess
from tspg.utils.names import listed, shown
from tspg.utils.typing import Float32Array, Float64Array, Int64Array, NameArray, NamedArrays

FEWEST_SAMPLES = 5  # of a cohort: the mean of fewer depends on the people more than on the pipeline
LEVEL = 0.05  # how often a cohort like the training cohort is aligned by mistake
STORED = ("means", "sigma", "trace", "products", "errors", "excess")


@dataclass(frozen=True)
class Aligned:
    """A cohort's values in the user's units, and how much was removed.

    `size` is s: the mean over genes of the squared difference from the training cohort, in standard deviations.
    `expected` and `limit` are the mean and 95 % quantile of s for as many samples of the same classes from the training
    cohort's pipeline, and `p_value` is how often s is as large for them. `weight` is the share of the difference that
    was removed; 0 where s is within the limit.
    """

    values: Float32Array
    weight: float
    size: float
    expected: float
    limit: float
    p_value: float

    @property
    def facts(self) -> dict[str, float]:
        """The numbers without the values, as a run keeps them."""
        numbers = ("weight", "size", "expected", "limit", "p_value")
        return {"n": float(len(self.values)), **{name: getattr(self, name) for name in numbers}}


@dataclass(frozen=True)
class CohortAlignment:
    """Statistics of the training cohort that the mean of a new cohort is compared with.

    `means` (classes x genes) weigh donors alike; `sigma` is the pooled standard deviation within classes per gene, 0
    where a gene does not vary; both are in the user's units. The rest is about standardised values with covariance
    Sigma_c in class c, over the G genes that vary: `trace` is tr(Sigma_c) / G, `products` tr(Sigma_c Sigma_d) / G^2,
    `errors` tr(Cov(mean_c, mean_d)) / G of the training means, `excess` the variance of |z|^2 / G in a class beyond a
    Gaussian's, and `skew` the skewness of s. The mean of a class with a single sample is that sample.
    """

    classes: tuple[str, ...]
    means: Float64Array
    sigma: Float64Array
    trace: Float64Array
    products: Float64Array
    errors: Float64Array
    excess: Float64Array
    skew: float

    @classmethod
    def fit(
        cls, values: NDArray[np.floating], class_index: Int64Array, classes: tuple[str, ...], donors: ArrayLike
    ) -> "CohortAlignment | None":
        """Learn from training samples in the user's units, shape (samples, genes), and the donor of each.

        None where no class has samples of four donors: differences by chance cannot be learned from fewer.
        """
        donor = np.unique(np.asarray(donors), return_inverse=True)[1]
        around = ClassMeans.of(values, class_index, donor, len(classes))
        n_donors = [len(np.unique(donor[class_index == number])) for number in range(len(classes))]
        if max(n_donors) < FEWEST_DONORS or not around.sigma.any():
            return None
        found = Products.of(values, class_index, donor, around)
        errors = np.where(np.eye(len(classes), dtype=bool), around.error, found.errors)
        more = held_out_excess(values, class_index, donor, len(classes))
        return cls(
            classes,
            around.means,
            around.sigma,
            trace=more * around.trace,
            products=more**2 * found.products,
            errors=more * errors,
            excess=more**2 * found.excess,
            skew=float(found.skew),
        )

    def arrays(self) -> NamedArrays:
        """Everything that was learned, as arrays to store."""
        return {name: np.asarray(getattr(self, name), dtype=np.float32) for name in STORED} | {
            "skew": np.array([self.skew], dtype=np.float32)
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], classes: tuple[str, ...]) -> "CohortAlignment":
        """The statistics as they were stored."""
        stored = {name: arrays[name].astype(np.float64) for name in STORED}
        return cls(classes, skew=float(arrays["skew"][0]), **stored)

    def align(self, values: Float32Array, source_class: Sequence[str] | NameArray) -> Aligned:
        """A cohort's values, shape (samples, genes), without its mean difference from the training cohort.

        The difference stays where a cohort of the same size and classes may well differ as much by chance.

        Raises
        ------
        UsageError
            If there are fewer than five samples, or one of no class or of one that the model does not know.
        """
        require_alignable(source_class, self.classes)
        number_of = {name: number for number, name in enumerate(self.classes)}
        index = np.array([number_of[str(name)] for name in source_class], dtype=np.int64)
        varies = self.sigma > 0
        difference = ((values - self.means[index]) / np.where(varies, self.sigma, np.inf)).mean(axis=0)
        size = float((difference**2).sum() / varies.sum())
        expected, limit, p_value = self._chance(size, np.bincount(index, minlength=len(self.classes)))
        if size <= limit:
            return Aligned(values, 0.0, size, expected, limit, p_value)
        weight = (size - expected) / size
        aligned = (values - weight * difference * self.sigma).astype(np.float32)
        return Aligned(aligned, weight, size, expected, limit, p_value)

    def moments(self, counts: Int64Array) -> tuple[float, float]:
        """Mean and variance of s for a cohort like the training cohort, with these numbers of samples per class.

        The mean difference has the covariance M = sum_c a_c Sigma_c. With n_c samples of class c, a share p_c of the
        cohort, and m_c independent ones in training, a_c = p_c^2 (1 / n_c + 1 / m_c). So s has the mean tr(M) / G and
        the variance 2 tr(M^2) / G^2, and more where single samples are further out than a Gaussian's.
        """
        share, n = counts / counts.sum(), np.maximum(counts, 1)
        of_training = np.maximum(share * (self.errors @ share), 0) / np.where(self.trace > 0, self.trace, np.inf)
        a = share**2 / n + of_training
        return float(a @ self.trace), float(2 * a @ self.products @ a + share**4 / n**3 @ self.excess)

    def _chance(self, size: float, counts: Int64Array) -> tuple[float, float, float]:
        """Mean and 95 % quantile of s by chance, and how often it is as large.

        A gamma distribution of three moments (Buckley & Eagleson 1988), at least as skewed as that of two moments.
        """
        expected, variance = self.moments(counts)
        if expected == 0:  # classes without any spread
            return 0.0, 0.0, float(size == 0)
        shape = 4 / max(self.skew, 2 * np.sqrt(variance) / expected) ** 2
        scale = np.sqrt(variance / shape)
        null = gamma(shape, loc=expected - shape * scale, scale=scale)
        return expected, float(null.ppf(1 - LEVEL)), float(null.sf(size))


def require_alignable(source_class: Sequence[str] | NameArray, classes: Sequence[str]) -> None:
    """Refuse a cohort that cannot be aligned to a model of these classes.

    Raises
    ------
    UsageError
        If there are fewer than five samples, or one of no class or of one that the model does not know.
    """
    names = list(map(str, source_class))
    if not all(names):
        missing = "the samples have no class" if not any(names) else f"{names.count('')} samples have no class"
        raise UsageError(
            f"A cohort is aligned class by class, and {missing}. Give the class of each: ",
            Option("label_column", "--labels or --label-column"),
            ".",
        )
    unknown = sorted(set(names) - set(classes))
    if unknown:
        raise UsageError(
            f"A cohort cannot be aligned by a class that the model does not know: {shown(unknown[0])}. What makes it "
            f"different would be removed. Leave its samples out; the model knows {listed(classes)}."
        )
    if len(names) < FEWEST_SAMPLES:
        raise UsageError(
            f"A cohort of {len(names)} cannot be aligned; {FEWEST_SAMPLES} samples or more are needed. Leave ",
            Option("align"),
            " out, or move them together with others of their pipeline.",
        )
