"""What the page shows of the meaning of moved genes: enriched terms, gene sets moved alone, paths, smallest sets."""

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd

from tspg.analysis.evaluation.thresholds import ENRICHED, PAPER_ENRICHED
from tspg.analysis.interpretation.path import switch_point
from tspg.report.page.genes import case_heading
from tspg.report.read import RunFiles

MOST_TERMS, MOST_RANKED, MOST_GENE_SETS, MOST_CASES = 10, 14, 5, 60
BAR = 12.0  # -log10 q at which a bar is full

Records = list[dict[Any, Any]]


@dataclass(frozen=True)
class CaseView:
    """What the genes of a class mean or a named sample do, and how few of them are enough."""

    heading: dict[str, str]
    lists: list[tuple[str, Records]]  # enriched terms by direction
    ranked: Records
    switches: dict[str, float]  # by classifier, the part of the change from which on it calls the target
    energy_left: float  # the share of the energy distance to the target that is left in the end
    smallest_sets: dict[str, dict[Any, Any]]  # how few genes are enough, by what they are ordered by
    gene_sets: Records  # those that go farthest when only their genes move


def annotations_line(run: RunFiles) -> str:
    """Which annotations were tested, with versions and licences."""
    found = run.metric("annotations") or []
    return "; ".join(
        f"{one['category']} ({one['n_tested']:,} of {one['n_sets']:,} sets; {one['origin']})" for one in found
    )


def table_2(run: RunFiles) -> Records:
    """The rows of `table_2.tsv` with readable terms."""
    rows = run.tables["table_2"].to_dict("records")
    return [{**row, "best_term": readable(str(row["best_term"]))} for row in rows]


def cases_of(run: RunFiles) -> list[CaseView]:
    """Every class mean and named sample in the order of the top genes, the first sixty."""
    top = run.tables["top_genes"]
    if top.empty:
        return []
    keys = top[["source_class", "sample"]].drop_duplicates().astype(str).head(MOST_CASES)
    cases = []
    for source, sample in keys.itertuples(index=False):
        case = {"source_class": source, "sample": sample}
        gene_sets = run.rows("carriers", **case)
        if len(gene_sets):
            # Shares mean nothing where the whole change hardly shortens the way: then a part of it goes farther.
            has_shares = not gene_sets["share_of_way"].max() > 1
            gene_sets = gene_sets[(gene_sets["share_of_genes"] < 1) & has_shares]
        alone = gene_sets.head(MOST_GENE_SETS).to_dict("records")
        lists = [(way, run.rows("enrichment", **case, direction=way)) for way in ("up", "down")]
        path, classifiers = run.rows("path", **case), (("f", "f"), ("logistic", "logistic regression"))
        cases.append(
            CaseView(
                case_heading(source, sample),
                [(way, _leading_terms(terms, MOST_TERMS)) for way, terms in lists],
                _leading_terms(run.rows("enrichment_ranked", **case), MOST_RANKED),
                {words: switch_point(path, name) for name, words in classifiers if len(path)},
                path["energy_left"].iloc[-1] if len(path) else float("nan"),
                {str(row["genes_by"]): row for row in run.rows("smallest_sets", **case).to_dict("records")},
                [{**row, "name": readable(str(row["term"]))} for row in alone],
            )
        )
    return cases


def _leading_terms(found: pd.DataFrame, most: int) -> Records:
    """The enriched terms that lead their group, lowest q first, with the group's other names."""
    if found.empty:
        return []
    enriched = found[found["q_value"] < ENRICHED]
    leaders = enriched[enriched["group"] == enriched["term"]].sort_values(["q_value", "p_value"], kind="stable")
    terms = []
    for row in leaders.head(most).to_dict("records"):
        same = (enriched["group"] == row["term"]) & (enriched["category"] == row["category"])
        terms.append(
            {
                **row,
                "name": readable(str(row["term"])),
                "q": f"{row['q_value']:.1e}",
                "strict": row["q_value"] < PAPER_ENRICHED,
                "bar": max(2.0, min(100.0, -100 * math.log10(max(row["q_value"], 1e-300)) / BAR)),
                "others": [readable(str(name)) for name in enriched.loc[same, "term"] if name != row["term"]],
                "also_correlated": row.get("q_value_correlated", 1.0) < ENRICHED,
            }
        )
    return terms


def readable(term: str) -> str:
    """A term's name without the prefix of its collection, in lower case: GOBP_ION_TRANSPORT is "ion transport"."""
    first, _, rest = term.partition("_")
    known = first in ("HALLMARK", "REACTOME", "WP", "GOBP", "GOCC", "GOMF")
    return rest.replace("_", " ").lower() if known and rest else term
