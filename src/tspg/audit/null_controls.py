"""Controls without a signal: what a run must not find where there is nothing to be found."""

import math
from dataclasses import replace

import numpy as np
from scipy.stats import false_discovery_control
from scipy.stats import t as student

from tspg.analysis.evaluation.classifiers import Classify
from tspg.analysis.evaluation.energy import EnergyScale
from tspg.analysis.evaluation.thresholds import SELECTED_OFTEN, THRESHOLDS
from tspg.audit.context import RunContext, change_of_mean, donor_names, relabelled
from tspg.audit.outcome import Outcome, Row, mean_row, not_tested
from tspg.audit.plan import Plan
from tspg.audit.scores import EvalSet, class_changes, hit_rate
from tspg.audit.stability import Repeats
from tspg.data.prepare import Dataset
from tspg.utils.typing import BoolArray, Float64Array, NameArray

PERMUTED, HALVES = 70, 71  # streams of random numbers
HALF, OTHER = "first half", "second half"
FEWEST_DONORS = 8  # of the target, to be split in two
LARGEST_FALSE_SHARE = 0.05
ENERGY_SPLITS = 40  # no fit is needed for these


def permuted_labels(context: RunContext, plan: Plan) -> Outcome:
    """Train on labels that mean nothing: f must be at chance, moved profiles no nearer to the target."""
    dataset, target, seed = context.dataset, context.target, context.config.seed
    eval_set = EvalSet.of(dataset, target)
    if eval_set.is_empty:
        return not_tested("f_accuracy", "too few held-out samples")
    accuracies, own_hits, hits, ratios, changes = [], [], [], [], []
    for repeat in range(plan.permutations):
        rng = np.random.default_rng([seed, PERMUTED, repeat])
        shuffled = relabelled(dataset, permuted_within_donors(dataset, rng))
        model = context.fit(shuffled, replace(context.short, seed=seed + repeat))
        accuracies.append(balanced_accuracy(model.classify, dataset))
        moved = model.move(eval_set.sources, eval_set.source_class)
        own_hits.append(hit_rate(model.classify(moved), target))
        hits.append(hit_rate(context.classifier(moved), target))
        ratios.append(eval_set.energy_ratio(moved))
        changes.append(class_changes(model, shuffled))
    base, chance = hit_rate(context.classifier(eval_set.sources), target), 1 / len(dataset.classes)
    excess = (float(np.mean(accuracies)) - chance, float(np.mean(hits)) - base, abs(float(np.mean(ratios)) - 1))
    calls = f"untouched {base:.2f}; f, which learned these labels, {np.mean(own_hits):.0%}"
    lists = Repeats.of(changes, ~dataset.scaler.constant, context.config.top_k)
    return Outcome(
        (
            mean_row("f_accuracy", accuracies, "excess_accuracy", excess=excess[0], note=f"chance {chance:.2f}"),
            mean_row("hit_rate_logistic", hits, "excess_hit_rate", excess=excess[1], note=calls),
            mean_row("energy_ratio", ratios, "distance_from_one", excess=excess[2], note="1: not moved"),
            _false_stability(lists, plan.permutations),
        )
    )


def _false_stability(lists: Repeats, n: int) -> Row:
    """Whether fits to different senseless labels agree on genes, beyond chance."""
    phi, low, high = lists.stability()
    often = sum(int((lists.selected(of).mean(axis=0) >= SELECTED_OFTEN).sum()) for of in lists.lists)
    expected = lists.by_chance(SELECTED_OFTEN)
    note = f"{often} genes selected in {SELECTED_OFTEN:.0%} of the fits or more, {expected:.1f} expected by chance"
    return Row("stability", phi, low, high, n, note, THRESHOLDS["false_stability"].answer(phi))


def balanced_accuracy(classify: Classify, dataset: Dataset) -> float:
    """The share of held-out samples that are called by their own class: the mean over classes."""
    test = ~dataset.is_train
    right, truth = classify(dataset.profiles[test]) == dataset.source_class[test], dataset.source_class[test]
    return float(np.mean([right[truth == name].mean() for name in sorted(set(truth))]))


def permuted_within_donors(dataset: Dataset, rng: np.random.Generator) -> NameArray:
    """The class names with those of the training samples shuffled: inside each donor who has several classes.

    Donors with samples of one class only have theirs shuffled among one another, since a shuffle
    inside such a donor changes nothing.
    """
    labels, donors = dataset.source_class.copy(), donor_names(dataset)
    train = np.flatnonzero(dataset.is_train)
    single = []
    for donor in sorted(set(donors[train])):
        rows = train[donors[train] == donor]
        if len(set(labels[rows])) > 1:
            labels[rows] = labels[rng.permutation(rows)]
        else:
            single.extend(rows)
    labels[single] = labels[rng.permutation(single)] if single else labels[single]
    return labels


