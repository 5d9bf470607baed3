"""Does it generalise? One source class at a time is kept from training and then moved."""

import math

import numpy as np

from tspg.analysis.evaluation.thresholds import THRESHOLDS
from tspg.audit.context import RunContext, relabelled
from tspg.audit.outcome import Outcome, Row, not_tested
from tspg.audit.plan import Plan, Work
from tspg.audit.scores import EvalSet, share_called


def leave_one_class_out(subject: RunContext, plan: Plan) -> Outcome:
    """Leave each source class out of training and move its held-out samples: the worst class is named."""
    if len(subject.sources) < 2:
        return not_tested("energy_ratio", "there is one source class only")
    found = {name: _left_out(subject, name) for name in classes_to_leave_out(subject, plan)}
    usable = {name: scores for name, scores in found.items() if all(map(math.isfinite, scores))}
    if not usable:
        return not_tested("energy_ratio", "too few held-out samples")
    ratios = {name: ratio for name, (ratio, _) in usable.items()}
    hits = {name: hit for name, (_, hit) in usable.items()}
    return Outcome(
        (
            _worst("energy_ratio", ratios, max(ratios, key=lambda name: ratios[name]), "unseen_energy_ratio"),
            _worst("hit_rate_logistic", hits, min(hits, key=lambda name: hits[name]), "unseen_hit_rate"),
        )
    )


def classes_to_leave_out(subject: RunContext, plan: Plan) -> list[str]:
    """The source classes with most held-out samples, as many as the plan has time for."""
    held_out = subject.dataset.source_class[~subject.dataset.is_train]
    return sorted(subject.sources, key=lambda name: (-int((held_out == name).sum()), name))[: plan.unseen_classes]


def _left_out(subject: RunContext, name: str) -> tuple[float, float]:
    """Energy ratio and hit rate of a class that neither f nor the method has seen, moved without its label."""
    dataset = subject.dataset
    model = subject.fit(relabelled(dataset, dataset.source_class, rows=~dataset.class_mask(name)), subject.short)
    stage = EvalSet.of(dataset, subject.target, name)
    if stage.is_empty:
        return math.nan, math.nan
    moved = model.move(stage.sources, np.full(len(stage.sources), "", dtype=object))
    return stage.energy_ratio(moved), share_called(subject.judge(moved), subject.target)


def _worst(measure: str, scores: dict[str, float], worst: str, threshold: str) -> Row:
    value = scores[worst]
    note = f"worst of {len(scores)} classes: {worst}" if len(scores) > 1 else worst
    answer = THRESHOLDS[threshold].answer(value)
    return Row(measure, value, min(scores.values()), max(scores.values()), len(scores), note, answer)


def leave_one_class_out_work(subject: RunContext, plan: Plan) -> Work:
    """A short fit a class."""
    n = len(subject.sources)
    return Work(short=min(n, plan.unseen_classes) if n > 1 else 0)
