"""A run cut short in what decides none of its messages, exit codes and files."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

DRAWS = 19  # permutations and bootstrap samples
SAMPLES = 60  # that slow measures use


def without_figures(patch: pytest.MonkeyPatch) -> None:
    """Draw none, which takes half of the time of a small run; their folder is there all the same."""

    def empty_folder(out: Path, *_: Any, **__: Any) -> list[Path]:
        (out / "figures").mkdir(exist_ok=True)
        return []

    patch.setattr("tspg.report.save.write_figures", empty_folder)


def one_fit(patch: pytest.MonkeyPatch) -> None:
    """One fit, unless folds are asked for: five further ones take most of the time."""
    patch.setattr("tspg.experiment.task.automatic_folds", lambda *_, **__: 1)


def short_training(patch: pytest.MonkeyPatch) -> None:
    """Let a smaller f of the default preset take 20 steps, not 200."""
    from tspg.model.config import DEFAULT_PRESET, PRESETS

    f, generator = PRESETS[DEFAULT_PRESET]
    patch.setitem(
        PRESETS, DEFAULT_PRESET, (replace(f, hidden_units=(256, 128, 64), epochs=1, least_steps=20), generator)
    )


def few_draws(patch: pytest.MonkeyPatch) -> None:
    """Take p-values and intervals from few draws and few samples, and ask a small forest."""
    from tspg.analysis.evaluation import (
        classification,
        classifiers,
        energy,
        evidence,
        individuality,
        measure,
        neighbours,
        resampling,
        structure,
    )
    from tspg.analysis.interpretation import cases, class_genes

    draws = (
        *((one, "n_permutations") for one in (neighbours.nn_two_sample, energy.energy_null, energy.energy_p_value)),
        *((one, "n_boot") for one in (energy.EnergyScale.of.__func__, resampling.bootstrap_interval)),
        *((one, "n_boot") for one in (structure.variance_ratio, structure.gene_correlation)),
    )
    for function, name in draws:
        patch.setitem(function.__kwdefaults__, name, DRAWS)
    patch.setattr(energy, "NULL_SPLITS", DRAWS)
    patch.setattr(classifiers, "TREES", DRAWS)
    patch.setattr(cases, "MOST_OF_A_CLASS", 5)
    patch.setattr(class_genes, "MOST_DRAWS", class_genes.FEWEST_DRAWS)
    for module in (measure, neighbours, structure):
        patch.setattr(module, "EQUAL_SIZE_DRAWS", 2)
    bounds = (
        *((classification, "MOST_SEPARATED"), (evidence, "MOST_TRAINING"), (classifiers, "MOST_TRAINING")),
        *((evidence, "MOST_MOVED"), (individuality, "MOST_PERMUTED")),
    )
    for module, name in bounds:
        patch.setattr(module, name, SAMPLES)


def hallmark_alone(patch: pytest.MonkeyPatch) -> None:
    """Look genes up in the smallest of the six collections that `tspg` carries."""
    from tspg.data import annotations

    hallmark = annotations.carried_annotations()[:1]
    for module in ("data.annotations", "experiment.task", "cli.commands.perturb", "cli.commands.enrich"):
        patch.setattr(f"tspg.{module}.carried_annotations", lambda: hallmark)


def small_demo(patch: pytest.MonkeyPatch) -> None:
    """Let `tspg demo`, and audits of what it made, read every eighth gene."""
    from tspg.data.demo import demo_data

    for module in ("cli.commands.demo", "audit.inputs"):
        patch.setattr(f"tspg.{module}.demo_data", demo_data()[:, ::8].copy)


def jobs_in_this_process(patch: pytest.MonkeyPatch) -> None:
    """Do the jobs of a sweep one after the other, without Snakemake and a new interpreter each."""
    from tspg.sweep.job import run_job

    def one_by_one(plan: Any, out: Path, **_: Any) -> None:
        for job in plan.jobs:
            run_job(plan, job, out)

    patch.setattr("tspg.sweep.run.run_snakemake", one_by_one)
