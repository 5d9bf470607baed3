"""What page and terminal show of single samples: unusual genes, distance to the target, and what was moved."""

from typing import Any

import pandas as pd

from tspg.analysis.evaluation.thresholds import MANY_CLIPPED
from tspg.analysis.interpretation.class_genes import SURE
from tspg.model.expectation import FEWEST_PAIRS
from tspg.report.page.samples import named_rows
from tspg.report.read import RunFiles, new_classes
from tspg.utils.text import counted, listed, number, percent

FAR_OUT = 0.05  # p below which a profile is said to lie outside the training data
MOST_GENES, MOST_NAMED, MOST_IN_SHORT = 20, 6, 5


def people(run: RunFiles) -> list[dict[str, Any]]:
    """For every named sample: is it like those the model learned from, and its three lists of genes."""
    return [_person(run, row) for row in named_rows(run)]


def _person(run: RunFiles, row: dict[Any, Any]) -> dict[str, Any]:
    sample = str(row["sample"])
    genes, top = _rows(run.tables["sample_genes"], sample), _rows(run.tables["top_genes"], sample)
    return {
        **row,
        "place": _place(row, is_of_run=bool(run.model)),
        "outside": _is_outside(row),
        "own_class": _own_class(row),
        "own_words": _own_words(run, row, genes),
        "own": _most(genes, "z_own"),
        "target_words": _target_words(run, row),
        "outside_words": _outside_words(run, genes),
        "against": _most(genes.assign(away=genes["expected"] - genes["value"]) if len(genes) else genes, "away"),
        "moved": [(way, top[top["direction"] == way].to_dict("records")) for way in ("up", "down")] if len(top) else [],
    }


def _rows(table: pd.DataFrame, sample: str) -> pd.DataFrame:
    return table if table.empty else table[table["sample"] == sample]


def _own_class(row: dict[Any, Any]) -> str:
    return str(row["source_class"] or row["predicted_before"])


def _most(genes: pd.DataFrame, column: str) -> list[dict[Any, Any]]:
    """The rows in which a column is largest, up or down; none where it is empty."""
    if genes.empty or genes[column].isna().all():
        return []
    order = genes[column].abs().sort_values(ascending=False, kind="stable").index[:MOST_GENES]
    return genes.loc[order].to_dict("records")


def _own_words(run: RunFiles, row: dict[Any, Any], genes: pd.DataFrame) -> str:
    """How many genes are unusual for the sample's own class, and what they were held against."""
    name, found = _own_class(row), _rests_on(run, row)
    if genes.empty or genes["z_own"].isna().all():
        why = "the model was not trained on this class" if name in new_classes(run) else _why_not(found)
        return f"Which genes are unusual for {name} was not answered: {why}."
    sure = int((genes["q_own"] < SURE).sum())
    unusual = f"{counted(sure, 'gene')} {'is' if sure == 1 else 'are'}" if sure else "No gene is"
    donors = counted(found["n_donors"], "donor")
    if not found["n_components"]:
        few = f"held against the mean of {donors} only, too few to take the rest of the profile into account"
        return f"{unusual} unusual (q < {SURE}) for {name}, {few}."
    among = f"held against training samples of {donors} and their {found['n_components']} main components"
    return f"{unusual} unusual (q < {SURE}) for {name} and the rest of this profile, {among}."


def _rests_on(run: RunFiles, row: dict[Any, Any]) -> dict[str, int]:
    """Donors, components and pairs that a sample was held against; empty where the model does not hold them."""
    found: dict[str, int] = (run.metric("reference.samples") or {}).get(row["sample"], {})
    return found


def _why_not(rests_on: dict[str, int]) -> str:
    if not rests_on:
        return "the model does not hold what it takes. Train it again"
    return (
        "no gene varies among its training samples" if rests_on["n_donors"] else "the model knows too few samples of it"
    )


