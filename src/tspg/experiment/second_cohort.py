"""Evidence and tests of genes on a second cohort: people that nothing was learned from."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData

from tspg.analysis.evaluation.distances import CloudPair
from tspg.analysis.evaluation.energy import EnergyScale
from tspg.analysis.evaluation.measure import COLUMNS, Measure
from tspg.analysis.evaluation.verdict import answer_questions
from tspg.analysis.interpretation.agreement import agreement_of_tests
from tspg.analysis.interpretation.class_genes import ALL_SOURCES, Expression, tested
from tspg.analysis.interpretation.out_of_distribution import PLACE_COLUMNS
from tspg.analysis.interpretation.samples import samples_table
from tspg.data.matrix import X
from tspg.data.prepare import Dataset, text_column
from tspg.data.second_cohort import THE_COHORT
from tspg.experiment.fit import Fit, evidence_of
from tspg.experiment.metrics import number, values_by_method
from tspg.experiment.notes import new_class_metrics, notes_on_profiles, shift_metrics
from tspg.experiment.task import Task
from tspg.model.gene_statistics import q_values
from tspg.utils.typing import Float32Array

GENE_COLUMNS = (
    *("source_class", "gene", "difference", "t", "q_value"),
    *("test_difference", "test_t", "test_q_value"),
)


def evaluate_second_cohort(
    task: Task, fitted: Fit, genes: pd.DataFrame
) -> tuple[dict[str, pd.DataFrame], dict[str, Any]]:
    """The tables of the second cohort by the names of their files, and its numbers for `metrics.json`.

    Parameters
    ----------
    task
        With the second cohort; without one, there are no tables and no numbers.
    fitted
        What was learned from the first: nothing is fitted here but the map of a class that is new to it.
    genes
        The tests of the first cohort (`class_genes`).
    """
    if task.second is None:
        return {}, {}
    second, config = task.second, task.config
    target = config.target_class
    how: dict[str, Any] = {name: getattr(config, name) for name in ("label_column", "normalise", "align")}
    moved = fitted.model.perturb(second.adata, layer=X, **how)
    dataset = with_second(fitted.dataset, moved, second.adata, config.group_column)
    classes = moved.obs["source_class"].to_numpy(dtype=object)
    sources = [name for name in fitted.model.source_classes if name in classes]
    evidence, compared = pd.DataFrame(columns=COLUMNS), pd.DataFrame(columns=list(GENE_COLUMNS))
    if sources:
        evidence = evidence_of(fitted, task, dataset)
        known = fitted.model.values_of(second.adata, X, **how)[np.isin(classes, dataset.classes)]
        compared = _compared_tests(known, dataset, target, genes, [*sources, ALL_SOURCES])
    numbers = {
        "file": second.file,
        "labels_file": second.labels_file,
        "n_samples": len(classes),
        "classes": {str(name): int((classes == name).sum()) for name in sorted(set(classes))},
        "clipped_fraction": int(moved.uns["tspg"]["clipped_cells"]) / moved.X.size,
        "shift": shift_metrics(fitted.model.shift, moved),
        "alignment": moved.uns["tspg"].get("alignment"),
        "evidence": values_by_method(evidence),
        "verdict": answer_questions(evidence, method=fitted.model.method.name) if sources else {},
        "genes": {
            **_agreement(compared, ALL_SOURCES),
            "by_class": {name: _agreement(compared, name) for name in sources},
        },
        "unknown_classes": {
            name: {**how, **_unknown_class(name, moved, dataset, fitted, target)}
            for name, how in new_class_metrics(moved).items()
        },
    }
    nowhere = pd.DataFrame(columns=["sample", *PLACE_COLUMNS])
    samples = samples_table(moved, nowhere, ())
    return {"test_evidence": evidence, "test_genes": compared, "test_samples": samples}, numbers


def notes_on_second(found: dict[str, Any]) -> list[str]:
    """What to know of the second cohort's profiles, from its numbers in `metrics.json`."""
    notes = notes_on_profiles(found["shift"], found["clipped_fraction"], found["alignment"])
    return [f"{THE_COHORT}: {note[:1].lower()}{note[1:]}" for note in notes]


def with_second(first: Dataset, moved: AnnData, adata: AnnData, group_column: str | None) -> Dataset:
    """The first cohort's training samples, with those of the second whose class it knows held out."""
    labels = moved.obs["source_class"].to_numpy(dtype=object)
    known = np.isin(labels, first.classes)
    train, n_known = np.flatnonzero(first.is_train), int(known.sum())
    own = np.searchsorted(np.asarray(first.classes, dtype=object), labels[known])
    names = np.asarray(moved.obs_names, dtype=object)
    has_donors = group_column is not None and group_column in adata.obs
    donors = np.asarray(text_column(adata, str(group_column)), dtype=object) if has_donors else names
    return replace(
        first,
        profiles=np.concatenate([first.profiles[train], moved.layers["original"][known]]),
        class_index=np.concatenate([first.class_index[train], own.astype(np.int64)]),
        is_train=np.arange(len(train) + n_known) < len(train),
        sample_ids=(*np.asarray(first.sample_ids, dtype=object)[train], *names[known]),
        groups=None if first.groups is None else (*np.asarray(first.groups, dtype=object)[train], *donors[known]),
        sample_columns=None,
        outside=None,
    )


def _unknown_class(name: str, moved: AnnData, dataset: Dataset, fitted: Fit, target: str) -> dict[str, Any]:
    """How near a class that the first cohort does not have comes to real target samples of the second."""
    rows = (moved.obs["source_class"] == name).to_numpy()
    real = dataset.profiles[dataset.class_mask(target) & ~dataset.is_train]
    before, after = moved.layers["original"][rows], moved.X[rows]
    ratio = Measure(np.nan)
    if min(len(before), len(real)) >= 2:
        scale = EnergyScale.of(before, real, None, seed=fitted.classifier.seed)
        ratio = scale.ratio(scale.excess(CloudPair.of(after, real)))
    classifiers = {"f": fitted.model.classify, **fitted.classifier.classifiers}
    return {
        "energy_ratio": number(ratio.value),
        "energy_ratio_low": number(ratio.low),
        "energy_ratio_high": number(ratio.high),
        **{f"hit_rate_{name}": float((classify(after) == target).mean()) for name, classify in classifiers.items()},
    }


def _compared_tests(
    values: Float32Array, dataset: Dataset, target_class: str, genes: pd.DataFrame, names: list[str]
) -> pd.DataFrame:
    """The moderated t of every gene in both cohorts, source class by source class; `values` are those held out."""
    held_out = ~dataset.is_train
    groups = None if dataset.groups is None else np.asarray(dataset.groups, dtype=object)[held_out]
    expression, classes = Expression(values, values, groups=groups), dataset.source_class[held_out]
    target, parts = classes == target_class, []
    for name in names:
        source = np.isin(classes, names) if name == ALL_SOURCES else classes == name
        test = tested(expression, source, target)
        own = genes[genes["source_class"] == name].reset_index(drop=True)
        second = {"test_difference": test.estimate, "test_t": test.t, "test_q_value": q_values(test.p_value)}
        parts.append(own.assign(**second)[list(GENE_COLUMNS)])
    return pd.concat(parts, ignore_index=True)


def _agreement(compared: pd.DataFrame, name: str) -> dict[str, Any]:
    own = compared[compared["source_class"] == name]
    second = own[["test_t", "test_q_value"]].set_axis(["t", "q_value"], axis=1)
    return agreement_of_tests(own[["t", "q_value"]], second)
