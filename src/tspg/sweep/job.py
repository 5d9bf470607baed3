"""One job of a sweep: the runs of a gene set and seed on shared ground, each an ordinary run folder."""

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
from tspg.experiment.run import Run, run_experiments
from tspg.experiment.task import Task
from tspg.model.device import choose_device, fixed_threads
from tspg.model.storage import load_target_model, save_target_model
from tspg.report.save import write_run
from tspg.sweep.cache import open_study
from tspg.sweep.inputs import annotations_of, reading_of, task_of
from tspg.sweep.plan import (
    RANDOM,
    RUNS,
    Job,
    Plan,
    PlannedRun,
    classifier_folder,
    mark,
    random_file,
    reason_file,
    run_folder,
)
from tspg.sweep.random_gene_sets import against_random_sets
from tspg.utils.files import write_table, write_text
from tspg.utils.lock import LOCK, MANIFEST, new_folder
from tspg.utils.timing import Clock

logger = logging.getLogger(__name__)


def run_job(plan: Plan, job: Job, out: Path) -> None:
    """Do what is left of a job, and put its marker.

    Raises
    ------
    FailedRunsError
        If runs failed; the others are finished.
    """
    with _turn(out / "locks" / job.id):  # a worker that outlived its sweep may still be at it
        if job.kind == RANDOM:
            _compare(plan, job, out)
        else:
            _make_runs(plan, job, out)
        mark(job, out)
    if all(
        plan.is_finished(other, out) for other in plan.jobs if other.classifier == job.classifier and other.kind == RUNS
    ):
        shutil.rmtree(classifier_folder(job, out), ignore_errors=True)  # nobody needs this f any more


@contextmanager
def _turn(path: Path) -> Iterator[None]:
    """Wait until nobody else holds this lock."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _questions(plan: Plan, job: Job, runs: Sequence[PlannedRun], out: Path) -> list[Task]:
    """The questions of a job's runs, which differ in their target alone; they were checked when planned."""
    adata, gene_set = open_study(out / "data" / plan.set_of(job.gene_set).study)
    annotations, first = annotations_of(plan.asked), runs[0].target_class
    task = task_of(plan.asked, adata, gene_set, target_class=first, seed=job.seed, annotations=annotations)
    return [replace(task, config=replace(task.config, target_class=run.target_class)) for run in runs]


def _make_runs(plan: Plan, job: Job, out: Path) -> None:
    todo = [run for run in plan.runs_of(job) if not plan.is_done(run, out)]
    if not todo:
        return
    clock, tasks = Clock(), _questions(plan, job, todo, out)
    classifier = _ground(job, tasks[0], out, clock)
    left = dict(zip(todo, tasks, strict=True))
    try:
        _save_all(plan, left, classifier, clock, out)
    except Exception:  # noqa: BLE001 - whatever one run meets, the others are made
        logger.info("one of %d runs failed; going on with them one by one", len(left))
    for run, task in list(left.items()):  # what is left after a failure
        try:
            _save_all(plan, {run: task}, classifier, clock, out)
        except Exception as error:
            foreseen = isinstance(error, TspgError)
            why = str(error) if foreseen else f"{type(error).__name__}: {error}"
            logger.error("%s: failed: %s", run.id, why, exc_info=not foreseen)
            write_text(reason_file(run, out), f"{why}\n")
        else:
            del left[run]
    if left:
        raise FailedRunsError(f"{len(left)} of {len(todo)} runs failed.")


def _save_all(plan: Plan, left: dict[PlannedRun, Task], classifier: FittedClassifier, clock: Clock, out: Path) -> None:
    """Make runs and save each as soon as it is there; what is saved is taken off the list."""
    runs = list(left)
    for run, found in zip(
        runs, run_experiments([left[run] for run in runs], classifier=classifier, clock=clock), strict=True
    ):
        _save(plan, run, found, out)
        del left[run]


def _save(plan: Plan, run: PlannedRun, found: Run, out: Path) -> None:
    folder = run_folder(run, out)
    if (folder / MANIFEST).exists() or (folder.exists() and not (folder / LOCK).exists()):
        shutil.rmtree(folder)  # finished once, but it kept less than is wanted now; or what is left of such a one
    with new_folder(folder):
        write_run(
            found,
            folder,
            inputs=plan.inputs,
            reading=reading_of(plan.asked).to_manifest(folder),
            xlsx=plan.asked["options"].get("xlsx", False),
            keep=plan.asked["keep"],
            command=plan.command(run, out),
        )
    reason_file(run, out).unlink(missing_ok=True)
    logger.info("%s: done in %.1f s", run.id, sum(found.seconds.values()))


def _ground(job: Job, task: Task, out: Path, clock: Clock) -> FittedClassifier:
    """Split, scaler and f of a gene set and seed; the job that comes first trains f and keeps it for the others."""
    config, folder = task.config, classifier_folder(job, out)
    with _turn(out / "locks" / job.classifier), fixed_threads(config.threads):
        stored = folder / "target_model.safetensors"
        if not stored.exists():
            classifier = fit_classifier(task, clock)
            save_target_model(classifier.target_model, stored)
            return classifier
        with clock.phase("prepare"):
            dataset = prepare_task(task)
        sizes, device = (len(dataset.gene_ids), len(dataset.classes)), choose_device(config.device)
        return FittedClassifier(
            dataset, load_target_model(stored, *sizes, config.target_model, device), config.seed, task
        )


def _compare(plan: Plan, job: Job, out: Path) -> None:
    """The gene set beside random ones, for all targets."""
    runs = plan.runs_of(job)
    tasks, (everything, _) = _questions(plan, job, runs, out), open_study(out / "data" / str(plan.all_genes))
    with fixed_threads(plan.threads):
        table = against_random_sets(tasks, everything, n=int(plan.asked["random_gene_sets"]))
    write_table(random_file(job, out), table)
