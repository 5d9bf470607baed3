"""The classifiers against scikit-learn on the full matrix, SciPy and planted classes."""

import numpy as np
import pytest
from scipy.stats import beta
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from tspg.analysis.evaluation.classifiers import (
    ClassifierScore,
    LinearClassifier,
    fit_independent_classifiers,
    hit_rate,
    in_their_span,
    normalised_hit_rate,
    training_note,
)
from tspg.analysis.evaluation.resampling import rows_of_every_class


def classes_of(names, n_genes, seed=0, effect=0.2):
    """Profiles of named classes that differ in three genes each."""
    rng = np.random.default_rng(seed)
    labels = np.array(names, dtype=object)
    profiles = rng.uniform(0.2, 0.6, (len(labels), n_genes))
    for number, name in enumerate(sorted(set(names))):
        profiles[labels == name, 3 * number : 3 * number + 3] += effect
    return profiles.astype(np.float32), labels


@pytest.mark.parametrize("names", ["ab" * 20, "abcd" * 12], ids=["two classes", "four classes"])
@pytest.mark.parametrize("n_genes", [20, 400], ids=["few genes", "more genes than samples"])
def test_logistic_classifier_is_scikit_learns_on_all_genes(names, n_genes):
    profiles, labels = classes_of(list(names), n_genes)
    classifier = LinearClassifier.fit(profiles, labels)
    full = LogisticRegression(C=1.0, max_iter=20000, tol=1e-9).fit(profiles.astype(np.float64), labels.astype(str))
    new = classes_of(list(names), n_genes, seed=9)[0]
    scores = new @ classifier.coefficients + classifier.intercepts
    probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(probabilities, full.predict_proba(new), atol=2e-3)
    assert (classifier(new) == full.predict(new)).mean() > 0.97
    assert classifier(new).dtype == object


def test_all_classifiers_know_planted_classes_and_are_seeded():
    profiles, labels = classes_of(list("xyz") * 20, 50)
    new, truth = classes_of(list("xyz") * 10, 50, seed=3)
    classifiers = fit_independent_classifiers(profiles, labels, seed=4)
    assert list(classifiers) == ["logistic", "knn", "forest"]
    for classify in classifiers.values():
        assert (classify(new) == truth).mean() > 0.8
    again = fit_independent_classifiers(profiles, labels, seed=4)
    unclear = classes_of(list("xyz") * 200, 50, seed=5, effect=0.0)[0]  # close calls: another forest would differ
    assert all((classifiers[name](unclear) == again[name](unclear)).all() for name in classifiers)
    assert (
        fit_independent_classifiers(profiles, labels, seed=5)["forest"](unclear) != classifiers["forest"](unclear)
    ).any()


def test_neighbour_classifier_is_the_vote_of_the_five_nearest():
    profiles, labels = classes_of(list("xyz") * 8, 10, effect=0.05)
    new, _ = classes_of(list("xyz") * 8, 10, seed=3)
    votes = [labels[np.argsort(np.linalg.norm(profiles - row, axis=1))[:5]] for row in new]
    called = fit_independent_classifiers(profiles, labels, seed=0)["knn"](new)
    for vote, name in zip(votes, called, strict=True):
        names, counts = np.unique(vote.astype(str), return_counts=True)
        assert counts[names == name] == counts.max()
    assert (
        len(fit_independent_classifiers(profiles[:3], labels[:3], seed=0)["knn"](new)) == 24
    )  # three samples are all the neighbours
    assert KNeighborsClassifier().n_neighbors == 5  # the usual number


def test_of_many_training_samples_classifiers_learn_from_some_of_every_class(monkeypatch):
    """Bounded to 60 of 110, the small class whole: each classifier is the one of scikit-learn on these samples."""
    monkeypatch.setattr("tspg.analysis.evaluation.classifiers.MOST_TRAINING", 60)
    monkeypatch.setattr("tspg.analysis.evaluation.classifiers.TREE_SAMPLES", 25)
    profiles, labels = classes_of(list("xy" * 50 + "z" * 10), 30, effect=0.1)
    new, _ = classes_of(list("xyz") * 40, 30, seed=3, effect=0.05)
    rows = rows_of_every_class(labels, seed=0, bound=60)
    assert [(labels[rows] == name).sum() for name in "xyz"] == [25, 25, 10]
    classifiers = fit_independent_classifiers(profiles, labels, seed=0)
    known, names = profiles[rows], labels[rows].astype(str)
    forest = RandomForestClassifier(100, random_state=0, max_samples=25).fit(known, names)
    logistic = LogisticRegression(max_iter=5000, tol=1e-9).fit(known, names)
    assert (classifiers["forest"](new) == forest.predict(new)).all()
    assert (classifiers["knn"](new) == KNeighborsClassifier(5).fit(known, names).predict(new)).all()
    assert (classifiers["logistic"](new) == logistic.predict(new)).mean() > 0.98
    assert training_note(110) == "learned from 60 of 110 samples at most"
    assert training_note(60) == ""


