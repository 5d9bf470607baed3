"""The page of a sweep: which gene sets carry which transition, beside what, and which genes come back."""

from itertools import groupby
from pathlib import Path
from typing import Any

from jinja2.utils import htmlsafe_json_dumps

from tspg.report.page.render import PROGRAM, rendered, source_of
from tspg.report.sweep.findings import by_chance, cautions_of, findings_of, what_was_run
from tspg.report.sweep.map import MOST_WIDE, STATES, beside_line, column_means, default_measure, legend, map_rows
from tspg.report.sweep.numbers import numbers_of
from tspg.report.sweep.study import Study, SweepTables
from tspg.report.sweep.tables import (
    MOST_FREQUENT,
    MOST_UNFINISHED,
    P_LIMIT,
    beside_random,
    genes_that_come_back,
    reasons,
    table_1,
    unfinished,
)
from tspg.utils.files import write_text

__all__ = ["SweepTables", "write_sweep_page"]

SWEEP_PROGRAM = f"{PROGRAM}\n{source_of('sweep/sweep.js')}"


def write_sweep_page(path: Path, tables: SweepTables, *, title: str) -> None:
    """Write the page of a sweep as one file that opens offline; links lead to what `tables` names beside it."""
    contents = {**_contents(Study(tables)), "title": title, "downloads": sorted(_tables_beside(path))}
    write_text(path, rendered("sweep/sweep.html.j2", SWEEP_PROGRAM, contents))


def _tables_beside(path: Path) -> list[str]:
    return [table.name for table in path.parent.glob("*.tsv")]


def _contents(study: Study) -> dict[str, Any]:
    measure = default_measure(study)
    not_done = unfinished(study)
    p_values = study.tables.random_gene_sets["energy_p_value"].dropna()
    return {
        "what": what_was_run(study),
        "findings": findings_of(study),
        "cautions": cautions_of(study),
        "study": study,
        "groups": [(group, list(members)) for group, members in groupby(study.measures, lambda one: one.group)],
        "most_wide": MOST_WIDE,
        "measure": measure,
        "legend": legend(measure),
        "states": STATES,
        "beside_line": beside_line(study, measure),
        "rows": map_rows(study, measure),
        "column_means": column_means(study, measure),
        "table_1": table_1(study),
        "random": beside_random(study),
        "n_random": study.tables.random_gene_sets["n_random"].max(),
        "n_tests": len(p_values),
        "n_small": int((p_values <= P_LIMIT).sum()),
        "p_limit": P_LIMIT,
        "by_chance": by_chance(len(p_values)),
        "come_back": list(genes_that_come_back(study)),
        "most_frequent": MOST_FREQUENT,
        "unfinished": not_done[:MOST_UNFINISHED],
        "n_unfinished": len(not_done),
        "reasons": reasons(not_done),
        # `<` and `&` are written as \u003c and \u0026, so no name can end the element
        "numbers": htmlsafe_json_dumps(numbers_of(study), separators=(",", ":"), allow_nan=False),
    }
