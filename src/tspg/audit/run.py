"""An audit from start to end: every control in turn, each kept as soon as it is finished."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from tspg.analysis.evaluation.controls import control_text
from tspg.analysis.evaluation.thresholds import PASS
from tspg.analysis.evaluation.verdict import answer_questions
from tspg.audit.batch_as_target import levels_of, technical_column
from tspg.audit.context import RunContext, read_context
from tspg.audit.inputs import located
from tspg.audit.leave_one_class_out import leave_one_class_out
from tspg.audit.null_controls import permuted_labels, pseudo_target, source_is_target
from tspg.audit.outcome import (
    Outcome,
    controls_table,
    key_of,
    load_outcome,
    stable_genes_table,
    store_outcome,
    without_fails,
)
from tspg.audit.plan import Plan, Work, seconds_for
from tspg.audit.random_gene_sets import random_gene_sets
from tspg.audit.reproducibility import gene_stability, is_refitted_by_means
from tspg.audit.second_classifier import has_second_classifier, with_second_classifier
from tspg.audit.spike_in import EFFECTS, largest_class, spike_in
from tspg.experiment.metrics import number, values_by_method
from tspg.model.device import fixed_threads
from tspg.report.read import RunFiles, read_run
from tspg.utils.progress import Progress, silent
from tspg.utils.text import duration

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Control:
    """One control: what carries it out, and what that costs.

    With `needs_training` it tests what training achieves, so a fit shorter than the run's own cannot fail it.
    """

    run: Callable[[RunContext, Plan], Outcome]
    work: Callable[[RunContext, Plan], Work]
    needs_training: bool = False


def _cost_of_part(context: RunContext, name: str) -> float:
    """What a fit on the samples of one class costs, as a share of one on all."""
    return 0.5 + 0.5 * float(context.dataset.class_mask(name).mean())


def _f_besides(context: RunContext, n: int) -> int:
    """How often f is trained besides, where it is asked in `n` fits: a generator that is trained has one anyway."""
    return 0 if context.config.is_trained else n


def _unseen_work(context: RunContext, plan: Plan) -> Work:
    n_sources = len(context.sources)
    n = min(n_sources, plan.unseen_classes) if n_sources > 1 else 0
    return Work(short=n, f=_f_besides(context, n) if n_sources > 2 else 0)  # with one class left there is no choice


def _stability_work(context: RunContext, plan: Plan) -> Work:
    n = 0 if is_refitted_by_means(context.config) else plan.bootstraps
    n += plan.seeds if context.config.is_trained else 0
    return Work(short=n) if plan.quick else Work(long=n)


CONTROLS: Mapping[str, Control] = {
    "source_is_target": Control(source_is_target, lambda _context, _plan: Work()),
    "permuted_labels": Control(
        permuted_labels, lambda context, plan: Work(short=plan.permutations, f=_f_besides(context, plan.permutations))
    ),
    "pseudo_target": Control(
        pseudo_target, lambda context, plan: Work(short=plan.splits * _cost_of_part(context, context.target))
    ),
    "planted_drivers": Control(
        spike_in,
        lambda context, plan: Work(
            short=plan.planted * len(EFFECTS) * _cost_of_part(context, largest_class(context.dataset))
        ),
        needs_training=True,
    ),
    "random_gene_sets": Control(random_gene_sets, lambda _context, plan: Work(sets=plan.gene_sets + 1)),
    "leave_one_class_out": Control(leave_one_class_out, _unseen_work, needs_training=True),
    "technical_column": Control(
        technical_column, lambda _context, plan: Work(short=plan.levels if plan.technical else 0)
    ),
    "stability": Control(gene_stability, _stability_work, needs_training=True),
}


@dataclass(frozen=True)
class Audit:
    """The tables of an audit: controls, genes that come back, and the evidence with a second f.

    `seconds_expected` is about how much work was still to be done when it began.
    """

    controls: pd.DataFrame
    stable_genes: pd.DataFrame
    evidence: pd.DataFrame
    seconds_expected: float

    def lines(self) -> list[str]:
        """The answer of each control and what it asks for; below it what was found, unless it passed."""
        found = []
        for one in control_text(self.controls):
            found.append(f"{one.answer + ':':<12}{one.title} (asked: {one.asks})")
            if one.answer != PASS:
                found.append(f"{'':<12}{one.found}")
        return found


def audit_run(folder: Path, *, quick: bool = False, technical: str | None = None, progress: Progress = silent) -> Audit:
    """Carry out every control of a finished run that was not finished before.

    Parameters
    ----------
    folder
        The folder of a finished `tspg run` or `tspg demo`; finished controls are kept in it.
    technical
        A sample column that is not biology, such as a batch, to be tried as the target.

    Raises
    ------
    TspgError
        If there is no finished run, or it knows no such column; before any work starts.
    """
    context = read_context(folder, quick=quick)
    plan = Plan.of(quick=quick, technical=technical, reading=located(context.manifest.get("reading", {}), folder))
    if technical is not None:
        levels_of(context, technical)
    of_column = plan.settings()  # another column must not undo controls that have nothing to do with it
    of_others = {name: value for name, value in of_column.items() if name != "technical"}
    keys = {
        name: key_of(context.model.model_id, of_column if name == "technical_column" else of_others)
        for name in CONTROLS
    }
    found = {name: load_outcome(folder, name, keys[name]) for name in CONTROLS}
    works = {name: control.work(context, plan) for name, control in CONTROLS.items() if found[name] is None}
    seconds = {name: seconds_for(work, context) for name, work in works.items()}
    evidence = read_run(folder).tables["evidence"]
    of_second_f = 0.0 if has_second_classifier(evidence) else seconds_for(Work(f=1), context)
    expected = sum(seconds.values()) + of_second_f
    told = _Told(progress, seconds, {name: work.short + work.long for name, work in works.items()}, of_second_f)
    context = replace(context, before_fit=told.before_fit)
    outcomes: dict[str, Outcome] = {}
    if expected:
        logger.info("expect about %s", duration(expected))
    with fixed_threads(context.config.threads):
        for name, control in CONTROLS.items():
            told.begin(name)
            outcome = found[name]
            if outcome is None:
                outcome, steps = control.run(context, plan), context.short_steps
                if control.needs_training and works[name].short and steps < context.own_steps:
                    note = f"trained for {steps} of the run's {context.own_steps} steps only"
                    outcome = without_fails(outcome, note)
                store_outcome(folder, name, keys[name], outcome)
            outcomes[name] = outcome
        evidence = with_second_classifier(evidence, context)
        told.end()
    return Audit(controls_table(outcomes), stable_genes_table(outcomes), evidence, expected)


class _Told:
    """Reports how far an audit is: by the expected seconds of its controls, within a control by its fits."""

    def __init__(
        self, progress: Progress, seconds: Mapping[str, float], fits: Mapping[str, float], afterwards: float
    ) -> None:
        self._progress, self._seconds, self._fits = progress, seconds, fits
        self._total, self._done, self._control = sum(seconds.values()) + afterwards, 0.0, 0
        self._of_control, self._of_fit, self._n_fits = 0.0, 0.0, 0

    def begin(self, name: str) -> None:
        """The next control, by name."""
        self._done += self._of_control
        self._of_control, self._n_fits = self._seconds.get(name, 0.0), 0
        self._of_fit = self._of_control / max(1.0, self._fits.get(name, 0.0))
        self._control += 1
        self._report(self._done)

    def before_fit(self) -> None:
        """One fit more of this control begins; how many it takes is known about."""
        self._report(self._done + min(self._of_control, self._n_fits * self._of_fit))
        self._n_fits += 1

    def end(self) -> None:
        """All controls are done."""
        self._report(self._total, is_over=True)

    def _report(self, done: float, *, is_over: bool = False) -> None:
        total = max(1, round(self._total))
        numbers = {"seconds": max(1.0, self._total), "control": self._control, "controls": len(CONTROLS)}
        self._progress("audit", total if is_over else min(int(done), total - 1), total, numbers)


def audit_metrics(found: Audit, run: RunFiles) -> dict[str, Any]:
    """The entries of `metrics.json` that an audit changes: the answers, and the verdict that follows from them."""
    answers: dict[str, dict[str, Any]] = {}
    for row in found.controls.to_dict("records"):
        of_control = answers.setdefault(str(row["control"]), {})
        of_control[str(row["measure"])] = {"value": number(float(row["value"])), "answer": row["answer"]}
    return {
        "controls": answers,
        "evidence": values_by_method(found.evidence),
        "verdict": answer_questions(
            found.evidence, method=run.method, controls=found.controls, test_evidence=run.test_evidence
        ),
    }
