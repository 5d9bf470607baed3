"""Is it biology? A technical column as the target, and how closely it goes with the class."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd

from tspg.analysis.evaluation.classifiers import LinearClassifier
from tspg.analysis.evaluation.thresholds import DOUBTFUL, NOT_TESTED, PASS, THRESHOLDS
from tspg.audit.context import RunContext, relabelled
from tspg.audit.null_controls import balanced_accuracy
from tspg.audit.outcome import Outcome, Row, not_tested
from tspg.audit.plan import Plan, Work
from tspg.audit.scores import EvalSet, share_called
from tspg.data.batch import MOST_LEVELS, cramers_v
from tspg.data.own_columns import SAMPLE_COLUMNS, own_column
from tspg.data.prepare import text_column
from tspg.errors import UsageError
from tspg.utils.typing import NameArray

REST = "all others"
FEWEST_TRAINING, FEWEST_HELD_OUT = 10, 5
EASY_RATIO, EASY_HITS = 0.25, 0.9  # a level is reached by profiles that would not fail as a class


def technical_column(subject: RunContext, plan: Plan) -> Outcome:
    """Move profiles to each level of the column as if it were a class; success there is no sign of biology."""
    if plan.technical is None:
        return not_tested("association", "no column was named: give --technical COLUMN")
    levels = levels_of(subject, plan.technical)
    rows = [association(subject.dataset.source_class, levels)]
    names, counts = np.unique(levels[levels != ""], return_counts=True)
    if len(names) < 2:
        return not_tested("association", f"{plan.technical} has one value only")
    rows.append(_predictable(subject, levels))
    most_common = names[np.argsort(-counts, kind="stable")][: plan.levels]
    rows.extend(_moved_to(subject, levels, str(name)) for name in most_common)
    return Outcome(tuple(rows))


def levels_of(subject: RunContext, column: str) -> NameArray:
    """The column's value for every sample as text; empty where it is not known.

    Raises
    ------
    UsageError
        If the run knows no such column.
    """
    kept = own_column(subject.perturbations, column)
    if kept is None:
        others = ", ".join(str(name) for name in subject.perturbations.obs if name not in SAMPLE_COLUMNS) or "none"
        raise UsageError(f"--technical {column}: this run knows no such sample column. There are: {others}.")
    text: NameArray = np.asarray(text_column(subject.perturbations, kept, gaps_allowed=True), dtype=object)
    # A numeric column with more values is cut at its median.
    numbers = pd.to_numeric(pd.Series(text), errors="coerce").to_numpy()
    if len(set(text)) <= MOST_LEVELS or np.isnan(numbers[text != ""]).any():
        return text
    middle = float(np.median(numbers[subject.dataset.is_train & (text != "")]))
    cut = np.where(numbers > middle, f"above {middle:g}", f"up to {middle:g}").astype(object)
    cut[text == ""] = ""
    return cut


def association(classes: NameArray, levels: NameArray) -> Row:
    """How closely the column goes with the class: Cramer's V, corrected for its bias (Bergsma 2013)."""
    known = levels != ""
    table = pd.crosstab(classes[known], levels[known]).to_numpy()
    value = cramers_v(table)
    note = "Cramer's V of column and class, corrected for bias"
    if not known.all():
        note += f"; unknown for {int((~known).sum())} samples"
    return Row("association", value, n=int(known.sum()), note=note, answer=THRESHOLDS["cramers_v"].answer(value))


def _predictable(subject: RunContext, levels: NameArray) -> Row:
    """How well the column is read from profiles that were not trained on: a batch that shows can be moved to."""
    study = relabelled(subject.dataset, levels, rows=levels != "")
    train = study.is_train
    if len(set(study.source_class[train])) < 2 or train.all():
        return Row("predictable_from_profiles", note="too few samples")
    value = balanced_accuracy(LinearClassifier.fit(study.profiles[train], study.source_class[train]), study)
    chance = 1 / len(study.classes)
    shows = (value - chance) / (1 - chance) > 0.5
    note = f"balanced accuracy of a logistic regression, chance {chance:.2f}"
    return Row("predictable_from_profiles", value, n=int((~train).sum()), note=note, answer=DOUBTFUL if shows else PASS)


def _moved_to(subject: RunContext, levels: NameArray, level: str) -> Row:
    known = levels != ""
    labels = np.where(levels == level, level, REST).astype(object)
    study = relabelled(subject.dataset, labels, rows=known)
    measure = f"energy_ratio to {level}"
    counts = {
        part: [int((study.class_mask(name) & rows).sum()) for name in study.classes]
        for part, rows in {"train": study.is_train, "test": ~study.is_train}.items()
    }
    if len(study.classes) < 2 or min(counts["train"]) < FEWEST_TRAINING or min(counts["test"]) < FEWEST_HELD_OUT:
        return Row(measure, note="too few samples", answer=NOT_TESTED)
    model = subject.fit(study, replace(subject.short, target_class=level))
    stage = EvalSet.of(study, level)
    moved = model.move(stage.sources, stage.source_class)
    judge = LinearClassifier.fit(study.profiles[study.is_train], study.source_class[study.is_train])
    hits, base = (share_called(judge(profiles), level) for profiles in (moved, stage.sources))
    ratio = stage.energy_ratio(moved)
    if not math.isfinite(ratio):
        return Row(measure, n=len(moved), note="its samples lie among the others", answer=NOT_TESTED)
    easy = ratio <= EASY_RATIO and hits >= EASY_HITS
    note = f"a logistic judge calls {hits:.2f} of the moved profiles {level}, {base:.2f} of the untouched"
    note += "; this column can be perturbed to as easily as a class" if easy else ""
    return Row(measure, ratio, n=len(moved), note=note, answer=DOUBTFUL if easy else PASS)


def batch_as_target_work(subject: RunContext, plan: Plan) -> Work:
    """A short fit a level."""
    del subject
    return Work(short=plan.levels if plan.technical else 0)
