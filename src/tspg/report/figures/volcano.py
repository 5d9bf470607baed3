"""Which genes differ between the source classes and the target, by how much and how surely."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tspg.analysis.interpretation.class_genes import ALL_SOURCES, SURE, leading_genes
from tspg.report.figures.style import COLUMN, FAINT, house_style, name_leading, new_figure, whole, widest

NAMED = 10  # genes in a direction
_UNSURE, _SURE = "#C8C8C8", "#7A7A7A"
_SMALLEST = 1e-300  # a q below it is no number any more


def plot_volcano(
    genes: pd.DataFrame, *, source_class: str = ALL_SOURCES, is_log: bool = True, ax: Axes | None = None
) -> Figure:
    """One point per gene: its log2 fold change from a source class to the target, and -log10 of its q.

    The dashed line is q = .05; genes below it are lighter. The ten genes that lead in either direction, by the
    moderated t, are named: with triangles up those higher in the target, with triangles down those lower. Genes that
    could not be tested are left out.

    Parameters
    ----------
    genes
        `run.tables["genes"]`, or `genes.tsv` of a run folder as a data frame.
    source_class
        The class to compare with the target; empty takes all source samples together.
    is_log
        Whether the matrix was on a log2 scale, so that a difference of means is a log2 fold change.
    ax
        Axes to draw into. None makes a new figure.

    Returns
    -------
    The new figure, or that of `ax`.

    Examples
    --------
    >>> figure = tspg.plot_volcano(run.tables["genes"])
    >>> figure.savefig("volcano.svg")
    """
    own = tested_genes(genes, source_class)
    own = own.assign(x=own["difference"], y=-np.log10(own["q_value"].clip(lower=_SMALLEST)))
    leading = {way: leading_genes(own, k=NAMED, direction=way, source_class=source_class) for way in ("up", "down")}
    with house_style():
        if ax is None:
            ax = new_figure(COLUMN, 3.1).add_axes((0.115, 0.125, 0.86, 0.86))
        colours = np.where(own["q_value"] < SURE, _SURE, _UNSURE)
        ax.scatter(own["x"], own["y"], s=2.5, c=colours, linewidths=0, rasterized=True)
        ax.axhline(-np.log10(SURE), color=FAINT, linewidth=0.5, linestyle=(0, (4, 3)))
        left, right = (widest(leading[way]["gene"]) + 0.15 for way in ("down", "up"))  # inches that names need
        low, high = min(own["x"].min(), -0.1), max(own["x"].max(), 0.1)
        scale = (high - low) / max(_inches_across(ax) - left - right, 0.5)
        ax.set(xlim=(low - left * scale, high + right * scale), ylim=(0, 1.05 * max(own["y"].max(), 2.0)))
        name_leading(ax, leading, across=False)
        ax.set_xlabel("log2 fold change" if is_log else "difference of the means")
        ax.set_ylabel("\N{MINUS SIGN}log10 q")
    return whole(ax.figure)


def tested_genes(genes: pd.DataFrame, source_class: str) -> pd.DataFrame:
    """The rows of a source class that have a q."""
    return genes[(genes["source_class"] == source_class) & genes["q_value"].notna()]


def _inches_across(axes: Axes) -> float:
    return float(axes.bbox.width / axes.figure.dpi)
