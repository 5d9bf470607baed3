"""Values that an option cannot have are refused before any work: in Python by Python's names, else by the flags."""

import inspect
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData

import tspg
from tests.options import nested
from tspg.cli.main import main
from tspg.errors import Option, TspgError, UsageError
from tspg.experiment.task import make_task
from tspg.model.config import OPTIONS, SETTINGS, ExperimentConfig, Training
from tspg.sweep.settings import read_settings

NAN = float("nan")
WRONG = [
    ("steps", 2.5, "a whole number from 1 to 1,000,000,000"),
    ("steps", NAN, "a whole number"),
    ("steps", 0, "a whole number"),
    ("epochs", "3", "a whole number"),
    ("epochs", True, "a whole number"),
    ("target_epochs", -1, "a whole number"),
    ("target_epochs", [1], "a whole number"),
    ("seed", True, "a whole number from 0"),
    ("seed", 0.0, "a whole number"),
    ("seed", 2**31, "a whole number"),
    ("threads", "4", "a whole number from 1 to 1,024"),
    ("threads", 10**9, "a whole number"),
    ("folds", 0, "a whole number from 1 to 50"),
    ("folds", 2.0, "a whole number"),
    ("samples", {"S1": 1}, "a list of names"),
    ("samples", [None], "a list of names"),
    ("samples", 7j, "a list of names"),
    ("source_classes", [], "a list of one or more names"),
    ("source_classes", {"a": 1}, "a list of one or more names"),
    ("source_classes", [["a"]], "a list of one or more names"),
    ("target_class", None, "a text"),
    ("target_class", ["t"], "a text"),
    ("label_column", 3, "a text"),
    ("group_column", ["donor"], "a text"),
    ("adjust_column", 1.5, "a text"),
    ("layer", 0, "a text"),
    ("preset", None, "one of 'paper', 'transport'"),
    ("method", "magic", "one of 'generator', "),
    ("enrichment", "x", "one of 'ora', 'ranked', 'both'"),
    ("device", "tpu", "one of 'auto', 'cpu', 'cuda'"),
    ("split_column", 1, "a text"),
    ("annotations", "x.gmt", "what tspg.read_annotations(files) gives"),
    ("annotations", ["x.gmt"], "what tspg.read_annotations(files) gives"),
    ("progress", 7, "a function"),
]


@pytest.fixture
def adata():
    obs = pd.DataFrame({"label": [*"aaabbbttt"]}, index=[f"s{at}" for at in range(9)])
    values = np.random.default_rng(0).normal(size=(9, 20)).astype(np.float32)
    return AnnData(values, obs, pd.DataFrame(index=[f"G{at}" for at in range(20)]))


@pytest.mark.parametrize(("name", "value", "needed"), WRONG, ids=lambda value: repr(value)[:30])
def test_a_value_that_an_option_cannot_have_is_refused_before_any_work(adata, monkeypatch, name, value, needed):
    monkeypatch.setattr("tspg.experiment.run.run_experiments", lambda *_, **__: pytest.fail("work was begun"))
    with pytest.raises(UsageError) as refused:
        tspg.run(adata, **nested(**{"target_class": "t", "label_column": "label", name: value}))
    said = str(refused.value)
    assert said.startswith(name)
    assert needed in said
    assert "--" not in said
    if name != "target_class":
        with pytest.raises(UsageError, match=name):
            tspg.run_targets(adata, **nested(**{"target_classes": ["t"], "label_column": "label", name: value}))


@pytest.mark.parametrize(("name", "value"), [("normalise", "ranks"), ("align", True), ("align", None)])
def test_a_second_cohort_is_checked_when_made(adata, name, value):
    with pytest.raises(UsageError, match=f"^{name} is .*; one of 'none', "):
        tspg.SecondCohort(adata, **{name: value})
    with pytest.raises(TspgError, match="AnnData"):
        tspg.SecondCohort("matrix.tsv")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"top_k": 5}, "no option top_k here"),
        ({"sede": 1}, "Did you mean seed?"),
        ({"step": 1}, "Did you mean steps? Give it as training=tspg.Training(steps=...)"),
        ({"steps": 5}, "training=tspg.Training(steps=...)"),
        ({"align": "cohort"}, "second_cohort=tspg.SecondCohort(adata, align=...)"),
        ({"test_adata": None}, "second_cohort=tspg.SecondCohort(test_adata)"),
        ({"training": {"steps": 5}}, "training is a dict; a Training is needed"),
        ({"second_cohort": "b.tsv"}, "second_cohort is a str; a SecondCohort is needed"),
    ],
)
def test_what_is_no_option_is_refused_by_run_and_run_targets_alike(adata, options, says):
    for call in (
        lambda: tspg.run(adata, target_class="t", label_column="label", **options),
        lambda: tspg.run_targets(adata, target_classes=["t"], label_column="label", **options),
    ):
        with pytest.raises(UsageError) as refused:
            call()
        assert says in str(refused.value)
    with pytest.raises(UsageError, match="Did you mean steps"):
        tspg.Training(step=3)


def test_run_takes_twelve_options_and_run_targets_the_same():
    options = set(inspect.signature(tspg.run).parameters) - {"adata"}
    assert len(options) == 11  # twelve with the data
    assert not options & set(Training.__dataclass_fields__)


