"""`tspg run`: train on a labelled matrix and move every profile to the target class."""

from argparse import Namespace
from dataclasses import replace
from pathlib import Path

from tspg.cli import inputs
from tspg.errors import UsageError
from tspg.experiment.task import Task, make_task
from tspg.model.config import Training
from tspg.model.device import require_device
from tspg.report.manifest import read_manifest, require_same
from tspg.utils.lock import is_finished, new_folder
from tspg.utils.progress import Progress
from tspg.utils.timing import Clock


def run(options: Namespace, progress: Progress) -> list[str]:
    """One run folder: trained, moved, evaluated and drawn."""
    if options.labels is None and options.label_column is None:
        raise UsageError("Say which class each sample has: --labels FILE, or --label-column NAME of an H5AD file.")
    inputs.check_second_cohort(options)
    inputs.require_what_xlsx_needs(options)
    require_device(options.device)
    clock, out = Clock(progress), options.out
    if options.resume and is_finished(out):
        task = _task(options, clock)
        from tspg.experiment.resume import NOT_DECISIVE

        require_same(out, task.config.as_dict(), task.samples, inputs.files_named(options), but=NOT_DECISIVE)
        lines = ["This run was finished before; nothing is left to do."]
    else:
        with new_folder(out, resume=options.resume):
            _make(options, _task(options, clock), clock, progress)
        lines = _timings(out) if options.timings else []
    from tspg.cli.summary import summary

    return [*lines, *summary(out)]


def _make(options: Namespace, task: Task, clock: Clock, progress: Progress) -> None:
    """Do and write the run of a task that was checked."""
    from tspg.experiment.resume import explain_out_of_memory, open_checkpoints, require_room
    from tspg.experiment.run import run_experiments
    from tspg.report.save import write_run

    out = options.out
    task, checkpoints = open_checkpoints(task, out)
    require_room(task, out, options.max_memory)
    with explain_out_of_memory(task):
        (found,) = run_experiments([task], progress=progress, checkpoints=checkpoints)
        del task  # with the matrix as it was read
        found = replace(found, seconds={**clock.seconds, **found.seconds})
        files, reading = inputs.files_named(options), inputs.reading(options).to_manifest(out)
        write_run(
            found, out, inputs=files, reading=reading, xlsx=options.xlsx, figures=options.figures, progress=progress
        )


def _task(options: Namespace, clock: Clock) -> Task:
    """The task that the options name, checked whole."""
    training = inputs.taken_from(options, Training, layer=None)  # reading made it the matrix itself
    with clock.phase("read"):
        gene_set, annotations = inputs.gene_set(options), inputs.annotations(options)
        adata = inputs.profiles(options, gene_set)
        second_cohort = inputs.second_cohort(options, adata)
    return make_task(
        adata,
        options.target_class,
        label_column=options.label_column,
        source_classes=options.source_classes,
        group_column=options.group_column,
        gene_set=gene_set,
        samples=options.samples,
        annotations=annotations,
        second_cohort=second_cohort,
        seed=options.seed,
        training=training,
    )


def _timings(out: Path) -> list[str]:
    """The seconds of every phase of a finished run, and the most memory it took."""
    manifest = read_manifest(out)
    phases = {name: value for name, value in manifest["seconds"].items() if name != "per_epoch"}
    total = sum(phases.values())
    lines = [f"  {name:<14}{value:>8.1f} s {value / total:>5.0%}" for name, value in phases.items()]
    memory = f"{manifest['peak_memory_gb']:.2f} GB at most"
    return ["", "Where the time went:", *lines, f"  {'total':<14}{total:>8.1f} s, {memory}"]
