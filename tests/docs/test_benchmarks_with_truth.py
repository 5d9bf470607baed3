"""The benchmarks with a known truth plant what they say, count it right, and their tables are those that are stored."""

import importlib
import subprocess
import sys
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from tspg.analysis.interpretation.differential import moderated_t
from tspg.model.expectation import Expectation
from tspg.model.residuals import Tail
from tspg.utils.files import read_table

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
if not BENCHMARKS.is_dir():
    pytest.skip("the benchmarks are part of a checkout, not of a source distribution", allow_module_level=True)
sys.path.insert(0, str(BENCHMARKS))  # scripts, not a package

SCRIPTS = (
    "truth_class",
    "truth_patient",
    "truth_pairs",
    "truth_new_class",
    "truth_second_cohort",
    "truth_alignment",
    "truth_shift",
)
truth_data, truth_class, truth_patient, truth_pairs, truth_new_class, _, truth_alignment, truth_shift = map(
    importlib.import_module, ("truth_data", *SCRIPTS)
)


def people(n=40, genes=1600, seed=0):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n, 6)) @ rng.normal(size=(6, genes)) + rng.normal(8, 1, (n, genes))
    classes = np.where(np.arange(n) % 2, "b", "a").astype(object)
    return truth_data.Study(values.astype(np.float32), classes, np.arange(n) // 4, tuple(f"G{g}" for g in range(genes)))


def test_the_first_genes_are_the_largest_of_each_row_and_none_without_a_number():
    found = truth_data.top(np.array([[1.0, -5, np.nan, 2], [0.0, 1, 2, 3]]), 2)
    assert found.tolist() == [[False, True, False, True], [False, False, True, True]]


def test_no_donor_is_learned_from_and_held_out():
    study = people()
    for train in study.folds(3, seed=1):
        assert not set(study.donors[train]) & set(study.donors[~train])
        assert 20 <= train.sum() < 40


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_tables_of_the_page_are_the_stored_results(script):
    stored = set(truth_data.markdown(read_table(BENCHMARKS / f"{script}.tsv")).splitlines())
    page = (BENCHMARKS / "README.md").read_text().partition("## Which genes: truth")[2].partition("\n## ")[0]
    section = page.partition(f"python benchmarks/{script}.py")[2].partition("python benchmarks/truth_")[0]
    rows = {line for line in section.splitlines() if line.startswith("|")}
    assert len(rows) > 8
    assert rows <= stored


def test_results_are_means_with_errors_and_shown_in_order():
    rows = [
        ("T", "x", "c", m, v)
        for m, v in [("late", 1.0), ("early", 2.0), ("late", 1.0), ("late", 4.0), ("early", 0.123456)]
    ]
    table = truth_data.averaged(rows)
    assert table["measure"].tolist() == ["late", "early"]
    np.testing.assert_allclose(table.loc[0, ["value", "standard_error", "n"]].astype(float), [2, 1, 3])
    assert truth_data.markdown(table).splitlines()[2:] == [
        "| task | case | late | early |",
        "| --- | --- | --- | --- |",
        "| x | c | 2 | 1.06 |",
    ]


def test_drivers_move_by_the_effect_and_passengers_by_half_of_the_correlation():
    study = people()
    rng = np.random.default_rng(3)
    case, is_target, is_driver = truth_class.planted(study, 10, 1.5, rng)
    genes = [study.genes.index(gene) for gene in case.genes]
    rows = [
        int(np.flatnonzero((np.abs(study.values[:, genes] - row) < 1e-5).mean(axis=1) > 0.5)[0]) for row in case.values
    ]
    moved = case.values - study.values[np.ix_(rows, genes)]
    sd = study.values[:, genes].std(axis=0, ddof=1)
    assert (is_target.sum(), (~is_target).sum(), is_driver.sum()) == (10, 10, 20)
    assert np.abs(moved[~is_target]).max() < 1e-5
    np.testing.assert_allclose(np.abs(moved[is_target][:, is_driver]) / sd[is_driver], 1.5, atol=1e-3)
    passengers = np.flatnonzero((np.abs(moved[is_target][0]) > 1e-4) & ~is_driver)
    assert 100 < len(passengers) <= 200
    shift = (moved[is_target][0] / sd)[:, None] * np.ones(1)
    correlation = np.corrcoef(study.values[:, genes].T)[passengers][:, is_driver]
    expected = 0.5 * correlation * shift[is_driver].T
    share = [np.abs(shift[gene] - options).min() < 2e-3 for gene, options in zip(passengers, expected, strict=True)]
    assert np.mean(share) > 0.5  # the others go with several drivers


def test_every_score_finds_a_difference_that_cannot_be_overlooked():
    rng = np.random.default_rng(0)
    values, is_target = rng.normal(8, 1, (40, 60)).astype(np.float32), np.arange(40) < 20
    values[np.ix_(is_target, range(40, 60))] += 6
    study = truth_data.Study(
        values,
        np.where(is_target, "target", "source").astype(object),
        np.arange(40),
        tuple("G" * (g + 1) for g in range(60)),
    )
    for name, scores in truth_class.all_scores(study, is_target).items():
        assert truth_data.top(scores, 20)[0, 40:].all(), name


def test_pylimma_gives_our_t():
    pytest.importorskip("pylimma")
    study = people()
    values, is_target = study.values.astype(float), study.classes == "b"
    np.testing.assert_allclose(truth_class.limma(values, is_target)["pylimma"], moderated_t(values, is_target).t)


def test_both_directions_are_listed():
    scores = np.linspace(-1, 1, 100)
    found = truth_class.listed(scores)
    assert np.flatnonzero(found).tolist() == [*range(80, 100), *range(100, 120)]


@pytest.mark.parametrize("kind", truth_patient.KINDS)
def test_genes_of_one_person_move_by_standard_deviations(kind):
    study, rng = people(), np.random.default_rng(2)
    training, values = study.values[:30], study.values[30:]
    moved, planted = truth_patient.plant(values, training, kind, 3, rng)
    sd = training.std(axis=0, ddof=1, dtype=np.float64)
    assert (planted.sum(axis=1) == 20).all()
    np.testing.assert_allclose(((np.abs(moved - values) / sd)[planted]), 3, rtol=1e-5)
    assert (moved[~planted] == values[~planted]).all()
    together = np.corrcoef(training[:, planted[0]].T) * np.outer(*2 * [np.sign((moved - values)[0, planted[0]])])
    assert (together[np.triu_indices(20, 1)].mean() > 0.5) == (kind == "co-regulated")


def test_changes_that_are_the_true_ones_are_found_whole():
    true = np.random.default_rng(0).normal(size=(2, 500))
    found = pd.DataFrame(truth_pairs.found("x", "m", np.vstack([true[0], -true[1]]), true))
    assert found[4].tolist() == pytest.approx([1, 1, -1, 1])  # Spearman knows the direction
    half = np.where(np.argsort(np.argsort(-np.abs(true[:1]))) < 25, true[:1], 0)  # of the first 50 it knows 25
    assert list(truth_pairs.found("x", "m", half + 1e-9 * (np.abs(true[:1]) < 1), true[:1]))[1][4] == 0.5
    expectation = Expectation(np.zeros(500), np.ones(500), Tail(), 0)
    inside = next(iter(truth_pairs.covered("x", "m", expectation, true[:1])))[4]
    assert inside == pytest.approx((np.abs(true[0]) < 1.96).mean(), abs=0.01)


def test_no_donor_of_a_cohort_is_judged_but_with_the_whole_class():
    donors = np.arange(30) // 2
    drawn = list(truth_new_class.cohorts(donors, np.random.default_rng(0)))
    for way, cohort, judged in drawn:
        assert (way == truth_new_class.WHOLE) == bool(set(donors[cohort]) & set(donors[judged]))
        assert (cohort.sum() == 5) == (way == truth_new_class.FEW)
    halves = [cohort for way, cohort, _ in drawn if way == truth_new_class.HALF]
    assert all((one ^ other).all() for one, other in zip(halves[::2], halves[1::2], strict=True))


@pytest.mark.slow
@pytest.mark.parametrize(
    "script",
    [
        "truth_patient",
        *(pytest.param(script, marks=pytest.mark.soak) for script in SCRIPTS if script != "truth_patient"),
    ],
)
def test_the_quick_form_runs(script, shared_data):
    command = [sys.executable, BENCHMARKS / f"{script}.py", "--quick", "--data", shared_data]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("| --- |") >= 2


def test_a_missing_data_folder_is_told(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["truth_class.py", "--quick", "--data", str(tmp_path / "none")])
    with pytest.raises(SystemExit):
        truth_class.main()
    assert f"There is no folder {tmp_path / 'none'}" in capsys.readouterr().err


def test_fpkm_is_rsem_divided_by_a_length_per_gene_and_a_size_per_library():
    values = np.full((2000, 3), 20.0, dtype=np.float32)  # so large that the added 1 is nothing
    offset = truth_alignment.as_fpkm(values, np.random.default_rng(0)) - values
    np.testing.assert_allclose((offset - offset[:, :1]).std(axis=0), 0, atol=1e-4)
    assert offset[:, 0].std() == pytest.approx(truth_alignment.LIBRARY_SD, rel=0.1)
    genes = truth_alignment.as_fpkm(np.full((1, 20_000), 20.0, np.float32), np.random.default_rng(1)) - 20
    assert genes.std() == pytest.approx(truth_alignment.LENGTH_SD, rel=0.03)


def test_the_share_of_the_same_genes_counts_both_ends_apart():
    one = np.arange(100.0)[None]
    assert truth_alignment.same_genes(one, one).tolist() == [1]
    assert truth_alignment.same_genes(one, -one).tolist() == [0]  # the same genes, the other way
    assert truth_alignment.same_genes(one, np.roll(one, 5)).tolist() == [0.75]  # 15 of 20 at either end


def test_a_cohort_holds_one_sample_of_each_donor():
    donors = np.array([4, 4, 7, 7, 7, 9])
    for seed in range(5):
        rows = truth_alignment.one_sample_each(donors, np.array([1, 2, 3, 5]), np.random.default_rng(seed))
        assert sorted(donors[rows]) == [4, 7, 9]
        assert set(rows) <= {1, 2, 3, 5}


def test_the_forty_genes_are_the_twenty_up_and_the_twenty_down():
    change = np.arange(-50.0, 50.0)[None]
    (found,) = truth_shift.forty(anndata.AnnData(change, layers={"perturbation": change}))
    assert found == {*(("up", at) for at in range(80, 100)), *(("down", at) for at in range(20))}


def test_the_distance_of_clouds_is_that_of_their_normal_distributions():
    """Energy distance of N(0, 1) and N(2, 1) by closed form: 2 E|2 + sqrt(2) Z| - 2 E|sqrt(2) Z|."""
    rng = np.random.default_rng(0)
    root = np.sqrt(2)
    between = 2 * root * norm.pdf(2 / root) + 2 * (1 - 2 * norm.cdf(-2 / root))
    expected = 2 * between - 2 * 2 * root * norm.pdf(0)
    found = truth_shift.distance(rng.normal(0, 1, (2000, 1)), rng.normal(2, 1, (2000, 1)))
    assert found == pytest.approx(expected, abs=0.1)
