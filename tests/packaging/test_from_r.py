"""The example of R runs by R, asks for options that there are, and reads what a run has written."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from tspg.cli.parser import build_parser

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "from_r.R"
if not EXAMPLE.is_file():
    pytest.skip("the examples are part of a checkout and of a source distribution", allow_module_level=True)


def test_the_program_understands_the_command():
    (command,) = re.findall(r"^run <- c\((.+?)^\)", EXAMPLE.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    given = build_parser().parse_args(re.findall(r'"([^"]+)"', command))
    assert (given.command, given.source_classes, given.target_class) == ("run", ["GI.GS"], "GI.MSI")


@pytest.mark.slow
def test_r_prints_the_genes_of_the_run(tmp_path):
    rscript = shutil.which("Rscript")
    if rscript is None:
        pytest.skip("there is no R here")
    program = tmp_path / "bin" / "tspg"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m tspg "$@"\n')
    program.chmod(0o755)
    known = {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}", "PYTHON": sys.executable}
    command = [rscript, "--vanilla", str(EXAMPLE)]
    said = subprocess.run(command, cwd=tmp_path, env=known, capture_output=True, text=True, check=True).stdout
    genes = pd.read_table(tmp_path / "from_r" / "run" / "genes.tsv", keep_default_na=False, na_values="")
    genes = genes[genes["source_class"] == "GI.GS"].sort_values("p_value")
    differ = (genes["q_value"] < 0.05).sum()
    assert differ > 0
    assert f"{differ} of {len(genes)} genes differ (q < 0.05)" in said
    table = said.partition("the first ten:\n")[2].splitlines()[1:11]
    assert [line.split()[0] for line in table] == genes["gene"].head(10).tolist()
    assert [float(line.split()[1]) for line in table] == pytest.approx(genes["difference"].head(10), rel=1e-3)
    terms = pd.read_table(tmp_path / "from_r" / "run" / "enrichment_ranked.tsv", keep_default_na=False, na_values="")
    hallmarks = terms[(terms["category"] == "Hallmark") & (terms["source_class"] == "GI.GS") & terms["sample"].isna()]
    listed = said.partition("Hallmark:\n")[2].splitlines()[1:6]
    assert [line.split()[0] for line in listed] == hallmarks.sort_values("p_value")["term"].head(5).tolist()
