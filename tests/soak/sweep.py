"""A sweep of forty runs whose workers are killed every few seconds, and whose scheduler is killed three times."""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
from anndata import AnnData

import tspg
from tests.soak.study import ALONE
from tspg.utils.files import sha256_of

SETS, TARGETS, SAMPLES_A_CLASS, GENES = 5, 8, 12, 50
WORKERS_KILLED, SCHEDULERS_KILLED, EVERY = 30, 3, 5.0
TIMES = {"manifest.json", "metrics.json"}  # what holds seconds
SWEEP = """
[data]
expression = "study.h5ad"
label_column = "state"
gene_sets = ["sets.gmt"]
[sweep]
gene_sets = ["*"]
target_classes = ["*"]
seeds = [0]
annotations = ["sets.gmt"]
keep = "metrics"
"""


def main(*, seconds: float) -> list[tuple[str, str, bool]]:
    """Sweep in peace and in chaos; how long that takes is not a matter of `seconds`."""
    del seconds
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        _write(folder)
        with _started(folder, "in peace", cores=1) as peaceful:
            peaceful.wait()
        workers, schedulers, starts, code = _in_chaos(folder, random.Random(0))
        differing = _differing(folder / "in peace", folder / "in chaos")
        table = tspg.read_sweep(folder / "in chaos")
        done = int((table["status"] == "done").sum())
    figure = (
        f"{workers} workers and {schedulers} schedulers killed, {starts} starts, exit {code} in the end; {done} of "
        f"{len(table)} runs done; {len(differing)} files other than in peace{': ' if differing else ''}"
        f"{', '.join(differing[:3])}"
    )
    enough = workers >= WORKERS_KILLED and schedulers == SCHEDULERS_KILLED
    return [("a sweep with two workers", figure, enough and code == 0 and done == SETS * TARGETS and not differing)]


def _write(folder: Path) -> None:
    rng = np.random.default_rng(0)
    state = np.repeat([f"state {number}" for number in range(TARGETS)], SAMPLES_A_CLASS)
    values = rng.normal(size=(len(state), GENES)) + np.repeat(
        rng.normal(size=(TARGETS, GENES)), SAMPLES_A_CLASS, axis=0
    )
    obs = pd.DataFrame({"state": state}, index=[f"s{number}" for number in range(len(state))])
    genes = [f"g{number}" for number in range(GENES)]
    AnnData(values.astype(np.float32), obs, pd.DataFrame(index=genes)).write_h5ad(folder / "study.h5ad")
    sets = [f"SET{number}\t\t" + "\t".join(genes[number * 8 : number * 8 + 16]) for number in range(SETS)]
    (folder / "sets.gmt").write_text("\n".join(sets) + "\n", encoding="utf-8")
    (folder / "sweep.toml").write_text(SWEEP, encoding="utf-8")


def _started(folder: Path, out: str, *, cores: int) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "tspg", "sweep", "--config", str(folder / "sweep.toml"), "--cores", str(cores)]
    return subprocess.Popen(
        [*command, "--out", str(folder / out)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=ALONE
    )


def _in_chaos(folder: Path, rng: random.Random) -> tuple[int, int, int, int]:
    """Workers and schedulers killed, how often the sweep was started, and its last exit code."""
    workers, schedulers, starts, code = 0, 0, 0, -1
    while code != 0 and starts < 100:
        starts += 1
        with _started(folder, "in chaos", cores=2) as front:
            while front.poll() is None:
                time.sleep(rng.uniform(0.5, 1.5) * EVERY)
                if workers >= WORKERS_KILLED and schedulers >= SCHEDULERS_KILLED:
                    break
                if schedulers < workers // (WORKERS_KILLED // SCHEDULERS_KILLED):
                    front.send_signal(signal.SIGKILL)
                    schedulers += 1
                else:
                    workers += _kill_a_worker(folder / "in chaos", rng)
            code = front.wait()
    return workers, schedulers, starts, code


def _kill_a_worker(out: Path, rng: random.Random) -> int:
    """Kill one of the processes that work on a sweep; how many that were."""
    jobs = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended meanwhile
            words = (process / "cmdline").read_bytes().split(b"\0")
            if b"--job" in words and str((process / "cwd").resolve()).startswith(str(out)):
                jobs.append(int(process.name))
    with suppress(ProcessLookupError, IndexError):
        os.kill(rng.choice(jobs), signal.SIGKILL)
        return 1
    return 0


def _differing(one: Path, other: Path) -> list[str]:
    """Files of a sweep in peace that are not the same bytes in another; of the table of runs, all but times counts."""
    tables = [tspg.read_sweep(folder) for folder in (one, other)]
    kept = [table[[name for name in table if not name.startswith("seconds.")]] for table in tables]
    files = ["stability.tsv", "gene_frequency.tsv"]
    for run in tables[0]["run"]:
        files += [
            str(path.relative_to(one)) for path in (one / run).rglob("*") if path.is_file() and path.name not in TIMES
        ]
    differing = [name for name in files if sha256_of(one / name) != sha256_of(other / name)]
    return [*([] if kept[0].equals(kept[1]) else ["sweep.tsv"]), *differing]
