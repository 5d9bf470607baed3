"""What page and terminal show of samples: a row for each, and of named ones unusual genes and their place."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tspg.analysis.evaluation.thresholds import MANY_CLIPPED
from tspg.analysis.interpretation.class_genes import SURE
from tspg.report.read import RunFiles
from tspg.utils.text import counted, number, percent

OUTLIER_P = 0.05  # p below which a profile is reported as outside the training data
MOST_ROWS, MOST_GENES = 200, 20

Row = dict[Any, Any]


@dataclass(frozen=True)
class SampleView:
    """A named sample: its place among the training data, and two lists of genes with what they rest on."""

    row: Row
    place: str
    is_outlier: bool
    own_class: str
    own_text: str
    n_pairs: int  # people with samples of both classes, on whom the expectation in the target rests
    own: Sequence[Row] = ()  # unusual for its own class
    against: Sequence[Row] = ()  # farthest from what is expected in the target
    n_known: int = 0  # genes with an interval there
    n_outside: int = 0  # of these, genes outside of it
    n_unusual: int | None = None  # genes with q_own below .05; None where that was not answered


def sample_rows(run: RunFiles) -> list[Row]:
    """The first rows of `samples.tsv`, for the page of `tspg perturb`; none on that of a run, or of older folders."""
    table = run.tables["samples"]
    return [] if run.is_of_training or "moved_as" not in table else table.head(MOST_ROWS).to_dict("records")


def named_rows(run: RunFiles) -> list[Row]:
    """The rows of the samples that were named: they alone have a distance to the training data."""
    table = run.tables["samples"]
    return table[table["distance"].notna()].to_dict("records") if len(table) else []


def single_samples(run: RunFiles) -> list[SampleView]:
    """Every named sample: whether it is like those that the model was trained on, and its two lists of genes."""
    views = []
    for row in named_rows(run):
        genes = run.rows("sample_genes", sample=row["sample"])
        own_class = str(row["source_class"] or row["predicted_before"])
        # Donors, components and pairs that the sample is compared with; empty where the model does not hold them.
        reference = (run.metric("reference.samples") or {}).get(row["sample"], {})
        own_text = _own_text(genes, own_class, reference, is_new=own_class in run.new_classes)
        lists: dict[str, Any] = {}
        if len(genes):
            known = genes.dropna(subset=["low", "high"])
            lists = {
                "own": _most(genes, genes["z_own"]),
                "against": _most(genes, genes["expected"] - genes["value"]),
                "n_known": len(known),
                "n_unusual": None if genes["q_own"].isna().all() else int((genes["q_own"] < SURE).sum()),
                "n_outside": int(((known["value"] < known["low"]) | (known["value"] > known["high"])).sum()),
            }
        place, n_pairs = _place(row, is_of_run=bool(run.model)), reference.get("n_pairs", 0)
        views.append(SampleView(row, place, _is_outlier(row), own_class, own_text, n_pairs, **lists))
    return views


def _most(genes: pd.DataFrame, size: pd.Series) -> list[Row]:
    """The rows of the largest sizes, up or down; none where no size is known."""
    if size.isna().all():
        return []
    return genes.loc[size.abs().sort_values(ascending=False, kind="stable").index[:MOST_GENES]].to_dict("records")


def _own_text(genes: pd.DataFrame, own_class: str, reference: dict[str, int], *, is_new: bool) -> str:
    """How many genes are unusual for the sample's own class, and what they were compared with; or why none is known."""
    if genes.empty or genes["z_own"].isna().all():
        if is_new:
            why = "the model was not trained on this class"
        elif not reference:
            why = "the model does not hold what it takes. Train it again"
        elif reference["n_donors"]:
            why = "no gene varies among its training samples"
        else:
            why = "the model knows too few samples of it"
        return f"Which genes are unusual for {own_class} was not answered: {why}."
    sure = int((genes["q_own"] < SURE).sum())
    unusual = f"{counted(sure, 'gene')} {'is' if sure == 1 else 'are'}" if sure else "No gene is"
    donors, n_components = counted(reference["n_donors"], "donor"), reference["n_components"]
    if not n_components:
        few = f"compared with the mean of {donors} only, too few to take the rest of the profile into account"
        return f"{unusual} unusual (q < {SURE}) for {own_class}, {few}."
    among = f"compared with training samples of {donors} and their {n_components} main components"
    return f"{unusual} unusual (q < {SURE}) for {own_class} and the rest of this profile, {among}."


def clipping_warnings(run: RunFiles) -> list[str]:
    """A warning where many values of new samples lie outside the range seen in training."""
    table = run.tables["samples"]
    if run.is_of_training or "clipped" not in table or (outside := table[table["clipped"] > MANY_CLIPPED]).empty:
        return []
    worst = outside.nlargest(1, "clipped").to_dict("records")[0]
    who, share = "The sample has", f"{percent(worst['clipped'])} of its values"
    if len(table) > 1:
        who = f"{len(outside):,} of {counted(len(table), 'sample')} have"
        share = f"up to {percent(worst['clipped'])} ({worst['sample']}) of their values"
    return [
        f"Warning: {who} {share} outside the range seen in training; they were clipped, and results for such "
        "samples mean little. Are they in the same units?"
    ]


def _is_outlier(row: Row) -> bool:
    return bool(row["p_value"] <= OUTLIER_P)  # not so where it is not a number


def _place(row: Row, *, is_of_run: bool = False) -> str:
    if np.isnan(row["p_value"]):
        without = " Its own genes are compared with a reference that was learned without it." if is_of_run else ""
        return f"The model was trained on this sample, among others: how it is moved is no test.{without}"
    distance = f"{number(row['distance'])} to the nearest training sample, usual are {number(row['typical'])}"
    rare = f"p = {number(row['p_value'], 3)} among {int(row['n']):,} real samples"
    if _is_outlier(row):
        return (
            f"This profile lies outside the data that the model was trained on ({distance}; {rare}). "
            "What the model says of it may mean nothing."
        )
    if 1 / (row["n"] + 1) > OUTLIER_P:
        return (
            f"Whether this profile lies outside the data that the model was trained on is unknown: only "
            f"{int(row['n']):,} real samples were held out to compare with ({distance})."
        )
    return (
        f"This profile is no farther from those that the model was trained on than real samples usually are "
        f"({distance}; {rare})."
    )
