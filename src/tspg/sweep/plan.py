"""The plan of a sweep: every run with its folder, and the jobs that make them. Read without PyTorch."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tspg.errors import ModelError, UsageError
from tspg.model.config import KEEP
from tspg.utils.files import read_json, write_json
from tspg.utils.lock import MANIFEST
from tspg.utils.untrusted import is_plain

PLAN = "plan.json"
PLAN_VERSION = 1
STORED_AS = {"settings": "asked", "matrix": "study", "classifier": "ground"}  # fields under other keys in plan.json
RANDOM_COLUMNS = (
    *("gene_set", "target_class", "n_random", "energy_ratio", "random_energy_ratio", "energy_p_value"),
    *("hit_rate", "random_hit_rate", "hit_rate_p_value", "note"),
)
RUNS, RANDOM = "runs", "random"  # kinds of jobs
REQUIRED_FILE = {"all": "model", "tables": "report.html", "metrics": MANIFEST}  # what a folder kept so far has


@dataclass(frozen=True)
class PlannedSet:
    """A gene set; `matrix` is the folder with its part of the matrix, `name` is empty for every gene."""

    name: str
    n_genes: int
    n_wanted: int
    matrix: str


@dataclass(frozen=True)
class PlannedRun:
    """One gene set, target and seed; `id` names its folder and changes with anything that decides its result.

    `skipped` is the reason why it is not made; empty for a run that is.
    """

    id: str
    gene_set: str
    n_genes: int
    target_class: str
    seed: int
    skipped: str = ""


@dataclass(frozen=True)
class Job:
    """What one process does: runs that share split and f, or a gene set's comparison with random ones.

    `classifier` names the split and f of the runs; jobs of other targets share it.
    """

    id: str
    kind: str
    gene_set: str
    seed: int
    classifier: str
    runs: tuple[str, ...]
    memory_mb: int
    minutes: int


@dataclass(frozen=True)
class Plan:
    """A whole sweep.

    `identity` says whether a plan still fits: it is made of the sweep file, its input files and the version of tspg.
    `settings` are those of the sweep file as plain values, `inputs` the fingerprints of its files, `seconds` those
    expected for one run alone by gene set, `bytes_on_disk` those expected of the whole folder. `all_genes` is the
    matrix from which random gene sets are drawn, if they are.
    """

    identity: str
    settings: dict[str, Any]
    inputs: dict[str, str]
    sets: tuple[PlannedSet, ...]
    runs: tuple[PlannedRun, ...]
    jobs: tuple[Job, ...]
    seconds: dict[str, float]
    bytes_on_disk: float
    all_genes: str | None

    @property
    def threads(self) -> int:
        """Threads of every run."""
        return int(self.settings["options"]["threads"])

    @property
    def wanted(self) -> list[PlannedRun]:
        """Runs that are not skipped."""
        return [run for run in self.runs if not run.skipped]

    @property
    def matrices(self) -> list[str]:
        """The folders of all matrices that the jobs need."""
        return [*(one.matrix for one in self.sets), *([self.all_genes] if self.all_genes else [])]

    @cached_property
    def _by_id(self) -> dict[str, PlannedRun]:
        return {run.id: run for run in self.runs}

    def runs_of(self, job: Job) -> list[PlannedRun]:
        """The runs that a job makes."""
        return [self._by_id[name] for name in job.runs]

    @cached_property
    def job_of(self) -> dict[str, Job]:
        """The job that makes each run, by the run's id."""
        return {name: job for job in self.jobs if job.kind == RUNS for name in job.runs}

    def job(self, name: str) -> Job:
        """The job of that id."""
        for job in self.jobs:
            if job.id == name:
                return job
        raise UsageError(f"--job {name}: there is no such job in this sweep. `tspg sweep --list` names them.")

    def is_done(self, one: PlannedRun | Job, out: Path) -> bool:
        """Whether a run is finished and its folder keeps as much as is wanted now; or nothing is left of a job."""
        if isinstance(one, Job):
            if one.kind == RANDOM:
                return random_file(one, out).exists()
            return all(self.is_done(run, out) for run in self.runs_of(one))
        folder = run_folder(one, out)
        enough = KEEP[: KEEP.index(self.settings["keep"]) + 1]
        return (folder / MANIFEST).exists() and any((folder / REQUIRED_FILE[level]).exists() for level in enough)

    def command(self, run: PlannedRun, out: Path) -> list[str]:
        """The `tspg run` that makes one run by itself, in the folder in which the sweep looks for it."""
        settings = self.settings
        options = {name: settings[name] for name in ("labels", "label_column")} | {"target": run.target_class}
        if run.gene_set:
            options |= {"gene_sets": settings["gene_set_files"], "gene_set": run.gene_set}
        options |= {**settings["reading"], **settings["options"]}
        words = [word for name, value in options.items() for word in _option(name, value)]
        folder = str(run_folder(run, out.resolve()))
        return ["tspg", "run", "--expression", settings["expression"], *words, "--seed", str(run.seed), "--out", folder]

    def command_line(self, run: PlannedRun, out: Path) -> str:
        """The same as one line for a shell."""
        return shlex.join(self.command(run, out))


