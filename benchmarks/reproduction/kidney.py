"""Healthy kidney moved to three carcinomas: what turns down and up, shared and specific (Fig. 5 and section 3)."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from anndata import AnnData

from reproduction.lists import TISSUES, WAYS, annotations
from reproduction.runs import HEALTHY, KIDNEY, TUMOURS, read_study
from tspg.analysis.interpretation.enrichment import enrichment_tables
from tspg.analysis.interpretation.genes import top_genes
from tspg.data.annotations import Annotation
from tspg.data.genesets import GeneSet, GeneSets

CLAIMS = {  # tumour: what its raised genes should be rich in, by the paper's words; sets by category and name
    "KIRC": ("hypoxia", "Hallmark", ("HALLMARK_HYPOXIA",)),
    "KIRP": ("annexins", "Annexins", ("annexins",)),
    "KICH": ("oestrogen response", "Hallmark", ("HALLMARK_ESTROGEN_RESPONSE_EARLY", "HALLMARK_ESTROGEN_RESPONSE_LATE")),
}


def annexins(genes: Sequence[str]) -> Annotation:
    """The annexins among the genes of the matrix, as a set of its own, and all other genes as another.

    A category's background is what it annotates: with the other genes named it is the whole matrix.
    """
    members = tuple(sorted(gene for gene in genes if gene.startswith("ANXA")))
    others = tuple(gene for gene in genes if gene not in members)
    named = (GeneSet("annexins", members), GeneSet("other genes", others))
    return Annotation("Annexins", GeneSets(named), "gene symbols that begin with ANXA")


def one_tumour(moved: AnnData, data: Path) -> dict[str, object]:
    """The lists of healthy kidney's mean, the best kidney set among those turned down, and the three claims."""
    listed = top_genes(moved, k=20)
    genes = [str(gene) for gene in moved.var_names]
    known = [one for one in annotations(data) if one.category in ("Hallmark", TISSUES)]
    known += [annexins(genes)] if any(gene.startswith("ANXA") for gene in genes) else []
    tables = enrichment_tables(moved, listed, known, method="both")
    lists = {way: list(listed.loc[listed["direction"] == way, "gene"]) for way in WAYS}
    tested = set(tables["enrichment"]["category"])
    claims = {word: claim(tables, category, terms) for word, category, terms in CLAIMS.values() if category in tested}
    hallmarks = tables["enrichment"].query("category == 'Hallmark' and direction == 'up'")
    best = hallmarks.loc[hallmarks["q_value"].idxmin()]
    return {
        "lists": lists,
        "n_genes": len(genes),
        "kidney": {way: own_tissue(tables["enrichment"], way) for way in WAYS},
        "claims": claims,
        "best_hallmark_up": {"term": str(best["term"]), "q": float(best["q_value"])},
        "pipeline": by_pipeline(moved, lists, data),
    }


def own_tissue(table: pd.DataFrame, way: str) -> dict[str, object]:
    """The kidney's best set among a list's tissues: overlap, q, and the rank of kidney among tissues."""
    rows = table[(table["category"] == TISSUES) & (table["direction"] == way)]
    tissue = rows["term"].str.partition(": ")[2]
    ranks = rows["p_value"].groupby(tissue).min().rank(method="min")
    own = rows[tissue.str.startswith("Kidney")]
    if own.empty:
        return {"overlap": 0, "q": 1.0, "rank": None}
    best = own.loc[own["p_value"].idxmin()]
    name = str(best["term"]).partition(": ")[2]
    return {"overlap": int(best["overlap"]), "q": float(best["q_value"]), "rank": int(ranks[name])}


def claim(tables: Mapping[str, pd.DataFrame], category: str, terms: Sequence[str]) -> dict[str, object]:
    """The best of the named sets: how many raised genes of the list it holds, q of the list and of all ranks."""
    lists = tables["enrichment"]
    rows = lists[(lists["category"] == category) & (lists["direction"] == "up") & lists["term"].isin(terms)]
    ranked = tables["enrichment_ranked"]
    risen = ranked[(ranked["category"] == category) & ranked["term"].isin(terms) & (ranked["statistic"] > 0)]
    return {
        "overlap": int(rows["overlap"].max()) if len(rows) else 0,
        "q": float(rows["q_value"].min()) if len(rows) else 1.0,
        "q_ranked": float(risen["q_value"].min()) if len(risen) else 1.0,
    }


def overlaps(lists: Mapping[str, Mapping[str, Sequence[str]]]) -> dict[str, dict[str, int]]:
    """Of the three tumours' lists: distinct genes, genes in all three, and genes in one alone."""
    found = {}
    for way in WAYS:
        counts = pd.Series([gene for name in TUMOURS for gene in lists[name][way]]).value_counts()
        found[way] = {"distinct": len(counts), "in_all": int((counts == 3).sum()), "in_one": int((counts == 1).sum())}
    return found


def by_pipeline(moved: AnnData, lists: Mapping[str, Sequence[str]], data: Path) -> dict[str, float]:
    """How far healthy kidneys of the two pipelines differ in the listed genes, as a share of how far these moved."""
    pipeline = read_study(data / KIDNEY.file).obs["pipeline"].reindex(moved.obs_names).to_numpy(str)
    healthy = moved.obs["source_class"].eq(HEALTHY).to_numpy()
    first = np.char.startswith(pipeline, "UNC")
    x, change = np.asarray(moved.layers["original"], float), np.asarray(moved.layers["perturbation"], float)
    between = x[healthy & ~first].mean(axis=0) - x[healthy & first].mean(axis=0)
    found = {}
    for way in WAYS:
        at = moved.var_names.get_indexer(list(lists[way]))
        found[way] = float(np.abs(between[at]).mean() / np.abs(change[healthy].mean(axis=0)[at]).mean())
    return found
