"""Every figure of a run folder, drawn and saved with its caption: the same input gives the same bytes."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd
from anndata import AnnData
from matplotlib.figure import Figure

from tspg.report.figures.difference import plot_difference
from tspg.report.figures.embedding import choose, pca_map, tsne_map
from tspg.report.figures.f_accuracy import plot_f_accuracy
from tspg.report.figures.heatmap import plot_heatmap
from tspg.report.figures.history import plot_history
from tspg.report.figures.maps import draw_map
from tspg.report.figures.overlap import lists_by_source, plot_overlap
from tspg.report.figures.path import plot_path
from tspg.report.figures.style import house_style
from tspg.utils.files import safe_name, whole_file, write_table
from tspg.utils.options import DRAWN_AS

_DPI = 300
FEWEST_LISTS = 3  # of two lists a figure of what they share says no more than three numbers
# Neither date nor program version: the same figure is the same bytes. PNGs are compressed by zlib's level 1: 6 takes
# three times as long and saves hardly anything here.
_SAVED: dict[str, dict[str, Any]] = {
    "svg": {"metadata": {"Date": None, "Creator": None}},
    "png": {"metadata": {"Software": None}, "pil_kwargs": {"compress_level": 1}},
    "pdf": {"metadata": {"CreationDate": None, "ModDate": None, "Creator": None, "Producer": None}},
}


def save_figure(figure: Figure, folder: Path, name: str, formats: Sequence[str] = DRAWN_AS) -> list[Path]:
    """Save a figure as `name` in each of the formats; the paths come back."""
    paths = [Path(folder) / f"{name}.{kind}" for kind in formats]
    for kind, path in zip(formats, paths, strict=True):
        with house_style(), whole_file(path) as temporary:
            figure.savefig(temporary, dpi=_DPI, format=kind, **_SAVED[kind])
    return paths


def write_figures(
    run_dir: Path,
    perturbations: AnnData,
    history: pd.DataFrame | None = None,
    tables: Mapping[str, pd.DataFrame] = MappingProxyType({}),
    *,
    samples: Sequence[str] = (),
    seed: int = 0,
    formats: Sequence[str] = DRAWN_AS,
) -> list[Path]:
    """Draw and save all figures of a run folder into its `figures/`; the paths of what was written come back.

    The history is drawn where it has a row; difference, overlap and path where `tables` hold `genes`, `top_genes` and
    `path`. `samples` are those that the user named: each gets a heat map of its own. `pca.tsv` and `tsne.tsv` get the
    places on the maps, also where `formats` are none.
    """
    chosen = choose(perturbations, named=samples, seed=seed)
    maps = {
        "pca": pca_map(perturbations, chosen, seed=seed),
        "tsne": tsne_map(perturbations, chosen, seed=seed),
    }
    folder, written = Path(run_dir) / "figures", []
    for name, found in maps.items():
        if found is not None:
            written.append(Path(run_dir) / f"{name}.tsv")
            write_table(written[-1], found.table(perturbations))
    if not formats:
        return written
    figures = {name: draw_map(perturbations, found) for name, found in maps.items() if found is not None}
    figures |= {"heatmap": plot_heatmap(perturbations), "f_accuracy": plot_f_accuracy(perturbations)}
    if history is not None and len(history):  # a method in closed form has none
        figures["history"] = plot_history(history)
    if len(tables.get("genes", ())):
        figures["difference"] = plot_difference(perturbations, tables["genes"])
    if len(tables.get("path", ())):
        figures["path"] = plot_path(tables["path"])
    lists = lists_by_source(tables["top_genes"]) if len(tables.get("top_genes", ())) else {}
    if any(len(named) >= FEWEST_LISTS for named in lists.values()):
        figures["overlap"] = plot_overlap(lists, what="source classes")
    for name, figure in figures.items():
        written += save_figure(figure, folder, name, formats)
    for sample in samples:  # each saved before the next is drawn: there can be hundreds
        figure = plot_heatmap(perturbations, sample=sample)
        written += save_figure(figure, folder, f"heatmap-{safe_name(sample)}", formats)
    return written
