"""Which genes the runs of a comparison share, and which are specific to one target."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

SHARED, SOME, NONE = -1, -2, -3  # of a gene; from 0 on the number of the only target
_LAST = 1e9  # the rank of a gene that has none


@dataclass(frozen=True)
class Compared:
    """The genes of one source in every target; `of` says for each gene of the table where it differs."""

    source: str
    targets: list[str]
    table: pd.DataFrame
    is_tested: bool

    def numbers(self, name: str) -> NDArray[np.float64]:
        """A number of each gene in each target, of shape (genes, targets); `name` is difference, q or rank."""
        columns = [self.table[f"{name} in {target}"].to_numpy(np.float64, na_value=np.nan) for target in self.targets]
        return np.stack(columns, axis=1)

    @property
    def of(self) -> NDArray[np.int64]:
        """Whether a gene is shared by all, found in one target alone (its number), in some, or in none."""
        up, down = (self.table[f"n_targets_{way}"].to_numpy(np.int64) for way in ("up", "down"))
        found = np.where(up + down == 0, NONE, np.where(np.maximum(up, down) == len(self.targets), SHARED, SOME))
        return np.where(up + down == 1, np.argmax(self._is_found(), axis=1), found)

    def order(self) -> NDArray[np.int64]:
        """Places of the genes: shared ones first, by the worst of their ranks; then those of each target by theirs."""
        of, rank = self.of, np.nan_to_num(self.numbers("rank"), nan=_LAST)
        own = np.where(of == SHARED, rank.max(axis=1), rank.min(axis=1))
        own = np.where(of >= 0, rank[np.arange(len(of)), np.maximum(of, 0)], own)
        group = np.select([of == SHARED, of >= 0, of == SOME], [-1, of, len(self.targets)], len(self.targets) + 1)
        return np.lexsort((self.table["gene"].astype(str).to_numpy(dtype=object), own, group))

    def _is_found(self) -> NDArray[np.bool_]:
        """Where a gene differs surely; of lists, where it is listed."""
        return self.numbers("q") < 0.05 if self.is_tested else np.isfinite(self.numbers("rank"))


def of_lists(table: pd.DataFrame, targets: Sequence[str]) -> list[Compared]:
    """The lists of top genes (`compare_targets`), from each source; there is no difference and no q."""
    ranks = [f"rank in {target}" for target in targets]
    views = []
    for source, rows in table.groupby("source_class"):
        made = rows.groupby("gene")[ranks].min()
        for way in ("up", "down"):
            listed = rows[rows["direction"] == way].set_index("gene")[ranks].notna().sum(axis=1)
            made[f"n_targets_{way}"] = listed.reindex(made.index).fillna(0).astype(int)
        empty = [f"{name} in {target}" for target in targets for name in ("difference", "q")]
        made = made.reindex(columns=[*made, *empty]).reset_index()
        views.append(Compared(str(source), list(targets), made, is_tested=False))
    return views
