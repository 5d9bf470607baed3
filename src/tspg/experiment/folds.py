"""Whether the evidence is taken from five further fits where nobody says so: a fixed formula, never a clock."""

from dataclasses import replace

from tspg.data.prepare import text_column
from tspg.experiment.task import Task, target_donors
from tspg.model.config import DEFAULT_PRESET, ExperimentConfig, preset
from tspg.model.training import epochs_of_f

AUTOMATIC = 5
FEW_HELD_OUT = 30  # target samples: on fewer, one split alone moves the energy ratio severalfold
# Samples x genes x classes, and genes alone: training takes as many steps however few the samples are. Five fits of
# 459 x 3,270 x 4 or 150 x 4,500 x 4 take about a minute on two cores (benchmarks/README.md).
MOST_CELLS, MOST_GENES = 6_000_000, 4_500


def with_folds(task: Task) -> Task:
    """The question with as many folds as its size calls for, where nobody said how many."""
    study, config = task.study, task.config
    labels = text_column(study, config.label_column)
    n_target, n_donors = labels.count(config.target_class), target_donors(study, config)
    n_folds = automatic_folds(study.n_obs, study.n_vars, len(set(labels)), config, n_target=n_target, n_donors=n_donors)
    return replace(task, config=replace(config, folds=n_folds), automatic_folds=n_folds > 1)


def automatic_folds(
    n_samples: int, n_genes: int, n_classes: int, config: ExperimentConfig, *, n_target: int, n_donors: int
) -> int:
    """5 where one split would hold few target samples out and further fits cost little, else 1.

    They cost little on a matrix of bounded size, where no generator is trained, and f no longer than by default.
    """
    n_train, usual_f = round(config.train_fraction * n_samples), preset(DEFAULT_PRESET)[0]
    is_short = not config.is_trained and epochs_of_f(n_train, config.target_model) <= epochs_of_f(n_train, usual_f)
    few = round((1 - config.train_fraction) * n_target) < FEW_HELD_OUT
    is_small = n_samples * n_genes * n_classes <= MOST_CELLS and n_genes <= MOST_GENES
    return AUTOMATIC if few and is_short and is_small and n_donors >= AUTOMATIC else 1
