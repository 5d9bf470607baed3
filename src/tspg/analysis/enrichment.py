"""What the genes that were turned up and down do: which annotated gene sets they belong to, and how surely.

Two tests. Over-representation asks whether a list of top genes holds more genes of a set than chance
would give it. The rank-based test needs no list: it asks whether a set's genes stand higher or lower
among all genes, by how far each was moved, than other genes do.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from anndata import AnnData
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.stats import false_discovery_control, hypergeom, norm, rankdata

from tspg.analysis.membership import Membership, membership, of_size
from tspg.analysis.perturbations import source_classes_of
from tspg.analysis.thresholds import ENRICHED
from tspg.data.annotations import Annotation
from tspg.errors import UsageError

SMALLEST_RANKED_SET = 5  # fewer genes have no rank sum that is near to normal
CORRELATION = 0.01  # between genes of one set, as CAMERA assumes unless told otherwise (Wu & Smyth 2012)
SAME_GROUP = 0.5  # shared genes, as a share of the smaller of two lists
MOST_GROUPED = 100  # of the enriched terms of one query and category, the best
ORA_COLUMNS = (
    "source_class",
    "sample",
    "direction",
    "category",
    "term",
    "overlap",
    "query_size",
    "set_size",
    "background",
    "n_tests",
    "p_value",
    "q_value",
    "genes",
    "group",
)
RANKED_COLUMNS = (
    "source_class",
    "sample",
    "category",
    "term",
    "set_size",
    "statistic",
    "p_value",
    "q_value",
    "group",
    "q_value_correlated",
)


class Query(NamedTuple):
    """Whose genes they are: the mean of a source class (`sample` empty) or one sample, turned up or down."""

    source_class: str
    sample: str
    direction: str


class Profile(NamedTuple):
    """Whose change it is: the mean of a source class (`sample` empty), or one sample's."""

    source_class: str
    sample: str


def over_representation(
    queries: Mapping[Query, Sequence[str]], background: Sequence[str], annotations: Sequence[Annotation]
) -> pd.DataFrame:
    """Which annotated gene sets hold more genes of each list than chance would give them.

    The hypergeometric test, P(K >= overlap). A category's background is every gene that could have
    been in a list and that the category annotates at all: a gene that no set of it names says nothing
    about its sets, in the list or out of it. Query and set sizes are counted inside that background.

    Parameters
    ----------
    queries
        Genes of each list, by whose they are.
    background
        Every gene that could have been chosen: in the matrix, in the gene set used, not constant.

    Returns
    -------
    One row for each list and set that share a gene (`ORA_COLUMNS`), by query, category and p.
    `q_value` is Benjamini-Hochberg's within one query and category, over `n_tests` sets: those with a
    gene in the background, shared or not. `group` names, for the best hundred terms with q < .05, the best
    term that one shares half of its genes or more with, so that ten names of one thing read as one. Empty
    where no category annotates any background gene.

    Raises
    ------
    UsageError
        If a gene of a list is not in the background.
    """
    genes = list(background)
    at = {gene: position for position, gene in enumerate(genes)}
    for query, chosen in queries.items():
        outside = [gene for gene in chosen if gene not in at]
        if outside:
            raise UsageError(
                f"{len(outside)} of {len(chosen)} genes are not in the background ({outside[0]}, ...; "
                f"{' '.join(filter(None, query))}). The background must hold every gene that could have been chosen."
            )
    parts = []
    for annotation in annotations:
        known = membership(annotation.gene_sets, genes)
        if known is None or not queries:
            continue
        lists = [np.isin(known.positions, [at[gene] for gene in chosen]) for chosen in queries.values()]
        overlap = np.asarray(known.matrix @ np.array(lists, dtype=np.int32).T).T
        p_value = _tail_probability(overlap, [int(own.sum()) for own in lists], known)
        for number, query in enumerate(queries):
            table = _ora_rows(known, overlap[number], p_value[number], lists[number], genes)
            parts.append(table.assign(**query._asdict(), category=annotation.category))
    return _joined(parts, ORA_COLUMNS)


