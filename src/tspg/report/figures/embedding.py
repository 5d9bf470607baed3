"""Which samples a map shows, and their coordinates, in which similar profiles lie close together."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from anndata import AnnData
from threadpoolctl import threadpool_limits

from tspg.analysis.interpretation.perturbations import target_class_of
from tspg.utils.typing import Float64Array, IndexArray

MOST_REAL = 200  # of a class on the map: more lie on one another, and t-SNE takes its time with them
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
    """Coordinates (samples, 2) of real and of perturbed samples, and how they were made."""

    real: Float64Array
    perturbed: Float64Array
    method: str


@dataclass(frozen=True)
class Placed:
    """Where samples lie on the map: rows of real and of perturbed ones, and the source classes on it."""

    embedding: Embedding
    real_rows: IndexArray
    perturbed_rows: IndexArray
    classes: list[str]

    def table(self, perturbations: AnnData) -> pd.DataFrame:
        """One row per sign: `kind` (real or moved), its sample and place, and what f calls it before and after."""
        kind = np.repeat(["real", "moved"], [len(self.real_rows), len(self.perturbed_rows)])
        x, y = np.vstack([self.embedding.real, self.embedding.perturbed]).T
        obs = perturbations.obs.iloc[np.concatenate([self.real_rows, self.perturbed_rows])]
        facts = {name: obs[name].to_numpy() for name in ("source_class", "predicted_before", "predicted_after")}
        return pd.DataFrame({"kind": kind, "sample": obs.index, "x": x, "y": y, **facts})


def source_rows(perturbations: AnnData) -> IndexArray:
    """Rows of the samples that were moved: those of the source classes, and new profiles of unknown class."""
    moved = {*map(str, perturbations.uns["tspg"]["source_classes"]), ""} - {target_class_of(perturbations)}
    return np.flatnonzero(perturbations.obs["source_class"].isin(moved).to_numpy())


def place(
    perturbations: AnnData, *, n_classes: int = 10, n_perturbed: int = 100, joint: bool = False, seed: int = 0
) -> Placed:
    """Choose samples and give each its place on the map, as `plot_tsne` says."""
    rng = np.random.default_rng(seed)
    source, target = perturbations.obs["source_class"].to_numpy(object), target_class_of(perturbations)
    moved = source_rows(perturbations)
    candidates = sorted(set(source[moved]))
    n_kept = max(0, min(n_classes - 1, len(candidates)))  # one place is kept for the target
    classes = [candidates[i] for i in sorted(rng.choice(len(candidates), size=n_kept, replace=False))]
    perturbed_rows = np.sort(rng.choice(moved, size=min(n_perturbed, len(moved)), replace=False))
    of_class = [np.flatnonzero(source == name) for name in [*classes, target]]
    drawn = [rng.choice(rows, size=MOST_REAL, replace=False) if len(rows) > MOST_REAL else rows for rows in of_class]
    real_rows = np.sort(np.concatenate(drawn))
    real = np.asarray(perturbations.layers["original"][real_rows], np.float64)
    perturbed = np.asarray(perturbations.X[perturbed_rows], np.float64)
    # On a map without the target, moved samples could only be put beside samples that were not moved.
    embedding = embed(real, perturbed, joint=joint or target not in source, seed=seed)
    return Placed(embedding, real_rows, perturbed_rows, classes)


def embed(real: Float64Array, perturbed: Float64Array, *, joint: bool, seed: int) -> Embedding:
    """Place real and perturbed profiles on one flat map by t-SNE; the same seed gives the same map.

    The map is made from the real samples alone, and each perturbed sample is then put beside its
    nearest real ones. With `joint` both kinds make the map together. Fewer than eight samples,
    or samples that differ in fewer than two genes, are shown by their principal components instead.
    """
    with threadpool_limits(1):  # of the caller's threads too, for the same reason as _JOBS
        reference = np.vstack([real, perturbed]) if joint else real
        if len(reference) < FEWEST_FOR_TSNE or _n_varying(reference) < 2:
            real, perturbed = _project(reference, [real, perturbed], 2, seed)
            return Embedding(real, perturbed, "PCA")
        base, real, perturbed = _project(reference, [reference, real, perturbed], _COMPONENTS, seed)
        if joint:
            both, _ = _tsne(base, base[:0], seed)
            return Embedding(both[: len(real)], both[len(real) :], "joint t-SNE")
        return Embedding(*_tsne(base, perturbed, seed), method="t-SNE")


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
    return [np.pad((group - centre) @ axes.T, ((0, 0), (0, max(0, 2 - n_kept)))) for group in groups]


def _tsne(reference: Float64Array, added: Float64Array, seed: int) -> tuple[Float64Array, Float64Array]:
    from openTSNE import TSNE  # takes seconds to import; only this figure needs it

    largest = (len(reference) - 1) / 3  # t-SNE looks at three times as many neighbours
    learned = TSNE(
        perplexity=min(_PERPLEXITY, largest),
        neighbors="exact",
        negative_gradient_method="bh",
        theta=_COARSENESS,
        early_exaggeration_iter=_EARLY_STEPS,
        n_iter=_STEPS,
        random_state=seed,
        n_jobs=_JOBS,
    ).fit(reference)
    if not len(added):
        return np.asarray(learned), np.empty((0, 2))
    placed = learned.transform(added, perplexity=min(_PLACING_PERPLEXITY, largest))
    return np.asarray(learned), np.asarray(placed)
