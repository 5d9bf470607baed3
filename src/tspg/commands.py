"""What each command does with its options; every function gives the lines to print at the end.

PyTorch takes a second or two to load: only commands that train or move anything load it, when they start.
"""

from argparse import Namespace
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from anndata import AnnData

from tspg.analysis.enrichment import Query, enrichment_tables, over_representation
from tspg.analysis.genes import all_top_genes, compare_targets, gene_overlap
from tspg.analysis.perturbations import read_perturbations
from tspg.analysis.thresholds import ENRICHED
from tspg.analysis.wording import counted
from tspg.claim import MANIFEST, claimed, is_finished, new_folder
from tspg.clock import Clock
from tspg.data.annotations import Annotation, annotation_files, carried_annotations, read_annotations
from tspg.data.demo import demo_data, demo_gene_sets
from tspg.data.expression import read_expression
from tspg.data.genesets import GeneSet, read_gene_list, read_gene_sets
from tspg.errors import UsageError
from tspg.files import read_table, safe_name, sha256_of
from tspg.report.figures import plot_overlap, save_figure
from tspg.report.findings import findings_of
from tspg.report.run_files import doubts_about, read_run
from tspg.report.spreadsheet import require_xlsxwriter
from tspg.run_folder import (
    DRAWN_AGAIN,
    Findings,
    add_tables,
    read_manifest,
    reading_from,
    refresh_report,
    require_same,
    save_findings,
    save_run,
    save_tables,
    verify,
)
from tspg.strangers import fitting_together

if TYPE_CHECKING:
    from tspg.model.training import Report
    from tspg.question import Question

MOST_NOTES = 6  # in the terminal; the report has all
MOST_SINGLE_SAMPLES = 20  # `tspg perturb` ranks each of so many samples by itself without being asked


def demo(options: Namespace, report: "Report") -> list[str]:
    """The embedded colorectal tumours, all four subtypes, moved to GI.MSI."""
    from tspg import experiment
    from tspg.audit.reading import DEMO

    with new_folder(options.out):
        found = experiment.run(
            demo_data(),
            label_column="subtype",
            group_column="patient",
            target_class="GI.MSI",
            gene_set=demo_gene_sets().union(),
            report=report,
            epochs=3 if options.quick else None,
            target_epochs=3 if options.quick else None,
        )
        save_run(found, options.out, reading={"expression": DEMO})
    return _summary(options.out)


def inspect(options: Namespace, report: "Report") -> list[str]:
    """What the files hold."""
    from tspg.inspection import inspect_data

    del report
    gene_sets = read_gene_sets(*options.gene_sets) if options.gene_sets else None
    adata = _read(options)
    return inspect_data(adata, label_column=_label_column(options, adata), gene_sets=gene_sets).lines()


def run(options: Namespace, report: "Report") -> list[str]:
    """Train, move, judge and draw: one run folder."""
    from tspg.experiment import run_experiments
    from tspg.unfinished import NOT_ASKED, checkpoints_of, memory_told, require_room

    if options.labels is None and options.label_column is None:
        raise UsageError("Say which class each sample has: --labels FILE, or --label-column NAME of an H5AD file.")
    _check_xlsx(options)
    clock = Clock()
    if options.resume and is_finished(options.out):
        asked = _question(options, clock)
        require_same(options.out, asked.config.as_dict(), asked.samples, _inputs(options), but=NOT_ASKED)
        return ["This run was finished before; nothing is left to do.", *_summary(options.out)]
    with new_folder(options.out, resume=options.resume):
        question, checkpoints = checkpoints_of(_question(options, clock), options.out)
        require_room(question, options.out, options.max_memory)
        with memory_told(question):
            (found,) = run_experiments([question], report=report, checkpoints=checkpoints)
            found = replace(found, seconds={**clock.seconds, **found.seconds})
            save_run(found, options.out, inputs=_inputs(options), reading=_reading(options), xlsx=options.xlsx)
    return [*(_timings(options.out) if options.timings else []), *_summary(options.out)]


def _question(options: Namespace, clock: Clock) -> "Question":
    """What the options of `tspg run` ask, checked whole."""
    from tspg.experiment import ask

    with clock.phase("read"):
        gene_set, annotations = _gene_set(options), _annotations(options)
        adata = _read(options, gene_set)
    return ask(
        adata,
        options.target,
        label_column=options.label_column,
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
        annotations=annotations,
        enrichment=options.enrichment,
        folds=options.folds,
        seed=options.seed,
        threads=options.threads,
        device=options.device,
    )


def _timings(out: Path) -> list[str]:
    """The seconds of every phase of a finished run, and the most memory it took."""
    manifest = read_manifest(out)
    phases = {name: value for name, value in manifest["seconds"].items() if name != "per_epoch"}
    total = sum(phases.values())
    lines = [f"  {name:<14}{value:>8.1f} s {value / total:>5.0%}" for name, value in phases.items()]
    memory = f"{manifest['peak_memory_gb']:.2f} GB at most"
    return ["", "Where the time went:", *lines, f"  {'total':<14}{total:>8.1f} s, {memory}"]