def _option(name: str, value: Any) -> list[str]:
    flag = f"--{name.replace('_', '-')}"
    if value is None or value is False:
        return []
    if value is True:
        return [flag]
    values = list(map(str, [value] if isinstance(value, str) or not isinstance(value, Sequence) else value))
    if any(word.startswith("-") for word in values):  # which would be taken for options
        return [f"{flag}={word}" for word in values]
    return [flag, *values]


def run_folder(run: PlannedRun, out: Path) -> Path:
    """The folder of a run."""
    return out / "runs" / run.id


def classifier_folder(job: Job, out: Path) -> Path:
    """Where f is kept for the other targets of a gene set and seed, as long as some are left."""
    return out / "f" / job.classifier


def reason_file(one: PlannedRun | Job, out: Path) -> Path:
    """Where a run or job that failed leaves the reason."""
    return out / "logs" / f"{one.id}.txt"


def log_file(job: Job, out: Path) -> Path:
    """What a job's process wrote."""
    return out / "logs" / f"{job.id}.log"


def random_file(job: Job, out: Path) -> Path:
    """The table of a gene set's comparison with random ones."""
    return out / "random" / f"{job.id}.tsv"


def marker(job: Job, out: Path) -> Path:
    """The empty file by which Snakemake knows that a job is finished."""
    return out / "jobs" / f"{job.id}.done"


def mark(job: Job, out: Path) -> None:
    """Write the marker of a job that is finished."""
    marker(job, out).parent.mkdir(parents=True, exist_ok=True)
    marker(job, out).touch()


def mark_jobs(plan: Plan, out: Path, marked: Path) -> int:
    """Write markers into `marked` for the jobs that are finished in `out`, for no others; how many are unfinished."""
    unfinished = [job for job in plan.jobs if not plan.is_done(job, out)]
    for job in plan.jobs:
        if job in unfinished:
            marker(job, marked).unlink(missing_ok=True)
        else:
            mark(job, marked)
    return len(unfinished)


def write_plan(plan: Plan, out: Path) -> None:
    """Write the plan into a sweep's folder."""
    content = asdict(plan)
    stored = [[_renamed(one, STORED_AS) for one in content[name]] for name in ("sets", "jobs")]
    content |= dict(zip(("sets", "jobs"), stored, strict=True))
    write_json(out / PLAN, {"version": PLAN_VERSION, **_renamed(content, STORED_AS)})


def read_plan(out: Path) -> Plan:
    """The plan in a sweep's folder.

    Raises
    ------
    ModelError
        If there is none, or it is damaged or of another version.
    """
    names = {stored: name for name, stored in STORED_AS.items()}
    try:
        content = read_json(out / PLAN)
        if content["version"] != PLAN_VERSION:
            raise ValueError(f"version {content['version']}, this tspg reads {PLAN_VERSION}")
        sets = [PlannedSet(**_renamed(one, names)) for one in content["sets"]]
        runs = [PlannedRun(**one) for one in content["runs"]]
        jobs = [Job(**{**_renamed(one, names), "runs": tuple(one["runs"])}) for one in content["jobs"]]
        lists = {"sets": tuple(sets), "runs": tuple(runs), "jobs": tuple(jobs)}
        plan = Plan(
            **{name: value for name, value in _renamed({**content, **lists}, names).items() if name != "version"}
        )
        # With names of files that are not ours, folders elsewhere would be written or removed.
        of_jobs = [name for job in jobs for name in (job.id, job.classifier)]
        foreign = [name for name in (*(run.id for run in runs), *plan.matrices, *of_jobs) if not is_plain(name)]
        if foreign:
            raise ValueError(f"{foreign[0]!r} is no name of ours for a file or folder")
        run_ids, set_names = {run.id for run in runs}, {one.name for one in sets}
        if not all(set(job.runs) <= run_ids and job.gene_set in set_names for job in jobs):
            raise ValueError("a job is of runs or gene sets that are not in it")
        if plan.settings["keep"] not in KEEP or plan.threads < 1:
            raise ValueError("it says neither how much to keep nor on how many threads")
    except FileNotFoundError as error:
        raise ModelError(f"{out}: there is no sweep here (no {PLAN}). Start it with --config.") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{out / PLAN}: cannot be used ({error}). Start the sweep again with --config.") from error
    return plan


def _renamed(content: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {names.get(key, key): value for key, value in content.items()}
