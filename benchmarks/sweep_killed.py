"""Is a sweep that was killed again and again the same as one that was left in peace.

    python benchmarks/sweep_killed.py --config SWEEP.toml --undisturbed DIR --out DIR [--kills 5] [--seed 0]

Starts the sweep, kills its whole process group (SIGKILL) at a random moment, and starts it again; after the last
kill it is let through. Then every column of its table but times must equal that of an undisturbed sweep, and so
must the tables of genes, and every table and model of every run.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

import tspg
from tspg.utils.files import sha256_of

TIMES = {"manifest.json", "metrics.json"}  # what holds times


def main() -> None:
    """Kill, go on, compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--undisturbed", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--longest", type=float, default=45.0, help="seconds until a kill, at most")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    command = [sys.executable, "-m", "tspg", "sweep", "--config", str(options.config), "--out", str(options.out)]
    for number in range(options.kills):
        seconds = float(rng.uniform(3, options.longest))
        with subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL) as process:  # noqa: S603
            time.sleep(seconds)
            os.killpg(process.pid, signal.SIGKILL)
        done = len(list(options.out.glob("runs/*/manifest.json")))
        print(f"kill {number + 1} after {seconds:.1f} s: {done} runs done so far")
    finished = subprocess.run(command, stderr=subprocess.DEVNULL, check=False)  # noqa: S603
    print(f"let through: exit code {finished.returncode}")
    print("the same:", compared(options.undisturbed, options.out))


def compared(one: Path, other: Path) -> str:
    """Whether two sweeps are equal in all but times, in words."""
    tables = [tspg.read_sweep(folder) for folder in (one, other)]
    kept = [[name for name in table.columns if not name.startswith("seconds.")] for table in tables]
    if not tables[0][kept[0]].equals(tables[1][kept[1]]):
        return "NO, sweep.tsv differs"
    files = ["stability.tsv", "gene_frequency.tsv", "random_gene_sets.tsv"]
    for run in tables[0]["run"]:
        folder = one / run
        files += [str(path.relative_to(one)) for path in folder.rglob("*") if path.is_file() and path.name not in TIMES]
    differ = [name for name in files if sha256_of(one / name) != sha256_of(other / name)]
    return f"NO, {len(differ)} files differ: {differ[:5]}" if differ else f"yes, and {len(files):,} files byte for byte"


if __name__ == "__main__":
    main()
