"""Small perturbations with a known answer, and run folders made of them."""

import base64
import hashlib
import html
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData

from tspg.model.config import ExperimentConfig
from tspg.report.figures.save import write_figures
from tspg.utils.files import write_json, write_table

MakePerturbations = Callable[..., AnnData]
MakeRun = Callable[..., Path]

TERMS = ("realism", "target_class", "perturbation_norm", "target_distance")


def _perturbations(
    classes: Sequence[str] = ("Kidney", "Liver", "Lung"),
    *,
    target: str = "Lung",
    per_class: int = 12,
    n_genes: int = 30,
    genes: Sequence[str] | None = None,
    samples: Sequence[str] | None = None,
    split: str | None = None,
    seed: int = 0,
) -> AnnData:
    """Clusters far apart, each moved onto the target's cluster with its own individual differences."""
    rng = np.random.default_rng(seed)
    source = np.repeat(np.array(classes, dtype=object), per_class)
    means = {name: rng.uniform(0.2, 0.8, n_genes) for name in classes}
    own = rng.normal(0, 0.02, (len(source), n_genes))
    original = np.clip(np.stack([means[name] for name in source]) + own, 0, 1).astype(np.float32)
    moved = np.clip(means[target] + own[::-1], 0, 1).astype(np.float32)
    moved[source == target] = original[source == target]
    parts = np.where(np.arange(len(source)) % 4 == 0, "test", "train") if split is None else split
    obs = pd.DataFrame(
        {"source_class": source, "predicted_before": source, "predicted_after": target, "split": parts},
        index=list(samples or (f"sample-{i}" for i in range(len(source)))),
    )
    var = pd.DataFrame(
        {"minimum": 0.0, "maximum": 10.0, "target_mean": original[source == target].mean(axis=0), "constant": False},
        index=list(genes or (f"G{i}" for i in range(n_genes))),
    )
    layers = {"original": original, "perturbation": moved - original}
    facts = {
        "target_class": target,
        "gene_set": "HALLMARK",
        "model_id": "abc123",
        "classes": list(classes),
        "source_classes": [name for name in classes if name != target],
        "f_accuracy": 1.0,
    }
    return AnnData(moved, obs=obs, var=var, layers=layers, uns={"tspg": facts})


def _history(n_epochs: int = 5) -> pd.DataFrame:
    falling = np.linspace(2, 1, n_epochs)
    columns = {"discriminator_loss": falling, **{f"{term}_loss": falling for term in TERMS}}
    weighted = {f"weighted_{term}_loss": falling for term in TERMS}
    epochs = np.arange(1, n_epochs + 1)
    sums = {"total_loss": 4 * falling, "hit_rate": 2 - falling}
    return pd.DataFrame({"epoch": epochs, "step": epochs * 6, **columns, **weighted, **sums})


def _top_genes(perturbations: AnnData, k: int = 3) -> pd.DataFrame:
    records = []
    for name in perturbations.uns["tspg"]["source_classes"]:
        rows = (perturbations.obs["source_class"] == name).to_numpy()
        before, after = perturbations.layers["original"][rows].mean(axis=0), perturbations.X[rows].mean(axis=0)
        for direction, sign in (("up", -1), ("down", 1)):
            for rank, i in enumerate(np.argsort(sign * (after - before))[:k], start=1):
                values = (after[i] - before[i], before[i], after[i], 10 * before[i], 10 * after[i])
                records.append((name, "", direction, rank, perturbations.var_names[i], *values))
    columns = "source_class sample direction rank gene perturbation before after before_units after_units"
    return pd.DataFrame(records, columns=columns.split())


def _evidence(energy: float = 0.042, note: str = "") -> pd.DataFrame:
    records = [
        ("generator", "hit_rate_f", 0.5, 0.2, 0.8, 6, ""),
        ("generator", "energy_ratio", energy, None, None, 6, note),
        ("generator", "variance_ratio", 1.1, None, None, 6, ""),
        ("mean_shift", "energy_ratio", 0.31, None, None, 6, note),
        ("untouched_source", "hit_rate_f", 0.0, 0.0, 0.46, 6, ""),
        ("real_target", "energy_ratio", -0.01, None, None, 3, note),
    ]
    return pd.DataFrame(records, columns=["method", "measure", "value", "low", "high", "n", "note"])


def _metrics(perturbations: AnnData) -> dict[str, object]:
    split, source = perturbations.obs["split"], perturbations.obs["source_class"]
    classes = {
        name: {part: int(((source == name) & (split == part)).sum()) for part in ("train", "test")}
        for name in perturbations.uns["tspg"]["classes"]
    }
    return {
        "target_model": {"test_accuracy": 0.9, "test_balanced_accuracy": 0.85, "n_test": 9},
        "perturbation": {
            "f_accuracy": 1.0,
            "n": perturbations.n_obs,
            "hit_rate": 0.5,
            "n_held_out": 6,
            "hit_rate_low": 0.2,
            "hit_rate_high": 0.8,
            "mean_abs_change": 0.1,
        },
        "evidence": {},
        "data": {
            "n_samples": perturbations.n_obs,
            "n_genes": perturbations.n_vars,
            "n_train": 27,
            "n_test": 9,
            "classes": classes,
            "clipped_cells": 4,
            "clipped_fraction": 0.01,
            "constant_genes": ["FLAT1"],
            "notes": ["2 of 32 wanted genes are not in the matrix: LOST1, LOST2", "A note on the data."],
            "expression_file": "matrix.tsv",
            "units": "log2(TPM + 1)",
            "is_log": True,
            "group_column": None,
            "transform": "none",
            "gene_set": {"name": "HALLMARK", "n_genes": 32, "n_found": 30, "missing": ["LOST1", "LOST2"]},
        },
        "training": {"steps": 30, "epochs": 5, "preset": "paper", "seed": 7, "threads": 2, "device": "cpu"},
        "seconds": {},
    }


