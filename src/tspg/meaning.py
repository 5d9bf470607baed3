"""What a run or new profiles mean: the tables that tell which genes moved and what those do."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from anndata import AnnData

from tspg.analysis.enrichment import enrichment_tables
from tspg.data.annotations import Annotation
from tspg.report.tables import table_1, table_2


def meaning_tables(
    perturbations: AnnData,
    top_genes: pd.DataFrame,
    metrics: Mapping[str, Any],
    annotations: Sequence[Annotation],
    *,
    enrichment: str,
    samples: Sequence[str],
    target_class: str,
) -> dict[str, pd.DataFrame]:
    """Every table that only needs the moved profiles and their gene lists, by the name of its file."""
    tables = enrichment_tables(perturbations, top_genes, annotations, method=enrichment, samples=samples)
    tables["table_1"] = table_1(metrics, target_class)
    if "enrichment" in tables:
        tables["table_2"] = table_2(tables["enrichment"])
    return tables


def annotation_facts(annotations: Sequence[Annotation], tables: Mapping[str, pd.DataFrame]) -> list[dict[str, Any]]:
    """For each category where its sets come from, how many there are, and how many could be tested."""
    tested = (
        tables.get("enrichment", pd.DataFrame(columns=["category", "n_tests"])).groupby("category")["n_tests"].max()
    )
    return [
        {
            "category": one.category,
            "origin": one.origin,
            "n_sets": len(one.gene_sets),
            "n_tested": int(tested.get(one.category, 0)),
        }
        for one in annotations
    ]
