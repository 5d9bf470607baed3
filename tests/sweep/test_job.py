"""One job: ordinary run folders on shared ground, nothing made twice, one failure no reason to stop."""

import json
from pathlib import Path

import pytest

from tspg.cli.main import main
from tspg.errors import DivergedError, FailedRunsError
from tspg.experiment import fit as fitting
from tspg.sweep import job as work
from tspg.sweep.job import run_job
from tspg.sweep.plan import marker, random_file, reason_file, run_folder
from tspg.sweep.planning import plan_sweep
from tspg.utils.files import read_table, sha256_of

TIMES = {"manifest.json", "metrics.json"}  # what depends on the clock


def stored(study, out, **asked):
    plan, store = plan_sweep(study.write(**asked), out)
    store(out)
    return plan


def files_of(folder):
    return {path.relative_to(folder).as_posix(): sha256_of(path) for path in folder.rglob("*") if path.is_file()}


def without_times(folder):
    found = json.loads((folder / "metrics.json").read_text())
    return {key: value for key, value in found.items() if key != "seconds"}


@pytest.fixture(scope="module")
def worked(study, tmp_path_factory):
    """One gene set to two targets, with random ones beside it."""
    out = tmp_path_factory.mktemp("worked")
    plan = stored(study, out, gene_sets=["PLANTED"], seeds=[1], random_gene_sets=19)
    for job in plan.jobs:
        run_job(plan, job, out)
    return plan, out


def test_every_run_is_what_tspg_run_makes_alone_byte_for_byte(worked, tmp_path):
    plan, out = worked
    for run in plan.runs:
        command = plan.command(run, tmp_path)
        assert command[:2] == ["tspg", "run"]
        assert main(command[1:]) == 0
        swept, alone = run_folder(run, out), run_folder(run, tmp_path)
        assert {name for name in files_of(alone) if files_of(alone)[name] != files_of(swept).get(name)} == TIMES
        assert without_times(swept) == without_times(alone)
        manifests = [json.loads((folder / "manifest.json").read_text()) for folder in (swept, alone)]
        for part in ("settings", "inputs", "samples", "kept"):
            assert manifests[0][part] == manifests[1][part], part
        for folder, manifest in zip((swept, alone), manifests, strict=True):
            for name in ("expression", "labels"):
                assert (folder / manifest["reading"][name]).resolve() == Path(plan.asked[name]).resolve()
        assert manifests[0]["command"] == plan.command(run, out)


def test_a_run_made_by_hand_counts_as_done(study, tmp_path):
    plan = stored(study, tmp_path, gene_sets=["PLANTED"], seeds=[1])
    run = plan.runs[0]
    assert not plan.is_done(run, tmp_path)
    main(plan.command(run, tmp_path)[1:])
    assert plan.is_done(run, tmp_path)


def test_a_finished_job_has_its_marker_and_needs_no_f_any_more(worked):
    plan, out = worked
    assert all(marker(job, out).exists() and plan.is_finished(job, out) for job in plan.jobs)
    assert list((out / "f").iterdir()) == []


def test_every_target_is_compared_with_random_gene_sets(worked):
    plan, out = worked
    table = read_table(random_file(plan.jobs[1], out))
    assert list(table["target_class"]) == ["beta", "target"]
    assert list(table["n_random"]) == [19, 19]
    assert table["hit_rate_p_value"].between(1 / 20, 1).all()


def test_f_is_trained_once_for_all_targets_also_over_several_jobs(study, tmp_path, monkeypatch):
    plan = stored(study, tmp_path, gene_sets=["PLANTED"], target_classes=["alpha", "beta", "target"], more=ALONE)
    trained = []
    train = fitting.train_target_model
    monkeypatch.setattr(fitting, "train_target_model", lambda *a, **k: trained.append(1) or train(*a, **k))
    for job in plan.jobs:
        run_job(plan, job, tmp_path)
    assert len(plan.jobs) == 3
    assert trained == [1]
    models = {sha256_of(run_folder(run, tmp_path) / "model" / "target_model.safetensors") for run in plan.runs}
    assert len(models) == 1


