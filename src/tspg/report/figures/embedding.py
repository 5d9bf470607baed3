"""Two-dimensional coordinates in which similar profiles lie close together."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from tspg.utils.typing import Float64Array

FEWEST_FOR_TSNE = 8
_COMPONENTS = 50
_PERPLEXITY = 30.0
_PLACING_PERPLEXITY = 5.0  # openTSNE's advice for putting new samples on a map
# From principal components groups are apart after a hundred steps, and three hundred more arrange them: the map
# keeps as many of each sample's neighbours as one of openTSNE's 250 and 500 steps, in less than half the time.
_EARLY_STEPS, _STEPS = 100, 300
_COARSENESS = 0.8  # how summarily far groups push each other; from 0.2 to 0.8 maps hardly differ
_JOBS = 1  # several threads add up in another order: the map would differ from run to run


@dataclass(frozen=True)
class Embedding:
    """A flat map: coordinates (samples, 2) of real and of perturbed samples, and how it was made."""

    real: Float64Array
    perturbed: Float64Array
    method: str


def embed(real: Float64Array, perturbed: Float64Array, *, joint: bool, seed: int) -> Embedding:
    """Place real and perturbed profiles on one flat map by t-SNE; the same seed gives the same map.

    The map is made from the real samples alone, and each perturbed sample is then put beside its
    nearest real ones. With `joint` both kinds make the map together. Fewer than eight samples,
    or samples that differ in fewer than two genes, are shown by their principal components instead.
    """
    with threadpool_limits(1):  # of the caller's threads too, for the same reason as _JOBS
        return _embed(real, perturbed, joint, seed)


def _embed(real: Float64Array, perturbed: Float64Array, joint: bool, seed: int) -> Embedding:
    reference = np.vstack([real, perturbed]) if joint else real
    if len(reference) < FEWEST_FOR_TSNE or _n_varying(reference) < 2:
        shown, added = _project(reference, [real, perturbed], 2, seed)
        return Embedding(shown, added, "PCA")
    base, real, perturbed = _project(reference, [reference, real, perturbed], _COMPONENTS, seed)
    if joint:
        both = _tsne(base, base[:0], seed)[0]
        return Embedding(both[: len(real)], both[len(real) :], "joint t-SNE")
    return Embedding(*_tsne(base, perturbed, seed), method="t-SNE")


def _tsne(reference: Float64Array, added: Float64Array, seed: int) -> tuple[Float64Array, Float64Array]:
    from openTSNE import TSNE  # takes seconds to import; only this figure needs it

    largest = (len(reference) - 1) / 3  # t-SNE looks at three times as many neighbours
    tsne = TSNE(
        perplexity=min(_PERPLEXITY, largest),
        neighbors="exact",
        negative_gradient_method="bh",
        theta=_COARSENESS,
        early_exaggeration_iter=_EARLY_STEPS,
        n_iter=_STEPS,
        random_state=seed,
        n_jobs=_JOBS,
    )
    learned = tsne.fit(reference)
    if not len(added):
        return np.asarray(learned), np.empty((0, 2))
    placed = learned.transform(added, perplexity=min(_PLACING_PERPLEXITY, largest))
    return np.asarray(learned), np.asarray(placed)


def _n_varying(profiles: Float64Array) -> int:
    return int(np.count_nonzero(np.ptp(profiles, axis=0))) if len(profiles) else 0


def _project(
    reference: Float64Array, groups: Sequence[Float64Array], n_components: int, seed: int
) -> Sequence[Float64Array]:
    """Every group on the first principal components of the reference, padded to two columns."""
    if n_components > 2 and reference.shape[1] <= n_components:
        return groups
    from sklearn.decomposition import PCA

    n_kept = min(n_components, *reference.shape)
    centre, axes = np.zeros(reference.shape[1]), np.zeros((n_kept, reference.shape[1]))
    if len(reference):
        centre = reference.mean(axis=0)
    if _n_varying(reference):
        axes = PCA(n_kept, random_state=seed).fit(reference).components_
    missing = max(0, 2 - n_kept)
    return [np.pad((group - centre) @ axes.T, ((0, 0), (0, missing))) for group in groups]
