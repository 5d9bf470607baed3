"""How long a run takes and how much memory and disk it needs, by its size: known before the wait."""

import os
from dataclasses import dataclass
from typing import NamedTuple

from tspg.analysis.evaluation.resampling import MOST_HELD_OUT
from tspg.experiment.task import Task
from tspg.model.config import ExperimentConfig
from tspg.model.random import batches_an_epoch, epochs_of_f
from tspg.utils.text import duration

# Seconds on the machine that this was developed on (2 cores, AVX-512), from runs on 459 x 4,218, 810 x 158 to 18,154
# and 11,688 x 158 and 4,386 (benchmarks/waits.py): for any run, half of them to start; for each source class;
# source class and gene; held-out sample; held-out sample and gene; cell of the matrix.
RUN, PER_SOURCE, PER_SOURCE_GENE, PER_HELD_OUT, PER_HELD_OUT_GENE, PER_CELL = 10.0, 0.07, 8e-5, 5e-3, 2.4e-6, 1.7e-7
# Of one training step on one thread, and of each gene in it: of f per 128 samples (by its products), and of preset
# `paper`'s G as measured by benchmarks/step.py at 100, 1,000 and 4,386 genes.
STEP_F, STEP_F_GENE, STEP_G, STEP_G_GENE = 5e-3, 1.2e-5, 2e-2, 3e-5
SHARE_OF_STEPS = 0.35  # that f takes where it ends once it has learned enough (benchmarks/target_model.py)
THREADS_GAIN = 0.8  # so many threads to this power are so many times as fast

LIBRARIES_GB = 0.7
BYTES_PER_CELL = 21  # of the matrix: as read, scaled, after, change, and what evidence and tables make of it
BYTES_PER_GENE = 40_000  # weights as wide as the genes, with gradients, two moments and averages
BYTES_PER_HELD_OUT_PAIR = 290  # distances of the evidence, of so many samples at most as it takes

DISK_ANY = 20_000_000  # tables, figures and report of any run
DISK_PER_CELL = 14  # moved profiles: three numbers per cell, and their names
DISK_PER_GENE = 80_000  # the model, checkpoints of G while it trains, and the tables of genes of some fifty classes
DISK_PER_FIT_GENE = 14_000  # f and G of each fold, kept until the end


@dataclass(frozen=True)
class ResourceEstimate:
    """Seconds and gigabytes that one run is expected to take; how fast the machine is, is not known to it."""

    seconds: float
    memory_gb: float

    def __str__(self) -> str:
        """In words."""
        return f"about {duration(self.seconds)} and {self.memory_gb:.1f} GB"


class FitSeconds(NamedTuple):
    """Seconds of the parts of one fit."""

    classifier: float
    generator: float
    evidence: float


def estimate_task(task: Task) -> ResourceEstimate:
    """What the run of a task will take."""
    config = task.config
    n_classes = task.adata.obs[config.label_column].astype(str).nunique()
    return estimate_resources(task.adata.n_obs, task.adata.n_vars, n_classes, config)


def estimate_resources(n_samples: int, n_genes: int, n_classes: int, config: ExperimentConfig) -> ResourceEstimate:
    """What a run on a matrix of this size takes, on a machine like the one that the constants were found on."""
    n_sources = len(config.source_classes or range(n_classes - 1))
    genes = n_sources * (PER_SOURCE + PER_SOURCE_GENE * n_genes)
    fits = config.n_fits * sum(seconds_of_fit(n_samples, n_genes, config))
    seconds = fits + RUN + genes + PER_CELL * n_samples * n_genes
    return ResourceEstimate(float(seconds), memory_needed(n_samples, n_genes, config) / 1e9)


def seconds_of_fit(n_samples: int, n_genes: int, config: ExperimentConfig) -> FitSeconds:
    """What one fit and the evidence on what it held out take."""
    n_train, f = _n_train(n_samples, config), config.target_model
    gain = min(config.threads, os.cpu_count() or 1) ** THREADS_GAIN
    share = 1.0 if f.enough_loss is None else SHARE_OF_STEPS
    n_steps_f = share * epochs_of_f(n_train, f) * batches_an_epoch(n_train, f.batch_size)
    of_f = n_steps_f * f.batch_size / 128 * (STEP_F + STEP_F_GENE * n_genes)
    of_g = steps_of_g(n_train, config) * (STEP_G + STEP_G_GENE * n_genes)
    evidence = (n_samples - n_train) * (PER_HELD_OUT + PER_HELD_OUT_GENE * n_genes)
    return FitSeconds(of_f / gain, of_g / gain, evidence)


def memory_needed(n_samples: int, n_genes: int, config: ExperimentConfig) -> float:
    """The most bytes of memory that a run on a matrix of this size will take."""
    n_held_out = min(n_samples - _n_train(n_samples, config), MOST_HELD_OUT)
    n_bytes = BYTES_PER_CELL * n_samples * n_genes + BYTES_PER_GENE * n_genes + BYTES_PER_HELD_OUT_PAIR * n_held_out**2
    return float(LIBRARIES_GB * 1e9 + n_bytes)


def disk_needed(n_samples: int, n_genes: int, config: ExperimentConfig) -> float:
    """The most bytes of disk that a run on a matrix of this size will take while it is made."""
    per_gene = DISK_PER_GENE + config.n_fits * DISK_PER_FIT_GENE
    return float(DISK_ANY + DISK_PER_CELL * n_samples * n_genes + per_gene * n_genes)


def steps_of_g(n_train: int, config: ExperimentConfig) -> int:
    """Training steps of the generator; none for a method in closed form."""
    g = config.generator
    if g is None or not config.is_trained:
        return 0
    return g.epochs * batches_an_epoch(n_train, g.batch_size) if g.steps is None else g.steps


def _n_train(n_samples: int, config: ExperimentConfig) -> int:
    return max(2, round(config.train_fraction * n_samples))
