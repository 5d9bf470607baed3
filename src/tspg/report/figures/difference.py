"""P beside the difference of the class means: what the list by P adds to differential expression."""

import numpy as np
import pandas as pd
from anndata import AnnData
from matplotlib.figure import Figure

from tspg.analysis.interpretation.class_genes import ALL_SOURCES, change_and_difference, leading_genes
from tspg.report.figures.style import DOWN_COLOUR, FAINT, UP_COLOUR, house_style, new_figure, shortened

LABELLED = 8  # genes in a direction


def plot_difference(perturbations: AnnData, genes: pd.DataFrame) -> Figure:
    """One point per gene: the difference of the class means, and the mean change P, both on the scaled axis.

    Of the training samples, all sources together. The genes that lead in the table of `class_genes` are named. On the
    line P is the plain difference.
    """
    change, difference = change_and_difference(perturbations)
    scaled = genes[genes["source_class"] == ALL_SOURCES].assign(scaled=difference, perturbation=change)
    with house_style():
        figure = new_figure(4.6, 4.2)
        axes = figure.add_axes((0.15, 0.13, 0.82, 0.84))
        reach = float(np.nanmax(np.abs(scaled[["scaled", "perturbation"]].to_numpy()), initial=0.1)) * 1.15
        axes.plot([-reach, reach], [-reach, reach], color=FAINT, linewidth=0.7)
        axes.scatter(scaled["scaled"], scaled["perturbation"], s=5, color=FAINT, linewidths=0, rasterized=True)
        for direction, colour, edge in (("up", UP_COLOUR, -0.97), ("down", DOWN_COLOUR, 0.97)):
            rows = leading_genes(scaled, k=LABELLED, direction=direction)
            axes.scatter(rows["scaled"], rows["perturbation"], s=12, color=colour, linewidths=0)
            # Names in a column at the edge, in the order of P, each with a line to its point.
            top = 0.95 if direction == "up" else -0.95 + 0.1 * (len(rows) - 1)
            ordered = rows.sort_values("perturbation", ascending=False).to_dict("records")
            for place, row in enumerate(ordered):
                axes.annotate(
                    shortened(str(row["gene"]), 14),
                    (row["scaled"], row["perturbation"]),
                    (edge * reach, reach * (top - 0.1 * place)),
                    color=colour,
                    ha="left" if direction == "up" else "right",
                    va="center",
                    fontsize=8,
                    parse_math=False,
                    arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.3, "alpha": 0.6},
                )
        axes.set(xlim=(-reach, reach), ylim=(-reach, reach))
        axes.set_xlabel("difference of the class means, target less source (scaled)")
        axes.set_ylabel("P, mean change by the model (scaled)")
        return figure
