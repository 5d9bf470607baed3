"""Warnings about files that can be read as they are; `--strict` refuses such files."""

import hashlib
from collections.abc import Sequence

import pandas as pd

from tspg.data.genesets import GeneSet
from tspg.data.identifiers import EXACT, FEWEST_GENES, GeneMatch
from tspg.data.scale import LINEAR_KINDS, UNCLEAR, Scale, reason
from tspg.errors import ExpressionError
from tspg.utils.names import listed, notes_on_names, plain, shown
from tspg.utils.typing import Float32Array

_PAIRS_SHOWN = 3


def warnings_about_names(gene_ids: Sequence[str], sample_ids: Sequence[str]) -> list[str]:
    """Names that a spreadsheet has changed, or that it would run as a formula."""
    return [*notes_on_names(gene_ids, what="gene"), *notes_on_names(sample_ids, what="sample")]


def warnings_about_obs(obs: pd.DataFrame, label_column: str | None) -> list[str]:
    """Warnings about the classes in a table of samples: in the named column, or in the only one."""
    columns = [label_column] if label_column in obs.columns else list(obs.columns) if obs.shape[1] == 1 else []
    return [warning for column in columns for warning in warnings_about_classes(list(obs[column]))]


def warnings_about_classes(labels: Sequence[str]) -> list[str]:
    """Classes that differ only in blanks or capital letters, or that a spreadsheet would run as a formula."""
    classes = sorted(set(labels) - {""})
    by_plain: dict[str, list[str]] = {}
    for name in classes:
        by_plain.setdefault(plain(name), []).append(name)
    alike = [listed(names) for names in by_plain.values() if len(names) > 1]
    same = f"classes differ only in capital letters or blanks: {'; '.join(alike[:_PAIRS_SHOWN])}. Are they the same?"
    return [*([same] if alike else []), *notes_on_names(classes, what="class")]


def warnings_about_sums(scale: Scale, duplicates: str, *, are_some: bool) -> list[str]:
    """Logarithms of genes of one name that were added up; `are_some` says that there are such genes."""
    if duplicates != "sum" or not are_some or scale.kind in (*LINEAR_KINDS, UNCLEAR):
        return []
    return [f"genes of one name were added up, but {reason(scale)}: on a log scale use --duplicates mean or first"]


def note_on_left_out(rows: Sequence[str]) -> list[str]:
    """The rows among the genes that are no genes and were left out."""
    if not rows:
        return []
    are = "row is no gene and was" if len(rows) == 1 else "rows are no genes and were"
    return [f"{len(rows):,} {are} left out, also from library sizes: {listed(rows, 5)}"]


def notes_on_match(match: GeneMatch | None, name: str) -> tuple[list[str], list[str]]:
    """Notes and warnings on a gene set in a matrix; None is every gene."""
    if match is None:
        return [], []
    notes = [] if match.how == EXACT else [f"genes were matched by another form of their names ({match.how})"]
    if not match.missing:
        return notes, []
    n_found, n_wanted = len(match.found), len(match.found) + len(match.missing)
    of = f"gene set {shown(name)}: " if name else ""
    missing = f"{of}{len(match.missing):,} of {n_wanted:,} wanted genes are not in the matrix: {listed(match.missing)}"
    if match.mismatch is not None:
        missing += f". {match.mismatch.sentence()}"
    is_poor = n_found < FEWEST_GENES or n_found < n_wanted / 2
    return (notes, [missing]) if is_poor else ([missing, *notes], [])


def warning_about_description(gene_set: GeneSet) -> str:
    """The warning about a set whose second field in its file is a gene of the matrix."""
    return (
        f"gene set {shown(gene_set.name)}: its description, {shown(gene_set.description)}, is a gene of the matrix. "
        "The second column of GMT is a description and no gene; if the file has none, put NA there"
    )


def known_by(profile: Float32Array) -> bytes:
    """Sixteen bytes that two profiles share only if they are the same, value by value."""
    return hashlib.blake2b(profile.tobytes(), digest_size=16).digest()


def doubled_samples(values: Float32Array, sample_ids: Sequence[str]) -> list[str]:
    """A warning about samples with exactly the profile of another one."""
    first: dict[bytes, str] = {}
    twice = []
    for sample, profile in zip(sample_ids, values, strict=True):
        other = first.setdefault(known_by(profile), sample)
        if other != sample:
            twice.append(f"{shown(sample)} that of {shown(other)}")
    if not twice:
        return []
    left = f" and {len(twice) - _PAIRS_SHOWN:,} more" if len(twice) > _PAIRS_SHOWN else ""
    return [
        f"{len(twice):,} sample(s) have exactly the profile of another one: {', '.join(twice[:_PAIRS_SHOWN])}{left}."
    ]


def refuse(file: str, warnings: Sequence[str]) -> None:
    """Refuse a file with warnings, as `--strict` asks; ExpressionError with the first, and how many more there are."""
    if warnings:
        more = f"There are {len(warnings) - 1:,} more such notes. " if len(warnings) > 1 else ""
        raise ExpressionError(
            f"{file}: refused because of --strict: {warnings[0]}{'' if warnings[0][-1] in '.?' else '.'} {more}"
            "Correct the files, or leave out --strict for a note only."
        )
