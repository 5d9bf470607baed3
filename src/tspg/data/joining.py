"""What is known about each sample, joined to the matrix by the samples' names."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from itertools import islice
from typing import Any

import pandas as pd

from tspg.data.labels import (
    UNNAMED_LABEL,
    LabelsFile,
    LabelsTable,
    check_label,
    contradiction,
    is_missing,
    warnings_about_unknown,
)
from tspg.data.readers.fields import is_number
from tspg.data.sample_names import FEW, MANY, NameMatch, bare_name, best_match, exact_match, nearly_alike
from tspg.errors import LabelError
from tspg.utils.names import closest, listed, shown

_SHOWN = 5
_COMPARED = 1_000  # names that the nearest one is sought among
_LOOKED_AT = 20  # cells that tell what a column is of


@dataclass(frozen=True)
class LabelOptions:
    """What a user says of labels, as in `read_expression`; `file` is the name of the option that gave their file."""

    label_column: str | None = None
    sample_column: str | None = None
    allow_unlabelled: bool = False
    file: str = "--labels"


@dataclass
class Joined:
    """What is known about each sample, in the matrix's order; `label_column` is the one with the classes, if known.

    `is_unnamed` tells that the classes came without a name for them.
    """

    obs: pd.DataFrame
    label_column: str | None
    about: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    is_unnamed: bool = False


@dataclass(frozen=True)
class Found:
    """The column of a labels file that holds the samples' names, and which of these is which sample."""

    at: int
    match: NameMatch

    @property
    def n(self) -> int:
        """How many samples are found."""
        return len(self.match.partners)


def find_samples(names: Sequence[str], labels: LabelsFile, options: LabelOptions) -> Found:
    """The column in which most of these names are found, as they are written or by one rule for all of them.

    The first such column on a tie, and never the one with the classes; `sample_column` decides where it is given.
    """
    columns = _candidates(labels, options)
    exact = find_exactly(names, labels, options)
    share = exact.n / max(1, len(names))
    if share >= MANY:
        return Found(exact.at, best_match(names, columns[exact.at]))
    bare = ["", *map(bare_name, names[:_LOOKED_AT])]
    tried: dict[int, NameMatch] = {}
    for at, ids in columns.items():
        # A column of other things, such as sexes or weights, has few different cells, or numbers.
        if at != exact.at and (len(ids) < FEW * len(names) or (_are_numbers(ids) and not _are_numbers(bare))):
            continue
        tried[at] = best_match(names, ids)
        if len(tried[at].partners) == len(names) and not tried[at].is_doubtful:
            break
    usable = {
        at: match
        for at, match in tried.items()
        if share < FEW or not match.is_doubtful or (at == exact.at and len(match.partners) == len(names))
    }
    at = max(usable, key=lambda at: (len(usable[at].partners), not usable[at].is_doubtful, usable[at].n_letters))
    clash = next((match.clash for match in tried.values() if match.clash is not None), None)
    return Found(at, replace(usable[at], clash=clash))


def _are_numbers(cells: Iterable[str]) -> bool:
    """Whether most of the first cells below a header are numbers."""
    first = list(islice(cells, 1, _LOOKED_AT))
    return sum(map(is_number, first)) > len(first) / 2


def find_exactly(names: Sequence[str], labels: LabelsFile, options: LabelOptions) -> Found:
    """The same, with names as they are written only; this is quick."""
    found = [Found(at, exact_match(names, ids)) for at, ids in _candidates(labels, options).items()]
    return max(found, key=lambda one: one.n)


def possible_names(labels: LabelsFile, options: LabelOptions) -> set[str]:
    """Every cell of a labels file that may be a sample's name."""
    return set() if labels.by_order else {name for ids in _candidates(labels, options).values() for name in ids}


def _candidates(labels: LabelsFile, options: LabelOptions) -> dict[int, dict[str, None]]:
    """The different cells of every column that may hold the samples' names."""
    if options.sample_column is not None:
        at = labels.column_at(options.sample_column)
        return {at: dict.fromkeys(labels.columns[at])}
    return {at: dict.fromkeys(cells) for at, cells in enumerate(labels.columns) if cells[0] != options.label_column}


