"""A command that is refused comes back at once: what takes seconds to load is loaded once there is work to do."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

HEAVY = {"torch", "sklearn", "scipy.stats", "matplotlib", "openTSNE"}
N_SAMPLES, GENES = 12, [f"GENE{number}" for number in range(30)]


def loaded_by_refused(*arguments: str | Path) -> set[str]:
    """Every module that a fresh interpreter holds once it has refused a command."""
    words = list(map(str, arguments))
    program = f"import sys\nfrom tspg.cli.main import main\ncode = main({words!r})\nprint(code, *sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    code, *modules = done.stdout.splitlines()[-1].split()
    assert code != "0"
    assert "tspg: error: " in done.stderr
    return set(modules)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A matrix, its labels and a gene set."""
    folder = tmp_path_factory.mktemp("files")
    values = np.random.default_rng(0).normal(8, 2, (N_SAMPLES, len(GENES)))
    samples = [f"S{number}" for number in range(N_SAMPLES)]
    pd.DataFrame(values, index=samples, columns=GENES).to_csv(folder / "matrix.tsv", sep="\t")
    pd.DataFrame({"class": ["A", "B"] * (N_SAMPLES // 2)}, index=samples).to_csv(folder / "labels.tsv", sep="\t")
    (folder / "sets.gmt").write_text("\t".join(["SET", "of a test", *GENES]) + "\n")
    return folder


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--expression", "nothing.tsv"),
        ("--labels", "nothing.tsv"),
        ("--target", "C"),
        ("--gene-set", "OTHER"),
        ("--samples", "S99"),
        ("--group-column", "donor"),
        ("--folds", "7"),
    ],
)
def test_a_refused_run_loads_nothing_that_it_would_have_worked_with(
    files: Path, tmp_path: Path, option: str, value: str
) -> None:
    options = {
        "--expression": files / "matrix.tsv",
        "--labels": files / "labels.tsv",
        "--gene-sets": files / "sets.gmt",
        "--gene-set": "SET",
        "--target": "A",
        "--out": tmp_path / "out",
        option: value,
    }
    words = [word for both in options.items() for word in both]
    assert loaded_by_refused("run", *words).isdisjoint(HEAVY)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", ["report", "audit"])
def test_a_command_on_a_folder_without_a_run_loads_nothing_to_draw_with(tmp_path: Path, command: str) -> None:
    assert loaded_by_refused(command, "--run", tmp_path).isdisjoint(HEAVY)


def test_an_inspection_of_no_file_loads_nothing_to_compute_with(tmp_path: Path) -> None:
    assert loaded_by_refused("inspect", "--expression", tmp_path / "nothing.tsv").isdisjoint(HEAVY)


def test_what_is_held_against_a_refusal_is_seen_where_it_is_loaded() -> None:
    program = "import sys, scipy.stats, tspg.model.training, tspg.report.save; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert {"torch", "scipy.stats", "matplotlib"} <= set(done.stdout.split())


def test_a_job_of_a_sweep_that_is_looked_for_in_vain_loads_no_table_and_no_matrix(tmp_path: Path) -> None:
    loaded = loaded_by_refused("sweep", "--out", tmp_path, "--job", "ID")
    assert loaded.isdisjoint({*HEAVY, "pandas", "anndata"})
