"""Forty names that attack paths, tables, terminals and spreadsheets, as gene sets, classes, samples and genes."""

import json
import re
import subprocess
import sys
import unicodedata
from pathlib import Path

import numpy as np
import openpyxl
import pytest

from tspg.analysis.interpretation.perturbations import read_perturbations
from tspg.cli.main import main
from tspg.utils.files import read_table, safe_name

NAMES = [
    *("..", ".", "../../escape", "/etc/passwd", "a/b", "a.b", "a\\b", "C:\\x", "..\\up", "~", "~root"),
    *("CON", "nul", "aux.txt", "COM1", "trailing.", "-rf", "--out", "$(touch X)", "`touch X`", "; touch X", "a|b>c&d"),
    *("é", "e\u0301", "CASE", "case", "\u202etxt.exe", "\u2066left", "zero\u200bwidth", "line\u2028break", "\ufeffbom"),
    *("=1+1", "+SUM(A1)", "@cmd", "-2+3", "TRUE", "0012", "$x^2$", "%s%n{0}", "x" * 300),
]
GENES = [f"{name}*" for name in NAMES]  # a matrix whose samples and genes share their names is refused
WHOLE = ("/etc/passwd", "..")
CLASSES = [
    "..",
    "/etc/passwd",
    "a/b",
    "CON",
    "--out",
    "$(touch X)",
    "é",
    "CASE",
    "case",
    "\u202etxt.exe",
    "=1+1",
    "x" * 300,
]
SAMPLES = [*NAMES, *(f"2 of {name}" for name in NAMES[:20])]
CLASS_OF = {sample: CLASSES[at % len(CLASSES)] for at, sample in enumerate(SAMPLES)}  # five samples a class
FORBIDDEN = ["\x00", "a\x1b[2Jb", "a\x07b", "a\x7fb", "a\x9b31mb", "a\x0bb", "a\x85b"]
SHORT = ["--preset", "transport", "--steps", "2", "--target-epochs", "2", "--folds", "1", "--threads", "1"]


def genes_of(name: str) -> list[str]:
    """A gene set's genes: all for the two that runs are made of, else fifteen in a row."""
    at = NAMES.index(name)
    return GENES if name in WHOLE else (GENES + GENES)[at : at + 15]


