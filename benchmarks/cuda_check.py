"""Does `--device cuda` do what the CPU does, and from which size on is it faster? Needs a CUDA device.

    python benchmarks/cuda_check.py [--samples 3000] [--genes 158 1000 4386 10000] [--steps 300]

The same task twice at each size, preset `paper`. Seeds are the same, but sums are rounded in another order, so
training drifts apart: each rate and ratio of the evidence on the GPU has to lie in the 95% interval of the CPU's, or
within TOLERANCE of it. Exit code 0: it does; 1: it does not; 2: there is no CUDA device.
"""

import argparse
import sys

import machine
import pandas as pd
import torch
from synthetic import gtex_like

import tspg

TOLERANCE = 0.05
MEASURES = ("hit_rate_f", "hit_rate_logistic", "energy_ratio", "variance_ratio", "gene_correlation", "individuality")


def evidence_and_seconds(adata: object, device: str, steps: int) -> tuple[pd.DataFrame, float]:
    """The evidence about the generator, by measure, and the wall seconds of training f and G."""
    training = tspg.Training(preset="paper", steps=steps, device=device, folds=1)
    run = tspg.run(
        adata, label_column="tissue", group_column="donor", target_class="Tissue 02", annotations=[], training=training
    )
    evidence = run.evidence[run.evidence["method"] == "generator"].set_index("measure").loc[list(MEASURES)]
    return evidence, run.seconds["target_model"] + run.seconds["generator"]


def differing(cpu: pd.DataFrame, gpu: pd.DataFrame) -> pd.DataFrame:
    """The measures in which the two do not agree."""
    low, high = cpu["low"].fillna(cpu["value"]) - TOLERANCE, cpu["high"].fillna(cpu["value"]) + TOLERANCE
    agrees = gpu["value"].between(low, high) | (cpu["value"].isna() & gpu["value"].isna())
    return pd.DataFrame({"CPU": cpu["value"], "GPU": gpu["value"]})[~agrees]


def main() -> int:
    """Compare at every size and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=3000)
    parser.add_argument("--genes", type=int, nargs="+", default=[158, 1000, 4386, 10_000])
    parser.add_argument("--classes", type=int, default=8)
    parser.add_argument("--steps", type=int, default=300)
    options = parser.parse_args()
    if not torch.cuda.is_available():
        print("There is no CUDA device here; nothing was checked.")
        return 2
    print(torch.cuda.get_device_name())
    warm_up = gtex_like(200, 50, options.classes)
    evidence_and_seconds(warm_up, "cuda", 2)  # loads the libraries
    all_agree, faster_from = True, None
    for genes in sorted(options.genes):
        adata = gtex_like(options.samples, genes, options.classes)
        (cpu, cpu_seconds), (gpu, gpu_seconds) = (
            evidence_and_seconds(adata, device, options.steps) for device in ("cpu", "cuda")
        )
        wrong = differing(cpu, gpu)
        all_agree &= wrong.empty
        if faster_from is None and gpu_seconds < cpu_seconds:
            faster_from = genes
        print(f"{options.samples} x {genes}: CPU {cpu_seconds:.1f} s, GPU {gpu_seconds:.1f} s", flush=True)
        if not wrong.empty:
            print(wrong.to_string())
    print("The GPU is faster from", f"{faster_from} genes on." if faster_from else "none of these sizes on.")
    print(machine.line())
    return 0 if all_agree else 1


if __name__ == "__main__":
    sys.exit(main())
