"""A run folder locked by one process: no other writes to it, and an error leaves nothing half-made in it."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tspg.errors import FolderInUseError, Option, ResourceError, UsageError
from tspg.utils.files import TEMPORARY
from tspg.utils.untrusted import check_folder

MANIFEST = "manifest.json"
LOCK = ".tspg.lock"
CHECKPOINTS = "checkpoints"
CONTENTS = frozenset(
    {
        *(MANIFEST, CHECKPOINTS, "metrics.json", "model", "audit", "figures", "report.html", "tables.xlsx"),
        *("perturbations.h5ad", "history.tsv", "top_genes.tsv", "gene_overlap.tsv", "genes.tsv", "evidence.tsv"),
        *("test_evidence.tsv", "test_genes.tsv", "test_samples.tsv", "enrichment.tsv", "enrichment_ranked.tsv"),
        *("table_1.tsv", "table_2.tsv", "compare.tsv", "path.tsv", "smallest_sets.tsv", "carriers.tsv"),
        *("pca.tsv", "tsne.tsv", "samples.tsv", "sample_genes.tsv", "controls.tsv", "stable_genes.tsv"),
        *("gene_changes.tsv", "percentiles.tsv"),  # of tspg 0.1.0
    }
)


@contextmanager
def new_folder(out: Path, *, resume: bool = False) -> Iterator[None]:
    """Lock a folder for a new run; what a killed run left in it is removed first.

    If the block ends before the manifest is written, the folder is as it was before, but for checkpoints: only a
    finished run or the user removes these. With `resume`, a folder with checkpoints is used again.

    Raises
    ------
    ModelError
        If a folder that is used again holds links.
    UsageError
        If the folder holds a finished run, other files, or without `resume` checkpoints; before any work starts.
    FolderInUseError, ResourceError
        As for `locked`.
    """
    _check_free(out, resume)
    with locked(out):
        _check_free(out, resume)  # once more: the run that held it may have been finished meanwhile
        if (out / CHECKPOINTS).exists():
            check_folder(out)  # what goes on there is read from it and written into it
        _clear(out)
        try:
            yield
        finally:
            if (out / MANIFEST).exists():
                shutil.rmtree(out / CHECKPOINTS, ignore_errors=True)
            else:
                _clear(out)


def is_finished(out: Path) -> bool:
    """Whether there is a finished run in a folder; lock and checkpoints that it had no time to remove are removed."""
    if not (out / MANIFEST).is_file():
        return False
    if (out / CHECKPOINTS).exists() or (out / LOCK).exists():
        with locked(out):
            shutil.rmtree(out / CHECKPOINTS, ignore_errors=True)
    return True


def _check_free(out: Path, resume: bool) -> None:
    """Refuse a folder that holds anything but an unfinished run, which has a lock or checkpoints."""

    def refuse(why: str) -> UsageError:
        return UsageError(Option("out"), f" {out}: {why}")

    try:
        if out.exists() and not out.is_dir():
            raise refuse("this is a file. Name a folder.")
        found = {entry.name for entry in out.iterdir()} if out.is_dir() else set()
    except OSError as error:
        raise refuse(f"cannot be used ({error.strerror}). Name another folder.") from error
    if MANIFEST in found:
        raise refuse("there is a finished run here already. Name another folder, or delete this one.")
    is_unfinished = LOCK in found or CHECKPOINTS in found
    if others := sorted(name for name in found if not (is_unfinished and _is_ours(name))):
        raise refuse(f"the folder holds other files ({', '.join(others[:3])}). Name a new folder.")
    if CHECKPOINTS in found and not resume:
        raise refuse(
            "there is an unfinished run here. Go on with it (`tspg run ... --resume`), "
            "name another folder, or delete this one."
        )


def _is_ours(name: str) -> bool:
    return name == LOCK or name in CONTENTS or is_temporary(name)


def is_temporary(name: str) -> bool:
    """Whether a file is one that was still being written when its program was killed."""
    return name.startswith(TEMPORARY)


def clear_leftovers(out: Path) -> None:
    """Remove what killed programs had not written to the end, at any depth of a run folder that this process holds."""
    for path in out.rglob(f"{TEMPORARY}*"):
        if path.is_file() or path.is_symlink():
            path.unlink()


def _clear(out: Path) -> None:
    """Remove what a run writes, but for its checkpoints; nothing else is touched."""
    for entry in out.iterdir():
        if entry.name in {LOCK, CHECKPOINTS} or not _is_ours(entry.name):
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


@contextmanager
def locked(out: Path) -> Iterator[int]:
    """Lock a folder for this process while the block runs, and give the open lock file; an empty folder is removed.

    A child process that inherits the open file keeps the folder locked if this one is killed.

    Raises
    ------
    FolderInUseError
        If another process has locked it.
    ResourceError
        If the folder cannot be made or written to.
    """
    made = [folder for folder in (out, *out.parents) if not folder.exists()]
    try:
        lock = _take_lock(out)
        try:
            yield lock
        finally:
            (out / LOCK).unlink(missing_ok=True)
            os.close(lock)
    finally:
        for folder in made:
            with suppress(OSError):  # not empty, or never made
                folder.rmdir()


def _take_lock(out: Path) -> int:
    try:
        out.mkdir(parents=True, exist_ok=True)
        lock = os.open(out / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
    except OSError as error:
        raise ResourceError(
            f"{out}: cannot be written to ({error.strerror}). Name a folder where you may write."
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Its last owner may have removed the file between our opening and our locking it.
        is_there = os.fstat(lock).st_ino == (out / LOCK).stat().st_ino
    except OSError:
        is_there = False
    if not is_there:
        os.close(lock)
        raise FolderInUseError(f"{out}: another tspg is writing here. Wait for it, or name another folder.")
    return lock
