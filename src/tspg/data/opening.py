"""Expression files opened: which reader a file is given to, by what it is."""

from contextlib import ExitStack
from pathlib import Path

from tspg.data.binary import open_npy, open_parquet
from tspg.data.gct import open_gct
from tspg.data.h5ad import open_h5ad
from tspg.data.streams import SAVE_SHEET, SHEETS, file_kind
from tspg.data.table import Table
from tspg.data.text import open_text
from tspg.errors import ExpressionError, UsageError

_TEXT_ENDINGS = (".tsv", ".csv", ".txt", ".tab")


def open_table(
    path: Path, stack: ExitStack, *, limit: float, layer: str | None = None, value: str | None = None
) -> Table:
    """Open an expression file of any accepted format as a table; `stack` closes it.

    Parameters
    ----------
    limit
        Most bytes that its values may take.
    layer
        Layer of an H5AD file with the values; None is X.
    value
        Column with the values, in layouts that hold several numbers for each gene of a sample.

    Raises
    ------
    ExpressionError
        If the file cannot be read as it is.
    UsageError
        If the file has no such layer or column of values.
    """
    kind = file_kind(path)
    _check_there(path)
    if layer is not None and kind != ".h5ad":
        raise UsageError(f"{path}: --layer {layer}: only H5AD files have layers. Leave it out.")
    if value is not None:
        raise UsageError(f"{path}: --value {value}: this file has one number for each gene of a sample. Leave it out.")
    if kind in _TEXT_ENDINGS:
        return open_text(path, stack)
    if kind == ".gct":
        return open_gct(path, stack)
    if kind == ".npy":
        return open_npy(path)
    if kind == ".h5ad":
        return open_h5ad(path, stack, limit=limit, layer=layer)
    if kind == ".parquet":
        return open_parquet(path, stack, limit=limit)
    raise ExpressionError(
        f"{path}: files ending in {kind or 'nothing'} are not read. {SAVE_SHEET if kind in SHEETS else ''}"
        "Give TSV, CSV, GCT, NPY, H5AD or Parquet, the file's name ending in what it is."
    )


def _check_there(path: Path) -> None:
    """Refuse a folder or nothing in a file's place in words that do not change with the format."""
    try:
        fault = "this is a folder, not a file" if path.is_dir() else "" if path.exists() else "there is no such file"
    except OSError as error:
        fault = f"cannot be read ({error.strerror})"
    if fault:
        raise ExpressionError(f"{path}: {fault}. Check the file name.")
