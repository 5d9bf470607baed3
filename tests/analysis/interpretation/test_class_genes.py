"""Class genes: every number against a calculation by hand, scipy, scanpy's shape or a planted truth."""

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from scipy.stats import spearmanr, ttest_ind

from tspg.analysis.interpretation.class_genes import (
    ALL_SOURCES,
    GENE_COLUMNS,
    Expression,
    add_gene_tests,
    agreement_with_difference,
    class_genes,
    leading_genes,
)
from tspg.analysis.interpretation.perturbations import read_perturbations, write_perturbations

N, GENES = 24, 400
PLANTED = 10


def study(seed=0, *, n=N, genes=GENES):
    """Sources x and y and target t; the first ten genes are 3 higher in t, the next ten 3 lower."""
    rng = np.random.default_rng(seed)
    classes = np.repeat(["x", "y", "t"], n).astype(object)
    values = rng.normal(8, 1, (3 * n, genes))
    values[classes == "t", :PLANTED] += 3
    values[classes == "t", PLANTED : 2 * PLANTED] -= 3
    low, high = values.min(axis=0), values.max(axis=0)
    scaled = ((values - low) / (high - low)).astype(np.float32)
    shift = np.zeros_like(scaled)
    for name in "xy":
        shift[classes == name] = scaled[classes == "t"].mean(axis=0) - scaled[classes == name].mean(axis=0)
    obs = pd.DataFrame({"source_class": classes, "split": "train"}, index=[f"s{i}" for i in range(3 * n)])
    var = pd.DataFrame({"minimum": low, "maximum": high, "constant": False}, index=[f"G{i}" for i in range(genes)])
    moved = AnnData(scaled + shift, obs, var)
    moved.layers["original"], moved.layers["perturbation"] = scaled, shift
    moved.uns["tspg"] = {"target_class": "t", "source_classes": np.array(["x", "y"], dtype=object)}
    return moved, Expression(values.astype(np.float32), values.astype(np.float32))


@pytest.fixture(scope="module")
def found():
    moved, expression = study()
    return moved, expression, class_genes(moved, expression, seed=1)


def test_every_gene_of_every_class_and_of_all_sources_has_a_row(found):
    moved, _, table = found
    assert tuple(table.columns) == GENE_COLUMNS
    assert table["source_class"].unique().tolist() == ["x", "y", ALL_SOURCES]
    for _, rows in table.groupby("source_class"):
        assert rows["gene"].tolist() == moved.var_names.tolist()


def test_means_and_differences_are_those_of_the_values(found):
    moved, expression, table = found
    classes = moved.obs["source_class"].to_numpy()
    for name, rows in (("x", classes == "x"), (ALL_SOURCES, classes != "t")):
        own = table[table["source_class"] == name]
        np.testing.assert_allclose(own["mean_source"], expression.values[rows].mean(axis=0), rtol=1e-6)
        np.testing.assert_allclose(own["mean_target"], expression.values[classes == "t"].mean(axis=0), rtol=1e-6)
        np.testing.assert_allclose(own["difference"], own["mean_target"] - own["mean_source"])
        np.testing.assert_allclose(own["perturbation"], moved.layers["perturbation"][rows].mean(axis=0), atol=1e-6)


def test_the_moderated_t_is_near_students_where_genes_are_alike(found):
    moved, expression, table = found
    classes = moved.obs["source_class"].to_numpy()
    plain = ttest_ind(expression.values[classes == "t"], expression.values[classes == "x"]).statistic
    own = table[table["source_class"] == "x"]
    assert spearmanr(own["t"], plain)[0] > 0.99
    assert (np.sign(own["t"]) == np.sign(plain)).all()


def test_intervals_of_the_difference_hold_the_truth_in_95_of_100_and_leave_out_0_where_p_is_small(found):
    table = found[2]
    truth = np.array([3.0] * PLANTED + [-3.0] * PLANTED + [0.0] * (GENES - 2 * PLANTED))
    for name in ("x", "y"):
        own = table[table["source_class"] == name]
        inside = (own["difference_low"] <= truth) & (truth <= own["difference_high"])
        assert inside.mean() == pytest.approx(0.95, abs=0.045)  # four standard errors of 400 genes
        without_0 = (own["difference_low"] > 0) | (own["difference_high"] < 0)
        assert without_0.tolist() == (own["p_value"] < 0.05).tolist()


def test_planted_genes_lead_in_their_direction(found):
    table = found[2]
    for way, first in (("up", 0), ("down", PLANTED)):
        for name in ("x", "y", ALL_SOURCES):
            leads = leading_genes(table, k=PLANTED, direction=way, source_class=name)
            assert set(leads["gene"]) == {f"G{first + i}" for i in range(PLANTED)}
            assert leads[f"rank_{way}"].tolist() == list(range(1, PLANTED + 1))
            assert leads["stability"].min() > 0.95
    assert table[["rank_up", "rank_down"]].notna().sum(axis=1).max() == 1


