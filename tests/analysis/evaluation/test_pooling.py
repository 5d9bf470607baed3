"""Evidence of several folds as one table, against sums by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from tspg.analysis.evaluation.pooling import pool_evidence
from tspg.analysis.evaluation.proportions import clopper_pearson, effective_size, rate_interval

COLUMNS = ["method", "measure", "value", "low", "high", "n", "status", "note"]


def table(*, hits, n, energy=(0.1, 0.0, 0.2), p=0.2, nn=0.6, n_real=3, recall=1.0):
    rates = [("generator", hits / n, n), ("untouched_source", 0.0, n), ("real_target", recall, n_real)]
    rows = [(method, "hit_rate_f", rate, np.nan, np.nan, of, "ok", "") for method, rate, of in rates]
    lacks = "undefined" if np.isnan(energy[0]) else "ok"
    rows.append(("generator", "energy_ratio", *energy, n, lacks, lacks))
    rows.append(("generator", "energy_p_value", p, np.nan, np.nan, n, "ok", "999 permutations"))
    rows.append(("generator", "nn_fake", nn, np.nan, np.nan, n, "ok", ""))
    rows.append(("generator", "nn_fake_by_chance", 0.5, 0.4, 0.6, n, "ok", ""))
    rows.append(("generator", "nn_p_value", 0.1, np.nan, np.nan, n, "ok", ""))
    return pd.DataFrame(rows, columns=COLUMNS)


def row(tables, measure):
    pooled = pool_evidence(tables)
    return pooled[(pooled["method"] == "generator") & (pooled["measure"] == measure)].iloc[0]


def test_hits_are_counted_together():
    found = row([table(hits=3, n=4), table(hits=1, n=2)], "hit_rate_f")
    interval = binomtest(4, 6).proportion_ci(method="exact")
    assert (found["value"], found["n"]) == (pytest.approx(4 / 6), 6)
    assert (found["low"], found["high"]) == (pytest.approx(interval.low), pytest.approx(interval.high))
    assert found["note"] == "recall 1.00; transfer 0.67"


def test_other_numbers_are_means_with_the_interval_of_a_mean():
    found = row([table(hits=1, n=6), table(hits=1, n=2, energy=(0.5, 0.3, 0.9))], "energy_ratio")
    assert found["value"] == pytest.approx(0.75 * 0.1 + 0.25 * 0.5)
    assert found["low"] == pytest.approx(found["value"] - np.hypot(0.75 * 0.1, 0.25 * 0.2))
    assert found["high"] == pytest.approx(found["value"] + np.hypot(0.75 * 0.1, 0.25 * 0.4))
    assert found["status"] == "too_few"  # 6 real targets in all
    enough = row([table(hits=1, n=6)] * 4, "energy_ratio")
    assert enough["high"] - enough["value"] == pytest.approx(0.1 / np.sqrt(4))
    assert enough["status"] == "ok"
    assert "only 12 held-out target samples" in enough["note"]


@pytest.mark.parametrize(("recall", "status"), [(1.0, "ok"), (2 / 3, "not_admitted")])
def test_a_classifier_is_admitted_by_the_real_samples_of_all_folds(recall, status):
    found = row([table(hits=1, n=2, recall=1.0), table(hits=1, n=2, recall=recall)], "hit_rate_f")
    assert found["status"] == status  # 6 of 6, or 5 of 6


@pytest.mark.parametrize(("p", "expected"), [((0.01, 0.03), 0.04), ((0.9, 0.8), 1.0)])
def test_p_values_are_twice_their_mean(p, expected):
    assert row([table(hits=1, n=2, p=value) for value in p], "energy_p_value")["value"] == pytest.approx(expected)


def test_pooled_p_values_are_super_uniform():
    rng = np.random.default_rng(0)
    drawn = rng.uniform(size=(2000, 3))
    drawn[:, 1] = drawn[:, 0]  # however much the folds depend on each other
    pooled = np.minimum(1, 2 * drawn.mean(axis=1))
    first = row([table(hits=1, n=2, p=value) for value in drawn[0]], "energy_p_value")["value"]
    assert first == pytest.approx(pooled[0])
    for level in (0.01, 0.05, 0.1, 0.5):
        assert (pooled <= level).mean() <= level + 3 * np.sqrt(level * (1 - level) / 2000)


def test_the_range_by_chance_becomes_that_of_a_mean():
    folds = [table(hits=1, n=2), table(hits=1, n=2, nn=0.8)]
    found, chance = row(folds, "nn_fake"), row(folds, "nn_fake_by_chance")
    assert found["value"] == pytest.approx(0.7)
    assert (chance["value"], row(folds, "nn_p_value")["value"]) == (0.5, 0.2)
    assert (chance["low"], chance["high"]) == pytest.approx((0.5 - 0.1 / 2**0.5, 0.5 + 0.1 / 2**0.5), abs=5e-4)
    assert "by chance 0.500 (0.429 to 0.571), both sides p = 0.2" in found["note"]


def test_rows_that_a_fold_lacks_are_those_of_the_others():
    """A fold that holds no pairs out has no measures of pairs, and one that learned from too few no regression."""
    lacks, full = table(hits=1, n=6), table(hits=2, n=2)
    full.insert(0, "order", range(len(full)))
    more = full.assign(measure=["pair_error" if name == "nn_fake" else name for name in full["measure"]])
    regression = full[full["method"] == "generator"].assign(method="paired_regression")
    rows = pd.concat([full, more[more["measure"] == "pair_error"], regression]).drop(columns="order")
    for folds in ([lacks, rows], [rows, lacks]):
        pooled = pool_evidence(folds)
        own = pooled.set_index(["method", "measure"])
        assert own.index.is_unique
        assert set(own.index) == set(zip(rows["method"], rows["measure"], strict=True))
        assert own.loc[("generator", "pair_error"), ["value", "n"]].tolist() == [pytest.approx(0.6), 2]
        assert own.loc[("paired_regression", "hit_rate_f"), ["value", "n"]].tolist() == [1.0, 2]
        assert own.loc[("generator", "hit_rate_f"), "n"] == 8
        changes = (pooled["method"] != pooled["method"].shift()).sum()
        assert changes == pooled["method"].nunique()  # the rows of a method stand together


def test_a_number_that_most_samples_lack_is_lacking():
    nothing = (np.nan, np.nan, np.nan)
    found = row([table(hits=1, n=2), table(hits=1, n=6, energy=nothing)], "energy_ratio")
    assert np.isnan(found["value"])
    assert found["status"] == "undefined"
    some = row([table(hits=1, n=6), table(hits=1, n=2, energy=nothing)], "energy_ratio")
    assert (some["value"], some["n"]) == (pytest.approx(0.1), 8)
    assert some["status"] == "too_few"


def test_donors_of_all_folds_stand_behind_a_pooled_rate():
    """Two folds of ten donors, whose four samples each are all hit or all missed: worth twice one fold."""
    is_hit, groups = np.repeat(np.arange(10) < 7, 4), np.repeat(np.arange(10), 4).astype(str)
    low, high = rate_interval(is_hit, groups)
    tables = [table(hits=28, n=40) for _ in range(2)]
    for one in tables:
        one.loc[0, ["low", "high"]] = low, high
    found, size = row(tables, "hit_rate_f"), 2 * effective_size(is_hit, groups)
    assert (found["value"], found["n"]) == (pytest.approx(0.7), 80)
    assert (found["low"], found["high"]) == pytest.approx(clopper_pearson(0.7 * size, size))


def test_few_people_a_fold_have_the_interval_of_the_folds():
    """Three people in each fold are too few for an interval of their own; t of five equal folds by hand."""
    values = [0.8, 0.9, 1.0, 1.1, 1.2]
    rows = [("real_target", "hit_rate_f", 1.0, 0.5, 1.0, 10, "ok", "")]
    tables = [
        pd.DataFrame([("g", "pair_error", value, np.nan, np.nan, 3, "ok", ""), *rows], columns=COLUMNS)
        for value in values
    ]
    found = pool_evidence(tables).set_index("measure").loc["pair_error"]
    half = 2.7764451 * np.std(values, ddof=1) / np.sqrt(5)
    assert (found["value"], found["n"]) == (pytest.approx(1.0), 15)
    assert (found["low"], found["high"]) == (pytest.approx(1 - half), pytest.approx(1 + half))
    few = pool_evidence(tables[:2]).set_index("measure").loc["pair_error"]
    assert np.isnan(few["low"])
