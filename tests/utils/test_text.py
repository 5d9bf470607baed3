"""Numbers as people read them."""

import numpy as np
import pytest

from tspg.utils.text import number, percent


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, "0%"),
        (1, "100%"),
        (0.5, "50%"),
        (0.999, "99.9%"),
        (0.99999, ">99.9%"),
        (1e-6, "<0.1%"),
        (None, "not available"),
        (np.float32(0.25), "25%"),
        (np.int64(1), "100%"),
    ],
)
def test_percent_never_rounds_to_all_or_nothing(value, expected):
    assert percent(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (-0.126, "−0.13"),
        (-0.001, "0.00"),
        (18154, "18,154"),
        (1234.5, "1,234.50"),
        (float("nan"), "not available"),
        ("x", "not available"),
    ],
)
def test_numbers_are_written_for_people(value, expected):
    assert number(value) == expected


@pytest.mark.parametrize("kind", [np.int8, np.int64, np.uint16])
def test_whole_numbers_of_numpy_are_written_like_those_of_python(kind):
    assert number(kind(5)) == number(5) == "5"
    assert number(kind(100)) == "100"


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_fractions_of_numpy_are_written_like_those_of_python(kind):
    assert number(kind(-1234.5)) == number(-1234.5) == "−1,234.50"
    assert number(kind(0.125), 1) == "0.1"
    assert number(kind("nan")) == "not available"
