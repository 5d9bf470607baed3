"""The history of a training: one row per epoch, with the mean of every loss term."""

import time
from collections.abc import Mapping

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from tspg.model.gan import require_finite


class History:
    """The rows of a training so far, and the loss terms of the steps since the last one."""

    def __init__(self) -> None:
        self._rows: list[dict[str, float]] = []
        self._steps: list[dict[str, float]] = []
        self._started = time.perf_counter()

    def add(self, step: int, terms: Mapping[str, Tensor]) -> None:
        """Add the loss terms of one step.

        Raises
        ------
        DivergedError
            If one of them is not a finite number; it names the term and the step.
        """
        values = torch.stack([term.detach() for term in terms.values()]).double().tolist()
        self._steps.append(dict(zip(terms, values, strict=True)))
        require_finite(self._steps[-1], step)

    def close(self, step: int, hit_rate: float) -> dict[str, float]:
        """The new row, of the steps since the last one.

        `hit_rate` is the share of held-out source samples that f calls the target.
        """
        means = {name: float(np.mean([of_step[name] for of_step in self._steps])) for name in self._steps[0]}
        seconds = time.perf_counter() - self._started
        row = {"epoch": len(self._rows) + 1.0, "step": float(step), **means, "hit_rate": hit_rate, "seconds": seconds}
        self._rows.append(row)
        self._steps, self._started = [], time.perf_counter()
        return row

    def table(self) -> pd.DataFrame:
        """The rows so far."""
        return pd.DataFrame(self._rows).astype({"epoch": int, "step": int})

    def state_dict(self) -> dict[str, Tensor]:
        """The whole history as tensors; names begin with their place, since a file of tensors keeps no order."""
        kept = {}
        for part, rows in (("rows", self._rows), ("steps", self._steps)):
            for place, name in enumerate(rows[0] if rows else ()):
                kept[f"{part}/{place:02}/{name}"] = torch.tensor([row[name] for row in rows], dtype=torch.float64)
        return kept

    def load_state_dict(self, kept: Mapping[str, Tensor]) -> None:
        """Take over what `state_dict` gave."""
        for part, rows in (("rows", self._rows), ("steps", self._steps)):
            columns = {key.split("/", 2)[2]: kept[key].tolist() for key in sorted(kept) if key.startswith(f"{part}/")}
            rows[:] = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
