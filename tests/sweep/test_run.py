"""What the front of a sweep says and writes, with jobs in this process in place of Snakemake."""

import os
import shlex
import sys

import pytest

import tspg
from tspg.cli.main import main
from tspg.errors import DivergedError, FailedRunsError, ModelError, TspgError
from tspg.experiment import fit as fitting
from tspg.sweep import run as front
from tspg.sweep import scheduler
from tspg.sweep.collect import collect
from tspg.sweep.job import run_job
from tspg.sweep.plan import RUNS, log_file, marker, random_file, read_plan, reason_file, run_folder
from tspg.utils.files import write_text
from tspg.utils.lock import locked

METRICS = 'keep = "metrics"'


def sweep(config, out):
    return front.sweep(config, out, cores=1, profile=None, progress=lambda *_: None)


def run_jobs(plan, out, **_):
    """What Snakemake does: every job that has no marker, one failure no reason to stop."""
    for job in plan.jobs:
        if not marker(job, out).exists():
            try:
                run_job(plan, job, out)
            except TspgError as error:
                write_text(log_file(job, out), f"{error}\n")


@pytest.fixture
def in_process(monkeypatch):
    pytest.importorskip("snakemake")
    monkeypatch.setattr(front, "run_snakemake", run_jobs)


def test_a_summary_names_what_was_not_run_and_what_was_not_tested(finished):
    _, out, lines = finished
    assert "8 runs: 4 done, 4 skipped." in lines
    assert "  TINY: skipped, 4 of 5 genes are in the matrix; 10 or more are needed" in lines
    assert any(line.startswith("Beside random gene sets of as many genes") for line in lines)
    assert any(line.startswith("The same genes come first with every seed in") for line in lines)
    assert lines[-2:] == [f"Table: {out / 'sweep.tsv'}", f"Report: {out / 'sweep.html'}"]


@pytest.mark.usefixtures("in_process")
def test_the_same_command_again_does_nothing_twice_and_a_change_only_what_changed(study, finished_copy):
    config, out = finished_copy
    before = {path: path.stat().st_mtime_ns for path in out.glob("runs/*/manifest.json")}
    sweep(config, out)
    assert {path: path.stat().st_mtime_ns for path in out.glob("runs/*/manifest.json")} == before
    more = study.write("more.toml", gene_sets=["PLANTED"], target_classes=["target"], seeds=[0, 2], more=METRICS)
    assert any(line.startswith("3 folders in") for line in sweep(more, out))  # of the other target and seed
    after = {path: path.stat().st_mtime_ns for path in out.glob("runs/*/manifest.json")}
    assert before.items() <= after.items()
    assert len(after) == len(before) + 1
    assert set(tspg.read_sweep(out)["seed"]) == {0, 2}


@pytest.mark.usefixtures("in_process")
def test_a_run_that_fails_is_named_with_its_reason_and_command_and_is_tried_again_later(
    study, tmp_path, monkeypatch, capsys
):
    learn = fitting.learn

    def diverge(dataset, f, config, **more):
        if config.target_class == "beta":
            raise DivergedError("the loss is nan")
        return learn(dataset, f, config, **more)

    config, out = study.write("broken.toml", gene_sets=["OTHER"], more=METRICS), tmp_path / "sweep"
    words = ["sweep", "--config", str(config), "--out", str(out)]
    with monkeypatch.context() as patch:
        patch.setattr(fitting, "learn", diverge)
        assert main(words) == 1
    printed = capsys.readouterr()
    assert "OTHER to beta, seed 0: failed: the loss is nan" in printed.out
    assert "1 of 2 runs failed" in printed.err
    table = tspg.read_sweep(out).set_index("target_class")
    assert table["status"].to_dict() == {"beta": "failed", "target": "done"}
    assert table["reason"].to_dict() == {"beta": "the loss is nan", "target": ""}
    (command,) = [line.partition("again: tspg ")[2] for line in printed.out.splitlines() if "again:" in line]
    plan = read_plan(out)
    assert shlex.split(command) == plan.command(plan.runs[0], out)[1:]  # that it counts when made: test_job
    assert main(words) == 0
    assert set(tspg.read_sweep(out)["status"]) == {"done"}


def test_a_comparison_with_random_gene_sets_that_failed_is_named_and_tried_again(finished_copy, monkeypatch):
    pytest.importorskip("snakemake")
    config, out = finished_copy
    next(out.glob("random/*.tsv")).unlink()

    def killed(plan, out, **_):
        write_text(log_file(next(job for job in plan.jobs if job.kind != RUNS), out), "")

    monkeypatch.setattr(front, "run_snakemake", killed)
    with pytest.raises(FailedRunsError, match="1 of 1 comparison with random gene sets failed") as caught:
        sweep(config, out)
    assert any("PLANTED beside random gene sets: failed: its process ended" in line for line in caught.value.lines)
    monkeypatch.setattr(front, "run_snakemake", run_jobs)
    assert "8 runs: 4 done, 4 skipped." in sweep(config, out)


@pytest.mark.usefixtures("in_process")
def test_what_a_killed_sweep_was_writing_is_cleared_away(finished_copy):
    config, out = finished_copy
    (out / ".tspg-half.json").write_text('{"version"')
    (next((out / "data").glob("PLANTED*")) / ".tspg-half.npy").write_text("half of it")
    sweep(config, out)
    assert list(out.rglob(".tspg-*")) == []


def test_damage_to_what_is_finished_is_named_with_what_to_delete(finished, finished_copy):
    plan, _, _ = finished
    _, out = finished_copy
    folder, table = run_folder(plan.wanted[0], out), random_file(plan.jobs[-1], out)
    for file, named in ((folder / "metrics.json", folder), (folder / "genes.tsv", folder), (table, table)):
        whole = file.read_bytes()
        file.write_text("")
        with pytest.raises(ModelError, match=f"{named.name}: is damaged"):
            collect(plan, out)
        file.write_bytes(whole)


def test_an_earlier_reason_is_not_given_for_a_later_failure(finished, finished_copy, monkeypatch):
    plan, _, _ = finished
    _, out = finished_copy
    run = plan.wanted[0]
    (run_folder(run, out) / "manifest.json").unlink()
    for one in (run, plan.job_of[run.id]):
        write_text(reason_file(one, out), "the loss is nan\n")
    touch = f"import pathlib; pathlib.Path({str(log_file(plan.job_of[run.id], out))!r}).touch()"
    monkeypatch.setattr(scheduler, "_snakemake", lambda *_, **__: [sys.executable, "-c", touch])
    with locked(out) as lock:
        scheduler.run_snakemake(plan, out, cores=1, profile=None, lock=lock, progress=lambda *_: None)
    assert scheduler.reason(plan, run, out) == scheduler.KILLED


def test_cores_are_counted_where_a_process_is_not_bound_to_any(monkeypatch):
    monkeypatch.delattr("os.sched_getaffinity")  # as on macOS
    assert scheduler._cores() == os.cpu_count()
