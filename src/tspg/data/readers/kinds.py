"""What kind of file or folder a path is, by its first bytes, and by its name only where they do not tell."""

import zipfile
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from tspg.data.readers.foreign import BY_ENDING, Foreign, foreign_by_magic
from tspg.data.readers.unpacking import PACKINGS, Packing, UnpackingError, members_of, unpacked
from tspg.errors import InputError
from tspg.utils.names import listed

_HEAD = 1 << 13
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

    `foreign` is the format where it is not read, `members` are the files of a zip archive that holds several, and
    `head` are the first bytes, decompressed.
    """

    kind: Kind
    ending: str
    packing: Packing | None = None
    foreign: Foreign | None = None
    members: list[str] = field(default_factory=list)
    head: bytes = b""


def content_of(path: Path) -> Content:
    """What a file is; one that cannot be opened is judged by its name alone, and its reader will say why."""
    if path.is_dir():
        return _folder(path)
    ending = Path(plain_name(path.name)).suffix.lower()
    if not path.is_file():
        return _by_name(ending)  # bytes read from a pipe would be lost
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD)
    except OSError:
        return _by_name(ending)
    packing = next((packing for packing in PACKINGS if head.startswith(packing.magic)), None)
    if packing is None:
        return _by_content(head, ending, None)
    if packing.is_archive:
        return _zip(path, packing, ending)
    return _by_content(_first_bytes(path, packing), ending, packing)


def plain_name(name: str) -> str:
    """A file's name without the ending of its compression."""
    path = Path(name)
    while any(path.suffix.lower() in packing.endings for packing in PACKINGS):
        path = path.with_suffix("")
    return path.name


def refusal(path: Path, content: Content, error: type[InputError]) -> InputError:
    """The error for a file that is not read where text is expected, or not read while it is compressed."""
    if content.members:
        return error(
            f"{path}: a zip archive of {len(content.members):,} files ({listed(content.members, 5)}). Unpack it "
            f"(unzip {path.name}) and give the file with the matrix, or the folder if it has one file per sample."
        )
    if content.foreign is not None:
        return error(f"{path}: this is {content.foreign.what}. {content.foreign.advice_on(path)}.")
    if content.packing is not None:
        return error(
            f"{path}: the format {content.kind} is not read inside of {content.packing.name}. "
            f"Unpack it first: {content.packing.command} {path.name}."
        )
    return error(
        f"{path}: this is not text but a file in the format {content.kind}. Give a table as text or Excel file."
    )


def _first_bytes(path: Path, packing: Packing) -> bytes:
    try:
        return next(filter(None, unpacked(path, packing, most=_HEAD)), b"")
    except (UnpackingError, OSError):
        return b""


def _by_content(head: bytes, ending: str, packing: Packing | None) -> Content:
    kind = next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), None)
    if kind is None and (foreign := foreign_by_magic(head)) is not None:
        return Content(Kind.FOREIGN, ending, packing, foreign, head=head)
    if kind is None and ending in (".xls", ".xlsx") and head and not any(code in head for code in _NEVER_IN_TEXT):
        kind = Kind.TEXT  # GEO is full of text that is called .xls
    if kind is not None:
        return Content(kind, ending, packing, head=head)
    return replace(_by_name(ending), packing=packing, head=head)


def _by_name(ending: str) -> Content:
    if ending in BY_ENDING:
        return Content(Kind.FOREIGN, ending, foreign=BY_ENDING[ending])
    return Content(_ENDINGS.get(ending, Kind.TEXT), ending)


def _zip(path: Path, packing: Packing, ending: str) -> Content:
    try:
        with zipfile.ZipFile(path) as archive:
            names = members_of(archive)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        named = _by_name(ending)  # damaged: nothing in it tells what it was
        return replace(named, packing=packing) if named.kind == Kind.TEXT else named
    if "xl/workbook.xml" in names:
        return Content(Kind.XLSX, ending)
    if "content.xml" in names or "xl/workbook.bin" in names:
        return Content(Kind.FOREIGN, ending, foreign=BY_ENDING[".ods"])
    if len(names) != 1:
        return Content(Kind.FOREIGN, ending, packing, members=names)
    return _by_content(_first_bytes(path, packing), Path(plain_name(names[0])).suffix.lower(), packing)


def _folder(path: Path) -> Content:
    ending = path.suffix.lower()
    if ending == ".zarr" or any((path / name).exists() for name in _ZARR):
        return Content(Kind.FOREIGN, ending, foreign=BY_ENDING[".zarr"])
    if any((path / name).exists() for name in ("matrix.mtx", "matrix.mtx.gz")):
        return Content(Kind.FOREIGN, ending, foreign=BY_ENDING[".mtx"])
    return Content(Kind.FOLDER, ending)
