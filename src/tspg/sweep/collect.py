"""What a sweep found: one table of all runs, and which genes come back over seeds and targets."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import groupby
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
from tspg.report.sweep.results import DONE, FAILED, NOT_RUN, SKIPPED, SweepTables
from tspg.sweep.plan import RANDOM, RANDOM_COLUMNS, Job, Plan, PlannedRun, random_file, run_folder
from tspg.sweep.scheduler import reason
from tspg.utils.files import read_json, read_table, write_table

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
    """Write the tables and the page of a sweep from its run folders; returns the tables."""
    tables = SweepTables(_runs(plan, out), _random(plan, out), *_genes(plan, out))
    for name in ("stability", "gene_frequency", "random_gene_sets"):
        write_table(out / f"{name}.tsv", getattr(tables, name))
    write_table(out / TABLE, tables.runs)
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


def _runs(plan: Plan, out: Path) -> pd.DataFrame:
    """One row per run in the order of the plan: what it is, how it ended, and its numbers."""
    rows = []
    for run in plan.runs:
        folder, (status, why) = run_folder(run, out), ending(plan, run, out)
        name = f"{folder.parent.name}/{folder.name}" if status == DONE else ""
        metrics: dict[str, Any] = {}
        if status == DONE:
            with _readable(folder):
                metrics = dict(_flat(read_json(folder / "metrics.json")))
        rows.append(
            {
                "gene_set": run.gene_set,
                "n_genes": run.n_genes,
                "target_class": run.target_class,
                "seed": run.seed,
                "status": status,
                "reason": why,
                "run": name,
                "report": f"{name}/report.html" if name and (folder / "report.html").exists() else "",
                **metrics,
            }
        )
    table = pd.DataFrame(rows)
    return table[sorted(table.columns, key=lambda column: str(column).startswith("seconds."))]  # those last


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Name what is damaged of what a job has finished."""
    try:
        yield
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(f"{path}: is damaged ({error}). Delete it, and the same command makes it again.") from error


def _flat(content: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Every value under its dotted name; a list as JSON."""
    for key, value in content.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", json.dumps(value, ensure_ascii=False) if isinstance(value, list) else value


def _random(plan: Plan, out: Path) -> pd.DataFrame:
    """All gene sets' comparisons with random ones that are finished."""
    found = []
    for job in plan.jobs:
        if job.kind == RANDOM and plan.is_done(job, out):
            with _readable(random_file(job, out)):
                found.append(read_table(random_file(job, out)))
    return _joined(found, RANDOM_COLUMNS)


def _genes(plan: Plan, out: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The genes of every gene set and target averaged over seeds; and how often each gene leads, over all runs."""
    stability, frequency = [], []
    done = [run for run in plan.wanted if plan.is_done(run, out)]
    for gene_set, of_set in groupby(done, key=lambda run: run.gene_set):
        found: list[tuple[list[str], Repeats]] = []
        for target, of_target in groupby(of_set, key=lambda run: run.target_class):
            genes, repeats = _repeats([run_folder(run, out) for run in of_target])
            stability.append(stable_genes(genes, repeats).assign(gene_set=gene_set, target_class=target))
            found.append((genes, repeats))
        frequency.append(gene_frequency(found).assign(gene_set=gene_set))
    return _joined(stability, STABILITY_COLUMNS), _joined(frequency, FREQUENCY_COLUMNS)


def _joined(parts: list[pd.DataFrame], columns: tuple[str, ...]) -> pd.DataFrame:
    filled = [part for part in parts if len(part)]
    return pd.concat(filled, ignore_index=True)[list(columns)] if filled else pd.DataFrame(columns=list(columns))


def _repeats(folders: list[Path]) -> tuple[list[str], Repeats]:
    """The genes of some runs and how far each moves them, averaged over all source samples."""
    genes, changes = pd.Series(dtype=str), []
    for folder in folders:
        with _readable(folder):
            table = read_table(folder / "genes.tsv")
            table = table[table["source_class"] == ALL_SOURCES]
            genes = table["gene"]
            changes.append({"": table["perturbation"].to_numpy(dtype=np.float64)})
    may_rank = np.any([change[""] != 0 for change in changes], axis=0)  # one that is constant in training never moves
    return list(map(str, genes)), Repeats.of(changes, may_rank, TOP_K)


def stable_genes(genes: list[str], repeats: Repeats) -> pd.DataFrame:
    """The genes that lead when their changes are averaged over seeds and weighted by how often they lead.

    `weight` = |mean change| x share of seeds in which the gene is among the top 20 of its direction
    (`selection_frequency`); `phi` is the stability of both lists together (Nogueira et al. 2018).
    """
    phi = dict(zip(("phi", "phi_low", "phi_high"), repeats.stability(), strict=True))
    mean, agreement = repeats.changes[""].mean(axis=0), repeats.same_sign("")
    parts = []
    for direction in DIRECTIONS:
        often = repeats.selected(("", direction)).mean(axis=0)
        weight = np.abs(mean) * often
        leads = np.flatnonzero((weight > 0) & ((mean > 0) == (direction == "up")))
        top = leads[np.argsort(-weight[leads], kind="stable")[:TOP_K]]
        columns = {
            "direction": direction,
            "rank": np.arange(1, len(top) + 1),
            "gene": [genes[at] for at in top],
            "mean_perturbation": mean[top],
            "selection_frequency": often[top],
            "sign_agreement": agreement[top],
            "weight": weight[top],
            "n_seeds": len(repeats.changes[""]),
            **phi,
        }
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)


def gene_frequency(found: list[tuple[list[str], Repeats]]) -> pd.DataFrame:
    """How often each gene of one gene set is among the top 20, over the seeds and targets of its runs."""
    genes, parts = found[0][0], []
    n_runs = sum(len(repeats.changes[""]) for _, repeats in found)
    for direction in DIRECTIONS:
        selected = [repeats.selected(("", direction)) for _, repeats in found]
        runs = np.sum([of_target.sum(axis=0) for of_target in selected], axis=0)
        targets = np.sum([of_target.any(axis=0) for of_target in selected], axis=0)
        order = [at for at in np.lexsort((genes, -targets, -runs)) if runs[at]]
        columns = {
            "direction": direction,
            "gene": [genes[at] for at in order],
            "n_runs": runs[order],
            "n_runs_total": n_runs,
            "frequency": runs[order] / n_runs,
            "n_targets": targets[order],
            "n_targets_total": len(found),
        }
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)
