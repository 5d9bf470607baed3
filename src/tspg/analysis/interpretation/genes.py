"""Which genes a transformation turns up and down, and which come back from source to source."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from anndata import AnnData
from numpy.typing import NDArray

from tspg.analysis.interpretation.agreement import DIRECTIONS, ranked
from tspg.analysis.interpretation.class_genes import ALL_SOURCES, SURE
from tspg.analysis.interpretation.perturbations import source_classes_of
from tspg.data.prepare import Scaler
from tspg.errors import UsageError
from tspg.utils.names import as_names
from tspg.utils.options import MOST_GENES, check
from tspg.utils.schema import names, optional, whole

TOP_GENE_COLUMNS = (
    *("source_class", "sample", "direction", "rank", "gene", "perturbation", "before", "after"),
    *("before_units", "after_units"),
)


def top_genes(
    adata: AnnData, *, k: int = 20, direction: str | None = None, samples: Sequence[str] | None = None
) -> pd.DataFrame:
    """The genes that the transformation turns up and down most, for each source class or sample.

    Ranked by the effective change, after clipping (paper: the 20 most positively and negatively
    perturbed genes). A gene that was constant in training never ranks, and a gene ranks only in the
    direction in which it moved, so a list can be shorter than `k`.

    Parameters
    ----------
    adata
        Moved profiles: `run.perturbations`, or what `read_perturbations` or `TrainedModel.perturb` gave.
    k
        How many genes a list has at most.
    direction
        `up`, `down`, or None for both.
    samples
        Names of single samples to rank; None ranks the mean of every source class.

    Returns
    -------
    One row per gene. `sample` is empty for a class mean; `perturbation`, `before` and `after` are on
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
    directions = DIRECTIONS if direction is None else (direction,)
    if not set(directions) <= set(DIRECTIONS):
        raise UsageError(f"direction is {direction!r}; `up` or `down` is needed.")
    scaler = Scaler(adata.var["minimum"].to_numpy(), adata.var["maximum"].to_numpy())
    genes = adata.var_names.to_numpy(dtype=object)
    parts = []
    for source_class, sample, before, after in _profiles(adata, samples):
        change = after - before
        before_units, after_units = scaler.inverse(before), scaler.inverse(after)
        for name in directions:
            top = ranked(change, ~scaler.constant, k, name)
            columns = {
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
            parts.append(pd.DataFrame(columns))
    return _joined(parts)


def all_top_genes(adata: AnnData, *, k: int, samples: Sequence[str]) -> pd.DataFrame:
    """The table of a run folder: the top genes of every source class's mean, then of the samples asked for."""
    return _joined([top_genes(adata, k=k), top_genes(adata, k=k, samples=samples)])


def _joined(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    filled = [part for part in parts if len(part)]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=list(TOP_GENE_COLUMNS))


def _profiles(
    adata: AnnData, samples: Sequence[str] | None
) -> Iterator[tuple[str, str, NDArray[np.float64], NDArray[np.float64]]]:
    """Source class, sample name, profile before and after: class means, or the samples asked for."""
    original, moved = adata.layers["original"], np.asarray(adata.X)
    classes = adata.obs["source_class"].to_numpy(dtype=object)
    row_of = {str(name): row for row, name in enumerate(adata.obs_names)}
    if unknown := [name for name in samples or () if name not in row_of]:
        raise UsageError(f"There is no sample {unknown[0]!r} among the {len(row_of)} samples of this run.")
    for name in source_classes_of(adata) if samples is None else samples:
        rows = classes == name if samples is None else [row_of[name]]
        before, after = (values[rows].mean(axis=0, dtype=np.float64) for values in (original, moved))
        source_class, sample = (name, "") if samples is None else (str(classes[row_of[name]]), name)
        yield source_class, sample, before, after


def gene_overlap(top: pd.DataFrame) -> pd.DataFrame:
    """How often each gene is among the top genes of the source classes (the paper's "85" up and "642" down).

    Takes the class means' rows of `top_genes`. One row per direction and gene: in how many of the
    `n_sources_total` lists it is, its mean perturbation there, and how many distinct genes the
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
    columns = ["direction", "gene", "n_sources", "n_sources_total", "mean_perturbation", "n_distinct"]
    ordered = counted.sort_values(["direction", "n_sources", "gene"], ascending=[False, False, True])  # up first
    return ordered[columns].reset_index(drop=True)


def compare_targets(top: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Which genes several targets share from the same source, and which only one needs (paper, Fig. 5).

    `top` maps each target class to its table of top genes; only the class means of source classes
    that all of them moved are compared.

    Returns
    -------
    One row per source class, direction and gene: in how many targets' lists it is (`n_targets` of
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
    keys = ["source_class", "direction", "n_targets", "targets", "best", "gene"]
    order = table.sort_values(keys, ascending=[True, False, False, True, True, True])  # up first
    return order.drop(columns="best").reset_index(drop=True)


def compare_genes(tables: Mapping[str, pd.DataFrame], sources: Sequence[str]) -> pd.DataFrame:
    """Every gene of several runs side by side: its difference, q and rank in each target, from the same sources.

    `tables` maps each target class to its `genes.tsv`; the empty source is all source samples of a run together.

    Returns
    -------
    One row per source class and gene. `n_targets_up` and `n_targets_down` say in how many of the `n_targets_total` it
    is surely (q below .05) higher or lower; `difference in TARGET`, `q in TARGET` and `rank in TARGET` (by t, in its
    direction) are empty where the run has no such gene.
    """
    parts = []
    for source in sources:
        part = pd.DataFrame(index=pd.Index([], name="gene", dtype=object))
        n_up = n_down = pd.Series(dtype=float)
        for target, table in tables.items():
            own = table[table["source_class"] == source].set_index("gene")
            sure = own["q_value"] < SURE
            n_up = n_up.add((sure & (own["difference"] > 0)).astype(float), fill_value=0.0)
            n_down = n_down.add((sure & (own["difference"] < 0)).astype(float), fill_value=0.0)
            shown = own[["difference", "q_value"]].assign(rank=own["rank_up"].fillna(own["rank_down"]).astype("Int64"))
            part = part.join(
                shown.set_axis([f"{name} in {target}" for name in ("difference", "q", "rank")], axis=1), how="outer"
            )
        counts = {"n_targets_up": n_up, "n_targets_down": n_down}
        for place, (name, count) in enumerate(counts.items()):
            part.insert(place, name, count.reindex(part.index).fillna(0).astype(int))
        part.insert(2, "n_targets_total", len(tables))
        parts.append(part.rename_axis("gene").reset_index().assign(source_class=source))
    joined = pd.concat(parts, ignore_index=True)
    return joined[["source_class", *(name for name in joined if name != "source_class")]]


def compared_sources(tables: Mapping[str, pd.DataFrame]) -> list[str]:
    """The sources that several runs have in common in `genes.tsv`: all samples together, then single classes.

    Where runs share one class alone, it comes first: all samples together are then of other classes in each run, or
    they are that class, and are left out.
    """
    common = set.intersection(*(set(table["source_class"]) for table in tables.values()))
    classes = sorted(common - {ALL_SOURCES})
    if len(classes) != 1:
        return sorted(common)
    is_same = all(table["source_class"].nunique() == 2 for table in tables.values())
    return classes if is_same else [*classes, ALL_SOURCES]
