"""The same numbers in another form are the same run: dense, sparse, on disk, a view, a layer."""

import hashlib
from dataclasses import replace
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
import torch
from anndata import AnnData
from scipy import sparse

import tspg
from tests.options import nested
from tspg.data import matrix
from tspg.data.matrix import dense
from tspg.errors import ShapeError, UsageError
from tspg.experiment.fit import Fit, fit_classifier, fit_target
from tspg.experiment.task import make_task
from tspg.model.device import fixed_threads
from tspg.model.storage import save_model
from tspg.utils.progress import silent
from tspg.utils.timing import Clock

WANTED = tspg.GeneSet("SET", tuple(f"G{number}" for number in range(0, 60, 2)))
ASKED = {"label_column": "label", "group_column": "donor", "gene_set": WANTED, "annotations": (), "threads": 1}
SHORT = {**ASKED, "target_class": "target", "steps": 3, "target_epochs": 2, "folds": 1}
FORMS = [
    "float64",
    "columns first",
    "csr_matrix",
    "csc_matrix",
    "csr_array",
    "csc_array",
    "doubled entries",
    "view",
    "layer",
    "sparse layer",
    "layer of a view",
    "dense on disk",
    "csr on disk",
    "csc on disk",
    "view of a disk",
    "view of a sparse disk",
    "categories",
]


def with_values(adata: AnnData, values) -> AnnData:
    return AnnData(X=values, obs=adata.obs.copy(), var=adata.var.copy())


def with_strangers(adata: AnnData) -> AnnData:
    """The same samples among others, in a matrix that holds other numbers in X than in the layer `logcounts`."""
    others = AnnData(adata.X[::-1] + 1.0, obs=adata.obs.set_axis([f"other{at}" for at in range(adata.n_obs)]))
    others.var_names = adata.var_names
    return anndata.concat([others, adata])


def on_disk(adata: AnnData, values, folder: Path) -> AnnData:
    with_values(adata, values).write_h5ad(folder / "study.h5ad")
    return anndata.read_h5ad(folder / "study.h5ad", backed="r")


def doubled_entries(values):
    """A sparse matrix in which every number is stored in two halves."""
    plain = sparse.csr_matrix(values)
    halves = np.repeat(plain.data, 2) / 2
    return sparse.csr_matrix((halves, np.repeat(plain.indices, 2), plain.indptr * 2), shape=plain.shape)


def in_form(form: str, adata: AnnData, folder: Path) -> tuple[AnnData, str | None]:
    """The study in another form, and the layer that holds its values."""
    values, rows = adata.X, slice(adata.n_obs, None)
    if form == "layer" or form == "sparse layer" or form == "layer of a view":
        changed = with_strangers(adata) if form == "layer of a view" else adata.copy()
        changed.layers["logcounts"] = sparse.csr_matrix(changed.X) if form == "sparse layer" else changed.X.copy()
        changed.X = -changed.X
        return (changed[rows] if form == "layer of a view" else changed), "logcounts"
    if form == "categories":
        changed = adata.copy()
        changed.obs["label"] = pd.Categorical(changed.obs["label"], ["unused", "target", "beta", "alpha"])
        changed.obs["donor"] = changed.obs["donor"].astype("category")
        return changed, None
    strangers = with_strangers(adata)
    return {
        "float64": lambda: with_values(adata, values.astype(np.float64)),
        "columns first": lambda: with_values(adata, np.asfortranarray(values)),
        "csr_matrix": lambda: with_values(adata, sparse.csr_matrix(values)),
        "csc_matrix": lambda: with_values(adata, sparse.csc_matrix(values, dtype=np.float64)),
        "csr_array": lambda: with_values(adata, sparse.csr_array(values)),
        "csc_array": lambda: with_values(adata, sparse.csc_array(values)),
        "doubled entries": lambda: with_values(adata, doubled_entries(values)),
        "view": lambda: strangers[rows],
        "dense on disk": lambda: on_disk(adata, values, folder),
        "csr on disk": lambda: on_disk(adata, sparse.csr_matrix(values), folder),
        "csc on disk": lambda: on_disk(adata, sparse.csc_matrix(values), folder),
        "view of a disk": lambda: on_disk(strangers, strangers.X, folder)[rows],
        "view of a sparse disk": lambda: on_disk(strangers, sparse.csc_matrix(strangers.X), folder)[rows],
    }[form](), None


@pytest.fixture(scope="module")
def plain(planted) -> tspg.Run:
    return tspg.run(planted.adata, **nested(**SHORT))


@pytest.fixture(params=FORMS)
def other_form(request, planted, tmp_path, monkeypatch):
    monkeypatch.setattr(matrix, "_VALUES_AT_ONCE", 7 * 60)  # many blocks
    return in_form(request.param, planted.adata, tmp_path)


