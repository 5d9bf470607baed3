"""Which lists share which genes (the paper's Fig. 5 and its "85" and "642"), in the manner of an UpSet plot."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tspg.report.figures.style import DOWN_COLOUR, FAINT, INK, UP_COLOUR, house_style, new_figure, shortened, text_width

MOST_LISTS = 24  # more cannot be told apart line by line
MOST_COMBINATIONS, FEWEST_COLUMNS = 16, 12
_NAME = 34  # letters
_ROW, _BARS, _HEAD, _COLUMN = 0.2, 1.3, 0.75, 0.22  # inches

Members = Mapping[str, frozenset[str]]


def plot_overlap(lists: Mapping[str, Mapping[str, Sequence[str]]], *, what: str = "lists") -> Figure:
    """How many genes each combination of lists shares: `lists` maps a direction to named lists of genes.

    A column is a combination of lists (filled dots), its bar the number of genes that are in exactly
    those: at the left in most lists, at the right in one alone. Where there are more lists or
    combinations than fit, the largest are drawn and the title says so.
    """
    panels = {}
    for way, named in lists.items():
        sets = {name: frozenset(genes) for name, genes in named.items()}
        kept = dict(sorted(sets.items(), key=lambda item: -len(item[1]))[:MOST_LISTS])
        panels[way] = {name: genes for name, genes in sets.items() if name in kept}
    with house_style():
        margin = max([0.8, *(text_width(shortened(name, _NAME), 8) for named in panels.values() for name in named)])
        columns = max([FEWEST_COLUMNS, *(min(len(combinations_of(one)), MOST_COMBINATIONS) for one in panels.values())])
        width, rows = margin + columns * _COLUMN + 0.5, max([1, *map(len, panels.values())])
        figure = new_figure(max(len(panels), 1) * width, _HEAD + _BARS + rows * _ROW + 0.2)
        for number, (way, members) in enumerate(panels.items()):
            _panel(figure, number * width + margin + 0.25, columns, way, members, len(lists[way]), what)
        return figure


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


def _panel(figure: Figure, left: float, columns: int, way: str, named: Members, n_lists: int, what: str) -> None:
    """Bars over a grid of dots, so many inches from the left."""
    height, names = figure.get_figheight(), list(named)
    left, width = left / figure.get_figwidth(), columns * _COLUMN / figure.get_figwidth()
    found = combinations_of(named)
    drawn = sorted(sorted(found, key=lambda item: -item[1])[:MOST_COMBINATIONS], key=found.index)
    dots: Axes = figure.add_axes((left, 0.1 / height, width, len(names) * _ROW / height), label=f"{way} dots")
    bars: Axes = figure.add_axes((left, (0.15 + len(names) * _ROW) / height, width, _BARS / height), sharex=dots)
    colour = {"up": UP_COLOUR, "down": DOWN_COLOUR}.get(way, INK)
    bars.bar(range(len(drawn)), [count for _, count in drawn], color=colour, width=0.7)
    for at, (held, count) in enumerate(drawn):
        bars.annotate(f"{count:,}", (at, count), (0, 2), textcoords="offset points", ha="center", fontsize=7)
        lines = [row for row, name in enumerate(names) if name in held]
        dots.plot([at, at], [min(lines), max(lines)], color=colour, linewidth=1.2, zorder=1)
        dots.scatter([at] * len(names), range(len(names)), s=16, color="#E3E6E9", zorder=2)
        dots.scatter([at] * len(lines), lines, s=18, color=colour, zorder=3)
    dots.set_yticks(np.arange(len(names)), [shortened(name, _NAME) for name in names])
    dots.set(ylim=(len(names) - 0.4, -0.6), xlim=(-0.7, columns - 0.3))
    dots.tick_params(left=False, bottom=False, labelbottom=False)
    bars.tick_params(bottom=False, labelbottom=False)
    bars.set_ylabel("genes")
    for axes in (dots, bars):
        axes.spines[["bottom", "left"]].set_visible(axes is bars)
    note = [f"in {n_lists} {what}"]
    note += [f"{len(drawn)} of {len(found)} combinations"] if len(drawn) < len(found) else []
    note += [f"{len(names)} lists shown"] if len(names) < n_lists else []
    bars.set_title(f"Turned {way}: {len(frozenset().union(*named.values())):,} genes", pad=18)
    bars.annotate("; ".join(note), (0, 1), (0, 8), "axes fraction", "offset points", fontsize=7.5, color=FAINT)
