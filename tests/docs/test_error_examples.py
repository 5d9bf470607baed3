"""docs/guides/file_formats.md: every format is read as the page says, and every error is said in the page's words."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tspg
import tspg.inspection
from tspg.cli import main

PAGE = Path(__file__).resolve().parents[2] / "docs" / "guides" / "file_formats.md"
if not PAGE.is_file():
    pytest.skip("the documentation is part of a checkout, not of a source distribution", allow_module_level=True)
BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)

SAMPLES, GENES = [f"p{number}" for number in range(1, 7)], ["MYC", "TP53", "ALB", "CDH1"]
VALUES = [
    [5.25, 4.5, 0.5, 7.25],
    [5.5, 4.75, 0.25, 7.5],
    [5.0, 4.25, 0.0, 7.0],
    [3.25, 3.5, 12.5, 2.25],
    [3.0, 3.25, 12.25, 2.5],
    [3.5, 3.75, 12.75, 2.0],
]
ORGANS = ["lung"] * 3 + ["liver"] * 3
FEWEST_EXAMPLES = 40


@dataclass(frozen=True)
class Section:
    """One heading of the page with its files, its code, and commands with what they say."""

    title: str
    files: dict[str, str] = field(default_factory=dict)
    code: list[str] = field(default_factory=list)
    commands: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, text: str) -> "Section":
        section = cls(text.split("\n", 1)[0])
        for kind, name, content in BLOCK.findall(text):
            if kind == "text":
                section.files[name] = content
            elif kind == "python":
                section.code.append(content)
            else:
                assert kind == "console"
                command, *said = content.splitlines()
                section.commands[command.removeprefix("$ tspg ")] = said
        return section

    def write(self, names: dict[str, Any]) -> None:
        """Make the files in the working directory."""
        for name, content in self.files.items():
            Path(name).write_text(content, encoding="utf-8")
        for code in self.code:
            exec(code, names)  # noqa: S102 - our own page


SECTIONS = [Section.of(text) for text in re.split(r"^##+ ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]]
FORMATS = [section for section in SECTIONS if not section.commands]
ERRORS = [section for section in SECTIONS if section.commands]


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """An empty working directory with the sound files of the page; nothing is forecast by trying steps."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tspg.inspection, "forecast", lambda *_: "nothing")
    sound = {name: content for section in FORMATS for name, content in section.files.items()}
    for name in ("matrix.tsv", "labels.tsv", "sets.gmt"):
        Path(name).write_text(sound[name], encoding="utf-8")
    return sound


def lines_said(section: Section, command: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, list[str], list[str]]:
    section.write({})
    capsys.readouterr()
    code = main(command.split())
    said = capsys.readouterr()
    return code, said.out.splitlines(), said.err.splitlines()


@pytest.mark.parametrize("section", ERRORS, ids=lambda section: section.title)
def test_the_program_says_what_the_page_says(section, study, capsys):
    assert study
    ((command, expected),) = section.commands.items()
    code, out, errors = lines_said(section, command, capsys)
    if expected[0].startswith("tspg: error: "):
        assert errors == expected
        assert code in (2, 3)
        assert out == []
        run = Path("run")
        assert not run.exists() or [path.name for path in run.iterdir()] == ["notes.txt"]  # the reader's own
    else:
        assert code == 0
        assert errors == []
        assert all(line.startswith("Note ") for line in expected)
        assert set(expected) <= set(out)


def read_all(folder_names: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for section in FORMATS:
        section.write(folder_names)
    labels = {"labels": "labels.tsv"}
    yield "TSV", tspg.read_expression("matrix.tsv", **labels)
    yield "turned", tspg.read_expression("turned.tsv", transpose=True, **labels)
    yield "CSV", tspg.read_expression("matrix.csv", **labels)
    yield "GCT 1.2", tspg.read_expression("matrix.gct", **labels)
    yield "GCT 1.3", tspg.read_expression("labelled.gct", label_column="organ")
    yield "NPY", tspg.read_expression("matrix.npy", **labels)
    yield "H5AD", tspg.read_expression("matrix.h5ad", label_column="organ")
    yield "Parquet", tspg.read_expression("matrix.parquet", labels="samples.tsv", label_column="organ")


def test_every_format_gives_the_same_study(study):
    assert study
    found = dict(read_all({}))
    assert len(found) == 8
    for name, adata in found.items():
        assert list(adata.obs_names) == SAMPLES, name
        assert list(adata.var_names) == GENES, name
        np.testing.assert_array_equal(np.asarray(adata.X), VALUES, err_msg=name)
        column = "label" if "label" in adata.obs else "organ"
        assert list(adata.obs[column]) == ORGANS, name


def test_gene_sets_and_the_table_of_samples_are_read_as_the_page_says(study):
    sets = tspg.read_gene_sets("sets.gmt")
    assert {name: one.genes for name, one in sets.items()} == {
        "GROWTH": ("MYC", "TP53", "CDH1"),
        "LIVER": ("ALB", "MYC"),
    }
    Path("samples.tsv").write_text(study["samples.tsv"], encoding="utf-8")
    table = tspg.read_labels("samples.tsv", label_column="organ")
    assert list(table.columns) == ["organ", "patient"]
    assert list(table["organ"]) == ORGANS


def test_the_page_shows_every_kind_of_file_and_enough_errors():
    assert len(ERRORS) >= FEWEST_EXAMPLES
    spoilt = {name for section in ERRORS for name in section.files}
    assert {"matrix.tsv", "matrix.csv", "matrix.gct", "labels.tsv", "sets.gmt"} <= spoilt
    assert len({section.title for section in SECTIONS}) == len(SECTIONS)
