"""The values of every gene in every class as the page shows them: quantiles, and some samples, all on 256 steps."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tspg.analysis.interpretation.class_genes import LISTED, leading_genes
from tspg.analysis.interpretation.perturbations import opened_perturbations
from tspg.data.readers.hdf5_safety import read_part
from tspg.errors import ModelError
from tspg.report.read import RunFiles

QUANTILE_BYTES, CELL_BYTES = 1_300_000, 500_000
LEVELS = ((0.05, 0.25, 0.5, 0.75, 0.95), (0.25, 0.5, 0.75), (0.5,))
FEWEST_SHOWN, MOST_SHOWN = 4, 25  # samples of a class in a strip
MOST_COLUMNS = 60  # samples of a class in the heat map
_BLOCK = 16 << 20  # bytes of a layer read at once
SOURCE, MOVED, TARGET = "source", "moved", "target"

UnitArray = NDArray[np.uint8]


@dataclass(frozen=True)
class Group:
    """The samples of a class as they are or moved."""

    name: str
    kind: str
    rows: NDArray[np.int64]

    @property
    def layer(self) -> str:
        """Where its values are in the file."""
        return "X" if self.kind == MOVED else "layers/original"


def values_of(run: RunFiles, genes: Sequence[str]) -> dict[str, Any] | None:
    """Quantiles of each gene in each class, before and moved, and single values of a seeded subset of samples.

    With many classes and genes fewer quantiles are kept, then fewer genes: those that lead. None where the folder
    holds no moved profiles.
    """
    path = run.folder / "perturbations.h5ad"
    if not path.is_file():
        return None
    with opened_perturbations(path) as file:
        var = read_part(file["var"])
        if not isinstance(var, pd.DataFrame):
            raise ModelError(f"{path}: holds no table of genes. Run again.")
        names = var.index.astype(str)
        order = names.get_indexer(pd.Index(genes)) if len(genes) else np.arange(len(names))
        groups = _groups(run)
        levels, kept = _that_fit(run, len(groups), names[order])
        chosen = _chosen_samples(run, groups, len(kept))
        quantiles, cells = _read(file, groups, chosen, order[kept], levels)
        heat = _heat_map(run, file, groups, names)
    low, high = (var[name].to_numpy(np.float64)[order] for name in ("minimum", "maximum"))
    ids = run.obs.index.astype(str)
    return {
        "genes": names[order].tolist() if not len(genes) else None,
        "minimum": [_digits(value) for value in low],
        "range": [_digits(value) for value in high - low],
        "kept": None if len(kept) == len(order) else kept.tolist(),
        "levels": list(levels),
        "groups": [
            {"name": group.name, "kind": group.kind, "n": len(group.rows), "samples": ids[rows].tolist()}
            for group, rows in zip(groups, chosen, strict=True)
        ],
        "quantiles": _text(quantiles),
        "cells": _text(cells),
        "pairs": _pairs(run, groups, chosen),
        "heat": heat,
        "target_mean": _text(_bytes(var["target_mean"].to_numpy(np.float64)[order])),
    }


def _groups(run: RunFiles) -> list[Group]:
    classes = run.obs["source_class"].astype(str).to_numpy()
    sources = sorted(set(classes) - {run.target})
    groups = []
    for name in sources:
        rows = np.flatnonzero(classes == name)
        groups += [Group(name or "class unknown", kind, rows) for kind in (SOURCE, MOVED)]
    target = np.flatnonzero(classes == run.target)
    return [*groups, *([Group(run.target, TARGET, target)] if len(target) else [])]


def _that_fit(run: RunFiles, n_groups: int, names: pd.Index) -> tuple[tuple[float, ...], NDArray[np.int64]]:
    """The quantiles and genes for which there is room."""
    everything = np.arange(len(names))
    for levels in LEVELS:
        if n_groups * len(names) * len(levels) <= QUANTILE_BYTES:
            return levels, everything
    most, tested = QUANTILE_BYTES // n_groups, run.tables["genes"]
    if tested.empty:
        return LEVELS[-1], everything[:most]
    pooled = tested[tested["source_class"] == ""].set_index("gene").loc[list(names)]
    rank = pooled["rank_up"].fillna(pooled["rank_down"]).fillna(len(names)).to_numpy(np.int64)
    return LEVELS[-1], np.sort(np.argsort(rank, kind="stable")[:most])


def _chosen_samples(run: RunFiles, groups: Sequence[Group], n_genes: int) -> list[NDArray[np.int64]]:
    """A few rows of each group: named samples first, then people with samples of both classes, then by a fixed draw.

    A class as it is and moved shows the same samples.
    """
    n_each = int(min(MOST_SHOWN, CELL_BYTES // max(1, n_genes * len(groups))))
    n_each = n_each if n_each >= FEWEST_SHOWN else 0  # fewer show nothing
    donors = pd.factorize(run.obs["group"].astype(str) if "group" in run.obs else run.obs.index)[0]
    draw = np.random.default_rng(0).permutation(len(run.obs))[donors]  # the samples of one person come together
    named = run.obs.index.astype(str).isin(_named(run))
    place = draw - len(draw) * (_is_paired(run).astype(int) + 2 * named.astype(int))
    return [np.sort(group.rows[np.argsort(place[group.rows], kind="stable")[:n_each]]) for group in groups]


def _named(run: RunFiles) -> set[str]:
    table = run.tables["sample_genes"]
    return set() if table.empty else set(table["sample"].astype(str))


def _is_paired(run: RunFiles) -> NDArray[np.bool_]:
    """Whether a sample's donor has samples of the target and of another class."""
    if "group" not in run.obs:
        return np.zeros(len(run.obs), dtype=bool)
    donors, is_target = run.obs["group"].astype(str), run.obs["source_class"].astype(str).eq(run.target)
    both = set(donors[is_target]) & set(donors[~is_target])
    return donors.isin(both).to_numpy()


