"""Compressed files as bounded pieces of their content; data that grow as a decompression bomb does are refused."""

import bz2
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa

BLOCK = 4 << 20  # small enough for the processor's cache, large enough to hide the cost of a call
RATIO_LIMIT = 200
RATIO_FREE = 64 << 20
_COMPRESSED_BLOCK = 1 << 18
_MOST_FOR_XZ = 1 << 30  # bytes of memory that an xz file may ask for


class UnpackingError(Exception):
    """A compressed file that is damaged or grows out of all proportion; the message is a sentence about it."""


def is_bomb(size: int, stored: int) -> bool:
    """Whether so many bytes of content are out of all proportion to those in the file."""
    return size > RATIO_FREE and size > RATIO_LIMIT * stored


class _Gunzip:
    """zlib's decompressor with the interface of those of bz2 and lzma."""

    unused_data = property(lambda self: self._zlib.unused_data)
    eof = property(lambda self: self._zlib.eof)
    needs_input = property(lambda self: not self._zlib.unconsumed_tail)

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(wbits=31)

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        return self._zlib.decompress(self._zlib.unconsumed_tail + data, max_length)


@dataclass(frozen=True)
class Packing:
    """A way to compress a file: its first bytes, the endings of such files' names, and the command that undoes it.

    `decompressor` makes an object with the interface of `bz2.BZ2Decompressor`; None where a library opens streams.
    """

    name: str
    magic: bytes
    endings: tuple[str, ...]
    command: str
    decompressor: Callable[[], Any] | None = None

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
        If the file is damaged, ends too early, or grows as a bomb does.
    """
    data, again = f"the {packing.name} data", "Copy or download the file again"
    n_written = 0
    with path.open("rb") as stream:
        try:
            for piece in _pieces(stream, packing, most):
                n_written += len(piece)
                if is_bomb(n_written, stream.tell()):
                    raise UnpackingError(
                        f"{data} grow more than {RATIO_LIMIT}-fold ({stream.tell():,} bytes gave {n_written:,} so "
                        "far), as harmful files do. If the matrix is sound but nearly all zeros, decompress it first "
                        f"({packing.command}) and give the plain file."
                    )
                yield piece
        except EOFError as error:
            raise UnpackingError(f"{data} end too early. {again}.") from error
        except (RuntimeError, NotImplementedError) as error:  # a password, or a compression that Python does not know
            raise UnpackingError(
                f"{data} cannot be unpacked ({error}). Unpack the file and give what is in it."
            ) from error
        except zipfile.BadZipFile as error:
            raise UnpackingError(
                f"{data} are damaged ({error}). {again}, or if it is an Excel file, save its sheet as text (CSV)."
            ) from error
        except (OSError, ValueError, zlib.error, lzma.LZMAError) as error:
            raise UnpackingError(f"{data} are damaged ({error}). {again}.") from error


def members_of(archive: zipfile.ZipFile) -> list[str]:
    """The files in a zip archive, without folders and what macOS puts beside files."""
    names = [one.filename for one in archive.infolist() if not one.is_dir()]
    return [name for name in names if not name.startswith("__MACOSX/") and Path(name).name != ".DS_Store"]


def _pieces(stream: BinaryIO, packing: Packing, most: int) -> Iterator[bytes]:
    if packing.decompressor is not None:
        yield from _joined_parts(stream, packing.decompressor, most)
    elif packing.is_archive:
        with zipfile.ZipFile(stream) as archive, archive.open(members_of(archive)[0]) as member:
            yield from iter(lambda: member.read(most), b"")
    else:
        with pa.CompressedInputStream(pa.PythonFile(stream, "r"), "zstd") as member:
            yield from iter(lambda: member.read(most), b"")


def _joined_parts(stream: BinaryIO, decompressor: Callable[[], Any], most: int) -> Iterator[bytes]:
    """The content of a file that may be several compressed ones, one after the other, as `bgzip` writes them."""
    part = decompressor()
    while pending := stream.read(_COMPRESSED_BLOCK):
        while pending or not (part.needs_input or part.eof):
            if part.eof:
                pending = pending.lstrip(b"\0")  # what fills up the last block of a tape
                if not pending:
                    break
                part = decompressor()
            piece = part.decompress(pending, most)
            pending = part.unused_data if part.eof else b""
            yield piece
    if not part.eof:
        raise EOFError
