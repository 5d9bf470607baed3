"""The evidence table: every method beside the ceiling, and degenerate ones caught."""

import numpy as np
import pandas as pd
import pytest

from tspg.analysis.evaluation import evidence
from tspg.analysis.evaluation.classifiers import fit_independent_classifiers
from tspg.analysis.evaluation.evidence import evidence_table
from tspg.analysis.evaluation.measure import Status
from tspg.data.prepare import prepare
from tspg.model.config import ExperimentConfig
from tspg.model.learning import CLOSED_FORM, fit_closed_form, move_with


@pytest.fixture(scope="module")
def dataset(planted):
    return prepare(planted.adata, label_column="label", seed=1)


def by_drivers(profiles):
    return np.where(profiles[:, :5].mean(axis=1) > profiles[:, 5:10].mean(axis=1), "target", "alpha").astype(object)


def closed_form(name, dataset):
    method = fit_closed_form(name, dataset, "target")
    return lambda x, names: move_with(method, x, names, dataset.classes)


def table_of(dataset, **methods):
    return evidence_table(dataset, methods, by_drivers, target_class="target")


def values_of(table):
    return {(row.method, row.measure): row.value for row in table.itertuples()}


@pytest.fixture(scope="module")
def table(dataset):
    """Four ways to be wrong beside the mean shift."""

    def collapse(x, _names):
        return np.tile(dataset.class_mean("target").astype(np.float32), (len(x), 1))

    def half(x, names):
        return (x + closed_form("mean_shift", dataset)(x, names)) / 2

    return table_of(
        dataset,
        stays=lambda x, _names: x,
        collapse=collapse,
        half=half,
        mean_shift=closed_form("mean_shift", dataset),
        linear_map=closed_form("linear_map", dataset),
        gaussian_draw=closed_form("gaussian_draw", dataset),
    )


def test_every_method_has_every_measure_once_and_words_stand_in_notes(table):
    by_method = table.groupby("method")["measure"].apply(list)
    assert list(dict.fromkeys(table["method"]))[-2:] == ["untouched_source", "real_target"]
    common = {"hit_rate_f", "hit_rate_logistic", "hit_rate_knn", "hit_rate_forest", "energy_ratio", "energy_p_value"}
    common |= {"nn_fake", "nn_real", "precision", "recall", "density", "coverage", "variance_ratio", "gene_correlation"}
    common |= {"gene_correlation_at_equal_n", "nn_fake_by_chance", "nn_real_by_chance", "nn_p_value"}
    own = {"individuality", "distance_correlation", "source_leak", "mean_abs_change", "train_on_moved"}
    own |= {"source_leak_by_chance"}
    for method, measures in by_method.items():
        assert len(measures) == len(set(measures))
        assert common <= set(measures)
        assert (own <= set(measures)) == (method != "real_target")
    assert list(table.columns) == ["method", "measure", "value", "low", "high", "n", "status", "note"]
    assert (table.loc[table["measure"] == "source_leak_by_chance", "value"] == 1 / 2).all()  # two source classes
    assert set(table.loc[table["value"].notna() & ~table["measure"].str.startswith("hit_rate"), "status"]) <= {
        "ok",
        "too_few",
    }
    assert table["value"].dtype == float
    assert table["n"].dtype.kind == "i"


def test_not_moving_scores_one_and_hits_nothing(table):
    values = values_of(table)
    for method in ("stays", "untouched_source"):
        assert values[method, "energy_ratio"] == pytest.approx(1.0)
        assert values[method, "hit_rate_f"] == values[method, "hit_rate_forest"] == 0.0
        assert values[method, "mean_abs_change"] == 0.0


def test_collapse_to_the_mean_hits_but_has_no_variance_and_no_person(table):
    values = values_of(table)
    assert values["collapse", "hit_rate_f"] == values["collapse", "hit_rate_logistic"] == 1.0
    assert values["collapse", "variance_ratio"] == pytest.approx(0.0, abs=1e-9)
    assert values["collapse", "individuality"] == 0.0
    assert values["collapse", "energy_ratio"] > 3 * values["mean_shift", "energy_ratio"]


def test_half_the_way_scores_between(table):
    values = values_of(table)
    assert values["mean_shift", "energy_ratio"] + 0.1 < values["half", "energy_ratio"] < 0.9


def test_a_random_draw_has_no_person_in_it(table):
    values = values_of(table)
    assert abs(values["gaussian_draw", "individuality"]) < 0.2
    assert values["mean_shift", "individuality"] > 0.9
    assert values["linear_map", "individuality"] > 0.8


def test_real_target_samples_score_as_a_ceiling(table):
    values = values_of(table)
    assert abs(values["real_target", "energy_ratio"]) < 0.1
    assert values["real_target", "hit_rate_f"] == 1.0
    assert values["real_target", "variance_ratio"] == pytest.approx(1.0, abs=0.4)


def test_only_held_out_sources_count(table, dataset):
    rates = table[table["measure"].str.startswith("hit_rate") & (table["method"] != "real_target")]
    assert (rates["n"] == ((dataset.source_class != "target") & ~dataset.is_train).sum()).all()
    assert (table.loc[(table["method"] == "real_target") & (table["measure"] == "hit_rate_f"), "n"] == 8).all()


def test_named_sources_alone_are_judged(dataset):
    found = evidence_table(
        dataset, {"stays": lambda x, _names: x}, by_drivers, target_class="target", source_classes=("beta",)
    )
    assert (found.loc[(found["method"] == "stays") & (found["measure"] == "hit_rate_f"), "n"] == 8).all()


