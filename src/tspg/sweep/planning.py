"""From a sweep file to a plan: the matrix is read once, and every question is checked before anything starts."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from anndata import AnnData

import tspg
from tspg.data.annotations import annotation_files
from tspg.data.binary import names_beside
from tspg.data.expression import ExpressionFile, read_once
from tspg.data.genesets import GeneSet, read_gene_sets
from tspg.data.identifiers import match_genes
from tspg.errors import GeneSetError, InputError, ModelError, UsageError
from tspg.files import fingerprint, sha256_of, slug
from tspg.forecast import Forecast, forecast
from tspg.question import FEWEST_GENES, Question, check_question
from tspg.report.spreadsheet import require_xlsxwriter
from tspg.sweep.asking import annotations_of, label_column_of, question_of
from tspg.sweep.plan import RANDOM, RUNS, Job, Plan, PlannedRun, PlannedSet, read_plan, write_plan
from tspg.sweep.settings import ALL, SweepSettings, read_settings
from tspg.sweep.size import run_bytes, study_bytes
from tspg.sweep.study import has_study, write_study

UNION = "all"
EVERY_GENE = "every-gene"  # in file names
JOB_SECONDS = 600  # a job is worth its start, and short enough to be packed
SPARE_TIME, SPARE_MEMORY = 2.0, 1.3  # what is asked of a cluster beyond what is expected
MOST_OF_A_NAME = 40  # letters of it in a file name


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
    inputs = [settings.expression, *labels, *settings.gene_set_files, *annotation_files(settings.annotations)]
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
        planning.write_studies(folder)

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
    return fingerprint(json.dumps([tspg.__version__, asdict(settings), stamps], default=str))


@dataclass(frozen=True)
class _Wanted:
    """A gene set of the sweep as the matrix has it; `gene_set` None is every gene."""

    gene_set: GeneSet | None
    study: str
    n_genes: int
    skipped: str

    @property
    def name(self) -> str:
        return "" if self.gene_set is None else self.gene_set.name


class _Planning:
    """One sweep being planned; what is read on the way is kept until it is written.

    `known` are the fingerprints of all files that decide something; `inputs` those that manifests tell, by name,
    which two files may share.
    """

    def __init__(self, settings: SweepSettings, known: dict[Path, str], inputs: dict[str, str]) -> None:
        self.settings, self.known, self.inputs = settings, known, inputs
        self.asked: dict[str, Any] = json.loads(json.dumps(asdict(settings), default=str))
        self.annotations = annotations_of(self.asked)

    def plan(self, identity: str) -> Plan:
        """Every run with its folder, and the jobs that make them."""
        possible = self.targets  # checks them
        for one in self.usable[1:]:
            self._question(one, self.question.config.target_class)
        runs = sorted(self._runs(possible), key=lambda run: (run.gene_set, run.target_class, run.seed))
        expected = self._expected()
        return Plan(
            identity=identity,
            asked=self.asked,
            inputs=self.inputs,
            sets=tuple(PlannedSet(one.name, one.n_genes, one.study) for one in self.usable),
            runs=tuple(runs),
            jobs=(*self._run_jobs(runs, expected), *self._random_jobs(runs, expected)),
            seconds={name: found.seconds for name, found in expected.items()},
            bytes_on_disk=self._bytes(runs),
            all_genes=self._study_name(None) if self._draws_random_sets else None,
        )

    @cached_property
    def gene_sets(self) -> list[GeneSet | None]:
        """The wanted gene sets in the order of the sweep file; None stands for every gene."""
        if self.settings.gene_sets is None:
            return [None]
        read = read_gene_sets(*self.settings.gene_set_files)
        named = {UNION: [read.union()], ALL: list(read.values())}
        found = [one for name in self.settings.gene_sets for one in named.get(name) or [read[name]]]
        return list({one.name: one for one in found}.values())

    @property
    def _draws_random_sets(self) -> bool:
        return self.settings.random_gene_sets > 0 and self.settings.gene_sets is not None

    @cached_property
    def _studied(self) -> list[GeneSet | None]:
        """What the matrix is read for: the gene sets, and every gene if random sets are drawn."""
        return [*self.gene_sets, *([None] if self._draws_random_sets else [])]

    @cached_property
    def expression(self) -> ExpressionFile:
        """The matrix, read once for all gene sets."""
        reading = dict(self.settings.reading)
        return read_once(
            self.settings.expression,
            self._studied,
            labels=self.settings.labels,
            label_column=self.settings.label_column,
            max_memory_gb=reading.pop("max_memory", None),
            **reading,
        )

    def _study(self, gene_set: GeneSet | None) -> AnnData:
        """The labelled expression of one gene set."""
        adata = self.expression.select(gene_set)
        return adata[(adata.obs[label_column_of(self.asked, adata)] != "").to_numpy()]

    @cached_property
    def wanted(self) -> list[_Wanted]:
        """Every gene set with how many of its genes the matrix has."""
        return [self._matched(gene_set) for gene_set in self.gene_sets]

    def _matched(self, gene_set: GeneSet | None) -> _Wanted:
        """A gene set on the matrix; one that was named and has no gene there is refused."""
        available, study = self.expression.collected.gene_ids, self._study_name(gene_set)
        if gene_set is None:
            return _Wanted(None, study, len(available), "")
        try:
            n_genes = len(match_genes(gene_set.genes, available, name=gene_set.name).found)
        except GeneSetError:
            if gene_set.name in (self.settings.gene_sets or ()):
                raise
            n_genes = 0
        reason = f"{n_genes} of {len(gene_set.genes)} genes are in the matrix; {FEWEST_GENES} or more are needed"
        return _Wanted(gene_set, study, n_genes, reason if n_genes < FEWEST_GENES else "")

    @cached_property
    def usable(self) -> list[_Wanted]:
        """Gene sets with enough genes; there must be one."""
        usable = [one for one in self.wanted if not one.skipped]
        if not usable:
            first = self.wanted[0]
            raise GeneSetError(
                f"None of the {len(self.wanted)} gene sets has enough genes in the matrix; of {first.name}, "
                f"{first.skipped}. Check that both use the same identifiers."
            )
        return usable

    def _study_name(self, gene_set: GeneSet | None) -> str:
        """The folder of a study: it changes with the input files, how they are read, and the genes."""
        expression = self.settings.expression
        files = [expression, *names_beside(expression), self.settings.labels]
        content = [
            [(path.name, self.known[path]) for path in files if path is not None],
            self.settings.label_column,
            {key: value for key, value in self.asked["reading"].items() if key != "max_memory"},
            None if gene_set is None else [gene_set.name, *gene_set.genes],
        ]
        return f"{_short('' if gene_set is None else gene_set.name)}.{fingerprint(json.dumps(content))}"

    @cached_property
    def question(self) -> Question:
        """The question of the first gene set, the first target that is possible, and the first seed."""
        refused: UsageError | None = None
        for target in self._target_names:
            try:
                return self._question(self.usable[0], target)
            except UsageError as error:
                if target in self.settings.target_classes:
                    raise
                refused = refused or error
        raise refused or UsageError("There is no class.")

    def _question(self, one: _Wanted, target: str) -> Question:
        return question_of(
            self.asked,
            self._study(one.gene_set),
            one.gene_set,
            target_class=target,
            seed=self.settings.seeds[0],
            annotations=self.annotations,
        )

    @cached_property
    def _classes(self) -> list[str]:
        obs = self._study(self.usable[0].gene_set)
        return sorted(set(obs.obs[label_column_of(self.asked, obs)]))

    @cached_property
    def _target_names(self) -> list[str]:
        named = self.settings.target_classes
        return list(dict.fromkeys(name for one in named for name in (self._classes if one == ALL else [one])))

    @cached_property
    def targets(self) -> dict[str, str]:
        """The targets with why each is skipped, which only one brought in by `*` can be."""
        question, found = self.question, {}
        for seed in self.settings.seeds:
            check_question(question.study, replace(question.config, seed=seed), question.samples)
        for target in self._target_names:
            try:
                check_question(question.study, replace(question.config, target_class=target), question.samples)
                found[target] = ""
            except UsageError as error:
                if target in self.settings.target_classes:
                    raise
                found[target] = str(error)
        return found

    def _runs(self, targets: dict[str, str]) -> Iterator[PlannedRun]:
        for one in self.wanted:
            for target, impossible in targets.items():
                for seed in self.settings.seeds:
                    config = replace(
                        self.question.config, gene_set=one.name or None, target_class=target, seed=seed
                    ).as_dict()
                    decides = [config, self._beside, one.study, tspg.__version__]
                    run_id = f"{_short(one.name)}.{_short(target)}.seed-{seed}.{fingerprint(json.dumps(decides))}"
                    yield PlannedRun(run_id, one.name, one.n_genes, target, seed, one.skipped or impossible)

    @cached_property
    def _beside(self) -> list[Any]:
        """What decides a run's files besides its configuration and its matrix."""
        categories = [one.category for one in self.annotations or ()]
        files = [self.known[path] for path in annotation_files(self.settings.annotations)]
        return [list(self.question.samples), categories, files, self.settings.options.get("xlsx", False)]

    def _expected(self) -> dict[str, Forecast]:
        """What one run of each gene set takes: tried for the smallest and the largest; in between, by their sizes."""
        n_samples, n_classes = self.question.study.n_obs, len(self._classes)
        sizes = sorted({one.n_genes for one in self.usable})
        tried = [forecast(n_samples, size, n_classes, self.question.config) for size in {sizes[0], sizes[-1]}]
        tried.sort(key=lambda found: found.memory_gb)
        ends = sizes[:1] + sizes[-1:] * (len(tried) - 1)
        return {
            one.name: Forecast(
                float(np.interp(one.n_genes, ends, [found.seconds for found in tried])),
                float(np.interp(one.n_genes, ends, [found.memory_gb for found in tried])),
            )
            for one in self.usable
        }

    def _bytes(self, runs: Sequence[PlannedRun]) -> float:
        """How large the folder becomes."""
        n_samples, n_all = self.question.study.n_obs, len(self.expression.collected.gene_ids)
        n_sources = len(self.question.config.source_classes or self._classes[1:])
        folders = (run_bytes(n_samples, run.n_genes, n_sources, self.settings.keep) for run in runs if not run.skipped)
        studies = [one.n_genes for one in self.usable] + [n_all] * self._draws_random_sets
        return sum(folders) + sum(study_bytes(n_samples, n_genes) for n_genes in studies)

    def _run_jobs(self, runs: Sequence[PlannedRun], expected: dict[str, Forecast]) -> Iterator[Job]:
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

    def _random_jobs(self, runs: Sequence[PlannedRun], expected: dict[str, Forecast]) -> Iterator[Job]:
        """For each gene set one comparison with random ones, for all targets and the first seed."""
        for one in self.usable if self._draws_random_sets else ():
            wanted = (one.name, self.settings.seeds[0], "")
            members = [run for run in runs if (run.gene_set, run.seed, run.skipped) == wanted]
            yield self._job(RANDOM, members, expected, JOB_SECONDS)

    def _job(self, kind: str, members: Sequence[PlannedRun], expected: dict[str, Forecast], seconds: float) -> Job:
        name, seed, runs = members[0].gene_set, members[0].seed, tuple(run.id for run in members)
        decides = fingerprint(json.dumps([runs, self.settings.random_gene_sets if kind == RANDOM else 0]))
        config = replace(self.question.config, target_class="", seed=seed).as_dict()
        study = next(one.study for one in self.usable if one.name == name)
        return Job(
            id=f"{_short(name)}.seed-{seed}.{kind}.{decides}",
            kind=kind,
            gene_set=name,
            seed=seed,
            ground=f"{_short(name)}.seed-{seed}.{fingerprint(json.dumps([config, study, tspg.__version__]))}",
            runs=runs,
            memory_mb=round(SPARE_MEMORY * expected[name].memory_gb * 1000),
            minutes=round(SPARE_TIME * seconds / 60) + 2,
        )

    def write_studies(self, folder: Path) -> None:
        """Write the matrices that are not there yet."""
        used = {one.study for one in self.usable} | {self._study_name(None)}
        for gene_set in self._studied:
            name = self._study_name(gene_set)
            if name in used and not has_study(folder / "data" / name):
                write_study(folder / "data" / name, self._study(gene_set), gene_set)


def _short(name: str) -> str:
    """A gene set's or class's name as a part of a file name."""
    return slug(name, MOST_OF_A_NAME) or EVERY_GENE
