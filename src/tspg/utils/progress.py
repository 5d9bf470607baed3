"""The callback for progress."""

from collections.abc import Callable, Mapping

Progress = Callable[[str, int, int, Mapping[str, float]], None]
"""Called with the phase, how much of it is done, how much it is in all, and numbers.

In training it is called after every epoch, with the epoch's numbers. A phase of which no share is known is called at
its start, with 0 of 1, and at its end, with 1 of 1, without numbers.
"""


def silent(phase: str, done: int, total: int, numbers: Mapping[str, float]) -> None:
    """Report nothing."""
