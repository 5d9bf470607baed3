"""Does it find what is there? Effects of known size are added to known genes of a copy of the data."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tspg.analysis.evaluation.thresholds import THRESHOLDS
from tspg.audit.context import RunContext, donor_names, relabelled
from tspg.audit.null_controls import HALF, OTHER, random_halves
from tspg.audit.outcome import Outcome, Row, not_tested
from tspg.audit.plan import Plan
from tspg.audit.scores import class_changes
from tspg.data.prepare import Dataset, Scaler
from tspg.model.learning import fit_closed_form

EFFECTS = (0.25, 0.5, 1.0, 2.0)  # in standard deviations of the gene
DRIVERS = 20
PLANTING = 72  # stream of random numbers
FEWEST_DONORS = 16  # of the largest class, to be split in two


@dataclass(frozen=True)
class SpikeIn:
    """A random half of one class in which some genes were raised or lowered, beside the other half."""

    dataset: Dataset
    drivers: NDArray[np.int64]
    signs: NDArray[np.float64]


def spike_in(context: RunContext, plan: Plan) -> Outcome:
    """Precision among the top genes by the effect's size, beside that of the mean shift."""
    dataset = context.dataset
    name = largest_class(dataset)
    n_drivers = min(DRIVERS, int((~dataset.scaler.constant).sum()) // 3)
    n_donors = len(set(donor_names(dataset)[dataset.class_mask(name) & dataset.is_train]))
    if n_donors < FEWEST_DONORS or n_drivers == 0:
        return not_tested("precision", f"{n_donors} training donors in the largest class; {FEWEST_DONORS} are needed")
    first, *others = (_precision_at(context, plan, name, n_drivers, effect) for effect in EFFECTS)
    about = f"{n_drivers} genes of {name}, moved by so many of their standard deviations; {first.note}"
    return Outcome((replace(first, note=about), *others))


def largest_class(dataset: Dataset) -> str:
    """The class with most training samples, the first by name among equals."""
    counts = {name: int((dataset.class_mask(name) & dataset.is_train).sum()) for name in dataset.classes}
    return max(dataset.classes, key=lambda name: counts[name])


def _precision_at(context: RunContext, plan: Plan, name: str, n_drivers: int, effect: float) -> Row:
    own, shift = [], []
    for repeat in range(plan.planted):
        seed = context.config.seed + repeat
        spiked = plant(context.dataset, name, n_drivers, effect, seed=seed)
        dataset = spiked.dataset
        model = context.fit(dataset, replace(context.short, target_class=OTHER, seed=seed))
        own.append(precision(class_changes(model, dataset)[HALF], spiked))
        rows = dataset.class_mask(HALF)
        by_mean = fit_closed_form("mean_shift", dataset, OTHER).raw_perturbation(
            dataset.profiles[rows], dataset.class_index[rows]
        )
        shift.append(precision(by_mean.mean(axis=0, dtype=np.float64), spiked))
    value, of_shift = float(np.mean(own)), float(np.mean(shift))
    limits = (min(own), max(own)) if len(own) > 1 else (np.nan, np.nan)
    answer = THRESHOLDS["precision_below_mean_shift"].answer(of_shift - value)
    note = f"the mean shift finds {of_shift:.0%}"
    return Row(f"precision at {effect:g} sd", value, *limits, plan.planted, note, answer)


def plant(dataset: Dataset, name: str, n_drivers: int, effect: float, *, seed: int) -> SpikeIn:
    """Halve a class at random by donor; move some genes of one half up or down by so many standard deviations.

    The genes are scaled anew by the training samples, as they would be in data of their own.
    """
    rng = np.random.default_rng([seed, PLANTING])
    rows = dataset.class_mask(name)
    halves = relabelled(dataset, random_halves(dataset, rows, rng), rows=rows)
    values = halves.profiles.astype(np.float64)
    spread = values[halves.is_train].std(axis=0, ddof=1)
    drivers = np.sort(rng.permutation(np.flatnonzero(spread > 0))[:n_drivers])
    signs = rng.choice([-1.0, 1.0], size=len(drivers))
    values[np.ix_(halves.class_mask(OTHER), drivers)] += effect * signs * spread[drivers]
    scaler = Scaler.fit(values[halves.is_train])
    profiles, _ = scaler.transform(values)
    return SpikeIn(replace(halves, profiles=profiles, scaler=scaler), drivers, signs)


def precision(change: NDArray[np.float64], spiked: SpikeIn) -> float:
    """The share of planted genes among as many most changed ones, counted where the direction is right as well."""
    usable = np.where(spiked.dataset.scaler.constant, 0.0, change)
    top = np.argsort(-np.abs(usable), kind="stable")[: len(spiked.drivers)]
    signs = np.zeros(len(usable))
    signs[spiked.drivers] = spiked.signs
    return float(np.mean(signs[top] * usable[top] > 0))
