"""What an HDF5 file may not contain: ways out of the file, foreign code, and sizes that only pretend."""

import math

import h5py

from tspg.errors import ExpressionError, ResourceError

_FILTERS = {
    h5py.h5z.FILTER_DEFLATE: "gzip",
    h5py.h5z.FILTER_SHUFFLE: "shuffle",
    h5py.h5z.FILTER_FLETCHER32: "fletcher32",
    h5py.h5z.FILTER_SZIP: "szip",
    h5py.h5z.FILTER_LZF: "lzf",
}
_READ_WHOLE = ("/obs/", "/var/", "/X/indptr")  # the rest is read in blocks, or not at all


def check_hdf5(source: h5py.File, file: str, limit: float) -> None:
    """Walk every link of an open HDF5 file and refuse what could read other files or load plug-ins.

    Refused are soft and external links, external and virtual storage, references, filters other
    than HDF5's own, and sizes above `limit` bytes (a file of a kilobyte can declare 80 GB).

    Raises
    ------
    ExpressionError
        Naming the place inside the file.
    ResourceError
        If a declared size is above the limit.
    """
    seen = {_address(source)}
    waiting: list[h5py.Group] = [source]
    while waiting:
        group = waiting.pop()
        _check_attributes(group, file)
        for name in group:
            where = f"{group.name.rstrip('/')}/{name}"
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise ExpressionError(
                    f"{file}: {where!r} is a link to another place. Such files are refused; write the data themselves."
                )
            item = group[name]
            if _address(item) in seen:
                continue
            seen.add(_address(item))
            if isinstance(item, h5py.Group):
                waiting.append(item)
            elif isinstance(item, h5py.Dataset):
                _check_attributes(item, file)
                _check_dataset(item, file, where, limit)


def _address(item: h5py.Group | h5py.Dataset) -> tuple[int, int]:
    """What stays the same when an object is reached by two ways, so that a circle ends."""
    info = h5py.h5o.get_info(item.id)
    return info.fileno, info.addr


def _check_attributes(item: h5py.Group | h5py.Dataset, file: str) -> None:
    for name in item.attrs:
        if h5py.check_ref_dtype(item.attrs.get_id(name).dtype) is not None:
            raise ExpressionError(
                f"{file}: attribute {name!r} of {item.name!r} is a reference, as anndata wrote before 0.8. "
                "Write the file again with a recent anndata."
            )


def _check_dataset(item: h5py.Dataset, file: str, where: str, limit: float) -> None:
    if item.external or item.is_virtual:
        raise ExpressionError(
            f"{file}: the values of {where!r} lie in another file. Such files are refused; write the data themselves."
        )
    if h5py.check_ref_dtype(item.dtype) is not None:
        raise ExpressionError(f"{file}: {where!r} holds references. Such files are refused; write the data themselves.")
    created = item.id.get_create_plist()
    for at in range(created.get_nfilters()):
        number = created.get_filter(at)[0]
        if number not in _FILTERS:
            raise ExpressionError(
                f"{file}: {where!r} is compressed with filter {number}. "
                f"Allowed are {', '.join(_FILTERS.values())}; write it again with gzip."
            )
    _check_declared(item, file, where, limit)


def _check_declared(item: h5py.Dataset, file: str, where: str, limit: float) -> None:
    whole = where.startswith(_READ_WHOLE)
    dimensions = (item.shape or ()) if whole else (item.chunks or ())
    size = math.prod(dimensions) * item.dtype.itemsize
    if size > limit:
        part = "declares" if whole else "declares blocks of"
        raise ResourceError(
            f"{file}: {where!r} {part} {size / 1e9:,.1f} GB, the limit is {limit / 1e9:,.1f} GB. "
            "Check the file, or raise --max-memory."
        )
