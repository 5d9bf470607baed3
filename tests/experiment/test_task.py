"""Questions that the data cannot answer are refused before any work, and say what to do."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData

from tspg.data.genesets import GeneSet
from tspg.data.prepare import prepare
from tspg.errors import ExpressionError, LabelError, TspgError, UsageError
from tspg.experiment.task import Task, only_label_column, validate_tasks
from tspg.model.config import ExperimentConfig, Training


def validate_task(adata, config, **more) -> Task:
    (task,) = validate_tasks(adata, [config], **more)
    return task


@pytest.fixture
def adata():
    obs = pd.DataFrame({"label": ["a", "a", "b", "t", "t", "t"]}, index=[f"s{k}" for k in range(1, 7)])
    return AnnData(
        np.arange(120, dtype=np.float32).reshape(6, 20), obs, pd.DataFrame(index=[f"G{k}" for k in range(20)])
    )


@pytest.mark.parametrize("axis", ["obs_names", "var_names"])
@pytest.mark.filterwarnings("ignore:.*not unique")
def test_names_that_occur_twice_are_refused(adata, axis):
    names = list(getattr(adata, axis))
    setattr(adata, axis, ["twice", "twice", *names[2:]])
    with pytest.raises(ExpressionError, match=r"1 (sample|gene) name\(s\) occur more than once: 'twice'"):
        validate_task(adata, ExperimentConfig(target_class="t"))


@pytest.mark.filterwarnings("ignore:AnnData expects .*strings")
def test_a_number_and_the_same_digits_are_one_name(adata):
    adata.obs.index = pd.Index([7, "7", "a", "b", "c", "d"], dtype=object)
    with pytest.raises(ExpressionError, match=r"1 sample name\(s\) occur more than once: '7'"):
        validate_task(adata, ExperimentConfig(target_class="t"))


LONG = "x" * 1_001


@pytest.mark.parametrize("name", ["", "a\nb", "a\0", "a\x1b[2J", "\udcff", LONG], ids=ascii)
@pytest.mark.parametrize("what", ["sample", "gene", "class", "donor", "gene set", "gene of a set", "column"])
def test_a_name_that_a_stored_model_could_not_have_is_refused_at_the_door(adata, what, name):
    asked, gene_set = {"target_class": "t"}, None
    if what in ("sample", "gene"):
        axis = "obs_names" if what == "sample" else "var_names"
        setattr(adata, axis, [name, *getattr(adata, axis)[1:]])
    elif what in ("class", "donor"):
        column = "label" if what == "class" else "donor"
        adata.obs[column] = [name, *"abttt"]
        asked["group_column"] = "donor" if what == "donor" else None
    elif what == "column":
        adata.obs[name] = "x"
    else:
        gene_set = GeneSet(name if what == "gene set" else "SET", ("G1", "G2", name))
    renamed = what == "column" and name != LONG  # those are kept under another name
    if renamed or (what == "gene of a set" and name == ""):  # which is in no matrix
        assert validate_task(adata, ExperimentConfig(**asked), gene_set=gene_set)
        return
    with pytest.raises(TspgError) as refused:
        validate_task(adata, ExperimentConfig(**asked), gene_set=gene_set)
    assert refused.value.exit_code == 3
    assert str(refused.value).isprintable()


def test_a_long_label_takes_no_more_room_for_every_sample():
    n = 4_000
    obs = pd.DataFrame({"label": ["x" * 1_000, *"ab" * (n // 2 - 1), "b"]}, index=[f"s{at}" for at in range(n)])
    obs["donor"] = [*obs.index[:-1], "d" * 1_000]
    study = AnnData(np.ones((n, 2), np.float32), obs)
    tracemalloc.start()
    prepare(study, label_column="label", group_column="donor", adjust_column="label")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4_000_000  # bytes; text of one width takes 16,000,000 for a column


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"target_class": "T"}, "no class 'T' in 'label'. Closest: 't'"),
        ({"target_class": "t", "source_classes": ("t",)}, "both the target and a source"),
        ({"target_class": "t", "method": "magic"}, "method is 'magic'; one of 'generator', "),
        ({"target_class": "t", "threads": 0}, "threads is 0; a whole number from 1 to 1,024 is needed."),
        ({"target_class": "t", "folds": 0}, "folds is 0; a whole number from 1 to 50 is needed."),
        ({"target_class": "t", "folds": 4}, "folds is 4, but the target class has 3 samples"),
        ({"target_class": "t", "threads": 1.5}, "threads is 1.5; a whole number"),
        ({"target_class": "t", "seed": -1}, "seed is -1; a whole number from 0"),
        ({"target_class": "t", "seed": 2**40}, "seed is 1099511627776"),
        ({"target_class": "t", "device": "tpu"}, "device is 'tpu'; one of 'auto', 'cpu', 'cuda' is needed."),
        ({"target_class": "a"}, "'a' has 2 samples; 3 or more are needed"),
        ({"target_class": "b"}, "'b' has 1 sample; 3 or more"),
    ],
)
def test_a_question_that_does_not_fit_says_what_would(adata, settings, says):
    with pytest.raises(TspgError) as refused:
        validate_task(adata, ExperimentConfig(**settings))
    assert says in str(refused.value)


def test_a_method_that_learns_from_pairs_says_what_it_needs():
    obs = pd.DataFrame({"label": [*"aaaaaaaa", *"bbbbbbbb", *"tttttttt"]}, index=[f"s{k}" for k in range(24)])
    obs["donor"] = [
        *(f"p{k}" for k in range(8)),
        "p0",
        "p1",
        *(f"q{k}" for k in range(6)),
        *(f"p{k}" for k in range(8)),
    ]
    adata = AnnData(np.random.default_rng(0).normal(size=(24, 20)).astype(np.float32), obs)
    asked = {"target_class": "t", "method": "paired_regression"}
    with pytest.raises(UsageError, match=r"samples of both .* 8 or more\. No column .* name it with group_column"):
        validate_task(adata, ExperimentConfig(**asked))
    assert validate_task(adata, ExperimentConfig(**asked, group_column="donor"))
    with pytest.raises(UsageError, match=r"column 'donor', source class 'b' has the most: 2\. Name another column"):
        validate_task(adata, ExperimentConfig(**asked, group_column="donor", source_classes=("b",)))
    obs.loc["s23", "donor"] = "somebody else"  # seven are left
    with pytest.raises(UsageError, match="source class 'a' has the most: 7"):
        validate_task(AnnData(adata.X, obs), ExperimentConfig(**asked, group_column="donor"))


def test_a_single_sample_must_be_one_that_is_moved(adata):
    asked = ExperimentConfig(target_class="t", source_classes=("a",))
    assert validate_task(adata, asked, samples=["s1", "s4"]).samples == ("s1", "s4")
    with pytest.raises(UsageError, match=r"'s3' is of class 'b', which is not moved"):
        validate_task(adata, asked, samples=["s1", "s3"])


@pytest.mark.parametrize("what", ["samples", "genes"])
def test_a_matrix_without_samples_or_genes_is_refused(adata, what):
    empty = adata[:0] if what == "samples" else adata[:, :0]
    with pytest.raises(ExpressionError, match=f"holds no {what}"):
        validate_task(empty, ExperimentConfig(target_class="t"))


def test_a_gene_set_that_is_hardly_there_is_noted(adata):
    wanted = GeneSet("SET", ("G1", "G2", *(f"X{k}" for k in range(20))))
    task = validate_task(adata, ExperimentConfig(target_class="t"), gene_set=wanted)
    assert list(task.adata.var_names) == ["G1", "G2"]
    assert task.details["notes"][0] == "Only 2 of the gene set's 22 genes are in the matrix."
    assert len(task.details["gene_set"]["missing"]) == 20


def test_a_headerless_label_takes_the_name_it_is_given(adata):
    adata.uns["tspg_input"] = {"unnamed_label": True}
    task = validate_task(adata, ExperimentConfig(target_class="t", label_column="tissue"))
    assert task.adata.obs["tissue"].tolist() == ["a", "a", "b", "t", "t", "t"]


@pytest.mark.parametrize("used", ["label_column", "group_column", "adjust_column"])
def test_a_column_that_differs_between_lines_of_one_sample_is_not_used(adata, used):
    adata.obs["lane"] = adata.obs["label"].to_numpy()
    adata.uns["tspg_input"] = {"join": {"differing": ["lane"]}}
    with pytest.raises(LabelError, match=r"'lane'.*several lines.*one sample"):
        validate_task(adata, ExperimentConfig(target_class="t", **{used: "lane"}))


def test_the_only_column_is_the_label_and_of_two_one_must_be_named(adata):
    assert only_label_column(adata) == "label"
    adata.obs["donor"] = "d"
    with pytest.raises(
        UsageError,
        match=r"2 columns \(with so many different values: 'label' \(3\), 'donor' \(1\)\)\. .*label_column",
    ):
        only_label_column(adata)


def test_epochs_and_steps_exclude_each_other_and_change_the_preset():
    assert Training(preset="paper", epochs=3).config(target_class="t").generator.steps is None
    assert Training(preset="transport", epochs=3).config(target_class="t").generator is None
    assert Training(preset="paper", steps=7).config(target_class="t").generator.steps == 7
    with pytest.raises(UsageError, match="not both"):
        Training(preset="paper", epochs=1, steps=1).config(target_class="t")
    with pytest.raises(UsageError, match="preset is 'fast'; one of 'paper', 'transport' is needed"):
        Training(preset="fast").config(target_class="t")


def test_a_number_as_numpy_counts_is_a_number():
    found = Training(preset="paper", target_epochs=np.int32(3)).config(target_class="t", seed=np.int64(3))
    lengths = [
        Training(preset="paper", **{name: np.int64(3)}).config(target_class="t").generator
        for name in ("epochs", "steps")
    ]
    for number in (found.seed, found.target_model.epochs, lengths[0].epochs, lengths[1].steps):
        assert (number, type(number)) == (3, int)
