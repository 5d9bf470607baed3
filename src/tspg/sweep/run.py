"""What `tspg sweep` does: plan, let Snakemake work, collect, and summarise."""

import logging
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pandas as pd

from tspg.analysis.evaluation.thresholds import NOT_TESTED
from tspg.errors import FailedRunsError, UsageError
from tspg.report.sweep.findings import warnings_of
from tspg.report.sweep.results import DONE, SKIPPED, SweepResults
from tspg.sweep.collect import PAGE, TABLE, collect, ending
from tspg.sweep.plan import PLAN, RANDOM, Plan, mark, mark_jobs, read_plan
from tspg.sweep.scheduler import check_engine, dry_run, run_snakemake
from tspg.utils.files import TEMPORARY
from tspg.utils.lock import LOCK, locked
from tspg.utils.progress import Progress
from tspg.utils.text import counted, duration
from tspg.utils.untrusted import check_folder

logger = logging.getLogger(__name__)
TABLES = "tables"  # the name of the job that collects
FOREIGN_PROGRAMS = Path(".snakemake", "pip-deployments")  # where Snakemake looks for modules, too
MOST_LINES = 10  # failures and reasons in the terminal; the table has all
TO_DO = "to do"


def sweep(config: Path, out: Path, *, cores: int | None, profile: Path | None, progress: Progress) -> list[str]:
    """Do what is left of a sweep, and return the lines of its summary.

    Raises
    ------
    FailedRunsError
        If runs failed; all others are finished and in the table.
    TspgError
        If the sweep file has something that cannot be done; before anything is written.
    """
    check_engine(cores=cores, profile=profile)
    _check_folder(out)
    plan, store = _planned(config, out)
    with locked(out) as lock:
        for half in (*out.glob(f"{TEMPORARY}*"), *out.glob(f"data/*/{TEMPORARY}*")):
            half.unlink()  # what was being written when a sweep was killed
        store(out)
        if mark_jobs(plan, out, out):
            try:
                run_snakemake(plan, out, cores=cores, profile=profile, lock=lock, progress=progress)
            except KeyboardInterrupt:
                logger.info("stopped; what is done is kept, and the same command goes on")
                raise
        tables = collect(plan, out)
    runs, comparisons = tables.runs, [job for job in plan.jobs if job.kind == RANDOM]
    failed = [job for job in comparisons if not plan.is_done(job, out)]
    lines = [
        *_found(plan, runs, out),
        *_failed_runs(plan, runs, out),
        *_few(f"{job.gene_set} beside random gene sets: {_ending_text(*ending(plan, job, out))}" for job in failed),
        *warnings_of(SweepResults(tables)),
        "",
        f"Table: {out / TABLE}",
        f"Report: {out / PAGE}",
    ]
    n_open = int((~runs["status"].isin([DONE, SKIPPED])).sum())
    ends = [f"{n_open} of {counted(len(runs), 'run')}"] if n_open else []
    ends += [f"{len(failed)} of {counted(len(comparisons), 'comparison')} with random gene sets"] if failed else []
    if ends:
        raise FailedRunsError(f"{' and '.join(ends)} failed; the same command tries them again.", lines)
    return lines


def _planned(config: Path, out: Path) -> tuple[Plan, Callable[[Path], None]]:
    from tspg.sweep.planning import plan_sweep  # PyTorch, which collecting does without

    return plan_sweep(config, out)


def do_job(out: Path, name: str) -> list[str]:
    """One job of a planned sweep, or its tables once jobs are done: what Snakemake calls."""
    plan = read_plan(out)
    for entry in out.iterdir():  # the whole folder was looked through when the sweep was started
        if entry.is_symlink():
            raise UsageError(f"{entry}: is a link. Put the folder itself there; links are not followed.")
    if name == TABLES:
        collect(plan, out)
        return [f"Table: {out / TABLE}"]
    job = plan.job(name)
    if plan.is_done(job, out):
        mark(job, out)
    else:
        from tspg.sweep.job import run_job  # PyTorch, which a finished job does without

        run_job(plan, job, out)
    return []