def annotate(
    file: str,
    sample_ids: list[str],
    labels: LabelsFile | None,
    options: LabelOptions,
    own: pd.DataFrame,
) -> Joined:
    """What is known about each sample of the matrix: what the labels file says, and what the matrix file itself does.

    Parameters
    ----------
    file
        The matrix, for messages.
    own
        What the matrix file says of its samples, a row each in their order.

    Raises
    ------
    LabelError
        If samples have no class and that is not allowed, or lines of the labels file contradict each other.
    """
    if labels is None:
        joined = _of_the_matrix(file, own, options)
    elif labels.by_order:
        joined = _by_order(file, sample_ids, labels, options)
    else:
        column = _own_names(sample_ids, labels, options, own)
        joined = _by_name(file, sample_ids if column is None else own[column].tolist(), labels, options)
        if column is not None:
            joined.obs.index = pd.Index(sample_ids, dtype=object)
            joined.notes.append(
                f"labels were joined by column {shown(column)} of {file}: it holds the names of {labels.path.name}"
            )
    if labels is not None:
        joined.notes[:0], joined.doubts[:0] = labels.notes, labels.doubts
        _add(joined, own, labels)
    if joined.label_column is not None:
        joined.doubts += warnings_about_unknown(joined.obs[joined.label_column].tolist())
    return joined


def _own_names(sample_ids: list[str], labels: LabelsFile, options: LabelOptions, own: pd.DataFrame) -> str | None:
    """The column of the matrix file in which all samples have the names of the labels file; None if they do by name."""
    if not own.shape[1] or find_samples(sample_ids, labels, options).n == len(sample_ids):
        return None
    for column in own.columns:
        names = own[column].tolist()
        if len(set(names)) == len(names) and all(names):
            match = find_samples(names, labels, options).match
            if len(match.partners) == len(names) and not match.is_doubtful:
                return str(column)
    return None


def _of_the_matrix(file: str, own: pd.DataFrame, options: LabelOptions) -> Joined:
    """The classes that the matrix file itself holds."""
    column = options.label_column
    if column is None:
        return Joined(own, str(own.columns[0]) if own.shape[1] == 1 else None)
    if column not in own.columns:
        names = listed(closest(column, own.columns, len(own.columns))) if len(own.columns) else "none"
        raise LabelError(
            f"{file}: there is no sample column {shown(column)}. The columns are {names}; choose one, or give "
            f"{options.file} FILE."
        )
    for sample, label in own[column].items():
        if not is_missing(label):
            check_label(label, str(sample), file)
    joined = Joined(own.copy(), column)
    _leave_unlabelled(joined, file, options)
    return joined


def _by_order(file: str, sample_ids: list[str], labels: LabelsFile, options: LabelOptions) -> Joined:
    """Labels without samples' names: the first is that of the first sample."""
    (cells,) = labels.columns
    n = len(sample_ids)
    if len(cells) != n:
        raise LabelError(
            f"{labels.path}: labels of {len(cells):,} samples, but {file} has {n:,} samples. Labels without samples' "
            f"names are joined by order: give those of the same samples, or a table of samples and labels."
        )
    column = options.label_column or UNNAMED_LABEL
    obs = pd.DataFrame({column: cells}, index=pd.Index(sample_ids, dtype=object), dtype=object)
    about = {"column": "", "n_samples": n, "n_matched": n, "n_labels": n, "how": "by order"}
    note = (
        f"{labels.path.name} names no samples: its labels were joined by order, the first ({shown(cells[0])}) to "
        f"{shown(sample_ids[0])}, the last ({shown(cells[-1])}) to {shown(sample_ids[-1])}"
    )
    joined = Joined(obs, column, about, [note], is_unnamed=options.label_column is None)
    _leave_unlabelled(joined, file, options, labels)
    return joined


