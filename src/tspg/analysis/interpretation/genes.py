"""Which genes a transformation turns up and down, and which come back from source to source."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from anndata import AnnData
from numpy.typing import NDArray

from tspg.analysis.interpretation.perturbations import source_classes_of
from tspg.data.prepare import Scaler
from tspg.errors import UsageError
from tspg.utils.names import as_names
from tspg.utils.options import MOST_GENES, check
from tspg.utils.schema import names, optional, whole

TOP_GENE_COLUMNS = (
    "source_class",
    "sample",
    "direction",
    "rank",
    "gene",
    "perturbation",
    "before",
    "after",
    "before_units",
    "after_units",
)


def top_genes(
    perturbations: AnnData, *, k: int = 20, direction: str | None = None, samples: Sequence[str] | None = None
) -> pd.DataFrame:
    """The genes that the transformation turns up and down most, for each source class or sample.

    Ranked by the effective change, after clipping (paper: the 20 most positively and negatively
    perturbed genes). A gene that was constant in training never ranks, and a gene ranks only in the
    direction in which it moved, so a list can be shorter than `k`.

    Parameters
    ----------
    perturbations
        Moved profiles: `run.perturbations`, or what `read_perturbations` or `TrainedModel.perturb` gave.
    k
        How many genes a list has at most.
    direction
        `up`, `down`, or None for both.
    samples
        Names of single samples to rank; None ranks the mean of every source class.

    Returns
    -------
    One row a gene. `sample` is empty for a class mean; `perturbation`, `before` and `after` are on
    the scaled [0, 1] axis, `before_units` and `after_units` in the units of the expression matrix.

    Raises
    ------
    UsageError
        If `direction` is anything else, or there is no such sample.

    Examples
    --------
    `run` is that of the example of `tspg.run`.

    >>> top = tspg.top_genes(run.perturbations, k=5, direction="up")
    >>> top["source_class"].unique().tolist()
    ['GI.CIN', 'GI.GS', 'GI.HM-SNV']
    >>> bool((top["after"] > top["before"]).all())
    True
    """
    samples = as_names(samples)
    check({"k": k, "samples": samples}, {"k": whole(1, MOST_GENES), "samples": optional(names())})
    directions = ("up", "down") if direction is None else (direction,)
    if not set(directions) <= {"up", "down"}:
        raise UsageError(f"direction is {direction!r}; `up` or `down` is needed.")
    scaler = Scaler(perturbations.var["minimum"].to_numpy(), perturbations.var["maximum"].to_numpy())
    genes = perturbations.var_names.to_numpy(dtype=object)
    parts = []
    for source_class, sample, before, after in _profiles(perturbations, samples):
        change = after - before
        before_units, after_units = scaler.inverse(before), scaler.inverse(after)
        for name in directions:
            top = _strongest(change if name == "up" else -change, ~scaler.constant, k)
            parts.append(
                pd.DataFrame(
                    {
                        "source_class": source_class,
                        "sample": sample,
                        "direction": name,
                        "rank": np.arange(1, len(top) + 1),
                        "gene": genes[top],
                        "perturbation": change[top],
                        "before": before[top],
                        "after": after[top],
                        "before_units": before_units[top],
                        "after_units": after_units[top],
                    }
                )
            )
    return _joined(parts)


def all_top_genes(perturbations: AnnData, *, k: int, samples: Sequence[str]) -> pd.DataFrame:
    """The table of a run folder: the top genes of every source class's mean, then of the samples asked for."""
    return _joined([top_genes(perturbations, k=k), top_genes(perturbations, k=k, samples=samples)])


def _joined(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    filled = [part for part in parts if len(part)]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=list(TOP_GENE_COLUMNS))


def _strongest(change: NDArray[np.float64], may_rank: NDArray[np.bool_], k: int) -> NDArray[np.int64]:
    """Positions of the `k` largest positive changes, largest first, ties in gene order."""
    eligible = np.flatnonzero(may_rank & (change > 0))
    return eligible[np.argsort(-change[eligible], kind="stable")[:k]]


