"""The distribution of each sample's values over the genes of a file: its quantile function at fixed levels.

Another laboratory or pipeline shows in it first, whatever the genes of interest are. It is taken over a panel of
genes picked by a hash of their names, so that it costs little and another file can be read for the same genes.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress

import numpy as np
from anndata import AnnData
from numpy.typing import NDArray

from tspg.data.identifiers import match_genes, possible_match
from tspg.data.matrix import X, gathered
from tspg.data.readers.table import check_size
from tspg.errors import GeneSetError
from tspg.utils.typing import Float32Array, Float64Array, FloatArray, IndexArray

# With 8,192 genes quantile normalisation is as good as with all 17,471; with fewer less so where genes are missing
# (benchmarks/truth_shift.py).
PANEL = 8192
_TAIL = np.geomspace(1e-4, 0.01, 33)
# Every quarter of a percent, and denser towards both ends: an error there moves the largest values.
LEVELS: Float64Array = np.unique(np.concatenate([np.linspace(0, 1, 401), _TAIL, 1 - _TAIL]).round(7))
_PERCENTS = np.searchsorted(LEVELS, np.arange(1, 100) / 100)
_ROWS_AT_ONCE = 256
KEY = "tspg_quantiles"  # in `obsm` of what was read from a file


@dataclass(frozen=True)
class Quantiles:
    """The quantile function of each sample at `LEVELS`, shape (samples, levels), and the genes it is taken over."""

    genes: tuple[str, ...]
    values: Float32Array

    def attach(self, adata: AnnData) -> None:
        """Store them with expression of which only some genes are kept."""
        adata.obsm[KEY] = np.column_stack([self.values, _means(adata.X)])
        adata.uns["tspg_input"]["panel"] = list(self.genes)

    @classmethod
    def of(cls, adata: AnnData, layer: str | None = None, genes: Sequence[str] | None = None) -> "Quantiles | None":
        """Those of expression: as read with it, else over those of `genes` that are there; None takes a panel of all.

        The result is None if none of the genes is there.
        """
        read = cls._read(adata) if layer in (None, X) else None
        found, chosen = panel_among([str(gene) for gene in adata.var_names], genes)
        if read is not None and (
            genes is None or (set(genes).issuperset(read.genes) and len(read.genes) >= len(found))
        ):
            return read
        if not found:
            return None
        return cls(tuple(found), quantile_functions(gathered(adata, layer=layer, genes=chosen.tolist())))

    @classmethod
    def _read(cls, adata: AnnData) -> "Quantiles | None":
        """Those read with expression; None if values or genes have changed since, as the means show."""
        read, genes = adata.obsm.get(KEY), adata.uns.get("tspg_input", {}).get("panel")
        if read is None or genes is None:
            return None
        if not np.allclose(_means(gathered(adata)), read[:, -1], rtol=1e-5, atol=1e-6):
            return None
        return cls(tuple(map(str, genes)), np.ascontiguousarray(read[:, :-1], dtype=np.float32))


def is_as_read(adata: AnnData) -> bool:
    """Whether expression has the values and genes that were read from a file."""
    return Quantiles._read(adata) is not None


def _means(values: FloatArray) -> Float32Array:
    return np.asarray(values.mean(axis=1, dtype=np.float64), np.float32)


def hashes(names: Sequence[str]) -> NDArray[np.uint64]:
    """A pseudo-random number for each name, the same everywhere."""
    digests = b"".join(hashlib.blake2b(name.encode(), digest_size=8).digest() for name in names)
    return np.frombuffer(digests, ">u8").astype(np.uint64)


def panel_of(names: Sequence[str]) -> IndexArray:
    """Positions of the genes of the panel among the names; all of them if there are few."""
    keys = hashes(names)
    return np.flatnonzero(np.isin(keys, np.unique(keys)[:PANEL]))


def panel_among(names: Sequence[str], genes: Sequence[str] | None) -> tuple[list[str], IndexArray]:
    """The genes over which a distribution is taken, and their positions among the names.

    They are those of `genes` that are there, under the names given; None takes the panel of all names.
    """
    if genes is None:
        chosen = panel_of(names)
        return [names[at] for at in chosen], chosen
    try:
        match = match_genes(genes, names)
    except GeneSetError:
        return [], np.empty(0, np.intp)
    return list(match.found), np.asarray(match.positions, np.intp)


class PanelRows:
    """The panel of a file with genes in rows, updated while the file is read, since its genes may be the last ones.

    With `genes` it is every row that may be one of them.
    """

    def __init__(self, n_columns: int, genes: Sequence[str] | None, *, file: str, limit: float) -> None:
        self._file, self._limit, self._n_columns = file, limit, n_columns
        self._is_wanted = None if genes is None else possible_match(genes)
        self._smallest = np.empty(0, np.uint64)
        self._names: list[str] = []
        self._keys = np.empty(0, np.uint64)
        self._parts: list[Float32Array] = []

    def candidates(self, names: Sequence[str]) -> IndexArray:
        """The next rows that belong to the panel, as far as the file has been read."""
        if self._is_wanted is not None:
            return np.asarray([at for at, name in enumerate(names) if self._is_wanted(name)], np.intp)
        keys = hashes(names)
        self._smallest = np.unique(np.concatenate([self._smallest, keys]))[:PANEL]
        return np.flatnonzero(np.isin(keys, self._smallest))

    def add(self, names: Sequence[str], rows: Float32Array) -> None:
        """Add rows that are candidates; ResourceError if the panel outgrows the memory limit."""
        self._names += names
        self._keys = np.concatenate([self._keys, hashes(names)])
        self._parts.append(rows)
        check_size(self._file, len(self._names), self._n_columns, self._limit)
        if len(self._names) > PANEL * 5 // 4:
            self._prune()

    def _prune(self) -> None:
        """Drop the rows that are no longer in the panel."""
        if self._is_wanted is not None:
            return
        kept = np.isin(self._keys, self._smallest)
        self._names, self._keys = list(compress(self._names, kept)), self._keys[kept]
        starts = np.cumsum([0, *map(len, self._parts)])
        self._parts = [part[kept[start : start + len(part)]] for part, start in zip(self._parts, starts, strict=False)]

    def samples(self) -> tuple[list[str], Float32Array]:
        """The genes of the panel in the order of the file, and the values of shape (samples, genes)."""
        self._prune()
        rows = np.concatenate(self._parts) if self._parts else np.empty((0, self._n_columns), np.float32)
        return self._names, rows.T


def quantile_functions(values: FloatArray) -> Float32Array:
    """The values of each sample at `LEVELS` of its sorted values, shape (samples, levels).

    They are not interpolated, so that the logarithm of a quantile is the quantile of logarithms.
    """
    n_samples, n_genes = values.shape
    at = np.round(LEVELS * (n_genes - 1)).astype(np.intp)
    found = np.empty((n_samples, len(LEVELS)), np.float32)
    for start in range(0, n_samples, _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        found[rows] = np.sort(values[rows], axis=1)[:, at]
    return found


def percentiles(quantiles: FloatArray) -> Float64Array:
    """The 1st to the 99th percentile of each sample, shape (samples, 99)."""
    return quantiles[:, _PERCENTS].astype(np.float64)


def ranks_of(values: FloatArray, quantiles: Float32Array) -> Float32Array:
    """The rank of each value among those of its own sample, 0 to 1, shape (samples, genes); the middle rank of ties.

    `quantiles` is the quantile function of each sample, shape (samples, levels).
    """
    found = np.empty(values.shape, np.float32)
    last, steps = len(LEVELS) - 1, np.diff(LEVELS)
    for row, own, ranks in zip(values, quantiles, found, strict=True):
        below = np.searchsorted(own, row)
        at = np.clip(below - 1, 0, last - 1)
        width = np.diff(own)
        share = np.clip((row - own[at]) / np.where(width > 0, width, 1)[at], 0, 1)
        ranks[:] = LEVELS[at] + share * steps[at]
        tied = np.flatnonzero(own.take(below, mode="clip") == row)
        below = below[tied]
        ranks[tied] = (LEVELS[below] + LEVELS[np.searchsorted(own, own, "right")[below] - 1]) / 2
    return found


def at_ranks(ranks: Float32Array, reference: FloatArray) -> Float32Array:
    """The values of one quantile function at these ranks, in their shape."""
    return np.asarray(np.interp(ranks, LEVELS, reference), np.float32)
