"""What is known about each sample, joined to the matrix by the samples' names."""

import pandas as pd

from tspg.data.labels import check_labels
from tspg.data.naming import closest, listed, near_matches, shown
from tspg.data.table import Table
from tspg.errors import LabelError


def annotate(
    table: Table,
    sample_ids: list[str],
    label_table: pd.DataFrame | None,
    label_column: str | None,
    allow_unlabelled: bool,
) -> tuple[pd.DataFrame, list[str]]:
    """What is known about each sample of the matrix, in its order, and notes on it."""
    if label_table is not None:
        return _join(table.file, sample_ids, label_table, allow_unlabelled)
    obs = table.annotations
    obs = pd.DataFrame(index=pd.Index(sample_ids, dtype=object)) if obs is None else obs
    if label_column is not None:
        if label_column not in obs.columns:
            names = (
                listed(closest(label_column, obs.columns, len(obs.columns)))
                if len(obs.columns)
                else "none; give --labels FILE"
            )
            raise LabelError(
                f"{table.file}: there is no column {shown(label_column)} of samples. The columns are {names}."
            )
        check_labels(obs[label_column], table.file, empty_allowed=allow_unlabelled)
    return obs, []


def _join(
    file: str, sample_ids: list[str], label_table: pd.DataFrame, allow_unlabelled: bool
) -> tuple[pd.DataFrame, list[str]]:
    known = set(label_table.index)
    unlabelled = [sample for sample in sample_ids if sample not in known]
    if unlabelled and not allow_unlabelled:
        pairs = near_matches(unlabelled, known)
        near = "".join(f" {shown(ours)} is nearly the labelled {shown(theirs)}." for ours, theirs in pairs)
        raise LabelError(
            f"{file}: {len(unlabelled):,} of {len(sample_ids):,} samples have no label: "
            f"{listed(unlabelled)}.{near} "
            "Add their labels, or accept them with --allow-unlabelled."
        )
    n_more = len(known.difference(sample_ids))
    notes = [f"the labels file covers {n_more:,} samples that are not in the matrix"] if n_more else []
    if unlabelled:
        notes.append(f"{len(unlabelled):,} samples have no label: {listed(unlabelled)}")
    return label_table.reindex(pd.Index(sample_ids, dtype=object), fill_value="").rename_axis(None), notes
