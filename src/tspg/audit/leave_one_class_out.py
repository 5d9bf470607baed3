"""Does it generalise? One source class at a time is left out of training and then moved."""

import math

import numpy as np

from tspg.analysis.evaluation.thresholds import THRESHOLDS
from tspg.audit.context import RunContext, relabelled
from tspg.audit.outcome import Outcome, Row, not_tested
from tspg.audit.plan import Plan
from tspg.audit.scores import EvalSet, hit_rate


def leave_one_class_out(context: RunContext, plan: Plan) -> Outcome:
    """Leave each source class out of training and move its held-out samples: the worst class is named.

    Those with most held-out samples come first, as many as the plan has time for. f and the method have never seen
    the class, and its samples are moved without their label.
    """
    dataset = context.dataset
    if len(context.sources) < 2:
        return not_tested("energy_ratio", "there is one source class only")
    held_out = dataset.source_class[~dataset.is_train]
    classes = sorted(context.sources, key=lambda name: (-int((held_out == name).sum()), name))[: plan.unseen_classes]
    ratios, hits = {}, {}
    for name in classes:
        model = context.fit(relabelled(dataset, dataset.source_class, rows=~dataset.class_mask(name)), context.short)
        eval_set = EvalSet.of(dataset, context.target, name)
        if eval_set.is_empty:
            continue
        moved = model.move(eval_set.sources, np.full(len(eval_set.sources), "", dtype=object))
        ratio, hit = eval_set.energy_ratio(moved), hit_rate(context.classifier(moved), context.target)
        if math.isfinite(ratio) and math.isfinite(hit):
            ratios[name], hits[name] = ratio, hit
    if not ratios:
        return not_tested("energy_ratio", "too few held-out samples")
    return Outcome(
        (
            _worst("energy_ratio", ratios, max(ratios, key=lambda name: ratios[name]), "unseen_energy_ratio"),
            _worst("hit_rate_logistic", hits, min(hits, key=lambda name: hits[name]), "unseen_hit_rate"),
        )
    )


def _worst(measure: str, scores: dict[str, float], worst: str, threshold: str) -> Row:
    value, values = scores[worst], scores.values()
    note = f"worst of {len(scores)} classes: {worst}" if len(scores) > 1 else worst
    return Row(measure, value, min(values), max(values), len(values), note, THRESHOLDS[threshold].answer(value))
