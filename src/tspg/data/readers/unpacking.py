"""Compressed files as bounded pieces of their content; what grows as harmful files do is refused."""

import bz2
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

import pyarrow as pa

BLOCK = 4 << 20  # small enough for the processor's cache, large enough to hide the cost of a call
RATIO_LIMIT = 200
RATIO_FREE = 64 << 20
_COMPRESSED_BLOCK = 1 << 18
_MOST_FOR_XZ = 1 << 30  # bytes of memory that an xz file may ask for


class UnpackingError(Exception):
    """A compressed file that is damaged or grows out of all proportion; the message is a sentence about it."""


class _Unpacker(Protocol):
    """What bz2 and lzma have: something that takes compressed bytes and gives at most so many."""

    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...

    @property
    def eof(self) -> bool: ...

    @property
    def needs_input(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...


class _Gunzip:
    """zlib's decompressor, used as those of bz2 and lzma are."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(wbits=31)

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        return self._zlib.decompress(self._zlib.unconsumed_tail + data, max_length)

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def needs_input(self) -> bool:
        return not self._zlib.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data


@dataclass(frozen=True)
class Packing:
    """A way to compress a file: what it begins with, how such files are named, and the command that undoes it."""

    name: str
    magic: bytes
    endings: tuple[str, ...]
    command: str
    new: Callable[[], _Unpacker] | None = None

    @property
    def is_archive(self) -> bool:
        """Whether it can hold several files."""
        return self.name == "zip"


PACKINGS = (
    Packing("gzip", b"\x1f\x8b", (".gz", ".bgz"), "gunzip", _Gunzip),
    Packing("bzip2", b"BZh", (".bz2",), "bunzip2", bz2.BZ2Decompressor),
    Packing("xz", b"\xfd7zXZ\x00", (".xz",), "unxz", lambda: lzma.LZMADecompressor(memlimit=_MOST_FOR_XZ)),
    Packing("Zstandard", b"\x28\xb5\x2f\xfd", (".zst", ".zstd"), "unzstd"),
    Packing("zip", b"PK\x03\x04", (".zip",), "unzip"),
)


def unpacked(path: Path, packing: Packing, *, most: int = BLOCK) -> Iterator[bytes]:
    """The content of a compressed file in pieces of at most `most` bytes; of a zip archive, that of its first file.

    Raises
    ------
    UnpackingError
        If the file is damaged, ends too early, or grows as harmful files do.
    """
    n_written = 0
    with path.open("rb") as stream:
        pieces = _joined_parts(stream, packing.new, most) if packing.new else _of_library(stream, packing, most)
        try:
            for piece in pieces:
                n_written += len(piece)
                _check_ratio(packing, stream.tell(), n_written)
                yield piece
        except EOFError as error:
            raise UnpackingError(f"the {packing.name} data end too early. Copy or download the file again.") from error
        except (RuntimeError, NotImplementedError) as error:  # a password, or a compression that Python does not know
            raise UnpackingError(
                f"the {packing.name} data cannot be unpacked ({error}). Unpack the file and give what is in it."
            ) from error
        except zipfile.BadZipFile as error:
            raise UnpackingError(
                f"the zip data are damaged ({error}). Copy or download the file again, or if it is an Excel file, "
                "save its sheet as text (CSV)."
            ) from error
        except (OSError, ValueError, zlib.error, lzma.LZMAError) as error:
            raise UnpackingError(
                f"the {packing.name} data are damaged ({error}). Copy or download the file again."
            ) from error


def members_of(archive: zipfile.ZipFile) -> list[str]:
    """The files in a zip archive, without folders and what macOS puts beside files."""
    names = [one.filename for one in archive.infolist() if not one.is_dir()]
    return [name for name in names if not name.startswith("__MACOSX/") and Path(name).name != ".DS_Store"]


def _joined_parts(stream: BinaryIO, new: Callable[[], _Unpacker], most: int) -> Iterator[bytes]:
    """The content of a file that may be several compressed ones, one after the other, as `bgzip` writes them."""
    unpacker = new()
    while pending := stream.read(_COMPRESSED_BLOCK):
        while pending or not (unpacker.needs_input or unpacker.eof):
            if unpacker.eof:
                pending = pending.lstrip(b"\0")  # what fills up the last block of a tape
                if not pending:
                    break
                unpacker = new()
            piece = unpacker.decompress(pending, most)
            pending = unpacker.unused_data if unpacker.eof else b""
            yield piece
    if not unpacker.eof:
        raise EOFError


def _of_library(stream: BinaryIO, packing: Packing, most: int) -> Iterator[bytes]:
    """The content of what is read by a library that opens streams itself."""
    if packing.is_archive:
        with zipfile.ZipFile(stream) as archive, archive.open(members_of(archive)[0]) as member:
            yield from iter(lambda: member.read(most), b"")
    else:
        with pa.CompressedInputStream(pa.PythonFile(stream, "r"), "zstd") as member:
            yield from iter(lambda: member.read(most), b"")


def _check_ratio(packing: Packing, n_read: int, n_written: int) -> None:
    if n_written > RATIO_FREE and n_written > RATIO_LIMIT * n_read:
        raise UnpackingError(
            f"the {packing.name} data grow more than {RATIO_LIMIT}-fold ({n_read:,} bytes gave {n_written:,} so far), "
            "as harmful files do. If the matrix is sound but nearly all zeros, decompress it first "
            f"({packing.command}) and give the plain file."
        )