def perturb(options: Namespace, report: "Report") -> list[str]:
    """Move new profiles with a trained model: a run folder without model and history."""
    from tspg.meaning import Moved, annotation_facts, meaning_tables
    from tspg.metrics import perturb_metrics
    from tspg.model.device import fixed_threads
    from tspg.model.storage import load_model, model_folder

    del report
    clock = Clock()
    _check_xlsx(options)
    with new_folder(options.out):
        model, annotations = load_model(options.model), _annotations(options) or carried_annotations()
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
                duplicates=options.duplicates or model.details["duplicates"],
                strict=options.strict,
            )
        with clock.phase("perturb"), fixed_threads(int(model.settings["threads"])):
            perturbations = model.perturb(adata, label_column=_label_column(options, adata))
        names = [str(name) for name in perturbations.obs_names]
        few = names if len(names) <= MOST_SINGLE_SAMPLES else []
        genes = all_top_genes(perturbations, k=int(model.settings["top_k"]), samples=few)
        metrics = perturb_metrics(model, adata, perturbations, doubts_about(model_folder(options.model).parent))
        with clock.phase("meaning"), fitting_together(options.model):
            study, stable = _study(options.model)
            moved = Moved(perturbations, genes, model, study, tuple(few), stable)
            tables = meaning_tables(moved, metrics, annotations, enrichment=options.enrichment)
        metrics["annotations"] = annotation_facts(annotations, perturbations)
        found = Findings(
            perturbations=perturbations,
            tables={"top_genes": genes, "gene_overlap": gene_overlap(genes), **tables},
            metrics=metrics,
            settings=model.settings,
            samples=tuple(few),
            seconds=clock.seconds,
        )
        inputs = [*_inputs(options), model_folder(options.model) / "model.json"]
        save_findings(found, options.out, inputs=inputs, xlsx=options.xlsx)
    return _summary(options.out)


def _study(model: Path) -> tuple[AnnData | None, pd.DataFrame | None]:
    """The real samples of the run that trained a model and its audit's stable genes, as far as its folder has them."""
    from tspg.model.storage import model_folder

    folder = model_folder(model).parent
    if (folder / MANIFEST).is_file():
        verify(folder, but=DRAWN_AGAIN)
    stable = folder / "stable_genes.tsv"
    return (
        read_perturbations(folder) if (folder / "perturbations.h5ad").is_file() else None,
        read_table(stable) if stable.is_file() else None,
    )


def audit(options: Namespace, report: "Report") -> list[str]:
    """The controls of a finished run; those finished before are not repeated."""
    from tspg.audit.conduct import audit_metrics, audit_run

    read_manifest(options.run)  # before a lock is put where there is no run
    with claimed(options.run):
        found = audit_run(options.run, quick=options.quick, technical=options.technical, report=report)
        tables = {"controls": found.controls, "stable_genes": found.stable_genes, "evidence": found.evidence}
        add_tables(options.run, tables, audit_metrics(found, read_run(options.run).method))
    return [*found.lines(), *_summary(options.run)]


def enrich(options: Namespace, report: "Report") -> list[str]:
    """What a finished run's genes do, or those of a list: enrichment tables in a folder of their own."""
    del report
    if (options.genes is None) != (options.background is None):
        raise UsageError("Give both --genes and --background: every gene that could have been in the list.")
    with new_folder(options.out):
        annotations, files = read_annotations(options.annotations), annotation_files(options.annotations)
        if options.run is not None:
            manifest = verify(options.run)
            with fitting_together(options.run):
                moved, top = read_perturbations(options.run), read_table(options.run / "top_genes.tsv")
                samples = manifest["samples"]
                tables = enrichment_tables(moved, top, annotations, method=options.enrichment, samples=samples)
            files.append(options.run / MANIFEST)
        else:
            genes, background = read_gene_list(options.genes), read_gene_list(options.background)
            tables = {"enrichment": over_representation({Query("", "", ""): genes}, background, annotations)}
            files += [options.genes, options.background]
        save_tables(options.out, tables, inputs={str(file): sha256_of(file) for file in files})
    return [*_enriched(tables), f"Tables: {', '.join(str(options.out / f'{name}.tsv') for name in tables)}"]


def _enriched(tables: Mapping[str, pd.DataFrame]) -> list[str]:
    """How much of each table is enriched, and the surest term."""
    lines = []
    for name, table in tables.items():
        found = table[table["q_value"] < ENRICHED].sort_values("p_value", kind="stable")
        best = f"; the surest is {found['term'].iloc[0]} (q {found['q_value'].iloc[0]:.2g})" if len(found) else ""
        lines.append(f"{name}: {counted(len(found), 'term')} with q < {ENRICHED}{best}.")
    return lines


