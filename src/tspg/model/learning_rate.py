"""The learning rate of f at every step, and the step at which its training ends."""

import math
from collections import deque
from collections.abc import Mapping

import torch
from torch import Tensor

from tspg.model.config import TargetModelConfig

WATCHED = 5  # steps whose mean loss decides: batches differ


class LearningRate:
    """The rate's share of its peak; `end` is the number of steps, fewer once the training loss is low enough.

    It rises as a line over the share `warm_up` of the steps and falls to 0 as a cosine. With `enough_loss` it stays
    up until the mean loss of five steps is below that, or the steps run out, and falls as it rose.
    """

    def __init__(self, config: TargetModelConfig, n_steps: int) -> None:
        self.end = n_steps
        self._config = config
        self._rising = max(1, round((config.warm_up or 0) * n_steps))
        self._losses: deque[float] = deque(maxlen=WATCHED)

    def at(self, step: int) -> float:
        """The share of the peak at a step, counted from 0."""
        if self._config.warm_up is None:
            return 1.0
        risen = min(1.0, (step + 1) / self._rising)
        if self._config.enough_loss is not None:
            return min(risen, (self.end - step) / self._rising)
        if step < self._rising:
            return risen
        return 0.5 * (1 + math.cos(math.pi * (step - self._rising) / max(1, self.end - self._rising)))

    def after(self, step: int, loss: float) -> None:
        """Take note of a step's loss, its mean cross-entropy."""
        self._losses.append(loss)
        enough = self._config.enough_loss
        if enough is not None and len(self._losses) == WATCHED and sum(self._losses) / WATCHED < enough:
            self.end = min(self.end, step + 1 + self._rising)

    def state_dict(self) -> dict[str, Tensor]:
        """What `after` has changed, as tensors."""
        return {"end": torch.tensor(self.end), "losses": torch.tensor(list(self._losses), dtype=torch.float64)}

    def load_state_dict(self, kept: Mapping[str, Tensor]) -> None:
        """Take over what `state_dict` gave."""
        self.end = int(kept["end"])
        self._losses.extend(kept["losses"].tolist())
