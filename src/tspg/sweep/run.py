"""What `tspg sweep` does: plan, let Snakemake work, collect, and summarise."""

import logging
from pathlib import Path

from tspg.errors import FailedRunsError, UsageError
from tspg.sweep.notes import few, plan_notes
from tspg.sweep.plan import PLAN, mark_jobs
from tspg.sweep.planning import plan_sweep
from tspg.sweep.scheduler import check_engine, dry_run, run_snakemake
from tspg.utils.files import TEMPORARY
from tspg.utils.lock import LOCK, locked
from tspg.utils.progress import Progress
from tspg.utils.text import counted, duration
from tspg.utils.untrusted import check_folder

logger = logging.getLogger(__name__)
FOREIGN_PROGRAMS = Path(".snakemake", "pip-deployments")  # where Snakemake looks for modules, too
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
    plan, store = plan_sweep(config, out)
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
        from tspg.sweep.collect import collect
        from tspg.sweep.summary import summary_of

        tables = collect(plan, out)
    lines, ends = summary_of(plan, tables, out)
    if ends:
        raise FailedRunsError(f"{' and '.join(ends)} failed; the same command tries them again.", lines)
    return lines


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
    plan, _ = plan_sweep(config, out)
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
        *few(plan_notes(plan)),
        f"Expect {'; '.join(needs)}." if left else "Nothing is left to do.",
        dry_run(plan, out, cores=cores, profile=profile),
    ]


def list_runs(config: Path, out: Path) -> list[str]:
    """The table of all runs, one per line, with the command that repeats each alone; nothing is written."""
    from tspg.report.sweep.results import DONE, SKIPPED

    plan, _ = plan_sweep(config, out)
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
