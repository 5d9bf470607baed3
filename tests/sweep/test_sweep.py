"""`tspg sweep` as processes of their own: what Snakemake does, and what a kill or a stop leaves."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import tspg
from tests.docs.documented import assert_as_documented
from tspg.cli.main import main
from tspg.sweep import scheduler
from tspg.sweep.plan import read_plan
from tspg.sweep.scheduler import WORKFLOW
from tspg.utils.lock import locked

pytest.importorskip("snakemake")
pytestmark = pytest.mark.slow
PATIENCE = 240  # seconds


def hear_interrupts():
    """Handle SIGINT as in a terminal, which what runs in the background of a script does not inherit."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def ignore_interrupts():
    """As a shell without a terminal starts what ends in `&`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def start(config, out, *more, first=hear_interrupts, python=sys.executable, **options):
    """A sweep in a process group of its own, as a terminal starts it."""
    words = [str(python), "-P", "-m", "tspg", "sweep", "--config", str(config), "--out", str(out), *more]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(words, start_new_session=True, preexec_fn=first, **streams, **options)  # noqa: PLW1509


WAITING = """import sys, time
from pathlib import Path
if "--job" in sys.orig_argv and not Path({once!r}).exists():
    Path({once!r}).touch()
    time.sleep({seconds})
"""


def waiting_jobs(folder):
    """Surroundings in which the first job waits before it does anything, until somebody stops it."""
    folder.mkdir()
    text = WAITING.format(once=str(folder / "waits"), seconds=2 * PATIENCE)
    (folder / "sitecustomize.py").write_text(text)
    above = os.environ.get("PYTHONPATH", "")
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *([above] if above else [])])}


def finish(process):
    output, errors = process.communicate(timeout=PATIENCE)
    return process.returncode, output, errors


def wait_for(happened):
    end = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.05)


def without_times(table):
    return table[[column for column in table.columns if not column.startswith("seconds.")]]


def manifests(out):
    return list(out.glob("runs/*/manifest.json"))


@pytest.fixture(scope="module")
def config(study):
    """One job of two targets; the other gene set is skipped."""
    return study.write("whole.toml", gene_sets=["PLANTED", "TINY"], more='keep = "metrics"')


@pytest.fixture(scope="module")
def undisturbed(config, tmp_path_factory):
    """A finished sweep, made by a Python in a folder with a space, where a module in the working directory misleads."""
    here, environment = (tmp_path_factory.mktemp("undisturbed") / name for name in ("my work", "my python"))
    here.mkdir()
    environment.symlink_to(sys.prefix)
    (here / "queue.py").write_text("raise SystemExit('not the one that is wanted')\n")
    python = environment / Path(sys.executable).relative_to(sys.prefix)
    return here / "the sweep", finish(start(config, "the sweep", python=python, cwd=here))


def test_every_run_is_in_the_table_with_its_numbers(undisturbed):
    out, (code, printed, errors) = undisturbed
    assert code == 0, errors
    assert "4 runs: 2 done, 2 skipped." in printed
    assert "TINY: skipped, 4 of 5 genes are in the matrix" in printed
    assert "2 of 2 runs" in errors  # the one line of progress
    table = tspg.read_sweep(out)
    assert list(table.columns[:6]) == ["gene_set", "n_genes", "target_class", "seed", "status", "reason"]
    keys = list(zip(table["gene_set"], table["target_class"], table["seed"], strict=True))
    assert keys == [(name, target, 0) for name in ("PLANTED", "TINY") for target in ("beta", "target")]
    done, skipped = (table[table["status"] == status] for status in ("done", "skipped"))
    for row in done.to_dict("records"):
        metrics = tspg.report.read.read_run(out / row["run"]).metrics
        assert row["perturbation.hit_rate"] == metrics["perturbation"]["hit_rate"]
        assert row["evidence.generator.energy_ratio"] == metrics["evidence"]["generator"]["energy_ratio"]
        assert row["seconds.total"] == metrics["seconds"]["total"]
    assert set(done["reason"]) == {""}
    assert set(skipped["reason"]) == {"4 of 5 genes are in the matrix; 10 or more are needed"}
    assert skipped["perturbation.hit_rate"].isna().all()
    for name in ("sweep.html", "stability.tsv", "gene_frequency.tsv", "random_gene_sets.tsv"):
        assert (out / name).is_file(), name
    assert_as_documented(out)


def test_a_killed_worker_is_tried_again_once_and_a_killed_sweep_goes_on_to_the_same_table(
    config, undisturbed, tmp_path
):
    psutil = pytest.importorskip("psutil")
    out, whole = tmp_path / "sweep", undisturbed[0]
    process = start(config, out, env=waiting_jobs(tmp_path / "surroundings"))
    wait_for((tmp_path / "surroundings" / "waits").exists)
    children = psutil.Process(process.pid).children(recursive=True)
    (worker,) = [child for child in children if "--job" in child.cmdline() and "python" in child.name()]
    worker.kill()
    wait_for(lambda: manifests(out))
    assert "Trying to restart job" in (out / "logs" / "snakemake.log").read_text()
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    code, _, errors = finish(start(config, out))
    assert code == 0, errors
    assert without_times(tspg.read_sweep(out)).equals(without_times(tspg.read_sweep(whole)))
    for name in ("stability.tsv", "gene_frequency.tsv"):
        assert (out / name).read_bytes() == (whole / name).read_bytes()


@pytest.mark.parametrize(
    ("number", "expected", "first", "send"),
    [(signal.SIGTERM, 143, ignore_interrupts, os.kill), (signal.SIGINT, 130, hear_interrupts, os.killpg)],
    ids=["in the background of a script", "in a terminal"],
)
def test_a_stopped_sweep_stops_its_workers(config, tmp_path, number, expected, first, send):
    """A batch system tells the front alone; a terminal tells all of its processes."""
    psutil = pytest.importorskip("psutil")
    process = start(config, tmp_path / "sweep", first=first, env=waiting_jobs(tmp_path / "surroundings"))
    wait_for((tmp_path / "surroundings" / "waits").exists)  # so no job is done before the stop
    family = psutil.Process(process.pid).children(recursive=True)
    assert any("--job" in child.cmdline() for child in family)
    send(process.pid, number)
    code, _, errors = finish(process)
    assert code == expected
    assert "interrupted" in errors
    _, alive = psutil.wait_procs(family, timeout=30)
    assert alive == []
    assert not list((tmp_path / "sweep").glob("jobs/*.done"))  # it did not go on to the end


def test_an_interrupt_that_only_the_front_hears_stops_its_workers_too(monkeypatch):
    pytest.importorskip("psutil")
    monkeypatch.setattr(scheduler, "GRACE_SECONDS", 0.1)
    with subprocess.Popen([sys.executable, "-c", f"import time; time.sleep({PATIENCE})"]) as child:
        with pytest.raises(KeyboardInterrupt), scheduler._stopped_with_us(child):
            raise KeyboardInterrupt
        assert child.poll() is not None


def test_two_sweeps_in_one_folder_are_refused(config, undisturbed):
    out, _ = undisturbed
    with locked(out):
        assert main(["sweep", "--config", str(config), "--out", str(out)]) == 6


@pytest.mark.parametrize(
    ("more", "code"), [([], 2), (["--config", "none.toml"], 3), (["--config", "CONFIG", "--cores", "0"], 2)]
)
def test_a_refused_sweep_leaves_nothing_behind(config, tmp_path, more, code):
    words = [str(config) if word == "CONFIG" else word for word in more]
    assert main(["sweep", *words, "--out", str(tmp_path / "out")]) == code
    assert not (tmp_path / "out").exists()


def test_a_folder_with_other_files_is_refused(config, tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    for more in ([], ["--dry-run"]):
        assert main(["sweep", "--config", str(config), "--out", str(tmp_path), *more]) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_dry_run_and_the_list_write_nothing(config, tmp_path, capsys):
    assert main(["sweep", "--config", str(config), "--out", str(tmp_path / "out"), "--dry-run"]) == 0
    printed = capsys.readouterr().out
    assert "4 runs: 2 to do, 0 done, 2 skipped." in printed
    assert "Snakemake planned 1 of 1 jobs" in printed
    assert main(["sweep", "--config", str(config), "--out", str(tmp_path / "out"), "--list"]) == 0
    head, *rows = (line.split("\t") for line in capsys.readouterr().out.strip("\n").split("\n"))
    assert [len(row) for row in rows] == [12] * 4
    found = [dict(zip(head, row, strict=True)) for row in rows]
    assert [row["status"] for row in found] == ["to do", "to do", "skipped", "skipped"]
    assert [row["reason"] != "" for row in found] == [False, False, True, True]
    assert [row["command"].startswith("tspg run --expression ") for row in found] == [True, True, False, False]
    assert not (tmp_path / "out").exists()


def test_snakemake_may_be_called_by_itself(config, undisturbed, tmp_path):
    out = tmp_path / "by hand"
    shutil.copytree(undisturbed[0] / "runs", out / "runs")  # whoever made them; all else is made here
    words = ["--snakefile", str(WORKFLOW), "--directory", str(out), "--config", f"sweep={config}", "--cores", "2"]
    done = subprocess.run([sys.executable, "-m", "snakemake", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert without_times(tspg.read_sweep(out)).equals(without_times(tspg.read_sweep(undisturbed[0])))
    plan = read_plan(out)
    assert all(plan.is_done(run, out) for run in plan.wanted)


SUBMIT = """#!{python}
import os, subprocess, sys
script = sys.argv[-1]
ended = script + ".ended"
process = subprocess.Popen(["bash", "-c", f"bash '{{script}}'; echo $? > '{{ended}}'"], stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, start_new_session=True)
with open({log!r}, "a") as log:
    log.write(script + "\\n")
