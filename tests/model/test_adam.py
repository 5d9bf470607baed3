"""The optimiser: PyTorch's own class is the measure, and its compiler stays away."""

import subprocess
import sys

import torch

from tspg.model.adam import Adam

PROGRAM = """
import sys, torch
from tspg.model.adam import Adam
weight = torch.ones(3, requires_grad=True)
optimiser = Adam([weight], lr=0.1)
weight.sum().backward()
optimiser.step()
print("torch._dynamo" in sys.modules, "sympy" in sys.modules, weight.tolist() == [1.0] * 3)
"""


def test_weights_are_those_of_pytorchs_class_bit_for_bit():
    networks = [torch.nn.Linear(7, 3) for _ in range(2)]
    networks[1].load_state_dict(networks[0].state_dict())
    ours = Adam(networks[0].parameters(), lr=0.0)
    theirs = torch.optim.Adam(networks[1].parameters(), lr=0.0, betas=(0.9, 0.999), eps=1e-7, fused=True)
    draws = torch.Generator().manual_seed(0)
    for step in range(20):
        x = torch.randn(5, 7, generator=draws)
        ours.lr = theirs.param_groups[0]["lr"] = 0.01 * (step + 1)
        for network, optimiser in zip(networks, (ours, theirs), strict=True):
            optimiser.zero_grad()
            network(x).square().sum().backward()
            optimiser.step()
    for one, two in zip(networks[0].parameters(), networks[1].parameters(), strict=True):
        assert torch.equal(one, two)


def test_a_step_does_not_load_the_compiler():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False", "False"]
