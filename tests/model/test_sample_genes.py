"""One person's table of genes, against planted values and calculations by hand."""

import numpy as np
import pytest
from scipy.stats import false_discovery_control

from tspg.model.reference import SampleReference, class_references
from tspg.model.sample_genes import SAMPLE_GENE_COLUMNS, sample_gene_table

N, GENES = 60, 300
NAMES = [f"G{i}" for i in range(GENES)]


@pytest.fixture(scope="module")
def world():
    """Two classes of sixty people each with three shared programmes; class t is 2 higher in the first fifty genes."""
    rng = np.random.default_rng(0)
    programmes = rng.normal(0, 1, (3, GENES))
    draw = lambda n: rng.normal(0, 1, (n, 3)) @ programmes + rng.normal(0, 0.5, (n, GENES)) + 8  # noqa: E731
    values = {"s": draw(N), "t": draw(N), "small": draw(10), "tiny": draw(3)}
    values["t"][:, :50] += 2
    samples_of = {name: (part, np.arange(len(part)) + 1000 * at) for at, (name, part) in enumerate(values.items())}
    references = class_references(samples_of.__getitem__, list(values), seed=0)
    return draw, SampleReference.fit(samples_of.__getitem__, "t", references, seed=0)


def table_of(world, values, own_class="s"):
    genes = len(values)
    return sample_gene_table(values[None], ["p"], [own_class], np.zeros((1, genes)), NAMES[:genes], world[1])


def test_the_columns_are_those_of_the_contract(world):
    table = table_of(world, world[0](1)[0])
    assert tuple(table.columns) == SAMPLE_GENE_COLUMNS
    assert sorted(table["gene"]) == sorted(NAMES)
    assert (np.diff(table["z_own"].abs()) <= 1e-12).all()


def test_what_is_planted_in_a_person_comes_first_though_programmes_drown_it_in_her_class(world):
    rng, own, within = np.random.default_rng(7), world[1].classes["s"], []
    found = []
    for person in world[0](40):
        planted = rng.choice(GENES, 3, replace=False)
        person[planted] += 3.0 * rng.choice([-1, 1], 3)
        table = table_of(world, person)
        found += [gene in set(table["gene"][:3]) for gene in (NAMES[at] for at in planted)]
        plain = np.argsort(-np.abs((person - own.center) / own.unit))[:3]
        within += [at in plain for at in planted]
    assert np.mean(found) > 0.9
    assert np.mean(within) < 0.6


def test_against_the_target_it_is_mean_and_spread(world):
    person = world[0](1)[0]
    target = world[1].classes["t"]
    table = table_of(world, person).set_index("gene").loc[NAMES]
    np.testing.assert_allclose(table["expected"], target.center)
    np.testing.assert_allclose(
        table["z_target"], (person - target.center) / (target.unit * np.sqrt(1 + 1 / N)), rtol=1e-5
    )
    np.testing.assert_allclose(table["q_target"], false_discovery_control(table["p_target"]))
    outside = (table["value"] < table["low"]) | (table["value"] > table["high"])
    assert (outside == (table["p_target"] < 0.05)).all()


def test_p_is_calibrated_for_people_of_the_class(world):
    people = world[0](200)
    table = sample_gene_table(people, list(map(str, range(200))), ["s"] * 200, np.zeros_like(people), NAMES, world[1])
    assert (table["p_own"] < 0.05).mean() == pytest.approx(0.05, abs=0.015)
    assert 0.0005 < (table["p_own"] < 0.001).mean() < 0.002
    called = (table["q_own"] < 0.05).groupby(table["sample"]).any().mean()
    assert called < 0.15  # people without anything planted


def test_small_classes_say_less(world):
    small = table_of(world, world[0](1)[0], "small")
    assert small["z_own"].notna().all()
    assert world[1].classes["small"].components.shape == (0, GENES)
    for own_class in ("tiny", "never seen"):
        table = table_of(world, world[0](1)[0], own_class)
        assert table[["z_own", "p_own", "q_own", "percentile_source"]].isna().all(axis=None)
        assert table[["expected", "z_target", "percentile_target"]].notna().all(axis=None)


def test_without_a_target_reference_nothing_is_expected(world):
    person, reference = world[0](1)[0], SampleReference("gone", world[1].classes, {})
    table = sample_gene_table(person[None], ["p"], ["s"], np.zeros((1, GENES)), NAMES, reference)
    assert table[["expected", "low", "high", "z_target", "percentile_target"]].isna().all(axis=None)
    assert table["z_own"].notna().all()
