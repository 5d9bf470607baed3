"""What `tspg sweep` does: plan, let Snakemake work, collect, and say what came of it."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd

from tspg.analysis.evaluation.thresholds import NOT_TESTED
from tspg.errors import FailedRunsError, UsageError
from tspg.report.sweep.findings import warnings_of
from tspg.report.sweep.study import DONE, FAILED, NOT_RUN, SKIPPED, Study
from tspg.sweep.collect import PAGE, TABLE, collect
from tspg.sweep.plan import PLAN, RANDOM, Job, Plan, mark, mark_jobs, read_plan
from tspg.sweep.scheduler import check_engine, dry_run, end_of, run_snakemake
from tspg.utils.files import TEMPORARY
from tspg.utils.lock import LOCK, locked
from tspg.utils.progress import Progress
from tspg.utils.text import counted
from tspg.utils.untrusted import check_folder

logger = logging.getLogger(__name__)
TABLES = "tables"  # the name of the job that collects
FOREIGN_PROGRAMS = Path(".snakemake", "pip-deployments")  # where Snakemake looks for modules, too
MOST_TOLD = 10  # failures and reasons in the terminal; the table has all


def sweep(config: Path, out: Path, *, cores: int | None, profile: Path | None, progress: Progress) -> list[str]:
    """Do what is left of a sweep, and give the lines that tell what was found.

    Raises
    ------
    FailedRunsError
        If runs failed; all others are finished and in the table.
    TspgError
        If the sweep file asks for something that cannot be done; before anything is written.
    """
    check_engine(cores=cores, profile=profile)
    _check_folder(out)
    plan, store = _planned(config, out)
    with locked(out) as lock:
        _clear(out)
        store(out)
        if mark_jobs(plan, out, out):
            try:
                run_snakemake(plan, out, cores=cores, profile=profile, lock=lock, progress=progress)
            except KeyboardInterrupt:
                logger.info("stopped; what is done is kept, and the same command goes on")
                raise
        tables = collect(plan, out)
    runs = tables.runs
    compared = [job for job in plan.jobs if job.kind == RANDOM]
    lost = [job for job in compared if not plan.is_finished(job, out)]
    told = [*_found(plan, runs, out), *_failed(plan, runs, out), *_lost(lost, out)]
    lines = [*told, *warnings_of(Study(tables)), "", f"Table: {out / TABLE}", f"Report: {out / PAGE}"]
    n_open = sum(map(_is_open, runs["status"]))
    ends = [f"{n_open} of {counted(len(runs), 'run')}"] if n_open else []
    ends += [f"{len(lost)} of {counted(len(compared), 'comparison')} with random gene sets"] if lost else []
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
    if plan.is_finished(job, out):
        mark(job, out)
    else:
        from tspg.sweep.job import run_job  # PyTorch, which what is done already does without

        run_job(plan, job, out)
    return []


def _check_folder(out: Path) -> None:
    """Refuse a folder that holds anything but a sweep, or a sweep in which links or programs lie."""
    found = {entry.name for entry in out.iterdir()} if out.is_dir() else set()
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out}: this is a file. Name a folder.")
    strangers = {name for name in found if name != LOCK and not name.startswith(TEMPORARY)}
    if strangers and PLAN not in found:
        raise UsageError(
            f"--out {out}: the folder holds other files ({', '.join(sorted(strangers)[:3])}). Name a new folder."
        )
    check_folder(out)
    if (out / FOREIGN_PROGRAMS).exists():
        raise UsageError(f"{out / FOREIGN_PROGRAMS}: Snakemake would run Python modules that lie there. Delete it.")


def _clear(out: Path) -> None:
    """Remove what was being written when a sweep was killed: its plan, a part of the matrix."""
    for half in (*out.glob(f"{TEMPORARY}*"), *out.glob(f"data/*/{TEMPORARY}*")):
        half.unlink()


def dry_run_text(config: Path, out: Path, *, cores: int | None, profile: Path | None) -> list[str]:
    """What a sweep would do and take; nothing is written."""
    check_engine(cores=cores, profile=profile)
    _check_folder(out)
    plan, _ = _planned(config, out)
    wanted = plan.wanted
    left = [run for run in wanted if not plan.is_done(run, out)]
    seconds = sum(plan.seconds[run.gene_set] for run in left)
    needs = (
        f"at most {_hours(seconds)} of a core for what is left (runs share work, and go side by side)",
        f"{max((job.memory_mb for job in plan.jobs), default=0) / 1000:.1f} GB of memory asked for a job",
        f"{_bytes(plan.bytes_on_disk)} on disk in the end (keep = {plan.asked['keep']!r})",
    )
    return [
        f"{counted(len(plan.runs), 'run')}: {len(left):,} to do, {len(wanted) - len(left):,} done, "
        f"{len(plan.runs) - len(wanted):,} skipped.",
        *_few([*_skipped(plan), *_poor(plan)]),
        f"Expect {'; '.join(needs)}." if left else "Nothing is left to do.",
        dry_run(plan, out, cores=cores, profile=profile),
    ]


def _bytes(number: float) -> str:
    return f"{number / 1e9:,.1f} GB" if number > 1e9 else f"{number / 1e6:.0f} MB"


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:,.1f} hours" if seconds > 5400 else f"{seconds / 60:.0f} minutes"


def list_runs(config: Path, out: Path) -> list[str]:
    """The table of all runs, one a line between tabs, with what repeats each alone; nothing is written."""
    plan, _ = _planned(config, out)
    lines = ["run\tjob\tgene_set\tn_genes\ttarget_class\tseed\tstatus\tthreads\tmemory_mb\tminutes\tcommand"]
    for run in plan.runs:
        job = None if run.skipped else plan.job_of[run.id]
        state = f"{SKIPPED}: {run.skipped}" if job is None else DONE if plan.is_done(run, out) else "to do"
        needs = ("", "", "") if job is None else (plan.threads, job.memory_mb, job.minutes)
        cells = (run.id, "" if job is None else job.id, run.gene_set, run.n_genes, run.target_class, run.seed, state)
        lines.append("\t".join(map(str, (*cells, *needs, "" if job is None else plan.command_line(run, out)))))
    return lines


def _found(plan: Plan, runs: pd.DataFrame, out: Path) -> Iterator[str]:
    """How many runs ended how, and where the moved profiles are nearest to real ones."""
    ends = runs["status"].str.partition(":")[0].value_counts()
    yield ""
    yield f"{counted(len(runs), 'run')}: {', '.join(f'{n:,} {word}' for word, n in ends.items())}."
    yield from _few([*_skipped(plan), *_poor(plan)])
    strangers = {folder.name for folder in (out / "runs").glob("*")} - {run.id for run in plan.runs}
    if strangers:
        yield f"{counted(len(strangers), 'folder')} in {out / 'runs'}: of an earlier sweep file; nothing was deleted."
    measure = "evidence.generator.energy_ratio"
    if measure in runs and runs[measure].notna().any():
        judged = runs[runs["verdict.realistic.answer"].fillna(NOT_TESTED) != NOT_TESTED]
        means = judged.groupby(["target_class", "gene_set"], as_index=False)[measure].agg(["mean", "count"])
        for target in runs.loc[runs["status"] == DONE, "target_class"].unique():
            of_target = means[(means["target_class"] == target) & (means["count"] > 0)]
            if of_target.empty:
                yield f"{target}: not ranked, too few held-out samples to judge by, or none can be told apart."
                continue
            best = of_target.loc[of_target["mean"].idxmin()]
            others = f"the only one of {counted(len(plan.sets), 'gene set')} that could be measured, "
            yield (
                f"Nearest to real {target} samples: by {best['gene_set'] or 'every gene'} "
                f"({others if len(of_target) == 1 < len(plan.sets) else ''}"
                f"energy ratio {best['mean']:.3f} over {counted(int(best['count']), 'seed')}, 0 is like real ones)."
            )


def _skipped(plan: Plan) -> list[str]:
    """What is not run and why: gene sets that are skipped whole, and targets of the others."""
    some = {run.gene_set for run in plan.wanted}
    found = [
        f"{f'to {run.target_class}' if run.gene_set in some else run.gene_set}: skipped, {run.skipped}"
        for run in plan.runs
        if run.skipped
    ]
    return list(dict.fromkeys(found))


def _poor(plan: Plan) -> list[str]:
    """Gene sets of which the matrix has less than half."""
    poor = [one for one in plan.sets if one.n_genes < one.n_wanted / 2]
    return [f"{one.name}: only {one.n_genes} of its {one.n_wanted} genes are in the matrix" for one in poor]


def _failed(plan: Plan, runs: pd.DataFrame, out: Path) -> Iterator[str]:
    """Every run that failed, with its reason and the command that repeats it."""
    failed = [(run, status) for run, status in zip(plan.runs, runs["status"], strict=True) if _is_open(status)]
    for run, status in failed[:MOST_TOLD]:
        yield f"  {run.gene_set} to {run.target_class}, seed {run.seed}: {status}"
        yield f"      again: {plan.command_line(run, out)}"
    if len(failed) > MOST_TOLD:
        yield f"  ... and {len(failed) - MOST_TOLD:,} more; the report lists them."


def _lost(jobs: list[Job], out: Path) -> list[str]:
    """Comparisons with random gene sets that failed, each with its reason."""
    ends = [f"{FAILED}: {why}" if (why := end_of(job, out)) else NOT_RUN for job in jobs]
    return _few([f"{job.gene_set} beside random gene sets: {end}" for job, end in zip(jobs, ends, strict=True)])


def _is_open(status: str) -> bool:
    """Whether a run is neither done nor skipped."""
    return not status.startswith((DONE, SKIPPED))


def _few(lines: list[str]) -> list[str]:
    more = [f"... and {len(lines) - MOST_TOLD:,} more"] if len(lines) > MOST_TOLD else []
    return [f"  {line}" for line in (*lines[:MOST_TOLD], *more)]
