"""What is there is found, and no more than promised of what is not: planted sets, genes, shifts and people."""

import numpy as np
import pytest

from tspg.analysis.evaluation.distances import CloudPair, pairwise
from tspg.analysis.evaluation.energy import energy_p_value
from tspg.analysis.evaluation.individuality import distance_correlation
from tspg.analysis.evaluation.neighbours import nn_two_sample
from tspg.analysis.interpretation.enrichment import Profile, Query, over_representation, ranked_enrichment
from tspg.audit.context import relabelled
from tspg.audit.null_controls import HALF, OTHER, beyond_noise, random_halves
from tspg.audit.scores import class_changes
from tspg.audit.spike_in import plant, precision
from tspg.data.annotations import Annotation
from tspg.data.genesets import GeneSet, GeneSets
from tspg.data.prepare import Dataset, Scaler
from tspg.model.config import ExperimentConfig, TargetModelConfig
from tspg.model.learning import fit_closed_form, learn
from tspg.model.trained_model import TrainedModel
from tspg.model.training import train_target_model

GENES = [f"G{number}" for number in range(1000)]
SETS = {f"S{number}": GENES[20 * number : 20 * number + 20] for number in range(50)}
CATEGORY = Annotation("c", GeneSets([GeneSet(name, tuple(genes)) for name, genes in SETS.items()]), "drawn")
N_PLANTED = 10  # of the fifty sets


def share_found(p_values):
    return (np.asarray(p_values) <= 0.05).mean()


def test_a_shift_of_eight_tenths_of_a_deviation_is_found_among_forty_people():
    pairs = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        pairs.append(CloudPair.of(rng.normal(0.8, 1, (20, 5)), rng.normal(size=(20, 5))))
    assert share_found([energy_p_value(pair, seed=0, n_permutations=99).value for pair in pairs]) >= 0.9


def test_lost_correlation_is_found_by_nearest_neighbours():
    p_values = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        real, moved = rng.normal(size=(2, 40, 3)) @ rng.normal(size=(3, 12))
        moved = rng.permuted(moved, axis=0)  # every gene as it was, and none goes with another
        p_values.append(nn_two_sample(CloudPair.of(moved, real), seed=seed, n_permutations=99).p_value)
    assert share_found(p_values) >= 0.9


def test_what_half_remains_of_a_person_is_found():
    p_values = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        before = rng.normal(size=(30, 10))
        after = pairwise(before + rng.normal(size=(30, 10)))
        found = distance_correlation(pairwise(before), after, n_genes=10, seed=seed)
        p_values.append(float(found.note.split()[3]))
    assert share_found(p_values) >= 0.9


def test_a_set_that_gives_seven_of_twenty_genes_is_found():
    rng = np.random.default_rng(0)
    lists = {
        Query(str(n), "", "up"): [
            *rng.choice(SETS["S3"], 7, replace=False),
            *rng.choice(GENES[200:], 13, replace=False),
        ]
        for n in range(200)
    }
    found = over_representation(lists, GENES, [CATEGORY])
    hits = found[(found["term"] == "S3") & (found["q_value"] < 0.05)]
    assert hits["source_class"].nunique() >= 0.9 * 200


def test_sets_that_stand_together_are_found_and_false_ones_are_as_rare_as_q_says():
    """500 mixtures of five sets that rose and five that fell by a deviation, and forty that did neither."""
    rng, moved = np.random.default_rng(1), np.repeat([1.0, -1.0, 0.0], [100, 100, 800])
    changes = {Profile(str(n), ""): rng.normal(size=1000) + moved for n in range(500)}
    found = ranked_enrichment(changes, GENES, [CATEGORY])
    found["is_planted"] = found["term"].str[1:].astype(int) < N_PLANTED
    assert (found[found["is_planted"]]["q_value"] < 0.05).mean() >= 0.9
    assert mean_false_share(found, found["q_value"]) <= 0
    assert mean_false_share(found, found["p_value"]) > 0  # uncorrected p would promise too much
    assert (found[found["term"] == "S0"]["statistic"] > 0).mean() > 0.99
    assert (found[found["term"] == "S9"]["statistic"] < 0).mean() > 0.99


def mean_false_share(found, values):
    """How far the mean share of false findings lies above 5% and three standard errors."""
    chosen = found[values < 0.05]
    shares = (~chosen["is_planted"]).groupby(chosen["source_class"]).mean()
    shares = shares.reindex(found["source_class"].unique(), fill_value=0.0)
    return float(shares.mean() - 0.05 - 3 * shares.std() / np.sqrt(len(shares)))


# Genes: a study of one class, half of which is changed


@pytest.fixture(scope="module")
def one_class():
    """160 people of one class, 200 genes that go together a little; three in four are trained on."""
    rng = np.random.default_rng(2)
    values = rng.normal(size=(160, 5)) @ rng.normal(0, 0.5, (5, 200)) + rng.normal(size=(160, 200))
    is_train = np.arange(160) % 4 > 0
    scaler = Scaler.fit(values[is_train])
    profiles, _ = scaler.transform(values)
    index = np.zeros(160, dtype=np.int64)
    people, genes = (tuple(f"{kind}{n}" for n in range(many)) for kind, many in (("s", 160), ("g", 200)))
    return Dataset(profiles, index, ("only",), is_train, people, genes, scaler, 0)


def test_random_halves_differ_in_no_gene_in_95_of_100_splits(one_class):
    nothing, n = 0, 300
    for seed in range(n):
        labels = random_halves(one_class, one_class.class_mask("only"), np.random.default_rng(seed))
        halves = relabelled(one_class, labels)
        nothing += beyond_noise(halves, halves.class_mean(OTHER) - halves.class_mean(HALF)) == 0
    assert nothing / n >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / n)


@pytest.mark.parametrize(("effect", "least"), [(2.0, 0.95), (1.0, 0.85)])
def test_planted_genes_lead_and_their_signs_are_right(one_class, effect, least):
    found = []
    for seed in range(20):
        planted = plant(one_class, "only", 20, effect, seed=seed)
        study = planted.dataset
        change = study.class_mean(OTHER) - study.class_mean(HALF)
        found.append(precision(change, planted))
        assert (np.sign(change[planted.drivers]) == planted.signs).mean() >= 0.95
        assert 0 < beyond_noise(study, change) <= 25 / 200
    assert np.mean(found) >= least
    assert np.mean([precision(-change, planted), precision(np.zeros(200), planted)]) == 0


def test_the_generator_finds_planted_genes_as_the_mean_shift_does(one_class):
    planted = plant(one_class, "only", 20, 1.0, seed=3)
    study = planted.dataset
    config = ExperimentConfig(
        target_class=OTHER,
        preset="transport",
        target_model=TargetModelConfig((32,), batch_size=64, epochs=20),
        generator=None,
    )
    f = train_target_model(study, config.target_model)
    method = learn(study, f, config, device=next(f.parameters()).device).method
    model = TrainedModel.of(study, f, method, config, {})
    own = class_changes(model, study)[HALF]
    rows = study.class_mask(HALF)
    shift = fit_closed_form("mean_shift", study, OTHER).raw_perturbation(study.profiles[rows], study.class_index[rows])
    assert precision(own, planted) >= precision(shift.mean(axis=0), planted) - 0.1 >= 0.7
    assert (np.sign(own[planted.drivers]) == planted.signs).mean() >= 0.95
