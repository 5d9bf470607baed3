"""Work on several items at once, on the threads of a run."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from threadpoolctl import threadpool_info, threadpool_limits

Item = TypeVar("Item")
Found = TypeVar("Found")


def n_threads() -> int:
    """How many threads linear algebra may take now."""
    return max((int(pool["num_threads"]) for pool in threadpool_info()), default=1)


def over_threads(function: Callable[[Item], Found], items: Iterable[Item]) -> list[Found]:
    """What a function gives for each item, in their order, each computed on one thread of those that there are.

    Sums are added up in the same order then, however many threads there are.
    """
    n = n_threads()
    if n == 1:
        return [function(item) for item in items]
    # A thread has limits of its own for OpenMP: it sets them when it begins.
    with threadpool_limits(1), ThreadPoolExecutor(n, initializer=threadpool_limits, initargs=(1,)) as pool:
        return list(pool.map(function, items))
