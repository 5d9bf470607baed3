"""Paths, smallest sets and carriers on a world small enough to know the answers."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from scipy.stats import binomtest

from tspg.analysis.evaluation.energy import energy_distance
from tspg.analysis.interpretation.cases import Case, LayeredClassifier, Reference, cases_of
from tspg.analysis.interpretation.gene_set_contribution import gene_set_contribution
from tspg.analysis.interpretation.minimal_sets import minimal_sets, numbers_tried
from tspg.analysis.interpretation.out_of_distribution import outside_training
from tspg.analysis.interpretation.path import path_table, switch_point
from tspg.data.annotations import Annotation
from tspg.data.genesets import GeneSet, GeneSets

N_GENES = 12
GENES = [f"G{number}" for number in range(N_GENES)]


def judge(called, n_genes=N_GENES):
    """A classifier without a first layer: its rest sees the profiles themselves."""
    return LayeredClassifier(np.eye(n_genes), called)


def calls(rule):
    return judge(lambda profiles: np.where(rule(profiles), "target", "source").astype(object))


@pytest.fixture
def setting():
    """The target lies higher by .6 in the first four genes; f asks for three of them, logistic for G0 and G1."""
    rng = np.random.default_rng(0)
    source = rng.normal(0.2, 0.02, (30, N_GENES))
    target = rng.normal(0.2, 0.02, (30, N_GENES))
    target[:, :4] += 0.6
    classifiers = {
        "f": calls(lambda x: (x[:, :4] > 0.5).sum(axis=1) >= 3),
        "logistic": calls(lambda x: (x[:, 0] > 0.6) & (x[:, 1] > 0.6)),
    }
    training = np.concatenate([source, target]).astype(np.float32)
    classes = np.repeat(["source", "target"], 30).astype(object)
    names = np.arange(60).astype(str).astype(object)
    return Reference("target", classifiers, training, classes, names, np.ones(60, dtype=bool))


@pytest.fixture
def case():
    """Ten sources, moved by .6 in the first four genes, G0 most, and a little in one that does not matter."""
    before = np.random.default_rng(1).normal(0.2, 0.02, (10, N_GENES)).astype(np.float32)
    change = np.zeros((10, N_GENES), dtype=np.float32)
    change[:, :5] = [0.64, 0.62, 0.6, 0.58, 0.05]
    return Case("source", "", "source", before, change)


def test_classifiers_switch_where_their_rule_says(setting, case):
    path = path_table([case], setting)
    assert path["a"].tolist() == pytest.approx(np.linspace(0, 1, 21).round(2))
    # f needs .2 + .6 a > .5 for the third gene: a > .5; logistic .2 + .62 a > .6: a > .645
    assert switch_point(path, "f") in (0.5, 0.55)
    assert switch_point(path, "logistic") == pytest.approx(0.65, abs=0.05)
    target = setting.of_class("target")
    moved = case.before + case.change
    expected = energy_distance(moved, target) / energy_distance(case.before, target)
    assert path["energy_left"].iloc[[0, -1]].tolist() == pytest.approx([1.0, expected], abs=1e-5)


def test_a_typical_real_sample_has_no_way_left(setting, case):
    target = setting.of_class("target")
    left = []
    for real in target:
        one = Case("source", "s", "source", case.before[:1], real[None] - case.before[:1])
        left.append(path_table([one], setting)["energy_left"].iloc[-1])
    assert np.mean(left) == pytest.approx(0.0, abs=0.02)


@pytest.mark.parametrize(
    ("shares", "expected"),
    [([0, 0.2, 0.6, 1], 0.67), ([0, 0.6, 0.4, 0.9], 1.0), ([1, 1, 1, 1], 0.0), ([0, 0, 0, 0], None)],
)
def test_the_switch_is_where_it_stays_switched(shares, expected):
    path = pd.DataFrame({"a": [0.0, 0.33, 0.67, 1.0], "called_by_f": shares})
    found = switch_point(path, "f")
    assert np.isnan(found) if expected is None else found == expected


def test_the_smallest_set_is_the_one_that_both_rules_need(setting, case):
    found = minimal_sets([case], setting, GENES, method="generator").set_index("genes_by")
    assert found.loc["generator", "n_genes"] == 3
    assert found.loc["generator", "genes"] == "G0 G1 G2"
    assert found.loc["mean_shift", "n_genes"] <= 4
    random = found.loc["random_genes"]
    assert 3 <= random["low"] <= random["n_genes"] <= random["high"] <= N_GENES
    assert random["n_genes"] > 3


@pytest.mark.parametrize("seed", range(5))
def test_the_smallest_set_is_the_first_of_all_numbers_that_is_enough(setting, seed):
    """A rule that more genes only bring nearer to: every number from none to all is asked about, one by one."""
    rng = np.random.default_rng(seed)
    before = rng.uniform(0.0, 0.3, (7, N_GENES)).astype(np.float32)
    change = rng.uniform(0.0, 0.5, (7, N_GENES)).astype(np.float32)
    rules = [lambda x: x.sum(axis=1) > 3.2, lambda x: x[:, ::2].sum(axis=1) > 1.8]
    own = replace(setting, classifiers={"f": calls(rules[0]), "logistic": calls(rules[1])})
    found = minimal_sets([Case("", "", "", before, change)], own, GENES, method="generator").set_index("genes_by")

    def first_enough(order):
        for k in range(N_GENES + 1):
            profiles = before + np.where(np.isin(np.arange(N_GENES), order[:k]), change, 0)
            if (rules[0](profiles) & rules[1](profiles)).mean() >= 0.5:
                return k
        return np.inf

    order = np.argsort(-change.mean(axis=0))
    assert found.loc["generator", "n_genes"] == first_enough(order)
    assert found.loc["generator", "genes"].split() == [GENES[at] for at in order[: first_enough(order)]]
    draws = np.random.default_rng([0, 80])
    at_random = [first_enough(draws.permutation(N_GENES)) for _ in range(10)]
    expected = [np.median(at_random), min(at_random), max(at_random)]
    assert found.loc["random_genes", ["n_genes", "low", "high"]].tolist() == expected


def test_f_is_asked_only_about_what_the_quick_classifier_lets_pass_where_that_is_enough(setting):
    """By hand: in the first group both call one profile, in the second none; in the third f has nothing to decide."""
    asked = []

    def f(profiles):
        asked.extend(profiles[:, 2].tolist())
        return calls(lambda x: x[:, 0] > 0.5).rest(profiles)

    classifiers = {"f": judge(f), "logistic": calls(lambda x: x[:, 1] > 0.5)}
    groups = np.array([[[1, 1], [1, 0]], [[0, 1], [0, 1]], [[1, 0], [1, 0]]], dtype=np.float32)
    groups = np.concatenate([groups, np.arange(6).reshape(3, 2, 1)], axis=2).astype(np.float32)
    groups = [lambda _name, _judge, own=own: own for own in groups]
    shares = replace(setting, classifiers=classifiers).shares_agreed(groups, least=0.5)
    assert shares.tolist() == [0.5, 0.0, 0.0]
    assert asked == [0, 2, 3]
    assert replace(setting, classifiers=classifiers).shares_agreed(groups[:1], least=0.6)[0] < 0.6
    assert asked == [0, 2, 3]


def test_every_step_of_a_path_has_its_own_energy_distance(setting, case):
    target = setting.of_class("target")
    left = path_table([case], setting)["energy_left"]
    steps = [(case.before + a * case.change).astype(np.float32) for a in np.linspace(0, 1, 21)]
    expected = [energy_distance(step, target) / energy_distance(case.before, target) for step in steps]
    assert left.tolist() == pytest.approx(expected, abs=1e-9)


def test_where_all_genes_are_not_enough_there_is_no_number(setting, case):
    half = Case("source", "", "source", case.before, case.change / 2)
    found = minimal_sets([half], setting, GENES, method="generator").set_index("genes_by")
    assert found.loc[["generator", "random_genes"], "n_genes"].isna().all()
    assert found.loc["mean_shift", "n_genes"] > 0


def test_numbers_of_genes_grow_to_all():
    tried = numbers_tried(1000, 1.2)
    assert tried[:5] == [1, 2, 3, 4, 5]
    assert tried[-1] == 1000
    assert max(b / a for a, b in pairwise(tried[5:])) < 1.3


def test_a_sets_share_of_the_way_is_that_of_squared_distance(setting, case):
    sets = GeneSets(
        [GeneSet("ALL4", tuple(GENES[:4])), GeneSet("HALF", ("G0", "G1", "G9")), GeneSet("NONE", tuple(GENES[6:9]))]
    )
    found = gene_set_contribution([case], setting, GENES, Annotation("test", sets, "")).set_index("term")
    target, before = setting.of_class("target").mean(axis=0), case.before.mean(axis=0)
    gain = (before - target) ** 2 - (before + case.change.mean(axis=0) - target) ** 2
    assert found.loc["HALF", "share_of_way"] == pytest.approx(gain[[0, 1, 9]].sum() / gain.sum(), rel=1e-4)
    assert found.loc["ALL4", ["called_by_f", "called_by_logistic"]].tolist() == [1, 1]
    assert found.loc["HALF", ["called_by_f", "called_by_logistic"]].tolist() == [0, 1]
    assert found.loc["NONE", "share_of_way"] == pytest.approx(0, abs=1e-6)
    assert found.index[0] == "ALL4"


def moved(before, classes, split, names=None):
    obs = pd.DataFrame(
        {"source_class": classes, "split": split, "predicted_before": "source", "predicted_after": "target"}
    )
    obs.index = pd.Index(names or [f"s{n}" for n in range(len(obs))])
    found = AnnData(before, obs, pd.DataFrame(index=[f"G{n}" for n in range(before.shape[1])]))
    found.layers["original"], found.layers["perturbation"] = before, np.zeros_like(before)
    found.uns["tspg"] = {"target_class": "target"}
    return found


def test_cases_are_held_out_samples_of_a_class_then_the_named_ones():
    before = np.arange(60, dtype=np.float32)[:, None] * np.ones(3, dtype=np.float32)
    study = moved(before, ["a"] * 50 + ["b"] * 5 + ["target"] * 5, ["test"] * 50 + ["train"] * 10)
    first, second, third = cases_of(study, ["s7"])
    assert (first.source_class, first.sample, len(first.before)) == ("a", "", 17)  # every third of fifty
    assert (second.source_class, len(second.before)) == ("b", 5)  # none held out: all
    assert (third.sample, third.before[0, 0], third.like_class) == ("s7", 7, "a")
    study.obs["source_class"] = ["", *study.obs["source_class"].iloc[1:]]
    *_, unknown = cases_of(study, ["s0"])
    assert (unknown.source_class, unknown.like_class) == ("", "source")  # what f sees


def test_the_measure_of_being_outside_is_calibrated_and_sees_a_stranger():
    rng = np.random.default_rng(2)
    setting = studied(world(rng, 200), world(rng, 200))
    others, classes = world(rng, 300)
    people = moved(others, classes, ["test"] * 300)
    people.layers["original"][0] += 1.0
    found = outside_training(people, setting, list(people.obs_names)).set_index("sample")
    assert found.loc["s0", "p_value"] == pytest.approx(1 / 201)
    same = found["p_value"].iloc[1:]
    assert binomtest(int((same <= 0.05).sum()), len(same), 0.05, alternative="greater").pvalue > 0.01
    assert binomtest(int((same <= 0.5).sum()), len(same), 0.5).pvalue > 0.001


def test_without_named_samples_nothing_is_measured_and_the_table_is_empty(monkeypatch):
    monkeypatch.setattr("tspg.analysis.interpretation.out_of_distribution.pairwise", None)
    setting = studied(world(np.random.default_rng(3), 20), world(np.random.default_rng(4), 20))
    found = outside_training(moved(setting.profiles[20:], list(setting.classes[20:]), ["test"] * 20), setting, [])
    assert (len(found), list(found.columns)[:2]) == (0, ["sample", "distance"])


def test_a_sample_lies_as_far_out_as_its_double():
    """Two held-out samples with one profile: each is as far as the other, in whatever order distances are summed."""
    rng = np.random.default_rng(6)
    training, held_out = world(rng, 40), world(rng, 20)
    held_out[0][19] = held_out[0][18] = held_out[0][18] + 1.0  # farther than all others
    names = tuple(f"h{number}" for number in range(20))
    people = moved(held_out[0], list(held_out[1]), ["test"] * 20, names)
    found = outside_training(people, studied(training, held_out), ["h19", "h0"])
    assert found["p_value"].iloc[0] == pytest.approx(2 / 20)
    expected = np.linalg.norm(held_out[0][19].astype(float) - training[0], axis=1).min()
    assert found["distance"].iloc[0] == pytest.approx(expected)


def test_nothing_is_said_about_a_sample_that_was_trained_on():
    setting = studied(world(np.random.default_rng(3), 20), world(np.random.default_rng(4), 20))
    seen = moved(setting.profiles[:1].copy(), ["source"], ["train"])
    assert np.isnan(outside_training(seen, setting, ["s0"])["p_value"].iloc[0])


def test_a_namesake_of_a_training_sample_with_another_profile_is_judged():
    setting = studied(world(np.random.default_rng(3), 20), world(np.random.default_rng(4), 20))
    other = moved(setting.profiles[:1] + 1.0, ["source"], ["train"])
    assert outside_training(other, setting, ["s0"])["p_value"].iloc[0] == pytest.approx(1 / 21)


def studied(training, held_out):
    """What cases are read against, of these profiles with their classes; the held-out ones are h0, h1, ..."""
    profiles, classes = (np.concatenate(parts) for parts in zip(training, held_out, strict=True))
    n, m = len(training[0]), len(held_out[0])
    names = np.array([f"t{row}" for row in range(n)] + [f"h{row}" for row in range(m)], dtype=object)
    return Reference("target", {}, profiles, classes, names, np.arange(n + m) < n)


def world(rng, n):
    return rng.normal(0.5, 0.1, (n, 8)).astype(np.float32), np.array(["source", "target"] * (n // 2), dtype=object)


def test_a_held_out_sample_is_not_its_own_company():
    rng = np.random.default_rng(5)
    study = moved(*world(rng, 60), ["train"] * 40 + ["test"] * 20)
    study.layers["original"][59] += 1.0
    setting = Reference.of(study, judge(lambda profiles: profiles), seed=0)
    found = outside_training(study, setting, ["s59"]).iloc[0]
    assert found["n"] == 19
    assert found["p_value"] == pytest.approx(1 / 20)


def test_a_sample_that_is_already_there_needs_no_gene_and_has_no_way(setting):
    target = setting.of_class("target")
    there = Case("", "s", "source", target[:1], target[1:2] - target[:1])
    found = minimal_sets([there], setting, GENES, method="generator").set_index("genes_by")
    assert found.loc["generator", ["n_genes", "genes"]].tolist() == [0, ""]
    assert path_table([there], setting)["energy_left"].isna().all()


def test_sets_of_which_two_genes_are_here_carry_nothing(setting, case):
    thin = Annotation("c", GeneSets([GeneSet("THIN", ("G0", "G1", "ELSEWHERE"))]), "drawn")
    assert gene_set_contribution([case], setting, GENES, thin).empty
