"""A study on disk and the command that asks about it, for the parts that start, stop and starve runs."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import make_planted
from tests.trust.crashes import fingerprints

NETWORKS_OF_THE_PAPER = ["--preset", "paper", "--epochs", "60", "--target-epochs", "20", "--folds", "1"]
ALONE = {**os.environ, "OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg"}


@dataclass(frozen=True)
class Study:
    """A matrix with labels, and what a run in one go makes of it."""

    folder: Path
    whole: dict[str, str]

    @classmethod
    def make(cls, folder: Path) -> "Study":
        """Write the planted samples and answer the question once."""
        make_planted().adata.write_h5ad(folder / "study.h5ad")
        cls(folder, {}).run(folder / "in one go").check_returncode()
        return cls(folder, fingerprints(folder / "in one go"))

    def command(self, out: Path, *more: str, before: str = "") -> list[str]:
        """`tspg run` with networks as wide as the paper's; `before` is Python that is carried out first."""
        task = ["--expression", str(self.folder / "study.h5ad"), "--label-column", "label", "--target", "target"]
        program = f"import sys; {before}from tspg.cli.main import main; sys.exit(main(sys.argv[1:]))"
        start = [sys.executable, "-c", program, "run"]
        return [*start, *task, "--threads", "1", *NETWORKS_OF_THE_PAPER, "--out", str(out), *more]

    def run(self, out: Path, *more: str, before: str = "") -> "subprocess.CompletedProcess[str]":
        """The run, until it ends."""
        command = self.command(out, *more, before=before)
        return subprocess.run(command, capture_output=True, text=True, check=False, env=ALONE)
