"""docs/guides/file_formats.md: its options exist, its columns are those that are read, its error is what is said."""

import re
from pathlib import Path

import pytest

from tspg.cli.main import main
from tspg.cli.parser import build_parser
from tspg.data.readers.layouts import SAMPLE_LAYOUTS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "guides" / "file_formats.md"
if not PAGE.is_file():
    pytest.skip("the documentation is part of a checkout, not of a source distribution", allow_module_level=True)
TEXT = PAGE.read_text(encoding="utf-8")
FILES = {
    "matrix.tsv": "sample\tMYC\tTP53\tALB\np1\t5.25\tNA\t0.5\np2\t5\t4.25\t0\np3\t3.25\t3.5\t12.5\n",
    "labels.tsv": "p1\tlung\np2\tlung\np3\tliver\n",
}


@pytest.mark.parametrize("flag", sorted(set(re.findall(r"--[a-z][a-z-]+", TEXT))))
def test_every_option_is_one(flag, capsys):
    helps = []
    for command in ("inspect", "run", "perturb"):
        with pytest.raises(SystemExit):
            build_parser().parse_args([command, "--help"])
        helps.append(capsys.readouterr().out)
    assert flag in "".join(helps)


def test_every_column_of_values_is_named():
    columns = {
        name for layout in SAMPLE_LAYOUTS for name in layout.values if not layout.name.startswith(("TCGA", "GDC miRNA"))
    }
    assert columns - {"value", "Coverage"} <= set(re.findall(r"`([^`]+)`", TEXT))


def test_the_example_is_what_is_said(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name, content in FILES.items():
        Path(name).write_text(content)
    command, said = re.search(r"```console\n\$ tspg ([^\n]*)\n(.*?)\n```", TEXT).groups()
    assert main(command.split()) == 3
    assert capsys.readouterr().err.strip() == said
