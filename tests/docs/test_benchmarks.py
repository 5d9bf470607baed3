"""The benchmarks measure what they say: the naive method is the method, the floor is counted right, a guard guards."""

import importlib
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from tspg.model.device import fixed_threads
from tspg.utils.files import read_table

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
if not BENCHMARKS.is_dir():
    pytest.skip("the benchmarks are part of a checkout, not of a source distribution", allow_module_level=True)
sys.path.insert(0, str(BENCHMARKS))  # scripts, not a package

SCRIPTS = ("child", "floor", "growth", "naive", "ours", "quick", "timing", "trial")
child, floor, growth, naive, ours, quick, timing, trial = map(importlib.import_module, SCRIPTS)

GENES, CLASSES, BATCH = 30, 4, 32


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    with fixed_threads(1):
        yield


@pytest.fixture(scope="module")
def case():
    return ours.make_case(GENES, n_samples=400, n_classes=CLASSES)


@pytest.fixture(scope="module")
def widths():
    return floor.f_widths(GENES, CLASSES), floor.g_widths(GENES), floor.d_widths(GENES)


def copied(theirs, network):
    """The naive network with the weights of another one, which must come in the same order and shapes."""
    with torch.no_grad():
        for mine, other in zip(network.parameters(), theirs.parameters(), strict=True):
            mine.copy_(other)
    return network


def naive_game(game):
    f = copied(game.target_model, naive.target_model(GENES, CLASSES)).requires_grad_(False)
    start = naive.Game.start(GENES, f, game.target_index)
    copied(game.generator, start.g)
    copied(game.discriminator, start.d)
    return start


def test_the_naive_step_has_the_losses_of_ours(case):
    game = ours.players(case)
    plain = naive_game(game)
    x, r_t = case.training[:BATCH], ours.random_profiles(BATCH, GENES, seed=4)
    for _ in range(2):  # the second sees what the first has learned
        found, expected = naive.naive_step(plain, x, x, r_t), ours.paper_losses(game, x, x, r_t)
        assert found.keys() <= expected.keys()
        for name, value in found.items():
            assert value == pytest.approx(expected[name], rel=1e-4), name


def test_naive_training_brings_the_losses_down_as_ours_does(case):
    _, history = naive.train_naive(case.dataset, case.f, case.target_class, covariance="exact", epochs=4)
    steps = len(history) // 4
    ours_at_the_end = ours.train_paper(case, epochs=4)
    last = np.mean([row["target_distance_loss"] for row in history[-steps:]])
    assert last < history[0]["target_distance_loss"]
    assert last == pytest.approx(ours_at_the_end["target_distance_loss"], rel=0.3)


@pytest.mark.parametrize("covariance", naive.COVARIANCES)
def test_naive_draws_have_the_targets_mean_and_spread(covariance):
    target = 0.3 + 0.4 * ours.random_profiles(50, 20)
    drawn = naive.target_sampler(target, covariance)(4000)
    np.testing.assert_allclose(drawn.mean(dim=0), target.mean(dim=0), atol=0.02)
    np.testing.assert_allclose(drawn.std(dim=0), target.std(dim=0), rtol=0.1)


def counted(work):
    with FlopCounterMode(display=False) as counter:
        work()
    return counter.get_total_flops()


def test_the_floor_of_the_paper_step_is_what_it_computes(case, widths):
    game, x = ours.players(case), case.training[:BATCH]
    products = floor.paper_products(BATCH, *widths)
    assert counted(lambda: ours.paper_losses(game, x, x, x)) == floor.total_flop(products)


def test_a_runner_computes_every_product_it_was_given():
    products = floor.forward(8, [5, 3]) + floor.weight_gradients(8, [5, 3]) + floor.input_gradients(8, [5, 3])
    assert counted(floor.runner(products)) == floor.total_flop(products) == 3 * 2 * 8 * 5 * 3


def test_a_planted_slow_ratio_is_called_slower():
    stored = {"step": 0.5, "draw": 0.1, "reading": 2.0}
    found = {"step": 0.7, "draw": 0.11, "reading": 1.0, "judge": 3.0}
    words = {"step": "slower", "draw": "as before", "reading": "faster", "judge": "new"}
    assert quick.verdict(found, stored) == words
    assert quick.lines(found, stored)[0].split() == ["slower", "0.700", "stored", "0.500", "step"]


def test_only_what_stays_slow_is_slower():
    stored, found = {"step": 0.5, "draw": 0.1}, {"step": 0.9, "draw": 0.2}
    assert quick.measure_again(found, stored, {"step": 0.5, "draw": 0.3}.get) == {"step": 0.5, "draw": 0.2}


