"""The page of a comparison: runs side by side, the genes that they share, and those of one target alone."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from tspg.analysis.interpretation.class_genes import SURE
from tspg.report.compare.groups import SHARED, Compared
from tspg.report.page.answer import MORE_NAMED, NAMED, Chip, GeneBar, GeneList, chips, difference_title
from tspg.report.page.data import aliases_of, column, gene_sets_of, logs, others_of, packed
from tspg.report.page.evidence import SIGNS
from tspg.report.page.render import joined, rendered, source_of
from tspg.report.read import RunFiles
from tspg.utils.files import write_text
from tspg.utils.text import counted, listed

MOST_BYTES = 1_200_000  # of raw numbers
_BYTES_A_NUMBER, _MOST_IN_SENTENCE = 2, 4
_SHARED = (*("text", "data", "panel", "tables", "search", "scatter", "views", "genes", "plots", "gene_panel"),)


@dataclass(frozen=True)
class OneRun:
    """A run of the comparison: its target, its answers, and its page as seen from the page of the comparison."""

    target: str
    page: str
    chips: list[Chip]


@lru_cache
def compare_program() -> str:
    """The program of the page of a comparison."""
    own = [f"compare/js/{name}.js" for name in ("views", "main")]
    return joined([*(f"page/js/{name}.js" for name in _SHARED), *own])


def write_compare_page(
    path: Path, views: Sequence[Compared], runs: Sequence[RunFiles], *, beside: Sequence[str] = ()
) -> None:
    """Write the page of a comparison as one file that opens offline; links lead to what is `beside` it.

    `views` are the genes from each source that the runs have in common.
    """
    first = views[0]
    measure = _measure(first, runs)
    lists = _lists(first, NAMED)
    ends = [end for one in lists for gene in one.genes for end in (gene.size, gene.low, gene.high) if np.isfinite(end)]
    contents = {
        "question": _question(first),
        "sentence": _sentence(first),
        "lists": lists,
        "runs": [_one(run, path.parent) for run in runs],
        "signs": SIGNS,
        "measure": measure,
        "widest": max(map(abs, ends), default=0.0),
        "is_tested": first.is_tested,
        "targets": first.targets,
        "tables": _tables(first),
        "downloads": beside,
        "figures": sorted(one.name for one in (path.parent / "figures").glob("*.*")),
        "own_style": source_of("compare/compare.css"),
        "data": packed(_data(views, runs, measure)),
    }
    write_text(path, rendered("compare/compare.html.j2", compare_program(), contents))


def _one(run: RunFiles, folder: Path) -> OneRun:
    page = run.folder / "report.html"
    beside = os.path.relpath(page.resolve(), folder.resolve()) if page.is_file() else ""
    return OneRun(run.target, Path(beside).as_posix() if beside else "", chips(run))


def _measure(first: Compared, runs: Sequence[RunFiles]) -> str:
    if not first.is_tested:
        return "rank"
    titles = {difference_title(run) for run in runs}
    return titles.pop() if len(titles) == 1 else "difference"


def _question(first: Compared) -> str:
    targets = first.targets
    named = listed(targets) if len(targets) < _MOST_IN_SENTENCE else f"{len(targets)} target classes"
    return f"{f'From {first.source} to' if first.source else 'To'} {named}: which genes are shared, which specific?"


def _sentence(first: Compared) -> str:
    of, targets = first.of, first.targets
    alone = [int((of == number).sum()) for number in range(len(targets))]
    each = listed([f"{n:,} in {target} alone" for n, target in zip(alone, targets, strict=True)])
    if len(targets) > _MOST_IN_SENTENCE:
        each = f"{min(alone):,} to {max(alone):,} in one target alone"
    n_shared, every = int((of == SHARED).sum()), "both" if len(targets) == 2 else f"all {len(targets)}"
    if first.is_tested:
        return f"{n_shared:,} of {counted(len(of), 'gene')} differ the same way in {every}; {each} (q < {SURE})."
    return f"{counted(n_shared, 'gene')} of the lists {'is' if n_shared == 1 else 'are'} in {every}; {each}."


def _lists(first: Compared, k: int) -> list[GeneList]:
    """The first shared genes with the mean over targets, from the least to the most; then those of each target."""
    measure = "size" if first.is_tested else "rank"
    of, order = first.of, first.order()
    genes = first.table["gene"].astype(str).to_numpy()
    size, q = first.numbers("difference") if first.is_tested else first.numbers("rank"), first.numbers("q")
    nothing = float("nan")

    def bars(rows: Any, columns: list[int]) -> list[GeneBar]:
        found = []
        for row in rows[:k]:
            own = size[row, columns]
            ends = (float(own.min()), float(own.max())) if len(columns) > 1 else (nothing, nothing)
            worst = float(q[row, columns].max())
            found.append(GeneBar(genes[row], float(own.mean()), *ends, worst, worst < SURE))
        return found

    in_all = list(range(len(first.targets)))
    lists = [GeneList("Shared by all", measure, bars(order[of[order] == SHARED], in_all))]
    for number, target in enumerate(first.targets):
        lists.append(GeneList(f"{target} alone", measure, bars(order[of[order] == number], [number])))
    return lists


def _tables(first: Compared) -> list[dict[str, Any]]:
    """What is listed on a page that runs no program: the first genes of each list in all targets."""
    difference, q, rank = (first.numbers(name) for name in ("difference", "q", "rank"))
    row_of = {gene: row for row, gene in enumerate(first.table["gene"].astype(str))}
    return [
        {
            "title": one.title,
            "genes": [
                {"gene": bar.gene, "cells": list(zip(difference[row], q[row], rank[row], strict=True))}
                for bar in one.genes
                for row in [row_of[bar.gene]]
            ],
        }
        for one in _lists(first, MORE_NAMED)
    ]


def _data(views: Sequence[Compared], runs: Sequence[RunFiles], measure: str) -> dict[str, Any]:
    first = views[0]
    genes = list(dict.fromkeys(str(gene) for one in views for gene in one.table["gene"]))
    most = max(1, MOST_BYTES // (_BYTES_A_NUMBER * 2 * len(first.targets) * max(1, len(genes))))
    known, others = set(genes), [others_of(run) for run in runs]
    outside = {name: alias for one in others for name, alias in zip(*one.values(), strict=True) if name not in known}
    return {
        "targets": first.targets,
        "measure": measure,
        "is_tested": first.is_tested,
        "genes": genes,
        "aliases": aliases_of(genes),
        "others": {"genes": list(outside), "aliases": list(outside.values())},
        "gene_sets": gene_sets_of(genes),
        "views": [_view(one, genes) for one in views[:most]],
        "left_out": {"sources": len(views[most:]), "samples": 0},
    }


def _view(one: Compared, genes: list[str]) -> dict[str, Any]:
    """The genes of one source, in the order of `genes`, those it lacks without a number."""
    place = {gene: row for row, gene in enumerate(one.table["gene"].astype(str))}
    rows = np.array([place.get(gene, -1) for gene in genes], dtype=np.int64)
    order = np.empty(len(one.table), dtype=np.int64)
    order[one.order()] = np.arange(1, len(one.table) + 1)
    rank, q, difference = (
        np.where(rows[:, None] < 0, np.nan, one.numbers(name)[rows]) for name in ("rank", "q", "difference")
    )
    return {
        "source": one.source,
        "order": [int(order[row]) if row >= 0 else 0 for row in rows],
        "of": [int(of) if row >= 0 else None for row, of in zip(rows, one.of[rows], strict=True)],
        "difference": [column(values) for values in difference.T] if one.is_tested else None,
        "log_q": [logs(values) for values in q.T] if one.is_tested else None,
        "rank": [[int(value) if np.isfinite(value) else 0 for value in values] for values in rank.T],
    }
