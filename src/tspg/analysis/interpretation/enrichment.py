"""What the genes that were turned up and down do: which annotated gene sets they belong to, and how surely.

Two tests. Over-representation asks whether a list of top genes holds more genes of a set than chance
would give it. The rank-based test needs no list: it asks whether a set's genes rank higher or lower
among all genes, by how far each was moved, than other genes do.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd
from anndata import AnnData
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.stats import false_discovery_control, hypergeom

from tspg.analysis.evaluation.thresholds import ENRICHED
from tspg.analysis.interpretation.agreement import DIRECTIONS
from tspg.analysis.interpretation.membership import Membership, membership, of_size
from tspg.analysis.interpretation.perturbations import source_classes_of
from tspg.analysis.interpretation.rank_sums import RankSums
from tspg.data.annotations import Annotation
from tspg.data.genesets import GeneSets
from tspg.data.identifiers import looks_like
from tspg.data.mismatch import Mismatch
from tspg.errors import GeneSetError, UsageError
from tspg.utils.names import as_names, listed, shown
from tspg.utils.typing import BoolArray, IndexArray, Int64Array, NameArray

SMALLEST_RANKED_SET = 5  # fewer genes have no rank sum that is near to normal
CORRELATION = 0.01  # between genes of one set, as CAMERA assumes by default (Wu & Smyth 2012)
SAME_GROUP = 0.5  # shared genes, as a share of the smaller of two lists
MOST_LEADING = 10  # genes of a set that are named
MOST_GROUPED = 100  # of the enriched terms of one query and category, the best
ORA_COLUMNS = (
    *("source_class", "sample", "direction", "category", "term", "overlap", "query_size", "set_size", "background"),
    *("n_tests", "p_value", "q_value", "genes", "group"),
)
RANKED_COLUMNS = (
    *("source_class", "sample", "category", "term", "set_size", "statistic", "p_value", "q_value", "group"),
    *("q_value_correlated", "leading_genes"),
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


def enrich(
    genes: Sequence[str],
    background: Sequence[str],
    annotations: Sequence[Annotation] | GeneSets,
    *,
    direction: str | None = None,
) -> pd.DataFrame:
    """Which annotated gene sets hold more of a list of genes than chance would give them.

    Parameters
    ----------
    genes
        The list, by the names that the background has.
    background
        Every gene that could have been in the list.
    annotations
        What `read_annotations` gives, or one collection of gene sets.
    direction
        `up` or `down` in the column of that name; None leaves it empty.

    Returns
    -------
    The table of `enrichment.tsv`: one row per set that shares a gene with the list, by category and p. `q_value` is
    Benjamini-Hochberg's within one category, over all its `n_tests` sets with a gene in the background.

    Raises
    ------
    GeneSetError
        If a gene of the list is not in the background.
    UsageError
        If `direction` is anything else.

    Examples
    --------
    >>> top = tspg.top_genes(run.perturbations, direction="up")
    >>> table = tspg.enrich(top["gene"].unique(), run.perturbations.var_names, tspg.read_annotations([]))
    >>> table.columns[:5].tolist()
    ['source_class', 'sample', 'direction', 'category', 'term']
    """
    if direction not in (None, *DIRECTIONS):
        raise UsageError(f"direction is {direction!r}; `up`, `down` or None is needed.")
    if isinstance(annotations, GeneSets):
        annotations = (Annotation("gene sets", annotations, ""),)
    return over_representation({Query("", "", direction or ""): as_names(genes)}, as_names(background), annotations)


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
    GeneSetError
        If a gene of a list is not in the background.
    """
    genes = np.array(background, dtype=object)
    at = {gene: position for position, gene in enumerate(background)}
    for query, chosen in queries.items():
        _require_known(query, chosen, at)
    parts = []
    for annotation in annotations:
        known = membership(annotation.gene_sets, tuple(background))
        if known is None or not queries:
            continue
        lists = np.stack([np.isin(known.positions, [at[gene] for gene in chosen]) for chosen in queries.values()])
        overlaps = np.asarray(known.matrix @ lists.T.astype(np.int32)).T
        p_values = _tail_probability(overlaps, lists.sum(axis=1), known)
        q_values = false_discovery_control(p_values, axis=1)
        number, term = np.nonzero(overlaps)
        if not len(number):
            continue
        order = np.lexsort((p_values[number, term], number))
        number, term = number[order], term[order]
        members = _shared(lists, known.matrix, number, term)
        names = np.array(known.terms, dtype=object)
        q_value, shared = q_values[number, term], genes[known.positions].tolist()
        groups = [_groups(names[term[own]], members[own], q_value[own]) for own in _runs(number)]
        columns = {
            **_whose(list(queries), number),
            "category": annotation.category,
            "term": names[term],
            "overlap": overlaps[number, term],
            "query_size": lists.sum(axis=1)[number],
            "set_size": np.diff(known.matrix.indptr)[term],
            "background": len(known.positions),
            "n_tests": len(known.terms),
            "p_value": p_values[number, term],
            "q_value": q_value,
            "genes": [" ".join([shared[gene] for gene in own]) for own in members],
            "group": [*chain.from_iterable(groups)],
        }
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(ORA_COLUMNS))


