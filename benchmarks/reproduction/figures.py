"""Our counterparts of the paper's Figs. 2-5, drawn by tspg's own functions and saved small."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from anndata import AnnData
from matplotlib.figure import Figure

import tspg
from reproduction.looks import map_of
from reproduction.runs import ALL, FIGURE_4, HEDGEHOG, KIDNEY, ORGANS, PRESETS, TUMOURS, Planned
from tspg.report.figures.maps import draw_map
from tspg.utils.files import whole_file

SEED = 0
PANELS, DPI = 4, 100
FIGURES = {  # number: the run's study, gene set and target
    "2": (ORGANS, HEDGEHOG, "Prostate"),
    "3": (ORGANS, ALL, "Liver"),
    "4": (ORGANS, *FIGURE_4),
    **{f"5{letter}": (KIDNEY, ALL, name) for letter, name in zip("abc", TUMOURS, strict=True)},
}


def draw_figures(work: Path, out: Path) -> None:
    """Draw every figure whose run is there and whose picture is not."""
    for number, preset, folder in _finished(work):
        names = {kind: out / f"figure-{number}-{kind}-{preset}.png" for kind in ("map", "heatmap")}
        if all(name.exists() for name in names.values()):
            continue
        moved = tspg.read_perturbations(folder)
        save(draw_map(moved, map_of(moved, SEED)), names["map"])
        save(tspg.plot_heatmap(moved, sample=shown(moved)), names["heatmap"])
        print("drawn", *names.values(), flush=True)


def _finished(work: Path) -> Iterator[tuple[str, str, Path]]:
    for number, (study, gene_set, target) in FIGURES.items():
        for preset in PRESETS:
            folder = work / Planned(study, gene_set, target, preset, SEED).name
            if (folder / "metrics.json").exists():
                yield number, preset, folder


def shown(moved: AnnData) -> list[str]:
    """Four held-out samples drawn by chance, of different source classes where there are so many."""
    rng = np.random.default_rng(SEED)
    sources = sorted(moved.uns["tspg"]["source_classes"])
    classes = sorted(rng.choice(sources, size=PANELS, replace=len(sources) < PANELS))
    held_out = moved.obs[moved.obs["split"].ne("train")]
    counts = {name: classes.count(name) for name in classes}
    return [
        str(sample)
        for name, n in counts.items()
        for sample in rng.choice(held_out.index[held_out["source_class"] == name], size=n, replace=False)
    ]


def save(figure: Figure, path: Path) -> None:
    """Save a figure as a small PNG, the same bytes each time."""
    with whole_file(path) as temporary:
        figure.savefig(temporary, dpi=DPI, metadata={"Software": None}, pil_kwargs={"optimize": True}, format="png")
