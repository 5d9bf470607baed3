"""The t-SNE map as the page draws it: every sign names its sample, and its class before and after."""

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
    drawn = pd.concat([thinned, table[table["kind"] == "moved"]])
    names = [run.target, *sorted(set(drawn["source_class"]) - {run.target})]
    colours = [TARGET_COLOUR, *(COLOURS[number % len(COLOURS)] for number in range(len(names) - 1))]
    low, high = table[["x", "y"]].min(), table[["x", "y"]].max()
    size = (high - low).where(high > low, 1.0)
    points = []
    for row in drawn.to_dict("records"):
        number, is_moved = names.index(row["source_class"]), row["kind"] == "moved"
        what = f", moved to {run.target}: called" if is_moved else ": called"
        points.append(
            {
                "x": round(MARGIN + (row["x"] - low["x"]) / size["x"] * (WIDTH - 2 * MARGIN), 1),
                "y": round(HEIGHT - MARGIN - (row["y"] - low["y"]) / size["y"] * (HEIGHT - 2 * MARGIN), 1),
                "class_number": number,
                "colour": colours[number],
                "moved": is_moved,
                "text": f"{row['sample']}, {row['source_class'] or 'class unknown'}{what} "
                f"{row['predicted_after' if is_moved else 'predicted_before']}",
            }
        )
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "key": list(zip(range(len(names)), names, colours, strict=True)),
        "points": points,
        "most_real": MOST_REAL,
        "left_out": len(real) - len(thinned),
    }
