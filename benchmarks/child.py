"""Run Python in a process of its own and say what it took: wall time, CPU time and its largest memory.

Linux counts a child's memory from before it becomes another program, so that a large parent makes every
child look large: a benchmark that uses this loads no array library and lets another process make the data.
"""

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

BENCHMARKS = Path(__file__).parent
KIB = 1024


@dataclass(frozen=True)
class Used:
    """What a process took, in seconds and 10^9 bytes."""

    wall: float
    cpu: float
    peak_gb: float


def python(*words: object, source: Path | None = None, code: int = 0) -> Used:
    """Run this interpreter with these words and wait for it; what it says is shown if it ends with another code.

    `source` is a folder whose packages win over those that are installed.
    """
    command = [sys.executable, *map(str, words)]
    environment = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE", "MPLBACKEND": "Agg"}
    if source is not None:
        environment["PYTHONPATH"] = str(source)
    with tempfile.TemporaryFile() as said:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=said, stderr=said, env=environment)  # noqa: S603
        _, status, usage = os.wait4(process.pid, 0)  # only this call tells the memory of one child
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != code:
            said.seek(0)
            raise SystemExit(f"{' '.join(command)}\n{said.read().decode(errors='replace')}")
    return Used(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * KIB / 1e9)


def synthetic_study(file: Path, *, samples: int, genes: int, classes: int) -> Path:
    """Let another process write a study of `synthetic.py`."""
    sizes = ("--samples", samples, "--genes", genes, "--classes", classes)
    python(BENCHMARKS / "synthetic.py", file, *sizes)
    return file


def tspg_run(study: Path, out: Path, *, target: str, preset: str, threads: int) -> Used:
    """One whole `tspg run` on such a study."""
    columns = ("--label-column", "tissue", "--group-column", "donor")
    how = ("--target", target, "--preset", preset, "--folds", 1, "--threads", threads)
    return python("-m", "tspg", "run", "--expression", study, *columns, *how, "--out", out)


def machine_line(threads: int) -> str:
    """The machine in one line, asked of another process since it loads PyTorch."""
    code = f"import machine; machine.pin_threads({threads}); print(machine.line())"
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=BENCHMARKS, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603
