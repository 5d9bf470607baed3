"""How every ratio is made: contenders in turn, round after round, in CPU time; the minimum decides."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median

Measure = Callable[[], float]
"""Does some work and gives the CPU seconds of one unit of it."""


@dataclass(frozen=True)
class Times:
    """CPU seconds of one unit of work, one value a round."""

    rounds: tuple[float, ...]

    @property
    def least(self) -> float:
        """The minimum: a busy neighbour can only add to it."""
        return min(self.rounds)

    @property
    def middle(self) -> float:
        """The median."""
        return median(self.rounds)


def each(work: Callable[[], object], times: int = 1) -> Measure:
    """A measure of some work: CPU seconds of one call, taken over so many."""

    def measure() -> float:
        start = time.process_time()
        for _ in range(times):
            work()
        return (time.process_time() - start) / times

    return measure


def interleaved(contenders: Mapping[str, Measure], rounds: int, *, warm_up: int = 1) -> dict[str, Times]:
    """Measure all in turn (A B C A B C ...), so that a slow minute hits them alike; warm-up rounds do not count."""
    found: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(warm_up + rounds):
        for name, measure in contenders.items():
            seconds = measure()
            if number >= warm_up:
                found[name].append(seconds)
    return {name: Times(tuple(values)) for name, values in found.items()}
