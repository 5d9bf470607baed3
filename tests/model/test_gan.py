"""One training step against a plain transcription of the paper's section 2.2, and the layers by hand."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from tspg.data.prepare import prepare
from tspg.model import training
from tspg.model.config import LossWeights, PaperConfig, TargetModelConfig
from tspg.model.gan import init_gan, train_step
from tspg.model.networks import Discriminator, Generator, ResidualBlock, initialise
from tspg.model.random import F_ORDER, F_WEIGHTS, G_ORDER, TARGET_DRAWS
from tspg.model.target_state import TargetState
from tspg.model.training import train_generator, train_target_model

SMALL = PaperConfig(
    down_units=(16, 12),
    residual_blocks=1,
    up_units=(14,),
    discriminator_units=(10, 8),
    learning_rate=3e-3,
    discriminator_learning_rate=7e-4,
    confidence=-0.05,
    weights=LossWeights(realism=1.5, target_class=0.25, perturbation_norm=2.0, target_distance=0.5),
)


@pytest.fixture(scope="module")
def dataset(planted):
    return prepare(planted.adata, label_column="label", seed=5)


@pytest.fixture(scope="module")
def f(dataset):
    return train_target_model(dataset, TargetModelConfig(hidden_units=(12,), epochs=3, batch_size=32))


def plain_step(generator, discriminator, f, adam_g, adam_d, x, real, r_t, target, config):
    """Section 2.2 as it stands, with the reductions of the method's table; nothing shared with the package."""
    fake = torch.clip(x + generator(x), 0, 1)
    adam_d.zero_grad()
    loss_d = ((discriminator(real) - 1) ** 2).mean() + (discriminator(fake.detach()) ** 2).mean()
    loss_d.backward()
    adam_d.step()

    adam_g.zero_grad()
    raw = generator(x)
    fake = torch.clip(x + raw, 0, 1)
    p = torch.softmax(f(fake), dim=1)
    rivals = p.clone()
    rivals[:, target] = -1
    margins = torch.maximum(rivals.max(dim=1).values - p[:, target], torch.tensor(config.confidence))
    terms = {
        "realism": ((discriminator(fake) - 1) ** 2).mean(),
        "target_class": margins.sum(),
        "perturbation_norm": (raw**2).sum(dim=1).sqrt().mean(),
        "target_distance": (fake - r_t).abs().sum(dim=1).mean(),
    }
    w = config.weights
    total = w.realism * terms["realism"] + w.target_class * terms["target_class"]
    total = total + w.perturbation_norm * terms["perturbation_norm"] + w.target_distance * terms["target_distance"]
    total.backward()
    adam_g.step()
    return {"discriminator": loss_d, **terms, "total": total}


def test_three_steps_are_the_papers(dataset, f):
    gan = init_gan(dataset, f, SMALL, target_class="target", seed=1, device=torch.device("cpu"))
    generator, discriminator = copy.deepcopy(gan.generator), copy.deepcopy(gan.discriminator)
    starts = [{k: v.clone() for k, v in network.named_parameters()} for network in (generator, discriminator)]
    adam_g = torch.optim.Adam(generator.parameters(), lr=3e-3, eps=1e-7)
    adam_d = torch.optim.Adam(discriminator.parameters(), lr=7e-4, eps=1e-7)
    rng = np.random.default_rng(0)
    for _ in range(3):
        x, real = (torch.from_numpy(dataset.profiles[rng.integers(0, 120, n)]) for n in (20, 17))
        r_t = torch.from_numpy(rng.random((20, 60), dtype=np.float32))
        found = train_step(gan, x, real, r_t)
        plain = plain_step(generator, discriminator, f, adam_g, adam_d, x, real, r_t, 2, SMALL)
        for name, value in plain.items():
            assert found[f"{name}_loss"].item() == pytest.approx(value.item(), rel=1e-4), name
    ours, theirs = (gan.generator, gan.discriminator), (generator, discriminator)
    for network, plain, start in zip(ours, theirs, starts, strict=True):
        for (name, first), second in zip(network.named_parameters(), plain.parameters(), strict=True):
            if first.ndim == 2:  # a bias before batch normalisation has no gradient but rounding
                moved = (second - start[name]).norm()
                assert (first - second).norm() < 0.02 * moved, name


def test_the_settings_are_the_papers():
    f, g = TargetModelConfig(), PaperConfig()
    assert (f.hidden_units, f.learning_rate, f.batch_size, f.epochs) == ((1024, 512, 128), 1e-3, 256, 50)
    assert (g.down_units, g.residual_blocks, g.up_units) == ((512, 256, 128), 3, (256, 512))
    assert g.discriminator_units == (512, 256, 128)
    assert (g.learning_rate, g.discriminator_learning_rate, g.batch_size, g.epochs) == (2e-4, 1e-4, 128, 150)
    assert g.confidence == 0.0
    assert g.weights == LossWeights(1.0, 1.0, 1.0, 1.0)
    assert g.steps is None


