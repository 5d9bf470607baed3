"""How long will a run take, and how much memory? Asked of this machine before the wait."""

import time
from dataclasses import dataclass, replace

import numpy as np

from tspg.data.prepare import Dataset, Scaler
from tspg.experiment.task import Task
from tspg.model.config import ExperimentConfig, PaperConfig
from tspg.model.device import choose_device, fixed_threads
from tspg.model.learning import learn
from tspg.model.random import batches_an_epoch
from tspg.model.training import epochs_of_f, train_target_model

# What the work around the training takes on the machine that this was developed on (2 cores, AVX-512), from runs on
# 459 x 4,218, 810 x 158 to 18,154 and 11,688 x 158 and 4,386 (benchmarks/whole_run.py). Seconds for any run (half of
# them to start and to make this forecast); for each source class; source class and gene; held-out sample; held-out
# sample and gene; cell of the matrix.
AROUND, A_SOURCE, A_SOURCE_GENE, A_HELD_OUT, A_HELD_OUT_GENE, A_CELL = 12.5, 0.1, 8e-5, 7.5e-3, 3.7e-6, 1.7e-7
PRODUCT, PRODUCT_SECONDS = 1024, 0.013  # what a product of two matrices of this size takes there on two threads

LIBRARIES_GB = 0.75
BYTES_A_CELL = 28  # of the matrix: as read, scaled, before, after, change, and what evidence makes of it
BYTES_A_GENE = 37_000  # weights as wide as the genes, with gradients, two moments and averages
BYTES_A_HELD_OUT_PAIR = 68  # distances of the evidence

DISK_ANY = 20_000_000  # tables, figures and report of any run
DISK_A_CELL = 14  # moved profiles: three numbers a cell, and their names
DISK_A_GENE = 80_000  # the model, checkpoints of G while it learns, and the tables of genes of some fifty classes
DISK_A_FIT_GENE = 14_000  # f and G of each fold, kept until the end

PROBED_STEPS, MOST_PROBED_GENES, MOST_PROBED_CLASSES = 4, 4000, 5  # keeps the probe near two seconds


@dataclass(frozen=True)
class ResourceEstimate:
    """Seconds and gigabytes that one run is expected to take; good to a factor of two."""

    seconds: float
    memory_gb: float

    def __str__(self) -> str:
        """In words."""
        return f"about {_duration(self.seconds)} and {self.memory_gb:.1f} GB"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def estimate_task(task: Task) -> ResourceEstimate:
    """What the run that answers a question will take."""
    config = task.config
    n_classes = task.adata.obs[config.label_column].astype(str).nunique()
    return estimate_resources(task.adata.n_obs, task.adata.n_vars, n_classes, config)


def estimate_resources(n_samples: int, n_genes: int, n_classes: int, config: ExperimentConfig) -> ResourceEstimate:
    """What a run on a matrix of this size will take here: a few steps of training are tried, for about two seconds."""
    n_train = max(2, round(config.train_fraction * n_samples))
    n_held_out, n_sources = n_samples - n_train, len(config.source_classes or range(n_classes - 1))
    probed = min(n_genes, MOST_PROBED_GENES)
    step_f, step_g = (n_genes / probed * seconds for seconds in probe(probed, n_classes, config))
    f, slowness = config.target_model, machine_slowness(config.threads)
    training = epochs_of_f(n_train, f) * batches_an_epoch(n_train, f.batch_size) * step_f
    training += steps_of_g(n_train, config) * step_g
    evidence = A_HELD_OUT * n_held_out + A_HELD_OUT_GENE * n_held_out * n_genes
    meaning = n_sources * (A_SOURCE + A_SOURCE_GENE * n_genes)
    fits = 1 if config.folds == 1 else 1 + config.folds
    seconds = fits * (training + slowness * evidence) + slowness * (AROUND + meaning + A_CELL * n_samples * n_genes)
    return ResourceEstimate(float(seconds), memory_needed(n_samples, n_genes, config) / 1e9)


