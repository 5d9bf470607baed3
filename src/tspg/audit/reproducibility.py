"""Do the genes come back? Fits with donors drawn anew, and with other seeds where a generator is trained."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tspg.analysis.evaluation.resampling import bootstrap_weights, donor_codes
from tspg.analysis.evaluation.thresholds import SELECTED_OFTEN, THRESHOLDS
from tspg.audit.context import RunContext, donor_names
from tspg.audit.outcome import Outcome, Row
from tspg.audit.plan import Plan
from tspg.audit.scores import class_changes
from tspg.audit.stability import List, Repeats
from tspg.data.prepare import Dataset

BOOTSTRAP = 73  # stream of random numbers


def gene_stability(context: RunContext, plan: Plan) -> Outcome:
    """Gene lists of several fits: how alike they are, and the genes that lead when they are averaged.

    A closed form is the same with every seed, so it is repeated with other donors only. Training is as long as the
    run's own; short under `--quick`.
    """
    config = context.config
    if plan.quick:
        config = replace(context.short, source_classes=config.source_classes)

    def repeats_on(datasets: Sequence[Dataset]) -> Repeats:
        fits = []
        for number, dataset in enumerate(datasets, start=1):
            model = context.fit(dataset, replace(config, seed=context.config.seed + number))
            fits.append(class_changes(model, context.dataset))
        return Repeats.of(fits, ~context.dataset.scaler.constant, context.config.top_k)

    note = "all lists together" + ("; trained for a short time" if plan.quick else "")
    by_seed = by_donor = repeats_on([resampled(context, number) for number in range(1, plan.bootstraps + 1)])
    rows = _agreement_rows(by_donor, "donors drawn anew", plan.bootstraps, note)
    if config.is_trained:
        by_seed = repeats_on([context.dataset] * plan.seeds)
        rows = [*_agreement_rows(by_seed, "seeds", plan.seeds, note), *rows]
    genes = tuple(gene for of in by_seed.lists for gene in _averaged(context, by_seed, by_donor, of))
    agreed = [gene["sign_agreement"] for gene in genes]
    stable = [gene["stable"] == "yes" for gene in genes]
    rows += [
        _share("sign_agreement", agreed, "sign_agreement", "averaged over the top genes"),
        _share("stable_genes", stable, "share_stable", ""),
    ]
    return Outcome(tuple(rows), genes)


def resampled(context: RunContext, number: int) -> Dataset:
    """The dataset with its training donors drawn anew, among those with samples of the same classes."""
    dataset = context.dataset
    train, test = np.flatnonzero(dataset.is_train), np.flatnonzero(~dataset.is_train)
    donors, classes = donor_codes((len(train), donor_names(dataset)[train]))[0], dataset.class_index[train]
    has_class = np.zeros((donors.max() + 1, classes.max() + 1), dtype=bool)
    has_class[donors, classes] = True
    strata = np.unique(has_class, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)[donors]
    rng = np.random.default_rng([context.config.seed, BOOTSTRAP, number])
    counts = bootstrap_weights(donors, n_boot=1, rng=rng, strata=strata)[0]
    rows = np.concatenate([np.repeat(train, counts.astype(np.int64)), test])
    return replace(
        dataset,
        profiles=dataset.profiles[rows],
        class_index=dataset.class_index[rows],
        is_train=dataset.is_train[rows],
        sample_ids=tuple(map(str, range(len(rows)))),  # a sample can occur twice
        groups=None,
    )


def _agreement_rows(repeats: Repeats, of_what: str, n: int, note: str) -> list[Row]:
    """How alike the lists of several fits are."""
    phi, low, high = repeats.stability()
    overlap, agreement = repeats.overlap(), repeats.agreement()
    stability, alike = THRESHOLDS["stability"], THRESHOLDS["overlap"]
    rbo = "rank-biased overlap, persistence 0.9"
    return [
        Row(f"stability, {of_what}", phi, low, high, n, note, stability.answer(phi)),
        Row(f"rank_biased_overlap, {of_what}", overlap, n=n, note=rbo, answer=alike.answer(overlap)),
        Row(f"top_gene_agreement, {of_what}", agreement, n=n, answer=alike.answer(agreement)),
    ]


def _share(measure: str, values: Sequence[float], threshold: str, note: str) -> Row:
    value = float(np.mean(values)) if values else float("nan")
    return Row(measure, value, n=len(values), note=note, answer=THRESHOLDS[threshold].answer(value))


def _averaged(context: RunContext, by_seed: Repeats, by_donor: Repeats, of: List) -> list[dict[str, Any]]:
    """One list averaged over the fits; a gene is stable if it is selected often with other seeds and other donors."""
    frequency, with_donors = by_seed.selected(of).mean(axis=0), by_donor.selected(of).mean(axis=0)
    agreement, change = by_seed.same_sign(of[0]), by_seed.changes[of[0]].mean(axis=0)
    return [
        {
            "source_class": of[0],
            "direction": of[1],
            "gene": context.dataset.gene_ids[gene],
            "selection_frequency": float(frequency[gene]),
            "mean_perturbation": float(change[gene]),
            "sign_agreement": float(agreement[gene]),
            "stable": "yes" if min(frequency[gene], with_donors[gene]) >= SELECTED_OFTEN else "no",
            "donor_frequency": float(with_donors[gene]),
        }
        for gene in by_seed.averaged(of).tolist()
    ]
