"""From an expression matrix to the data set that the networks see: one split, one scaler, one gene order."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import compress

import numpy as np
import pandas as pd
from anndata import AnnData
from numpy.typing import ArrayLike

from tspg.data.batch import Adjustment
from tspg.data.matrix import dense, file_of
from tspg.errors import ExpressionError, LabelError, ShapeError, UsageError
from tspg.utils.names import check_characters, check_length, check_names, shown
from tspg.utils.typing import BoolArray, Float32Array, Float64Array, IndexArray, Int64Array, NameArray

_VALUES_AT_ONCE = 1 << 22  # temporaries of the scaler stay near 32 MB for any matrix


@dataclass(frozen=True)
class Scaler:
    """Scales every gene to [0, 1] by its smallest and largest value among the training samples.

    `minimum` and `maximum` are in the units of the input, one value per gene. A gene that is constant among the
    training samples becomes 0 everywhere.

    Examples
    --------
    >>> scaler = tspg.Scaler.fit([[2.0, 7.0], [4.0, 7.0]])  # two samples x two genes
    >>> scaled, n_outside = scaler.transform([[3.0, 7.0], [5.0, 7.0]])
    >>> scaled.tolist(), n_outside
    ([[0.5, 0.0], [1.0, 0.0]], 1)
    >>> scaler.inverse(scaled).tolist()
    [[3.0, 7.0], [4.0, 7.0]]
    """

    minimum: Float64Array
    maximum: Float64Array

    @classmethod
    def fit(cls, values: ArrayLike) -> "Scaler":
        """The range of every gene of training samples, shape (samples, genes)."""
        matrix = np.asarray(values)
        return cls(matrix.min(axis=0).astype(np.float64), matrix.max(axis=0).astype(np.float64))

    @property
    def constant(self) -> BoolArray:
        """True for each gene that does not vary among the training samples."""
        return np.equal(self.maximum, self.minimum)

    def transform(self, values: ArrayLike) -> tuple[Float32Array, int]:
        """Scaled profiles clipped to [0, 1], and how many values were outside that range before."""
        scaled, outside = self.transform_counting(values)
        return scaled, int(outside.sum())

    def transform_counting(self, values: ArrayLike) -> tuple[Float32Array, Int64Array]:
        """Scaled profiles clipped to [0, 1], and how many values of each sample were outside that range before."""
        matrix, n_genes = np.asarray(values), len(self.minimum)
        if matrix.ndim != 2 or matrix.shape[1] != n_genes:
            raise ShapeError(f"The profiles have shape {matrix.shape}; (samples, {n_genes} genes) is needed.")
        scaled = np.empty(matrix.shape, dtype=np.float32)
        outside = np.zeros(len(matrix), dtype=np.int64)
        width = np.where(self.constant, 1.0, self.maximum - self.minimum)
        rows_at_once = max(1, _VALUES_AT_ONCE // max(1, matrix.shape[1]))
        for start in range(0, len(matrix), rows_at_once):
            rows = slice(start, start + rows_at_once)
            block = (matrix[rows] - self.minimum) / width
            block[:, self.constant] = 0.0
            outside[rows] = ((block < 0) | (block > 1)).sum(axis=1)
            scaled[rows] = np.clip(block, 0.0, 1.0)
        return scaled, outside

    def inverse(self, scaled: ArrayLike) -> Float64Array:
        """Scaled values in the units of the input; a constant gene gets its one value."""
        values = np.array(scaled, dtype=np.float64)
        values *= self.maximum - self.minimum  # in place: a large matrix is in memory once
        values += self.minimum
        return values

    def in_units(self, scaled: Float32Array, rows: IndexArray | None = None) -> Float32Array:
        """The same of many profiles, or of these rows, in half the memory."""
        wanted = np.arange(len(scaled)) if rows is None else rows
        values = np.empty((len(wanted), scaled.shape[1]), dtype=np.float32)
        rows_at_once = max(1, _VALUES_AT_ONCE // max(1, scaled.shape[1]))
        for start in range(0, len(wanted), rows_at_once):
            part = slice(start, start + rows_at_once)
            values[part] = self.inverse(scaled[wanted[part]])
        return values


@dataclass(frozen=True, repr=False)
class Dataset:
    """Scaled profiles with their classes and the one split that every later step uses.

    `profiles` has shape (samples, genes) and values in [0, 1]; `class_index` points into `classes`; `is_train` is the
    split. `clipped_cells` counts held-out values outside the training range, `outside` those of each sample.
    `adjustment` was subtracted from the values first. `groups` are the donors; `sample_columns` and `gene_columns`
    the user's own tables of samples and genes.

    Examples
    --------
    >>> dataset = tspg.prepare(adata, label_column="subtype")
    >>> dataset.classes
    ('GI.CIN', 'GI.GS', 'GI.HM-SNV', 'GI.MSI')
    >>> dataset.class_mean("GI.MSI").shape
    (50,)
    """

    profiles: Float32Array
    class_index: Int64Array
    classes: tuple[str, ...]
    is_train: BoolArray
    sample_ids: tuple[str, ...]
    gene_ids: tuple[str, ...]
    scaler: Scaler
    clipped_cells: int
    groups: tuple[str, ...] | None = None
    sample_columns: pd.DataFrame | None = None
    gene_columns: pd.DataFrame | None = None
    adjustment: Adjustment | None = None
    outside: Int64Array | None = None

    def __repr__(self) -> str:
        """How many samples and genes, and which classes."""
        n_samples, n_genes = self.profiles.shape
        n_train = int(self.is_train.sum())
        return f"Dataset: {n_samples} samples ({n_train} for training) x {n_genes} genes, {', '.join(self.classes)}"

    @cached_property
    def source_class(self) -> NameArray:
        """The name of every sample's own class."""
        return np.asarray(self.classes, dtype=object)[self.class_index]

    @cached_property
    def split(self) -> NameArray:
        """`train` or `test` for every sample."""
        return np.where(self.is_train, "train", "test").astype(object)

    def index_of(self, class_name: str) -> int:
        """The number of a class."""
        if class_name not in self.classes:
            raise UsageError(f"There is no class {class_name!r}. The classes are: {', '.join(self.classes)}.")
        return self.classes.index(class_name)

    def class_mask(self, class_name: str) -> BoolArray:
        """True for each sample of a class."""
        return np.equal(self.class_index, self.index_of(class_name))

    def class_mean(self, class_name: str) -> Float64Array:
        """The mean scaled profile of a class's training samples, one value per gene."""
        members = self.profiles[self.class_mask(class_name) & self.is_train]
        return np.asarray(members.mean(axis=0, dtype=np.float64))