def _tail_probability(overlap: NDArray[np.int32], query_sizes: Sequence[int], known: Membership) -> NDArray[np.float64]:
    """P(K >= overlap) for every list and set, shape (lists, sets); many have the same numbers, computed once."""
    numbers = np.stack(np.broadcast_arrays(overlap, np.diff(known.matrix.indptr), np.array(query_sizes)[:, None]))
    some = overlap > 0
    (k, of_set, drawn), which = np.unique(numbers[:, some], axis=1, return_inverse=True)
    found = np.ones(overlap.shape)
    found[some] = hypergeom.sf(k - 1, len(known.positions), of_set, drawn)[which.ravel()]
    return found


def _ora_rows(
    known: Membership,
    overlap: NDArray[np.int32],
    p_value: NDArray[np.float64],
    chosen: NDArray[np.bool_],
    genes: list[str],
) -> pd.DataFrame:
    """What one list and one category have in common, the least likely first."""
    q_value = false_discovery_control(p_value)
    shared = np.flatnonzero(overlap)
    order = shared[np.argsort(p_value[shared], kind="stable")]
    names = [known.terms[t] for t in order]
    own_genes = [genes[at] for at in known.positions[chosen]]
    hits = known.matrix[order][:, np.flatnonzero(chosen)]
    found = np.split(hits.indices, hits.indptr[1:-1]) if len(order) else []
    return pd.DataFrame(
        {
            "term": names,
            "overlap": overlap[order],
            "query_size": int(chosen.sum()),
            "set_size": np.diff(known.matrix.indptr)[order],
            "background": len(known.positions),
            "n_tests": len(overlap),
            "p_value": p_value[order],
            "q_value": q_value[order],
            "genes": [" ".join(own_genes[at] for at in sorted(row)) for row in found],
            "group": _groups(names, [frozenset(row) for row in found], q_value[order]),
        }
    )


def ranked_enrichment(
    changes: Mapping[Profile, NDArray[np.floating]], genes: Sequence[str], annotations: Sequence[Annotation]
) -> pd.DataFrame:
    """Which annotated gene sets stand together at the upper or lower end of all genes, by how far each was moved.

    A rank-sum test of a set's genes against the other genes of the background, two-sided. Its null
    distribution, genes permuted, is known in closed form: p is never 0, does not end at 1 / (number of
    permutations), and needs no random number. That null takes genes for independent witnesses, which
    genes that go together are not: `q_value_correlated` is q if the genes of a set correlate by .01
    (Wu & Smyth 2012). What holds by that one too is the surer finding.

    Parameters
    ----------
    changes
        Effective change of every gene, shape (genes,), by whose it is.
    genes
        Their names; constant genes left out.

    Returns
    -------
    One row for each profile and set of five background genes or more (`RANKED_COLUMNS`).
    `statistic` is in standard deviations, above 0 where the set's genes are raised more, or lowered
    less, than other genes. The background of a category and q are as in `over_representation`.
    """
    parts = []
    for annotation in annotations:
        known = membership(annotation.gene_sets, list(genes))
        if known is None or not changes:
            continue
        known = of_size(known, SMALLEST_RANKED_SET)
        if not known.terms:
            continue
        values = np.stack([change[known.positions] for change in changes.values()])
        statistic, p_value = rank_sum_test(known.matrix, values)
        _, p_correlated = rank_sum_test(known.matrix, values, correlation=CORRELATION)
        members = [frozenset(row) for row in np.split(known.matrix.indices, known.matrix.indptr[1:-1])]
        for number, profile in enumerate(changes):
            q_value = false_discovery_control(p_value[number])
            order = np.argsort(p_value[number], kind="stable")
            names = [known.terms[t] for t in order]
            table = pd.DataFrame(
                {
                    "term": names,
                    "set_size": np.diff(known.matrix.indptr)[order],
                    "statistic": statistic[number, order],
                    "p_value": p_value[number, order],
                    "q_value": q_value[order],
                    "group": _groups(names, [members[t] for t in order], q_value[order]),
                    "q_value_correlated": false_discovery_control(p_correlated[number])[order],
                }
            )
            parts.append(table.assign(**profile._asdict(), category=annotation.category))
    return _joined(parts, RANKED_COLUMNS)


