"""Every interval that is reported, where the truth is known: 95 of 100 hold it, counted in people, not in samples.

Each study is drawn anew; of 100, three standard errors fewer may do so. `tests/soak/statistics.py`
repeats more of the same.
"""

import math
from functools import cache, partial

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from tspg.analysis.evaluation.classification import TargetLesson, source_leak
from tspg.analysis.evaluation.classifiers import hit_rate
from tspg.analysis.evaluation.distances import CloudPair
from tspg.analysis.evaluation.energy import EnergyScale, energy_distance
from tspg.analysis.evaluation.individuality import mean_abs_change
from tspg.analysis.evaluation.measure import COLUMNS, REAL, UNTOUCHED, Measure
from tspg.analysis.evaluation.pooling import pool_evidence
from tspg.analysis.evaluation.structure import gene_correlation, variance_ratio
from tspg.audit.stability import nogueira_stability

N_STUDIES = 100
TRUTH = 10**6  # from here on count the seeds of what truths are computed from


STATED = {"variance ratio": 0.92}  # what docs/evidence.md says that it holds, where that is not 95%


def fewest(n, name=""):
    """So many of n intervals have to hold the truth."""
    share = STATED.get(name, 0.95)
    return math.floor(share * n - 3 * math.sqrt(share * (1 - share) * n))


def people(rng, n, each, genes=8, *, own=0.9, sample=0.4):
    """Samples of so many people, alike where they are of one."""
    return own * rng.normal(size=(n, genes)).repeat(each, axis=0) + sample * rng.normal(size=(n * each, genes))


def names(n, each, *, kept=True, prefix=""):
    """The donor of each of these samples; None where it is forgotten."""
    return np.char.add(prefix, np.arange(n).repeat(each).astype(str)) if kept else None


# Each gives the measure of one study; `kept` False takes samples for people. The truth stands below it.