print(f"{{process.pid}}:{{ended}}")
"""
STATUS = """#!{python}
import os, sys
pid, ended = sys.argv[-1].split(":", 1)
if os.path.exists(ended) and open(ended).read().strip():
    print("success" if open(ended).read().strip() == "0" else "failed")
else:
    print("running")
"""
PROFILE = """
executor: cluster-generic
cluster-generic-submit-cmd: {submit}
cluster-generic-status-cmd: {status}
jobs: 2
latency-wait: 10
seconds-between-status-checks: 1
"""


def test_jobs_go_through_a_cluster_with_a_profile(config, undisturbed, tmp_path):
    pytest.importorskip("snakemake_executor_plugin_cluster_generic")
    log = tmp_path / "submitted"
    for name, text in (("submit", SUBMIT), ("status", STATUS)):
        (tmp_path / name).write_text(text.format(python=sys.executable, log=str(log)))
        (tmp_path / name).chmod(0o755)
    (tmp_path / "profile").mkdir()
    words = {"submit": tmp_path / "submit", "status": tmp_path / "status"}
    (tmp_path / "profile" / "config.yaml").write_text(PROFILE.format(**words))
    out = tmp_path / "sweep"
    code, _, errors = finish(start(config, out, "--profile", str(tmp_path / "profile")))
    assert code == 0, errors
    assert len(log.read_text().splitlines()) == 1  # every job of the plan was submitted, once
    assert without_times(tspg.read_sweep(out)).equals(without_times(tspg.read_sweep(undisturbed[0])))
