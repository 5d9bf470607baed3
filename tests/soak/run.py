"""Soak: what takes too long for every change. Runs the parts that are named, or all, and keeps tests/soak/REPORT.md.

A part is a module of this folder with `main(seconds=...)`, which takes about so long and gives what was tried, the
figure, and whether it is as good as wanted. Parts that are not run now keep their section of the report.
"""

import argparse
import importlib
import os
import platform
import re
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import tspg

HERE = Path(__file__).resolve().parent
REPORT = HERE / "REPORT.md"
# Every part and its share of the time.
PARTS = {
    "fuzz": 45,
    "mutants": 30,
    "kills": 8,
    "marked": 5,
    "statistics": 8,
    "concurrency": 3,
    "disk_full": 3,
    "memory": 3,
    "sweep": 5,
}
VERSIONS = ("numpy", "pandas", "pyarrow", "h5py", "anndata", "torch", "safetensors", "atheris")
TITLE = "# Soak report\n\nWritten by `just soak`; a part that is run again replaces its section.\n"

Row = tuple[str, str, bool]


@dataclass(frozen=True)
class Section:
    """What a part found, as a section of the report."""

    part: str
    rows: Sequence[Row]
    seconds: float

    def text(self) -> str:
        """The section, with when and where it was made; nothing in it names the machine."""
        n_failed = sum(not passed for *_, passed in self.rows)
        lines = [
            f"## {self.part}",
            "",
            f"{datetime.now(UTC):%Y-%m-%d}, {self.seconds / 60:,.0f} minutes; {_machine()}; {_versions()}. "
            f"{len(self.rows) - n_failed} of {len(self.rows)} as wanted.",
            "",
            "| what | figure | as wanted |",
            "|---|---|---|",
            *(
                f"| {_cell(what)} | {_cell(figure)} | {'yes' if passed else '**no**'} |"
                for what, figure, passed in self.rows
            ),
        ]
        return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _machine() -> str:
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    return f"{os.cpu_count()} cores, {memory:.0f} GB of memory, {platform.system()} {platform.machine()}"


def _versions() -> str:
    known = {"tspg": tspg.__version__, "Python": platform.python_version()}
    for name in VERSIONS:
        try:
            known[name] = version(name)
        except PackageNotFoundError:
            known[name] = "not installed"
    return ", ".join(f"{name} {number}" for name, number in known.items())


def keep(section: Section, report: Path = REPORT) -> None:
    """Put a section into the report, in the place of the one of the same part."""
    text = report.read_text(encoding="utf-8") if report.is_file() else TITLE
    head, *others = re.split(r"(?m)^(?=## )", text)
    sections = {one.splitlines()[0].removeprefix("## "): one.rstrip() + "\n" for one in others}
    sections[section.part] = section.text()
    report.write_text(
        "\n".join([head.rstrip() + "\n", *(sections[name] for name in sorted(sections))]), encoding="utf-8"
    )


def main(parts: Sequence[str], seconds: float, report: Path = REPORT) -> bool:
    """Run parts one after the other; whether all is as wanted. A part that breaks is a failure, and the next is run."""
    all_passed = True
    for part in parts:
        started = time.monotonic()
        module = importlib.import_module(f"tests.soak.{part}")
        try:
            rows = module.main(seconds=seconds * PARTS[part] / sum(PARTS.values()))
        except Exception as error:  # noqa: BLE001 - hours of other parts are still to come
            rows = [("the part itself", f"{type(error).__name__}: {error}", False)]
        section = Section(part, rows, time.monotonic() - started)
        keep(section, report)
        sys.stdout.write(section.text() + "\n")
        sys.stdout.flush()
        all_passed = all_passed and all(passed for *_, passed in rows)
    return all_passed


if __name__ == "__main__":
    there = [part for part in PARTS if (HERE / f"{part}.py").is_file()]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"all if none is named: {', '.join(there)}")
    parser.add_argument("--minutes", type=float, default=150, help="for all parts together (default: %(default)g)")
    given = parser.parse_args()
    if unknown := set(given.parts) - set(there):
        parser.error(f"there is no part {', '.join(sorted(unknown))}; there are {', '.join(there)}")
    sys.exit(not main(given.parts or there, given.minutes * 60))
