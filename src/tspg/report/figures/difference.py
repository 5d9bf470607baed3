"""P beside the difference of the class means: what the list by P adds to differential expression."""

import numpy as np
import pandas as pd
from anndata import AnnData
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tspg.analysis.interpretation.class_genes import ALL_SOURCES, change_and_difference, leading_genes
from tspg.report.figures.style import COLUMN, FAINT, house_style, name_leading, new_figure, whole

NAMED = 8  # genes in a direction


def plot_difference(perturbations: AnnData, genes: pd.DataFrame, *, ax: Axes | None = None) -> Figure:
    """One point per gene: the difference of the class means, and the mean change P, both on the scaled axis.

    Of the training samples, all sources together. On the line P is the plain difference. The genes that lead in the
    table are named: with triangles up those higher in the target, with triangles down those lower.

    Parameters
    ----------
    perturbations
        Moved profiles of a run: `run.perturbations`, or what `read_perturbations` gave.
    genes
        `run.tables["genes"]`, or `genes.tsv` of a run folder as a data frame.
    ax
        Axes to draw into. None makes a new figure.

    Returns
    -------
    The new figure, or that of `ax`.

    Examples
    --------
    >>> figure = tspg.plot_difference(run.perturbations, run.tables["genes"])
    >>> figure.savefig("difference.svg")
    """
    change, difference = change_and_difference(perturbations)
    own = genes[genes["source_class"] == ALL_SOURCES].assign(x=difference, y=change)
    with house_style():
        if ax is None:
            ax = new_figure(COLUMN, 3.3).add_axes((0.13, 0.115, 0.84, 0.87))
        reach = float(np.nanmax(np.abs(own[["x", "y"]].to_numpy()), initial=0.1)) * 1.08
        ax.plot([-reach, reach], [-reach, reach], color=FAINT, linewidth=0.6)
        ax.scatter(own["x"], own["y"], s=2.5, color=FAINT, linewidths=0, rasterized=True)
        ax.set(xlim=(-reach, reach), ylim=(-reach, reach))
        # Leading genes lie along the diagonal: their names stand in its free corners.
        name_leading(ax, {way: leading_genes(own, k=NAMED, direction=way) for way in ("up", "down")}, across=True)
        ax.set_xlabel("difference of the class means (scaled)")
        ax.set_ylabel("P, mean change by the model (scaled)")
    return whole(ax.figure)
