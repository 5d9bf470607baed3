"""Every gene with its size and its certainty: how far each source class has to go, and how sure that is."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from anndata import AnnData
from scipy.stats import rankdata, spearmanr

from tspg.analysis.evaluation.resampling import FEWEST_DONORS, Groups, bootstrap_weights, donor_codes, widening
from tspg.analysis.interpretation.differential import GENES_AT_ONCE, ModeratedT, moderated_t
from tspg.analysis.interpretation.perturbations import source_classes_of, target_class_of
from tspg.model.gene_statistics import q_values
from tspg.utils.typing import BoolArray, Float32Array, Float64Array, Int64Array

ALL_SOURCES = ""  # the source class of rows that take all source samples together
SURE = 0.05  # q below which a gene is said to differ, or to be unusual
LISTED = 20  # genes of a list whose stability is given
MOST_DRAWS, FEWEST_DRAWS, DRAWN_CELLS = 400, 100, 2e7  # draws of donors: fewer where genes x classes are many
GENE_COLUMNS = (
    *("source_class", "gene", "perturbation", "low", "high", "mean_source", "mean_target", "difference"),
    *("t", "p_value", "q_value", "stability", "rank_up", "rank_down"),
    *("difference_low", "difference_high"),
)


@dataclass(frozen=True)
class Expression:
    """The values that moved profiles began as, in the user's units, with donors and batch for a test.

    `values` has shape (samples, genes), adjusted for a batch where that was asked for; `tested` is the same before
    adjustment, with the `levels` of the batch; `groups` are the donors.
    """

    values: Float32Array
    tested: Float32Array
    levels: Groups = None
    groups: Groups = None

    def of(self, rows: BoolArray) -> "Expression":
        """The same of some samples."""
        if rows.all():
            return self
        tested = self.tested[rows]
        values = tested if self.values is self.tested else self.values[rows]
        levels, groups = (
            None if names is None else np.asarray(names, dtype=object)[rows] for names in (self.levels, self.groups)
        )
        return Expression(values, tested, levels, groups)

    @property
    def donors(self) -> Int64Array | None:
        """A number for the donor of each sample; None where donors are not known."""
        return None if self.groups is None else donor_codes((len(self.values), self.groups))[0]


def class_genes(adata: AnnData, expression: Expression, *, seed: int = 0) -> pd.DataFrame:
    """Every gene of every source class, and of all source samples together, against the target class.

    Parameters
    ----------
    adata
        Moved profiles of a run, those of the target class too.
    expression
        The same samples' values in the user's units.
    seed
        Decides which donors are drawn.

    Returns
    -------
    One row per source class and gene (`GENE_COLUMNS`); rows with an empty `source_class` take all source
    samples as one class. `perturbation` is the mean change P on the scaled axis, `low` and `high` its 95%
    interval over donors, `stability` the share of draws of donors in which the gene is among the first 20 of
    its direction. `mean_source`, `mean_target` and `difference` are in the user's units; `difference`, target
    less source, is what t tests: within donors where these are compared, and at equal batch. `t`, `p_value`
    and `q_value` are limma's moderated t (`moderated_t`) with Benjamini-Hochberg over genes, `difference_low` and
    `difference_high` the 95% interval that goes with it. `rank_up` and `rank_down` order genes by t, in their own
    direction; by P where nothing can be tested.
    """
    classes = adata.obs["source_class"].to_numpy(dtype=object)
    sources, target = source_classes_of(adata), classes == target_class_of(adata)
    names = [*sources, ALL_SOURCES]
    n_draws = int(np.clip(DRAWN_CELLS / (len(names) * adata.n_vars), FEWEST_DRAWS, MOST_DRAWS))
    donors = np.arange(adata.n_obs) if expression.donors is None else expression.donors
    mean_target = mean_of(expression.values, target)
    parts = []
    for name in names:
        source = np.isin(classes, sources) if name == ALL_SOURCES else classes == name
        change, mean_source = mean_of(adata.layers["perturbation"], source), mean_of(expression.values, source)
        test = tested(expression, source, target)
        low, high, stability = _over_donors(adata, donors, change, source, target, n_draws=n_draws, seed=seed)
        can_test = bool(np.isfinite(test.t).any())
        lead = np.nan_to_num(test.t) if can_test else change
        columns = {
            "source_class": name,
            "gene": adata.var_names.to_numpy(dtype=object),
            "perturbation": change,
            "low": low,
            "high": high,
            "mean_source": mean_source,
            "mean_target": mean_target,
            "difference": test.estimate if can_test else mean_target - mean_source,
            "t": test.t,
            "p_value": test.p_value,
            "q_value": q_values(test.p_value),
            "stability": stability,
            "rank_up": _ranks(lead),
            "rank_down": _ranks(-lead),
            **dict(zip(("difference_low", "difference_high"), test.interval(), strict=True)),
        }
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)


def tested(expression: Expression, source: BoolArray, target: BoolArray) -> ModeratedT:
    """The moderated t of one source class against the target."""
    rows = source | target
    chosen = expression.of(rows)
    levels = None if chosen.levels is None else donor_codes((int(rows.sum()), chosen.levels))[0]
    return moderated_t(chosen.tested, target[rows], donors=chosen.donors, levels=levels)


def mean_of(values: Float32Array, rows: BoolArray) -> Float64Array:
    """The mean per gene of some samples, some genes at a time: no second matrix of all samples is made."""
    blocks = (values[:, start : start + GENES_AT_ONCE] for start in range(0, values.shape[1], GENES_AT_ONCE))
    mean: Float64Array = np.concatenate([block[rows].mean(axis=0, dtype=np.float64) for block in blocks])
    return mean


def _ranks(lead: Float64Array) -> pd.arrays.IntegerArray:
    """Rank of every gene that leads in the positive direction, 1 for the first; none for the others."""
    leads = lead > 0
    ranks = np.zeros(len(lead), dtype=np.int64)
    ranks[leads] = rankdata(-lead[leads], method="ordinal")
    return pd.arrays.IntegerArray(ranks, ~leads)


def _over_donors(
    adata: AnnData,
    donors: Int64Array,
    change: Float64Array,
    source: BoolArray,
    target: BoolArray,
    *,
    n_draws: int,
    seed: int,
) -> tuple[Float64Array, Float64Array, Float64Array]:
    """The interval of a mean change over draws of donors, and how often each gene is among the first in its direction.

    Donors are drawn among the training samples, and in each draw the closed-form map is learned anew. Over the
    samples that it is learned from, the map moves the mean of a class exactly onto the mean of the target:
    a - x averages to mu_t - mu_c. So a refit needs two means, and no more.
    """
    rows = np.flatnonzero((source | target) & adata.obs["split"].eq("train").to_numpy())
    donors, is_target = donors[rows], target[rows]
    n_donors = min(len(np.unique(donors[is_target])), len(np.unique(donors[~is_target])))
    if n_donors < FEWEST_DONORS:
        nothing = np.full(len(change), np.nan)
        return nothing, nothing, nothing
    strata = 2 * np.isin(donors, donors[is_target]) + np.isin(donors, donors[~is_target])
    weights = bootstrap_weights(donors, n_boot=n_draws, rng=np.random.default_rng([seed, 52]), strata=strata)
    totals = [weights[:, side].sum(axis=1, keepdims=True) for side in (is_target, ~is_target)]
    signed = weights * np.where(is_target, 1.0, -1.0) / np.where(is_target, *totals)
    original, drawn = adata.layers["original"], np.empty((n_draws, len(change)))
    for genes in (slice(start, start + GENES_AT_ONCE) for start in range(0, len(change), GENES_AT_ONCE)):
        drawn[:, genes] = signed @ original[rows, genes].astype(np.float64)
    drawn -= drawn.mean(axis=0)
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0) * widening(n_donors)
    drawn += change
    drawn[:, adata.var["constant"].to_numpy(dtype=bool)] = 0.0
    k = min(LISTED, drawn.shape[1])
    ordered = np.partition(drawn, [k - 1, drawn.shape[1] - k], axis=1)
    leads = np.where(
        change > 0,
        (drawn >= ordered[:, -k, None]) & (drawn > 0),
        (drawn <= ordered[:, k - 1, None]) & (drawn < 0),
    )
    stability = np.where(change != 0, leads.mean(axis=0), 0.0)
    return change + low, change + high, stability


def leading_genes(genes: pd.DataFrame, *, k: int, direction: str, source_class: str = ALL_SOURCES) -> pd.DataFrame:
    """The rows of the `k` genes that lead in a direction, `up` or `down` in the target, best first."""
    own = genes[genes["source_class"] == source_class]
    rank = own[f"rank_{direction}"]
    return own[(rank <= k).fillna(value=False).astype(bool)].sort_values(f"rank_{direction}", kind="stable")


def change_and_difference(adata: AnnData) -> tuple[Float64Array, Float64Array]:
    """P and the difference of the class means per gene, both scaled, of the training samples that the method knew.

    All source samples together.
    """
    classes, train = adata.obs["source_class"], adata.obs["split"].eq("train")
    source = (classes.isin(source_classes_of(adata)) & train).to_numpy()
    target = (classes.eq(target_class_of(adata)) & train).to_numpy()
    original = adata.layers["original"]
    before, after = (mean_of(original, rows) for rows in (source, target))
    return mean_of(adata.layers["perturbation"], source), after - before


def agreement_with_difference(adata: AnnData) -> float:
    """Spearman correlation over genes of P with the difference of the class means.

    Near 1, the list by P holds nothing that a plain difference does not. Not a number with fewer than three genes
    that move.
    """
    change, difference = change_and_difference(adata)
    moves = change != 0
    if moves.sum() < 3 or not np.ptp(change[moves]) or not np.ptp(difference[moves]):
        return float("nan")
    return float(spearmanr(change[moves], difference[moves])[0])


def add_gene_tests(adata: AnnData, genes: pd.DataFrame) -> None:
    """Put the tests of `class_genes` into moved profiles where other tools look for them.

    `uns["rank_genes_groups"]` holds target against all source samples in the shape of scanpy's function of that
    name. `varm` holds `difference`, `t`, `p_value` and `q_value`, shape (genes, source classes), the classes in
    the order of `uns["tspg"]["tested_classes"]`.
    """
    sources = source_classes_of(adata)
    of_class = dict(iter(genes.groupby("source_class", sort=False)))
    for column in ("difference", "t", "p_value", "q_value"):
        adata.varm[column] = np.column_stack([of_class[name][column].to_numpy(np.float64) for name in sources])
    adata.uns["tspg"]["tested_classes"] = np.asarray(sources, dtype=object)
    own = of_class[ALL_SOURCES].sort_values("t", ascending=False, kind="stable")
    group, of_group = target_class_of(adata), {"scores": "t", "logfoldchanges": "difference"}
    columns = of_group | {"pvals": "p_value", "pvals_adj": "q_value"}
    found = {
        key: np.rec.fromarrays([own[column].to_numpy(np.float64)], dtype=[(group, "f8")])
        for key, column in columns.items()
    }
    names = np.rec.fromarrays([own["gene"].to_numpy(object)], dtype=[(group, "O")])
    params = {"groupby": "source_class", "reference": "rest", "method": "moderated t", "use_raw": False}
    adata.uns["rank_genes_groups"] = {"params": params, "names": names, **found}
