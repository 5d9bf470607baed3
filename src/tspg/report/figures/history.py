"""How training went, epoch by epoch."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from tspg.report.figures.style import FAINT, INK, house_style, new_figure

Curves = Mapping[str, tuple[str, str]]
Terms = Mapping[str, tuple[str, str, str]]


@dataclass(frozen=True)
class _Layout:
    """Which columns of a history are drawn: each loss with its meaning, and the terms of the sum together."""

    losses: Curves
    terms: Terms
    columns: int
    clock: str  # what the horizontal axis counts


_PAPER = _Layout(
    {
        "discriminator_loss": ("Discriminator", "lower: tells real from perturbed better"),
        "realism_loss": ("Generator: realism", "lower: D takes it for real (Eq. 1)"),
        "target_class_loss": ("Generator: target class", "0: f calls every sample the target (Eq. 2)"),
        "perturbation_norm_loss": ("Generator: size of change", "lower: smaller perturbations (Eq. 3)"),
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
_TRANSPORT = _Layout(
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


def plot_history(history: pd.DataFrame) -> Figure:
    """How every part of the loss and the held-out hit rate went, epoch by epoch.

    The presets have losses of their own; a method in closed form has no training, and the figure says so.

    Parameters
    ----------
    history
        `run.history`, or `history.tsv` of a run folder as a data frame.

    Examples
    --------
    >>> figure = tspg.plot_history(run.history)
    >>> figure.savefig("history.png")
    """
    with house_style():
        if history.empty:
            return _nothing_to_show()
        layout = _TRANSPORT if "energy_distance_loss" in history else _PAPER
        figure = new_figure(2.55 * layout.columns, 5.2)
        figure.text(0.012, 0.98, _title(history, layout), size=10.5, weight="bold", va="top")
        panels = list(figure.subplots(2, layout.columns).flat)
        figure.subplots_adjust(left=0.24 / layout.columns, right=0.985, top=0.83, bottom=0.1, hspace=0.62, wspace=0.34)
        time = history[layout.clock]
        for axes, (column, (title, meaning)) in zip(panels, layout.losses.items(), strict=False):
            _curve(axes, time, history, column, title, meaning)
        _shares(panels[-2], time, history, layout.terms)
        _curve(panels[-1], time, history, "hit_rate", "Hit rate", "held-out sources that f calls the target")
        panels[-1].set_ylim(-0.04, 1.04)
        for axes in panels[layout.columns :]:
            axes.set_xlabel(layout.clock)
        return figure


def _nothing_to_show() -> Figure:
    figure = new_figure(6, 0.8)
    figure.text(0.03, 0.5, "No training: the method is known in closed form.", va="center", color=FAINT)
    return figure


def _title(history: pd.DataFrame, layout: _Layout) -> str:
    parts = [f"{len(history):,} epochs"] if layout.clock == "epoch" else []
    if "step" in history:
        parts.append(f"{history['step'].iloc[-1]:,.0f} steps")
    return f"Training of the generator: {', '.join(parts)}"


def _curve(axes: Axes, time: pd.Series, history: pd.DataFrame, column: str, title: str, meaning: str) -> None:
    _heading(axes, title, meaning)
    _line(axes, time, history, column, "-", INK)
    if not axes.lines:
        axes.text(0.5, 0.5, "not available", transform=axes.transAxes, ha="center", color=FAINT)


def _line(axes: Axes, time: pd.Series, history: pd.DataFrame, column: str, style: str, colour: str) -> None:
    if column in history and history[column].notna().any():
        marker = "o" if len(history) < 3 else ""
        axes.plot(time, history[column], style, color=colour, lw=1.3, marker=marker, ms=3)
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


def _shares(axes: Axes, time: pd.Series, history: pd.DataFrame, terms: Terms) -> None:
    """The terms as they enter the sum, so that one sees which of them is in charge."""
    _heading(axes, "Terms with their weights", "the largest one is in charge")
    handles = []
    for column, (name, style, colour) in terms.items():
        _line(axes, time, history, column, style, colour)
        handles.append(Line2D([], [], ls=style, color=colour, lw=1.3, label=name))
    axes.legend(handles=handles, fontsize=6.4, loc="best", handlelength=2.4, labelspacing=0.25)
