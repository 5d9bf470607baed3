"""Which samples of a large study are looked at, counted by hand."""

import numpy as np
import pytest

from tspg.analysis.evaluation.resampling import bound_note, rows_of_every_class, rows_within_bound

CLASSES = np.array(["large"] * 50 + ["small"] * 3 + ["middle"] * 10, dtype=object)


def test_all_rows_are_used_up_to_the_bound():
    assert rows_within_bound(500, seed=0, bound=500).tolist() == list(range(500))
    fewer = rows_within_bound(501, seed=0, bound=500)
    assert len(set(fewer)) == 500
    assert (np.diff(fewer) > 0).all()


@pytest.mark.parametrize(
    ("bound", "kept"),
    [(63, (50, 3, 10)), (62, (49, 3, 10)), (20, (8, 3, 8)), (9, (3, 3, 3)), (8, (2, 2, 2)), (2, (1, 1, 1))],
)
def test_large_classes_give_way_first_and_none_is_lost(bound, kept):
    rows = rows_of_every_class(CLASSES, seed=0, bound=bound)
    assert tuple((CLASSES[rows] == name).sum() for name in ("large", "small", "middle")) == kept
    assert (np.diff(rows) > 0).all()


def test_the_seed_draws_and_every_sample_has_its_chance():
    drawn = [rows_of_every_class(CLASSES, seed=seed, bound=20) for seed in range(200)]
    assert drawn[3].tolist() == rows_of_every_class(CLASSES, seed=3, bound=20).tolist()
    often = np.bincount(np.concatenate(drawn), minlength=63) / 200
    assert often[:50] == pytest.approx(8 / 50, abs=0.1)
    assert often[50:53] == pytest.approx(1.0)


def test_a_bound_is_said_only_where_it_bites():
    assert bound_note(2000, 9345, "samples") == "2,000 of 9,345 samples"
    assert bound_note(360, 360, "samples") == ""
