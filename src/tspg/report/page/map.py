"""The two maps of samples: PCA fitted on real samples, and t-SNE of real and moved samples together."""

from typing import Any

import pandas as pd

from tspg.report.figures.palette import COLOURS, TARGET_COLOUR
from tspg.report.read import RunFiles

MAPS = {"pca": "PCA of real samples", "tsne": "t-SNE of real and moved samples"}
FEWEST_POINTS = 10  # real samples: of fewer there is nothing to see
MOST_VALUES, MOST_COLUMNS = 60, 20  # a column of the samples' table colours the map if it has few values
_OWN = ("group", "source_class", "predicted_before", "predicted_after", "split", "moved_as", "clipped", "p_shift")


def map_of(run: RunFiles) -> dict[str, Any] | None:
    """Places and labels of every sample on a map; None where there is no map, or hardly a real sample on it."""
    tables = {name: run.tables[name] for name in MAPS if len(run.tables[name])}
    if not tables:
        return None
    table = next(iter(tables.values()))
    if (table["kind"] == "real").sum() < FEWEST_POINTS:
        return None
    return {
        "samples": table["sample"].astype(str).tolist(),
        "moved": [int(kind == "moved") for kind in table["kind"]],
        "called": [
            str(row["predicted_after" if row["kind"] == "moved" else "predicted_before"])
            for row in table.to_dict("records")
        ],
        "maps": [
            {"name": name, "title": MAPS[name], "share": _share(one), **{key: _whole(one[key]) for key in ("x", "y")}}
            for name, one in tables.items()
            if len(one) == len(table)
        ],
        "columns": [_class_column(run, table), *_colour_columns(run, table)],
    }


def _class_column(run: RunFiles, table: pd.DataFrame) -> dict[str, Any]:
    """The class of every point; the target's colour is its own."""
    classes = table["source_class"].astype(str)
    names = [run.target, *sorted(set(classes) - {run.target})]
    colours = [TARGET_COLOUR, *_colours(len(names) - 1)]
    named = [name or "class unknown" for name in names]
    return {"name": "class", "values": named, "colours": colours, "codes": classes.map(names.index).tolist()}


def users_columns(run: RunFiles) -> dict[str, pd.Series]:
    """The columns of the samples that came with the data and are more than the classes under another name."""
    classes = run.obs["source_class"].astype(str) if "source_class" in run.obs else None
    found = {}
    for name in [name for name in run.obs if name not in _OWN]:
        values = run.obs[name].astype(str)
        pairs = len(values.unique()) if classes is None else len(set(zip(values, classes, strict=True)))
        if not pairs == values.nunique() == (0 if classes is None else classes.nunique()):
            found[str(name)] = values
    return found


def _colour_columns(run: RunFiles, table: pd.DataFrame) -> list[dict[str, Any]]:
    """The columns that have a few values, such as batch, for the points of the map."""
    found = []
    for name, values in users_columns(run).items():
        codes, names = pd.factorize(values.reindex(table["sample"].astype(str)), sort=True)
        if 1 < len(names) <= MOST_VALUES:
            column = {"name": name, "values": [str(one) for one in names], "colours": _colours(len(names))}
            found.append({**column, "codes": codes.tolist()})
    return found[:MOST_COLUMNS]


def _share(table: pd.DataFrame) -> list[float] | None:
    """The share of variance along both axes of a PCA."""
    if "x_share" not in table:
        return None
    return [round(float(table[key].iloc[0]), 4) for key in ("x_share", "y_share")]


def _whole(values: pd.Series) -> list[int]:
    """Places from 0 to 1000."""
    low, high = float(values.min()), float(values.max())
    return [round(place) for place in (values - low) / ((high - low) or 1.0) * 1000]


def _colours(n: int) -> list[str]:
    """So many colours: those of the figures, then the same lighter, then lighter still."""
    return [_lighter(COLOURS[i % len(COLOURS)], min(0.75, 0.4 * (i // len(COLOURS)))) for i in range(n)]


def _lighter(colour: str, share: float) -> str:
    parts = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return "#" + "".join(f"{round(part + share * (255 - part)):02X}" for part in parts)
