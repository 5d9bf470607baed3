"""How every figure looks: colours that all readers tell apart, names drawn exactly as spelled."""

import textwrap
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import numpy as np
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.textpath import TextToPath

from tspg.report.figures.palette import COLOURS
from tspg.utils.typing import Float64Array

MARKERS = ("o", "s", "^", "D", "v", "P", "<", "h", ">", "p")
TARGET_MARKER = "X"
INK, FAINT = "#222222", "#8A8A8A"
Formula = tuple[str, str, str]  # ordinary letters, letters that stand low, ordinary letters
MINUS = "\N{MINUS SIGN}"
UP_COLOUR, DOWN_COLOUR = "#B2182B", "#2166AC"

_FONT = "DejaVu Sans"  # travels with matplotlib, so a figure is the same on every machine
_RC = {
    "font.family": _FONT,
    "font.size": 8.5,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 8.5,
    "axes.edgecolor": "#666666",
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
    "text.color": INK,
    "axes.labelcolor": INK,
    "xtick.color": "#444444",
    "ytick.color": "#444444",
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.frameon": False,
    "path.simplify": True,
    "text.hinting": "no_hinting",  # letters as wide in the PNG as in the PDF, wherever the screen's pixels lie
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


def class_styles(classes: Sequence[str]) -> dict[str, tuple[str, str]]:
    """A colour and a marker for every class; no pair comes twice for up to a hundred classes."""
    return {
        name: (COLOURS[i % len(COLOURS)], MARKERS[(i + i // len(COLOURS)) % len(MARKERS)])
        for i, name in enumerate(classes)
    }


def wrapped(name: str, width: int, *, max_lines: int = 3) -> str:
    """A long name as literal text on at most `max_lines` lines of at most `width` letters."""
    shown = _visible(name)
    lines = textwrap.wrap(shown, width, break_on_hyphens=False) or [shown]
    if len(lines) > max_lines:
        rest = " ".join(lines[max_lines - 1 :])
        lines = [*lines[: max_lines - 1], _cut(rest, width)]
    return _without_formulas("\n".join(lines))


def shortened(name: str, width: int) -> str:
    """A name as literal text, cut in its middle to `width` letters: both ends often tell names apart."""
    return _without_formulas(_cut(_visible(name), width))


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
    small = size * 0.7
    widths = [72 * text_width(text, of) for text, of in ((before, size), (low, small), (after, size))]
    fold = widths[0] - (sum(widths) / 2 if centred else 0)  # where the letters that stand low begin
    write_beside(axes, place, (fold, above), before, ha="right", size=size, **style)
    if low:
        write_beside(axes, place, (fold, above - size * 0.15), low, size=small, **style)
    if after:
        write_beside(axes, place, (fold + widths[1], above), after, size=size, **style)


def _visible(name: str) -> str:
    """A name with nothing left out: what the font lacks or cannot show is written as a Python escape.

    That is control characters, marks that turn the writing direction, and letters without a shape:
    two names never look the same when they are not.
    """
    return "".join(c if _drawable(c) else c.encode("unicode_escape").decode() for c in name)


def _without_formulas(shown: str) -> str:
    """Text in which `$` starts no formula."""
    return shown.replace("$", r"\$")


def _cut(shown: str, width: int) -> str:
    if len(shown) <= width:
        return shown
    head = (width - 1) // 2
    return f"{shown[:head]}…{shown[-(width - 1 - head) :]}"


def _drawable(character: str) -> bool:
    return unicodedata.category(character)[0] != "C" and ord(character) in _font_characters()


@lru_cache(maxsize=1)
def _font_characters() -> frozenset[int]:
    return frozenset(get_font(findfont(FontProperties(family=[_FONT]))).get_charmap())


def spread(positions: Float64Array, gap: float, low: float, high: float) -> Float64Array:
    """Move ascending label positions apart to at least `gap`, staying between `low` and `high`.

    Labels keep their order; the caller makes sure that they fit, i.e. (n - 1) * gap <= high - low.
    """
    moved: Float64Array = np.clip(np.asarray(positions, dtype=float), low, high)
    for i in range(1, len(moved)):
        moved[i] = max(moved[i], moved[i - 1] + gap)
    if len(moved) and moved[-1] > high:
        moved[-1] = high
        for i in range(len(moved) - 2, -1, -1):
            moved[i] = min(moved[i], moved[i + 1] - gap)
    return moved
