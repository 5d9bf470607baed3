"""A whole experiment: what its seed and donors decide, and that held-out samples decide nothing."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

import tspg
from tests.options import nested
from tspg.analysis.evaluation.classifiers import logistic_classifier
from tspg.errors import UsageError
from tspg.experiment import fit as fitting
from tspg.experiment.interpret import PerturbationResult
from tspg.experiment.task import make_task
from tspg.model import training
from tspg.model.training import _Rows

SHORT = {
    "label_column": "label",
    "target_class": "target",
    "preset": "paper",
    "steps": 2,
    "target_epochs": 1,
    "folds": 1,
    "threads": 1,
    "annotations": (),
}


@pytest.fixture(scope="module", autouse=True)
def short_of_what_nobody_looks_at():
    """No figures, and small forests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tspg.report.save.write_figures", lambda *_figures, **_options: [])
        patch.setattr("tspg.analysis.evaluation.classifiers.TREES", 20)
        yield


def run(planted, **changed):
    return tspg.run(planted.adata, **nested(**{**SHORT, **changed}))


@pytest.fixture(scope="module")
def first(planted):
    return run(planted, group_column="donor")


@pytest.mark.parametrize("preset", ["paper", "transport"])
def test_held_out_samples_change_no_weight(planted, preset):
    before = run(planted, preset=preset)
    poisoned = planted.adata.copy()
    held_out = [before.model.split[name] == "test" for name in poisoned.obs_names]
    poisoned.X[np.asarray(held_out)] *= 1e6
    after = tspg.run(poisoned, **nested(**{**SHORT, "preset": preset}))
    for file, tensors in before.model.files.items():
        for name, tensor in tensors.items():
            assert torch.equal(tensor, after.model.files[file][name]), (file, name)
    assert before.model.model_id == after.model.model_id


def test_the_seed_decides_the_split_and_every_network(planted, first):
    other = run(planted, group_column="donor", seed=1)
    assert other.model.split != first.model.split
    for file in ("target_model", "generator", "discriminator"):
        weights = [model.files[file][next(iter(model.files[file]))] for model in (first.model, other.model)]
        assert not torch.equal(*weights)


def test_donors_stay_together(first):
    sides = first.perturbations.obs.groupby("group", observed=True)["split"].nunique()
    assert (sides == 1).all()


@pytest.mark.parametrize("preset", ["paper", "transport"])
def test_named_sources_alone_are_learned_from_and_moved(planted, preset):
    everyone, named = (run(planted, preset=preset, source_classes=of) for of in (None, "alpha"))
    weights = [found.model.files["generator"] for found in (everyone, named)]
    assert torch.equal(*(of[next(iter(of))] for of in weights)) == (preset == "transport")  # the map knows all classes
    assert set(named.perturbations.obs["source_class"]) == {"alpha", "target"}
    assert set(named.top_genes["source_class"]) == {"alpha"}
    assert named.model.source_classes == ("alpha",)
    rates = named.evidence[(named.evidence["method"] == "generator") & (named.evidence["measure"] == "hit_rate_f")]
    assert rates["n"].tolist() == [8]


def fitting_anew(*given):
    return replace(PerturbationResult(*given), logistic=None)


def test_the_linear_judge_of_the_evidence_says_what_the_genes_mean_too(planted, monkeypatch):
    """It is fitted once where both see the same samples; among named classes it is fitted for these alone."""
    fits = []

    def watch(profiles, names, *, seed):
        fits.append(sorted(set(names)))
        return logistic_classifier(profiles, names, seed=seed)

    monkeypatch.setattr("tspg.analysis.interpretation.cases.logistic_classifier", watch)
    again = run(planted, group_column="donor")
    assert fits == []
    run(planted, source_classes=("alpha",))
    assert fits == [["alpha", "target"]]
    monkeypatch.setattr("tspg.experiment.run.PerturbationResult", fitting_anew)
    apart = run(planted, group_column="donor")
    assert len(fits) == 2
    for name in ("path", "smallest_sets"):
        pd.testing.assert_frame_equal(apart.tables[name], again.tables[name])


@pytest.mark.parametrize("threads", [1, 2])
def test_threads_and_epochs_are_as_asked(planted, threads):
    seen = []
    run(
        planted,
        threads=threads,
        target_epochs=3,
        progress=lambda phase, done, total, _numbers: seen.append((phase, done, total, torch.get_num_threads())),
    )
    assert [call[:3] for call in seen if call[0] == "target model"] == [("target model", n, 3) for n in (1, 2, 3)]
    assert {call[3] for call in seen} == {threads}


