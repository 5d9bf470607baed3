"""The callback for progress."""

from collections.abc import Callable, Mapping

Progress = Callable[[str, int, int, Mapping[str, float]], None]
"""Called after every epoch with the phase, epochs done, epochs in all, and the epoch's numbers."""


def silent(phase: str, done: int, total: int, numbers: Mapping[str, float]) -> None:
    """Report nothing."""
