"""A bit that flips or a tail that goes missing, in any file of a run: it is noticed before the file is believed."""

import shutil

import numpy as np
import pytest

from trust.crashes import fingerprints
from tspg.errors import ModelError
from tspg.model.storage import load_model
from tspg.report.manifest import verify

FLIPS, CUTS = 4, 4  # of each file


@pytest.fixture
def folder(run_folder, tmp_path):
    return shutil.copytree(run_folder, tmp_path / "run")


def damages(content, rng):
    """What bits that flip, and tails that go missing, make of a file."""
    for at in rng.integers(0, 8 * len(content), FLIPS):
        flipped = bytearray(content)
        flipped[at // 8] ^= 1 << (at % 8)
        yield f"bit {at}", bytes(flipped)
    # The last byte of a text is a line end that says nothing: a model without the folder around it may lack it.
    for length in [0, len(content) - 2, *rng.integers(0, len(content) - 2, CUTS - 2)]:
        yield f"cut to {length} bytes", content[:length]


def noticed(path, check, rng):
    """How many damages of a file were tried; each must be refused by name."""
    content, tried = path.read_bytes(), 0
    for what, damaged in damages(content, rng):
        path.write_bytes(damaged)
        with pytest.raises(ModelError, match=path.name.replace(".", r"\.")):
            pytest.fail(f"{path.name}, {what}: not noticed, {check() is not None}")
        tried += 1
    path.write_bytes(content)
    return tried


def test_every_damage_to_a_run_folder_is_noticed(folder):
    rng, tried = np.random.default_rng(1), 0
    for name in fingerprints(folder):
        tried += noticed(folder / name, lambda: verify(folder), rng)
    assert tried >= 150
    verify(folder)


def test_every_damage_to_a_model_is_noticed_without_the_folder_around_it(folder):
    rng, tried = np.random.default_rng(2), 0
    files = sorted((folder / "model").iterdir())
    for path in files:
        tried += noticed(path, lambda: load_model(folder / "model"), rng)
    assert tried == len(files) * (FLIPS + CUTS) >= 6 * (FLIPS + CUTS)
    load_model(folder / "model")


def test_damage_that_no_check_looks_for_goes_unnoticed(folder, monkeypatch):
    """The checks above see what they see by fingerprints alone: without them the same damage passes."""
    weights = folder / "model" / "generator.safetensors"
    content = bytearray(weights.read_bytes())
    content[-100] ^= 1
    weights.write_bytes(content)
    monkeypatch.setattr("tspg.model.storage._check_fingerprints", lambda _described, _folder: None)
    monkeypatch.setattr("tspg.model.trained_model.TrainedModel.model_id", property(lambda _model: describes(folder)))
    load_model(folder / "model")


def describes(folder):
    import json

    return json.loads((folder / "model" / "model.json").read_text())["model_id"]
