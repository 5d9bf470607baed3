"""What is known about each sample, joined to the matrix by the sample names."""

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
from tspg.data.reading import Reading
from tspg.data.sample_names import FEW, MANY, NameMatch, bare_name, best_match, exact_match, nearly_alike
from tspg.errors import LabelError
from tspg.utils.names import closest, listed, shown

_SHOWN = 5
_COMPARED = 1_000  # names among which the nearest one is sought
_EXAMINED = 20  # cells that decide what a column holds


@dataclass
class Joined:
    """What is known about each sample, in the matrix's order; `label_column` has the classes, if known.

    `is_unnamed` says that the classes came without a name of their column.
    """

    obs: pd.DataFrame
    label_column: str | None
    about: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    is_unnamed: bool = False


@dataclass(frozen=True)
class Found:
    """The column of a labels file that holds the sample names, and which of these is which sample."""

    at: int
    match: NameMatch

    @property
    def n(self) -> int:
        """How many samples are found."""
        return len(self.match.partners)


def find_samples(names: Sequence[str], labels: LabelsFile, reading: Reading) -> Found:
    """The column in which most of these names are found, as they are written or by one rule for all of them.

    The first such column on a tie, and never the one with the classes; `sample_column` decides if it is given.
    """
    columns = _candidates(labels, reading)
    exact = find_exactly(names, labels, reading)
    share = exact.n / max(1, len(names))
    if share >= MANY:
        return Found(exact.at, best_match(names, columns[exact.at]))
    bare = ["", *map(bare_name, names[:_EXAMINED])]
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
    first = list(islice(cells, 1, _EXAMINED))
    return sum(map(is_number, first)) > len(first) / 2


def find_exactly(names: Sequence[str], labels: LabelsFile, reading: Reading) -> Found:
    """The same, but only with names written alike; this is quick."""
    found = [Found(at, exact_match(names, ids)) for at, ids in _candidates(labels, reading).items()]
    return max(found, key=lambda one: one.n)


def possible_names(labels: LabelsFile, reading: Reading) -> set[str]:
    """Every cell of a labels file that may be a sample name."""
    return set() if labels.by_order else {name for ids in _candidates(labels, reading).values() for name in ids}


def _candidates(labels: LabelsFile, reading: Reading) -> dict[int, dict[str, None]]:
    """The different cells of every column that may hold the sample names."""
    if reading.sample_column is not None:
        at = labels.column_at(reading.sample_column)
        return {at: dict.fromkeys(labels.columns[at])}
    return {at: dict.fromkeys(cells) for at, cells in enumerate(labels.columns) if cells[0] != reading.label_column}


def annotate(
    file: str, sample_ids: list[str], labels: LabelsFile | None, reading: Reading, own: pd.DataFrame
) -> Joined:
    """What is known about each sample: from the labels file, and from the matrix file itself.

    `file` is the matrix, for messages; `own` what it says about its samples, one row each in their order.

    Raises LabelError if samples have no class and that is not allowed, or lines of the labels file contradict each
    other.
    """
    if labels is None:
        joined = _from_matrix(file, own, reading)
    elif labels.by_order:
        joined = _by_order(file, sample_ids, labels, reading)
    else:
        column = _own_names(sample_ids, labels, reading, own)
        joined = _by_name(file, sample_ids if column is None else own[column].tolist(), labels, reading)
        if column is not None:
            joined.obs.index = pd.Index(sample_ids, dtype=object)
            joined.notes.append(
                f"labels were joined by column {shown(column)} of {file}: it holds the names of {labels.path.name}"
            )
    if labels is not None:
        joined.notes[:0], joined.warnings[:0] = labels.notes, labels.warnings
        for name in own.columns:
            if name not in joined.obs.columns:
                joined.obs[name] = own[name]
            elif joined.obs[name].tolist() != own[name].tolist():
                joined.notes.append(
                    f"column {shown(str(name))} is in both files and differs; that of {labels.path.name} was taken"
                )
    if joined.label_column is not None:
        joined.warnings += warnings_about_unknown(joined.obs[joined.label_column].tolist())
    return joined


