"""One job: ordinary run folders with one split and f, nothing made twice, one failure no reason to stop."""

import json
from pathlib import Path

import pytest

from tests.quick import without_figures
from tspg.cli.main import main
from tspg.errors import DivergedError, FailedRunsError
from tspg.experiment import fit as fitting
from tspg.report.figures.save import write_figures
from tspg.sweep import job as jobs
from tspg.sweep.job import run_job
from tspg.sweep.plan import marker, random_file, reason_file, run_folder
from tspg.sweep.planning import plan_sweep
from tspg.utils.files import read_table, sha256_of

TIMES = {"manifest.json", "metrics.json"}  # what depends on the clock
METRICS = 'keep = "metrics"'


@pytest.fixture(autouse=True)
def short_of_what_nobody_looks_at(monkeypatch):
    """No figures, and small forests."""
    without_figures(monkeypatch)
    monkeypatch.setattr("tspg.analysis.evaluation.classifiers.TREES", 20)


def stored(study, out, **settings):
    plan, store = plan_sweep(study.write(**settings), out)
    store(out)
    return plan


def files_of(folder):
    return {path.relative_to(folder).as_posix(): sha256_of(path) for path in folder.rglob("*") if path.is_file()}


def test_a_run_is_what_tspg_run_makes_alone_byte_for_byte(study, tmp_path):
    """All but figures; that these are the same each time: tests/report/figures."""
    out, alone_out = tmp_path / "sweep", tmp_path / "alone"
    plan = stored(study, out, gene_sets=["PLANTED"], seeds=[1])
    run_job(plan, plan.jobs[0], out)
    run = plan.runs[1]  # with the f that was trained for another target
    command = plan.command(run, alone_out)
    assert command[:2] == ["tspg", "run"]
    assert main(command[1:]) == 0
    swept, alone = run_folder(run, out), run_folder(run, alone_out)
    assert {name for name, digest in files_of(alone).items() if digest != files_of(swept).get(name)} == TIMES
    metrics, manifests = (
        [json.loads((folder / name).read_text()) for folder in (swept, alone)]
        for name in ("metrics.json", "manifest.json")
    )
    assert {**metrics[0], "seconds": {}} == {**metrics[1], "seconds": {}}
    for part in ("settings", "inputs", "samples", "kept"):
        assert manifests[0][part] == manifests[1][part], part
    for folder, manifest in zip((swept, alone), manifests, strict=True):
        for name in ("expression", "labels"):
            assert (folder / manifest["reading"][name]).resolve() == Path(plan.settings[name]).resolve()
    assert manifests[0]["command"] == plan.command(run, out)
    assert plan.is_done(run, alone_out)  # made by hand, it counts


def test_a_finished_job_has_its_marker_and_needs_no_f_any_more(finished):
    plan, out, _ = finished
    assert all(marker(job, out).exists() and plan.is_done(job, out) for job in plan.jobs)
    assert list((out / "f").iterdir()) == []


def test_every_target_is_compared_with_random_gene_sets(finished):
    plan, out, _ = finished
    table = read_table(random_file(plan.jobs[-1], out))
    assert list(table["target_class"]) == ["beta", "target"]
    assert list(table["n_random"]) == [19, 19]
    assert table["hit_rate_p_value"].between(1 / 20, 1).all()


def test_f_is_trained_once_for_all_targets_also_over_several_jobs(study, tmp_path, monkeypatch):
    plan = stored(study, tmp_path, gene_sets=["PLANTED"], more=f"targets_per_job = 1\n{METRICS}")
    trained = []
    train = fitting.train_target_model
    monkeypatch.setattr(fitting, "train_target_model", lambda *a, **k: trained.append(1) or train(*a, **k))
    for job in plan.jobs:
        run_job(plan, job, tmp_path)
    assert len(plan.jobs) == 2
    assert trained == [1]
    metrics = [json.loads((run_folder(run, tmp_path) / "metrics.json").read_text()) for run in plan.runs]
    assert metrics[0]["target_model"] == metrics[1]["target_model"]


