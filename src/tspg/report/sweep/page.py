"""The page of a sweep: which gene sets carry which move, and which genes come back."""

from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any

from tspg.report.page.data import packed
from tspg.report.page.evidence import SIGNS
from tspg.report.page.render import joined, rendered, source_of
from tspg.report.sweep.answer import answer_of
from tspg.report.sweep.data import data_of
from tspg.report.sweep.findings import by_chance, cautions_of
from tspg.report.sweep.map import MOST_WIDE, STATES, Maps, about, legend
from tspg.report.sweep.results import SweepResults, SweepTables, display_name
from tspg.report.sweep.tables import (
    DIRECTIONS,
    MOST_FREQUENT,
    MOST_UNFINISHED,
    P_LIMIT,
    random_comparison,
    reasons,
    recurring_genes,
    table_1,
    unfinished,
)
from tspg.utils.files import write_text

_SHARED, _OWN = ("text", "data", "panel", "tables"), ("map", "panels", "main")


@lru_cache
def sweep_program() -> str:
    """The program of the page of a sweep."""
    return joined([*(f"page/js/{name}.js" for name in _SHARED), *(f"sweep/js/{name}.js" for name in _OWN)])


def write_sweep_page(path: Path, tables: SweepTables) -> None:
    """Write the page of a sweep as one file that opens offline; links lead to what `tables` names beside it."""
    downloads = sorted(table.name for table in path.parent.glob("*.tsv"))
    contents = {**_contents(SweepResults(tables)), "downloads": downloads, "own_style": source_of("sweep/sweep.css")}
    write_text(path, rendered("sweep/sweep.html.j2", sweep_program(), contents))


def _contents(results: SweepResults) -> dict[str, Any]:
    maps = Maps(results).all()
    not_done = unfinished(results)
    random = results.tables.random_gene_sets
    p_values = random["energy_p_value"].dropna()
    return {
        "answer": answer_of(results),
        "signs": SIGNS,
        "cautions": cautions_of(results),
        "targets": results.targets,
        "gene_sets": [(display_name(name), results.n_genes[name]) for name in results.gene_sets],
        "groups": [(group, list(members)) for group, members in groupby(results.measures, lambda one: one.group)],
        "most_wide": MOST_WIDE,
        "map": maps[0],
        "about": about(results, maps[0].measure),
        "legend": legend(maps[0].measure),
        "states": STATES,
        "table_1": table_1(results),
        "random": random_comparison(results),
        "n_random": random["n_random"].max(),
        "n_tests": len(p_values),
        "n_small": int((p_values <= P_LIMIT).sum()),
        "p_limit": P_LIMIT,
        "by_chance": by_chance(len(p_values)),
        "recurring_genes": recurring_genes(results),
        "directions": DIRECTIONS,
        "most_frequent": MOST_FREQUENT,
        "unfinished": not_done[:MOST_UNFINISHED],
        "n_unfinished": len(not_done),
        "reasons": reasons(not_done),
        "data": packed(data_of(results, maps)),
    }