def _own_names(sample_ids: list[str], labels: LabelsFile, reading: Reading, own: pd.DataFrame) -> str | None:
    """The column of the matrix file that holds the names of the labels file; None if the sample names do."""
    if not own.shape[1] or find_samples(sample_ids, labels, reading).n == len(sample_ids):
        return None
    for column in own.columns:
        names = own[column].tolist()
        if len(set(names)) == len(names) and all(names):
            match = find_samples(names, labels, reading).match
            if len(match.partners) == len(names) and not match.is_doubtful:
                return str(column)
    return None


def _from_matrix(file: str, own: pd.DataFrame, reading: Reading) -> Joined:
    column = reading.label_column
    if column is None:
        return Joined(own, str(own.columns[0]) if own.shape[1] == 1 else None)
    if column not in own.columns:
        names = listed(closest(column, own.columns, len(own.columns))) if len(own.columns) else "none"
        raise LabelError(
            f"{file}: there is no sample column {shown(column)}. The columns are {names}; choose one, or give "
            f"{reading.labels_option} FILE."
        )
    for sample, label in own[column].items():
        if not is_missing(label):
            check_label(label, str(sample), file)
    joined = Joined(own.copy(), column)
    _handle_unlabelled(joined, file, reading)
    return joined


def _by_order(file: str, sample_ids: list[str], labels: LabelsFile, reading: Reading) -> Joined:
    """Labels without sample names: the first is that of the first sample."""
    (cells,) = labels.columns
    n = len(sample_ids)
    if len(cells) != n:
        raise LabelError(
            f"{labels.path}: labels of {len(cells):,} samples, but {file} has {n:,} samples. Labels without sample "
            "names are joined by order: give those of the same samples, or a table of samples and labels."
        )
    column = reading.label_column or UNNAMED_LABEL
    obs = pd.DataFrame({column: cells}, index=pd.Index(sample_ids, dtype=object), dtype=object)
    about = {"column": "", "n_samples": n, "n_matched": n, "n_labels": n, "how": "by order"}
    note = (
        f"{labels.path.name} names no samples: its labels were joined by order, the first ({shown(cells[0])}) to "
        f"{shown(sample_ids[0])}, the last ({shown(cells[-1])}) to {shown(sample_ids[-1])}"
    )
    joined = Joined(obs, column, about, [note], is_unnamed=reading.label_column is None)
    _handle_unlabelled(joined, file, reading, labels)
    return joined


def _by_name(file: str, sample_ids: list[str], labels: LabelsFile, reading: Reading) -> Joined:
    """The lines of a labels file that belong to samples of the matrix."""
    found = find_samples(sample_ids, labels, reading)
    if not found.n:
        raise none_found(file, sample_ids, found, labels, reading, f"The samples are {listed(sample_ids, _SHOWN)}.")
    sample_of = {theirs: ours for ours, partners in found.match.partners.items() for theirs in partners}
    named = {cells[0] for cells in labels.columns} & {reading.label_column, reading.sample_column}
    table = labels.titled(found.at, sample_of.__contains__, named=bool(named))
    ids, others = table.columns[found.at], table.other_columns(found.at)
    rows: dict[str, list[int]] = {}
    for row, name in enumerate(ids):
        if name in sample_of:
            rows.setdefault(sample_of[name], []).append(row)
    column = _label_column(labels, table, others, reading)
    chosen = {
        sample: at[0] if column is None else _row_of_label(table, others[column], sample, at)
        for sample, at in rows.items()
    }
    obs = {name: [cells[chosen[one]] if one in chosen else "" for one in sample_ids] for name, cells in others.items()}
    if table.names is None and column is not None and reading.label_column is not None:
        obs, column = {reading.label_column: obs[column]}, reading.label_column
    repeated = [at for at in rows.values() if len(at) > 1]
    differing = [name for name, cells in others.items() if any(len({cells[row] for row in at}) > 1 for at in repeated)]
    about = {
        "column": "" if table.names is None else table.names[found.at],
        "n_samples": len(sample_ids),
        "n_matched": len(rows),
        "n_labels": len(set(ids)),
        "how": found.match.how or "exact",
        "differing": [name for name in differing if name != column],
    }
    frame = pd.DataFrame(obs, index=pd.Index(sample_ids, dtype=object), dtype=object)
    joined = Joined(frame, column, about, is_unnamed=table.names is None and reading.label_column is None)
    _handle_unlabelled(joined, file, reading, labels, rows, found)
    if table.names is not None and labels.header is None and not named:
        joined.notes.append(f"the first line of {labels.path.name} was taken for column names: {listed(table.names)}")
    if found.at != 0 and reading.sample_column is None and table.names is not None:
        joined.notes.append(f"the samples were found in column {shown(table.names[found.at])} of {labels.path.name}")
    _report_match(joined, found, labels, sample_ids)
    if column is not None and reading.sample_column is None and table.names is not None:
        joined.warnings += _warning_about_other_columns(labels, table, found, joined.obs[column], reading)
    n_more = len(set(ids).difference(sample_of))
    if n_more:
        joined.notes.append(f"the labels file covers {n_more:,} samples that are not in the matrix")
    return joined


