"""Moved profiles against the person's own counterpart: hand calculation, chance, perfect and real pairs."""

import anndata
import numpy as np
import pytest
from scipy.stats import pearsonr

from tspg.analysis.evaluation.distances import pairwise
from tspg.analysis.evaluation.pairs import Counterparts
from tspg.data.prepare import prepare
from tspg.model.learning import fit_closed_form, move_with

MEASURES = ["pair_error", "pair_correlation", "pair_discrimination", "pair_top_genes"]


def judged(moved, sources, real, mean, source_groups, real_groups, seed=0):
    found = Counterparts.of(sources, real, mean, source_groups=source_groups, real_groups=real_groups)
    return dict(found.measures(moved, pairwise(moved, real), seed=seed))


@pytest.fixture
def by_hand():
    """Ann gave two source and two target samples, Bob one of each, Cat a source and Dan a target only; ten genes."""
    rng = np.random.default_rng(5)
    sources, real = rng.uniform(0.2, 0.8, (4, 10)), rng.uniform(0.2, 0.8, (4, 10))
    return sources, real, rng.uniform(0.4, 0.6, 10), ["Ann", "Cat", "Bob", "Ann"], ["Bob", "Ann", "Dan", "Ann"]


def test_the_error_is_the_mean_over_people_beside_that_of_the_targets_mean(by_hand):
    _, real, mean, *_ = by_hand
    moved = np.random.default_rng(6).uniform(0.2, 0.8, (4, 10))
    ann, bob = (real[1] + real[3]) / 2, real[0]

    def rmse(x, y):
        return np.sqrt(((x - y) ** 2).mean())

    own = ((rmse(moved[0], ann) + rmse(moved[3], ann)) / 2 + rmse(moved[2], bob)) / 2
    of_mean = (rmse(mean, ann) + rmse(mean, bob)) / 2
    found = judged(moved, *by_hand)["pair_error"]
    assert found.value == pytest.approx(own / of_mean)
    assert (found.n, np.isnan(found.low)) == (2, True)  # two people give no interval


def test_the_correlation_is_pearsons_of_the_residuals_and_none_counts_zero(by_hand):
    _, real, mean, *_ = by_hand
    moved = np.random.default_rng(6).uniform(0.2, 0.8, (4, 10))
    ann, bob = (real[1] + real[3]) / 2, real[0]
    of_ann = [pearsonr(moved[row] - mean, ann - mean)[0] for row in (0, 3)]
    expected = (np.mean(of_ann) + pearsonr(moved[2] - mean, bob - mean)[0]) / 2
    assert judged(moved, *by_hand)["pair_correlation"].value == pytest.approx(expected)
    moved[2] = mean
    found = judged(moved, *by_hand)["pair_correlation"]
    assert found.value == pytest.approx(np.mean(of_ann) / 2)
    assert found.note == "1 profiles without any residual count 0"


def test_discrimination_counts_the_others_that_lie_farther_and_half_of_those_tied():
    """On a line: Ann moved to 0, her own at .1 and .4; Bob's at .2, Dan's at .1 and .9; Bob moved onto his own."""
    real = np.array([[0.1], [0.4], [0.2], [0.1], [0.9]]) * np.ones((1, 10))
    moved = np.array([[0.0], [0.2]]) * np.ones((1, 10))
    found = judged(moved, moved, real, real[0], ["Ann", "Bob"], ["Ann", "Ann", "Bob", "Dan", "Dan"])
    near, far = (1 + 0.5 + 1) / 3, (0 + 0 + 1) / 3  # of .2, .1 and .9, beyond .1 and beyond .4
    assert found["pair_discrimination"].value == pytest.approx(((near + far) / 2 + 1) / 2)


def test_top_genes_are_a_tenth_of_all_and_must_be_moved():
    """Of thirty genes three count; Ann's true ones are 0, 1, 2, Bob's 3, 4, 5."""
    sources, real = np.full((2, 30), 0.5), np.full((2, 30), 0.5)
    real[0, :3], real[1, 3:6] = [0.9, 0.1, 0.8], [0.2, 0.9, 0.1]
    moved = sources.copy()
    moved[0, [0, 1, 7, 8]] = [0.62, 0.4, 0.9, 0.2]  # its top three are 7, 8 and 0
    moved[1, 4] = 0.4  # one gene is moved: the two others are nobody's
    for shift in range(30):  # whatever the order of the genes
        turned, true = np.roll(moved, shift, axis=1), np.roll(real, shift, axis=1)
        found = judged(turned, sources, true, true.mean(axis=0), ["Ann", "Bob"], ["Ann", "Bob"])["pair_top_genes"]
        assert found.value == pytest.approx((1 / 3 + 1 / 3) / 2)
    still = judged(sources, sources, real, real.mean(axis=0), ["Ann", "Bob"], ["Ann", "Bob"])["pair_top_genes"]
    assert (np.isnan(still.value), still.status) == (True, "undefined")
    few = judged(moved[:, :9], sources[:, :9], real[:, :9], real[0, :9], ["Ann", "Bob"], ["Ann", "Bob"])
    assert few["pair_top_genes"].status == "undefined"