def fit(adata: AnnData, **options) -> Fit:
    """What `tspg.run` learns, without what it then says about it."""
    task = make_task(adata, **nested(**SHORT, **options))
    with fixed_threads(task.config.threads):
        classifier = fit_classifier(task, Clock())
        return fit_target(classifier, task, Clock(), silent)


def digest(array) -> str:
    assert type(array) is np.ndarray
    assert array.dtype == np.float32
    assert array.flags.c_contiguous  # sums over it are then the same to the last digit
    return hashlib.sha256(array.tobytes()).hexdigest()


def test_every_form_asks_the_same_question(planted, other_form):
    adata, layer = other_form
    for gene_set in (WANTED, None):
        plain = make_task(planted.adata, "target", **nested(**{**ASKED, "gene_set": gene_set}))
        other = make_task(adata, "target", **nested(**{**ASKED, "gene_set": gene_set}, layer=layer))
        assert digest(other.adata.X) == digest(plain.adata.X)
        assert other.adata.obs.astype(str).equals(plain.adata.obs.astype(str))
        assert list(other.adata.var_names) == list(plain.adata.var_names)
        assert {**other.details, "layer": ""} == plain.details


def test_every_form_is_moved_alike_by_a_trained_model(plain, planted, other_form):
    adata, layer = other_form
    moved, expected = (
        plain.model.perturb(one, label_column="label", layer=chosen)
        for one, chosen in ((adata, layer), (planted.adata, None))
    )
    assert digest(moved.X) == digest(expected.X)
    assert moved.obs.astype(str).equals(expected.obs.astype(str))  # what forms the user's columns have may differ


@pytest.mark.parametrize("form", ["csr on disk", "view of a disk", "sparse layer"])
def test_every_form_trains_the_same_weights(plain, planted, tmp_path, form):
    adata, layer = in_form(form, planted.adata, tmp_path)
    fitted = fit(adata, layer=layer)
    classifier = fitted.classifier  # as a run has it
    with fixed_threads(SHORT["threads"]):
        held = {
            "reference": classifier.reference("target"),
            "shift": classifier.shift[0],
            "alignment": classifier.alignment,
        }
    model = replace(fitted.model, **held)
    for file, tensors in plain.model.files.items():
        for name, tensor in tensors.items():
            assert torch.equal(tensor, model.files[file][name]), (file, name)
    assert model.model_id == plain.model.model_id
    assert fitted.model.settings["layer"] == layer
    moved = fitted.model.perturb_dataset(fitted.dataset)
    for of in ("original", "perturbation"):
        assert digest(moved.layers[of]) == digest(plain.perturbations.layers[of])


def test_a_whole_run_from_a_file_on_disk_leaves_it_as_it_is_and_open(plain, planted, tmp_path):
    adata, _ = in_form("csc on disk", planted.adata, tmp_path)
    before = (tmp_path / "study.h5ad").read_bytes()
    found = tspg.run(adata, **nested(**SHORT))
    for name, table in {"evidence": plain.evidence, "top_genes": plain.top_genes}.items():
        pd.testing.assert_frame_equal(getattr(found, name), table)
    assert found.metrics == plain.metrics
    assert adata.isbacked
    assert adata.file.is_open
    assert dense(adata)[3, 4] == planted.adata.X[3, 4]
    assert (tmp_path / "study.h5ad").read_bytes() == before


def test_only_wanted_genes_of_a_file_are_in_memory(planted, tmp_path, monkeypatch):
    """Block by block: no part is larger than was allowed, and the genes nobody wants are not even checked."""
    values = planted.adata.X.copy()
    values[5, 1] = np.nan  # G1 is not wanted
    adata, parts = on_disk(planted.adata, values, tmp_path), []
    monkeypatch.setattr(matrix, "_VALUES_AT_ONCE", 10 * 60)
    monkeypatch.setattr(matrix, "_plain", lambda part: (parts.append(part.shape), np.asarray(part))[1])
    assert make_task(adata, "target", **nested(**ASKED)).adata.shape == (120, 30)
    assert set(parts) == {(10, 60)}
    with pytest.raises(ShapeError, match=r"^X: 1 values .* the first at sample 's5', gene 'G1'"):
        make_task(adata, "target", **nested(**{**ASKED, "gene_set": None}))


def test_targets_of_one_study_share_its_values(planted, monkeypatch):
    taken = []
    monkeypatch.setattr(
        "tspg.experiment.task.dense_adata", lambda *a, **k: (taken.append(1), matrix.dense_adata(*a, **k))[1]
    )
    adata = with_values(planted.adata, sparse.csr_matrix(planted.adata.X))
    tspg.run_targets(adata, **nested(target_classes=["alpha", "beta", "target"], **ASKED))
    assert len(taken) == 1


