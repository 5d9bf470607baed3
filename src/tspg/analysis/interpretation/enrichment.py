"""What the genes that were turned up and down do: which annotated gene sets they belong to, and how surely.

Two tests. Over-representation asks whether a list of top genes holds more genes of a set than chance
would give it. The rank-based test needs no list: it asks whether a set's genes stand higher or lower
among all genes, by how far each was moved, than other genes do.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, pairwise
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from anndata import AnnData
from numpy.typing import NDArray
from scipy.sparse import csc_array
from scipy.stats import false_discovery_control, hypergeom

from tspg.analysis.evaluation.thresholds import ENRICHED
from tspg.analysis.interpretation.membership import Membership, membership, of_size
from tspg.analysis.interpretation.perturbations import source_classes_of
from tspg.analysis.interpretation.rank_sums import RankSums
from tspg.data.annotations import Annotation
from tspg.data.identifiers import looks_like
from tspg.data.mismatch import Mismatch
from tspg.errors import GeneSetError
from tspg.utils.names import listed, shown

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


Part = dict[str, Any]  # columns of a table by name: a value for each row, or one for all


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
    GeneSetError
        If a gene of a list is not in the background.
    """
    genes = list(background)
    at = {gene: position for position, gene in enumerate(genes)}
    for query, chosen in queries.items():
        outside = [gene for gene in chosen if gene not in at]
        if outside:
            whose = f" of {', '.join(map(shown, filter(None, query)))}" if any(query) else ""
            kinds = Mismatch(looks_like(outside), looks_like(genes))
            reason = f"{kinds.sentence('these genes', 'those of the background')} " if kinds.differ else ""
            raise GeneSetError(
                f"{len(outside):,} of {len(chosen):,} genes{whose} are not in the background: {listed(outside)}. "
                f"{reason}The background must hold every gene that could have been chosen."
            )
    parts = []
    for annotation in annotations:
        known = membership(annotation.gene_sets, tuple(genes))
        if known is None or not queries:
            continue
        lists = [np.isin(known.positions, [at[gene] for gene in chosen]) for chosen in queries.values()]
        overlap = np.asarray(known.matrix @ np.array(lists, dtype=np.int32).T).T
        p_value = _tail_probability(overlap, [int(own.sum()) for own in lists], known)
        sets_of_gene = known.matrix.tocsc()
        for number, query in enumerate(queries):
            part = _ora_rows(known, overlap[number], p_value[number], lists[number], genes, sets_of_gene)
            parts.append({**query._asdict(), "category": annotation.category, **part})
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
    sets_of_gene: csc_array,
) -> Part:
    """What one list and one category have in common, the least likely first."""
    q_value = false_discovery_control(p_value)
    shared = np.flatnonzero(overlap)
    order = shared[np.argsort(p_value[shared], kind="stable")]
    names = [known.terms[t] for t in order]
    found = _hits(order, overlap, np.flatnonzero(chosen), sets_of_gene)
    return {
        "term": names,
        "overlap": overlap[order],
        "query_size": int(chosen.sum()),
        "set_size": np.diff(known.matrix.indptr)[order],
        "background": len(known.positions),
        "n_tests": len(overlap),
        "p_value": p_value[order],
        "q_value": q_value[order],
        "genes": [" ".join(genes[known.positions[at]] for at in row) for row in found],
        "group": _groups(names, found, q_value[order]),
    }


