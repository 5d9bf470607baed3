"""The reference says what is: every option, every column, every exit code, every public name."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tspg
from tests.docs.documented import assert_as_documented, documented, found_in, objections_to
from tspg import errors
from tspg.analysis.interpretation.genes import compare_genes, compare_targets, compared_sources
from tspg.analysis.interpretation.perturbations import read_perturbations
from tspg.cli.main import main
from tspg.utils.files import write_table
from tspg.utils.lock import CONTENTS

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "reference"
if not (REFERENCE.is_dir() and (ROOT / "scripts" / "make_reference.py").is_file()):
    pytest.skip("the documentation is part of a checkout", allow_module_level=True)

ARCHIVED = ROOT / "tests" / "archives" / "v0.1.0" / "transport"
ONLY_OF_AUDIT_SWEEP_AND_COMPARE = {  # held against real ones in tests/audit, tests/sweep and below
    *("controls.tsv", "stable_genes.tsv", "compare.tsv", "compare_genes.tsv", "sample_genes.tsv"),
    *("test_evidence.tsv", "test_genes.tsv", "test_samples.tsv"),  # in tests/experiment/test_second_cohort.py
    "inspect --json",  # in tests/experiment/test_inspect.py
    *("sweep.tsv", "stability.tsv", "gene_frequency.tsv", "random_gene_sets.tsv"),
}
OF_OLD_RUNS = {"gene_changes.tsv", "percentiles.tsv"}  # of tspg 0.1.0; genes.tsv and sample_genes.tsv replace them
ONLY_WITH_OPTIONS = ("adjusted.", "inputs.", "reading.", "reference.samples.", "test_cohort.")  # of the command line
ONLY_OF_PERTURB = (
    "data.shift.",
    "data.alignment",
    "data.new_classes.",
    "data.unseen_energy_ratio",
)  # tests/experiment/test_new_classes.py


def test_the_page_of_commands_is_what_the_program_says():
    command = [sys.executable, str(ROOT / "scripts" / "make_reference.py"), "--check"]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr


def test_every_option_of_the_help_is_on_the_page_of_commands(capsys):
    page = (REFERENCE / "command_line.md").read_text()
    with pytest.raises(SystemExit):
        main(["--help"])
    commands = re.findall(r"^    ([a-z]+)  ", capsys.readouterr().out, flags=re.MULTILINE)
    assert {"run", "perturb", "sweep"} < set(commands)
    for command in commands:
        told = page.partition(f"\n## `tspg {command}`\n")[2].partition("\n## ")[0]
        assert told, command
        with pytest.raises(SystemExit):
            main([command, "--help"])
        options = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", capsys.readouterr().out)) - {"--help"}
        assert options <= set(re.findall(r"--[a-z][a-z-]+", told))


def test_every_public_name_is_on_the_page_of_python_once():
    page = (REFERENCE / "python.md").read_text()
    named = re.findall(r"^\.\. auto(?:function|class|exception|module):: tspg\.(\w+)$", page, flags=re.MULTILINE)
    assert sorted(named) == sorted(tspg.__all__)


def test_every_error_and_exit_code_is_on_the_page_of_exit_codes():
    page = (REFERENCE / "exit_codes.md").read_text()
    told = dict(re.findall(r"^\| `(\w+)` \| (\d+) \|", page, flags=re.MULTILINE))
    known = {
        name: str(value.exit_code)
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, errors.TspgError)
    }
    assert told == known
    codes = set(re.findall(r"^\| (\d+) \|", page, flags=re.MULTILINE))
    assert codes == {"0", "130", "143", *known.values()}


def test_a_run_folder_is_as_the_page_says(run_folder):
    assert_as_documented(run_folder)


def test_files_of_another_preset_are_as_the_page_says(tmp_path):
    folder = shutil.copytree(ARCHIVED, tmp_path / "archived")
    for name in OF_OLD_RUNS:
        (folder / name).unlink(missing_ok=True)
    assert_as_documented(folder)


def test_genes_of_single_samples_are_as_the_page_says(planted_run, planted, tmp_path):
    table = planted_run.model.sample_genes(planted.adata[:2], label_column="label")
    write_table(tmp_path / "sample_genes.tsv", table)
    assert_as_documented(tmp_path)


def test_moved_profiles_are_as_the_page_says(run_folder):
    moved = read_perturbations(run_folder)
    kept = {name: part if part.dtype.kind == "f" else part.astype(str) for name, part in moved.obs.items()}
    obs = {f"obs.{name}": list(part) for name, part in kept.items()}
    var = {f"var.{name}": list(moved.var[name]) for name in moved.var}
    layers = {f"layers.{name}": [np.min(part), np.max(part)] for name, part in moved.layers.items()}
    about = {f"uns.tspg.{name}": [value] for name, value in moved.uns["tspg"].items()}
    found = {"X": [np.min(moved.X), np.max(moved.X)], **obs, **var, **layers, **about}
    assert objections_to("perturbations.h5ad", found) == []


def test_a_comparison_of_targets_is_as_the_page_says(planted_run, tmp_path):
    table = compare_targets({"target": planted_run.top_genes, "other": planted_run.top_genes})
    write_table(tmp_path / "compare.tsv", table)
    genes = planted_run.tables["genes"]
    tested = {"target": genes, "other": genes[genes["gene"] != genes["gene"].iloc[0]]}
    write_table(tmp_path / "compare_genes.tsv", compare_genes(tested, compared_sources(tested)))
    assert_as_documented(tmp_path)


def test_nothing_is_on_the_page_that_no_file_has(run_folder):
    seen = {}
    for folder in (run_folder, ARCHIVED):
        for file, found in found_in(folder).items():
            seen.setdefault(file, set()).update(found)
    missing = [
        (file, entry.name)
        for file, entries in documented().items()
        if file not in ONLY_OF_AUDIT_SWEEP_AND_COMPARE | {"perturbations.h5ad"}
        for entry in entries
        if not entry.name.startswith(("controls.", *ONLY_WITH_OPTIONS, *ONLY_OF_PERTURB))
        and not any(entry.matches(name) for name in seen.get(file, ()))
    ]
    assert missing == []


def test_every_file_that_may_lie_in_a_run_folder_is_on_the_page():
    page = (REFERENCE / "files.md").read_text()
    assert [name for name in CONTENTS - OF_OLD_RUNS if name.partition(".")[0] not in page] == []


@pytest.mark.parametrize(
    ("file", "found", "words"),
    [
        ("history.tsv", {"bogus": [1]}, "does not"),
        ("top_genes.tsv", {"rank": [0]}, "1 or more"),
        ("top_genes.tsv", {"rank": [1.5]}, "whole number"),
        ("top_genes.tsv", {"perturbation": [1.1]}, "-1 to 1"),
        ("top_genes.tsv", {"direction": ["left"]}, "`up`"),
        ("evidence.tsv", {"n": [None]}, "whole number"),
    ],
)
def test_what_is_not_as_the_page_says_is_told(file, found, words):
    assert any(words in told for told in objections_to(file, found))
