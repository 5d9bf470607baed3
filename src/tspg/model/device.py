"""The processor and number of threads to compute with."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from threadpoolctl import threadpool_limits

from tspg.errors import Option, UsageError
from tspg.model.config import check_options

if TYPE_CHECKING:
    import torch


def require_device(name: str) -> None:
    """Refuse a processor that cannot be used here; PyTorch is loaded only where it has to be asked."""
    check_options({"device": name})
    if name == "cuda":
        choose_device(name)


def choose_device(name: str) -> "torch.device":
    """The processor to train on: `auto` takes a CUDA device where there is one."""
    import torch

    check_options({"device": name})
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and not torch.cuda.is_available():
        raise UsageError(Option("device"), " cuda: no CUDA device can be used here. Use cpu or auto.")
    return torch.device(name)


@contextmanager
def fixed_threads(threads: int) -> Iterator[None]:
    """Compute with exactly this many threads, since sums depend on their number, and restore it.

    NumPy's and SciPy's linear algebra always takes one: its products are small, and two threads that wait for each
    other on a busy machine take up to twenty times as long.
    """
    import torch

    before = torch.get_num_threads()
    with threadpool_limits({"openmp": threads, "blas": 1}):
        torch.set_num_threads(threads)
        try:
            yield
        finally:
            torch.set_num_threads(before)
