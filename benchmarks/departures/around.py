"""What is asked of all that is around the game: the split, the scaler, and how f learns."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

import tspg
from departures.cases import make_case
from departures.changes import replaced
from tspg.analysis.evaluation.classifiers import LinearClassifier
from tspg.audit.scores import EvalSet
from tspg.data import prepare as preparing
from tspg.data.prepare import Dataset, prepare
from tspg.model import training
from tspg.model.config import PRESETS
from tspg.model.networks import TargetModel
from tspg.model.ot_map import GaussianOTMap


def donors(data: Path, seeds: list[int]) -> pd.DataFrame:
    """Classes that mean nothing, drawn person by person: what a classifier seems to know of them by either split.

    Tumour and normal kidney of one patient; and drawn persons of three samples, who make half of the variance.
    """
    adata = anndata.read_h5ad(data / "tcga_kidney/tcga_kidney.h5ad")
    counts = adata.obs["patient"].value_counts()
    pairs = adata[adata.obs["patient"].isin(counts[counts > 1].index).to_numpy()].copy()
    rng = np.random.default_rng(0)
    values = np.repeat(rng.standard_normal((60, 158)), 3, axis=0) + rng.standard_normal((180, 158))
    persons = pd.DataFrame({"patient": [f"p{at // 3}" for at in range(180)]}, index=[f"s{at}" for at in range(180)])
    drawn = anndata.AnnData(X=values.astype(np.float32), obs=persons)
    rows = []
    for name, study in (("kidney pairs", pairs), ("drawn persons of three samples", drawn)):
        for seed in seeds:
            for repeat in range(10):
                rows += [_knows_nothing(study, name, group, [seed, repeat]) for group in (None, "patient")]
    return pd.DataFrame(rows)


def _knows_nothing(study: anndata.AnnData, name: str, group: str | None, seed: list[int]) -> dict[str, Any]:
    patients = study.obs["patient"].astype(str).to_numpy()
    names = np.unique(patients)
    given = dict(zip(names, np.random.default_rng(seed).permutation(np.arange(len(names)) % 2), strict=True))
    study.obs["label"] = [f"class {given[patient]}" for patient in patients]
    found = prepare(study, label_column="label", group_column=group, seed=10 * seed[0] + seed[1])
    train = found.is_train
    right = LinearClassifier.fit(found.profiles[train], found.source_class[train])(found.profiles[~train])
    accuracy = float((right == found.source_class[~train]).mean())
    return {"change": f"{name}, split by {group or 'sample'}", "accuracy, chance .5": accuracy}


def scaler(studies: dict[str, Callable[[int], Dataset]], targets: dict[str, str], seeds: list[int]) -> pd.DataFrame:
    """The scaler fitted on the training part, and on all samples."""
    whole = preparing.Scaler.fit
    rows = []
    for name, study in studies.items():
        for seed in seeds:
            ours = study(seed)
            cells = (~ours.is_train).sum() * len(ours.gene_ids)
            everything: dict[str, Any] = {}

            def fit_on_all(_values: Any, kept: dict[str, Any] = everything) -> Any:
                return whole(kept["values"])

            def dense(adata: anndata.AnnData, kept: dict[str, Any] = everything) -> Any:
                kept["values"] = np.asarray(adata.X, dtype=np.float32)
                return kept["values"]

            with replaced((preparing.Scaler, "fit", fit_on_all), (preparing, "dense", dense)):
                theirs = study(seed)
            for kind, found in (("training part", ours), ("all samples", theirs)):
                f = training.train_target_model(found, PRESETS["transport"][0], seed=seed)
                held_out = ~found.is_train
                stage, anchor = EvalSet.of(found, targets[name]), GaussianOTMap.estimate(found, targets[name])
                index = np.array([found.index_of(source) for source in stage.source_class])
                rows.append(
                    {
                        "change": f"{name}: fitted on the {kind}",
                        "held-out values clipped": found.clipped_cells / cells,
                        "f right": float((_called(f, found) == found.class_index[held_out]).mean()),
                        "energy ratio, linear map": stage.energy_ratio(anchor.move(stage.sources, index).clip(0, 1)),
                    }
                )
    return pd.DataFrame(rows)


def schedule(seeds: list[int]) -> pd.DataFrame:
    """What f of either preset knows of 459 tumours x 4,218 genes."""
    adata = tspg.demo_data()
    rows = []
    for seed in seeds:
        for name in ("paper", "transport"):
            case = make_case(adata, "subtype", "patient", "GI.MSI", name, seed)
            held_out = ~case.dataset.is_train
            right = _called(case.f, case.dataset) == case.dataset.class_index[held_out]
            of_target = right[case.dataset.class_mask("GI.MSI")[held_out]]
            rows.append({"change": f"f of preset {name}", "f right": right.mean(), "GI.MSI right": of_target.mean()})
    return pd.DataFrame(rows)


@torch.no_grad()
def _called(f: TargetModel, dataset: Dataset) -> NDArray[np.int64]:
    """What f calls held-out samples."""
    found: NDArray[np.int64] = f(torch.from_numpy(dataset.profiles[~dataset.is_train])).argmax(dim=1).numpy()
    return found
