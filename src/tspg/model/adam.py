"""Adam (Kingma & Ba 2015), by the function behind PyTorch's optimiser and with the same numbers.

PyTorch's class loads its compiler (`torch._dynamo`, SymPy) at its first use, which takes as long as PyTorch itself.
"""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor
from torch.optim.adam import adam

EPSILON = 1e-7  # TensorFlow's default, as for batch normalisation
BETA_1, BETA_2 = 0.9, 0.999


class Adam:
    """The moments of some parameters, and the step that changes these; `lr` may change from step to step."""

    def __init__(self, parameters: Iterable[Tensor], *, lr: float) -> None:
        self.parameters, self.lr = list(parameters), lr
        self._moments: dict[str, list[Tensor]] = {
            "step": [torch.zeros((), device=one.device) for one in self.parameters],
            "exp_avg": [torch.zeros_like(one, requires_grad=False) for one in self.parameters],
            "exp_avg_sq": [torch.zeros_like(one, requires_grad=False) for one in self.parameters],
        }

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for one in self.parameters:
            one.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Change every parameter by its gradient, which each must have."""
        adam(
            self.parameters,
            [one.grad for one in self.parameters if one.grad is not None],
            self._moments["exp_avg"],
            self._moments["exp_avg_sq"],
            [],
            self._moments["step"],
            fused=True,
            amsgrad=False,
            beta1=BETA_1,
            beta2=BETA_2,
            lr=self.lr,
            weight_decay=0.0,
            eps=EPSILON,
            maximize=False,
        )

    def state_dict(self) -> dict[str, Tensor]:
        """Every moment, by the number of its parameter and its name."""
        return {f"{at}/{name}": value for name, of_all in self._moments.items() for at, value in enumerate(of_all)}

    def load_state_dict(self, moments: Mapping[str, Tensor]) -> None:
        """Take over moments; a finished training has kept none, and takes no further step."""
        own = self.state_dict()
        for name, value in moments.items():
            own[name].copy_(value)
