"""What a sweep found: one table of all runs, and which genes come back over seeds and targets."""

import csv
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import StringIO
from itertools import groupby, islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tspg.analysis.interpretation.agreement import DIRECTIONS
from tspg.analysis.interpretation.class_genes import ALL_SOURCES
from tspg.audit.stability import Repeats
from tspg.errors import ModelError
from tspg.model.config import ExperimentConfig
from tspg.report.sweep.page import write_sweep_page
from tspg.report.sweep.results import DONE, FAILED, NOT_RUN, SKIPPED, SweepTables, is_used
from tspg.sweep.plan import RANDOM, RANDOM_COLUMNS, Job, Plan, PlannedRun, random_file, run_folder
from tspg.sweep.rows import Rows
from tspg.sweep.scheduler import reason
from tspg.utils.files import read_table, write_table

TABLE, PAGE = "sweep.tsv", "sweep.html"
TOP_K = ExperimentConfig.top_k
STABILITY_COLUMNS = (
    *("gene_set", "target_class", "direction", "rank", "gene", "mean_perturbation", "selection_frequency"),
    *("sign_agreement", "weight", "n_seeds", "phi", "phi_low", "phi_high"),
)
FREQUENCY_COLUMNS = (
    *("gene_set", "direction", "gene", "n_runs", "n_runs_total", "frequency", "n_targets", "n_targets_total"),
)


def collect(plan: Plan, out: Path) -> SweepTables:
    """Write the tables and the page of a sweep from its run folders; returns them, of the runs what the page needs."""
    done = {run.id for run in plan.wanted if plan.is_done(run, out)}
    columns = filter(is_used, _write_runs(plan, out, done))
    runs = read_table(out / TABLE, columns=list(columns))
    tables = SweepTables(runs, _random(plan, out), *_genes(plan, out, done))
    for name in ("stability", "gene_frequency", "random_gene_sets"):
        write_table(out / f"{name}.tsv", getattr(tables, name))
    write_sweep_page(out / PAGE, tables)
    return tables


def read_sweep(folder: str | Path) -> pd.DataFrame:
    """The table of a sweep: one row per gene set, target class and seed, with every number that its run found.

    `status` is `done`, `failed`, `skipped` or `not run`, and `reason` says why a run failed or was skipped; `run` and
    `report` are paths in the sweep's folder. The other columns are the keys of `metrics.json`, dots between their
    levels.

    Parameters
    ----------
    folder
        The folder of a sweep that has ended.

    Raises
    ------
    ModelError
        If there is no collected sweep in the folder.

    Examples
    --------
    >>> table = tspg.read_sweep("study")
    >>> done = table[table["status"] == "done"]
    >>> done.groupby("gene_set")["perturbation.hit_rate"].mean().to_dict()
    {'APOPTOSIS': 0.75}
    """
    path = Path(folder) / TABLE
    if not path.is_file():
        raise ModelError(f"{folder}: there is no {TABLE} here. Give the folder of `tspg sweep`, once it has ended.")
    table = read_table(path)
    if "status" in table and "reason" not in table:  # until 0.2: `failed: why`
        packed = table["status"].str.partition(": ")
        table["status"] = packed[0]
        table.insert(list(table.columns).index("status") + 1, "reason", packed[2])
    return table


def ending(plan: Plan, one: PlannedRun | Job, out: Path) -> tuple[str, str]:
    """How a run or job ended: its status and, if it failed or was skipped, the reason."""
    if isinstance(one, PlannedRun) and one.skipped:
        return SKIPPED, one.skipped
    if plan.is_done(one, out):
        return DONE, ""
    found = reason(plan, one, out)
    return (FAILED, found) if found else (NOT_RUN, "")


def _write_runs(plan: Plan, out: Path, done: Collection[str]) -> list[str]:
    """Write one row per run in the order of the plan: what it is, how it ended, and its numbers; the columns."""
    rows = Rows(last="seconds")
    for run in plan.runs:
        folder, is_done = run_folder(run, out), run.id in done
        status, why = (DONE, "") if is_done else ending(plan, run, out)
        name = f"{folder.parent.name}/{folder.name}" if is_done else ""
        about = {
            "gene_set": run.gene_set,
            "n_genes": run.n_genes,
            "target_class": run.target_class,
            "seed": run.seed,
            "status": status,
            "reason": why,
            "run": name,
            "report": f"{name}/report.html" if is_done and (folder / "report.html").exists() else "",
        }
        with _readable(folder):
            rows.add(about, (folder / "metrics.json").read_text("utf-8") if is_done else "{}")
    rows.write(out / TABLE)
    return rows.columns


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Name what is damaged of what a job has finished."""
    try:
        yield
    except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
        raise ModelError(f"{path}: is damaged ({error}). Delete it, and the same command makes it again.") from error


def _random(plan: Plan, out: Path) -> pd.DataFrame:
    """All gene sets' comparisons with random ones that are finished."""
    found = []
    for job in plan.jobs:
        if job.kind == RANDOM and plan.is_done(job, out):
            with _readable(random_file(job, out)):
                found.append(read_table(random_file(job, out)))
    filled = [table for table in found if len(table)]
    return (
        pd.concat(filled, ignore_index=True)[list(RANDOM_COLUMNS)] if filled else pd.DataFrame(columns=RANDOM_COLUMNS)
    )


