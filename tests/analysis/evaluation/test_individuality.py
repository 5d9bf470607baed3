"""What is kept of the person: hand calculation, closed forms, degenerate generators."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import pearsonr
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score

from tspg.analysis.evaluation.classification import TargetLesson, source_leak
from tspg.analysis.evaluation.distances import pairwise
from tspg.analysis.evaluation.individuality import (
    clipped_fraction,
    distance_correlation,
    individuality,
    mean_abs_change,
)
from tspg.analysis.evaluation.resampling import donor_codes, donor_folds


def people(n=30, genes=12, seed=0):
    rng = np.random.default_rng(seed)
    return rng.uniform(0.3, 0.7, (n, genes))


def test_individuality_is_the_mean_of_the_correlations_of_residuals():
    profiles, means, moved, target = people(), people(seed=1), people(seed=2), people(1, seed=3)[0]
    found = individuality(profiles, means, moved, target)
    rows = [pearsonr(profiles[i] - means[i], moved[i] - target)[0] for i in range(30)]
    assert found.value == pytest.approx(np.mean(rows))
    half = 1.96 * np.std(rows, ddof=1) / np.sqrt(30)
    assert (found.low, found.high) == pytest.approx((found.value - half, found.value + half), abs=0.2 * half)


def test_mean_shift_keeps_all_a_stranger_nothing_and_collapse_nothing():
    profiles, means, target = people(200), np.tile(people(1, seed=1), (200, 1)), people(1, seed=3)[0]
    assert individuality(profiles, means, profiles - means + target, target).value == pytest.approx(1.0)
    assert individuality(profiles, means, 0.3 * (profiles - means) + target, target).value == pytest.approx(1.0)
    assert abs(individuality(profiles, means, people(200, seed=4) - 0.5 + target, target).value) < 0.1
    collapsed = individuality(profiles, means, np.tile(target, (200, 1)).astype(np.float32), target)
    assert (collapsed.value, collapsed.note) == (0.0, "200 profiles without any residual count 0")
    assert individuality(profiles[:0], means[:0], profiles[:0], target).status == "too_few"


def agreement(before, after, **more):
    return distance_correlation(pairwise(before), pairwise(after), n_genes=before.shape[1], **more)


def unbiased_distance_correlation(x, y):
    """Definition 2 of Szekely & Rizzo 2013, cell by cell."""
    n, centred = len(x), []
    for distances in (cdist(x, x), cdist(y, y)):
        cells = np.zeros((n, n))
        for i in range(n):
            for j in range(n):
                if i != j:
                    cells[i, j] = (
                        distances[i, j]
                        - distances[i].sum() / (n - 2)
                        - distances[:, j].sum() / (n - 2)
                        + distances.sum() / ((n - 1) * (n - 2))
                    )
        centred.append(cells)
    a, b = centred
    return (a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum())


def test_distance_correlation_is_its_definition():
    x, y = people(9), people(9, seed=1) + people(9)
    assert agreement(x, y, seed=0).value == pytest.approx(unbiased_distance_correlation(x, y))


def test_distance_correlation_of_the_same_rows_is_one_and_of_strangers_zero_with_many_genes():
    x = people(20, 2000)
    same = agreement(x, 3 * x[:, ::-1] + 1, seed=0)
    assert same.value == pytest.approx(1.0)
    assert same.note == "permutation p = 0.002 (499 permutations)"
    strangers = [agreement(people(20, 2000, 2 * k), people(20, 2000, 2 * k + 1), seed=0).value for k in range(20)]
    assert abs(np.mean(strangers)) < 0.1  # the usual form gives .9 and more here
    assert agreement(x, np.ones_like(x), seed=0).status == "undefined"
    assert agreement(x[:3], x[:3], seed=0).status == "too_few"


def test_of_many_people_some_are_permuted_and_all_are_correlated(monkeypatch):
    x, y = people(60), people(60, seed=1)
    x[:20] = y[:20]
    before = agreement(x, y, seed=0)
    monkeypatch.setattr("tspg.analysis.evaluation.individuality.MOST_PERMUTED", 40)
    after = agreement(x, y, seed=0)
    assert before.value == after.value == pytest.approx(unbiased_distance_correlation(x, y))
    assert before.note.endswith("(499 permutations)")
    assert after.note.endswith("(499 permutations; 40 of 60 samples)")
    same = agreement(x, x, seed=0)  # those who are drawn still agree with themselves in no other order
    assert same.note.startswith("permutation p = 0.002 ")


def test_change_and_clipping_by_hand():
    before, after = np.array([[0.0, 0.5], [1.0, 0.5]]), np.array([[0.5, 0.5], [1.0, 0.0]])
    assert mean_abs_change(before, after).value == pytest.approx(0.25)
    assert clipped_fraction(after).value == pytest.approx(2 / 4)
    assert np.isnan(clipped_fraction(after).low)  # two people give no interval
    assert clipped_fraction(after[:0]).status == mean_abs_change(before[:0], after[:0]).status == "too_few"


SOURCE_CLASS = np.array(list("abc") * 20, dtype=object)


def test_identity_leaks_the_class_and_the_same_distribution_does_not():
    offset = np.array([{"a": 0.0, "b": 0.2, "c": 0.4}[name] for name in SOURCE_CLASS])[:, None]
    profiles = people(60, 20)
    found = source_leak(profiles + offset, SOURCE_CLASS, seed=0)
    assert found.value == 1.0
    assert (found.chance.value, found.n) == (pytest.approx(1 / 3), 60)
    blind = [source_leak(people(60, 20, seed=k), SOURCE_CLASS, seed=k).value for k in range(10)]
    assert np.mean(blind) == pytest.approx(1 / 3, abs=0.08)


def test_a_leak_is_not_found_by_recognising_the_person():
    """Each donor gives three copies of one profile to one class: without whole donors held out, all would be right."""
    profiles, names = np.repeat(people(20, 40), 3, axis=0), np.repeat(np.arange(20), 3).astype(str)
    source_class = np.repeat(np.array(list("ab") * 10, dtype=object), 3)
    alone, grouped = (source_leak(profiles, source_class, groups=g, seed=0).value for g in (None, names))
    assert alone > 0.8
    assert grouped < 0.65


def test_classes_of_one_donor_are_left_out_and_said():
    source_class = np.array(["a"] * 10 + ["b"] * 10 + ["c"], dtype=object)
    found = source_leak(people(21), source_class, seed=0)
    assert (found.n, found.chance.value) == (20, 0.5)
    assert "1 classes" in found.note
    assert source_leak(people(10), source_class[:10], seed=0).status == "undefined"


def test_balanced_accuracy_weighs_classes_not_samples():
    """All of one class: right for the large one only, so one half."""
    source_class = np.array(["a"] * 50 + ["b"] * 4, dtype=object)
    for n_genes in (3, 100):  # collapse, too, must have an answer
        assert source_leak(np.full((54, n_genes), 0.5), source_class, seed=0).value == 0.5


def test_a_leak_is_looked_for_in_at_most_so_many_samples_and_that_is_said(monkeypatch):
    monkeypatch.setattr("tspg.analysis.evaluation.classification.MOST_SEPARATED", 30)
    offset = np.array([{"a": 0.0, "b": 0.2, "c": 0.4}[name] for name in SOURCE_CLASS])[:, None]
    found = source_leak(people(60, 20) + offset, SOURCE_CLASS, seed=0)
    assert found.value > 0.9
    assert (found.n, found.chance.value) == (30, pytest.approx(1 / 3))
    assert "30 of 60" in found.note


def test_those_who_are_drawn_keep_their_donors(monkeypatch):
    monkeypatch.setattr("tspg.analysis.evaluation.classification.MOST_SEPARATED", 90)
    profiles, names = np.tile(people(40, 40), (3, 1)), np.tile(np.arange(40), 3).astype(str)
    source_class = np.array(list("ab") * 60, dtype=object)
    alone, grouped = (source_leak(profiles, source_class, groups=g, seed=0).value for g in (None, names))
    assert alone > 0.75
    assert grouped < 0.65


@pytest.mark.parametrize("n_genes", [8, 90])
def test_the_leak_is_that_of_scikit_learn_on_all_genes(n_genes):
    profiles = people(60, n_genes, seed=5) + 0.05 * np.array([["abc".index(name)] for name in SOURCE_CLASS])
    (donors,) = donor_codes((60, None))
    fold, called = donor_folds(donors, SOURCE_CLASS, n_folds=5, seed=0), np.empty(60, dtype=object)
    for number in range(5):
        seen = fold != number
        classifier = LogisticRegression(tol=1e-9, max_iter=9999).fit(profiles[seen], SOURCE_CLASS[seen].astype(str))
        called[~seen] = classifier.predict(profiles[~seen])
    expected = balanced_accuracy_score(SOURCE_CLASS.astype(str), called.astype(str))
    assert source_leak(profiles, SOURCE_CLASS, seed=0).value == pytest.approx(expected, abs=0.02)


def test_folds_hold_out_whole_donors_and_spread_the_classes():
    (donors,) = donor_codes((60, np.repeat(np.arange(30), 2).astype(str)))
    folds = donor_folds(donors, SOURCE_CLASS, n_folds=5, seed=0)
    assert (folds[::2] == folds[1::2]).all()
    assert all(np.bincount(folds[name == SOURCE_CLASS], minlength=5).min() >= 2 for name in "abc")
    with pytest.raises(ValueError, match="2 donors are given for 3 samples"):
        donor_codes((3, ["x", "y"]))


def two_classes_and_target(n, seed, genes=30):
    rng = np.random.default_rng(seed)
    names = np.array(list("abt") * n, dtype=object)
    profiles = rng.uniform(0.2, 0.6, (3 * n, genes))
    for number, name in enumerate("abt"):
        profiles[names == name, 5 * number : 5 * number + 5] += 0.3
    return profiles.astype(np.float32), names


def trained_on(move):
    training, training_class = two_classes_and_target(30, 0)
    held_out, held_out_class = two_classes_and_target(15, 1)
    sources = training[training_class != "t"]
    lesson = TargetLesson(training, training_class, held_out, held_out_class, "t", None, seed=0)
    return lesson.from_moved(move(sources))


def test_what_real_targets_teach_moved_ones_can_teach_too():
    from_real = two_classes_and_target(30, 7)
    found = trained_on(lambda _: from_real[0][from_real[1] == "t"])
    assert found.value > 0.95
    assert found.note == "1.000 when trained on real target samples"
    assert found.n == 45


def test_sources_that_never_moved_or_went_elsewhere_teach_nothing():
    assert trained_on(lambda sources: sources).value < 0.7
    assert trained_on(lambda sources: 1 - sources).value < 0.7
    assert trained_on(lambda sources: sources[:0]).status == "too_few"
