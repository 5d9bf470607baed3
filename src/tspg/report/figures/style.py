"""How every figure looks: colours that all readers tell apart, names drawn exactly as spelled."""

import textwrap
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure, SubFigure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.gridspec import GridSpec
from matplotlib.textpath import TextToPath

from tspg.utils.typing import Float64Array

INK, TICKS, FAINT, GREY = "#222222", "#444444", "#8A8A8A", "#555555"
UP_COLOUR, DOWN_COLOUR = "#B2182B", "#2166AC"
MINUS = "\N{MINUS SIGN}"
COLUMN, PAGE = 89 / 25.4, 183 / 25.4  # inches: one and two columns of a journal
SMALL = 6.0  # points: the smallest letters
LEADING = {"up": (UP_COLOUR, "^"), "down": (DOWN_COLOUR, "v")}  # genes by their direction: colour and marker
Formula = tuple[str, str, str]  # ordinary letters, subscript, ordinary letters

_FONT = "DejaVu Sans"  # comes with matplotlib, so a figure is the same on every machine
_RC = {
    "font.family": _FONT,
    "font.size": 7,
    "axes.titlesize": 7,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 4,
    "axes.labelsize": 7,
    "axes.labelpad": 2.5,
    "axes.edgecolor": "#666666",
    "axes.linewidth": 0.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
    "text.color": INK,
    "axes.labelcolor": INK,
    "xtick.color": TICKS,
    "ytick.color": TICKS,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "xtick.major.width": 0.5,
    "ytick.major.width": 0.5,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "legend.fontsize": SMALL,
    "legend.frameon": False,
    "path.simplify": True,
    "text.hinting": "no_hinting",  # letters as wide in the PNG as in the SVG, wherever the screen's pixels lie
    "svg.fonttype": "none",  # letters stay letters, for whoever edits the figure
    "svg.hashsalt": "tspg",  # the same figure is the same bytes
    "pdf.fonttype": 42,  # as journals and drawing programs want them
}


