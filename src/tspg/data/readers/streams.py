"""Text files as blocks of whole lines, decompressed and checked on the way."""

from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Self

from tspg.data.readers.excel import sheet_text
from tspg.data.readers.kinds import Kind, content_of, refusal
from tspg.data.readers.unpacking import BLOCK, UnpackingError, unpacked
from tspg.errors import InputError

LONGEST_LINE = 1 << 30
NO_LINE_END = "the last line has no line end; check that the file is complete"
_PEEKED, _LEAST_PEEKED = 1 << 20, 3  # bytes, lines
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_MARKS_OF_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


class TextLines:
    r"""A text file, plain or compressed, or an Excel sheet, as checked blocks of whole lines.

    Lines end in `\n`, the byte order mark is removed, and every byte is known to be UTF-8 without NUL and without lone
    carriage returns. Faults are raised as `error`, such as `LabelError` for a labels file. Use it in a `with` block,
    which closes the file and ends the thread that decompresses ahead.
    """

    def __init__(self, path: Path, error: type[InputError]) -> None:
        self.path = path
        self.error = error
        self.line = 1  # number of the next line
        self.ends_without_newline = False
        self._blocks = _one_ahead(self._checked())
        self._rest = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._blocks.close()

    def take_line(self) -> str | None:
        """The next line without its end, or None at the end of the file."""
        block = self._rest or next(self._blocks, b"")
        if not block:
            return None
        end = block.index(b"\n")
        self._rest = block[end + 1 :]
        self.line += 1
        return block[:end].decode()

    def peek(self, n_lines: int) -> list[str]:
        """Up to so many of the next lines, fewer where they are long; they stay to be taken."""
        while (n_here := self._rest.count(b"\n")) < n_lines and (n_here < _LEAST_PEEKED or len(self._rest) < _PEEKED):
            if not (more := next(self._blocks, b"")):
                break
            self._rest += more
        return [line.decode() for line in self._rest.split(b"\n", n_lines)[:-1]]

    def blocks(self) -> Iterator[tuple[int, bytes]]:
        """The rest of the file: the number of each block's first line, and its lines."""
        while block := self._rest or next(self._blocks, b""):
            self._rest = b""
            first_line = self.line
            self.line += block.count(b"\n")
            yield first_line, block

    def numbered_lines(self) -> Iterator[tuple[int, str]]:
        """The rest of the file, line by line, each with its number."""
        for first_line, block in self.blocks():
            yield from enumerate(block.decode().split("\n")[:-1], first_line)

    def _checked(self) -> Generator[bytes, None, None]:
        line, offset = 1, 0
        for block in self._whole_lines():
            start = len(_BYTE_ORDER_MARK) if offset == 0 and block.startswith(_BYTE_ORDER_MARK) else 0
            checked = self._check(block[start:] if start else block, line, offset + start)
            line += checked.count(b"\n")
            offset += len(block)
            if checked:
                yield checked

    def _check(self, block: bytes, line: int, offset: int) -> bytes:
        """The block with line ends of Unix; `line` and `offset` are its place in the file."""

        def fault(at: int, what: str) -> InputError:
            n_before = block.count(b"\n", 0, at)
            return self.error(f"{self.path}, line {line + n_before:,}: {what}")

        if offset == 0 and block.startswith(_MARKS_OF_UTF_16):
            raise fault(0, "this is UTF-16, not UTF-8 text. Change it: iconv -f utf-16 -t utf-8 OLD > NEW.")
        if b"\0" in block:
            raise fault(block.index(b"\0"), "a NUL byte. This is no UTF-8 text; if it is UTF-16, save it as UTF-8.")
        if not block.isascii():
            try:
                block.decode()
            except UnicodeDecodeError as error:
                bad = block[error.start : error.start + 1]
                raise fault(
                    error.start,
                    f"byte {offset + error.start:,} of the file ({bad!r}) is not UTF-8 text. Save the file as UTF-8; "
                    "if it is Latin-1: iconv -f latin1 -t utf-8 OLD > NEW.",
                ) from error
        if b"\r" in block:
            block = block.replace(b"\r\n", b"\n")
            if b"\r" in block:
                raise fault(block.index(b"\r"), "old Mac line ends. Change them: tr '\\r' '\\n' < OLD > NEW.")
        return block

    def _whole_lines(self) -> Iterator[bytes]:
        pieces: list[bytes] = []
        size = 0
        for chunk in self._chunks():
            pieces.append(chunk)
            size += len(chunk)
            if size < BLOCK or b"\n" not in chunk:
                if size > LONGEST_LINE:
                    raise self.error(
                        f"{self.path}: a line is longer than {LONGEST_LINE:,} bytes. "
                        "This is no table of expression values."
                    )
                continue
            joined = b"".join(pieces)
            end = joined.rfind(b"\n") + 1
            pieces, size = [joined[end:]], len(joined) - end
            yield joined[:end]
        if last := b"".join(pieces):
            self.ends_without_newline = not last.endswith(b"\n")
            yield last + b"\n" if self.ends_without_newline else last

    def _chunks(self) -> Iterator[bytes]:
        content = content_of(self.path)
        if content.kind == Kind.XLSX:
            yield sheet_text(self.path, self.error)
            return
        if content.kind not in (Kind.TEXT, Kind.GCT, Kind.FOLDER):
            raise refusal(self.path, content, self.error)
        try:
            if content.packing is not None:
                yield from unpacked(self.path, content.packing, most=BLOCK)
                return
            with self.path.open("rb") as stream:
                yield from iter(lambda: stream.read(BLOCK), b"")
        except OSError as error:
            raise self.error(
                f"{self.path}: cannot be read ({error.strerror or error}). Check the file name."
            ) from error
        except UnpackingError as error:
            raise self.error(f"{self.path}: {error}") from error


def _one_ahead(blocks: Generator[bytes, None, None]) -> Generator[bytes, None, None]:
    """The same blocks; a second thread decompresses the next one meanwhile."""
    with closing(blocks), ThreadPoolExecutor(1) as pool:
        future = pool.submit(next, blocks, None)
        while (block := future.result()) is not None:
            future = pool.submit(next, blocks, None)
            yield block
