"""Profiles of another pipeline: noticed, and put right by their ranks, or refused where ranks mean something else."""

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from scipy.stats import binomtest

import tspg
from tests.options import nested
from tspg.data.quantiles import LEVELS, Quantiles, quantile_functions
from tspg.errors import ExpressionError, ModelError, UsageError
from tspg.experiment.metrics import perturb_metrics
from tspg.model.normalisation import require_panel
from tspg.model.storage import save_model

N_GENES, OWN = 1500, [f"G{number}" for number in range(0, 1500, 5)]


@pytest.fixture(scope="module")
def study():
    """Two classes of 70 people; a gene of five is the model's, and every gene has a level of its own."""
    rng = np.random.default_rng(5)
    classes = np.repeat(["source", "target"], 70)
    values = rng.gamma(2, 2, N_GENES) + rng.normal(size=(140, 4)) @ rng.normal(0, 0.4, (4, N_GENES))
    values += rng.normal(0, 0.4, values.shape)
    values[classes == "target", :50] += 1.5
    genes = pd.DataFrame(index=[f"G{number}" for number in range(N_GENES)])
    people = pd.DataFrame({"label": classes}, index=[f"s{number}" for number in range(140)])
    return AnnData(np.maximum(values, 0).astype(np.float32), people, genes)


@pytest.fixture(scope="module")
def trained(study):
    """The model of two thirds of them, and the others."""
    is_new = np.arange(140) % 3 == 0
    gene_set = tspg.GeneSet("OWN", tuple(OWN))
    how = {"label_column": "label", "target_class": "target", "gene_set": gene_set, "method": "linear_map"}
    run = tspg.run(study[~is_new], **nested(target_epochs=2, folds=1, annotations=[], **how))
    return run, study[is_new].copy()


def other_units(adata):
    """The same samples after another pipeline: every value by a function that keeps their order."""
    other = adata.copy()
    other.X = np.sqrt(adata.X) * 1.3 + 0.2
    return other


def test_a_run_keeps_what_detection_needs_and_tests_its_own_samples(trained):
    run, _ = trained
    assert set(run.model.panel) == {f"G{number}" for number in range(N_GENES)}
    p = run.perturbations.obs["p_shift"]
    assert p.notna().all()
    assert (p < 0.05).mean() <= 0.1  # of 93, 4.6 are expected at most
    assert run.model.shift.of_panel.n == (run.perturbations.obs["split"] == "train").sum()


def test_another_pipeline_is_noticed_and_put_right(trained):
    run, new = trained
    own, other = run.model.perturb(new), run.model.perturb(other_units(new))
    assert (own.obs["p_shift"] < 0.05).mean() <= 0.1
    assert (other.obs["p_shift"] < 0.05).all()
    right = run.model.perturb(other_units(new), normalise="quantile")
    np.testing.assert_array_equal(right.obs["p_shift"], other.obs["p_shift"])  # of the profiles as they were given
    assert right.uns["tspg"]["normalised"] == "quantile"

    def off(moved):
        return np.abs(moved.layers["original"] - own.layers["original"]).mean()

    assert off(right) < 0.25 * off(other)
    assert right.obs["clipped"].mean() < 0.03 < 0.1 < other.obs["clipped"].mean()


def test_normalised_values_are_those_of_the_same_rank_by_hand(trained):
    """Sorted by hand: the k-th largest value of a sample becomes the mean of the k-th largest of training samples."""
    run, new = trained
    values = run.model.values_of(new, normalise="quantile")
    reference = run.model.shift.of_panel.known.reference
    rank = (new.X.argsort(axis=1).argsort(axis=1) / (N_GENES - 1))[:, ::5]
    inside = (new.X[:, ::5] > 0) & (rank < 0.98)  # zeros are tied, the largest far apart
    np.testing.assert_allclose(values[inside], np.interp(rank, LEVELS, reference)[inside], rtol=0.02, atol=0.02)


def test_the_reference_is_the_mean_of_the_training_samples_alone(trained, study):
    run, _ = trained
    names = [name for name, part in run.model.split.items() if part == "train"]
    expected = quantile_functions(study[names].X).mean(axis=0)
    np.testing.assert_allclose(run.model.shift.of_panel.known.reference, expected, rtol=1e-5)


def test_with_genes_missing_it_is_refused_and_with_the_training_matrix_done(trained, study):
    run, new = trained
    high = study.X.mean(axis=0) > np.quantile(study.X.mean(axis=0), 0.3)
    there = high | np.isin(new.var_names, OWN)
    given = other_units(new)[:, there]
    with pytest.raises(ExpressionError, match=r"of the 1,500 genes over which .*--reference FILE"):
        run.model.perturb(given, normalise="quantile")
    own = run.model.values_of(new)
    right = run.model.values_of(given, normalise="quantile", reference=study)
    assert np.abs(right - own).mean() < 0.25 * np.abs(run.model.values_of(given) - own).mean()
    moved = run.model.perturb(given, normalise="quantile", reference=study)
    assert moved.uns["tspg"]["shift_genes"] == "model"
    assert (moved.obs["p_shift"] < 0.05).all()
    same = run.model.values_of(other_units(new), normalise="quantile", reference=study)
    np.testing.assert_allclose(same, run.model.values_of(other_units(new), normalise="quantile"), atol=1e-5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda study: study[:100], r"lacks \d+ of the \d+ samples that the model was trained on"),
        (other_units, "with other values"),
        (lambda study: study[:, OWN[:-1]], "genes are not in the expression matrix"),
    ],
)
def test_a_reference_that_is_not_the_training_matrix_is_refused(trained, study, change, message):
    run, new = trained
    with pytest.raises(ExpressionError, match=message):
        run.model.perturb(new, normalise="quantile", reference=change(study))


