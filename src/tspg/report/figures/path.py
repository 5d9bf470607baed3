"""The path from a profile to its moved form: when classifiers change their call, and what distance is left."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tspg.analysis.interpretation.path import switch_point
from tspg.report.figures.palette import COLOURS
from tspg.report.figures.style import COLUMN, FAINT, INK, PAGE, axes_at, house_style, new_figure, shortened

MOST_PANELS, COLUMNS = 16, 4
_LEFT, _GAP, _PANEL, _ROW, _LEGEND = 0.3, 0.17, 0.9, 1.4, 0.42  # inches
LINES = (
    ("called_by_f", "called the target by the classifier", COLOURS[1], "-"),
    ("called_by_logistic", "called the target by logistic regression", COLOURS[0], "--"),
    ("energy_left", "distance left to real target samples", INK, ":"),
)


def plot_path(path: pd.DataFrame) -> Figure:
    """One panel per source class or sample: what holds at x + a P as a goes from 0 (before) to 1 (after).

    Takes the table of `path_table`. Of more than sixteen cases the first are drawn.
    """
    cases = list(path.groupby(["source_class", "sample"], sort=False))
    drawn = cases[:MOST_PANELS]
    width, n_columns = (COLUMN, 2) if len(drawn) <= 2 else (PAGE, min(COLUMNS, len(drawn)))
    n_rows = -(-len(drawn) // n_columns)
    panel = (width - _LEFT - _GAP * n_columns) / n_columns
    with house_style():
        height = n_rows * _ROW + _LEGEND
        figure = new_figure(width, height)
        for number, ((source_class, sample), rows) in enumerate(drawn):
            row, column = divmod(number, n_columns)
            place = (_LEFT + column * (panel + _GAP), height - _LEGEND - (row + 1) * _ROW + 0.32, panel, _PANEL)
            axes = axes_at(figure, place, (width, height), label=str(number))
            letters = int(panel * 14)
            _draw(axes, rows, shortened(str(sample) or str(source_class) or "class unknown", letters))
            if column:
                axes.tick_params(labelleft=False)
            if number + n_columns >= len(drawn):
                axes.set_xlabel("a, the part of P added")
        handles = figure.axes[0].lines[: len(LINES)]
        names = [line[1] for line in LINES]
        figure.legend(handles, names, loc="upper left", bbox_to_anchor=(0, 1), borderpad=0.2, labelspacing=0.3)
        return figure


def _draw(axes: Axes, rows: pd.DataFrame, name: str) -> None:
    for column, _, colour, style in LINES:
        axes.plot(rows["a"], rows[column], color=colour, linestyle=style, linewidth=1)
    for classifier, colour in (("f", COLOURS[1]), ("logistic", COLOURS[0])):
        at = switch_point(rows, classifier)
        if pd.notna(at):
            axes.plot([at], [0.5], "o", color=colour, markersize=3, clip_on=False)
    axes.axhline(0.5, color=FAINT, linewidth=0.5)
    axes.set(xlim=(0, 1), ylim=(-0.04, 1.04))
    for set_ticks in (axes.set_xticks, axes.set_yticks):
        set_ticks([0, 0.5, 1], ["0", "0.5", "1"])
    axes.set_title(name)
