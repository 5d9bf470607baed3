"""A second cohort: judged as the first is, by its own target samples, and nothing is learned from it."""

import json
import re
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest

import tspg
from tests.docs.documented import assert_as_documented
from tests.options import nested
from tspg.analysis.evaluation.energy import energy_distance
from tspg.analysis.interpretation.class_genes import ALL_SOURCES
from tspg.audit.run import Audit, audit_metrics
from tspg.cli.main import main
from tspg.errors import ExpressionError, LabelError, UsageError
from tspg.experiment.fit import methods_to_compare
from tspg.experiment.task import make_task
from tspg.report.read import read_run
from tspg.utils.files import read_table

QUICK = {"method": "linear_map", "target_epochs": 5, "annotations": (), "folds": 1, "threads": 1}
ASKED = {"label_column": "label", "group_column": "donor", "target_class": "target", **QUICK}
GENES = [f"G{number}" for number in range(60)]


def cohort(name, seed, n=30, classes=("alpha", "beta", "target"), shift=()):
    """Classes that differ by known genes; two samples a donor; `shift` moves genes of the target class alone."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.array(classes, dtype=object), n)
    loadings = np.random.default_rng(3).normal(0, 0.7, (4, 60))
    values = 10 + rng.normal(size=(len(labels), 4)) @ loadings + rng.normal(0, 0.7, (len(labels), 60))
    values[labels == "beta", 20:25] += 4
    values[labels == "gamma", 30:38] += 4
    values[labels == "target", :5] += 5
    values[labels == "target", 5:10] -= 5
    for gene, size in shift:
        values[labels == "target", gene] += size
    donors = [f"{name}-d{row // 2}" for row in range(len(labels))]
    obs = pd.DataFrame({"label": labels, "donor": donors}, index=[f"{name}-{row}" for row in range(len(labels))])
    return anndata.AnnData(values.astype(np.float32), obs, pd.DataFrame(index=GENES))


def told(table, measure, method="linear_map"):
    return table.loc[(table["method"] == method) & (table["measure"] == measure), "value"].item()


@pytest.fixture(autouse=True)
def no_figures(monkeypatch):
    """Nobody looks at them here."""
    monkeypatch.setattr("tspg.report.save.write_figures", lambda *_figures, **_options: [])


@pytest.fixture(scope="module")
def first():
    return cohort("a", 1, n=60)


@pytest.fixture(scope="module")
def second():
    return cohort("b", 2)


@pytest.fixture(scope="module")
def run(first, second):
    return tspg.run(first, **nested(test_adata=second, **ASKED))


@pytest.fixture(scope="module")
def folder(run, tmp_path_factory):
    out = tmp_path_factory.mktemp("second") / "run"
    tspg.save_run(run, out, figures=["png"])
    return out


def test_people_like_those_of_the_first_cohort_score_alike(run):
    evidence = run.tables["test_evidence"]
    for measure in ("energy_ratio", "hit_rate_f", "hit_rate_forest", "individuality"):
        assert told(evidence, measure) == pytest.approx(told(run.evidence, measure), abs=0.15), measure
    assert told(evidence, "energy_ratio") < 0.1
    assert run.metrics["test_cohort"]["classes"] == {"alpha": 30, "beta": 30, "target": 30}
    assert run.metrics["verdict"]["generalises"]["sentence"].startswith("On the second cohort: ")
    answer = run.metrics["test_cohort"]["verdict"]["realistic"]["answer"]
    assert run.metrics["verdict"]["generalises"]["answer"] == answer


@pytest.mark.slow
def test_another_target_state_there_is_seen(first, run):
    elsewhere = cohort("b", 2, shift=[(gene, 2.5) for gene in range(40, 55)])
    found = tspg.run(first, **nested(test_adata=elsewhere, **ASKED))
    assert told(found.tables["test_evidence"], "energy_ratio") > told(run.tables["test_evidence"], "energy_ratio") + 0.2
    assert found.metrics["verdict"]["generalises"]["answer"] == "fail"
    pd.testing.assert_frame_equal(found.evidence, run.evidence)


def test_it_is_the_evidence_table_with_the_second_cohort_held_out(first, second, run):
    trained = [name for name, part in run.model.split.items() if part == "train"]
    joined = anndata.concat([first[trained], second])
    is_train = np.arange(joined.n_obs) < len(trained)
    dataset = tspg.prepare(joined, label_column="label", group_column="donor", is_train=is_train)
    by_hand = tspg.evidence_table(
        dataset,
        methods_to_compare(run.model, dataset),
        run.model.classify,
        target_class="target",
        own_reference=True,
    )
    pd.testing.assert_frame_equal(run.tables["test_evidence"], by_hand)


@pytest.mark.slow
def test_nothing_is_learned_from_it(first, second, run, folder, tmp_path):
    stretched = second.copy()
    stretched.X = second.X * np.float32(1.3)
    others = {
        "without": tspg.run(first, **nested(**ASKED)),
        "stretched": tspg.run(first, **nested(test_adata=stretched, **ASKED)),
    }
    for name, other in others.items():
        tspg.save_run(other, tmp_path / name)
        for file in [*(folder / "model").iterdir(), folder / "evidence.tsv", folder / "genes.tsv"]:
            assert (tmp_path / name / file.relative_to(folder)).read_bytes() == file.read_bytes(), file
    assert told(others["stretched"].tables["test_evidence"], "energy_ratio") != told(
        run.tables["test_evidence"], "energy_ratio"
    )


def test_genes_are_tested_in_both_cohorts(run, second):
    table, agreement = run.tables["test_genes"], run.metrics["test_cohort"]["genes"]
    assert set(table["source_class"]) == {"alpha", "beta", ALL_SOURCES}
    assert set(agreement["by_class"]) == {"alpha", "beta"}
    pooled = table[table["source_class"] == ALL_SOURCES].set_index("gene")
    assert (pooled.loc[GENES[:5], ["t", "test_t"]] > 5).all(axis=None)
    assert (pooled.loc[GENES[5:10], ["t", "test_t"]] < -5).all(axis=None)
    alpha = table[table["source_class"] == "alpha"].set_index("gene")
    by_donor = second.to_df().groupby(second.obs["donor"].to_numpy()).mean()
    classes = second.obs.groupby("donor", observed=True)["label"].first().loc[by_donor.index]
    difference = by_donor[(classes == "target").to_numpy()].mean() - by_donor[(classes == "alpha").to_numpy()].mean()
    np.testing.assert_allclose(alpha["test_difference"], difference, atol=1e-4)
    assert agreement["spearman"] == pytest.approx(pooled["t"].rank().corr(pooled["test_t"].rank()))


def test_every_sample_of_it_has_a_row(run, second):
    table = run.tables["test_samples"]
    assert table["sample"].tolist() == list(second.obs_names)
    assert set(table["split"]) == {"test"}


def test_a_class_that_the_first_does_not_have_is_told_apart(first, second, run):
    wider = cohort("b", 2, classes=("alpha", "beta", "target", "gamma"))
    extra = wider[wider.obs["label"] == "gamma"]
    found = tspg.run(first, **nested(test_adata=anndata.concat([second, extra]), **ASKED))
    pd.testing.assert_frame_equal(found.tables["test_evidence"], run.tables["test_evidence"])
    apart = found.metrics["test_cohort"]["unknown_classes"]["gamma"]
    assert (apart["n"], apart["moved"]) == (30, "own")
    scaled = {name: found.model.scaler.transform(part.X)[0] for name, part in (("gamma", extra), ("all", second))}
    real = scaled["all"][(second.obs["label"] == "target").to_numpy()]
    moved = found.model.perturb(extra, label_column="label").X
    expected = energy_distance(moved, real) / energy_distance(scaled["gamma"], real)
    assert apart["energy_ratio"] == pytest.approx(expected, abs=1e-4)
    assert apart["hit_rate_forest"] > 0.8


@pytest.mark.slow
def test_only_classes_that_the_first_does_not_have(first, tmp_path):
    found = tspg.run(first, **nested(test_adata=cohort("b", 2, classes=("gamma", "target")), **ASKED))
    assert found.metrics["test_cohort"]["unknown_classes"]["gamma"]["energy_ratio"] < 0.2
    assert found.metrics["verdict"]["generalises"]["answer"] == "not tested"
    tspg.save_run(found, tmp_path / "run")
    assert_as_documented(tmp_path / "run")
    page = (tmp_path / "run" / "report.html").read_text()
    assert 'id="second"' in page
    assert "by a map of its own" in page


def test_another_pipeline_is_told_and_aligned_where_that_is_asked(first, second, run):
    """An offset per gene, as between two pipelines: told in both, mended in one, and no test of a gene changes."""
    other = second.copy()
    other.X = second.X + np.random.default_rng(4).normal(0, 3, 60).astype(np.float32)
    plain, aligned = (tspg.run(first, **nested(test_adata=other, align=align, **ASKED)) for align in ("none", "cohort"))
    for found in (plain, aligned):
        assert found.metrics["test_cohort"]["shift"]["n_flagged"] > 40
        assert any("another pipeline or unknown biology" in note for note in found.metrics["data"]["notes"])
    assert (aligned.tables["test_samples"]["aligned"] > 0.9).all()
    assert not plain.tables["test_samples"]["aligned"].any()
    ratio, mended, own = (told(one.tables["test_evidence"], "energy_ratio") for one in (plain, aligned, run))
    assert mended == pytest.approx(own, abs=0.05)
    assert ratio > own + 0.1
    np.testing.assert_allclose(
        aligned.tables["test_genes"]["test_t"], run.tables["test_genes"]["test_t"], rtol=1e-3, atol=1e-3
    )
    assert any("Real differences of this cohort are removed too" in note for note in aligned.metrics["data"]["notes"])
    assert run.metrics["test_cohort"]["alignment"] is None
    assert (run.config.align, aligned.config.align) == ("none", "cohort")  # so a resumed run and its command know


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"align": "cohrt"}, UsageError, "align is 'cohrt'"),
        ({"align": "cohort", "test_adata": cohort("g", 5, classes=("alpha", "gamma", "target"))}, UsageError, "gamma"),
        (
            {"align": "cohort", "test_adata": cohort("h", 5, n=2, classes=("alpha", "target"))},
            UsageError,
            "of 4 cannot",
        ),
        ({"align": "cohort", "test_adata": None}, UsageError, "an AnnData is needed"),
        ({"normalise": "quantile", "test_adata": cohort("i", 5)}, ExpressionError, "there are 60"),
    ],
)
def test_what_cannot_be_mended_is_refused_before_any_work(first, second, monkeypatch, options, error, words):
    monkeypatch.setattr("tspg.experiment.run.fit_classifier", lambda *_a, **_k: pytest.fail("work began"))
    with pytest.raises(error, match=words):
        tspg.run(first, **nested(**{"test_adata": second, **options}, **ASKED))


def test_too_few_target_samples_are_no_test(first, second):
    few = second[(second.obs["label"] != "target") | second.obs_names.isin([f"b-{row}" for row in range(60, 69)])]
    found = tspg.run(first, **nested(test_adata=few, **ASKED))
    answer = found.metrics["verdict"]["generalises"]
    assert answer["answer"] == "not tested"
    assert "9 held-out target samples are too few" in answer["sentence"]


def renamed(adata, **changes):
    changed = adata.copy()
    for place, values in changes.items():
        if place == "obs_names":
            changed.obs_names = values
        else:
            changed.obs[place] = values
    return changed


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (lambda _: cohort("a", 5, n=60), UsageError, "180 samples are in both cohorts by name: 'a-0', "),
        (lambda b: renamed(b, donor=["a-d3"] * 2 + list(b.obs["donor"][2:])), UsageError, "1 donors are in both"),
        (lambda b: b[:, 2:], ExpressionError, "2 of the run's 60 genes are missing: 'G0', 'G1'"),
        (lambda b: renamed(b[:, :1]), ExpressionError, "59 of the run's 60 genes"),
        (lambda b: b[b.obs["label"] != "target"], UsageError, "no sample of the target class 'target'"),
        (lambda b: b[b.obs["label"] == "target"], UsageError, "no sample of a source class"),
        (lambda _: cohort("b", 2, n=4, classes=("gamma", "target")), UsageError, "nor 5 of a new one"),
        (lambda b: anndata.AnnData(np.round(2**b.X), b.obs, b.var), ExpressionError, "look like raw counts"),
        (lambda b: renamed(b, label=[None, *b.obs["label"][1:]]), LabelError, "is empty for 1 samples"),
        (lambda b: b.to_df(), UsageError, "an AnnData is needed"),
        (lambda b: renamed(b, obs_names=["same"] * b.n_obs), ExpressionError, "occur more than once"),
    ],
)
@pytest.mark.filterwarnings("ignore:Observation names are not unique")
def test_what_is_no_second_cohort_is_refused(first, second, change, error, words):
    with pytest.raises(error, match=re.escape(words)):
        make_task(first, **nested(test_adata=change(second), **ASKED))


def test_donors_that_nobody_named_and_doubled_profiles_are_told(first, second):
    second = renamed(second, donor=[*first.obs["donor"][:4], *second.obs["donor"][4:]])
    second.X[10] = first.X[0]
    people = [renamed(one, patient=list(one.obs["donor"])) for one in (first, second)]
    task = make_task(people[0], **nested(test_adata=people[1], **{**ASKED, "group_column": None}))
    donors, profiles = task.second.notes
    assert "4 of 90 samples have a sample of the same donor in the first cohort" in donors
    assert "1 sample has exactly the profile of a sample of the first cohort: 'b-10'." in profiles


def test_genes_are_matched_in_any_order_and_an_only_column_is_the_label(first, second):
    other = anndata.AnnData(second.X[:, ::-1].copy(), second.obs[["label"]], second.var[::-1])
    other.obs = other.obs.rename(columns={"label": "diagnosis"})
    task = make_task(first, **nested(test_adata=other, **ASKED))
    np.testing.assert_array_equal(task.second.adata.X, second.X)
    assert list(task.second.adata.obs["label"]) == list(second.obs["label"])


def test_its_files_are_as_the_page_says(folder):
    assert_as_documented(folder)


def test_the_report_tells_both_cohorts_side_by_side(folder, run):
    text = (folder / "report.html").read_text()
    section = text.partition('id="second"')[2].partition("<h2>")[0]
    assert "alpha 30, beta 30, target 30" in section
    assert "Energy ratio" in section
    alpha = run.metrics["test_cohort"]["genes"]["by_class"]["alpha"]
    assert f"{alpha['same_sign']} of {alpha['n_leading']}" in section


def test_an_audit_keeps_the_answer(folder, run):
    columns = ["control", "measure", "value", "low", "high", "n", "note", "answer"]
    row = ("leave_one_class_out", "energy_ratio", 0.6, 0.1, 0.6, 2, "worst of 2 classes: beta", "fail")
    found = Audit(pd.DataFrame([row], columns=columns), pd.DataFrame(), run.evidence, 0.0)
    answer = audit_metrics(found, read_run(folder))["verdict"]["generalises"]
    assert answer["answer"] == "fail"
    assert answer["sentence"].startswith("On the second cohort: ")
    assert "a class left out of training" in answer["sentence"]


@pytest.fixture
def files(first, second, tmp_path):
    for name, adata in (("first", first), ("second", second)):
        (tmp_path / name).mkdir()
        adata.to_df().T.to_csv(tmp_path / name / "matrix.tsv", sep="\t", index_label="gene")
        adata.obs.to_csv(tmp_path / name / "labels.tsv", sep="\t", index_label="sample")
    return tmp_path


def asked(files: Path, *more: str) -> list[str]:
    own = ["--expression", str(files / "first" / "matrix.tsv"), "--labels", str(files / "first" / "labels.tsv")]
    how = ["--transpose", "--label-column", "label", "--group-column", "donor", "--target", "target", "--folds", "1"]
    short = ["--method", "linear_map", "--target-epochs", "5", "--threads", "1"]
    return ["run", *own, *how, *short, *more, "--out", str(files / "out")]


@pytest.mark.slow
def test_the_command_line_reads_both_cohorts(files, run, capsys):
    second = [str(files / "second" / f"{name}.tsv") for name in ("matrix", "labels")]
    assert main(asked(files, "--test-expression", second[0], "--test-labels", second[1])) == 0
    assert re.search(r"(pass|probably|doubtful|fail): [^;]*generalises", " ".join(capsys.readouterr().out.split()))
    found = read_table(files / "out" / "test_evidence.tsv")
    assert told(found, "energy_ratio") == pytest.approx(told(run.tables["test_evidence"], "energy_ratio"), abs=1e-4)
    inputs = json.loads((files / "out" / "manifest.json").read_text())["inputs"]
    assert set(inputs) == {"matrix.tsv", "labels.tsv", "second/matrix.tsv", "second/labels.tsv"}
    assert "--test-expression matrix.tsv --test-labels labels.tsv" in (files / "out" / "report.html").read_text()


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--test-labels", "labels.tsv"), "add its matrix, --test-expression FILE"),
        (("--test-expression", "first/matrix.tsv", "--test-labels", "first/labels.tsv"), "180 samples are in both"),
    ],
)
def test_half_a_second_cohort_is_refused(files, capsys, monkeypatch, more, words):
    monkeypatch.chdir(files)
    assert main(asked(files, *more)) == 2
    assert words in capsys.readouterr().err
    assert not (files / "out").exists()
