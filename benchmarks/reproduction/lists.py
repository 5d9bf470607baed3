"""The lists of the twenty genes turned up and down most: how many are distinct, and what they do (section 3)."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from anndata import AnnData
from source_tissue import answer

import tspg
from reproduction.paper import Q_VALUE, TOP
from tspg.analysis.interpretation.enrichment import Query, over_representation, queries_of
from tspg.data.annotations import Annotation, read_annotations

WAYS = ("up", "down")
IN_PLACE = {  # annotations that are not carried by tspg, below the data folder
    "PID": "genesets/c2.cp.pid.*.gmt.gz",
    "TF targets": "genesets/c3.tft.v*.gmt.gz",
    "HPO": "genesets/c5.hpo.*.gmt.gz",
    "ImmuneSigDB": "genesets/c7.*.gmt.gz",
    "Cell types": "genesets/c8.*.gmt.gz",
    "Tissue HPA": "genesets/tissue/tissueenrich_HPA.gmt.gz",
    "Tissue GTEx": "genesets/tissue/tissueenrich_GTEX.gmt.gz",
}
TISSUES = "Tissue HPA"
Lists = Mapping[Query, Sequence[str]]


@cache
def annotations(data: Path) -> tuple[Annotation, ...]:
    """The carried annotations and those of the data folder."""
    named = [f"{category}={next(data.glob(pattern))}" for category, pattern in IN_PLACE.items()]
    return read_annotations(["default", *named])


def one_of_each(moved: AnnData, seed: int) -> list[str]:
    """The names of one random sample of every source class."""
    rng = np.random.default_rng(seed)
    source = moved.obs["source_class"]
    return [str(rng.choice(source.index[source == name])) for name in moved.uns["tspg"]["source_classes"]]


def lists_of_samples(moved: AnnData, seed: int) -> Lists:
    """The lists of one random sample of every source class, as in the paper."""
    return queries_of(tspg.top_genes(moved, k=TOP, samples=one_of_each(moved, seed)))


def lists_of_classes(moved: AnnData) -> Lists:
    """The lists of every source class's mean."""
    return queries_of(tspg.top_genes(moved, k=TOP))


def lists_of_mean_difference(moved: AnnData) -> Lists:
    """What a difference of class means alone would list: no network, the training samples only."""
    target, sources = moved.uns["tspg"]["target_class"], list(moved.uns["tspg"]["source_classes"])
    training = moved[moved.obs["split"].eq("train").to_numpy()]
    source = training.obs["source_class"].to_numpy(str)
    profiles = np.asarray(training.layers["original"], float)
    means = {name: profiles[source == name].mean(axis=0) for name in (*sources, target)}
    genes = moved.var_names.to_numpy(str)
    found = {}
    for name in sources:
        order = np.argsort(means[name] - means[target], kind="stable")
        found[Query(name, "", "up")], found[Query(name, "", "down")] = genes[order[:TOP]], genes[order[::-1][:TOP]]
    return found


def distinct(lists: Lists) -> dict[str, int]:
    """How many genes the lists of either direction hold in all, and how many stand in every one."""
    found = {}
    for way in WAYS:
        own = [set(genes) for query, genes in lists.items() if query.direction == way]
        found[way], found[f"{way}_in_all"] = len(set.union(*own)), len(set.intersection(*own))
    return found


def independent(n_genes: int, n_lists: int) -> float:
    """How many distinct genes so many lists of twenty hold if each is drawn at random."""
    return n_genes * (1 - (1 - TOP / n_genes) ** n_lists)


def apart(n_distinct: float, n_genes: int, n_lists: int) -> float:
    """0 where all lists are one, 1 where they share no more than by chance: does not depend on how many there are."""
    return (n_distinct - TOP) / (independent(n_genes, n_lists) - TOP)


def enriched(lists: Lists, background: Sequence[str], data: Path) -> pd.DataFrame:
    """What the lists do, against the genes of `background`."""
    return over_representation(lists, background, annotations(data))


def by_category(table: pd.DataFrame, way: str) -> dict[str, dict[str, object]]:
    """For each category how many terms have q < 1e-4, summed over the lists, and the first hit with its q."""
    found = {}
    for category, rows in table[table["direction"] == way].groupby("category", sort=False):
        best = rows.loc[rows["q_value"].idxmin()]
        n_terms = int((rows["q_value"] < Q_VALUE).sum())
        found[str(category)] = {"n": n_terms, "term": str(best["term"]), "q": float(best["q_value"])}
    return found


def random_lists(genes: Sequence[str], n_lists: int, seed: int) -> Lists:
    """As many lists of twenty random genes."""
    rng = np.random.default_rng(seed)
    return {Query(f"random {i}", "", "up"): list(rng.choice(genes, TOP, replace=False)) for i in range(n_lists)}


def tissue_ranks(table: pd.DataFrame, target: str) -> dict[str, dict[str, int | None]]:
    """Where among tissues the source's own comes for its genes turned down, and the target's for those turned up.

    By the best of a tissue's sets; None where no set of it shares a gene with the list.
    """
    tissues = table[table["category"] == TISSUES]
    ranks: dict[str, dict[str, int | None]] = {"down_source": {}, "up_target": {}}
    for source, rows in tissues.groupby("source_class"):
        for way, asked, key in (("down", source, "down_source"), ("up", target, "up_target")):
            own = rows[rows["direction"] == way].reset_index(drop=True)
            ranks[key][str(source)] = answer(str(asked), own)[-1] if len(own) else None
    return ranks
