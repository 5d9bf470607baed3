"""Evidence tables of older versions, which said in notes what are values now."""

import numpy as np
import pandas as pd

from tspg.analysis.evaluation.measure import COLUMNS
from tspg.analysis.evaluation.migration import complete_evidence

OLD = ["method", "measure", "value", "low", "high", "n", "note"]
CHANCE = "by chance 0.488 (0.350 to 0.623), both sides p = 0.0023"


def completed(*rows):
    found = complete_evidence(pd.DataFrame(rows, columns=OLD))
    assert list(found.columns) == COLUMNS
    return found


def status_of(value, n, note):
    return completed(("g", "energy_ratio", value, np.nan, np.nan, n, note))["status"].item()


def test_the_status_is_what_the_note_says():
    assert status_of(0.5, 30, np.nan) == status_of(0.5, 30, "mean of 5 folds") == "ok"
    assert status_of(np.nan, 30, "too few") == status_of(0.5, 6, "999 permutations; too few") == "too_few"
    assert status_of(0.5, 30, "only 12 held-out target samples; the interval is 0.1 wide") == "ok"
    assert status_of(np.nan, 30, "undefined") == status_of(np.nan, 30, "undefined: nothing was moved") == "undefined"
    assert status_of(0.97, 30, "not admitted; recall 0.85; transfer 1.15") == "not_admitted"
    assert status_of(np.nan, 0, "recall 0.95") == "too_few"


def test_levels_by_chance_become_rows():
    rows = completed(
        ("g", "nn_fake", 0.7, np.nan, np.nan, 40, f"mean of 3 folds; {CHANCE}; only 12 held-out target samples"),
        ("g", "nn_real", 0.6, np.nan, np.nan, 40, "by chance 0.5 (0.4 to 0.6), both sides p = 0.0023"),
        ("g", "source_leak", 0.4, 0.3, 0.6, 80, "chance 0.33 (3 classes); 1 classes with one donor left out"),
    ).set_index("measure")
    assert len(rows) == 7  # p is that of both sides, so there is one
    assert rows.loc["nn_fake_by_chance", ["value", "low", "high", "n"]].tolist() == [0.488, 0.35, 0.623, 40]
    assert rows.loc["nn_real_by_chance", ["value", "low", "high"]].tolist() == [0.5, 0.4, 0.6]
    assert rows.loc["nn_p_value", "value"] == 0.0023
    assert rows.loc["source_leak_by_chance", "value"] == 1 / 3


def test_a_table_with_a_status_stays_as_it_is_and_a_poor_one_is_filled():
    new = completed(("g", "energy_ratio", 0.5, np.nan, np.nan, 30, "too few"))
    assert complete_evidence(new) is new
    poor = complete_evidence(pd.DataFrame({"method": ["g"], "measure": ["energy_ratio"], "value": [0.5]}))
    assert poor[["status", "n", "note"]].to_numpy().tolist() == [["ok", 0, ""]]
    assert complete_evidence(pd.DataFrame()).empty