def _pairs(run: RunFiles, groups: Sequence[Group], chosen: Sequence[NDArray[np.int64]]) -> list[list[int]]:
    """Samples of one person in a source class and in the target: group, place within it, place within the target."""
    if "group" not in run.obs or not groups or groups[-1].kind != TARGET:
        return []
    donors = run.obs["group"].astype(str).to_numpy()
    of_target = {donor: i for i, donor in enumerate(donors[chosen[-1]])}
    return [
        [number, i, of_target[donors[row]]]
        for number, (group, rows) in enumerate(zip(groups, chosen, strict=True))
        for i, row in enumerate(rows)
        if group.kind == SOURCE and donors[row] in of_target
    ]


def _read(
    file: h5py.File,
    groups: Sequence[Group],
    chosen: Sequence[NDArray[np.int64]],
    columns: NDArray[np.int64],
    levels: Sequence[float],
) -> tuple[UnitArray, UnitArray]:
    """Quantiles, shape (groups, genes, levels), and single values, shape (chosen samples, genes), block by block."""
    quantiles = np.zeros((len(groups), len(columns), len(levels)), np.uint8)
    cells = np.zeros((sum(map(len, chosen)), len(columns)), np.uint8)
    first = np.cumsum([0, *map(len, chosen)])
    n_rows, n_columns = file["X"].shape
    width = max(1, _BLOCK // (4 * max(1, n_rows)))
    place = np.full(n_columns, -1)
    place[columns] = np.arange(len(columns))
    for start in range(0, n_columns, width):
        here = place[start : start + width]
        wanted = np.flatnonzero(here >= 0)
        if not len(wanted):
            continue
        blocks = {layer: file[layer][:, start : start + width] for layer in ("X", "layers/original")}
        for number, group in enumerate(groups):
            block = blocks[group.layer]
            # Of what is sorted, quantiles are found three times as fast.
            ordered = np.sort(block[np.ix_(group.rows, wanted)], axis=0)
            found = np.quantile(ordered, levels, axis=0)
            quantiles[number, here[wanted]] = _bytes(found.T)
            cells[first[number] : first[number + 1], here[wanted]] = _bytes(block[np.ix_(chosen[number], wanted)])
    return quantiles, cells


def _heat_map(run: RunFiles, file: h5py.File, groups: Sequence[Group], names: pd.Index) -> dict[str, Any] | None:
    """The genes that lead, up then down, and their values in up to sixty samples of each class."""
    genes = run.tables["genes"]
    if genes.empty:
        return None
    leading = pd.concat([leading_genes(genes, k=LISTED, direction=way) for way in ("up", "down")])["gene"].astype(str)
    columns = names.get_indexer(pd.Index(leading))
    draw = np.random.default_rng(0).permutation(len(run.obs))
    order = np.argsort(columns, kind="stable")
    layers = {layer: file[layer][:, columns[order]][:, np.argsort(order)] for layer in ("X", "layers/original")}
    parts, shown = [], []
    for group in groups:
        rows = np.sort(group.rows[np.argsort(draw[group.rows])[:MOST_COLUMNS]])
        parts.append(_bytes(layers[group.layer][rows]))
        shown.append(len(rows))
    return {"genes": leading.tolist(), "shown": shown, "data": _text(np.concatenate(parts))}


def _bytes(values: NDArray[Any]) -> UnitArray:
    """Values from 0 to 1 in 256 steps."""
    steps: UnitArray = np.round(np.clip(values, 0, 1) * 255).astype(np.uint8)
    return steps


def _text(values: UnitArray) -> str:
    return base64.b64encode(values.tobytes()).decode()


def _digits(value: float) -> float:
    return float(f"{value:.5g}")
