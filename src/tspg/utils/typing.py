"""The arrays that pass between modules, by what their numbers are."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Float32Array = NDArray[np.float32]  # profiles
Float64Array = NDArray[np.float64]  # statistics
FloatArray = NDArray[np.float32] | NDArray[np.float64]
Int64Array = NDArray[np.int64]  # codes of classes or donors, positions
IndexArray = NDArray[np.intp]
BoolArray = NDArray[np.bool_]
NameArray = NDArray[np.object_]
NamedArrays = dict[str, NDArray[Any]]
