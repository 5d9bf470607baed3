"""The scikit-learn estimator: scikit-learn's own checks, and the same method as `tspg.run`."""

import doctest

import numpy as np
import pandas as pd
import pytest
import sklearn
from anndata import AnnData
from scipy import sparse
from sklearn.base import clone
from sklearn.model_selection import cross_validate
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks

import tspg
from tests.options import nested
from tspg import TSPG
from tspg.errors import ShapeError, UsageError
from tspg.experiment.fit import fit_classifier, fit_target
from tspg.experiment.task import make_task
from tspg.model.device import fixed_threads
from tspg.model.training import silent
from tspg.utils.timing import Clock

QUICK = {"steps": 2, "target_epochs": 1, "threads": 1}


@parametrize_with_checks([TSPG(**QUICK)])
def test_scikit_learn_s_own_checks(estimator, check):
    """All of them; none is excused."""
    check(estimator)


@pytest.fixture(scope="module")
def table(planted) -> pd.DataFrame:
    return planted.adata.to_df()


@pytest.fixture(scope="module")
def label(planted) -> pd.Series:
    return planted.adata.obs["label"]


@pytest.fixture(scope="module")
def fitted(table, label) -> TSPG:
    return TSPG("target", steps=40, target_epochs=30, threads=1).fit(table, label)


def test_profiles_come_out_like_the_target_in_the_user_s_units(fitted, table, label, planted):
    moved = pd.DataFrame(fitted.transform(table), table.index, table.columns)
    sources = label != "target"
    change = (moved - table)[sources].mean()
    assert set(change.nlargest(5).index) == planted.up
    assert set(change.nsmallest(5).index) == planted.down
    assert change[list(planted.up)].mean() == pytest.approx(6.0, abs=1.0)  # as was planted
    assert moved.loc[sources, list(planted.down)].to_numpy().mean() == pytest.approx(2.0, abs=1.0)
    unchanged = change.drop([*planted.up, *planted.down, *table.columns[20:25]])  # these tell alpha from beta
    assert unchanged.abs().max() < 1.0
    assert set(fitted.model_.classify(fitted.model_.scaler.transform(moved)[0])) == {"target"}


def test_it_is_what_tspg_run_learns(table, label, planted):
    """With as many held out, the weights are the same, bit for bit."""
    numbered = AnnData(table.to_numpy(), pd.DataFrame({"label": label.to_numpy()}, [str(at) for at in range(120)]))
    numbered.var_names, numbered.obs["donor"] = table.columns, planted.adata.obs["donor"].to_numpy()
    task = make_task(numbered, "target", **nested(label_column="label", group_column="donor", annotations=(), **QUICK))
    with fixed_threads(task.config.threads):
        expected = fit_target(fit_classifier(task, Clock()), task, Clock(), silent)
    found = TSPG("target", train_fraction=0.8, **QUICK).fit(table, label, groups=planted.adata.obs["donor"])
    assert found.model_.model_id == expected.model.model_id
    pd.testing.assert_frame_equal(found.history_.drop(columns="seconds"), expected.history.drop(columns="seconds"))
    moved = expected.model.perturb(numbered)
    np.testing.assert_allclose(found.transform(table), found.model_.scaler.inverse(moved.X), rtol=1e-5)


def test_all_that_is_given_is_learned_from_unless_told_otherwise(fitted, table, label):
    assert set(fitted.model_.split.values()) == {"train"}
    some = TSPG("target", preset="paper", train_fraction=0.75, **QUICK).fit(table, label)
    assert sum(side == "test" for side in some.model_.split.values()) == 30
    assert some.history_["hit_rate"].notna().all()


@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.csc_array, np.asarray, np.float32])
def test_other_forms_of_the_same_numbers_are_moved_alike(table, label, kind):
    given = table.to_numpy(np.float32) if kind is np.float32 else kind(table.to_numpy(np.float64))
    expected = TSPG("target", **QUICK).fit(table.to_numpy(), label).transform(table.to_numpy()[:5])
    moved = TSPG("target", **QUICK).fit(given, label).transform(given[:5])
    assert moved.dtype == given.dtype
    np.testing.assert_allclose(moved, expected, rtol=1e-6)