def memory_needed(n_samples: int, n_genes: int, config: ExperimentConfig) -> float:
    """The most bytes of memory that a run on a matrix of this size will take."""
    n_held_out = n_samples - max(2, round(config.train_fraction * n_samples))
    n_bytes = BYTES_A_CELL * n_samples * n_genes + BYTES_A_GENE * n_genes + BYTES_A_HELD_OUT_PAIR * n_held_out**2
    return float(LIBRARIES_GB * 1e9 + n_bytes)


def disk_needed(n_samples: int, n_genes: int, config: ExperimentConfig) -> float:
    """The most bytes of disk that a run on a matrix of this size will take while it is made."""
    fits = 1 if config.folds == 1 else 1 + config.folds
    return float(DISK_ANY + DISK_A_CELL * n_samples * n_genes + (DISK_A_GENE + fits * DISK_A_FIT_GENE) * n_genes)


def steps_of_g(n_train: int, config: ExperimentConfig) -> int:
    """Training steps of the generator; none for a method in closed form."""
    g = config.generator
    if g is None or not config.is_trained:
        return 0
    return g.epochs * batches_an_epoch(n_train, g.batch_size) if g.steps is None else g.steps


def machine_slowness(threads: int) -> float:
    """How many times longer this machine takes for a large product than the one that the constants were found on."""
    matrix = np.random.default_rng(0).random((PRODUCT, PRODUCT), dtype=np.float32)
    times = []
    with fixed_threads(threads):
        for _ in range(5):
            started = time.perf_counter()
            matrix @ matrix
            times.append(time.perf_counter() - started)
    return min(times) / PRODUCT_SECONDS


def probe(n_genes: int, n_classes: int, config: ExperimentConfig) -> tuple[float, float]:
    """Seconds of one training step of f and of G on this machine: a few are taken on made-up profiles of this shape."""
    batch_size = max(config.target_model.batch_size, config.generator.batch_size if config.generator else 0)
    made_up, device = _made_up(n_genes, n_classes, 2 * batch_size), choose_device(config.device)
    marks: list[float] = []
    few = replace(config.target_model, epochs=3, least_steps=1)

    def seconds_of_g(settings: PaperConfig, steps: int) -> float:
        generator = replace(settings, steps=steps)
        asked = replace(config, target_class=made_up.classes[0], source_classes=None, generator=generator)
        started = time.perf_counter()
        learn(made_up, f, asked, device=device)
        return time.perf_counter() - started

    with fixed_threads(config.threads):
        f = train_target_model(made_up, few, device=device, progress=lambda *_: marks.append(time.perf_counter()))
        step_f = (marks[-1] - marks[0]) / (2 * batches_an_epoch(len(made_up.profiles), few.batch_size))
        if config.generator is None or not config.is_trained:
            return step_f, 0.0
        seconds_of_g(config.generator, 1)  # the first one pays for what is loaded late
        init_gan = seconds_of_g(config.generator, 1)
        return step_f, max(seconds_of_g(config.generator, 1 + PROBED_STEPS) - init_gan, 0.0) / PROBED_STEPS


def _made_up(n_genes: int, n_classes: int, n_samples: int) -> Dataset:
    """Training samples of no meaning, of as many genes as asked for."""
    rng = np.random.default_rng(0)
    n_classes = min(n_classes, MOST_PROBED_CLASSES)
    return Dataset(
        profiles=rng.random((n_samples, n_genes), dtype=np.float32),
        class_index=np.arange(n_samples, dtype=np.int64) % n_classes,
        classes=tuple(f"class {number:05d}" for number in range(n_classes)),
        is_train=np.ones(n_samples, dtype=bool),
        sample_ids=tuple(map(str, range(n_samples))),
        gene_ids=tuple(map(str, range(n_genes))),
        scaler=Scaler(np.zeros(n_genes), np.ones(n_genes)),
        clipped_cells=0,
    )
