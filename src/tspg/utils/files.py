"""Files written whole or not at all, and tables and JSON as `tspg` writes and reads them."""

import hashlib
import json
import math
import os
import re
import tempfile
import unicodedata
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from io import BytesIO, FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tspg.errors import ResourceError

if TYPE_CHECKING:
    import pandas as pd
    from _typeshed import ReadableBuffer, WriteableBuffer

TEMPORARY = ".tspg-"  # prefix of files that are still being written
_MOST_AT_ONCE = 1 << 31  # bytes that the faster parser takes


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; it takes the final name only when the block ends well.

    A reader therefore sees the old file or the new one, never half of one, also after a crash or
    on a full disk. The temporary keeps the file name's ending, since some writers look at it.

    Raises
    ------
    ResourceError
        If the folder cannot be written to or the disk is full.
    """
    path = Path(path)
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=TEMPORARY, suffix=path.suffix, dir=path.parent)
        temporary = Path(name)
        os.close(handle)
        yield temporary
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)  # mkstemp made it private
        _sync(temporary)
        temporary.replace(path)
        _sync(path.parent)
    except OSError as error:
        raise ResourceError(
            f"{path}: cannot be written ({error.strerror or error}). Check free space and permissions."
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


@contextmanager
def whole_stream(path: Path) -> Iterator[FileIO]:
    """Give a stream that becomes the file at `path` when the block ends well: `whole_file` for HDF5.

    HDF5 goes on writing after an error, and h5py prints one traceback after the other while it closes. They see the
    first error alone, and that one is raised.

    Raises
    ------
    ResourceError
        As for `whole_file`.
    """
    with whole_file(path) as temporary, _FirstErrorFile(temporary) as stream:
        try:
            yield stream
        except Exception:
            stream.raise_error()  # later errors come from the first
            raise
        stream.raise_error()


class _FirstErrorFile(FileIO):
    """A file that raises its first error once, and from then on accepts writes without doing them."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "w+")
        self._error: OSError | None = None

    def write(self, data: "ReadableBuffer", /) -> int:
        """Write all of it, not only what fits into one call of the system."""
        left = memoryview(data).cast("B")
        size = len(left)
        while left and self._error is None:
            try:
                left = left[super().write(left) :]
            except OSError as error:
                self._error = error
                raise
        return size

    def readinto(self, buffer: "WriteableBuffer", /) -> int | None:
        """Refuse to read what could not be written."""
        self.raise_error()
        return super().readinto(buffer)

    def raise_error(self) -> None:
        """Raise the first error, if there was one."""
        if self._error is not None:
            raise self._error


