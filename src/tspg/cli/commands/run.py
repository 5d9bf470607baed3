"""`tspg run`: train on a labelled matrix and move every profile to the target class."""

from argparse import Namespace
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tspg.cli import inputs as named
from tspg.cli.summary import summary
from tspg.errors import UsageError
from tspg.report.manifest import read_manifest, require_same
from tspg.report.save import write_run
from tspg.utils.lock import is_finished, new_folder
from tspg.utils.progress import Progress
from tspg.utils.timing import Clock

if TYPE_CHECKING:
    from tspg.experiment.task import Task

# Options that `tspg.run` knows by the same name.
ASKED = (
    *("label_column", "group_column", "preset", "method", "epochs", "steps", "target_epochs", "samples"),
    *("enrichment", "folds", "normalise", "align", "seed", "threads", "device"),
)


def run_command(options: Namespace, progress: Progress) -> list[str]:
    """Train, move, judge and draw: one run folder."""
    from tspg.experiment.resume import NOT_ASKED, checkpoints_of, memory_told, require_room
    from tspg.experiment.run import run_experiments

    if options.labels is None and options.label_column is None:
        raise UsageError("Say which class each sample has: --labels FILE, or --label-column NAME of an H5AD file.")
    named.require_what_xlsx_needs(options)
    clock, out = Clock(), options.out
    if options.resume and is_finished(out):
        asked = _task(options, clock)
        require_same(out, asked.config.as_dict(), asked.samples, named.files_named(options), but=NOT_ASKED)
        return ["This run was finished before; nothing is left to do.", *summary(out)]
    with new_folder(out, resume=options.resume):
        task, checkpoints = checkpoints_of(_task(options, clock), out)
        require_room(task, out, options.max_memory)
        with memory_told(task):
            (found,) = run_experiments([task], progress=progress, checkpoints=checkpoints)
            found = replace(found, seconds={**clock.seconds, **found.seconds})
            inputs, reading = named.files_named(options), named.reading(options).to_manifest(out)
            write_run(found, out, inputs=inputs, reading=reading, xlsx=options.xlsx)
    return [*(_timings(out) if options.timings else []), *summary(out)]


def _task(options: Namespace, clock: Clock) -> "Task":
    """What the options ask, checked whole."""
    from tspg.experiment.settings import make_task

    with clock.phase("read"):
        gene_set, annotations = named.gene_set(options), named.annotations(options)
        adata = named.profiles(options, gene_set)
        test_adata = named.second_cohort(options, adata)
    return make_task(
        adata,
        options.target,
        gene_set=gene_set,
        source_classes=options.source,
        adjust_column=options.adjust,
        annotations=annotations,
        test_adata=test_adata,
        **{name: getattr(options, name) for name in ASKED},
    )


def _timings(out: Path) -> list[str]:
    """The seconds of every phase of a finished run, and the most memory it took."""
    manifest = read_manifest(out)
    phases = {name: value for name, value in manifest["seconds"].items() if name != "per_epoch"}
    total = sum(phases.values())
    lines = [f"  {name:<14}{value:>8.1f} s {value / total:>5.0%}" for name, value in phases.items()]
    memory = f"{manifest['peak_memory_gb']:.2f} GB at most"
    return ["", "Where the time went:", *lines, f"  {'total':<14}{total:>8.1f} s, {memory}"]
