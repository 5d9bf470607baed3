"""`tspg perturb`: move new profiles with a trained model; one profile is enough."""

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from anndata import AnnData

from tspg.analysis.interpretation.perturbations import read_perturbations
from tspg.cli import inputs
from tspg.data.annotations import Annotation, carried_annotations
from tspg.data.expression import read
from tspg.data.matrix import X, other_genes
from tspg.data.readers.kinds import Kind, content_of
from tspg.data.reading import Reading
from tspg.data.scale import Scale
from tspg.errors import UsageError
from tspg.report.manifest import verify
from tspg.utils.lock import MANIFEST, new_folder
from tspg.utils.names import closest
from tspg.utils.progress import Progress
from tspg.utils.timing import Clock
from tspg.utils.untrusted import require_consistent

if TYPE_CHECKING:
    from tspg.model.trained_model import TrainedModel
    from tspg.report.save import Results

MOST_SINGLE_SAMPLES = 20  # ranked by themselves where none are named


def run(options: Namespace, progress: Progress) -> list[str]:
    """A run folder without model and history."""
    clock = Clock(progress)
    inputs.require_what_xlsx_needs(options)
    _require_one_word_on_classes(options)
    annotations = inputs.annotations(options) or carried_annotations()
    with new_folder(options.out):
        from tspg.cli.summary import summary
        from tspg.model.new_classes import check_new_class
        from tspg.model.storage import load_model, model_folder
        from tspg.report.save import write_results

        model = load_model(options.model)
        if options.new_class is not None:
            check_new_class(options.new_class, model.classes)
        with clock.phase("read"):
            adata, reference = _matrices(options, model)
        found = _findings(options, model, adata, reference, annotations, clock)
        also = [] if options.reference is None else [options.reference]
        files = [*inputs.files_named(options), *also, model_folder(options.model) / "model.json"]
        write_results(found, options.out, inputs=files, xlsx=options.xlsx, figures=options.figures, progress=progress)
    return summary(options.out)


def _require_one_word_on_classes(options: Namespace) -> None:
    if options.new_class is not None and (options.labels or options.label_column):
        raise UsageError(
            f"--new-class {options.new_class} gives all samples one new class, labels give each its own. Leave one of "
            "them out: a class in the labels that the model does not know is new, too."
        )
    if options.align != "none" and not (options.labels or options.label_column):
        raise UsageError(
            f"--align {options.align} compares samples with training samples of their own class. Give their classes "
            "with --labels or --label-column, or leave --align out."
        )


def _matrices(options: Namespace, model: "TrainedModel") -> tuple[AnnData, AnnData | None]:
    """The new profiles, and the training matrix where it is given: distributions of both over the same genes."""
    adata, reference = _profiles(options, model, model.panel), None
    if options.reference is not None:
        shared = adata.uns["tspg_input"].get("panel", [])
        reading = Reading(
            options.reference,
            layer=_own_layer(options.reference, model),
            orient_by_genes=model.gene_ids,
            transform=Scale.from_details(model.details),
            duplicates=model.details["duplicates"],
            panel=shared,
            max_memory_gb=options.max_memory,
        )
        reference = read(reading, model.gene_ids)
        both = reference.uns["tspg_input"].get("panel", [])
        if len(both) < len(shared):
            adata = _profiles(options, model, both)
    return adata, reference


def _profiles(options: Namespace, model: "TrainedModel", panel: Sequence[str] | None) -> AnnData:
    """The new profiles, read as those were that the model was trained on."""
    reading = replace(
        inputs.reading(options),
        layer=options.layer or _own_layer(options.expression, model),
        orient_by_genes=model.gene_ids,
        transform=Scale.from_details(model.details),
        duplicates=options.duplicates or model.details["duplicates"],
        panel=panel,
    )
    return read(reading, model.gene_ids)


def _own_layer(file: Path, model: "TrainedModel") -> str | None:
    """The layer that the model was trained on, where the file can have one."""
    return model.details["layer"] or None if content_of(file).kind == Kind.HDF5 else None


