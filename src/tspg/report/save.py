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
from typing import TYPE_CHECKING, Any

import pandas as pd
from anndata import AnnData
from threadpoolctl import threadpool_limits

from tspg._version import __version__
from tspg.analysis.interpretation.class_genes import ALL_SOURCES
from tspg.analysis.interpretation.perturbations import read_perturbations, write_perturbations
from tspg.errors import UsageError
from tspg.model.config import KEEP
from tspg.report.excel import require_xlsxwriter, write_spreadsheet
from tspg.report.figures.save import write_figures
from tspg.report.manifest import FORMAT_VERSION, fingerprints, input_fingerprints, read_manifest, rewriting, verify
from tspg.report.page.html import page_of, write_report
from tspg.utils.files import read_json, read_table, write_json, write_table
from tspg.utils.lock import MANIFEST, locked, new_folder
from tspg.utils.timing import Clock
from tspg.utils.untrusted import require_consistent

if TYPE_CHECKING:
    from tspg.experiment.run import Run

PERTURBATIONS = "perturbations.h5ad"
DRAWN = ("genes", "top_genes", "path")  # tables that figures are drawn from
DRAWN_AGAIN = ("figures", "tsne.tsv", "report.html")
CHANGED_BY_AUDIT = ("audit", "evidence.tsv", "controls.tsv", "stable_genes.tsv", "metrics.json", "report.html")
NAMED_VERSIONS = (
    "numpy",
    "scipy",
    "pandas",
    "anndata",
    "scikit-learn",
    "openTSNE",
    "torch",
    "safetensors",
    "matplotlib",
)


@dataclass(frozen=True)
class Findings:
    """What a folder tells about moved profiles, with or without the training of a model.

    `tables` are written under their names; `history` is None where nothing was trained here.
    """

    perturbations: AnnData
    tables: Mapping[str, pd.DataFrame]
    metrics: Mapping[str, Any]
    settings: Mapping[str, Any]
    samples: tuple[str, ...]
    seconds: Mapping[str, float]
    history: pd.DataFrame | None = None


