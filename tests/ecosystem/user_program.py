"""What a user's program may look like to a type checker: `just lint` reads it, nothing runs it.

Where a line is wrong on purpose, mypy must say so: an `ignore` that is not needed fails too.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

import tspg


def moved_genes(matrix: Path, labels: Path, out: Path) -> list[str]:
    """The genes that rise on the way to a class."""
    adata = tspg.read_expression(matrix, labels=labels, duplicates="mean")
    gene_set: tspg.GeneSet = tspg.read_gene_sets("h.all.gmt")["HALLMARK_APOPTOSIS"]
    found: tspg.Run = tspg.run(
        adata, target_class="healthy", gene_set=gene_set, training=tspg.Training(layer="logcounts"), seed=1
    )
    tspg.save_run(found, out, xlsx=True)
    top: pd.DataFrame = tspg.top_genes(found.perturbations, k=20, direction="up")
    share: float = found.metrics["perturbation"]["hit_rate"]
    return [*map(str, top["gene"]), f"{share:.0%}"]


def several(matrix: Path) -> dict[str, pd.DataFrame]:
    """The evidence of each target."""
    adata = tspg.demo_data() if matrix.name == "demo" else tspg.read_expression(matrix)
    runs = tspg.run_targets(adata, target_classes=["a", "b"], label_column="label", training=tspg.Training(threads=1))
    return {one.config.target_class: one.evidence for one in runs}


def patient(model: Path, file: Path) -> Figure:
    """One patient, moved and drawn."""
    trained: tspg.TrainedModel = tspg.load_model(model)
    try:
        moved = trained.perturb(tspg.read_expression(file, genes=trained.gene_ids), layer="X")
    except (tspg.errors.InputError, tspg.errors.ModelError) as error:
        raise SystemExit(str(error)) from error
    return tspg.plot_heatmap(moved, sample="patient-1")


def as_an_estimator(profiles: pd.DataFrame, classes: pd.Series) -> tuple[int, ...]:
    """As scikit-learn has it."""
    moves = tspg.TSPG(target_class="healthy", steps=40, seed=0).fit(profiles, classes)
    moved = moves.transform(np.asarray(profiles, dtype=np.float32))
    history: pd.DataFrame = moves.history_
    return (*moved.shape, len(history))


def wrong(profiles: pd.DataFrame) -> None:
    """Every line of this is wrong, and known to be."""
    tspg.run(profiles)  # type: ignore[call-arg]
    tspg.run(profiles, target_class="a", seed="0")  # type: ignore[arg-type]
    tspg.run(profiles, target_class="a", steps=3)  # type: ignore[call-arg]
    tspg.Training(step=3)  # type: ignore[call-arg]
    tspg.run(profiles, target_class="a").top_gene  # type: ignore[attr-defined]  # noqa: B018
    tspg.top_gene(profiles)  # type: ignore[attr-defined]
    tspg.TSPG(step=40)  # type: ignore[call-arg]
    tspg.load_model(3)  # type: ignore[arg-type]
    tspg.plot_heatmap(profiles, sample=3)  # type: ignore[arg-type]