def test_plain_values_of_other_kinds_are_understood_or_refused(planted):
    numbered = planted.adata.copy()
    numbered.obs["label"] = numbered.obs["label"].map({"alpha": 1, "beta": 2, "target": 3}).to_numpy()
    assert run(type(planted)(numbered, planted.up, planted.down), target_class=3).config.target_class == "3"
    with pytest.raises(UsageError, match="gene_set is a list; a GeneSet is needed"):
        run(planted, gene_set=["G1", "G2"])


def test_with_folds_every_sample_is_held_out_once_and_the_model_is_the_ordinary_one(planted, first, monkeypatch):
    held_out = []

    def watch(task, clock, report, *, is_train, checkpoints):
        held_out.append(~is_train)
        return fit_classifier(task, clock, report, is_train=is_train, checkpoints=checkpoints)

    fit_classifier = fitting.fit_classifier
    monkeypatch.setattr(fitting, "fit_classifier", watch)
    found = run(planted, group_column="donor", folds=3)
    assert (np.sum(held_out, axis=0) == 1).all()
    donors = planted.adata.obs["donor"].to_numpy()
    assert all(not set(donors[part]) & set(donors[~part]) for part in held_out)
    assert found.model.model_id == first.model.model_id
    own = found.evidence.set_index(["method", "measure"])
    assert list(own.index) == list(first.evidence.set_index(["method", "measure"]).index)
    assert own.loc[("generator", "hit_rate_f"), "n"] == found.metrics["perturbation"]["n_held_out"] == 80
    assert own.loc[("real_target", "hit_rate_f"), "n"] == 40
    assert "further fits" in found.metrics["data"]["notes"][0]


@pytest.mark.parametrize("method", ["target_mean", "paired_regression"])
def test_expected_profiles_are_a_method_from_question_to_report(planted, tmp_path, method):
    """Nineteen people gave alpha and target samples; of beta nobody did. Warnings are errors, here as everywhere."""
    adata = planted.adata.copy()
    adata.obs["donor"] = [
        *(f"p{k // 2}" for k in range(38)),
        *(f"q{k}" for k in range(44)),
        *(f"p{k // 2}" for k in range(38)),
    ]
    paired = type(planted)(adata, planted.up, planted.down)
    found = run(paired, method=method, group_column="donor", folds=3, annotations=())
    values = found.evidence.set_index(["method", "measure"])["value"]
    assert values[method, "pair_error"] == pytest.approx(1.0, abs=0.3)
    assert "paired_regression" in found.evidence["method"].unique()
    said = [note for note in found.metrics["data"]["notes"] if note.startswith("Fewer than 8 donors")]
    assert [note.partition(" are trained on for ")[2] for note in said] == (
        ["'beta': these samples become the target's mean."] if method == "paired_regression" else []
    )
    tspg.save_run(found, tmp_path / "run")
    assert "Error to own counterpart" in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    moved = found.perturbations
    names = moved.obs["source_class"].to_numpy(dtype=object)
    again = tspg.load_model(tmp_path / "run").move(moved.layers["original"], names)
    np.testing.assert_array_equal(again, moved.X)


def test_what_a_class_cannot_spare_is_never_held_out(planted):
    adata = planted.adata[:83].copy()  # one donor and half of another have class target
    adata.obs["donor"] = ["lonely" if number >= 80 else name for number, name in enumerate(adata.obs["donor"])]
    dataset = tspg.prepare(adata, label_column="label", group_column="donor")
    folds = fitting.held_out_folds(dataset, 4, seed=0)
    assert (folds[80:] == -1).all()
    assert set(folds[:80]) == {0, 1, 2, 3}


@pytest.mark.parametrize("preset", ["paper", "transport"])
def test_several_targets_share_f_and_each_is_what_it_is_alone(planted, monkeypatch, preset):
    trained = []
    learn_f = fitting.train_target_model
    monkeypatch.setattr(fitting, "train_target_model", lambda *a, **k: (trained.append(1), learn_f(*a, **k))[1])
    options = {name: value for name, value in SHORT.items() if name != "target_class"} | {"preset": preset}
    found = list(
        tspg.run_targets(planted.adata, **nested(target_classes=["target", "alpha"], group_column="donor", **options))
    )
    assert len(trained) == 1
    for one, target in zip(found, ("target", "alpha"), strict=True):
        alone = run(planted, group_column="donor", target_class=target, preset=preset)
        assert one.model.model_id == alone.model.model_id  # every weight, bit for bit
        pd.testing.assert_frame_equal(one.evidence, alone.evidence)
        assert one.metrics == alone.metrics
        for name, table in alone.tables.items():
            pd.testing.assert_frame_equal(one.tables[name], table)
    assert set(found[0].seconds) - set(found[1].seconds) == {"prepare", "target_model"}


