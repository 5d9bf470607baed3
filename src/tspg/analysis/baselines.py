"""What could be had without a generator: the simplest methods that the table compares it with."""

import numpy as np
from numpy.typing import NDArray

from tspg.data.prepare import FloatMatrix, Prepared


def mean_shift(
    prepared: Prepared, profiles: FloatMatrix, source_class: NDArray[np.object_], target_class: str
) -> FloatMatrix:
    """Each profile plus the difference of the class means: x + mu_t - mu_source, clipped to [0, 1].

    Means are those of the training samples. `profiles` has shape (samples, genes), `source_class`
    names each sample's own class.
    """
    target_mean = prepared.class_mean(target_class)
    moved = profiles.astype(np.float64)
    for name in sorted(set(source_class)):
        moved[source_class == name] += target_mean - prepared.class_mean(name)
    return np.clip(moved, 0.0, 1.0).astype(np.float32)
