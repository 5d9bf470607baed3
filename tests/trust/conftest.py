"""A process that is watched, and the files around it."""

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from stat import S_ISDIR
from types import ModuleType
from typing import Any

import pytest

HERE = Path(__file__).parent
Watched = Callable[[Sequence[dict[str, Any]], Path], list[dict[str, Any]]]


def beside(name: str) -> ModuleType:
    """A module of this folder that holds no tests."""
    spec = importlib.util.spec_from_file_location(f"trust_{name}", HERE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def gallery() -> ModuleType:
    """The gallery of payloads."""
    return beside("gallery")


@pytest.fixture(scope="session")
def folders() -> ModuleType:
    """Folders of strangers."""
    return beside("folders")


@pytest.fixture(scope="session")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Watched:
    """Do jobs in one process under an audit hook; see `watched.py`."""

    def run(jobs: Sequence[dict[str, Any]], plugins: Path) -> list[dict[str, Any]]:
        scratch = tmp_path_factory.mktemp("watched")
        (scratch / "jobs.json").write_text(json.dumps(list(jobs)))
        environment = {
            **os.environ,
            "HDF5_PLUGIN_PATH": str(plugins),
            "PYTHONDONTWRITEBYTECODE": "1",
            "MPLBACKEND": "Agg",
            "TMPDIR": str(scratch),
        }
        words = [sys.executable, str(HERE / "watched.py"), str(scratch / "jobs.json"), str(scratch / "found.json")]
        done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done.stderr
        found: list[dict[str, Any]] = json.loads((scratch / "found.json").read_text())
        return found

    return run


def tree(folder: Path) -> dict[str, tuple[int, ...]]:
    """Every path below a folder with its size and time of change."""
    found = {str(path.relative_to(folder)): path.lstat() for path in folder.rglob("*")}
    return {name: (about.st_size, about.st_mtime_ns) * (not S_ISDIR(about.st_mode)) for name, about in found.items()}


@pytest.fixture(scope="session")
def tree_of() -> Callable[[Path], dict[str, tuple[int, ...]]]:
    """What lies in a folder, to be compared with what lies there later."""
    return tree
