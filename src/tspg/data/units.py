"""In what units expression values probably are, and how they are put on a logarithmic scale."""

import numpy as np
import numpy.typing as npt

from tspg.data.naming import shown
from tspg.data.table import FloatArray
from tspg.errors import ExpressionError

RAW_COUNTS, LOG_SCALE, LINEAR = "raw counts", "log scale", "linear"
# log2 of the largest values of RNA sequencing is below 30: a billion copies of one gene.
LARGEST_LOG = 30.0
COUNTS_PER_LIBRARY = 1e6
_ROWS_AT_ONCE = 256


def guess_units(values: FloatArray) -> tuple[str, str]:
    """What the values probably are (raw counts, log scale or linear), and the reason in words."""
    if values.size == 0:
        return LINEAR, "there are no values"
    smallest, largest = float(values.min()), float(values.max())
    if smallest < 0:
        return LOG_SCALE, f"some values are negative, the smallest is {smallest:,.6g}"
    if largest > 1 and _all_whole(values):
        return RAW_COUNTS, f"all values are whole numbers, the largest is {largest:,.0f}"
    if largest <= LARGEST_LOG:
        return LOG_SCALE, f"no value is above {LARGEST_LOG:.0f}, the largest is {largest:,.6g}"
    return LINEAR, f"values have decimals, the largest is {largest:,.6g}"


def _all_whole(values: FloatArray) -> bool:
    return all(is_whole(values[start : start + _ROWS_AT_ONCE]) for start in range(0, len(values), _ROWS_AT_ONCE))


def is_whole(values: FloatArray) -> bool:
    """Whether every value is a whole number."""
    return bool((np.floor(values) == values).all())


class LibrarySizes:
    """Each sample's sum over all genes of the file, kept only while every value may be a count."""

    def __init__(self) -> None:
        self.wanted = True
        self.largest = 0.0
        self._parts: list[npt.NDArray[np.float64]] = []

    def add_samples(self, values: FloatArray) -> None:
        """Take in some samples with all their genes; shape (samples, genes)."""
        self._add(values, axis=1)

    def add_genes(self, values: FloatArray) -> None:
        """Take in some genes of all samples; shape (genes, samples)."""
        self._add(values, axis=0)
        if len(self._parts) > 1:
            self._parts = [self._parts[0] + self._parts[1]]

    def _add(self, values: FloatArray, axis: int) -> None:
        self.wanted = is_whole(values) and not bool((values < 0).any())
        if self.wanted:
            self.largest = max(self.largest, float(values.max(initial=0.0)))
            self._parts.append(values.sum(axis=axis, dtype=np.float64))

    def sizes(self) -> npt.NDArray[np.float64] | None:
        """The sum of each sample, or None if the values of the file, all its genes taken together, are no counts."""
        return np.concatenate(self._parts) if self.wanted and self.largest > 1 else None


def to_log2(values: FloatArray, libraries: LibrarySizes, *, file: str, sample_ids: list[str]) -> str:
    """Put a matrix on the scale log2(x + 1) in place and say in words what was done.

    Raw counts are first scaled to counts per million, so that one new sample needs no others; libraries are
    summed over all genes of the file, also when only some are kept.

    Raises
    ------
    ExpressionError
        If a value is negative, or a sample of raw counts is zero throughout.
    """
    if values.size and values.min() < 0:
        raise ExpressionError(
            f"{file}: the smallest value is {values.min():.6g}, and log2(x + 1) is for values from zero on. "
            "Such values are on a log scale already: use --transform none."
        )
    sizes = libraries.sizes()
    note = "values were changed to log2(x + 1)"
    if sizes is not None:
        _scale(values, sizes, file, sample_ids)
        whole = f"all values are whole numbers, the largest is {libraries.largest:,.0f}"
        note = f"raw counts ({whole}) were scaled to counts per million and changed to log2(x + 1)"
    np.log1p(values, out=values)
    values *= np.float32(1 / np.log(2))
    return note


def _scale(values: FloatArray, sizes: npt.NDArray[np.float64], file: str, sample_ids: list[str]) -> None:
    """Counts per million, in place."""
    if not sizes.all():
        empty = sample_ids[int(np.flatnonzero(sizes == 0)[0])]
        raise ExpressionError(
            f"{file}: all counts of sample {shown(empty)} are zero, so it cannot be scaled. Remove the sample."
        )
    values *= (COUNTS_PER_LIBRARY / sizes)[:, None].astype(np.float32)
