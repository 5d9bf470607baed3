"""Several generators of one shape that learn in one step, as many targets of one study need them.

On a GPU a training step costs hardly more for many generators than for one; on a CPU stacking gains
nothing (benchmarks/README.md), and targets are taken one by one.
"""

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.func import functional_call, stack_module_state, vmap

from tspg.model.networks import Generator


class GeneratorStack:
    """Generators side by side: every weight and batch statistic lies in one tensor, target by target.

    Called with profiles of shape (targets, batch, genes), it gives each target's raw perturbations.
    """

    def __init__(self, generators: Sequence[Generator]) -> None:
        self._template = copy.deepcopy(generators[0])
        weights, statistics = stack_module_state(list(generators))
        self.weights: dict[str, Tensor] = weights
        self.statistics: dict[str, Tensor] = statistics

    def eval(self) -> "GeneratorStack":
        """Let batch normalisation use the kept statistics from now on, instead of each batch's own."""
        self._template.eval()
        return self

    def state_dict(self) -> dict[str, Tensor]:
        """Weights and batch statistics of all targets, by their names in one generator."""
        return {**self.weights, **self.statistics}

    @torch.no_grad()
    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take over weights and batch statistics; the tensors stay the same, as an optimiser needs it."""
        for name, value in self.state_dict().items():
            value.copy_(state[name])

    def __call__(self, profiles: Tensor) -> Tensor:
        """G(x) of every target, shape (targets, batch, genes)."""
        return each(self._one, self.weights, self.statistics, profiles)

    def state_of(self, at: int) -> dict[str, Tensor]:
        """Weights and batch statistics of one target."""
        return {name: value[at] for name, value in self.state_dict().items()}

    def of_target(self, at: int, profiles: Tensor) -> Tensor:
        """G(x) of one target, shape (samples, genes)."""
        perturbation: Tensor = functional_call(self._template, self.state_of(at), (profiles,))
        return perturbation

    def _one(self, weights: dict[str, Tensor], statistics: dict[str, Tensor], profiles: Tensor) -> Tensor:
        perturbation: Tensor = functional_call(self._template, (weights, statistics), (profiles,))
        return perturbation

    def clone(self) -> "GeneratorStack":
        """The same generators once more, apart from these and without gradients."""
        twin = copy.deepcopy(self)
        for weight in twin.weights.values():
            weight.requires_grad_(False)
        return twin

    @torch.no_grad()
    def average_in(self, other: "GeneratorStack", decay: float) -> None:
        """Move a little towards other generators, weights and batch statistics alike."""
        now = other.state_dict()
        for name, value in self.state_dict().items():
            if value.is_floating_point():
                value.lerp_(now[name], 1 - decay)
            else:
                value.copy_(now[name])


def each(function: Callable[..., Tensor], *stacked: Any) -> Tensor:
    """A function of one target's tensors applied to every target at once; plainly, where there is only one."""
    leaves = stacked[-1]
    if len(leaves) > 1:
        result: Tensor = vmap(function)(*stacked)
        return result
    return function(*(_first(part) for part in stacked)).unsqueeze(0)


def _first(part: Any) -> Any:
    """The only target's part, as a view: squeezing costs no copy, and its gradient neither."""
    if isinstance(part, dict):
        return {name: value.squeeze(0) for name, value in part.items()}
    return part.squeeze(0)
