"""Damaged run folders, and patients' files that do not fit a model: refused like any malformed input."""

import itertools
import json
import shutil
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from trust.checks import check_refusal, words_of
from trust.study import Change, a_folder, added, holding, missing, replaced, rewritten
from tspg.cli.main import main
from tspg.errors import UsageError

GENES = [f"G{at}" for at in range(60)]
PATIENT = pd.DataFrame([np.linspace(4, 12, 60)], index=["patient"], columns=GENES)
COMMANDS = {
    "enrich": "enrich --run {d}/run --annotations {d}/known.gmt --out {d}/new/out",
    "report": "report --run {d}/run",
    "audit": "audit --run {d}/run",
    "compare": "compare {d}/run {d}/run --out {d}/new/out",
    "perturb": "perturb --model {d}/run --expression {d}/patient.tsv --annotations {d}/known.gmt --out {d}/new/out",
}


@pytest.fixture
def folder(run_folder, tmp_path):
    """A finished run, a patient, and gene sets."""
    shutil.copytree(run_folder, tmp_path / "run")
    PATIENT.to_csv(tmp_path / "patient.tsv", sep="\t", index_label="id")
    (tmp_path / "known.gmt").write_text("KNOWN\tx\t" + "\t".join(GENES[:9]) + "\n")
    return tmp_path


def in_json(name: str, change: Callable[[dict], object]) -> Change:
    """Change a value in a JSON file."""

    def changed(old: bytes) -> str:
        content = json.loads(old)
        change(content)
        return json.dumps(content)

    return rewritten(name, changed)


def flipped(name: str) -> Change:
    """Change the byte in the middle of a file."""

    def change(old: bytes) -> bytes:
        middle = len(old) // 2
        return old[:middle] + bytes([old[middle] ^ 1]) + old[middle + 1 :]

    return rewritten(name, change)