def test_an_option_is_named_as_the_user_wrote_it(tmp_path):
    with pytest.raises(UsageError) as refused:
        Training(adjust_column=3)
    assert str(refused.value).startswith("adjust_column is 3;")
    assert refused.value.on_command_line.startswith("--adjust is 3;")
    (tmp_path / "sweep.toml").write_text(
        '[data]\nexpression = "m.h5ad"\nlabel_column = "label"\n[sweep]\ntarget_classes = ["t"]\ntarget-epochs = 0\n'
    )
    with pytest.raises(UsageError, match=r"sweep\.toml: target_epochs is 0; a whole number"):
        read_settings(tmp_path / "sweep.toml")


def test_training_makes_the_settings_of_its_preset_with_what_is_changed():
    paper, transport = Training(preset="paper", epochs=3, target_epochs=7), Training()
    config = paper.config(target_class="t")
    assert (config.generator.epochs, config.target_model.epochs, config.target_model.least_steps) == (3, 7, 1)
    assert transport.config(target_class="t").generator is None
    for made in (config, transport.config(target_class="t", source_classes=("a",), seed=4)):
        assert ExperimentConfig.from_dict(json.loads(json.dumps(made.as_dict()))) == replace(
            made,
            target_model=replace(made.target_model, hidden_units=list(made.target_model.hidden_units)),
            generator=made.generator
            and replace(
                made.generator,
                **{
                    name: list(getattr(made.generator, name))
                    for name in ("down_units", "up_units", "discriminator_units")
                },
            ),
        )


@pytest.mark.parametrize(
    ("name", "value"),
    [("threads", "4"), ("seed", True), ("steps", NAN), ("target_epochs", 0), ("device", 3), ("train_fraction", NAN),
     ("train_fraction", 0), ("train_fraction", "1"), ("source_classes", []), ("method", None), ("preset", {})],
)  # fmt: skip
def test_the_estimator_refuses_the_same(adata, name, value):
    with pytest.raises(UsageError, match=f"^{name} is "):
        tspg.TSPG(**{"target_epochs": 1, name: value}).fit(adata.X, adata.obs["label"])


@pytest.mark.parametrize("k", [-1, 0, 2.5, NAN, "20", None, True])
def test_lists_of_genes_have_a_whole_length(planted_run, k):
    with pytest.raises(UsageError, match=r"^k is .* a whole number from 1 to 1,000,000 is needed"):
        tspg.top_genes(planted_run.perturbations, k=k)


def test_one_name_needs_no_list_around_it(planted_run, planted):
    alone = tspg.top_genes(planted_run.perturbations, k=np.int64(3), samples="s1")
    pd.testing.assert_frame_equal(alone, tspg.top_genes(planted_run.perturbations, k=3, samples=["s1"]))
    one = planted_run.model.sample_genes(planted.adata[:3], samples="s1")
    assert set(one["sample"]) == {"s1"}
    with pytest.raises(UsageError, match=r"^samples is"):
        planted_run.model.sample_genes(planted.adata[:3], samples={"s1": 1})


def test_names_may_come_in_any_list_and_as_numbers(adata):

    adata.obs["label"] = [1, 1, 1, 2, 2, 2, 3, 3, 3]
    for sources in ((1, 2), [1, 2], np.array([1, 2]), pd.Index([1, 2])):
        task = make_task(
            adata, 3, source_classes=sources, samples=pd.Series(["s0", "s8"]), training=tspg.Training(folds=1)
        )
        assert (task.config.target_class, task.config.source_classes) == ("3", ("1", "2"))
        assert task.samples == ("s0", "s8")
    assert make_task(adata, "3", source_classes=1, samples="s1", training=tspg.Training(folds=1)).samples == ("s1",)


def test_every_setting_has_its_kind_and_every_default_is_of_it():
    assert set(SETTINGS) == set(ExperimentConfig.__dataclass_fields__) - {"target_model", "generator"}
    config = ExperimentConfig(target_class="t")
    assert [name for name in SETTINGS if SETTINGS[name](getattr(config, name)) is not None] == []


def test_the_command_line_tells_options_by_their_flags(tmp_path, capsys):
    (tmp_path / "m.tsv").write_text("sample\tG1\tG2\ns1\t1\t2\n")
    (tmp_path / "labels.tsv").write_text("s1\ta\n")
    given = ["run", "--expression", str(tmp_path / "m.tsv"), "--labels", str(tmp_path / "labels.tsv"), "--target", "a"]
    for name, value in (("threads", "0"), ("target_epochs", "-1"), ("seed", "-3"), ("folds", "99"), ("steps", "0")):
        assert main([*given, "--out", str(tmp_path / "out"), Option(name).flag, value]) == 2
        error = capsys.readouterr().err
        assert error.startswith(f"tspg: error: {Option(name).flag} is {value}; a whole number from ")
        assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_flags_are_those_of_the_command_line():
    from tspg.cli.parser import build_parser

    known = {flag for action in build_parser()._subparsers._group_actions for parser in action.choices.values()
             for flag in parser._option_string_actions}  # fmt: skip
    python_alone = {"gene_set", "train_fraction", "top_k", "k", "progress"}
    assert {Option(name).flag for name in OPTIONS if name not in python_alone} <= known
