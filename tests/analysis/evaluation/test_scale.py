"""The scale from the best simple method to real samples: by hand, and what it must not hear."""

import numpy as np
import pandas as pd
import pytest

from tspg.analysis.evaluation.scale import relative_scale, uninformative


def table(real, mean_shift, own, *, low=np.nan, high=np.nan, target_mean=None, measure="energy_ratio"):
    """Evidence by one measure, with the interval of the real samples' number."""
    values = {"generator": own, "mean_shift": mean_shift, "target_mean": target_mean, "real_target": real}
    rows = [(method, measure, value) for method, value in values.items() if value is not None]
    found = pd.DataFrame(rows, columns=["method", "measure", "value"]).assign(low=np.nan, high=np.nan)
    found.loc[found["method"] == "real_target", ["low", "high"]] = [low, high]
    return found


def only_row(evidence, method="generator"):
    (row,) = relative_scale(evidence, method).to_dict("records")
    return row


@pytest.mark.parametrize(
    ("real", "mean_shift", "own", "s"),
    [
        (0.0, 0.5, 0.125, 0.75),  # lower is better
        (1.0, 0.5, 0.75, 0.5),  # higher is better
        (1.0, 1.5, 1.5, 0.0),
        (1.0, 1.5, 1.0, 1.0),
        (1.0, 1.5, 0.5, 2.0),  # beyond real samples
        (1.0, 1.5, 2.0, -1.0),  # worse than the shift
    ],
)
def test_the_shift_is_0_and_real_samples_are_1_whichever_way_is_better(real, mean_shift, own, s):
    assert only_row(table(real, mean_shift, own)) == {
        "measure": "energy_ratio",
        "simple": "mean_shift",
        "s": s,
        "informative": True,
    }


@pytest.mark.parametrize(("target_mean", "simple", "s"), [(0.25, "target_mean", 0.5), (0.75, "mean_shift", 0.75)])
def test_the_simple_method_nearer_to_real_samples_is_the_yardstick(target_mean, simple, s):
    row = only_row(table(0.0, 0.5, 0.125, target_mean=target_mean))
    assert (row["simple"], row["s"]) == (simple, s)


def test_nearer_is_not_lower():
    """Where 1 is right, a shift of 1.25 is nearer than a mean without any spread."""
    row = only_row(table(1.0, 1.25, 1.125, target_mean=0.0, measure="variance_ratio"))
    assert (row["simple"], row["s"]) == ("mean_shift", 0.5)


def test_a_method_is_not_its_own_yardstick():
    assert only_row(table(0.0, 0.5, 0.25, target_mean=1.0), "mean_shift")["s"] == 0.5
    assert relative_scale(table(0.0, 0.5, 0.25), "mean_shift").empty


@pytest.mark.parametrize(
    ("mean_shift", "low", "high", "informative"),
    [
        (0.25, -0.25, 0.25, False),  # just as near as real samples are to each other
        (0.2501, -0.25, 0.25, True),
        (-0.2501, -0.25, 0.25, True),
        (0.25, -0.125, 0.375, False),  # half of the width counts, wherever the interval lies
        (0.019, np.nan, np.nan, False),
        (0.021, np.nan, np.nan, True),
    ],
)
def test_a_measure_whose_range_is_within_noise_tells_nothing(mean_shift, low, high, informative):
    evidence = table(0.0, mean_shift, 0.1, low=low, high=high)
    row = only_row(evidence)
    assert row["informative"] == informative
    assert np.isnan(row["s"]) == (not informative)
    assert uninformative(evidence, "generator") == (frozenset() if informative else {"energy_ratio"})


def test_a_gene_correlation_that_even_a_shift_has_passed_is_no_scale_but_still_judges():
    """Few real samples of an uneven class agree less with the target than a smooth cloud does."""
    at = {"measure": "gene_correlation_at_equal_n"}
    row = only_row(table(0.25, 0.5, 0.75, **at))
    assert row["informative"]
    assert np.isnan(row["s"])
    assert only_row(table(0.5, 0.25, 0.75, **at))["s"] == 2.0


def test_only_what_real_samples_and_a_simple_method_were_measured_by_stands_on_the_scale():
    parts = [
        table(1.0, 0.5, 0.75),
        table(None, 0.9, 0.8, measure="individuality"),
        table(0.5, None, 0.4, measure="nn_fake"),
        table(np.nan, 0.5, 0.4, measure="coverage"),
        table(1.0, np.nan, 0.4, target_mean=0.0, measure="recall"),
        table(1.0, 0.5, None, measure="density"),
    ]
    found = relative_scale(pd.concat(parts), "generator").set_index("measure")
    assert found["s"].dropna().to_dict() == {"energy_ratio": 0.5, "recall": 0.4}
    assert set(found.index) == {"energy_ratio", "recall", "density"}  # this run was not measured by the last


def test_tables_without_what_is_needed_give_an_empty_scale():
    columns = ["measure", "simple", "s", "informative"]
    bare = table(1.0, 0.5, 0.75)
    for evidence in (pd.DataFrame(), bare[bare["method"] != "real_target"], bare[bare["method"] == "generator"]):
        found = relative_scale(evidence, "generator")
        assert found.empty
        assert list(found) == columns
    assert uninformative(pd.DataFrame(), "generator") == frozenset()
