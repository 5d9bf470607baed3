"""The map of real samples with the perturbed ones put on it (paper, Figs. 2-5, left)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend_handler import HandlerTuple
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from tspg.report.figures.embedding import Embedding, embed
from tspg.report.figures.palette import TARGET_COLOUR
from tspg.report.figures.sampling import MOST_REAL, source_rows
from tspg.report.figures.style import (
    FAINT,
    MARKERS,
    TARGET_MARKER,
    class_styles,
    house_style,
    new_figure,
    wrapped,
)

_CAPTIONS = {
    "t-SNE": "The map was made from the real samples alone; each perturbed sample was then put beside the\n"
    "real ones nearest to it, so it lands on the map whether or not it is truly alike.",
    "joint t-SNE": "Real and perturbed samples made the map together.",
    "PCA": "Too few samples for t-SNE: the first two principal components are shown instead.",
}
_WARNING = "An illustration, not evidence: sizes of groups and distances between them mean little."
_OTHERS = None  # stands for the source classes that are not on the map; no class can have this name
_LINE = 0.19  # inches for a line of the legend


def plot_tsne(
    perturbations: AnnData, *, n_classes: int = 10, n_perturbed: int = 100, joint: bool = False, seed: int = 0
) -> Figure:
    """A map of real samples of up to `n_classes` classes with up to `n_perturbed` perturbed samples on it.

    The target class is always among the classes; more classes and samples than fit are drawn by
    chance from `seed`, of a class with more than 200 real samples so many: the legend tells of how
    many. Filled: real samples. Hollow: perturbed samples, in the colour and shape of the class that
    they came from; those of classes that are not on the map are grey stars. The same seed gives the
    same picture.

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
        Decides who is drawn, and how.

    Examples
    --------
    >>> figure = tspg.plot_tsne(run.perturbations, n_perturbed=20)
    >>> figure.savefig("map.png")
    """
    placed = place(perturbations, n_classes=n_classes, n_perturbed=n_perturbed, joint=joint, seed=seed)
    return draw(perturbations, placed)


@dataclass(frozen=True)
class Placed:
    """Where samples lie on the map: rows of real and of perturbed ones, and the source classes shown."""

    embedding: Embedding
    real_rows: NDArray[np.intp]
    perturbed_rows: NDArray[np.intp]
    classes: list[str]

    def table(self, perturbations: AnnData) -> pd.DataFrame:
        """One row a sign: real or moved (`kind`), whose it is, its place, and what f calls it before and after."""
        parts = []
        for kind, rows, points in (
            ("real", self.real_rows, self.embedding.real),
            ("moved", self.perturbed_rows, self.embedding.perturbed),
        ):
            obs = perturbations.obs.iloc[rows]
            facts = {name: obs[name].to_numpy() for name in ("source_class", "predicted_before", "predicted_after")}
            parts.append(
                pd.DataFrame({"kind": kind, "sample": obs.index, "x": points[:, 0], "y": points[:, 1], **facts})
            )
        return pd.concat(parts, ignore_index=True)


def place(
    perturbations: AnnData, *, n_classes: int = 10, n_perturbed: int = 100, joint: bool = False, seed: int = 0
) -> Placed:
    """Choose samples and give each its place on the map, as `plot_tsne` says."""
    rng = np.random.default_rng(seed)
    source = perturbations.obs["source_class"].to_numpy(object)
    target = str(perturbations.uns["tspg"]["target_class"])
    classes = _choose_classes(perturbations, target, n_classes, rng)
    perturbed_rows = _choose_perturbed(perturbations, n_perturbed, rng)
    real_rows = _choose_real(source, [*classes, target], rng)
    real = np.asarray(perturbations.layers["original"][real_rows], np.float64)
    moved = np.asarray(perturbations.X[perturbed_rows], np.float64)
    # On a map without the target, moved samples could only be put beside samples that were not moved.
    joint = joint or target not in source
    return Placed(embed(real, moved, joint=joint, seed=seed), real_rows, perturbed_rows, classes)


def draw(perturbations: AnnData, placed: Placed) -> Figure:
    """The map of samples that have their places."""
    source = perturbations.obs["source_class"].to_numpy(object)
    shown = np.where(np.isin(source, placed.classes), source, _OTHERS)
    target = str(perturbations.uns["tspg"]["target_class"])
    origin = shown[placed.perturbed_rows]
    with house_style():
        return _draw(placed.embedding, source[placed.real_rows], origin, placed.classes, target, Counter(source))


def _choose_classes(perturbations: AnnData, target: str, n_classes: int, rng: np.random.Generator) -> list[str]:
    """Source classes for the map, in the order of their names; one place is kept for the target."""
    candidates = sorted(set(perturbations.obs["source_class"].iloc[source_rows(perturbations)]) - {target})
    n_kept = max(0, min(n_classes - 1, len(candidates)))
    kept = rng.choice(len(candidates), size=n_kept, replace=False)
    return [candidates[i] for i in sorted(kept)]


def _choose_perturbed(perturbations: AnnData, n_perturbed: int, rng: np.random.Generator) -> NDArray[Any]:
    rows = source_rows(perturbations)
    return np.sort(rng.choice(rows, size=min(n_perturbed, len(rows)), replace=False))


def _choose_real(source: NDArray[np.str_], classes: Sequence[str], rng: np.random.Generator) -> NDArray[np.intp]:
    """Rows of all real samples of each class, or of as many as are shown."""
    rows = [np.flatnonzero(source == name) for name in classes]
    shown = [rng.choice(found, size=MOST_REAL, replace=False) if len(found) > MOST_REAL else found for found in rows]
    return np.sort(np.concatenate(shown))


def _draw(
    embedding: Embedding,
    real_class: NDArray[Any],
    perturbed_class: NDArray[Any],
    classes: Sequence[str],
    target: str,
    sizes: Mapping[str | None, int],
) -> Figure:
    styles: dict[Any, tuple[str, str]] = dict(class_styles(classes))
    if (perturbed_class == _OTHERS).any():
        styles[_OTHERS] = (FAINT, "*")
    texts = [
        _legend_text(
            name,
            _real(int(np.sum(real_class == name)), sizes.get(name, 0)),
            "the target" if name == target else f"{np.sum(perturbed_class == name)} perturbed",
        )
        for name in (target, *styles)
    ]
    n_lines = sum(text.count("\n") + 1 for text in texts) + 3
    figure = new_figure(9.6, max(6.1, _LINE * n_lines + 1.2))
    height = figure.get_figheight()
    axes = figure.add_axes((0.03, 0.95 / height, 0.585, 1 - 1.42 / height))
    for name in classes:
        _scatter_real(axes, embedding.real[real_class == name], styles[name])
    reference = embedding.real[real_class == target]
    axes.plot(*reference.T, TARGET_MARKER, color=TARGET_COLOUR, ms=6, mec="white", mew=0.5, zorder=3)
    for name in styles:
        _scatter_perturbed(axes, embedding.perturbed[perturbed_class == name], styles[name])
    _frame(axes, embedding, target)
    _legend(figure, texts, list(styles.values()))
    caption = f"{_WARNING}\n{_CAPTIONS[embedding.method]}"
    caption += "" if len(reference) else " No real sample of the target is here to compare with."
    figure.text(0.03, 0.12 / height, caption, size=7.6, color="#555555", va="bottom")
    return figure


def _scatter_real(axes: Axes, points: NDArray[Any], style: tuple[str, str]) -> None:
    colour, marker = style
    axes.plot(*points.T, marker, color=colour, ms=4.6, mec="none", alpha=0.55, zorder=2)


def _scatter_perturbed(axes: Axes, points: NDArray[Any], style: tuple[str, str]) -> None:
    colour, marker = style
    # The white ring lifts the sign off the real samples below it.
    axes.plot(*points.T, marker, mfc="none", mec="white", ms=6, mew=2.4, alpha=0.85, zorder=4)
    axes.plot(*points.T, marker, mfc="none", mec=colour, ms=6, mew=1.25, zorder=5)


def _frame(axes: Axes, embedding: Embedding, target: str) -> None:
    kind = {"t-SNE": "t-SNE", "joint t-SNE": "Joint t-SNE", "PCA": "Principal components"}
    axes.set_title(wrapped(f"{kind[embedding.method]}: samples moved to {target}", 62, max_lines=2), size=9.5)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(True)
    axes.spines[:].set_color("#BBBBBB")
    axes.margins(0.06)
    axes.set_xlabel(f"{'component' if embedding.method == 'PCA' else 't-SNE'} 1", color=FAINT)
    axes.set_ylabel(f"{'component' if embedding.method == 'PCA' else 't-SNE'} 2", color=FAINT)


def _real(shown: int, in_all: int) -> str:
    """How many real samples of a class are on the map, and of how many if not all are."""
    if not shown:
        return "no real one"
    return f"{shown} real" if shown == in_all else f"{shown} of {in_all:,} real"


def _legend_text(name: str | None, real: str, perturbed: str) -> str:
    if name is _OTHERS:
        return f"source classes not on the map:\n{perturbed}"
    counts = f"{real}, {perturbed}"
    label = wrapped(name or "class unknown", 40)
    fits = len(label.split("\n")[-1]) + len(counts) < 40
    return f"{label}{': ' if fits else chr(10)}{counts}"


def _legend(figure: Figure, texts: Sequence[str], styles: Sequence[tuple[str, str]]) -> None:
    """One entry a class: the filled sign of real samples, the hollow one of perturbed ones, and how many."""
    handles: list[Any] = [(Line2D([], [], ls="", marker=TARGET_MARKER, color=TARGET_COLOUR, ms=7),)]
    for colour, marker in styles:
        filled = Line2D([], [], ls="", marker=marker if marker in MARKERS else "", color=colour, mec="none", ms=6)
        hollow = Line2D([], [], ls="", marker=marker, mfc="none", mec=colour, ms=6, mew=1.25)
        handles.append((filled, hollow))
    figure.legend(
        handles,
        texts,
        handler_map={tuple: HandlerTuple(ndivide=2, pad=0.6)},
        loc="upper left",
        bbox_to_anchor=(0.63, 1 - 0.1 / figure.get_figheight()),
        title="Class that a sample comes from\n(filled: real; hollow: perturbed)",
        alignment="left",
        borderaxespad=0,
        handlelength=2.6,
        labelspacing=0.55,
    )