def test_q_is_benjamini_hochberg_by_hand(found):
    own = found[2][found[2]["source_class"] == "x"].sort_values("p_value")
    p, n = own["p_value"].to_numpy(), len(own)
    expected = np.minimum.accumulate((p * n / np.arange(1, n + 1))[::-1])[::-1]
    np.testing.assert_allclose(own["q_value"], np.minimum(expected, 1))


def test_intervals_hold_the_true_mean_change_in_95_of_100_studies():
    """Donors drawn anew: the truth of gene g is the mean of P over many studies, here 0 for genes not planted."""
    inside = []
    for seed in range(30):
        moved, expression = study(seed, n=12, genes=60)
        own = class_genes(moved, expression, seed=seed)
        own = own[(own["source_class"] == "x")].iloc[2 * PLANTED :]
        inside += [*((own["low"] <= 0) & (own["high"] >= 0))]
    assert np.mean(inside) == pytest.approx(0.95, abs=0.03)


def test_a_refit_of_the_closed_form_map_is_the_difference_of_two_means():
    """What `_Refits` rests on: over the samples it is learned from, the map's mean change is mu_t - mu_c, exactly."""
    from tspg.data.prepare import prepare
    from tspg.model.ot_map import GaussianOTMap

    moved, expression = study(3)
    adata = AnnData(expression.values, moved.obs)
    dataset = prepare(adata, label_column="source_class", is_train=np.ones(len(adata), dtype=bool))
    anchor = GaussianOTMap.estimate(dataset, "t")
    rows = dataset.class_mask("x")
    change = (anchor.move(dataset.profiles, dataset.class_index) - dataset.profiles)[rows].mean(axis=0)
    np.testing.assert_allclose(change, dataset.class_mean("t") - dataset.class_mean("x"), atol=1e-5)


def test_repeated_samples_of_a_person_make_nothing_surer():
    """Every sample three times is the same study; as donors are known, t is the same, and without them far larger."""
    moved, expression = study(2)
    thrice = np.tile(np.arange(len(moved)), 3)
    again = AnnData(moved.X[thrice], moved.obs.iloc[thrice].set_axis([f"r{i}" for i in range(len(thrice))]), moved.var)
    for name in ("original", "perturbation"):
        again.layers[name] = moved.layers[name][thrice]
    again.uns["tspg"] = moved.uns["tspg"]
    donors = [f"d{i}" for i in thrice]
    of_people = class_genes(again, Expression(expression.values[thrice], expression.tested[thrice], groups=donors))
    of_samples = class_genes(again, Expression(expression.values[thrice], expression.tested[thrice]))
    once = class_genes(moved, expression)
    np.testing.assert_allclose(of_people["t"], once["t"], rtol=1e-5)
    np.testing.assert_allclose(of_people["low"], once["low"], atol=0.02)
    assert np.abs(of_samples["t"]).median() > 1.5 * np.abs(once["t"]).median()


def test_a_batch_is_a_block_of_the_test():
    """A batch that shifts half of either class widens nothing once it is known."""
    moved, expression = study(4)
    batch = np.arange(len(moved)) % 2
    shifted = expression.values + 5 * batch[:, None].astype(np.float32)
    levels = [f"b{b}" for b in batch]
    known = class_genes(moved, Expression(expression.values, shifted, levels=levels))
    unknown = class_genes(moved, Expression(shifted, shifted))
    clean = class_genes(moved, expression)
    planted = clean["gene"].isin([f"G{i}" for i in range(PLANTED)])
    assert known["t"][planted].median() > 0.9 * clean["t"][planted].median()
    assert unknown["t"][planted].median() < 0.6 * clean["t"][planted].median()


def test_too_few_people_have_no_interval_and_no_stability():
    moved, expression = study(5)
    donors = ["one" if name == "x" else f"d{i}" for i, name in enumerate(moved.obs["source_class"])]
    own = class_genes(moved, Expression(expression.values, expression.tested, groups=donors))
    assert own.loc[own["source_class"] == "x", ["low", "high", "stability"]].isna().all(axis=None)
    assert own.loc[own["source_class"] == "y", ["low", "high", "stability"]].notna().all(axis=None)


def test_where_nothing_can_be_tested_genes_are_ordered_by_p():
    moved, expression = study(6)
    moved = moved[[0, 48, 49]].copy()  # one sample of x, two of the target from one person
    rows = np.zeros(len(expression.values), dtype=bool)
    rows[[0, 48, 49]] = True
    few = Expression(expression.values[rows], expression.tested[rows], groups=["a", "b", "b"])
    own = class_genes(moved, few)
    own = own[own["source_class"] == "x"]
    assert own["t"].isna().all()
    assert own.sort_values("rank_up")["perturbation"].iloc[0] == own["perturbation"].max()


