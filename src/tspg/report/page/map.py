"""The t-SNE map as the page draws it: every sign tells its sample, and its class before and after."""

from typing import Any

import pandas as pd

from tspg.report.figures.embedding import MOST_REAL
from tspg.report.figures.palette import COLOURS, TARGET_COLOUR
from tspg.report.read import RunFiles

WIDTH, HEIGHT, MARGIN = 720, 520, 16
MOST_POINTS = 4000  # real samples, taken evenly; moved ones are few
FEWEST_POINTS = 10  # real samples: of fewer there is nothing to see


def map_of(run: RunFiles) -> dict[str, Any] | None:
    """Signs and key of the map, from `tsne.tsv`; None where there is none, or hardly a real sample on it."""
    table = run.tables["tsne"]
    real = table[table["kind"] == "real"] if len(table) else table
    if len(real) < FEWEST_POINTS:
        return None
    thinned = real.iloc[:: -(-len(real) // MOST_POINTS)]
    shown = pd.concat([thinned, table[table["kind"] == "moved"]])
    names = sorted(set(shown["source_class"]) - {run.target})
    colours = {name: COLOURS[number % len(COLOURS)] for number, name in enumerate(names)} | {run.target: TARGET_COLOUR}
    low, high = table[["x", "y"]].min(), table[["x", "y"]].max()
    size = (high - low).where(high > low, 1.0)
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "key": [(number, name, colours[name]) for number, name in enumerate([run.target, *names])],
        "points": [
            {
                "x": round(MARGIN + (row["x"] - low["x"]) / size["x"] * (WIDTH - 2 * MARGIN), 1),
                "y": round(HEIGHT - MARGIN - (row["y"] - low["y"]) / size["y"] * (HEIGHT - 2 * MARGIN), 1),
                "class_number": 0 if row["source_class"] == run.target else 1 + names.index(row["source_class"]),
                "colour": colours[row["source_class"]],
                "moved": row["kind"] == "moved",
                "words": _words(row, run.target),
            }
            for row in shown.to_dict("records")
        ],
        "most_real": MOST_REAL,
        "left_out": len(real) - len(thinned),
    }


def _words(row: dict[Any, Any], target: str) -> str:
    own = row["source_class"] or "class unknown"
    if row["kind"] == "moved":
        return f"{row['sample']}, {own}, moved to {target}: called {row['predicted_after']}"
    return f"{row['sample']}, {own}: called {row['predicted_before']}"
