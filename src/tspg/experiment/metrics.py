"""Every number of `metrics.json`: one place that says what each means."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData

from tspg.analysis.evaluation.measure import info_of
from tspg.analysis.evaluation.proportions import rate_interval
from tspg.analysis.evaluation.verdict import answer_questions
from tspg.analysis.interpretation.class_genes import ALL_SOURCES, SURE, agreement_with_difference
from tspg.data.checks import known_by
from tspg.data.donors import find_donors
from tspg.data.matrix import dense
from tspg.data.own_columns import GENE_COLUMNS, SAMPLE_COLUMNS, note_on_columns
from tspg.data.prepare import Dataset
from tspg.data.scale import Scale, are_alike, reason, scale_in_words
from tspg.data.scale_detection import scale_in
from tspg.experiment.notes import new_class_metrics, notes_on_new_classes, notes_on_profiles, shift_metrics
from tspg.experiment.task import Task
from tspg.model.baselines import PairedRegression
from tspg.model.config import TargetModelConfig
from tspg.model.expectation import FEWEST_PAIRS, classes_with_pairs
from tspg.model.random import epochs_of_f
from tspg.model.trained_model import TrainedModel
from tspg.utils.names import listed
from tspg.utils.typing import BoolArray, Float32Array

SMALLEST_CLASS = 20  # below this the target's spread rests on too few samples to be trusted


def run_metrics(
    task: Task,
    dataset: Dataset,
    model: TrainedModel,
    perturbations: AnnData,
    evidence: pd.DataFrame,
    history: pd.DataFrame,
    test_evidence: pd.DataFrame | None = None,
) -> dict[str, Any]:
    """Every number of `metrics.json` but the times; what could not be measured is None."""
    config = task.config
    hit = evidence[(evidence["method"] == model.method.name) & (evidence["measure"] == "hit_rate_f")].iloc[0]
    moved = ~perturbations.obs["source_class"].eq(config.target_class).to_numpy()
    return {
        "target_model": _accuracy(dataset, model),
        "perturbation": {
            "f_accuracy": perturbations.uns["tspg"]["f_accuracy"],
            "n": perturbations.n_obs,
            "hit_rate": number(hit["value"]),
            "hit_rate_low": number(hit["low"]),
            "hit_rate_high": number(hit["high"]),
            "n_held_out": int(hit["n"]),
            "mean_abs_change": _mean_abs(perturbations.layers["perturbation"], moved),
        },
        "verdict": answer_questions(evidence, method=model.method.name, test_evidence=test_evidence),
        "evidence": values_by_method(evidence),
        "data": _describe(task, dataset),
        "training": {
            **_training(model),
            "steps": int(history["step"].max()) if len(history) else 0,
            "epochs": len(history),
            "device": str(model.device),
        },
    }


def genes_metrics(perturbations: AnnData, genes: pd.DataFrame) -> dict[str, Any]:
    """How many genes differ for sure, and what the list by P adds beside the difference of the class means."""
    pooled = genes[genes["source_class"] == ALL_SOURCES]
    return {
        "n_tested": int(pooled["p_value"].notna().sum()),
        "n_sure": int((pooled["q_value"] < SURE).sum()),
        "agreement_with_difference": number(agreement_with_difference(perturbations)),
    }


def perturb_metrics(
    model: TrainedModel,
    adata: AnnData,
    perturbations: AnnData,
    unseen_energy_ratio: float | None = None,
) -> dict[str, Any]:
    """The numbers of `tspg perturb`: what became of profiles that the model was not trained on.

    `unseen_energy_ratio` is what the audit of the model's own run found for a class that it left out.
    """
    obs = perturbations.obs
    new_sources = obs["source_class"].ne("") & obs["source_class"].ne(model.target_class) & obs["split"].ne("train")
    hits = obs["predicted_after"].eq(model.target_class)[new_sources]
    low, high = rate_interval(hits.to_numpy())
    new_classes = new_class_metrics(perturbations)
    clipped = int(perturbations.uns["tspg"]["clipped_cells"])
    clipped_fraction = clipped / (perturbations.n_obs * perturbations.n_vars)
    shift, alignment = shift_metrics(model.shift, perturbations), perturbations.uns["tspg"].get("alignment")
    source = adata.uns.get("tspg_input", {})
    scale = scale_in(adata, dense(adata))[0]
    notes = [
        *notes_on_profiles(shift, clipped_fraction, alignment),
        *notes_on_new_classes(new_classes, model.classes, model.method.name, unseen_energy_ratio),
        *map(str, source.get("notes", [])),
        *_notes_on_new_profiles(model, adata, perturbations, scale),
    ]
    return {
        "perturbation": {
            "f_accuracy": perturbations.uns["tspg"]["f_accuracy"],
            "n": perturbations.n_obs,
            "hit_rate": number(hits.mean()) if len(hits) else None,
            "hit_rate_low": number(low),
            "hit_rate_high": number(high),
            "n_held_out": len(hits),
            "mean_abs_change": float(np.abs(perturbations.layers["perturbation"]).mean()),
        },
        "data": {
            "n_samples": perturbations.n_obs,
            "n_genes": perturbations.n_vars,
            "clipped_cells": clipped,
            "clipped_fraction": clipped_fraction,
            "shift": shift,
            "alignment": alignment,
            "constant_genes": [str(gene) for gene in perturbations.var_names[perturbations.var["constant"]]],
            "new_classes": new_classes,
            "unseen_energy_ratio": unseen_energy_ratio,
            "notes": notes,
            "gene_set": model.details["gene_set"],
            "expression_file": str(source.get("file", "")),
            "units": f"{scale.now}: {reason(scale)}",
            "is_log": scale.is_log2,
            "transform": scale.transform,
        },
        "training": _training(model),
    }


def _notes_on_new_profiles(model: TrainedModel, adata: AnnData, perturbations: AnnData, scale: Scale) -> Iterator[str]:
    yield from note_on_columns(adata.obs.columns, SAMPLE_COLUMNS, what="sample")
    yield from note_on_columns(adata.var.columns, GENE_COLUMNS, what="gene")
    learned = Scale.from_details(model.details)
    if not are_alike(scale.now, learned.now):
        yield f"The values look like {scale_in_words(scale)}; the model was trained on {learned.now}."
    if n_unadjusted := int(perturbations.uns["tspg"].get("unadjusted", 0)):
        column = model.settings["adjust_column"]
        yield (
            f"The model was trained on values adjusted for {column}; {n_unadjusted} samples could not be, "
            f"since their {column} is not given or was not among the training samples."
        )
    if model.reference is None:
        yield (
            "The model was made by tspg 0.1.0 and does not hold what single samples are read against, so there is no "
            "sample_genes.tsv: which genes are unusual for a sample's own class was not answered. Train it again."
        )
    obs = perturbations.obs
    if seen := [str(name) for name in obs.index[obs["split"] == "train"]]:
        bear = "sample bears" if len(seen) == 1 else "samples bear"
        yield f"{len(seen)} {bear} the name of one that the model was trained on: {', '.join(seen[:5])}."


def _mean_abs(change: Float32Array, rows: BoolArray) -> float:
    """The mean absolute value of some rows, row by row: no second matrix is made."""
    return float(np.mean([np.abs(change[row]).mean(dtype=np.float64) for row in np.flatnonzero(rows)]))


def _training(model: TrainedModel) -> dict[str, Any]:
    settings = model.settings
    n_train = sum(part == "train" for part in model.split.values())
    return {
        "preset": settings["preset"],
        "method": settings["method"],
        "target_epochs": epochs_of_f(n_train, TargetModelConfig(**settings["target_model"])),
        "seed": settings["seed"],
        "threads": settings["threads"],
    }


def values_by_method(evidence: pd.DataFrame) -> dict[str, dict[str, float | None]]:
    """The values of the evidence table, by method and measure, without what measures would be by chance."""
    found: dict[str, dict[str, float | None]] = {}
    for method, measure, value in zip(evidence["method"], evidence["measure"], evidence["value"], strict=True):
        if not info_of(measure).is_reference:
            found.setdefault(method, {})[measure] = number(value)
    return found


def number(value: float) -> float | None:
    """A plain number for JSON, None where it is not a finite one."""
    return float(value) if np.isfinite(value) else None


def _accuracy(dataset: Dataset, model: TrainedModel) -> dict[str, Any]:
    """How often f is right on held-out samples: overall, and as the mean over classes."""
    held_out = ~dataset.is_train
    if not held_out.any():
        return {"test_accuracy": None, "test_balanced_accuracy": None, "n_test": 0}
    truth = dataset.source_class[held_out]
    right = model.classify(dataset.profiles[held_out]) == truth
    by_class = pd.Series(right).groupby(truth).mean()
    return {
        "test_accuracy": float(right.mean()),
        "test_balanced_accuracy": float(by_class.mean()),
        "n_test": len(truth),
    }


def _donors(task: Task, dataset: Dataset) -> tuple[dict[str, Any], list[str]]:
    """The donors that samples seem to come from where none are named, and a note on those on both sides."""
    keys = ("column", "rule", "n_donors", "n_repeated", "n_spanning")
    found = None
    if task.config.group_column is None:
        found = find_donors(task.adata.obs, dataset.sample_ids, list(dataset.source_class))
    if found is None:
        return dict.fromkeys((*keys, "held_out_seen")), []
    n_seen, n_held_out = found.n_seen(dataset.is_train), int((~dataset.is_train).sum())
    step = "Make a column with the donors and name it" if found.column is None else "Say"
    note = (
        f"{n_seen:,} of {n_held_out:,} held-out samples {'has' if n_seen == 1 else 'have'} a sample of the same donor "
        f"in training ({found.place}, as it seems): results may look better than they are. {step}: {found.option}."
    )
    return {**{key: getattr(found, key) for key in keys}, "held_out_seen": n_seen}, [note] if n_seen else []


def _describe(task: Task, dataset: Dataset) -> dict[str, Any]:
    """What the report says about the data, with a note for whatever deserves care."""
    details = task.details
    counts = {
        name: {part: int((dataset.class_mask(name) & (dataset.split == part)).sum()) for part in ("train", "test")}
        for name in dataset.classes
    }
    donors, notes_on_donors = _donors(task, dataset)
    constant = [gene for gene, same in zip(dataset.gene_ids, dataset.scaler.constant, strict=True) if same]
    n_held_out, n_genes = int((~dataset.is_train).sum()), len(dataset.gene_ids)
    return {
        "n_samples": len(dataset.sample_ids),
        "n_genes": n_genes,
        "n_train": int(dataset.is_train.sum()),
        "n_test": n_held_out,
        "classes": counts,
        "clipped_cells": dataset.clipped_cells,
        "clipped_fraction": dataset.clipped_cells / max(1, n_held_out * n_genes),
        "constant_genes": constant,
        "notes": [
            *(*notes_on_donors, *details["notes"], *(task.second.notes if task.second else ())),
            *_notes_on_settings(task, counts),
            *_notes_on_samples(task, dataset, counts),
        ],
        "gene_set": details["gene_set"],
        "expression_file": details["file"],
        "units": details["units"],
        "is_log": details["is_log"],
        "transform": details["transform"],
        "group_column": task.config.group_column,
        "donors": donors,
    }


def _notes_on_settings(task: Task, counts: Mapping[str, Mapping[str, int]]) -> Iterator[str]:
    config, n_folds = task.config, task.config.folds
    if config.adjust_column is not None:
        yield f"Every gene was adjusted for {config.adjust_column}; values in units are adjusted ones."
    if config.split_column is not None:
        yield f"Which samples are held out was given by column {config.split_column}."
    kept = "figures and genes are those of the model that was kept"
    if task.automatic_folds:
        yield (
            f"Only {counts[config.target_class]['test']} target samples would be held out, so the evidence comes from "
            f"{n_folds} further fits, each holding out other samples; {kept}. --folds 1 turns this off."
        )
    elif n_folds > 1:
        yield f"The evidence is that of {n_folds} further fits, each of which held out other samples; {kept}."


def _notes_on_samples(task: Task, dataset: Dataset, counts: Mapping[str, Mapping[str, int]]) -> Iterator[str]:
    config, is_train = task.config, dataset.is_train
    n_target = counts[config.target_class]["train"]
    if n_target < SMALLEST_CLASS:
        yield f"The target class has {n_target} training samples: its mean and spread are uncertain."
    if untested := [name for name, count in counts.items() if count["test"] == 0]:
        yield f"No sample could be held out of: {', '.join(untested)}."
    if config.method == PairedRegression.name:
        learned = classes_with_pairs(dataset, config.target_class) | {config.target_class}
        if without := [name for name in config.source_classes or dataset.classes if name not in learned]:
            yield (
                f"Fewer than {FEWEST_PAIRS} donors with samples of both classes are trained on for {listed(without)}: "
                "these samples become the target's mean."
            )
    seen = set(map(known_by, dataset.profiles[is_train]))
    held_out = zip(np.asarray(dataset.sample_ids, dtype=object)[~is_train], dataset.profiles[~is_train], strict=True)
    if doubled := [str(name) for name, profile in held_out if known_by(profile) in seen]:
        yield (
            f"{len(doubled)} held-out sample{'s have' if len(doubled) > 1 else ' has'} exactly the profile of a "
            f"training sample: {listed(doubled)}. Is one sample in the matrix twice? "
            "They make every result look better than it is."
        )
