"""The transformation of a sample, gene by gene: x, P, x_adv and mu_T (paper, Figs. 2-5)."""

import difflib
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from anndata import AnnData
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import FuncNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from numpy.typing import NDArray

from tspg.errors import UsageError
from tspg.report.figures.style import (
    DOWN_COLOUR,
    FAINT,
    MINUS,
    UP_COLOUR,
    Formula,
    house_style,
    new_figure,
    shortened,
    spread,
    wrapped,
    write_beside,
    write_formula,
)

STRIPS: dict[str, Formula] = {  # the name of a strip, and how it is written
    "x": ("x", "", ""),
    "P": ("P", "", ""),
    "x_adv": ("x", "adv", ""),
    "mu_T": ("\N{GREEK SMALL LETTER MU}", "T", ""),
}
TICKS = "#444444"


def _root(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.sign(values) * np.sqrt(np.abs(values))


def _square(values: NDArray[np.float64]) -> NDArray[np.float64]:
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
_BARS: tuple[tuple[Formula, Scale, int], ...] = (  # above a bar, its colours, and how many numbers stand below it
    (("expression, scaled (0 = lowest, 1 = highest in training)", "", ""), EXPRESSION, 3),
    (("perturbation P = x", "adv", f" {MINUS} x, coloured by its root"), PERTURBATION, 5),
)


@dataclass(frozen=True)
class Profile:
    """One panel of the heat map: a sample, or the mean of a class, before and after its perturbation."""

    title: str
    subtitle: str
    original: NDArray[np.float64]
    perturbation: NDArray[np.float64]
    perturbed: NDArray[np.float64]

    @property
    def order(self) -> NDArray[np.intp]:
        """Genes from the most raised to the most lowered one."""
        return np.argsort(-self.perturbation, kind="stable")


def plot_heatmap(
    perturbations: AnnData,
    *,
    sample: str | Sequence[str] | None = None,
    source_class: str | Sequence[str] | None = None,
) -> Figure:
    """Samples or class means side by side: before (x), change (P), after (x_adv), target mean (mu_T).

    Genes are rows, in each panel ordered by that panel's perturbation, whose colours go by its root from
    -1 to 1, so that small changes show. Without a choice the mean of
    every source class is shown or, with more than four, of four from the largest to the smallest.

    Parameters
    ----------
    perturbations
        Moved profiles: `run.perturbations`, or what `read_perturbations` or `TrainedModel.perturb` gave.
    sample
        A sample, or several.
    source_class
        A source class, or several, each as its mean.

    Raises
    ------
    UsageError
        If there is no such sample or class; the message names the closest ones.

    Examples
    --------
    >>> figure = tspg.plot_heatmap(run.perturbations, source_class="GI.GS")
    >>> figure.savefig("heatmap.pdf")
    """
    profiles = _chosen(perturbations, _listed(sample), _listed(source_class))
    target_mean = np.asarray(perturbations.var["target_mean"], np.float64)
    with house_style():
        target = str(perturbations.uns["tspg"]["target_class"])
        return _draw(profiles, target_mean, list(perturbations.var_names), target)


def _listed(names: str | Sequence[str] | None) -> list[str]:
    if names is None:
        return []
    return [names] if isinstance(names, str) else list(names)


def _chosen(perturbations: AnnData, samples: list[str], classes: list[str]) -> list[Profile]:
    if not samples and not classes:
        classes = default_classes(perturbations)
    if not samples and not classes:  # new profiles of unknown class
        samples = list(perturbations.obs_names[:_AT_MOST_BY_DEFAULT])
    single = [_sample(perturbations, name) for name in samples]
    return single + [_class_mean(perturbations, name) for name in classes]


def default_classes(perturbations: AnnData) -> list[str]:
    """Up to four source classes, spread evenly from the largest to the smallest."""
    counts = perturbations.obs["source_class"].value_counts()
    sources = [str(name) for name in perturbations.uns["tspg"]["source_classes"] if name in counts.index]
    by_size = sorted(sources, key=lambda name: (-counts[name], name))
    picks = np.linspace(0, len(by_size) - 1, min(_AT_MOST_BY_DEFAULT, len(by_size)))
    return [by_size[round(i)] for i in picks]


def _sample(perturbations: AnnData, name: str) -> Profile:
    _must_exist(name, perturbations.obs_names, "sample")
    row = perturbations.obs_names.get_loc(name)
    own_class = str(perturbations.obs["source_class"].iloc[row]) or "class unknown"
    return _profile(perturbations, np.array([row]), name, own_class)


def _class_mean(perturbations: AnnData, name: str) -> Profile:
    classes = perturbations.obs["source_class"]
    _must_exist(name, list(classes.unique()), "class")
    rows = np.flatnonzero((classes == name).to_numpy())
    return _profile(perturbations, rows, name, f"mean of {len(rows)} sample{'s' if len(rows) > 1 else ''}")


def _must_exist(name: str, known: Collection[str], kind: str) -> None:
    if name not in known:
        names = list(known)
        close = difflib.get_close_matches(name, names, n=3, cutoff=0) or names[:3]
        raise UsageError(
            f"{kind} {name[:80]!r}: there is no such {kind} among the {len(names)} of these perturbations. "
            f"The closest names are {', '.join(repr(other[:80]) for other in close)}."
        )


def _profile(perturbations: AnnData, rows: NDArray[np.intp], title: str, subtitle: str) -> Profile:
    def mean(matrix: NDArray[np.floating]) -> NDArray[np.float64]:
        return np.asarray(matrix[rows].mean(axis=0, dtype=np.float64))

    matrices = (
        perturbations.layers["original"],
        perturbations.layers["perturbation"],
        np.asarray(perturbations.X),
    )
    return Profile(title, subtitle, *(mean(matrix) for matrix in matrices))


def _draw(profiles: list[Profile], target_mean: NDArray[np.float64], genes: list[str], target: str) -> Figure:
    n_columns = min(_PANELS_A_ROW, len(profiles))
    n_rows = -(-len(profiles) // n_columns)
    width = max(n_columns * _PANEL_WIDTH, 5.6) + 0.2
    titles = [_titles(profile) for profile in profiles]
    head = _HEAD + _LINE * max(title.count("\n") + subtitle.count("\n") + 2 for title, subtitle in titles)
    row_height = head + _STRIPS_HEIGHT + _FOOT
    heading = wrapped(f"Perturbed to {target}", int(width * 10.5))
    heading += f"\n{len(genes):,} genes, the most raised one on top"
    top = 0.25 + 0.17 * heading.count("\n")
    height = top + n_rows * row_height + _BAR_SPACE
    figure = new_figure(width, height)
    figure.text(0.15 / width, 1 - 0.1 / height, heading, size=10, weight="bold", va="top")
    for i, profile in enumerate(profiles):
        row, column = divmod(i, n_columns)
        left = column * _PANEL_WIDTH + 0.15
        bottom = height - top - (row + 1) * row_height + _FOOT
        axes = figure.add_axes(
            (left / width, bottom / height, _STRIPS_WIDTH / width, _STRIPS_HEIGHT / height), gid=f"panel-{i}"
        )
        _panel(axes, profile, target_mean, genes)
        _write_titles(axes, profile, *titles[i])
    _colour_bars(figure)
    return figure


def _panel(axes: Axes, profile: Profile, target_mean: NDArray[np.float64], genes: list[str]) -> None:
    order = profile.order
    columns = (profile.original, profile.perturbation, profile.perturbed, target_mean)
    for i, (strip, values) in enumerate(zip(STRIPS, columns, strict=True)):
        scale = PERTURBATION if strip == "P" else EXPRESSION
        image = _strip(axes, values[order, None], scale, (i + 0.05, i + 0.95, len(genes) - 0.5, -0.5))
        image.set_gid(strip)
        write_formula(axes, (i / 4 + 1 / 8, 1), 5.5, STRIPS[strip], color=TICKS, size=8)
    axes.set_xlim(0, 4)
    axes.set_ylim(len(genes) - 0.5, -0.5)
    axes.set_axis_off()  # ticks would take longer to draw than all the rest
    _name_genes(axes, profile.perturbation[order], [genes[i] for i in order])


def _strip(
    axes: Axes, values: NDArray[np.float64], scale: Scale, extent: tuple[float, float, float, float]
) -> AxesImage:
    colours, norm = scale
    return axes.imshow(values, aspect="auto", norm=norm, cmap=colours, extent=extent)


def _titles(profile: Profile) -> tuple[str, str]:
    return wrapped(profile.title, 29), wrapped(profile.subtitle, 32)


def _write_titles(axes: Axes, profile: Profile, title: str, subtitle: str) -> None:
    """The name and the class above the strips, the range of the perturbation below them."""
    above = 19 + _LINE * 72 * (subtitle.count("\n") + 1)
    low, high = (f"{value:+.2f}".replace("-", MINUS) for value in np.quantile(profile.perturbation, [0, 1]))
    write_beside(axes, (0, 1), (2, above), title, weight="bold", va="bottom")
    write_beside(axes, (0, 1), (2, 19), subtitle, size=7.8, color="#555555", va="bottom")
    write_beside(axes, (0, 0), (2, -5), f"P from {low} to {high}", size=7.2, color="#555555", va="top")


def _name_genes(axes: Axes, perturbation: NDArray[np.float64], genes: list[str]) -> None:
    """Write the most raised and most lowered genes beside the strips, with a line to each row."""
    n_genes = len(genes)
    raised = [i for i in range(min(_LABELLED, n_genes)) if perturbation[i] > 0]
    lowered = [i for i in range(max(n_genes - _LABELLED, len(raised)), n_genes) if perturbation[i] < 0]
    named = np.array(raised + lowered, dtype=int)
    gap = _LABEL_GAP * n_genes / _STRIPS_HEIGHT
    heights = spread(named, gap, -0.5 + gap / 2, n_genes - 0.5 - gap / 2)
    lines = [[(4.0, i), (4.1, i), (4.34, at), (4.42, at)] for i, at in zip(named, heights, strict=True)]
    axes.add_collection(LineCollection(lines, colors=FAINT, linewidths=0.45, clip_on=False), autolim=False)
    for i, height in zip(named, heights, strict=True):
        colour = UP_COLOUR if perturbation[i] > 0 else DOWN_COLOUR
        name = shortened(genes[i], _GENE_LETTERS)
        write_beside(
            axes, (1.12, 1 - (height + 0.5) / n_genes), (0, 0), name, size=6.6, va="center_baseline", color=colour
        )


def _colour_bars(figure: Figure) -> None:
    """What the colours mean, below the panels, on axes that measure the figure in inches."""
    width, height = figure.get_size_inches()
    axes = figure.add_axes((0, 0, 1, 1), gid="colours")
    length = min(2.7, width / 2 - 0.4)
    for i, (title, scale, steps) in enumerate(_BARS):
        left = 0.15 + i * (length + 0.45)
        norm = scale[1]
        _strip(axes, norm.inverse(np.linspace(0, 1, 256))[None], scale, (left, left + length, 0.5, 0.61))
        ticks = np.linspace(left, left + length, steps)
        axes.vlines(ticks, 0.45, 0.5, color=TICKS, linewidth=0.8)
        for at, value in zip(ticks, norm.inverse(np.linspace(0, 1, steps)), strict=True):
            place = (at / width, 0.405 / height)
            write_beside(
                axes, place, (0, 0), f"{value:g}".replace("-", MINUS), size=7, color=TICKS, ha="center", va="top"
            )
        write_formula(axes, (left / width, 0.61 / height), 3, title, size=7.4, centred=False)
    axes.set(xlim=(0, width), ylim=(0, height))
    axes.set_axis_off()
