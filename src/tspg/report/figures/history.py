"""How training went, epoch by epoch."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from tspg.report.figures.style import FAINT, GREY, INK, canvas, house_style, whole


@dataclass(frozen=True)
class _Layout:
    """Which columns of a history are drawn: each loss in a panel, and the terms of the sum together."""

    losses: Mapping[str, tuple[str, str]]  # title and meaning by column
    terms: Mapping[str, tuple[str, str, str]]  # name, line style and colour by column
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


def plot_history(history: pd.DataFrame, *, ax: Axes | None = None) -> Figure:
    """How every part of the loss and the held-out hit rate went, epoch by epoch.

    The presets have losses of their own; a method in closed form has no training, and the figure says so.

    Parameters
    ----------
    history
        `run.history`, or `history.tsv` of a run folder as a data frame.
    ax
        Axes whose place the panels take, at least 10 by 5 inches large; their own frame is hidden. None makes a new
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
            figure = canvas(6, 0.8, ax)
            figure.text(0.03, 0.5, "No training: the method is known in closed form.", va="center", color=FAINT)
            return whole(figure)
        layout = _TRANSPORT if "energy_distance_loss" in history else _PAPER
        figure = canvas(2.55 * layout.columns, 5.2, ax)
        parts = [f"{len(history):,} epochs"] if layout.clock == "epoch" else []
        parts += [f"{history['step'].iloc[-1]:,.0f} steps"] if "step" in history else []
        title = f"Training of the generator: {', '.join(parts)}"
        figure.text(0.012, 0.98, title, size=10.5, weight="bold", va="top")
        panels = list(figure.subplots(2, layout.columns).flat)
        figure.subplots_adjust(left=0.24 / layout.columns, right=0.985, top=0.83, bottom=0.1, hspace=0.62, wspace=0.34)
        *losses, together, hits = panels
        rate = {"hit_rate": ("Hit rate", "held-out sources that f calls the target")}
        for axes, (column, (title, meaning)) in zip((*losses, hits), {**layout.losses, **rate}.items(), strict=True):
            _head(axes, title, meaning)
            if not _line(axes, history, layout.clock, column, "-", INK):
                axes.text(0.5, 0.5, "not available", transform=axes.transAxes, ha="center", color=FAINT)
        _head(together, "Terms with their weights", "the largest one is in charge")
        for column, (_, style, colour) in layout.terms.items():
            _line(together, history, layout.clock, column, style, colour)
        handles = [
            Line2D([], [], ls=style, color=colour, lw=1.3, label=name) for name, style, colour in layout.terms.values()
        ]
        together.legend(handles=handles, fontsize=6.4, loc="best", handlelength=2.4, labelspacing=0.25)
        hits.set_ylim(-0.04, 1.04)
        for axes in panels[layout.columns :]:
            axes.set_xlabel(layout.clock)
    return whole(figure)


def _line(axes: Axes, history: pd.DataFrame, clock: str, column: str, style: str, colour: str) -> bool:
    """Draw a column over time; whether it has a number to draw."""
    if column not in history or history[column].isna().all():
        return False
    marker = "o" if len(history) < 3 else ""
    axes.plot(history[clock], history[column], style, color=colour, lw=1.3, marker=marker, ms=3)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    return True


def _head(axes: Axes, title: str, meaning: str) -> None:
    axes.set_title(title, size=8.8, pad=15)
    axes.annotate(meaning, (0, 1), (0, 4), "axes fraction", "offset points", size=6.8, color=GREY)
    axes.grid(axis="y", color="#E6E6E6", lw=0.6)
    axes.set_axisbelow(True)
    axes.locator_params(axis="y", nbins=5)
