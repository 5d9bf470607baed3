"""What a sweep says at its end: how its runs ended, what came nearest to real samples, and what to do again."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from tspg.analysis.evaluation.thresholds import NOT_TESTED
from tspg.report.sweep.findings import warnings_of
from tspg.report.sweep.results import DONE, SKIPPED, SweepResults, SweepTables
from tspg.sweep.collect import PAGE, TABLE, ending
from tspg.sweep.notes import MOST_LINES, few, plan_notes
from tspg.sweep.plan import RANDOM, Plan
from tspg.utils.text import counted


def summary_of(plan: Plan, tables: SweepTables, out: Path) -> tuple[list[str], list[str]]:
    """The lines of the summary, and in words what failed; empty if nothing did."""
    runs, comparisons = tables.runs, [job for job in plan.jobs if job.kind == RANDOM]
    failed = [job for job in comparisons if not plan.is_done(job, out)]
    lines = [
        *_found(plan, runs, out),
        *_failed_runs(plan, runs, out),
        *few(f"{job.gene_set} beside random gene sets: {_ending_text(*ending(plan, job, out))}" for job in failed),
        *warnings_of(SweepResults(tables)),
        "",
        f"Table: {out / TABLE}",
        f"Report: {out / PAGE}",
    ]
    n_open = int((~runs["status"].isin([DONE, SKIPPED])).sum())
    ends = [f"{n_open} of {counted(len(runs), 'run')}"] if n_open else []
    ends += [f"{len(failed)} of {counted(len(comparisons), 'comparison')} with random gene sets"] if failed else []
    return lines, ends


def _found(plan: Plan, runs: pd.DataFrame, out: Path) -> Iterator[str]:
    """How many runs ended how, and by which gene set the moved profiles come nearest to real ones."""
    yield ""
    counts = ", ".join(f"{n:,} {status}" for status, n in runs["status"].value_counts().items())
    yield f"{counted(len(runs), 'run')}: {counts}."
    yield from few(plan_notes(plan))
    others = {folder.name for folder in (out / "runs").glob("*")} - {run.id for run in plan.runs}
    if others:
        yield f"{counted(len(others), 'folder')} in {out / 'runs'}: of an earlier sweep file; nothing was deleted."
    measure = "evidence.generator.energy_ratio"
    if measure not in runs or runs[measure].isna().all():
        return
    judged = runs[runs["verdict.realistic.answer"].fillna(NOT_TESTED) != NOT_TESTED]
    means = judged.groupby(["target_class", "gene_set"], as_index=False)[measure].agg(["mean", "count"])
    for target in runs.loc[runs["status"] == DONE, "target_class"].unique():
        of_target = means[(means["target_class"] == target) & (means["count"] > 0)]
        if of_target.empty:
            yield f"{target}: not ranked, too few held-out samples to judge by, or none can be told apart."
            continue
        best = of_target.loc[of_target["mean"].idxmin()]
        others_note = f"the only one of {counted(len(plan.sets), 'gene set')} that could be measured, "
        yield (
            f"Nearest to real {target} samples: by {best['gene_set'] or 'every gene'} "
            f"({others_note if len(of_target) == 1 < len(plan.sets) else ''}"
            f"energy ratio {best['mean']:.3f} over {counted(int(best['count']), 'seed')}, 0 is like real ones)."
        )


def _failed_runs(plan: Plan, runs: pd.DataFrame, out: Path) -> Iterator[str]:
    """Every run that failed, with its reason and the command that repeats it."""
    ends = zip(plan.runs, runs["status"], runs["reason"], strict=True)
    failed = [(run, _ending_text(status, why)) for run, status, why in ends if status not in (DONE, SKIPPED)]
    for run, text in failed[:MOST_LINES]:
        yield f"  {run.gene_set} to {run.target_class}, seed {run.seed}: {text}"
        yield f"      again: {plan.command_line(run, out)}"
    if len(failed) > MOST_LINES:
        yield f"  ... and {len(failed) - MOST_LINES:,} more; the report lists them."


def _ending_text(status: str, why: str) -> str:
    return f"{status}: {why}" if why else status