def _sync(path: Path) -> None:
    """Force a file or folder to disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_text(path: Path, text: str) -> None:
    """Write a text file whole, in UTF-8 with Unix line ends on every system.

    Bytes that are no text, as in the name of a folder above, are spelled out.
    """
    with whole_file(path) as temporary:
        temporary.write_bytes(text.encode(errors="backslashreplace"))


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file whole; a value that is not a finite number must be given as None."""
    write_text(path, json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """What a JSON file holds.

    Raises
    ------
    OSError, ValueError
        If it cannot be read or is no JSON; one that is nested too deeply is a ValueError too.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def write_table(path: Path, table: "pd.DataFrame") -> None:
    """Write a tab-separated table whole, floats in full precision, missing values as empty cells."""
    with whole_file(path) as temporary:
        table.to_csv(temporary, sep="\t", index=False, lineterminator="\n", compression=None)


def read_table(path: Path, *, below: tuple[str, float] | None = None, columns: Collection[str] = ()) -> "pd.DataFrame":
    """Read a table that `write_table` wrote: text stays text (`NA`, `0012`), empty text stays empty.

    With `below`, a column and a limit, only rows whose number there is smaller are kept: enrichment
    tables have hundreds of thousands of rows, of which the report shows the few significant ones. With `columns`,
    these alone are read.
    """
    content = Path(path).read_bytes()
    table = _parsed(content, below, columns)
    if table is not None:
        return table
    table = _as_pandas_reads(content)
    if columns:
        table = table[list(columns)]
    return table if below is None else table[table[below[0]] < below[1]].reset_index(drop=True)


def _parsed(
    content: bytes,
    below: tuple[str, float] | None,
    columns: Collection[str] = (),
    words: frozenset[str] = frozenset(),
) -> "pd.DataFrame | None":
    """A table by the faster parser; None if there is something in it that only pandas reads as we want it.

    `words` are columns besides TEXT_COLUMNS that hold no numbers.
    """
    from pyarrow import ArrowInvalid, BufferReader, compute, csv, string, types

    if b"\r" in content or len(content) >= _MOST_AT_ONCE:
        return None
    try:
        table = csv.read_csv(
            BufferReader(content),  # which copies nothing
            csv.ReadOptions(use_threads=False, block_size=len(content) + 1),  # one block: all rows decide the types
            csv.ParseOptions(delimiter="\t", newlines_in_values=True),
            csv.ConvertOptions(
                null_values=[""],
                column_types=dict.fromkeys(TEXT_COLUMNS | words, string()),
                include_columns=list(columns),
            ),
        )
    except ArrowInvalid:
        return None
    usual = (types.is_string, types.is_int64, types.is_float64, types.is_null)
    odd = {one.name for one in table.schema if not any(is_kind(one.type) for is_kind in usual)}
    if odd:
        return _parsed(content, below, columns, words | odd)  # `True` and `2026-01-01` are words here
    if not len(table):
        return None
    empty = [one.name for one in table.schema if types.is_null(one.type)]
    if below is not None:
        table = table.filter(compute.less(table[below[0]], below[1]))
    read: pd.DataFrame = table.to_pandas(use_threads=False)
    read[empty] = math.nan
    return read


def _as_pandas_reads(content: bytes) -> "pd.DataFrame":
    import pandas as pd

    table = pd.read_csv(BytesIO(content), sep="\t", dtype=str, keep_default_na=False, na_filter=False)
    for column in table.columns:
        if column in TEXT_COLUMNS:
            continue
        filled = table[column].where(table[column] != "", None)
        with suppress(ValueError):  # a column of words stays as it is
            numbers = pd.to_numeric(filled)
            if numbers.dtype.kind == "f":  # of decimals pandas loses the last digit; Python reads them as written
                numbers = filled.map(float, na_action="ignore").astype(float)
            table[column] = numbers
    return table


# Columns that hold names: `NA`, `0012`, `2E8` and `1-Mar` are names there, never numbers.
TEXT_COLUMNS = frozenset(
    {
        *("gene", "sample", "source_class", "term", "category", "genes", "note", "method", "measure", "direction"),
        *("group", "predicted_before", "predicted_after", "compared_with", "genes_by", "kind", "gene_set"),
        *("moved_as", "normalised", "best_term", "best_source", "target_class", "targets", "status", "run", "report"),
        *("reason", "data.gene_set.name", "data.expression_file", "data.group_column", "data.donors.column"),
    }
)


def sha256_of(path: Path) -> str:
    """The SHA-256 fingerprint of a file's bytes, in hexadecimal."""
    digest = hashlib.sha256()
    with Path(path).open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def safe_name(name: str) -> str:
    """A file name for any class, sample or gene-set name: readable, harmless and never shared by two.

    The readable part is cut to 60 letters; the ten hexadecimal digits after it come from the whole
    original name, so `a/b` and `a.b` stay apart.
    """
    return f"{slug(name) or 'name'}-{fingerprint(name)}"


def slug(name: str, most: int = 60) -> str:
    """The readable part of a name in a file name: ASCII letters, digits, `_` and `-`, which several names may share."""
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9_]+", "-", ascii_name).strip("-")[:most]


def fingerprint(text: str) -> str:
    """The first ten hexadecimal digits of a text's SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()[:10]
