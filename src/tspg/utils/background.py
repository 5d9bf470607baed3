"""A result that is computed beside others."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


def in_background(compute: Callable[[], T]) -> Callable[[], T]:
    """What waits for a result, or raises its error; until then a thread of its own computes it.

    A program that is interrupted does not wait for the thread.
    """
    future: Future[T] = Future()

    def work() -> None:
        try:
            future.set_result(compute())
        except BaseException as error:  # noqa: BLE001  # raised where the result is asked for
            future.set_exception(error)

    Thread(target=work, daemon=True).start()
    return future.result
