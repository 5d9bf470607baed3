"""How long figures take: heat maps of single samples, saved as SVG and PNG, and the t-SNE of 2,000 samples.

    python benchmarks/figures.py [--heat-maps 200] [--samples 2000] [--genes 158] [--rounds 3]

CPU seconds on made-up perturbations of ten classes, the least of some rounds; the map beside scikit-learn's t-SNE of
the real samples in the same round, since machines differ more than programs.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from anndata import AnnData
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from tspg.report.figures.embedding import choose, tsne_map
from tspg.report.figures.heatmap import plot_heatmap
from tspg.report.figures.save import save_figure

CLASSES = [f"Tissue {number:02}" for number in range(10)]


def perturbations_of(n_samples: int, n_genes: int) -> AnnData:
    """Samples of ten classes, each class around a profile of its own, moved to the last class."""
    rng = np.random.default_rng(0)
    number = np.arange(n_samples) * len(CLASSES) // n_samples
    means = rng.uniform(0.2, 0.8, (len(CLASSES), n_genes))
    own = rng.normal(0, 0.06, (n_samples, n_genes))
    original = np.clip(means[number] + own, 0, 1).astype(np.float32)
    moved = np.clip(means[-1] + own[::-1], 0, 1).astype(np.float32)
    source = np.array(CLASSES, dtype=object)[number]
    obs = pd.DataFrame(
        {"source_class": source, "predicted_before": source, "predicted_after": CLASSES[-1], "split": "test"},
        index=[f"sample-{i}" for i in range(n_samples)],
    )
    var = pd.DataFrame({"target_mean": means[-1]}, index=[f"GENE{i}" for i in range(n_genes)])
    layers = {"original": original, "perturbation": moved - original}
    facts = {"target_class": CLASSES[-1], "source_classes": CLASSES[:-1], "classes": CLASSES}
    return AnnData(moved, obs=obs, var=var, layers=layers, uns={"tspg": facts})


def draw_heat_maps(perturbations: AnnData, n_heat_maps: int) -> None:
    """Draw and save as many samples, each as a figure of its own."""
    with tempfile.TemporaryDirectory() as folder:
        for sample in np.resize(perturbations.obs_names.to_numpy(str), n_heat_maps):
            save_figure(plot_heatmap(perturbations, sample=sample), Path(folder), sample)


def cpu_seconds(work: Callable[[], object]) -> float:
    """What the processor spends on some work."""
    start = time.process_time()
    work()
    return time.process_time() - start


def main() -> None:
    """Print the CPU seconds of heat maps and of the map, and the map's share of scikit-learn's."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--heat-maps", type=int, default=200)
    parser.add_argument("--samples", type=int, default=2000)
    parser.add_argument("--genes", type=int, default=158)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    perturbations = perturbations_of(options.samples, options.genes)
    real = np.asarray(perturbations.layers["original"], np.float64)
    work = {
        "heat maps": lambda: draw_heat_maps(perturbations, options.heat_maps),
        "map": lambda: tsne_map(perturbations, choose(perturbations)),
        "scikit-learn": lambda: TSNE(random_state=0, n_jobs=1).fit_transform(real),
    }
    tsne_map(few := perturbations[::50].copy(), choose(few))  # imports are no part of the work
    with threadpool_limits(1):
        rounds = [{name: cpu_seconds(one) for name, one in work.items()} for _ in range(options.rounds)]
    least = {name: min(one[name] for one in rounds) for name in work}
    print(f"{options.heat_maps} heat maps, SVG and PNG: {least['heat maps']:.1f} s CPU")
    print(f"map of {options.samples:,} samples: {least['map']:.2f} s CPU")
    print(f"scikit-learn's t-SNE of them: {least['scikit-learn']:.2f} s CPU; the map takes ", end="")
    print(f"{min(one['map'] / one['scikit-learn'] for one in rounds):.2f} of it")


if __name__ == "__main__":
    main()