def _by_name(file: str, sample_ids: list[str], labels: LabelsFile, options: LabelOptions) -> Joined:
    """The lines of a labels file that are of samples in the matrix."""
    found = find_samples(sample_ids, labels, options)
    if not found.n:
        raise none_found(file, sample_ids, found, labels, options, f"The samples are {listed(sample_ids, _SHOWN)}.")
    sample_of = {theirs: ours for ours, partners in found.match.partners.items() for theirs in partners}
    named = {cells[0] for cells in labels.columns} & {options.label_column, options.sample_column}
    table = labels.titled(found.at, sample_of.__contains__, named=bool(named))
    ids, beside = table.columns[found.at], table.beside(found.at)
    rows: dict[str, list[int]] = {}
    for row, name in enumerate(ids):
        if name in sample_of:
            rows.setdefault(sample_of[name], []).append(row)
    column = _label_column(labels, table, beside, options)
    chosen = {
        sample: at[0] if column is None else _one_label(table, beside[column], sample, at)
        for sample, at in rows.items()
    }
    taken = {
        name: [cells[chosen[one]] if one in chosen else "" for one in sample_ids] for name, cells in beside.items()
    }
    if table.names is None and column is not None and options.label_column is not None:
        taken, column = {options.label_column: taken[column]}, options.label_column
    obs = pd.DataFrame(taken, index=pd.Index(sample_ids, dtype=object), dtype=object)
    about = {
        "column": "" if table.names is None else table.names[found.at],
        "n_samples": len(sample_ids),
        "n_matched": len(rows),
        "n_labels": len(set(ids)),
        "how": found.match.how or "exact",
        "differing": [name for name in _differing(beside, rows.values()) if name != column],
    }
    joined = Joined(obs, column, about, is_unnamed=table.names is None and options.label_column is None)
    _leave_unlabelled(joined, file, options, labels, rows, found)
    if table.names is not None and labels.header is None and not named:
        joined.notes.append(f"the first line of {labels.path.name} was taken for column names: {listed(table.names)}")
    if found.at != 0 and options.sample_column is None and table.names is not None:
        joined.notes.append(f"the samples were found in column {shown(table.names[found.at])} of {labels.path.name}")
    _tell_of_match(joined, found, labels, sample_ids)
    if column is not None and options.sample_column is None and table.names is not None:
        joined.doubts += _other_columns(labels, table, found, joined.obs[column], options)
    n_more = len(set(ids).difference(sample_of))
    if n_more:
        joined.notes.append(f"the labels file covers {n_more:,} samples that are not in the matrix")
    return joined


def _other_columns(
    labels: LabelsFile, table: LabelsTable, found: Found, classes: pd.Series, options: LabelOptions
) -> list[str]:
    """A doubt about a column that holds the names of the same samples and gives them other classes."""
    taken = shown(table.names[found.at]) if table.names else ""
    cells = table.beside(found.at)[str(classes.name)]
    for at in _candidates(labels, options):
        class_of = dict(zip(table.columns[at], cells, strict=True))
        if at == found.at or table.columns[at] is cells or any(name not in class_of for name in found.match.partners):
            continue
        pairs = [(class_of[name], classes[name]) for name in found.match.partners]
        n = sum(theirs != ours and not (is_missing(theirs) and is_missing(ours)) for theirs, ours in pairs)
        if n:
            other = labels.columns[at][0]
            return [
                f"the samples were found in column {taken} of {labels.path.name}, but column {shown(other)} holds the "
                f"same names and gives {n:,} of them another class. If that is right, use --sample-column {other!r}"
            ]
    return []


def _label_column(
    labels: LabelsFile, table: LabelsTable, beside: Mapping[str, list[str]], options: LabelOptions
) -> str | None:
    """The name of the column with the classes: the one that the user named, or the only one."""
    if options.label_column is None or table.names is None:
        return next(iter(beside)) if len(beside) == 1 else None
    labels.column_at(options.label_column)
    if options.label_column not in beside:
        raise LabelError(
            f"{labels.path}: column {shown(options.label_column)} is said to hold both the samples' names and the "
            "classes. Name another one with --label-column or --sample-column."
        )
    return options.label_column


def _one_label(table: LabelsTable, cells: Sequence[str], sample: str, rows: Sequence[int]) -> int:
    """The row that tells a sample's class: the first that does, and the others may not say another."""
    said = [row for row in rows if not is_missing(cells[row])]
    for row in said:
        check_label(cells[row], sample, f"{table.path}, line {table.lines[row]:,}")
        if cells[row] != cells[said[0]]:
            raise contradiction(table.path, sample, [(table.lines[at], cells[at]) for at in (said[0], row)])
    return (said or rows)[0]


def _differing(beside: Mapping[str, Sequence[str]], rows: Iterable[Sequence[int]]) -> list[str]:
    """Columns in which lines of one sample say different things; the first line counts."""
    several = [at for at in rows if len(at) > 1]
    return [name for name, cells in beside.items() if any(len({cells[row] for row in at}) > 1 for at in several)]


