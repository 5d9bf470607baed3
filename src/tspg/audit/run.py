"""An audit from start to end: every control in turn, each kept as soon as it is finished."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from tspg.analysis.evaluation.controls import control_text
from tspg.analysis.evaluation.thresholds import PASS
from tspg.analysis.evaluation.verdict import answer_questions
from tspg.audit.batch_as_target import batch_as_target_work, levels_of, technical_column
from tspg.audit.context import RunContext, read_context
from tspg.audit.inputs import located
from tspg.audit.leave_one_class_out import leave_one_class_out, leave_one_class_out_work
from tspg.audit.null_controls import permuted_labels, permuted_work, pseudo_target, pseudo_work, source_is_target
from tspg.audit.outcome import Outcome, controls_table, stable_genes_table, without_fails
from tspg.audit.plan import Plan, Work, seconds_for
from tspg.audit.random_gene_sets import gene_sets_work, random_gene_sets
from tspg.audit.reproducibility import gene_stability, stability_work
from tspg.audit.second_classifier import with_second_classifier
from tspg.audit.spike_in import spike_in, spike_in_work
from tspg.audit.store import key_of, load_outcome, store_outcome
from tspg.experiment.metrics import number, values_by_method
from tspg.model.device import fixed_threads
from tspg.report.read import RunFiles, read_run
from tspg.utils.progress import Progress, silent

Task = Callable[[RunContext, Plan], Outcome]
Cost = Callable[[RunContext, Plan], Work]


def _free(subject: RunContext, plan: Plan) -> Work:
    del subject, plan
    return Work()


CONTROLS: Mapping[str, tuple[Task, Cost]] = {
    "source_is_target": (source_is_target, _free),
    "permuted_labels": (permuted_labels, permuted_work),
    "pseudo_target": (pseudo_target, pseudo_work),
    "planted_drivers": (spike_in, spike_in_work),
    "random_gene_sets": (random_gene_sets, gene_sets_work),
    "leave_one_class_out": (leave_one_class_out, leave_one_class_out_work),
    "technical_column": (technical_column, batch_as_target_work),
    "stability": (gene_stability, stability_work),
}


NEEDS_TRAINING = ("planted_drivers", "leave_one_class_out", "stability")


@dataclass(frozen=True)
class Audit:
    """The tables of an audit: controls, genes that come back, and the evidence with a second f among the judges.

    `seconds_expected` is about how much work was still to be done when it began.
    """

    controls: pd.DataFrame
    stable_genes: pd.DataFrame
    evidence: pd.DataFrame
    seconds_expected: float

    def lines(self) -> list[str]:
        """The answer of each control and what was asked of it; below it what was found, unless it passed."""
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
    subject = read_context(folder, quick=quick)
    plan = Plan.of(quick=quick, technical=technical, reading=located(subject.manifest.get("reading", {}), folder))
    if technical is not None:
        levels_of(subject, technical)
    keys = {name: key_of(subject.model.model_id, _settings(name, plan)) for name in CONTROLS}
    found = {name: load_outcome(folder, name, keys[name]) for name in CONTROLS}
    left = {name: seconds_for(CONTROLS[name][1](subject, plan), subject) for name in CONTROLS if found[name] is None}
    expected = sum(left.values())
    phase = f"audit (about {max(1.0, expected):.0f} s)"
    progress(phase, 0, len(CONTROLS), {})
    outcomes: dict[str, Outcome] = {}
    with fixed_threads(subject.config.threads):
        for number, (name, (run_command, _)) in enumerate(CONTROLS.items(), start=1):
            outcome = found[name]
            if outcome is None:
                outcome = _tempered(run_command(subject, plan), CONTROLS[name][1](subject, plan), name, subject)
                store_outcome(folder, name, keys[name], outcome)
            outcomes[name] = outcome
            progress(phase, number, len(CONTROLS), {})
        evidence = with_second_classifier(read_run(folder).tables["evidence"], subject)
    return Audit(controls_table(outcomes), stable_genes_table(outcomes), evidence, expected)


def _tempered(outcome: Outcome, work: Work, name: str, subject: RunContext) -> Outcome:
    """Where a control asks for what training achieves, a fit shorter than the run's own cannot fail it."""
    steps = subject.short_steps
    if name in NEEDS_TRAINING and work.short and steps < subject.own_steps:
        return without_fails(outcome, f"trained for {steps} of the run's {subject.own_steps} steps only")
    return outcome


def _settings(name: str, plan: Plan) -> dict[str, object]:
    """The plan as far as it decides a control: another column must not undo what has nothing to do with it."""
    settings = plan.settings()
    if name != "technical_column":
        del settings["technical"]
    return settings


def audit_metrics(found: Audit, run: RunFiles) -> dict[str, Any]:
    """The entries of `metrics.json` that an audit changes: the answers, and the verdict that follows from them."""
    answers: dict[str, dict[str, Any]] = {}
    for row in found.controls.to_dict("records"):
        told = {"value": number(float(row["value"])), "answer": row["answer"]}
        answers.setdefault(str(row["control"]), {})[str(row["measure"])] = told
    given = {"controls": found.controls, "test_evidence": run.test_evidence}
    return {
        "controls": answers,
        "evidence": values_by_method(found.evidence),
        "verdict": answer_questions(found.evidence, method=run.method, **given),
    }
