"""The transformation of a sample, gene by gene: x, P, x_adv and mu_T (paper, Figs. 2-5)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from anndata import AnnData
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import FuncNorm, Normalize
from matplotlib.figure import Figure

from tspg.analysis.interpretation.perturbations import target_class_of
from tspg.errors import UsageError
from tspg.report.figures.style import (
    DOWN_COLOUR,
    FAINT,
    GREY,
    MINUS,
    UP_COLOUR,
    Formula,
    canvas,
    house_style,
    shortened,
    spread,
    whole,
    wrapped,
    write_beside,
    write_formula,
)
from tspg.utils.names import closest
from tspg.utils.text import counted
from tspg.utils.typing import Float64Array

STRIPS: dict[str, Formula] = {  # the name of a strip, and how it is written
    "x": ("x", "", ""),
    "P": ("P", "", ""),
    "x_adv": ("x", "adv", ""),
    "mu_T": ("\N{GREEK SMALL LETTER MU}", "T", ""),
}
TICKS = "#444444"


def _root(values: Float64Array) -> Float64Array:
    return np.sign(values) * np.sqrt(np.abs(values))


def _square(values: Float64Array) -> Float64Array:
    return values * np.abs(values)


Scale = tuple[str, Normalize]
EXPRESSION: Scale = ("viridis", Normalize(0, 1))  # colours, and how values become colours
# The same for every figure, so that figures can be compared; by the root, or the usual change of .1 would look white.
PERTURBATION: Scale = ("RdBu_r", FuncNorm((_root, _square), -1, 1))

_AT_MOST_BY_DEFAULT = 4
_PANELS_A_ROW = 4
_LABELLED = 10  # genes named at each end
_GENE_LETTERS = 15
_PANEL_WIDTH, _STRIPS_WIDTH, _STRIPS_HEIGHT = 2.55, 1.36, 4.6  # inches
_HEAD, _FOOT, _BAR_SPACE = 0.42, 0.35, 0.85
_LINE = 0.15  # inches for a line of a title
_LABEL_GAP = 0.122  # inches between the names of two genes
_BARS: tuple[tuple[Formula, Scale, int], ...] = (  # above a bar, its colours, and how many numbers are below it
    (("expression, scaled (0 = lowest, 1 = highest in training)", "", ""), EXPRESSION, 3),
    (("perturbation P = x", "adv", f" {MINUS} x, coloured by its root"), PERTURBATION, 5),
)


@dataclass(frozen=True)
class Profile:
    """One panel of the heat map: a sample, or the mean of a class, before and after its perturbation."""

    title: str
    subtitle: str
    original: Float64Array
    perturbation: Float64Array
    perturbed: Float64Array


def plot_heatmap(
    perturbations: AnnData,
    *,
    sample: str | Sequence[str] | None = None,
    source_class: str | Sequence[str] | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Samples or class means side by side: before (x), change (P), after (x_adv), target mean (mu_T).

    Genes are rows, in each panel ordered by that panel's perturbation, whose colours go by its root from -1 to 1, so
    that small changes show. Without a choice the mean of every source class is shown or, with more than four, of four
    from the largest to the smallest.

    Parameters
    ----------
    perturbations
        Moved profiles: `run.perturbations`, or what `read_perturbations` or `TrainedModel.perturb` gave.
    sample
        A sample, or several.
    source_class
        A source class, or several, each as its mean.
    ax
        Axes whose place the panels take, at least 6 by 7 inches large; their own frame is hidden. None makes a new
        figure.

    Returns
    -------
    The new figure, or that of `ax`.

    Raises
    ------
    UsageError
        If there is no such sample or class; the message names the closest ones.

    Examples
    --------
    >>> figure = tspg.plot_heatmap(run.perturbations, source_class="GI.GS")
    >>> figure.savefig("heatmap.pdf")
    """
    samples, classes = ([names] if isinstance(names, str) else list(names or ()) for names in (sample, source_class))
    if not samples and not classes:
        classes = default_classes(perturbations)
    if not samples and not classes:  # new profiles of unknown class
        samples = list(perturbations.obs_names[:_AT_MOST_BY_DEFAULT])
    chosen = [("sample", name) for name in samples] + [("class", name) for name in classes]
    profiles = [_profile(perturbations, kind, name) for kind, name in chosen]
    with house_style():
        genes, target_mean = list(perturbations.var_names), np.asarray(perturbations.var["target_mean"], np.float64)
        n_columns = min(_PANELS_A_ROW, len(profiles))
        width = max(n_columns * _PANEL_WIDTH, 5.6) + 0.2
        titles = [(wrapped(profile.title, 29), wrapped(profile.subtitle, 32)) for profile in profiles]
        head = _HEAD + _LINE * max(title.count("\n") + subtitle.count("\n") + 2 for title, subtitle in titles)
        row_height = head + _STRIPS_HEIGHT + _FOOT
        heading = wrapped(f"Perturbed to {target_class_of(perturbations)}", int(width * 10.5))
        heading += f"\n{len(genes):,} genes, the most raised one on top"
        top = 0.25 + 0.17 * heading.count("\n")
        height = top + -(-len(profiles) // n_columns) * row_height + _BAR_SPACE
        figure = canvas(width, height, ax)
        figure.text(0.15 / width, 1 - 0.1 / height, heading, size=10, weight="bold", va="top")
        for i, profile in enumerate(profiles):
            row, column = divmod(i, n_columns)
            left = column * _PANEL_WIDTH + 0.15
            bottom = height - top - (row + 1) * row_height + _FOOT
            axes = figure.add_axes(
                (left / width, bottom / height, _STRIPS_WIDTH / width, _STRIPS_HEIGHT / height), gid=f"panel-{i}"
            )
            _draw_panel(axes, profile, titles[i], target_mean, genes)
        _colour_bars(figure.add_axes((0, 0, 1, 1), gid="colours"), width, height)
    return whole(figure)


def default_classes(perturbations: AnnData) -> list[str]:
    """Up to four source classes, spread evenly from the largest to the smallest."""
    counts = perturbations.obs["source_class"].value_counts()
    sources = [str(name) for name in perturbations.uns["tspg"]["source_classes"] if name in counts.index]
    by_size = sorted(sources, key=lambda name: (-counts[name], name))
    picks = np.linspace(0, len(by_size) - 1, min(_AT_MOST_BY_DEFAULT, len(by_size)))
    return [by_size[round(i)] for i in picks]


def _profile(perturbations: AnnData, kind: str, name: str) -> Profile:
    """A sample by its name, or the mean of the samples of a class."""
    classes = perturbations.obs["source_class"]
    names = perturbations.obs_names if kind == "sample" else classes
    rows = np.flatnonzero(names == name)
    if not len(rows):
        known = dict.fromkeys(map(str, names))
        raise UsageError(
            f"{kind} {name[:80]!r}: there is no such {kind} among the {len(known)} of these perturbations. "
            f"The closest names are {', '.join(repr(other[:80]) for other in closest(name, known))}."
        )
    own_class = str(classes.iloc[rows[0]]) or "class unknown"
    subtitle = own_class if kind == "sample" else f"mean of {counted(len(rows), 'sample')}"
    layers = perturbations.layers
    matrices = (layers["original"], layers["perturbation"], np.asarray(perturbations.X))
    return Profile(name, subtitle, *(matrix[rows].mean(axis=0, dtype=np.float64) for matrix in matrices))


def _draw_panel(
    axes: Axes, profile: Profile, titles: tuple[str, str], target_mean: Float64Array, genes: list[str]
) -> None:
    """Four strips; the most raised and lowered genes beside them, name and class above, the range of P below."""
    n_genes, order = len(genes), np.argsort(-profile.perturbation, kind="stable")
    columns = (profile.original, profile.perturbation, profile.perturbed, target_mean)
    for i, (strip, values) in enumerate(zip(STRIPS, columns, strict=True)):
        scale = PERTURBATION if strip == "P" else EXPRESSION
        _image(axes, values[order, None], scale, (i + 0.05, i + 0.95, n_genes - 0.5, -0.5), gid=strip)
        write_formula(axes, (i / 4 + 1 / 8, 1), 5.5, STRIPS[strip], color=TICKS, size=8)
    axes.set(xlim=(0, 4), ylim=(n_genes - 0.5, -0.5))
    axes.set_axis_off()  # ticks would take longer to draw than all the rest
    change = profile.perturbation[order]
    raised = [i for i in range(min(_LABELLED, n_genes)) if change[i] > 0]
    lowered = [i for i in range(max(n_genes - _LABELLED, len(raised)), n_genes) if change[i] < 0]
    named = np.array(raised + lowered, dtype=int)
    gap = _LABEL_GAP * n_genes / _STRIPS_HEIGHT
    heights = spread(named, gap, -0.5 + gap / 2, n_genes - 0.5 - gap / 2)
    lines = [[(4.0, i), (4.1, i), (4.34, at), (4.42, at)] for i, at in zip(named, heights, strict=True)]
    axes.add_collection(LineCollection(lines, colors=FAINT, linewidths=0.45, clip_on=False), autolim=False)
    for i, height in zip(named, heights, strict=True):
        place, colour = (1.12, 1 - (height + 0.5) / n_genes), UP_COLOUR if change[i] > 0 else DOWN_COLOUR
        name = shortened(genes[order[i]], _GENE_LETTERS)
        write_beside(axes, place, (0, 0), name, size=6.6, va="center_baseline", color=colour)
    title, subtitle = titles
    above = 19 + _LINE * 72 * (subtitle.count("\n") + 1)
    low, high = (f"{value:+.2f}".replace("-", MINUS) for value in np.quantile(profile.perturbation, [0, 1]))
    write_beside(axes, (0, 1), (2, above), title, weight="bold", va="bottom")
    write_beside(axes, (0, 1), (2, 19), subtitle, size=7.8, color=GREY, va="bottom")
    write_beside(axes, (0, 0), (2, -5), f"P from {low} to {high}", size=7.2, color=GREY, va="top")


def _image(
    axes: Axes, values: Float64Array, scale: Scale, extent: tuple[float, float, float, float], gid: str | None = None
) -> None:
    colours, norm = scale
    axes.imshow(values, aspect="auto", norm=norm, cmap=colours, extent=extent, gid=gid)


def _colour_bars(axes: Axes, width: float, height: float) -> None:
    """What the colours mean, below the panels, on axes that measure the figure in inches."""
    length = min(2.7, width / 2 - 0.4)
    for i, (title, scale, steps) in enumerate(_BARS):
        left = 0.15 + i * (length + 0.45)
        norm = scale[1]
        _image(axes, norm.inverse(np.linspace(0, 1, 256))[None], scale, (left, left + length, 0.5, 0.61))
        ticks = np.linspace(left, left + length, steps)
        axes.vlines(ticks, 0.45, 0.5, color=TICKS, linewidth=0.8)
        for at, value in zip(ticks, norm.inverse(np.linspace(0, 1, steps)), strict=True):
            place, text = (at / width, 0.405 / height), f"{value:g}".replace("-", MINUS)
            write_beside(axes, place, (0, 0), text, size=7, color=TICKS, ha="center", va="top")
        write_formula(axes, (left / width, 0.61 / height), 3, title, size=7.4, centred=False)
    axes.set(xlim=(0, width), ylim=(0, height))
    axes.set_axis_off()
