"""How time and memory of a whole `tspg run` grow with samples, genes and classes.

    python benchmarks/growth.py [--axis samples genes classes] [--preset transport] [--threads 1] [--largest N]

Every run is a process of its own on a study of `synthetic.py`. The exponent is the slope of log(time) on
log(size), over all points (least squares) and between the last two; 1 is linear. What a run costs whatever
its size, such as loading the libraries, makes the slope over small sizes look flatter than it is.
"""

import argparse
import math
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import linear_regression

import child
from child import Used

TARGET = "Tissue 01"


@dataclass(frozen=True)
class Axis:
    """The sizes along one axis, and the two other sizes that stay as they are."""

    sizes: tuple[int, ...]
    fixed: dict[str, int]


AXES = {
    "samples": Axis((1000, 2000, 4000, 8000, 12_000), {"genes": 158, "classes": 53}),
    "genes": Axis((100, 400, 1600, 6400, 18_000), {"samples": 1000, "classes": 13}),
    "classes": Axis((5, 13, 27, 53), {"samples": 2000, "genes": 158}),
}


def measure(axis: str, size: int, options: argparse.Namespace) -> Used:
    """One run at one size."""
    with tempfile.TemporaryDirectory() as folder:
        study = child.synthetic_study(Path(folder) / "study.h5ad", **AXES[axis].fixed, **{axis: size})
        out = Path(folder) / "run"
        return child.tspg_run(study, out, target=TARGET, preset=options.preset, threads=options.threads)


def exponents(sizes: Sequence[int], values: Sequence[float]) -> tuple[float, float]:
    """The slope of log(value) on log(size), over all points and between the last two."""
    x, y = [math.log(size) for size in sizes], [math.log(value) for value in values]
    return linear_regression(x, y).slope, (y[-1] - y[-2]) / (x[-1] - x[-2])


def table(axis: str, sizes: Sequence[int], found: Sequence[Used]) -> list[str]:
    """A Markdown table: a line for each size, and the exponents below."""
    fixed = ", ".join(f"{size:,} {name}" for name, size in AXES[axis].fixed.items())
    lines = [f"| {axis} ({fixed}) | wall s | CPU s | peak GB |", "|---|---|---|---|"]
    for size, used in zip(sizes, found, strict=True):
        lines.append(f"| {size:,} | {used.wall:.1f} | {used.cpu:.1f} | {used.peak_gb:.2f} |")
    if len(sizes) > 1:
        slopes = [exponents(sizes, [getattr(used, name) for used in found]) for name in ("wall", "cpu", "peak_gb")]
        for words, which in (("exponent, all points", 0), ("exponent, last two", 1)):
            lines.append(f"| {words} | " + " | ".join(f"{pair[which]:.2f}" for pair in slopes) + " |")
    return lines


def main() -> None:
    """Measure every axis, smallest size first, and print a table for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--axis", choices=list(AXES), nargs="+", default=list(AXES))
    parser.add_argument("--preset", default="transport")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--largest", type=int, help="leave larger sizes out")
    options = parser.parse_args()
    for axis in options.axis:
        sizes = [size for size in AXES[axis].sizes if options.largest is None or size <= options.largest]
        found = [measure(axis, size, options) for size in sizes]
        print("\n".join([*table(axis, sizes, found), ""]), flush=True)
    print(f"Preset {options.preset}; {child.machine_line(options.threads)}")


if __name__ == "__main__":
    main()
