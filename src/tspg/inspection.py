"""What is in my files? Answered before an hour of work."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from anndata import AnnData

from tspg.config import PaperConfig, TargetModelConfig
from tspg.data.genesets import GeneSets
from tspg.data.identifiers import match_genes
from tspg.data.prepare import FloatMatrix, dense, text_column
from tspg.data.units import guess_units
from tspg.errors import GeneSetError

# Arithmetic speed that a training step reaches on one core of a laptop; the estimate it gives is
# good to about a factor of two.
FLOP_PER_SECOND_AND_THREAD = 6e10
SECONDS_AROUND = 15  # reading, evidence, figures and report
BYTES_OF_NETWORKS_AND_LIBRARIES = 6e8
COPIES_OF_MATRIX = 6  # as read, scaled, perturbed, change, and temporaries of figures and evidence


@dataclass(frozen=True)
class Inspection:
    """What the files hold; `lines()` is the text that `tspg inspect` prints.

    `coverage` has a row a gene set (`gene_set, n_genes, n_found, share`). `seconds` and
    `memory_gb` are what one run at the paper's settings on all genes is expected to take.
    """

    file: str
    n_samples: int
    n_genes: int
    classes: dict[str, int]
    units: str
    reason: str
    coverage: pd.DataFrame
    notes: tuple[str, ...]
    seconds: float
    memory_gb: float

    def lines(self) -> list[str]:
        """The findings as lines of plain text."""
        text = [
            f"Expression  {self.file}: {self.n_samples:,} samples x {self.n_genes:,} genes",
            f"Units       {self.units} ({self.reason})",
        ]
        if self.classes:
            text.append(f"Classes     {len(self.classes)}:")
            text += [f"              {count:>6,}  {name}" for name, count in self.classes.items()]
        else:
            text.append("Classes     none given (--labels FILE or --label-column NAME)")
        if len(self.coverage):
            text.append(
                f"Gene sets   {len(self.coverage)}: {self.coverage['share'].median():.0%} of a set's genes "
                "are found (median); the poorest are"
            )
            poorest = self.coverage.sort_values("share", kind="stable").head(5)
            text += [
                f"              {row.n_found:>4} of {row.n_genes:<4} {row.gene_set}" for row in poorest.itertuples()
            ]
        text += [f"Note        {note}" for note in self.notes]
        text.append(
            f"Expect      about {_duration(self.seconds)} and {self.memory_gb:.1f} GB for one run on all these genes "
            "with --preset paper; the default preset takes less"
            " (preset paper, 2 threads)"
        )
        return text


def _duration(seconds: float) -> str:
    return (
        f"{seconds:.0f} s"
        if seconds < 90
        else f"{seconds / 60:.0f} min"
        if seconds < 5400
        else f"{seconds / 3600:.1f} h"
    )


def inspect_data(
    adata: AnnData, *, label_column: str | None = None, gene_sets: GeneSets | None = None, threads: int = 2
) -> Inspection:
    """Samples, classes, units, gene-set coverage, warnings, and the time and memory a run will take."""
    values = dense(adata)
    units, reason = guess_units(values)
    classes = {} if label_column is None else _class_counts(adata, label_column)
    described = adata.uns.get("tspg_input", {})
    return Inspection(
        file=str(described.get("file", "")),
        n_samples=adata.n_obs,
        n_genes=adata.n_vars,
        classes=classes,
        units=units,
        reason=reason,
        coverage=gene_set_coverage(adata, gene_sets),
        notes=(*map(str, described.get("notes", [])), *_warnings(values, classes)),
        seconds=expected_seconds(adata.n_obs, adata.n_vars, max(len(classes), 2), threads=threads),
        memory_gb=expected_memory_gb(adata.n_obs, adata.n_vars),
    )


def _class_counts(adata: AnnData, label_column: str) -> dict[str, int]:
    counts = pd.Series(text_column(adata, label_column)).value_counts()
    return {str(name): int(count) for name, count in counts.items()}


def _warnings(values: FloatMatrix, classes: dict[str, int]) -> list[str]:
    found = []
    n_constant = int((values.min(axis=0) == values.max(axis=0)).sum())
    if n_constant:
        found.append(f"{n_constant:,} genes have the same value in every sample; they can never rank.")
    small = [f"{name} ({count})" for name, count in classes.items() if count < 20]
    if small:
        found.append(f"Classes under 20 samples: {', '.join(small)}. As a target they are uncertain.")
    _, first = np.unique(values, axis=0, return_index=True) if len(values) <= 2000 else (None, np.arange(len(values)))
    if len(first) < len(values):
        found.append(f"{len(values) - len(first)} samples have exactly the profile of another one.")
    return found


def gene_set_coverage(adata: AnnData, gene_sets: GeneSets | None) -> pd.DataFrame:
    """How many genes of each set the matrix holds: one row a set."""
    available = [str(gene) for gene in adata.var_names]
    rows = []
    for name, gene_set in (gene_sets or {}).items():
        try:
            n_found = len(match_genes(gene_set.genes, available, name=name).found)
        except GeneSetError:
            n_found = 0
        rows.append((name, len(gene_set.genes), n_found, n_found / len(gene_set.genes)))
    return pd.DataFrame(rows, columns=["gene_set", "n_genes", "n_found", "share"])


def expected_seconds(n_samples: int, n_genes: int, n_classes: int, *, threads: int) -> float:
    """Seconds that training f and G at the paper's settings is expected to take."""
    f, g = TargetModelConfig(), PaperConfig()
    n_train = 0.8 * n_samples
    weights_f = _weights([n_genes, *f.hidden_units, n_classes])
    weights_g = _weights([n_genes, *g.down_units, *[g.down_units[-1]] * 2 * g.residual_blocks, *g.up_units, n_genes])
    weights_d = _weights([n_genes, *g.discriminator_units, 1])
    # A product costs 2 FLOP a weight and sample forward and 4 more backward; D runs three times a step, f once.
    flop = n_train * (f.epochs * 6 * weights_f + g.epochs * (6 * weights_g + 16 * weights_d + 4 * weights_f))
    return flop / (FLOP_PER_SECOND_AND_THREAD * threads) + SECONDS_AROUND


def _weights(widths: list[int]) -> int:
    return sum(before * after for before, after in pairwise(widths))


def expected_memory_gb(n_samples: int, n_genes: int) -> float:
    """Gigabytes that one run is expected to need at its peak."""
    networks = 16 * 3 * 1024 * n_genes  # weights, gradients and two moments of the layers as wide as the genes
    return (4 * n_samples * n_genes * COPIES_OF_MATRIX + networks + BYTES_OF_NETWORKS_AND_LIBRARIES) / 1e9
