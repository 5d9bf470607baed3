"""CPU time to the same evidence: preset `transport` against `paper`, on the same split, in one run.

    python benchmarks/time_to_quality.py --data DATA --out DIR [--tasks 158-Lung ...] [--seeds 0 1 2]

DATA holds `normal_tissues/`, `tcga_coadread/`, `tcga_kidney/` and `genesets/`; tasks named `gtex-158-T` are
target T (`"Tissue 07"`, ...) of the synthetic study of 53 classes in `synthetic.py`, with its first 158 genes. `paper`
is stopped at several checkpoints, since its evidence gets better and then worse again. Every
training of a generator is timed alone (one thread, CPU time); f is timed apart. Rows are added to
DIR/time_to_quality.tsv, finished ones are not repeated, and the summary is printed at the end.
"""

import argparse
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import anndata
import numpy as np
import pandas as pd
import torch
from evidence_study import SHOWN, TASKS
from synthetic import gtex_like

import tspg
from tspg.config import PRESETS, ExperimentConfig, PaperConfig
from tspg.data.prepare import Prepared
from tspg.model.device import fixed_threads
from tspg.model.learning import learn
from tspg.model.networks import TargetModel
from tspg.model.trained import TrainedModel
from tspg.model.training import train_target_model
from tspg.question import pose

CHECKPOINTS = (0.1, 0.2, 0.4, 1.0)  # shares of the steps of `paper`
DEFAULT_TASKS = ["158-Lung", "158-Liver", "158-Colon", "union-Lung", "union-Liver", "union-Colon"]
GTEX = "gtex-"


def main() -> None:
    """Train what is missing and print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--tasks", nargs="+", default=DEFAULT_TASKS)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / "time_to_quality.tsv"
    done = pd.read_csv(path, sep="\t") if path.exists() else pd.DataFrame({"task": [], "seed": []})
    finished = set(zip(done["task"], done["seed"], strict=True))
    for task in options.tasks:
        for seed in options.seeds:
            if (task, seed) in finished:
                continue
            with fixed_threads(1):
                done = pd.concat([done, pd.DataFrame(measure(task, seed, options.data))], ignore_index=True)
            done.to_csv(path, sep="\t", index=False)
            print(done[done["task"] == task].tail(6).round(3).to_string(), flush=True)
    print(summary(done).to_string())


def measure(task: str, seed: int, data: Path) -> Iterator[dict[str, object]]:
    """One row for each checkpoint of `paper`, and one for `transport`."""
    prepared, config = study(task, seed, data)
    networks, seconds_f = {}, {}
    for preset, (settings, _) in PRESETS.items():
        start = time.process_time()
        networks[preset] = train_target_model(prepared, settings, seed=seed)
        seconds_f[preset] = time.process_time() - start
    n_steps = full_length(prepared)
    lengths = [("paper", max(1, round(share * n_steps))) for share in CHECKPOINTS] + [("transport", None)]
    for preset, steps in lengths:
        generator = PRESETS[preset][1]
        generator = generator if steps is None else replace(generator, steps=steps)
        own = replace(config, preset=preset, generator=generator, target_model=PRESETS[preset][0])
        start = time.process_time()
        method, history, _ = next(
            learn(prepared, networks[preset], own, [own.target_class], device=torch.device("cpu"))
        )
        seconds = time.process_time() - start
        model = TrainedModel.of(prepared, networks[preset], method, own, {})
        yield {
            "task": task,
            "seed": seed,
            "preset": preset,
            "steps": int(history["step"].max()),
            "seconds_f": seconds_f[preset],
            "seconds": seconds,
            "f_test_accuracy": accuracy(prepared, networks[preset]),
            **evidence(prepared, model, own),
        }


def study(task: str, seed: int, data: Path) -> tuple[Prepared, ExperimentConfig]:
    """The scaled samples of a task with the split of a seed, and its question."""
    if task.startswith(GTEX):
        n_genes, target = task.removeprefix(GTEX).split("-", 1)
        adata = gtex_like(n_genes=int(n_genes))
        return (
            tspg.prepare(adata, label_column="tissue", group_column="donor", seed=seed),
            ExperimentConfig(target, label_column="tissue", group_column="donor", seed=seed),
        )
    known = next(one for one in TASKS if one.name == task)
    sets = tspg.read_gene_sets(next((data / "genesets").glob("h.all*.gmt.gz")))
    chosen = None if known.gene_set is None else sets.union() if known.gene_set == "all" else sets[known.gene_set]
    config = ExperimentConfig(
        known.target, label_column=known.label, source_classes=known.sources, group_column=known.group, seed=seed
    )
    question = pose(anndata.read_h5ad(data / known.file), config, gene_set=chosen)
    return tspg.prepare(question.study, label_column=known.label, group_column=known.group, seed=seed), config


def full_length(prepared: Prepared) -> int:
    """The steps of preset `paper`: 150 epochs of batches of 128."""
    paper = PaperConfig()
    return paper.epochs * max(1, round(int(prepared.is_train.sum()) / paper.batch_size))


def accuracy(prepared: Prepared, f: TargetModel) -> float:
    """How often f is right on held-out samples."""
    held_out = ~prepared.is_train
    with torch.no_grad():
        called = f(torch.from_numpy(prepared.profiles[held_out])).argmax(dim=1).numpy()
    return float(np.mean(called == prepared.class_index[held_out]))


def evidence(prepared: Prepared, model: TrainedModel, config: ExperimentConfig) -> dict[str, float]:
    """The measures that rank generators, on held-out samples."""
    table = tspg.evidence_table(
        prepared,
        {"generator": model.move},
        model.classify,
        target_class=config.target_class,
        source_classes=config.source_classes,
        seed=config.seed,
    )
    own = table[table["method"] == "generator"].set_index("measure")["value"]
    return {name: float(own[name]) for name in SHOWN}


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """Means over seeds with how many times the CPU time of `transport` each takes: G alone, and with f."""
    order = ["task", "preset", "steps"]
    means = rows.groupby(order, sort=False).mean(numeric_only=True).drop(columns="seed")
    transport = rows[rows["preset"] == "transport"].groupby("task")[["seconds", "seconds_f"]].mean()
    task = means.index.get_level_values("task")
    means["times"] = means["seconds"] / transport["seconds"].reindex(task).to_numpy()
    both = means["seconds"] + means["seconds_f"]
    means["times_with_f"] = both / transport.sum(axis=1).reindex(task).to_numpy()
    return means.round(3)


if __name__ == "__main__":
    main()
