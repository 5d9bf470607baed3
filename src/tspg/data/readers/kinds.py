"""What a file or folder is: told by its first bytes, and by its name only where they cannot say."""

import zipfile
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from tspg.data.readers.foreign import FOREIGN_ENDINGS, FOREIGN_MAGIC, Foreign
from tspg.data.readers.unpacking import PACKINGS, Packing, UnpackingError, members_of, unpacked

_HEAD = 1 << 13
_SHEETS = (".xls", ".xlsx")
_NEVER_IN_TEXT = [bytes([code]) for code in range(32) if code not in b"\t\n\r"]
_ZARR = (".zgroup", ".zattrs", ".zmetadata", "zarr.json")


class Kind(StrEnum):
    """A format that is read, or a folder; `FOREIGN` are those that are not."""

    TEXT = "text"
    GCT = "GCT"
    XLSX = "Excel"
    NPY = "NPY"
    HDF5 = "H5AD"
    PARQUET = "Parquet"
    FEATHER = "Feather"
    FOLDER = "folder"
    FOREIGN = "foreign"


_MAGIC = {
    b"\x93NUMPY": Kind.NPY,
    b"\x89HDF\r\n\x1a\n": Kind.HDF5,
    b"PAR1": Kind.PARQUET,
    b"ARROW1": Kind.FEATHER,
    b"FEA1": Kind.FEATHER,
    b"#1.2": Kind.GCT,
    b"#1.3": Kind.GCT,
}
_ENDINGS = {
    ".gct": Kind.GCT,
    ".npy": Kind.NPY,
    ".h5ad": Kind.HDF5,
    ".parquet": Kind.PARQUET,
    ".feather": Kind.FEATHER,
    ".arrow": Kind.FEATHER,
    ".xlsx": Kind.XLSX,
    ".xlsm": Kind.XLSX,
}


@dataclass(frozen=True)
class Content:
    """What a file is, how it is compressed (None: not at all), and the ending of its name without that.

    `members` are the files of a zip archive that holds several; `foreign` is the format where it is not read; `head`
    are the first bytes of what is in the file.
    """

    kind: Kind
    ending: str
    packing: Packing | None = None
    foreign: Foreign | None = None
    members: list[str] = field(default_factory=list)
    head: bytes = b""


def content_of(path: Path) -> Content:
    """What a file is. Of one that cannot be opened only the name speaks; whoever reads it will say so."""
    if path.is_dir():
        return _folder(path)
    ending = ending_of(path.name)
    if not path.is_file():
        return _by_name(ending, None)  # what is read off a pipe is gone
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD)
    except OSError:
        return _by_name(ending, None)
    packing = next((packing for packing in PACKINGS if head.startswith(packing.magic)), None)
    if packing is None:
        return _by_content(head, ending, None)
    if packing.is_archive:
        return _zip(path, packing, ending)
    return _by_content(_first_bytes(path, packing), ending, packing)


def ending_of(name: str) -> str:
    """The ending of a file's name without that of its compression, in small letters: `.tsv`, `.h5ad`."""
    return Path(plain_name(name)).suffix.lower()


def plain_name(name: str) -> str:
    """A file's name without the ending of its compression."""
    path = Path(name)
    while path.suffix.lower() in {ending for packing in PACKINGS for ending in packing.endings}:
        path = path.with_suffix("")
    return path.name


def _first_bytes(path: Path, packing: Packing) -> bytes:
    try:
        return next(filter(None, unpacked(path, packing, most=_HEAD)), b"")
    except (UnpackingError, OSError):
        return b""


def _by_content(head: bytes, ending: str, packing: Packing | None) -> Content:
    kind = next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), None)
    if kind is not None:
        return Content(kind, ending, packing, head=head)
    foreign = next((foreign for at, magic, foreign in FOREIGN_MAGIC if head[at:].startswith(magic)), None)
    if foreign is not None:
        return Content(Kind.FOREIGN, ending, packing, foreign, head=head)
    if ending in _SHEETS and head and not any(code in head for code in _NEVER_IN_TEXT):
        return Content(Kind.TEXT, ending, packing, head=head)  # GEO is full of text that is called .xls
    return replace(_by_name(ending, packing), head=head)


def _by_name(ending: str, packing: Packing | None) -> Content:
    if ending in FOREIGN_ENDINGS:
        return Content(Kind.FOREIGN, ending, packing, FOREIGN_ENDINGS[ending])
    return Content(_ENDINGS.get(ending, Kind.TEXT), ending, packing)


def _zip(path: Path, packing: Packing, ending: str) -> Content:
    try:
        with zipfile.ZipFile(path) as archive:
            names = members_of(archive)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        named = _by_name(ending, None)  # damaged: nothing in it says what it was
        return replace(named, packing=packing) if named.kind == Kind.TEXT else named
    if "xl/workbook.xml" in names:
        return Content(Kind.XLSX, ending)
    if "content.xml" in names or "xl/workbook.bin" in names:
        return Content(Kind.FOREIGN, ending, None, FOREIGN_ENDINGS[".ods"])
    if len(names) != 1:
        return Content(Kind.FOREIGN, ending, packing, None, names)
    return _by_content(_first_bytes(path, packing), ending_of(names[0]), packing)


def _folder(path: Path) -> Content:
    ending = path.suffix.lower()
    if ending == ".zarr" or any((path / name).exists() for name in _ZARR):
        return Content(Kind.FOREIGN, ending, None, FOREIGN_ENDINGS[".zarr"])
    if any((path / f"matrix.mtx{packed}").exists() for packed in ("", ".gz")):
        return Content(Kind.FOREIGN, ending, None, FOREIGN_ENDINGS[".mtx"])
    return Content(Kind.FOLDER, ending)
