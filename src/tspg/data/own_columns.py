"""The user's own columns of samples and genes in `perturbations.h5ad`, beside those that `tspg` writes."""

import re
from collections.abc import Iterable
from itertools import count

import numpy as np
import pandas as pd
from anndata import AnnData

from tspg.utils.names import CONTROL, MOST_SHOWN, shown

# The columns of `tspg` itself; a column of the user with such a name is kept under another.
SAMPLE_COLUMNS = (
    *("source_class", "predicted_before", "predicted_after", "split", "moved_as", "clipped", "p_shift", "group"),
)
GENE_COLUMNS = ("minimum", "maximum", "target_mean", "constant")
_RENAMED = "renamed_columns"  # of the user's samples: the name before, and here
_NOT_IN_H5AD = ("", ".", "_index")  # names that the format uses itself, or cannot hold
_NOT_IN_NAMES = re.compile(rf"{CONTROL.pattern}|/")
_NOT_IN_TEXT = re.compile("[\0\ud800-\udfff]")


def kept_names(columns: Iterable[object], ours: Iterable[str]) -> list[str]:
    """The name of each of the user's columns in `perturbations.h5ad`: its own, if possible.

    Names taken by `ours` or the file format become `NAME_input`, slashes and control characters `_`; a number at the
    end makes the result unique.
    """
    names, reserved = list(map(str, columns)), {*ours, *_NOT_IN_H5AD}
    taken, kept = {*names, *reserved}, list[str]()
    for name in names:
        plain = _NOT_IN_NAMES.sub("_", name)
        if name == plain and name not in reserved and name not in kept:
            kept.append(name)
            continue
        plain = f"{plain}_input" if plain in reserved else plain
        numbered = (f"{plain}_{number}" if number > 1 else plain for number in count(1))
        kept.append(next(one for one in numbered if one not in taken))
        taken.add(kept[-1])
    return kept


def note_on_columns(columns: Iterable[object], ours: Iterable[str], *, what: str) -> list[str]:
    """A note on columns that are kept under another name; `what` is `sample` or `gene`."""
    names = list(map(str, columns))
    changed = [(old, new) for old, new in zip(names, kept_names(names, ours), strict=True) if old != new]
    if not changed:
        return []
    pairs = ", ".join(f"{shown(old)} is kept as {shown(new)}" for old, new in changed[:MOST_SHOWN])
    more = f" and {len(changed) - MOST_SHOWN:,} more" if len(changed) > MOST_SHOWN else ""
    return [
        f"Renamed {what} column{'s' if len(changed) > 1 else ''} in perturbations.h5ad, since tspg or the file format "
        f"uses the name: {pairs}{more}."
    ]


def keep_columns(perturbations: AnnData, obs: pd.DataFrame | None, var: pd.DataFrame | None) -> AnnData:
    """The same with the user's own columns of samples and genes behind those of `tspg`."""
    if obs is not None:
        beside = _storable(obs, SAMPLE_COLUMNS).set_axis(perturbations.obs_names)
        perturbations.obs = pd.concat([perturbations.obs, beside], axis=1)
        renamed = [(str(old), new) for old, new in zip(obs.columns, beside.columns, strict=True) if str(old) != new]
        if renamed:
            perturbations.uns["tspg"][_RENAMED] = np.array(renamed, dtype=object)
    if var is not None:
        beside = _storable(var, GENE_COLUMNS).set_axis(perturbations.var_names)
        perturbations.var = pd.concat([perturbations.var, beside], axis=1)
    return perturbations


def own_column(perturbations: AnnData, name: str) -> str | None:
    """The name of a column of the user's samples in `perturbations`; None if there is no such column."""
    new_names: dict[str, str] = dict(perturbations.uns["tspg"].get(_RENAMED, ()))
    kept = new_names.get(name, name)
    return kept if kept in perturbations.obs and kept not in SAMPLE_COLUMNS else None


def _storable(frame: pd.DataFrame, ours: Iterable[str]) -> pd.DataFrame:
    """The columns as `perturbations.h5ad` stores them: numbers, truth values and named categories, all else as text.

    Missing text becomes empty; characters that cannot be stored are escaped.
    """

    def storable(column: pd.Series) -> pd.Series:
        kind = column.dtype
        if isinstance(kind, np.dtype) and kind.kind in "biuf":
            return column
        names = kind.categories if isinstance(kind, pd.CategoricalDtype) else [None]
        if all(isinstance(name, str) and not _NOT_IN_TEXT.search(name) for name in names):
            return column
        text = column.astype(str).astype(object).where(column.notna(), "")
        return text.map(lambda value: _NOT_IN_TEXT.sub(lambda found: repr(found[0])[1:-1], value))

    columns = {number: storable(frame.iloc[:, number]) for number in range(frame.shape[1])}
    return pd.DataFrame(columns, index=frame.index).set_axis(kept_names(frame.columns, ours), axis=1)
