"""One self-contained page for a biologist: what a run found, what to doubt, and how to repeat it."""

from pathlib import Path
from typing import Any

from tspg.analysis.evaluation.thresholds import SELECTED_OFTEN
from tspg.data.scale import LOG_SCALE, Scale
from tspg.model.expectation import FEWEST_PAIRS
from tspg.report.page.evidence import all_measures, comparison, controls, scale_notes, telling_measures, verdict_rows
from tspg.report.page.figures import figures_of
from tspg.report.page.findings import called_of, cautions_of, findings_of
from tspg.report.page.genes import (
    MOST_GENE_LISTS,
    agreement_with_difference,
    difference_title,
    gene_lists,
    gene_tables,
    shared_genes,
)
from tspg.report.page.interpretation import annotations_line, cases_of, table_2
from tspg.report.page.map import map_of
from tspg.report.page.method import CLOSED_FORM, PAPER, command_of
from tspg.report.page.render import PROGRAM, rendered
from tspg.report.page.second_cohort import second_cohort
from tspg.report.page.single_samples import sample_rows, samples_in_short, single_samples
from tspg.report.read import RunFiles, read_run
from tspg.utils.files import write_text
from tspg.utils.untrusted import require_consistent

LONGEST_UNITS = 24  # letters


def write_report(run_dir: str | Path) -> Path:
    """Write `report.html` from the files of a run folder; its path comes back.

    The page is one file that opens offline. What the folder does not hold is called not available.

    Parameters
    ----------
    run_dir
        The folder of a finished run.

    Raises
    ------
    ModelError
        If there is no such folder, or a file in it is damaged.

    Examples
    --------
    >>> tspg.write_report("runs/msi").name
    'report.html'
    """
    path = Path(run_dir) / "report.html"
    write_text(path, page_of(Path(run_dir)))
    return path


def page_of(run_dir: Path) -> str:
    """The page of a run folder as it would be written now."""
    run = read_run(run_dir)
    with require_consistent(run_dir):
        return rendered("page/template.html.j2", PROGRAM, _contents(run))


def _contents(run: RunFiles) -> dict[str, Any]:
    samples = single_samples(run)
    lists = [one for one in gene_lists(run) if not (samples and one["sample"])]
    return {
        "run": run,
        "units": _units(run),
        "samples_in_short": samples_in_short(run, samples),
        "findings": findings_of(run),
        "cautions": cautions_of(run),
        "classes": _classes(run),
        "gene_set": str(run.facts.get("gene_set") or run.metric("data.gene_set.name") or ""),
        "verdict": verdict_rows(run),
        "comparison": comparison(run),
        "scale_notes": scale_notes(run),
        "telling": telling_measures(run),
        "all_measures": all_measures(run),
        "controls": controls(run),
        "second": second_cohort(run),
        "selected_often": SELECTED_OFTEN,
        "figures": figures_of(run),
        "called": called_of(run),
        "agreement": agreement_with_difference(run),
        "has_held_out": "split" in run.obs and run.obs["split"].eq("test").any(),
        "gene_tables": gene_tables(run)[:MOST_GENE_LISTS],
        "difference_title": difference_title(run),
        "gene_lists": lists[:MOST_GENE_LISTS],
        "n_gene_lists": len(lists),
        "single_samples": samples,
        "sample_rows": sample_rows(run),
        "map": map_of(run),
        "cases": cases_of(run),
        "annotations": annotations_line(run),
        "table_1": run.tables["table_1"].to_dict("records"),
        "table_2": table_2(run),
        "downloads": sorted(path.name for path in run.folder.glob("*.tsv")),
        "shared_genes": shared_genes(run),
        "paper": PAPER,
        "closed_form": CLOSED_FORM,
        "fewest_pairs": FEWEST_PAIRS,
        "command": command_of(run),
    }


def _units(run: RunFiles) -> str:
    """The scale of the matrix as the head of a column; the section on the data has a long name."""
    details = run.model.get("details", {})
    units = Scale.from_details(details).now if details else LOG_SCALE if run.metric("data.is_log") else ""
    return units if 0 < len(units) <= LONGEST_UNITS else "input units"


def _classes(run: RunFiles) -> list[dict[str, Any]]:
    """Every class with its samples for training and held out; from the labels where the metrics have none."""
    sizes = run.metric("data.classes")
    if not sizes and "source_class" in run.obs:
        counts = run.obs["source_class"].astype(str).value_counts().sort_index()
        sizes = {str(name) or "class unknown": {"all": int(n)} for name, n in counts.items()}
    roles = dict.fromkeys(run.sources, "source") | {run.target: "target"}
    roles |= dict.fromkeys(run.new_classes, "new to the model")
    return [
        {
            "name": name,
            "train": parts.get("train"),
            "test": parts.get("test"),
            "all": parts.get("all", sum(parts.values())),
            "role": roles.get(name, "known to f alone"),
        }
        for name, parts in (sizes or {}).items()
    ]