def prepare(
    adata: AnnData,
    *,
    label_column: str,
    group_column: str | None = None,
    adjust_column: str | None = None,
    train_fraction: float = 0.8,
    seed: int = 0,
    is_train: BoolArray | None = None,
) -> Dataset:
    """Split the samples once, scale every gene by the training part, and keep the gene order.

    Parameters
    ----------
    adata
        Expression, samples x genes.
    label_column
        Column of `adata.obs` with each sample's class.
    group_column
        Column of `adata.obs` with the donor or patient, whose samples all stay on one side.
    adjust_column
        Column of `adata.obs` with a batch or platform whose effect on each gene is subtracted; it is estimated from
        the training samples, at equal class.
    train_fraction
        Share of every class that is trained on.
    seed
        Decides which samples are held out, together with the classes and the names of donors or samples.
    is_train
        The split, one value per sample, if it is already decided.

    Returns
    -------
    Scaled profiles of shape (samples, genes) with classes, split and scaler.

    Raises
    ------
    LabelError
        If there are fewer than two classes or a column is missing or has gaps.

    Examples
    --------
    >>> dataset = tspg.prepare(adata, label_column="subtype", group_column="patient")
    >>> dataset.profiles.shape
    (153, 50)
    >>> int(dataset.is_train.sum())
    123
    """
    labels = text_column(adata, label_column)
    groups = None if group_column is None else text_column(adata, group_column)
    classes = tuple(sorted(set(labels)))
    if len(classes) < 2:
        raise LabelError(f"Column {label_column!r} holds one class only ({classes[0]!r}); two or more are needed.")
    class_index = np.array([classes.index(label) for label in labels], dtype=np.int64)
    sample_ids = tuple(map(str, adata.obs_names))
    if is_train is None:
        is_train = split_samples(class_index, groups=groups or sample_ids, train_fraction=train_fraction, seed=seed)
    values, adjustment = dense(adata), None
    if adjust_column is not None:
        levels = text_column(adata, adjust_column)
        of_training = list(compress(levels, is_train))
        adjustment = Adjustment.fit(values[is_train], class_index[is_train], of_training, column=adjust_column)
        values, _ = adjustment.transform(values, levels)
    scaler = Scaler.fit(values[is_train])
    profiles, outside = scaler.transform_counting(values)
    return Dataset(
        profiles=profiles,
        class_index=class_index,
        classes=classes,
        is_train=is_train,
        sample_ids=sample_ids,
        gene_ids=tuple(map(str, adata.var_names)),
        scaler=scaler,
        clipped_cells=int(outside.sum()),
        groups=None if groups is None else tuple(groups),
        sample_columns=adata.obs,
        gene_columns=adata.var,
        adjustment=adjustment,
        outside=outside,
    )