def test_the_guard_ends_with_an_error_where_something_got_slower(tmp_path, monkeypatch, capsys):
    file = tmp_path / "stored.json"
    monkeypatch.setattr(quick, "STORED", file)
    monkeypatch.setattr(quick.machine, "pin_threads", lambda: None)
    seconds = {"ours": 1.0, "reference": 1.0}
    monkeypatch.setattr(quick, "pairs", lambda _: {"step": quick.Pair(lambda: seconds["ours"], lambda: 1.0)})
    monkeypatch.setattr(sys, "argv", ["quick.py", "--store"])
    assert quick.main() == 0
    assert json.loads(file.read_text())["ratios"] == {"step": 1.0}
    monkeypatch.setattr(sys, "argv", ["quick.py"])
    assert quick.main() == 0
    seconds["ours"] = 1.3
    assert quick.main() == 1
    assert "Slower than stored" in capsys.readouterr().out


def test_contenders_take_turns_and_the_warm_up_does_not_count():
    turns = []
    found = timing.interleaved({name: lambda n=name: turns.append(n) or float(len(turns)) for name in "AB"}, rounds=2)
    assert turns == ["A", "B"] * 3
    assert found == {"A": timing.Times((3.0, 5.0)), "B": timing.Times((4.0, 6.0))}
    assert (found["A"].least, found["A"].middle) == (3.0, 4.0)


def test_exponents_of_a_known_power():
    sizes = [100, 400, 1600]
    assert growth.exponents(sizes, [size**1.5 for size in sizes]) == pytest.approx((1.5, 1.5))


def test_a_child_tells_its_own_memory_and_time():
    used = child.python("-c", "x = bytearray(300_000_000); sum(range(3_000_000))")
    assert used.peak_gb > 0.3
    assert used.cpu > 0
    assert used.wall > 0


def test_a_child_that_fails_is_no_measurement():
    with pytest.raises(SystemExit, match="no such luck"):
        child.python("-c", "raise ValueError('no such luck')")


@pytest.fixture
def results():
    return read_table(BENCHMARKS / "trial.tsv")


def with_gain(results, candidate, measure, gain):
    """The results with about the map's own numbers for a candidate, and a gain of about so much in one measure."""
    of_map = results[results["candidate"] == "map"].assign(candidate=candidate)
    of_map["value"] += 1e-6 * np.sin(np.arange(len(of_map)))
    planted = of_map["measure"] == measure
    of_map.loc[planted, "value"] += gain * np.linspace(0.9, 1.1, planted.sum())
    return pd.concat([results[results["candidate"] != candidate], of_map])


def test_the_trial_is_decided_for_the_map_and_the_first_run_would_have_chosen_the_flow(results):
    assert trial.decide(results) == "map"
    assert trial.decide(read_table(BENCHMARKS / "trial_first.tsv")) == "flow"


def test_the_table_of_the_trial_is_what_its_results_give(results):
    page = (BENCHMARKS / "trial.md").read_text()
    told = [line for line in page.partition("## Result")[2].splitlines() if line.startswith("|")]
    assert told == trial.gains_on_the_map(results)
    ratios = results[(results["candidate"] == "map") & (results["measure"] == "energy_ratio")].dropna()
    assert (len(ratios), ratios["question"].nunique()) == (36, 19)
    assert f"All 44 splits have every measure but the energy ratio, which {len(ratios)} have" in page
    others = results[results["measure"] != "energy_ratio"]
    assert others["value"].notna().all()
    assert (others.groupby(["candidate", "measure"]).size() == 44).all()


@pytest.mark.parametrize(
    ("measure", "gain", "winner"),
    [
        ("energy_ratio", -0.05, "network"),  # lower is better
        ("energy_ratio", 0.05, "map"),
        ("energy_ratio", -0.005, "map"),  # too little to count
        ("individuality", 0.05, "network"),
        ("hits", -0.05, "map"),
    ],
)
def test_a_challenger_wins_that_is_clearly_better_in_the_first_measure_that_differs(results, measure, gain, winner):
    assert trial.decide(with_gain(results, "network", measure, gain)) == winner


def test_the_first_measure_that_differs_decides(results):
    planted = with_gain(results, "network", "energy_ratio", 0.05)
    better = (planted["candidate"] == "network") & (planted["measure"] == "hits")
    planted.loc[better, "value"] += np.linspace(0.4, 0.6, better.sum())
    assert trial.decide(planted) == "map"