def _whose(known: Sequence[Query] | Sequence[Profile], number: IndexArray) -> dict[str, NameArray]:
    """The columns that say whose a row is, by the number of its query or profile."""
    return {field: np.array([getattr(one, field) for one in known], dtype=object)[number] for field in known[0]._fields}


def _runs(numbers: IndexArray) -> list[slice]:
    """The rows of each number, which come together."""
    ends = [*(np.flatnonzero(np.diff(numbers)) + 1).tolist(), len(numbers)]
    return [slice(start, end) for start, end in pairwise([0, *ends])]


def _shared(lists: BoolArray, matrix: csr_array, query: IndexArray, term: IndexArray) -> list[list[int]]:
    """The genes that a list (row of `lists`) and a set (row of `matrix`) share, for pairs that share one or more."""
    row = np.zeros((len(lists), matrix.shape[0]), dtype=np.int64)
    row[query, term] = np.arange(len(query))
    of_list, gene = np.nonzero(lists)
    sets = matrix.T.tocsr()[gene]  # the few genes of the lists, not the many of the sets
    n_sets = np.diff(sets.indptr)
    pair = row[np.repeat(of_list, n_sets), sets.indices]
    order = np.argsort(pair, kind="stable")
    found, ends = np.repeat(gene, n_sets)[order].tolist(), np.cumsum(np.bincount(pair, minlength=len(query))).tolist()
    return [found[start:end] for start, end in pairwise([0, *ends])]


def _require_known(query: Query, chosen: Sequence[str], background: Mapping[str, int]) -> None:
    outside = [gene for gene in chosen if gene not in background]
    if outside:
        whose = f" of {', '.join(map(shown, filter(None, query)))}" if any(query) else ""
        kinds = Mismatch(looks_like(outside), looks_like(list(background)))
        reason = f"{kinds.sentence('these genes', 'those of the background')} " if kinds.differ else ""
        raise GeneSetError(
            f"{len(outside):,} of {len(chosen):,} genes{whose} are not in the background: {listed(outside)}. "
            f"{reason}The background must hold every gene that could have been chosen."
        )


def _tail_probability(overlap: NDArray[np.int32], query_sizes: Int64Array, known: Membership) -> NDArray[np.float64]:
    """P(K >= overlap) for every list and set, shape (lists, sets); many have the same numbers, computed once."""
    numbers = np.stack(np.broadcast_arrays(overlap, np.diff(known.matrix.indptr), query_sizes[:, None]))
    some = overlap > 0
    (k, of_set, drawn), which = np.unique(numbers[:, some], axis=1, return_inverse=True)
    found = np.ones(overlap.shape)
    found[some] = hypergeom.sf(k - 1, len(known.positions), of_set, drawn)[which.ravel()]
    return found