def rank_sum_test(
    members: csr_array, values: NDArray[np.floating], *, correlation: float = 0.0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Standard deviations from chance, and two-sided p, of every set's rank sum; shape (profiles, sets) both.

    `members` has shape (sets, genes), `values` (profiles, genes). With `correlation` 0 this is the
    Mann-Whitney test with normal approximation, ties and continuity correction.
    """
    n_genes = values.shape[1]
    ranks = rankdata(values, axis=1)
    inside = np.diff(members.indptr).astype(np.float64)
    outside = n_genes - inside
    above = np.asarray(members @ ranks.T).T - inside * (inside + 1) / 2 - inside * outside / 2
    # Variance of the rank sum where the members are correlated with each other (Barry et al. 2008, eq. 10).
    independent = np.pi / 2 + (outside - 1) * np.pi / 6
    together = (inside - 1) * (outside - 1) * np.arcsin(correlation / 2)
    together += (inside - 1) * np.arcsin((correlation + 1) / 2)
    variance = inside * outside / (2 * np.pi) * (independent + together)
    ties = np.array([float((counts**3 - counts).sum()) for counts in map(_tie_sizes, ranks)])
    untied = np.clip(1 - ties / (n_genes**3 - n_genes), 0.0, 1.0)
    deviation = np.sqrt(untied[:, None] * variance)
    distance = np.maximum(np.abs(above) - 0.5, 0.0)
    z = np.divide(distance, deviation, out=np.zeros_like(above), where=deviation > 0)
    p_value = np.maximum(2 * norm.sf(z), np.finfo(np.float64).tiny)
    return np.sign(above) * z, np.minimum(p_value, 1.0)


def _tie_sizes(ranks: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.unique(ranks, return_counts=True)[1].astype(np.float64)


def queries_of(top_genes: pd.DataFrame) -> dict[Query, list[str]]:
    """The gene lists of a table of top genes, in its order."""
    columns = ["source_class", "sample", "direction"]
    if top_genes.empty:
        return {}
    return {
        Query(*map(str, key)): list(rows["gene"]) for key, rows in top_genes.groupby(columns, sort=False, dropna=False)
    }


def changes_of(
    perturbations: AnnData, samples: Sequence[str] = ()
) -> tuple[list[str], dict[Profile, NDArray[np.float64]]]:
    """The genes that can change, and the mean change of every source class, then that of the samples named."""
    may_move = ~perturbations.var["constant"].to_numpy(dtype=bool)
    change = perturbations.layers["perturbation"]
    classes = perturbations.obs["source_class"].to_numpy(dtype=object)
    found = {
        Profile(name, ""): change[classes == name].mean(axis=0, dtype=np.float64)[may_move]
        for name in source_classes_of(perturbations)
    }
    row_of = {str(name): row for row, name in enumerate(perturbations.obs_names)}
    for name in samples:
        found[Profile(str(classes[row_of[name]]), name)] = change[row_of[name]].astype(np.float64)[may_move]
    return [str(gene) for gene in perturbations.var_names[may_move]], found


def enrichment_tables(
    perturbations: AnnData,
    top_genes: pd.DataFrame,
    annotations: Sequence[Annotation],
    *,
    method: str = "both",
    samples: Sequence[str] = (),
) -> dict[str, pd.DataFrame]:
    """The enrichment tables of a run folder by name: over-representation of its gene lists, and ranks of all genes."""
    genes, changes = changes_of(perturbations, samples)
    tables = {}
    if method in ("ora", "both"):
        tables["enrichment"] = over_representation(queries_of(top_genes), genes, annotations)
    if method in ("ranked", "both"):
        tables["enrichment_ranked"] = ranked_enrichment(changes, genes, annotations)
    return tables


def _groups(names: list[str], genes: list[frozenset[int]], q_value: NDArray[np.float64]) -> list[str]:
    """For each of the best enriched terms the first that it shares most genes with, or itself; the rest stay empty.

    Names and genes come best first.
    """
    leaders: list[int] = []
    groups = [""] * len(names)
    for number in range(min(MOST_GROUPED, int((q_value < ENRICHED).sum()))):
        own = genes[number]
        near = (at for at in leaders if len(own & genes[at]) >= SAME_GROUP * min(len(own), len(genes[at])))
        leader = next(near, number)
        if leader == number:
            leaders.append(number)
        groups[number] = names[leader]
    return groups


def _joined(parts: list[pd.DataFrame], columns: Sequence[str]) -> pd.DataFrame:
    filled = [part for part in parts if len(part)]
    if not filled:
        return pd.DataFrame(columns=list(columns))
    return pd.concat(filled, ignore_index=True)[list(columns)]
