"""What the files hold, and what a run with them will take: known before an hour of work."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData

from tspg.data.checks import doubled_samples, warning_about_description
from tspg.data.donors import Donors, find_donors
from tspg.data.genesets import GeneSets
from tspg.data.identifiers import EXACT, FEWEST_GENES, AvailableGenes, is_known_gene, looks_like
from tspg.data.matrix import dense
from tspg.data.mismatch import POOR, Mismatch
from tspg.data.orientation import Orientation
from tspg.data.prepare import text_column
from tspg.data.scale import reason
from tspg.data.scale_detection import scale_in
from tspg.errors import GeneSetError
from tspg.experiment.estimate import ResourceEstimate, estimate_resources
from tspg.experiment.task import AUTOMATIC_FOLDS, automatic_folds
from tspg.model.config import Training
from tspg.utils.names import listed
from tspg.utils.typing import Float32Array

MOST_CALLED_LIKE_GENES = 0.5  # share of samples; a few may be called MET or CAT
MOST_ON_LINES, MOST_SIDE_BY_SIDE = 12, 20  # classes: so many on a line each; of more, the first 20 side by side
POOREST, FEW_NAMES = 5, 3
DONORS = ("column", "rule", "n_donors", "n_repeated", "n_spanning", "option")  # fields of them in JSON
_WIDTH, _INDENT = 100, " " * 12


@dataclass(frozen=True)
class GeneSetsFound:
    """What a matrix holds of gene sets: `coverage` has a row a set, `gene_set, n_genes, n_found, share, matched_by`.

    `mismatch` is the likely reason where hardly any gene of any set is found; `wanted` and `available` are the first
    names of both sides. `notes` say how the sets were read, and why a run would refuse one of them.
    """

    coverage: pd.DataFrame
    mismatch: Mismatch | None = None
    wanted: tuple[str, ...] = ()
    available: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def matched_by(self) -> list[str]:
        """The ways in which genes were matched, other than by the same name."""
        ways = self.coverage["matched_by"].unique()
        return sorted({way for words in ways for way in words.split(", ")} - {EXACT, ""})

    def lines(self) -> Iterator[str]:
        """What a user should know of them."""
        share = self.coverage["share"]
        end = "; the poorest:" if len(share) > 1 else ""
        yield f"Gene sets   {len(share)}: {share.median():.0%} of a set's genes are found (median){end}"
        poorest = self.coverage.sort_values("share", kind="stable").head(POOREST)
        yield from (f"{_INDENT}  {row.n_found:>4} of {row.n_genes:<4} {row.gene_set}" for row in poorest.itertuples())
        if self.matched_by:
            yield f"{_INDENT}  found by another form of their names ({', '.join(self.matched_by)})"
        if self.mismatch is not None:
            both = f"Sets: {listed(self.wanted)}, … Matrix: {listed(self.available)}, …"
            yield f"{_INDENT}  Hardly any gene is found. {both}"
            yield f"{_INDENT}  {self.mismatch.looks('the genes of the sets')}"
            yield f"{_INDENT}  {self.mismatch.step}"

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        reason = self.mismatch
        return {
            "n_sets": len(self.coverage),
            "median_share": float(self.coverage["share"].median()),
            "matched_by": self.matched_by,
            "look_like": None if reason is None else str(reason.wanted),
            "matrix_looks_like": None if reason is None else str(reason.available),
            "reason": "" if reason is None else reason.sentence(),
            "first_genes": list(self.wanted),
            "first_genes_of_matrix": list(self.available),
            "sets": self.coverage.to_dict("records"),
        }


@dataclass(frozen=True)
class Expected:
    """What one run is expected to take with so many genes; `folds` further fits are those for the `target` class."""

    genes: str
    n_genes: int
    folds: int
    target: str
    estimate: ResourceEstimate

    def __str__(self) -> str:
        """In words."""
        folds = f" ({self.folds} extra fits; {self.target}, the smallest class, as target)" if self.folds > 1 else ""
        genes = f"all {self.n_genes:,} genes" if self.genes == "all" else f"a gene set of {self.n_genes:,} genes"
        return f"{self.estimate} for one `tspg run` with {genes}{folds}"

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        values = asdict(self)
        estimate = values.pop("estimate")
        return {**values, **estimate}


@dataclass(frozen=True)
class Inspection:
    """What the files hold; `lines()` is the text that `tspg inspect` prints, `as_dict()` what `--json` does.

    `read` is what reading found: `layout`, `orientation`, `scale`, `left_out` rows and columns, and how
    labels were joined to samples, `join`. `donors` are the people that several samples each seem to come from.
    `gene_sets` is what the matrix holds of them, None if none are given. `expected` is what one run at the
    default settings is expected to take here, with all genes and with those of a typical gene set.
    """

    file: str
    n_samples: int
    n_genes: int
    classes: dict[str, int]
    donors: Donors | None
    units: str
    reason: str
    gene_sets: GeneSetsFound | None
    notes: tuple[str, ...]
    expected: tuple[Expected, ...]
    read: dict[str, Any] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """The findings as lines of plain text."""
        layouts, joins = _read_lines(self.read)
        return [
            f"Expression  {self.file}: {self.n_samples:,} samples x {self.n_genes:,} genes",
            *layouts,
            f"Units       {self.units} ({self.reason})",
            *_class_lines(self.classes),
            *joins,
            *([] if self.donors is None else [_donors_line(self.donors)]),
            *([] if self.gene_sets is None else self.gene_sets.lines()),
            *(f"Note        {note}" for note in self.notes),
            *(f"Expect      {one}" for one in self.expected),
        ]

    def as_dict(self) -> dict[str, Any]:
        """The findings as plain values: what `tspg inspect --json` prints, described in docs/reference/files.md."""
        left_out = self.read.get("left_out") or {}
        return {
            "file": self.file,
            "layout": self.read.get("layout") or "",
            "orientation": self.read.get("orientation") or "",
            "n_samples": self.n_samples,
            "n_genes": self.n_genes,
            "left_out": {side: list(map(str, left_out.get(side, ()))) for side in ("rows", "columns")},
            "units": self.units,
            "reason": self.reason,
            "scale": _plain(self.read.get("scale")),
            "classes": self.classes,
            "join": _plain(self.read.get("join")),
            "donors": None if self.donors is None else {name: getattr(self.donors, name) for name in DONORS},
            "gene_sets": None if self.gene_sets is None else self.gene_sets.as_dict(),
            "notes": list(self.notes),
            "expected": [one.as_dict() for one in self.expected],
        }


def _plain(value: Any) -> Any:
    """Values that JSON knows; what is not a finite number is null."""
    value = value.tolist() if isinstance(value, np.ndarray | np.generic) else value
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()} or None
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int) else str(value)


def _class_lines(classes: Mapping[str, int]) -> Iterator[str]:
    if not classes:
        yield "Classes     none given (--labels FILE or --label-column NAME)"
        return
    yield f"Classes     {len(classes)}:"
    if len(classes) <= MOST_ON_LINES:
        yield from (f"{_INDENT}  {count:>6,}  {name}" for name, count in classes.items())
        return
    line = ""
    for part in [f"{count:,} {name}" for name, count in list(classes.items())[:MOST_SIDE_BY_SIDE]]:
        if line and len(line) + len(part) + 2 > _WIDTH - len(_INDENT):
            yield f"{_INDENT}  {line},"
            line = ""
        line = f"{line}, {part}" if line else part
    yield f"{_INDENT}  {line}"
    if sizes := list(classes.values())[MOST_SIDE_BY_SIDE:]:
        yield f"{_INDENT}  and {len(sizes):,} more with {max(sizes):,} to {min(sizes):,} samples"


def _read_lines(read: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """What the file is, where that is more than samples in rows; and how samples were joined to labels."""
    layout, orientation = str(read.get("layout") or ""), str(read.get("orientation") or "")
    layouts, joins, join = [], [], read.get("join") or {}
    if layout or orientation == Orientation.GENES_IN_ROWS:
        layouts.append(f"Layout      {', '.join(filter(None, (layout, orientation)))}")
    if join:
        by = f" by column {str(join['column'])!r}" if join.get("column") else ""
        how = str(join.get("how") or EXACT)
        joins.append(
            f"Joined      {join.get('n_matched', 0):,} of {join.get('n_samples', 0):,} samples are among "
            f"{join.get('n_labels', 0):,} labelled ones{by}{'' if how == EXACT else f' ({how})'}"
        )
    return layouts, joins


def inspect_data(adata: AnnData, *, label_column: str | None = None, gene_sets: GeneSets | None = None) -> Inspection:
    """Samples, classes, units, gene-set coverage, warnings, and the time and memory a run will take.

    Parameters
    ----------
    adata
        Expression, samples x genes.
    label_column
        Column of `adata.obs` with the classes; None leaves classes out.
    gene_sets
        Collections whose genes are looked for in the matrix.

    Returns
    -------
    The findings as fields (`n_samples`, `classes`, `donors`, `units`, `gene_sets`, `notes`, `expected`, ...);
    `lines()` gives the text that `tspg inspect` prints, `as_dict()` the same as plain values.

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
    found = None if gene_sets is None else find_gene_sets(adata, gene_sets)
    notes = [*map(str, described.get("notes", [])), *(() if found is None else found.notes)]
    return Inspection(
        file=str(described.get("file", "")),
        n_samples=adata.n_obs,
        n_genes=adata.n_vars,
        classes=classes,
        donors=find_donors(adata.obs, sample_ids, labels or [""] * adata.n_obs),
        units=scale.now,
        reason=reason(scale),
        gene_sets=found,
        notes=tuple(dict.fromkeys([*notes, *_warnings(values, sample_ids, classes)])),
        expected=_expected(adata.n_obs, adata.n_vars, classes, found),
        read={name: described.get(name) for name in ("layout", "orientation", "scale", "left_out", "join")},
    )


