"""What the front of a sweep tells, with the work itself taken out of the way."""

import os
import sys

import pytest

from tspg.errors import FailedRunsError, ModelError
from tspg.sweep import run as conduct
from tspg.sweep import scheduler as engine
from tspg.sweep.collect import collect
from tspg.sweep.job import run_job
from tspg.sweep.plan import RUNS, log_file, random_file, reason_file, run_folder
from tspg.sweep.planning import plan_sweep
from tspg.utils.files import write_text
from tspg.utils.lock import locked


def sweep(config, out):
    return conduct.sweep(config, out, cores=1, profile=None, progress=lambda *_: None)


def test_a_comparison_with_random_gene_sets_that_failed_is_told_and_tried_again(study, tmp_path, monkeypatch):
    pytest.importorskip("snakemake")
    config, out = study.write(gene_sets=["PLANTED"], random_gene_sets=3, more='keep = "metrics"'), tmp_path / "sweep"

    def killed(plan, out, **_):
        for job in plan.jobs:
            if job.kind == RUNS:
                run_job(plan, job, out)
            else:
                log_file(job, out).parent.mkdir(exist_ok=True)
                log_file(job, out).write_text("")

    monkeypatch.setattr(conduct, "run_snakemake", killed)
    with pytest.raises(FailedRunsError, match="1 of 1 comparison with random gene sets failed") as caught:
        sweep(config, out)
    assert any("PLANTED beside random gene sets: failed: its process ended" in line for line in caught.value.lines)
    monkeypatch.setattr(conduct, "run_snakemake", lambda plan, out, **_: [run_job(plan, job, out) for job in plan.jobs])
    assert any("2 runs: 2 done" in line for line in sweep(config, out))


def test_what_a_killed_sweep_was_writing_is_cleared_away(study, tmp_path, monkeypatch):
    pytest.importorskip("snakemake")
    config, out = study.write(gene_sets=["PLANTED"], target_classes=["target"], more='keep = "metrics"'), tmp_path
    (out / ".tspg.lock").touch()
    (out / ".tspg-half.json").write_text('{"version"')
    monkeypatch.setattr(conduct, "run_snakemake", lambda plan, out, **_: [run_job(plan, job, out) for job in plan.jobs])
    sweep(config, out)
    assert list(out.rglob(".tspg-*")) == []
    (next((out / "data").glob("PLANTED*")) / ".tspg-half.npy").write_text("half of it")
    sweep(config, out)
    assert list(out.rglob(".tspg-*")) == []


def test_damage_to_what_is_finished_is_told_with_what_to_delete(study, tmp_path):
    plan, store = plan_sweep(study.write(gene_sets=["PLANTED"], random_gene_sets=3, more='keep = "metrics"'), tmp_path)
    store(tmp_path)
    for job in plan.jobs:
        run_job(plan, job, tmp_path)
    folder, table = run_folder(plan.runs[0], tmp_path), random_file(plan.jobs[-1], tmp_path)
    for file, named in ((folder / "metrics.json", folder), (folder / "genes.tsv", folder), (table, table)):
        whole = file.read_bytes()
        file.write_text("")
        with pytest.raises(ModelError, match=f"{named.name}: is damaged"):
            collect(plan, tmp_path)
        file.write_bytes(whole)
    collect(plan, tmp_path)


def test_an_earlier_reason_is_not_told_of_a_later_failure(study, tmp_path, monkeypatch):
    plan, store = plan_sweep(study.write(gene_sets=["PLANTED"], target_classes=["target"]), tmp_path)
    store(tmp_path)
    run = plan.runs[0]
    write_text(reason_file(run, tmp_path), "the loss is nan\n")
    monkeypatch.setattr(engine, "_snakemake", lambda *_, **__: [sys.executable, "-c", LOG_ONLY, str(tmp_path)])
    with locked(tmp_path) as lock:
        engine.run_snakemake(plan, tmp_path, cores=1, profile=None, lock=lock, progress=lambda *_: None)
    assert engine.reason(plan, run, tmp_path) == engine.KILLED


def test_cores_are_counted_where_a_process_is_not_bound_to_any(monkeypatch):
    monkeypatch.delattr("os.sched_getaffinity")  # as on macOS
    assert engine._cores() == os.cpu_count()


LOG_ONLY = """
import pathlib, sys
plan = __import__("json").loads(pathlib.Path(sys.argv[1], "plan.json").read_text())
pathlib.Path(sys.argv[1], "logs", plan["jobs"][0]["id"] + ".log").touch()
"""
