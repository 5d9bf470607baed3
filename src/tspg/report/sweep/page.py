"""The page of a sweep: which gene sets carry which transition, and which genes come back."""

from itertools import groupby
from pathlib import Path
from typing import Any

from jinja2.utils import htmlsafe_json_dumps

from tspg.report.page.render import joined, rendered
from tspg.report.sweep.findings import by_chance, cautions_of, findings_of, what_was_run
from tspg.report.sweep.map import MOST_WIDE, STATES, column_means, compared_line, legend, map_rows
from tspg.report.sweep.numbers import numbers_of
from tspg.report.sweep.results import SweepResults, SweepTables
from tspg.report.sweep.tables import (
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

SWEEP_PROGRAM = joined(["sweep/sweep.js"])


def write_sweep_page(path: Path, tables: SweepTables, *, title: str) -> None:
    """Write the page of a sweep as one file that opens offline; links lead to what `tables` names beside it."""
    downloads = sorted(table.name for table in path.parent.glob("*.tsv"))
    contents = {**_contents(SweepResults(tables)), "title": title, "downloads": downloads}
    write_text(path, rendered("sweep/sweep.html.j2", SWEEP_PROGRAM, contents))


def _contents(results: SweepResults) -> dict[str, Any]:
    measure, not_done = results.measures[0], unfinished(results)
    random = results.tables.random_gene_sets
    p_values = random["energy_p_value"].dropna()
    return {
        "what": what_was_run(results),
        "findings": findings_of(results),
        "cautions": cautions_of(results),
        "targets": results.targets,
        "groups": [(group, list(members)) for group, members in groupby(results.measures, lambda one: one.group)],
        "most_wide": MOST_WIDE,
        "measure": measure,
        "legend": legend(measure),
        "states": STATES,
        "compared_line": compared_line(results, measure),
        "rows": map_rows(results, measure),
        "column_means": column_means(results, measure),
        "table_1": table_1(results),
        "random": random_comparison(results),
        "n_random": random["n_random"].max(),
        "n_tests": len(p_values),
        "n_small": int((p_values <= P_LIMIT).sum()),
        "p_limit": P_LIMIT,
        "by_chance": by_chance(len(p_values)),
        "recurring_genes": recurring_genes(results),
        "most_frequent": MOST_FREQUENT,
        "unfinished": not_done[:MOST_UNFINISHED],
        "n_unfinished": len(not_done),
        "reasons": reasons(not_done),
        # `<` and `&` are written as \u003c and \u0026, so no name can end the element
        "numbers": htmlsafe_json_dumps(numbers_of(results), separators=(",", ":"), allow_nan=False),
    }