def _warning_about_other_columns(
    labels: LabelsFile, table: LabelsTable, found: Found, classes: pd.Series, reading: Reading
) -> list[str]:
    """A warning about a column that holds the names of the same samples and gives them other classes."""
    cells = table.other_columns(found.at)[str(classes.name)]
    for at in _candidates(labels, reading):
        class_of = dict(zip(table.columns[at], cells, strict=True))
        if at == found.at or table.columns[at] is cells or any(name not in class_of for name in found.match.partners):
            continue
        pairs = [(class_of[name], classes[name]) for name in found.match.partners]
        n = sum(theirs != ours and not (is_missing(theirs) and is_missing(ours)) for theirs, ours in pairs)
        if n:
            taken, other = labels.columns[found.at][0], labels.columns[at][0]
            return [
                f"the samples were found in column {shown(taken)} of {labels.path.name}, but column {shown(other)} "
                f"holds the same names and gives {n:,} of them another class. If that is right, use "
                f"--sample-column {other!r}"
            ]
    return []


def _label_column(
    labels: LabelsFile, table: LabelsTable, others: Mapping[str, list[str]], reading: Reading
) -> str | None:
    """The name of the column with the classes: the one that the user named, or the only one."""
    if reading.label_column is None or table.names is None:
        return next(iter(others)) if len(others) == 1 else None
    labels.column_at(reading.label_column)
    if reading.label_column not in others:
        raise LabelError(
            f"{labels.path}: column {shown(reading.label_column)} is named for both the samples and the classes. "
            "Name another one with --label-column or --sample-column."
        )
    return reading.label_column


def _row_of_label(table: LabelsTable, cells: Sequence[str], sample: str, rows: Sequence[int]) -> int:
    """The first row that gives a sample's class; the others must not give another."""
    with_label = [row for row in rows if not is_missing(cells[row])]
    for row in with_label:
        check_label(cells[row], sample, f"{table.path}, line {table.lines[row]:,}")
        if cells[row] != cells[with_label[0]]:
            raise contradiction(table.path, sample, [(table.lines[at], cells[at]) for at in (with_label[0], row)])
    return (with_label or rows)[0]


