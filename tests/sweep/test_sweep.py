"""`tspg sweep` end to end, as a process of its own: the table, what is refused, and what a kill leaves."""

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import tspg
from tests.docs.documented import assert_as_documented
from tspg.cli.main import main
from tspg.sweep.plan import read_plan, run_folder
from tspg.utils.lock import locked

pytestmark = pytest.mark.slow
PATIENCE = 240  # seconds


def hear_interrupts():
    """What runs in the background of a script does not, nor do its children, unless they are told to."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def start(config, out, *more, first=hear_interrupts, **options):
    """A sweep in a process group of its own, as a terminal starts it."""
    words = [sys.executable, "-m", "tspg", "sweep", "--config", str(config), "--out", str(out), "--cores", "2", *more]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(words, start_new_session=True, preexec_fn=first, **streams, **options)  # noqa: PLW1509


def finish(process):
    output, errors = process.communicate(timeout=PATIENCE)
    return process.returncode, output, errors


def sweep(config, out, *more, **options):
    return finish(start(config, out, *more, **options))


def wait_for(happened):
    end = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.05)


def without_times(table):
    return table[[column for column in table.columns if not column.startswith("seconds.")]]


def dates(out):
    return {path.parent.name: path.stat().st_mtime_ns for path in out.glob("runs/*/manifest.json")}


@pytest.fixture(scope="module")
def asked(study):
    return study.write("whole.toml", gene_sets=["PLANTED", "OTHER", "TINY"], seeds=[0, 1], more='keep = "metrics"')


@pytest.fixture(scope="module")
def undisturbed(asked, tmp_path_factory):
    out = tmp_path_factory.mktemp("undisturbed") / "sweep"
    return out, sweep(asked, out)


def test_every_run_is_in_the_table_with_its_numbers(undisturbed):
    out, (code, said, errors) = undisturbed
    assert code == 0, errors
    assert "12 runs: 8 done, 4 skipped." in said
    assert "TINY: skipped, 4 of 5 genes are in the matrix" in said
    assert "Whether these gene sets do better than random genes was not tested." in said
    assert "The same genes come first with every seed in" in said
    assert "8 of 8 runs" in errors  # the one line of progress
    table = tspg.read_sweep(out)
    assert list(table.columns[:5]) == ["gene_set", "n_genes", "target_class", "seed", "status"]
    keys = list(zip(table["gene_set"], table["target_class"], table["seed"], strict=True))
    assert keys == sorted(keys)
    assert len(set(keys)) == 12
    for row in table[table["status"] == "done"].to_dict("records"):
        metrics = tspg.report.read.read_run(out / row["run"]).metrics
        assert row["perturbation.hit_rate"] == metrics["perturbation"]["hit_rate"]
        assert row["evidence.generator.energy_ratio"] == metrics["evidence"]["generator"]["energy_ratio"]
        assert row["seconds.total"] == metrics["seconds"]["total"]
    assert table.loc[table["gene_set"] == "TINY", "perturbation.hit_rate"].isna().all()
    for name in ("sweep.html", "stability.tsv", "gene_frequency.tsv", "random_gene_sets.tsv"):
        assert (out / name).is_file(), name
    assert_as_documented(out)


def test_the_same_command_again_does_nothing_twice_and_a_change_only_what_changed(asked, study, undisturbed):
    out, _ = undisturbed
    before = dates(out)
    code, said, _ = sweep(asked, out)
    assert code == 0
    assert dates(out) == before
    more = study.write("more.toml", gene_sets=["PLANTED"], seeds=[0, 2], more='keep = "metrics"')
    code, said, _ = sweep(more, out)
    assert code == 0
    assert "6 folders in" in said  # those of the other gene set and seed
    assert before.items() <= dates(out).items()
    assert len(dates(out)) == len(before) + 2
    assert set(tspg.read_sweep(out)["seed"]) == {0, 2}
    assert sweep(asked, out)[0] == 0  # and back, for the tests that follow
    assert len(dates(out)) == len(before) + 2


@pytest.mark.parametrize("seconds", [6.0, 14.0])
def test_a_killed_sweep_goes_on_to_the_same_table(asked, undisturbed, tmp_path, seconds):
    process = start(asked, tmp_path / "sweep")
    time.sleep(seconds)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    code, _, errors = sweep(asked, tmp_path / "sweep")
    assert code == 0, errors
    out, _ = undisturbed
    assert without_times(tspg.read_sweep(tmp_path / "sweep")).equals(without_times(tspg.read_sweep(out)))
    for name in ("stability.tsv", "gene_frequency.tsv"):
        assert (tmp_path / "sweep" / name).read_bytes() == (out / name).read_bytes()


def test_a_killed_worker_is_tried_again_once(study, tmp_path):
    config = study.write("worker.toml", gene_sets=["PLANTED"], more='keep = "metrics"')
    psutil = pytest.importorskip("psutil")
    process = start(config, tmp_path / "sweep")

    def workers():
        try:
            children = psutil.Process(process.pid).children(recursive=True)
            return [child for child in children if "--job" in child.cmdline() and "python" in child.name()]
        except psutil.NoSuchProcess:
            return []

    wait_for(workers)
    workers()[0].kill()
    code, _, errors = finish(process)
    assert code == 0, errors
    assert set(tspg.read_sweep(tmp_path / "sweep")["status"]) == {"done"}
    assert "Trying to restart job" in (tmp_path / "sweep" / "logs" / "snakemake.log").read_text()


BREAK_DOWN = """
import sys
from tspg.model import learning
learned = learning.learn
def learn(prepared, f, config, **more):
    if config.target_class == "beta":
        from tspg.errors import DivergedError
        raise DivergedError("the loss is nan")
    return learned(prepared, f, config, **more)