def write_study(folder: Path) -> None:
    """Forty genes, gene sets and samples of these names, and a dozen classes."""
    rng = np.random.default_rng(0)
    values = rng.normal(5, 1, (len(SAMPLES), 40))
    lines = ["sample\t" + "\t".join(GENES)]
    lines += [f"{sample}\t" + "\t".join(f"{x:.3f}" for x in row) for sample, row in zip(SAMPLES, values, strict=True)]
    (folder / "matrix.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    labels = [f"{sample}\t{name}" for sample, name in CLASS_OF.items()]
    (folder / "labels.tsv").write_text("sample\tclass\n" + "\n".join(labels) + "\n", encoding="utf-8")
    sets = [f"{name}\tx\t" + "\t".join(genes_of(name)) for name in NAMES]
    (folder / "sets.gmt").write_text("\n".join(sets) + "\n", encoding="utf-8")
    quoted = json.dumps(CLASSES)
    (folder / "sweep.toml").write_text(
        '[data]\nexpression = "matrix.tsv"\nlabels = "labels.tsv"\nlabel_column = "class"\ngene_sets = "sets.gmt"\n'
        f'[sweep]\ngene_sets = {quoted}\ntarget_classes = {quoted}\nannotations = "sets.gmt"\nsteps = 2\n'
        "target_epochs = 2\nrandom_gene_sets = 0\n",
        encoding="utf-8",
    )


@pytest.fixture(scope="module")
def done(watched, tree_of, tmp_path_factory):
    """A run, `perturb`, `enrich`, `compare` and the list of a sweep on these names, in one watched process."""
    here = tmp_path_factory.mktemp("names")
    folder, results = here / "study", here / "results"
    folder.mkdir()
    results.mkdir()
    write_study(folder)
    data = [
        "--expression",
        str(folder / "matrix.tsv"),
        "--labels",
        str(folder / "labels.tsv"),
        "--label-column",
        "class",
    ]
    sets = ["--gene-sets", str(folder / "sets.gmt")]
    named = [f"--samples={name}" for name in NAMES]
    wanted = {
        "run": ["run", *data, *sets, "--gene-set=/etc/passwd", "--target=..", *named, *SHORT, "--xlsx"],
        "other": ["run", *data, *sets, "--gene-set=..", "--target=/etc/passwd", "--source=a/b", "--source=CON", *SHORT],
        "perturb": ["perturb", "--model", str(results / "run"), *data, "--xlsx"],
        "enrich": ["enrich", "--run", str(results / "run"), "--annotations", str(folder / "sets.gmt")],
        "compare": ["compare", str(results / "run"), str(results / "other")],
        "report": ["report", "--run", str(results / "perturb")],
    }
    wanted["run"] += ["--annotations", str(folder / "sets.gmt")]
    wanted["other"] += ["--annotations", str(folder / "sets.gmt")]
    wanted["perturb"] += ["--annotations", str(folder / "sets.gmt")]
    jobs = []
    for name, words in wanted.items():
        out = str(results / ("perturb" if name == "report" else name))
        argv = words if name == "report" else [*words, "--out", out]
        jobs.append({"argv": argv, "out": [out], "draws": "main" if name == "run" else "none"})
    sweep = ["sweep", "--config", str(folder / "sweep.toml"), "--out", str(results / "sweep"), "--list"]
    jobs.append({"argv": sweep, "out": []})
    before = tree_of(folder)
    found = dict(zip([*wanted, "sweep"], watched(jobs, here), strict=True))
    assert tree_of(folder) == before
    return here, found


def test_every_command_is_through_and_writes_into_its_own_folder_alone(done):
    here, found = done
    for name, one in found.items():
        assert (one["code"], one["trace"], one["events"]) == (0, "", []), (name, one)
    assert {path.name for path in here.iterdir()} == {"study", "results"}
    assert {path.name for path in (here / "results").iterdir()} == {"run", "other", "perturb", "enrich", "compare"}


def test_forty_names_are_forty_files(done):
    figures = [path.name for path in (done[0] / "results" / "run" / "figures").glob("heatmap-*.png")]
    assert len(NAMES) == len(set(NAMES)) == len(figures) == 40
    assert len({unicodedata.normalize("NFC", name).casefold() for name in figures}) == 40
    assert {f"heatmap-{safe_name(name)}.png" for name in NAMES} == set(figures)
    written = [path.name for path in (done[0] / "results").rglob("*")]
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]{1,120}", name) for name in written)


def test_every_name_comes_back_letter_by_letter(done):
    results = done[0] / "results"
    moved = read_perturbations(results / "run")
    assert set(moved.obs_names) == set(SAMPLES)
    assert set(moved.var_names) == set(GENES)
    assert set(moved.obs["source_class"]) == set(CLASSES)
    top = read_table(results / "run" / "top_genes.tsv")
    assert set(top["gene"]) == set(GENES)
    assert set(top["sample"]) == {"", *(name for name in NAMES if CLASS_OF[name] != "..")}  # which stay where they are
    assert set(top["source_class"]) == set(CLASSES) - {".."}
    assert set(read_table(results / "run" / "enrichment_ranked.tsv")["term"]) == set(NAMES) - set(WHOLE)
    assert set(read_perturbations(results / "perturb").obs_names) == set(SAMPLES)
    assert set(read_table(results / "enrich" / "enrichment_ranked.tsv")["term"]) == set(NAMES) - set(WHOLE)
    assert set(read_table(results / "compare" / "compare.tsv")["gene"]) <= set(GENES)
    described = json.loads((results / "run" / "model" / "model.json").read_text(encoding="utf-8"))
    assert set(described["classes"]) == set(CLASSES)
    assert described["genes"] == GENES