def test_a_cohorts_offset_is_taken_out(trained, tmp_path):
    run, new = trained
    offset = np.random.default_rng(8).normal(0, 2, N_GENES).astype(np.float32)
    other = new.copy()
    other.X = new.X + offset
    save_model(run.model, tmp_path)
    model = tspg.load_model(tmp_path)
    moved = model.perturb(other, label_column="label", align="cohort")
    weight = moved.uns["tspg"]["aligned"]
    assert 0.95 < weight == moved.uns["tspg"]["alignment"]["weight"] <= 1
    own = run.model.values_of(new)
    left = run.model.values_of(other, label_column="label", align="cohort") - own
    assert np.abs(left.mean(axis=0)).mean() < 0.15 < np.abs(offset).mean()
    np.testing.assert_array_equal(left.std(axis=0) < 1e-4, True)  # every sample by the same amount
    genes = run.model.sample_genes(other, samples=[new.obs_names[0]], label_column="label", align="cohort")
    np.testing.assert_allclose(genes.set_index("gene")["value"][OWN], own[0] + left[0], rtol=1e-5)
    metrics = perturb_metrics(model, other, moved)
    assert metrics["data"]["alignment"]["n"] == len(new)
    asked = moved.obs["source_class"] != "target"
    hits = int((moved.obs["predicted_after"][asked] == "target").sum())
    interval = binomtest(hits, int(asked.sum())).proportion_ci(method="exact")
    found = [metrics["perturbation"][f"hit_rate_{end}"] for end in ("low", "high")]
    np.testing.assert_allclose(found, [interval.low, interval.high])
    assert any("Real differences of this cohort are removed too" in note for note in metrics["data"]["notes"])
    stays = run.model.perturb(new, label_column="label", align="cohort").uns["tspg"]
    assert stays["aligned"] == 0 or stays["alignment"]["p_value"] < 0.05


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"align": "cohort"}, "the samples have no class"),
        ({"align": "cohort", "new_class": "other"}, "a class that the model does not know: 'other'"),
        ({"align": "samples"}, "align is 'samples'"),
    ],
)
def test_a_cohort_that_would_be_erased_is_not_aligned(trained, options, message):
    run, new = trained
    with pytest.raises(UsageError, match=message):
        run.model.perturb(new, **options)
    with pytest.raises(UsageError, match="A cohort of 4"):
        run.model.perturb(new[:4], label_column="label", align="cohort")


def test_few_genes_cannot_be_ranked(study):
    with pytest.raises(ExpressionError, match="100 genes or more; there are 60"):
        require_panel(OWN[:60], Quantiles.of(study[:, OWN[:60]].copy()))


def vars_of(model):
    return {name: getattr(model, name) for name in model.__dataclass_fields__}


@pytest.mark.parametrize("options", [{"normalise": "ranks"}, {"reference": None}])
def test_what_makes_no_sense_is_refused(trained, study, options):
    run, new = trained
    options = {"reference": study} if "reference" in options else options
    with pytest.raises(UsageError, match="normalise"):
        run.model.perturb(new, **options)


def test_a_model_that_holds_no_distribution_says_so(trained):
    run, new = trained
    old = type(run.model)(**{**vars_of(run.model), "shift": None})
    moved = old.perturb(new)
    assert moved.obs["p_shift"].isna().all()
    notes = perturb_metrics(old, new, moved)["data"]["notes"]
    assert any("was not tested: the model does not hold what is needed. Train it again" in note for note in notes)
    with pytest.raises(ModelError, match="Train it again"):
        old.perturb(new, normalise="quantile")


def test_notes_on_profiles(trained):
    run, new = trained

    def notes_on(adata, **options):
        found = perturb_metrics(run.model, adata, run.model.perturb(adata, **options))["data"]
        return found["shift"], [note for note in found["notes"] if "pipeline" in note or "clipped" in note]

    shift, notes = notes_on(new)
    assert (shift["tested"], shift["genes"], shift["n_samples"], notes) == (True, "panel", 47, [])
    shift, notes = notes_on(other_units(new))
    assert (shift["n_flagged"], shift["normalised"]) == (47, "none")
    assert notes[0].startswith("47 of 47 samples are not like the samples that the model was trained on: ")
    assert "another pipeline or unknown biology" in notes[0]
    assert "--normalise quantile" in notes[0]
    assert "of all values lie outside the range seen in training and were clipped" in notes[1]
    assert notes_on(other_units(new[:1]))[1][0].startswith("The sample is not like the samples")
    shift, notes = notes_on(other_units(new), normalise="quantile")
    assert len(notes) == 1
    assert "--normalise" not in notes[0]
    mixed = new.copy()
    mixed.X[:2] = other_units(new).X[:2]
    shift, notes = notes_on(mixed)
    assert 2 <= shift["n_flagged"] <= 4
    assert notes == []  # of 47, so many are called odd by chance