def ranked_enrichment(
    changes: Mapping[Profile, NDArray[np.floating]], genes: Sequence[str], annotations: Sequence[Annotation]
) -> pd.DataFrame:
    """Which annotated gene sets are together at the upper or lower end of all genes, by how far each was moved.

    A rank-sum test of a set's genes against the other genes of the background, two-sided. Its null
    distribution, genes permuted, is known in closed form: p is never 0, does not end at 1 / (number of
    permutations), and needs no random number. That null takes genes as independent, which genes
    that go together are not: `q_value_correlated` is q if the genes of a set correlate by .01
    (Wu & Smyth 2012). What holds by that one too is surer.

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
        known = membership(annotation.gene_sets, tuple(genes))
        known = known and of_size(known, SMALLEST_RANKED_SET)
        if known is None or not changes or not known.terms:
            continue
        sums = RankSums.of(known.matrix, np.stack([change[known.positions] for change in changes.values()]))
        (statistics, p_values), (_, p_correlated) = sums.test(), sums.test(correlation=CORRELATION)
        names, sizes = np.array(known.terms, dtype=object), np.diff(known.matrix.indptr)
        members = np.split(known.matrix.indices, known.matrix.indptr[1:-1])
        background, leads = np.asarray(genes, dtype=object)[known.positions], list(changes.values())
        order = np.argsort(p_values, axis=1, kind="stable")
        profile, term = np.repeat(np.arange(len(leads)), order.shape[1]), order.ravel()
        q_value = false_discovery_control(p_values, axis=1)[profile, term]
        statistic = statistics[profile, term]
        groups: list[str] = []
        leading = np.full(len(term), "", dtype=object)
        for own in _runs(profile):
            groups += _groups(names[term[own]], [members[t] for t in term[own][:MOST_GROUPED]], q_value[own])
        for at in np.flatnonzero(q_value < ENRICHED):
            lead = leads[profile[at]][known.positions[members[term[at]]]]
            leading[at] = _leading(lead * np.sign(statistic[at]), background[members[term[at]]])
        columns = {
            **_whose(list(changes), profile),
            "category": annotation.category,
            "term": names[term],
            "set_size": sizes[term],
            "statistic": statistic,
            "p_value": p_values[profile, term],
            "q_value": q_value,
            "group": groups,
            "q_value_correlated": false_discovery_control(p_correlated, axis=1)[profile, term],
            "leading_genes": leading,
        }
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(RANKED_COLUMNS))


def _leading(lead: NDArray[np.floating], names: NameArray) -> str:
    """The genes of a set that go farthest in its direction, at most ten, with spaces between."""
    farthest = np.argsort(-lead, kind="stable")[:MOST_LEADING]
    return " ".join(names[farthest])


def _groups(names: NameArray, genes: Sequence[Iterable[int]], q_value: NDArray[np.float64]) -> list[str]:
    """For each of the best enriched terms the first that it shares most genes with, or itself; the rest stay empty.

    Names and genes come best first; genes are needed of the best only.
    """
    leaders: dict[int, frozenset[int]] = {}
    groups = [""] * len(names)
    for number in range(min(MOST_GROUPED, int((q_value < ENRICHED).sum()))):
        own = frozenset(genes[number])
        near = (at for at, led in leaders.items() if len(own & led) >= SAME_GROUP * min(len(own), len(led)))
        leader = next(near, number)
        if leader == number:
            leaders[number] = own
        groups[number] = names[leader]
    return groups


def queries_of(top_genes: pd.DataFrame) -> dict[Query, list[str]]:
    """The gene lists of a table of top genes, in its order."""
    if top_genes.empty:
        return {}
    lists = top_genes.groupby(["source_class", "sample", "direction"], sort=False, dropna=False)["gene"]
    return {Query(*map(str, key)): list(genes) for key, genes in lists}


def changes_of(adata: AnnData, samples: Sequence[str] = ()) -> tuple[list[str], dict[Profile, NDArray[np.float64]]]:
    """The genes that can change, and the mean change of every source class, then that of the samples named."""
    may_move = ~adata.var["constant"].to_numpy(dtype=bool)
    change = adata.layers["perturbation"]
    classes = adata.obs["source_class"].to_numpy(dtype=object)
    found = {
        Profile(name, ""): change[classes == name].mean(axis=0, dtype=np.float64)[may_move]
        for name in source_classes_of(adata)
    }
    row_of = {str(name): row for row, name in enumerate(adata.obs_names)}
    for name in samples:
        found[Profile(str(classes[row_of[name]]), name)] = change[row_of[name]].astype(np.float64)[may_move]
    return [str(gene) for gene in adata.var_names[may_move]], found


def enrichment_tables(
    adata: AnnData,
    top_genes: pd.DataFrame,
    annotations: Sequence[Annotation],
    *,
    method: str = "both",
    samples: Sequence[str] = (),
    genes: pd.DataFrame | None = None,
    sample_genes: pd.DataFrame | None = None,
) -> dict[str, pd.DataFrame]:
    """The enrichment tables of a run folder by name: over-representation of its gene lists, and ranks of all genes.

    Genes are ranked by the moderated t of every source class (table `genes`), and for named samples by how unusual
    each gene is (`sample_genes`). The change P is used where there is no such number: profiles of classes in
    `tspg perturb`, classes too small for a test or for a reference, models of tspg 0.1.0.
    """
    names, leads = changes_of(adata, samples)
    tables = {}
    if method in ("ora", "both"):
        tables["enrichment"] = over_representation(queries_of(top_genes), names, annotations)
    if method in ("ranked", "both"):
        for profile in leads:
            table, key, column = (sample_genes, "sample", "z_own") if profile.sample else (genes, "source_class", "t")
            if table is None or table.empty:
                continue
            own = table[table[key] == getattr(profile, key)].set_index("gene")[column]
            lead = own.reindex(names).to_numpy(np.float64)
            if np.isfinite(lead).any():
                leads[profile] = np.nan_to_num(lead)
        tables["enrichment_ranked"] = ranked_enrichment(leads, names, annotations)
    return tables
