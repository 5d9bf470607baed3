"""Where the time of a run goes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from tspg.utils.progress import Progress, silent


class Clock:
    """Seconds spent in each named phase; `progress` is called when one begins and when it ends."""

    def __init__(self, progress: Progress = silent) -> None:
        self.seconds: dict[str, float] = {}
        self._progress = progress

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Count the time of a block under `name`."""
        self._progress(name, 0, 1, {})
        started = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - started
        self._progress(name, 1, 1, {})

    def read_off(self) -> dict[str, float]:
        """The seconds of each phase so far; counting begins anew."""
        counted, self.seconds = self.seconds, {}
        return counted