def _target_words(run: RunFiles, row: dict[Any, Any]) -> str:
    """What the expectation in the target class rests on."""
    n_pairs = _rests_on(run, row).get("n_pairs", 0)
    if n_pairs:
        return (
            f"The expected value is what {n_pairs:,} people with samples of both classes lead one to expect of this "
            f"one in {run.target}."
        )
    return (
        f"The expected value is the mean of {run.target}: without people who gave samples of both classes "
        f"({FEWEST_PAIRS} are needed), nothing tells how much of this sample's own would stay."
    )


def _outside_words(run: RunFiles, genes: pd.DataFrame) -> str:
    """How many genes lie where few samples of the target would have them."""
    known = genes.dropna(subset=["low", "high"]) if len(genes) else genes
    if known.empty:
        return ""
    outside = int(((known["value"] < known["low"]) | (known["value"] > known["high"])).sum())
    return (
        f"{outside:,} of {counted(len(known), 'gene')} lie outside of their interval; of a {run.target} sample about 1 "
        "in 20 would. The genes farthest from what is expected come first, by the distance in your units."
    )


def people_in_short(run: RunFiles, shown: list[dict[str, Any]]) -> list[str]:
    """The most unusual genes of each sample shown, in a line each; nothing where the model cannot tell."""
    if not run.metric("reference"):
        return []
    lines = [f"{person['sample']}: {person['own_words']}{_named(person['own'])}" for person in shown[:MOST_IN_SHORT]]
    left = len(shown) - MOST_IN_SHORT
    return [*lines, *([f"{counted(left, 'more sample')}: see the report."] if left > 0 else [])]


def _named(genes: list[dict[Any, Any]]) -> str:
    """The genes that lead, the surer ones where there are any."""
    if not genes:
        return ""
    sure = [row for row in genes if row["q_own"] < SURE]
    names = [f"{row['gene']} ({'higher' if row['z_own'] > 0 else 'lower'})" for row in (sure or genes)[:MOST_NAMED]]
    return f" {'First' if sure else 'Most unusual'}: {listed(names)}."


def out_of_range(run: RunFiles) -> list[str]:
    """A warning where many values of new samples lie outside the range seen in training; before anything else."""
    table = run.tables["samples"]
    if run.metric("data.n_train") is not None or "clipped" not in table:
        return []
    outside = table[table["clipped"] > MANY_CLIPPED]
    if outside.empty:
        return []
    worst = outside.nlargest(1, "clipped").to_dict("records")[0]
    samples = "The sample has" if len(table) == 1 else f"{len(outside):,} of {counted(len(table), 'sample')} have"
    most = percent(worst["clipped"]) if len(table) == 1 else f"up to {percent(worst['clipped'])} ({worst['sample']})"
    return [
        f"Warning: {samples} {most} of {'its' if len(table) == 1 else 'their'} values outside the range seen in "
        "training; they were clipped, and what is said of such samples means little. Are they in the same units?"
    ]


def far_out(run: RunFiles) -> list[str]:
    """A warning for each named sample that lies outside the training data."""
    return [f"{row['sample']}: {_place(row)}" for row in named_rows(run) if _is_outside(row)]


def _is_outside(row: dict[Any, Any]) -> bool:
    return bool(pd.notna(row["p_value"]) and row["p_value"] <= FAR_OUT)


def _place(row: dict[Any, Any], *, is_of_run: bool = False) -> str:
    if pd.isna(row["p_value"]):
        without = " Its own genes are held against a reference that was learned without it." if is_of_run else ""
        return f"This sample was among those that the model was trained on: how it is moved is no test.{without}"
    distance = f"{number(row['distance'])} to the nearest training sample, usual are {number(row['typical'])}"
    rare = f"p = {number(row['p_value'], 3)} among {int(row['n']):,} real samples"
    if row["p_value"] <= FAR_OUT:
        return (
            f"This profile lies outside the data that the model was trained on ({distance}; {rare}). "
            "What the model says of it may mean nothing."
        )
    if 1 / (row["n"] + 1) > FAR_OUT:
        return (
            f"Whether this profile lies outside the data that the model was trained on cannot be told: only "
            f"{int(row['n']):,} real samples were held out to compare with ({distance})."
        )
    return (
        f"This profile is no farther from those that the model was trained on than real samples usually are "
        f"({distance}; {rare})."
    )
