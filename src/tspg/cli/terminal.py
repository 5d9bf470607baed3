"""What a terminal shows: text that cannot steer it, and what the library logs; that it cannot show stops nothing."""

import logging
import os
import sys
import textwrap
from contextlib import suppress
from typing import Any, TextIO

from tqdm import tqdm

WIDTH = 80  # columns of what is printed


def printable(text: str, *, but: str = "") -> str:
    """Text in which control characters are spelled out, so that no name can steer the terminal; `but` some stay."""
    if text.isprintable():
        return text
    kept = frozenset(but)
    return "".join(one if one.isprintable() or one in kept else repr(one)[1:-1] for one in text)


def wrapped(text: str, indent: int = 2) -> list[str]:
    """Text in lines of a terminal, all but the first indented; control characters are spelled out."""
    return textwrap.wrap(printable(text), WIDTH, subsequent_indent=" " * indent, break_on_hyphens=False)


def open_terminal() -> None:
    """Let letters that the terminal's encoding does not have be spelled out, instead of ending the program."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def flushed(stream: TextIO | None) -> OSError | None:
    """Why what was printed cannot be written out, as on a full disk or after `| head`; it is dropped then."""
    if stream is None:
        return None
    try:
        stream.flush()
    except OSError as error:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())  # or the interpreter would try again when it ends, and change the exit code
        os.close(nowhere)
        return error
    return None


class Forbearing:
    """A stream that may be closed, full or not there at all: what cannot be written is dropped."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write, if that can be done."""
        with suppress(OSError):
            if self._stream is not None:
                self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush, if that can be done."""
        with suppress(OSError):
            if self._stream is not None:
                self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Forbearing) and self._stream is other._stream

    def __hash__(self) -> int:
        return hash(id(self._stream))


def log_to_terminal() -> None:
    """Show what the library logs: what it has to tell, and the warnings of everything else."""
    handler = _AboveBars(Forbearing(sys.stderr))
    handler.setFormatter(_PrintableLines("tspg: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("tspg").setLevel(logging.INFO)


class _AboveBars(logging.StreamHandler[Forbearing]):
    """Log lines that a bar makes room for."""

    def emit(self, record: logging.LogRecord) -> None:
        with tqdm.external_write_mode(file=self.stream):
            super().emit(record)


class _PrintableLines(logging.Formatter):
    """Log lines in which no name can steer the terminal; a traceback keeps its lines."""

    def format(self, record: logging.LogRecord) -> str:
        return printable(super().format(record), but="\n\t")

    def formatMessage(self, record: logging.LogRecord) -> str:
        return printable(super().formatMessage(record))