def test_several_targets_are_all_checked_before_any_work(planted, monkeypatch):
    monkeypatch.setattr(fitting, "train_target_model", lambda *_a, **_k: pytest.fail("work began"))
    options = {name: value for name, value in SHORT.items() if name != "target_class"}
    with pytest.raises(UsageError, match="no class 'targte'"):
        tspg.run_targets(planted.adata, **nested(target_classes=["alpha", "targte"], **options))
    with pytest.raises(UsageError, match="a list of one or more"):
        tspg.run_targets(planted.adata, **nested(target_classes="alpha", **options))


def test_lists_have_twenty_genes(first):
    assert first.top_genes["rank"].max() == 20


def test_an_epoch_is_watched_on_held_out_sources(planted):
    dataset = tspg.prepare(planted.adata, label_column="label")
    rows = _Rows.of(dataset, "target", None)
    assert not dataset.is_train[rows.watched].any()
    assert set(dataset.source_class[rows.watched]) == {"alpha", "beta"}
    assert dataset.is_train[rows.moved].all()
    assert dataset.is_train[rows.real].all()


def test_kept_statistics_are_of_all_samples_though_epochs_look_at_few(planted, monkeypatch):
    monkeypatch.setattr(training, "MONITORED", 10)
    found = run(planted)
    dataset = tspg.prepare(planted.adata, label_column="label")
    body = found.model.method.generator.body
    hidden = body[0](torch.from_numpy(dataset.profiles[dataset.is_train]))
    np.testing.assert_allclose(body[1].running_mean, hidden.mean(dim=0).detach(), atol=1e-5)


def test_the_length_of_a_training_that_is_not_there_is_told_to_have_no_effect(planted):
    for how, told in (({"preset": "transport"}, True), ({"preset": "paper", "method": "mean_shift"}, True)):
        task = make_task(planted.adata, "target", **nested(label_column="label", steps=3, **how))
        assert any("no effect" in note for note in task.details["notes"]) == told
    assert not make_task(
        planted.adata, "target", label_column="label", training=tspg.Training(preset="paper", steps=3)
    ).details["notes"]
    assert not make_task(planted.adata, "target", label_column="label").details["notes"]


def test_a_batch_is_taken_into_account_where_genes_are_tested(planted):
    """Batches that shift every gene, in equal parts of every class: t of the planted genes is as without them."""
    batch = np.arange(planted.adata.n_obs) % 2
    shifted = planted.adata.copy()
    shifted.X = shifted.X + 4 * batch[:, None].astype(np.float32)
    shifted.obs["batch"] = [f"b{b}" for b in batch]
    short = {"method": "mean_shift", "target_epochs": 1, "annotations": [], "folds": 1}
    plain, adjusted = (
        run(adata, **short, **more)
        for adata, more in ((planted, {}), (SimpleNamespace(adata=shifted), {"adjust_column": "batch"}))
    )
    own, known = (found.tables["genes"].set_index(["source_class", "gene"]) for found in (plain, adjusted))
    genes = [("alpha", gene) for gene in sorted(planted.up | planted.down)]
    np.testing.assert_allclose(known.loc[genes, "t"], own.loc[genes, "t"], rtol=0.15)
    np.testing.assert_allclose(known.loc[genes, "difference"], own.loc[genes, "difference"], atol=0.4)
    means = known["mean_target"] - known["mean_source"]
    np.testing.assert_allclose(known.loc[genes, "difference"], means[genes], atol=0.6)


def test_a_notebook_shows_the_verdict_and_the_first_genes_and_runs_no_name(first):
    page = first._repr_html_()
    genes = first.top_genes.query("sample == '' and source_class == 'alpha' and direction == 'up'")["gene"]
    assert ", ".join(genes[:5]) in page
    (row,) = [row for row in page.split("<tr>") if "alpha, up" in row]
    assert row.count(", ") == 1 + 4  # the source's name, and five genes
    assert all(answer["answer"] in page for answer in first.metrics["verdict"].values())
    hostile = first.top_genes.assign(source_class="<script>alert(1)</script>", gene="G<b>")
    page = replace(first, top_genes=hostile)._repr_html_()
    assert "<script" not in page
    assert "<b>" not in page
