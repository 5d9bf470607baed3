"""Snakemake at work on a plan: started, watched, stopped. What is done is read off the sweep's folder."""

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
from typing import Any

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
    """Refuse a sweep where Snakemake, the cores or the profile that it would use are missing."""
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
    log = out / "logs" / LOG
    log.parent.mkdir(exist_ok=True)
    for job in plan.jobs:
        if not plan.is_done(job, out):  # an earlier failure is no reason for a later one
            reasons = [reason_file(job, out), *(reason_file(run, out) for run in plan.runs_of(job))]
            for file in (log_file(job, out), *reasons):
                file.unlink(missing_ok=True)
    command = _snakemake(plan, out, cores=cores, profile=profile)
    streams: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stderr": subprocess.STDOUT}
    with (
        log.open("wb") as stream,
        subprocess.Popen(command, stdout=stream, cwd=out, pass_fds=[lock], **streams) as child,  # noqa: S603 - ours
        _stopped_with_us(child),
    ):
        _watch(plan, out, child, progress)
    unfinished = [job for job in plan.jobs if not plan.is_done(job, out)]
    if child.returncode and not any(log_file(job, out).exists() for job in unfinished):
        raise FailedRunsError(f"Snakemake ended before any job: {_last_line(log)} See {log}.")


def _snakemake(plan: Plan, out: Path, *, cores: int | None, profile: Path | None) -> list[str]:
    """The command line that does a plan in a folder."""
    command = [sys.executable, "-P", "-m", "snakemake", "jobs"]  # -P: no module of the working directory is imported
    command += ["--snakefile", str(WORKFLOW), "--directory", str(out.resolve())]
    # We hold the folder; we check files that a killed job left; markers have no history.
    command += ["--nolock", "--rerun-incomplete", "--rerun-triggers", "mtime", "--keep-going"]
    command += ["--scheduler", "greedy", "--nocolor", "--workflow-profile", "none"]
    command += ["--profile", "none" if profile is None else str(profile.resolve())]
    if profile is None:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 1_000_000
        command += ["--resources", f"mem_mb={max([memory, *(job.memory_mb for job in plan.jobs)])}"]
        cores = cores or _cores()
    return [*command, "--cores", str(cores)] if cores is not None else command


def _cores() -> int:
    """Cores that this process may use; where the system does not say, all of the machine."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _watch(plan: Plan, out: Path, child: "subprocess.Popen[bytes]", progress: Progress) -> None:
    """Report until Snakemake ends: expected seconds of what is done, of all; and how many runs that is.

    A comparison with random gene sets counts about as long as a run.
    """
    wanted: list[PlannedRun | Job] = [*plan.wanted, *(job for job in plan.jobs if job.kind == RANDOM)]
    work = {one: plan.seconds[one.gene_set] for one in wanted}
    left, total, n_runs = set(work), round(sum(work.values())), len(plan.wanted)
    while left:
        has_ended, started = child.poll() is not None, time.perf_counter()
        left.difference_update([one for one in left if plan.is_done(one, out)])
        done = total - round(sum(work[one] for one in left))
        progress(
            "sweep", done, total, {"runs": n_runs - sum(isinstance(one, PlannedRun) for one in left), "of": n_runs}
        )
        if has_ended:
            return
        with suppress(subprocess.TimeoutExpired):
            child.wait(max(FEWEST_SECONDS, (time.perf_counter() - started) / SHARE_OF_LOOKING))
    child.wait()


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
    """Stop Snakemake and the jobs that it runs on this machine, and wait until it has ended."""
    import psutil  # comes with Snakemake

    started = psutil.Process(child.pid).children(recursive=True)
    child.send_signal(signal.SIGTERM)  # start nothing more: also received in the background of a script, where
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


def reason(plan: Plan, one: PlannedRun | Job, out: Path) -> str:
    """Why a run or job is not done: its own reason, or that its process ended; empty if it was not begun."""
    job = one if isinstance(one, Job) else plan.job_of[one.id]
    for file in (reason_file(one, out), reason_file(job, out)):
        if file.exists():
            return file.read_text(encoding="utf-8").strip()
    if not log_file(job, out).exists():
        return ""
    line = _last_line(log_file(job, out))
    return f"{KILLED} Its log ends: {line}" if line else KILLED


def _last_line(path: Path) -> str:
    return _last_of(path.read_text(encoding="utf-8", errors="replace")) if path.exists() else ""


def _last_of(text: str) -> str:
    """The last line that is not empty; of a progress bar, its last state."""
    lines = [line.strip() for line in re.split(r"[\r\n]", text) if line.strip()]
    return lines[-1] if lines else ""
