"""What a terminal shows: bars with the time left, and text that cannot steer it; that it cannot show stops nothing."""

import logging
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, TextIO

from tqdm import tqdm


def printable(text: str, *, but: str = "") -> str:
    """Text in which control characters are spelled out, so that no name can steer the terminal; `but` some stay."""
    if text.isprintable():
        return text
    kept = frozenset(but)
    return "".join(one if one.isprintable() or one in kept else repr(one)[1:-1] for one in text)


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


def log_to_terminal() -> None:
    """Show what the library logs: its own progress, and the warnings of everything else."""
    handler = logging.StreamHandler(Forbearing(sys.stderr))
    handler.setFormatter(_PrintableLines("tspg: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("tspg").setLevel(logging.INFO)


class _PrintableLines(logging.Formatter):
    """Log lines in which no name can steer the terminal; a traceback keeps its lines."""

    def format(self, record: logging.LogRecord) -> str:
        return printable(super().format(record), but="\n\t")

    def formatMessage(self, record: logging.LogRecord) -> str:
        return printable(super().formatMessage(record))


class ProgressBars:
    """Shows each training phase as a bar with the time left."""

    def __init__(self) -> None:
        self._bars: dict[str, tqdm[Any]] = {}

    def __call__(self, phase: str, done: int, total: int, numbers: Mapping[str, float]) -> None:
        """Take one epoch's report."""
        bar = self._bars.get(phase)
        if bar is None:
            bar = self._bars[phase] = self._new(phase, done, total, numbers)
        if phase == "sweep":
            bar.set_description_str(f"{numbers['runs']:,.0f} of {numbers['of']:,.0f} runs", refresh=False)
        else:
            shown = {name: numbers[name] for name in ("step", "loss", "total_loss", "hit_rate") if name in numbers}
            bar.set_postfix(shown, refresh=False)
        bar.update(done - bar.n)
        if done == total:
            self._bars.pop(phase).close()

    def close(self) -> None:
        """End the lines of bars that did not come to their end."""
        while self._bars:
            self._bars.popitem()[1].close()

    @staticmethod
    def _new(phase: str, done: int, total: int, numbers: Mapping[str, float]) -> "tqdm[Any]":
        if phase == "sweep":  # counts expected seconds, since runs differ; what was done before says nothing of speed
            line = "{desc} |{bar}| {percentage:.0f}%, {elapsed} gone, {remaining} left"
            return tqdm(total=total, initial=done, smoothing=0, bar_format=line, file=Forbearing(sys.stderr))
        unit = "epoch" if numbers.get("epoch", done) == done else "step"
        title = f"training {phase}"
        if phase == "audit":
            title, unit = f"audit (about {numbers['seconds']:.0f} s)", "control"
        return tqdm(
            total=total, initial=done, desc=title, unit=unit, file=Forbearing(sys.stderr)
        )  # time counts from here on
