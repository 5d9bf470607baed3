"""Nothing is learned from a held-out sample: whatever becomes of them, every learned byte stays as it was."""

import hashlib
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import tspg
from tspg.audit.context import RunContext
from tspg.data.prepare import prepare
from tspg.experiment import fit as fitting
from tspg.experiment.task import make_task
from tspg.model.config import PaperConfig, TargetModelConfig
from tspg.model.learning import CLOSED_FORM, fit_closed_form, learn
from tspg.model.target_state import TargetState
from tspg.model.training import train_target_model
from tspg.utils.timing import Clock

SIZES = {"down_units": (16, 8), "residual_blocks": 1, "up_units": (16,), "batch_size": 32, "steps": 4}
PRESETS = {"paper": PaperConfig(**SIZES, discriminator_units=(16,)), "transport": None}
F = TargetModelConfig(hidden_units=(16,), epochs=2, batch_size=32)


def sha256(*arrays):
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def of_tensors(files):
    tensors = ((file, name) for file in sorted(files) for name in sorted(files[file]))
    return sha256(*(files[file][name].cpu().numpy() for file, name in tensors))


def everything_learned(dataset, adata, preset):
    """The sha256 of all that a run learns, by what it is."""
    config = replace(
        make_task(adata, "target", label_column="label", training=tspg.Training(preset=preset)).config, target_model=F
    )
    config = replace(config, generator=PRESETS[preset])
    f = train_target_model(dataset, F)
    method = learn(dataset, f, config, device=next(f.parameters()).device).method
    state = TargetState.estimate(dataset.profiles[dataset.class_mask("target") & dataset.is_train])
    classifiers = fitting.FittedClassifier(dataset, f, 0).classifiers
    probe = np.random.default_rng(0).random((500, len(dataset.gene_ids)), dtype=np.float32)
    found = {
        "scaler": sha256(dataset.scaler.minimum, dataset.scaler.maximum),
        "adjustment": sha256(dataset.adjustment.offsets),
        "mu_t": sha256(dataset.class_mean("target"), state.mean),
        "factor of Sigma_t": sha256(state.factor),
        "f": of_tensors({"f": f.state_dict()}),
        **{name: of_tensors({name: tensors}) for name, tensors in method.files().items()},
        **{name: of_tensors(fit_closed_form(name, dataset, "target").files()) for name in CLOSED_FORM},
        "logistic judge": sha256(classifiers["logistic"].coefficients, classifiers["logistic"].intercepts),
        **{name: sha256(classifiers[name](probe).astype(str)) for name in ("knn", "forest")},
    }
    audited = RunContext(dataset, config, None, None, {}, {}).classifier
    return {**found, "judge of an audit": sha256(audited.coefficients)}


@pytest.fixture(scope="module")
def study(planted):
    """The planted classes with a platform that reads two genes higher, and who is held out, whole donors."""
    adata = planted.adata.copy()
    adata.obs["platform"] = np.where(np.arange(120) % 4 < 2, "one", "two")
    adata.X[adata.obs["platform"] == "two", 30:32] += 2.0
    is_train = prepare(adata, label_column="label", group_column="donor", seed=3).is_train
    return adata, is_train


def prepared_from(adata, is_train):
    return prepare(adata, label_column="label", group_column="donor", adjust_column="platform", is_train=is_train)


def times_a_million(dataset, adata, is_train):
    far = adata.copy()
    far.X[~dataset.is_train] *= 1e6
    return prepared_from(far, is_train)


def labels_permuted(dataset, adata, is_train):
    del adata, is_train
    index, rows = dataset.class_index.copy(), np.flatnonzero(~dataset.is_train)
    index[rows] = index[np.roll(rows, 9)]
    assert (index != dataset.class_index).sum() > 10
    return replace(dataset, class_index=index)


def no_numbers(dataset, adata, is_train):
    """Held-out values that are no numbers: files with such are refused, so they are put in behind the reading."""
    del adata, is_train
    profiles = dataset.profiles.copy()
    profiles[~dataset.is_train] = np.nan
    return replace(dataset, profiles=profiles)


@pytest.fixture(scope="module", params=["paper", "transport"])
def clean(request, study):
    dataset = prepared_from(*study)
    return request.param, dataset, everything_learned(dataset, study[0], request.param)


@pytest.mark.parametrize("attack", [times_a_million, labels_permuted, no_numbers])
def test_no_learned_byte_depends_on_a_held_out_sample(clean, study, attack):
    preset, dataset, before = clean
    after = everything_learned(attack(dataset, *study), study[0], preset)
    assert after == before
    assert {"f", "generator", *(["discriminator"] if preset == "paper" else [])} <= set(before)


def test_a_leak_changes_every_one_of_them(clean, study):
    """The same with all samples trained on: what does not change then would not have told of a leak above."""
    preset, _, _ = clean
    adata, is_train = study
    everyone = np.ones_like(is_train)
    own, far = prepared_from(adata, everyone), adata.copy()
    far.X[~is_train] = far.X[~is_train] * 1.5 + 1
    leaky = [everything_learned(dataset, adata, preset) for dataset in (own, prepared_from(far, everyone))]
    assert [name for name in leaky[0] if leaky[0][name] == leaky[1][name]] == []


@pytest.mark.parametrize("step", ["train_target_model", "learn"])
def test_a_single_leaky_step_is_found_out(clean, study, monkeypatch, step):
    preset, dataset, _ = clean
    original = globals()[step]

    def with_all(given, *more, **options):
        return original(replace(given, is_train=np.ones_like(given.is_train)), *more, **options)

    monkeypatch.setitem(globals(), step, with_all)
    studies = (dataset, times_a_million(dataset, *study))
    first, second = (everything_learned(one, study[0], preset) for one in studies)
    changed = {name for name in first if first[name] != second[name]}
    assert ("generator" in changed) == (preset == "paper" or step == "learn")  # the map does not ask f
    assert ("f" in changed) == (step == "train_target_model")
    assert changed <= {"f", "generator", "discriminator"}


def test_f_and_g_and_judges_share_one_split_and_donors_are_on_one_side(planted, monkeypatch):
    seen = {}

    def watch(name, where, given):
        original = getattr(where, name)

        def watched(*arguments, **options):
            seen[name] = given(arguments)
            return original(*arguments, **options)

        monkeypatch.setattr(where, name, watched)

    watch("train_target_model", fitting, lambda arguments: arguments[0])
    watch("learn", fitting, lambda arguments: arguments[0])
    watch("evidence_table", fitting, lambda arguments: arguments[0])
    watch("fit_independent_classifiers", fitting, lambda arguments: arguments[0])
    task = make_task(
        planted.adata,
        "target",
        label_column="label",
        group_column="donor",
        training=tspg.Training(steps=2, target_epochs=1),
    )
    classifier = fitting.fit_classifier(task, Clock())
    fitted = fitting.fit_target(classifier, task, Clock(), lambda *_: None)
    fitting.evidence_of(fitted, task)
    assert seen["train_target_model"] is seen["learn"] is seen["evidence_table"]
    dataset = seen["learn"]
    np.testing.assert_array_equal(seen["fit_independent_classifiers"], dataset.profiles[dataset.is_train])
    sides = pd.DataFrame({"donor": dataset.groups, "side": dataset.split}).groupby("donor")["side"].nunique()
    assert len(sides) == 60
    assert (sides == 1).all()