def _findings(
    options: Namespace,
    model: "TrainedModel",
    adata: AnnData,
    reference: AnnData | None,
    annotations: Sequence[Annotation],
    clock: Clock,
) -> "Results":
    """The moved profiles with their tables and metrics."""
    from tspg.analysis.interpretation.genes import all_top_genes, gene_overlap
    from tspg.analysis.interpretation.paper_tables import table_1
    from tspg.experiment.interpret import PerturbationResult, annotation_facts, interpretation_tables
    from tspg.experiment.metrics import perturb_metrics
    from tspg.model.device import fixed_threads
    from tspg.model.sample_genes import comparison_classes
    from tspg.model.storage import model_folder
    from tspg.report.read import unseen_energy_ratio, verdict_of_run
    from tspg.report.save import Results

    column = inputs.label_column(options, adata)
    with clock.phase("perturb"), fixed_threads(int(model.settings["threads"])):
        how: dict[str, Any] = {"layer": X, "label_column": column, "normalise": options.normalise}
        how |= {"align": options.align, "reference": reference}
        perturbations = model.perturb(adata, new_class=options.new_class, **how)
        perturbations.uns["tspg"]["other_genes"] = np.asarray(other_genes(adata, adata), dtype=object)
    samples = _chosen(options.samples, perturbations)
    top = all_top_genes(perturbations, k=int(model.settings["top_k"]), samples=samples)
    folder = model_folder(options.model).parent
    verdict = verdict_of_run(folder)
    metrics = perturb_metrics(model, adata, perturbations, unseen_energy_ratio(folder))
    if verdict:
        metrics["verdict"] = verdict
    if len(samples) < perturbations.n_obs:
        metrics["data"]["notes"].append(
            f"Genes of single samples are listed for {len(samples)} of {perturbations.n_obs:,} samples. "
            "Name others with --samples."
        )
    own, metrics["reference"] = None, None
    if model.reference is not None:
        with clock.phase("genes"), fixed_threads(int(model.settings["threads"])):
            rows = perturbations.obs_names.get_indexer(list(samples))
            own = model.sample_genes_of(perturbations[rows], model.values_of(adata, **how)[rows])
        known = zip(samples, comparison_classes(perturbations.obs.loc[list(samples)]), strict=True)
        sizes = {name: model.reference.n_samples_behind(of_class) for name, of_class in known}
        metrics["reference"] = {"samples": sizes}
    with clock.phase("meaning"), require_consistent(options.model):
        moved = PerturbationResult(perturbations, top, model, _real_samples(folder), samples, sample_genes=own)
        tables = interpretation_tables(moved, annotations, enrichment=options.enrichment)
        tables["table_1"] = table_1(metrics, model.target_class)
    metrics["annotations"] = annotation_facts(annotations, perturbations)
    tables = {"top_genes": top, "gene_overlap": gene_overlap(top), **tables}
    if own is not None:
        tables["sample_genes"] = own
    return Results(perturbations, tables, metrics, model.settings, samples, clock.seconds)


def _chosen(wanted: Sequence[str], perturbations: AnnData) -> tuple[str, ...]:
    """The samples whose own genes are listed: those named, or else the first twenty."""
    names = [str(name) for name in perturbations.obs_names]
    unknown = sorted(set(wanted) - set(names))
    if unknown:
        near = closest(unknown[0], names)[0]
        raise UsageError(f"--samples: there is no sample {unknown[0]!r} in the matrix. Closest: {near!r}.")
    return tuple(dict.fromkeys(wanted)) or tuple(names[:MOST_SINGLE_SAMPLES])


def _real_samples(folder: Path) -> AnnData | None:
    """The real samples of the run that trained a model, as far as its folder has them."""
    from tspg.report.save import DRAWN_AGAIN

    if (folder / MANIFEST).is_file():
        verify(folder, but=DRAWN_AGAIN)
    return read_perturbations(folder) if (folder / "perturbations.h5ad").is_file() else None
