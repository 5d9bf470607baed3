"""Every p-value that is reported, where nothing is to be found: P(p <= a) is at most a, and p is never 0.

Each null draws so many studies and gives one p of each. `tests/soak/statistics.py` draws more of the same.
"""

from contextlib import contextmanager

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from scipy.stats import mannwhitneyu

from tspg.analysis.evaluation import individuality
from tspg.analysis.evaluation.distances import CloudPair, pairwise
from tspg.analysis.evaluation.energy import energy_null, energy_p_value
from tspg.analysis.evaluation.neighbours import nn_two_sample
from tspg.analysis.evaluation.resampling import joint_p_value, monte_carlo_p
from tspg.analysis.interpretation.enrichment import Profile, Query, over_representation, ranked_enrichment
from tspg.analysis.interpretation.out_of_distribution import Reference, outside_training
from tspg.audit.random_gene_sets import matched_draws
from tspg.data.annotations import Annotation
from tspg.data.genesets import GeneSet, GeneSets

N_STUDIES, N_PERMUTATIONS = 200, 99
LEVELS = (0.2, 0.1, 0.05, 0.01)


def excess(p_values):
    """How many standard errors P(p <= a) lies above a, at the worst of the levels."""
    p_values, n = np.asarray(p_values), len(p_values)
    return max(((p_values <= a).mean() - a) / np.sqrt(a * (1 - a) / n) for a in LEVELS)


def is_calibrated(p_values):
    return excess(p_values) <= 3 and min(p_values) > 0


# Two clouds of one population


def two_clouds(seed, donors):
    """Samples of twelve people, who differ more from each other than two samples of one do."""
    rng = np.random.default_rng(seed)
    profiles = rng.normal(size=(12, 3)).repeat(2, axis=0) + rng.normal(scale=0.3, size=(24, 3))
    names = np.arange(12).repeat(2).astype(str)
    if donors == "one sample each":
        return CloudPair.of(profiles[:12:2], profiles[12::2])
    first, second = {
        "two samples each": (slice(None, 12), slice(12, None)),
        "in both clouds": (slice(None, None, 2), slice(1, None, 2)),
    }[donors]
    return CloudPair.of(profiles[first], profiles[second], moved_groups=names[first], real_groups=names[second])


def energy_p(seed, donors, m):
    return energy_p_value(two_clouds(seed, donors), seed=seed, n_permutations=m).value


def neighbours_p(seed, donors, m):
    return nn_two_sample(two_clouds(seed, donors), seed=seed, n_permutations=m).p_value


def joint_p(seed, donors, m):
    pair = two_clouds(seed, donors)
    observed, null = energy_null(pair, seed=seed, n_permutations=m)
    found = nn_two_sample(pair, seed=seed, n_permutations=m)
    return joint_p_value(np.array([observed, found.fake.value]), np.column_stack([null, found.null[:, 0]]))


def few_against_many_p(seed, m):
    """Nearest neighbours at unequal numbers, where the larger side is drawn from."""
    rng = np.random.default_rng(seed)
    pair = CloudPair.of(rng.normal(size=(30, 3)), rng.normal(size=(8, 3)))
    return nn_two_sample(pair, seed=seed, n_permutations=m).p_value


# One sample among others


@contextmanager
def permutations(m, most_people=500):
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"MOST_PERMUTATIONS": m, "FEWEST_PERMUTATIONS": m, "MOST_PERMUTED": most_people}.items():
            patch.setattr(individuality, name, value)
        yield


def source_dependence_p(seed, samples_of_a_donor, m, most_people=500):
    """Moved profiles that have nothing to do with the people they came from."""
    rng = np.random.default_rng(seed)
    first, second = (rng.normal(size=(8, 2)).repeat(samples_of_a_donor, axis=0) for _ in range(2))
    jitter = 0.1 * rng.normal(size=first.shape)
    names = np.arange(8).repeat(samples_of_a_donor).astype(str)
    before, after = pairwise(first + jitter), pairwise(second - jitter[::-1])
    with permutations(m, most_people):
        found = individuality.distance_correlation(before, after, n_genes=2, groups=names, seed=seed)
    return float(found.note.split()[3])


def outside_training_p(seed, _m):
    """A new person like those of the study, who was not in it."""
    rng = np.random.default_rng(seed)
    training, held_out, new = (rng.normal(size=(n, 3)) for n in (15, 19, 1))
    obs = pd.DataFrame(dict.fromkeys(("split", "source_class", "predicted_before", "predicted_after"), "x"), ["new"])
    moved = AnnData(new, obs=obs, layers={"original": new})
    classes, names = np.full(34, "a", dtype=object), np.arange(34).astype(str).astype(object)
    setting = Reference("t", {}, np.concatenate([training, held_out]), classes, names, np.arange(34) < 15)
    return outside_training(moved, setting, ["new"])["p_value"].iloc[0]


# Gene sets


def random_set_p(seed, m, *, with_own=True):
    """A set drawn from the genes like those it is held against, by what is a mean over its genes."""
    rng = np.random.default_rng(seed)
    means, variances, use = rng.normal(size=(3, 100))
    use += variances  # what varies more, separates more
    cells = next(matched_draws(means, variances, rng.permutation(100)[:30], np.arange(100), 1, rng))
    pool = np.arange(100) if with_own else np.setdiff1d(np.arange(100), cells)
    draws = matched_draws(means, variances, cells, pool, m, rng)
    return monte_carlo_p(use[cells].mean(), np.array([use[drawn].mean() for drawn in draws]))