def _profiles(
    perturbations: AnnData, samples: Sequence[str] | None
) -> Iterator[tuple[str, str, NDArray[np.float64], NDArray[np.float64]]]:
    """Source class, sample name, profile before and after: class means, or the samples asked for."""
    original, perturbed = perturbations.layers["original"], np.asarray(perturbations.X)
    classes = perturbations.obs["source_class"].to_numpy(dtype=object)
    if samples is None:
        for source_class in source_classes_of(perturbations):
            rows = classes == source_class
            yield (
                source_class,
                "",
                original[rows].mean(axis=0, dtype=np.float64),
                perturbed[rows].mean(axis=0, dtype=np.float64),
            )
        return
    row_of = {str(name): row for row, name in enumerate(perturbations.obs_names)}
    unknown = [name for name in samples if name not in row_of]
    if unknown:
        raise UsageError(f"There is no sample {unknown[0]!r} among the {len(row_of)} samples of this run.")
    for name in samples:
        row = row_of[name]
        yield str(classes[row]), name, original[row].astype(np.float64), perturbed[row].astype(np.float64)


def gene_overlap(top: pd.DataFrame) -> pd.DataFrame:
    """How often each gene is among the top genes of the source classes (the paper's "85" up and "642" down).

    Takes the class means' rows of `top_genes`. One row a direction and gene: in how many of the
    `n_sources_total` lists it stands, its mean perturbation there, and how many distinct genes the
    direction has in all. A gene in every list turns the target on; a gene in one list turns that source off.

    Parameters
    ----------
    top
        A table of `top_genes`, or `run.top_genes`.

    Examples
    --------
    >>> overlap = tspg.gene_overlap(run.top_genes)
    >>> int(overlap["n_sources_total"].iloc[0])
    3
    >>> in_every_list = overlap[overlap["n_sources"] == 3]
    >>> set(in_every_list["gene"]) <= set(run.top_genes["gene"])
    True
    """
    means = top[top["sample"] == ""]
    counted = means.groupby(["direction", "gene"], as_index=False, sort=True).agg(
        n_sources=("source_class", "nunique"), mean_perturbation=("perturbation", "mean")
    )
    counted["n_sources_total"] = means["source_class"].nunique()
    counted["n_distinct"] = counted.groupby("direction")["gene"].transform("size")
    up_first = counted["direction"].map({"up": 0, "down": 1})
    order = pd.DataFrame({"up": up_first, "often": -counted["n_sources"], "gene": counted["gene"]}).sort_values(
        ["up", "often", "gene"]
    )
    columns = ["direction", "gene", "n_sources", "n_sources_total", "mean_perturbation", "n_distinct"]
    return counted.loc[order.index, columns].reset_index(drop=True)


def compare_targets(top: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Which genes several targets share from the same source, and which only one needs (paper, Fig. 5).

    `top` maps each target class to its table of top genes; only the class means of source classes
    that all of them moved are compared.

    Returns
    -------
    One row a source class, direction and gene: in how many targets' lists it stands (`n_targets` of
    `n_targets_total`), which ones (`targets`, joined by "; "), its rank in each (`rank in <target>`,
    empty where it is not listed); shared genes first.

    Raises
    ------
    UsageError
        If no source class is in all tables.
    """
    parts = {target: table[table["sample"] == ""].assign(target=target) for target, table in top.items()}
    common = set.intersection(*(set(part["source_class"]) for part in parts.values()))
    if not common:
        raise UsageError("The runs share no source class. Compare runs that move the same class to several targets.")
    joined = pd.concat(parts.values(), ignore_index=True)
    joined = joined[joined["source_class"].isin(common)]
    ranks = joined.pivot_table(index=["source_class", "direction", "gene"], columns="target", values="rank")
    ranks = ranks.reindex(columns=list(parts))
    listed = ranks.notna()
    table = pd.DataFrame(
        {
            "n_targets": listed.sum(axis=1),
            "n_targets_total": len(parts),
            "targets": ["; ".join(ranks.columns[row]) for row in listed.to_numpy()],
            "best": ranks.min(axis=1),
        }
    )
    table = table.join(ranks.astype("Int64").add_prefix("rank in ")).reset_index()
    table["up_first"] = table["direction"].map({"up": 0, "down": 1})
    order = table.sort_values(
        ["source_class", "up_first", "n_targets", "targets", "best", "gene"],
        ascending=[True, True, False, True, True, True],
    )
    return order.drop(columns=["up_first", "best"]).reset_index(drop=True)
