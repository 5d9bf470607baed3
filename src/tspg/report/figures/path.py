"""The path from a profile to its moved form: when classifiers change their call, and what distance is left."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tspg.analysis.interpretation.path import switch_point
from tspg.report.figures.palette import COLOURS
from tspg.report.figures.style import FAINT, INK, house_style, new_figure, shortened

MOST_PANELS, COLUMNS = 16, 4
_WIDTH, _HEIGHT, _LEGEND = 2.1, 1.85, 0.75  # inches a panel, and above them
LINES = (
    ("called_by_f", "called the target by f", COLOURS[1], "-"),
    ("called_by_logistic", "called the target by logistic regression", COLOURS[0], "--"),
    ("energy_left", "energy distance left to real target samples", INK, ":"),
)


def plot_path(path: pd.DataFrame) -> Figure:
    """One panel per source class or sample: what holds at x + a P as a goes from 0 (before) to 1 (after).

    Takes the table of `path_table`. Of more than sixteen cases the first are drawn, and the figure says so.
    """
    cases = list(path.groupby(["source_class", "sample"], sort=False))
    drawn = cases[:MOST_PANELS]
    n_columns = min(COLUMNS, max(len(drawn), 2))
    with house_style():
        figure = new_figure(n_columns * _WIDTH + 0.5, -(-len(drawn) // n_columns) * _HEIGHT + _LEGEND)
        width, height = figure.get_size_inches()
        for number, ((source_class, sample), rows) in enumerate(drawn):
            row, column = divmod(number, n_columns)
            left, bottom = 0.5 + column * _WIDTH, height - _LEGEND - (row + 1) * _HEIGHT + 0.4
            axes = figure.add_axes((left / width, bottom / height, 1.7 / width, 1.15 / height), label=str(number))
            _draw(axes, rows, str(sample) or str(source_class) or "class unknown")
            if column == 0:
                axes.set_ylabel("share")
            if number + n_columns >= len(drawn):
                axes.set_xlabel("a, the part of P added")
        handles = figure.axes[0].lines[: len(LINES)]
        figure.legend(handles, [line[1] for line in LINES], loc="upper left", bbox_to_anchor=(0.0, 1.0))
        if len(drawn) < len(cases):
            note = f"{len(drawn)} of {len(cases)}; all are in path.tsv"
            figure.text(0.99, 0.01, note, ha="right", color=FAINT, fontsize=7.5)
        return figure


def _draw(axes: Axes, rows: pd.DataFrame, name: str) -> None:
    for column, _, colour, style in LINES:
        axes.plot(rows["a"], rows[column], color=colour, linestyle=style, linewidth=1.5)
    for classifier, colour in (("f", COLOURS[1]), ("logistic", COLOURS[0])):
        at = switch_point(rows, classifier)
        if pd.notna(at):
            axes.plot([at], [0.5], "o", color=colour, markersize=4, clip_on=False)
    axes.axhline(0.5, color=FAINT, linewidth=0.5)
    axes.set(xlim=(0, 1), ylim=(-0.04, 1.04), xticks=[0, 0.5, 1], yticks=[0, 0.5, 1])
    axes.set_title(shortened(name, 26), fontsize=8.5)
