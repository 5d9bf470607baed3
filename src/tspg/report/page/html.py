"""One self-contained page that tells a biologist what a run found, what to doubt, and how to repeat it."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from tspg.analysis.evaluation.thresholds import SELECTED_OFTEN
from tspg.data.demo import DEMO_FILE
from tspg.report.page.evidence import all_measures, comparison, controls, scale_notes, telling_measures, verdict_rows
from tspg.report.page.findings import cautions_of, findings_of
from tspg.report.page.genes import difference_title, gene_tables
from tspg.report.page.map import map_of
from tspg.report.page.meaning import annotations_line, cases_told, readable
from tspg.report.page.method import method_of
from tspg.report.page.people import people, people_in_short
from tspg.report.page.pictures import pictures_of
from tspg.report.page.render import PROGRAM, rendered
from tspg.report.page.samples import named_rows, sample_rows
from tspg.report.page.second_cohort import second_cohort
from tspg.report.read import RunFiles, new_classes, read_run
from tspg.utils.files import write_text
from tspg.utils.text import NOT_AVAILABLE
from tspg.utils.untrusted import require_consistent

MOST_GENE_LISTS = 100
MOST_SHARED_GENES = 20
LONGEST_UNITS = 24  # letters
UNION = "all"  # what the genes of every set together are called


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
    told_people = people(run)
    groups = [group for group in _gene_lists(run) if not (told_people and group["sample"])]
    return {
        "run": run,
        "metric": run.metric,
        "title": _title(run),
        "question": _task(run),
        "units": _short_units(run),
        "people_in_short": people_in_short(run, told_people),
        "findings": findings_of(run),
        "cautions": cautions_of(run),
        "classes": _classes(run),
        "gene_set": _gene_set(run),
        "n_classes": len(run.facts.get("classes", [])) or len(run.metric("data.classes") or {}),
        "verdict": verdict_rows(run),
        "comparison": comparison(run),
        "scale_notes": scale_notes(run),
        "telling": telling_measures(run),
        "all_measures": all_measures(run),
        "controls": controls(run),
        "second": second_cohort(run),
        "selected_often": SELECTED_OFTEN,
        "pictures": dict(pictures_of(run)),
        "gene_tables": gene_tables(run)[:MOST_GENE_LISTS],
        "difference_title": difference_title(run),
        "gene_lists": groups[:MOST_GENE_LISTS],
        "n_gene_lists": len(groups),
        "people": told_people,
        "samples": sample_rows(run),
        "n_samples": len(run.tables["samples"]),
        "map": map_of(run),
        "told": cases_told(run),
        "n_told": len(groups),
        "annotations": annotations_line(run),
        "table_1": run.tables["table_1"].to_dict("records"),
        "table_2": _readable_terms(run.tables["table_2"]),
        "downloads": sorted(path.name for path in run.folder.glob("*.tsv")),
        "overlap": _overlap(run.tables["gene_overlap"]),
        "method": method_of(run),
        "command": _command(run),
        "versions": run.model.get("versions", {}),
        "model_id": run.facts.get("model_id") or NOT_AVAILABLE,
    }


def _title(run: RunFiles) -> str:
    sources = run.sources
    start = f"{len(sources)} classes" if len(sources) > 1 else (*sources, "new samples")[0]
    return f"From {start} to {run.target}"


def _task(run: RunFiles) -> str:
    n_genes = run.metric("data.n_genes")
    genes = f"of the {n_genes:,} genes" if isinstance(n_genes, int) else "genes"
    gene_set = _gene_set(run)
    of_set = f" of {gene_set}" if gene_set and gene_set != UNION else ""
    return f"Which {genes}{of_set} have to change, and how far, for a sample to become like {run.target}?"


def _gene_set(run: RunFiles) -> str:
    return str(run.facts.get("gene_set") or run.metric("data.gene_set.name") or "")


def _short_units(run: RunFiles) -> str:
    """The units of the matrix as a column head, without the reasons; a long name stands with the data instead."""
    units = re.split(r": | \(", str(run.metric("data.units") or ""))[0]
    return units if 0 < len(units) <= LONGEST_UNITS else "input units"


def _classes(run: RunFiles) -> list[dict[str, Any]]:
    """Every class with its samples for training and held out; from the labels where the metrics have none."""
    counted = run.metric("data.classes")
    if not counted and "source_class" in run.obs:
        sizes = run.obs["source_class"].astype(str).value_counts().sort_index()
        counted = {name or "class unknown": {"all": int(n)} for name, n in zip(sizes.index, sizes, strict=True)}
    return [
        {
            "name": name,
            "train": parts.get("train"),
            "test": parts.get("test"),
            "all": parts.get("all", sum(parts.values())),
            "role": _role(run, name),
        }
        for name, parts in (counted or {}).items()
    ]


def _role(run: RunFiles, name: str) -> str:
    if name in new_classes(run):
        return "new to the model"
    return "target" if name == run.target else "source" if name in run.sources else "known to f alone"


def _gene_lists(run: RunFiles) -> Iterator[dict[str, Any]]:
    """The top genes of every class mean and of every named sample, up and down; after an audit, which are stable."""
    table, stable = run.tables["top_genes"], run.tables["stable_genes"]
    if table.empty:
        return
    if not stable.empty:
        where = ["source_class", "direction", "gene"]
        table = table.merge(
            stable[[*where, "stable"]].assign(sample=""), on=[*where, "sample"], how="left", validate="many_to_one"
        )
        table["stable"] = table["stable"].fillna("–")  # not among the top genes of all fits together
    for key, rows in table.groupby(["source_class", "sample"], sort=False):
        source, sample = map(str, key)
        yield {
            "case": f"{source}\t{sample}",
            "sample": sample,
            "title": sample or source or "class unknown",
            "subtitle": f"single sample{f' of {source}' if source else ''}" if sample else "class mean",
            "audited": not sample and not stable.empty,
            "up": rows[rows["direction"] == "up"].to_dict("records"),
            "down": rows[rows["direction"] == "down"].to_dict("records"),
        }


def _readable_terms(table: pd.DataFrame) -> list[dict[Any, Any]]:
    return [{**row, "best_term": readable(str(row["best_term"]))} for row in table.to_dict("records")]


def _overlap(table: pd.DataFrame) -> list[dict[str, Any]]:
    """How many distinct genes the lists of all sources hold, and those that most sources share."""
    if table.empty or table["n_sources_total"].max() < 2:  # one source shares nothing with itself
        return []
    return [
        {
            "direction": direction,
            "n_distinct": len(rows),
            "n_sources": int(rows["n_sources_total"].iloc[0]),
            "in_all": int((rows["n_sources"] == rows["n_sources_total"]).sum()),
            "genes": _most_shared(rows).to_dict("records"),
        }
        for direction, rows in table.groupby("direction", sort=False)
    ]


def _most_shared(rows: pd.DataFrame) -> pd.DataFrame:
    """Genes of several lists, those of most lists and then of the largest change first."""
    sized = rows.assign(size=rows["mean_perturbation"].abs())
    return (
        sized[sized["n_sources"] > 1]
        .sort_values(["n_sources", "size"], ascending=False, kind="stable")
        .head(MOST_SHARED_GENES)
    )


def _typed_label_column(run: RunFiles) -> str | None:
    """The name of the label column, where the file has one: two columns without a header have none."""
    column = str(run.settings["label_column"])
    return None if run.model.get("details", {}).get("labels_file") and column == "label" else column


def _command(run: RunFiles) -> str:
    """A command line that asks the same question again; file names without their folders."""
    settings = run.settings
    if not settings:
        return ""
    generator, target_model = settings["generator"], settings["target_model"]
    if run.metric("data.expression_file") == DEMO_FILE:
        return f"tspg demo{' --quick' if target_model.get('least_steps') == 1 else ''} --out NEW_FOLDER"
    method = settings.get("method", "generator")
    is_trained = settings["preset"] == "paper"
    length = "steps" if is_trained and generator["steps"] else "epochs"
    transform = run.metric("data.transform")
    options = [
        ("expression", Path(str(run.metric("data.expression_file") or "FILE")).name),
        ("labels", run.model.get("details", {}).get("labels_file") or None),
        ("label-column", _typed_label_column(run)),
        ("test-expression", run.metric("test_cohort.file")),
        ("test-labels", run.metric("test_cohort.labels_file") or None),
        *((name, settings[name]) for name in ("normalise", "align") if settings.get(name, "none") != "none"),
        ("target", settings["target_class"]),
        *(("source", name) for name in settings["source_classes"] or []),
        ("group-column", settings["group_column"]),
        ("split-column", settings.get("split_column")),
        ("adjust", settings.get("adjust_column")),
        ("folds", settings.get("folds", 1)),
        ("transform", None if transform == "none" and run.metric("data.is_log") else transform),
        ("gene-sets", "FILE.gmt" if settings["gene_set"] else None),
        ("gene-set", settings["gene_set"]),
        *(
            [("preset", settings["preset"]), (length, generator[length] if is_trained else None)]
            if method == "generator"
            else [("method", method)]
        ),
        ("target-epochs", run.metric("training.target_epochs") or target_model["epochs"]),
        ("seed", settings["seed"]),
        ("threads", settings["threads"]),
        *(("samples", row["sample"]) for row in named_rows(run)),
        ("out", "NEW_FOLDER"),
    ]
    given = [[f"--{name}", str(value)] for name, value in options if value is not None]
    return shlex.join(["tspg", "run", *(word for option in given for word in option)])