def test_logistic_classifier_of_many_wide_profiles_is_scikit_learns_too(monkeypatch):
    monkeypatch.setattr("tspg.analysis.evaluation.classifiers.MOST_SPANNED", 20)
    profiles, labels = classes_of(list("abcd" * 12), 400)
    classifier = LinearClassifier.fit(profiles, labels)
    full = LogisticRegression(C=1.0, max_iter=20000, tol=1e-9).fit(profiles.astype(np.float64), labels.astype(str))
    new = classes_of(list("abcd" * 12), 400, seed=9)[0]
    assert (classifier(new) == full.predict(new)).mean() > 0.97


@pytest.mark.parametrize(("n_samples", "n_genes"), [(8, 50), (8, 8), (50, 8)])
def test_places_in_the_span_keep_every_distance_and_angle(n_samples, n_genes):
    profiles = np.random.default_rng(0).normal(size=(n_samples, n_genes)) * np.arange(1, n_genes + 1)
    places = in_their_span(profiles)
    assert places.shape[1] == (n_samples - 1 if n_genes > n_samples else n_genes)
    centred, found = profiles - profiles.mean(axis=0), places - places.mean(axis=0)
    np.testing.assert_allclose(found @ found.T, centred @ centred.T, rtol=1e-9, atol=1e-9)


def test_hit_rate_has_the_interval_of_clopper_and_pearson():
    found = hit_rate(np.array(["t"] * 17 + ["x"] * 3, dtype=object), "t")
    assert (found.value, found.n) == (0.85, 20)
    assert found.low == pytest.approx(beta.ppf(0.025, 17, 4))
    assert found.high == pytest.approx(beta.ppf(0.975, 18, 3))
    perfect = hit_rate(np.array(["t"] * 20, dtype=object), "t")
    assert (perfect.low, perfect.high) == (pytest.approx(0.025 ** (1 / 20)), 1.0)
    assert hit_rate(np.array([], dtype=object), "t").status == "too_few"


def test_transfer_is_the_share_of_the_way_from_untouched_to_real():
    assert normalised_hit_rate(0.9, 0.1, 0.9) == 1.0
    assert normalised_hit_rate(0.5, 0.1, 0.9) == pytest.approx(0.5)
    assert np.isnan(normalised_hit_rate(0.5, 0.4, 0.4))


def calls_above(threshold):
    return lambda profiles: np.where(profiles[:, 0] > threshold, "t", "x").astype(object)


def test_a_score_says_recall_transfer_and_whether_the_classifier_is_admitted():
    real, sources = np.linspace(0.5, 1, 20)[:, None], np.linspace(0, 0.5, 20)[:, None]
    good = ClassifierScore.of(calls_above(0.4), "t", sources=sources, real=real)
    assert (good.base.value, good.recall.value) == (0.2, 1.0)
    found = good.of_moved(np.array([[0.3], [0.9], [0.9], [0.9]]))
    assert (found.value, found.status, found.note) == (0.75, "ok", "recall 1.00; transfer 0.69")  # .55 / .8
    poor = ClassifierScore.of(calls_above(0.6), "t", sources=sources, real=real)
    found = poor.of_moved(real)
    assert (found.status, found.value) == ("not_admitted", 0.8)
    assert "recall 0.80" in found.note
    bounded = ClassifierScore.of(calls_above(0.4), "t", sources=sources, real=real, note="learned from some")
    assert bounded.of_moved(real).note.endswith("learned from some")
    none = ClassifierScore.of(calls_above(0.4), "t", sources=sources, real=real[:0])
    assert none.of_moved(real).status == "not_admitted"
    assert none.of_moved(real[:0]).status == "too_few"


def test_an_attack_on_one_classifier_does_not_fool_the_others():
    """Moving only against the logistic classifier's coefficients is a hit there and not among neighbours and trees."""
    profiles, labels = classes_of(list("xyz") * 20, 200, effect=0.35)
    classifiers = fit_independent_classifiers(profiles, labels, seed=0)
    logistic = classifiers["logistic"]
    sources = profiles[labels == "x"]
    towards_z = logistic.coefficients[:, 2] - logistic.coefficients[:, 0]
    step = towards_z / np.linalg.norm(towards_z)
    margin = sources @ towards_z + logistic.intercepts[2] - logistic.intercepts[0]
    attacked = sources + (-margin / np.linalg.norm(towards_z) + 0.02)[:, None] * step
    rates = {name: hit_rate(classify(attacked), "z").value for name, classify in classifiers.items()}
    assert rates["logistic"] > 0.9
    assert min(rates["knn"], rates["forest"]) < 0.7
