"""What the page shows of the meaning of moved genes: enriched terms, gene sets moved alone, paths, smallest sets."""

from dataclasses import dataclass
from typing import Any

from tspg.analysis.interpretation.path import switch_point
from tspg.report.read import RunFiles

MOST_GENE_SETS, MOST_CASES = 5, 60

Records = list[dict[Any, Any]]


@dataclass(frozen=True)
class CaseView:
    """What the genes of a class mean or a named sample do, and how few of them are enough."""

    heading: dict[str, str]
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
    """The rows of `table_2.tsv`."""
    return run.tables["table_2"].to_dict("records")


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
        path, classifiers = run.rows("path", **case), (("f", "the classifier"), ("logistic", "logistic regression"))
        cases.append(
            CaseView(
                _heading(source, sample),
                {words: switch_point(path, name) for name, words in classifiers if len(path)},
                path["energy_left"].iloc[-1] if len(path) else float("nan"),
                {str(row["genes_by"]): row for row in run.rows("smallest_sets", **case).to_dict("records")},
                alone,
            )
        )
    return cases


def _heading(source: str, sample: str) -> dict[str, str]:
    """The heading of a class mean or a single sample, and its key in the choosers of the page."""
    return {
        "case": f"{source}\t{sample}",
        "sample": sample,
        "title": sample or source or "class unknown",
        "subtitle": f"single sample{f' of {source}' if source else ''}" if sample else "class mean",
    }
