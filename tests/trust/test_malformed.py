"""Every malformed input is refused with one clear line, the right exit code and nothing written; its twin is read."""

import re
from pathlib import Path

import pytest

import tspg.experiment
from trust.cases import TWINS, Case
from trust.corpus import CASES
from tspg.cli import main
from tspg.errors import UsageError

MOST_MEMORY = 400e6  # bytes that reading a file of a few kilobytes may take for a moment


@pytest.fixture(autouse=True)
def stopped_at_training(monkeypatch):
    """What is accepted would be worked on for seconds; that it came so far is enough."""

    def stop(*_questions, **_options):
        raise UsageError("accepted")

    monkeypatch.setattr(tspg.experiment, "run_experiments", stop)


def words_of(command: str, folder: Path) -> list[str]:
    return [word.format(d=folder) for word in command.split()]


def tree(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Every file and folder beside the input with its content and the time it was changed."""
    return {
        str(path.relative_to(folder)): (path.read_bytes() if path.is_file() else b"", path.stat().st_mtime_ns)
        for path in folder.rglob("*")
    }


class PeakMemory:
    """How much more memory was held at the highest than at the start, as Linux counts it; 0 elsewhere."""

    def __init__(self) -> None:
        try:
            Path("/proc/self/clear_refs").write_text("5")
            self.start = self._now("VmRSS")
        except OSError:
            self.start = 0

    def risen(self) -> int:
        return self._now("VmHWM") - self.start if self.start else 0

    @staticmethod
    def _now(name: str) -> int:
        found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
        assert found
        return int(found[1]) * 1024


def test_memory_is_measured():
    peak = PeakMemory()
    if not peak.start:
        pytest.skip("only Linux tells its peak")
    held = bytearray(b"x" * 500_000_000)
    assert len(held) > MOST_MEMORY
    assert peak.risen() > MOST_MEMORY


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_malformed_input_is_refused(case: Case, tmp_path, capsys):
    twin = TWINS[case.twin]
    twin.write(tmp_path)
    case.change(tmp_path)
    before, peak = tree(tmp_path), PeakMemory()
    code = main(words_of(twin.command + case.more, tmp_path))
    risen = peak.risen()
    said = capsys.readouterr()
    assert said.out == ""
    lines = said.err.splitlines()
    assert len(lines) == 1, said.err
    assert lines[0].startswith("tspg: error: ")
    assert re.search(case.says, lines[0]), lines[0]
    assert code == case.code
    assert (twin.file if case.file is None else case.file) in lines[0]
    assert "Traceback" not in lines[0]
    assert tree(tmp_path) == before
    assert risen < MOST_MEMORY


@pytest.mark.parametrize("name", list(TWINS))
def test_the_sound_twin_is_read_by_the_same_command(name, tmp_path, capsys):
    TWINS[name].write(tmp_path)
    code = main(words_of(TWINS[name].command, tmp_path))
    if name in ("lists", "sweep"):
        assert code == 0
    else:
        assert code == 2
        assert capsys.readouterr().err == "tspg: error: accepted\n"


def test_no_two_cases_share_a_name():
    assert len({case.id for case in CASES}) == len(CASES)


def test_the_corpus_is_as_large_as_it_should_be():
    assert len(CASES) >= 160
