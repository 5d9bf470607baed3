"""What a figure was measured on: processor, its instructions, versions, threads, date and commit.

    python benchmarks/machine.py

Without it a figure means little: processors differ in the instructions that matrix products are fast by.
"""

import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
from threadpoolctl import threadpool_limits

FLAGS = ("avx2", "avx512f", "avx512_bf16", "amx_tile", "amx_bf16")  # what matrix products are fast by


def pin_threads(n: int = 1) -> None:
    """Compute with so many threads: PyTorch, NumPy, SciPy, and processes started from here."""
    os.environ["OMP_NUM_THREADS"] = str(n)
    torch.set_num_threads(n)
    threadpool_limits(n)


def cpu_model() -> str:
    """The processor's name, as the system knows it."""
    return _cpu_info().get("model name") or platform.processor() or platform.machine()


def description() -> dict[str, str]:
    """Everything that a reader must know of the machine and the versions, by name."""
    known = _cpu_info().get("flags", "").split()
    return {
        "processor": cpu_model(),
        "cores": str(os.cpu_count()),
        "instructions": " ".join(flag for flag in FLAGS if flag in known) or "unknown",
        "memory": memory(),
        "threads": str(torch.get_num_threads()),
        "versions": f"Python {platform.python_version()}, torch {torch.__version__}, NumPy {np.__version__}",
        "date": datetime.now(UTC).date().isoformat(),
        "commit": commit(),
    }


def memory() -> str:
    """How much memory there is."""
    return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 1e9:.0f} GB"


def commit() -> str:
    """The commit that is checked out; `+` after it where files differ from it."""
    command = ["git", "describe", "--always", "--dirty=+", "--exclude=*"]
    found = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=False)  # noqa: S603
    return found.stdout.strip() or "unknown"


def line() -> str:
    """The description in one line, to stand below a table."""
    return "; ".join(f"{name} {value}" for name, value in description().items())


def _cpu_info() -> dict[str, str]:
    """The fields of the first processor in /proc/cpuinfo; none where there is no such file."""
    path = Path("/proc/cpuinfo")
    if not path.is_file():
        return {}
    first = path.read_text().partition("\n\n")[0]
    return {name.strip(): value.strip() for name, _, value in (row.partition(":") for row in first.splitlines())}


def main() -> None:
    """Print one row of a Markdown table for each fact."""
    print("| | |\n|---|---|")
    for name, value in description().items():
        print(f"| {name} | {value} |")


if __name__ == "__main__":
    main()
