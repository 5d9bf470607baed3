"""Do the genes come back? With donors drawn anew, and with other seeds where a generator is trained."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tspg.analysis.evaluation.resampling import bootstrap_weights, donor_codes
from tspg.analysis.evaluation.thresholds import SELECTED_OFTEN, THRESHOLDS
from tspg.audit.context import RunContext, donor_names
from tspg.audit.outcome import Outcome, Row
from tspg.audit.plan import Plan
from tspg.audit.refit import closed_form_of
from tspg.audit.scores import class_changes
from tspg.audit.stability import List, Repeats
from tspg.data.prepare import Dataset
from tspg.model.config import ExperimentConfig
from tspg.utils.typing import Float64Array

BOOTSTRAP = 73  # stream of random numbers
MEANS_ONTO_TARGET = ("linear_map", "mean_shift", "target_mean", "paired_regression")  # closed forms that move so
COMPARED = 20  # fits whose lists are compared two by two
FEWEST_DRAWS, DRAWN_CELLS = 20, 10**7  # draws of donors: fewer where genes x classes are many


def gene_stability(context: RunContext, plan: Plan) -> Outcome:
    """Gene lists of several fits: how alike they are, and the genes that lead when they are averaged.

    A closed form is the same with every seed, so it is repeated with other donors only. Training is as long as the
    run's own; short under `--quick`.
    """
    config, may_rank, top_k = context.config, ~context.dataset.scaler.constant, context.config.top_k
    if plan.quick:
        config = replace(context.short, source_classes=config.source_classes)

    def repeats_on(datasets: Sequence[Dataset]) -> Repeats:
        fits = []
        for number, dataset in enumerate(datasets, start=1):
            model = context.fit(dataset, replace(config, seed=context.config.seed + number))
            fits.append(class_changes(model, context.dataset))
        return Repeats.of(fits, may_rank, top_k)

    note = "all lists together" + ("; trained for a short time" if plan.quick and config.is_trained else "")
    if is_refitted_by_means(config):
        by_donor = Repeats(drawn_changes(context, draws_for(context, plan)), may_rank, top_k)
    else:
        by_donor = repeats_on([resampled(context, number) for number in range(1, plan.bootstraps + 1)])
    by_seed, rows = by_donor, _agreement_rows(by_donor, "donors drawn anew", note)
    if config.is_trained:
        by_seed = repeats_on([context.dataset] * plan.seeds)
        rows = [*_agreement_rows(by_seed, "seeds", note), *rows]
    genes = tuple(gene for of in by_seed.lists for gene in _averaged(context, by_seed, by_donor, of))
    agreed = [gene["sign_agreement"] for gene in genes]
    stable = [gene["stable"] == "yes" for gene in genes]
    rows += [
        _share("sign_agreement", agreed, "sign_agreement", "averaged over the top genes"),
        _share("stable_genes", stable, "share_stable", ""),
    ]
    return Outcome(tuple(rows), genes)


def is_refitted_by_means(config: ExperimentConfig) -> bool:
    """Whether a refit's mean changes follow from the means of the classes alone."""
    return not config.is_trained and closed_form_of(config) in MEANS_ONTO_TARGET


def draws_for(context: RunContext, plan: Plan) -> int:
    """How often donors are drawn where a refit takes no more than the means of the classes."""
    dataset = context.dataset
    cells = len(dataset.gene_ids) * len(dataset.classes)
    return int(np.clip(DRAWN_CELLS // cells, FEWEST_DRAWS, plan.draws))


def drawn_changes(context: RunContext, n_draws: int) -> dict[str, Float64Array]:
    """The mean change of every gene with training donors drawn anew: for each source class (draws, genes).

    Over the samples that it is learned from, a method of `MEANS_ONTO_TARGET` moves the mean of a class exactly onto
    that of the target, so a refit needs two means and no more, as in `genes.tsv`. The draws lie around the run's own
    change.
    """
    dataset = context.dataset
    rng = np.random.default_rng([context.config.seed, BOOTSTRAP])
    weights = drawn_weights(dataset, n_draws, rng)

    def means(name: str) -> Float64Array:
        own = dataset.class_mask(name)
        of_class = weights[:, own[dataset.is_train]]
        totals = of_class @ dataset.profiles[own & dataset.is_train].astype(np.float64)
        drawn: Float64Array = totals / of_class.sum(axis=1, keepdims=True)
        return drawn

    target, found = means(context.target), {}
    for name in context.sources:
        drawn = target - means(name)
        perturbation = context.perturbations.layers["perturbation"][dataset.class_mask(name)]
        found[name] = drawn - drawn.mean(axis=0) + perturbation.mean(axis=0, dtype=np.float64)
    return found


def drawn_weights(dataset: Dataset, n_draws: int, rng: np.random.Generator) -> Float64Array:
    """How often each training sample occurs when donors are drawn among those with samples of the same classes."""
    train = dataset.is_train
    donors, classes = donor_codes((int(train.sum()), donor_names(dataset)[train]))[0], dataset.class_index[train]
    has_class = np.zeros((donors.max() + 1, classes.max() + 1), dtype=bool)
    has_class[donors, classes] = True
    strata = np.unique(has_class, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)[donors]
    return bootstrap_weights(donors, n_boot=n_draws, rng=rng, strata=strata)


def resampled(context: RunContext, number: int) -> Dataset:
    """The dataset with its training donors drawn anew, among those with samples of the same classes."""
    dataset = context.dataset
    train, test = np.flatnonzero(dataset.is_train), np.flatnonzero(~dataset.is_train)
    counts = drawn_weights(dataset, 1, np.random.default_rng([context.config.seed, BOOTSTRAP, number]))[0]
    rows = np.concatenate([np.repeat(train, counts.astype(np.int64)), test])
    return replace(
        dataset,
        profiles=dataset.profiles[rows],
        class_index=dataset.class_index[rows],
        is_train=dataset.is_train[rows],
        sample_ids=tuple(map(str, range(len(rows)))),  # a sample can occur twice
        groups=None,
    )


def _agreement_rows(repeats: Repeats, of_what: str, note: str) -> list[Row]:
    """How alike the lists of several fits are."""
    phi, low, high = repeats.stability()
    some = repeats.first(COMPARED)
    overlap, agreement = some.overlap(), some.agreement()
    stability, alike = THRESHOLDS["stability"], THRESHOLDS["overlap"]
    rbo = "rank-biased overlap, persistence 0.9"
    return [
        Row(f"stability, {of_what}", phi, low, high, repeats.n, note, stability.answer(phi)),
        Row(f"rank_biased_overlap, {of_what}", overlap, n=some.n, note=rbo, answer=alike.answer(overlap)),
        Row(f"top_gene_agreement, {of_what}", agreement, n=some.n, answer=alike.answer(agreement)),
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
