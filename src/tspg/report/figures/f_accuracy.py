"""Which samples the classifier calls the target before and after (the paper's Table 1, class by class)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from anndata import AnnData
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from tspg.analysis.evaluation.proportions import rate_interval
from tspg.analysis.interpretation.perturbations import target_class_of
from tspg.report.figures.embedding import source_rows
from tspg.report.figures.style import (
    COLUMN,
    GREY,
    PAGE,
    SMALL,
    axes_at,
    canvas,
    house_style,
    text_width,
    whole,
    wrapped,
)
from tspg.utils.typing import BoolArray

_ROW, _TALL_ROW = 0.16, 0.24  # inches for a class with a name on one line, on two
_HEAD, _FOOT = 0.42, 0.36
_NARROW, _WIDE, _WIDEST = 22, 34, 44  # letters of a class name on a line
_MOST_TALL = 30  # rows with names on two lines that fit on a page
_BEFORE, _AFTER = "#767676", "#0072B2"


@dataclass(frozen=True)
class _Row:
    """One line of the figure: `place` 0 for a source class, 1 for all of them, 2 for the target."""

    name: str
    place: int
    mask: BoolArray


@dataclass(frozen=True)
class _Share:
    """How many of `n` samples f calls the target, before and moved; the latter's 95% interval."""

    before: int
    after: int
    n: int
    low: float
    high: float


def plot_f_accuracy(perturbations: AnnData, *, ax: Axes | None = None) -> Figure:
    """The share of each class that the classifier calls the target, before and after, with its 95% interval.

    Left: held-out samples, from which no network learned. Right: all samples. The target's own
    samples are set apart at the bottom, since calling them the target is no achievement.

    Parameters
    ----------
    perturbations
        Moved profiles: `run.perturbations`, or what `read_perturbations` or `TrainedModel.perturb` gave.
    ax
        Axes whose place the panels take, at least 7 by 2 inches large; their own frame is hidden. None makes a new
        figure.

    Returns
    -------
    The new figure, or that of `ax`.

    Examples
    --------
    >>> figure = tspg.plot_f_accuracy(run.perturbations)
    >>> figure.savefig("f_accuracy.png")
    """
    held_out = perturbations.obs["split"].to_numpy(object) == "test"
    panels = {"Held-out samples": held_out} if held_out.any() else {}
    panels["All samples"] = np.ones(len(held_out), dtype=bool)
    first, target = next(iter(panels.values())), target_class_of(perturbations)
    source = perturbations.obs["source_class"].to_numpy(object)
    moved = np.isin(np.arange(len(source)), source_rows(perturbations))
    rows = [_Row(name, 0, moved & (source == name)) for name in sorted(set(source[moved]))]
    if len(rows) > 1:
        rows.append(_Row("All of these", 1, moved))
    if (source == target).any():
        rows.append(_Row(f"{target} (the target itself)", 2, source == target))

    def rank(row: _Row) -> tuple[int, float, float, str]:
        """Best class first, a class without samples last; ties by what it was before, then by name."""
        share = _share(perturbations, row.mask & first)
        n = share.n or 1
        return row.place, -share.after / n if share.n else 1.0, -share.before / n, row.name

    rows.sort(key=rank)
    width, letters = (PAGE, _WIDE) if len(panels) > 1 else (COLUMN, _NARROW)
    letters, lines = (letters, 2) if len(rows) <= _MOST_TALL else (_WIDEST, 1)
    labels = [wrapped(row.name or "class unknown", letters, max_lines=lines) for row in rows]
    with house_style():
        margin = max((text_width(label, SMALL) for label in labels), default=0.0) + 0.16
        most = max((int(row.mask.sum()) for row in rows), default=0)
        counts = text_width(f"{most} of {most}", SMALL) + 0.1
        panel_width = (width - margin) / len(panels)
        row_height = _TALL_ROW if any("\n" in label for label in labels) else _ROW
        height = row_height * (len(rows) + 1) + _HEAD + _FOOT
        figure = canvas(width, height, ax)
        for i, (title, panel) in enumerate(panels.items()):
            place = (margin + i * panel_width, _FOOT, panel_width - counts - 0.08, height - _HEAD - _FOOT)
            axes = axes_at(figure, place, (width, height))
            shares = [_share(perturbations, row.mask & panel) for row in rows]
            _draw_panel(axes, title, [row.place for row in rows], shares)
            axes.set_yticks(axes.get_yticks(), labels if i == 0 else [""] * len(labels))
        signs = [
            Line2D([], [], ls="", marker="o", mfc="white", mec=_BEFORE, mew=0.8, ms=4.5, label="before"),
            Line2D([], [], ls="", marker="D", color=_AFTER, ms=3, label="moved"),
            Line2D([], [], color=_AFTER, lw=1.6, alpha=0.4, label="95% interval"),
        ]
        anchor = (0.03 / width, 1 - 0.03 / height)
        figure.legend(handles=signs, loc="upper left", bbox_to_anchor=anchor, ncols=3, columnspacing=1.4, borderpad=0)
    return whole(figure)


def _share(perturbations: AnnData, mask: BoolArray) -> _Share:
    facts, obs = perturbations.uns["tspg"], perturbations.obs[mask]
    before, after = ((obs[f"predicted_{when}"] == facts["target_class"]).to_numpy() for when in ("before", "after"))
    donors = obs["group"].to_numpy(object) if facts.get("has_donors", False) else None
    return _Share(int(before.sum()), int(after.sum()), len(after), *rate_interval(after, donors))


def _draw_panel(axes: Axes, title: str, places: Sequence[int], shares: Sequence[_Share]) -> None:
    """Per row a hollow dot before, a filled one after with its interval, and the count of the latter."""
    heights = [i + 0.5 * place for i, place in enumerate(places)]  # a gap before the sums
    for y, share in zip(heights, shares, strict=True):
        count = f"{share.after} of {share.n}" if share.n else "no sample"
        axes.text(1.03, y, count, transform=axes.get_yaxis_transform(), size=SMALL, va="center_baseline", color=GREY)
    known = [
        (y, one.before / one.n, one.after / one.n, one.low, one.high)
        for y, one in zip(heights, shares, strict=True)
        if one.n
    ]
    at, before, after, low, high = np.array(known).reshape(-1, 5).T
    axes.hlines(at, before, after, color="#D5D5D5", lw=0.8, zorder=1)
    axes.hlines(at, low, high, color=_AFTER, lw=1.6, alpha=0.4, zorder=2)
    axes.plot(before, at, "o", mfc="white", mec=_BEFORE, mew=0.8, ms=4.5, zorder=3, clip_on=False)
    axes.plot(after, at, "D", color=_AFTER, ms=3, zorder=4, clip_on=False)
    axes.set_title(title)
    axes.set(xlim=(-0.03, 1.03), ylim=((heights[-1] if heights else 0) + 0.7, -0.7))
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0%", "", "50%", "", "100%"])
    axes.set_yticks(heights)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color="#E6E6E6", lw=0.4)
    axes.set_axisbelow(True)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.set_xlabel("called the target by the classifier")