def test_a_table_gives_a_table_with_its_names(fitted, table):
    moved = clone(fitted).set_params(**QUICK).set_output(transform="pandas")
    moved = moved.fit(table, np.repeat(["target", "b", "c"], 40)).transform(table[7:8])
    assert list(moved.columns) == list(fitted.feature_names_in_) == list(table.columns)
    assert list(moved.index) == ["s7"]
    with pytest.raises(ValueError, match="feature names should match"):
        fitted.transform(table[table.columns[::-1]])


def test_one_sample_is_moved_as_among_others(fitted, table):
    np.testing.assert_allclose(fitted.transform(table[7:8]), fitted.transform(table)[7:8], rtol=1e-5)


def test_a_gene_that_never_varied_stays_as_it_is(fitted, table):
    other = table[:2].assign(G59=[5.0, 3.0])  # 3 in every sample of `fit`
    assert fitted.transform(other)[:, 59].tolist() == [5.0, 3.0]


@pytest.mark.parametrize(
    ("classes", "target", "found"),
    [([3, 1, 2], 2, 2), ([3, 1, 2], None, 3), (["b", "c", "a"], None, "c"), ([False, True, True], True, True)],
)
def test_classes_of_any_kind(table, classes, target, found):
    moves = TSPG(target, **QUICK).fit(table, np.repeat(classes, 40))
    assert moves.target_class_ == found
    assert type(moves.target_class_) is type(moves.classes_[0])
    assert moves.classes_.tolist() == sorted(set(classes))
    assert moves.model_.target_class == str(found)


def test_named_sources_alone_are_learned_from(table, label):
    everyone, named = (TSPG("target", source_classes=of, **QUICK).fit(table, label) for of in (None, ["alpha"]))
    assert named.model_.source_classes == ("alpha",)
    assert everyone.model_.model_id != named.model_.model_id


def test_questions_that_cannot_be_answered(table, label):
    with pytest.raises(ShapeError, match=r"no class 'targte' in y. There are: 'alpha', 'beta', 'target'"):
        TSPG("targte").fit(table, label)
    with pytest.raises(ShapeError, match="one class only"):
        TSPG().fit(table, ["a"] * 120)
    with pytest.raises(UsageError, match="'rare' has 2 samples; 3 or more are needed"):
        TSPG("rare").fit(table, ["rare"] * 2 + ["usual"] * 118)
    with pytest.raises(UsageError, match=r"train_fraction is 1.2; a number above 0, at most 1"):
        TSPG("target", train_fraction=1.2).fit(table, label)
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        TSPG().fit(table, table["G1"])


def test_in_a_pipeline_and_cross_validated(table, label):
    """Log, move, and a classifier that was made for moved profiles: all are learned anew in every fold."""
    chain = make_pipeline(FunctionTransformer(np.log1p), TSPG("target", **QUICK), GaussianNB())
    chain = chain.set_params(tspg__method="mean_shift").set_output(transform="pandas")
    values = np.expm1(table.clip(0))
    scores = cross_validate(chain, values, label, cv=2, return_estimator=True, error_score="raise")
    assert np.isfinite(scores["test_score"]).all()
    first, second = (one.named_steps["tspg"].model_.model_id for one in scores["estimator"])
    assert first != second
    moved = chain.fit(values, label)[:-1].transform(values)
    assert moved.loc[label == "alpha", "G0"].mean() == pytest.approx(table.loc[label == "target", "G0"].mean(), rel=0.1)


def test_donors_reach_it_through_a_pipeline(table, label, planted):
    donors = planted.adata.obs["donor"].to_numpy()
    with sklearn.config_context(enable_metadata_routing=True):
        moves = TSPG("target", train_fraction=0.8, **QUICK).set_fit_request(groups=True)
        chain = make_pipeline(moves).fit(table, label, groups=donors)
    sides = pd.Series(chain[-1].model_.split).groupby(donors).nunique()
    assert (sides == 1).all()


def test_the_example_of_the_documentation_runs():
    tests = doctest.DocTestFinder(recurse=False).find(TSPG, "TSPG", globs={"tspg": tspg})
    assert sum(len(test.examples) for test in tests) > 4
    assert all(doctest.DocTestRunner().run(test).failed == 0 for test in tests)


def test_settings_are_those_of_tspg_run():
    given = TSPG().get_params()
    ours = vars(tspg.Training()) | {"source_classes": None, "seed": 0}
    assert set(given) - set(ours) == {"target_class", "train_fraction"}
    assert {name: value for name, value in given.items() if name in ours}.items() <= ours.items()
