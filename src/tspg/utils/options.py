"""Checking the values of options, and the words that some of them take."""

import inspect
from collections.abc import Callable, Collection, Iterable, Mapping
from difflib import get_close_matches
from functools import wraps
from types import MappingProxyType
from typing import Any, ParamSpec, TypeVar

from tspg.errors import Option, UsageError
from tspg.utils.schema import Kind

# What becomes of genes that occur several times. Not "the row with the highest mean": held-out samples would have a
# say in it, and a new patient's file would choose another row than the file that the model was trained on.
DUPLICATES = ("error", "first", "mean", "sum")
TRANSFORMS = ("auto", "none", "log2")  # what becomes of values when they are read
FIGURES, DRAWN_AS = ("svg", "png", "pdf"), ("svg", "png")  # formats that figures are saved in; those unless asked
MOST_GENES = 10**6

P = ParamSpec("P")
R = TypeVar("R")


def check(given: Mapping[str, Any], kinds: Mapping[str, Kind]) -> None:
    """Refuse values that options cannot have.

    Raises
    ------
    UsageError
        Naming the first option, what was given, and what is needed.
    """
    for name, kind in kinds.items():
        if name in given and (fault := kind(given[name])) is not None:
            raise UsageError(Option(name), "." if fault.place else "", f"{fault}.")


def refuse_unknown(places: Mapping[str, str] = MappingProxyType({})) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """A decorator: keywords that the function does not have are refused, as by `require_known`."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        known = list(inspect.signature(function).parameters)[1:]  # without `self` or the data

        @wraps(function)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R:
            require_known(kwargs, known, places)
            return function(*args, **kwargs)

        return checked

    return decorate


def require_known(given: Iterable[str], known: Collection[str], places: Mapping[str, str]) -> None:
    """Refuse the name of an option that is not known; `places` say where else some belong.

    Raises
    ------
    UsageError
        With the place, or the closest name.
    """
    for name in given:
        if name not in known and name != "adata":
            nearest = next(iter(get_close_matches(name, [*known, *places], 1)), "")
            meant = f" Did you mean {nearest}?" if nearest not in ("", name) else ""
            known_ones = "" if nearest else f" There are: {', '.join(known)}."
            place = f" {places[nearest]}" if nearest in places else ""
            raise UsageError(f"There is no option {name} here.{meant}{place}{known_ones}")
