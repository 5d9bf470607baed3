"""How training went, epoch by epoch."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from tspg.report.figures.style import COLUMN, FAINT, INK, PAGE, SMALL, canvas, house_style, whole


@dataclass(frozen=True)
class Layout:
    """Which columns of a history are drawn: each loss in a panel, and the terms of the sum together."""

    losses: Mapping[str, tuple[str, str]]  # title and meaning by column
    terms: Mapping[str, tuple[str, str, str]]  # name, line style and colour by column
    columns: int
    clock: str  # what the horizontal axis counts


_PAPER = Layout(
    {
        "discriminator_loss": ("Discriminator", "lower: tells real from moved better"),
        "realism_loss": ("Generator: realism", "lower: D takes it for real (Eq. 1)"),
        "target_class_loss": ("Generator: target class", "0: f calls every sample the target (Eq. 2)"),
        "perturbation_norm_loss": ("Generator: size of change", "lower: smaller changes (Eq. 3)"),
        "target_distance_loss": ("Generator: target distance", "lower: nearer to target samples (Eq. 4)"),
        "total_loss": ("Generator: sum", "what the generator lowers (Eq. 5)"),
    },
    {
        "weighted_target_distance_loss": ("target distance", "-", "#009E73"),
        "weighted_perturbation_norm_loss": ("size of change", "--", "#0072B2"),
        "weighted_realism_loss": ("realism", "-.", "#E69F00"),
        "weighted_target_class_loss": ("target class", ":", "#CC79A7"),
    },
    columns=4,
    clock="epoch",
)
_TRANSPORT = Layout(
    {
        "energy_distance_loss": ("Energy distance", "lower: nearer to real target samples"),
        "residual_size_loss": ("Size of the residual", "how much G adds to the linear map"),
        "target_class_loss": ("Target class", "0: f calls every sample the target"),
        "total_loss": ("Sum", "what the generator lowers"),
    },
    {
        "weighted_energy_distance_loss": ("energy distance", "-", "#009E73"),
        "weighted_residual_size_loss": ("size of the residual", "--", "#0072B2"),
        "weighted_target_class_loss": ("target class", ":", "#CC79A7"),
    },
    columns=3,
    clock="step",
)


def plot_history(history: pd.DataFrame, *, ax: Axes | None = None) -> Figure:
    """How every part of the loss and the held-out hit rate went, epoch by epoch.

    The presets have losses of their own; a method in closed form has no training, and the figure says so.

    Parameters
    ----------
    history
        `run.history`, or `history.tsv` of a run folder as a data frame.
    ax
        Axes whose place the panels take, at least 7 by 3 inches large; their own frame is hidden. None makes a new
        figure.

    Returns
    -------
    The new figure, or that of `ax`.

    Examples
    --------
    >>> figure = tspg.plot_history(run.history)
    >>> figure.savefig("history.png")
    """
    with house_style():
        if history.empty:
            figure = canvas(COLUMN, 0.5, ax)
            figure.text(0.03, 0.5, "No training: the method is known in closed form.", va="center", color=FAINT)
            return whole(figure)
        layout = layout_of(history)
        figure = canvas(PAGE, 2.9, ax)
        panels = list(figure.subplots(2, layout.columns).flat)
        left, gap, right = 0.38, 0.42, 0.07  # inches, of which the gap holds a panel's numbers
        width = (PAGE - left - right - gap * (layout.columns - 1)) / layout.columns
        inside = {"left": left / PAGE, "right": 1 - right / PAGE, "wspace": gap / width}
        figure.subplots_adjust(**inside, top=0.94, bottom=0.11, hspace=0.42)
        *losses, together, hits = panels
        titles = {**{column: title for column, (title, _) in layout.losses.items()}, "hit_rate": "Hit rate"}
        for axes, (column, title) in zip((*losses, hits), titles.items(), strict=True):
            _head(axes, title)
            if not _line(axes, history, layout.clock, column, "-", INK):
                axes.text(0.5, 0.5, "not available", transform=axes.transAxes, ha="center", color=FAINT)
        _head(together, "Terms with their weights")
        for column, (_, style, colour) in layout.terms.items():
            _line(together, history, layout.clock, column, style, colour)
        handles = [
            Line2D([], [], ls=style, color=colour, lw=1, label=name) for name, style, colour in layout.terms.values()
        ]
        together.legend(handles=handles, fontsize=SMALL, loc="best", handlelength=2.4, labelspacing=0.25)
        hits.set_ylim(-0.04, 1.04)
        for axes in panels[layout.columns :]:
            axes.set_xlabel(layout.clock)
    return whole(figure)


def layout_of(history: pd.DataFrame) -> Layout:
    """What a history holds."""
    return _TRANSPORT if "energy_distance_loss" in history else _PAPER


def _line(axes: Axes, history: pd.DataFrame, clock: str, column: str, style: str, colour: str) -> bool:
    """Draw a column over time; whether it has a number to draw."""
    if column not in history or history[column].isna().all():
        return False
    marker = "o" if len(history) < 3 else ""
    axes.plot(history[clock], history[column], style, color=colour, lw=1, marker=marker, ms=3)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    return True


def _head(axes: Axes, title: str) -> None:
    axes.set_title(title)
    axes.grid(axis="y", color="#E6E6E6", lw=0.4)
    axes.set_axisbelow(True)
    axes.locator_params(axis="y", nbins=5)
