"""What docs/deviations.md says was measured, was: each mean with its least and largest is one of the stored rows."""

import re
from pathlib import Path

import pandas as pd
import pytest

from tspg.utils.files import read_json

ROOT = Path(__file__).resolve().parents[2]
NUMBERS = ROOT / "benchmarks" / "deviations.json"
if not NUMBERS.exists():
    pytest.skip("the benchmarks are part of a checkout", allow_module_level=True)
NUMBER = r"-?\d*\.?\d+"
MEASURED = re.compile(rf"({NUMBER}) \(({NUMBER}) to ({NUMBER})\)")


@pytest.fixture(scope="module")
def stored():
    """The mean, least and largest of every number that was stored."""
    found = []
    for rows in read_json(NUMBERS).values():
        table = pd.DataFrame(rows).set_index("change").select_dtypes("number")
        for column in table:
            grouped = table[column].groupby(level="change", sort=False)
            found += zip(grouped.mean(), grouped.min(), grouped.max(), strict=True)
    return found


def is_shown_as(value: float, shown: str) -> bool:
    digits = len(shown.partition(".")[2])
    return abs(value - float(shown)) <= 0.5 * 10**-digits + 1e-12


def missing(text, stored):
    """The triples of a text that nothing stored is rounded to."""
    return [
        shown for shown in MEASURED.findall(text) if not any(all(map(is_shown_as, values, shown)) for values in stored)
    ]


def test_every_number_with_a_range_was_measured(stored):
    text = (ROOT / "docs" / "deviations.md").read_text(encoding="utf-8")
    assert len(MEASURED.findall(text)) > 20
    assert missing(text, stored) == []


def test_a_wrong_digit_is_noticed(stored):
    mean, least, most = stored[0]
    right = f"{mean:.3f} ({least:.3f} to {most:.3f})"
    wrong = f"{mean + 0.001:.3f} ({least:.3f} to {most:.3f})"
    assert [len(missing(text, stored)) for text in (right, wrong)] == [0, 1]