NONE_HERE = "no finished run here.*Run again, or name another folder"
CHANGED = "was changed after it was written. Run again or restore the file"
FOLDERS = {  # what is done to the folder: what is said, and of which file
    "no manifest": (missing("run/manifest.json"), NONE_HERE, "run"),
    "an empty manifest": (holding("run/manifest.json", ""), NONE_HERE, "run"),
    "half a manifest": (rewritten("run/manifest.json", lambda old: old[: len(old) // 2]), NONE_HERE, "run"),
    "a manifest that is a list": (holding("run/manifest.json", "[]"), NONE_HERE, "run"),
    "a manifest without fingerprints": (
        in_json("run/manifest.json", lambda held: held.pop("outputs")),
        NONE_HERE,
        "run",
    ),
    "a manifest that is no UTF-8": (added("run/manifest.json", b"\xff"), NONE_HERE, "run"),
    "a folder for a manifest": (a_folder("run/manifest.json"), NONE_HERE, "run"),
    "a table missing": (
        missing("run/genes.tsv"),
        "is missing. Run again or restore the file",
        "genes.tsv",
    ),
    "a table changed": (added("run/genes.tsv", "x"), CHANGED, "genes.tsv"),
    "a bit changed in a table": (flipped("run/genes.tsv"), CHANGED, "genes.tsv"),
    "a bit changed in the moved profiles": (flipped("run/perturbations.h5ad"), CHANGED, "perturbations.h5ad"),
    "the moved profiles cut": (
        rewritten("run/perturbations.h5ad", lambda old: old[:-1]),
        CHANGED,
        "perturbations.h5ad",
    ),
    "a bit changed in the weights": (flipped("run/model/generator.safetensors"), CHANGED, "generator.safetensors"),
    "a table emptied": (holding("run/top_genes.tsv", ""), CHANGED, "top_genes.tsv"),
}


@pytest.mark.parametrize(
    ("fault", "command"),
    [
        *((fault, "enrich") for fault in FOLDERS),
        *itertools.product(["no manifest", "a table changed"], ["report", "audit", "compare"]),
    ],
)
def test_a_damaged_run_folder_is_refused_by_every_command_that_reads_it(fault, command, folder, capsys):
    change, says, file = FOLDERS[fault]
    change(folder)
    check_refusal(COMMANDS[command], folder, capsys, code=5, says=says, file=file)


MODEL = "run/model/model.json"
MODEL_CHANGED = r"was changed after it was written\. Restore it, or train again"
WEIGHTS = "run/model/generator.safetensors"
MODELS = {
    "no description": (missing(MODEL), "no readable model.json.*Give the folder of a finished"),
    "half a description": (rewritten(MODEL, lambda old: old[: len(old) // 2]), "no readable model.json"),
    "a description that is a list": (holding(MODEL, "[]"), "format None"),
    "a newer format": (
        in_json(MODEL, lambda held: held.update(format_version=99)),
        "format 99; this tspg reads.*version of tspg",
    ),
    "no genes": (in_json(MODEL, lambda held: held.pop("genes")), MODEL_CHANGED),
    "a gene more": (in_json(MODEL, lambda held: held["genes"].append("G")), MODEL_CHANGED),
    "two genes changed over": (in_json(MODEL, lambda held: held["genes"].reverse()), MODEL_CHANGED),
    "another scale": (in_json(MODEL, lambda held: held["scaler"]["maximum"].__setitem__(0, 99.0)), MODEL_CHANGED),
    "a class renamed": (replaced(MODEL, '"alpha"', '"omega"'), MODEL_CHANGED),
    "no weights": (missing(WEIGHTS), "the model is damaged or incomplete"),
    "weights cut": (rewritten(WEIGHTS, lambda old: old[:-9]), MODEL_CHANGED),
    "a bit of the weights changed": (flipped(WEIGHTS), MODEL_CHANGED),
    "empty weights": (holding("run/model/target_model.safetensors", b""), MODEL_CHANGED),
    "text for weights": (holding("run/model/target_model.safetensors", "weights"), MODEL_CHANGED),
}


@pytest.mark.parametrize("fault", list(MODELS))
def test_a_damaged_model_is_refused(fault, folder, capsys):
    change, says = MODELS[fault]
    change(folder)
    check_refusal(COMMANDS["perturb"], folder, capsys, code=5, says=says, file="run")


def of(frame: pd.DataFrame) -> Change:
    return lambda folder: frame.to_csv(folder / "patient.tsv", sep="\t", index_label="id")


PATIENTS = {
    "there is no file": (missing("patient.tsv"), "no such file", "patient.tsv"),
    "empty": (holding("patient.tsv", ""), "is empty", "patient.tsv"),
    "header alone": (
        rewritten("patient.tsv", lambda old: old.split(b"\n")[0] + b"\n"),
        "no row of values",
        "patient.tsv",
    ),
    "a gene missing": (of(PATIENT.drop(columns="G7")), "1 of the model's 60 genes are not in.*: 'G7'", "patient.tsv"),
    "other genes": (
        of(PATIENT.add_prefix("other ")),
        "none of the 60 genes.*the model was trained with",
        "patient.tsv",
    ),
    "a gene twice": (of(PATIENT.rename(columns={"G8": "G7"})), "'G7'.*--duplicates", "patient.tsv"),
    "a value missing": (
        of(PATIENT.replace(PATIENT.iloc[0, 3], np.nan)),
        "column 'G3': the value is missing",
        "patient.tsv",
    ),
    "a word for a value": (
        replaced("patient.tsv", "\t4.0", "\tlow"),
        "column 'G0': 'low' is not a number",
        "patient.tsv",
    ),
}


@pytest.mark.parametrize("fault", list(PATIENTS))
def test_a_patient_that_does_not_fit_the_model_is_refused(fault, folder, capsys):
    change, says, file = PATIENTS[fault]
    change(folder)
    check_refusal(COMMANDS["perturb"], folder, capsys, code=3, says=says, file=file)


def test_the_sound_folder_is_read_by_the_same_commands(folder, monkeypatch, capsys):
    assert main(words_of(COMMANDS["enrich"], folder)) == 0

    def stop(*_arguments, **_options):
        raise UsageError("accepted")

    for place in (
        "tspg.analysis.interpretation.genes.all_top_genes",
        "tspg.audit.run.Plan.of",
        "tspg.report.save.write_figures",
    ):
        monkeypatch.setattr(place, stop)
    capsys.readouterr()
    for command in ("perturb", "audit", "report"):
        assert main(words_of(COMMANDS[command].replace("new", command), folder)) == 2
        assert capsys.readouterr().err == "tspg: error: accepted\n"
    assert main(words_of(COMMANDS["compare"].replace("new", "compare"), folder)) == 2
    assert "the target 'target' comes twice" in capsys.readouterr().err  # both folders were read