def _expected(
    n_samples: int, n_genes: int, classes: dict[str, int], gene_sets: GeneSetsFound | None
) -> tuple[Expected, ...]:
    """What a run will take with all genes, and with a gene set of the usual size; to the smallest class that can be."""
    sizes = {"all": n_genes}
    usual = 0 if gene_sets is None else int(gene_sets.coverage["n_found"].median())
    if usual >= FEWEST_GENES:
        sizes["gene set"] = usual
    config, n_classes, found = Training().config(target_class=""), max(len(classes), 2), []
    possible = {name: n for name, n in classes.items() if n >= AUTOMATIC_FOLDS}
    smallest = min(possible, key=lambda name: possible[name], default="")
    n_target = possible.get(smallest, 0)
    for genes, n in sizes.items():
        folds = automatic_folds(n_samples, n, n_classes, config, n_target=n_target, n_donors=n_target)
        estimate = estimate_resources(n_samples, n, n_classes, replace(config, folds=folds))
        found.append(Expected(genes, n, folds, smallest, estimate))
    return tuple(found)


def _donors_line(donors: Donors) -> str:
    found = f"Donors      {donors.n_donors:,} {'by' if donors.column is None else 'in'} {donors.place}"
    across = f", {donors.n_spanning:,} across classes" if donors.n_spanning else ""
    step = "add them as a column:" if donors.column is None else "add"
    return f"{found}, {donors.n_repeated:,} with several samples{across}: {step} {donors.option}"