def pseudo_target(context: RunContext, plan: Plan) -> Outcome:
    """Take one random half of the target's donors for the source and the other for the target: nothing may move."""
    dataset, seed = context.dataset, context.config.seed
    is_target, donors = dataset.class_mask(context.target), donor_names(dataset)
    n_donors = [len(set(donors[is_target & part])) for part in (dataset.is_train, ~dataset.is_train)]
    if min(n_donors) < FEWEST_DONORS:
        return not_tested("genes_beyond_noise", f"fewer than {FEWEST_DONORS} donors of the target on either side")

    def halves_of(repeat: int) -> Dataset:
        rng = np.random.default_rng([seed, HALVES, repeat])
        return relabelled(dataset, random_halves(dataset, is_target, rng), rows=is_target)

    is_defined, beyond, changes = [], [], []
    for repeat in range(ENERGY_SPLITS):
        halves = halves_of(repeat)
        test, first, second = ~halves.is_train, halves.class_mask(HALF), halves.class_mask(OTHER)
        parts = (halves.profiles[rows] for rows in (first & test, second & test, second & halves.is_train))
        is_defined.append(float(EnergyScale.of(*parts, seed=seed, n_boot=2).is_defined))
    for repeat in range(plan.splits):
        halves = halves_of(repeat)
        model = context.fit(halves, replace(context.short, target_class=OTHER, seed=seed + repeat))
        change = class_changes(model, halves)[HALF]
        beyond.append(beyond_noise(halves, change))
        changes.append(max(0.0, float(np.abs(change).mean()) - change_by_chance(halves)) / context.own_change)
    return Outcome(
        (
            mean_row("energy_ratio_defined", is_defined, "share_defined"),
            mean_row("genes_beyond_noise", beyond, "genes_beyond_noise"),
            mean_row("relative_change", changes, "relative_change"),
        )
    )


def random_halves(dataset: Dataset, rows: BoolArray, rng: np.random.Generator) -> NameArray:
    """Labels that split some samples at random into two halves: whole donors, train and test each by themselves."""
    labels, donors = np.full(len(rows), HALF, dtype=object), donor_names(dataset)
    for part in (dataset.is_train, ~dataset.is_train):
        names = sorted(set(donors[rows & part]))
        chosen = rng.permutation(len(names))[: len(names) // 2]
        labels[part & np.isin(donors, [names[number] for number in chosen])] = OTHER
    return labels


def beyond_noise(halves: Dataset, change: Float64Array) -> float:
    """The share of genes whose mean change is larger than two random halves differ (Welch; Benjamini-Hochberg 5%).

    The noise is that of the training samples, from which the change was learned.
    """
    errors, n_donors = _standard_errors(halves)
    tested = errors > 0
    if not tested.any():
        return math.nan
    p = 2 * student.sf(np.abs(change[tested]) / errors[tested], df=n_donors - 2)
    return float((false_discovery_control(p) <= LARGEST_FALSE_SHARE).mean())


def change_by_chance(halves: Dataset) -> float:
    """The mean over genes of how far two random halves of this size differ anyway: what is learned includes it."""
    return float(_standard_errors(halves)[0].mean() * math.sqrt(2 / math.pi))  # the mean of |N(0, 1)|


def _standard_errors(halves: Dataset) -> tuple[Float64Array, int]:
    """Of the difference of the two halves' means, gene by gene; and how many donors they come from."""
    rows = [halves.class_mask(name) & halves.is_train for name in (HALF, OTHER)]
    donors = donor_names(halves)
    sizes = [len(set(donors[of])) for of in rows]
    parts = [halves.profiles[of].astype(np.float64) for of in rows]
    squared = [part.var(axis=0, ddof=1) / size for part, size in zip(parts, sizes, strict=True)]
    return np.sqrt(np.sum(squared, axis=0)), sum(sizes)


def source_is_target(context: RunContext, plan: Plan) -> Outcome:
    """Let the run's own model move held-out samples of the target itself: they must stay."""
    del plan
    rows = context.dataset.class_mask(context.target) & ~context.dataset.is_train
    if not rows.any():
        return not_tested("relative_change", "no held-out sample of the target")
    change = change_of_mean(context.perturbations.layers["perturbation"][rows]) / context.own_change
    note = "such samples are left as they are by construction" if change == 0 else ""
    return Outcome((mean_row("relative_change", [change], "relative_change", note=note, n=int(rows.sum())),))
