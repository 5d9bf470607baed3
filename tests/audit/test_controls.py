"""The controls on data whose truth is known: nothing where nothing is, planted drivers where they were planted."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats.contingency import association as scipy_association

from tspg.analysis.evaluation.thresholds import DOUBTFUL, FAIL, NOT_TESTED, PASS, Threshold
from tspg.audit.batch_as_target import association, levels_of, technical_column
from tspg.audit.context import donor_names, relabelled
from tspg.audit.inputs import DEMO
from tspg.audit.leave_one_class_out import leave_one_class_out
from tspg.audit.null_controls import (
    HALF,
    OTHER,
    balanced_accuracy,
    beyond_noise,
    change_by_chance,
    permuted_labels,
    permuted_within_donors,
    pseudo_target,
    random_halves,
    source_is_target,
)
from tspg.audit.outcome import Outcome, Row, without_fails
from tspg.audit.random_gene_sets import matched_draws, random_gene_sets
from tspg.audit.reproducibility import BOOTSTRAP, drawn_changes, drawn_weights, gene_stability, resampled
from tspg.audit.scores import EvalSet
from tspg.audit.spike_in import plant, precision, spike_in
from tspg.data.batch import cramers_v
from tspg.errors import UsageError
from tspg.model.learning import fit_closed_form
from tspg.utils.files import read_table, sha256_of


def rows_of(outcome):
    return {row.measure: row for row in outcome.rows}


def test_the_study_is_as_it_was_in_training(context, planted):
    assert context.dataset.classes == ("alpha", "beta", "target")
    assert context.dataset.groups == tuple(planted.adata.obs["donor"])
    train = context.dataset.profiles[context.dataset.is_train]
    varies = ~context.dataset.scaler.constant
    np.testing.assert_allclose(train[:, varies].min(axis=0), 0)
    np.testing.assert_allclose(train[:, varies].max(axis=0), 1)
    assert context.dataset.scaler.constant.tolist() == [False] * 59 + [True]
    assert json.loads(json.dumps(context.config.as_dict())) == context.model.settings


def test_permuted_labels_keep_the_counts_and_the_held_out_ones(context):
    before = context.dataset.source_class.copy()
    after = permuted_within_donors(context.dataset, np.random.default_rng(0))
    train = context.dataset.is_train
    assert (after[~train] == before[~train]).all()
    assert sorted(after[train]) == sorted(before[train])
    assert (after[train] != before[train]).mean() > 0.4
    assert (context.dataset.source_class == before).all()


def test_a_donor_with_several_classes_keeps_them(context):
    pairs = tuple(f"p{number % 60}" for number in range(120))  # alpha with beta or target, beta with target
    paired = replace(context.dataset, groups=pairs, is_train=np.ones(120, dtype=bool))
    after = permuted_within_donors(paired, np.random.default_rng(0))
    for donor in set(pairs):
        rows = np.array(pairs) == donor
        assert sorted(after[rows]) == sorted(paired.source_class[rows])
    assert (after != paired.source_class).any()


def test_permuted_labels_give_chance(context, outcome_of):
    found = rows_of(outcome_of(permuted_labels, permutations=4))
    assert found["f_accuracy"].value < 0.55
    assert found["hit_rate_logistic"].value < 0.4
    assert found["energy_ratio"].value > 0.6
    assert found["stability"].value < 0.4
    assert {row.answer for row in found.values()} == {PASS}
    assert balanced_accuracy(context.model.classify, context.dataset) > 0.9


def test_a_split_target_moves_nothing(context, split_context, small):
    few = rows_of(pseudo_target(context, small))["genes_beyond_noise"]
    assert few.answer == NOT_TESTED  # 4 held-out donors are too few to split
    found = rows_of(pseudo_target(split_context, replace(small, splits=4)))
    assert found["genes_beyond_noise"].value <= 0.05
    assert found["energy_ratio_defined"].value < 0.3
    assert found["relative_change"].value < 0.25
    assert {row.answer for row in found.values()} == {PASS}


def test_halves_differ_by_chance_as_far_as_is_taken_off(context):
    dataset = replace(context.dataset, groups=None, is_train=np.ones(120, dtype=bool))
    rows, rng = dataset.class_mask("target"), np.random.default_rng(5)
    found, expected = [], []
    for _ in range(200):
        halves = relabelled(dataset, random_halves(dataset, rows, rng), rows=rows)
        found.append(np.abs(halves.class_mean(OTHER) - halves.class_mean(HALF)).mean())
        expected.append(change_by_chance(halves))
    assert np.mean(found) == pytest.approx(np.mean(expected), rel=0.05)


def test_a_real_difference_is_beyond_noise(context):
    """The test of the split target must be able to see something."""
    rows = np.isin(context.dataset.source_class, ["alpha", "target"])
    names = np.where(context.dataset.source_class == "alpha", HALF, OTHER).astype(object)
    pair = relabelled(context.dataset, names, rows=rows)
    change = pair.class_mean(OTHER) - pair.class_mean(HALF)
    assert 10 / 59 <= beyond_noise(pair, change) < 14 / 59
    assert beyond_noise(pair, np.zeros(60)) == 0


def test_halves_keep_donors_whole(context):
    labels = random_halves(context.dataset, context.dataset.class_mask("target"), np.random.default_rng(3))
    donors = donor_names(context.dataset)
    target = context.dataset.class_mask("target")
    assert all(len(set(labels[target & (donors == donor)])) == 1 for donor in set(donors[target]))
    assert set(labels[target]) == {HALF, OTHER}


def test_samples_of_the_target_stay(context, small):
    row = rows_of(source_is_target(context, small))["relative_change"]
    assert (row.value, row.answer) == (0.0, PASS)


def test_planted_drivers_come_back(outcome_of):
    found = rows_of(outcome_of(spike_in))
    by_chance = 0.5 * 19 / 59  # in the right direction
    assert found["precision at 2 sd"].value > 4 * by_chance
    assert {row.answer for row in found.values()} == {PASS}
    assert found["precision at 2 sd"].value > found["precision at 0.25 sd"].value


def test_planting_moves_only_the_drivers_by_the_effect(context):
    planted = plant(context.dataset, "alpha", 5, 3.0, seed=0)
    still = plant(context.dataset, "alpha", 5, 0.0, seed=0)
    assert (planted.drivers == still.drivers).all()
    half = planted.dataset.class_mask(HALF)
    others = np.setdiff1d(np.arange(60), planted.drivers)
    np.testing.assert_allclose(planted.dataset.profiles[:, others], still.dataset.profiles[:, others])
    shift = planted.dataset.profiles[~half].mean(axis=0) - planted.dataset.profiles[half].mean(axis=0)
    assert (np.sign(shift[planted.drivers]) == planted.signs).all()
    perfect = np.zeros(60)
    perfect[planted.drivers] = planted.signs
    assert precision(perfect, planted) == 1.0
    assert precision(-perfect, planted) == 0.0


def test_a_class_left_out_is_named(outcome_of):
    row = rows_of(outcome_of(leave_one_class_out))["energy_ratio"]
    assert "worst of 2 classes" in row.note
    assert ("alpha" in row.note) != ("beta" in row.note)
    assert row.low <= row.value <= row.high


def test_gene_lists_hold_the_planted_genes(outcome_of, planted):
    outcome = outcome_of(gene_stability)
    genes = pd.DataFrame(outcome.genes)
    for source in ("alpha", "beta"):
        for direction, wanted in {"up": planted.up, "down": planted.down}.items():
            chosen = genes[(genes["source_class"] == source) & (genes["direction"] == direction)]
            assert wanted <= set(chosen["gene"])
            top = chosen.set_index("gene").loc[sorted(wanted)]
            assert (top["selection_frequency"] == 1).all()
            assert (top["sign_agreement"] == 1).all()
            assert (top["stable"] == "yes").all()
            assert (top["mean_perturbation"] > 0).all() == (direction == "up")
    assert "G59" not in set(genes["gene"])


def test_refits_by_the_means_are_those_of_the_map_itself(context):
    """The map learned anew from the same drawn donors changes the means of its own samples by as much."""
    dataset, seed = context.dataset, context.config.seed
    weights = drawn_weights(dataset, 6, np.random.default_rng([seed, BOOTSTRAP])).astype(int)
    train, refits = np.flatnonzero(dataset.is_train), {name: [] for name in context.sources}
    for drawn in weights:
        rows = np.repeat(train, drawn)
        labels, profiles = dataset.source_class[rows], dataset.profiles[rows]
        again = replace(dataset, profiles=profiles, class_index=dataset.class_index[rows], is_train=rows >= 0)
        change = fit_closed_form("linear_map", again, context.target).raw_perturbation(profiles, again.class_index)
        for name, means in refits.items():
            means.append(change[labels == name].mean(axis=0))
    for name, by_means in drawn_changes(context, 6).items():
        own = context.perturbations.layers["perturbation"][dataset.class_mask(name)].mean(axis=0)
        np.testing.assert_allclose(by_means.mean(axis=0), own, atol=1e-6)
        np.testing.assert_allclose(np.diff(by_means, axis=0), np.diff(refits[name], axis=0), atol=1e-5)


def test_the_share_of_draws_is_that_of_the_runs_own_table(outcome_of, audited_run):
    """`genes.tsv` draws donors 400 times by itself: shares of 100 and of 400 draws differ by .056 at most in 2 of 3."""
    table = read_table(audited_run / "genes.tsv").set_index(["source_class", "gene"])["stability"]
    genes = outcome_of(gene_stability).genes
    apart = [gene["donor_frequency"] - table[gene["source_class"], gene["gene"]] for gene in genes]
    assert len(apart) > 40
    assert np.abs(apart).max() < 0.2
    assert abs(np.mean(apart)) < 0.02


def test_a_control_about_the_maps_genes_trains_no_f(context, small, monkeypatch):
    def never(*_, **__):
        raise AssertionError("f is trained")

    monkeypatch.setattr("tspg.audit.refit.train_target_model", never)
    for control in (pseudo_target, spike_in, gene_stability, leave_one_class_out):  # of two sources one is left
        control(context, small)
    technical_column(context, replace(small, technical="batch"))
    with pytest.raises(AssertionError, match="f is trained"):
        permuted_labels(context, small)


def test_a_fit_moves_as_the_model_with_its_f_does(context):
    fit, dataset = context.fit(context.dataset, context.short), context.dataset
    known = fit.move(dataset.profiles, dataset.source_class)
    assert (known == fit.model.move(dataset.profiles, dataset.source_class)).all()
    nameless = np.full(len(known), "", dtype=object)
    assert (fit.move(dataset.profiles, nameless) == fit.model.move(dataset.profiles, nameless)).all()
    one = context.fit(relabelled(dataset, dataset.source_class, rows=~dataset.class_mask("beta")), context.short)
    beta = dataset.profiles[dataset.class_mask("beta")]
    nameless = nameless[: len(beta)]
    assert (one.move(beta, nameless) == one.model.move(beta, nameless)).all()  # without f: alpha alone is left


def test_a_draw_of_donors_keeps_them_whole_and_their_classes(context):
    drawn = resampled(context, 1)
    train = drawn.profiles[drawn.is_train]
    assert len(train) == context.dataset.is_train.sum()
    assert np.bincount(drawn.class_index[drawn.is_train]).tolist() == (
        np.bincount(context.dataset.class_index[context.dataset.is_train]).tolist()
    )
    assert len(np.unique(train, axis=0)) < len(train)
    unique, counts = np.unique(train, axis=0, return_counts=True)
    by_profile = {row.tobytes(): count for row, count in zip(unique, counts, strict=True)}
    donors = donor_names(context.dataset)
    for donor in set(donors[context.dataset.is_train]):
        assert len({by_profile.get(row.tobytes(), 0) for row in context.dataset.profiles[donors == donor]}) == 1


def test_a_batch_that_means_nothing_is_not_in_the_way(outcome_of):
    found = rows_of(outcome_of(technical_column, technical="batch"))
    assert found["association"].value < 0.1
    assert found["predictable_from_profiles"].answer == PASS
    assert found["energy_ratio to even"].answer == PASS
    assert {row.answer for row in found.values()} <= {PASS, NOT_TESTED}


def test_a_column_that_restates_the_class_is_found_out(outcome_of):
    found = rows_of(outcome_of(technical_column, technical="mirror"))
    assert found["association"].value == pytest.approx(1.0, abs=0.02)
    assert found["association"].answer == FAIL
    assert found["predictable_from_profiles"].answer == DOUBTFUL
    assert found["energy_ratio to x"].answer == DOUBTFUL  # the target under another name, and as easily reached


def test_an_unknown_column_is_refused(context):
    with pytest.raises(UsageError, match="batch, mirror"):
        levels_of(context, "bach")
    with pytest.raises(UsageError):
        levels_of(context, "split")


def test_a_column_of_many_numbers_is_cut_at_its_median(context):
    perturbations = context.perturbations.copy()
    perturbations.obs["rin"] = [f"{value / 10}" for value in range(120)]
    levels = levels_of(replace(context, perturbations=perturbations), "rin")
    assert len(set(levels)) == 2
    assert abs((levels == levels[0]).sum() - 60) < 8


def test_cramers_v_against_scipy_and_on_independent_columns():
    table = np.array([[30, 10], [8, 40]])
    n = table.sum()
    plain = scipy_association(table, method="cramer")
    corrected = np.sqrt(max(0, plain**2 - 1 / (n - 1)) / (1 - 1 / (n - 1)))
    assert cramers_v(table) == pytest.approx(corrected)
    assert cramers_v(np.array([[10, 10], [10, 10]])) == 0
    assert np.isnan(cramers_v(np.array([[5, 5]])))
    labels = np.array(["a", "b"] * 20, dtype=object)
    gaps = np.array(["x", ""] * 20, dtype=object)
    assert "unknown for 20 samples" in association(labels, gaps).note


def test_random_gene_sets_need_the_file(context, small):
    row = random_gene_sets(context, small).rows[0]
    assert row.answer == NOT_TESTED
    assert "does not say where" in row.note
    gone = random_gene_sets(context, replace(small, reading={"expression": "/nowhere/at/all.tsv"})).rows[0]
    assert gone.answer == NOT_TESTED
    assert "no longer" in gone.note
    other = random_gene_sets(context, replace(small, reading={"expression": DEMO})).rows[0]
    assert "does not hold all samples" in other.note


@pytest.fixture
def with_file(planted, context, tmp_path):
    """A run on 8 of the genes, of which 4 rise or fall in the target, with the whole matrix in a file.

    Genes without a meaning vary as much as those four do, since random sets are alike in variance.
    """
    path = tmp_path / "all.tsv"
    table = pd.DataFrame(planted.adata.X, index=planted.adata.obs_names, columns=planted.adata.var_names)
    table = table.drop(columns=["G2", "G3", "G4", "G7", "G8", "G9"])  # they would be as good
    is_target = (planted.adata.obs["label"] == "target").to_numpy()
    table.loc[is_target, ["G0", "G1"]] -= 4.0  # two standard deviations are left: one such gene is not enough
    table.loc[is_target, ["G5", "G6"]] += 4.0
    rng = np.random.default_rng(0)
    noise = rng.normal(8.0, rng.uniform(0.8, 4.0, 1000), (120, 1000)) + rng.normal(0.0, 3.0, 1000)
    names = [f"N{number}" for number in range(1000)]
    table = pd.concat([table, pd.DataFrame(noise, index=table.index, columns=names)], axis=1)
    table.to_csv(path, sep="\t", index_label="sample")
    kept = [0, 1, 5, 6, 30, 31, 32, 33]
    dataset = replace(
        context.dataset,
        profiles=np.ascontiguousarray(context.dataset.profiles[:, kept]),
        gene_ids=tuple(context.dataset.gene_ids[gene] for gene in kept),
    )
    manifest = {"inputs": {"all.tsv": sha256_of(path)}}
    return replace(context, dataset=dataset, manifest=manifest), {"expression": str(path)}


def test_a_set_with_the_genes_that_matter_does_better_than_others(with_file, small):
    context, reading = with_file
    found = rows_of(random_gene_sets(context, replace(small, reading=reading)))
    assert found["energy_ratio p-value"].n == 20
    assert found["energy_ratio p-value"].value == pytest.approx(1 / 21)
    assert found["energy_ratio p-value"].answer == PASS


def test_random_sets_that_tell_no_class_from_another_do_no_better(with_file, small, monkeypatch):
    scores = iter([(0.5, 0.9), *[(np.nan, 0.1)] * 20])
    monkeypatch.setattr("tspg.audit.random_gene_sets.GeneSetTrial.score", lambda *_, **__: next(scores))
    context, reading = with_file
    found = rows_of(random_gene_sets(context, replace(small, reading=reading)))
    assert found["energy_ratio p-value"].value == pytest.approx(1 / 21)


def test_random_sets_are_drawn_from_ones_own_genes_too(with_file, small, monkeypatch):
    """Else they resemble each other, and in small matrices chance alone sets the own one apart."""
    seen = []

    def watch(means, variances, own, pool, n, rng):
        seen.append((own, pool))
        return matched_draws(means, variances, own, pool, n, rng)

    monkeypatch.setattr("tspg.audit.random_gene_sets.matched_draws", watch)
    context, reading = with_file
    backwards = replace(context.dataset, gene_ids=context.dataset.gene_ids[::-1])
    random_gene_sets(replace(context, dataset=backwards), replace(small, gene_sets=2, reading=reading))
    ((own, pool),) = seen
    assert len(own) == 8
    assert (np.diff(own) > 0).all()  # as the drawn ones are: the same genes have the same score to the last digit
    assert set(own) < set(pool)


def test_a_set_among_genes_that_all_tell_the_classes_apart_is_nothing_special(with_file, small):
    context, reading = with_file
    table = pd.read_csv(reading["expression"], sep="\t", index_col=0)
    rng, is_target = np.random.default_rng(1), context.dataset.class_mask("target")
    shift = 0.7 * rng.choice([-1, 1], table.shape[1])
    table.iloc[:, :] = rng.normal(8.0, 1.0, table.shape) + is_target[:, None] * shift
    table.to_csv(reading["expression"], sep="\t", index_label="sample")
    again = replace(context, manifest={"inputs": {"all.tsv": sha256_of(Path(reading["expression"]))}})
    row = rows_of(random_gene_sets(again, replace(small, reading=reading)))["energy_ratio p-value"]
    assert row.value > 0.05
    assert row.answer == DOUBTFUL
    assert "nothing here is special to this set" in row.note


def test_a_file_that_has_changed_is_not_used(with_file, small):
    context, reading = with_file
    changed = replace(context, manifest={"inputs": {"all.tsv": "0" * 64}})
    row = random_gene_sets(changed, replace(small, reading=reading)).rows[0]
    assert row.answer == NOT_TESTED
    assert "not the file" in row.note


def test_random_sets_are_alike_in_mean_and_variance():
    rng = np.random.default_rng(0)
    levels, spreads = rng.uniform(0, 10, 2000), rng.uniform(0.1, 3, 2000)
    training = (levels + spreads * rng.normal(size=(80, 2000))).astype(np.float32)
    own = np.flatnonzero(levels > 8)[:60]
    for drawn in matched_draws(training.mean(axis=0), training.var(axis=0), own, np.arange(2000), 5, rng):
        assert len(set(drawn)) == 60
        assert len(set(drawn) & set(own)) < 30
        assert abs(training[:, drawn].mean() - training[:, own].mean()) < 0.3
        assert abs(training[:, drawn].var(axis=0).mean() / training[:, own].var(axis=0).mean() - 1) < 0.25


def test_the_energy_ratio_is_0_for_the_target_and_1_for_untouched_sources(context):
    eval_set = EvalSet.of(context.dataset, "target")
    assert eval_set.energy_ratio(eval_set.sources) == pytest.approx(1.0)
    assert eval_set.energy_ratio(eval_set.reference) == pytest.approx(0.0)


def test_answers_follow_the_thresholds():
    low, high = Threshold(0.1, 0.3), Threshold(0.9, 0.7, higher=True)
    assert [low.answer(value) for value in (0.05, 0.1, 0.2, 0.31)] == [PASS, PASS, DOUBTFUL, FAIL]
    assert [high.answer(value) for value in (0.95, 0.8, 0.6)] == [PASS, DOUBTFUL, FAIL]
    assert low.answer(np.nan) == NOT_TESTED


def test_a_fit_shorter_than_the_runs_own_cannot_fail():
    outcome = Outcome((Row("a", 1.0, note="x", answer=FAIL), Row("b", 1.0, answer=PASS)))
    assert [(row.answer, row.note) for row in without_fails(outcome, "short").rows] == [
        (DOUBTFUL, "x; short"),
        (PASS, ""),
    ]


def test_outcomes_survive_storage():
    outcome = Outcome((Row("a", 0.1 + 0.2, n=3, note="x", answer=PASS), Row("b")), ({"gene": "G", "x": 1 / 3},))
    again = Outcome.from_dict(outcome.as_dict())
    assert again.rows[0] == outcome.rows[0]
    assert np.isnan(again.rows[1].value)
    assert again.genes == outcome.genes


def test_random_sets_from_a_small_matrix_are_not_ones_own_again():
    """Deciles of 60 genes hold hardly any gene but one's own: random sets were the set itself, and p was 1."""
    rng = np.random.default_rng(0)
    own, shares = np.sort(rng.permutation(60)[:16]), []
    for drawn in matched_draws(rng.random(60), rng.random(60), own, np.arange(60), 50, rng):
        assert len(set(drawn)) == 16
        shares.append(np.isin(drawn, own).mean())
    assert 16 / 60 - 0.1 < np.mean(shares) <= 0.5
