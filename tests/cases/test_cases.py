"""Every try of `../shared/cases`: inputs as people really have them, read or refused as a user expects."""

import csv
import gzip
import re
import shlex
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from cases.expected import EXPECTED
from tspg.cli.main import main

SHARED = Path(__file__).resolve().parents[3] / "shared"
CASES = SHARED / "cases"
REFUSALS = {2, 3}  # wrong usage, bad input

pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason="the folder of cases is not beside the repository")


@cache
def _commands() -> dict[str, str]:
    with (CASES / "cases.tsv").open(newline="") as file:
        return {row["case"]: row["command"] for row in csv.DictReader(file, delimiter="\t")}


@pytest.fixture(scope="session")
def inputs(tmp_path_factory) -> Path:
    """The folder with the inputs of every case."""
    folder = tmp_path_factory.mktemp("cases")
    subprocess.run([sys.executable, CASES / "make_all.py", folder], check=True, capture_output=True)
    for case in folder.iterdir():
        _edit(case)
    return folder


def _edit(folder: Path) -> None:
    """The inputs that a user made by hand of the others: seven tries begin with them."""
    if folder.name == "f04_cbioportal":
        _filtered(folder, "data_clinical_sample.txt", "clin.txt", lambda line: not line.startswith("#"))
        _filtered(folder, "data_mrna_seq_v2_rsem.txt", "m2.txt", lambda line: not line.startswith("\t"))
    elif folder.name == "f06_nfcore":
        lines = [line.split("\t") for line in (folder / "salmon.merged.gene_counts.tsv").read_text().splitlines()]
        (folder / "m.tsv").write_text("".join("\t".join([line[0], *line[2:]]) + "\n" for line in lines))
        _filtered(folder, "samplesheet.csv", "ss.csv", lambda line: "_L1_" not in line)
    elif folder.name == "f08_series_matrix":
        table = gzip.decompress((folder / "GSE1_series_matrix.txt.gz").read_bytes()).decode().splitlines(keepends=True)
        start = next(at for at, line in enumerate(table) if line.startswith('"ID_REF"'))
        (folder / "m.txt").write_text("".join(line for line in table[start:] if not line.startswith("!")))


def _filtered(folder: Path, old: str, new: str, keep) -> None:
    lines = (folder / old).read_text().splitlines(keepends=True)
    (folder / new).write_text("".join(filter(keep, lines)))


def test_every_try_has_its_expectation():
    assert set(_commands()) == set(EXPECTED)


@pytest.mark.parametrize(
    "case", [pytest.param(name, marks=[pytest.mark.slow] * EXPECTED[name].is_run) for name in sorted(EXPECTED)]
)
def test_a_try_ends_as_a_user_expects(case, inputs, monkeypatch, tmp_path, capfd):
    folder = tmp_path / "here"
    shutil.copytree(inputs / case.rsplit(".", 1)[0], folder)
    monkeypatch.chdir(folder)
    hallmark = SHARED / "data" / "genesets" / "h.all.v2023.2.Hs.symbols.gmt.gz"
    words = shlex.split(_commands()[case].replace("$H", str(hallmark)))
    assert words.pop(0) == "tspg"
    try:
        code = main(words)
    except SystemExit as stopped:  # the command line itself was wrong
        code = stopped.code
    output = "".join(capfd.readouterr())
    expected = EXPECTED[case]
    assert "Traceback" not in output
    assert code == 0 if expected.read else code in REFUSALS, output
    if not expected.read:
        errors = [line for line in output.splitlines() if line.startswith("tspg: error: ")]
        assert len(errors) == 1, output
        output = errors[0]
    for pattern in expected.says:
        assert re.search(pattern, output) or re.search(pattern, " ".join(output.split())), output  # lines are wrapped
    for word in expected.never:
        assert word not in output
