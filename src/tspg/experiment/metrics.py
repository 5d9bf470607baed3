"""Every number of `metrics.json`: one place that says what each means."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData

from tspg.analysis.evaluation.proportions import rate_interval
from tspg.analysis.evaluation.verdict import verdict
from tspg.analysis.interpretation.class_genes import ALL_SOURCES, SURE, agreement_with_difference
from tspg.data.checks import known_by
from tspg.data.donors import Donors, find_donors
from tspg.data.matrix import dense
from tspg.data.own_columns import GENE_COLUMNS, SAMPLE_COLUMNS, note_on_columns
from tspg.data.prepare import Dataset
from tspg.data.scale import Scale, are_alike, reason, scale_in_words
from tspg.data.scale_detection import scale_in
from tspg.experiment.new_class_notes import new_class_metrics, notes_on_new_classes
from tspg.experiment.shift_notes import notes_on_profiles, shift_metrics
from tspg.experiment.task import Task
from tspg.model.config import TargetModelConfig
from tspg.model.expectation import FEWEST_PAIRS
from tspg.model.expected_profile import PairedRegression, classes_with_pairs
from tspg.model.trained_model import TrainedModel
from tspg.model.training import epochs_of_f
from tspg.utils.names import listed

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
            "mean_abs_change": float(np.abs(perturbations.layers["perturbation"][moved]).mean()),
        },
        "verdict": verdict(evidence, method=model.method.name, test_evidence=test_evidence),
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
    doubts: Sequence[str] = (),
    unseen_energy_ratio: float | None = None,
) -> dict[str, Any]:
    """The numbers of `tspg perturb`: what became of profiles that the model was not trained on.

    `doubts` are what the model's own run had to say against it, and `unseen_energy_ratio` what its audit found
    for a class that it left out. Notes on these samples stand first, then the doubts.
    """
    obs = perturbations.obs
    asked = obs["source_class"].ne("") & obs["source_class"].ne(model.target_class) & obs["split"].ne("train")
    called = obs["predicted_after"].eq(model.target_class)
    low, high = rate_interval(called[asked].to_numpy())
    new_classes = new_class_metrics(perturbations)
    about_classes = notes_on_new_classes(new_classes, model.classes, model.method.name, unseen_energy_ratio)
    clipped = int(perturbations.uns["tspg"]["clipped_cells"])
    clipped_fraction = clipped / (perturbations.n_obs * perturbations.n_vars)
    shift, alignment = shift_metrics(model.shift, perturbations), perturbations.uns["tspg"].get("alignment")
    about_profiles = [*notes_on_profiles(shift, clipped_fraction, alignment), *about_classes]
    notes = [*about_profiles, *doubts, *(str(note) for note in adata.uns.get("tspg_input", {}).get("notes", []))]
    notes += note_on_columns(adata.obs.columns, SAMPLE_COLUMNS, what="sample")
    notes += note_on_columns(adata.var.columns, GENE_COLUMNS, what="gene")
    scale, learned = scale_in(adata, dense(adata))[0], Scale.from_details(model.details)
    if not are_alike(scale.now, learned.now):
        notes.append(f"The values look like {scale_in_words(scale)}; the model was trained on {learned.now}.")
    if n_unadjusted := int(perturbations.uns["tspg"].get("unadjusted", 0)):
        column = model.settings["adjust_column"]
        notes.append(
            f"The model was trained on values adjusted for {column}; {n_unadjusted} samples could not be, "
            f"since their {column} is not given or was not among the training samples."
        )
    if model.reference is None:
        notes.append(
            "The model was made by tspg 0.1.0 and does not hold what single samples are read against, so there is no "
            "sample_genes.tsv: which genes are unusual for a sample's own class was not answered. Train it again."
        )
    seen = [str(name) for name in obs.index[obs["split"] == "train"]]
    if seen:
        bear = "sample bears" if len(seen) == 1 else "samples bear"
        notes.append(f"{len(seen)} {bear} the name of one that the model was trained on: {', '.join(seen[:5])}.")
    return {
        "perturbation": {
            "f_accuracy": perturbations.uns["tspg"]["f_accuracy"],
            "n": perturbations.n_obs,
            "hit_rate": number(called[asked].mean()) if asked.any() else None,
            "hit_rate_low": number(low),
            "hit_rate_high": number(high),
            "n_held_out": int(asked.sum()),
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
            "expression_file": str(adata.uns.get("tspg_input", {}).get("file", "")),
            "units": f"{scale.now}: {reason(scale)}",
            "is_log": scale.is_log2,
            "transform": scale.transform,
        },
        "training": _training(model),
    }


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
    """The values of the evidence table, by method and measure."""
    found: dict[str, dict[str, float | None]] = {}
    for method, measure, value in zip(evidence["method"], evidence["measure"], evidence["value"], strict=True):
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


def _doubled(dataset: Dataset) -> list[str]:
    """The held-out samples that have exactly the profile of a training sample."""
    seen = {known_by(profile) for profile in dataset.profiles[dataset.is_train]}
    names = np.asarray(dataset.sample_ids, dtype=object)[~dataset.is_train]
    held_out = zip(names, dataset.profiles[~dataset.is_train], strict=True)
    return [str(name) for name, profile in held_out if known_by(profile) in seen]


def _donors(task: Task, dataset: Dataset) -> tuple[dict[str, Any], list[str]]:
    """The donors that samples seem to come from where none are named, and what to know of those on both sides."""
    keys = ("column", "rule", "n_donors", "n_repeated", "n_spanning")
    found = None
    if task.config.group_column is None:
        found = find_donors(task.study.obs, dataset.sample_ids, list(dataset.source_class))
    if found is None:
        return dict.fromkeys((*keys, "held_out_seen")), []
    n_seen = found.n_seen(dataset.is_train)
    told = {**{key: getattr(found, key) for key in keys}, "held_out_seen": n_seen}
    return told, [_note_on_seen(found, n_seen, int((~dataset.is_train).sum()))] if n_seen else []


def _note_on_seen(found: Donors, n_seen: int, n_held_out: int) -> str:
    step = "Make a column with the donors and name it" if found.column is None else "Say"
    return (
        f"{n_seen:,} of {n_held_out:,} held-out samples {'has' if n_seen == 1 else 'have'} a sample of the same donor "
        f"in training ({found.place}, as it seems): results may look better than they are. {step}: {found.option}."
    )


def _about_folds(task: Task, n_held_out: int) -> str:
    """Where the evidence comes from, and why if nobody asked for it."""
    kept, n_folds = "figures and genes are those of the model that was kept", task.config.folds
    if not task.automatic_folds:
        return f"The evidence is that of {n_folds} further fits, each of which held out other samples; {kept}."
    return (
        f"Only {n_held_out} target samples would be held out, so the evidence comes from {n_folds} further fits, each "
        f"holding out other samples; {kept}. --folds 1 turns this off."
    )


def _describe(task: Task, dataset: Dataset) -> dict[str, Any]:
    """What the report says about the data, with a note for whatever deserves care."""
    config, details = task.config, task.details
    counts = {
        name: {part: int((dataset.class_mask(name) & (dataset.split == part)).sum()) for part in ("train", "test")}
        for name in dataset.classes
    }
    donors, notes_on_donors = _donors(task, dataset)
    notes = [*notes_on_donors, *details["notes"], *(task.second.notes if task.second else ())]
    if config.adjust_column is not None:
        notes.append(f"Every gene was adjusted for {config.adjust_column}; values in units are adjusted ones.")
    if config.folds > 1:
        notes.append(_about_folds(task, counts[config.target_class]["test"]))
    n_target = counts[config.target_class]["train"]
    if n_target < SMALLEST_CLASS:
        notes.append(f"The target class has {n_target} training samples: its mean and spread are uncertain.")
    untested = [name for name, count in counts.items() if count["test"] == 0]
    if untested:
        notes.append(f"No sample could be held out of: {', '.join(untested)}.")
    if config.method == PairedRegression.name:
        sources = config.source_classes or dataset.classes
        learned = classes_with_pairs(dataset, config.target_class) | {config.target_class}
        if without := [name for name in sources if name not in learned]:
            notes.append(
                f"Fewer than {FEWEST_PAIRS} donors with samples of both classes are trained on for {listed(without)}: "
                "these samples become the target's mean."
            )
    doubled = _doubled(dataset)
    if doubled:
        notes.append(
            f"{len(doubled)} held-out sample{'s have' if len(doubled) > 1 else ' has'} exactly the profile of a "
            f"training sample: {listed(doubled)}. Is one sample in the matrix twice? "
            "They make every result look better than it is."
        )
    constant = [gene for gene, same in zip(dataset.gene_ids, dataset.scaler.constant, strict=True) if same]
    return {
        "n_samples": len(dataset.sample_ids),
        "n_genes": len(dataset.gene_ids),
        "n_train": int(dataset.is_train.sum()),
        "n_test": int((~dataset.is_train).sum()),
        "classes": counts,
        "clipped_cells": dataset.clipped_cells,
        "clipped_fraction": dataset.clipped_cells / max(1, int((~dataset.is_train).sum()) * len(dataset.gene_ids)),
        "constant_genes": constant,
        "notes": notes,
        "gene_set": details["gene_set"],
        "expression_file": details["file"],
        "units": details["units"],
        "is_log": details["is_log"],
        "transform": details["transform"],
        "group_column": config.group_column,
        "donors": donors,
    }
