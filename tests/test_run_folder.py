"""A finished folder: every file is what was written, or the command stops before it does anything."""

import json
import os
import shutil

import h5py
import pytest

from tspg.analysis.perturbations import read_perturbations
from tspg.audit.outcome import Outcome, Row, controls_table
from tspg.cli import main
from tspg.errors import ModelError, ResourceError
from tspg.files import sha256_of
from tspg.manifest import verify
from tspg.report.run_files import read_run
from tspg.run_folder import add_tables

CONTROLS = controls_table({"permuted_labels": Outcome((Row("f_accuracy", 0.5, answer="pass"),))})


@pytest.fixture
def folder(run_folder, tmp_path, monkeypatch):
    monkeypatch.setattr("tspg.run_folder.write_figures", lambda *_figures, **_options: None)
    return shutil.copytree(run_folder, tmp_path / "run")


@pytest.mark.parametrize("name", ["history.tsv", "metrics.json", "perturbations.h5ad", "model/generator.safetensors"])
@pytest.mark.parametrize("damage", ["changed", "missing"])
def test_a_damaged_file_is_named_before_anything_is_written(folder, name, damage, capsys):
    if damage == "missing":
        (folder / name).unlink()
    else:
        (folder / name).write_bytes(b"[]")
    before = {path: sha256_of(path) for path in folder.rglob("*") if path.is_file()}
    assert main(["report", "--run", str(folder)]) == 5
    assert name in capsys.readouterr().err
    assert {path: sha256_of(path) for path in folder.rglob("*") if path.is_file()} == before


FITTING = '"settings": {}, "samples": []}'
NO_MANIFESTS = {
    **{name: name for name in ("[]", "{}", '{"outputs": []}', "", "null")},
    "too deep": "[" * 5000 + "]" * 5000,
    "outputs in pairs": '{"outputs": [["report.html", ""]], ' + FITTING,
    "outputs above": '{"outputs": {"../secret": ""}, ' + FITTING,
    "outputs elsewhere": '{"outputs": {"/etc/passwd": ""}, ' + FITTING,
    "outputs unprintable": '{"outputs": {"a\\u0000b": ""}, ' + FITTING,
    "outputs half a letter": '{"outputs": {"\\ud800": ""}, ' + FITTING,
}


@pytest.mark.parametrize("content", NO_MANIFESTS.values(), ids=NO_MANIFESTS)
def test_a_manifest_that_is_none_is_refused(folder, content, capsys):
    (folder / "manifest.json").write_text(content)
    for command in ("report", "audit"):
        assert main([command, "--run", str(folder)]) == 5
        assert "no finished run" in capsys.readouterr().err
    assert not (folder / ".tspg.lock").exists()


def test_a_folder_of_a_newer_format_is_refused_by_its_number(folder, capsys):
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "format_version": 2}))
    for command in ("report", "audit"):
        assert main([command, "--run", str(folder)]) == 5
        assert "format 2; this tspg reads 1. Use the version" in capsys.readouterr().err


def test_a_report_that_is_missing_is_written_again(folder):
    (folder / "report.html").unlink()
    assert main(["report", "--run", str(folder)]) == 0
    assert "report.html" in verify(folder)["outputs"]


def test_tables_half_added_can_be_added_again(folder, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("tspg.run_folder.write_report", lambda _out: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            add_tables(folder, {"controls": CONTROLS}, {"more": 1})
    with pytest.raises(ModelError, match=r"history.tsv: was changed"):
        verify_changed(folder)
    add_tables(folder, {"controls": CONTROLS}, {"more": 1})
    assert {"controls.tsv", "metrics.json", "report.html"} <= set(verify(folder)["outputs"])
    assert json.loads((folder / "metrics.json").read_text())["more"] == 1


def verify_changed(folder):
    """What a check of the folder says once a table is changed that was not among the added ones."""
    content = (folder / "history.tsv").read_bytes()
    (folder / "history.tsv").write_bytes(content + b"\n")
    try:
        verify(folder)
    finally:
        (folder / "history.tsv").write_bytes(content)


@pytest.mark.parametrize(
    ("kind", "told"), [("pipe", "neither a file nor a folder"), ("folder", "is missing"), ("device", "is a link")]
)
def test_an_output_that_is_no_file_is_refused_and_never_waited_for(folder, kind, told):
    (folder / "top_genes.tsv").unlink()
    if kind == "pipe":
        os.mkfifo(folder / "top_genes.tsv")
    elif kind == "folder":
        (folder / "top_genes.tsv").mkdir()
    else:
        (folder / "top_genes.tsv").symlink_to("/dev/zero")
    with pytest.raises(ModelError, match=rf"top_genes\.tsv: {told}|top_genes\.tsv: is {told}"):
        verify(folder)


@pytest.mark.parametrize("reader", [read_perturbations, read_run])
def test_moved_profiles_that_lie_in_another_file_are_refused(folder, tmp_path, reader):
    assert reader(folder)
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["secret"] = [1.0]
    with h5py.File(folder / "perturbations.h5ad", "a") as file:
        file["uns/tspg/read_me"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "secret")
    with pytest.raises(ModelError, match="is a link to another place"):
        reader(folder)


@pytest.mark.parametrize("reader", [read_perturbations, read_run])
def test_moved_profiles_larger_than_memory_are_refused_before_they_are_read(folder, reader):
    with h5py.File(folder / "perturbations.h5ad", "a") as file:
        file.create_dataset("uns/tspg/empty", shape=(10**7, 10**6), dtype="f8", chunks=(1000, 1000))
    with pytest.raises(ResourceError, match=r"'/uns/tspg/empty' declares 80,000\.0 GB"):
        reader(folder)
