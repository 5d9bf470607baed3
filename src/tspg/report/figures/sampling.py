"""Which samples the figures speak of."""

import numpy as np
from anndata import AnnData
from numpy.typing import NDArray

MOST_REAL = 200  # of a class on the map: more lie on one another, and t-SNE takes its time with them


def source_rows(perturbations: AnnData) -> NDArray[np.intp]:
    """Rows of the samples that were moved: those of the source classes, and new profiles of unknown class."""
    facts = perturbations.uns["tspg"]
    moved = {str(name) for name in facts["source_classes"]} | {""}
    return np.flatnonzero(perturbations.obs["source_class"].isin(moved - {str(facts["target_class"])}).to_numpy())
