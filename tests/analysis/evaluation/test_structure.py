"""Variance and gene-gene correlation against hand calculation, NumPy and closed forms."""

import numpy as np
import pytest

from tspg.analysis.evaluation.structure import _correlations, gene_correlation, gene_correlation_at, variance_ratio


def correlated(n, seed, genes=30, noise=0.3):
    """Samples of one population with three hidden factors."""
    loadings = np.random.default_rng(99).normal(size=(3, genes))
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(n, 3)) @ loadings + noise * rng.normal(size=(n, genes))).astype(np.float32)


def test_variance_ratio_by_hand():
    training = np.array([[0.0, 0.0], [1.0, 0.0]], np.float32)  # variance 0.5 + 0
    moved = np.array([[0.0, 0.0], [0.0, 2.0]], np.float32)  # 0 + 2
    assert variance_ratio(moved, training).value == pytest.approx(4.0)
    assert variance_ratio(np.ones((5, 2), np.float32), training).value == 0.0
    assert variance_ratio(moved[:1], training).status == "too_few"
    assert variance_ratio(moved, np.ones((5, 2), np.float32)).status == "undefined"


def test_half_the_way_to_the_mean_keeps_a_quarter_of_the_variance():
    training = correlated(50, 0)
    assert variance_ratio((training + training.mean(axis=0)) / 2, training).value == pytest.approx(0.25, rel=1e-5)


def test_variance_interval_is_that_of_the_normal_distribution():
    """The variance of n normal numbers has relative standard error sqrt(2 / (n - 1))."""
    widths = []
    for seed in range(20):
        moved = np.random.default_rng(seed).normal(size=(200, 1))
        found = variance_ratio(moved, np.array([[-1.0], [1.0]]) / np.sqrt(2), seed=seed, n_boot=1000)
        widths.append((found.high - found.low) / found.value)
    assert np.mean(widths) == pytest.approx(2 * 1.96 * np.sqrt(2 / 199), rel=0.1)


def test_variance_interval_counts_people_not_samples():
    people = np.random.default_rng(0).normal(size=(12, 4))
    copies, names = np.repeat(people, 20, axis=0), np.repeat(np.arange(12), 20).astype(str)
    alone = variance_ratio(copies, people)
    grouped = variance_ratio(copies, people, groups=names)
    assert grouped.value == alone.value
    assert grouped.high - grouped.low > 3 * (alone.high - alone.low)
    few = variance_ratio(copies[:60], people, groups=names[:60])
    assert np.isnan(few.low)  # three people say nothing about others


def test_gene_correlation_is_that_of_numpys_upper_triangles():
    moved, training = correlated(40, 0), correlated(60, 1, noise=1.0)
    triangles = [np.corrcoef(x.T.astype(float))[np.triu_indices(30, 1)] for x in (moved, training)]
    found = gene_correlation(moved, training, seed=0)
    assert found.value == pytest.approx(np.corrcoef(triangles)[0, 1], abs=1e-6)
    assert found.low < found.value < found.high
    assert found.note == ""


def test_a_bootstrap_draw_counts_a_sample_as_often_as_it_was_drawn():
    """The correlations of a draw are those of NumPy on the samples repeated, those not drawn left out."""
    profiles = np.random.default_rng(3).normal(size=(40, 6)) @ np.random.default_rng(4).normal(size=(6, 6))
    weights = np.random.default_rng(5).multinomial(40, np.full(40, 1 / 40)).astype(float)
    repeated = np.corrcoef(np.repeat(profiles, weights.astype(int), axis=0).T)
    np.testing.assert_allclose(_correlations(profiles, weights), repeated - np.eye(6), atol=1e-12)


def test_one_population_agrees_and_lost_correlation_does_not():
    training = correlated(100, 0)
    assert gene_correlation(correlated(100, 1), training, seed=0).value > 0.95
    rng = np.random.default_rng(2)
    diagonal = training.mean(axis=0) + rng.normal(size=(100, 30)) * training.std(axis=0)
    assert variance_ratio(diagonal, training).value == pytest.approx(1.0, abs=0.15)  # variance cannot see it
    assert abs(gene_correlation(diagonal, training, seed=0).value) < 0.2


