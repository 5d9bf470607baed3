"""What the list by P adds to differential expression, and the genes that the lists of sources share."""

from typing import Any

from tspg.report.read import RunFiles
from tspg.utils.text import number

MOST_SHARED_GENES = 20
NOTHING_NEW = 0.95  # correlation with the difference of means from which on the list by P adds nothing


def agreement_with_difference(run: RunFiles) -> str:
    """What the list by P adds to differential expression, in a sentence; empty where it was not measured."""
    found = run.metric("genes.agreement_with_difference")
    if found is None:
        return ""
    correlation = f"(Spearman correlation {number(found)})"
    if found >= NOTHING_NEW:
        return f"P orders the genes as the difference of the class means does {correlation}: as a list it adds nothing."
    return f"P orders the genes in part differently from the difference of the class means {correlation}."


def shared_genes(run: RunFiles) -> list[dict[str, Any]]:
    """How many distinct genes the lists of all sources hold, and which of them most sources share."""
    table = run.tables["gene_overlap"]
    if table.empty or table["n_sources_total"].max() < 2:  # one source shares nothing with itself
        return []
    parts = []
    for direction, rows in table.assign(size=table["mean_perturbation"].abs()).groupby("direction", sort=False):
        several = rows[rows["n_sources"] > 1].sort_values(["n_sources", "size"], ascending=False, kind="stable")
        parts.append(
            {
                "direction": direction,
                "n_distinct": len(rows),
                "n_sources": int(rows["n_sources_total"].iloc[0]),
                "in_all": int((rows["n_sources"] == rows["n_sources_total"]).sum()),
                "genes": several.head(MOST_SHARED_GENES).to_dict("records"),
            }
        )
    return parts