def test_the_reference_is_the_training_target_alone(dataset, table):
    def spread(rows):
        return dataset.profiles[rows].astype(float).var(axis=0, ddof=1).sum()

    target, sources = dataset.class_mask("target"), ~dataset.class_mask("target")
    expected = spread(sources & ~dataset.is_train) / spread(target & dataset.is_train)
    assert values_of(table)["stays", "variance_ratio"] == pytest.approx(expected, rel=1e-5)


def test_classifiers_learn_from_training_samples_alone(dataset, monkeypatch):
    seen = []

    def watch(training, training_class, *, seed):
        seen.append((training, training_class))
        return fit_independent_classifiers(training, training_class, seed=seed)

    monkeypatch.setattr(evidence, "fit_independent_classifiers", watch)
    table_of(dataset)
    ((training, names),) = seen
    np.testing.assert_array_equal(training, dataset.profiles[dataset.is_train])
    np.testing.assert_array_equal(names, dataset.source_class[dataset.is_train])


def test_classifiers_fitted_before_serve_every_target(dataset, monkeypatch):
    """They know no target: the table is the one of classifiers fitted for it, and nothing is fitted again."""
    part = dataset.is_train
    classifiers = fit_independent_classifiers(dataset.profiles[part], dataset.source_class[part], seed=0)
    expected = {"beta": one_table(dataset, "beta")}
    monkeypatch.setattr(evidence, "fit_independent_classifiers", None)
    for target, table in expected.items():
        pd.testing.assert_frame_equal(one_table(dataset, target, classifiers=classifiers), table)
    opposite = {"contrary": lambda x: np.where(by_drivers(x) == "target", "alpha", "target").astype(object)}
    rates = values_of(one_table(dataset, "target", classifiers=opposite))
    assert rates["stays", "hit_rate_contrary"] == 1 - rates["stays", "hit_rate_f"]


def one_table(dataset, target_class, **more):
    return evidence_table(dataset, {"stays": lambda x, _names: x}, by_drivers, target_class=target_class, **more)


def test_of_many_training_sources_so_many_are_moved(dataset, monkeypatch):
    monkeypatch.setattr(evidence, "MOST_MOVED", 20)
    asked = []

    def move(x, names):
        asked.append((x, names))
        return x

    evidence_table(dataset, {"stays": move}, by_drivers, target_class="target")
    held_out, training = (len(x) for x, _ in asked)
    known = dataset.profiles[(dataset.source_class != "target") & dataset.is_train]
    assert (held_out, training) == (((dataset.source_class != "target") & ~dataset.is_train).sum(), 20)
    assert all((row == known).all(axis=1).any() for row in asked[1][0])


def test_of_many_held_out_samples_so_many_are_measured_and_it_is_said(dataset, monkeypatch):
    """The rows rest on real held-out sources, as many as the bound allows; judges still know all targets below it."""
    whole = one_table(dataset, "target")
    monkeypatch.setattr(evidence, "MOST_HELD_OUT", 10)
    asked = []

    def move(x, _names):
        asked.append(x)
        return x

    table = evidence_table(dataset, {"stays": move}, by_drivers, target_class="target")
    known = dataset.profiles[(dataset.source_class != "target") & ~dataset.is_train]
    assert len(known) > len(asked[0]) == 10
    assert all((row == known).all(axis=1).any() for row in asked[0])
    rates = table[(table["method"] == "stays") & table["measure"].str.startswith("hit_rate")]
    assert (rates["n"] == 10).all()
    assert rates["note"].str.endswith(f"10 of {len(known)} held-out sources").all()
    real = table[table["method"] == "real_target"]
    assert not real["note"].str.contains("held-out sources").any()
    assert not whole["note"].str.contains("held-out sources").any()


@pytest.mark.parametrize("n_target", [2, 12])
def test_too_few_held_out_targets_are_said_and_nothing_breaks(planted, n_target):
    few = planted.adata[[*range(80), *range(80, 80 + n_target)]]
    table = table_of(prepare(few, label_column="label"), stays=lambda x, _names: x)
    ratio = table[(table["measure"] == "energy_ratio") & (table["method"] == "stays")]
    assert (ratio["status"] == "too_few").all()
    assert not table["measure"].str.startswith("pair_").any()  # there is no column of donors
    assert set(table["status"]) <= set(Status)


def test_with_pairs_every_method_is_held_against_the_persons_own(planted):
    adata = planted.adata.copy()
    adata.obs["donor"] = [f"d{number % 40}" for number in range(120)]  # everybody gave all three classes
    dataset = prepare(adata, label_column="label", group_column="donor", seed=1)
    names = ("target_mean", "mean_shift", "paired_regression")
    table = table_of(dataset, **{name: closed_form(name, dataset) for name in names})
    pairs = table[table["measure"].str.startswith("pair_")]
    assert (pairs["n"] == 8).all()
    by_method = pairs.groupby("method")["measure"].apply(list).to_dict()
    measures = ["pair_error", "pair_correlation", "pair_discrimination", "pair_top_genes"]
    assert by_method == dict.fromkeys([*names, "untouched_source"], measures)
    values = values_of(table)
    collapsed = table[(table["method"] == "target_mean") & (table["measure"] == "variance_ratio")]
    assert collapsed[["value", "low", "high"]].to_numpy().tolist() == [[0.0, 0.0, 0.0]]
    assert values["target_mean", "pair_error"] == pytest.approx(1.0)
    assert values["mean_shift", "pair_error"] > 1.2  # here people keep nothing of their own
    assert np.isnan(values["untouched_source", "pair_top_genes"])
    assert values["target_mean", "individuality"] == values["target_mean", "pair_correlation"] == 0.0
    assert np.isnan(values["target_mean", "gene_correlation"])


def test_the_closed_forms_are_all_offered():
    from tspg.model.baselines import BASELINES

    assert set(CLOSED_FORM) == {"linear_map", *BASELINES}
    assert ExperimentConfig(target_class="t").method == "generator"
