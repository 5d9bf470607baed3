"""What the paper's maps and heat maps (Figs. 2-5) show, as numbers: where moved samples lie, what they resemble."""

import numpy as np
from anndata import AnnData
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from tspg.report.figures.embedding import Map, choose, tsne_map

NEIGHBOURS = 10
Matrix = NDArray[np.float64]


def looks(moved: AnnData, seed: int) -> dict[str, float]:
    """Every number of this module for one run."""
    return {**on_the_map(moved, map_of(moved, seed)), **in_the_heat_map(moved)}


def map_of(moved: AnnData, seed: int) -> Map:
    """The paper's map: all samples of ten random classes and 100 moved samples make it together."""
    found = tsne_map(moved, choose(moved, n_classes=10, n_moved=100, seed=seed), seed=seed)
    if found is None:
        raise ValueError("too few samples for a map")
    return found


def on_the_map(moved: AnnData, placed: Map) -> dict[str, float]:
    """Of the moved samples of the map, the share most of whose nearest real samples are of the target.

    On the map, and by all genes; `real_by_genes` is the same share of real target samples.
    """
    source = moved.obs["source_class"].to_numpy(str)[placed.chosen.real_rows]
    is_target = source == moved.uns["tspg"]["target_class"]
    real = np.asarray(moved.layers["original"][placed.chosen.real_rows], float)
    return {
        "on_map": among(placed.moved, placed.real, is_target),
        "by_genes": among(np.asarray(moved.X[placed.chosen.moved_rows], float), real, is_target),
        "real_by_genes": among(real[is_target], real, is_target, skip_self=True),
    }


def among(points: Matrix, real: Matrix, is_target: NDArray[np.bool_], *, skip_self: bool = False) -> float:
    """The share of points of whose ten nearest real samples more than half are of the target."""
    found = NearestNeighbors(n_neighbors=NEIGHBOURS + skip_self).fit(real).kneighbors(points, return_distance=False)
    return float((is_target[found[:, int(skip_self) :]].mean(axis=1) > 0.5).mean())


def in_the_heat_map(moved: AnnData) -> dict[str, float]:
    """How like mu_T held-out profiles are before and after, beside real held-out samples of the target.

    Correlations and mean distances over the genes, averaged over samples; `way` is the correlation of a class's
    mean change with the difference of the real held-out means, averaged over source classes.
    """
    facts, obs = moved.uns["tspg"], moved.obs
    target = facts["target_class"]
    held_out = obs["split"].ne("train").to_numpy()
    is_target = obs["source_class"].eq(target).to_numpy()
    sources = obs["source_class"].isin(list(facts["source_classes"])).to_numpy() & ~is_target
    mean = moved.var["target_mean"].to_numpy(float)
    x, x_adv = np.asarray(moved.layers["original"], float), np.asarray(moved.X, float)
    rows = {
        "before": x[held_out & sources],
        "after": x_adv[held_out & sources],
        "real": x[held_out & is_target],
    }
    found = {f"correlation_{name}": _correlation(part, mean) for name, part in rows.items()}
    found |= {f"distance_{name}": float(np.abs(part - mean).mean()) for name, part in rows.items()}
    real = rows["real"].mean(axis=0)
    ways = []
    for name in sorted(set(obs["source_class"][held_out & sources])):
        own = held_out & obs["source_class"].eq(name).to_numpy()
        ways.append(np.corrcoef((x_adv - x)[own].mean(axis=0), real - x[own].mean(axis=0))[0, 1])
    return {**found, "way": float(np.mean(ways))}


def _correlation(rows: Matrix, mean: Matrix) -> float:
    """The mean over rows of Pearson's correlation with `mean`; genes that never vary in training count too."""
    centred, reference = rows - rows.mean(axis=1, keepdims=True), mean - mean.mean()
    lengths = np.linalg.norm(centred, axis=1) * np.linalg.norm(reference)
    return float((centred @ reference / lengths).mean())