def test_runs_that_fail_leave_their_reasons_and_the_others_their_results(study, tmp_path, monkeypatch):
    plan = stored(study, tmp_path, gene_sets=["OTHER"], target_classes=["alpha", "beta", "target"], more=METRICS)
    (job,) = plan.jobs
    errors = {"alpha": DivergedError("the loss is nan"), "beta": ValueError("never seen")}
    run_experiments = jobs.run_experiments

    def break_down(tasks, **more):
        for task, found in zip(tasks, run_experiments(tasks, **more), strict=True):
            if task.config.target_class in errors:
                raise errors[task.config.target_class]
            yield found

    with monkeypatch.context() as patched:
        patched.setattr(jobs, "run_experiments", break_down)
        with pytest.raises(FailedRunsError, match="2 of 3 runs failed"):
            run_job(plan, job, tmp_path)
    alpha, beta, whole = plan.runs
    assert [plan.is_done(run, tmp_path) for run in plan.runs] == [False, False, True]
    assert not marker(job, tmp_path).exists()
    assert reason_file(alpha, tmp_path).read_text() == "the loss is nan\n"
    assert reason_file(beta, tmp_path).read_text() == "ValueError: never seen\n"
    before = files_of(run_folder(whole, tmp_path))
    run_job(plan, job, tmp_path)
    assert all(plan.is_done(run, tmp_path) for run in plan.runs)
    assert not any(reason_file(one, tmp_path).exists() for one in (job, *plan.runs))
    assert files_of(run_folder(whole, tmp_path)) == before  # not made again
    assert marker(job, tmp_path).exists()


def test_what_is_kept_of_a_run(study, finished, tmp_path, monkeypatch):
    monkeypatch.setattr("tspg.report.save.write_figures", write_figures)  # which leave tsne.tsv, too
    plan, out, _ = finished
    found = {path.name for path in run_folder(plan.wanted[0], out).iterdir()}
    assert {"metrics.json", "top_genes.tsv", "genes.tsv"} <= found
    assert not {"report.html", "evidence.tsv", "model", "perturbations.h5ad"} & found

    plan = stored(study, tmp_path, gene_sets=["PLANTED"], target_classes=["target"], more='keep = "tables"')
    run_job(plan, plan.jobs[0], tmp_path)
    (run,) = plan.runs
    found = {path.name for path in run_folder(run, tmp_path).iterdir()}
    assert {"report.html", "evidence.tsv", "genes.tsv", "history.tsv", "tsne.tsv"} <= found
    assert not {"model", "figures", "perturbations.h5ad"} & found
    manifest = json.loads((run_folder(run, tmp_path) / "manifest.json").read_text())
    assert set(manifest["outputs"]) == found - {"manifest.json"}
    assert manifest["kept"] == "tables"

    more = stored(study, tmp_path, gene_sets=["PLANTED"], target_classes=["target"])  # now everything is wanted
    assert more.runs == plan.runs
    assert not more.is_done(run, tmp_path)
    (run_folder(run, tmp_path) / "manifest.json").unlink()  # as far as a worker came that was killed replacing it
    run_job(more, more.jobs[0], tmp_path)
    assert (run_folder(run, tmp_path) / "model" / "model.json").exists()
    assert plan.is_done(run, tmp_path)  # with more than enough


def test_what_is_not_kept_of_a_run_is_not_computed_and_the_rest_is_the_same(study, tmp_path, monkeypatch):
    how = {"gene_sets": ["PLANTED"], "target_classes": ["target"]}
    whole = stored(study, tmp_path / "whole", **how)
    run_job(whole, whole.jobs[0], tmp_path / "whole")
    for name in ("tspg.experiment.run.interpretation_tables", "tspg.report.save.write_figures"):
        monkeypatch.setattr(name, None)  # whoever calls it fails
    few = stored(study, tmp_path / "few", **how, more=METRICS)
    run_job(few, few.jobs[0], tmp_path / "few")
    kept, all_of_it = (run_folder(one.runs[0], tmp_path / at) for one, at in ((few, "few"), (whole, "whole")))
    assert sha256_of(kept / "top_genes.tsv") == sha256_of(all_of_it / "top_genes.tsv")
    numbers = [json.loads((folder / "metrics.json").read_text()) for folder in (kept, all_of_it)]
    assert {**numbers[0], "seconds": {}} == {**numbers[1], "seconds": {}}
