"""The tests marked `soak`: a kill, and a full disk, at every single operation on files."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main(*, seconds: float) -> list[tuple[str, str, bool]]:
    """Run them; how long that takes is not a matter of `seconds`."""
    del seconds
    command = [sys.executable, "-m", "pytest", "-q", "-m", "soak", "--hypothesis-profile=soak"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    passed = re.search(r"(\d+) passed", done.stdout)
    return [("tests marked `soak`", done.stdout.strip().splitlines()[-1], done.returncode == 0 and passed is not None)]
