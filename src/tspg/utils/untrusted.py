"""Checks of folders made by others: they must not lead out of themselves, hang or crash the program."""

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from tspg.errors import ModelError, TspgError

logger = logging.getLogger(__name__)
LONGEST_REASON = 200  # letters
_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}")


def check_folder(folder: Path) -> None:
    """Refuse a folder that holds links, pipes or devices at any depth; the folder itself may be a link.

    What is read from it then lies in it, and so does what is written into it.

    Raises
    ------
    ModelError
        Naming the first such entry.
    """
    for entry in _entries(folder):
        if entry.is_symlink():
            raise ModelError(f"{entry.path}: is a link. Put the file or folder itself there; links are not followed.")
        if not entry.is_dir() and not entry.is_file():
            raise ModelError(f"{entry.path}: is neither a file nor a folder. Remove it.")


def _entries(folder: Path | str) -> Iterator["os.DirEntry[str]"]:
    """Everything below a folder; links are listed, not followed."""
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except FileNotFoundError:
        return  # its reader reports that
    except OSError as error:
        raise ModelError(f"{folder}: cannot be read ({error.strerror}). Check its permissions.") from error
    for entry in entries:
        yield entry
        if entry.is_dir(follow_symlinks=False):
            yield from _entries(entry.path)


def is_plain(name: object) -> bool:
    """Whether a name in a file is one of our own file names, which cannot lead out of their folder."""
    return isinstance(name, str) and _PLAIN.fullmatch(name) is not None


def stays_inside(name: object) -> bool:
    """Whether a relative path in a file, with `/` between its parts, stays below its folder."""
    if not isinstance(name, str) or "\0" in name:
        return False
    path = PurePosixPath(name)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts


@contextmanager
def require_consistent(folder: Path) -> Iterator[None]:
    """Tell of files that do not fit together, as those of a folder made or changed by others may be.

    Raises
    ------
    ModelError
        Instead of the errors that reading such files ends with.
    """
    try:
        yield
    except TspgError:
        raise
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        logger.debug("%s", folder, exc_info=True)
        raise ModelError(
            f"{folder}: its files do not fit together ({type(error).__name__}: {str(error)[:LONGEST_REASON]}). "
            "Run again, or ask whoever made the folder."
        ) from error
