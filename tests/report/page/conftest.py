"""Folders of runs that many tests of the page look at; shared, so tests change a copy."""

from pathlib import Path

import pytest

from tests.report.page.folders import GENES, HOSTILE, full_folder, of_perturb


@pytest.fixture(scope="session")
def plain_folder(make_run, make_perturbations, tmp_path_factory) -> Path:
    """A run of an older version, without a table of all genes."""
    return make_run(tmp_path_factory.mktemp("plain") / "run", make_perturbations())


@pytest.fixture(scope="session")
def whole_folder(make_run, make_perturbations, tmp_path_factory) -> Path:
    """A run with all tables; two samples are named."""
    moved = make_perturbations(genes=GENES, n_genes=len(GENES))
    return full_folder(tmp_path_factory.mktemp("whole") / "run", moved, make_run, named=["sample-0", "sample-13"])


@pytest.fixture(scope="session")
def perturb_folder(make_run, make_perturbations, tmp_path_factory) -> Path:
    """What `tspg perturb` leaves of two named samples."""
    moved = make_perturbations(genes=GENES, n_genes=len(GENES), split="test")
    out = tmp_path_factory.mktemp("perturb") / "run"
    return of_perturb(full_folder(out, moved, make_run, named=["sample-0", "sample-13"]))


@pytest.fixture(scope="session")
def hostile_folder(make_run, make_perturbations, tmp_path_factory) -> Path:
    """A run whose every name attacks the page."""
    genes = [f"{HOSTILE[i % len(HOSTILE)]}{i}" for i in range(30)]
    samples = [f"{HOSTILE[i % len(HOSTILE)]}#{i}" for i in range(4 * len(HOSTILE))]
    moved = make_perturbations(HOSTILE, target=HOSTILE[0], per_class=4, genes=genes, samples=samples)
    return full_folder(tmp_path_factory.mktemp("hostile") / "run", moved, make_run, named=samples[:2])
