"""What the page shows of the meaning of moved genes: enriched terms, paths, smallest sets."""

import math
from collections.abc import Iterator
from typing import Any

import pandas as pd

from tspg.analysis.evaluation.thresholds import ENRICHED, PAPER_ENRICHED
from tspg.analysis.interpretation.path import switch_point
from tspg.report.read import RunFiles
from tspg.utils.text import number, percent

MOST_TERMS, MOST_RANKED, MOST_CARRIERS, MOST_CASES = 10, 14, 5, 60
BAR = 12.0  # -log10 q at which a bar is full

Key = tuple[str, str]


def annotations_line(run: RunFiles) -> str:
    """Which annotations were tested, with versions and licences."""
    found = run.metric("annotations") or []
    return "; ".join(
        f"{one['category']} ({one['n_tested']:,} of {one['n_sets']:,} sets; {one['origin']})" for one in found
    )


def cases_told(run: RunFiles) -> list[dict[Any, Any]]:
    """For every class mean and named sample what its genes do and how few of them are enough."""
    return [_told(run, key) for key in list(_keys(run))[:MOST_CASES]]


def _keys(run: RunFiles) -> Iterator[Key]:
    top = run.tables["top_genes"]
    if not top.empty:
        yield from ((str(a), str(b)) for a, b in top[["source_class", "sample"]].drop_duplicates().to_numpy())


def _told(run: RunFiles, key: Key) -> dict[Any, Any]:
    source, sample = key
    return {
        "case": f"{source}\t{sample}",
        "sample": sample,
        "title": sample or source or "class unknown",
        "subtitle": f"single sample{f' of {source}' if source else ''}" if sample else "class mean",
        "lists": [(way, _terms(run.tables["enrichment"], key, way)) for way in ("up", "down")],
        "ranked": _ranked(run.tables["enrichment_ranked"], key),
        "enough": _enough(run, key),
        "carriers": [
            {**row, "words": readable(str(row["term"]))}
            for row in _carriers(run, key).head(MOST_CARRIERS).to_dict("records")
        ],
    }


def _carriers(run: RunFiles, key: Key) -> pd.DataFrame:
    """Gene sets moved alone; nothing where the whole move shortens the way so little that shares mean nothing."""
    found = _of(run.tables["carriers"], key)
    if found.empty or found["share_of_way"].max() > 1:
        return found[:0]
    return found[found["share_of_genes"] < 1]


def _of(table: pd.DataFrame, key: Key) -> pd.DataFrame:
    if table.empty:
        return table
    return table[(table["source_class"] == key[0]) & (table["sample"] == key[1])]


def _terms(table: pd.DataFrame, key: Key, way: str) -> list[dict[Any, Any]]:
    """The enriched terms of a list that lead their group, surest first, with the group's other names."""
    found = _of(table, key)
    if found.empty:
        return []
    return _led(found[found["direction"] == way], MOST_TERMS)


def _ranked(table: pd.DataFrame, key: Key) -> list[dict[Any, Any]]:
    found = _of(table, key)
    return [] if found.empty else _led(found, MOST_RANKED)


def _led(found: pd.DataFrame, most: int) -> list[dict[Any, Any]]:
    enriched = found[found["q_value"] < ENRICHED]
    leaders = (
        enriched[enriched["group"] == enriched["term"]].sort_values(["q_value", "p_value"], kind="stable").head(most)
    )
    told = []
    for row in leaders.to_dict("records"):
        same = (enriched["group"] == row["term"]) & (enriched["category"] == row["category"])
        told.append(
            {
                **row,
                "words": readable(str(row["term"])),
                "q": f"{row['q_value']:.1e}",
                "strict": row["q_value"] < PAPER_ENRICHED,
                "bar": max(2.0, min(100.0, -100 * math.log10(max(row["q_value"], 1e-300)) / BAR)),
                "others": [readable(str(name)) for name in enriched.loc[same, "term"] if name != row["term"]],
                "also_correlated": row.get("q_value_correlated", 1.0) < ENRICHED,
            }
        )
    return told


def readable(term: str) -> str:
    """A term's name without the prefix of its collection, in lower case: GOBP_ION_TRANSPORT is "ion transport"."""
    first, _, rest = term.partition("_")
    known = first in ("HALLMARK", "REACTOME", "WP", "GOBP", "GOCC", "GOMF")
    return rest.replace("_", " ").lower() if known and rest else term


def _enough(run: RunFiles, key: Key) -> list[str]:
    """How early classifiers switch, and how few genes are enough, in sentences."""
    found = []
    who, whom = ("this sample is", "it") if key[1] else ("at least half of the samples are", "at least half of them")
    path, sets = _of(run.tables["path"], key), _of(run.tables["smallest_sets"], key)
    if not path.empty:
        switches = {judge: switch_point(path, judge) for judge in ("f", "logistic")}
        told = [
            f"by {name} {f'from a = {number(switches[judge])} on' if pd.notna(switches[judge]) else 'never'}"
            for judge, name in (("f", "f"), ("logistic", "logistic regression"))
        ]
        left = path["energy_left"].iloc[-1]
        rest = (
            f"; at the end {percent(max(0.0, left))} of the energy distance to {run.target} training samples is left"
            if pd.notna(left)
            else ""
        )
        found.append(f"With the part a of the change P added, {who} called {run.target} {', '.join(told)}{rest}.")
    if not sets.empty:
        by = {str(row["genes_by"]): row for row in sets.to_dict("records")}
        own = by.get(run.method, {})
        parts = [f"mean shift's own top genes: {_count(by['mean_shift'])}"] if "mean_shift" in by else []
        parts += [f"genes in random order: {_count(by['random_genes'])}"] if "random_genes" in by else []
        n_all, call = number(own.get("n_genes_in_all")), f"call {whom} {run.target}"
        if pd.isna(own.get("n_genes")):
            found.append(f"Moving all {n_all} genes is not enough for both f and logistic regression to {call}.")
        else:
            genes = f"{_count(own)} of {n_all} ({'; '.join(parts)})"
            found.append(f"Genes that have to move until f and logistic regression both {call}: {genes}.")
    return found


def _count(row: dict[Any, Any]) -> str:
    n = row.get("n_genes")
    return "all are not enough" if n is None or pd.isna(n) else f"{int(n):,}"
