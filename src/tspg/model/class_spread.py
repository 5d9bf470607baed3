"""How training samples spread around the means of their classes, without a matrix of genes x genes.

Only traces of products of covariance matrices are needed. They follow from the products of samples with each other
(Chen & Qin 2010; Himeno & Yamada 2014), so 18,000 genes cost no more memory than the samples.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from tspg.model.random import ALIGNMENT_DONORS, donor_folds, stream
from tspg.utils.threads import over_threads
from tspg.utils.typing import Float64Array, Int64Array

FLOOR = 0.05  # quantile of the genes' standard deviations; smaller ones are raised to it
FEWEST_DONORS = 4  # of a class, for an unbiased tr(Sigma^2); a smaller class gets the spread of all together
FOLDS = 10  # of donors, to learn how much further out held-out samples are
_MOST_ROWS = 2000  # samples in one matrix of products
_MOST_GENES = 1000  # on which held-out samples are measured
_MOST_PICKS = 5  # each of one sample per donor and class


class ClassMeans(NamedTuple):
    """Means of the classes and the spread around them.

    `means` (classes x genes) weigh donors alike. `sigma` is the pooled standard deviation within classes, 0 for a gene
    that does not vary. In units of sigma and over genes, `trace` is the mean variance of each class (1 on average), and
    `error` that of its mean (1 / donors on average).
    """

    means: Float64Array
    sigma: Float64Array
    trace: Float64Array
    error: Float64Array

    @classmethod
    def of(
        cls, values: NDArray[np.floating], class_index: Int64Array, donor: Int64Array, n_classes: int
    ) -> "ClassMeans":
        """Estimate them; a class of a single donor gets the spread of all together."""
        shape = (n_classes, values.shape[1])
        means, squares, errors = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        n_donors, freedom = np.zeros(n_classes), np.zeros(n_classes)
        for number in np.unique(class_index):
            rows = class_index == number
            by_donor = _donor_means(values[rows], donor[rows])
            m = n_donors[number] = len(by_donor)
            freedom[number] = rows.sum() * (1 - 1 / m)
            means[number] = by_donor.mean(axis=0)
            squares[number] = ((values[rows] - means[number]) ** 2).sum(axis=0)
            errors[number] = by_donor.var(axis=0, ddof=min(1, m - 1)) / m
        squares[n_donors == 1] = 0
        sigma = np.sqrt(squares.sum(axis=0) / max(freedom.sum(), 1))
        varies = sigma > 0
        sigma[varies] = np.maximum(sigma[varies], np.quantile(sigma[varies], FLOOR)) if varies.any() else 0
        variances = squares / np.maximum(freedom, 1)[:, None]
        trace, error = (
            (part[:, varies] / sigma[varies] ** 2).sum(axis=-1) / max(varies.sum(), 1) for part in (variances, errors)
        )
        return cls(means, sigma, np.where(n_donors > 1, trace, 1.0), np.where(n_donors > 1, error, 1.0))

    def standardised(self, values: NDArray[np.floating], class_index: Int64Array) -> Float64Array:
        """Differences from the class means in standard deviations, of the genes that vary."""
        varies = self.sigma > 0
        z: Float64Array = (values[:, varies] - self.means[class_index][:, varies]) / self.sigma[varies]
        return z


def _donor_means(values: NDArray[np.floating], donor: Int64Array) -> Float64Array:
    _, row, size = np.unique(donor, return_inverse=True, return_counts=True)
    if (size == 1).all():
        return values.astype(np.float64)
    means: Float64Array = csr_array((1 / size[row], (row, np.arange(len(row))))) @ values.astype(np.float64)
    return means


class Products(NamedTuple):
    """Estimates from pairs of samples, for standardised values z with covariance Sigma_c in class c and over G genes.

    `products` is tr(Sigma_c Sigma_d) / G^2; `errors` tr(Cov(mean_c, mean_d)) / G by donors that gave samples of both;
    `excess` the variance of |z|^2 / G beyond a Gaussian's; `skew` the skewness of |z|^2 of a Gaussian.
    """

    products: Float64Array
    errors: Float64Array
    excess: Float64Array
    skew: Float64Array

    @classmethod
    def of(
        cls, values: NDArray[np.floating], class_index: Int64Array, donor: Int64Array, around: ClassMeans
    ) -> "Products":
        """Average the estimates over picks of one sample from each donor and class."""

        def of_pick(picked: tuple[Int64Array, Float64Array]) -> Products:
            pick, thinned = picked
            z = around.standardised(values[pick], class_index[pick]).astype(np.float32)
            gram = (z @ z.T).astype(np.float64) / z.shape[1]
            return _of_gram(gram, class_index[pick], donor[pick], thinned, z.shape[1])

        found = over_threads(of_pick, _picks(class_index, donor, len(around.means)))
        return cls(*(np.mean(parts, axis=0) for parts in zip(*found, strict=True)))


def _picks(class_index: Int64Array, donor: Int64Array, n_classes: int) -> Iterator[tuple[Int64Array, Float64Array]]:
    """Rows with one sample per donor and class, and the share of each class's donors among them.

    Repeated samples come in another pick. Where there are many, the largest classes lose donors.
    """
    order = stream(0, ALIGNMENT_DONORS, 0).permutation(donor.max() + 1)[donor]
    samples = pd.DataFrame({"class": class_index, "order": order}).sort_values(["class", "order"], kind="stable")
    repeats = samples.groupby(["class", "order"])["order"]
    place, size = repeats.cumcount().to_numpy(), repeats.transform("size").to_numpy()
    for number in range(min(int(size.max()), _MOST_PICKS)):
        pick = samples.index.to_numpy()[place == number % size]
        classes = class_index[pick]
        counts = np.bincount(classes, minlength=n_classes)
        most = next(q for q in range(_MOST_ROWS, 0, -1) if np.minimum(counts, q).sum() <= _MOST_ROWS or q == 1)
        within = pd.Series(classes).groupby(classes).cumcount().to_numpy()
        yield pick[within < most], np.minimum(counts, most) / np.maximum(counts, 1)


def _of_gram(
    gram: Float64Array, class_index: Int64Array, donor: Int64Array, kept: Float64Array, n_genes: int
) -> Products:
    """Unbiased estimates from the products of independent samples of each class with each other."""
    of_class = (class_index[:, None] == np.arange(len(kept))).astype(np.float64)
    n = of_class.sum(axis=0)
    averaging = of_class / np.maximum(n, 1)
    to_means = (averaging.T @ gram)[class_index]  # of each sample's class, with every sample
    gram = gram - to_means - to_means.T + (to_means @ averaging)[:, class_index]
    same_donor = donor[:, None] == donor
    others = np.where(same_donor, 0.0, gram)
    pairs = of_class.T @ ~same_donor @ of_class
    freedom = np.maximum(n - 1, 1)
    products = of_class.T @ others**2 @ of_class / np.maximum(pairs, 1) * np.outer(n / freedom, n / freedom)
    length = np.diag(gram)
    total, fourth, square = (
        of_class.T @ part for part in (length, length**2, (gram**2 @ of_class * of_class).sum(axis=1))
    )
    np.fill_diagonal(products, np.maximum(_square_trace(total, fourth, square, n), (total / freedom) ** 2 / n_genes))
    varying = (fourth - total**2 / np.maximum(n, 1)) / freedom
    excess = np.maximum(varying - 2 * np.diag(products), 0.0)
    large = n >= FEWEST_DONORS
    pooled = np.where(large, freedom, 0) / max(freedom[large].sum(), 1)
    spread = np.where(large[:, None], np.eye(len(n)), pooled)
    of_all = np.where(kept > 0, n / np.where(kept > 0, kept, 1), np.inf)  # donors in training
    shared = of_class.T @ np.where(same_donor, gram, 0.0) @ of_class
    errors = shared / np.maximum(np.minimum.outer(kept, kept), 1e-9) / np.outer(of_all, of_all)
    return Products(spread @ products @ spread.T, errors, spread @ excess, np.array(_skewness(others)))


def _square_trace(total: Float64Array, fourth: Float64Array, square: Float64Array, n: Float64Array) -> Float64Array:
    """tr(Sigma_c^2) per class, unbiased whatever the distribution (Himeno & Yamada 2014)."""
    n = np.maximum(n, FEWEST_DONORS)
    trace, of_square, quartic = total / (n - 1), square / (n - 1) ** 2, fourth / (n - 1)
    factor = (n - 1) / (n * (n - 2) * (n - 3))
    unbiased: Float64Array = factor * ((n - 1) * (n - 2) * of_square + trace**2 - n * quartic)
    return unbiased


def _skewness(others: Float64Array) -> float:
    """Skewness of |z|^2 of a Gaussian, 8 tr(Sigma^3) / (2 tr(Sigma^2))^1.5, from triples of different donors."""
    n = len(others)
    square = (others**2).sum() / (n * (n - 1))
    cube = np.vdot(others @ others.T, others) / (n * (n - 1) * (n - 2))  # symmetric: half the product is enough
    return float(np.sqrt(8) * max(cube, 0.0) / square**1.5) if square > 0 else 0.0


def held_out_excess(values: NDArray[np.floating], class_index: Int64Array, donor: Int64Array, n_classes: int) -> float:
    """The ratio of squared differences of held-out donors to what is expected of them.

    A gene whose spread is underestimated counts too much for all but the training samples.
    """
    values = values[:, :: -(-values.shape[1] // _MOST_GENES)]
    fold = donor_folds(donor, stream(0, ALIGNMENT_DONORS, 1), FOLDS)

    def of_fold(number: int) -> tuple[float, float]:
        held_out = (fold == number) & np.isin(class_index, class_index[fold != number])
        if not held_out.any() or (fold != number).sum() < 2:
            return 0.0, 0.0
        others, classes = fold != number, class_index[held_out]
        learned = ClassMeans.of(values[others], class_index[others], donor[others], n_classes)
        found = (learned.standardised(values[held_out], classes) ** 2).mean(axis=1).sum()
        return float(found), float((learned.trace + learned.error)[classes].sum())

    found, expected = map(sum, zip(*over_threads(of_fold, range(FOLDS)), strict=True))
    return found / expected if expected > 0 else 1.0