ALONE = "targets_per_job = 1"
METRICS = 'keep = "metrics"'


@pytest.mark.parametrize(
    ("error", "reason"),
    [(DivergedError("the loss is nan"), "the loss is nan"), (ValueError("never seen"), "ValueError: never seen")],
)
def test_one_run_that_fails_leaves_its_reason_and_the_others_their_results(study, tmp_path, monkeypatch, error, reason):
    plan = stored(study, tmp_path, gene_sets=["OTHER"], target_classes=["alpha", "beta", "target"], more=METRICS)
    (job,) = plan.jobs
    run = work.run_experiments

    def break_down(tasks, **more):
        for task, found in zip(tasks, run(tasks, **more), strict=True):
            if task.config.target_class == "beta":
                raise error
            yield found

    with monkeypatch.context() as patched:
        patched.setattr(work, "run_experiments", break_down)
        with pytest.raises(FailedRunsError, match="1 of 3 runs failed"):
            run_job(plan, job, tmp_path)
    done = {run.target_class: plan.is_done(run, tmp_path) for run in plan.runs}
    assert done == {"alpha": True, "beta": False, "target": True}
    assert not marker(job, tmp_path).exists()
    broken = next(run for run in plan.runs if run.target_class == "beta")
    assert reason_file(broken, tmp_path).read_text() == f"{reason}\n"
    before = {run.id: files_of(run_folder(run, tmp_path)) for run in plan.runs if run != broken}
    run_job(plan, job, tmp_path)
    assert plan.is_done(broken, tmp_path)
    assert not reason_file(broken, tmp_path).exists()
    assert before == {
        run.id: files_of(run_folder(run, tmp_path)) for run in plan.runs if run != broken
    }  # not made again
    assert marker(job, tmp_path).exists()


@pytest.mark.parametrize(
    ("keep", "there", "gone"),
    [
        (
            "tables",
            {"report.html", "evidence.tsv", "genes.tsv", "history.tsv", "tsne.tsv"},
            {"model", "figures"},
        ),
        ("metrics", {"metrics.json", "top_genes.tsv", "genes.tsv"}, {"report.html", "evidence.tsv", "model"}),
    ],
)
def test_what_is_kept_of_a_run(study, tmp_path, keep, there, gone):
    plan = stored(study, tmp_path, gene_sets=["PLANTED"], target_classes=["target"], more=f'keep = "{keep}"')
    run_job(plan, plan.jobs[0], tmp_path)
    (run,) = plan.runs
    found = {path.name for path in run_folder(run, tmp_path).iterdir()}
    assert there <= found
    assert not (gone | {"perturbations.h5ad"}) & found
    manifest = json.loads((run_folder(run, tmp_path) / "manifest.json").read_text())
    assert set(manifest["outputs"]) == found - {"manifest.json"}
    assert manifest["kept"] == keep
    more = stored(study, tmp_path, gene_sets=["PLANTED"], target_classes=["target"])  # now everything is wanted
    assert more.runs == plan.runs
    assert not more.is_done(run, tmp_path)
    run_job(more, more.jobs[0], tmp_path)
    assert (run_folder(run, tmp_path) / "model" / "model.json").exists()
    assert plan.is_done(run, tmp_path)  # with more than enough


def test_what_is_left_of_a_folder_that_was_being_replaced_is_no_obstacle(study, tmp_path):
    less = stored(study, tmp_path, gene_sets=["PLANTED"], target_classes=["target"], more=METRICS)
    run_job(less, less.jobs[0], tmp_path)
    more = stored(study, tmp_path, gene_sets=["PLANTED"], target_classes=["target"], more='keep = "tables"')
    (run_folder(more.runs[0], tmp_path) / "manifest.json").unlink()  # as far as a killed worker came
    run_job(more, more.jobs[0], tmp_path)
    assert more.is_done(more.runs[0], tmp_path)
