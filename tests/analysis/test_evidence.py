"""The first judgement against closed forms, SciPy and planted degenerate generators."""

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from scipy.stats import beta
from scipy.stats import energy_distance as energy_distance_of_scipy

from tspg.analysis.baselines import mean_shift
from tspg.analysis.evidence import energy_distance, evidence_table, hit_rate, variance_ratio
from tspg.data.prepare import prepare


def draws(n, mean=0.0, seed=0, genes=8):
    return np.random.default_rng(seed).normal(mean, 1.0, (n, genes)).astype(np.float32)


def test_energy_distance_agrees_with_scipy_in_one_dimension():
    x, y = draws(40, genes=1), draws(30, mean=1.0, seed=1, genes=1)
    # SciPy gives the square root of the biased form; the unbiased one leaves out pairs of a sample with itself
    biased = energy_distance_of_scipy(x[:, 0], y[:, 0]) ** 2
    within = [np.abs(z - z.T).mean() for z in (x.astype(float), y.astype(float))]
    correction = within[0] / (40 - 1) + within[1] / (30 - 1)
    assert energy_distance(x, y) == pytest.approx(biased - correction, rel=1e-6)


def test_energy_distance_is_zero_on_average_between_halves_of_one_population():
    values = [energy_distance(draws(20, seed=2 * k), draws(20, seed=2 * k + 1)) for k in range(300)]
    assert abs(np.mean(values)) < 4 * np.std(values) / np.sqrt(300)
    assert min(values) < 0  # unbiased, so sometimes below 0


def test_energy_distance_sees_collapse_that_the_squared_form_misses():
    x, collapsed = draws(200), np.zeros((50, 8), np.float32)
    squared = 2 * (x**2).sum(axis=1).mean() - 2 * x.var(axis=0, ddof=1).sum()  # to a point at the mean: near 0
    assert abs(squared) < 1.0
    assert energy_distance(x, collapsed) > 1.0


def test_hit_rate_has_the_interval_of_clopper_and_pearson():
    profiles = np.zeros((20, 3), np.float32)
    profiles[:17, 0] = 1
    found = hit_rate(lambda p: np.where(p[:, 0] > 0, "t", "x").astype(object), profiles, "t")
    assert (found.value, found.n) == (0.85, 20)
    assert found.low == pytest.approx(beta.ppf(0.025, 17, 4))
    assert found.high == pytest.approx(beta.ppf(0.975, 18, 3))


def test_variance_ratio_by_hand():
    training = np.array([[0.0, 0.0], [1.0, 0.0]], np.float32)  # variance 0.5 + 0
    moved = np.array([[0.0, 0.0], [0.0, 2.0]], np.float32)  # 0 + 2
    assert variance_ratio(moved, training).value == pytest.approx(4.0)
    assert variance_ratio(np.ones((5, 2), np.float32), training).value == 0.0
    assert variance_ratio(moved[:1], training).note == "too few"
    assert variance_ratio(moved, np.ones((5, 2), np.float32)).note == "undefined"


@pytest.fixture(scope="module")
def prepared(planted):
    return prepare(planted.adata, label_column="label", seed=1)


def perturbed_by(prepared, move):
    original = prepared.profiles
    obs = pd.DataFrame(
        {"source_class": prepared.source_class, "split": prepared.split}, index=list(prepared.sample_ids)
    )
    perturbations = AnnData(move(original).astype(np.float32), obs, pd.DataFrame(index=list(prepared.gene_ids)))
    perturbations.layers["original"] = original
    perturbations.uns["tspg"] = {"target_class": "target"}
    return perturbations


def values_of(prepared, move):
    def by_drivers(p):
        return np.where(p[:, :5].mean(axis=1) > p[:, 5:10].mean(axis=1), "target", "alpha").astype(object)

    table = evidence_table(prepared, perturbed_by(prepared, move), by_drivers)
    return {(row.method, row.measure): row.value for row in table.itertuples()}, table


def test_not_moving_scores_one_and_hits_nothing(prepared):
    values, _ = values_of(prepared, lambda x: x)
    assert values["generator", "energy_ratio"] == pytest.approx(1.0)
    assert values["generator", "hit_rate_f"] == values["untouched_source", "hit_rate_f"] == 0.0


def test_collapse_to_the_mean_has_no_variance_but_hits(prepared):
    values, _ = values_of(prepared, lambda x: np.tile(prepared.class_mean("target"), (len(x), 1)))
    assert values["generator", "variance_ratio"] == pytest.approx(0.0, abs=1e-9)
    assert values["generator", "hit_rate_f"] == 1.0
    assert values["generator", "energy_ratio"] > 3 * values["mean_shift", "energy_ratio"]


def test_half_the_way_scores_between(prepared):
    shifted = mean_shift(prepared, prepared.profiles, prepared.source_class, "target")
    values, _ = values_of(prepared, lambda x: (x + shifted) / 2)
    assert values["mean_shift", "energy_ratio"] + 0.1 < values["generator", "energy_ratio"] < 0.9


def test_real_target_samples_score_near_zero_and_all_methods_are_there(prepared):
    values, table = values_of(prepared, lambda x: x)
    assert abs(values["real_target", "energy_ratio"]) < 0.1
    assert values["real_target", "hit_rate_f"] == 1.0
    assert table.groupby("method", sort=False)["measure"].apply(tuple).to_dict() == dict.fromkeys(
        ["generator", "mean_shift", "untouched_source", "real_target"], ("hit_rate_f", "energy_ratio", "variance_ratio")
    )
    assert table["note"].isin(["", "too few"]).all()
    assert (
        table.loc[table["method"] != "real_target", "n"] == 16
    ).all()  # held-out sources only, not those of the target


def test_too_few_held_out_targets_are_said(planted):
    few = planted.adata[[*range(80), *range(80, 92)]]
    _, table = values_of(prepare(few, label_column="label"), lambda x: x)
    assert set(table.loc[table["measure"] == "energy_ratio", "note"]) == {"too few"}


def test_mean_shift_moves_the_class_mean_onto_the_target(prepared):
    training = prepared.in_class("beta") & prepared.is_train
    moved = mean_shift(prepared, prepared.profiles[training], prepared.source_class[training], "target")
    inside = (prepared.profiles[training] + prepared.class_mean("target") - prepared.class_mean("beta")).clip(0, 1)
    np.testing.assert_allclose(moved, inside, atol=1e-6)
    free = ((inside > 0) & (inside < 1)).all(axis=0)
    np.testing.assert_allclose(moved[:, free].mean(axis=0), prepared.class_mean("target")[free], atol=1e-6)
