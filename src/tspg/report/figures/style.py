"""How every figure looks: colours that all readers tell apart, names drawn exactly as spelled."""

import textwrap
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import style
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure, SubFigure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.gridspec import GridSpec
from matplotlib.text import Text
from matplotlib.textpath import TextToPath
from matplotlib.transforms import Affine2D, Bbox, BboxBase, ScaledTranslation, Transform, TransformedBbox
from numpy.typing import NDArray

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


@lru_cache(maxsize=16)
def _rise_and_fall(size: float) -> tuple[float, float]:
    """How many points the letters l and p reach above and below their line."""
    font = FontProperties(family=[_FONT], size=size)
    _, height, fall = TextToPath().get_text_width_height_descent("lp", font, ismath=False)
    return height - fall, fall


class Line(Text):
    """One literal line of text, put where it belongs: matplotlib's layout of paragraphs takes longer to be drawn."""

    def draw(self, renderer: RendererBase) -> None:
        """Draw the line, without turning it."""
        renderer.open_group("text", self.get_gid())
        size = self.get_fontsize()
        points: Any = renderer.points_to_pixels(1)
        rise, fall = _rise_and_fall(size)
        lowered = {"bottom": -fall, "top": rise, "center_baseline": rise / 2}.get(self.get_verticalalignment(), 0.0)
        x, y = map(float, self.get_transform().transform(self.get_unitless_position()))
        if behind := {"center": 0.5, "right": 1.0}.get(self.get_horizontalalignment()):
            x -= behind * text_width(self.get_text(), size) * 72 * points
        y -= lowered * points
        context = renderer.new_gc()
        context.set_foreground(self.get_color())
        height = renderer.get_canvas_width_height()[1]
        text = self.get_text().replace(r"\$", "$")
        renderer.draw_text(
            context, x, height - y if renderer.flipy() else y, text, self.get_fontproperties(), 0.0, mtext=self
        )
        context.restore()
        renderer.close_group("text")
        self.stale = False


class Picture(Artist):
    """Colours of shape (rows, columns, 4), the first row on top, each an even field: matplotlib's images blend them."""

    def __init__(self, colours: NDArray[np.uint8], place: BboxBase, gid: str) -> None:
        super().__init__()
        self.colours, self.place = colours, place
        self.set_gid(gid)

    def draw(self, renderer: RendererBase) -> None:
        """Draw the fields in as many dots as the place has; where one column is all, it is stretched if possible."""
        left, bottom, width, height = self.place.bounds
        n_rows, n_columns, _ = self.colours.shape
        is_stretched = renderer.option_scale_image()
        scale = renderer.get_image_magnification()
        dots_up = n_rows if is_stretched and n_rows == 1 else round(height * scale)
        dots_across = n_columns if is_stretched and n_columns == 1 else round(width * scale)
        rows, columns = (np.arange(n) * of // n for n, of in ((dots_up, n_rows), (dots_across, n_columns)))
        dots = self.colours[rows[::-1]].take(columns, axis=1)  # the lowest row comes first
        renderer.open_group("picture", self.get_gid())
        context = renderer.new_gc()
        if is_stretched:
            renderer.draw_image(context, left, bottom, dots, Affine2D().scale(width, height))
        else:
            renderer.draw_image(context, left, bottom, dots)
        context.restore()
        renderer.close_group("picture")
        self.stale = False


def write_beside(axes: Axes, place: tuple[float, float], points: tuple[float, float], text: str, **style: Any) -> None:
    """Write a line of text at a place in axes (0 to 1 across and up), moved right and up by so many points."""
    moved = ScaledTranslation(points[0] / 72, points[1] / 72, axes.figure.dpi_scale_trans)
    axes.add_artist(Line(*place, text, transform=axes.transAxes + moved, clip_on=False, **style))


@dataclass(frozen=True)
class Sheet:
    """A figure of so many inches with things at places in inches from left and bottom, and no axes.

    To make axes and to draw them empty takes longer than all that is on them.
    """

    figure: Figure | SubFigure
    width: float
    height: float

    @property
    def inches(self) -> Transform:
        """From inches to where the figure is drawn."""
        return Affine2D().scale(1 / self.width, 1 / self.height) + self.figure.transSubfigure

    def write(self, across: float, up: float, text: str, **style: Any) -> None:
        """Write a text, of one line or of several."""
        kind = Text if "\n" in text else Line
        self._put(kind(across, up, text, transform=self.inches, **style))

    def write_formula(self, across: float, up: float, formula: Formula, *, size: float, **style: Any) -> None:
        """Write a formula that begins at a place.

        Matplotlib's own formulas look the same, but each figure takes a while to read them.
        """
        before, low, after = formula
        small = max(SMALL, size * 0.7)
        self.write(across, up, before, size=size, **style)
        across += text_width(before, size)
        if low:
            self.write(across, up - size * 0.15 / 72, low, size=small, **style)
        if after:  # without the space before it, which SVG drops
            across += text_width(low, small) + text_width(f"{after}x", size) - text_width(f"{after.lstrip()}x", size)
            self.write(across, up, after.lstrip(), size=size, **style)

    def draw_picture(self, colours: NDArray[np.uint8], place: tuple[float, float, float, float], gid: str) -> None:
        """Draw red, green, blue and opacity from 0 to 255 as a picture: left, bottom, so wide and high."""
        self._put(Picture(colours, TransformedBbox(Bbox.from_bounds(*place), self.inches), gid))

    def draw_lines(self, lines: Sequence[Sequence[tuple[float, float]]], colour: str, width: float) -> None:
        """Draw lines from point to point."""
        self._put(LineCollection(lines, colors=colour, linewidths=width, transform=self.inches))

    def _put(self, artist: Artist) -> None:
        artist.set_clip_on(False)
        self.figure.add_artist(artist)


def formula_width(formula: Formula, size: float) -> float:
    """How many inches a formula takes."""
    before, low, after = formula
    small = max(SMALL, size * 0.7)
    return text_width(before, size) + text_width(low, small) + text_width(after, size)


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
        numbers, chosen = linear_sum_assignment(lengths)
        starts = places[chosen] + ((2 if is_left else -2) / 72 / size[0], 0)
        reach = np.linalg.norm((points[numbers] - starts) * size, axis=1)[:, None]
        ends = points[numbers] - (points[numbers] - starts) * np.minimum(1.5 / 72 / reach, 1)  # beside the gene's sign
        lines = LineCollection(
            [*np.stack([starts, ends], axis=1)], colors=colour, linewidths=0.3, transform=axes.transAxes
        )
        axes.add_collection(lines, autolim=False)
        how: dict[str, Any] = {"ha": "right" if is_left else "left", "va": "center_baseline", "color": colour}
        for number, (across_axes, up) in zip(numbers, places[chosen], strict=True):
            name = shortened(str(rows["gene"].iloc[number]), _GENE)
            axes.add_artist(Line(across_axes, up, name, transform=axes.transAxes, clip_on=False, size=SMALL, **how))