def _handle_unlabelled(
    joined: Joined,
    file: str,
    reading: Reading,
    labels: LabelsFile | None = None,
    in_labels: Collection[str] | None = None,
    found: Found | None = None,
) -> None:
    """Empty the labels that say nothing; refuse them unless allowed, and always if no other is there."""
    samples = [str(sample) for sample in joined.obs.index]
    absent = [] if in_labels is None else [sample for sample in samples if sample not in in_labels]
    empty: list[str] = []
    if joined.label_column is not None:
        cells = ["" if is_missing(cell) else cell for cell in joined.obs[joined.label_column]]
        joined.obs[joined.label_column] = cells
        known_absent = set(absent)
        empty = [one for one, cell in zip(samples, cells, strict=True) if not cell and one not in known_absent]
    if not absent and not empty:
        return
    of = "" if labels is None else f" of {labels.path.name}"
    why = [f"{len(absent):,} not in {labels.path.name}"] if labels is not None and absent else []
    why += [f"{len(empty):,} empty, NA or the like in column {shown(str(joined.label_column))}{of}"] if empty else []
    without = [*absent, *empty]
    message = f"{len(without):,} of {len(samples):,} samples have no label: {listed(without)} ({', '.join(why)})"
    if len(without) == len(samples):
        raise LabelError(f"{file}: {message}. Name the column with the classes with --label-column.")
    if not reading.allow_unlabelled:
        reason = "" if labels is None or found is None else _reasons(absent, found, labels, reading)
        raise LabelError(f"{file}: {message}. {reason}Label them, or leave them out with --allow-unlabelled.")
    joined.notes.append(message)


def _report_match(joined: Joined, found: Found, labels: LabelsFile, sample_ids: Sequence[str]) -> None:
    """Note that matched names are not written alike; warn if they are compared in part, or are only numbers."""
    pair = next(iter(found.match.unlike()), None)
    if pair is not None:
        (joined.warnings if found.match.is_doubtful else joined.notes).append(
            f"samples were matched to {labels.path.name} {found.match.how}: {shown(pair[0])} is {shown(pair[1])} there"
        )
    if _are_running(sample_ids):
        joined.warnings.append(
            f"the names of samples are only numbers, also in {labels.path.name}; check that both have the same order"
        )


def _are_running(names: Sequence[str]) -> bool:
    """Whether names are 0, 1, 2, ... or 1, 2, 3, ..., as programs number samples without names."""
    n = len(names)
    return n > 1 and any(list(names) == list(map(str, range(start, start + n))) for start in (0, 1))


def none_found(
    file: str, names: Sequence[str], found: Found, labels: LabelsFile, reading: Reading, where: str
) -> LabelError:
    """The error about labels of other samples: what both files hold, the nearest names, and what to do."""
    at = 0 if reading.sample_column is None else labels.column_at(reading.sample_column)
    ids = list(dict.fromkeys(labels.columns[at][1 if labels.header else 0 :]))
    reason = _reasons(names, found, labels, reading)
    if _are_running(names):
        reason = "The matrix only numbers its samples: save it again with the sample names. "
    if not reason and names and (near := get_close_matches(names[0], ids[:_COMPARED], n=1)):
        reason = f"The nearest names are {shown(names[0])} here and {shown(near[0])} there. "
    return LabelError(
        f"{file}: the labelled samples ({listed(ids, _SHOWN)}) are not among those of the matrix. {where} {reason}"
        "Use the same sample names in both files."
    )


def _reasons(missing: Sequence[str], found: Found, labels: LabelsFile, reading: Reading) -> str:
    """Likely reasons why samples were not found in a labels file, each with a blank behind it."""
    if reading.sample_column is not None and missing:
        other = find_samples(missing, labels, replace(reading, sample_column=None))
        if other.n > len(missing) / 2:
            better = labels.columns[other.at][0]
            return f"{other.n:,} of them are in column {shown(better)}: use --sample-column {better!r}. "
    if found.match.clash is not None:
        ours, too, theirs, how = found.match.clash
        return (
            f"{shown(ours)} and {shown(too)} both match {shown(theirs)} in {labels.path.name} {how}. "
            f"Use different sample names in {labels.path.name}. "
        )
    pairs = nearly_alike(missing, dict.fromkeys(labels.columns[found.at]))
    return "".join(f"{shown(ours)} is nearly the labelled {shown(theirs)}. " for ours, theirs in pairs)
