"""Every gene with its size and its certainty: how far each source class has to go, and how sure that is."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData
from numpy.typing import NDArray
from scipy.stats import rankdata, spearmanr

from tspg.analysis.evaluation.resampling import FEWEST_DONORS, Groups, bootstrap_weights, donor_codes, widening
from tspg.analysis.interpretation.differential import ModeratedT, moderated_t
from tspg.analysis.interpretation.perturbations import source_classes_of, target_class_of
from tspg.model.gene_statistics import q_values
from tspg.utils.typing import Float32Array, Float64Array, Int64Array

ALL_SOURCES = ""  # the source class of rows that take all source samples together
SURE = 0.05  # q below which a gene is said to differ, or to be unusual
LISTED = 20  # genes of a list whose stability is told
MOST_DRAWS, FEWEST_DRAWS, DRAWN_CELLS = 400, 100, 2e7  # draws of donors: fewer where genes x classes are many
GENE_COLUMNS = (
    *("source_class", "gene", "perturbation", "low", "high", "mean_source", "mean_target", "difference"),
    *("t", "p_value", "q_value", "stability", "rank_up", "rank_down"),
)


@dataclass(frozen=True)
class Expression:
    """The values that moved profiles began as, in the user's units, with what a test has to take into account.

    `values` has shape (samples, genes), adjusted for a batch where that was asked for; `tested` is the same before
    adjustment, with the `levels` of the batch; `groups` are the donors.
    """

    values: Float32Array
    tested: Float32Array
    levels: Groups = None
    groups: Groups = None

    def of(self, rows: NDArray[np.bool_]) -> "Expression":
        """The same of some samples."""
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


def class_genes(perturbations: AnnData, expression: Expression, *, seed: int = 0) -> pd.DataFrame:
    """Every gene of every source class, and of all source samples together, against the target class.

    Parameters
    ----------
    perturbations
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
    and `q_value` are limma's moderated t (`moderated_t`) with Benjamini-Hochberg over genes. `rank_up` and
    `rank_down` order genes by t, in their own direction; by P where nothing can be tested.
    """
    classes = perturbations.obs["source_class"].to_numpy(dtype=object)
    sources, target = source_classes_of(perturbations), classes == target_class_of(perturbations)
    names = [*sources, ALL_SOURCES]
    n_draws = int(np.clip(DRAWN_CELLS / (len(names) * perturbations.n_vars), FEWEST_DRAWS, MOST_DRAWS))
    refits = _Refits.of(perturbations, expression.donors, n_draws, seed)
    genes = perturbations.var_names.to_numpy(dtype=object)
    parts = []
    for name in names:
        rows = np.isin(classes, sources) if name == ALL_SOURCES else classes == name
        parts.append(
            pd.DataFrame(
                {"source_class": name, "gene": genes} | _columns(perturbations, expression, rows, target, refits)
            )
        )
    return pd.concat(parts, ignore_index=True)


def _columns(
    perturbations: AnnData,
    expression: Expression,
    source: NDArray[np.bool_],
    target: NDArray[np.bool_],
    refits: "_Refits",
) -> dict[str, Any]:
    """What one source class has to say of every gene."""
    change: Float64Array = perturbations.layers["perturbation"][source].mean(axis=0, dtype=np.float64)
    means = [expression.values[rows].mean(axis=0, dtype=np.float64) for rows in (source, target)]
    test = tested(expression, source, target)
    low, high, stability = refits.around(change, source, target)
    can_test = bool(np.isfinite(test.t).any())
    lead = np.nan_to_num(test.t) if can_test else change
    return {
        "perturbation": change,
        "low": low,
        "high": high,
        "mean_source": means[0],
        "mean_target": means[1],
        "difference": test.estimate if can_test else means[1] - means[0],
        "t": test.t,
        "p_value": test.p_value,
        "q_value": q_values(test.p_value),
        "stability": stability,
        "rank_up": _ranks(lead),
        "rank_down": _ranks(-lead),
    }


def tested(expression: Expression, source: NDArray[np.bool_], target: NDArray[np.bool_]) -> ModeratedT:
    """The moderated t of one source class against the target."""
    rows = source | target
    chosen = expression.of(rows)
    levels = None if chosen.levels is None else donor_codes((int(rows.sum()), chosen.levels))[0]
    return moderated_t(chosen.tested, target[rows], donors=chosen.donors, levels=levels)


def _ranks(lead: Float64Array) -> pd.arrays.IntegerArray:
    """Rank of every gene that leads in the positive direction, 1 for the first; none for the others."""
    leads = lead > 0
    ranks = np.zeros(len(lead), dtype=np.int64)
    ranks[leads] = rankdata(-lead[leads], method="ordinal")
    return pd.arrays.IntegerArray(ranks, ~leads)


@dataclass(frozen=True)
class _Refits:
    """Draws of donors among training samples, in each of which the closed-form map is learned anew.

    Over the samples that it is learned from, the map moves the mean of a class exactly onto the mean of the
    target: a - x averages to mu_t - mu_c. So a refit needs two means, and no more.
    """

    profiles: Float32Array  # scaled, of all samples
    is_train: NDArray[np.bool_]
    constant: NDArray[np.bool_]
    donors: Int64Array
    n_draws: int
    seed: int

    @classmethod
    def of(cls, perturbations: AnnData, donors: Int64Array | None, n_draws: int, seed: int) -> "_Refits":
        return cls(
            np.asarray(perturbations.layers["original"]),
            perturbations.obs["split"].eq("train").to_numpy(),
            perturbations.var["constant"].to_numpy(dtype=bool),
            np.arange(perturbations.n_obs) if donors is None else donors,
            n_draws,
            seed,
        )

    def around(
        self, change: Float64Array, source: NDArray[np.bool_], target: NDArray[np.bool_]
    ) -> tuple[Float64Array, Float64Array, Float64Array]:
        """The interval of a mean change, and how often each gene is among the first in its direction."""
        rows = np.flatnonzero((source | target) & self.is_train)
        donors, is_target = self.donors[rows], target[rows]
        n_donors = min(len(np.unique(donors[is_target])), len(np.unique(donors[~is_target])))
        if n_donors < FEWEST_DONORS:
            nothing = np.full(len(change), np.nan)
            return nothing, nothing, nothing
        strata = 2 * np.isin(donors, donors[is_target]) + np.isin(donors, donors[~is_target])
        rng = np.random.default_rng([self.seed, 52])
        weights = bootstrap_weights(donors, n_boot=self.n_draws, rng=rng, strata=strata)
        sign = np.where(is_target, 1.0, -1.0)
        totals = [weights[:, side].sum(axis=1, keepdims=True) for side in (is_target, ~is_target)]
        signed = weights * sign / np.where(is_target, *totals)
        drawn = signed @ self.profiles[rows].astype(np.float64)
        drawn -= drawn.mean(axis=0)
        spread = np.quantile(drawn, [0.025, 0.975], axis=0) * widening(n_donors)
        return change + spread[0], change + spread[1], self._stability(change, drawn + change)

    def _stability(self, change: Float64Array, drawn: Float64Array) -> Float64Array:
        share = np.zeros(len(change))
        for sign in (1, -1):
            signed = np.where(self.constant, -np.inf, sign * drawn)
            k = min(LISTED, signed.shape[1])
            least = np.partition(signed, -k, axis=1)[:, -k, None]
            often = ((signed >= least) & (signed > 0)).mean(axis=0)
            share = np.where(sign * change > 0, often, share)
        return share


def leading_genes(genes: pd.DataFrame, *, k: int, direction: str, source_class: str = ALL_SOURCES) -> pd.DataFrame:
    """The rows of the `k` genes that lead in a direction, `up` or `down` in the target, best first."""
    own = genes[genes["source_class"] == source_class]
    rank = own[f"rank_{direction}"]
    return own[(rank <= k).fillna(value=False).astype(bool)].sort_values(f"rank_{direction}", kind="stable")


def change_and_difference(perturbations: AnnData) -> tuple[Float64Array, Float64Array]:
    """P and the difference of the class means per gene, both scaled, of the training samples that the method knew.

    All source samples together.
    """
    classes, train = perturbations.obs["source_class"], perturbations.obs["split"].eq("train")
    source = (classes.isin(source_classes_of(perturbations)) & train).to_numpy()
    target = (classes.eq(target_class_of(perturbations)) & train).to_numpy()
    original = perturbations.layers["original"]
    before, after = (original[rows].mean(axis=0, dtype=np.float64) for rows in (source, target))
    return perturbations.layers["perturbation"][source].mean(axis=0, dtype=np.float64), after - before


def agreement_with_difference(perturbations: AnnData) -> float:
    """Spearman correlation over genes of P with the difference of the class means.

    Near 1, the list by P holds nothing that a plain difference does not. Not a number with fewer than three genes
    that move.
    """
    change, difference = change_and_difference(perturbations)
    moves = change != 0
    if moves.sum() < 3 or not np.ptp(change[moves]) or not np.ptp(difference[moves]):
        return float("nan")
    return float(spearmanr(change[moves], difference[moves])[0])


def add_gene_tests(perturbations: AnnData, genes: pd.DataFrame) -> None:
    """Put the tests of `class_genes` into moved profiles where other tools look for them.

    `uns["rank_genes_groups"]` holds target against all source samples in the shape of scanpy's function of that
    name. `varm` holds `difference`, `t`, `p_value` and `q_value`, shape (genes, source classes), the classes in
    the order of `uns["tspg"]["tested_classes"]`.
    """
    sources = source_classes_of(perturbations)
    for column in ("difference", "t", "p_value", "q_value"):
        values = [genes.loc[genes["source_class"] == name, column].to_numpy(np.float64) for name in sources]
        perturbations.varm[column] = np.column_stack(values)
    perturbations.uns["tspg"]["tested_classes"] = np.asarray(sources, dtype=object)
    own = genes[genes["source_class"] == ALL_SOURCES].sort_values("t", ascending=False, kind="stable")
    group, of_group = target_class_of(perturbations), {"scores": "t", "logfoldchanges": "difference"}
    columns = of_group | {"pvals": "p_value", "pvals_adj": "q_value"}
    found = {
        key: np.rec.fromarrays([own[column].to_numpy(np.float64)], dtype=[(group, "f8")])
        for key, column in columns.items()
    }
    names = np.rec.fromarrays([own["gene"].to_numpy(object)], dtype=[(group, "O")])
    params = {"groupby": "source_class", "reference": "rest", "method": "moderated t", "use_raw": False}
    perturbations.uns["rank_genes_groups"] = {"params": params, "names": names, **found}
