"""The map of real samples with the perturbed ones put on it (paper, Figs. 2-5, left)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from anndata import AnnData
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend_handler import HandlerTuple
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from tspg.analysis.interpretation.perturbations import target_class_of
from tspg.report.figures.embedding import Embedding, Placed, place
from tspg.report.figures.palette import COLOURS, TARGET_COLOUR
from tspg.report.figures.style import FAINT, GREY, house_style, new_figure, whole, wrapped

MARKERS, TARGET_MARKER = ("o", "s", "^", "D", "v", "P", "<", "h", ">", "p"), "X"
_CAPTIONS = {
    "t-SNE": "The map was made from the real samples alone; each perturbed sample was then put beside the\n"
    "real ones nearest to it, so it lands on the map whether or not it is truly alike.",
    "joint t-SNE": "Real and perturbed samples made the map together.",
    "PCA": "Too few samples for t-SNE: the first two principal components are shown instead.",
}
_TITLES = {"t-SNE": "t-SNE", "joint t-SNE": "Joint t-SNE", "PCA": "Principal components"}
_WARNING = "An illustration, not evidence: sizes of groups and distances between them mean little."
_OTHERS = None  # the source classes that are not on the map; no class can have this name
_LINE = 0.19  # inches for a line of the legend

Style = tuple[str, str]  # a colour and a marker


def plot_tsne(
    perturbations: AnnData,
    *,
    n_classes: int = 10,
    n_perturbed: int = 100,
    joint: bool = False,
    seed: int = 0,
    ax: Axes | None = None,
) -> Figure:
    """A map of real samples of up to `n_classes` classes with up to `n_perturbed` perturbed samples on it.

    The target class is always among the classes. More classes and samples than fit are drawn by chance from `seed`;
    of a class with more than 200 real samples 200 are drawn, and the legend says of how many. Filled: real samples.
    Hollow: perturbed samples, in the colour and shape of the class that they came from; those of classes that are not
    on the map are grey stars. The same seed gives the same figure.

    Parameters
    ----------
    perturbations
        Moved profiles: `run.perturbations`, or what `read_perturbations` or `TrainedModel.perturb` gave.
    n_classes
        Classes on the map at most, the target's too.
    n_perturbed
        Moved samples on it at most.
    joint
        Let real and moved samples make the map together; otherwise moved ones are placed on the map of real ones.
    seed
        Decides which samples are drawn, and the map.
    ax
        Axes to draw into; the legend comes to the right of them, the caption below. None makes a new figure.

    Returns
    -------
    The new figure, or that of `ax`.

    Examples
    --------
    >>> figure = tspg.plot_tsne(run.perturbations, n_perturbed=20)
    >>> figure.savefig("map.png")
    """
    placed = place(perturbations, n_classes=n_classes, n_perturbed=n_perturbed, joint=joint, seed=seed)
    return draw(perturbations, placed, ax)


def draw(perturbations: AnnData, placed: Placed, ax: Axes | None = None) -> Figure:
    """The map of samples that have their places."""
    source, target = perturbations.obs["source_class"].to_numpy(object), target_class_of(perturbations)
    real_class, points = source[placed.real_rows], placed.embedding
    origin = np.where(np.isin(source, placed.classes), source, _OTHERS)[placed.perturbed_rows]
    styles: dict[Any, Style] = class_styles(placed.classes)
    if (origin == _OTHERS).any():
        styles[_OTHERS] = (FAINT, "*")
    sizes = Counter(source)
    texts = [
        _legend_text(name, int(np.sum(real_class == name)), sizes[name], int(np.sum(origin == name)), target)
        for name in (target, *styles)
    ]
    caption = f"{_WARNING}\n{_CAPTIONS[points.method]}"
    caption += "" if (real_class == target).any() else " No real sample of the target is here to compare with."
    with house_style():
        if ax is None:
            n_lines = sum(text.count("\n") + 1 for text in texts) + 3
            figure = new_figure(9.6, max(6.1, _LINE * n_lines + 1.2))
            height = figure.get_figheight()
            ax = figure.add_axes((0.03, 0.95 / height, 0.585, 1 - 1.42 / height))
            _draw_signs(ax, points, real_class, origin, styles, target)
            _add_legend(figure, texts, styles, (0.63, 1 - 0.1 / height))
            figure.text(0.03, 0.12 / height, caption, size=7.6, color=GREY, va="bottom")
        else:
            _draw_signs(ax, points, real_class, origin, styles, target)
            _add_legend(ax, texts, styles, (1.03, 1))
            ax.annotate(caption, (0, 0), (0, -22), "axes fraction", "offset points", size=7.6, color=GREY, va="top")
    return whole(ax.figure)


def class_styles(classes: Sequence[str]) -> dict[Any, Style]:
    """A colour and a marker for every class; no pair comes twice for up to a hundred classes."""
    return {
        name: (COLOURS[i % len(COLOURS)], MARKERS[(i + i // len(COLOURS)) % len(MARKERS)])
        for i, name in enumerate(classes)
    }


def _legend_text(name: str | None, n_real: int, n_in_all: int, n_perturbed: int, target: str) -> str:
    if name is _OTHERS:
        return f"source classes not on the map:\n{n_perturbed} perturbed"
    real = f"{n_real} real" if n_real == n_in_all else f"{n_real} of {n_in_all:,} real"
    real = real if n_real else "no real one"
    counts = f"{real}, {'the target' if name == target else f'{n_perturbed} perturbed'}"
    label = wrapped(name or "class unknown", 40)
    fits = len(label.split("\n")[-1]) + len(counts) < 40
    return f"{label}{': ' if fits else chr(10)}{counts}"


def _draw_signs(
    axes: Axes,
    points: Embedding,
    real_class: NDArray[Any],
    origin: NDArray[Any],
    styles: Mapping[Any, Style],
    target: str,
) -> None:
    """Real samples filled, the target's on top; perturbed ones hollow; title and names of the axes."""
    for name, (colour, marker) in styles.items():
        if name is not _OTHERS:
            axes.plot(
                *points.real[real_class == name].T, marker, color=colour, ms=4.6, mec="none", alpha=0.55, zorder=2
            )
    reference = points.real[real_class == target]
    axes.plot(*reference.T, TARGET_MARKER, color=TARGET_COLOUR, ms=6, mec="white", mew=0.5, zorder=3)
    for name, (colour, marker) in styles.items():
        moved = points.perturbed[origin == name]
        # The white ring lifts the sign off the real samples below it.
        axes.plot(*moved.T, marker, mfc="none", mec="white", ms=6, mew=2.4, alpha=0.85, zorder=4)
        axes.plot(*moved.T, marker, mfc="none", mec=colour, ms=6, mew=1.25, zorder=5)
    axes.set_title(wrapped(f"{_TITLES[points.method]}: samples moved to {target}", 62, max_lines=2), size=9.5)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(True)
    axes.spines[:].set_color("#BBBBBB")
    axes.margins(0.06)
    axis = "component" if points.method == "PCA" else "t-SNE"
    axes.set_xlabel(f"{axis} 1", color=FAINT)
    axes.set_ylabel(f"{axis} 2", color=FAINT)


def _add_legend(
    holder: Axes | Figure, texts: Sequence[str], styles: Mapping[Any, Style], anchor: tuple[float, float]
) -> None:
    """One entry per class: the filled sign of real samples, the hollow one of perturbed ones, and how many."""
    handles: list[Any] = [(Line2D([], [], ls="", marker=TARGET_MARKER, color=TARGET_COLOUR, ms=7),)]
    for colour, marker in styles.values():
        filled = Line2D([], [], ls="", marker=marker if marker in MARKERS else "", color=colour, mec="none", ms=6)
        hollow = Line2D([], [], ls="", marker=marker, mfc="none", mec=colour, ms=6, mew=1.25)
        handles.append((filled, hollow))
    holder.legend(
        handles,
        texts,
        handler_map={tuple: HandlerTuple(ndivide=2, pad=0.6)},
        loc="upper left",
        bbox_to_anchor=anchor,
        title="Class that a sample comes from\n(filled: real; hollow: perturbed)",
        alignment="left",
        borderaxespad=0,
        handlelength=2.6,
        labelspacing=0.55,
    )
