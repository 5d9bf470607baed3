"""What the genes of a run do: the gene sets that both tests find, or one of them."""

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from tspg.analysis.evaluation.thresholds import ENRICHED
from tspg.report.read import RunFiles

BOTH, RANKS, LISTS = "both tests", "all genes ranked", "top genes"  # which test finds a term
_TESTS = (LISTS, RANKS)
_ORDER = (BOTH, RANKS, LISTS)
MOST_NAMED = 4  # genes of a term
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
    genes: tuple[str, ...]  # those that lead in it
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
    """The terms of the class means, or of one sample: most source classes first, then both tests, then the lowest q.

    Terms that share half of their genes stand under the one with the lowest q. Ranks count where the term is found
    even if its genes go together a little (q_value_correlated), since such genes are no independent evidence.
    """
    found = [row for part in (*_listed(run, sample), *_ranked(run, sample)) for row in part.to_dict("records")]
    n_sources, known = len({row["source_class"] for row in found}), _known_genes(run)
    by_term: dict[tuple[str, str, str, str], dict[str, dict[str, Any]]] = {}
    for row in found:
        own = str(row["test"]) if sample else ""
        key = (str(row["category"]), str(row["term"]), str(row["direction"]), own)
        by_term.setdefault(key, {}).setdefault(row["test"], {})[str(row["source_class"])] = row
    terms = []
    for (category, name, direction, _), by_test in by_term.items():
        is_both = len(by_test) == len(_TESTS) and not sample  # of a sample they answer two questions
        both = set.intersection(*map(set, by_test.values())) if is_both else set()
        test = BOTH if both else next(iter(by_test))
        rows = [row for one in by_test.values() for source, row in one.items() if not both or source in both]
        genes = Counter(gene for row in rows for gene in str(row["named"]).split(" ") if gene in known)
        terms.append(
            Term(
                name,
                category,
                direction,
                min(row["q_value"] for row in rows),
                test,
                max(int(row["set_size"]) for row in rows),
                tuple(gene for gene, _ in genes.most_common(MOST_NAMED)),
                len({row["source_class"] for row in rows}),
                n_sources,
            )
        )
    return sorted(terms, key=lambda term: (-term.n_sources, _ORDER.index(term.found_by), term.q_value))


def _known_genes(run: RunFiles) -> set[str]:
    """The genes of the run: names in a list of a table are told apart by them."""
    genes = run.tables["genes"] if len(run.tables["genes"]) else run.tables["top_genes"]
    return set(genes["gene"].astype(str)) if len(genes) else set()


def _listed(run: RunFiles, sample: str) -> Iterator[pd.DataFrame]:
    table = run.tables["enrichment"]
    if len(table):
        own = _of_sample(table, sample)
        yield own.assign(test=LISTS, named=own["genes"])


def _ranked(run: RunFiles, sample: str) -> Iterator[pd.DataFrame]:
    table = run.tables["enrichment_ranked"]
    if len(table):
        direction = table["statistic"].gt(0).map({True: "up", False: "down"})
        own = _of_sample(table.assign(direction=direction), sample)
        sure = own.get("q_value_correlated", own["q_value"]) < ENRICHED
        own = own[sure]
        yield own.assign(test=RANKS, named=own.get("leading_genes", ""))


def _of_sample(table: pd.DataFrame, sample: str) -> pd.DataFrame:
    """The enriched terms that lead their group."""
    own = table[(table["sample"] == sample) & (table["q_value"] < ENRICHED)]
    return own[own["group"] == own["term"]]


def categories_without(run: RunFiles, terms: list[Term]) -> list[str]:
    """The categories that were tested and have no term here."""
    tested = [str(one["category"]) for one in run.metric("annotations") or []]
    return [name for name in tested if name not in {term.category for term in terms}]
