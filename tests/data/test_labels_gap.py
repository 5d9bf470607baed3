"""A sample without a class or donor, however the gap is written: refused, and never a class of its own."""

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData

from tspg.data.prepare import prepare, text_column
from tspg.errors import LabelError

GAPS = {"empty text": "", "None": None, "not a number": np.nan, "pandas' NA": pd.NA}


def study(gap, *, categories=False):
    labels = pd.Series(["a", "b"] * 10, dtype=object)
    labels.iloc[[4, 7]] = gap
    obs = pd.DataFrame({"label": labels.astype("category") if categories else labels})
    obs.index = [f"s{row}" for row in range(20)]
    return AnnData(np.random.default_rng(0).random((20, 3)).astype(np.float32), obs)


@pytest.mark.parametrize("categories", [False, True], ids=["texts", "categories"])
@pytest.mark.parametrize("gap", GAPS.values(), ids=GAPS)
def test_a_gap_is_refused_with_the_names_of_its_samples(gap, categories):
    adata = study(gap, categories=categories)
    for read in (lambda: prepare(adata, label_column="label"), lambda: text_column(adata, "label")):
        with pytest.raises(LabelError, match="2 samples: 's4', 's7'"):
            read()
    assert text_column(adata, "label", gaps_allowed=True)[3:8] == ["b", "", "b", "a", ""]


def test_a_gap_among_donors_is_refused_too():
    adata = study("a")
    adata.obs["donor"] = [f"d{row}" if row else "" for row in range(20)]
    with pytest.raises(LabelError, match="1 samples: 's0'"):
        prepare(adata, label_column="label", group_column="donor")
