"""The tables of what moved genes do, for a run and for new profiles."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData

from tspg.analysis.evaluation.classifiers import LinearClassifier
from tspg.analysis.interpretation.cases import LayeredClassifier, Reference, cases_of
from tspg.analysis.interpretation.enrichment import changes_of, enrichment_tables
from tspg.analysis.interpretation.gene_set_contribution import gene_set_contribution
from tspg.analysis.interpretation.membership import membership
from tspg.analysis.interpretation.minimal_sets import minimal_sets
from tspg.analysis.interpretation.out_of_distribution import PLACE_COLUMNS, outside_training
from tspg.analysis.interpretation.paper_tables import table_2
from tspg.analysis.interpretation.path import path_table
from tspg.analysis.interpretation.samples import samples_table
from tspg.data.annotations import Annotation
from tspg.model.methods import in_blocks
from tspg.model.trained_model import TrainedModel


@dataclass(frozen=True)
class PerturbationResult:
    """Moved profiles with what they are compared with.

    `real` holds the samples that the model was trained and tested on, as its own run moved them; None where they are
    not available. `samples` are single samples of interest; `genes` and `sample_genes` are the tables of class genes
    and of these samples, where there are any; `logistic` is the linear classifier of the real training samples where
    it was fitted before.
    """

    perturbations: AnnData
    top_genes: pd.DataFrame
    model: TrainedModel
    real: AnnData | None
    samples: tuple[str, ...]
    genes: pd.DataFrame | None = None
    sample_genes: pd.DataFrame | None = None
    logistic: LinearClassifier | None = None


def interpretation_tables(
    moved: PerturbationResult, annotations: Sequence[Annotation], *, enrichment: str
) -> dict[str, pd.DataFrame]:
    """Every table of what moved genes do and how few are enough, by the name of its file."""
    tables = enrichment_tables(
        moved.perturbations,
        moved.top_genes,
        annotations,
        method=enrichment,
        samples=moved.samples,
        genes=moved.genes,
        sample_genes=moved.sample_genes,
    )
    if "enrichment" in tables:
        tables["table_2"] = table_2(tables["enrichment"])
    places = pd.DataFrame(columns=["sample", *PLACE_COLUMNS])
    if moved.real is not None:
        genes, seed = [str(gene) for gene in moved.perturbations.var_names], int(moved.model.settings["seed"])
        reference = Reference.of(moved.real, _layered_f(moved.model), seed=seed, logistic=moved.logistic)
        cases = list(cases_of(moved.perturbations, moved.samples))
        tables["path"] = path_table(cases, reference)
        tables["smallest_sets"] = minimal_sets(cases, reference, genes, method=moved.model.method.name, seed=seed)
        if annotations:
            tables["carriers"] = gene_set_contribution(cases, reference, genes, annotations[0])
        places = outside_training(moved.perturbations, reference, moved.samples)
    tables["samples"] = samples_table(moved.perturbations, places, moved.samples)
    return tables


def _layered_f(model: TrainedModel) -> LayeredClassifier:
    """The classifier f with its first layer apart."""
    first, rest = model.target_model.layers[0], model.target_model.layers[1:]
    weights, offsets = (first.get_parameter(name).detach().cpu() for name in ("weight", "bias"))
    names = np.asarray(model.classes, dtype=object)
    shift = offsets.numpy()
    return LayeredClassifier(
        weights.T.contiguous().numpy(),
        lambda units: names[in_blocks(rest, (units + shift).astype(np.float32), len(names)).argmax(axis=1)],
    )


def annotation_facts(annotations: Sequence[Annotation], perturbations: AnnData) -> list[dict[str, Any]]:
    """Per category: where its sets come from, how many there are, and how many have a gene here."""
    genes, _ = changes_of(perturbations)
    known = {one.category: membership(one.gene_sets, tuple(genes)) for one in annotations}
    return [
        {
            "category": one.category,
            "origin": one.origin,
            "n_sets": len(one.gene_sets),
            "n_tested": 0 if (found := known[one.category]) is None else len(found.terms),
        }
        for one in annotations
    ]