def _warnings(values: Float32Array, sample_ids: list[str], classes: dict[str, int]) -> list[str]:
    found = []
    if np.mean([is_known_gene(name) for name in sample_ids]) > MOST_CALLED_LIKE_GENES:
        found.append("The samples have names of genes. If genes are in the rows, add --transpose.")
    n_constant = int((values.min(axis=0) == values.max(axis=0)).sum())
    if n_constant:
        found.append(f"{n_constant:,} genes have the same value in every sample; they say nothing about classes.")
    small = [f"{name} ({count})" for name, count in classes.items() if count < 20]
    if small:
        found.append(f"Classes under 20 samples: {', '.join(small)}. As a target they are uncertain.")
    return [*found, *doubled_samples(values, sample_ids)]


def find_gene_sets(adata: AnnData, gene_sets: GeneSets) -> GeneSetsFound:
    """How many genes of each set the matrix holds, and why if hardly any."""
    available = AvailableGenes([str(gene) for gene in adata.var_names])
    rows, faults = [], []
    for name, gene_set in gene_sets.items():
        n_genes, n_found, how = len(gene_set.genes), 0, ""
        try:
            positions, ways = available.find(gene_set.genes)
            n_found, how = len(positions), ", ".join(ways)
        except GeneSetError as error:  # two versions of one gene, which a run refuses
            faults.append(str(error))
        rows.append((name, n_genes, n_found, n_found / n_genes, how))
    coverage = pd.DataFrame(rows, columns=["gene_set", "n_genes", "n_found", "share", "matched_by"])
    of_matrix = set(available.names)
    lost = [one for one in gene_sets.values() if one.description in of_matrix and one.description not in one.genes]
    first_lost = [warning_about_description(lost[0])] if 2 * len(lost) > len(gene_sets) else []
    notes = (*gene_sets.notes, *first_lost, *faults[:1])
    if coverage["share"].max() >= POOR or faults:
        return GeneSetsFound(coverage, notes=notes)
    wanted = gene_sets.union().genes
    mismatch = Mismatch(looks_like(wanted), available.kind)
    return GeneSetsFound(coverage, mismatch, wanted[:FEW_NAMES], tuple(available.names[:FEW_NAMES]), notes)
