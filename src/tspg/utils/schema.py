"""Kinds of values, by which options and the files of others are checked."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

MOST_SHOWN = 60  # letters of a value that a message shows
LARGEST_NUMBER = 1e30  # of what files hold; far from where 32-bit numbers end


@dataclass(frozen=True)
class Fault:
    """A value that is not of its kind, and its place below the value that was checked."""

    place: str
    value: Any
    needed: str

    def __str__(self) -> str:
        """What was found, and what is needed."""
        found = repr(self.value)
        found = found if len(found) <= MOST_SHOWN else f"{found[:MOST_SHOWN]}…"
        return f"{self.place} is {found}; {self.needed} is needed"

    def below(self, place: object) -> "Fault":
        """The same fault as seen from one level further up."""
        deeper = f".{self.place}" if self.place else ""
        return Fault(f"{place}{deeper}", self.value, self.needed)


Kind = Callable[[Any], Fault | None]  # finds what is wrong with a value


def plain(needed: str, fits: Callable[[Any], bool]) -> Kind:
    """A value that fits; `needed` names it to people."""
    return lambda value: None if fits(value) else Fault("", value, needed)


def _is_whole(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def whole(least: int, most: int) -> Kind:
    """A whole number of this range; a truth value is none."""
    return plain(
        f"a whole number from {least:,} to {most:,}", lambda value: _is_whole(value) and least <= value <= most
    )


def number(least: float = -LARGEST_NUMBER, most: float = LARGEST_NUMBER, *, above: bool = False) -> Kind:
    """A finite number of this range; with `above` the least one is left out."""
    is_open = least == -LARGEST_NUMBER and most == LARGEST_NUMBER
    needed = "a number" if is_open else f"a number {'above' if above else 'from'} {least:g}, at most {most:g},"

    def fits(value: Any) -> bool:
        return _is_number(value) and least <= value <= most and not (above and value == least)

    return plain(needed, fits)


def one_of(choices: Collection[str]) -> Kind:
    """One of some words."""
    words = ", ".join(map(repr, choices))
    return plain(
        f"one of {words}" if len(choices) > 1 else words, lambda value: isinstance(value, str) and value in choices
    )


TEXT = plain("a text", lambda value: isinstance(value, str))
TRUTH = plain("true or false", lambda value: isinstance(value, bool))
CALLABLE = plain("a function", callable)


def names(least: int = 0) -> Kind:
    """A list of names, so many at least."""
    return plain(
        "a list of one or more names" if least else "a list of names",
        lambda value: (
            isinstance(value, list | tuple) and len(value) >= least and all(isinstance(name, str) for name in value)
        ),
    )


def optional(kind: Kind) -> Kind:
    """None, or a value of this kind."""
    return lambda value: None if value is None else kind(value)


def list_of(kind: Kind, *, least: int = 0, needed: str = "a list") -> Kind:
    """A list of values of one kind, so many at least."""

    def check(values: Any) -> Fault | None:
        if not isinstance(values, list | tuple) or len(values) < least:
            return Fault("", values, needed)
        for place, value in enumerate(values):
            if (fault := kind(value)) is not None:
                return fault.below(place)
        return None

    return check


def mapping_of(kind: Kind) -> Kind:
    """Names, each with a value of one kind."""

    def check(values: Any) -> Fault | None:
        if not isinstance(values, Mapping) or not all(isinstance(name, str) for name in values):
            return Fault("", values, "an object")
        faults = (fault.below(name) for name, value in values.items() if (fault := kind(value)) is not None)
        return next(faults, None)

    return check


def fields(kinds: Mapping[str, Kind], *, needed: Collection[str] | None = None) -> Kind:
    """An object with these fields; those `needed` (None: all) must be there, and others may be."""

    def check(values: Any) -> Fault | None:
        if not isinstance(values, Mapping):
            return Fault("", values, "an object")
        for name, kind in kinds.items():
            if name not in values and (needed is None or name in needed):
                return Fault(name, None, "a value")
            if name in values and (fault := kind(values[name])) is not None:
                return fault.below(name)
        return None

    return check


COUNT = whole(0, 2**53)  # what JSON carries unchanged
NUMBERS = plain(
    "a list of finite numbers",
    lambda values: (
        isinstance(values, list) and all(_is_number(value) and abs(value) <= LARGEST_NUMBER for value in values)
    ),
)
