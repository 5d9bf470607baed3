"""What each command does with its options; every function gives the lines to print at the end."""

import os
from argparse import Namespace
from pathlib import Path
from typing import Any

from anndata import AnnData

from tspg import experiment
from tspg.analysis.genes import all_top_genes, gene_overlap
from tspg.audit.conduct import audit_metrics, audit_run
from tspg.audit.reading import DEMO
from tspg.claim import claimed, new_folder
from tspg.clock import Clock
from tspg.data.demo import demo_data, demo_gene_sets
from tspg.data.expression import read_expression
from tspg.data.genesets import GeneSet, read_gene_sets
from tspg.errors import UsageError
from tspg.inspection import inspect_data
from tspg.metrics import perturb_metrics
from tspg.model.device import fixed_threads
from tspg.model.storage import load_model, model_folder
from tspg.model.training import Report
from tspg.question import only_label_column
from tspg.report.findings import findings_of
from tspg.report.run_files import doubts_about, read_run
from tspg.run_folder import (
    Findings,
    add_tables,
    read_manifest,
    refresh_report,
    save_findings,
    save_run,
)

MOST_NOTES = 6  # in the terminal; the report has all
MOST_SINGLE_SAMPLES = 20  # `tspg perturb` ranks each of so many samples by itself without being asked


def demo(options: Namespace, report: Report) -> list[str]:
    """The embedded colorectal tumours, all four subtypes, moved to GI.MSI."""
    with new_folder(options.out):
        found = experiment.run(
            demo_data(),
            label_column="subtype",
            group_column="patient",
            target_class="GI.MSI",
            gene_set=demo_gene_sets().union(),
            preset="paper",  # the demo shows the paper's method, with what is to be said against it
            report=report,
            epochs=3 if options.quick else None,
            target_epochs=3 if options.quick else None,
        )
        save_run(found, options.out, reading={"expression": DEMO})
    return _summary(options.out)


def inspect(options: Namespace, report: Report) -> list[str]:
    """What the files hold."""
    del report
    gene_sets = read_gene_sets(*options.gene_sets) if options.gene_sets else None
    adata = _read(options)
    return inspect_data(adata, label_column=_label_column(options, adata), gene_sets=gene_sets).lines()


def run(options: Namespace, report: Report) -> list[str]:
    """Train, move, judge and draw: one run folder."""
    if options.labels is None and options.label_column is None:
        raise UsageError("Say which class each sample has: --labels FILE, or --label-column NAME of an H5AD file.")
    with new_folder(options.out):
        gene_set = _gene_set(options)
        found = experiment.run(
            _read(options, gene_set),
            label_column=options.label_column,
            target_class=options.target,
            gene_set=gene_set,
            source_classes=options.source,
            group_column=options.group_column,
            adjust_column=options.adjust,
            preset=options.preset,
            method=options.method,
            epochs=options.epochs,
            steps=options.steps,
            target_epochs=options.target_epochs,
            samples=options.samples,
            folds=options.folds,
            seed=options.seed,
            threads=options.threads,
            device=options.device,
            report=report,
        )
        save_run(found, options.out, inputs=_inputs(options), reading=_reading(options))
    return _summary(options.out)


def perturb(options: Namespace, report: Report) -> list[str]:
    """Move new profiles with a trained model: a run folder without model and history."""
    del report
    clock = Clock()
    with new_folder(options.out):
        model = load_model(options.model)
        with clock.phase("read"):
            adata = read_expression(
                options.expression,
                labels=options.labels,
                label_column=options.label_column,
                genes=model.gene_ids,
                orient_by_genes=model.gene_ids,
                transform=model.details["transform"],
                allow_unlabelled=options.allow_unlabelled,
                max_memory_gb=options.max_memory,
            )
        with clock.phase("perturb"), fixed_threads(int(model.settings["threads"])):
            perturbations = model.perturb(adata, label_column=_label_column(options, adata))
        names = [str(name) for name in perturbations.obs_names]
        few = names if len(names) <= MOST_SINGLE_SAMPLES else []
        genes = all_top_genes(perturbations, k=int(model.settings["top_k"]), samples=few)
        found = Findings(
            perturbations=perturbations,
            tables={"top_genes": genes, "gene_overlap": gene_overlap(genes)},
            metrics=perturb_metrics(model, adata, perturbations, doubts_about(model_folder(options.model).parent)),
            settings=model.settings,
            samples=tuple(few),
            seconds=clock.seconds,
        )
        save_findings(found, options.out, inputs=[*_inputs(options), model_folder(options.model) / "model.json"])
    return _summary(options.out)


def audit(options: Namespace, report: Report) -> list[str]:
    """The controls of a finished run; those finished before are not repeated."""
    read_manifest(options.run)  # before a lock is put where there is no run
    with claimed(options.run):
        found = audit_run(options.run, quick=options.quick, technical=options.technical, report=report)
        tables = {"controls": found.controls, "stable_genes": found.stable_genes, "evidence": found.evidence}
        add_tables(options.run, tables, audit_metrics(found, read_run(options.run).method))
    return [*found.lines(), *_summary(options.run)]


def report(options: Namespace, report: Report) -> list[str]:
    """Figures and report once more, from the files of the folder."""
    del report
    refresh_report(options.run)
    return _summary(options.run)


def _read(options: Namespace, gene_set: GeneSet | None = None) -> AnnData:
    adata = read_expression(
        options.expression,
        labels=options.labels,
        label_column=options.label_column,
        genes=None if gene_set is None else gene_set.genes,
        transpose=options.transpose,
        transform=options.transform,
        allow_unlabelled=options.allow_unlabelled,
        max_memory_gb=options.max_memory,
    )
    column = _label_column(options, adata)
    return adata if column is None else adata[(adata.obs[column] != "").to_numpy()]


def _label_column(options: Namespace, adata: AnnData) -> str | None:
    """The column with the classes, if any were given; a labels file with one column needs no name for it."""
    return options.label_column or (only_label_column(adata) if options.labels else None)


def _gene_set(options: Namespace) -> GeneSet | None:
    """The one gene set that the options name: a set, the union of all, or None for every gene."""
    if not options.gene_sets:
        if options.gene_set:
            raise UsageError(f"--gene-set {options.gene_set}: say with --gene-sets FILE.gmt where it stands.")
        return None
    gene_sets = read_gene_sets(*options.gene_sets)
    if options.gene_set is None:
        raise UsageError(
            f"Name one of the {len(gene_sets)} gene sets with --gene-set, such as {next(iter(gene_sets))}, "
            "or say --gene-set all."
        )
    return gene_sets.union() if options.gene_set == "all" else gene_sets[options.gene_set]


def _reading(options: Namespace) -> dict[str, Any]:
    """How the expression file is read, as the manifest keeps it: paths as seen from the run folder."""

    def seen(path: Path) -> str:
        return os.path.relpath(path.resolve(), options.out.resolve())

    return {
        "expression": seen(options.expression),
        "labels": None if options.labels is None else seen(options.labels),
        "label_column": options.label_column,
        "transpose": options.transpose,
        "transform": options.transform,
    }


def _inputs(options: Namespace) -> list[Path]:
    files = [options.expression, options.labels, *getattr(options, "gene_sets", [])]
    return [file for file in files if file is not None]


def _summary(out: Path) -> list[str]:
    """What was found and what to know before believing it, then where to look."""
    found = read_run(out)
    notes = [f"Note: {note}" for note in (found.metric("data.notes") or [])[:MOST_NOTES]]
    return ["", *findings_of(found), *notes, "", f"Report: {out / 'report.html'}"]
