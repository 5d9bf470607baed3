"""How far a command is: in a terminal one bar with the time left, in a file one line for every phase."""

import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from tqdm import tqdm

from tspg.cli.terminal import Forbearing

TITLES = {  # of phases, as a person calls them
    "start": "starting",
    "read": "reading the files",
    "prepare": "scaling the profiles",
    "target_model": "training the classifier",
    "generator": "training the generator",
    "reference": "measuring how real samples vary",
    "perturb": "moving the profiles",
    "genes": "testing the genes",
    "evidence": "evidence on held-out samples",
    "meaning": "looking the genes up in gene sets",
    "tables": "writing the tables",
    "figures": "drawing the figures",
    "report": "writing the report",
}
COUNTED = {  # phases of several parts; their numbers say which part it is
    "folds": "evidence: fold {fold:.0f} of {folds:.0f}",
    "audit": "control {control:.0f} of {controls:.0f}",
    "sweep": "{runs:,.0f} of {of:,.0f} runs",
}
LEAST_SECONDS = 1.0  # of a phase that has a line in a file
BAR = "{desc} |{bar}| {percentage:.0f}%, {remaining} left"


class ProgressBars:
    """Shows on stderr what is being done, in the words of `TITLES`, and how far it is."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._stream, self._clock = Forbearing(sys.stderr), clock
        self._is_terminal = sys.stderr is not None and sys.stderr.isatty()
        self._began = clock()
        self._begun: tuple[float, str] | None = None  # a phase without its line yet
        self._bar: tqdm[Any] | None = None
        self._shown: tuple[str, Any] = ("", None)

    def __call__(self, phase: str, done: int, total: int, numbers: Mapping[str, float]) -> None:
        """Take a report: the phase, how much of it is done, and how much it is in all."""
        name = phase.replace(" ", "_")  # a training reports in words what a clock calls by its name
        show = self._draw if self._is_terminal else self._write
        show(name, done, total, COUNTED.get(name, TITLES.get(name, phase)).format_map(numbers))

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _draw(self, phase: str, done: int, total: int, title: str) -> None:
        """One bar for what is being done now; where no share of it is known, its title alone."""
        if self._shown != (phase, total) or done == total:
            self.close()
        if done == total:
            return
        if self._bar is None:
            how: dict[str, Any] = {"bar_format": BAR if total > 1 else "{desc} ...", "dynamic_ncols": True}
            how |= {"smoothing": 0, "leave": False, "file": self._stream}  # time left by the mean speed
            self._bar, self._shown = tqdm(total=total, initial=done, desc=title, **how), (phase, total)
        self._bar.set_description_str(title, refresh=False)
        self._bar.update(done - self._bar.n)

    def _write(self, phase: str, done: int, total: int, title: str) -> None:
        """A line of a phase once it has lasted; of a sweep, a line for each tenth of its work.

        So a command that is refused has no line but the refusal.
        """
        now = self._clock()
        if self._begun is not None and now - self._begun[0] >= LEAST_SECONDS:
            self._line(*self._begun)
            self._begun = None
        if phase == "sweep":
            if self._shown != (phase, tenth := 10 * done // total):
                self._line(now, title)
                self._shown = (phase, tenth)
        elif done < total and phase != "start" and self._shown != (phase, title):
            self._begun, self._shown = (now, title), (phase, title)

    def _line(self, at: float, title: str) -> None:
        self._stream.write(f"tspg: {at - self._began:>5.0f} s  {title}\n")
        self._stream.flush()
