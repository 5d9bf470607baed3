"""Units and the scale of values."""

import numpy as np
import pandas as pd
import pytest

from tspg.data.expression import read_expression
from tspg.data.units import guess_units
from tspg.errors import ExpressionError


@pytest.mark.parametrize(
    ("values", "kind", "reason"),
    [
        ([[0, 183_201], [7, 2]], "raw counts", "all values are whole numbers, the largest is 183,201"),
        ([[0.5, 19.77]], "log scale", "the largest is 19.77"),
        ([[-1, 3]], "log scale", "negative, the smallest is -1"),
        ([[0.5, 1234.5]], "linear", "1,234.5"),
        ([[0, 1]], "log scale", "the largest is 1"),
    ],
)
def test_guess_units(values, kind, reason):
    found, why = guess_units(np.array(values, np.float32))
    assert found == kind
    assert reason in why


COUNTS = pd.DataFrame({"A": [10, 0, 5], "B": [90, 20, 5], "C": [0, 30, 190]}, index=["s1", "s2", "s3"])


@pytest.fixture(params=["rows", "columns"])
def read(request, tmp_path):
    def reader(frame, **options):
        frame = frame if request.param == "rows" else frame.T
        frame.to_csv(tmp_path / "m.tsv", sep="\t", index_label="id")
        return read_expression(tmp_path / "m.tsv", transpose=request.param == "columns", **options)

    return reader


def by_hand(frame):
    """Counts per million: every sample alone decides, so one patient is scaled like a cohort."""
    sizes = frame.sum(axis=1)
    return np.log2(frame.mul(1e6 / sizes, axis=0) + 1)


def test_counts_are_scaled_to_counts_per_million(read):
    adata = read(COUNTS, transform="log2")
    np.testing.assert_allclose(adata.X, by_hand(COUNTS), rtol=1e-6)
    assert any("counts per million" in note for note in adata.uns["tspg_input"]["notes"])


def test_libraries_count_all_genes_also_when_few_are_kept(read, monkeypatch):
    monkeypatch.setattr("tspg.data.streams.BLOCK", 8)
    adata = read(COUNTS, transform="log2", genes=["B", "A"])
    np.testing.assert_allclose(adata.X, by_hand(COUNTS)[["A", "B"]], rtol=1e-6)


def test_other_values_are_not_scaled(read):
    linear = COUNTS + 0.5
    adata = read(linear, transform="log2")
    np.testing.assert_allclose(adata.X, np.log2(linear + 1), rtol=1e-6)
    assert adata.uns["tspg_input"]["notes"] == ["values were changed to log2(x + 1)"]


def test_whole_numbers_beside_fractions_are_no_counts(read):
    mixed = COUNTS.assign(D=[0.5, 1.5, 2.5])
    adata = read(mixed, transform="log2", genes=["A", "B"])
    np.testing.assert_allclose(adata.X, np.log2(COUNTS[["A", "B"]] + 1), rtol=1e-6)


def test_values_on_a_log_scale_are_doubted(read):
    notes = read(COUNTS / 20 + 0.1, transform="log2").uns["tspg_input"]["notes"]
    assert any("may have been on a log scale already" in note for note in notes)


def test_without_transform_values_stay(read):
    adata = read(COUNTS)
    np.testing.assert_array_equal(adata.X, COUNTS)
    assert any("--transform log2" in note for note in adata.uns["tspg_input"]["notes"])


def test_negative_values_have_no_log(read):
    with pytest.raises(ExpressionError, match="smallest value is -10"):
        read(COUNTS - 10, transform="log2")


def test_a_sample_of_zeros_cannot_be_scaled(read):
    with pytest.raises(ExpressionError, match="all counts of sample 's2' are zero"):
        read(COUNTS.mul([1, 0, 1], axis=0), transform="log2")