@contextmanager
def house_style() -> Iterator[None]:
    """Draw or save in the house style, whatever the user's own matplotlib settings say."""
    with style.context(_RC, after_reset=True):
        yield


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of a size in inches, with a canvas of its own and no window."""
    figure = Figure(figsize=(width, height), facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def canvas(width: float, height: float, ax: Axes | None) -> Figure | SubFigure:
    """Where a figure of several panels is drawn: a new figure, or a subfigure in the place of `ax`, which is hidden."""
    if ax is None:
        return new_figure(width, height)
    ax.set_axis_off()
    (left, bottom), (right, top) = ax.get_position().get_points()
    around = GridSpec(3, 3, width_ratios=(left, right - left, 1 - right), height_ratios=(1 - top, top - bottom, bottom))
    return ax.figure.add_subfigure(around[1, 1], facecolor="none")


def axes_at(
    figure: Figure | SubFigure, place: tuple[float, float, float, float], size: tuple[float, float], **more: Any
) -> Axes:
    """New axes so many inches from left and bottom, so wide and high, in a figure of this size."""
    (left, bottom, width, height), (across, up) = place, size
    return figure.add_axes((left / across, bottom / up, width / across, height / up), **more)


def whole(figure: Figure | SubFigure) -> Figure:
    """The figure itself, or the one that a subfigure belongs to."""
    return figure if isinstance(figure, Figure) else whole(figure.figure)


def wrapped(name: str, width: int, *, max_lines: int = 3) -> str:
    """A long name as literal text on at most `max_lines` lines of at most `width` letters."""
    text = _visible(name)
    lines = textwrap.wrap(text, width, break_on_hyphens=False) or [text]
    if len(lines) > max_lines:
        lines[max_lines - 1 :] = [_cut(" ".join(lines[max_lines - 1 :]), width)]
    return "\n".join(lines).replace("$", r"\$")  # a dollar starts no formula


def shortened(name: str, width: int) -> str:
    """A name as literal text, cut in its middle to `width` letters: both ends often tell names apart."""
    return _cut(_visible(name), width).replace("$", r"\$")


def _cut(text: str, width: int) -> str:
    head = (width - 1) // 2
    return text if len(text) <= width else f"{text[:head]}…{text[-(width - 1 - head) :]}"


def _visible(name: str) -> str:
    """A name with what the font cannot show written as a Python escape, so that different names look different.

    That is control characters, marks that turn the writing direction, and letters without a shape.
    """
    characters = _font_characters()
    return "".join(
        c if unicodedata.category(c)[0] != "C" and ord(c) in characters else c.encode("unicode_escape").decode()
        for c in name
    )


@lru_cache(maxsize=1)
def _font_characters() -> frozenset[int]:
    return frozenset(get_font(findfont(FontProperties(family=[_FONT]))).get_charmap())


@lru_cache(maxsize=4096)
def text_width(text: str, size: float) -> float:
    """How many inches the widest line of a literal text takes at a font size in points."""
    font = FontProperties(family=[_FONT], size=size)
    lines = text.replace(r"\$", "$").split("\n")
    return max(TextToPath().get_text_width_height_descent(line, font, ismath=False)[0] for line in lines) / 72


def write_beside(axes: Axes, place: tuple[float, float], points: tuple[float, float], text: str, **style: Any) -> None:
    """Write a text at a place in axes (0 to 1 across and up), moved right and up by so many points."""
    (left, bottom), (right, top) = axes.figure.dpi_scale_trans.inverted().transform(axes.bbox)
    across = left + place[0] * (right - left) + points[0] / 72
    up = bottom + place[1] * (top - bottom) + points[1] / 72
    # In inches of the figure: one way of measuring for all texts is drawn sooner than one for each.
    axes.text(across, up, text, transform=axes.figure.dpi_scale_trans, **style)


def write_formula(
    axes: Axes,
    place: tuple[float, float],
    above: float,
    formula: Formula,
    *,
    size: float,
    centred: bool = True,
    **style: Any,
) -> None:
    """Write a formula with its middle, or its beginning, at a place, so many points above it.

    Matplotlib's own formulas look the same, but each figure takes a while to read them.
    """
    before, low, after = formula
    small = max(SMALL, size * 0.7)
    widths = [72 * text_width(text, of) for text, of in ((before, size), (low, small), (after, size))]
    fold = widths[0] - (sum(widths) / 2 if centred else 0)  # where the subscript begins
    write_beside(axes, place, (fold, above), before, ha="right", size=size, **style)
    if low:
        write_beside(axes, place, (fold, above - size * 0.15), low, size=small, **style)
    if after:
        write_beside(axes, place, (fold + widths[1], above), after, size=size, **style)


def spread(positions: Float64Array, gap: float, low: float, high: float) -> Float64Array:
    """Move ascending label positions apart to at least `gap`, between `low` and `high`, their order kept.

    The caller makes sure that they fit: (n - 1) * gap <= high - low.
    """
    steps = gap * np.arange(len(positions))
    apart = np.maximum.accumulate(np.clip(np.asarray(positions, float), low, high) - steps) + steps
    return np.asarray(np.minimum(apart, high - steps[::-1]))


_GENE = 14  # letters of a gene's name on a plot


def fitted(name: str, inches: float) -> str:
    """A name as literal text in small letters, cut in its middle until it is no wider than this."""
    cuts = (shortened(name, letters) for letters in range(max(len(name), 3), 2, -1))
    return next((text for text in cuts if text_width(text, SMALL) <= inches), "")


def widest(names: Iterable[str]) -> float:
    """How many inches the widest of some genes' names takes on a plot."""
    return max((text_width(shortened(str(name), _GENE), SMALL) for name in names), default=0.0)


def name_leading(axes: Axes, leading: Mapping[str, pd.DataFrame], *, across: bool) -> None:
    """Mark and name the leading genes of either direction, whose rows hold `gene`, `x` and `y`.

    Names stand in a column at the edge of their side or, with `across`, of the other one, each with a line to its
    point. No name lies on another and no line crosses one: of all ways the lines together are shortest.
    """
    from scipy.optimize import linear_sum_assignment

    size = np.array([axes.bbox.width, axes.bbox.height]) / axes.figure.dpi  # inches
    gap = 1.3 * SMALL / 72 / size[1]
    for way, rows in leading.items():
        colour, marker = LEADING[way]
        axes.plot(rows["x"], rows["y"], marker, color=colour, ms=3, mec="white", mew=0.3)
        is_left = (way == "up") == across
        edge = 0.012 + widest(rows["gene"]) / size[0]
        edge = edge if is_left else 1 - edge
        points = axes.transAxes.inverted().transform(axes.transData.transform(rows[["x", "y"]]))
        heights = spread(np.sort(points[:, 1]), gap, gap, 1 - gap)
        places = np.column_stack([np.full(len(heights), edge), heights])
        lengths = np.linalg.norm((points[:, None] - places) * size, axis=2)
        for number, place in zip(*linear_sum_assignment(lengths), strict=True):
            axes.annotate(
                shortened(str(rows["gene"].iloc[number]), _GENE),
                points[number],
                places[place],
                "axes fraction",
                ha="right" if is_left else "left",
                va="center",
                color=colour,
                fontsize=SMALL,
                arrowprops={
                    "arrowstyle": "-",
                    "color": colour,
                    "linewidth": 0.3,
                    "relpos": (1 if is_left else 0, 0.5),
                    "shrinkA": 0.5,
                    "shrinkB": 1.5,
                },
            )
