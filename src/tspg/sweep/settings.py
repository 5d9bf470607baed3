"""A sweep file's content: read strictly, every key and kind of value checked."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tspg.errors import InputError, UsageError
from tspg.model.config import KEEP
from tspg.sweep.inputs import training_of
from tspg.utils.names import closest, shown

ALL = "*"
TEXT, TEXTS, WHOLE, NUMBER, SWITCH = "text", "a list of texts", "a whole number", "a number", "true or false"
SEEDS = "a list of whole numbers"

# Options of `tspg run` by their long names, and what kind of value each takes.
READING = {
    **dict.fromkeys(("transpose", "allow_unlabelled", "strict"), SWITCH),
    **dict.fromkeys(("sample_column", "layer", "value", "transform", "duplicates"), TEXT),
    "max_memory": NUMBER,
}
NOT_DECISIVE = ("max_memory", "strict")  # they decide whether a file is read, not what comes of it
TASK = {
    **dict.fromkeys(("group_column", "split_column", "adjust", "preset", "method", "enrichment", "device"), TEXT),
    **dict.fromkeys(("epochs", "steps", "target_epochs", "folds", "threads"), WHOLE),
    **dict.fromkeys(("source", "samples", "annotations"), TEXTS),
    "xlsx": SWITCH,
}
DATA = {**dict.fromkeys(("expression", "labels", "label_column"), TEXT), "gene_sets": TEXTS}
SWEEP = {
    **dict.fromkeys(("gene_sets", "target_classes"), TEXTS),
    **dict.fromkeys(("targets_per_job", "random_gene_sets"), WHOLE),
    "seeds": SEEDS,
    "keep": TEXT,
}
TABLES = {"data": {**DATA, **READING, **TASK}, "sweep": {**SWEEP, **READING, **TASK}}
INSTEAD = {
    "target": "target_classes = [...] names the targets",
    "gene_set": "gene_sets = [...] in [sweep] names the gene sets",
    "seed": "seeds = [...] names the seeds",
    "out": "the folder is named with --out",
    "resume": "the same command goes on where it was stopped",
    **dict.fromkeys(
        ("test_expression", "test_labels", "normalise", "align"), "`tspg run` judges one run on a second cohort"
    ),
    "timings": "sweep.tsv has the seconds of every phase",
    "figures": "`tspg report --run RUN --figures pdf` draws those of a run in other formats",
}
THREADS = 1  # many runs side by side with one thread each finish sooner than one after the other with more
RANDOM_GENE_SETS = 99  # the smallest p-value is then 0.01
MOST_RANDOM_GENE_SETS = 10_000


@dataclass(frozen=True)
class SweepSettings:
    """A sweep file's content: which data, which gene sets x targets x seeds, and how each run is made.

    `gene_sets` None means every gene of the matrix, as one set without a name. `reading` and `options`
    are options of `tspg run`.
    """

    expression: Path
    labels: Path | None
    label_column: str | None
    gene_set_files: tuple[Path, ...]
    gene_sets: tuple[str, ...] | None
    target_classes: tuple[str, ...]
    seeds: tuple[int, ...]
    keep: str
    targets_per_job: int | None
    random_gene_sets: int
    reading: dict[str, Any]
    options: dict[str, Any]

    @property
    def annotations(self) -> list[str]:
        """What genes are looked up in, as on the command line of `tspg run`; empty for what comes with `tspg`."""
        return list(self.options.get("annotations", []))


def read_settings(path: Path) -> SweepSettings:
    """A sweep file, checked as far as possible without the data; paths in it are seen from its own folder.

    Raises
    ------
    InputError
        If the file cannot be read or is not TOML.
    UsageError
        If a key is unknown or missing, or a value of the wrong kind.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"{path}: there is no such file. Give the sweep file with --config.") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}). Give the sweep file with --config.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: byte {error.start:,} is not UTF-8 text. Save the file as UTF-8.") from error
    except (ValueError, RecursionError) as error:  # also a number of thousands of digits, and thousands of [
        raise InputError(f"{path}: is not in TOML format: {error}. Put texts between quotes; close every [.") from error
    checked = _checked(content, path)
    data, sweep, both = checked["data"], checked["sweep"], {**checked["data"], **checked["sweep"]}
    if "expression" not in data:
        raise UsageError(f'{path}: expression is missing in [data]. Say expression = "matrix.tsv".')
    if "target_classes" not in sweep:
        example = 'target_classes = ["CLASS"], or ["*"] for every class'
        raise UsageError(f"{path}: target_classes is missing in [sweep]. Say {example}.")
    folder = path.resolve().parent
    options = {key: both[key] for key in TASK if key in both}
    if "annotations" in options:
        options["annotations"] = [_annotation(name, folder) for name in options["annotations"]]
    settings = SweepSettings(
        expression=folder / data["expression"],
        labels=folder / data["labels"] if "labels" in data else None,
        label_column=data.get("label_column"),
        gene_set_files=tuple(folder / name for name in data.get("gene_sets", [])),
        gene_sets=_unique(sweep["gene_sets"]) if "gene_sets" in sweep else None,
        target_classes=_unique(sweep["target_classes"]),
        seeds=_unique(sweep.get("seeds", [0])),
        keep=sweep.get("keep", KEEP[0]),
        targets_per_job=sweep.get("targets_per_job"),
        random_gene_sets=sweep.get("random_gene_sets", RANDOM_GENE_SETS),
        reading={key: both[key] for key in READING if key in both},
        options={"threads": THREADS, "folds": 1, **options},
    )
    _check(settings, path)
    return settings


