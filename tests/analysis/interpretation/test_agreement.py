"""Two cohorts' tests of genes side by side: counted by hand, and correlated by another library."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from tspg.analysis.interpretation.agreement import agreement_of_tests


def told(t, q=1.0):
    return pd.DataFrame({"t": np.asarray(t, dtype=float), "q_value": q})


def test_the_same_tests_agree_wholly():
    t = np.linspace(-5, 5, 200)
    found = agreement_of_tests(told(t), told(2 * t, np.where(np.abs(t) > 4.8, 0.01, 0.2)))
    assert found == {
        "spearman": pytest.approx(1.0),
        "n_leading": 40,
        "same_sign": 40,
        "sure": int((np.abs(t) > 4.8).sum()),
        "phi": pytest.approx(1.0),
        "n_genes": 200,
    }


def test_half_of_the_leading_genes_turned_round():
    t = np.linspace(-5, 5, 200)
    other = t.copy()
    other[-10:], other[:10] = -t[-10:], -t[:10]  # ten that lead up now lead down, and the other way round
    found = agreement_of_tests(told(t), told(other, 0.01))
    assert (found["n_leading"], found["same_sign"], found["sure"]) == (40, 20, 20)
    k, d = 40, 400  # both directions side by side; 20 are in both lists
    assert found["phi"] == pytest.approx((20 / k - k / d) / (1 - k / d))
    assert found["spearman"] == pytest.approx(spearmanr(t, other)[0])


def test_chance_has_no_agreement():
    rng = np.random.default_rng(0)
    found = [agreement_of_tests(told(rng.normal(size=500)), told(rng.normal(size=500))) for _ in range(200)]
    assert np.mean([one["phi"] for one in found]) == pytest.approx(0, abs=0.01)
    assert np.mean([one["same_sign"] for one in found]) == pytest.approx(20, abs=0.7)


def test_genes_that_one_cohort_did_not_test_do_not_count():
    t, other = np.linspace(-5, 5, 100), np.linspace(-5, 5, 100)
    other[-1] = np.nan
    assert agreement_of_tests(told(t), told(other))["n_genes"] == 99
    nothing = agreement_of_tests(told(t), told(np.full(100, np.nan)))
    assert nothing == {**dict.fromkeys(("spearman", "n_leading", "same_sign", "sure", "phi")), "n_genes": 0}
