"""Every figure of a run folder, drawn and saved: the same input gives the same bytes."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd
from anndata import AnnData
from matplotlib import rc_context
from matplotlib.figure import Figure

from tspg.report.figures.difference import plot_difference
from tspg.report.figures.embedding import place
from tspg.report.figures.f_accuracy import plot_f_accuracy
from tspg.report.figures.heatmap import plot_heatmap
from tspg.report.figures.history import plot_history
from tspg.report.figures.overlap import lists_by_source, plot_overlap
from tspg.report.figures.path import plot_path
from tspg.report.figures.style import house_style
from tspg.report.figures.tsne import draw
from tspg.utils.files import safe_name, whole_file, write_table

_DPI = 160
# Neither date nor program version: the same figure is the same bytes. PNGs are compressed by zlib's level 1: 6 takes
# three times as long and saves hardly anything here.
_SAVED: dict[str, dict[str, Any]] = {
    ".png": {"metadata": {"Software": None}, "pil_kwargs": {"compress_level": 1}},
    ".pdf": {"metadata": {"CreationDate": None, "ModDate": None, "Creator": None, "Producer": None}},
}


def save_figure(figure: Figure, folder: Path, name: str, *, one_of_many: bool = False, for_print: bool = True) -> Path:
    """Save a figure as `name`.png and, `for_print`, as `name`.pdf; the path of the PNG comes back.

    The PDF embeds its fonts as journals and drawing programs want them (type 42), which takes .3 s. With
    `one_of_many` it embeds them the quick way (type 3); text can be searched and copied all the same.
    """
    fonts: Any = {"pdf.fonttype": 3 if one_of_many else 42}
    for ending, how in _SAVED.items():
        if ending == ".pdf" and not for_print:
            continue
        with house_style(), rc_context(fonts), whole_file(Path(folder) / f"{name}{ending}") as temporary:
            figure.savefig(temporary, dpi=_DPI, **how)
    return Path(folder) / f"{name}.png"


def write_figures(
    run_dir: Path,
    perturbations: AnnData,
    history: pd.DataFrame | None = None,
    tables: Mapping[str, pd.DataFrame] = MappingProxyType({}),
    *,
    samples: Sequence[str] = (),
    seed: int = 0,
    for_print: bool = True,
) -> list[Path]:
    """Draw and save all figures of a run folder into its `figures/`; the paths of the PNGs come back.

    The history is drawn where it has a row; difference, overlap and path where `tables` hold `genes`, `top_genes` and
    `path`. `samples` are those that the user named: each gets a heat map of its own. `tsne.tsv` gets the places on the
    map. Figures are PNG and, `for_print`, PDF, which takes more than half of the time.
    """
    placed = place(perturbations, seed=seed)
    write_table(Path(run_dir) / "tsne.tsv", placed.table(perturbations))
    figures = {
        "tsne": draw(perturbations, placed),
        "heatmap": plot_heatmap(perturbations),
        "f_accuracy": plot_f_accuracy(perturbations),
    }
    if history is not None and len(history):  # a method in closed form has none
        figures["history"] = plot_history(history)
    if len(tables.get("genes", ())):
        figures["difference"] = plot_difference(perturbations, tables["genes"])
    if len(tables.get("path", ())):
        figures["path"] = plot_path(tables["path"])
    lists = lists_by_source(tables["top_genes"]) if len(tables.get("top_genes", ())) else {}
    if any(len(named) > 1 for named in lists.values()):
        figures["overlap"] = plot_overlap(lists, what="source classes")
    folder = Path(run_dir) / "figures"
    saved = [save_figure(figure, folder, name, for_print=for_print) for name, figure in figures.items()]
    for sample in samples:  # each saved before the next is drawn: there can be hundreds
        figure, name = plot_heatmap(perturbations, sample=sample), f"heatmap-{safe_name(sample)}"
        saved.append(save_figure(figure, folder, name, one_of_many=True, for_print=for_print))
    return saved
