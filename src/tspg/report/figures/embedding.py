"""Which samples a map shows, and their places on it: principal components, or a t-SNE in which like lies by like."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd
from anndata import AnnData
from threadpoolctl import threadpool_limits

from tspg.analysis.interpretation.perturbations import target_class_of
from tspg.utils.typing import Float32Array, Float64Array, FloatArray, IndexArray

MOST_REAL = 200  # of a class on the map: more lie on one another, and t-SNE takes its time with them
MOST_CLASSES, MOST_MOVED = 12, 200
FEWEST_FOR_TSNE, FEWEST_FOR_PCA = 8, 3  # signs; real samples
_COMPONENTS = 50
_PERPLEXITY = 30.0
# From principal components groups are apart after a hundred steps, and three hundred more arrange them: the map
# keeps as many of each sample's neighbours as one of openTSNE's 250 and 500 steps, in less than half the time.
_EARLY_STEPS, _STEPS = 100, 300
_COARSENESS = 0.8  # how summarily far groups push each other; from 0.2 to 0.8 maps hardly differ
_JOBS = 1  # several threads add up in another order: the map would differ from run to run


@dataclass(frozen=True)
class Chosen:
    """What a map shows: rows of real and of moved samples, and the source classes on it."""

    real_rows: IndexArray
    moved_rows: IndexArray
    classes: list[str]


@dataclass(frozen=True)
class Map:
    """Places (signs, 2) of real samples and of moved ones; `shares` of the real samples' variance on the two axes."""

    chosen: Chosen
    real: Float64Array
    moved: Float64Array
    shares: tuple[float, float] | None = None  # None: t-SNE

    def table(self, perturbations: AnnData) -> pd.DataFrame:
        """One row per sign: `kind` (real or moved), its sample and place, and its call before and after."""
        kind = np.repeat(["real", "moved"], [len(self.real), len(self.moved)])
        x, y = np.vstack([self.real, self.moved]).T
        obs = perturbations.obs.iloc[np.concatenate([self.chosen.real_rows, self.chosen.moved_rows])]
        facts = {name: obs[name].to_numpy() for name in ("source_class", "predicted_before", "predicted_after")}
        shares = {} if self.shares is None else dict(zip(("x_share", "y_share"), self.shares, strict=True))
        return pd.DataFrame({"kind": kind, "sample": obs.index, "x": x, "y": y, **facts, **shares})


def source_rows(perturbations: AnnData) -> IndexArray:
    """Rows of the samples that were moved: of the source classes, of classes new to the model, and of none."""
    facts = perturbations.uns["tspg"]
    moved = {*map(str, (*facts["source_classes"], *facts.get("new_classes", ()))), ""} - {
        target_class_of(perturbations)
    }
    return np.flatnonzero(perturbations.obs["source_class"].isin(moved).to_numpy())


def choose(
    perturbations: AnnData,
    *,
    n_classes: int = MOST_CLASSES,
    n_moved: int = MOST_MOVED,
    named: Collection[str] = (),
    seed: int = 0,
) -> Chosen:
    """Draw the samples of a map by chance; the target class, and the `named` samples with their classes, come first."""
    rng = np.random.default_rng(seed)
    source, target = perturbations.obs["source_class"].to_numpy(object), target_class_of(perturbations)
    is_named = perturbations.obs_names.isin(list(named))

    def drawn(rows: IndexArray, most: int) -> IndexArray:
        order = rng.permutation(rows)
        return np.sort(order[np.argsort(~is_named[order], kind="stable")][:most])

    sources = source_rows(perturbations)
    candidates = np.array(sorted(set(source[sources])), dtype=object)
    is_wanted = np.isin(candidates, source[is_named])
    order = rng.permutation(len(candidates))
    kept = order[np.argsort(~is_wanted[order], kind="stable")][: max(0, n_classes - 1)]  # one is the target's
    classes = list(candidates[np.sort(kept)])
    moved_rows = drawn(sources, n_moved)
    real_rows = [drawn(np.flatnonzero(source == name), MOST_REAL) for name in [*classes, target]]
    return Chosen(np.sort(np.concatenate(real_rows)), moved_rows, classes)


def tsne_map(perturbations: AnnData, chosen: Chosen, *, seed: int = 0) -> Map | None:
    """Real and moved profiles on one map that both made together by t-SNE; None of fewer than eight, or of like ones.

    Nothing puts a moved sample beside real ones but its likeness to them. The same seed gives the same map.
    """
    real, moved = _profiles(perturbations, chosen)
    profiles = np.concatenate([real, moved])
    if len(profiles) < FEWEST_FOR_TSNE or not _vary(profiles):
        return None
    from openTSNE import TSNE  # takes seconds to import; only this figure needs it
    from sklearn.decomposition import PCA

    with threadpool_limits(1):  # of the caller's threads too, for the same reason as _JOBS
        n_kept = min(_COMPONENTS, len(profiles))
        if profiles.shape[1] > n_kept:
            profiles = PCA(n_kept, random_state=seed).fit_transform(profiles)
        learned = TSNE(
            perplexity=min(_PERPLEXITY, (len(profiles) - 1) / 3),  # it looks at three times as many neighbours
            neighbors="exact",
            negative_gradient_method="bh",
            theta=_COARSENESS,
            early_exaggeration_iter=_EARLY_STEPS,
            n_iter=_STEPS,
            random_state=seed,
            n_jobs=_JOBS,
        ).fit(profiles)
    places = np.asarray(learned)
    return Map(chosen, places[: len(real)], places[len(real) :])


def pca_map(perturbations: AnnData, chosen: Chosen, *, seed: int = 0) -> Map | None:
    """The first two principal components of the real samples, and moved ones on them; None of fewer than three."""
    real, moved = _profiles(perturbations, chosen)
    if len(real) < FEWEST_FOR_PCA or not _vary(real):
        return None
    from sklearn.decomposition import PCA

    with threadpool_limits(1):
        fitted = PCA(2, random_state=seed).fit(real)
        first, second = map(float, fitted.explained_variance_ratio_)
        return Map(chosen, fitted.transform(real), fitted.transform(moved), (first, second))


def _profiles(perturbations: AnnData, chosen: Chosen) -> tuple[Float32Array, Float32Array]:
    return perturbations.layers["original"][chosen.real_rows], perturbations.X[chosen.moved_rows]


def _vary(profiles: FloatArray) -> bool:
    """Whether two genes or more differ between samples: there is no flat map of less."""
    return int(np.count_nonzero(np.ptp(profiles, axis=0))) > 1