def _leave_unlabelled(
    joined: Joined,
    file: str,
    options: LabelOptions,
    labels: LabelsFile | None = None,
    in_labels: Collection[str] | None = None,
    found: Found | None = None,
) -> None:
    """Empty the labels that say nothing; refuse them unless that is allowed, and always where there is no other."""
    samples = [str(sample) for sample in joined.obs.index]
    absent = [] if in_labels is None else [sample for sample in samples if sample not in in_labels]
    empty: list[str] = []
    if joined.label_column is not None:
        cells = joined.obs[joined.label_column].tolist()
        gone = {sample for sample, cell in zip(samples, cells, strict=True) if is_missing(cell)}.difference(absent)
        empty = [sample for sample in samples if sample in gone]
        joined.obs[joined.label_column] = ["" if is_missing(cell) else cell for cell in cells]
    if not absent and not empty:
        return
    of = "" if labels is None else f" of {labels.path.name}"
    why = [f"{len(absent):,} not in {labels.path.name}"] if labels is not None and absent else []
    why += [f"{len(empty):,} empty, NA or the like in column {shown(str(joined.label_column))}{of}"] if empty else []
    without = [*absent, *empty]
    told = f"{len(without):,} of {len(samples):,} samples have no label: {listed(without)} ({', '.join(why)})"
    if len(without) == len(samples):
        raise LabelError(f"{file}: {told}. Name the column with the classes with --label-column.")
    if not options.allow_unlabelled:
        reason = "" if labels is None or found is None else _reasons(absent, found, labels, options)
        raise LabelError(f"{file}: {told}. {reason}Label them, or leave them out with --allow-unlabelled.")
    joined.notes.append(told)


def _tell_of_match(joined: Joined, found: Found, labels: LabelsFile, sample_ids: Sequence[str]) -> None:
    """Say so where names were matched that are not written alike, or that are no more than numbers."""
    pair = next(iter(found.match.unlike()), None)
    if pair is not None:
        told = joined.doubts if found.match.is_doubtful else joined.notes
        told.append(
            f"samples were matched to {labels.path.name} {found.match.how}: {shown(pair[0])} is {shown(pair[1])} there"
        )
    if _are_running(sample_ids):
        joined.doubts.append(
            f"the names of samples are only numbers, also in {labels.path.name}; check that both have the same order"
        )


def _are_running(names: Sequence[str]) -> bool:
    """Whether names are 0, 1, 2, ... or 1, 2, 3, ..., as programs give them where there are none."""
    n = len(names)
    return n > 1 and any(list(names) == list(map(str, range(start, start + n))) for start in (0, 1))


def _add(joined: Joined, own: pd.DataFrame, labels: LabelsFile) -> None:
    """Add what the matrix file itself says of the samples; the labels file has the say."""
    for name in own.columns:
        if name not in joined.obs.columns:
            joined.obs[name] = own[name]
        elif joined.obs[name].tolist() != own[name].tolist():
            joined.notes.append(
                f"column {shown(str(name))} is in both files and differs; that of {labels.path.name} was taken"
            )


def none_found(
    file: str, names: Sequence[str], found: Found, labels: LabelsFile, options: LabelOptions, where: str
) -> LabelError:
    """The error about labels of other samples: what both files hold, the nearest names, and the step that helps."""
    at = 0 if options.sample_column is None else labels.column_at(options.sample_column)
    ids = list(dict.fromkeys(labels.columns[at][1 if labels.header else 0 :]))
    reason = _reasons(names, found, labels, options)
    if _are_running(names):
        reason = "The matrix only numbers its samples: save it again with the sample names. "
    if not reason and names and (near := get_close_matches(names[0], ids[:_COMPARED], n=1)):
        reason = f"The nearest names are {shown(names[0])} here and {shown(near[0])} there. "
    return LabelError(
        f"{file}: the labelled samples ({listed(ids, _SHOWN)}) are not among those of the matrix. {where} {reason}"
        "Use the same sample names in both files."
    )


def _reasons(missing: Sequence[str], found: Found, labels: LabelsFile, options: LabelOptions) -> str:
    """Why samples were not found in a labels file, as far as names tell; ends in a blank, or is empty."""
    if options.sample_column is not None and missing:
        other = find_samples(missing, labels, LabelOptions(options.label_column))
        if other.n > len(missing) / 2:
            better = labels.columns[other.at][0]
            return f"{other.n:,} of them are in column {shown(better)}: use --sample-column {better!r}. "
    if found.match.clash is not None:
        ours, too, theirs, how = found.match.clash
        return (
            f"{shown(ours)} and {shown(too)} both match {shown(theirs)} in {labels.path.name} {how}. "
            f"Use sample names in {labels.path.name} that tell them apart. "
        )
    pairs = nearly_alike(missing, dict.fromkeys(labels.columns[found.at]))
    return "".join(f"{shown(ours)} is nearly the labelled {shown(theirs)}. " for ours, theirs in pairs)
