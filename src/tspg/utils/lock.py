"""A run folder held by one process: nobody else writes to it, and an error leaves nothing half-made in it."""

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
_OUT = Option("out")
CONTENTS = frozenset(
    {
        MANIFEST,
        "metrics.json",
        "model",
        "history.tsv",
        "perturbations.h5ad",
        "top_genes.tsv",
        "gene_overlap.tsv",
        "genes.tsv",
        "gene_changes.tsv",  # of tspg 0.1.0, as is percentiles.tsv
        "evidence.tsv",
        "test_evidence.tsv",
        "test_genes.tsv",
        "test_samples.tsv",
        "enrichment.tsv",
        "enrichment_ranked.tsv",
        "table_1.tsv",
        "table_2.tsv",
        "compare.tsv",
        "path.tsv",
        "tsne.tsv",
        "tables.xlsx",
        "smallest_sets.tsv",
        "carriers.tsv",
        "samples.tsv",
        "percentiles.tsv",
        "sample_genes.tsv",
        "controls.tsv",
        "stable_genes.tsv",
        "audit",
        CHECKPOINTS,
        "figures",
        "report.html",
    }
)


@contextmanager
def new_folder(out: Path, *, resume: bool = False) -> Iterator[None]:
    """Hold a folder for a run that is about to begin; what a killed run left in it is cleared away first.

    If the block ends before the manifest is written, the folder is as it was before, but for checkpoints: they
    are work, which only a finished run or the user removes. With `resume`, such a folder is taken up again.

    Raises
    ------
    ModelError
        If a folder that is taken up again holds links.
    UsageError
        If the folder holds a finished run, other files, or without `resume` checkpoints; before any work starts.
    FolderInUseError, ResourceError
        As for `claimed`.
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
    """Refuse a folder that holds anything but an unfinished run; that one is known by its lock or checkpoints."""
    try:
        if out.exists() and not out.is_dir():
            raise UsageError(_OUT, f" {out}: this is a file. Name a folder.")
        found = {entry.name for entry in out.iterdir()} if out.is_dir() else set()
    except OSError as error:
        raise UsageError(_OUT, f" {out}: cannot be used ({error.strerror}). Name another folder.") from error
    if MANIFEST in found:
        raise UsageError(
            _OUT, f" {out}: there is a finished run here already. Name another folder, or delete this one."
        )
    unfinished = LOCK in found or CHECKPOINTS in found
    strangers = {name for name in found if not (unfinished and _is_ours(name))}
    if strangers:
        raise UsageError(
            _OUT, f" {out}: the folder holds other files ({', '.join(sorted(strangers)[:3])}). Name a new folder."
        )
    if CHECKPOINTS in found and not resume:
        raise UsageError(
            _OUT,
            f" {out}: there is an unfinished run here. Go on with it (`tspg run ... --resume`), "
            "name another folder, or delete this one.",
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
    """Hold a folder for this process alone while the block runs; one that is empty afterwards is removed.

    The open file that comes with it holds the folder too: a child process that inherits it keeps the
    folder held if this one is killed.

    Raises
    ------
    FolderInUseError
        If another process holds it.
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
    """The open and locked file that stands for holding a folder."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        lock = os.open(out / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
    except OSError as error:
        raise ResourceError(
            f"{out}: cannot be written to ({error.strerror}). Name a folder where you may write."
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Whoever held it before may have removed the file between our opening and our locking it.
        is_there = os.fstat(lock).st_ino == (out / LOCK).stat().st_ino
    except OSError:
        is_there = False
    if not is_there:
        os.close(lock)
        raise FolderInUseError(f"{out}: another tspg is writing here. Wait for it, or name another folder.")
    return lock