def require_unique(adata: AnnData) -> None:
    """Refuse a matrix without samples or genes, or with names that cannot be used to join tables."""
    for what, index in (("sample", adata.obs_names), ("gene", adata.var_names)):
        names = [str(name) for name in index]  # 7 and "7" are one name
        if not names:
            raise ExpressionError(f"The matrix holds no {what}s. Give expression values, samples x genes.")
        check_names(names, what=what, file=file_of(adata), error=ExpressionError)
    for what, frame in (("sample column", adata.obs), ("gene column", adata.var)):
        check_length(list(map(str, frame.columns)), what=what, file=file_of(adata), error=LabelError)


def text_column(adata: AnnData, column: str, *, gaps_allowed: bool = False) -> list[str]:
    """One column of the sample annotation as text; gaps are refused, or become empty text."""
    if column not in adata.obs:
        raise LabelError(
            f"There is no sample column {column!r}. There are: {', '.join(map(str, adata.obs.columns)) or 'none'}. "
            "A labels file needs a header to have further columns."
        )
    values = adata.obs[column]
    empty = values.isna() | (values.astype(str) == "")
    if empty.any() and not gaps_allowed:
        named = ", ".join(map(repr, adata.obs_names[empty][:5]))
        raise LabelError(
            f"Column {column!r} is empty for {int(empty.sum())} samples: {named}. Label them or leave them out."
        )
    texts = ["" if is_empty else str(value) for value, is_empty in zip(values, empty, strict=True)]
    check_characters(list(set(texts)), what="class or group", file=f"column {shown(column)}", error=LabelError)
    return texts


def split_samples(class_index: Int64Array, *, groups: Sequence[str], train_fraction: float, seed: int) -> BoolArray:
    """The training samples: about `train_fraction` of every class, all samples of a donor on one side.

    Donors alike in classes and numbers of samples are put side by side in random order, and every fifth (at .8) from
    a random start is held out, so that each has the same chance. Then donors change sides, in random order, as long
    as that brings the held-out counts of the classes closer to the wanted ones. If every sample is its own donor the
    counts are met exactly: a class of one is all trained on, a larger one keeps a sample on either side. No class
    loses its last training sample.

    `groups` are the donor of each sample, or its own name to split samples one by one. The result, shape (samples,),
    depends on seed, classes and donors, not on the order of the rows.
    """
    donors, donor_of = np.unique(np.asarray(groups, dtype=object), return_inverse=True)
    counts = np.zeros((len(donors), int(class_index.max()) + 1))
    np.add.at(counts, (donor_of, class_index), 1)
    totals, share = counts.sum(axis=0), 1 - train_fraction
    wanted = np.where(totals > 1, np.clip(np.round(share * totals), 1, np.maximum(totals - 1, 1)), 0)

    rng = np.random.default_rng([seed, 0])
    order = rng.permutation(len(donors))
    alike = np.unique(counts, axis=0, return_inverse=True)[1]
    order = order[np.argsort(alike[order], kind="stable")]
    steps = np.floor(share * np.arange(len(donors) + 1) + rng.random())
    is_held_out = np.zeros(len(donors), dtype=bool)
    is_held_out[order] = np.diff(steps) > 0

    def shortfall(held_out: Float64Array) -> tuple[int, float]:
        """How bad a split is: classes without a training sample, then the distance to the wanted counts."""
        distance = (((held_out - wanted) / np.maximum(wanted, 1)) ** 2).sum()
        return int((held_out >= totals).sum()), float(distance)

    held_out = counts[is_held_out].sum(axis=0)
    has_improved = True
    while has_improved:
        has_improved = False
        for donor in rng.permutation(len(donors)):
            after = held_out + (-1 if is_held_out[donor] else 1) * counts[donor]
            if shortfall(after) < shortfall(held_out):
                held_out, is_held_out[donor], has_improved = after, not is_held_out[donor], True
    return ~is_held_out[donor_of]