def _unique(values: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(values))


def _annotation(name: str, folder: Path) -> str:
    """`default`, FILE or CATEGORY=FILE, the file as seen from the sweep file's folder."""
    if name == "default":
        return name
    category, equals, file = name.partition("=")
    return f"{category}={folder / file}" if equals and not (folder / name).exists() else str(folder / name)


def _checked(content: Mapping[str, Any], path: Path) -> dict[str, dict[str, Any]]:
    """The two tables of a sweep file with known keys alone, hyphens as underscores."""
    unknown = [name for name in content if name not in TABLES]
    if unknown:
        raise UsageError(
            f"{path}: there is no table or key {shown(unknown[0])} at the top. A sweep file has [data] and [sweep]."
        )
    checked: dict[str, dict[str, Any]] = {}
    for table, kinds in TABLES.items():
        given = content.get(table, {})
        if not isinstance(given, Mapping):
            raise UsageError(f"{path}: {table} is {given!r}; it must be a table: [{table}].")
        checked[table] = {}
        for written, value in given.items():
            key = written.replace("-", "_")
            if key not in kinds:
                raise UsageError(f"{path}, [{table}]: {_no_such_key(key, table)}")
            checked[table][key] = _of_kind(value, kinds[key], f"{path}, [{table}]: {written}")
    twice = (set(checked["data"]) & set(checked["sweep"])) - {"gene_sets"}
    if twice:
        raise UsageError(f"{path}: {', '.join(sorted(twice))} is in [data] and in [sweep]. Say it once.")
    return checked


def _no_such_key(key: str, table: str) -> str:
    other = "sweep" if table == "data" else "data"
    if key in TABLES[other]:
        return f"{key} belongs in [{other}]."
    if key in INSTEAD:
        return f"{key} has no meaning here; {INSTEAD[key]}."
    return f"there is no key {shown(key)}. The closest is {closest(key, TABLES[table], 1)[0]!r}."


def _of_kind(value: Any, kind: str, where: str) -> Any:
    """A value, once it is of the right kind; one text may stand for a list of one."""
    if kind == TEXTS and isinstance(value, str):
        value = [value]
    is_filled_list, is_whole = isinstance(value, list) and bool(value), type(value) is int
    fits = {
        TEXT: isinstance(value, str) and value != "",
        TEXTS: is_filled_list and all(isinstance(one, str) and one for one in value),
        WHOLE: is_whole,
        NUMBER: is_whole or isinstance(value, float),
        SWITCH: isinstance(value, bool),
        SEEDS: is_filled_list and all(type(one) is int for one in value),
    }
    if not fits[kind]:
        raise UsageError(f"{where} is {value!r}; {kind} is needed.")
    return value


def _check(settings: SweepSettings, path: Path) -> None:
    """Refuse values that make no sense whatever the data; those of `tspg run` are checked with the task."""
    try:
        training_of(settings.options)
    except UsageError as error:
        raise UsageError(f"{path}: {error.in_file}") from error
    per_job, n_random, files = settings.targets_per_job, settings.random_gene_sets, settings.gene_set_files
    checks = (
        (settings.keep in KEEP, f"keep is {settings.keep!r}; one of {', '.join(map(repr, KEEP))} is needed."),
        (per_job is None or per_job >= 1, f"targets_per_job is {per_job}; one or more are needed."),
        (
            0 <= n_random <= MOST_RANDOM_GENE_SETS,
            f"random_gene_sets is {n_random}; 0 to {MOST_RANDOM_GENE_SETS:,} are possible.",
        ),
        (settings.gene_sets is None or files, "gene_sets in [data] must name the GMT files that hold the gene sets."),
        (
            settings.gene_sets is not None or not files,
            'gene_sets in [sweep] must name gene sets of the files, or ["*"] for every one.',
        ),
        (
            settings.labels or settings.label_column,
            "say which class each sample has: labels or label_column in [data].",
        ),
    )
    for holds, message in checks:
        if not holds:
            raise UsageError(f"{path}: {message}")
