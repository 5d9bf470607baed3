"""Which objective survives the question? The evidence table on real tasks, for each preset and split.

    python benchmarks/evidence_study.py --data DATA --out DIR [--preset transport paper] [--seeds 0 1 2]

DATA holds `normal_tissues/`, `tcga_coadread/`, `tcga_kidney/` and `genesets/`. Every finished run adds
its rows to DIR/evidence.tsv and is not repeated; the summary is printed at the end.
"""

import argparse
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import anndata
import pandas as pd

import tspg

SHOWN = ["hit_rate_f", "hit_rate_logistic", "hit_rate_forest", "energy_ratio", "variance_ratio"]
SHOWN += ["gene_correlation", "individuality"]


@dataclass(frozen=True)
class Task:
    """One question to one data set."""

    name: str
    file: str
    label: str
    group: str
    target: str
    gene_set: str | None
    sources: tuple[str, ...] | None = None


NORMAL = ("normal_tissues/normal_tissues.h5ad", "organ", "donor")
KIDNEY = ("tcga_kidney/tcga_kidney.h5ad", "diagnosis", "patient")
COADREAD = ("tcga_coadread/tcga_coadread.h5ad", "subtype", "patient")
HEALTHY = "Solid Tissue Normal"
TASKS = [
    *(Task(f"158-{organ}", *NORMAL, organ, "HALLMARK_APOPTOSIS") for organ in ("Lung", "Liver", "Colon")),
    *(Task(f"union-{organ}", *NORMAL, organ, "all") for organ in ("Lung", "Liver", "Colon")),
    Task("coadread-MSI", *COADREAD, "GI.MSI", "all"),
    Task("normal-KIRC", *KIDNEY, "KIRC", None, (HEALTHY,)),
    Task("tumours-normal", *KIDNEY, HEALTHY, None),
    Task("all-genes-Lung", *NORMAL, "Lung", None),
    Task("all-genes-MSI", *COADREAD, "GI.MSI", None),
]


def main() -> None:
    """Run what is missing and print the means."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--preset", nargs="+", default=["transport", "paper"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--tasks", nargs="+", default=[task.name for task in TASKS[:9]])
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / "evidence.tsv"
    done = pd.read_csv(path, sep="\t", keep_default_na=False, na_values=[""]) if path.exists() else pd.DataFrame()
    for rows in _missing(options, done):
        done = pd.concat([done, rows], ignore_index=True)
        done.to_csv(path, sep="\t", index=False)
    print(summary(done).to_string())


def _missing(options: argparse.Namespace, done: pd.DataFrame) -> Iterator[pd.DataFrame]:
    finished = set() if done.empty else set(zip(done["task"], done["preset"], done["seed"], strict=True))
    for task in (task for task in TASKS if task.name in options.tasks):
        adata = anndata.read_h5ad(options.data / task.file)
        for preset in options.preset:
            for seed in options.seeds:
                if (task.name, preset, seed) not in finished:
                    yield _one(task, adata, options.data, preset, seed, options.threads)


def _one(task: Task, adata: anndata.AnnData, data: Path, preset: str, seed: int, threads: int) -> pd.DataFrame:
    sets = tspg.read_gene_sets(next((data / "genesets").glob("h.all*.gmt.gz")))
    chosen = None if task.gene_set is None else sets.union() if task.gene_set == "all" else sets[task.gene_set]
    run = tspg.run(
        adata,
        label_column=task.label,
        group_column=task.group,
        target_class=task.target,
        gene_set=chosen,
        source_classes=task.sources,
        training=tspg.Training(preset=preset, folds=1, threads=threads),
        seed=seed,
    )
    rows = run.evidence.assign(
        task=task.name, preset=preset, seed=seed, f_accuracy=run.metrics["perturbation"]["f_accuracy"]
    )
    seconds = {f"seconds_{name}": run.seconds[name] for name in ("target_model", "generator", "evidence")}
    accuracy = run.metrics["target_model"]["test_accuracy"]
    print(task.name, preset, seed, {name: round(value, 1) for name, value in seconds.items()}, flush=True)
    return rows.assign(f_accuracy=run.metrics["perturbation"]["f_accuracy"], f_test_accuracy=accuracy, **seconds)


def summary(evidence: pd.DataFrame) -> pd.DataFrame:
    """Means over seeds: a row for each task and method, the generator once a preset."""
    named = evidence["method"].where(evidence["method"] != "generator", "generator " + evidence["preset"])
    shown = evidence.assign(method=named)[evidence["measure"].isin(SHOWN)]
    return shown.pivot_table(index=["task", "method"], columns="measure", values="value", sort=False)[SHOWN].round(3)


if __name__ == "__main__":
    main()
