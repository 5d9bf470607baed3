"""What page and terminal show of genes: those that lead, the lists by P, and the genes that sources share."""

from collections.abc import Iterator
from typing import Any

from tspg.analysis.interpretation.class_genes import ALL_SOURCES, LISTED, SURE, leading_genes
from tspg.report.read import RunFiles
from tspg.utils.text import DASH, counted, listed, number

MOST_GENE_LISTS, MOST_SHARED_GENES, NAMED = 100, 20, 6
NOTHING_NEW = 0.95  # correlation with the difference of means from which on the list by P adds nothing


def difference_title(run: RunFiles) -> str:
    """What the difference of two class means is called in the units of the matrix."""
    return "log2 fold change" if run.metric("data.is_log") else "difference"


def gene_tables(run: RunFiles) -> list[dict[str, Any]]:
    """The genes that lead for every source class, all sources together first where there are several."""
    genes, tables = run.tables["genes"], []
    names = [] if genes.empty else [str(name) for name in genes["source_class"].unique()]
    for name in [ALL_SOURCES] * (len(names) > 2) + [name for name in names if name != ALL_SOURCES]:
        own = genes[genes["source_class"] == name]
        tables.append(
            {
                "title": name or "all source samples together",
                "n_sure": int((own["q_value"] < SURE).sum()),
                "n_tested": int(own["p_value"].notna().sum()),
                "lists": [
                    (way, leading_genes(own, k=LISTED, direction=way, source_class=name).to_dict("records"))
                    for way in ("up", "down")
                ],
            }
        )
    return tables


def strongest_genes(run: RunFiles) -> tuple[str, list[tuple[str, str]]]:
    """The genes that lead over all sources, as a sentence, and as (direction, gene); empty for older runs."""
    genes = run.tables["genes"]
    if genes.empty:
        return "", []
    pooled = genes[genes["source_class"] == ALL_SOURCES]
    parts, named = [], []
    for way, words in (("up", "higher"), ("down", "lower")):
        rows = leading_genes(pooled, k=NAMED, direction=way).to_dict("records")
        named += [(way, str(row["gene"])) for row in rows]
        signs = ["+" if row["difference"] > 0 else "" for row in rows]
        sizes = [number(float(row["difference"]), 1) for row in rows]
        sized = [f"{row['gene']} ({sign}{size})" for row, sign, size in zip(rows, signs, sizes, strict=True)]
        parts += [f"{words}: {listed(sized)}"] if rows else []
    n_tested, sure = int(pooled["p_value"].notna().sum()), int((pooled["q_value"] < SURE).sum())
    head = f"{sure:,} of {counted(n_tested, 'gene')} differ between sources and {run.target} (q < {SURE})"
    if not n_tested:
        head = f"Too few donors to test which genes differ between sources and {run.target}"
    first = "most surely" if sure else "first, not surely,"
    return f"{head}. In {run.target} {first} {'; '.join(parts)} ({difference_title(run)} in brackets).", named


def agreement_with_difference(run: RunFiles) -> str:
    """What the list by P adds to differential expression, in a sentence; empty where it was not measured."""
    found = run.metric("genes.agreement_with_difference")
    if found is None:
        return ""
    correlation = f"(Spearman correlation {number(found)})"
    if found >= NOTHING_NEW:
        return (
            f"P and the difference of the class means order the genes alike {correlation}: as a list of genes of a "
            "class, P adds nothing to differential expression."
        )
    return (
        f"P orders the genes in part differently from the difference of the class means {correlation}: the figure "
        "shows which."
    )


def case_heading(source: str, sample: str) -> dict[str, str]:
    """The heading of a class mean or a single sample, and its key in the choosers of the page."""
    return {
        "case": f"{source}\t{sample}",
        "sample": sample,
        "title": sample or source or "class unknown",
        "subtitle": f"single sample{f' of {source}' if source else ''}" if sample else "class mean",
    }


def gene_lists(run: RunFiles) -> Iterator[dict[str, Any]]:
    """The top genes by P of every class mean and named sample, up and down; after an audit, which are stable."""
    table, stable = run.tables["top_genes"], run.tables["stable_genes"]
    if table.empty:
        return
    if not stable.empty:
        where = ["source_class", "direction", "gene", "sample"]
        audited = stable.assign(sample="")[[*where, "stable"]]
        table = table.merge(audited, on=where, how="left", validate="many_to_one")
        table["stable"] = table["stable"].fillna(DASH)  # not among the top genes of all fits together
    for key, rows in table.groupby(["source_class", "sample"], sort=False):
        source, sample = map(str, key)
        yield {
            **case_heading(source, sample),
            "audited": not sample and not stable.empty,
            **{way: rows[rows["direction"] == way].to_dict("records") for way in ("up", "down")},
        }


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
