"""What would take long and says nothing about how inputs are read: timing the machine, and five further fits."""

import pytest

import tspg.experiment.estimate
import tspg.experiment.folds


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(tspg.experiment.estimate, "probe", lambda *_: (1e-3, 1e-3))
    monkeypatch.setattr(tspg.experiment.estimate, "machine_slowness", lambda *_: 1.0)
    monkeypatch.setattr(tspg.experiment.folds, "AUTOMATIC", 1)
