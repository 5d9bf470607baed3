"""A matrix of GTEx's samples by the genes of all Hallmark sets, in less and less memory: done, or refused in words."""

import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from anndata import AnnData

from tests.soak.study import ALONE

SAMPLES, GENES, CLASSES = 11_688, 4_386, 5
GIGABYTES = (1.5, 2.0, 3.0, 4.0, 8.0)  # in 1 GB the libraries themselves do not load, and abort


def main(*, seconds: float) -> list[tuple[str, str, bool]]:
    """Run in each; how long that takes is not a matter of `seconds`."""
    del seconds
    with tempfile.TemporaryDirectory() as scratch:
        _write(Path(scratch) / "large.h5ad")
        return [_tried(Path(scratch), gigabytes) for gigabytes in GIGABYTES]


def _write(path: Path) -> None:
    rng = np.random.default_rng(0)
    of_class = np.arange(SAMPLES) % CLASSES
    values = rng.normal(size=(SAMPLES, GENES)).astype(np.float32)
    values += rng.normal(size=(CLASSES, GENES)).astype(np.float32)[of_class]
    obs = pd.DataFrame({"tissue": [f"tissue {number}" for number in of_class]})
    obs.index = [f"s{number}" for number in range(SAMPLES)]
    AnnData(values, obs, pd.DataFrame(index=[f"g{number}" for number in range(GENES)])).write_h5ad(path)


def _tried(folder: Path, gigabytes: float) -> tuple[str, str, bool]:
    out = folder / f"run-{gigabytes}"
    task = ["--expression", str(folder / "large.h5ad"), "--label-column", "tissue", "--target", "tissue 0"]
    short = ["--target-epochs", "1", "--folds", "1", "--threads", "1", "--annotations", _terms(folder)]
    command = [sys.executable, "-m", "tspg", "run", *task, *short, "--out", str(out)]
    most = int(gigabytes * 1e9)
    ended = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env=ALONE,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (most, most)),
    )
    lines = [line for line in ended.stderr.splitlines() if line.startswith("tspg: error:")]
    left = {path.name for path in out.iterdir()} if out.is_dir() else set()
    clear = len(lines) == 1 and "Traceback" not in ended.stderr
    refused = ended.returncode == 4 and clear and left <= {"checkpoints"}
    said = "done" if ended.returncode == 0 else f"exit {ended.returncode}: {(lines or ended.stderr.splitlines())[-1]}"
    return f"{SAMPLES:,} x {GENES:,} in {gigabytes:g} GB of address space", said[:160], ended.returncode == 0 or refused


def _terms(folder: Path) -> str:
    path = folder / "terms.gmt"
    path.write_text("TERM\t\t" + "\t".join(f"g{number}" for number in range(50)) + "\n", encoding="utf-8")
    return str(path)