GENES = [f"G{number}" for number in range(200)]


def annotation(**sets):
    return Annotation("c", GeneSets([GeneSet(name, tuple(genes)) for name, genes in sets.items()]), "drawn")


def list_p(seed, n, background=0):
    """Lists of twenty genes drawn from 200, against one set of thirty; some of the background can never be drawn."""
    rng = np.random.default_rng(seed)
    genes = [*GENES, *(f"X{number}" for number in range(background))]
    queries = {Query(str(number), "", "up"): list(rng.choice(GENES, 20, replace=False)) for number in range(n)}
    found = over_representation(queries, genes, [annotation(ALL=genes, SET=GENES[:30])])
    shared = found[found["term"] == "SET"]["p_value"]
    return np.append(shared, np.ones(n - len(shared)))


def ranks_p(seed, n, size):
    """Changes of 200 genes by chance, against one set; a quarter of the genes are tied."""
    changes = np.random.default_rng(seed).normal(size=(n, 200))
    changes[:, ::4] = changes[:, ::4].round(0)
    profiles = {Profile(str(number), ""): change for number, change in enumerate(changes)}
    return ranked_enrichment(profiles, GENES, [annotation(ALL=GENES, SET=GENES[:size])])["p_value"].to_numpy()


def each(p_of, *given, **named):
    """From what gives the p of one study to what gives those of many."""
    return lambda n, m: np.array([p_of(seed, *given, m, **named) for seed in range(n)])


DONORS = ("one sample each", "two samples each", "in both clouds")
NULLS = {
    **{f"energy, {donors}": each(energy_p, donors) for donors in DONORS},
    **{f"nearest neighbours, {donors}": each(neighbours_p, donors) for donors in DONORS},
    "energy and neighbours together": each(joint_p, "two samples each"),
    "nearest neighbours, few against many": each(few_against_many_p),
    "source dependence, one sample each": each(source_dependence_p, 1),
    "source dependence, two samples each": each(source_dependence_p, 2),
    "source dependence, some of many people": each(source_dependence_p, 2, most_people=11),
    "outside training": each(outside_training_p),
    "random gene sets": each(random_set_p),
    "lists": lambda n, _m: list_p(0, n),
    **{f"ranks, set of {size}": lambda n, _m, size=size: ranks_p(size, n, size) for size in (5, 12, 60)},
}
FEWER = {"source": 39, "nearest": 59, "random": 19}  # permutations of the slow ones, by the first word


@pytest.mark.parametrize("name", NULLS)
def test_p_is_super_uniform_where_nothing_is_to_be_found(name):
    p_values = NULLS[name](N_STUDIES, FEWER.get(name.split()[0], N_PERMUTATIONS))
    assert len(p_values) == N_STUDIES
    assert is_calibrated(p_values), f"{excess(p_values):.1f} standard errors"
    assert (p_values <= 0.5).mean() > 0.1  # not by never being small


# The same checks must fail where p is wrong


def test_a_p_without_the_one_that_was_observed_is_found_out():
    p_values = NULLS["random gene sets"](N_STUDIES, 19)
    assert is_calibrated(p_values)
    assert not is_calibrated((20 * p_values - 1) / 19)  # b / m
    assert excess((20 * p_values - 1) / 19) > 3


def test_random_sets_without_ones_own_genes_are_found_out():
    assert not is_calibrated([random_set_p(seed, 19, with_own=False) for seed in range(N_STUDIES)])


def test_the_genome_as_background_is_found_out():
    assert not is_calibrated(list_p(0, N_STUDIES, background=800))


def test_people_taken_for_strangers_are_found_out():
    p_values = []
    for seed in range(100):
        profiles = np.random.default_rng(seed).normal(size=(8, 3)).repeat(3, axis=0)
        p_values.append(energy_p_value(CloudPair.of(profiles[:12], profiles[12:]), seed=seed, n_permutations=99).value)
    assert not is_calibrated(p_values)


@pytest.mark.parametrize(("inside", "outside"), [(5, 5), (5, 10), (5, 60), (8, 20), (25, 25)])
def test_the_normal_ranks_are_no_smaller_than_the_exact_ones_where_it_counts(inside, outside):
    """The null of a rank sum can be counted out: the normal approximation never says less often that it is extreme."""
    genes, compared = GENES[: inside + outside], 0
    for u in np.unique(np.linspace(inside * outside // 2, inside * outside, 25).astype(int)):
        values = placed(inside, outside, u)
        exact = mannwhitneyu(values[:inside], values[inside:], method="exact").pvalue
        found = ranked_enrichment({Profile("a", ""): values}, genes, [annotation(SET=genes[:inside], ALL=genes)])
        compared += exact <= 0.06
        assert exact > 0.06 or found["p_value"].iloc[0] >= 0.95 * exact
    assert compared > 3


def placed(inside, outside, u):
    """Values in which the first ones beat so many of the others in all."""
    beaten = np.full(inside, u // inside)
    beaten[: u % inside] += 1
    return np.concatenate([beaten - 0.5 + np.arange(inside) / (10 * inside), np.arange(outside, dtype=float)])
