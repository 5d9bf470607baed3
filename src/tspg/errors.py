"""Every error that `tspg` raises on purpose, and the exit code the command line gives it.

::

    TspgError
    ├── UsageError            2   an option is wrong (unknown value, class or preset)
    ├── InputError            3   a file or matrix cannot be used as it is
    │   ├── ExpressionError        the expression matrix
    │   ├── LabelError             the class labels
    │   └── GeneSetError           the gene sets
    ├── ResourceError         4   not enough memory or disk
    ├── DivergedError         4   training met a value that is not a finite number
    ├── ModelError            5   a model or run folder is damaged or of another version
    ├── FolderInUseError      6   another process writes to this folder
    ├── FailedRunsError       1   a sweep ended, and some of its runs failed
    └── ShapeError                arrays that do not fit together (also a ValueError)

A message says what is wrong, what was found and what to do.
"""

from collections.abc import Sequence
from dataclasses import dataclass


class TspgError(Exception):
    """Something that the user can put right; the message says how.

    Examples
    --------
    >>> try:
    ...     tspg.run(adata, label_column="subtype", target_class="GI.MSS")
    ... except tspg.TspgError as error:
    ...     print(type(error).__name__, error.exit_code)
    UsageError 2
    """

    exit_code = 1


_FLAGS = {
    "target_class": "--target",
    "source_classes": "--source",
    "adjust_column": "--adjust",
    "second_cohort": "--test-expression",
}


@dataclass(frozen=True)
class Option:
    """An option in a message: by its name in Python, on the command line, or in a sweep file."""

    name: str
    written: str = ""  # on the command line, where that is not the option's own flag alone

    def __str__(self) -> str:
        """The name in Python."""
        return self.name

    @property
    def flag(self) -> str:
        """The name on the command line."""
        return self.written or _FLAGS.get(self.name, "--" + self.name.replace("_", "-"))

    @property
    def key(self) -> str:
        """The name in a sweep file."""
        return self.flag[2:].replace("-", "_")


class UsageError(TspgError):
    """An option is wrong: an unknown class, preset or combination of options.

    The message is given in parts, so that each `Option` among them can be named as the user wrote it.
    """

    exit_code = 2

    def __init__(self, *parts: str | Option) -> None:
        super().__init__("".join(map(str, parts)))
        self.parts = parts

    @property
    def on_command_line(self) -> str:
        """The message with options named as on the command line."""
        return "".join(part.flag if isinstance(part, Option) else part for part in self.parts)

    @property
    def in_file(self) -> str:
        """The message with options named as in a sweep file."""
        return "".join(part.key if isinstance(part, Option) else part for part in self.parts)


class InputError(TspgError):
    """A file or matrix cannot be used as it is."""

    exit_code = 3


class ExpressionError(InputError):
    """The expression matrix cannot be used as it is."""


class LabelError(InputError):
    """The class labels cannot be used as they are."""


class GeneSetError(InputError):
    """The gene sets cannot be used as they are."""


class ResourceError(TspgError):
    """Not enough memory or disk."""

    exit_code = 4


class DivergedError(TspgError):
    """Training met a value that is not a finite number and stopped at once."""

    exit_code = 4


class ModelError(TspgError):
    """A model or run folder is damaged, incomplete or of another version."""

    exit_code = 5


class FolderInUseError(TspgError):
    """Another process writes to this folder."""

    exit_code = 6


class FailedRunsError(TspgError):
    """A sweep ended, and some of its runs failed; `lines` say what was found all the same."""

    exit_code = 1

    def __init__(self, message: str, lines: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.lines = list(lines)


class ShapeError(TspgError, ValueError):
    """Arrays that do not fit together; refused before they broadcast silently."""

    exit_code = 3