def save_run(
    run: "Run",
    out: str | Path,
    *,
    inputs: Sequence[Path] | Mapping[str, str] = (),
    reading: Mapping[str, Any] = MappingProxyType({}),
    xlsx: bool = False,
    keep: str = "all",
    command: Sequence[str] | None = None,
) -> None:
    """Write a run with its figures and report; `manifest.json` comes last, so a folder with it is whole.

    As on the command line, the folder must be new or empty: nothing is ever written over.

    Parameters
    ----------
    run
        What `tspg.run` returned.
    out
        The folder; made if it is not there. One that holds a finished run or other files is refused.
    inputs
        Files that the run was made of, or their names and SHA-256 fingerprints.
    reading
        How the expression file was read, so that an audit can read its other genes.
    xlsx
        Write the tables as one Excel file too.
    keep
        `all`; `tables`: without model, moved profiles and figures, which the report still shows;
        `metrics`: the numbers, the top genes, and all genes of the sources together.
    command
        What asks the same question again; None means this program's own command line.

    Raises
    ------
    UsageError
        If the folder holds anything, or `keep` is none of these.
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
    if xlsx:
        require_xlsxwriter()
    with new_folder(Path(out)):
        write_run(run, Path(out), inputs=inputs, reading=reading, xlsx=xlsx, keep=keep, command=command)


def write_run(
    run: "Run",
    out: Path,
    *,
    inputs: Sequence[Path] | Mapping[str, str] = (),
    reading: Mapping[str, Any] = MappingProxyType({}),
    xlsx: bool = False,
    keep: str = "all",
    command: Sequence[str] | None = None,
) -> None:
    """What `save_run` writes, into a folder that this process holds already."""
    from tspg.model.storage import save_model  # PyTorch, which a report drawn again does without

    if keep != "metrics":
        save_model(run.model, out / "model")
    tables = {"top_genes": run.top_genes, "gene_overlap": run.gene_overlap, "evidence": run.evidence, **run.tables}
    found = Findings(
        run.perturbations, tables, run.metrics, run.config.as_dict(), run.samples, run.seconds, run.history
    )
    save_findings(found, out, inputs=inputs, reading=reading, xlsx=xlsx, keep=keep, command=command)


def save_findings(
    found: Findings,
    out: Path,
    *,
    inputs: Sequence[Path] | Mapping[str, str] = (),
    reading: Mapping[str, Any] = MappingProxyType({}),
    xlsx: bool = False,
    keep: str = "all",
    command: Sequence[str] | None = None,
) -> None:
    """Write everything but the model, as `write_run` does; alone, it makes the folder of `tspg perturb`."""
    clock, tables = Clock(), dict(found.tables)
    if found.history is not None:
        tables["history"] = found.history.drop(columns="seconds")  # times would break equal bytes
    with clock.phase("tables"):
        if keep == "metrics":  # of the genes those of all sources together
            genes = tables["genes"]
            tables = {"top_genes": tables["top_genes"], "genes": genes[genes["source_class"] == ALL_SOURCES]}
        for name, table in tables.items():
            write_table(out / f"{name}.tsv", table)
        if xlsx:
            write_spreadsheet(found.tables, out / "tables.xlsx", is_log=bool(found.metrics["data"]["is_log"]))
        write_json(out / "metrics.json", {**found.metrics, "seconds": dict(found.seconds)})
    if keep != "metrics":
        _draw(found, out, clock, for_print=keep == "all")
    if keep == "tables":  # the report was made of these, too
        shutil.rmtree(out / "figures")
        shutil.rmtree(out / "model", ignore_errors=True)  # `tspg perturb` has none
        (out / PERTURBATIONS).unlink()
    times = {**found.seconds, **clock.seconds}
    write_json(out / "metrics.json", {**found.metrics, "seconds": {**times, "total": sum(times.values())}})
    known = inputs if isinstance(inputs, Mapping) else input_fingerprints(inputs)
    about = {"inputs": dict(known), "reading": dict(reading), "kept": keep}
    _write_manifest(found, out, about, command, times)


def _draw(found: Findings, out: Path, clock: Clock, *, for_print: bool) -> None:
    """Write the moved profiles, the figures, and the report that is made of both."""
    with clock.phase("tables"):
        write_perturbations(found.perturbations, out / PERTURBATIONS)
    with clock.phase("figures"), threadpool_limits(int(found.settings["threads"])):
        write_figures(
            out,
            found.perturbations,
            found.history,
            found.tables,
            seed=int(found.settings["seed"]),
            samples=found.samples,
            for_print=for_print,
        )
    with clock.phase("report"):
        write_report(out)


def _write_manifest(
    found: Findings, out: Path, about: Mapping[str, Any], command: Sequence[str] | None, times: Mapping[str, float]
) -> None:
    """Describe a finished folder: versions, settings, fingerprints of inputs and outputs, times, memory."""
    per_epoch = [] if found.history is None else [round(float(value), 4) for value in found.history["seconds"]]
    peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    named = {name: version(name) for name in NAMED_VERSIONS}
    write_json(
        out / MANIFEST,
        {
            "format_version": FORMAT_VERSION,
            "versions": {"tspg": __version__, "python": platform.python_version(), **named},
            "platform": platform.platform(),
            "command": list(command or _own_command()),
            "settings": dict(found.settings),
            "samples": list(found.samples),
            **about,
            "outputs": fingerprints(out),
            "seconds": {**times, "per_epoch": per_epoch},
            "peak_memory_gb": round(peak_kib * 1024 / 1e9, 3),
        },
    )


def _own_command() -> list[str]:
    return [Path(sys.argv[0]).name, *sys.argv[1:]]


def save_tables(out: Path, tables: Mapping[str, pd.DataFrame], *, inputs: Mapping[str, str]) -> None:
    """Write tables that were made of finished runs or of lists of genes, with a manifest of what they were made of."""
    for name, table in tables.items():
        write_table(out / f"{name}.tsv", table)
    versions = {"tspg": __version__, "python": platform.python_version()}
    content = {
        "format_version": FORMAT_VERSION,
        "versions": versions,
        "command": _own_command(),
        "inputs": dict(inputs),
    }
    write_json(out / MANIFEST, {**content, "outputs": fingerprints(out)})


def refresh_report(out: Path) -> None:
    """Draw the figures and the report of a finished run folder again, from its files alone."""
    read_manifest(out)  # before a lock is put where there is no run
    with locked(out), require_consistent(out):
        manifest = verify(out, but=DRAWN_AGAIN)
        page_of(out)  # what can be found wrong is found before anything is written
        perturbations, history = read_perturbations(out), _table(out, "history")
        drawn = {name: table for name in DRAWN if (table := _table(out, name)) is not None}
        settings, samples = manifest["settings"], manifest["samples"]
        with rewriting(out, DRAWN_AGAIN):
            with threadpool_limits(int(settings["threads"])):
                write_figures(out, perturbations, history, drawn, seed=int(settings["seed"]), samples=samples)
            write_report(out)


def _table(out: Path, name: str) -> pd.DataFrame | None:
    return read_table(out / f"{name}.tsv") if (out / f"{name}.tsv").is_file() else None


def add_tables(out: Path, tables: Mapping[str, pd.DataFrame], metrics: Mapping[str, Any]) -> None:
    """Put tables and numbers into a finished run folder that this process holds; report and manifest follow."""
    with rewriting(out, CHANGED_BY_AUDIT):
        for name, table in tables.items():
            write_table(out / f"{name}.tsv", table)
        known = read_json(out / "metrics.json")
        write_json(out / "metrics.json", {**known, **metrics})
        write_report(out)
