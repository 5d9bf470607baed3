"""The transformation of a sample, gene by gene: x, P, x_adv and mu_T (paper, Figs. 2-5)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from anndata import AnnData
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import FuncNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from tspg.errors import UsageError
from tspg.report.figures.style import (
    COLUMN,
    DOWN_COLOUR,
    FAINT,
    GREY,
    MINUS,
    PAGE,
    SMALL,
    TICKS,
    UP_COLOUR,
    Formula,
    Sheet,
    canvas,
    fitted,
    formula_width,
    house_style,
    spread,
    whole,
    wrapped,
)
from tspg.utils.names import closest
from tspg.utils.text import counted
from tspg.utils.typing import Float64Array, IndexArray

STRIPS: dict[str, Formula] = {  # the name of a strip, and how it is written
    "x": ("x", "", ""),
    "P": ("P", "", ""),
    "x_adv": ("x", "adv", ""),
    "mu_T": ("\N{GREEK SMALL LETTER MU}", "T", ""),
}


def _root(values: Float64Array) -> Float64Array:
    return np.sign(values) * np.sqrt(np.abs(values))


def _square(values: Float64Array) -> Float64Array:
    return values * np.abs(values)


Scale = tuple[str, Normalize]
EXPRESSION: Scale = ("viridis", Normalize(0, 1))  # colours, and how values become colours
# The same for every figure, so that figures can be compared; by the root, or the usual change of .1 would look white.
PERTURBATION: Scale = ("RdBu_r", FuncNorm((_root, _square), -1, 1))

MOST_CLASSES = 12  # that fit on a page
MOST_SAMPLES = 4  # where no class is known and no sample was asked for
_COLUMN_OF, _PAGE_OF = 2, 4  # panels side by side
_LABELLED = 10  # genes named at each end
_LETTERS = 40  # of a name at most
_STRIPS_HEIGHT = (3.4, 2.9, 2.2)  # inches, of one row of panels, of two, of more
_LEFT, _NAMES, _LEADER = 0.08, 0.82, 0.15  # inches left of the strips, right of them, and there before names
_FOOT, _BAR_SPACE = 0.2, 0.42
_TITLE, _LINE = 0.125, 0.1  # inches for a line of a title, of a subtitle
_ROWS_AN_INCH = 300  # at most: of more genes so many means are shown
_LABEL_GAP = 0.104  # inches between the names of two genes
_BARS: tuple[tuple[Formula, Scale, int], ...] = (  # above a bar, its colours, and how many numbers are below it
    (("expression, scaled", "", ""), EXPRESSION, 3),
    (("P = x", "adv", f" {MINUS} x"), PERTURBATION, 5),
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
    that small changes show. Without a choice the mean of every source class is shown or, with more than twelve, of
    the twelve largest.

    Parameters
    ----------
    perturbations
        Moved profiles: `run.perturbations`, or what `read_perturbations` or `TrainedModel.perturb` gave.
    sample
        A sample, or several.
    source_class
        A source class, or several, each as its mean.
    ax
        Axes whose place the panels take, at least 7 by 5 inches large; their own frame is hidden. None makes a new
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
        samples = list(perturbations.obs_names[:MOST_SAMPLES])
    chosen = [("sample", name) for name in samples] + [("class", name) for name in classes]
    profiles = [_profile(perturbations, kind, name) for kind, name in chosen]
    with house_style():
        genes, target_mean = list(perturbations.var_names), np.asarray(perturbations.var["target_mean"], np.float64)
        width, n_columns = (
            (COLUMN, len(profiles)) if len(profiles) <= _COLUMN_OF else (PAGE, min(_PAGE_OF, len(profiles)))
        )
        n_rows = -(-len(profiles) // n_columns)
        panel, strips_height = width / n_columns, _STRIPS_HEIGHT[min(n_rows, len(_STRIPS_HEIGHT)) - 1]
        titles = [(wrapped(one.title, int(panel * 15)), wrapped(one.subtitle, int(panel * 18))) for one in profiles]
        head = 0.18 + max(_TITLE * (one.count("\n") + 1) + _LINE * (two.count("\n") + 1) for one, two in titles)
        row_height = head + strips_height + _FOOT
        height = n_rows * row_height + _BAR_SPACE
        figure = canvas(width, height, ax)
        sheet = Sheet(figure, width, height)
        for i, profile in enumerate(profiles):
            row, column = divmod(i, n_columns)
            bottom = height - (row + 1) * row_height + _FOOT
            place = column * panel + _LEFT, bottom, panel - _LEFT - _NAMES, strips_height
            _draw_panel(sheet, place, profile, titles[i], target_mean, genes)
        _colour_bars(sheet)
        # Notebooks show no figure without axes or lines.
        figure.lines.append(Line2D([], [], figure=figure, visible=False))
    return whole(figure)


def default_classes(perturbations: AnnData) -> list[str]:
    """The source classes, the largest first, as many as fit."""
    counts = perturbations.obs["source_class"].value_counts()
    sources = [str(name) for name in perturbations.uns["tspg"]["source_classes"] if name in counts.index]
    return sorted(sources, key=lambda name: (-counts[name], name))[:MOST_CLASSES]


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
    sheet: Sheet,
    place: tuple[float, float, float, float],
    profile: Profile,
    titles: tuple[str, str],
    target_mean: Float64Array,
    genes: list[str],
) -> None:
    """Four strips; the most raised and lowered genes beside them, name and class above, the range of P below."""
    (left, bottom, width, height), order = place, np.argsort(-profile.perturbation, kind="stable")
    top = bottom + height
    columns = (profile.original, profile.perturbation, profile.perturbed, target_mean)
    starts = np.unique(np.linspace(0, len(genes), int(height * _ROWS_AN_INCH), endpoint=False).astype(int))
    for i, (strip, values) in enumerate(zip(STRIPS, columns, strict=True)):
        scale = PERTURBATION if strip == "P" else EXPRESSION
        colours, each = _colours(_means(values[order], starts), scale)[:, None], width / len(STRIPS)
        sheet.draw_picture(colours, (left + (i + 0.05) * each, bottom, 0.9 * each, height), gid=strip)
        middle = left + (i + 0.5) * each
        start = middle - formula_width(STRIPS[strip], 7) / 2
        sheet.write_formula(start, top + 3.5 / 72, STRIPS[strip], size=7, color=TICKS)
    change, row = profile.perturbation[order], height / len(genes)
    n_named = min(_LABELLED, int(height / _LABEL_GAP / 2))
    raised = [i for i in range(min(n_named, len(genes))) if change[i] > 0]
    lowered = [i for i in range(max(len(genes) - n_named, len(raised)), len(genes)) if change[i] < 0]
    named = np.array(raised + lowered, dtype=int)
    depths = spread((named + 0.5) * row, _LABEL_GAP, _LABEL_GAP / 2, height - _LABEL_GAP / 2)
    side, lines = left + width, []
    for i, depth in zip(named, depths, strict=True):
        from_gene, to_name = top - (i + 0.5) * row, top - depth
        lines.append([(side, from_gene), (side + 0.03, from_gene), (side + 0.1, to_name), (side + 0.13, to_name)])
        colour = UP_COLOUR if change[i] > 0 else DOWN_COLOUR
        name = fitted(genes[order[i]][:_LETTERS], _NAMES - _LEADER)
        sheet.write(side + _LEADER, to_name, name, size=SMALL, va="center_baseline", color=colour)
    sheet.draw_lines(lines, FAINT, 0.4)
    title, subtitle = titles
    above = 13 / 72 + _LINE * (subtitle.count("\n") + 1)
    low, high = (f"{value:+.2f}".replace("-", MINUS) for value in np.quantile(profile.perturbation, [0, 1]))
    sheet.write(left + 1 / 72, top + above, title, weight="bold", va="bottom", size=7)
    sheet.write(left + 1 / 72, top + 13 / 72, subtitle, size=SMALL, color=GREY, va="bottom")
    sheet.write(left + 1 / 72, bottom - 3 / 72, f"P from {low} to {high}", size=SMALL, color=GREY, va="top")


def _means(values: Float64Array, starts: IndexArray) -> Float64Array:
    """The mean of the values from each start to the next."""
    found: Float64Array = np.add.reduceat(values, starts) / np.diff(starts, append=len(values))
    return found


def _colours(values: Float64Array, scale: Scale) -> NDArray[np.uint8]:
    """The colour of each value, as red, green, blue and opacity from 0 to 255."""
    colours, norm = scale
    found: NDArray[np.uint8] = colormaps[colours](norm(values), bytes=True)
    return found


def _colour_bars(sheet: Sheet) -> None:
    """What the colours mean, below the panels."""
    length = min(1.5, sheet.width / 2 - 0.25)
    for i, (title, scale, steps) in enumerate(_BARS):
        left = _LEFT + 0.05 + i * (length + 0.25)
        norm = scale[1]
        colours = _colours(norm.inverse(np.linspace(0, 1, 256)), scale)
        sheet.draw_picture(colours[None], (left, 0.2, length, 0.07), gid=title[0])
        ticks = np.linspace(left, left + length, steps)
        sheet.draw_lines([[(at, 0.17), (at, 0.2)] for at in ticks], TICKS, 0.5)
        for at, value in zip(ticks, norm.inverse(np.linspace(0, 1, steps)), strict=True):
            text = f"{value:g}".replace("-", MINUS)
            sheet.write(at, 0.155, text, size=SMALL, color=TICKS, ha="center", va="top")
        sheet.write_formula(left, 0.27 + 2.5 / 72, title, size=SMALL)
