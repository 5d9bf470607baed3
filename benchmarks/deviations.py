"""What does each departure from the paper change? Every row of docs/deviations.md, with it and without it.

    python benchmarks/deviations.py --data DATA [--seeds 0 1 2] [--only games scaler ...]

DATA holds `normal_tissues/`, `tcga_kidney/` and `genesets/`. The game between G and D is played on 12 organs x 158
apoptosis genes -> Lung, with preset `paper`, and everything is measured on held-out samples; what concerns f alone is
asked of the embedded tumours as well. The product has no switches for this: its functions are replaced for a while.
"""

import argparse
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import anndata
import pandas as pd
from departures.around import donors, scaler, schedule
from departures.cases import TARGET, Case, make_case, organs
from departures.game import batch_statistics, draws, games, one_sample_left, ranking

import tspg
from tspg.data.prepare import Dataset, prepare
from tspg.model.device import fixed_threads
from tspg.utils.files import read_json, write_json

NUMBERS = Path(__file__).with_suffix(".json")  # every row that was measured; docs/deviations.md is held to it


def show(title: str, table: pd.DataFrame, start: float) -> None:
    """Means over seeds with the least and the largest (over lists of source classes too, in `ranking`)."""
    print(f"\n## {title} ({time.process_time() - start:.0f} s of CPU)")
    numbers = [column for column in table.columns[1:] if pd.api.types.is_numeric_dtype(table[column])]
    if not numbers:
        print(table.to_string(index=False))
        return
    grouped = table.groupby("change", sort=False)[numbers]
    mean, low, high = grouped.mean(), grouped.min(), grouped.max()
    cells = {
        name: [f"{m:.3g} ({a:.3g} to {b:.3g})" for m, a, b in zip(mean[name], low[name], high[name], strict=True)]
        for name in numbers
    }
    print(pd.DataFrame(cells, index=mean.index).to_string(), flush=True)


def main() -> None:
    """Ask everything, or what `--only` names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    tasks = ("games", "batch_statistics", "one_sample_left", "ranking", "draws", "donors", "scaler", "schedule")
    parser.add_argument("--only", nargs="+", choices=tasks, default=tasks)
    options = parser.parse_args()
    with fixed_threads(1):
        _answer(options)


def _answer(options: argparse.Namespace) -> None:
    seeds, demo = options.seeds, tspg.demo_data()
    lung = organs(options.data)
    print(f"{lung.n_obs} samples x {lung.n_vars} genes -> {TARGET}; seeds {seeds}")
    on_game: dict[str, Callable[[list[Case]], pd.DataFrame]] = {
        "games": games,
        "batch_statistics": batch_statistics,
        "one_sample_left": one_sample_left,
        "ranking": ranking,
        "draws": draws,
    }
    cases: list[Case] = []
    studies = {
        "12 organs": partial(_dataset, lung, "organ", "donor"),
        "tumours": partial(_dataset, demo, "subtype", "patient"),
    }
    others: dict[str, Callable[[], pd.DataFrame]] = {
        "donors": lambda: donors(options.data, seeds),
        "scaler": lambda: scaler(studies, {"12 organs": TARGET, "tumours": "GI.MSI"}, seeds),
        "schedule": lambda: schedule(seeds),
    }
    for name in options.only:
        start = time.process_time()
        if name in on_game and not cases:
            cases.extend(make_case(lung, "organ", "donor", TARGET, "paper", seed) for seed in seeds)
        table = on_game[name](cases) if name in on_game else others[name]()
        show(name, table, start)
        before = read_json(NUMBERS) if NUMBERS.exists() else {}
        rows = [{key: value for key, value in row.items() if pd.notna(value)} for row in table.to_dict("records")]
        write_json(NUMBERS, {**before, name: rows})


def _dataset(adata: anndata.AnnData, label: str, group: str, seed: int) -> Dataset:
    return prepare(adata, label_column=label, group_column=group, seed=seed)


if __name__ == "__main__":
    main()
