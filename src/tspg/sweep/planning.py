"""From a sweep file to a plan: the matrix is read once, and every question is checked before anything starts."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from tspg._version import __version__
from tspg.data.annotations import annotation_files
from tspg.data.readers.npy import names_beside
from tspg.data.readers.sample_sheets import input_files
from tspg.errors import InputError, ModelError, UsageError
from tspg.experiment.estimate import ResourceEstimate, estimate_resources
from tspg.experiment.task import Task, check_task
from tspg.report.excel import require_xlsxwriter
from tspg.sweep.cache import has_study
from tspg.sweep.inputs import annotations_of, task_of
from tspg.sweep.matrix import SweepMatrix, WantedSet, short
from tspg.sweep.plan import RANDOM, RUNS, Job, Plan, PlannedRun, PlannedSet, read_plan, write_plan
from tspg.sweep.settings import ALL, SweepSettings, read_settings
from tspg.sweep.size import run_bytes, study_bytes
from tspg.utils.files import fingerprint, sha256_of

JOB_SECONDS = 600  # a job is worth its start, and short enough to be packed
SPARE_TIME, SPARE_MEMORY = 2.0, 1.3  # what is asked of a cluster beyond what is expected


def plan_sweep(config: Path, out: Path) -> tuple[Plan, Callable[[Path], None]]:
    """The plan of a sweep file, checked whole, and what writes it into a folder with the matrices that it needs.

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
    inputs = [
        *input_files(settings.expression),
        *labels,
        *settings.gene_set_files,
        *annotation_files(settings.annotations),
    ]
    decide = [*inputs, *names_beside(settings.expression)]
    identity = _identity(settings, decide)
    try:
        before = read_plan(out)
    except ModelError:
        before = None
    if before is not None and before.identity == identity and _has_studies(before, out):
        return before, lambda _: None
    known = {path: sha256_of(path) for path in decide}
    planning = _Planning(settings, known, {path.name: known[path] for path in inputs})
    plan = planning.plan(identity)

    def store(folder: Path) -> None:
        write_plan(plan, folder)  # first: it is what tells a sweep's folder from another
        planning.matrix.write(folder)

    return plan, store


def _has_studies(plan: Plan, out: Path) -> bool:
    return all(has_study(out / "data" / study) for study in plan.studies)


def _identity(settings: SweepSettings, inputs: Sequence[Path]) -> str:
    """What tells a plan that still fits; files are known by size and time, which is quick."""
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
    """One sweep being planned; what is read on the way is kept until it is written.

    `known` are the fingerprints of all files that decide something; `inputs` those that manifests tell, by name,
    which two files may share.
    """

    def __init__(self, settings: SweepSettings, known: dict[Path, str], inputs: dict[str, str]) -> None:
        self.settings, self.known, self.inputs = settings, known, inputs
        self.matrix = SweepMatrix(settings, known)
        self.annotations = annotations_of(self.asked)

    @property
    def asked(self) -> dict[str, Any]:
        """The sweep file's settings as plain values."""
        return self.matrix.asked

    def plan(self, identity: str) -> Plan:
        """Every run with its folder, and the jobs that make them."""
        possible = self.targets  # checks them
        for one in self.matrix.usable:
            self._task(one, self.task.config.target_class)
        runs = sorted(self._runs(possible), key=lambda run: (run.gene_set, run.target_class, run.seed))
        expected = self._expected()
        return Plan(
            identity=identity,
            asked=self.asked,
            inputs=self.inputs,
            sets=tuple(PlannedSet(one.name, one.n_genes, one.n_wanted, one.study) for one in self.matrix.usable),
            runs=tuple(runs),
            jobs=(*self._run_jobs(runs, expected), *self._random_jobs(runs, expected)),
            seconds={name: found.seconds for name, found in expected.items()},
            bytes_on_disk=self._bytes(runs),
            all_genes=self.matrix.study_name(None) if self.matrix.draws_random_sets else None,
        )

    @cached_property
    def task(self) -> Task:
        """The question of the first gene set, the first target that is possible, and the first seed."""
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
            self.asked,
            self.matrix.study(one.gene_set),
            one.gene_set,
            target_class=target,
            seed=self.settings.seeds[0],
            annotations=self.annotations,
        )

    @cached_property
    def _target_names(self) -> list[str]:
        named = self.settings.target_classes
        return list(dict.fromkeys(name for one in named for name in (self.matrix.classes if one == ALL else [one])))

    @cached_property
    def targets(self) -> dict[str, str]:
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
        for one in self.matrix.wanted:
            for target, impossible in targets.items():
                for seed in self.settings.seeds:
                    config = replace(
                        self.task.config, gene_set=one.name or None, target_class=target, seed=seed
                    ).as_dict()
                    decides = [config, self._beside, one.study, __version__]
                    run_id = f"{short(one.name)}.{short(target)}.seed-{seed}.{fingerprint(json.dumps(decides))}"
                    yield PlannedRun(run_id, one.name, one.n_genes, target, seed, one.skipped or impossible)

    @cached_property
    def _beside(self) -> list[Any]:
        """What decides a run's files besides its configuration and its matrix."""
        categories = [one.category for one in self.annotations or ()]
        files = [self.known[path] for path in annotation_files(self.settings.annotations)]
        return [list(self.task.samples), categories, files, self.settings.options.get("xlsx", False)]

    def _expected(self) -> dict[str, ResourceEstimate]:
        """What one run of each gene set takes: tried for the smallest and the largest; in between, by their sizes."""
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
        folders = (run_bytes(n_samples, run.n_genes, n_sources, self.settings.keep) for run in runs if not run.skipped)
        studies = [one.n_genes for one in self.matrix.usable] + [n_all] * self.matrix.draws_random_sets
        return sum(folders) + sum(study_bytes(n_samples, n_genes) for n_genes in studies)

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
        decides = fingerprint(json.dumps([runs, self.settings.random_gene_sets if kind == RANDOM else 0]))
        config = replace(self.task.config, target_class="", seed=seed).as_dict()
        study = next(one.study for one in self.matrix.usable if one.name == name)
        return Job(
            id=f"{short(name)}.seed-{seed}.{kind}.{decides}",
            kind=kind,
            gene_set=name,
            seed=seed,
            classifier=f"{short(name)}.seed-{seed}.{fingerprint(json.dumps([config, study, __version__]))}",
            runs=runs,
            memory_mb=round(SPARE_MEMORY * expected[name].memory_gb * 1000),
            minutes=round(SPARE_TIME * seconds / 60) + 2,
        )
