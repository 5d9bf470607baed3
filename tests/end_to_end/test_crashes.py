"""Killed or out of disk at any operation on files: no half file is ever seen, and `--resume` ends as in one go."""

import json
import signal

import pytest

import tspg.experiment.run
import tspg.model.config
from trust.crashes import CHANGING, Ended, fingerprints, in_child
from tspg.cli.main import main
from tspg.model.config import PaperConfig, TargetModelConfig
from tspg.utils.files import TEMPORARY, write_text

PRESET = (
    TargetModelConfig(hidden_units=(8, 4), batch_size=64),
    PaperConfig(down_units=(8, 4), up_units=(4, 8), discriminator_units=(8, 4), residual_blocks=1, batch_size=64),
)
pytestmark = pytest.mark.slow
LENGTH = ["--preset", "paper", "--steps", "2", "--target-epochs", "2", "--folds", "1", "--threads", "1", "--seed", "1"]


@pytest.fixture(scope="module")
def command(tmp_path_factory, planted):
    """The command of a tiny run into a folder, of which only what writes files is left as it is."""
    folder = tmp_path_factory.mktemp("study")
    planted.adata[::3].copy().write_h5ad(folder / "study.h5ad")
    write_text(folder / "terms.gmt", "TERM\t\tG0\tG1\tG2\tG3\n")
    task = ["--expression", str(folder / "study.h5ad"), "--label-column", "label", "--target", "target"]
    whole = ["run", *task, "--source", "alpha", "--annotations", str(folder / "terms.gmt"), *LENGTH]
    evidence = []

    def asked_once(evidence_of):
        def asked(*given):
            evidence.extend([] if evidence else [evidence_of(*given)])
            return evidence[0].copy()

        return asked

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(tspg.model.config.PRESETS, "paper", PRESET)
        patch.setattr("tspg.model.checkpoints.SECONDS_BETWEEN", 0.0)
        patch.setattr("tspg.model.checkpoints.SHARE_OF_TIME", 1e9)
        patch.setattr("tspg.experiment.run.evidence_of", asked_once(tspg.experiment.run.evidence_of))
        patch.setattr("tspg.experiment.run.interpretation_tables", lambda *_given, **_named: {})
        patch.setattr("tspg.experiment.run.estimate_task", lambda _task: "nothing")
        patch.setattr("tspg.report.save.write_figures", lambda out, *_, **__: write_text(out / "figures/one.svg", "."))
        patch.setattr("tspg.report.save.write_report", lambda out: write_text(out / "report.html", "."))
        assert main([*whole, "--out", str(folder / "first")]) == 0

        def run(out, *more):
            return lambda: main([*whole, "--out", str(out), *more])

        yield run


@pytest.fixture(scope="module")
def in_one_go(command, tmp_path_factory):
    folder = tmp_path_factory.mktemp("in-one-go")
    ended = in_child(command(folder / "run"), folder / "run", folder)
    assert ended.code == 0, ended.errors
    assert len(ended.operations) > 60
    return fingerprints(folder / "run"), ended


def half_written(out, whole):
    """Files under a final name that are not what a run in one go writes, and temporaries."""
    found = fingerprints(out) if out.is_dir() else {}
    return [name for name, digest in found.items() if not name.startswith("checkpoints/") and whole.get(name) != digest]


def wrongs_of_resuming(command, out, whole, scratch):
    """What is wrong with a folder once its run was resumed; empty if nothing is."""
    ended = in_child(command(out, "--resume"), out, scratch)
    if ended.code != 0:
        return f"exit {ended.code}: {ended.errors}"
    if fingerprints(out) != whole:
        return "other bytes"
    left = [path.name for path in out.rglob("*") if path.name.startswith((TEMPORARY, "checkpoints", ".tspg"))]
    return f"left behind: {left}" if left else ""


@pytest.fixture(params=["one of each kind", pytest.param("every one", marks=pytest.mark.soak)])
def chosen(request):
    """From how a run ended to the numbers of the operations that are tried."""
    if request.param == "every one":
        return lambda ended: range(1, len(ended.operations) + 1)
    return Ended.one_of_each_kind


def test_a_run_killed_before_any_operation_on_files_ends_as_in_one_go(command, in_one_go, chosen, tmp_path):
    whole, ended = in_one_go
    wrong = {}
    for at in chosen(ended):
        out = tmp_path / f"killed-{at}"
        assert in_child(command(out), out, tmp_path, at=at, do="kill").code == -signal.SIGKILL
        seen = {name for name in half_written(out, whole) if not name.split("/")[-1].startswith(".tspg")}
        wrong[at] = f"half written: {seen}" if seen else wrongs_of_resuming(command, out, whole, tmp_path)
    assert {at: what for at, what in wrong.items() if what} == {}
    assert len(wrong) >= 12


def test_a_disk_that_is_full_at_any_write_leaves_whole_files_and_one_clear_line(command, in_one_go, chosen, tmp_path):
    whole, _ = in_one_go
    wrong = {}
    for at in chosen(in_child(command(tmp_path / "counted"), tmp_path / "counted", tmp_path, do="refuse")):
        out = tmp_path / f"full-{at}"
        ended = in_child(command(out), out, tmp_path, at=at, do="refuse")
        lines = [line for line in ended.errors.splitlines() if line.startswith("tspg: error:")]
        left = {name for name in fingerprints(out) if not name.startswith("checkpoints/")} if out.is_dir() else set()
        if ended.code == 0 and fingerprints(out) == whole:
            continue  # a folder that was there already need not be made
        if ended.code != 4 or len(lines) != 1 or "No space left" not in lines[0] or "Traceback" in ended.errors:
            wrong[at] = f"exit {ended.code}: {ended.errors}"
        else:
            wrong[at] = f"left behind: {left}" if left else wrongs_of_resuming(command, out, whole, tmp_path)
    assert {at: what for at, what in wrong.items() if what} == {}
    assert len(wrong) >= 10


def test_what_was_compared_can_differ(command, in_one_go, tmp_path):
    whole, _ = in_one_go
    assert in_child(command(tmp_path / "run", "--seed", "2"), tmp_path / "run", tmp_path).code == 0
    other = fingerprints(tmp_path / "run")
    assert other.keys() == whole.keys()
    assert {"model/generator.safetensors", "history.tsv", "perturbations.h5ad"} <= {
        name for name in whole if other[name] != whole[name]
    }
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert manifest["outputs"].items() >= {n: d for n, d in other.items() if n not in CHANGING}.items()
