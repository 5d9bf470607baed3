"""Controls without a signal: what a run must not find where there is nothing to be found."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.stats import t as student

from tspg.analysis.evaluation.classifiers import Classify
from tspg.analysis.evaluation.energy import EnergyScale
from tspg.analysis.evaluation.thresholds import SELECTED_OFTEN, THRESHOLDS
from tspg.audit.context import RunContext, change_of_mean, donor_names, relabelled
from tspg.audit.outcome import Outcome, Row, judged, not_tested
from tspg.audit.plan import Plan, Work
from tspg.audit.scores import EvalSet, class_changes, share_called
from tspg.audit.stability import Repeats
from tspg.data.prepare import Dataset
from tspg.utils.typing import BoolArray, Float64Array, NameArray

PERMUTED, HALVES = 70, 71  # streams of random numbers
HALF, OTHER = "first half", "second half"
FEWEST_DONORS = 8  # of the target, to be split in two
LARGEST_FALSE_SHARE = 0.05
ENERGY_SPLITS = 40  # no fit is needed for these


def permuted_labels(subject: RunContext, plan: Plan) -> Outcome:
    """Train on labels that mean nothing: f must be at chance, moved profiles no nearer to the target."""
    stage = EvalSet.of(subject.dataset, subject.target)
    if stage.is_empty:
        return not_tested("f_accuracy", "too few held-out samples")
    accuracies, own_hits, hits, ratios, changes = [], [], [], [], []
    for repeat in range(plan.permutations):
        rng = np.random.default_rng([subject.config.seed, PERMUTED, repeat])
        shuffled = relabelled(subject.dataset, permuted_within_donors(subject.dataset, rng))
        model = subject.fit(shuffled, replace(subject.short, seed=subject.config.seed + repeat))
        accuracies.append(balanced_accuracy(model.classify, subject.dataset))
        moved = model.move(stage.sources, stage.source_class)
        own_hits.append(share_called(model.classify(moved), subject.target))
        hits.append(share_called(subject.judge(moved), subject.target))
        ratios.append(stage.energy_ratio(moved))
        changes.append(class_changes(model, shuffled))
    base = share_called(subject.judge(stage.sources), subject.target)
    chance = 1 / len(subject.dataset.classes)
    lists = Repeats.of(changes, ~subject.dataset.scaler.constant, subject.config.top_k)
    heard = f"untouched {base:.2f}; f, which learned these labels, {np.mean(own_hits):.0%}"
    return Outcome(
        (
            _row(
                "f_accuracy", accuracies, float(np.mean(accuracies)) - chance, "excess_accuracy", f"chance {chance:.2f}"
            ),
            _row("hit_rate_logistic", hits, float(np.mean(hits)) - base, "excess_hit_rate", heard),
            _row("energy_ratio", ratios, abs(float(np.mean(ratios)) - 1), "distance_from_one", "1: not moved"),
            _false_stability(lists, plan.permutations),
        )
    )


def _row(measure: str, values: Sequence[float], excess: float, threshold: str, note: str) -> Row:
    """The mean of repeats, answered by how far it lies from where it should."""
    return replace(judged(measure, values, threshold, note=note), answer=THRESHOLDS[threshold].answer(excess))


def _false_stability(lists: Repeats, n: int) -> Row:
    """Whether fits to different senseless labels agree on genes, beyond chance."""
    phi, low, high = lists.stability()
    often = sum(int((lists.selected(of).mean(axis=0) >= SELECTED_OFTEN).sum()) for of in lists.lists)
    expected = lists.by_chance(SELECTED_OFTEN)
    note = f"{often} genes selected in {SELECTED_OFTEN:.0%} of the fits or more, {expected:.1f} expected by chance"
    return Row("stability", phi, low, high, n, note, THRESHOLDS["false_stability"].answer(phi))


def balanced_accuracy(classify: Classify, dataset: Dataset) -> float:
    """How often held-out samples are called by their own class: the mean over classes."""
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


def pseudo_target(subject: RunContext, plan: Plan) -> Outcome:
    """Take one random half of the target's donors for the source and the other for the target: nothing may move."""
    is_target = subject.dataset.class_mask(subject.target)
    donors = donor_names(subject.dataset)
    if min(len(set(donors[is_target & part])) for part in (subject.dataset.is_train, ~subject.dataset.is_train)) < (
        FEWEST_DONORS
    ):
        return not_tested("genes_beyond_noise", f"fewer than {FEWEST_DONORS} donors of the target on either side")
    is_distinguishable = [_told_apart(_halves(subject, repeat), subject.config.seed) for repeat in range(ENERGY_SPLITS)]
    beyond, changes = [], []
    for repeat in range(plan.splits):
        halves = _halves(subject, repeat)
        config = replace(subject.short, target_class=OTHER, seed=subject.config.seed + repeat)
        change = class_changes(subject.fit(halves, config), halves)[HALF]
        beyond.append(beyond_noise(halves, change))
        changes.append(max(0.0, float(np.abs(change).mean()) - _by_chance(halves)) / subject.own_change)
    return Outcome(
        (
            judged("energy_ratio_defined", is_distinguishable, "share_defined"),
            judged("genes_beyond_noise", beyond, "genes_beyond_noise"),
            judged("relative_change", changes, "relative_change"),
        )
    )


