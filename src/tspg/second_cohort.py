"""What holds on a second cohort: evidence and tests of genes on people that nothing was learned from."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tspg.analysis.agreement import agreement_of_tests
from tspg.analysis.class_genes import ALL_SOURCES, Expression, tested
from tspg.analysis.verdict import verdict
from tspg.data.matrix import dense
from tspg.data.prepare import FloatMatrix, Prepared, text_column
from tspg.data.second_cohort import SecondCohort
from tspg.fitting import Fit, evidence_of
from tspg.metrics import values_by_method
from tspg.model.gene_statistics import q_values
from tspg.question import Question

GENE_COLUMNS = (
    *("source_class", "gene", "difference", "t", "q_value"),
    *("test_difference", "test_t", "test_q_value"),
)


@dataclass(frozen=True)
class Judged:
    """What a second cohort says: tables by the name of their file, and the numbers of `metrics.json`."""

    evidence: pd.DataFrame
    genes: pd.DataFrame
    metrics: dict[str, Any]

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables by the names of their files."""
        return {"test_evidence": self.evidence, "test_genes": self.genes}


def judge(question: Question, fitted: Fit, genes: pd.DataFrame) -> Judged | None:
    """Evidence, verdict and agreement of genes on the second cohort; None where there is none.

    Parameters
    ----------
    question
        With the second cohort.
    fitted
        What was learned from the first: nothing is fitted here.
    genes
        The tests of the first cohort (`class_genes`).
    """
    if question.second is None:
        return None
    config, second = question.config, question.second
    classes = np.asarray(text_column(second.study, config.label_column))
    prepared = with_second(fitted.prepared, second, config.label_column, config.group_column)
    evidence = evidence_of(fitted, question, prepared)
    sources = [name for name in fitted.model.source_classes if name in classes]
    known = dense(second.study)[np.isin(classes, prepared.classes)]
    beside = _tests_side_by_side(known, prepared, config.target_class, genes, [*sources, ALL_SOURCES])
    unknown = sorted(set(classes) - set(prepared.classes))
    return Judged(
        evidence,
        beside,
        {
            "file": second.file,
            "labels_file": second.labels_file,
            "n_samples": len(classes),
            "classes": {str(name): int((classes == name).sum()) for name in sorted(set(classes))},
            "clipped_fraction": prepared.clipped_cells / second.study.X.size,
            "evidence": values_by_method(evidence),
            "verdict": verdict(evidence, method=fitted.model.method.name),
            "genes": {name: _agreement(beside, name) for name in [*sources, ALL_SOURCES]},
            "unknown_classes": {str(name): {"n": int((classes == name).sum())} for name in unknown},
        },
    )


def with_second(first: Prepared, second: SecondCohort, label_column: str, group_column: str | None) -> Prepared:
    """The first cohort's training samples, with the second cohort, where the model knows the class, held out."""
    labels = np.asarray(text_column(second.study, label_column), dtype=object)
    known = np.isin(labels, first.classes)
    profiles, clipped = scaled(second, first)
    train, n_known = np.flatnonzero(first.is_train), int(known.sum())
    own = np.searchsorted(np.asarray(first.classes), labels[known].astype(str))
    names = np.asarray(second.study.obs_names, dtype=object)
    has_donors = group_column is not None and group_column in second.study.obs
    donors = np.asarray(text_column(second.study, str(group_column)), dtype=object) if has_donors else names
    return replace(
        first,
        profiles=np.concatenate([first.profiles[train], profiles[known]]),
        class_index=np.concatenate([first.class_index[train], own.astype(np.int64)]),
        is_train=np.arange(len(train) + n_known) < len(train),
        sample_ids=(*_chosen(first.sample_ids, train), *names[known]),
        groups=None if first.groups is None else (*_chosen(first.groups, train), *donors[known]),
        clipped_cells=clipped,
        annotation=None,
    )


def scaled(second: SecondCohort, first: Prepared) -> tuple[FloatMatrix, int]:
    """The second cohort's profiles as the model sees them, and how many values were clipped.

    The one place where its values are changed: adjusted and scaled by what the first cohort taught.
    """
    values, adjustment = dense(second.study), first.adjustment
    if adjustment is not None:
        has_levels = adjustment.column in second.study.obs
        levels = text_column(second.study, adjustment.column, gaps_allowed=True) if has_levels else [""] * len(values)
        values, _ = adjustment.transform(values, levels)
    return first.scaler.transform(values)


def _chosen(names: tuple[str, ...], rows: NDArray[np.intp]) -> list[str]:
    return [names[row] for row in rows]


def _tests_side_by_side(
    values: FloatMatrix, prepared: Prepared, target_class: str, genes: pd.DataFrame, names: list[str]
) -> pd.DataFrame:
    """The moderated t of every gene in both cohorts, source class by source class; `values` are those held out."""
    held_out = ~prepared.is_train
    groups = None if prepared.groups is None else np.asarray(prepared.groups, dtype=object)[held_out]
    expression, classes = Expression(values, values, groups=groups), prepared.source_class[held_out]
    target, parts = classes == target_class, []
    for name in names:
        source = np.isin(classes, names) if name == ALL_SOURCES else classes == name
        test = tested(expression, source, target)
        own = genes[genes["source_class"] == name].reset_index(drop=True)
        beside = {"test_difference": test.estimate, "test_t": test.t, "test_q_value": q_values(test.p_value)}
        parts.append(own.assign(**beside)[list(GENE_COLUMNS)])
    return pd.concat(parts, ignore_index=True)


def _agreement(beside: pd.DataFrame, name: str) -> dict[str, Any]:
    own = beside[beside["source_class"] == name]
    second = own[["test_t", "test_q_value"]].set_axis(["t", "q_value"], axis=1)
    return agreement_of_tests(own[["t", "q_value"]], second)
