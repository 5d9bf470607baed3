"""Which samples the classifier calls the target before and after (the paper's Table 1, class by class)."""

from dataclasses import dataclass

import numpy as np
from anndata import AnnData
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from tspg.analysis.evaluation.proportions import rate_interval
from tspg.report.figures.sampling import source_rows
from tspg.report.figures.style import FAINT, house_style, new_figure, text_width, wrapped
from tspg.utils.typing import BoolArray

_ROW, _TALL_ROW = 0.235, 0.34  # inches for a class with a name on one line, on two
_HEAD, _FOOT = 0.95, 0.98
_PANEL, _COUNTS = 2.45, 0.72  # inches across
_BEFORE, _AFTER = "#767676", "#0072B2"


@dataclass(frozen=True)
class Share:
    """How many of `n` samples f calls the target, before and after their perturbation; the latter's 95% interval."""

    before: int
    after: int
    n: int
    low: float
    high: float


@dataclass(frozen=True)
class _Row:
    """One line of the figure: `place` 0 for a source class, 1 for all of them, 2 for the target."""

    name: str
    place: int
    mask: BoolArray

    @property
    def written(self) -> str:
        """The name as it stands beside the line."""
        return wrapped(self.name or "class unknown", 48, max_lines=2)


def plot_f_accuracy(perturbations: AnnData) -> Figure:
    """The share of each class that the classifier calls the target, before and after, with its 95% interval.

    Left: held-out samples, from which no network learned. Right: all samples. The target's own
    samples stand apart at the bottom, since calling them the target is no achievement.

    Parameters
    ----------
    perturbations
        Moved profiles: `run.perturbations`, or what `read_perturbations` or `TrainedModel.perturb` gave.

    Examples
    --------
    >>> figure = tspg.plot_f_accuracy(run.perturbations)
    >>> figure.savefig("f_accuracy.png")
    """
    held_out = perturbations.obs["split"].to_numpy(object) == "test"
    panels = {"All samples": np.ones(len(held_out), dtype=bool)}
    if held_out.any():
        panels = {"Held-out samples": held_out, **panels}
    first = next(iter(panels.values()))
    rows = sorted(_rows(perturbations), key=lambda row: _rank(row, share(perturbations, row.mask & first)))
    with house_style():
        labels = [row.written for row in rows]
        margin = max([1.0, *(text_width(label, 8) for label in labels)]) + 0.3
        most = int(max(row.mask.sum() for row in rows)) if rows else 0
        panel_width = _PANEL + max(_COUNTS, text_width(f"{most} of {most}", 7.4) + 0.2)
        width = max(margin + len(panels) * panel_width, 6.6)
        row_height = _TALL_ROW if any("\n" in label for label in labels) else _ROW
        figure = new_figure(width, row_height * (len(rows) + 1) + _HEAD + _FOOT)
        for i, (title, panel) in enumerate(panels.items()):
            shares = [share(perturbations, row.mask & panel) for row in rows]
            axes = _panel(figure, margin + i * panel_width, title, rows, shares)
            axes.set_yticks(axes.get_yticks(), labels if i == 0 else [""] * len(labels))
        _surroundings(figure, str(perturbations.uns["tspg"]["target_class"]))
        return figure


def share(perturbations: AnnData, mask: BoolArray) -> Share:
    """How many of the chosen samples the classifier calls the target, before and after."""
    target = perturbations.uns["tspg"]["target_class"]
    before, after = (perturbations.obs[column] == target for column in ("predicted_before", "predicted_after"))
    called = after.to_numpy()[mask]
    has_donors = perturbations.uns["tspg"].get("has_donors", False)
    donors = perturbations.obs["group"].to_numpy(object)[mask] if has_donors else None
    return Share(int((before & mask).sum()), int(called.sum()), len(called), *rate_interval(called, donors))


def _rows(perturbations: AnnData) -> list[_Row]:
    source = perturbations.obs["source_class"].to_numpy(object)
    target = str(perturbations.uns["tspg"]["target_class"])
    moved = np.isin(np.arange(len(source)), source_rows(perturbations))
    rows = [_Row(name, 0, moved & (source == name)) for name in sorted(set(source[moved]))]
    if len(rows) > 1:
        rows.append(_Row("All of these", 1, moved))
    if (source == target).any():
        rows.append(_Row(f"{target} (the target itself)", 2, source == target))
    return rows


def _rank(row: _Row, counted: Share) -> tuple[int, float, float, str]:
    """Best class first, a class without samples last; ties by what it was before, then by name."""
    n = counted.n or 1
    return row.place, -counted.after / n if counted.n else 1.0, -counted.before / n, row.name


def _panel(figure: Figure, left: float, title: str, rows: list[_Row], shares: list[Share]) -> Axes:
    width, height = figure.get_size_inches()
    axes = figure.add_axes((left / width, _FOOT / height, _PANEL / width, 1 - (_HEAD + _FOOT) / height))
    heights = [i + 0.5 * row.place for i, row in enumerate(rows)]  # a gap before the sums
    for y, counted in zip(heights, shares, strict=True):
        _dots(axes, y, counted)
    axes.set_title(title)
    axes.set_xlim(-0.03, 1.03)
    axes.set_ylim((heights[-1] if heights else 0) + 0.7, -0.7)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0%", "", "50%", "", "100%"])
    axes.set_yticks(heights)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color="#E6E6E6", lw=0.6)
    axes.set_axisbelow(True)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.set_xlabel("share that f calls the target")
    return axes


def _dots(axes: Axes, y: float, counted: Share) -> None:
    """A hollow dot before, a filled one after with its interval, and the count of the latter."""
    count = f"{counted.after} of {counted.n}" if counted.n else "no sample"
    beside = axes.get_yaxis_transform()
    axes.text(1.03, y, count, transform=beside, size=7.4, va="center_baseline", color="#555555")
    if not counted.n:
        return
    before, after = counted.before / counted.n, counted.after / counted.n
    axes.plot([before, after], [y, y], color="#D5D5D5", lw=1.2, zorder=1)
    axes.plot([counted.low, counted.high], [y, y], color=_AFTER, lw=2.6, alpha=0.4, zorder=2, solid_capstyle="butt")
    axes.plot(before, y, "o", mfc="white", mec=_BEFORE, mew=1.2, ms=7, zorder=3, clip_on=False)
    axes.plot(after, y, "D", color=_AFTER, ms=4.8, zorder=4, clip_on=False)


def _surroundings(figure: Figure, target: str) -> None:
    width, height = figure.get_size_inches()
    title = wrapped(f"Called {target} by the classifier f", int(width * 10))
    figure.text(0.12 / width, 1 - 0.12 / height, title, size=10.5, weight="bold", va="top")
    signs = [
        Line2D([], [], ls="", marker="o", mfc="white", mec=_BEFORE, mew=1.2, ms=7, label="before"),
        Line2D([], [], ls="", marker="D", color=_AFTER, ms=4.8, label="after perturbation"),
        Line2D([], [], color=_AFTER, lw=2.6, alpha=0.4, label="95% interval"),
    ]
    figure.legend(
        handles=signs,
        loc="upper left",
        bbox_to_anchor=(0.05 / width, 1 - 0.3 / height),
        ncols=3,
        columnspacing=1.6,
    )
    note = "A high share alone does not make a sample like the target: f can be convinced by much less."
    figure.text(0.12 / width, 0.1 / height, note, size=7.4, color=FAINT, va="bottom")
