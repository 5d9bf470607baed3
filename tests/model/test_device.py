"""How many threads compute."""

import torch
from threadpoolctl import threadpool_info

from tspg.model.device import fixed_threads


def pools(kind):
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == kind}


def test_threads_are_fixed_linear_algebra_takes_one_and_all_is_restored():
    torch.set_num_threads(1)
    before = pools("blas"), torch.get_num_threads()
    with fixed_threads(2):
        assert torch.get_num_threads() == 2
        assert pools("openmp") == {2}
        assert pools("blas") == {1}
    assert (pools("blas"), torch.get_num_threads()) == before
