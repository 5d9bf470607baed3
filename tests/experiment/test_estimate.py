"""What a run is expected to take: the steps are counted as training counts them, the rest adds up."""

import logging

import pytest

import tspg
from tests.options import nested
from tspg.experiment.estimate import ResourceEstimate, estimate_resources, steps_of_g
from tspg.model.config import Training

ASKED = {"label_column": "label", "target_class": "target", "threads": 1, "target_epochs": 1, "folds": 1}


@pytest.mark.parametrize("length", [{"epochs": 3}, {"steps": 7}])
@pytest.mark.parametrize("preset", ["paper", "transport"])
def test_steps_are_counted_as_training_takes_them(planted, preset, length):
    run = tspg.run(planted.adata, **nested(preset=preset, annotations=(), **ASKED, **length))
    assert steps_of_g(run.metrics["data"]["n_train"], run.config) == run.metrics["training"]["steps"]
    assert (run.metrics["training"]["steps"] > 0) == (preset == "paper")


def test_training_evidence_and_folds_add_up():
    def seconds(**changed):
        config = Training(preset="paper", threads=1, **changed).config(target_class="t")
        return estimate_resources(1000, 200, 5, config).seconds

    thousand = seconds(steps=1100) - seconds(steps=100)
    assert 10 < thousand < 60  # benchmarks/README.md: 23 ms of one step at 100 genes, 47 at 1,000
    assert seconds(steps=1100, folds=4) - seconds(steps=100, folds=4) == pytest.approx(5 * thousand)
    assert seconds(steps=100, folds=2) - seconds(steps=100) < seconds(steps=100, folds=3) - seconds(steps=100)
    assert seconds(method="mean_shift") < seconds(steps=100)


def test_more_data_is_expected_to_take_more():
    config = Training(preset="transport").config(target_class="t")
    small = estimate_resources(1000, 200, 5, config)
    for size in ((4000, 200, 5), (1000, 2000, 5), (1000, 200, 50)):
        assert estimate_resources(*size, config).seconds > small.seconds
    assert estimate_resources(4000, 200, 5, config).memory_gb > small.memory_gb
    whole = estimate_resources(11_688, 4_386, 53, config)
    assert whole.memory_gb > 5 * 4 * 11_688 * 4_386 / 1e9  # five matrices of that size are held at once


def test_it_is_said_in_words():
    assert str(ResourceEstimate(44.6, 1.14)) == "about 45 s and 1.1 GB"
    assert str(ResourceEstimate(130, 2.75)) == "about 2 min and 2.8 GB"
    assert str(ResourceEstimate(9000, 2.0)) == "about 2.5 h and 2.0 GB"


def test_a_run_says_before_the_wait_what_to_expect(planted, caplog):
    with caplog.at_level(logging.INFO, logger="tspg"):
        tspg.run(planted.adata, **nested(annotations=(), **ASKED))
    assert "expect about" in caplog.text
    assert caplog.text.count("GB") == 1
