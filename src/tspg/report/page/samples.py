"""What the page shows of every sample that was moved: a row each, as in `samples.tsv`."""

from typing import Any

import pandas as pd

from tspg.report.read import RunFiles
from tspg.utils.text import DASH, percent, small

MOST_ROWS = 200


def sample_rows(run: RunFiles) -> list[dict[str, Any]]:
    """The first rows of `samples.tsv`, for the page of `tspg perturb`; none on that of a run, or of older folders."""
    table = run.tables["samples"]
    if run.metric("data.n_train") is not None or "moved_as" not in table:
        return []
    return [
        {
            "cells": [str(row[name] or DASH) for name in ("source_class", "predicted_before", "predicted_after")],
            "sample": row["sample"],
            "moved_as": row["moved_as"] or DASH,
            "clipped": percent(row["clipped"]),
            "p_shift": DASH if pd.isna(row["p_shift"]) else small(row["p_shift"]),
        }
        for row in table.head(MOST_ROWS).to_dict("records")
    ]


def named_rows(run: RunFiles) -> list[dict[Any, Any]]:
    """The rows of the samples that were named: those whose place among the training data was asked for."""
    table = run.tables["samples"]
    return table[table["distance"].notna()].to_dict("records") if len(table) else []
