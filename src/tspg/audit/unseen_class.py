"""Does it generalise? One source class at a time is kept from training and then moved."""

import math

import numpy as np

from tspg.analysis.thresholds import THRESHOLDS
from tspg.audit.bench import Stage, share_called
from tspg.audit.outcome import Outcome, Row, not_tested
from tspg.audit.plan import Plan, Work
from tspg.audit.subject import Subject, relabelled


def unseen_class(subject: Subject, plan: Plan) -> Outcome:
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


def classes_to_leave_out(subject: Subject, plan: Plan) -> list[str]:
    """The source classes with most held-out samples, as many as the plan has time for."""
    held_out = subject.prepared.source_class[~subject.prepared.is_train]
    return sorted(subject.sources, key=lambda name: (-int((held_out == name).sum()), name))[: plan.unseen_classes]


def _left_out(subject: Subject, name: str) -> tuple[float, float]:
    """Energy ratio and hit rate of a class that neither f nor the method has seen, moved without its label."""
    prepared = subject.prepared
    model = subject.fit(relabelled(prepared, prepared.source_class, rows=~prepared.in_class(name)), subject.short)
    stage = Stage.of(prepared, subject.target, name)
    if stage.is_empty:
        return math.nan, math.nan
    moved = model.move(stage.sources, np.full(len(stage.sources), "", dtype=object))
    return stage.energy_ratio(moved), share_called(subject.judge(moved), subject.target)


def _worst(measure: str, scores: dict[str, float], worst: str, threshold: str) -> Row:
    value = scores[worst]
    note = f"worst of {len(scores)} classes: {worst}" if len(scores) > 1 else worst
    answer = THRESHOLDS[threshold].answer(value)
    return Row(measure, value, min(scores.values()), max(scores.values()), len(scores), note, answer)


def unseen_work(subject: Subject, plan: Plan) -> Work:
    """A short fit a class."""
    n = len(subject.sources)
    return Work(short=min(n, plan.unseen_classes) if n > 1 else 0)
