"""A disk that fills up under a run: exit code 4, nothing half-written, and with room again it ends as in one go."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.soak.study import Study
from tests.trust.crashes import fingerprints

MEGABYTES = (4, 8, 11, 14, 18, 24)  # a run of this study needs about 25 while it is made
# The estimate of what a run will write is left out: it would refuse every one of them before any work.
UNWARNED = (
    "import tspg.experiment.resume as resume, tspg.model.checkpoints as kept; resume.disk_needed = lambda *_: 0.0; "
    "kept.SECONDS_BETWEEN = 0.25; "
)


def main(*, seconds: float) -> list[tuple[str, str, bool]]:
    """Fill disks of several sizes; how long that takes is not a matter of `seconds`."""
    del seconds
    with tempfile.TemporaryDirectory() as scratch:
        study = Study.make(Path(scratch))
        try:
            return [_filled(study, size) for size in MEGABYTES]
        except PermissionError:
            return [("a disk of a few megabytes", "not tried: mounting one needs root", True)]


def _filled(study: Study, megabytes: int) -> tuple[str, str, bool]:
    with _disk(study.folder / "disk", megabytes) as disk:
        first = study.run(disk / "run", before=UNWARNED)
        left = [path.name for path in (disk / "run").rglob("*") if path.is_file() and path.parent.name != "checkpoints"]
        clear = first.stderr.count("tspg: error:") == 1 and "No space left" in first.stderr
        told = first.returncode == 4 and clear and "Traceback" not in first.stderr and not left
        _mount(disk, "remount,size=1g")
        again = study.run(disk / "run", "--resume", before=UNWARNED)
        same = again.returncode == 0 and fingerprints(disk / "run") == study.whole
    figure = f"exit {first.returncode}, {len(left)} files left; resumed: {'the same bytes' if same else 'OTHER BYTES'}"
    return f"a disk of {megabytes} MB", figure, same and (told or first.returncode == 0)


@contextmanager
def _disk(folder: Path, megabytes: int) -> Iterator[Path]:
    folder.mkdir()
    _mount(folder, f"size={megabytes}m")
    try:
        yield folder
    finally:
        subprocess.run([shutil.which("umount") or "umount", str(folder)], check=True)
        folder.rmdir()


def _mount(folder: Path, options: str) -> None:
    command = [shutil.which("mount") or "mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        raise PermissionError(str(folder))
