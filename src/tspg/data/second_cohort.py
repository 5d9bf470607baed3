"""A second cohort that nothing is learned from: checked against the first, with the same genes and classes."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from anndata import AnnData

from tspg.data.checks import known_by
from tspg.data.donors import find_donors
from tspg.data.identifiers import match_genes
from tspg.data.matrix import dense, require_anndata
from tspg.data.prepare import require_unique, text_column
from tspg.data.quantiles import Quantiles
from tspg.data.scale import are_alike, scale_in_words
from tspg.data.scale_detection import scale_of
from tspg.errors import ExpressionError, GeneSetError, LabelError, UsageError
from tspg.utils.names import listed, shown

THE_COHORT = "The second cohort"


@dataclass(frozen=True)
class MatchedCohort:
    """Samples of other people, with genes, their order and the name of the class column as in the first cohort.

    `notes` are warnings; `file` and `labels_file` are empty if it was made in Python.
    """

    adata: AnnData
    notes: tuple[str, ...]
    file: str = ""
    labels_file: str = ""


def second_cohort(
    adata: AnnData,
    first: AnnData,
    panel: Sequence[str] = (),
    *,
    label_column: str,
    group_column: str | None,
    layer: str | None = None,
) -> MatchedCohort:
    """The second cohort with the genes of the first, once it has passed all checks.

    `adata` is in the units of the first cohort; `first` has the genes of the task only, `panel` are genes of its whole
    matrix, over which distributions of values are compared. The columns are those of the first cohort; an only column
    of labels may have another name, and donors may be unknown.

    Raises TspgError if samples or donors are in both, genes are missing, units differ, or samples have no class.
    """
    require_anndata(adata)
    require_unique(adata)
    read = adata.uns.get("tspg_input", {})
    second = _of_same_genes(adata, first, layer)
    quantiles = Quantiles.of(adata, layer, panel) if len(panel) else None
    if quantiles is not None:
        second.uns["tspg_input"] = {}
        quantiles.attach(second)
    own = read.get("label_column") or (second.obs.columns[0] if second.obs.shape[1] == 1 else None)
    if label_column not in second.obs and own in second.obs:
        second.obs = second.obs.rename(columns={own: label_column})
    labels = _text(second, label_column)
    _require_other_people(second, first, group_column)
    found, expected = scale_of(dense(second)), scale_of(dense(first))
    if not are_alike(found.kind, expected.kind):  # moved on another scale, values mean nothing
        raise ExpressionError(
            f"{THE_COHORT}: the values look like {scale_in_words(found)}; those of the first look like "
            f"{expected.kind}. Give both in the same units, such as log2(x + 1) of the same normalised values."
        )
    notes = [str(note) for note in read.get("notes", [])]
    notes += _note_on_donors(second, first, labels, text_column(first, label_column), group_column)
    known = set(map(known_by, dense(first)))
    twice = [str(name) for name, row in zip(second.obs_names, dense(second), strict=True) if known_by(row) in known]
    if twice:
        have = "sample has" if len(twice) == 1 else "samples have"
        notes.append(f"{len(twice):,} {have} exactly the profile of a sample of the first cohort: {listed(twice)}.")
    of_cohort = tuple(f"{THE_COHORT}: {note[:1].lower()}{note[1:]}" for note in notes)
    return MatchedCohort(second, of_cohort, str(read.get("file", "")), str(read.get("labels_file", "")))


def require_classes(
    second: MatchedCohort,
    label_column: str,
    target_class: str,
    sources: Sequence[str],
    *,
    known: Collection[str],
    fewest: int,
) -> None:
    """Refuse a second cohort without real samples of the target class, or without samples to move.

    Raises UsageError if it has no sample of the target class; or neither a class of `sources` nor `fewest` samples
    of a class not `known` to the first cohort, for which a map could be made.
    """
    classes = Counter(text_column(second.adata, label_column))
    if target_class not in classes:
        raise UsageError(
            f"{THE_COHORT} has no sample of the target class {shown(target_class)}, so moved samples cannot be "
            f"evaluated. Its classes are: {listed(sorted(classes))}."
        )
    new = {name: n for name, n in classes.items() if name not in known}
    if classes.keys().isdisjoint(sources) and max(new.values(), default=0) < fewest:
        raise UsageError(
            f"{THE_COHORT} has no sample of a source class that the first has ({listed(sorted(sources))}), nor "
            f"{fewest} of a new one. Its classes are: {listed(sorted(classes))}. Name classes alike in both."
        )


def _of_same_genes(adata: AnnData, first: AnnData, layer: str | None) -> AnnData:
    """The first cohort's genes in its order, under its names."""
    wanted = list(map(str, first.var_names))
    try:
        match = match_genes(wanted, list(map(str, adata.var_names)), name="the first cohort")
    except GeneSetError as error:
        raise ExpressionError(f"{THE_COHORT}: {error}") from error
    if match.missing:
        raise ExpressionError(
            f"{THE_COHORT}: {len(match.missing):,} of the run's {len(wanted):,} genes are missing: "
            f"{listed(match.missing)}. Choose genes that both cohorts have: a gene set, or matrices of shared genes."
        )
    column_of = dict(zip(match.found, match.positions, strict=True))
    values = dense(adata, layer=layer, genes=[column_of[gene] for gene in wanted])
    obs = adata.obs.set_axis(adata.obs_names.astype(str))
    return AnnData(X=values, obs=obs, var=pd.DataFrame(index=first.var_names))


def _text(second: AnnData, column: str) -> list[str]:
    try:
        return text_column(second, column)
    except LabelError as error:
        raise LabelError(f"{THE_COHORT}: {error}") from error


def _require_other_people(second: AnnData, first: AnnData, group_column: str | None) -> None:
    """Refuse samples or donors that are in both cohorts."""
    what, both = "samples", set(map(str, second.obs_names)) & set(map(str, first.obs_names))
    if not both and group_column is not None and group_column in second.obs:
        what, both = "donors", set(_text(second, group_column)) & set(text_column(first, group_column))
    if both:
        raise UsageError(
            f"{len(both):,} {what} are in both cohorts by name: {listed(sorted(both))}. Leave them out of one; if they "
            "are other people, give them other names."
        )


def _note_on_donors(
    second: AnnData, first: AnnData, labels: list[str], first_labels: list[str], group_column: str | None
) -> list[str]:
    """A note if donors that were not named seem to be in both cohorts."""
    if group_column is not None and group_column in second.obs:
        return []
    shared = first.obs.columns.intersection(second.obs.columns)
    obs = pd.concat([first.obs[shared], second.obs[shared]])
    found = find_donors(obs, list(map(str, obs.index)), [*first_labels, *labels])
    n_seen = 0 if found is None else found.n_seen(np.arange(len(obs)) < first.n_obs)
    if found is None or not n_seen:
        return []
    return [
        f"{n_seen:,} of {second.n_obs:,} samples {'has' if n_seen == 1 else 'have'} a sample of the same donor in the "
        f"first cohort ({found.place}, as it seems): results may look better than they are. Say {found.option}."
    ]
