"""The folder that a run leaves behind: written file by file, the manifest last."""

import platform
import resource
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

import pandas as pd
from anndata import AnnData

from tspg._version import __version__
from tspg.analysis.interpretation.class_genes import ALL_SOURCES
from tspg.analysis.interpretation.perturbations import read_perturbations, write_perturbations
from tspg.errors import UsageError
from tspg.model.config import KEEP
from tspg.report.excel import require_xlsxwriter, write_spreadsheet
from tspg.report.figures.save import write_figures
from tspg.report.manifest import FORMAT_VERSION, fingerprints, input_fingerprints, read_manifest, rewriting, verify
from tspg.report.page.build import page_of, write_page, write_report
from tspg.utils.files import read_json, read_table, write_json, write_table
from tspg.utils.lock import MANIFEST, locked, new_folder
from tspg.utils.options import DRAWN_AS, FIGURES, check
from tspg.utils.progress import Progress, silent
from tspg.utils.schema import plain
from tspg.utils.timing import Clock
from tspg.utils.untrusted import require_consistent

if TYPE_CHECKING:
    from tspg.experiment.run import Run

PERTURBATIONS = "perturbations.h5ad"
DRAWN = ("history", "genes", "top_genes", "path")  # tables that figures are drawn from
PAGE = "report.html"
DRAWN_AGAIN = ("figures", "pca.tsv", "tsne.tsv", PAGE)
CHANGED_BY_AUDIT = ("audit", "evidence.tsv", "controls.tsv", "stable_genes.tsv", "metrics.json", "report.html")
_FORMATS = plain(f"some of {', '.join(FIGURES)}", lambda value: not isinstance(value, str) and {*value} <= {*FIGURES})
LIBRARIES = (
    *("numpy", "scipy", "pandas", "anndata", "scikit-learn", "openTSNE", "torch", "safetensors", "matplotlib"),
)


@dataclass(frozen=True)
class Results:
    """What a run folder holds about moved profiles, with or without the training of a model.

    `tables` are written under their names; `history` is None where nothing was trained.
    """

    perturbations: AnnData
    tables: Mapping[str, pd.DataFrame]
    metrics: Mapping[str, Any]
    settings: Mapping[str, Any]
    samples: tuple[str, ...]
    seconds: Mapping[str, float]
    history: pd.DataFrame | None = None


class Writing(TypedDict, total=False):
    """What `save_run` lets choose, for the functions below it; and where they report how far they are."""

    progress: Progress

    inputs: Sequence[Path] | Mapping[str, str]
    reading: Mapping[str, Any]
    xlsx: bool
    keep: str
    figures: Sequence[str]
    command: Sequence[str] | None


def save_run(
    run: "Run",
    out: str | Path,
    *,
    inputs: Sequence[Path] | Mapping[str, str] = (),
    reading: Mapping[str, Any] = MappingProxyType({}),
    xlsx: bool = False,
    keep: str = "all",
    figures: Sequence[str] = DRAWN_AS,
    command: Sequence[str] | None = None,
) -> None:
    """Write a run with its figures and report; `manifest.json` comes last, so a folder that has it is complete.

    As on the command line, the folder must be new or empty: nothing is ever overwritten.

    Parameters
    ----------
    run
        What `tspg.run` returned.
    out
        The folder; created if missing. One that holds a finished run or other files is refused.
    inputs
        Files that the run was made of, or their names and SHA-256 fingerprints.
    reading
        How the expression file was read, so that an audit can read its other genes.
    xlsx
        Write the tables as one Excel file too.
    keep
        `all`; `tables`: without model, moved profiles and figures; `metrics`: the numbers, the top genes, and all
        genes of the sources together.
    figures
        The formats of the figures: `svg`, `png`, `pdf`; none draws none.
    command
        The command line that makes the same run again; None means this program's own.

    Raises
    ------
    UsageError
        If the folder holds anything, or `keep` or `figures` are none of these.
    FolderInUseError, ResourceError
        If another process writes there, or it cannot be written to.

    Examples
    --------
    >>> tspg.save_run(run, "runs/numbers", keep="metrics")
    >>> from pathlib import Path
    >>> sorted(path.name for path in Path("runs/numbers").iterdir())
    ['genes.tsv', 'manifest.json', 'metrics.json', 'top_genes.tsv']
    """
    if keep not in KEEP:
        raise UsageError(f"keep is {keep!r}; one of {', '.join(KEEP)} is needed.")
    check({"figures": figures}, {"figures": _FORMATS})
    if xlsx:
        require_xlsxwriter()
    with new_folder(Path(out)):
        write_run(
            run, Path(out), inputs=inputs, reading=reading, xlsx=xlsx, keep=keep, figures=figures, command=command
        )


def write_run(run: "Run", out: Path, **how: Unpack[Writing]) -> None:
    """What `save_run` writes, into a folder that this process holds already."""
    from tspg.model.storage import save_model  # PyTorch, which a report drawn again does without

    if how.get("keep") != "metrics":
        save_model(run.model, out / "model")
    tables = {"top_genes": run.top_genes, "gene_overlap": run.gene_overlap, "evidence": run.evidence, **run.tables}
    settings = run.config.as_dict()
    results = Results(run.perturbations, tables, run.metrics, settings, run.samples, run.seconds, run.history)
    write_results(results, out, **how)


