"""How training went, epoch by epoch."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from tspg.report.style import FAINT, INK, house_style, new_figure

_LOSSES = {
    "discriminator_loss": ("Discriminator", "lower: tells real from perturbed better"),
    "realism_loss": ("Generator: realism", "lower: D takes it for real (Eq. 1)"),
    "target_class_loss": ("Generator: target class", "0: f calls every sample the target (Eq. 2)"),
    "perturbation_norm_loss": ("Generator: size of change", "lower: smaller perturbations (Eq. 3)"),
    "target_distance_loss": ("Generator: target distance", "lower: nearer to target samples (Eq. 4)"),
    "total_loss": ("Generator: sum", "what the generator lowers (Eq. 5)"),
}
_WEIGHTED = {
    "weighted_target_distance_loss": ("target distance", "-", "#009E73"),
    "weighted_perturbation_norm_loss": ("size of change", "--", "#0072B2"),
    "weighted_realism_loss": ("realism", "-.", "#E69F00"),
    "weighted_target_class_loss": ("target class", ":", "#CC79A7"),
}


def plot_history(history: pd.DataFrame) -> Figure:
    """How every part of the loss and the held-out hit rate went, epoch by epoch."""
    with house_style():
        figure = new_figure(10.2, 5.2)
        figure.text(0.012, 0.98, _title(history), size=10.5, weight="bold", va="top")
        grid = figure.subplots(2, 4)
        figure.subplots_adjust(left=0.06, right=0.985, top=0.83, bottom=0.1, hspace=0.62, wspace=0.34)
        panels = list(grid.flat)
        for axes, (column, (title, meaning)) in zip(panels, _LOSSES.items(), strict=False):
            _curve(axes, history, column, title, meaning)
        _shares(panels[6], history)
        _curve(panels[7], history, "hit_rate", "Hit rate", "held-out sources that f calls the target")
        panels[7].set_ylim(-0.04, 1.04)
        for axes in panels[4:]:
            axes.set_xlabel("epoch")
        return figure


def _title(history: pd.DataFrame) -> str:
    steps = f", {history['step'].iloc[-1]:,.0f} steps" if "step" in history and len(history) else ""
    return f"Training of the generator: {len(history):,} epochs{steps}"


def _curve(axes: Axes, history: pd.DataFrame, column: str, title: str, meaning: str) -> None:
    _heading(axes, title, meaning)
    _line(axes, history, column, "-", INK)
    if not axes.lines:
        axes.text(0.5, 0.5, "not available", transform=axes.transAxes, ha="center", color=FAINT)


def _line(axes: Axes, history: pd.DataFrame, column: str, style: str, colour: str) -> None:
    if column in history and history[column].notna().any():
        marker = "o" if len(history) < 3 else ""
        axes.plot(history["epoch"], history[column], style, color=colour, lw=1.3, marker=marker, ms=3)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))


def _heading(axes: Axes, title: str, meaning: str) -> None:
    axes.set_title(title, size=8.8, pad=15)
    axes.annotate(
        meaning,
        (0, 1),
        (0, 4),
        xycoords="axes fraction",
        textcoords="offset points",
        size=6.8,
        color="#555555",
    )
    axes.grid(axis="y", color="#E6E6E6", lw=0.6)
    axes.set_axisbelow(True)
    axes.locator_params(axis="y", nbins=5)


def _shares(axes: Axes, history: pd.DataFrame) -> None:
    """The four terms as they enter the sum, so that one sees which of them is in charge."""
    _heading(axes, "Terms with their weights", "the largest one is in charge")
    handles = []
    for column, (name, style, colour) in _WEIGHTED.items():
        _line(axes, history, column, style, colour)
        handles.append(Line2D([], [], ls=style, color=colour, lw=1.3, label=name))
    axes.legend(handles=handles, fontsize=6.4, loc="best", handlelength=2.4, labelspacing=0.25)