def _hits(
    order: NDArray[np.int64], overlap: NDArray[np.int32], chosen: NDArray[np.int64], sets_of_gene: csc_array
) -> list[list[int]]:
    """The chosen genes that each of some sets holds, in the order of these sets and the genes in that of the matrix."""
    start, stop = sets_of_gene.indptr[chosen], sets_of_gene.indptr[chosen + 1]
    sets = np.concatenate([np.empty(0, np.int64), *map(sets_of_gene.indices.__getitem__, map(slice, start, stop))])
    place = np.zeros(len(overlap), dtype=np.int64)
    place[order] = np.arange(len(order))
    by_set = np.argsort(place[sets], kind="stable")
    hits = np.repeat(chosen, stop - start)[by_set].tolist()
    ends = np.cumsum(overlap[order]).tolist()
    return [hits[of:to] for of, to in pairwise([0, *ends])]


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
        known = membership(annotation.gene_sets, tuple(genes))
        if known is None or not changes:
            continue
        known = of_size(known, SMALLEST_RANKED_SET)
        if not known.terms:
            continue
        values = np.stack([change[known.positions] for change in changes.values()])
        sums = RankSums.of(known.matrix, values)
        (statistic, p_value), (_, p_correlated) = sums.test(), sums.test(correlation=CORRELATION)
        members = np.split(known.matrix.indices, known.matrix.indptr[1:-1])
        for number, profile in enumerate(changes):
            q_value = false_discovery_control(p_value[number])
            order = np.argsort(p_value[number], kind="stable")
            names = [known.terms[t] for t in order]
            part: Part = {
                "term": names,
                "set_size": np.diff(known.matrix.indptr)[order],
                "statistic": statistic[number, order],
                "p_value": p_value[number, order],
                "q_value": q_value[order],
                "group": _groups(names, [members[t] for t in order[:MOST_GROUPED]], q_value[order]),
                "q_value_correlated": false_discovery_control(p_correlated[number])[order],
            }
            parts.append({**profile._asdict(), "category": annotation.category, **part})
    return _joined(parts, RANKED_COLUMNS)


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


def leads_of(
    perturbations: AnnData,
    samples: Sequence[str] = (),
    genes: pd.DataFrame | None = None,
    sample_genes: pd.DataFrame | None = None,
) -> tuple[list[str], dict[Profile, NDArray[np.float64]]]:
    """What genes are ranked by: moderated t of every source class, and of named samples how unusual each gene is.

    The change P stands in where there is no such number: profiles of classes in `tspg perturb`, classes too
    small for a test or for a reference, models of tspg 0.1.0.
    """
    names, found = changes_of(perturbations, samples)
    for profile in found:
        table, key, name = (
            (sample_genes, "sample", profile.sample)
            if profile.sample
            else (genes, "source_class", profile.source_class)
        )
        if table is None or table.empty:
            continue
        own = table[table[key] == name].set_index("gene")["z_own" if profile.sample else "t"]
        lead = own.reindex(names).to_numpy(np.float64)
        if np.isfinite(lead).any():
            found[profile] = np.nan_to_num(lead)
    return names, found


def enrichment_tables(
    perturbations: AnnData,
    top_genes: pd.DataFrame,
    annotations: Sequence[Annotation],
    *,
    method: str = "both",
    samples: Sequence[str] = (),
    genes: pd.DataFrame | None = None,
    sample_genes: pd.DataFrame | None = None,
) -> dict[str, pd.DataFrame]:
    """The enrichment tables of a run folder by name: over-representation of its gene lists, and ranks of all genes."""
    names, leads = leads_of(perturbations, samples, genes, sample_genes)
    tables = {}
    if method in ("ora", "both"):
        tables["enrichment"] = over_representation(queries_of(top_genes), names, annotations)
    if method in ("ranked", "both"):
        tables["enrichment_ranked"] = ranked_enrichment(leads, names, annotations)
    return tables


def _groups(names: list[str], genes: Sequence[Iterable[int]], q_value: NDArray[np.float64]) -> list[str]:
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


def _joined(parts: list[Part], columns: Sequence[str]) -> pd.DataFrame:
    """One table of many parts, each of which holds a column's values or the one that all its rows have."""
    filled = [part for part in parts if len(part["term"])]
    if not filled:
        return pd.DataFrame(columns=list(columns))
    return pd.DataFrame({name: _column([part[name] for part in filled], filled) for name in columns})


def _column(values: list[Any], parts: list[Part]) -> Any:
    if isinstance(values[0], np.ndarray):
        return np.concatenate(values)
    if isinstance(values[0], list):
        return list(chain.from_iterable(values))
    return np.repeat(np.array(values), [len(part["term"]) for part in parts])
