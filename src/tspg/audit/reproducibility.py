"""Do the genes come back? The same question with donors drawn anew, and where a generator is trained other seeds."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tspg.analysis.evaluation.resampling import bootstrap_weights, donor_codes
from tspg.analysis.evaluation.thresholds import SELECTED_OFTEN, THRESHOLDS
from tspg.audit.context import RunContext, donor_names
from tspg.audit.outcome import Outcome, Row
from tspg.audit.plan import Plan, Work
from tspg.audit.scores import class_changes
from tspg.audit.stability import List, Repeats
from tspg.data.prepare import Dataset
from tspg.model.config import ExperimentConfig
from tspg.utils.typing import Float64Array, Int64Array

BOOTSTRAP = 73  # stream of random numbers


def gene_stability(subject: RunContext, plan: Plan) -> Outcome:
    """Gene lists of several fits: how alike they are, and the genes that lead when they are averaged.

    What is computed in closed form is the same with every seed: it is asked with other donors only.
    """
    config = config_of_repeats(subject, plan)
    donors = [_of_fit(subject, resampled(subject, number), config, number) for number in range(1, plan.bootstraps + 1)]
    by_seed = by_donor = _repeats(subject, donors)
    alike: list[Row] = []
    if config.is_trained:
        seeds = [_of_fit(subject, subject.dataset, config, number) for number in range(1, plan.seeds + 1)]
        by_seed = _repeats(subject, seeds)
        alike = _alike(by_seed, "seeds", plan.seeds, _note(plan))
    genes = tuple(gene for of in by_seed.lists for gene in _averaged(subject, by_seed, by_donor, of))
    agreed = [gene["sign_agreement"] for gene in genes]
    stable = [gene["stable"] == "yes" for gene in genes]
    return Outcome(
        (
            *alike,
            *_alike(by_donor, "donors drawn anew", plan.bootstraps, _note(plan)),
            _share("sign_agreement", agreed, "sign_agreement", "averaged over the top genes"),
            _share("stable_genes", stable, "share_stable", ""),
        ),
        genes,
    )


def _note(plan: Plan) -> str:
    """What the agreement of lists is of."""
    return "all lists together" + ("; trained for a short time" if plan.quick else "")


def config_of_repeats(subject: RunContext, plan: Plan) -> ExperimentConfig:
    """As long a training as the run's own; the short one under `--quick`."""
    if plan.quick:
        return replace(subject.short, source_classes=subject.config.source_classes)
    return subject.config


def _of_fit(subject: RunContext, dataset: Dataset, config: ExperimentConfig, number: int) -> dict[str, Float64Array]:
    model = subject.fit(dataset, replace(config, seed=subject.config.seed + number))
    return class_changes(model, subject.dataset)


def _repeats(subject: RunContext, fits: Sequence[dict[str, Float64Array]]) -> Repeats:
    return Repeats.of(fits, ~subject.dataset.scaler.constant, subject.config.top_k)


def resampled(subject: RunContext, number: int) -> Dataset:
    """The study with its training donors drawn anew, among those with samples of the same classes."""
    dataset = subject.dataset
    train, test = np.flatnonzero(dataset.is_train), np.flatnonzero(~dataset.is_train)
    donors = donor_codes((len(train), donor_names(dataset)[train]))[0]
    rng = np.random.default_rng([subject.config.seed, BOOTSTRAP, number])
    counts = bootstrap_weights(donors, n_boot=1, rng=rng, strata=_strata(donors, dataset.class_index[train]))[0]
    rows = np.concatenate([np.repeat(train, counts.astype(np.int64)), test])
    return replace(
        dataset,
        profiles=dataset.profiles[rows],
        class_index=dataset.class_index[rows],
        is_train=dataset.is_train[rows],
        sample_ids=tuple(f"{number}" for number in range(len(rows))),  # a sample can occur twice
        groups=None,
    )


def _strata(donors: Int64Array, classes: Int64Array) -> Int64Array:
    """A number for every sample: the combination of classes that its donor has samples of."""
    member = np.zeros((donors.max() + 1, classes.max() + 1), dtype=bool)
    member[donors, classes] = True
    combination = np.unique(member, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)
    of_sample: Int64Array = combination[donors]
    return of_sample


def _alike(repeats: Repeats, of_what: str, n: int, note: str) -> list[Row]:
    """How alike the lists of several fits are."""
    phi, low, high = repeats.stability()
    overlap, agreement = repeats.overlap(), repeats.agreement()
    return [
        Row(f"stability, {of_what}", phi, low, high, n, note, THRESHOLDS["stability"].answer(phi)),
        Row(
            f"rank_biased_overlap, {of_what}",
            overlap,
            n=n,
            note="rank-biased overlap, persistence 0.9",
            answer=THRESHOLDS["overlap"].answer(overlap),
        ),
        Row(f"top_gene_agreement, {of_what}", agreement, n=n, answer=THRESHOLDS["overlap"].answer(agreement)),
    ]


def _share(measure: str, values: Sequence[float], threshold: str, note: str) -> Row:
    value = float(np.mean(values)) if values else float("nan")
    return Row(measure, value, n=len(values), note=note, answer=THRESHOLDS[threshold].answer(value))


def _averaged(subject: RunContext, by_seed: Repeats, by_donor: Repeats, of: List) -> list[dict[str, Any]]:
    """One list averaged over the fits; a gene is stable if it is selected often with other seeds and other donors."""
    frequency, with_donors = by_seed.selected(of).mean(axis=0), by_donor.selected(of).mean(axis=0)
    agreement, change = by_seed.same_sign(of[0]), by_seed.changes[of[0]].mean(axis=0)
    return [
        {
            "source_class": of[0],
            "direction": of[1],
            "gene": subject.dataset.gene_ids[gene],
            "selection_frequency": float(frequency[gene]),
            "mean_perturbation": float(change[gene]),
            "sign_agreement": float(agreement[gene]),
            "stable": "yes" if min(frequency[gene], with_donors[gene]) >= SELECTED_OFTEN else "no",
            "donor_frequency": float(with_donors[gene]),
        }
        for gene in by_seed.averaged(of).tolist()
    ]


def stability_work(subject: RunContext, plan: Plan) -> Work:
    """A fit a seed and a fit a draw of donors."""
    n = plan.bootstraps + (plan.seeds if subject.config.is_trained else 0)
    return Work(short=n) if plan.quick else Work(long=n)
