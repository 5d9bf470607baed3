"""A synthetic study of GTEx's size and shape: 53 tissues of unequal size, related tissues, correlated genes, donors.

    python benchmarks/synthetic.py /tmp/gtex-like.h5ad [--samples 11688] [--genes 4386] [--classes 53]

Values are like log2(TPM + 1). Tissues come in families that share most of their profile; genes are
correlated within a tissue, in part as in all tissues and in part in its own way; lowly expressed genes
are 0 in many samples. Genes are named after the Hallmark collection, the first ones after its
apoptosis set, so that `--gene-set HALLMARK_APOPTOSIS` finds its 161 genes in it.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from anndata import AnnData
from numpy.typing import NDArray

from tspg.data.demo import demo_gene_sets

GTEX_SAMPLES, GTEX_GENES, GTEX_CLASSES = 11_688, 4_386, 53
A_FAMILY = 4  # tissues that are related
SHARED_FACTORS, OWN_FACTORS = 30, 5
SAMPLES_A_DONOR = 12


def gtex_like(
    n_samples: int = GTEX_SAMPLES, n_genes: int = GTEX_GENES, n_classes: int = GTEX_CLASSES, *, seed: int = 0
) -> AnnData:
    """A labelled matrix, samples x genes, with `obs` columns `tissue` and `donor`."""
    rng = np.random.default_rng([seed, n_samples, n_genes, n_classes])
    tissue = np.repeat(np.arange(n_classes), _sizes(n_samples, n_classes, rng))
    level = rng.gamma(2.0, 1.8, n_genes)
    family = rng.normal(0, 0.9, (-(-n_classes // A_FAMILY), n_genes))
    own = rng.normal(0, 0.8, (n_classes, n_genes)) * (rng.random((n_classes, n_genes)) < 0.3)
    means = level + family[np.arange(n_classes) // A_FAMILY] + own
    shared = rng.normal(0, 0.12, (SHARED_FACTORS, n_genes))
    values = np.empty((n_samples, n_genes), dtype=np.float32)
    for number in range(n_classes):
        rows = tissue == number
        n = int(rows.sum())
        together = rng.normal(0, 1, (n, SHARED_FACTORS)) * rng.uniform(0.5, 1.5, SHARED_FACTORS) @ shared
        apart = rng.normal(0, 1, (n, OWN_FACTORS)) @ rng.normal(0, 0.2, (OWN_FACTORS, n_genes))
        values[rows] = means[number] + together + apart + rng.normal(0, 0.4, (n, n_genes))
    np.maximum(values, 0.0, out=values)
    order = rng.permutation(n_samples)
    donors = [f"GTEX-{number:04d}" for number in rng.integers(0, max(2, n_samples // SAMPLES_A_DONOR), n_samples)]
    obs = pd.DataFrame(
        {"tissue": [f"Tissue {number + 1:02d}" for number in tissue[order]], "donor": donors},
        index=[f"S{number:05d}" for number in range(n_samples)],
    )
    return AnnData(values[order], obs=obs, var=pd.DataFrame(index=gene_names(n_genes)))


def _sizes(n_samples: int, n_classes: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Class sizes as uneven as GTEx's, 5 to some 560 samples at full size, every class with five or more."""
    share = rng.dirichlet(np.full(n_classes, 2.0))
    sizes = 5 + np.floor(share * (n_samples - 5 * n_classes)).astype(np.int64)
    sizes[0] += n_samples - sizes.sum()
    return sizes


def gene_names(n_genes: int) -> list[str]:
    """Hallmark genes, those of the apoptosis set first; beyond them made-up names."""
    sets = demo_gene_sets()
    first = sets["HALLMARK_APOPTOSIS"].genes
    names = [*first, *(gene for gene in sets.union().genes if gene not in set(first))]
    return [*names, *(f"GENE{number}" for number in range(max(0, n_genes - len(names))))][:n_genes]


def main() -> None:
    """Write the study as an H5AD file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--samples", type=int, default=GTEX_SAMPLES)
    parser.add_argument("--genes", type=int, default=GTEX_GENES)
    parser.add_argument("--classes", type=int, default=GTEX_CLASSES)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    gtex_like(options.samples, options.genes, options.classes, seed=options.seed).write_h5ad(options.file)


if __name__ == "__main__":
    main()