def test_the_optimisers_are_the_papers(dataset, f):
    gan = init_gan(dataset, f, PaperConfig(), target_class="target", seed=1, device=torch.device("cpu"))
    assert [gan.generator_optimiser.lr, gan.discriminator_optimiser.lr] == [2e-4, 1e-4]


def batch_norm(hidden):
    return (hidden - hidden.mean(dim=0)) / torch.sqrt(hidden.var(dim=0, unbiased=False) + 1e-3)


def linear(layer, hidden):
    return hidden @ layer.weight.T + layer.bias


def test_discriminator_by_hand():
    network = Discriminator(6, SMALL)
    initialise(network, seed=(0, 1))
    x = torch.rand(9, 6, generator=torch.Generator().manual_seed(0))
    dense = [layer for layer in network.modules() if isinstance(layer, nn.Linear)]
    hidden = x
    for layer in dense[:-1]:
        normed = batch_norm(linear(layer, hidden))
        hidden = torch.where(normed > 0, normed, 0.2 * normed)
    expected = 1 / (1 + torch.exp(-linear(dense[-1], hidden)[:, 0]))
    np.testing.assert_allclose(network.train()(x).detach(), expected.detach(), rtol=1e-4)


def test_generator_by_hand():
    network = Generator(6, SMALL)
    initialise(network, seed=(0, 1))
    x = torch.rand(9, 6, generator=torch.Generator().manual_seed(0))
    d1, d2, r1, r2, up, last = (layer for layer in network.modules() if isinstance(layer, nn.Linear))
    hidden = batch_norm(linear(d1, x)).relu()
    hidden = batch_norm(linear(d2, hidden)).relu()
    hidden = hidden + batch_norm(linear(r2, batch_norm(linear(r1, hidden)).relu()))
    hidden = batch_norm(linear(up, hidden)).relu()
    np.testing.assert_allclose(
        network.train()(x).detach(), torch.tanh(linear(last, hidden)).detach(), rtol=1e-3, atol=1e-6
    )


def test_a_residual_block_without_weights_passes_everything_on():
    block = ResidualBlock(4)
    for parameter in block.parameters():
        nn.init.zeros_(parameter)
    hidden = torch.rand(5, 4)
    assert torch.equal(block(hidden), hidden)


def test_draws_of_the_target_state_are_clipped_before_the_step_sees_them(dataset, f, monkeypatch):
    wide = TargetState(np.full(60, 0.5, np.float32), np.full((60, 3), 5.0, np.float32))
    seen = []
    original = train_step
    monkeypatch.setattr(training, "train_step", lambda p, x, real, r: (seen.append(r), original(p, x, real, r))[1])
    train_generator(dataset, f, wide, replace(SMALL, steps=2), target_class="target")
    drawn = torch.cat(seen)
    assert (drawn.min(), drawn.max()) == (0.0, 1.0)


def test_kept_statistics_are_those_of_all_training_samples(dataset, f):
    state = TargetState.estimate(dataset.profiles[dataset.class_mask("target") & dataset.is_train])
    generator, discriminator, _ = train_generator(dataset, f, state, replace(SMALL, epochs=2), target_class="target")
    x = torch.from_numpy(dataset.profiles[dataset.is_train])
    for network in (generator.body, discriminator.layers):
        hidden = network[0](x)
        np.testing.assert_allclose(network[1].running_mean, hidden.mean(dim=0).detach(), atol=1e-5)
        np.testing.assert_allclose(network[1].running_var, hidden.var(dim=0).detach(), rtol=1e-4)
    assert not generator.training
    assert not discriminator.training


def test_seed_and_epoch_decide_every_stream(dataset, monkeypatch):
    asked = []
    original = training.stream
    monkeypatch.setattr(training, "stream", lambda *key: (asked.append(key), original(*key))[1])
    monkeypatch.setattr(
        training, "initialise", lambda network, seed: (asked.append(seed), initialise(network, seed=seed))
    )
    f = train_target_model(dataset, TargetModelConfig(hidden_units=(4,), epochs=2), seed=9)
    assert asked == [(9, F_WEIGHTS), (9, F_ORDER, 0), (9, F_ORDER, 1)]
    asked.clear()
    state = TargetState.estimate(dataset.profiles[dataset.class_mask("target")])
    train_generator(dataset, f, state, replace(SMALL, epochs=2), target_class="target", seed=9)
    assert sorted(asked) == sorted((9, use, epoch) for epoch in range(2) for use in (TARGET_DRAWS, G_ORDER))
