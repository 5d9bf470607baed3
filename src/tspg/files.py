"""The one way in which `tspg` writes a file: whole, or not at all."""

import hashlib
import json
import os
import re
import tempfile
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pandas as pd

from tspg.errors import ResourceError

TEMPORARY = ".tspg-"  # how the names of files begin that are still being written


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
        _settle(temporary)
        temporary.replace(path)
        _sync(path.parent)
    except OSError as error:
        raise ResourceError(
            f"{path}: cannot be written ({error.strerror or error}). Check free space and permissions."
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _settle(path: Path) -> None:
    """Force the bytes to disk and give the file the mode that the user's umask asks for."""
    umask = os.umask(0)
    os.umask(umask)
    path.chmod(0o666 & ~umask)  # mkstemp made it private
    _sync(path)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_text(path: Path, text: str) -> None:
    """Write a text file whole, in UTF-8 with Unix line ends on every system."""
    with whole_file(path) as temporary:
        temporary.write_bytes(text.encode())


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file whole; a value that is not a finite number must be given as None."""
    write_text(path, json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a tab-separated table whole, floats in full precision, missing values as empty cells."""
    write_text(path, table.to_csv(sep="\t", index=False, lineterminator="\n"))


def read_table(path: Path) -> pd.DataFrame:
    """Read a table that `write_table` wrote: text stays text (`NA`, `0012`), empty text stays empty."""
    table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False, na_filter=False)
    for column in table.columns:
        if column in TEXT_COLUMNS:
            continue
        filled = table[column].where(table[column] != "", None)
        with suppress(ValueError):  # a column of words stays as it is
            table[column] = pd.to_numeric(filled)
    return table


# Columns that hold names: `NA`, `0012`, `2E8` and `1-Mar` are names there, never numbers.
TEXT_COLUMNS = frozenset(
    {
        *("gene", "sample", "source_class", "term", "category", "genes", "note", "method", "measure", "direction"),
        *("group", "predicted_before", "predicted_after", "compared_with", "genes_by", "kind", "gene_set"),
        *("best_term", "best_source", "target_class", "targets"),
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

    The readable part is cut to 60 ASCII letters, digits, `_` and `-`; the ten hexadecimal digits
    after it come from the whole original name, so `a/b` and `a.b` stay apart.
    """
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^A-Za-z0-9_]+", "-", ascii_name).strip("-")[:60]
    return f"{slug or 'name'}-{hashlib.sha256(name.encode()).hexdigest()[:10]}"
