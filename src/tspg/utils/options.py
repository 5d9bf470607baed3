"""Options: the words that some may take, and how one is named in a message."""

from collections.abc import Mapping
from typing import Any

from tspg.errors import Option, UsageError
from tspg.utils.schema import Kind

# What becomes of genes that occur several times. Not "the row with the highest mean": held-out samples would have a
# say in it, and a new patient's file would choose another row than the file that the model was trained on.
DUPLICATES = ("error", "first", "mean", "sum")
TRANSFORMS = ("auto", "none", "log2")  # what becomes of values when they are read
MOST_GENES = 10**6
_FLAGS = {"target_class": "--target", "source_classes": "--source", "adjust_column": "--adjust"}


def option(name: str) -> Option:
    """An option by its name in Python, for a message."""
    return Option(name, _FLAGS.get(name, "--" + name.replace("_", "-")))


def check(given: Mapping[str, Any], kinds: Mapping[str, Kind]) -> None:
    """Refuse values that options cannot have.

    Raises
    ------
    UsageError
        Naming the first option, what was given, and what is needed.
    """
    for name, kind in kinds.items():
        if name in given and (fault := kind(given[name])) is not None:
            raise UsageError(option(name), "." if fault.place else "", f"{fault}.")
