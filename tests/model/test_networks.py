"""Sizes, starts and ranges of f, G and D as the paper gives them."""

import numpy as np
import pytest
import torch
from torch import nn

from tspg.model.config import PaperConfig, TargetModelConfig
from tspg.model.networks import Discriminator, Generator, TargetModel, initialise

BATCH, GENES, CLASSES = 5, 36, 3


def widths(network):
    return [(layer.in_features, layer.out_features) for layer in network.modules() if isinstance(layer, nn.Linear)]


def test_layers_have_the_sizes_of_the_paper():
    down, up = [(GENES, 512), (512, 256), (256, 128)], [(128, 256), (256, 512), (512, GENES)]
    assert widths(TargetModel(GENES, CLASSES, TargetModelConfig())) == [
        (GENES, 1024),
        (1024, 512),
        (512, 128),
        (128, 3),
    ]
    assert widths(Generator(GENES, PaperConfig())) == [*down, *[(128, 128)] * 6, *up]
    assert widths(Discriminator(GENES, PaperConfig())) == [*down, (128, 1)]


def test_batch_normalisation_follows_tensorflow():
    norms = [layer for layer in Generator(GENES, PaperConfig()).modules() if isinstance(layer, nn.BatchNorm1d)]
    assert len(norms) == 3 + 6 + 2
    assert {(norm.momentum, norm.eps) for norm in norms} == {(0.01, 1e-3)}


def test_outputs_have_their_shapes_and_ranges():
    profiles = torch.rand(BATCH, GENES, generator=torch.Generator().manual_seed(0))
    f, g, d = (
        TargetModel(GENES, CLASSES, TargetModelConfig()),
        Generator(GENES, PaperConfig()),
        Discriminator(GENES, PaperConfig()),
    )
    for number, network in enumerate((f, g, d)):
        initialise(network, seed=(0, number))
    with torch.no_grad():
        np.testing.assert_allclose(f.probabilities(profiles).sum(dim=1), np.ones(BATCH), rtol=1e-5)
        perturbation, scores = g(profiles * 1e3), d(profiles)
    assert perturbation.shape == (BATCH, GENES)
    assert perturbation.abs().max() <= 1
    assert scores.shape == (BATCH,)
    assert ((scores > 0) & (scores < 1)).all()


def test_start_is_glorot_uniform_with_zero_biases():
    layer = nn.Linear(400, 300)
    initialise(nn.Sequential(layer), seed=(3, 1))
    limit = np.sqrt(6 / (400 + 300))
    weights = layer.weight.detach().numpy()
    assert np.abs(weights).max() <= limit
    assert weights.std() == pytest.approx(limit / np.sqrt(3), rel=0.01)  # of a uniform distribution
    assert not layer.bias.any()


def test_start_depends_on_the_seed_alone():
    layers = [nn.Linear(4, 3) for _ in range(3)]
    torch.manual_seed(0)
    before = torch.random.get_rng_state()
    for layer, seed in zip(layers, [(0, 1), (0, 1), (0, 2)], strict=True):
        initialise(layer, seed=seed)
    assert torch.equal(torch.random.get_rng_state(), before)  # the global state is left alone
    assert torch.equal(layers[0].weight, layers[1].weight)
    assert not torch.equal(layers[0].weight, layers[2].weight)
