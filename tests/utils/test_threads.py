"""Work on several items at once."""

import threading

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from tspg.utils.threads import n_threads, over_threads


@pytest.mark.parametrize("threads", [1, 3])
def test_results_come_in_the_order_of_the_items(threads: int) -> None:
    with threadpool_limits(threads):
        assert over_threads(lambda number: number**2, range(50)) == [number**2 for number in range(50)]


def test_items_are_computed_at_the_same_time_each_on_one_thread() -> None:
    both = threading.Barrier(2, timeout=20)  # broken unless two arrive

    def limits(_: int) -> int:
        both.wait()
        np.ones((50, 50)) @ np.ones((50, 50))
        return max(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas")

    with threadpool_limits(2):
        assert over_threads(limits, range(2)) == [1, 1]
        assert n_threads() == 2  # as before


def test_an_error_in_one_item_reaches_the_caller() -> None:
    with threadpool_limits(2), pytest.raises(ZeroDivisionError):
        over_threads(lambda number: 1 / number, [1, 0, 2])
