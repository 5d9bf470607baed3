"""How large the folder of a sweep becomes: a rule of thumb from measured folders, good to a factor of two."""

# Bytes of a run folder: of any; for each gene (weights); for each sample; for each source class (enrichment tables).
# From runs on 810 x 35 to 195 of 12 classes (benchmarks/README.md). Moved profiles come to it, three float32 a cell.
OF_A_RUN = {
    "all": (7.5e6, 8200.0, 150.0, 4.5e5),
    "tables": (1.6e6, 300.0, 110.0, 4.5e5),
    "metrics": (6.5e4, 60.0, 0.0, 2.5e3),
}
BYTES_A_CELL = 12


def run_bytes(n_samples: int, n_genes: int, n_sources: int, keep: str) -> float:
    """Bytes of one run folder."""
    any_run, a_gene, a_sample, a_source = OF_A_RUN[keep]
    cells = BYTES_A_CELL * n_samples * n_genes if keep == "all" else 0
    return any_run + a_gene * n_genes + a_sample * n_samples + a_source * n_sources + cells


def study_bytes(n_samples: int, n_genes: int) -> float:
    """Bytes of a gene set's part of the matrix."""
    return 4.0 * n_samples * n_genes
