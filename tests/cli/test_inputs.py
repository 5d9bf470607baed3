"""Options to files: what is read, and how."""

import numpy as np
import pandas as pd
import pytest

from tspg.cli import inputs
from tspg.cli.parser import build_parser

GENES = [f"G{number}" for number in range(12)]


@pytest.fixture
def options(tmp_path):
    """Those of a run on two cohorts whose labels name their samples in columns of different names."""
    rng = np.random.default_rng(0)
    for cohort, column in (("a", "barcode"), ("b", "id")):
        names = [f"{cohort}{number}" for number in range(12)]
        matrix = pd.DataFrame(rng.normal(8, 1, (12, 12)), index=names, columns=GENES)
        matrix.to_csv(tmp_path / f"{cohort}.tsv", sep="\t", index_label="sample")
        labels = pd.DataFrame({"state": ["x", "y"] * 6, column: names})
        labels.to_csv(tmp_path / f"{cohort}_labels.tsv", sep="\t", index=False)
    words = ["run", "--target", "x", "--label-column", "state", "--sample-column", "barcode", "--out", "out"]
    for option, file in (("", "a"), ("test-", "b")):
        words += [f"--{option}expression", str(tmp_path / f"{file}.tsv")]
        words += [f"--{option}labels", str(tmp_path / f"{file}_labels.tsv")]
    return build_parser().parse_args(words)


def test_the_column_of_names_is_that_of_the_first_labels_alone(options):
    first = inputs.profiles(options)
    assert list(first.obs_names) == [f"a{number}" for number in range(12)]
    second = inputs.second_cohort(options, first).adata
    assert list(second.obs_names) == [f"b{number}" for number in range(12)]
    assert list(second.obs["state"]) == ["x", "y"] * 6