def _check_folder(out: Path) -> None:
    """Refuse a folder that holds anything but a sweep, or a sweep with links or programs in it."""
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out}: this is a file. Name a folder.")
    found = {entry.name for entry in out.iterdir()} if out.is_dir() else set()
    others = sorted(name for name in found if name != LOCK and not name.startswith(TEMPORARY))
    if others and PLAN not in found:
        raise UsageError(f"--out {out}: the folder holds other files ({', '.join(others[:3])}). Name a new folder.")
    check_folder(out)
    if (out / FOREIGN_PROGRAMS).exists():
        raise UsageError(f"{out / FOREIGN_PROGRAMS}: Snakemake would run Python modules that are there. Delete it.")


def dry_run_text(config: Path, out: Path, *, cores: int | None, profile: Path | None) -> list[str]:
    """What a sweep would do and take; nothing is written."""
    check_engine(cores=cores, profile=profile)
    _check_folder(out)
    plan, _ = _planned(config, out)
    wanted, size = plan.wanted, plan.bytes_on_disk
    left = [run for run in wanted if not plan.is_done(run, out)]
    seconds = sum(plan.seconds[run.gene_set] for run in left)
    needs = (
        f"at most {duration(seconds)} of a core for what is left (runs share work, and go side by side)",
        f"{max((job.memory_mb for job in plan.jobs), default=0) / 1000:.1f} GB of memory requested per job",
        f"{f'{size / 1e9:,.1f} GB' if size > 1e9 else f'{size / 1e6:.0f} MB'} on disk in the end "
        f"(keep = {plan.settings['keep']!r})",
    )
    return [
        f"{counted(len(plan.runs), 'run')}: {len(left):,} {TO_DO}, {len(wanted) - len(left):,} done, "
        f"{len(plan.runs) - len(wanted):,} skipped.",
        *_few(_plan_notes(plan)),
        f"Expect {'; '.join(needs)}." if left else "Nothing is left to do.",
        dry_run(plan, out, cores=cores, profile=profile),
    ]


def list_runs(config: Path, out: Path) -> list[str]:
    """The table of all runs, one per line, with the command that repeats each alone; nothing is written."""
    plan, _ = _planned(config, out)
    head = ("run", "job", "gene_set", "n_genes", "target_class", "seed", "status", "reason")
    lines = ["\t".join((*head, "threads", "memory_mb", "minutes", "command"))]
    for run in plan.runs:
        known = (run.gene_set, run.n_genes, run.target_class, run.seed)
        cells: tuple[object, ...]
        if run.skipped:
            cells = (run.id, "", *known, SKIPPED, run.skipped, "", "", "", "")
        else:
            job, status = plan.job_of[run.id], DONE if plan.is_done(run, out) else TO_DO
            needs = (plan.threads, job.memory_mb, job.minutes, plan.command_line(run, out))
            cells = (run.id, job.id, *known, status, "", *needs)
        lines.append("\t".join(map(str, cells)))
    return lines


def _found(plan: Plan, runs: pd.DataFrame, out: Path) -> Iterator[str]:
    """How many runs ended how, and by which gene set the moved profiles come nearest to real ones."""
    yield ""
    counts = ", ".join(f"{n:,} {status}" for status, n in runs["status"].value_counts().items())
    yield f"{counted(len(runs), 'run')}: {counts}."
    yield from _few(_plan_notes(plan))
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


def _plan_notes(plan: Plan) -> list[str]:
    """What is skipped and why (gene sets whole, and targets of the others); sets with under half of their genes."""
    some = {run.gene_set for run in plan.wanted}
    skipped = [
        f"{f'to {run.target_class}' if run.gene_set in some else run.gene_set}: skipped, {run.skipped}"
        for run in plan.runs
        if run.skipped
    ]
    poor = [one for one in plan.sets if one.n_genes < one.n_wanted / 2]
    few = [f"{one.name}: only {one.n_genes} of its {one.n_wanted} genes are in the matrix" for one in poor]
    return [*dict.fromkeys(skipped), *few]


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


def _few(lines: Iterable[str]) -> list[str]:
    found = list(lines)
    more = [f"... and {len(found) - MOST_LINES:,} more"] if len(found) > MOST_LINES else []
    return [f"  {line}" for line in (*found[:MOST_LINES], *more)]
