"""A finished folder: every file is what was written, or the command stops before it does anything."""

import json
import shutil

import pytest

from tspg.cli import main
from tspg.errors import ModelError
from tspg.files import sha256_of
from tspg.run_folder import add_tables, verify


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


@pytest.mark.parametrize("content", ["[]", "{}", '{"outputs": []}', "", "null"])
def test_a_manifest_that_is_none_is_refused(folder, content, capsys):
    (folder / "manifest.json").write_text(content)
    for command in ("report", "audit"):
        assert main([command, "--run", str(folder)]) == 5
        assert "no finished run" in capsys.readouterr().err
    assert not (folder / ".tspg.lock").exists()


def test_a_report_that_is_missing_is_written_again(folder):
    (folder / "report.html").unlink()
    assert main(["report", "--run", str(folder)]) == 0
    assert "report.html" in verify(folder)["outputs"]


def test_tables_half_added_can_be_added_again(folder, planted_run, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("tspg.run_folder.write_report", lambda _out: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            add_tables(folder, {"controls": planted_run.gene_overlap}, {"more": 1})
    with pytest.raises(ModelError, match=r"history.tsv: was changed"):
        verify_changed(folder)
    add_tables(folder, {"controls": planted_run.gene_overlap}, {"more": 1})
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