learning.learn = learn
from tspg import fitting
fitting.learn = learn
"""


def test_a_run_that_fails_is_told_with_its_reason_and_command_and_is_tried_again_later(study, tmp_path):
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "sitecustomize.py").write_text(
        "import sys\nif '--job' in sys.orig_argv:\n" + "".join(f"    {line}\n" for line in BREAK_DOWN.splitlines())
    )
    config = study.write("broken.toml", gene_sets=["OTHER"], more='keep = "metrics"')
    paths = os.pathsep.join([str(tmp_path / "broken"), os.environ.get("PYTHONPATH", "")])
    code, said, errors = sweep(config, tmp_path / "sweep", env={**os.environ, "PYTHONPATH": paths})
    assert code == 1, errors
    assert "OTHER to beta, seed 0: failed: the loss is nan" in said
    assert "1 of 2 runs failed" in errors
    table = tspg.read_sweep(tmp_path / "sweep").set_index("target_class")
    assert table["status"].to_dict() == {"beta": "failed: the loss is nan", "target": "done"}
    (command,) = [line.partition("again: tspg ")[2] for line in said.splitlines() if "again:" in line]
    assert main(shlex.split(command)) == 0  # repeats that one run, and the sweep finds it
    code, said, _ = sweep(config, tmp_path / "sweep")
    assert code == 0
    assert set(tspg.read_sweep(tmp_path / "sweep")["status"]) == {"done"}


@pytest.mark.parametrize(("number", "expected"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_stopped_sweep_stops_its_workers_and_goes_on_later(study, tmp_path, number, expected):
    asked = study.write("stopped.toml", gene_sets=["PLANTED"], target_classes=["target"], more='keep = "metrics"')
    psutil = pytest.importorskip("psutil")
    process = start(asked, tmp_path / "sweep")
    wait_for(lambda: list((tmp_path / "sweep").glob("logs/PLANTED*.log")))
    family = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(number)  # to the front alone, as a batch system does
    code, _, errors = finish(process)
    assert code == expected
    assert "interrupted" in errors
    _, alive = psutil.wait_procs(family, timeout=30)
    assert alive == []
    assert sweep(asked, tmp_path / "sweep")[0] == 0


def test_a_sweep_in_the_background_of_a_script_stops_too(asked, tmp_path):
    def in_background():
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # as a shell without a terminal starts what ends in `&`

    process = start(asked, tmp_path / "sweep", first=in_background)
    wait_for(lambda: list((tmp_path / "sweep").glob("logs/*.runs.*.log")))
    process.send_signal(signal.SIGTERM)
    assert finish(process)[0] == 143
    assert len(dates(tmp_path / "sweep")) < 8  # it did not go on to the end


def test_two_sweeps_in_one_folder_are_refused(asked, undisturbed):
    out, _ = undisturbed
    with locked(out):
        assert main(["sweep", "--config", str(asked), "--out", str(out)]) == 6


@pytest.mark.parametrize(
    ("more", "code"),
    [([], 2), (["--config", "none.toml"], 3), (["--config", "CONFIG", "--cores", "0"], 2)],
)
def test_a_refused_sweep_leaves_nothing_behind(asked, tmp_path, more, code):
    words = [str(asked) if word == "CONFIG" else word for word in more]
    assert main(["sweep", *words, "--out", str(tmp_path / "out")]) == code
    assert not (tmp_path / "out").exists()


def test_a_folder_with_other_files_is_refused(asked, tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    for more in ([], ["--dry-run"]):
        assert main(["sweep", "--config", str(asked), "--out", str(tmp_path), *more]) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_rehearsal_and_the_list_write_nothing(asked, tmp_path, capsys):
    assert main(["sweep", "--config", str(asked), "--out", str(tmp_path / "out"), "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "12 runs: 8 to do, 0 done, 4 skipped." in said
    assert "Snakemake planned 4 of 4 jobs" in said
    assert main(["sweep", "--config", str(asked), "--out", str(tmp_path / "out"), "--list"]) == 0
    head, *rows = capsys.readouterr().out.strip("\n").split("\n")
    assert len(rows) == 12
    assert {len(row.split("\t")) for row in (head, *rows)} == {11}
    assert sum("\ttspg run --expression " in row for row in rows) == 8
    assert not (tmp_path / "out").exists()


def test_snakemake_may_be_called_by_itself(asked, undisturbed, tmp_path):
    from tspg.sweep.scheduler import WORKFLOW

    out = tmp_path / "by hand"
    words = ["--snakefile", str(WORKFLOW), "--directory", str(out), "--config", f"sweep={asked}", "--cores", "2"]
    done = subprocess.run([sys.executable, "-m", "snakemake", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    table = without_times(tspg.read_sweep(out))
    assert table.equals(without_times(tspg.read_sweep(undisturbed[0])))
    plan = read_plan(out)
    assert all(plan.is_done(run, out) for run in plan.wanted)
    assert Path(run_folder(plan.wanted[0], out) / "metrics.json").is_file()


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


def test_jobs_go_through_a_cluster_with_a_profile(asked, undisturbed, tmp_path):
    pytest.importorskip("snakemake_executor_plugin_cluster_generic")
    log = tmp_path / "submitted"
    for name, text in (("submit", SUBMIT), ("status", STATUS)):
        (tmp_path / name).write_text(text.format(python=sys.executable, log=str(log)))
        (tmp_path / name).chmod(0o755)
    (tmp_path / "profile").mkdir()
    words = {"submit": tmp_path / "submit", "status": tmp_path / "status"}
    (tmp_path / "profile" / "config.yaml").write_text(PROFILE.format(**words))
    out = tmp_path / "sweep"
    command = [sys.executable, "-m", "tspg", "sweep", "--config", str(asked), "--out", str(out)]
    command += ["--profile", str(tmp_path / "profile")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    assert len(log.read_text().splitlines()) == 4  # every job of the plan was submitted, once
    assert without_times(tspg.read_sweep(out)).equals(without_times(tspg.read_sweep(undisturbed[0])))


def test_python_may_be_in_a_folder_with_a_space_and_modules_in_the_working_directory(study, tmp_path):
    config = study.write("elsewhere.toml", gene_sets=["PLANTED"], target_classes=["target"], more='keep = "metrics"')
    here, environment = tmp_path / "my work", tmp_path / "my python"
    here.mkdir()
    environment.symlink_to(sys.prefix)
    (here / "queue.py").write_text("raise SystemExit('not the one that is wanted')\n")
    python = environment / Path(sys.executable).relative_to(sys.prefix)
    words = [python, "-P", "-m", "tspg", "sweep", "--config", config, "--out", "the sweep", "--cores", "2"]
    done = subprocess.run(words, cwd=here, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (here / "the sweep" / "sweep.tsv").is_file()
