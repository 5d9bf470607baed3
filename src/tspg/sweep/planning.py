"""From a sweep file to a plan: the matrix is read once, and every task is validated before anything starts."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from tspg._version import __version__
from tspg.data.annotations import annotation_files
from tspg.data.readers.npy import names_beside
from tspg.data.readers.sample_sheets import input_files
from tspg.errors import InputError, ModelError, UsageError
from tspg.experiment.estimate import ResourceEstimate, estimate_resources
from tspg.experiment.task import Task, check_task
from tspg.report.excel import require_xlsxwriter
from tspg.sweep.cache import has_matrix
from tspg.sweep.inputs import annotations_of, task_of
from tspg.sweep.matrix import SweepMatrix, WantedSet, short
from tspg.sweep.plan import RANDOM, RUNS, Job, Plan, PlannedRun, PlannedSet, read_plan, write_plan
from tspg.sweep.settings import ALL, SweepSettings, read_settings
from tspg.utils.files import fingerprint, sha256_of

JOB_SECONDS = 600  # a job is worth its start, and short enough to be packed
SPARE_TIME, SPARE_MEMORY = 2.0, 1.3  # what is requested of a cluster beyond what is expected
# Bytes of a run folder: of any; per gene (weights); per sample; per source class (enrichment tables). Good to a factor
# of two; from runs on 810 x 35 to 195 of 12 classes (benchmarks/README.md). Moved profiles add three float32 a cell.
RUN_BYTES = {
    "all": (7.5e6, 8200.0, 150.0, 4.5e5),
    "tables": (1.6e6, 300.0, 110.0, 4.5e5),
    "metrics": (6.5e4, 60.0, 0.0, 2.5e3),
}
FLOAT_BYTES = 4


def plan_sweep(config: Path, out: Path) -> tuple[Plan, Callable[[Path], None]]:
    """The plan of a sweep file, validated whole, and what writes it into a folder with the matrices that it needs.

    A plan that was made before is taken as it is, as long as sweep file, inputs and version are the same.

    Raises
    ------
    TspgError
        If anything in it cannot be done; nothing has been written then.
    """
    settings = read_settings(config)
    if settings.options.get("xlsx"):
        require_xlsxwriter()
    labels = [] if settings.labels is None else [settings.labels]
    annotations = annotation_files(settings.annotations)
    inputs = [*input_files(settings.expression), *labels, *settings.gene_set_files, *annotations]
    decisive = [*inputs, *names_beside(settings.expression)]
    identity = _identity(settings, decisive)
    try:
        before = read_plan(out)
    except ModelError:
        before = None
    if before and before.identity == identity and all(has_matrix(out / "data" / name) for name in before.matrices):
        return before, lambda _: None
    known = {path: sha256_of(path) for path in decisive}
    planning = _Planning(settings, known)
    plan = planning.plan(identity, {path.name: known[path] for path in inputs})

    def store(folder: Path) -> None:
        write_plan(plan, folder)  # first: a sweep's folder is known by it
        planning.matrix.write(folder)

    return plan, store


def _identity(settings: SweepSettings, inputs: Sequence[Path]) -> str:
    """What changes when a plan no longer fits; files are known by size and time, which is quick."""
    stamps = []
    for file in inputs:
        try:
            with file.open("rb"):  # a folder, or one that may not be read, is found out here
                known = file.stat()
        except OSError as error:
            raise InputError(
                f"{file}: cannot be read ({error.strerror}). Paths in a sweep file are seen from its own folder."
            ) from error
        stamps.append((str(file), known.st_size, known.st_mtime_ns))
    return fingerprint(json.dumps([__version__, asdict(settings), stamps], default=str))


class _Planning:
    """A sweep while it is planned; what is read on the way is kept until it is written.

    `known` are the fingerprints of all files that decide something.
    """

    def __init__(self, settings: SweepSettings, known: dict[Path, str]) -> None:
        self.settings, self.known = settings, known
        self.matrix = SweepMatrix(settings, known)
        self.annotations = annotations_of(self.matrix.plain_settings)

    def plan(self, identity: str, inputs: dict[str, str]) -> Plan:
        """Every run with its folder, and the jobs that make them; `inputs` are what manifests name."""
        targets = self._checked_targets()
        for one in self.matrix.usable:
            self._task(one, self.task.config.target_class)
        runs = sorted(self._runs(targets), key=lambda run: (run.gene_set, run.target_class, run.seed))
        expected = self._expected()
        return Plan(
            identity=identity,
            settings=self.matrix.plain_settings,
            inputs=inputs,
            sets=tuple(PlannedSet(one.name, one.n_genes, one.n_wanted, one.matrix) for one in self.matrix.usable),
            runs=tuple(runs),
            jobs=(*self._run_jobs(runs, expected), *self._random_jobs(runs, expected)),
            seconds={name: found.seconds for name, found in expected.items()},
            bytes_on_disk=self._bytes(runs),
            all_genes=self.matrix.folder_name(None) if self.matrix.draws_random_sets else None,
        )

    @cached_property
    def task(self) -> Task:
        """The task of the first gene set, the first target that is possible, and the first seed."""
        refused: UsageError | None = None
        for target in self._target_names:
            try:
                return self._task(self.matrix.first, target)
            except UsageError as error:
                if target in self.settings.target_classes:
                    raise
                refused = refused or error
        raise refused or UsageError("There is no class.")

    def _task(self, one: WantedSet, target: str) -> Task:
        return task_of(
            self.matrix.plain_settings,
            self.matrix.select(one.gene_set),
            one.gene_set,
            target_class=target,
            seed=self.settings.seeds[0],
            annotations=self.annotations,
        )

    @cached_property
    def _target_names(self) -> list[str]:
        named = self.settings.target_classes
        return list(dict.fromkeys(name for one in named for name in (self.matrix.classes if one == ALL else [one])))

    def _checked_targets(self) -> dict[str, str]:
        """The targets with why each is skipped, which only one brought in by `*` can be."""
        task, found = self.task, {}
        for seed in self.settings.seeds:
            check_task(task.adata, replace(task.config, seed=seed), task.samples)
        for target in self._target_names:
            try:
                check_task(task.adata, replace(task.config, target_class=target), task.samples)
                found[target] = ""
            except UsageError as error:
                if target in self.settings.target_classes:
                    raise
                found[target] = str(error)
        return found

    def _runs(self, targets: dict[str, str]) -> Iterator[PlannedRun]:
        # What decides a run's files besides its configuration and its matrix.
        categories = [one.category for one in self.annotations or ()]
        files = [self.known[path] for path in annotation_files(self.settings.annotations)]
        others = [list(self.task.samples), categories, files, self.settings.options.get("xlsx", False)]
        for one in self.matrix.wanted:
            for target, impossible in targets.items():
                for seed in self.settings.seeds:
                    config = replace(self.task.config, gene_set=one.name or None, target_class=target, seed=seed)
                    decisive = [config.as_dict(), others, one.matrix, __version__]
                    run_id = f"{short(one.name)}.{short(target)}.seed-{seed}.{fingerprint(json.dumps(decisive))}"
                    yield PlannedRun(run_id, one.name, one.n_genes, target, seed, one.skipped or impossible)

    def _expected(self) -> dict[str, ResourceEstimate]:
        """What one run of each gene set takes: tried for the smallest and the largest, interpolated in between."""
        n_samples, n_classes = self.task.adata.n_obs, len(self.matrix.classes)
        sizes = sorted({one.n_genes for one in self.matrix.usable})
        if not sizes:
            return {}
        tried = [estimate_resources(n_samples, size, n_classes, self.task.config) for size in {sizes[0], sizes[-1]}]
        tried.sort(key=lambda found: found.memory_gb)
        ends = sizes[:1] + sizes[-1:] * (len(tried) - 1)
        return {
            one.name: ResourceEstimate(
                float(np.interp(one.n_genes, ends, [found.seconds for found in tried])),
                float(np.interp(one.n_genes, ends, [found.memory_gb for found in tried])),
            )
            for one in self.matrix.usable
        }

    def _bytes(self, runs: Sequence[PlannedRun]) -> float:
        """How large the folder becomes."""
        n_samples, n_all = self.task.adata.n_obs, len(self.matrix.expression.collected.gene_ids)
        n_sources = len(self.task.config.source_classes or self.matrix.classes[1:])
        any_run, per_gene, per_sample, per_source = RUN_BYTES[self.settings.keep]
        if self.settings.keep == "all":
            per_gene += 3 * FLOAT_BYTES * n_samples
        made = [run.n_genes for run in runs if not run.skipped]
        matrices = [one.n_genes for one in self.matrix.usable] + [n_all] * self.matrix.draws_random_sets
        folders = len(made) * (any_run + per_sample * n_samples + per_source * n_sources) + per_gene * sum(made)
        return float(folders + FLOAT_BYTES * n_samples * sum(matrices))

    def _run_jobs(self, runs: Sequence[PlannedRun], expected: dict[str, ResourceEstimate]) -> Iterator[Job]:
        """The targets of a gene set and seed together, in parts of some minutes."""
        together: dict[tuple[str, int], list[PlannedRun]] = {}
        for run in runs:
            if not run.skipped:
                together.setdefault((run.gene_set, run.seed), []).append(run)
        for members in together.values():
            seconds = expected[members[0].gene_set].seconds
            most = self.settings.targets_per_job or max(1, round(JOB_SECONDS / seconds))
            for start in range(0, len(members), most):
                part = members[start : start + most]
                yield self._job(RUNS, part, expected, len(part) * seconds)

    def _random_jobs(self, runs: Sequence[PlannedRun], expected: dict[str, ResourceEstimate]) -> Iterator[Job]:
        """For each gene set one comparison with random ones, for all targets and the first seed."""
        for one in self.matrix.usable if self.matrix.draws_random_sets else ():
            wanted = (one.name, self.settings.seeds[0], "")
            members = [run for run in runs if (run.gene_set, run.seed, run.skipped) == wanted]
            # As measured on 810 samples, a hundred random sets take less than one run does, for four targets.
            share = self.settings.random_gene_sets / 100 * max(1.0, len(members) / 4)
            yield self._job(RANDOM, members, expected, (1 + share) * expected[one.name].seconds)

    def _job(
        self, kind: str, members: Sequence[PlannedRun], expected: dict[str, ResourceEstimate], seconds: float
    ) -> Job:
        name, seed, runs = members[0].gene_set, members[0].seed, tuple(run.id for run in members)
        config = replace(self.task.config, target_class="", seed=seed).as_dict()
        matrix = next(one.matrix for one in self.matrix.usable if one.name == name)
        start, n_random = f"{short(name)}.seed-{seed}", self.settings.random_gene_sets if kind == RANDOM else 0
        return Job(
            id=f"{start}.{kind}.{fingerprint(json.dumps([runs, n_random]))}",
            kind=kind,
            gene_set=name,
            seed=seed,
            classifier=f"{start}.{fingerprint(json.dumps([config, matrix, __version__]))}",
            runs=runs,
            memory_mb=round(SPARE_MEMORY * expected[name].memory_gb * 1000),
            minutes=round(SPARE_TIME * seconds / 60) + 2,
        )
