"""What the genes of a run do: the gene sets that both tests find, or one of them."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from tspg.analysis.evaluation.thresholds import ENRICHED
from tspg.report.read import RunFiles

BOTH, RANKS, LISTS = "both tests", "all genes ranked", "top genes"  # which test finds a term
_ORDER = (BOTH, RANKS, LISTS)
MOST_TERMS, FULL = 30, 12.0  # FULL: the -log10 q at the end of the axis
# Collections of which MSigDB has a page under the term's own name.
_MSIGDB = ("HALLMARK_", "REACTOME_", "WP_", "GOBP_", "GOCC_", "GOMF_", "KEGG_", "BIOCARTA_", "PID_", "HP_")
_MSIGDB_PAGE = "https://www.gsea-msigdb.org/gsea/msigdb/human/geneset/"


@dataclass(frozen=True)
class Term:
    """A gene set that goes up or down with the move to the target class."""

    name: str  # as in the database
    category: str
    direction: str  # `up` or `down`
    q_value: float  # the lowest of the test named
    found_by: str
    n_genes: int
    genes: tuple[str, ...]  # those of it among the top genes
    n_sources: int  # source classes where it is found
    n_sources_total: int

    @property
    def place(self) -> float:
        """Where -log10 q lies between 0 and 12, as a share."""
        return min(1.0, -math.log10(max(self.q_value, 1e-300)) / FULL)

    @property
    def link(self) -> str:
        """Its page in MSigDB; empty for gene sets from elsewhere."""
        return f"{_MSIGDB_PAGE}{self.name}" if self.name.startswith(_MSIGDB) and self.name.isascii() else ""


def terms_of(run: RunFiles, sample: str = "") -> list[Term]:
    """The terms of the class means, or of one sample: those of both tests first, most source classes, lowest q.

    Terms that share half of their genes stand under the one with the lowest q. Ranks count where the term is found
    even if its genes go together a little (q_value_correlated), since such genes are no independent evidence.
    """
    parts = [*_listed(run, sample), *_ranked(run, sample)]
    found = pd.concat(parts) if parts else pd.DataFrame()
    if found.empty:
        return []
    n_sources = found["source_class"].nunique()
    terms = []
    for (category, name, direction), rows in found.groupby(["category", "term", "direction"], sort=False):
        by = dict(list(rows.groupby("test")))
        both = set(by[LISTS]["source_class"]) & set(by[RANKS]["source_class"]) if len(by) == 2 else set()
        test = BOTH if both else RANKS if RANKS in by else LISTS
        where = rows[rows["source_class"].isin(both)] if both else by[test]
        genes = by[LISTS]["genes"].str.split(" ").explode() if LISTS in by else pd.Series(dtype=str)
        terms.append(
            Term(
                str(name),
                str(category),
                str(direction),
                float(where["q_value"].min()),
                test,
                int(rows["set_size"].max()),
                tuple(genes.value_counts(sort=True).index.astype(str)),
                where["source_class"].nunique(),
                n_sources,
            )
        )
    return sorted(terms, key=lambda term: (_ORDER.index(term.found_by), -term.n_sources, term.q_value))


def _listed(run: RunFiles, sample: str) -> Iterator[pd.DataFrame]:
    table = run.tables["enrichment"]
    if len(table):
        yield _of_sample(table, sample).assign(test=LISTS)


def _ranked(run: RunFiles, sample: str) -> Iterator[pd.DataFrame]:
    table = run.tables["enrichment_ranked"]
    if len(table):
        direction = table["statistic"].gt(0).map({True: "up", False: "down"})
        own = _of_sample(table.assign(direction=direction), sample)
        sure = own.get("q_value_correlated", own["q_value"]) < ENRICHED
        yield own[sure].assign(test=RANKS)


def _of_sample(table: pd.DataFrame, sample: str) -> pd.DataFrame:
    """The enriched terms that lead their group."""
    own = table[(table["sample"] == sample) & (table["q_value"] < ENRICHED)]
    return own[own["group"] == own["term"]]


def categories_without(run: RunFiles, terms: list[Term]) -> list[str]:
    """The categories that were tested and have no term here."""
    tested = [str(one["category"]) for one in run.metric("annotations") or []]
    return [name for name in tested if name not in {term.category for term in terms}]
