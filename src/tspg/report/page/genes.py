"""What page and terminal show of class genes: the genes that lead, with their size and how sure they are."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from tspg.analysis.interpretation.class_genes import ALL_SOURCES, LISTED, SURE, leading_genes
from tspg.report.read import RunFiles
from tspg.utils.text import counted, listed, number

NAMED = 6
NOTHING_NEW = 0.95  # correlation with the difference of means from which on the list by P adds nothing


def difference_title(run: RunFiles) -> str:
    """What the difference of two class means is called in the units of the matrix."""
    return "log2 fold change" if run.metric("data.is_log") else "difference"


def gene_tables(run: RunFiles) -> list[dict[str, Any]]:
    """The genes that lead for every source class, all sources together first where there are several."""
    genes = run.tables["genes"]
    if genes.empty:
        return []
    return [_table(genes, name) for name in _classes(genes)]


def _classes(genes: pd.DataFrame) -> Iterator[str]:
    names = [str(name) for name in genes["source_class"].unique()]
    if len(names) > 2:
        yield ALL_SOURCES
    yield from (name for name in names if name != ALL_SOURCES)


def _table(genes: pd.DataFrame, name: str) -> dict[str, Any]:
    own = genes[genes["source_class"] == name]
    return {
        "title": name or "all source samples together",
        "n_sure": int((own["q_value"] < SURE).sum()),
        "n_tested": int(own["p_value"].notna().sum()),
        "lists": [(way, _leading(genes, name, way, LISTED).to_dict("records")) for way in ("up", "down")],
    }


def _leading(genes: pd.DataFrame, name: str, way: str, k: int) -> pd.DataFrame:
    return leading_genes(genes, k=k, direction=way, source_class=name)


def strongest_genes(run: RunFiles) -> tuple[str, list[tuple[str, str]]]:
    """The genes that lead over all sources, as a sentence, and which they are; empty for older runs."""
    genes = run.tables["genes"]
    if genes.empty:
        return "", []
    parts, named = [], []
    for way, words in (("up", "higher"), ("down", "lower")):
        rows = _leading(genes, ALL_SOURCES, way, NAMED).to_dict("records")
        named += [(way, str(row["gene"])) for row in rows]
        if rows:
            parts.append(f"{words}: {listed([_sized(row) for row in rows])}")
    pooled = genes[genes["source_class"] == ALL_SOURCES]
    n_tested, sure = int(pooled["p_value"].notna().sum()), int((pooled["q_value"] < SURE).sum())
    head = f"{sure:,} of {counted(n_tested, 'gene')} differ between sources and {run.target} (q < {SURE})"
    if not n_tested:
        head = f"Too few donors to test which genes differ between sources and {run.target}"
    first = "most surely" if sure else "first, not surely,"
    return f"{head}. In {run.target} {first} {'; '.join(parts)} ({difference_title(run)} in brackets).", named


def _sized(row: dict[Any, Any]) -> str:
    return f"{row['gene']} ({'+' if row['difference'] > 0 else ''}{number(float(row['difference']), 1)})"


def beside_difference(run: RunFiles) -> str:
    """What the list by P holds beside differential expression, in a sentence; empty where it was not measured."""
    found = run.metric("genes.agreement_with_difference")
    if found is None:
        return ""
    if found >= NOTHING_NEW:
        return (
            f"P and the difference of the class means order the genes alike (Spearman correlation {number(found)}): as "
            "a list of genes of a class, P adds nothing to differential expression."
        )
    return (
        f"P orders the genes in part differently from the difference of the class means (Spearman correlation "
        f"{number(found)}): the figure shows which."
    )