def test_agreement_is_that_of_scaled_differences(found):
    moved = found[0].copy()
    assert agreement_with_difference(moved) == pytest.approx(1.0, abs=1e-4)
    moved.layers["perturbation"] = -moved.layers["perturbation"]
    assert agreement_with_difference(moved) == pytest.approx(-1.0, abs=1e-4)
    moved.layers["perturbation"] = 0 * moved.layers["perturbation"]
    assert np.isnan(agreement_with_difference(moved))


def test_agreement_asks_the_samples_that_the_method_knew(found):
    moved = found[0].copy()
    held_out = np.arange(len(moved)) % 4 == 0
    moved.obs["split"] = np.where(held_out, "test", "train")
    before = agreement_with_difference(moved)
    moved.layers["original"][held_out] = np.random.default_rng(0).random((int(held_out.sum()), GENES))
    assert agreement_with_difference(moved) == before


def test_other_tools_find_the_tests_in_the_file(found, tmp_path):
    moved, _, table = found
    moved = moved.copy()
    add_gene_tests(moved, table)
    write_perturbations(moved, tmp_path / "perturbations.h5ad")
    read = read_perturbations(tmp_path)
    assert read.varm["t"].shape == (GENES, 2)
    np.testing.assert_array_equal(read.varm["q_value"][:, 1], table.loc[table["source_class"] == "y", "q_value"])
    ranked = read.uns["rank_genes_groups"]
    assert set(ranked["names"]["t"][:PLANTED]) == {f"G{i}" for i in range(PLANTED)}
    assert (np.diff(ranked["scores"]["t"]) <= 0).all()
    own = table[table["source_class"] == ALL_SOURCES].set_index("gene")
    for key, column in (("logfoldchanges", "difference"), ("pvals", "p_value"), ("pvals_adj", "q_value")):
        np.testing.assert_array_equal(ranked[key]["t"], own.loc[ranked["names"]["t"], column])
    scanpy = pytest.importorskip("scanpy")
    frame = scanpy.get.rank_genes_groups_df(read, group="t", pval_cutoff=0.01, log2fc_min=1)
    assert set(frame["names"]) >= {f"G{i}" for i in range(PLANTED)}


def test_draws_of_donors_know_training_samples_alone(found):
    moved, expression = found[0].copy(), found[1]
    held_out = np.arange(len(moved)) % 4 == 0
    moved.obs["split"] = np.where(held_out, "test", "train")
    before = class_genes(moved, expression, seed=1)
    moved.layers["original"][held_out] = np.random.default_rng(0).random((int(held_out.sum()), GENES))
    after = class_genes(moved, expression, seed=1)
    for column in ("low", "high", "stability"):
        np.testing.assert_array_equal(before[column], after[column])


def test_what_does_not_vary_within_classes_has_no_t():
    moved = study(7)[0]
    values = np.where(moved.obs["source_class"].to_numpy() == "t", 3.0, 1.0)[:, None] * np.ones(GENES)
    own = class_genes(moved, Expression(values.astype(np.float32), values.astype(np.float32)))
    assert own[["t", "p_value", "q_value", "difference_low", "difference_high"]].isna().all(axis=None)
    assert (own["difference"] == 2).all()


def test_the_difference_has_the_sign_of_t_whatever_the_donors_gave():
    """Donors with many samples weigh a plain mean, not the test: 14 people, one of whom gave nine samples."""
    rng = np.random.default_rng(8)
    classes = np.array(["x"] * 24 + ["t"] * 14, dtype=object)
    donors = [*range(14), *[0] * 8, 1, 1, *range(14)]
    values = rng.normal(8, 1, (38, GENES)) + rng.normal(0, 2, (14, GENES))[donors]
    obs = pd.DataFrame({"source_class": classes, "split": "train"}, index=[f"s{i}" for i in range(38)])
    var = pd.DataFrame({"minimum": 0.0, "maximum": 1.0, "constant": False}, index=[f"G{i}" for i in range(GENES)])
    moved = AnnData(values.astype(np.float32), obs, var)
    moved.layers["original"] = moved.layers["perturbation"] = values.astype(np.float32)
    moved.uns["tspg"] = {"target_class": "t"}
    known = Expression(values.astype(np.float32), values.astype(np.float32), groups=[str(d) for d in donors])
    own = class_genes(moved, known)
    assert (np.sign(own["t"]) == np.sign(own["difference"])).all()
    plain = own["mean_target"] - own["mean_source"]
    assert (np.sign(own["t"]) != np.sign(plain)).any()
