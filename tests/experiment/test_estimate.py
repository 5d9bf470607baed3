"""What a run is expected to take: the steps are counted as training counts them, the rest adds up."""

import logging

import pytest
import torch

import tspg
from tests.options import nested
from tspg.experiment import estimate as module
from tspg.experiment.estimate import ResourceEstimate, estimate_resources, probe, steps_of_g
from tspg.model.config import Training

ASKED = {"label_column": "label", "target_class": "target", "threads": 1, "target_epochs": 1, "folds": 1}


@pytest.mark.parametrize("length", [{"epochs": 3}, {"steps": 7}])
@pytest.mark.parametrize("preset", ["paper", "transport"])
def test_steps_are_counted_as_training_takes_them(planted, preset, length):
    run = tspg.run(planted.adata, **nested(preset=preset, annotations=(), **ASKED, **length))
    assert steps_of_g(run.metrics["data"]["n_train"], run.config) == run.metrics["training"]["steps"]
    assert (run.metrics["training"]["steps"] > 0) == (preset == "paper")


@pytest.fixture
def steady(monkeypatch):
    """A machine on which a step of f takes no time, one of G 20 ms, and all else what it took where it was measured."""
    monkeypatch.setattr(module, "probe", lambda *_: (0.0, 0.02))
    monkeypatch.setattr(module, "machine_slowness", lambda _: 1.0)


@pytest.mark.usefixtures("steady")
def test_training_evidence_and_folds_add_up():

    def seconds(**changed):
        return estimate_resources(1000, 200, 5, Training(preset="paper", **changed).config(target_class="t")).seconds

    assert seconds(steps=1100) - seconds(steps=100) == pytest.approx(1000 * 0.02)
    assert seconds(steps=1100, folds=4) - seconds(steps=100, folds=4) == pytest.approx(5 * 1000 * 0.02)
    assert seconds(steps=100, folds=2) - seconds(steps=100) < seconds(steps=100, folds=3) - seconds(steps=100)
    assert seconds(method="mean_shift") < seconds(steps=100)


@pytest.mark.usefixtures("steady")
def test_more_data_is_expected_to_take_more():
    config = Training(preset="transport").config(target_class="t")
    small = estimate_resources(1000, 200, 5, config)
    for size in ((4000, 200, 5), (1000, 2000, 5), (1000, 200, 50)):
        assert estimate_resources(*size, config).seconds > small.seconds
    assert estimate_resources(4000, 200, 5, config).memory_gb > small.memory_gb
    whole = estimate_resources(11_688, 4_386, 53, config)
    assert whole.memory_gb > 5 * 4 * 11_688 * 4_386 / 1e9  # five matrices of that size are held at once


@pytest.mark.parametrize("preset", ["paper", "transport"])
def test_the_probe_takes_steps_of_this_shape_and_leaves_nothing_changed(preset):
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    config = Training(preset=preset, threads=1).config(target_class="t")
    (small_f, small_g), (large_f, large_g) = (probe(n_genes, 3, config) for n_genes in (20, 8000))
    assert 0 < small_f < large_f  # four hundred times the weights of the widest layers
    assert 0 <= small_g < large_g or ((small_g, large_g) == (0, 0) and preset == "transport")
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), state)


def test_it_is_said_in_words():
    assert str(ResourceEstimate(44.6, 1.14)) == "about 45 s and 1.1 GB"
    assert str(ResourceEstimate(130, 2.75)) == "about 2 min and 2.8 GB"
    assert str(ResourceEstimate(9000, 2.0)) == "about 2.5 h and 2.0 GB"


def test_a_run_says_before_the_wait_what_to_expect(planted, caplog):
    with caplog.at_level(logging.INFO, logger="tspg"):
        tspg.run(planted.adata, **nested(annotations=(), **ASKED))
    assert "expect about" in caplog.text
    assert caplog.text.count("GB") == 1
