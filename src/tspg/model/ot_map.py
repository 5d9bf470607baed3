"""The linear map to the target class in closed form: optimal transport between Gaussian clouds.

Each class is a Gaussian cloud with its own mean, and a covariance on a few shared directions that is shrunk to that of
all classes together. The optimal transport map between two such clouds is linear and known (Bures). Unlike the
difference of the means it also gives moved profiles the target's spread and the correlations between its genes. Unlike
a draw from the target it keeps what is special about the person.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy.sparse.linalg import eigsh
from torch import Tensor

from tspg.data.prepare import Dataset
from tspg.errors import ModelError, UsageError
from tspg.utils.typing import Float32Array, Float64Array, Int64Array

STORED = ("directions", "class_means", "maps", "stretch")
SPREADS = ("pooled", "target_spread")
DIRECTIONS = 32  # k: shared directions on which covariances of classes differ
POOL_WEIGHT = 20.0  # n0: with so many samples a class's covariance counts as much as the pool's
RIDGE = 0.02  # share of the mean variance, added on every shared direction
LARGEST_STRETCH = 1.5  # outside the shared directions no class is spread further than this
_ROWS_AT_ONCE = 2048


@dataclass(frozen=True)
class GaussianOTMap:
    """Moves scaled profiles of each class to the target class.

    a(x, c) = mu_t + Q A_c Q'(x - mu_c) + s_c (I - QQ')(x - mu_c), and a(x, t) = x. `directions` is Q,
    shape (genes, k); `class_means`, `maps` (A_c) and `stretch` (s_c) have one entry a class, in the
    order of the model's classes. Values are not clipped to [0, 1]. `pooled`, the spread within all classes but the
    target, and `target_spread` make the map of one more class; they are None in models of earlier versions.
    """

    target_index: int
    directions: Float64Array
    class_means: Float64Array
    maps: Float64Array
    stretch: Float64Array
    pooled: "Spread | None" = None
    target_spread: "Spread | None" = None

    @classmethod
    def estimate(cls, dataset: Dataset, target_class: str) -> "GaussianOTMap":
        """Learn the map from the training samples of every class.

        Without any variance within the classes the map is the difference of the class means.
        """
        target = dataset.index_of(target_class)
        train, labels = dataset.profiles[dataset.is_train], dataset.class_index[dataset.is_train]
        n_classes = len(dataset.classes)
        means = np.stack([train[labels == c].mean(axis=0, dtype=np.float64) for c in range(n_classes)])
        residuals = train - means.astype(np.float32)[labels]  # float32: as large as the profiles
        is_target = labels == target
        n_pool, n_target = int((~is_target).sum()), int(is_target.sum())
        weights = np.where(is_target, 1 / np.sqrt(max(n_target, 1)), 1 / np.sqrt(max(n_pool, 1)))
        directions = leading_directions(residuals, weights.astype(np.float32))
        pooled = Spread.of(residuals[~is_target], directions, max(n_pool - (n_classes - 1), 1))
        spreads = [Spread.of(residuals[labels == c], directions).shrunk_to(pooled) for c in range(n_classes)]
        maps, stretch = zip(*(_map_to(spreads[target], spread, pooled) for spread in spreads), strict=True)
        return cls(target, directions, means, np.stack(maps), np.array(stretch), pooled, spreads[target])

    def with_class(self, cohort: Float32Array, likeliest: Int64Array | None = None) -> "GaussianOTMap":
        """The same with the map of one more class, which comes last.

        Spread and mean are those of `cohort`, scaled profiles of the class; the spread is shrunk to the pool as for
        any class. Given `likeliest`, the known class that each profile resembles most, the mean is shrunk to theirs by
        as much as it is uncertain.

        Raises
        ------
        ModelError
            If the model was made by an earlier version, which did not keep the spreads.
        """
        if self.pooled is None or self.target_spread is None:
            raise ModelError(
                "This model lacks the spreads that the map of a new class is made with: an earlier version of tspg "
                "made it. Train it again with `tspg run`."
            )
        mean: Float64Array = cohort.mean(axis=0, dtype=np.float64)
        spread = Spread.of(cohort - mean.astype(np.float32), self.directions).shrunk_to(self.pooled)
        new_map, stretch = _map_to(self.target_spread, spread, self.pooled)
        known = None if likeliest is None else self.class_means[likeliest].mean(axis=0)
        return replace(
            self,
            class_means=np.vstack([self.class_means, mean if known is None else shrunk_mean(cohort, known)]),
            maps=np.concatenate([self.maps, new_map[None]]),
            stretch=np.append(self.stretch, stretch),
        )

    def tensors(self) -> dict[str, Tensor]:
        """Everything that was learned, as tensors to store."""
        arrays = {name: torch.from_numpy(np.ascontiguousarray(getattr(self, name))) for name in STORED}
        for name in SPREADS:
            spread: Spread | None = getattr(self, name)
            if spread is not None:
                arrays |= {f"{name}.{part}": torch.from_numpy(array) for part, array in spread.arrays().items()}
        return {**arrays, "target_index": torch.tensor(self.target_index)}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor]) -> "GaussianOTMap":
        """The map as it was stored.

        Raises
        ------
        ValueError
            If its parts differ in size.
        """
        directions, means, maps, stretch = (tensors[name].numpy() for name in STORED)
        pooled, target_spread = (Spread.from_tensors(tensors, name) for name in SPREADS)
        for spread in (pooled, target_spread):
            if spread is not None and len(spread.inside) != directions.shape[1]:
                raise ValueError("the spreads have another number of directions than the maps")
        return cls(int(tensors["target_index"]), directions, means, maps, stretch, pooled, target_spread)

    def move(self, profiles: Float32Array, class_index: Int64Array) -> Float32Array:
        """Each profile moved from its class to the target; one of the target class stays as it is."""
        if len(class_index) and class_index.min() < 0:
            raise UsageError("Every profile needs a class to be moved from.")
        moved = profiles.copy()
        for c in np.unique(class_index[class_index != self.target_index]):
            rows = class_index == c
            residual = profiles[rows] - self.class_means[c]
            inside = residual @ self.directions
            shaped = inside @ self.maps[c].T - self.stretch[c] * inside
            moved[rows] = self.class_means[self.target_index] + shaped @ self.directions.T + self.stretch[c] * residual
        return moved


@dataclass(frozen=True)
class Spread:
    """The covariance of a cloud on the shared directions, and its variance outside them and in total."""

    inside: Float64Array
    outside: float
    total: float
    n: int

    @classmethod
    def of(cls, residuals: Float32Array, directions: Float64Array, freedom: int | None = None) -> "Spread":
        """The spread of residuals; `freedom` defaults to one less than their number."""
        freedom = max(len(residuals) - 1, 1) if freedom is None else freedom
        on_directions = (residuals @ directions.astype(np.float32)).astype(np.float64)
        inside = on_directions.T @ on_directions / freedom
        total = float(np.einsum("ij,ij->i", residuals, residuals).sum(dtype=np.float64) / freedom)
        return cls(inside, max(total - float(np.trace(inside)), 0.0), total, len(residuals))

    def arrays(self) -> dict[str, Float64Array]:
        """The spread as arrays to store."""
        return {"inside": np.ascontiguousarray(self.inside), "facts": np.array([self.outside, self.total, self.n])}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor], name: str) -> "Spread | None":
        """The spread stored under a name; None where there is none."""
        if f"{name}.inside" not in tensors:
            return None
        outside, total, n = tensors[f"{name}.facts"].tolist()
        return cls(tensors[f"{name}.inside"].numpy(), outside, total, int(n))

    def shrunk_to(self, pool: "Spread") -> "Spread":
        """Halfway to the pool's shape at `POOL_WEIGHT` samples; all the way, and to its size, for a single sample."""
        alpha = POOL_WEIGHT / (POOL_WEIGHT + self.n) if self.n > 1 else 1.0
        size = self.total / pool.total if self.n > 1 and pool.total > 0 else 1.0
        inside = (1 - alpha) * self.inside + alpha * size * pool.inside
        inside = inside + RIDGE * np.trace(inside) / len(inside) * np.eye(len(inside))
        return Spread(inside, (1 - alpha) * self.outside + alpha * size * pool.outside, self.total, self.n)