def people(n=60, genes=2000, seed=0):
    rng = np.random.default_rng(seed)
    names = [f"p{number}" for number in range(n)]
    return rng.uniform(0.2, 0.8, (n, genes)), rng.uniform(0.2, 0.8, (n, genes)), np.full(genes, 0.5), names, names


def test_a_perfect_method_has_no_error_and_all_of_the_person():
    sources, real, *rest = people()
    found = judged(real, sources, real, *rest)
    assert [found[name].value for name in MEASURES] == pytest.approx([0.0, 1.0, 1.0, 1.0])


def test_the_targets_mean_scores_one_by_definition():
    sources, real, mean, names, _ = people()
    found = judged(np.tile(mean, (60, 1)), sources, real, mean, names, names)
    assert (found["pair_error"].value, found["pair_error"].low) == pytest.approx((1.0, 1.0))
    assert found["pair_correlation"].value == 0.0
    assert found["pair_discrimination"].value == pytest.approx(0.5)  # each is in turn the nearest, second, ...


def test_independent_profiles_are_at_chance():
    sources, real, mean, names, _ = people()
    drawn = np.random.default_rng(9).uniform(0.2, 0.8, real.shape)
    found = judged(drawn, sources, real, mean, names, names)
    assert found["pair_discrimination"].value == pytest.approx(0.5, abs=0.12)
    assert found["pair_discrimination"].low < 0.5 < found["pair_discrimination"].high
    assert found["pair_correlation"].value == pytest.approx(0.0, abs=0.02)
    assert found["pair_error"].value == pytest.approx(np.sqrt(2), abs=0.02)  # a stranger is twice as far in squares


def test_the_interval_of_the_error_compares_the_same_people():
    """Errors of people differ tenfold, but everybody's is .9 of that of the mean: the ratio is sure."""
    rng = np.random.default_rng(0)
    size = np.geomspace(0.02, 0.2, 40)[:, None]
    real = 0.5 + size * rng.choice([-1.0, 1.0], (40, 500))
    names = [f"p{number}" for number in range(40)]
    share = 0.9 + 0.02 * rng.standard_normal((40, 1))
    found = judged(0.5 + (1 - share) * (real - 0.5), real, real, np.full(500, 0.5), names, names)["pair_error"]
    errors, of_mean = (share * size)[:, 0], size[:, 0]
    assert found.value == pytest.approx(errors.sum() / of_mean.sum())
    left = errors - found.value * of_mean
    half = 1.96 * left.std(ddof=1) / np.sqrt(40) / of_mean.mean()  # delta method of a ratio
    assert (found.low, found.high) == pytest.approx((found.value - half, found.value + half), abs=0.2 * half)


def test_without_donors_or_with_one_pair_there_is_nothing():
    sources, real, mean, names, _ = people(6, 30)
    one = ["p0", *(f"other{number}" for number in range(5))]
    for source_groups, real_groups in ((None, None), (names, one), (names, [f"o{number}" for number in range(6)])):
        found = Counterparts.of(sources, real, mean, source_groups=source_groups, real_groups=real_groups)
        assert found is None
    assert Counterparts.of(sources[:0], real, mean, source_groups=[], real_groups=names) is None


def test_tumours_and_the_same_patients_normal_kidney(shared_data):
    """A map that carries a tumour's deviations over lies farther from her own normal than the mean of all normals."""
    adata = anndata.read_h5ad(shared_data / "tcga_kidney" / "tcga_kidney.h5ad")
    target = "Solid Tissue Normal"
    dataset = prepare(adata, label_column="diagnosis", group_column="patient", seed=0)
    patients = np.asarray(dataset.groups)
    is_target, held_out = dataset.class_mask(target), ~dataset.is_train
    sources, real = (np.flatnonzero(rows & held_out) for rows in (~is_target, is_target))
    before, after = dataset.profiles[sources], dataset.profiles[real]
    rest = dataset.class_mean(target), patients[sources], patients[real]
    found = {}
    for name in ("target_mean", "mean_shift", "paired_regression"):
        method = fit_closed_form(name, dataset, target)
        moved = move_with(method, before, dataset.source_class[sources], dataset.classes)
        found[name] = judged(moved, before, after, *rest)
    n = len(set(patients[sources]) & set(patients[real]))
    assert n > 20
    assert {measure.n for of_method in found.values() for measure in of_method.values()} == {n}
    error = {name: of_method["pair_error"] for name, of_method in found.items()}
    assert error["target_mean"].value == pytest.approx(1.0, abs=1e-6)
    assert error["mean_shift"].low > 1.2
    assert error["paired_regression"].low < 1.0
    assert error["paired_regression"].value < 1.005
    assert found["paired_regression"]["pair_correlation"].value > 0
    assert found["target_mean"]["pair_top_genes"].value > found["mean_shift"]["pair_top_genes"].value