def hits(seed, n=30, kept=True):
    """Up to seven samples of a person, of whom some are nearly always hit and some seldom."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 8, n)
    called = rng.random(sizes.sum()) < rng.beta(2.1, 0.525, n).repeat(sizes)  # .8 on average, correlation .28
    donors = np.arange(n).repeat(sizes).astype(str) if kept else None
    return hit_rate(np.where(called, "t", "x").astype(object), "t", donors)


def change(seed, n=8, each=3, kept=True):
    rng = np.random.default_rng(seed)
    before = np.zeros((n * each, 8))
    return mean_abs_change(before, people(rng, n, each), groups=names(n, each, kept=kept), seed=seed)


CHANGE = math.sqrt(2 / math.pi * (0.9**2 + 0.4**2))


def spread(seed, n=12, each=3, kept=True, n_boot=300):
    reference = np.tile([[1.0], [-1.0]], (1, 8)) / np.sqrt(2)
    moved = people(np.random.default_rng(seed), n, each)
    return variance_ratio(moved, reference, groups=names(n, each, kept=kept), seed=seed, n_boot=n_boot)


LOADINGS = np.random.default_rng(99).normal(size=(3, 20))


def together(seed, n=15, each=2, kept=True, n_boot=100):
    def factors(rng, n, each):
        return (rng.normal(size=(n, 3)) @ LOADINGS).repeat(each, axis=0) + rng.normal(size=(n * each, 20))

    target, moved = factors(np.random.default_rng(98), 100, 1), factors(np.random.default_rng(seed), n, each)
    return gene_correlation(moved, target, groups=names(n, each, kept=kept), seed=seed, n_boot=n_boot)


REFERENCE = people(np.random.default_rng(7), 60, 1)


def energies(seed, n, each, kept=True):
    """The ratio of a shift that falls short, and how much it lies above that of a better one."""
    rng = np.random.default_rng(seed)
    sources, real = people(rng, n, each) + 1.5, people(rng, n, each)
    groups = {"source_groups": names(n, each, kept=kept, prefix="s"), "real_groups": names(n, each, prefix="t")}
    groups["real_groups"] = groups["real_groups"] if kept else None
    scale = EnergyScale.of(sources, real, REFERENCE, **groups, seed=seed, n_boot=300)
    short, far = (scale.excess(CloudPair.of(sources - by, real)) for by in (0.9, 1.1))
    return scale.ratio(short), scale.difference(short, far)


@cache
def true_energies():
    rng = np.random.default_rng(TRUTH)
    sources, short, far, real = (people(rng, 1500, 1) + by for by in (1.5, 0.6, 0.4, 0.0))
    nearest = energy_distance(REFERENCE, real)
    gap = energy_distance(sources, real) - nearest
    ratios = [(energy_distance(moved, real) - nearest) / gap for moved in (short, far)]
    return ratios[0], ratios[0] - ratios[1]


def two_classes(rng, n, each):
    classes = np.tile(np.array(["t", "o"], dtype=object), n * each)[: n * each]
    profiles = people(rng, n, each)
    profiles[classes == "t", :2] += 0.8
    return profiles, classes


def lesson(seed, n=15, each=2, kept=True):
    """What real targets teach, on other people."""
    training, training_class = two_classes(np.random.default_rng(5), 40, 2)
    held_out, held_out_class = two_classes(np.random.default_rng(seed), n, each)
    donors = names(n, each, kept=kept)
    judge = TargetLesson(training, training_class, held_out, held_out_class, "t", donors, 0)
    return judge.from_moved(training[training_class == "t"])


def leak(seed, n=30, each=2, kept=True):
    profiles, classes = two_classes(np.random.default_rng(seed), n, each)
    return source_leak(profiles, classes, groups=names(n, each, kept=kept), seed=seed)


def pooled(seed, measure, kept=True):
    """Three folds of ten people each, as one number."""
    one = hits if measure.startswith("hit_rate") else change
    folds = [one(3 * seed + fold, n=10, kept=kept) for fold in range(3)]
    other = Measure(0.5, 0.4, 0.6, 10)
    tables = [
        pd.DataFrame(
            [("m", measure, *fold.cells)]
            + [(method, name, *other.cells) for method in (REAL, UNTOUCHED) for name in {measure, "hit_rate_f"}],
            columns=COLUMNS,
        )
        for fold in folds
    ]
    return Measure(*pool_evidence(tables).iloc[0][["value", "low", "high", "n"]])


def lists(seed, n_fits):
    """Which of 200 genes lead in fits that agree up to noise."""
    rng, strength = np.random.default_rng(seed), np.linspace(2, -2, 200)
    scores = strength + 0.5 * rng.normal(size=(n_fits, 200))
    return np.argsort(np.argsort(-scores, axis=1), axis=1) < 20


def stability(seed, n_fits):
    return Measure(*nogueira_stability(lists(seed, n_fits)))


def expected(measure_of, n):
    """What a measure is on average, of as many people: few of them blur correlations, and that is no error."""
    return float(np.mean([measure_of(TRUTH + seed).value for seed in range(n)]))


COVERED = {
    "hit rate": (hits, lambda: 0.8),
    "mean change": (change, lambda: CHANGE),
    "variance ratio": (spread, lambda: expected(partial(spread, n_boot=2), 500)),
    "gene correlation": (together, lambda: expected(partial(together, n_boot=1), 150)),
    "energy ratio": (lambda seed, **more: energies(seed, 8, 3, **more)[0], lambda: true_energies()[0]),
    "energy less another": (lambda seed, **more: energies(seed, 8, 3, **more)[1], lambda: true_energies()[1]),
    "energy ratio, thirty people": (lambda seed: energies(seed, 30, 1)[0], lambda: true_energies()[0]),
    "train on moved": (lesson, lambda: lesson(1, n=20_000).value),
    "source leak": (leak, lambda: expected(leak, 100)),
    "pooled hit rate": (partial(pooled, measure="hit_rate_knn"), lambda: 0.8),
    "pooled mean": (partial(pooled, measure="mean_abs_change"), lambda: CHANGE),
    "stability, five fits": (partial(stability, n_fits=5), lambda: expected(partial(stability, n_fits=100), 20)),
    "stability, ten fits": (partial(stability, n_fits=10), lambda: expected(partial(stability, n_fits=100), 20)),
}
CLUSTERED = {"hit rate": 200, "mean change": 100, "energy ratio": 100, "pooled mean": 100}  # studies that tell


def held(name, n, **more):
    """In how many of n studies the interval holds the truth."""
    measure_of, truth_of = COVERED[name]
    truth = truth_of()
    found = [measure_of(seed, **more) for seed in range(n)]
    return sum(measure.low <= truth <= measure.high for measure in found)


SLOW = ("source leak", "train on moved")  # fit classifiers for every study: left to the soak


@pytest.mark.parametrize("name", [name for name in COVERED if name not in SLOW])
def test_the_interval_holds_the_truth(name):
    assert held(name, N_STUDIES) >= fewest(N_STUDIES, name)


@pytest.mark.parametrize("name", CLUSTERED)
def test_samples_taken_for_people_are_found_out(name):
    assert held(name, CLUSTERED[name], kept=False) < fewest(CLUSTERED[name])


def test_the_asymptotic_interval_of_stability_is_found_out():
    """Corollary 8 of Nogueira et al. 2018, gene by gene, which five fits are too few for."""
    truth, covered = COVERED["stability, five fits"][1](), 0
    for seed in range(N_STUDIES):
        chosen = lists(seed, 5).astype(float)
        phi, frequency, lengths = nogueira_stability(chosen > 0)[0], chosen.mean(axis=0), chosen.mean(axis=1)
        share = frequency.mean()
        own = chosen @ frequency / 200 - lengths * share + phi / 2 * (2 * share * lengths - lengths - share + 1)
        own /= share * (1 - share)
        covered += abs(phi - truth) <= 1.96 * math.sqrt(4 / 25 * ((own - own.mean()) ** 2).sum())
    assert covered < fewest(N_STUDIES)


def test_the_bound_is_one_that_right_intervals_keep():
    assert fewest(N_STUDIES) == 88
    assert binom.cdf(fewest(N_STUDIES) - 1, N_STUDIES, 0.95) < 0.003