def _map_to(target: Spread, source: Spread, pooled: Spread) -> tuple[Float64Array, float]:
    """The map on the shared directions that gives a cloud the target's spread, and the stretch outside of them."""
    if pooled.total == 0:  # no variance within the classes
        return np.eye(len(source.inside)), 1.0
    stretch = 1.0 if source.outside <= 0 else min(np.sqrt(target.outside / source.outside), LARGEST_STRETCH)
    return transport_map(source.inside, target.inside), float(stretch)


def shrunk_mean(profiles: Float32Array, known: Float64Array) -> Float64Array:
    """The mean of profiles, shrunk to a known one by the share of their distance that chance explains (James-Stein)."""
    mean = profiles.mean(axis=0, dtype=np.float64)
    error = profiles.var(axis=0, ddof=1, dtype=np.float64).sum() / len(profiles)
    apart = ((mean - known) ** 2).sum()
    shrunk: Float64Array = known + (mean - known) * max(0.0, 1 - error / apart if apart > 0 else 0.0)
    return shrunk


def transport_map(source: Float64Array, target: Float64Array) -> Float64Array:
    """The optimal transport map that turns one Gaussian cloud's covariance into another's.

    C_c^(-1/2) (C_c^(1/2) C_t C_c^(1/2))^(1/2) C_c^(-1/2), symmetric. Both inputs are (k, k).
    """
    root, inverse_root = _power(source, 0.5), _power(source, -0.5)
    return inverse_root @ _power(root @ target @ root, 0.5) @ inverse_root


