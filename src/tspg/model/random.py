"""Where every random number of the training comes from.

Each use has a stream of its own, so that none shifts another. With the seed and the epoch the
stream decides the values: training can be taken up again at any epoch.
"""

import numpy as np
from numpy.typing import NDArray

F_WEIGHTS, F_ORDER, G_WEIGHTS, D_WEIGHTS, G_ORDER, REAL_ORDER, TARGET_DRAWS = range(10, 17)
BASELINE_DRAWS, REFERENCE_FOLDS, SHIFT_FOLDS, ALIGNMENT_DONORS = 18, 19, 20, 24


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