def write_results(results: Results, out: Path, **how: Unpack[Writing]) -> None:
    """Write everything but the model; alone, this makes the folder of `tspg perturb`."""
    clock, keep, metrics = Clock(how.get("progress", silent)), how.get("keep", "all"), results.metrics
    with clock.phase("tables"):
        for name, table in _kept_tables(results, keep).items():
            write_table(out / f"{name}.tsv", table)
        if how.get("xlsx"):
            write_spreadsheet(results.tables, out / "tables.xlsx", is_log=bool(metrics["data"]["is_log"]))
        write_json(out / "metrics.json", {**metrics, "seconds": dict(results.seconds)})
    if keep != "metrics":
        with clock.phase("tables"):
            write_perturbations(results.perturbations, out / PERTURBATIONS)
        with clock.phase("figures"):
            seed, samples = int(results.settings["seed"]), results.samples
            data = (out, results.perturbations, results.history, results.tables)
            formats = how.get("figures", DRAWN_AS) if keep == "all" else ()
            is_log = bool(metrics["data"]["is_log"])
            write_figures(*data, seed=seed, samples=samples, formats=formats, is_log=is_log)
        with clock.phase("report"):
            write_page(out, how.get("reading", {}))
    if keep == "tables":  # the report was made of these, too
        shutil.rmtree(out / "model", ignore_errors=True)  # `tspg perturb` has none
        (out / PERTURBATIONS).unlink()
    seconds = {**results.seconds, **clock.seconds}
    write_json(out / "metrics.json", {**metrics, "seconds": {**seconds, "total": sum(seconds.values())}})
    inputs, history = how.get("inputs", ()), results.history
    per_epoch = [] if history is None else [round(float(value), 4) for value in history["seconds"]]
    peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    manifest = {
        "versions": {**_own_versions(), **{name: version(name) for name in LIBRARIES}},
        "platform": platform.platform(),
        "command": list(how.get("command") or _own_command()),
        "settings": dict(results.settings),
        "samples": list(results.samples),
        "inputs": dict(inputs if isinstance(inputs, Mapping) else input_fingerprints(inputs)),
        "reading": dict(how.get("reading", {})),
        "kept": keep,
        "outputs": fingerprints(out),
        "seconds": {**seconds, "per_epoch": per_epoch},
        "peak_memory_gb": round(peak_kib * 1024 / 1e9, 3),
    }
    write_json(out / MANIFEST, {"format_version": FORMAT_VERSION, **manifest})


def _kept_tables(results: Results, keep: str) -> dict[str, pd.DataFrame]:
    tables = dict(results.tables)
    if keep == "metrics":  # of the genes those of all sources together
        genes = tables["genes"]
        return {"top_genes": tables["top_genes"], "genes": genes[genes["source_class"] == ALL_SOURCES]}
    if results.history is not None:
        tables["history"] = results.history.drop(columns="seconds")  # times would break equal bytes
    return tables


def _own_command() -> list[str]:
    return [Path(sys.argv[0]).name, *sys.argv[1:]]


def _own_versions() -> dict[str, str]:
    return {"tspg": __version__, "python": platform.python_version()}


def save_tables(out: Path, tables: Mapping[str, pd.DataFrame], *, inputs: Mapping[str, str]) -> None:
    """Write tables made of finished runs or of lists of genes, with a manifest of what they were made of."""
    for name, table in tables.items():
        write_table(out / f"{name}.tsv", table)
    manifest = {"versions": _own_versions(), "command": _own_command(), "inputs": dict(inputs)}
    write_json(out / MANIFEST, {"format_version": FORMAT_VERSION, **manifest, "outputs": fingerprints(out)})


def refresh_report(out: Path, figures: Sequence[str] = DRAWN_AS, progress: Progress = silent) -> None:
    """Draw the figures and the report of a finished run folder again, from its files alone."""
    read_manifest(out)  # before a lock is put where there is no run
    clock = Clock(progress)
    with locked(out), require_consistent(out):
        manifest = verify(out, but=DRAWN_AGAIN)
        page_of(out)  # what can be found wrong is found before anything is written
        perturbations, settings = read_perturbations(out), manifest["settings"]
        tables = {name: read_table(path) for name in DRAWN if (path := out / f"{name}.tsv").is_file()}
        with rewriting(out, DRAWN_AGAIN):
            with clock.phase("figures"):
                data = (out, perturbations, tables.get("history"), tables)
                seed, is_log = int(settings["seed"]), bool(read_json(out / "metrics.json")["data"].get("is_log", True))
                how = {"samples": manifest["samples"], "seed": seed, "formats": figures, "is_log": is_log}
                drawn = write_figures(*data, **how)
            for name in manifest["outputs"]:  # what is drawn no more, or in other formats
                if name.split("/")[0] in DRAWN_AGAIN and name != PAGE and out / name not in drawn:
                    (out / name).unlink(missing_ok=True)
            with clock.phase("report"):
                write_report(out)


def add_tables(out: Path, tables: Mapping[str, pd.DataFrame], metrics: Mapping[str, Any]) -> None:
    """Put tables and numbers into a finished run folder that this process holds; report and manifest follow."""
    with rewriting(out, CHANGED_BY_AUDIT):
        for name, table in tables.items():
            write_table(out / f"{name}.tsv", table)
        write_json(out / "metrics.json", {**read_json(out / "metrics.json"), **metrics})
        write_report(out)
