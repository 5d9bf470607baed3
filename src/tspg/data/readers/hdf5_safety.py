"""What an HDF5 file may not contain: ways out of the file, foreign code, and sizes that are only declared."""

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
from anndata.io import read_elem

from tspg.data.readers.foreign import BY_ENDING, foreign_hdf5
from tspg.data.readers.unpacking import RATIO_LIMIT, is_bomb
from tspg.errors import ExpressionError, ResourceError

_FILTERS = {
    h5py.h5z.FILTER_DEFLATE: "gzip",
    h5py.h5z.FILTER_SHUFFLE: "shuffle",
    h5py.h5z.FILTER_FLETCHER32: "fletcher32",
    h5py.h5z.FILTER_SZIP: "szip",
    h5py.h5z.FILTER_LZF: "lzf",
}
_WRITE_AGAIN = "Write the file again with anndata"
# What h5py and `read_part` raise on files that are damaged, or made to be strange.
UNREADABLE = (OSError, LookupError, ValueError, TypeError, AttributeError, ArithmeticError, RuntimeError)


@contextmanager
def opened_hdf5(path: Path, *, limit: float, whole: tuple[str, ...], values: str = "/X") -> Iterator[h5py.File]:
    """An HDF5 file that has passed `_check`, open as long as the block runs; no plug-in is loaded meanwhile.

    Refused are files of other programs, soft and external links, second names, external and virtual storage,
    references, filters other than HDF5's own, and sizes above `limit` bytes or out of all proportion to the file (one
    of a kilobyte can declare 80 GB). `whole` are the beginnings of the places that are read in one go; elsewhere a
    block counts. `values` is the place of the matrix, which comes into memory block by block.

    Raises
    ------
    ExpressionError
        Naming the place inside the file.
    ResourceError
        If a declared size is above the limit.
    """
    folders = [h5py.h5pl.get(at) for at in range(h5py.h5pl.size())]
    for _ in folders:
        h5py.h5pl.remove(0)  # HDF5 must load no filters, whatever HDF5_PLUGIN_PATH says
    try:
        with h5py.File(path, "r") as source:
            foreign = foreign_hdf5(source)
            if foreign is None and not {"obs", "var"} & set(source) and path.suffix.lower() in BY_ENDING[".h5"].endings:
                foreign = BY_ENDING[".h5"]
            if foreign is not None:
                raise ExpressionError(f"{path}: this is {foreign.what}. {foreign.advice_on(path)}.")
            _check(source, str(path), limit, whole, values)
            yield source
    finally:
        for folder in folders:
            h5py.h5pl.append(folder)


def read_part(part: h5py.Group | h5py.Dataset) -> Any:
    """What anndata makes of a part of a checked file.

    Raises
    ------
    ValueError
        If it can make nothing of it: its own errors have no common kind.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # anndata's are about its own future, not about the user's file
            return read_elem(part)
    except MemoryError:
        raise
    except Exception as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error


def _check(source: h5py.File, file: str, limit: float, whole: tuple[str, ...], values: str) -> None:
    """Walk every link of an open file and refuse what could read other files, load plug-ins or fill memory."""
    waiting: list[h5py.Group] = [source]
    while waiting:
        group = waiting.pop()
        _check_attributes(group, file)
        for name in group:
            where = f"{group.name.rstrip('/')}/{name}"
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise ExpressionError(f"{file}: {where!r} is a link to another place. {_WRITE_AGAIN} (write_h5ad).")
            item = group[name]
            if h5py.h5o.get_info(item.id).rc > 1:  # its size would be checked under one name and read under another
                raise ExpressionError(f"{file}: {where!r} has a second name in the file. {_WRITE_AGAIN} (write_h5ad).")
            if isinstance(item, h5py.Group):
                waiting.append(item)
            elif isinstance(item, h5py.Dataset):
                _check_attributes(item, file)
                _check_dataset(item, file, where)
                _check_declared(item, file, where, limit, whole, values)


def _check_attributes(item: h5py.Group | h5py.Dataset, file: str) -> None:
    for name in item.attrs:
        where, stored = f"attribute {name!r} of {item.name!r}", item.attrs.get_id(name)
        _check_type(stored.get_type(), file, where)
        if h5py.check_ref_dtype(stored.dtype) is not None:
            raise ExpressionError(
                f"{file}: {where} is a reference, as anndata wrote before 0.8. "
                "Write the file again with a recent anndata."
            )


def _check_type(stored: h5py.h5t.TypeID, file: str, where: str) -> None:
    """Refuse lists of varying length, which AnnData files never hold: a damaged one makes HDF5 crash."""
    if isinstance(stored, h5py.h5t.TypeCompoundID):  # such as the columns of scanpy's rank_genes_groups
        for member in range(stored.get_nmembers()):
            _check_type(stored.get_member_type(member), file, where)
    elif stored.detect_class(h5py.h5t.VLEN):  # text of varying length is a class of its own
        raise ExpressionError(f"{file}: {where} holds lists of varying length. {_WRITE_AGAIN}.")


def _check_dataset(item: h5py.Dataset, file: str, where: str) -> None:
    if item.external or item.is_virtual:
        raise ExpressionError(
            f"{file}: the values of {where!r} lie in another file. Such files are refused; write the data themselves."
        )
    if h5py.check_ref_dtype(item.dtype) is not None:
        raise ExpressionError(f"{file}: {where!r} holds references. Such files are refused; write the data themselves.")
    _check_type(item.id.get_type(), file, repr(where))
    created = item.id.get_create_plist()
    for number in (created.get_filter(at)[0] for at in range(created.get_nfilters())):
        if number not in _FILTERS:
            raise ExpressionError(
                f"{file}: {where!r} is compressed with filter {number}. "
                f"Allowed are {', '.join(_FILTERS.values())}; write it again with gzip."
            )


def _check_declared(
    item: h5py.Dataset, file: str, where: str, limit: float, whole: tuple[str, ...], values: str
) -> None:
    at_once = where.startswith(whole)
    all_of_it, block = (math.prod(shape or ()) * item.dtype.itemsize for shape in (item.shape, item.chunks))
    size = all_of_it if at_once else block
    if size > limit:
        raise ResourceError(
            f"{file}: {where!r} {'declares' if at_once else 'declares blocks of'} {size / 1e9:,.1f} GB, the limit is "
            f"{limit / 1e9:,.1f} GB. Check the file, or raise --max-memory."
        )
    stored = Path(file).stat().st_size
    if (where == values or where.startswith((f"{values}/", *whole))) and is_bomb(all_of_it, stored):
        raise ExpressionError(
            f"{file}: {where!r} declares {all_of_it:,} bytes in a file of {stored:,}, more than {RATIO_LIMIT} "
            "times as many, as harmful files do. If it is sound but nearly all zeros, write it without compression."
        )
