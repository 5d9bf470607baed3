"""What every test may use."""

# ruff: noqa: E402 - before NumPy and PyTorch are loaded
import os

for _library in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_library, "1")  # two workers share two cores

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from hypothesis import settings

import tspg

# No deadline: how long an example takes says nothing about the code on a busy machine.
settings.register_profile("tspg", deadline=None, max_examples=25)
settings.register_profile("soak", deadline=None, max_examples=1000)  # `--hypothesis-profile=soak`
settings.load_profile("tspg")

WHOLE_RUNS = {"planted_run", "run_folder", "trained", "adjusted"}  # fixtures that train, move and evaluate


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a whole run as slow, and put the modules with most slow tests first."""
    for item in items:
        if WHOLE_RUNS & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)
    n_slow = Counter(item.location[0] for item in items if item.get_closest_marker("slow"))
    items.sort(key=lambda item: -n_slow[item.location[0]])


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of data sets beside the repository; without it the test is skipped."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the shared data folder is not beside the repository")
    return folder


@dataclass(frozen=True)
class SpikeIn:
    """Expression in which class `target` differs from all others by known genes only."""

    adata: AnnData
    up: frozenset[str]
    down: frozenset[str]


@pytest.fixture(scope="session")
def planted() -> SpikeIn:
    """See `make_planted`."""
    return make_planted()


def make_planted() -> SpikeIn:
    """Three classes of 40 samples (two samples a donor), 60 genes, of which 5 rise and 5 fall in `target`."""
    rng = np.random.default_rng(11)
    classes = np.repeat(["alpha", "beta", "target"], 40)
    values = rng.normal(8.0, 1.0, (120, 60))
    values[classes == "beta", 20:25] += 4.0  # what tells the sources apart
    values[classes == "target", 0:5] += 6.0
    values[classes == "target", 5:10] -= 6.0
    values[:, 59] = 3.0  # constant
    genes = [f"G{number}" for number in range(60)]
    obs = pd.DataFrame({"label": classes, "donor": [f"d{number // 2}" for number in range(120)]})
    obs.index = pd.Index([f"s{number}" for number in range(120)])
    adata = AnnData(X=values.astype(np.float32), obs=obs, var=pd.DataFrame(index=genes))
    return SpikeIn(adata, frozenset(genes[:5]), frozenset(genes[5:10]))


@pytest.fixture(scope="session")
def planted_run(planted: SpikeIn):
    """A short experiment on the planted classes, moved to `target`."""

    return tspg.run(
        planted.adata,
        label_column="label",
        group_column="donor",
        target_class="target",
        training=tspg.Training(preset="paper", steps=40, target_epochs=25, folds=1, threads=1),
    )


@pytest.fixture(scope="session")
def run_folder(planted_run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of that experiment; tests must not write into it."""
    from tspg.report.save import save_run

    out = tmp_path_factory.mktemp("runs") / "planted"
    save_run(planted_run, out, figures=["png"])
    return out
