"""Snakemake at work on a plan: started, watched, stopped. What is done, it reads off the sweep's folder."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from tspg.errors import FailedRunsError, UsageError
from tspg.sweep.plan import RANDOM, Job, Plan, PlannedRun, log_file, mark_jobs, reason_file, write_plan
from tspg.utils.progress import Progress

WORKFLOW = Path(str(files("tspg.sweep").joinpath("Snakefile")))
LOG = "snakemake.log"
FEWEST_SECONDS = 1.0  # between two looks at what is done
SHARE_OF_LOOKING = 0.05
GRACE_SECONDS = 15.0
KILLED = "its process ended without a word: killed, or out of memory?"


def check_engine(*, cores: int | None, profile: Path | None) -> None:
    """Refuse a sweep where its engine is missing, or told to use what is not there."""
    if find_spec("snakemake") is None:
        raise UsageError(
            "A sweep is run by Snakemake, which is not installed: pip install 'tspg[sweep]' ('.[sweep]' in a checkout)."
        )
    if cores is not None and cores < 1:
        raise UsageError(f"--cores is {cores}; one or more are needed.")
    if profile is not None and not list(profile.glob("config*.yaml")):
        raise UsageError(f"--profile {profile}: there is no config.yaml in it. Name the folder of a Snakemake profile.")


def run_snakemake(
    plan: Plan, out: Path, *, cores: int | None, profile: Path | None, lock: int, progress: Progress
) -> None:
    """Let Snakemake do what is left, and show how far it is.

    `lock` is the open file by which the sweep's folder is held. Snakemake inherits it: should this
    process be killed, the folder stays held until Snakemake has ended too.

    Raises
    ------
    FailedRunsError
        If Snakemake could not start any job.
    """
    command = [*_snakemake(plan, out, cores=cores, profile=profile)]
    (out / "logs").mkdir(exist_ok=True)
    for job in plan.jobs:
        if not plan.is_finished(job, out):
            for said in (log_file(job, out), *(reason_file(run, out) for run in plan.runs_of(job))):
                said.unlink(missing_ok=True)  # what was once said is no reason for what comes
    with (
        (out / "logs" / LOG).open("wb") as log,
        subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=out, pass_fds=[lock]) as child,  # noqa: S603 - our own Snakemake
        _stopped_with_us(child),
    ):
        _watch(plan, out, child, progress)
    unfinished = [job for job in plan.jobs if not plan.is_finished(job, out)]
    if child.returncode and not any(log_file(job, out).exists() for job in unfinished):
        raise FailedRunsError(
            f"Snakemake ended before any job: {_last_line(out / 'logs' / LOG)} See {out / 'logs' / LOG}."
        )


def _snakemake(plan: Plan, out: Path, *, cores: int | None, profile: Path | None) -> Iterator[str]:
    """The command line that works off a plan in a folder."""
    # -P: a module in the working directory is not taken for one that Snakemake wants.
    yield from (
        sys.executable,
        "-P",
        "-m",
        "snakemake",
        "jobs",
        "--snakefile",
        str(WORKFLOW),
        "--directory",
        str(out.resolve()),
    )
    # The folder is held by us; files that a killed job left are ours to judge; markers have no history.
    yield from ("--nolock", "--rerun-incomplete", "--rerun-triggers", "mtime", "--keep-going")
    yield from ("--scheduler", "greedy", "--nocolor", "--workflow-profile", "none")
    yield from ("--profile", "none" if profile is None else str(profile.resolve()))
    if profile is None:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 1_000_000
        yield from ("--resources", f"mem_mb={max([memory, *(job.memory_mb for job in plan.jobs)])}")
        cores = cores or _cores()
    if cores is not None:
        yield from ("--cores", str(cores))


def _cores() -> int:
    """Cores that this process may use; where the system does not say, all of the machine."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _watch(plan: Plan, out: Path, child: "subprocess.Popen[bytes]", progress: Progress) -> None:
    """Report until Snakemake ends: expected seconds of what is done, of all; and how many runs that is."""
    wanted = plan.wanted
    compared = [job for job in plan.jobs if job.kind == RANDOM]  # with random gene sets; about as long as a run
    both: list[PlannedRun | Job] = [*wanted, *compared]
    work = {one: plan.seconds[one.gene_set] for one in both}
    left, total = set(work), round(sum(work.values()))

    def is_done(one: PlannedRun | Job) -> bool:
        return plan.is_finished(one, out) if isinstance(one, Job) else plan.is_done(one, out)

    def tell() -> float:
        started = time.perf_counter()
        left.difference_update([one for one in left if is_done(one)])
        n_runs = sum(isinstance(one, PlannedRun) for one in left)
        done = total - round(sum(work[one] for one in left))
        progress("sweep", done, total, {"runs": len(wanted) - n_runs, "of": len(wanted)})
        return time.perf_counter() - started

    while child.poll() is None:
        seconds = tell() if left else 0.0
        try:
            child.wait(max(FEWEST_SECONDS, seconds / SHARE_OF_LOOKING))
        except subprocess.TimeoutExpired:
            continue
    if left:
        tell()


