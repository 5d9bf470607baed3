"""One self-contained page for a biologist: what a run found, what to doubt, and how to repeat it."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd

from tspg.analysis.evaluation.thresholds import SELECTED_OFTEN
from tspg.model.expectation import FEWEST_PAIRS
from tspg.report.page.answer import MORE_NAMED, Answer, answers_of, difference_title, gene_lists
from tspg.report.page.cautions import called_of, cautions_of
from tspg.report.page.data import data_of, packed
from tspg.report.page.evidence import SIGNS, all_measures, comparison, controls, scale_notes, telling_measures
from tspg.report.page.genes import agreement_with_difference, shared_genes
from tspg.report.page.interpretation import annotations_line, cases_of, table_2
from tspg.report.page.map import users_columns
from tspg.report.page.meaning import MOST_TERMS, RANKS, Term, categories_without
from tspg.report.page.method import CLOSED_FORM, PAPER, command_of
from tspg.report.page.render import page_program, rendered
from tspg.report.page.second_cohort import second_cohort
from tspg.report.page.single_samples import sample_rows, single_samples
from tspg.report.read import RunFiles, read_run
from tspg.utils.files import write_text
from tspg.utils.untrusted import require_consistent

MOST_BATCHES, MOST_BATCH_COLUMNS = 12, 8  # values of a column, and columns, that are counted by class


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
    return write_page(Path(run_dir))


def write_page(run_dir: Path, reading: Mapping[str, Any] = MappingProxyType({})) -> Path:
    """Write the page of a folder whose manifest may not be written yet: `reading` is what it will hold."""
    path = run_dir / "report.html"
    write_text(path, page_of(run_dir, reading))
    return path


def page_of(run_dir: Path, reading: Mapping[str, Any] = MappingProxyType({})) -> str:
    """The page of a run folder as it would be written now."""
    run = read_run(run_dir)
    run.reading.update(reading)
    with require_consistent(run_dir):
        return rendered("page/run.html.j2", page_program(), _contents(run))


def _contents(run: RunFiles) -> dict[str, Any]:
    data, answers = data_of(run), answers_of(run)
    return {
        "run": run,
        "answers": answers,
        "signs": SIGNS,
        "often": SELECTED_OFTEN,
        "measure": difference_title(run),
        "gene_lists": gene_lists(run, MORE_NAMED),
        "agreement": agreement_with_difference(run),
        "single_samples": single_samples(run),
        "sample_rows": sample_rows(run),
        "fewest_pairs": FEWEST_PAIRS,
        "has_map": data["map"] is not None,
        "has_heat_map": bool(data["values"] and data["values"]["heat"]),
        "terms_by": [
            {"sample": one.sample, "parts": _parts(one), "without": categories_without(run, one.terms)}
            for one in answers
        ],
        "most_terms": MOST_TERMS,
        "annotations": annotations_line(run),
        "cases": cases_of(run),
        "table_2": table_2(run),
        "shared_genes": shared_genes(run),
        "called": called_of(run),
        "comparison": comparison(run),
        "telling": telling_measures(run),
        "scale_notes": scale_notes(run),
        "all_measures": all_measures(run),
        "table_1": run.tables["table_1"].to_dict("records"),
        "second": second_cohort(run),
        "controls": controls(run),
        "cautions": cautions_of(run),
        "classes": _classes(run),
        "batches": _batches(run),
        "gene_set": str(run.facts.get("gene_set") or run.metric("data.gene_set.name") or ""),
        "paper": PAPER,
        "closed_form": CLOSED_FORM,
        "command": command_of(run),
        "downloads": sorted(
            path.name for ending in ("tsv", "json", "xlsx", "h5ad") for path in run.folder.glob(f"*.{ending}")
        ),
        "figures": sorted(path.name for path in (run.folder / "figures").glob("*.*")),
        "data": packed(data),
    }


def _classes(run: RunFiles) -> list[dict[str, Any]]:
    """Every class with its samples for training and held out; from the labels where the metrics have none."""
    sizes = run.metric("data.classes")
    if not sizes and "source_class" in run.obs:
        counts = run.obs["source_class"].astype(str).value_counts().sort_index()
        sizes = {str(name) or "class unknown": {"all": int(n)} for name, n in counts.items()}
    donors: Any = run.obs.groupby("source_class", observed=True)["group"].nunique() if _has_donors(run) else {}
    roles = dict.fromkeys(run.sources, "source") | {run.target: "target"}
    roles |= dict.fromkeys(run.new_classes, "new to the model")
    return [
        {
            "name": name,
            "train": parts.get("train"),
            "test": parts.get("test"),
            "all": parts.get("all", sum(parts.values())),
            "donors": int(donors.get(name, 0)),
            "role": roles.get(name, "known to the classifier alone"),
        }
        for name, parts in (sizes or {}).items()
    ]


def _batches(run: RunFiles) -> list[tuple[str, pd.DataFrame]]:
    """How many samples of each class have which value of the user's columns, such as a batch; those of few values."""
    if "source_class" not in run.obs:
        return []
    columns = {name: values for name, values in users_columns(run).items() if 1 < values.nunique() <= MOST_BATCHES}
    counts = [(name, pd.crosstab(run.obs["source_class"].astype(str), values)) for name, values in columns.items()]
    return counts[:MOST_BATCH_COLUMNS]


def _has_donors(run: RunFiles) -> bool:
    """Whether donors are known and some gave several samples."""
    return "group" in run.obs and run.obs["group"].nunique() < len(run.obs)


def _parts(answer: Answer) -> list[tuple[str, list[Term]]]:
    """The terms under their headings: of a sample, what is unusual in it and what its move changes are two things."""
    if not answer.sample:
        return [("", answer.terms)]
    unusual = [term for term in answer.terms if term.found_by == RANKS]
    moved = [term for term in answer.terms if term.found_by != RANKS]
    return [("Unusual in this sample", unusual), ("Raised or lowered by the move", moved)]
