"""What G learns beyond the anchor, and the terms that teach it."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.spatial.distance import cdist
from scipy.stats import energy_distance

from tspg.config import TargetModelConfig, TransportConfig
from tspg.data.prepare import prepare
from tspg.errors import DivergedError, ShapeError, UsageError
from tspg.model.anchor import Anchor
from tspg.model.losses import energy_distance_loss, residual_size_loss, target_class_loss
from tspg.model.step import rate_at
from tspg.model.training import train_target_model
from tspg.model.transport import train_residuals, typical_distance

SMALL = TransportConfig(down_units=(32, 16), residual_blocks=1, up_units=(32,), batch_size=32, steps=20)


@pytest.fixture(scope="module")
def prepared(planted):
    return prepare(planted.adata, label_column="label", seed=3)


@pytest.fixture(scope="module")
def f(prepared):
    return train_target_model(prepared, TargetModelConfig(hidden_units=(16,), epochs=20, batch_size=32))


@pytest.fixture(scope="module")
def anchor(prepared):
    return Anchor.estimate(prepared, "target")


def learn(prepared, f, anchor, config=SMALL, **changed):
    return train_residuals(prepared, f, {"target": anchor}, config, **changed)["target"]


def test_weights_that_are_no_numbers_after_the_last_step_stop_it(prepared, f, anchor):
    with pytest.raises(DivergedError, match="step 1: the weights"):
        learn(prepared, f, anchor, replace(SMALL, steps=1, learning_rate=1e39))


@pytest.mark.parametrize(("f_knows", "asks"), [(True, True), (False, False)])
def test_f_is_asked_only_where_it_calls_real_target_samples_the_target(prepared, f, anchor, f_knows, asks):
    nowhere = replace(anchor, class_means=np.full_like(anchor.class_means, 0.5))  # not where f sees the target
    if not f_knows:  # it was taught that target samples are of another class: no gradient may come from it
        f = train_target_model(
            replace(prepared, class_index=np.where(prepared.in_class("target"), 0, prepared.class_index)),
            TargetModelConfig(hidden_units=(16,), epochs=20, batch_size=32),
        )
    (with_f, history), (without, _) = (
        learn(prepared, f, nowhere, replace(SMALL, target_class_weight=weight)) for weight in (1.0, 0.0)
    )
    same = torch.equal(with_f.last.weight, without.last.weight)
    assert history["target_class_loss"].iloc[0] > 0
    assert same is not asks


def test_energy_distance_loss_agrees_with_scipy_in_one_dimension():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(12, 1)), rng.normal(1.0, 2.0, size=(9, 1))
    within = [np.abs(z - z.T).mean() for z in (x, y)]
    biased = energy_distance(x[:, 0], y[:, 0]) ** 2  # 2 E|x-y| - E|x-x'| - E|y-y'| with pairs of a sample with itself
    expected = (biased - within[0] / 11 + within[1]) / 2  # unbiased in x, and without the target's own term
    found = energy_distance_loss(torch.tensor(x), torch.tensor(y), scale=0.5)
    assert found.item() == pytest.approx(expected / 0.5, abs=1e-4)


def test_energy_distance_loss_by_hand():
    perturbed = torch.tensor([[0.0, 0.0], [3.0, 4.0]])
    target = torch.tensor([[0.0, 0.0]])
    assert energy_distance_loss(perturbed, target, scale=1.0).item() == pytest.approx((0 + 5) / 2 - 5 / 2, abs=1e-3)


def test_energy_distance_loss_is_lowest_for_the_targets_own_distribution():
    rng = np.random.default_rng(1)
    target = torch.tensor(rng.normal(size=(400, 5)))
    same = torch.tensor(rng.normal(size=(400, 5)))
    values = {
        name: energy_distance_loss(cloud, target, 1.0).item()
        for name, cloud in {
            "same": same,
            "collapsed": 0 * same,
            "half": same / 2,
            "wide": 2 * same,
            "shifted": same + 1,
        }.items()
    }
    assert min(values, key=values.get) == "same"


def test_gradients_agree_with_finite_differences_and_exist_for_equal_rows():
    state = torch.Generator().manual_seed(0)
    x, y = (torch.rand(n, 4, generator=state, dtype=torch.float64, requires_grad=True) for n in (5, 3))
    assert torch.autograd.gradcheck(lambda a, b: energy_distance_loss(a, b, 0.7), (x, y), eps=1e-6, atol=1e-5)
    assert torch.autograd.gradcheck(lambda a: residual_size_loss(a, 0.7), (x,), eps=1e-6, atol=1e-5)
    equal = torch.ones(4, 3, requires_grad=True)
    energy_distance_loss(equal, torch.ones(2, 3), 1.0).backward()
    assert torch.isfinite(equal.grad).all()


def test_copies_of_real_profiles_change_no_energy_and_copies_of_moved_ones_count_as_pairs_at_no_distance():
    state = torch.Generator().manual_seed(1)
    x, y = (torch.rand(n, 4, generator=state, dtype=torch.float64) for n in (5, 3))
    once, within = energy_distance_loss(x, y, 1.0).item(), torch.pdist(x).mean().item()
    assert energy_distance_loss(x, y.repeat(2, 1), 1.0).item() == pytest.approx(once)
    twice = once + within / 2 * (1 - 80 / 90)  # of the 90 ordered pairs of ten, 10 are copies of each other
    assert energy_distance_loss(x.repeat(2, 1), y, 1.0).item() == pytest.approx(twice, abs=1e-3)


def test_residual_size_is_the_mean_squared_length():
    assert residual_size_loss(torch.tensor([[3.0, 4.0], [0.0, 0.0]]), scale=2.0).item() == pytest.approx(12.5 / 4)


@pytest.mark.parametrize(("x", "y"), [((5, 3), (5, 4)), ((5,), (5, 3)), ((1, 3), (5, 3))])
def test_clouds_that_do_not_fit_are_refused(x, y):
    with pytest.raises(ShapeError):
        energy_distance_loss(torch.zeros(*x), torch.zeros(*y), 1.0)


def test_the_rate_rises_then_falls_to_nothing():
    rates = [rate_at(step, 150, 0.1) for step in range(151)]
    assert rates[0] == pytest.approx(1 / 15)
    assert rates[14] == rates[15] == 1.0
    assert np.diff(rates[15:]).max() < 0
    assert rates[150] == pytest.approx(0.0)
    assert rates[15 + 135 // 3] == pytest.approx(0.75)  # cos(60 degrees) = 1/2


def test_typical_distance_is_the_median_between_pairs():
    profiles = np.random.default_rng(2).random((9, 4)).astype(np.float32)
    apart = cdist(profiles, profiles)[np.triu_indices(9, 1)]
    assert typical_distance(profiles) == pytest.approx(np.median(apart), rel=1e-6)
    assert typical_distance(np.ones((4, 2), np.float32)) == 1.0


def test_before_any_learning_the_generator_adds_nothing(prepared, f, anchor):
    still = replace(SMALL, steps=1, learning_rate=0.0)
    generator, _ = learn(prepared, f, anchor, still)
    with torch.no_grad():
        assert not generator(torch.from_numpy(prepared.profiles)).any()


def test_it_learns_what_the_anchor_leaves(prepared, f):
    """An anchor that leaves one gene where it was: G must move that gene."""
    anchor = Anchor.estimate(prepared, "target")
    blind = Anchor(anchor.target_index, anchor.directions, anchor.class_means.copy(), anchor.maps, anchor.stretch)
    blind.class_means[anchor.target_index, 0] = blind.class_means[0, 0]  # gene G0 should rise and does not
    generator, history = learn(prepared, f, blind, replace(SMALL, steps=300, residual_weight=0.0))
    rows = np.flatnonzero(~prepared.is_train & (prepared.class_index == 0))
    start = blind.move(prepared.profiles[rows], prepared.class_index[rows]).astype(np.float32)
    with torch.no_grad():
        change = generator(torch.from_numpy(start)).numpy().mean(axis=0)
    assert np.argmax(change) == 0
    assert history["energy_distance_loss"].iloc[-1] < history["energy_distance_loss"].iloc[0]


def test_history_has_a_row_every_ten_steps_and_sums_to_the_total(prepared, f, anchor):
    _, history = learn(prepared, f, anchor, replace(SMALL, steps=25, residual_weight=0.5, target_class_weight=2.0))
    assert history["step"].tolist() == [10, 20, 25]
    weights = {"energy_distance": 1.0, "residual_size": 0.5, "target_class": 2.0}
    for name, weight in weights.items():
        np.testing.assert_allclose(history[f"weighted_{name}_loss"], weight * history[f"{name}_loss"], rtol=1e-5)
    total = sum(history[f"weighted_{name}_loss"] for name in weights)
    np.testing.assert_allclose(history["total_loss"], total, rtol=1e-5)
    assert math.isfinite(history["hit_rate"].iloc[-1])


def test_equal_seeds_learn_equal_weights(prepared, f, anchor):
    first, second, other = (learn(prepared, f, anchor, seed=seed)[0].state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


def test_the_weights_kept_are_the_running_average(prepared, f, anchor):
    now, kept = (
        learn(prepared, f, anchor, replace(SMALL, steps=1, averaging=averaging))[0].last.weight
        for averaging in (0.0, 0.99)
    )
    assert now.abs().max() > 0
    torch.testing.assert_close(kept, 0.9 * now)  # after one step the start, which is 0, still counts for a tenth


def test_f_is_asked_for_no_more_than_it_grants_the_real_samples_of_the_batch(prepared, anchor, monkeypatch):
    unsure = train_target_model(prepared, TargetModelConfig(hidden_units=(4,), epochs=1, batch_size=32))
    seen, asked = [], []
    monkeypatch.setattr(
        "tspg.model.losses.energy_distance_loss",
        lambda x, real, scale: (seen.append(real), energy_distance_loss(x, real, scale))[1],
    )
    monkeypatch.setattr(
        "tspg.model.losses.target_class_loss",
        lambda scores, index, kappa=0.0: (asked.append((len(scores), kappa)), target_class_loss(scores, index, kappa))[
            1
        ],
    )
    learn(prepared, unsure, anchor, replace(SMALL, steps=3, batch_size=12))
    kappas = [kappa for rows, kappa in asked if rows > 1]
    granted = [target_class_loss(unsure.probabilities(real), 2).item() / len(real) for real in seen]
    assert kappas == pytest.approx(granted, rel=1e-5)
    assert np.ptp(kappas) > 1e-4  # each batch has its own


def test_targets_that_learn_side_by_side_learn_what_they_learn_alone(prepared, f):
    """Stacked in one step, as on a GPU, or one by one: the same but for rounding, and no target sees another."""
    anchors = {name: Anchor.estimate(prepared, name) for name in prepared.classes}
    together = train_residuals(prepared, f, anchors, SMALL)
    assert list(together) == list(prepared.classes)
    for name, anchor in anchors.items():
        generator, history = train_residuals(prepared, f, {name: anchor}, SMALL)[name]
        stacked_generator, stacked_history = together[name]
        for key, value in generator.state_dict().items():
            torch.testing.assert_close(stacked_generator.state_dict()[key], value, rtol=1e-3, atol=1e-4, msg=key)
        columns = stacked_history.columns.drop("seconds")
        pd.testing.assert_frame_equal(stacked_history[columns], history[columns], rtol=1e-3, atol=1e-5)
    weights = [generator.last.weight for generator, _ in together.values()]
    assert not torch.allclose(weights[0], weights[1], atol=1e-4)  # the tolerance tells targets apart


def test_epochs_are_counted_in_passes_over_the_sources(prepared, f, anchor):
    _, history = learn(prepared, f, anchor, replace(SMALL, steps=None, epochs=2))
    assert history["step"].iloc[-1] == 2 * math.ceil(64 / 32)  # 64 training samples are not of the target class


def test_one_source_sample_is_too_few(planted):
    names = planted.adata.obs["label"].to_numpy(copy=True)
    names[0] = "lonely"
    adata = planted.adata.copy()
    adata.obs["label"] = names
    prepared = prepare(adata, label_column="label")
    f = train_target_model(prepared, TargetModelConfig(hidden_units=(4,), epochs=1))
    with pytest.raises(UsageError, match="1 training samples"):
        learn(prepared, f, Anchor.estimate(prepared, "target"), source_classes=("lonely",))


def test_a_target_of_fewer_samples_than_a_batch_is_repeated_in_passes(prepared, f, anchor, monkeypatch):
    seen = []
    monkeypatch.setattr(
        "tspg.model.losses.energy_distance_loss",
        lambda x, real, scale: (seen.append(real), energy_distance_loss(x, real, scale))[1],
    )
    learn(prepared, f, anchor, replace(SMALL, steps=1, batch_size=80))
    rows = pd.Series([row.tobytes() for row in seen[0].numpy()]).value_counts()
    assert (len(seen[0]), len(rows)) == (80, 32)
    assert set(rows) == {2, 3}
