"""What is printed may have nowhere to go: one line or silence then, and never another exit code."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

TABLE = "sample\tG1\tG2\tG3\tG4\n" + "".join(f"s{at}\t{at % 5}.5\t{at % 3}.25\t{at}.5\t1.5\n" for at in range(9))
LABELS = "".join(f"s{at}\t{'äbt'[at // 3]}\n" for at in range(9))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("zoë")
    (folder / "matrix-é.tsv").write_text(TABLE, encoding="utf-8")
    (folder / "labels.tsv").write_text(LABELS, encoding="utf-8")
    return folder


NO_NAME = os.fsdecode(b"o\xff")
INSPECT = ["inspect", "--expression", "matrix-é.tsv", "--labels", "labels.tsv"]
REFUSED = ["inspect", "--expression", "nowhere-é.tsv", "--labels", "labels.tsv"]


WITHOUT_FIGURES = (
    "import sys, tspg.report.save; from tspg.cli.main import main; "
    "tspg.report.save.write_figures = lambda *_, **__: []; sys.exit(main())"
)


def tspg(arguments, folder, redirection="", program="-m tspg", **surroundings):
    """A command as a shell runs it, with its output and exit code."""
    command = f'"$0" {program} "$@" {redirection}; echo "exit $?" >&3'
    read, write = os.pipe()
    done = subprocess.run(
        ["bash", "-c", f"exec 3>&{write}; {command}", sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, **surroundings},
        pass_fds=[write],
        capture_output=True,
        check=False,
    )
    os.close(write)
    with os.fdopen(read) as stream:
        code = int(stream.read().split()[-1])
    return code, done.stdout, done.stderr


def test_letters_that_the_terminal_does_not_have_are_spelled_out(folder):
    code, out, err = tspg(INSPECT, folder, PYTHONIOENCODING="ascii")
    assert (code, err) == (0, b"")
    assert rb"-\xe9.tsv" in out
    assert len(out.splitlines()) > 5
    code, out, err = tspg(REFUSED, folder, PYTHONIOENCODING="ascii")
    assert (code, out) == (3, b"")
    assert rb"nowhere-\xe9.tsv" in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("redirection", "said"),
    [
        (">/dev/full", b"tspg: what was found could not be printed here (No space left on device); nothing else was"),
        (
            "-u >/dev/full",
            b"tspg: what was found could not be printed here (No space left on device); nothing else was",
        ),
        (">&-", b""),
        ("2>/dev/full", b""),
        ("2>&-", b""),
        (">/dev/full 2>&1", b""),
    ],
)
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [(["completion", "bash"], 0), (["run"], 2)],
    ids=lambda value: value[0] if isinstance(value, list) else None,
)
def test_output_that_cannot_be_written_changes_no_exit_code(redirection, said, arguments, expected, folder):
    unbuffered = {"PYTHONUNBUFFERED": "1"} if redirection.startswith("-u") else {}
    code, _, err = tspg(arguments, folder, redirection.removeprefix("-u"), **unbuffered)
    assert code == expected
    assert b"Traceback" not in err
    assert b"Exception ignored" not in err
    if arguments[0] == "completion":
        assert err.startswith(said)
        assert len(err.splitlines()) == len(said.splitlines())


@pytest.mark.parametrize("both", ["", "2>&1"])
def test_whoever_closes_the_pipe_has_read_enough(both, folder):
    done = subprocess.run(
        ["bash", "-c", f'set -o pipefail; "$0" -m tspg completion bash {both} | head -1', sys.executable],
        cwd=folder,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0
    assert done.stderr == b""
    assert len(done.stdout.splitlines()) == 1


@pytest.mark.slow
def test_a_run_whose_bars_nobody_sees_any_more_goes_on_to_its_end(folder, tmp_path):
    asked = ["run", *INSPECT[1:], "--target", "t", "--out", str(tmp_path / "run"), "--target-epochs", "1"]
    (folder / "sets.gmt").write_text("SET\tabout\tG1\tG2\n")
    asked += ["--preset", "paper", "--steps", "2", "--folds", "1", "--annotations", "sets.gmt"]
    code, out, _ = tspg(asked, folder, "2>/dev/full", program=f"-c '{WITHOUT_FIGURES}'")
    assert code == 0
    assert (tmp_path / "run" / "manifest.json").is_file()
    assert b"Report:" in out


@pytest.mark.parametrize(
    "arguments",
    [
        [*INSPECT[:2], NO_NAME, *INSPECT[3:]],
        ["run", *INSPECT[1:], "--target", "t", "--out", NO_NAME],
        ["run", *INSPECT[1:], "--target", "t", "--out", "o", "--gene-sets", "x.gmt", NO_NAME, "--gene-set", "all"],
        ["report", "--run", NO_NAME],
        ["compare", "a", NO_NAME, "--out", "o"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_name_that_is_no_utf8_is_refused_before_any_work(arguments, folder):
    before = sorted(folder.iterdir())
    code, out, err = tspg(arguments, folder)
    assert (code, out) == (2, b"")
    assert err == b"tspg: error: b'o\\xff' is no name in UTF-8. Rename the file or folder.\n"
    assert sorted(folder.iterdir()) == before


def test_a_folder_above_may_have_any_name(planted_run, tmp_path, monkeypatch):
    import tspg
    from tspg.report.manifest import verify

    above = tmp_path / NO_NAME
    above.mkdir()
    monkeypatch.chdir(above)
    monkeypatch.setattr("tspg.report.save.write_figures", lambda *_, **__: [])
    tspg.save_run(planted_run, above / "run", inputs=[], reading={"expression": str(above / "m.tsv")})
    assert verify(above / "run")["reading"]["expression"] == str(above / "m.tsv")
    assert json.loads((above / "run" / "metrics.json").read_text())
    np.testing.assert_array_equal(tspg.read_perturbations(above / "run").X, planted_run.perturbations.X)
    assert tspg.load_model(above / "run").model_id == planted_run.model.model_id