def test_the_terminal_shows_names_and_obeys_none(done):
    for name, one in done[1].items():
        for line in (one["said"] + one["errors"]).splitlines():
            assert line.replace("\t", "").isprintable(), (name, line)
    assert "\\u202etxt.exe" in done[1]["sweep"]["said"]


def test_a_spreadsheet_holds_names_as_text(done):
    book = openpyxl.load_workbook(done[0] / "results" / "run" / "tables.xlsx")
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert not [cell.value for cell in cells if cell.data_type == "f" or cell.hyperlink]
    text = {cell.value for cell in cells if cell.data_type == "s"}
    assert {"=1+1", "+SUM(A1)", "@cmd", "-2+3", "0012", "TRUE", "=1+1*", "-2+3*"} <= text
    assert any(cell.data_type == "n" and isinstance(cell.value, float) and cell.value < 0 for cell in cells)


def test_names_that_a_spreadsheet_would_run_are_told_at_input(done):
    notes = " ".join(json.loads((done[0] / "results" / "run" / "metrics.json").read_text())["data"]["notes"])
    for what, names in {"gene": GENES, "sample": SAMPLES, "class": CLASSES}.items():
        n = sum(name.startswith(("=", "+", "-", "@")) for name in names)
        assert f"{n} {what} name(s) start with =, +, - or @" in notes, notes


@pytest.mark.parametrize("bad", FORBIDDEN)
def test_control_characters_are_refused_wherever_a_name_stands(bad, tmp_path, capsys):
    write_study(tmp_path)
    words = ["run", "--expression", str(tmp_path / "matrix.tsv"), "--labels", str(tmp_path / "labels.tsv"), *SHORT]
    words += [
        "--label-column",
        "class",
        "--target",
        "a/b",
        "--gene-sets",
        str(tmp_path / "sets.gmt"),
        "--gene-set",
        "..",
    ]
    for file, name in (
        ("matrix.tsv", GENES[4]),
        ("matrix.tsv", SAMPLES[9]),
        ("labels.tsv", "CON"),
        ("sets.gmt", "CON"),
    ):
        sound = (tmp_path / file).read_text(encoding="utf-8")
        end = "\n" if (file, name) == ("labels.tsv", "CON") else "\t"
        (tmp_path / file).write_text(
            sound.replace(f"{name}{end}", f"{name}{bad}{end}", 1), encoding="utf-8", newline=""
        )
        assert main([*words, "--out", str(tmp_path / "out")]) == 3
        said = capsys.readouterr().err
        assert re.search("control characters|NUL byte", said), (file, name, said)
        assert said.removesuffix("\n").isprintable()
        assert not (tmp_path / "out").exists()
        (tmp_path / file).write_text(sound, encoding="utf-8")


def test_a_list_of_genes_holds_no_control_characters(tmp_path, capsys):
    (tmp_path / "genes.txt").write_text("A\nB\x1b[2J\n")
    (tmp_path / "all.txt").write_text("A\nB\nC\n")
    words = ["enrich", "--genes", str(tmp_path / "genes.txt"), "--background", str(tmp_path / "all.txt")]
    assert main([*words, "--out", str(tmp_path / "out")]) == 3
    assert "control characters: 'B\\x1b[2J'" in capsys.readouterr().err


def test_log_lines_obey_no_name():
    program = """if True:
        import logging
        from tspg.cli import main as cli
        cli.run_command = lambda _: logging.getLogger("tspg.x").error("a\\x1b[2J%s", "b\\nc") or ["d\\x1b\\te"]
        cli.main(["report", "--run", "x"])
    """
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert said.stderr == "tspg: a\\x1b[2Jb\\nc\n"
    assert said.stdout == "d\\x1b\te\n"


def test_a_sweep_has_a_folder_for_each(done):
    lines = [line.split("\t") for line in done[1]["sweep"]["said"].splitlines()[1:]]
    runs = [line[0] for line in lines]
    assert len(runs) == len({name.casefold() for name in runs}) == len(CLASSES) ** 2
    for name in runs:
        assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,200}", name)
        assert name.partition(".")[0].upper() not in {"CON", "NUL", "AUX", "COM1"}
