"""The leading genes in single samples: those of the source classes, the same moved, and real ones of the target."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from tspg.analysis.interpretation.class_genes import leading_genes
from tspg.analysis.interpretation.perturbations import source_classes_of, target_class_of
from tspg.report.figures.style import (
    LEADING,
    PAGE,
    SMALL,
    TICKS,
    axes_at,
    canvas,
    house_style,
    shortened,
    text_width,
    whole,
    wrapped,
    write_beside,
)
from tspg.utils.typing import Float64Array, IndexArray

MOST_GENES, MOST_SAMPLES = 40, 80  # of each direction half; of a group
REACH = 2.0  # standard deviations from the mean, where colours end
_LETTERS = 16  # of a gene's name
_ROW, _HEAD, _FOOT, _LEFT, _GAP = 0.105, 0.22, 0.5, 0.2, 0.08  # inches


@dataclass(frozen=True)
class Group:
    """One group of columns: rows of samples drawn, class by class, of how many."""

    title: str
    rows: IndexArray
    n: int
    is_moved: bool


def plot_gene_heatmap(
    perturbations: AnnData,
    genes: pd.DataFrame,
    *,
    n_genes: int = MOST_GENES,
    n_samples: int = MOST_SAMPLES,
    seed: int = 0,
    ax: Axes | None = None,
) -> Figure:
    """The genes that lead the table, half higher and half lower in the target, in single samples side by side.

    Three groups of samples: those of the source classes as they are, the same moved, and real ones of the target.
    Colours tell how many standard deviations a value lies from the gene's mean over the real samples, those of the
    sources and of the target counted alike. Of larger groups `n_samples` are drawn by chance. Within a class samples
    are ordered by how near these genes are to the target.

    Parameters
    ----------
    perturbations
        Moved profiles of a run: `run.perturbations`, or what `read_perturbations` gave.
    genes
        `run.tables["genes"]`, or `genes.tsv` of a run folder as a data frame.
    n_genes
        Genes at most, half of them in a direction.
    n_samples
        Samples of a group at most.
    seed
        Decides which samples are drawn.
    ax
        Axes whose place the groups take, at least 7 by 4 inches large; their own frame is hidden. None makes a new
        figure.

    Returns
    -------
    The new figure, or that of `ax`.

    Examples
    --------
    >>> figure = tspg.plot_gene_heatmap(run.perturbations, run.tables["genes"])
    >>> figure.savefig("gene_heatmap.svg")
    """
    ways = {way: list(leading_genes(genes, k=n_genes // 2, direction=way)["gene"]) for way in ("up", "down")}
    ways["down"].reverse()  # the most lowered one is the last
    names = [*ways["up"], *ways["down"]]
    columns = perturbations.var_names.get_indexer(names)
    original, moved = standardised(perturbations, columns)
    score = original[:, : len(ways["up"])].sum(axis=1) - original[:, len(ways["up"]) :].sum(axis=1)
    groups = groups_of(perturbations, n_samples=n_samples, seed=seed)
    source = perturbations.obs["source_class"].to_numpy(object).astype(str)
    with house_style():
        height = _HEAD + _ROW * len(names) + _FOOT
        figure = canvas(PAGE, height, ax)
        labels = [shortened(name, _LETTERS) for name in names]
        width = (PAGE - _LEFT - max(text_width(label, SMALL) for label in labels) - _GAP * len(groups)) / len(groups)
        for number, group in enumerate(groups):
            left = _LEFT + number * (width + _GAP)
            axes = axes_at(figure, (left, _FOOT, width, height - _HEAD - _FOOT), (PAGE, height), gid=group.title)
            rows = group.rows[np.lexsort((score[group.rows], source[group.rows]))]
            _draw_group(axes, group, (moved if group.is_moved else original)[rows], source[rows], width)
        for row, label in enumerate(labels):
            colour, _ = LEADING["up" if row < len(ways["up"]) else "down"]
            at = (1, 1 - (row + 0.5) / len(names))
            write_beside(axes, at, (3, 0), label, size=SMALL, color=colour, va="center_baseline")
        for way, word, first in (("up", "raised", 0), ("down", "lowered", len(ways["up"]))):
            middle = (_FOOT + _ROW * (len(names) - first - len(ways[way]) / 2)) / height
            if ways[way]:
                how: dict[str, Any] = {"rotation": 90, "ha": "center", "va": "center", "color": LEADING[way][0]}
                figure.text(0.08 / PAGE, middle, word, size=SMALL, **how)
        _colour_bar(axes_at(figure, (_LEFT, 0.2, 1.2, 0.07), (PAGE, height), gid="colours"))
    return whole(figure)


def standardised(perturbations: AnnData, columns: IndexArray) -> tuple[Float64Array, Float64Array]:
    """Some genes of every sample before and moved, in standard deviations from the mean of the real samples.

    All source samples together count as much as those of the target, however few either are.
    """
    classes, target = perturbations.obs["source_class"], target_class_of(perturbations)
    original = np.asarray(perturbations.layers["original"][:, columns], np.float64)
    halves = [original[one] for one in (classes.isin(source_classes_of(perturbations)), classes == target) if one.any()]
    mean = np.mean([half.mean(axis=0) for half in halves], axis=0)
    spread = np.sqrt(np.mean([((half - mean) ** 2).mean(axis=0) for half in halves], axis=0))
    spread = np.where(spread > 0, spread, np.inf)
    return (original - mean) / spread, (np.asarray(perturbations.X[:, columns], np.float64) - mean) / spread


def groups_of(perturbations: AnnData, *, n_samples: int = MOST_SAMPLES, seed: int = 0) -> list[Group]:
    """The groups of samples that have any: source classes, the same moved, and the target."""
    rng, target = np.random.default_rng(seed), target_class_of(perturbations)
    sources, classes = source_classes_of(perturbations), perturbations.obs["source_class"]
    groups = []
    for is_source in (True, False):
        rows = np.flatnonzero(classes.isin(sources) if is_source else classes == target)
        by_class = rows[np.lexsort((rng.random(len(rows)), classes.iloc[rows].astype(str)))]
        evenly = np.linspace(0, len(rows), min(n_samples, len(rows)), endpoint=False).astype(int)
        drawn = by_class[evenly]  # of each class its share
        name = sources[0] if len(sources) == 1 else f"{len(sources)} source classes"
        titles = [(f"{name}, real", False), (f"moved to {target}", True)] if is_source else [(f"{target}, real", False)]
        groups += [Group(title, drawn, len(rows), is_moved) for title, is_moved in titles if len(rows)]
    return groups


def _draw_group(axes: Axes, group: Group, values: Float64Array, source: NDArray[Any], width: float) -> None:
    """One picture; classes are parted by white lines, and named below where their names fit."""
    axes.imshow(values.T, aspect="auto", cmap="viridis", vmin=-REACH, vmax=REACH, interpolation="nearest")
    axes.set_axis_off()
    write_beside(axes, (0, 1), (0, 4), wrapped(group.title, 34, max_lines=1), weight="bold", va="bottom")
    starts = np.flatnonzero(np.r_[True, source[1:] != source[:-1]])
    ends = np.r_[starts[1:], len(source)]
    axes.vlines(starts[1:] - 0.5, -0.5, values.shape[1] - 0.5, color="white", linewidth=0.8)
    for start, end in zip(starts, ends, strict=True) if len(starts) > 1 else ():
        name = shortened(source[start], 30)
        if text_width(name, SMALL) < width * (end - start) / len(source):
            middle = (start + end) / 2 / len(source)
            write_beside(axes, (middle, 0), (0, -3), name, size=SMALL, color=TICKS, ha="center", va="top")


def _colour_bar(axes: Axes) -> None:
    axes.imshow(np.linspace(-REACH, REACH, 128)[None], aspect="auto", cmap="viridis", extent=(-REACH, REACH, 0, 1))
    axes.set(yticks=[], xticks=[-REACH, 0, REACH])
    axes.spines[:].set_visible(False)
    write_beside(axes, (1, 0.5), (4, 0), "standard deviations from the gene's mean", size=SMALL, va="center_baseline")
