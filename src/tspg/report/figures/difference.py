"""P beside the difference of the class means: what the list by P adds to differential expression."""

import numpy as np
import pandas as pd
from anndata import AnnData
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tspg.analysis.interpretation.class_genes import ALL_SOURCES, change_and_difference, leading_genes
from tspg.report.figures.style import DOWN_COLOUR, FAINT, UP_COLOUR, house_style, new_figure, shortened

LABELLED = 8  # genes in a direction
_SIZE = (4.6, 4.2)  # inches


def plot_difference(perturbations: AnnData, genes: pd.DataFrame) -> Figure:
    """One point per gene: the difference of the class means, and the mean change P, both on the scaled axis.

    Of the training samples, all sources together. Takes the table of `class_genes` too: the genes that lead are
    named. On the line P is the plain difference.
    """
    change, difference = change_and_difference(perturbations)
    own = genes[genes["source_class"] == ALL_SOURCES]
    scaled = own.assign(scaled=difference, perturbation=change)
    with house_style():
        figure = new_figure(*_SIZE)
        axes = figure.add_axes((0.15, 0.13, 0.82, 0.84))
        reach = float(np.nanmax(np.abs(scaled[["scaled", "perturbation"]].to_numpy()), initial=0.1)) * 1.15
        axes.plot([-reach, reach], [-reach, reach], color=FAINT, linewidth=0.7)
        axes.scatter(scaled["scaled"], scaled["perturbation"], s=5, color=FAINT, linewidths=0, rasterized=True)
        for direction, colour in (("up", UP_COLOUR), ("down", DOWN_COLOUR)):
            rows = leading_genes(scaled, k=LABELLED, direction=direction)
            axes.scatter(rows["scaled"], rows["perturbation"], s=12, color=colour, linewidths=0)
            _label(axes, rows, colour, reach, 1 if direction == "up" else -1)
        axes.set(xlim=(-reach, reach), ylim=(-reach, reach))
        axes.set_xlabel("difference of the class means, target less source (scaled)")
        axes.set_ylabel("P, mean change by the model (scaled)")
        return figure


def _label(axes: Axes, rows: pd.DataFrame, colour: str, reach: float, side: int) -> None:
    """Names in a column at the edge, in the order of P, each with a line to its point."""
    ordered = rows.sort_values("perturbation", ascending=False)
    for place, row in enumerate(ordered.to_dict("records")):
        at = reach * (0.95 - 0.1 * place) if side > 0 else reach * (-0.95 + 0.1 * (len(ordered) - 1 - place))
        axes.annotate(
            shortened(str(row["gene"]), 14),
            (row["scaled"], row["perturbation"]),
            (-0.97 * reach if side > 0 else 0.97 * reach, at),
            color=colour,
            ha="left" if side > 0 else "right",
            va="center",
            fontsize=8,
            parse_math=False,
            arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.3, "alpha": 0.6},
        )
