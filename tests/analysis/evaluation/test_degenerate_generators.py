"""Generators that are broken in a known way, and the measure that says so; a good one passes all."""

from dataclasses import dataclass

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from tspg.analysis.evaluation.classification import source_leak
from tspg.analysis.evaluation.classifiers import LinearClassifier, hit_rate
from tspg.analysis.evaluation.distances import CloudPair
from tspg.analysis.evaluation.energy import EnergyScale
from tspg.analysis.evaluation.individuality import individuality
from tspg.analysis.evaluation.neighbours import nn_two_sample, precision_recall_density_coverage
from tspg.analysis.evaluation.structure import gene_correlation, variance_ratio

N_GENES, N_FACTORS = 60, 4
RNG = np.random.default_rng(2)
MEANS = {name: 0.5 + 0.1 * RNG.normal(size=N_GENES) for name in "abct"}
SHARED = RNG.normal(size=(N_FACTORS, N_GENES))  # what a factor does in every class, beside its own effect in each
LOADINGS = {name: 0.04 * (0.75 * SHARED + 0.66 * RNG.normal(size=SHARED.shape)) for name in "abct"}


def profiles_of(names, person):
    """A person's four hidden factors and own noise, expressed as each class does."""
    factors, own = person[:, :N_FACTORS], 0.02 * person[:, N_FACTORS:]
    rows = [MEANS[name] + f @ LOADINGS[name] + noise for name, f, noise in zip(names, factors, own, strict=True)]
    return np.clip(rows, 0, 1).astype(np.float32)


@dataclass(frozen=True)
class World:
    """Training part, held-out sources and targets, and the same held-out people as the target would be."""

    training: np.ndarray
    training_names: np.ndarray
    names: np.ndarray
    sources: np.ndarray
    real: np.ndarray
    ideal: np.ndarray

    def of_class(self, name):
        return self.training[self.training_names == name]

    @property
    def targets(self):
        return self.of_class("t")

    @property
    def own_means(self):
        return np.array([self.of_class(name).mean(axis=0) for name in self.names])

    @property
    def classifier(self):
        return LinearClassifier.fit(self.training, self.training_names)


@pytest.fixture(scope="module")
def world():
    rng = np.random.default_rng(0)
    people = lambda n: rng.normal(size=(n, N_FACTORS + N_GENES))  # noqa: E731
    training_names = np.array(list("abct") * 60, dtype=object)
    training = profiles_of(training_names, people(240))
    names, held_out = np.array(list("abc") * 25, dtype=object), people(75)
    real, ideal = profiles_of("t" * 40, people(40)), profiles_of("t" * 75, held_out)
    return World(training, training_names, names, profiles_of(names, held_out), real, ideal)


def measured(world, moved):
    scale = EnergyScale.of(world.sources, world.real, world.targets, seed=0, n_boot=20)
    pair = CloudPair.of(moved, world.real)
    neighbours = nn_two_sample(pair, seed=0, n_permutations=19)
    balls = {name: found.value for name, found in precision_recall_density_coverage(pair).items()}
    return balls | {
        "hit_rate": hit_rate(world.classifier(moved), "t").value,
        "energy_ratio": scale.ratio(scale.excess(pair)).value,
        "nn_fake": neighbours.fake.value,
        "nn_real": neighbours.real.value,
        "variance_ratio": variance_ratio(moved, world.targets).value,
        "gene_correlation": gene_correlation(moved, world.targets, seed=0, n_boot=20).value,
        "individuality": individuality(world.sources, world.own_means, moved, world.targets.mean(axis=0)).value,
        "source_leak": source_leak(moved, world.names, seed=0).value,
    }


def mean_shift(world):
    return world.sources - world.own_means + world.targets.mean(axis=0)


def nearest_target(world):
    return world.targets[cdist(world.sources, world.targets).argmin(axis=1)]


def gaussian_draw(world):
    mean, covariance = world.targets.mean(axis=0), np.cov(world.targets.T)
    return np.random.default_rng(3).multivariate_normal(mean, covariance, size=len(world.sources))


def identity(world):
    return world.sources


def constant(world):
    return np.tile(world.targets.mean(axis=0), (len(world.sources), 1))


def diagonal_gaussian(world):
    noise = np.random.default_rng(1).normal(size=world.sources.shape)
    return world.targets.mean(axis=0) + noise * world.targets.std(axis=0)


def half_the_way(world):
    return (world.sources + mean_shift(world)) / 2


def one_class_only(world):
    return np.where((world.names == "a")[:, None], mean_shift(world), world.sources)


def attack(world):
    """Just over the border of the logistic classifier, along its own coefficients."""
    classifier, moved = world.classifier, world.sources.astype(float)
    towards = classifier.coefficients[:, [3]] - classifier.coefficients[:, :3]
    towards = (towards / np.linalg.norm(towards, axis=0)).T
    for _ in range(500):
        scores = moved @ classifier.coefficients + classifier.intercepts
        best = scores[:, :3].argmax(axis=1)
        missed = scores[:, 3] <= scores[np.arange(len(moved)), best] + 0.01
        moved[missed] += 0.01 * towards[best[missed]]
    return moved


def test_the_same_people_as_real_targets_pass_everything(world):
    found = measured(world, world.ideal)
    assert found["hit_rate"] == 1.0
    assert abs(found["energy_ratio"]) < 0.03
    assert 0.3 < found["nn_fake"] < 0.7
    assert 0.3 < found["nn_real"] < 0.7
    assert 0.8 < found["variance_ratio"] < 1.25
    assert found["gene_correlation"] > 0.9
    assert found["individuality"] > 0.5
    assert found["source_leak"] < 0.5
    assert min(found["precision"], found["recall"], found["density"], found["coverage"]) > 0.7


@pytest.mark.parametrize(
    ("generator", "measure", "low", "high"),
    [
        (identity, "energy_ratio", 0.99, 1.01),
        (identity, "hit_rate", 0.0, 0.0),
        (identity, "source_leak", 0.9, 1.0),
        (constant, "variance_ratio", 0.0, 0.01),
        (constant, "individuality", 0.0, 0.0),
        (constant, "recall", 0.0, 0.05),
        (constant, "nn_fake", 0.95, 1.0),
        (attack, "energy_ratio", 0.1, 1.0),
        (attack, "precision", 0.0, 0.3),
        (diagonal_gaussian, "gene_correlation", -0.2, 0.2),
        (diagonal_gaussian, "precision", 0.0, 0.5),
        (diagonal_gaussian, "individuality", -0.1, 0.1),
        (nearest_target, "individuality", -0.1, 0.4),
        (nearest_target, "recall", 0.0, 0.7),
        (nearest_target, "nn_fake", 0.8, 1.0),
        (half_the_way, "energy_ratio", 0.15, 0.9),
        (half_the_way, "source_leak", 0.9, 1.0),
        (one_class_only, "energy_ratio", 0.4, 1.2),
        (one_class_only, "hit_rate", 0.2, 0.4),
        (gaussian_draw, "individuality", -0.1, 0.1),
        (mean_shift, "gene_correlation", -0.3, 0.75),
    ],
    ids=lambda value: value.__name__ if callable(value) else value if isinstance(value, str) else "",
)
def test_a_broken_generator_is_caught_by(generator, measure, low, high, world):
    assert low <= measured(world, generator(world).astype(np.float32))[measure] <= high


@pytest.mark.parametrize("generator", [constant, attack, diagonal_gaussian, nearest_target])
def test_the_hit_rate_alone_would_be_fooled(generator, world):
    assert hit_rate(world.classifier(generator(world)), "t").value > 0.9