@pytest.fixture(scope="session")
def make_perturbations() -> MakePerturbations:
    """A factory of perturbations whose right picture is known."""
    return _perturbations


@pytest.fixture(scope="session")
def make_history() -> Callable[..., pd.DataFrame]:
    """A factory of training histories."""
    return _history


@pytest.fixture(scope="session")
def make_evidence() -> Callable[..., pd.DataFrame]:
    """A factory of evidence tables: how near the generator's samples are, with a note."""
    return _evidence


@pytest.fixture(scope="session")
def make_run() -> MakeRun:
    """A factory of run folders; figures are drawn only where a test looks at them."""

    def make(out: Path, perturbations: AnnData, *, figures: bool = False) -> Path:
        target = perturbations.uns["tspg"]["target_class"]
        sources = perturbations.uns["tspg"]["source_classes"]
        top = _top_genes(perturbations)
        shared = top.groupby(["direction", "gene"], as_index=False).agg(
            n_sources=("gene", "size"), mean_perturbation=("perturbation", "mean")
        )
        shared.insert(3, "n_sources_total", len(sources))
        settings = ExperimentConfig(target_class=target, seed=7).as_dict()
        model = {"target_class": target, "settings": settings, "versions": {"tspg": "0.1.0"}}
        out.mkdir(parents=True, exist_ok=True)
        perturbations.write_h5ad(out / "perturbations.h5ad")
        write_json(out / "metrics.json", _metrics(perturbations))
        write_json(out / "model" / "model.json", model)
        for name, table in {"top_genes": top, "gene_overlap": shared, "evidence": _evidence()}.items():
            write_table(out / f"{name}.tsv", table)
        write_table(out / "history.tsv", _history())
        if figures:
            write_figures(out, perturbations, _history(), samples=[str(perturbations.obs_names[0])])
        return out

    return make


@pytest.fixture(scope="session")
def drawn_run(
    make_run: MakeRun, make_perturbations: MakePerturbations, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """An ordinary run with its figures; shared, so tests change a copy."""
    return make_run(tmp_path_factory.mktemp("drawn"), make_perturbations(), figures=True)


def _hash(program: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(program.encode()).digest()).decode()}"


def _dom(page: Path) -> str:
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("chromium is not on PATH")
    quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]
    with tempfile.TemporaryDirectory() as profile:
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", f"--user-data-dir={profile}"]
        done = subprocess.run(
            [program, *options, *quiet, "--dump-dom", page.as_uri()],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
    return done.stdout


@pytest.fixture(scope="session")
def hash_of() -> Callable[[str], str]:
    """A program's fingerprint as a content policy names it."""
    return _hash


@pytest.fixture(scope="session")
def chromium_dom() -> Callable[[Path], str]:
    """A page as a browser holds it when its programs have run."""
    return _dom


@pytest.fixture
def worked_with(tmp_path: Path) -> Callable[[Path, str, str], dict[str, str]]:
    """What `actions`, let run after a page's own program, leave in the data attributes of its body."""

    def work(page: Path, program: str, actions: str) -> dict[str, str]:
        text = page.read_text(encoding="utf-8")
        both = f"{program}\n{actions}"
        worked = tmp_path / "worked.html"
        worked.write_text(text.replace(_hash(program), _hash(both)).replace(program, both), encoding="utf-8")
        body = re.search(r"<body([^>]*)>", _dom(worked))
        assert body is not None
        return {key: html.unescape(value) for key, value in re.findall(r'data-(\w+)="([^"]*)"', body[1])}

    return work


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium, driven as a user would; tests skip where playwright or the browser is not there."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("chromium is not on PATH")
    with playwright.sync_playwright() as driver:
        found = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def opened(browser: Any) -> Iterator[Callable[..., Any]]:
    """A page file as a user has it open; whatever it writes to the console, or throws, fails the test."""
    contexts, faults = [], []

    def open_page(page: Path, width: int = 1400, height: int = 900, **options: Any) -> Any:
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        shown = context.new_page()
        shown.on("console", lambda message: faults.append(message.text))
        shown.on("pageerror", lambda error: faults.append(str(error)))
        shown.on("request", lambda request: None if request.url.startswith("file:") else faults.append(request.url))
        shown.goto(page.as_uri())
        if options.get("java_script_enabled", True):
            shown.wait_for_selector("body[data-ready]")
        return shown

    yield open_page
    for context in contexts:
        context.close()
    assert faults == []
