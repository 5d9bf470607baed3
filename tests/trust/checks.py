"""What is asserted of every refusal: one line, the right exit code, nothing written, memory in bounds."""

import re
from pathlib import Path

from tspg.cli.main import main

MOST_MEMORY = 400e6  # bytes that reading a file of a few kilobytes may take for a moment


def words_of(command: str, folder: Path) -> list[str]:
    return [word.format(d=folder) for word in command.split()]


def tree(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Every file with its content and the time it was changed, and every folder."""
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns) if path.is_file() else (b"", 0)
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


def check_refusal(command: str, folder: Path, capsys, *, code: int, says: str, file: str) -> None:
    """Give a command, in which `{d}` stands for the folder, and hold what it says against what it should say."""
    before, peak = tree(folder), PeakMemory()
    found = main(words_of(command, folder))
    risen = peak.risen()
    said = capsys.readouterr()
    assert said.out == ""
    lines = said.err.splitlines()
    assert len(lines) == 1, said.err
    assert lines[0].startswith("tspg: error: ")
    assert re.search(says, lines[0]), lines[0]
    assert found == code
    assert file in lines[0]
    assert tree(folder) == before
    assert risen < MOST_MEMORY
