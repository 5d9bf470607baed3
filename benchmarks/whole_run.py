"""One whole `tspg run` on a study of GTEx's size, and `tspg demo`: time of each phase, CPU time and memory.

    python benchmarks/whole_run.py [--genes 158 4386] [--preset transport paper] [--samples 11688] [--threads 2]
                                   [--no-demo] [--quick-demo]

Every run is a process of its own, from reading the file to the report; what the phases leave over of the
wall time is loading libraries, reading and checking. CPU time above wall time means that threads helped.
"""

import argparse
import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import child
from child import Used

TARGET = "Tissue 07"
CLASSES = 53


@dataclass(frozen=True)
class Finished:
    """A run, what it took, and the seconds of its phases."""

    name: str
    used: Used
    seconds: dict[str, float]

    @classmethod
    def of(cls, name: str, used: Used, out: Path) -> "Finished":
        """Read the phases of a run folder."""
        seconds = json.loads((out / "metrics.json").read_text(encoding="utf-8"))["seconds"]
        return cls(name, used, {phase: value for phase, value in seconds.items() if phase != "total"})


def study_runs(options: argparse.Namespace, folder: Path) -> Iterator[Finished]:
    """Every preset on every number of genes."""
    for genes in options.genes:
        study = child.synthetic_study(folder / f"{genes}.h5ad", samples=options.samples, genes=genes, classes=CLASSES)
        for preset in options.preset:
            out = folder / f"{genes}-{preset}"
            used = child.tspg_run(study, out, target=TARGET, preset=preset, threads=options.threads)
            yield Finished.of(f"{options.samples:,} x {genes:,}, {preset}", used, out)


def demo(options: argparse.Namespace, folder: Path) -> Finished:
    """`tspg demo`, or its smoke test."""
    out, quick = folder / "demo", ["--quick"] if options.quick_demo else []
    return Finished.of(" ".join(["demo", *quick]), child.python("-m", "tspg", "demo", *quick, "--out", out), out)


def table(finished: list[Finished]) -> list[str]:
    """A Markdown table with a column for each run and a line for each phase."""
    phases = list(dict.fromkeys(phase for one in finished for phase in one.seconds))
    lines = ["| | " + " | ".join(one.name for one in finished) + " |", "|---" * (len(finished) + 1) + "|"]

    def add(words: str, values: list[float | None], digits: int = 1) -> None:
        cells = ["" if value is None else f"{value:.{digits}f}" for value in values]
        lines.append(f"| {words} | " + " | ".join(cells) + " |")

    for phase in phases:
        add(f"{phase} s", [one.seconds.get(phase) for one in finished])
    add("all else s", [one.used.wall - sum(one.seconds.values()) for one in finished])
    add("**wall s**", [one.used.wall for one in finished])
    add("**CPU s**", [one.used.cpu for one in finished])
    add("**peak GB**", [one.used.peak_gb for one in finished], 2)
    return lines


def main() -> None:
    """Run all and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--genes", type=int, nargs="*", default=[158, 4386])
    parser.add_argument("--preset", nargs="+", default=["transport", "paper"])
    parser.add_argument("--samples", type=int, default=11_688)
    parser.add_argument("--threads", type=int, default=2, help="of the runs; the demo takes the program's default")
    parser.add_argument("--no-demo", action="store_true")
    parser.add_argument("--quick-demo", action="store_true", help="the demo's smoke test, to try this script")
    options = parser.parse_args()
    finished = []
    with tempfile.TemporaryDirectory() as folder:
        for one in study_runs(options, Path(folder)):
            print(f"{one.name}: {one.used.wall:.0f} s", flush=True)
            finished.append(one)
        if not options.no_demo:
            finished.append(demo(options, Path(folder)))
    print("\n".join(["", *table(finished), "", child.machine_line(options.threads)]))


if __name__ == "__main__":
    main()