def test_all_methods_are_asked_about_the_same_genes():
    training = correlated(50, 0, genes=60)
    training[:, :10] = 0.5  # constant in the target: never asked about
    moved = correlated(50, 1, genes=60)
    full = gene_correlation(moved, training, seed=3, most_genes=20)
    assert full.note == ""
    collapsed = moved.copy()
    collapsed[:, 30:] = 0.25
    part = gene_correlation(collapsed, training, seed=3, most_genes=20)
    lost, asked = (int(part.note.split()[at]) for at in (0, 2))
    assert asked == 20
    assert 0 < lost < 20
    assert gene_correlation(moved, training, seed=3, most_genes=20) == full
    assert gene_correlation(moved, training, seed=4, most_genes=20).value != full.value


def test_collapse_is_undefined_and_says_why():
    training = correlated(50, 0)
    found = gene_correlation(np.tile(training.mean(axis=0), (20, 1)), training, seed=0)
    assert np.isnan(found.value)
    assert found.status == "undefined"
    assert gene_correlation(training[:2], training, seed=0).status == "too_few"


def test_permuting_genes_or_samples_changes_nothing():
    moved, training = correlated(30, 0), correlated(40, 1)
    order = np.random.default_rng(0).permutation(30)
    found = gene_correlation(moved, training, seed=0).value
    assert gene_correlation(moved[:, order], training[:, order], seed=0).value == pytest.approx(found, abs=1e-9)
    assert gene_correlation(moved[order], training, seed=0).value == pytest.approx(found, abs=1e-9)
    assert gene_correlation(moved[:, order], training, seed=0).value < 0.5


def test_at_equal_numbers_real_samples_score_alike_however_many_there_are():
    training = correlated(200, 0, noise=1.0)
    many, few = correlated(400, 1, noise=1.0), correlated(15, 2, noise=1.0)
    all_of_many, own = (gene_correlation(part, training, seed=0).value for part in (many, few))
    found = gene_correlation_at(15, many, training, seed=0)
    assert found.n == 15
    assert abs(found.value - own) < 0.15 < all_of_many - own
    rng = np.random.default_rng([0, 81])
    drawn = [many[rng.choice(400, 15, replace=False)] for _ in range(20)]
    by_numpy = [gene_correlation(part, training, seed=0, n_boot=1).value for part in drawn]
    assert found.value == pytest.approx(np.mean(by_numpy))
    assert gene_correlation_at(15, few, training, seed=0).value == pytest.approx(own)
    assert gene_correlation_at(2, few, training, seed=0).status == "too_few"


def test_a_draw_of_the_variance_leaves_out_pairs_of_a_sample_with_itself(monkeypatch):
    """Every pair of different samples as often as both were drawn; a sample that was drawn twice is no pair."""
    moved, training = correlated(6, 0, genes=4).astype(np.float64), correlated(20, 1, genes=4).astype(np.float64)
    weights = np.array([[1, 1, 1, 1, 1, 1], [3, 0, 2, 1, 0, 0], [5, 1, 0, 0, 0, 0], [6, 0, 0, 0, 0, 0]], float)
    drawn = []

    def capture(_value, _donors, replicates, **_options):
        drawn.extend(replicates(weights))
        return 0.0, 0.0

    monkeypatch.setattr("tspg.analysis.evaluation.structure.bootstrap_interval", capture)
    variance_ratio(moved, training)
    squares = ((moved[:, None] - moved[None]) ** 2).sum(axis=2) / 2
    for row, found in zip(weights[:3], drawn, strict=False):
        pairs = np.outer(row, row) * (1 - np.eye(6))
        expected = (pairs * squares).sum() / pairs.sum() / training.var(axis=0, ddof=1).sum()
        assert found == pytest.approx(np.log(expected), rel=1e-9)
    assert np.isnan(drawn[3])  # one sample alone does not vary


@pytest.mark.parametrize("n_genes", [2, 3])
@pytest.mark.parametrize("n_samples", [2, 3])
def test_three_samples_and_three_genes_are_the_least(n_samples, n_genes):
    found = gene_correlation(correlated(n_samples, 0, genes=n_genes), correlated(20, 1, genes=n_genes), seed=0)
    assert np.isfinite(found.value) == (n_samples == n_genes == 3)
    assert np.isfinite(
        gene_correlation(correlated(20, 0, genes=n_genes), correlated(n_samples, 1, genes=n_genes), seed=0).value
    ) == (n_samples == n_genes == 3)
