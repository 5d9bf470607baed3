"""How work tells how far it is, whoever listens."""

from collections.abc import Callable, Mapping

Progress = Callable[[str, int, int, Mapping[str, float]], None]
"""Called after every epoch with the phase, epochs done, epochs in all, and the epoch's numbers."""


def silent(phase: str, done: int, total: int, numbers: Mapping[str, float]) -> None:
    """The reporter that says nothing."""
