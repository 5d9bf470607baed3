"""How f is trained: a fixed number of steps, until an inner part stands still, or until it has learned enough.

    python benchmarks/target_model.py --data DATA [--seeds 3] [--only demo kidney]

Held-out balanced accuracy and cross-entropy of f, its steps and CPU seconds (one thread), means over seeds. The rule,
written first: the cheapest way whose balanced accuracy is no more than .005 lower than that of the fixed steps in the
mean of the tasks and no more than .02 in any, and whose cross-entropy is no more than 5% higher in the mean.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import anndata
import machine
import numpy as np
import pandas as pd
import torch
from anndata import AnnData
from sklearn.metrics import balanced_accuracy_score
from synthetic import gtex_like
from torch.nn.functional import cross_entropy

import tspg
from tspg.analysis.evaluation.resampling import donor_codes, donor_folds
from tspg.data.demo import demo_gene_sets
from tspg.data.prepare import Dataset, prepare
from tspg.model.adam import Adam
from tspg.model.config import PRESETS, TargetModelConfig
from tspg.model.networks import TargetModel, initialise
from tspg.model.random import F_ORDER, F_WEIGHTS, batches, batches_an_epoch, stream
from tspg.model.training import train_target_model

FIXED = TargetModelConfig(batch_size=128, epochs=5, least_steps=200, warm_up=0.1)
NOW = PRESETS["transport"][0]
INNER_SHARE, EVERY, PATIENCE = 0.1, 5, 20  # of the training samples; steps between looks; steps without a lower loss


@dataclass(frozen=True)
class Data:
    """A labelled matrix, the columns of classes and donors, and the gene set (None: all genes)."""

    adata: AnnData
    label_column: str
    group_column: str | None = None
    gene_set: str | None = None

    def dataset(self, seed: int) -> Dataset:
        """Split and scaled."""
        adata = self.adata
        if self.gene_set is not None:
            genes = set(demo_gene_sets()[self.gene_set].genes)
            adata = adata[:, [name in genes for name in adata.var_names]].copy()
        return prepare(adata, label_column=self.label_column, group_column=self.group_column, seed=seed)


def tasks(folder: Path) -> Iterator[tuple[str, Data]]:
    """Real cohorts and synthetic ones of many classes."""
    tumours, hypoxia, apoptosis = tspg.demo_data(), "HALLMARK_HYPOXIA", "HALLMARK_APOPTOSIS"
    kidney = anndata.read_h5ad(folder / "tcga_kidney" / "tcga_kidney.h5ad")
    tissues = anndata.read_h5ad(folder / "normal_tissues" / "normal_tissues.h5ad")
    yield "demo", Data(tumours, "subtype")
    yield "demo, hypoxia", Data(tumours, "subtype", None, hypoxia)
    yield "kidney", Data(kidney, "diagnosis", "patient")
    yield "kidney, hypoxia", Data(kidney, "diagnosis", "patient", hypoxia)
    yield "tissues, apoptosis", Data(tissues, "organ", None, apoptosis)
    yield "tissues, all genes", Data(tissues, "organ")
    yield "synthetic 2,000 x 158", Data(gtex_like(2000, 158), "tissue", "donor")
    yield "synthetic 2,000 x 1,000", Data(gtex_like(2000, 1000), "tissue", "donor")
    yield "synthetic 11,688 x 158", Data(gtex_like(11_688, 158), "tissue", "donor")


def fixed_steps(dataset: Dataset, seed: int) -> tuple[TargetModel, int]:
    """200 steps or five epochs, whichever is more, on profiles as they are."""
    return _as_configured(dataset, FIXED, seed)


def until_enough(dataset: Dataset, seed: int) -> tuple[TargetModel, int]:
    """The way of preset `transport`."""
    return _as_configured(dataset, NOW, seed)


def _as_configured(dataset: Dataset, config: TargetModelConfig, seed: int) -> tuple[TargetModel, int]:
    with patch.object(Adam, "step", autospec=True, side_effect=Adam.step) as step:
        return train_target_model(dataset, config, seed=seed), step.call_count


def inner_part(dataset: Dataset, seed: int) -> tuple[TargetModel, int]:
    """Until the loss on a tenth of the training donors, of which f learns nothing, stands still; the best weights."""
    train = np.flatnonzero(dataset.is_train)
    (donors,) = donor_codes((len(dataset.sample_ids), dataset.groups))
    folds = donor_folds(donors[train], dataset.source_class[train], n_folds=round(1 / INNER_SHARE), seed=seed)
    learned, watched = (
        (torch.from_numpy(dataset.profiles[rows]), torch.from_numpy(dataset.class_index[rows]))
        for rows in (train[folds != 0], train[folds == 0])
    )
    model = TargetModel(len(dataset.gene_ids), len(dataset.classes), FIXED)
    initialise(model, seed=(seed, F_WEIGHTS))
    optimiser = Adam(model.parameters(), lr=FIXED.learning_rate)
    n, step, best, best_step, weights = len(learned[0]), 0, np.inf, 0, {}
    while step < FIXED.least_steps and step - best_step < PATIENCE:
        for rows in batches(n, 128, stream(seed, F_ORDER, step // batches_an_epoch(n, 128))):
            optimiser.zero_grad()
            cross_entropy(model(learned[0][rows]), learned[1][rows]).backward()
            optimiser.step()
            step += 1
            if step % EVERY == 0 and (loss := float(cross_entropy(model(watched[0]).detach(), watched[1]))) < best:
                best, best_step = loss, step
                weights = {name: value.clone() for name, value in model.state_dict().items()}
    model.load_state_dict(weights)
    return model.requires_grad_(False), step


WAYS = {"fixed steps": fixed_steps, "inner part": inner_part, "until enough": until_enough}


def main() -> None:
    """Train every way on every task and print the means."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", nargs="*")
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    for name, data in tasks(options.data):
        if options.only and name not in options.only:
            continue
        for seed in range(options.seeds):
            dataset = data.dataset(seed)
            held_out, truth = (
                torch.from_numpy(dataset.profiles[~dataset.is_train]),
                dataset.class_index[~dataset.is_train],
            )
            for way, train in WAYS.items():
                start = time.process_time()
                f, steps = train(dataset, seed)
                seconds, scores = time.process_time() - start, f(held_out)
                loss = float(cross_entropy(scores, torch.from_numpy(truth)))
                accuracy = balanced_accuracy_score(truth, scores.argmax(dim=1).numpy())
                rows.append((name, way, accuracy, loss, steps, seconds))
                print(f"{name}, seed {seed}, {way}: {accuracy:.3f} {loss:.3f} {steps} {seconds:.1f}", flush=True)
    columns = ["task", "way", "balanced accuracy", "cross-entropy", "steps", "CPU s"]
    means = pd.DataFrame(rows, columns=columns).groupby(["task", "way"], sort=False).mean()
    print(means.round(3).to_string())
    print(means.groupby("way", sort=False).mean().round(3).to_string())
    print(machine.line())


if __name__ == "__main__":
    main()
