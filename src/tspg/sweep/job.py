"""One job of a sweep: the runs of a gene set and seed with one split and f, each an ordinary run folder."""

import fcntl
import logging
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from tspg.errors import FailedRunsError, TspgError
from tspg.experiment.fit import FittedClassifier, fit_classifier, prepare_task
from tspg.experiment.run import run_experiments
from tspg.experiment.task import Task
from tspg.model.device import choose_device, fixed_threads
from tspg.model.storage import load_target_model, save_target_model
from tspg.report.save import write_run
from tspg.sweep.cache import open_matrix
from tspg.sweep.inputs import annotations_of, reading_of, task_of
from tspg.sweep.plan import RUNS, Job, Plan, PlannedRun, classifier_folder, mark, random_file, reason_file, run_folder
from tspg.sweep.random_gene_sets import against_random_sets
from tspg.utils.files import write_table, write_text
from tspg.utils.lock import LOCK, MANIFEST, new_folder
from tspg.utils.timing import Clock

logger = logging.getLogger(__name__)


def run_job(plan: Plan, job: Job, out: Path) -> None:
    """Do what is left of a job, and write its marker, or the reason why it failed.

    Raises
    ------
    FailedRunsError
        If runs failed; the others are finished.
    """
    with _waiting_lock(out / "locks" / job.id):  # a worker that outlived its sweep may still be at it
        try:
            if job.kind == RUNS:
                _make_runs(plan, job, out)
            else:
                all_genes, _ = open_matrix(out / "data" / str(plan.all_genes))
                tasks, n = _tasks(plan, job, plan.runs_of(job), out), int(plan.settings["random_gene_sets"])
                with fixed_threads(plan.threads):
                    write_table(random_file(job, out), against_random_sets(tasks, all_genes, n=n))
        except Exception as error:
            if (file := reason_file(job, out)).parent.is_dir():  # a refused job leaves no new folder
                write_text(file, f"{_reason(error)}\n")
            raise
        reason_file(job, out).unlink(missing_ok=True)
        mark(job, out)
    sharing = [other for other in plan.jobs if other.classifier == job.classifier and other.kind == RUNS]
    if all(plan.is_done(other, out) for other in sharing):
        shutil.rmtree(classifier_folder(job, out), ignore_errors=True)  # no job needs this f any more


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, TspgError) else f"{type(error).__name__}: {error}"


@contextmanager
def _waiting_lock(path: Path) -> Iterator[None]:
    """Hold a lock, once no other process does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _tasks(plan: Plan, job: Job, runs: Sequence[PlannedRun], out: Path) -> list[Task]:
    """The tasks of a job's runs, which differ in their target alone; they were validated when planned."""
    adata, gene_set = open_matrix(out / "data" / next(one.matrix for one in plan.sets if one.name == job.gene_set))
    annotations, first = annotations_of(plan.settings), runs[0].target_class
    task = task_of(plan.settings, adata, gene_set, target_class=first, seed=job.seed, annotations=annotations)
    return [replace(task, config=replace(task.config, target_class=run.target_class)) for run in runs]


def _make_runs(plan: Plan, job: Job, out: Path) -> None:
    wanted = [run for run in plan.runs_of(job) if not plan.is_done(run, out)]
    if not wanted:
        return
    clock, tasks = Clock(), _tasks(plan, job, wanted, out)
    classifier = _classifier(job, tasks[0], out, clock)
    left = dict(zip(wanted, tasks, strict=True))
    keep, xlsx = plan.settings["keep"], plan.settings["options"].get("xlsx", False)

    def make(runs: list[PlannedRun]) -> None:
        """Make runs and save each as soon as it is there; what is saved is no longer left."""
        found = run_experiments(
            [left[run] for run in runs], classifier=classifier, clock=clock, interpret=keep != "metrics" or xlsx
        )
        for run, result in zip(runs, found, strict=True):
            folder = run_folder(run, out)
            if (folder / MANIFEST).exists() or (folder.exists() and not (folder / LOCK).exists()):
                shutil.rmtree(folder)  # it kept less than is wanted now; or what is left of such a one
            with new_folder(folder):
                write_run(
                    result,
                    folder,
                    inputs=plan.inputs,
                    reading=reading_of(plan.settings).to_manifest(folder),
                    xlsx=xlsx,
                    keep=keep,
                    command=plan.command(run, out),
                )
            reason_file(run, out).unlink(missing_ok=True)
            logger.info("%s: done in %.1f s", run.id, sum(result.seconds.values()))
            del left[run]

    try:
        make(wanted)
    except Exception:  # noqa: BLE001 - whatever one run meets, the others are made
        logger.info("one of %d runs failed; going on with them one by one", len(left))
    for run in list(left):
        try:
            make([run])
        except Exception as error:
            logger.error("%s: failed: %s", run.id, _reason(error), exc_info=not isinstance(error, TspgError))
            write_text(reason_file(run, out), f"{_reason(error)}\n")
    if left:
        raise FailedRunsError(f"{len(left)} of {len(wanted)} runs failed.")


def _classifier(job: Job, task: Task, out: Path, clock: Clock) -> FittedClassifier:
    """Split, scaler and f of a gene set and seed; the job that comes first trains f and keeps it for the others."""
    config, stored = task.config, classifier_folder(job, out) / "target_model.safetensors"
    with _waiting_lock(out / "locks" / job.classifier), fixed_threads(config.threads):
        if not stored.exists():
            classifier = fit_classifier(task, clock)
            save_target_model(classifier.target_model, stored)
            return classifier
        with clock.phase("prepare"):
            dataset = prepare_task(task)
        sizes, device = (len(dataset.gene_ids), len(dataset.classes)), choose_device(config.device)
        f = load_target_model(stored, *sizes, config.target_model, device)
        return FittedClassifier(dataset, f, config.seed, task)
