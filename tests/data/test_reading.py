"""How a file is read survives the manifest and the sweep file: an audit must see the numbers that the run saw."""

from dataclasses import fields
from pathlib import Path

from tspg.data.reading import Reading
from tspg.sweep.inputs import reading_of
from tspg.sweep.settings import NOT_DECISIVE, READING

UNUSUAL = {
    "label_column": "organ",
    "layer": "logcounts",
    "sample_column": "barcode",
    "value": "tpm_unstranded",
    "transpose": True,
    "transform": "log2",
    "duplicates": "mean",
}


def test_every_field_is_tried():
    assert {*UNUSUAL, "expression", "labels"} == {field.name for field in fields(Reading)}


def test_what_a_manifest_keeps_is_read_in_the_same_way_wherever_both_have_moved(tmp_path):
    told = Reading(tmp_path / "data" / "m.h5ad", tmp_path / "labels.tsv", **UNUSUAL)
    kept = told.seen_from(tmp_path / "runs" / "one")
    assert (kept["expression"], kept["labels"]) == ("../../data/m.h5ad", "../../labels.tsv")
    elsewhere = Path("/somewhere/else")
    found = Reading.kept_in(elsewhere / "runs" / "one", kept)
    assert {name: getattr(found, name) for name in UNUSUAL} == UNUSUAL
    assert found.expression.resolve() == elsewhere / "data" / "m.h5ad"
    assert found.labels is not None
    assert found.labels.resolve() == elsewhere / "labels.tsv"


def test_what_an_older_manifest_does_not_know_is_as_it_was_then(tmp_path):
    found = Reading.kept_in(tmp_path, {"expression": "m.tsv", "labels": None, "transform": "log2"})
    assert found == Reading(tmp_path / "m.tsv", transform="log2")


def test_a_sweep_hands_every_option_of_reading_on():
    options = {name: UNUSUAL[name] for name in READING if name in UNUSUAL}
    assert set(options) == set(READING) - {*NOT_DECISIVE, "allow_unlabelled"}
    asked = {"expression": "/m.h5ad", "labels": None, "label_column": "organ", "reading": {**options, "strict": True}}
    assert reading_of(asked) == Reading(Path("/m.h5ad"), **UNUSUAL)
