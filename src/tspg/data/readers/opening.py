"""Expression files opened: which reader a file is given to, by what it is."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from tspg.data.readers.arrow import open_feather, open_parquet
from tspg.data.readers.gct import open_gct
from tspg.data.readers.h5ad import open_h5ad
from tspg.data.readers.kinds import Kind, content_of, refusal
from tspg.data.readers.layouts import sample_format
from tspg.data.readers.npy import open_npy
from tspg.data.readers.sample_files import open_sample
from tspg.data.readers.sample_sheets import is_sheet, open_folder, open_sheet
from tspg.data.readers.table import Table
from tspg.data.readers.text import open_excel, open_text
from tspg.errors import ExpressionError, UsageError


def open_table(
    path: Path,
    stack: ExitStack,
    *,
    limit: float,
    layer: str | None = None,
    value: str | None = None,
    sample_column: str | None = None,
    sample_column_elsewhere: bool = False,
    label_column: str | None = None,
    labelled: bool = False,
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
    sample_column
        Column with the samples' names, if the file is a table of files with one sample each.
    sample_column_elsewhere
        That column may be one of the labels file alone.
    label_column
        Column of the file itself with the samples' classes.
    labelled
        The samples have labels, so there must be more than one.

    Raises
    ------
    ExpressionError
        If the file cannot be read as it is.
    UsageError
        If the file has no such layer or column of values.
    """
    try:
        fault = "" if path.exists() else "there is no such file"
    except OSError as error:
        fault = f"cannot be read ({error.strerror})"
    if fault:
        raise ExpressionError(f"{path}: {fault}. Check the file name.")
    content = content_of(path)
    if layer is not None and content.kind != Kind.HDF5:
        raise UsageError(f"{path}: --layer {layer}: only H5AD files have layers. Leave it out.")
    if content.kind == Kind.FOLDER:
        return open_folder(path, value=value)
    if content.kind == Kind.TEXT:
        if is_sheet(content.head, path.parent):
            return open_sheet(path, value=value, sample_column=sample_column, elsewhere=sample_column_elsewhere)
        form = sample_format(content.head)
        if form is not None and form.layout.alone:
            return open_sample(path, form, value=value, labelled=labelled)
    if value is not None:
        raise UsageError(f"{path}: --value {value}: this file has one number for each gene of a sample. Leave it out.")
    is_text = content.kind in (Kind.TEXT, Kind.GCT, Kind.XLSX)
    if not is_text and (content.packing is not None or content.kind == Kind.FOREIGN):
        raise refusal(path, content, ExpressionError)
    readers: dict[Kind, Callable[[], Table]] = {
        Kind.TEXT: lambda: open_text(path, stack, label_column),
        Kind.XLSX: lambda: open_excel(path, stack, label_column),
        Kind.GCT: lambda: open_gct(path, stack),
        Kind.NPY: lambda: open_npy(path),
        Kind.HDF5: lambda: open_h5ad(path, stack, limit=limit, layer=layer),
        Kind.PARQUET: lambda: open_parquet(path, stack, limit=limit, label_column=label_column),
        Kind.FEATHER: lambda: open_feather(path, stack, limit=limit, label_column=label_column),
    }
    return readers[content.kind]()
