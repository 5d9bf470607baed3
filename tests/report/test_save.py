"""A finished folder: every file is what was written, or the command stops before it does anything."""

import json
import os
import shutil
import subprocess
import sys

import h5py
import pytest

import tspg
from tspg.analysis.interpretation.perturbations import read_perturbations
from tspg.audit.outcome import Outcome, Row, controls_table
from tspg.cli.main import main
from tspg.errors import ModelError, ResourceError, UsageError
from tspg.report.manifest import verify
from tspg.report.read import read_run
from tspg.report.save import add_tables
from tspg.utils.files import sha256_of

CONTROLS = controls_table({"permuted_labels": Outcome((Row("f_accuracy", 0.5, answer="pass"),))})


@pytest.fixture
def folder(run_folder, tmp_path, monkeypatch):
    monkeypatch.setattr("tspg.report.save.write_figures", lambda *_figures, **_options: [])
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
        patch.setattr("tspg.report.save.write_report", lambda _out: 1 / 0)
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
    ("kind", "reason"), [("pipe", "neither a file nor a folder"), ("folder", "is missing"), ("device", "is a link")]
)
def test_an_output_that_is_no_file_is_refused_and_never_waited_for(folder, kind, reason):
    (folder / "top_genes.tsv").unlink()
    if kind == "pipe":
        os.mkfifo(folder / "top_genes.tsv")
    elif kind == "folder":
        (folder / "top_genes.tsv").mkdir()
    else:
        (folder / "top_genes.tsv").symlink_to("/dev/zero")
    with pytest.raises(ModelError, match=rf"top_genes\.tsv: {reason}|top_genes\.tsv: is {reason}"):
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


@pytest.mark.parametrize("is_in_manifest", [False, True])
def test_what_a_killed_report_left_is_cleared_and_never_in_the_manifest(folder, is_in_manifest):
    left = [folder / ".tspg-abc12345.html", folder / "figures" / ".tspg-xyz.png"]
    for path in left:
        path.write_text("half")
    if is_in_manifest:  # as manifests could until 0.2.0
        manifest = json.loads((folder / "manifest.json").read_text())
        manifest["outputs"] |= {path.relative_to(folder).as_posix(): sha256_of(path) for path in left}
        (folder / "manifest.json").write_text(json.dumps(manifest))
        left.pop(0).unlink()
    verify(folder)  # no damage, whether it is still there or not
    assert main(["report", "--run", str(folder)]) == 0
    assert not list(folder.rglob(".tspg-*"))
    assert not [name for name in verify(folder)["outputs"] if ".tspg-" in name]


def test_a_report_that_is_killed_while_it_writes_leaves_a_sound_folder(folder):
    script = (
        "import os, sys, tspg.utils.files, pathlib\n"
        "from tspg.report.save import refresh_report\n"
        "real = pathlib.Path.replace\n"
        "pathlib.Path.replace = lambda self, to: os._exit(9) if to.name == 'report.html' else real(self, to)\n"
        "import tspg.report.save; tspg.report.save.write_figures = lambda *_, **__: []\n"
        f"refresh_report(pathlib.Path({str(folder)!r}))\n"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 9
    (left,) = folder.rglob(".tspg-*")
    assert main(["report", "--run", str(folder)]) == 0
    assert not left.exists()
    verify(folder)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("settings.threads", value) for value in (10**9, 2**40, "4", True, None, 2.5)),
        *(("settings.seed", value) for value in (-1, "x", 2**31)),
        *(("samples", value) for value in (7, [7], {"s1": 1})),
        *((name, value) for name in ("outputs", "inputs") for value in ([], {"x": 7}, "x")),
        *(("reading.transform", value) for value in (7, "log3")),
        *(("reading.expression", value) for value in (7, [])),
    ],
)
def test_a_field_of_the_manifest_that_is_none_of_ours_is_named(folder, field, value, capsys):
    manifest = json.loads((folder / "manifest.json").read_text())
    *above, name = field.split(".")
    holder = manifest[above[0]] if above else manifest
    holder[name] = value
    (folder / "manifest.json").write_text(json.dumps(manifest))
    for command in ("report", "audit"):
        assert main([command, "--run", str(folder)]) == 5
        error = capsys.readouterr().err
        assert f"manifest.json: {field}" in error
        assert error.count("\n") == 1


def files_of(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("keep", ["all", "metrics"])
def test_a_run_saved_from_python_never_writes_over_anything(planted_run, run_folder, tmp_path, keep):
    shutil.copytree(run_folder, tmp_path / "run")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "metrics.json").write_text("my own numbers")
    (tmp_path / "file").write_text("mine")
    before = files_of(tmp_path)
    for place, says in (("run", "finished run here already"), ("mine", "holds other files"), ("file", "is a file")):
        with pytest.raises(UsageError, match=f"^out .*{says}"):
            tspg.save_run(planted_run, tmp_path / place, keep=keep)
    assert files_of(tmp_path) == before


def test_a_run_that_cannot_be_saved_leaves_nothing(planted_run, tmp_path, monkeypatch):
    def full(*_):
        raise ResourceError("disk full")

    monkeypatch.setattr("tspg.report.save.write_page", full)
    monkeypatch.setattr("tspg.report.save.write_figures", lambda *_, **__: [])
    with pytest.raises(ResourceError, match="disk full"):
        tspg.save_run(planted_run, tmp_path / "deep" / "run")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(UsageError, match="keep is 'some'"):
        tspg.save_run(planted_run, tmp_path / "run", keep="some")
    assert list(tmp_path.iterdir()) == []
