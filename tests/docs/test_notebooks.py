"""Tutorials that are notebooks: stored with the outputs of a fresh kernel, small, and of no machine."""

import importlib.util
import json
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.docs.notebooks import differences, printed_by, text_of

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "docs").rglob("*.ipynb"))
QUICKEST = "tumour_subtype"
MOST_BYTES = 300_000
PLACE = re.compile(r"(?<![\w.:/])/(?:home|mnt|opt|root|srv|tmp|usr|var|work|Users|private)/|[A-Z]:\\\\")
CLOCK = re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d|\b\d+(?:\.\d+)? (?:ms|seconds|minutes)\b")
NEEDS = re.compile(r"<!-- needs: (.+?) -->$")
if not NOTEBOOKS:
    pytest.skip("notebooks are part of a checkout", allow_module_level=True)


def stored(path):
    return json.loads(path.read_text(encoding="utf-8"))


def faults_of(notebook):
    """What a stored notebook must not have."""
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    if [cell["execution_count"] for cell in code] != list(range(1, len(code) + 1)):
        yield "not run from start to end in a fresh kernel"
    if set(notebook["metadata"]) - {"kernelspec", "language_info"} or any(cell["metadata"] for cell in code):
        yield "metadata of an execution"
    for cell in code:
        for output in cell["outputs"]:
            if output["output_type"] == "error" or "Traceback (most recent call last)" in json.dumps(output):
                yield f"an error: {output}"
            if output.get("name") == "stderr":
                yield f"a warning: {output}"
        shown = printed_by(cell)
        yield from (
            f"{what}: {found[0]}"
            for what, one in (("a path", PLACE), ("a time", CLOCK))
            for found in [one.search(shown)]
            if found
        )


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_stored_notebook_is_small_whole_and_of_no_machine(path):
    assert path.stat().st_size <= MOST_BYTES
    assert list(faults_of(stored(path))) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_written_as_the_script_writes_it(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert nbformat.writes(notebook).rstrip("\n") == path.read_text(encoding="utf-8").rstrip("\n")


def test_there_are_four_and_each_shows_what_it_printed():
    assert len(NOTEBOOKS) >= 4
    shown = {path.stem: sum(bool(printed_by(cell)) for cell in stored(path)["cells"]) for path in NOTEBOOKS}
    assert min(shown.values()) >= 4, shown


@pytest.mark.slow
def test_the_quickest_prints_in_a_fresh_kernel_what_is_stored(tmp_path):
    path = next(one for one in NOTEBOOKS if one.stem == QUICKEST)
    notebook = nbformat.read(path, as_version=4)
    notebook.cells = [cell for number, cell in enumerate(notebook.cells) if can_run(notebook.cells[:number])]
    before = [printed_by(cell) for cell in notebook.cells]
    client = NotebookClient(
        notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    after = [printed_by(cell) for cell in notebook.cells]
    assert [list(differences(*both)) for both in zip(before, after, strict=True)] == [[]] * len(before)


def can_run(above):
    """Whether the modules that the text right above a cell says it needs are installed."""
    needs = NEEDS.search(above[-1].source) if above and above[-1].cell_type == "markdown" else None
    return needs is None or all(importlib.util.find_spec(name) for name in needs[1].split())


def code(text="", *, count=1, metadata=None, **output):
    shown = [{"output_type": "stream", "name": "stdout", "text": [text]} | output]
    return {
        "cell_type": "code",
        "execution_count": count,
        "metadata": metadata or {},
        "source": ["print()"],
        "outputs": shown,
    }


@pytest.mark.parametrize(
    ("cell", "fault"),
    [
        (code("in /tmp/abc/x.tsv"), "a path"),
        (code("made 2026-01-02 10:11"), "a time"),
        (code("it took 3.5 seconds"), "a time"),
        (code("tspg: …", name="stderr"), "a warning"),
        (code("Traceback (most recent call last):"), "an error"),
        (code(count=7), "not run"),
        (code(metadata={"execution": {}}), "metadata"),
    ],
)
def test_what_a_notebook_must_not_have_is_noticed(cell, fault):
    notebook = {"metadata": {}, "cells": [cell]}
    assert [told.startswith(fault) for told in faults_of(notebook)] == [True]
    assert list(faults_of({"metadata": {}, "cells": [code("q 1e-34, 5 of 12: runs/msi/genes.tsv")]})) == []


def test_outputs_are_compared_word_by_word_and_number_by_number():
    assert list(differences("a  1.00 b\n2e-30", "a 1.01 b 2.01e-30")) == []
    assert list(differences("73 of 78", "70 of 78")) == ["73 and 70"]
    assert len(list(differences("MLH1 falls", "MLH3 falls"))) == 1
    assert len(list(differences("up", "down"))) == 1


def test_a_notebook_reads_as_a_page(tmp_path):
    cells = [
        {"cell_type": "markdown", "source": ["Words.\n", "\n", "<!-- exits: 2 -->"]},
        {"cell_type": "code", "source": ["%%bash\n", "tspg --version"]},
        {"cell_type": "code", "source": ["%matplotlib inline\n", "import tspg"]},
    ]
    path = tmp_path / "page.ipynb"
    path.write_text(json.dumps({"cells": cells}), encoding="utf-8")
    assert text_of(path) == (
        "Words.\n\n<!-- exits: 2 -->\n\n```bash\ntspg --version\n```\n\n```python\nimport tspg\n```"
    )
