"""All targets of one gene set: what sharing the reading, split, f and judges saves, and how long a whole study takes.

    python benchmarks/many_targets.py --out DIR [--targets 53] [--genes 158] [--processes 2]

Every target of the synthetic study of `synthetic.py` becomes an ordinary run folder with figures and report. The
targets are dealt out to some processes of one thread each. Beside it stands one target alone, by itself.
"""

import argparse
import os
import resource
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("OMP_NUM_THREADS", "1")

from synthetic import GTEX_CLASSES, gtex_like

import tspg
from tspg.utils.files import safe_name


def main() -> None:
    """Run one target alone and then all of them, and print what each took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--targets", type=int, default=GTEX_CLASSES)
    parser.add_argument("--genes", type=int, default=158)
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    names = [f"Tissue {number + 1:02d}" for number in range(options.targets)]
    alone = measure([names[:1]], options.out / "alone", options.genes)
    dealt = [names[start :: options.processes] for start in range(options.processes)]
    together = measure(dealt, options.out / "together", options.genes)
    print(f"one target alone: {alone[0]:.0f} s wall, {alone[1]:.0f} s CPU")
    print(f"{len(names)} targets in {options.processes} processes: {together[0]:.0f} s wall, {together[1]:.0f} s CPU")
    print(f"CPU a target, together against alone: {together[1] / len(names) / alone[1]:.2f}")


def measure(parts: list[list[str]], out: Path, n_genes: int) -> tuple[float, float]:
    """Wall and CPU seconds of some processes that answer some targets each."""
    started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    with ProcessPoolExecutor(len(parts), mp_context=get_context("spawn")) as pool:
        list(pool.map(answer, parts, [out] * len(parts), [n_genes] * len(parts)))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - started, cpu


def answer(targets: list[str], out: Path, n_genes: int) -> None:
    """Run and save some targets of the study."""
    adata = gtex_like(n_genes=n_genes)
    training = tspg.Training(folds=1, threads=1)
    runs = tspg.run_targets(
        adata, target_classes=targets, label_column="tissue", group_column="donor", training=training
    )
    for run in runs:
        tspg.save_run(run, out / safe_name(run.config.target_class))


if __name__ == "__main__":
    main()