def _halves(subject: RunContext, repeat: int) -> Dataset:
    is_target, rng = (
        subject.dataset.class_mask(subject.target),
        np.random.default_rng([subject.config.seed, HALVES, repeat]),
    )
    return relabelled(subject.dataset, random_halves(subject.dataset, is_target, rng), rows=is_target)


def random_halves(dataset: Dataset, rows: BoolArray, rng: np.random.Generator) -> NameArray:
    """Labels that split some samples at random into two halves: whole donors, train and test each by themselves."""
    labels, donors = np.full(len(rows), HALF, dtype=object), donor_names(dataset)
    for part in (dataset.is_train, ~dataset.is_train):
        names = sorted(set(donors[rows & part]))
        chosen = rng.permutation(len(names))[: len(names) // 2]
        labels[part & np.isin(donors, [names[number] for number in chosen])] = OTHER
    return labels


def _told_apart(halves: Dataset, seed: int) -> float:
    test = ~halves.is_train
    first, second = halves.class_mask(HALF), halves.class_mask(OTHER)
    scale = EnergyScale.of(
        halves.profiles[first & test],
        halves.profiles[second & test],
        halves.profiles[second & halves.is_train],
        seed=seed,
        n_boot=2,
    )
    return float(scale.is_defined)


def beyond_noise(halves: Dataset, change: Float64Array) -> float:
    """The share of genes whose mean change is larger than two random halves differ (Welch; Benjamini-Hochberg 5%).

    The noise is that of the training samples, from which the change was learned.
    """
    errors, n_donors = _standard_errors(halves)
    tested = errors > 0
    if not tested.any():
        return math.nan
    p = np.sort(2 * student.sf(np.abs(change[tested]) / errors[tested], df=n_donors - 2))
    below = np.flatnonzero(p <= LARGEST_FALSE_SHARE * np.arange(1, len(p) + 1) / len(p))
    return float((below[-1] + 1 if len(below) else 0) / len(p))


def _by_chance(halves: Dataset) -> float:
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


def source_is_target(subject: RunContext, plan: Plan) -> Outcome:
    """Let the run's own model move held-out samples of the target itself: they must stay."""
    del plan
    rows = subject.dataset.class_mask(subject.target) & ~subject.dataset.is_train
    if not rows.any():
        return not_tested("relative_change", "no held-out sample of the target")
    change = change_of_mean(subject.perturbations.layers["perturbation"][rows]) / subject.own_change
    note = "such samples are left as they are by construction" if change == 0 else ""
    return Outcome((judged("relative_change", [change], "relative_change", note=note, n=int(rows.sum())),))


def permuted_work(subject: RunContext, plan: Plan) -> Work:
    """A short fit a permutation."""
    del subject
    return Work(short=plan.permutations)


def pseudo_work(subject: RunContext, plan: Plan) -> Work:
    """A short fit a split, on the target's samples only."""
    rows = subject.dataset.class_mask(subject.target).mean()
    return Work(short=plan.splits * (0.5 + 0.5 * float(rows)))