def test_plain_values_are_not_copied(planted):
    assert np.shares_memory(
        make_task(planted.adata, "target", **nested(**{**ASKED, "gene_set": None})).adata.X, planted.adata.X
    )


@pytest.mark.parametrize(("value", "where"), [(np.nan, "missing or not finite"), (np.inf, "missing"), (1e39, "finite")])
@pytest.mark.parametrize("form", ["view", "csr_matrix", "csc_matrix", "layer", "sparse layer"])
def test_what_is_no_finite_number_is_refused_with_its_place(planted, tmp_path, form, value, where):
    wrong = planted.adata.copy()
    wrong.X = wrong.X.astype(np.float64)
    wrong.X[7, 4] = value
    adata, layer = in_form(form, wrong, tmp_path)
    with pytest.raises(ShapeError, match=rf"1 values are .*{where}.* sample 's7', gene 'G4'") as refused:
        make_task(adata, "target", **nested(**ASKED, layer=layer))
    assert str(refused.value).startswith("Layer 'logcounts': " if layer else "X: ")


def test_masked_values_are_missing_values(planted):
    mask = np.zeros(planted.adata.shape, dtype=bool)
    mask[2, 6] = True
    adata = with_values(planted.adata, np.ma.array(planted.adata.X, mask=mask))
    with pytest.raises(ShapeError, match=r"1 values are missing .* sample 's2', gene 'G6'"):
        make_task(adata, "target", **nested(**ASKED))


def test_counts_of_any_kind_are_numbers_and_text_is_not(planted):
    counts = np.rint(planted.adata.X).clip(0)
    for kind in (np.int32, np.uint8, np.int64, np.float16):
        assert digest(dense(with_values(planted.adata, counts.astype(kind)))) == digest(counts.astype(np.float32))
    with pytest.raises(ShapeError, match="X holds values of type object, not numbers"):
        dense(with_values(planted.adata, counts.astype(object)))


def test_a_layer_that_is_not_there_is_refused_with_those_that_are(planted, plain):
    adata = planted.adata.copy()
    with pytest.raises(UsageError, match=r"no layer 'logcounts'. The AnnData has none; 'X' is the matrix itself"):
        make_task(adata, "target", **nested(**ASKED, layer="logcounts"))
    adata.layers["counts"], adata.layers["logCounts"] = adata.X, adata.X
    with pytest.raises(UsageError, match=r"no layer 'logcounts'. There are: 'logCounts', 'counts'; 'X' is"):
        make_task(adata, "target", **nested(**ASKED, layer="logcounts"))
    with pytest.raises(UsageError, match="no layer 'nowhere'"):
        plain.model.perturb(adata, layer="nowhere")
    assert (
        make_task(adata, "target", **nested(**ASKED, layer="X")).config
        == make_task(adata, "target", **nested(**ASKED)).config
    )


def test_a_model_looks_for_new_profiles_where_it_found_its_own(planted, tmp_path):
    adata, layer = in_form("layer", planted.adata, tmp_path)
    trained = fit(adata, layer=layer).model
    save_model(trained, tmp_path / "model")
    model = tspg.load_model(tmp_path / "model")
    assert (model.settings["layer"], model.details["layer"]) == ("logcounts", "logcounts")
    expected = digest(trained.perturb(planted.adata[:3], layer="X").X)
    assert digest(model.perturb(adata[:3]).X) == expected
    with pytest.raises(UsageError, match=r"trained on layer 'logcounts', which this AnnData has not. say with layer"):
        model.perturb(planted.adata[:3])  # its X may be in other units
    read = planted.adata[:3].copy()
    read.uns["tspg_input"] = {"layer": "logcounts"}  # as `read_expression` says what it put into X
    assert digest(model.perturb(read).X) == expected


@pytest.mark.parametrize("wrong", ["matrix.tsv", pd.DataFrame({"G1": [1.0]}), np.ones((2, 2))])
def test_what_is_no_anndata_is_refused_by_name(plain, wrong):
    for given in (lambda: tspg.run(wrong, target_class="t"), lambda: plain.model.perturb(wrong)):
        with pytest.raises(UsageError, match=f"The expression is a {type(wrong).__name__}; an AnnData is needed"):
            given()


@pytest.mark.filterwarnings("ignore:.*should contain strings:FutureWarning", "ignore:AnnData expects .*:UserWarning")
def test_names_that_are_numbers_are_taken_as_text(planted):
    adata = planted.adata.copy()
    adata.obs.index = pd.Index(range(adata.n_obs))
    task = make_task(adata, "target", **nested(**ASKED, samples=["7"]))
    assert list(task.adata.obs_names[:2]) == ["0", "1"]
