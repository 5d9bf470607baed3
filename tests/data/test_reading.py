"""How a file is read survives the manifest and the sweep file: an audit must see the numbers that the run saw."""

from dataclasses import fields
from pathlib import Path

import pytest

from tspg.data.reading import Reading
from tspg.errors import UsageError
from tspg.sweep.inputs import reading_of
from tspg.sweep.settings import READING

STORED = {
    "label_column": "organ",
    "layer": "logcounts",
    "sample_column": "barcode",
    "value": "tpm_unstranded",
    "transpose": True,
    "transform": "log2",
    "duplicates": "mean",
}
NOT_STORED = {
    "orient_by_genes": ["A"],
    "panel": ["B"],
    "allow_unlabelled": True,
    "max_memory_gb": 2.0,
    "strict": True,
    "refuse_linear": False,
    "labels_option": "--test-labels",
}


def test_every_field_is_tried():
    assert {*STORED, *NOT_STORED, "expression", "labels"} == {field.name for field in fields(Reading)}


def test_a_manifest_stores_what_decides_the_numbers_wherever_both_have_moved(tmp_path):
    reading = Reading(tmp_path / "data" / "m.h5ad", tmp_path / "labels.tsv", **STORED, **NOT_STORED)
    stored = reading.to_manifest(tmp_path / "runs" / "one")
    assert stored == {"expression": "../../data/m.h5ad", "labels": "../../labels.tsv", **STORED}
    elsewhere = Path("/somewhere/else")
    found = Reading.from_manifest(elsewhere / "runs" / "one", stored)
    assert {name: getattr(found, name) for name in STORED} == STORED
    assert found.expression.resolve() == elsewhere / "data" / "m.h5ad"
    assert found.labels is not None
    assert found.labels.resolve() == elsewhere / "labels.tsv"


def test_what_an_older_manifest_does_not_know_is_as_it_was_then(tmp_path):
    found = Reading.from_manifest(tmp_path, {"expression": "m.tsv", "labels": None, "transform": "log2"})
    assert found == Reading(tmp_path / "m.tsv", transform="log2")
    assert Reading.from_manifest(tmp_path, {"expression": "m.tsv"}).transform == "none"


def test_a_sweep_passes_every_option_of_reading_on():
    options = {**STORED, "strict": True, "allow_unlabelled": True, "max_memory": 2.0}
    options.pop("label_column")
    assert set(options) == set(READING)
    asked = {"expression": "/m.h5ad", "labels": None, "label_column": "organ", "reading": options}
    accepted = {"strict": True, "allow_unlabelled": True, "max_memory_gb": 2.0}
    assert reading_of(asked) == Reading(Path("/m.h5ad"), **STORED, **accepted)


@pytest.mark.parametrize("option", ["transform", "duplicates"])
def test_a_word_that_an_option_does_not_know_is_refused(option):
    with pytest.raises(UsageError, match=f"--{option} log3"):
        Reading(Path("m.tsv"), **{option: "log3"})
