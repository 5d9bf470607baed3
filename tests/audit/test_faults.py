"""Every control fails where the fault that it is for was planted; that it passes on sound runs: test_controls."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from tspg.analysis.evaluation.thresholds import DOUBTFUL, FAIL, PASS
from tspg.audit import null_controls
from tspg.audit.context import RunContext
from tspg.audit.leave_one_class_out import leave_one_class_out
from tspg.audit.null_controls import permuted_labels, pseudo_target, source_is_target
from tspg.audit.reproducibility import gene_stability
from tspg.audit.spike_in import spike_in
from tspg.model.config import PaperConfig


def answers(outcome):
    return {row.measure: row.answer for row in outcome.rows}


def mover(dataset, config, by):
    """A model that adds the same to every profile, whatever it was fitted on, and sees the first class everywhere."""
    return SimpleNamespace(
        target_class=config.target_class,
        move=lambda profiles, _names: np.clip(profiles + by, 0, 1),
        classify=lambda profiles: np.full(len(profiles), dataset.classes[0], dtype=object),
    )


@pytest.fixture
def fits(monkeypatch):
    """Say what every fit of an audit comes to instead: a function of the study, its settings and the number of fits."""

    def put(instead):
        made = []

        def fit(_self, dataset, config):
            made.append(instead(dataset, config, len(made)))
            return made[-1]

        monkeypatch.setattr(RunContext, "fit", fit)

    return put


# Labels that mean nothing


def test_labels_that_were_not_permuted_are_found_out(context, small, monkeypatch):
    monkeypatch.setattr(null_controls, "permuted_within_donors", lambda dataset, _rng: dataset.source_class)
    assert set(answers(permuted_labels(context, small)).values()) == {FAIL}


def test_an_f_that_knows_the_held_out_samples_is_found_out(context, small, monkeypatch):
    fit, everyone = RunContext.fit, np.ones(120, dtype=bool)
    known = replace(context.dataset, is_train=everyone)
    monkeypatch.setattr(RunContext, "fit", lambda self, _shuffled, config: fit(self, known, config))
    assert answers(permuted_labels(context, small))["f_accuracy"] == FAIL


def test_genes_that_lead_whatever_the_labels_are_found_out(context, small, fits):
    always = np.linspace(0.3, -0.3, 60)
    fits(lambda dataset, config, _n: mover(dataset, config, always))
    assert answers(permuted_labels(context, small))["stability"] == FAIL


# A target split at random


def test_halves_that_are_two_batches_are_found_out(split_context, small, monkeypatch):
    """The batch decides the half and shifts a third of the genes."""
    second = np.arange(120) % 4 >= 2
    dataset = split_context.dataset
    profiles = dataset.profiles.copy()
    profiles[np.ix_(second, np.arange(20, 40))] += 0.5
    batched = replace(split_context, dataset=replace(dataset, profiles=profiles.clip(0, 1)))

    def by_batch(_dataset, _rows, _rng):
        return np.where(second, null_controls.OTHER, null_controls.HALF).astype(object)

    assert answers(pseudo_target(batched, small))["genes_beyond_noise"] != FAIL  # split at random, a batch is noise
    monkeypatch.setattr(null_controls, "random_halves", by_batch)
    found = answers(pseudo_target(batched, small))
    assert found["energy_ratio_defined"] == found["genes_beyond_noise"] == found["relative_change"] == FAIL


# Samples that are there already


@pytest.mark.parametrize(("share", "answer"), [(0.0, PASS), (0.1, PASS), (0.4, DOUBTFUL), (1.0, FAIL)])
def test_a_method_that_moves_the_targets_own_samples_is_found_out(context, small, share, answer):
    moved = context.perturbations.copy()
    is_target = context.dataset.class_mask(context.target)
    source = moved.layers["perturbation"][~is_target]
    moved.layers["perturbation"][is_target] = share * source[: is_target.sum()]
    found = answers(source_is_target(replace(context, perturbations=moved), small))
    assert found == {"relative_change": answer}


# Genes that were planted


def test_a_method_that_moves_other_genes_than_the_planted_ones_is_found_out(context, small, fits):
    elsewhere = np.random.default_rng(0).normal(0, 0.2, (99, 60))
    fits(lambda dataset, config, n: mover(dataset, config, elsewhere[n]))
    found = answers(spike_in(context, small))
    assert found["precision at 1 sd"] == found["precision at 2 sd"] == FAIL


# A class that was never seen


def test_a_method_that_leaves_an_unseen_class_where_it_is_is_found_out(context, small, fits):
    fits(lambda dataset, config, _n: mover(dataset, config, 0.0))
    assert set(answers(leave_one_class_out(context, small)).values()) == {FAIL}
    own = [context.dataset.class_mean("target") - context.dataset.class_mean(name) for name in ("alpha", "beta")]
    fits(lambda dataset, config, n: mover(dataset, config, own[n]))  # alpha is left out first
    assert set(answers(leave_one_class_out(context, small)).values()) == {PASS}


# Genes that come and go


def test_genes_that_come_and_go_are_found_out(context, small, fits):
    """Of every method that is fitted again: one that is trained, and a closed form that does not move means alone."""
    rng = np.random.default_rng(0)
    fits(lambda dataset, config, _n: mover(dataset, config, rng.normal(0, 0.2, 60)))
    ranks = replace(context, config=replace(context.config, method="quantile_map"))
    found = answers(gene_stability(ranks, replace(small, seeds=5, bootstraps=5)))
    assert {found["stability, donors drawn anew"], found["stable_genes"]} == {FAIL}
    assert "stability, seeds" not in found  # the map is the same with every seed
    trained = replace(context, config=replace(context.config, preset="paper", generator=PaperConfig(steps=1)))
    assert answers(gene_stability(trained, replace(small, seeds=5, bootstraps=5)))["stability, seeds"] == FAIL
    always = np.linspace(0.3, -0.3, 60)
    fits(lambda dataset, config, _n: mover(dataset, config, always))
    assert set(answers(gene_stability(ranks, small)).values()) == {PASS}


def test_genes_that_hang_on_single_donors_are_found_out(context, small):
    """Two classes without a difference: who is drawn decides which genes lead."""
    rng, dataset = np.random.default_rng(0), context.dataset
    noise = rng.uniform(0.2, 0.8, dataset.profiles.shape).astype(np.float32)
    senseless = replace(dataset, profiles=noise)
    moved = context.perturbations.copy()
    for name in context.sources:
        difference = senseless.class_mean(context.target) - senseless.class_mean(name)
        moved.layers["perturbation"][senseless.class_mask(name)] = difference
    found = answers(gene_stability(replace(context, dataset=senseless, perturbations=moved), small))
    assert found["stability, donors drawn anew"] != PASS
    assert found["stable_genes"] == FAIL
