"""Every figure of a run folder, drawn and saved with its caption: the same input gives the same bytes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd
from anndata import AnnData
from matplotlib.figure import Figure

from tspg.analysis.interpretation.class_genes import ALL_SOURCES
from tspg.analysis.interpretation.perturbations import target_class_of
from tspg.report.figures import captions
from tspg.report.figures.difference import plot_difference
from tspg.report.figures.embedding import Map, choose, pca_map, tsne_map
from tspg.report.figures.f_accuracy import plot_f_accuracy
from tspg.report.figures.gene_heatmap import plot_gene_heatmap
from tspg.report.figures.heatmap import plot_heatmap
from tspg.report.figures.history import plot_history
from tspg.report.figures.maps import draw_map
from tspg.report.figures.overlap import lists_by_source, plot_overlap
from tspg.report.figures.path import plot_path
from tspg.report.figures.style import house_style
from tspg.report.figures.volcano import plot_volcano, tested_genes
from tspg.utils.background import in_background
from tspg.utils.files import safe_name, whole_file, write_table, write_text
from tspg.utils.options import DRAWN_AS

_DPI = 300
Drawn = Iterator[tuple[str, Figure, str]]  # the name of each figure, the figure, and its caption
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
    for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)):
        if not axis.get_label_text():
            axis.set_label_coords(0, 0)  # or all names of the ticks are laid out to find a place for no label
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
    is_log: bool = True,
) -> list[Path]:
    """Draw and save all figures of a run folder into its `figures/`; the paths of what was written come back.

    `captions.md` says what each shows, and what was left out. The history is drawn where it has a row; volcano, heat
    map of genes, difference, path and overlap where `tables` hold `genes`, `path` and `top_genes`. `samples` are those
    that the user named: each gets a heat map of its own. `pca.tsv` and `tsne.tsv` get the places on the maps, also
    where `formats` are none.
    """
    chosen = choose(perturbations, named=samples, seed=seed)
    components = pca_map(perturbations, chosen, seed=seed)  # done before the other begins: both set threads
    maps: dict[str, Callable[[], Map | None]] = {
        "pca": lambda: components,
        "tsne": in_background(partial(tsne_map, perturbations, chosen, seed=seed)),  # beside all that is drawn
    }
    folder, texts, written = Path(run_dir) / "figures", {}, []
    figures = chain(
        _of_samples(perturbations, samples),
        _of_tables(perturbations, history, tables, seed=seed, is_log=is_log),
    )
    for name, figure, texts[name] in figures if formats else ():  # each is saved before the next is drawn
        written += save_figure(figure, folder, name, formats)
    for name, made in maps.items():
        found = made()
        if found is None:
            continue
        written.append(Path(run_dir) / f"{name}.tsv")
        write_table(written[-1], found.table(perturbations))
        if formats:
            texts[name] = captions.of_map(perturbations, found)
            written += save_figure(draw_map(perturbations, found), folder, name, formats)
    return [*written, write_captions(folder, texts)] if formats else written


def _of_samples(perturbations: AnnData, samples: Sequence[str]) -> Drawn:
    """The paper's heat map, f accuracy, and a heat map of each named sample."""
    yield "heatmap", plot_heatmap(perturbations), captions.of_heatmap(perturbations)
    if perturbations.n_obs > 1:  # a single sample has no share
        yield "f_accuracy", plot_f_accuracy(perturbations), captions.of_f_accuracy(perturbations)
    for sample in samples:
        figure, text = plot_heatmap(perturbations, sample=sample), captions.of_heatmap(perturbations, sample)
        yield f"heatmap-{safe_name(sample)}", figure, text


def _of_tables(
    perturbations: AnnData,
    history: pd.DataFrame | None,
    tables: Mapping[str, pd.DataFrame],
    *,
    seed: int,
    is_log: bool,
) -> Drawn:
    """What tables hold, as far as they hold something."""
    genes, path, top = (tables.get(name, pd.DataFrame()) for name in ("genes", "path", "top_genes"))
    if len(genes):
        text = captions.of_gene_heatmap(perturbations, genes, seed=seed)
        yield "gene_heatmap", plot_gene_heatmap(perturbations, genes, seed=seed), text
        yield "difference", plot_difference(perturbations, genes), captions.of_difference(perturbations)
    if len(genes) and len(tested_genes(genes, ALL_SOURCES)):
        text = captions.of_volcano(perturbations, genes, is_log=is_log)
        yield "volcano", plot_volcano(genes, is_log=is_log), text
    if len(path):
        yield "path", plot_path(path), captions.of_path(path, target_class_of(perturbations))
    lists = lists_by_source(top) if len(top) else {}
    if any(len(named) >= FEWEST_LISTS for named in lists.values()):
        yield "overlap", plot_overlap(lists), captions.of_overlap(lists, "source classes")
    if history is not None and len(history):  # a method in closed form has none
        yield "history", plot_history(history), captions.of_history(history)


def write_captions(folder: Path, texts: Mapping[str, str]) -> Path:
    """Write what stands below the figures, one heading per figure."""
    path = folder / "captions.md"
    write_text(path, "# Captions\n" + "".join(f"\n## {name}\n\n{text}\n" for name, text in texts.items()))
    return path
