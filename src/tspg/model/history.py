"""What a training tells of itself: a row for every few steps, with the mean of every loss term."""

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
        """Take the terms of one step, a number each.

        Raises
        ------
        DivergedError
            If one of them is not a finite number; it names the term and the step.
        """
        values = torch.stack([term.detach() for term in terms.values()]).double().tolist()
        self._steps.append(dict(zip(terms, values, strict=True)))
        require_finite(self._steps[-1], step)

    def close(self, step: int, hit_rate: float) -> dict[str, float]:
        """Make a row of the steps since the last one, and give it.

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
        """All of it as tensors; names begin with their place, since a file of tensors keeps no order."""
        kept = {}
        for part, rows in (("rows", self._rows), ("steps", self._steps)):
            for place, name in enumerate(rows[0] if rows else ()):
                kept[f"{part}/{place:02}/{name}"] = torch.tensor([row[name] for row in rows], dtype=torch.float64)
        return kept

    def load_state_dict(self, kept: Mapping[str, Tensor]) -> None:
        """Go on from what `state_dict` gave."""
        self._rows, self._steps = _rows_of(kept, "rows"), _rows_of(kept, "steps")


def _rows_of(kept: Mapping[str, Tensor], part: str) -> list[dict[str, float]]:
    columns = {name.split("/", 2)[2]: kept[name].tolist() for name in sorted(kept) if name.startswith(f"{part}/")}
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
