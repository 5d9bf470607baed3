"""Programs that lie where we read or work are not run: modules in a sweep's folder, filters for HDF5."""

import re
import subprocess
import sys
from pathlib import Path

import h5py
import pytest

from tspg.data.readers.hdf5_safety import opened_hdf5
from tspg.sweep.scheduler import WORKFLOW


@pytest.fixture
def foreign_modules(tmp_path: Path) -> Path:
    """A folder with modules that bear the names of ours and of the libraries'."""
    for name in ("tspg", "numpy", "pandas", "json", "argparse"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'CANARY')!r}, 'a').write('{name} ')\n")
    return tmp_path


def commands_of_jobs() -> list[list[str]]:
    """The command of each job of the workflow, up to the first that has to do with the job."""
    lines = re.findall(r'"(\{sys\.executable:q\} .*?) --out \. --job', WORKFLOW.read_text(encoding="utf-8"))
    return [line.replace("{sys.executable:q}", sys.executable).split() for line in lines]


def test_a_job_takes_no_module_from_the_folder_that_it_works_in(foreign_modules: Path):
    commands = commands_of_jobs()
    assert len(commands) == 2
    assert commands[0] == commands[1]
    words = [*commands[0], "--out", ".", "--job", "tables"]
    done = subprocess.run(words, cwd=foreign_modules, capture_output=True, text=True, check=False)
    assert done.returncode == 5, done.stderr
    assert "there is no sweep here" in done.stderr
    assert not (foreign_modules / "CANARY").exists()


def test_without_the_guard_it_would(foreign_modules: Path):
    words = [word for word in commands_of_jobs()[0] if word != "-P"]
    subprocess.run([*words, "--help"], cwd=foreign_modules, capture_output=True, check=False)
    assert (foreign_modules / "CANARY").exists()


def test_hdf5_has_no_folder_of_plugins_while_a_file_is_read(tmp_path: Path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = [1, 2]
        file.create_group("obs")
        file.create_group("var")
    h5py.h5pl.prepend(bytes(tmp_path))
    folders = [h5py.h5pl.get(at) for at in range(h5py.h5pl.size())]
    try:
        with opened_hdf5(tmp_path / "a.h5", limit=1e9, whole=("/",)) as first:
            assert h5py.h5pl.size() == 0
            with opened_hdf5(tmp_path / "a.h5", limit=1e9, whole=("/",)):
                assert h5py.h5pl.size() == 0
            assert h5py.h5pl.size() == 0
            assert first["x"][0] == 1
        assert [h5py.h5pl.get(at) for at in range(h5py.h5pl.size())] == folders
    finally:
        h5py.h5pl.remove(0)