def _power(matrix: Float64Array, exponent: float) -> Float64Array:
    """A power of a positive semidefinite matrix, on the directions with variance alone."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    usable = values > values.max(initial=0.0) * 1e-12
    powers = np.where(usable, np.where(usable, values, 1.0) ** exponent, 0.0)
    power: Float64Array = (vectors * powers) @ vectors.T
    return power


def leading_directions(residuals: Float32Array, weights: Float32Array) -> Float64Array:
    """The directions along which weighted rows vary most, shape (genes, k), orthonormal.

    They are the leading eigenvectors of the smaller of the two matrices of products, by Lanczos iteration to machine
    precision: where many directions vary nearly alike, a decomposition that stops earlier gives others each time.
    """
    rows, genes = residuals.shape
    k = max(1, min(DIRECTIONS, rows // 5, genes))
    if rows <= genes:
        products = weights[:, None] * weights * (residuals @ residuals.T)
        along_rows = _leading_eigenvectors(products, k).astype(np.float32)
        found = residuals.T @ (weights[:, None] * along_rows)
    else:
        products = np.zeros((genes, genes), dtype=np.float64)
        for start in range(0, rows, _ROWS_AT_ONCE):
            block = weights[start : start + _ROWS_AT_ONCE, None] * residuals[start : start + _ROWS_AT_ONCE]
            products += block.T @ block
        found = _leading_eigenvectors(products, k)
    directions: Float64Array = np.linalg.qr(found.astype(np.float64))[0]
    return directions


def _leading_eigenvectors(products: Float64Array | Float32Array, k: int) -> Float64Array:
    """The k eigenvectors with the largest eigenvalues of a symmetric matrix, as columns, the largest first."""
    if k >= len(products) - 1 or not products.any():
        return np.linalg.eigh(products.astype(np.float64))[1][:, ::-1][:, :k]
    start = np.random.default_rng(0).standard_normal(len(products))  # any will do; not ones, which residuals cancel
    values, vectors = eigsh(products.astype(np.float64), k=k, which="LA", v0=start)
    found: Float64Array = vectors[:, np.argsort(-values)]
    return found