def _genes(plan: Plan, out: Path, done: Collection[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The genes of every gene set and target averaged over seeds; and how often each gene leads, over all runs."""
    stability: list[dict[str, Any]] = []
    frequency: list[dict[str, Any]] = []
    finished = [run for run in plan.wanted if run.id in done]
    for gene_set, of_set in groupby(finished, key=lambda run: run.gene_set):
        found: list[tuple[list[str], Repeats]] = []
        for target, of_target in groupby(of_set, key=lambda run: run.target_class):
            found.append(_repeats([run_folder(run, out) for run in of_target]))
            stability += [{"gene_set": gene_set, "target_class": target, **part} for part in stable_genes(*found[-1])]
        frequency += [{"gene_set": gene_set, **part} for part in gene_frequency(found)]
    return _joined(stability, STABILITY_COLUMNS), _joined(frequency, FREQUENCY_COLUMNS)


def _joined(parts: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> pd.DataFrame:
    """One table of lists of genes; what is no list is so for all genes of its part."""
    joined: dict[str, list[Any]] = {name: [] for name in columns}
    for part in parts:
        for name, values in joined.items():
            values.extend(part[name] if isinstance(part[name], list) else [part[name]] * len(part["gene"]))
    return pd.DataFrame(joined)


def _repeats(folders: list[Path]) -> tuple[list[str], Repeats]:
    """The genes of some runs and how far each moves them, averaged over all source samples."""
    genes: list[str] = []
    changes = []
    for folder in folders:
        with _readable(folder):
            genes, change = _mean_changes(folder / "genes.tsv")
        changes.append({"": np.array(change)})
    may_rank = np.any([change[""] != 0 for change in changes], axis=0)  # one that is constant in training never moves
    return genes, Repeats.of(changes, may_rank, TOP_K)


def _mean_changes(path: Path) -> tuple[list[str], list[float]]:
    """The genes of a run, and how far it moves each: a few cells of many files, for which this is quickest."""
    text = path.read_bytes().decode()  # quicker than to open it as text, which looks for other line ends
    head, *lines = text.rstrip("\n").split("\n")
    place = {name: at for at, name in enumerate(head.split("\t"))}
    source, gene, change = wanted = [place[name] for name in ("source_class", "gene", "perturbation")]
    quoted, last = csv.reader(StringIO(text), delimiter="\t") if '"' in text else None, max(wanted) + 1
    rows = islice(quoted, 1, None) if quoted else [line.split("\t", last) for line in lines]
    own = [row for row in rows if row[source] == ALL_SOURCES]
    return [row[gene] for row in own], [float(row[change]) for row in own]


def stable_genes(genes: list[str], repeats: Repeats) -> Iterator[dict[str, Any]]:
    """For either direction the genes that lead when their changes are averaged over seeds and weighted.

    `weight` = |mean change| x share of seeds in which the gene is among the top 20 of its direction
    (`selection_frequency`); `phi` is the stability of both lists together (Nogueira et al. 2018).
    """
    phi = dict(zip(("phi", "phi_low", "phi_high"), repeats.stability(), strict=True))
    mean, agreement = repeats.changes[""].mean(axis=0), repeats.same_sign("")
    for direction in DIRECTIONS:
        often = repeats.selected(("", direction)).mean(axis=0)
        weight = np.abs(mean) * often
        leads = np.flatnonzero((weight > 0) & ((mean > 0) == (direction == "up")))
        top = leads[np.argsort(-weight[leads], kind="stable")[:TOP_K]]
        yield {
            "direction": direction,
            "rank": list(range(1, len(top) + 1)),
            "gene": [genes[at] for at in top],
            "mean_perturbation": mean[top].tolist(),
            "selection_frequency": often[top].tolist(),
            "sign_agreement": agreement[top].tolist(),
            "weight": weight[top].tolist(),
            "n_seeds": len(repeats.changes[""]),
            **phi,
        }


def gene_frequency(found: list[tuple[list[str], Repeats]]) -> Iterator[dict[str, Any]]:
    """For either direction how often each gene of a gene set is among the top 20, over the seeds and targets."""
    genes = found[0][0]
    n_runs = sum(len(repeats.changes[""]) for _, repeats in found)
    for direction in DIRECTIONS:
        selected = [repeats.selected(("", direction)) for _, repeats in found]
        runs = np.sum([of_target.sum(axis=0) for of_target in selected], axis=0)
        targets = np.sum([of_target.any(axis=0) for of_target in selected], axis=0)
        order = [at for at in np.lexsort((genes, -targets, -runs)) if runs[at]]
        yield {
            "direction": direction,
            "gene": [genes[at] for at in order],
            "n_runs": runs[order].tolist(),
            "n_runs_total": n_runs,
            "frequency": (runs[order] / n_runs).tolist(),
            "n_targets": targets[order].tolist(),
            "n_targets_total": len(found),
        }
