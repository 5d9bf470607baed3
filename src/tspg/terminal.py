"""What a terminal shows while work goes on: bars with the time left, and text that cannot steer the terminal."""

import logging
import sys
from collections.abc import Mapping
from typing import Any

from tqdm import tqdm


def printable(text: str, *, but: str = "") -> str:
    """Text in which control characters are spelled out, so that no name can steer the terminal; `but` some stay."""
    if text.isprintable():
        return text
    kept = frozenset(but)
    return "".join(one if one.isprintable() or one in kept else repr(one)[1:-1] for one in text)


def log_to_terminal() -> None:
    """Show what the library logs: its own progress, and the warnings of everything else."""
    handler = logging.StreamHandler()
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
            return tqdm(total=total, initial=done, smoothing=0, bar_format=line, file=sys.stderr)
        unit = "epoch" if numbers.get("epoch", done) == done else "step"
        title, unit = (phase, "control") if phase.startswith("audit") else (f"training {phase}", unit)
        return tqdm(total=total, initial=done, desc=title, unit=unit, file=sys.stderr)  # time counts from here on