def compare(options: Namespace, report: "Report") -> list[str]:
    """Genes that several targets share from one source, and those that one target alone needs."""
    del report
    with new_folder(options.out):
        top = {}
        for folder in options.runs:
            verify(folder)
            with fitting_together(folder):
                target = read_run(folder).target
                if target in top:
                    raise UsageError(f"{folder}: the target {target!r} comes twice. Compare runs to several targets.")
                top[target] = _top_genes(folder)
        if len(top) < 2:
            raise UsageError("Name two or more run folders.")
        table = compare_targets(top)
        by_source = {str(name): rows for name, rows in table.groupby("source_class")}
        figures = []
        for source, rows in by_source.items():
            lists = {way: {target: _listed(rows, way, target) for target in top} for way in rows["direction"].unique()}
            name = "compare" if len(by_source) == 1 else f"compare-{safe_name(source)}"
            figures.append(save_figure(plot_overlap(lists, what="targets"), options.out / "figures", name))
        manifests = {str(folder / MANIFEST): sha256_of(folder / MANIFEST) for folder in options.runs}
        save_tables(options.out, {"compare": table}, inputs=manifests)
    lines = [line for source, rows in by_source.items() for line in _shared(source, rows, list(top))]
    return [*lines, f"Table: {options.out / 'compare.tsv'}; figures: {', '.join(map(str, figures))}"]


def _top_genes(folder: Path) -> pd.DataFrame:
    """The lists of top genes of a finished run, as far as runs are compared by them."""
    table = read_table(folder / "top_genes.tsv")
    return table[["source_class", "sample", "direction", "gene"]].assign(rank=pd.to_numeric(table["rank"]))


def _listed(rows: pd.DataFrame, way: str, target: str) -> list[str]:
    """The genes of a direction that stand in a target's list."""
    return list(rows.loc[(rows["direction"] == way) & rows[f"rank in {target}"].notna(), "gene"])


def _shared(source: str, rows: pd.DataFrame, targets: list[str]) -> list[str]:
    """Genes that all targets share from a source class, and that one alone needs."""
    lines = [f"From {source} to {', '.join(targets)}:"]
    for way in rows["direction"].unique():
        of_way = rows[rows["direction"] == way]
        shared = list(of_way.loc[of_way["n_targets"] == len(targets), "gene"])
        lines.append(f"  {way}, in all: {_first(shared)}")
        for target in targets:
            alone = list(of_way.loc[of_way["targets"] == target, "gene"])
            lines.append(f"  {way}, {target} alone: {_first(alone)}")
    return lines


def _first(genes: list[str], most: int = 12) -> str:
    rest = f" and {len(genes) - most} more" if len(genes) > most else ""
    return f"{', '.join(genes[:most])}{rest}" if genes else "none"


def report(options: Namespace, report: "Report") -> list[str]:
    """Figures and report once more, from the files of the folder."""
    del report
    refresh_report(options.run)
    return _summary(options.run)


def sweep(options: Namespace, report: "Report") -> list[str]:
    """Gene sets x targets x seeds, or one job of them."""
    from tspg.sweep import conduct

    if options.job is not None:
        return conduct.do_job(options.out, options.job)
    if options.config is None:
        raise UsageError("Give the sweep file: --config FILE.toml.")
    if options.list:
        return conduct.listing(options.config, options.out)
    if options.dry_run:
        return conduct.rehearse(options.config, options.out, cores=options.cores, profile=options.profile)
    return conduct.sweep(options.config, options.out, cores=options.cores, profile=options.profile, report=report)


def _read(options: Namespace, gene_set: GeneSet | None = None) -> AnnData:
    adata = read_expression(
        options.expression,
        labels=options.labels,
        label_column=options.label_column,
        genes=gene_set,
        transpose=options.transpose,
        transform=options.transform,
        allow_unlabelled=options.allow_unlabelled,
        max_memory_gb=options.max_memory,
        duplicates=options.duplicates or "error",
        strict=options.strict,
    )
    column = _label_column(options, adata)
    return adata if column is None else adata[(adata.obs[column] != "").to_numpy()]


def _label_column(options: Namespace, adata: AnnData) -> str | None:
    """The column with the classes, if any were given; a labels file with one column needs no name for it."""
    from tspg.question import only_label_column

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


def _check_xlsx(options: Namespace) -> None:
    if options.xlsx:
        require_xlsxwriter()


def _annotations(options: Namespace) -> tuple[Annotation, ...] | None:
    """What the options name to look genes up in; None for what `tspg` carries."""
    return read_annotations(options.annotations) if options.annotations else None


def _reading(options: Namespace) -> dict[str, Any]:
    return reading_from(
        options.out,
        expression=options.expression,
        labels=options.labels,
        label_column=options.label_column,
        transpose=options.transpose,
        transform=options.transform,
        duplicates=options.duplicates or "error",
    )


def _inputs(options: Namespace) -> list[Path]:
    files = [options.expression, options.labels, *getattr(options, "gene_sets", [])]
    return [file for file in (*files, *annotation_files(getattr(options, "annotations", []))) if file is not None]


def _summary(out: Path) -> list[str]:
    """What was found and what to know before believing it, then where to look."""
    found = read_run(out)
    notes = [f"Note: {note}" for note in (found.metric("data.notes") or [])[:MOST_NOTES]]
    return ["", *findings_of(found), *notes, "", f"Report: {out / 'report.html'}"]
