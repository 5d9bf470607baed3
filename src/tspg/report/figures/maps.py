"""Maps of real samples and of moved ones (paper, Figs. 2-5, left): principal components, and a joint t-SNE."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from anndata import AnnData
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend_handler import HandlerTuple
from matplotlib.lines import Line2D

from tspg.analysis.interpretation.perturbations import target_class_of
from tspg.report.figures.embedding import MOST_CLASSES, MOST_MOVED, Map, choose, pca_map, tsne_map
from tspg.report.figures.palette import COLOURS, TARGET_COLOUR
from tspg.report.figures.style import COLUMN, FAINT, SMALL, axes_at, house_style, new_figure, text_width, whole, wrapped

MARKERS, TARGET_MARKER = ("o", "s", "^", "D", "v", "P", "<", "h", ">", "p"), "X"
_OTHERS = None  # the source classes that are not on the map; no class can have this name
_SIDE, _MARGIN, _LINE = 3.2, 0.24, 0.12  # inches: of the map, left and right of it, of a line of the legend

Style = tuple[str, str]  # a colour and a marker


def plot_tsne(
    perturbations: AnnData,
    *,
    n_classes: int = MOST_CLASSES,
    n_moved: int = MOST_MOVED,
    seed: int = 0,
    ax: Axes | None = None,
) -> Figure:
    """A t-SNE that real samples of up to `n_classes` classes and up to `n_moved` moved samples made together.

    A moved sample lies beside real ones of the target only if it is like them. Sizes of groups and distances between
    them mean little. The target class is always among the classes. More classes and samples than fit are drawn by
    chance from `seed`, of a class 200 real samples at most. Filled: real samples. Hollow: moved samples, in the
    colour and shape of the class that they came from; those of classes that are not on the map are grey stars.

    Parameters
    ----------
    perturbations
        Moved profiles: `run.perturbations`, or what `read_perturbations` or `TrainedModel.perturb` gave.
    n_classes
        Classes on the map at most, the target's too.
    n_moved
        Moved samples on it at most.
    seed
        Decides which samples are drawn, and the map.
    ax
        Axes to draw into; the legend comes below them. None makes a new figure.

    Returns
    -------
    The new figure, or that of `ax`. Of fewer than eight samples it says that there is no map.

    Examples
    --------
    >>> figure = tspg.plot_tsne(run.perturbations, n_moved=20)
    >>> figure.savefig("map.png")
    """
    chosen = choose(perturbations, n_classes=n_classes, n_moved=n_moved, seed=seed)
    return draw_map(perturbations, tsne_map(perturbations, chosen, seed=seed), ax)


def plot_pca(
    perturbations: AnnData,
    *,
    n_classes: int = MOST_CLASSES,
    n_moved: int = MOST_MOVED,
    seed: int = 0,
    ax: Axes | None = None,
) -> Figure:
    """The first two principal components of real samples, and where moved samples lie on them.

    The components are those of the real samples that are shown; which these are, and the signs, are as in `plot_tsne`.

    Parameters
    ----------
    perturbations
        Moved profiles: `run.perturbations`, or what `read_perturbations` or `TrainedModel.perturb` gave.
    n_classes
        Classes on the map at most, the target's too.
    n_moved
        Moved samples on it at most.
    seed
        Decides which samples are drawn.
    ax
        Axes to draw into; the legend comes below them. None makes a new figure.

    Returns
    -------
    The new figure, or that of `ax`. Of fewer than three real samples it says that there is no map.

    Examples
    --------
    >>> figure = tspg.plot_pca(run.perturbations)
    >>> figure.savefig("pca.svg")
    """
    chosen = choose(perturbations, n_classes=n_classes, n_moved=n_moved, seed=seed)
    return draw_map(perturbations, pca_map(perturbations, chosen, seed=seed), ax)


def draw_map(perturbations: AnnData, found: Map | None, ax: Axes | None = None) -> Figure:
    """The signs of a map and what they mean; without a map, that there is none."""
    with house_style():
        if found is None:
            return _no_map(ax)
        target = target_class_of(perturbations)
        styles = class_styles(found.chosen.classes)
        source = perturbations.obs["source_class"].to_numpy(object)
        origin = np.where(np.isin(source, found.chosen.classes), source, _OTHERS)[found.chosen.moved_rows]
        if (origin == _OTHERS).any():
            styles[_OTHERS] = (FAINT, "*")
        real_class = source[found.chosen.real_rows]
        names = [f"{wrapped(target, 40)} (target)" if (real_class == target).any() else "", *map(_name, styles)]
        fits = max(text_width(name, SMALL) for name in names) < COLUMN / 2 - 0.45
        n_columns = 2 if fits and len(styles) > 1 else 1
        if ax is None:
            n_lines = -(-sum(name.count("\n") + 1 for name in names) // n_columns) + 1
            bottom = _MARGIN + _LINE * n_lines + 0.04
            size = COLUMN, bottom + _SIDE + 0.04
            ax = axes_at(new_figure(*size), (_MARGIN, bottom, COLUMN - _MARGIN - 0.04, _SIDE), size)
        _draw_signs(ax, found, {name: (real_class == name, origin == name) for name in styles}, styles)
        ax.plot(
            *found.real[real_class == target].T,
            TARGET_MARKER,
            color=TARGET_COLOUR,
            ms=4,
            mec="white",
            mew=0.4,
            zorder=3,
        )
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set_visible(True)
        ax.margins(0.04)
        if found.shares is None:
            axes_names = ["t-SNE 1", "t-SNE 2"]
        else:
            axes_names = [f"component {i} ({share:.0%} of variance)" for i, share in enumerate(found.shares, start=1)]
        ax.set_xlabel(axes_names[0])
        ax.set_ylabel(axes_names[1])
        _add_legend(ax, names, styles, n_columns)
    return whole(ax.figure)


def _no_map(ax: Axes | None) -> Figure:
    if ax is None:
        ax = new_figure(COLUMN, 0.6).add_axes((0, 0, 1, 1))
    ax.set_axis_off()
    ax.text(0.5, 0.5, "Too few samples for a map.", transform=ax.transAxes, ha="center", va="center", color=FAINT)
    return whole(ax.figure)


def class_styles(classes: Sequence[str]) -> dict[Any, Style]:
    """A colour and a marker for every class; no pair comes twice for up to a hundred classes."""
    return {
        name: (COLOURS[i % len(COLOURS)], MARKERS[(i + i // len(COLOURS)) % len(MARKERS)])
        for i, name in enumerate(classes)
    }


def _name(name: str | None) -> str:
    return "source classes not on the map" if name is _OTHERS else wrapped(name or "class unknown", 40)


def _draw_signs(axes: Axes, found: Map, rows: Mapping[Any, Any], styles: Mapping[Any, Style]) -> None:
    """Real samples filled, moved ones hollow and on top, rim by rim."""
    for name, (colour, marker) in styles.items():
        if name is not _OTHERS:
            axes.plot(*found.real[rows[name][0]].T, marker, color=colour, ms=3.2, mec="none", alpha=0.6, zorder=2)
    for name, (colour, marker) in styles.items():
        moved = found.moved[rows[name][1]]
        # The white ring lifts the sign off the real samples below it.
        axes.plot(*moved.T, marker, mfc="none", mec="white", ms=4, mew=1.6, alpha=0.85, zorder=4)
        axes.plot(*moved.T, marker, mfc="none", mec=colour, ms=4, mew=0.8, zorder=5)


def _add_legend(axes: Axes, names: Sequence[str], styles: Mapping[Any, Style], n_columns: int) -> None:
    """One entry per class: the filled sign of real samples, the hollow one of moved ones."""
    handles: list[Any] = [(Line2D([], [], ls="", marker=TARGET_MARKER, color=TARGET_COLOUR, ms=5),)] if names[0] else []
    for colour, marker in styles.values():
        filled = Line2D([], [], ls="", marker=marker if marker in MARKERS else "", color=colour, mec="none", ms=4)
        hollow = Line2D([], [], ls="", marker=marker, mfc="none", mec=colour, ms=4, mew=0.8)
        handles.append((filled, hollow))
    axes.legend(
        handles,
        [name for name in names if name],
        handler_map={tuple: HandlerTuple(ndivide=2, pad=0.6)},
        loc="upper left",
        bbox_to_anchor=(0, -_MARGIN / _SIDE),
        title="filled: real; hollow: moved",
        title_fontsize=SMALL,
        fontsize=SMALL,
        alignment="left",
        borderaxespad=0,
        handlelength=2.4,
        labelspacing=0.35,
        ncols=n_columns,
    )
