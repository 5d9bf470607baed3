"""The stored numbers, asked by what was run, and told in words: a mean with the least and the most of the seeds."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reproduction.runs import SEEDS
from tspg.utils.files import read_json

Show = Callable[[float], str]
Run = dict[str, Any]
Runs = list[Run]
NOT_RUN, TOO_FEW = "not run", "too few"


@dataclass(frozen=True)
class Stored:
    """What `benchmarks/reproduction.json` holds."""

    content: dict[str, Any]

    @classmethod
    def read(cls, file: Path) -> "Stored":
        """The numbers of a file."""
        return cls(read_json(file))

    def runs(self, gene_set: str, target: str, preset: str, study: str = "organs") -> Runs:
        """The finished runs of one question, by seed."""
        wanted = (study, gene_set, target, preset)
        found = [
            run
            for run in self.content["runs"]
            if (run["study"], run["gene_set"], run["target"], run["preset"]) == wanted
        ]
        return sorted(found, key=lambda run: run["seed"])

    def values(self, gene_set: str, target: str, preset: str, *path: str, study: str = "organs") -> list[float]:
        """One number of each seed's run where it is defined, by the path of its names."""
        found = [number_at(run, path) for run in self.runs(gene_set, target, preset, study)]
        return [value for value in found if value is not None]

    def overlaps(self, preset: str) -> Runs:
        """What the lists of the three kidney tumours share, by seed."""
        return [found for found in self.content["kidney_overlaps"] if found["preset"] == preset]

    def study(self, file: str) -> dict[str, Any]:
        """The samples of a data set, counted."""
        return next(study for study in self.content["studies"] if study["file"] == file)


def number_at(run: dict[str, Any], path: Sequence[str]) -> Any:
    """A number inside nested names."""
    found: Any = run
    for name in path:
        found = found[name]
    return found


def mean(values: Sequence[float]) -> float:
    """The mean over seeds."""
    return sum(values) / len(values)


def spread(values: Iterable[float | None], show: Show) -> str:
    """The mean, and in brackets the least and the most of the seeds where they differ as shown."""
    found = list(values)
    known = [value for value in found if value is not None]
    if not known:
        return TOO_FEW if found else NOT_RUN
    ends, middle = between(known, show), show(mean(known))
    return middle if ends == middle else f"{middle} ({ends})"


def middle(values: Iterable[float | None], show: Show) -> str:
    """The mean over seeds alone."""
    known = [value for value in values if value is not None]
    return show(mean(known)) if known else TOO_FEW


def between(values: Sequence[float], show: Show) -> str:
    """The least and the most, or the one that they are."""
    least, most = show(min(values)), show(max(values))
    return least if least == most else f"{least.removesuffix('%') if most.endswith('%') else least}–{most}"


def named(preset: str, runs: Runs) -> str:
    """A preset, with the number of seeds where some are missing."""
    return f"`{preset}`" if len(runs) in (0, len(SEEDS)) else f"`{preset}`, {len(runs)} of {len(SEEDS)} seeds"


def percent(value: float) -> str:
    """A share as a percentage with one decimal, without a needless one."""
    return f"{100 * value:.1f}".removesuffix(".0") + "%"


def decimals(digits: int) -> Show:
    """Numbers with so many decimals and a true minus sign."""
    return lambda value: f"{round(value, digits) + 0.0:.{digits}f}".replace("-", "−")


def whole(value: float) -> str:
    """A count, or a mean of counts."""
    return f"{value:,.1f}".removesuffix(".0")


def small(value: float) -> str:
    """A p or q in short."""
    return f"{value:.2g}" if value >= 1e-3 else f"{value:.0e}".replace("e-0", "e-")


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in (head, *rows)]
    return "\n".join([lines[0], "|" + "---|" * len(head), *lines[1:]])
