"""The source of every random number in this package.

Each use has its own stream, so that none shifts another. Seed, use and epoch decide the values: training can resume
at any epoch.
"""

import math

import numpy as np
from numpy.typing import NDArray

from tspg.model.config import TargetModelConfig
from tspg.utils.typing import Int64Array

F_WEIGHTS, F_ORDER, G_WEIGHTS, D_WEIGHTS, G_ORDER, REAL_ORDER, TARGET_DRAWS = range(10, 17)
BASELINE_DRAWS, REFERENCE_FOLDS, SHIFT_FOLDS, ALIGNMENT_DONORS = 18, 19, 20, 24
FOLDS = 5  # of donors


def stream(seed: int, use: int, epoch: int) -> np.random.Generator:
    """The random numbers of one use in one epoch."""
    return np.random.default_rng([seed, use, epoch])


def batches(n_samples: int, batch_size: int, rng: np.random.Generator) -> list[NDArray[np.int64]]:
    """Shuffled rows in batches of nearly equal size, close to `batch_size`.

    Every sample comes once an epoch and no runt is left over: batch normalisation cannot work on a
    last batch of one sample.
    """
    return np.array_split(rng.permutation(n_samples), batches_an_epoch(n_samples, batch_size))


def batches_an_epoch(n_samples: int, batch_size: int) -> int:
    """How many batches an epoch has: what keeps them closest to `batch_size`, with two samples or more in each."""
    return max(1, min(round(n_samples / batch_size), n_samples // 2))


def epochs_of_f(n_samples: int, config: TargetModelConfig) -> int:
    """The number of epochs of f, at most: more where samples are few, so that it takes enough steps."""
    return max(config.epochs, math.ceil(config.least_steps / batches_an_epoch(n_samples, config.batch_size)))


def donor_folds(donors: Int64Array, rng: np.random.Generator, n_folds: int = FOLDS) -> Int64Array:
    """The fold of each sample, from 0; all samples of a donor are in one."""
    codes, of_donor = np.unique(donors, return_inverse=True)
    fold: Int64Array = (rng.permutation(len(codes)) % n_folds)[of_donor]
    return fold
