"""What a training tells of itself: a row for every few steps, with the mean of every loss term."""

import time
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from tspg.model.step import require_finite


class History:
    """The rows of a training so far, and the loss terms of the steps since the last one.

    Several targets may learn in the same steps: every value has one number a target.
    """

    def __init__(self) -> None:
        self._rows: list[dict[str, NDArray[np.float64]]] = []
        self._steps: list[dict[str, NDArray[np.float64]]] = []
        self._started = time.perf_counter()

    def add(self, step: int, terms: Mapping[str, Tensor]) -> None:
        """Take the terms of one step, shape () or (targets,) each.

        Raises
        ------
        DivergedError
            If one of them is not a finite number; it names the term and the step.
        """
        values = torch.stack([term.detach().reshape(-1) for term in terms.values()]).double().cpu().numpy()
        self._steps.append(dict(zip(terms, values, strict=True)))
        require_finite(self._steps[-1], step)

    def close(self, step: int, hit_rates: Sequence[float]) -> dict[str, float]:
        """Make a row of the steps since the last one; its means over targets come back.

        `hit_rates` has, for each target, the share of held-out source samples that f calls the target.
        """
        n_targets = len(hit_rates)
        means = {name: np.mean([of_step[name] for of_step in self._steps], axis=0) for name in self._steps[0]}
        seconds = (time.perf_counter() - self._started) / n_targets
        row = {
            "epoch": np.full(n_targets, len(self._rows) + 1.0),
            "step": np.full(n_targets, float(step)),
            **means,
            "hit_rate": np.asarray(hit_rates, dtype=np.float64),
            "seconds": np.full(n_targets, seconds),
        }
        self._rows.append(row)
        self._steps, self._started = [], time.perf_counter()
        return {name: float(value.mean()) for name, value in row.items()}

    def table(self, at: int = 0) -> pd.DataFrame:
        """The rows of one target."""
        table = pd.DataFrame({name: [row[name][at] for row in self._rows] for name in self._rows[0]})
        return table.astype({"epoch": int, "step": int})

    def state_dict(self) -> dict[str, Tensor]:
        """All of it as tensors; names begin with their place, since a file of tensors keeps no order."""
        kept = {}
        for part, rows in (("rows", self._rows), ("steps", self._steps)):
            for place, name in enumerate(rows[0] if rows else ()):
                kept[f"{part}/{place:02}/{name}"] = torch.from_numpy(np.stack([row[name] for row in rows]))
        return kept

    def load_state_dict(self, kept: Mapping[str, Tensor]) -> None:
        """Go on from what `state_dict` gave."""
        self._rows, self._steps = _rows_of(kept, "rows"), _rows_of(kept, "steps")


def _rows_of(kept: Mapping[str, Tensor], part: str) -> list[dict[str, NDArray[np.float64]]]:
    columns = {name.split("/", 2)[2]: kept[name].numpy() for name in sorted(kept) if name.startswith(f"{part}/")}
    n_rows = len(next(iter(columns.values()))) if columns else 0
    return [{name: values[at] for name, values in columns.items()} for at in range(n_rows)]
