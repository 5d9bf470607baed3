"""Which lists share which genes (the paper's Fig. 5 and its "85" and "642"), in the manner of an UpSet plot."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from tspg.report.figures.style import (
    COLUMN,
    INK,
    LEADING,
    PAGE,
    SMALL,
    axes_at,
    house_style,
    new_figure,
    shortened,
    text_width,
)

MOST_LISTS = 24  # more cannot be told apart line by line
MOST_COMBINATIONS = 14
_NAME = 20  # letters
_ROW, _BARS, _HEAD = 0.13, 0.9, 0.3  # inches

Members = Mapping[str, frozenset[str]]


def plot_overlap(lists: Mapping[str, Mapping[str, Sequence[str]]]) -> Figure:
    """How many genes each combination of lists shares: `lists` maps a direction to named lists of genes.

    A column is a combination of lists (filled dots), its bar the number of genes that are in exactly
    those: at the left in most lists, at the right in one alone. Where there are more lists or
    combinations than fit, the largest are drawn.
    """
    panels = {way: largest(named) for way, named in lists.items()}
    with house_style():
        names = {shortened(name, _NAME) for named in panels.values() for name in named}
        margin = max(0.36, *(text_width(name, SMALL) + 0.14 for name in names))
        columns = max(len(drawn_of(members)) for members in panels.values())
        width = COLUMN if len(panels) * (margin + 0.3 + 0.16 * columns) < COLUMN else PAGE
        height = _HEAD + _BARS + max(map(len, panels.values())) * _ROW + 0.1
        figure = new_figure(width, height)
        for number, (way, members) in enumerate(panels.items()):
            left = number * width / len(panels) + margin
            _panel(figure, left, width / len(panels) - margin - 0.04, columns, way, members)
        return figure


def largest(named: Mapping[str, Iterable[str]]) -> dict[str, frozenset[str]]:
    """As many lists as can be told apart, in their own order."""
    sets = {name: frozenset(genes) for name, genes in named.items()}
    kept = dict(sorted(sets.items(), key=lambda item: -len(item[1]))[:MOST_LISTS])
    return {name: genes for name, genes in sets.items() if name in kept}


def lists_by_source(top_genes: pd.DataFrame) -> dict[str, dict[str, list[str]]]:
    """The lists of the class means of a table of top genes, by direction and source class."""
    means = top_genes[top_genes["sample"] == ""]
    return {
        way: {str(name): list(rows["gene"]) for name, rows in part.groupby("source_class", sort=False)}
        for way in ("up", "down")
        if len(part := means[means["direction"] == way])
    }


def combinations_of(named: Members) -> list[tuple[frozenset[str], int]]:
    """Every combination of lists with the number of genes in exactly those lists, most lists first."""
    holders: dict[str, set[str]] = {}
    for name, genes in named.items():
        for gene in genes:
            holders.setdefault(gene, set()).add(name)
    counted = Counter(frozenset(found) for found in holders.values())
    order = {name: number for number, name in enumerate(named)}
    return sorted(counted.items(), key=lambda item: (-len(item[0]), -item[1], sorted(order[name] for name in item[0])))


def drawn_of(named: Members) -> list[tuple[frozenset[str], int]]:
    """The combinations that a panel has room for: the largest."""
    found = combinations_of(named)
    return sorted(sorted(found, key=lambda item: -item[1])[:MOST_COMBINATIONS], key=found.index)


def _panel(figure: Figure, left: float, width: float, columns: int, way: str, named: Members) -> None:
    """Bars over a grid of dots, so many inches from the left."""
    names, drawn, rows = list(named), drawn_of(named), len(named) * _ROW
    size = figure.get_figwidth(), figure.get_figheight()
    dots = axes_at(figure, (left, 0.05, width, rows), size, label=f"{way} dots")
    bars = axes_at(figure, (left, 0.1 + rows, width, _BARS), size, sharex=dots)
    colour, _ = LEADING.get(way, (INK, ""))
    bars.bar(range(len(drawn)), [count for _, count in drawn], color=colour, width=0.7)
    for at, (_, count) in enumerate(drawn):
        bars.annotate(f"{count:,}", (at, count), (0, 1.5), textcoords="offset points", ha="center", fontsize=SMALL)
    is_held = np.array([[name in held for name in names] for held, _ in drawn])
    ends = [(held.min(), held.max()) for held in map(np.flatnonzero, is_held)]
    dots.vlines(range(len(drawn)), *zip(*ends, strict=True), color=colour, linewidth=0.8, zorder=1)
    (across, down), (held_across, held_down) = np.indices(is_held.shape), is_held.nonzero()
    dots.scatter(across, down, s=8, color="#DADDE0", linewidths=0, zorder=2)
    dots.scatter(held_across, held_down, s=10, color=colour, linewidths=0, zorder=3)
    dots.set_yticks(np.arange(len(names)), [shortened(name, _NAME) for name in names])
    dots.set(ylim=(len(names) - 0.4, -0.6), xlim=(-0.7, columns - 0.3))
    dots.tick_params(left=False, bottom=False, labelbottom=False)
    bars.tick_params(bottom=False, labelbottom=False)
    bars.set_ylabel("genes")
    for axes in (dots, bars):
        axes.spines[["bottom", "left"]].set_visible(axes is bars)
    bars.set_title({"up": "raised", "down": "lowered"}.get(way, way), pad=9)
