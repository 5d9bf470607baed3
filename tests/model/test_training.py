"""How G learns: what must come out of planted data, and what must stop it."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tspg.data.prepare import prepare
from tspg.errors import DivergedError, UsageError
from tspg.model import gan as steps
from tspg.model.adam import Adam
from tspg.model.config import LossWeights, PaperConfig, TargetModelConfig
from tspg.model.gan import recompute_batch_statistics
from tspg.model.learning_rate import LearningRate
from tspg.model.networks import Generator, initialise
from tspg.model.random import batches, batches_an_epoch
from tspg.model.target_state import TargetState
from tspg.model.training import _Rows, train_generator, train_target_model

F = TargetModelConfig(hidden_units=(32, 16), epochs=30, batch_size=32)
G = PaperConfig(
    down_units=(64, 32), up_units=(32, 64), discriminator_units=(32, 16), batch_size=32, epochs=60, learning_rate=1e-3
)


@pytest.fixture(scope="module")
def dataset(planted):
    return prepare(planted.adata, label_column="label", group_column="donor", seed=3)


@pytest.fixture(scope="module")
def f(dataset):
    return train_target_model(dataset, F)


@pytest.fixture(scope="module")
def target_state(dataset):
    return TargetState.estimate(dataset.profiles[dataset.class_mask("target") & dataset.is_train])


def learn(dataset, f, target_state, config=G, **changed):
    return train_generator(dataset, f, target_state, config, target_class="target", **changed)


@pytest.mark.parametrize(("n_epochs", "least_steps", "steps"), [(2, 1, 6), (2, 6, 6), (2, 7, 9)])
def test_f_goes_through_few_samples_more_often(dataset, monkeypatch, n_epochs, least_steps, steps):
    taken = []
    step = Adam.step
    monkeypatch.setattr(Adam, "step", lambda optimiser: (taken.append(1), step(optimiser)))
    config = TargetModelConfig((4,), batch_size=32, epochs=n_epochs, least_steps=least_steps)  # 96 samples: 3 batches
    train_target_model(dataset, config)
    assert len(taken) == steps


def test_the_rate_of_f_rises_and_falls_where_a_warm_up_is_asked_for(dataset, monkeypatch):
    seen = {0.5: [], None: []}
    for warm_up, rates in seen.items():
        step = Adam.step
        with monkeypatch.context() as patch:
            patch.setattr(
                Adam,
                "step",
                lambda self: (rates.append(self.lr), step(self)),  # noqa: B023
            )
            train_target_model(
                dataset, TargetModelConfig((4,), learning_rate=0.1, batch_size=24, epochs=1, warm_up=warm_up)
            )
    assert seen[0.5] == pytest.approx([0.05, 0.1, 0.1, 0.05])  # a linear rise over half of 4 steps, then a cosine
    assert seen[None] == [0.1] * 4


def test_the_rate_falls_as_it_rose_once_the_loss_is_low_enough():
    config = TargetModelConfig(warm_up=0.2, enough_loss=0.5)
    in_full, early = LearningRate(config, 20), LearningRate(config, 20)
    rates = [in_full.at(step) for step in range(20)]
    assert rates == [0.25, 0.5, 0.75, *[1.0] * 14, 0.75, 0.5, 0.25]
    for step, loss in enumerate([1.0, 0.9, 0.9, 0.3, 0.2, 0.1, 0.1]):  # the last five are .32, those before .48 in mean
        assert early.end == 20 if step < 5 else 10
        early.after(step, loss)
    assert early.end == 10
    assert [early.at(step) for step in range(6, 10)] == [1.0, 0.75, 0.5, 0.25]


def test_f_has_learned_enough_after_fewer_steps_and_knows_its_classes(dataset):
    config = replace(F, epochs=100, warm_up=0.05, enough_loss=0.1, centred=True)
    taken = []
    f = train_target_model(dataset, config, progress=lambda *said: taken.append(said[1:3]))
    assert len(taken) < 70
    assert taken[-1] == (100, 100)
    every = torch.from_numpy(dataset.profiles)
    right = f(every).argmax(dim=1).numpy() == dataset.class_index
    assert right[dataset.is_train].mean() >= 0.95
    assert right[~dataset.is_train].mean() >= 0.9


def test_a_centred_f_takes_profiles_as_they_are(dataset):
    centre = dataset.profiles[dataset.is_train].mean(axis=0)
    plain = train_target_model(replace(dataset, profiles=dataset.profiles - centre), F)
    centred = train_target_model(dataset, replace(F, centred=True))
    scores = centred(torch.from_numpy(dataset.profiles)).numpy()
    assert np.allclose(scores, plain(torch.from_numpy(dataset.profiles - centre)).numpy(), atol=1e-3)
    assert not np.allclose(scores, plain(torch.from_numpy(dataset.profiles)).numpy(), atol=1e-1)


def test_a_smoothed_f_is_as_sure_as_its_labels(dataset):
    f = train_target_model(dataset, replace(F, epochs=200, label_smoothing=0.2))
    train = torch.from_numpy(dataset.profiles[dataset.is_train])
    own = f.probabilities(train).numpy()[np.arange(len(train)), dataset.class_index[dataset.is_train]]
    assert own.mean() == pytest.approx(0.8 + 0.2 / 3, abs=0.01)  # what cross-entropy with such labels asks for


@given(n_samples=st.integers(2, 2000), batch_size=st.integers(2, 300))
def test_batches_hold_every_sample_once_and_never_one_alone(n_samples, batch_size):
    found = batches(n_samples, batch_size, np.random.default_rng(0))
    assert sorted(np.concatenate(found)) == list(range(n_samples))
    assert min(map(len, found)) > 1
    assert len(found) == batches_an_epoch(n_samples, batch_size)


@pytest.mark.parametrize(("n_samples", "n_batches"), [(100, 1), (128, 1), (129, 1), (367, 3), (9350, 73)])
def test_an_epoch_has_the_batches_of_the_paper(n_samples, n_batches):
    assert batches_an_epoch(n_samples, 128) == n_batches


def test_target_model_learns_the_planted_classes(dataset, f):
    held_out = ~dataset.is_train
    called = f(torch.from_numpy(dataset.profiles[held_out])).argmax(dim=1).numpy()
    assert (called == dataset.class_index[held_out]).mean() >= 0.9  # by chance 1/3


def test_planted_drivers_come_back_first(dataset, f, target_state, planted):
    generator, _, history = learn(dataset, f, target_state)
    sources = dataset.profiles[~dataset.class_mask("target") & ~dataset.is_train]
    with torch.no_grad():
        moved = (torch.from_numpy(sources) + generator(torch.from_numpy(sources))).clamp(0, 1).numpy()
    change = pd.Series((moved - sources).mean(axis=0), index=dataset.gene_ids).sort_values()
    assert set(change.index[-5:]) == planted.up
    assert set(change.index[:5]) == planted.down
    assert history["hit_rate"].iloc[-1] == 1.0
    assert history["target_distance_loss"].iloc[-1] < history["target_distance_loss"].iloc[0]


def test_history_has_a_row_an_epoch_and_sums_to_the_total(dataset, f, target_state):
    weights = LossWeights(realism=2.0, target_class=3.0, perturbation_norm=0.5, target_distance=0.1)
    _, _, history = learn(dataset, f, target_state, replace(G, epochs=3, weights=weights))
    assert history["epoch"].tolist() == [1, 2, 3]
    assert history["step"].tolist() == [3, 6, 9]  # 96 training samples in batches of 32
    terms = {"realism": 2.0, "target_class": 3.0, "perturbation_norm": 0.5, "target_distance": 0.1}
    for name, weight in terms.items():
        np.testing.assert_allclose(history[f"weighted_{name}_loss"], weight * history[f"{name}_loss"], rtol=1e-5)
    total = sum(history[f"weighted_{name}_loss"] for name in terms)
    np.testing.assert_allclose(history["total_loss"], total, rtol=1e-5)


@pytest.mark.parametrize(("n_steps", "n_epochs"), [(1, 1), (3, 1), (4, 2), (9, 3)])
def test_steps_end_training_exactly(dataset, f, target_state, n_steps, n_epochs):
    _, _, history = learn(dataset, f, target_state, replace(G, steps=n_steps))
    assert (len(history), history["step"].iloc[-1]) == (n_epochs, n_steps)


def weights_of(network):
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def equal(first, second):
    return all(torch.equal(first[name], second[name]) for name in first)


def test_equal_seeds_learn_equal_weights(dataset, f, target_state):
    torch.manual_seed(1)
    first = weights_of(learn(dataset, f, target_state, replace(G, epochs=2))[0])
    torch.manual_seed(2)  # the global state has no say
    np.random.default_rng()
    assert equal(first, weights_of(learn(dataset, f, target_state, replace(G, epochs=2))[0]))
    assert not equal(first, weights_of(learn(dataset, f, target_state, replace(G, epochs=2), seed=1)[0]))


def test_the_noise_of_an_epoch_does_not_depend_on_how_long_training_goes_on(dataset, f, target_state):
    _, _, short = learn(dataset, f, target_state, replace(G, epochs=2))
    _, _, long = learn(dataset, f, target_state, replace(G, epochs=4))
    columns = [name for name in short if name != "seconds"]
    pd.testing.assert_frame_equal(long.iloc[:2][columns], short[columns])


def test_held_out_samples_do_not_change_what_is_learned(planted, dataset, f, target_state):
    poisoned = planted.adata.copy()
    poisoned.X[~dataset.is_train] *= 1e6
    other = prepare(poisoned, label_column="label", group_column="donor", seed=3)
    assert equal(weights_of(train_target_model(other, F)), weights_of(f))
    short = replace(G, epochs=2)
    assert equal(
        weights_of(learn(other, f, target_state, short)[0]), weights_of(learn(dataset, f, target_state, short)[0])
    )


def test_training_leaves_the_target_model_as_it_was(dataset, f, target_state):
    before = weights_of(f)
    learn(dataset, f, target_state, replace(G, epochs=1))
    assert equal(before, weights_of(f))


def test_named_sources_alone_are_moved_while_the_discriminator_sees_all_classes(dataset, f, target_state, monkeypatch):
    seen = {"x": [], "real": []}
    original = steps.train_step

    def watch(gan, x, real, r_t):
        seen["x"].append(x)
        seen["real"].append(real)
        return original(gan, x, real, r_t)

    monkeypatch.setattr("tspg.model.training.train_step", watch)
    learn(dataset, f, target_state, replace(G, epochs=3), source_classes=("beta",))
    rows = {profile.tobytes(): name for profile, name in zip(dataset.profiles, dataset.source_class, strict=True)}
    classes = {kind: {rows[profile.numpy().tobytes()] for batch in seen[kind] for profile in batch} for kind in seen}
    assert classes == {"x": {"beta"}, "real": {"alpha", "beta", "target"}}


def test_without_named_sources_the_real_batch_is_the_batch_that_is_moved(dataset, f, target_state, monkeypatch):
    pairs = []
    original = steps.train_step
    monkeypatch.setattr(
        "tspg.model.training.train_step",
        lambda p, x, real, r: (pairs.append(torch.equal(x, real)), original(p, x, real, r))[1],
    )
    learn(dataset, f, target_state, replace(G, epochs=1))
    assert pairs == [True] * 3


def test_a_value_that_is_no_number_stops_at_once_and_is_named(dataset, f, target_state):
    bad = TargetState(np.full_like(target_state.mean, np.nan), target_state.factor)
    with pytest.raises(DivergedError, match="step 1: target_distance_loss is nan"):
        learn(dataset, f, bad)


def test_a_target_model_that_diverges_stops_too(dataset):
    broken = replace(dataset, profiles=np.full_like(dataset.profiles, np.inf))
    with pytest.raises(DivergedError, match="cross-entropy of f"):
        train_target_model(broken, F)


def test_weights_that_are_no_numbers_after_the_last_step_stop_it(dataset, f, target_state):
    huge = replace(G, steps=1, learning_rate=1e38)
    with pytest.raises(DivergedError, match=r"step 1: the weights .* of the generator"):
        learn(dataset, f, target_state, huge)
    with pytest.raises(DivergedError, match=r"the weights .* of the target model"):
        train_target_model(dataset, replace(F, epochs=1, batch_size=200, learning_rate=1e39))


def test_an_epoch_is_watched_on_few_samples_of_every_class(dataset, monkeypatch):
    monkeypatch.setattr("tspg.model.training.MONITORED", 10)
    rows = _Rows.of(dataset, "target", None)
    assert 5 < len(rows.calibration) <= 10
    assert set(dataset.source_class[rows.calibration]) == {"alpha", "beta", "target"}  # the first ten are of one class
    assert set(dataset.source_class[rows.watched]) == {"alpha", "beta"}


def test_one_source_sample_is_too_few(planted):
    names = planted.adata.obs["label"].to_numpy(copy=True)
    adata = planted.adata.copy()
    names[0] = "lonely"
    adata.obs["label"] = names
    dataset = prepare(adata, label_column="label")
    f = train_target_model(dataset, replace(F, epochs=1))
    state = TargetState.estimate(dataset.profiles[dataset.class_mask("target")])
    with pytest.raises(UsageError, match="1 training samples"):
        learn(dataset, f, state, source_classes=("lonely",))


def test_recomputed_statistics_normalise_the_training_set():
    network = Generator(12, PaperConfig(down_units=(8, 6), residual_blocks=1, up_units=(8,)))
    initialise(network, seed=(0, 1))
    profiles = torch.rand(200, 12, generator=torch.Generator().manual_seed(0))
    recompute_batch_statistics(network.train(), profiles)
    first = network.body[1]
    with torch.no_grad():
        hidden = network.body[0](profiles)
    np.testing.assert_allclose(first.running_mean, hidden.mean(dim=0), atol=1e-6)
    np.testing.assert_allclose(first.running_var, hidden.var(dim=0), rtol=1e-5)
    assert first.momentum == 0.01  # as before
    assert network.training