@contextmanager
def _stopped_with_us(child: "subprocess.Popen[bytes]") -> Iterator[None]:
    """Stop Snakemake if we are stopped; the jobs that it sent to a cluster it cancels itself."""
    try:
        yield
    except BaseException as stopped:
        if isinstance(stopped, KeyboardInterrupt) and not stopped.args:
            # Ctrl-C reaches Snakemake and its jobs, too; a second one would cut short what they do about it.
            with suppress(subprocess.TimeoutExpired):
                child.wait(GRACE_SECONDS)
        if child.poll() is None:
            _stop(child)
        raise


def _stop(child: "subprocess.Popen[bytes]") -> None:
    """Tell Snakemake and the jobs that it runs on this machine to stop, and wait until it has."""
    import psutil  # comes with Snakemake

    started = psutil.Process(child.pid).children(recursive=True)
    child.send_signal(signal.SIGTERM)  # start nothing more: heard in the background of a script, too, where
    child.send_signal(signal.SIGINT)  # this one is ignored
    for process in started:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    child.wait()


def dry_run(plan: Plan, out: Path, *, cores: int | None, profile: Path | None) -> str:
    """What Snakemake plans to do, in one line; nothing is done or written."""
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_plan(plan, folder)
        left = mark_jobs(plan, out, folder)
        command = [*_snakemake(plan, folder, cores=cores, profile=profile), "--dry-run", "--quiet"]
        started = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own Snakemake
    if done.returncode:
        raise UsageError(f"Snakemake refuses this: {_last_of(done.stderr + done.stdout)}")
    return f"Snakemake planned {left:,} of {len(plan.jobs):,} jobs in {time.perf_counter() - started:.0f} s."


def reason(plan: Plan, run: PlannedRun, out: Path) -> str:
    """Why a run is not done: what it said itself, or the last line of its job's log; empty if it was not begun."""
    said = reason_file(run, out)
    if said.exists():
        return said.read_text(encoding="utf-8").strip()
    return end_of(plan.job_of[run.id], out)


def end_of(job: Job, out: Path) -> str:
    """Why a job is not finished: the last line of its log; empty if it was not begun."""
    log = log_file(job, out)
    if not log.exists():
        return ""
    line = _last_line(log)
    return line if "error" in line.lower() else f"{KILLED} Its log ends: {line}" if line else KILLED


def _last_line(path: Path) -> str:
    return _last_of(path.read_text(encoding="utf-8", errors="replace")) if path.exists() else ""


def _last_of(text: str) -> str:
    """The last line that is not empty; of a progress bar, its last state."""
    lines = [line.strip() for line in re.split(r"[\r\n]", text) if line.strip()]
    return lines[-1] if lines else ""
