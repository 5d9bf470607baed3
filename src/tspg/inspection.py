"""What is in my files? Answered before an hour of work."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from anndata import AnnData

from tspg.asking import configure
from tspg.config import DEFAULT_PRESET
from tspg.data.donors import Donors, find_donors
from tspg.data.doubts import doubled_samples
from tspg.data.genesets import GeneSets
from tspg.data.identifiers import FEWEST_GENES, is_known_gene, match_genes
from tspg.data.matrix import dense
from tspg.data.prepare import FloatMatrix, text_column
from tspg.data.scale import reason
from tspg.data.scale_found import scale_in
from tspg.errors import GeneSetError
from tspg.folds import AUTOMATIC, automatic_folds
from tspg.forecast import Forecast, forecast

MOST_CALLED_LIKE_GENES = 0.5  # share of samples; a few may be called MET or CAT


@dataclass(frozen=True)
class Inspection:
    """What the files hold; `lines()` is the text that `tspg inspect` prints.

    `donors` are the people that several samples each seem to come from. `coverage` has a row a gene set
    (`gene_set, n_genes, n_found, share`). `expected` is what one run at the default settings is expected
    to take here, with all genes and with those of a typical gene set.
    """

    file: str
    n_samples: int
    n_genes: int
    classes: dict[str, int]
    donors: Donors | None
    units: str
    reason: str
    coverage: pd.DataFrame
    notes: tuple[str, ...]
    expected: dict[str, Forecast]

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
        if self.donors is not None:
            text.append(_donors_line(self.donors))
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
        text += [f"Expect      {found} for one `tspg run` with {genes}" for genes, found in self.expected.items()]
        return text


def inspect_data(adata: AnnData, *, label_column: str | None = None, gene_sets: GeneSets | None = None) -> Inspection:
    """Samples, classes, units, gene-set coverage, warnings, and the time and memory a run will take.

    Parameters
    ----------
    adata
        Expression, samples x genes.
    label_column
        Column of `adata.obs` with the classes; None tells nothing of classes.
    gene_sets
        Collections whose genes are looked for in the matrix.

    Returns
    -------
    The findings as fields (`n_samples`, `classes`, `donors`, `units`, `coverage`, `notes`, `expected`, ...);
    `lines()` gives the text that `tspg inspect` prints.

    Examples
    --------
    >>> found = tspg.inspect_data(adata, label_column="subtype")
    >>> found.units
    'log scale'
    >>> found.classes["GI.MSI"]
    20
    >>> print(found.lines()[0])
    Expression  demo data: 153 samples x 50 genes
    """
    values = dense(adata)
    scale, _ = scale_in(adata, values)
    labels = [] if label_column is None else text_column(adata, label_column)
    classes = {str(name): int(count) for name, count in pd.Series(labels, dtype=object).value_counts().items()}
    sample_ids = list(map(str, adata.obs_names))
    described = adata.uns.get("tspg_input", {})
    coverage = gene_set_coverage(adata, gene_sets)
    return Inspection(
        file=str(described.get("file", "")),
        n_samples=adata.n_obs,
        n_genes=adata.n_vars,
        classes=classes,
        donors=find_donors(adata.obs, sample_ids, labels or [""] * adata.n_obs),
        units=scale.now,
        reason=reason(scale),
        coverage=coverage,
        notes=(*map(str, described.get("notes", [])), *_warnings(values, sample_ids, classes)),
        expected=_expected(adata.n_obs, adata.n_vars, classes, coverage),
    )


def _expected(n_samples: int, n_genes: int, classes: dict[str, int], coverage: pd.DataFrame) -> dict[str, Forecast]:
    """What a run will take with all genes, and with a gene set of the usual size; to the smallest class that can be."""
    sizes = {f"all {n_genes:,} genes": n_genes}
    usual = int(coverage["n_found"].median()) if len(coverage) else 0
    if usual >= FEWEST_GENES:
        sizes[f"a gene set of {usual:,} genes"] = usual
    config, n_classes, found = configure(DEFAULT_PRESET, target_class=""), max(len(classes), 2), {}
    possible = {name: n for name, n in classes.items() if n >= AUTOMATIC}
    smallest = min(possible, key=lambda name: possible[name], default="")
    for words, n in sizes.items():
        n_target = possible.get(smallest, 0)
        folds = automatic_folds(n_samples, n, n_classes, config, n_target=n_target, n_donors=n_target)
        told = f"{words}, with {folds} further fits as for target {smallest}" if folds > 1 else words
        found[told] = forecast(n_samples, n, n_classes, replace(config, folds=folds))
    return found


def _donors_line(donors: Donors) -> str:
    found = f"Donors      {donors.n_donors:,} {'by' if donors.column is None else 'in'} {donors.place}"
    across = f", {donors.n_spanning:,} across classes" if donors.n_spanning else ""
    step = "a column with them is needed:" if donors.column is None else "add"
    return f"{found}, {donors.n_repeated:,} with several samples{across}: {step} {donors.option}"


def _warnings(values: FloatMatrix, sample_ids: list[str], classes: dict[str, int]) -> list[str]:
    found = []
    if np.mean([is_known_gene(name) for name in sample_ids]) > MOST_CALLED_LIKE_GENES:
        found.append("The samples have names of genes. If genes are in the rows, say --transpose.")
    n_constant = int((values.min(axis=0) == values.max(axis=0)).sum())
    if n_constant:
        found.append(f"{n_constant:,} genes have the same value in every sample; they can never rank.")
    small = [f"{name} ({count})" for name, count in classes.items() if count < 20]
    if small:
        found.append(f"Classes under 20 samples: {', '.join(small)}. As a target they are uncertain.")
    return [*found, *doubled_samples(values, sample_ids)]


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
