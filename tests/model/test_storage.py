"""A model on disk: what comes back, and what is refused."""

import json
import resource
import shutil
from contextlib import suppress
from dataclasses import asdict, replace

import numpy as np
import pytest

from tspg.errors import ExpressionError, LabelError, ModelError
from tspg.model import storage
from tspg.model.config import PaperConfig, TargetModelConfig
from tspg.model.methods import PaperGenerator
from tspg.model.networks import Discriminator, Generator, TargetModel, initialise
from tspg.model.storage import load_model, save_model


def test_a_loaded_model_moves_profiles_as_the_saved_one_did(planted_run, run_folder, planted):
    for path in (run_folder, run_folder / "model"):
        model = load_model(path)
        moved = model.perturb(planted.adata)
        rows = [list(moved.obs_names).index(name) for name in planted_run.perturbations.obs_names]
        np.testing.assert_array_equal(moved.X[rows], planted_run.perturbations.X)
    assert model.model_id == planted_run.model.model_id
    assert model.split == planted_run.model.split
    assert model.gene_ids == tuple(planted.adata.var_names)
    np.testing.assert_array_equal(model.scaler.minimum, planted_run.model.scaler.minimum)


def test_a_model_folder_is_all_that_is_needed(run_folder, tmp_path, planted):
    shutil.copytree(run_folder / "model", tmp_path / "alone")
    assert sorted(path.name for path in (tmp_path / "alone").iterdir()) == [
        "alignment.safetensors", "discriminator.safetensors", "generator.safetensors", "model.json",
        "reference.safetensors", "shift.safetensors", "target_model.safetensors",
    ]  # fmt: skip
    assert load_model(tmp_path / "alone").perturb(planted.adata[:1]).n_obs == 1


@pytest.mark.parametrize(
    "name",
    [
        "model.json",
        *(
            f"{part}.safetensors"
            for part in ("generator", "target_model", "discriminator", "reference", "shift", "alignment")
        ),
    ],
)
@pytest.mark.parametrize("damage", ["missing", "truncated", "empty"])
def test_a_damaged_model_is_refused(run_folder, tmp_path, name, damage):
    folder = shutil.copytree(run_folder / "model", tmp_path / "model")
    content = (folder / name).read_bytes()
    (folder / name).unlink()
    if damage != "missing":
        (folder / name).write_bytes(content[: len(content) // 2] if damage == "truncated" else b"")
    with pytest.raises(ModelError):
        load_model(folder)


def test_a_flipped_bit_in_the_weights_is_noticed(run_folder, tmp_path):
    folder = shutil.copytree(run_folder / "model", tmp_path / "model")
    content = bytearray((folder / "generator.safetensors").read_bytes())
    content[-100] ^= 1  # safetensors itself has no checksum
    (folder / "generator.safetensors").write_bytes(content)
    with pytest.raises(ModelError, match="changed"):
        load_model(folder)


def redescribe(folder, **change):
    """Change what `model.json` says, with a fingerprint to match, as a fault in this program would."""
    described = {**json.loads((folder / "model.json").read_text()), **change}
    (folder / "model.json").write_text(json.dumps({**described, "sha256": storage._fingerprint(described)}))


def test_a_change_of_the_description_is_noticed(run_folder, tmp_path):
    folder = shutil.copytree(run_folder / "model", tmp_path / "model")
    described = json.loads((folder / "model.json").read_text())
    described["details"]["units"] = "counts"  # decides no number, but is shown to the reader
    (folder / "model.json").write_text(json.dumps(described))
    with pytest.raises(ModelError, match=r"model.json: was changed"):
        load_model(folder)


@pytest.mark.parametrize("name", ["/dev/zero", "../../elsewhere", "", ".."])
def test_a_description_cannot_name_files_elsewhere(name, run_folder, tmp_path):
    folder = shutil.copytree(run_folder / "model", tmp_path / "model")
    redescribe(folder, files={name: "0"})
    with pytest.raises(ModelError, match=r"model.json: names a file elsewhere"):
        load_model(folder)


def test_a_format_is_not_older_because_a_bit_flipped(run_folder, tmp_path):
    folder = shutil.copytree(run_folder / "model", tmp_path / "model")
    described = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps({**described, "format_version": 2}))
    with pytest.raises(ModelError, match=r"model.json: was changed"):
        load_model(folder)


def test_another_gene_order_is_noticed(run_folder, tmp_path):
    folder = shutil.copytree(run_folder / "model", tmp_path / "model")
    genes = json.loads((folder / "model.json").read_text())["genes"]
    redescribe(folder, genes=[genes[1], genes[0], *genes[2:]])
    with pytest.raises(ModelError, match="do not belong together"):
        load_model(folder)


@pytest.mark.parametrize(
    "change", [{"target_mean": [0.0] * 60}, {"split": {"s0": "test"}}, {"source_classes": ["alpha"]}]
)
def test_what_decides_a_result_cannot_be_changed(run_folder, tmp_path, change):
    folder = shutil.copytree(run_folder / "model", tmp_path / "model")
    redescribe(folder, **change)
    with pytest.raises(ModelError, match="do not belong together"):
        load_model(folder)


@pytest.mark.parametrize("content", ["[]", "null", '{"format_version": 1}', '{"format_version": 1, "settings": []}'])
def test_a_description_that_is_none_is_refused(run_folder, tmp_path, content):
    folder = shutil.copytree(run_folder / "model", tmp_path / "model")
    (folder / "model.json").write_text(content)
    with pytest.raises(ModelError):
        load_model(folder)


def test_a_description_without_what_perturb_needs_is_refused(run_folder, tmp_path):
    folder = shutil.copytree(run_folder / "model", tmp_path / "model")
    redescribe(folder, details={})
    with pytest.raises(ModelError, match=r"details\.file is None; a value is needed"):
        load_model(folder)


def changed(described, place, value):
    """A description with one value replaced, at a place such as `settings.generator.residual_blocks`."""
    *above, key = place.split(".")
    holder = described
    for name in above:
        holder = holder[name]
    holder[key] = value
    return described


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        ("settings.target_model.hidden_units", [10**9, 10**9], "target_model.safetensors holds other layers"),
        ("settings.generator.down_units", [10**9], "generator.safetensors holds other layers"),
        ("settings.generator.residual_blocks", 10**9, "holds no 1000000000 residual blocks"),
        ("settings.generator.residual_blocks", None, "settings.generator.residual_blocks is None; a whole number"),
        ("scaler.minimum", [0.0], "not one number per gene"),
        ("scaler.maximum", None, "scaler.maximum is None; a list of finite numbers is needed"),
        ("scaler.maximum", ["9"] * 60, r"scaler.maximum is \['9', .*…; a list of finite numbers is needed"),
        ("scaler.maximum", [-1e9] * 60, "a minimum of the scaler is above its maximum"),
        ("target_mean", [10**400] * 60, "target_mean is .* a list of finite numbers is needed"),
        ("target_mean", "x", "target_mean is 'x'; a list of finite numbers is needed"),
        ("split", [], r"split is \[\]; an object is needed"),
        ("classes", None, "classes is None; a list of one or more names is needed"),
        ("genes", [None], "genes is .*; a list of one or more names is needed"),
        ("target_class", "nobody", "not among its classes"),
        ("source_classes", ["nobody"], "not among its classes"),
        ("split", {"s0": "both"}, "split.s0 is 'both'; one of 'train', 'test' is needed"),
        ("settings.method", "magic", "settings.method is 'magic'; one of 'generator', .* is needed"),
        ("settings.preset", "magic", "settings.preset is 'magic'; one of 'paper', 'transport' is needed"),
        ("settings.threads", 0, "settings.threads is 0; a whole number from 1 to 1,024 is needed"),
        ("settings.threads", 10**9, "settings.threads is 1000000000; a whole number from 1 to 1,024 is needed"),
        ("settings.threads", 2**40, "settings.threads is 1099511627776; a whole number"),
        ("details.units", 7, "details.units is 7; a text is needed"),
        ("details.notes", {}, "details.notes is {}; a list of names is needed"),
        ("settings.top_k", True, "settings.top_k is True; a whole number from 1 to 1,000,000 is needed"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_before_memory_is_taken(run_folder, tmp_path, place, value, message):
    folder = shutil.copytree(run_folder / "model", tmp_path / "model")
    redescribe(folder, **changed(json.loads((folder / "model.json").read_text()), place, value))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ModelError, match=message):
        load_model(folder)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kilobytes


def places(described, above=""):
    """The place of every value of a description, lists and their first entries too."""
    for key, value in described.items():
        place = f"{above}{key}"
        if isinstance(value, dict) and key not in ("split", "files"):
            yield from places(value, f"{place}.")
        yield place


WRONG = (None, True, -1, 2.5, 2**40, 10**400, float("nan"), "x", [], {}, [7], ["x"], {"x": 7})


@pytest.fixture
def small_folder(planted_run, tmp_path):
    """A model of all parts, with networks of a few units."""
    f, g = TargetModelConfig(hidden_units=(4,)), PaperConfig((4,), 1, (4,), discriminator_units=(4,))
    settings = {**planted_run.model.settings, "target_model": asdict(f), "generator": asdict(g)}
    method = PaperGenerator(Generator(60, g), Discriminator(60, g))
    small = replace(planted_run.model, target_model=TargetModel(60, 3, f), method=method, settings=settings)
    for network in (small.target_model, method.generator, method.discriminator):
        initialise(network, seed=(0,))
    save_model(small, tmp_path / "small")
    return tmp_path / "small"


def test_whatever_stands_in_a_field_nothing_but_a_refusal_comes_of_it(small_folder):
    """Fuzzing of `model.json`: a value of any kind in every field is refused in words, or does no harm."""
    folder = small_folder
    text = (folder / "model.json").read_text()
    tried, refused = 0, 0
    for place in places(json.loads(text)):
        for value in WRONG:
            spoilt, tried = changed(json.loads(text), place, value), tried + 1
            if storage.DESCRIBED(spoilt) is not None:
                refused += 1
                continue
            redescribe(folder, **spoilt)
            with suppress(ModelError):
                assert load_model(folder).settings["threads"] <= 1024, (place, value)
    assert tried > 1000
    assert refused > 0.8 * tried


def test_every_field_that_is_written_has_its_kind(run_folder):
    """What `model.json` holds is of the kind that loading asks for, and no field is without one."""
    described = json.loads((run_folder / "model" / "model.json").read_text())
    assert storage.DESCRIBED(described) is None
    unread = {"sha256", "versions", "versions.tspg", "versions.torch", "versions.numpy"}
    for place in set(places(described)) - unread:
        fault = storage.DESCRIBED(changed(json.loads(json.dumps(described)), place, 3j))
        assert fault is not None, place
        assert fault.place == place


def test_a_description_nested_too_deeply_is_none(run_folder, tmp_path):
    folder = shutil.copytree(run_folder / "model", tmp_path / "model")
    (folder / "model.json").write_text("[" * 5000 + "]" * 5000)
    with pytest.raises(ModelError, match=r"no readable model\.json"):
        load_model(folder)


def test_a_newer_format_is_refused_by_its_number(run_folder, tmp_path):
    folder = shutil.copytree(run_folder / "model", tmp_path / "model")
    for version in (99, 0, "3", None):
        redescribe(folder, format_version=version)
        with pytest.raises(ModelError, match=f"format {version!r}; this tspg reads 1 to 5. Use the version"):
            load_model(folder)


@pytest.mark.parametrize("version", [1, 2])
def test_older_formats_are_read_as_they_are(version, planted_run, run_folder, planted, tmp_path):
    folder = shutil.copytree(run_folder / "model", tmp_path / "model")
    described = json.loads((folder / "model.json").read_text())
    del described["sha256"], described["files"], described["panel"]
    older = replace(planted_run.model, reference=None, shift=None, alignment=None)  # which they did not hold
    described["model_id"] = older.model_id
    for name in ("reference", "shift", "alignment"):
        (folder / f"{name}.safetensors").unlink()
    if version == 1:
        del described["settings"]["target_model"]["least_steps"]
        described["settings"]["target_model"]["least_batches"] = 1
    (folder / "model.json").write_text(json.dumps({**described, "format_version": version}))
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    model = load_model(folder)
    with pytest.raises(ModelError, match=r"made by tspg 0\.1\.0.*Train it again"):
        model.sample_genes(planted.adata[:1])
    moved = model.perturb(planted.adata)
    assert np.array_equal(moved.X, load_model(run_folder).perturb(planted.adata).X)
    assert before == {path.name: path.read_bytes() for path in folder.iterdir()}


def test_no_folder_is_refused(tmp_path):
    with pytest.raises(ModelError, match="finished `tspg run`"):
        load_model(tmp_path / "nowhere")


def test_two_models_keep_apart(planted_run, tmp_path):
    save_model(planted_run.model, tmp_path / "first" / "model")
    before = {path.name: path.read_bytes() for path in (tmp_path / "first" / "model").iterdir()}
    save_model(planted_run.model, tmp_path / "second" / "model")
    assert before == {path.name: path.read_bytes() for path in (tmp_path / "first" / "model").iterdir()}


def test_one_profile_is_enough_in_any_gene_order_with_other_genes_beside(planted_run, planted):
    patient = planted.adata[[3]]
    expected = planted_run.model.perturb(patient)
    more = np.concatenate([patient.X, np.full((1, 2), 1e6, np.float32)], axis=1)
    names = [*planted.adata.var_names, "OTHER1", "OTHER2"]
    order = np.random.default_rng(0).permutation(len(names))
    from anndata import AnnData

    shuffled = AnnData(more[:, order])
    shuffled.var_names, shuffled.obs_names = [names[k] for k in order], ["patient-1"]
    moved = planted_run.model.perturb(shuffled)
    np.testing.assert_array_equal(moved.X, expected.X)
    assert moved.obs.loc["patient-1", ["source_class", "split"]].tolist() == ["", "test"]
    assert expected.obs["split"].tolist() == [planted_run.model.split["s3"]]


def test_missing_genes_are_counted_and_named(planted_run, planted):
    with pytest.raises(
        ExpressionError, match=r"3 of the model's 60 genes are not in the expression matrix: 'G0', 'G1', 'G2'"
    ):
        planted_run.model.perturb(planted.adata[:, 3:])


@pytest.mark.filterwarnings("ignore:.*not unique")
def test_new_profiles_that_share_a_name_are_refused(planted_run, planted):
    for axis in ("obs_names", "var_names"):
        doubled = planted.adata.copy()
        names = list(getattr(doubled, axis))
        setattr(doubled, axis, [names[1], *names[1:]])
        with pytest.raises(ExpressionError, match="occur more than once"):
            planted_run.model.perturb(doubled)


def test_labels_of_new_profiles_may_have_gaps_but_not_be_absent(planted_run, planted):
    some = planted.adata[:2].copy()
    some.obs["kind"] = ["alpha", None]
    assert planted_run.model.perturb(some, label_column="kind").obs["source_class"].tolist() == ["alpha", ""]
    with pytest.raises(LabelError, match="no sample column 'nothing'"):
        planted_run.model.perturb(some, label_column="nothing")


def test_constant_genes_stay_where_they_are(planted_run):
    moved = planted_run.perturbations
    assert moved.var["constant"].sum() == 1
    assert (moved[:, moved.var["constant"]].X == 0).all()
    assert np.abs(moved.layers["perturbation"][:, ~moved.var["constant"]]).min(axis=0).max() > 0


def test_a_profile_alone_is_moved_as_among_others(planted_run, planted):
    together = planted_run.model.perturb(planted.adata).X
    alone = planted_run.model.perturb(planted.adata[[7]]).X
    np.testing.assert_allclose(alone[0], together[7], atol=1e-5)


def test_scores_that_are_no_numbers_are_not_called_a_class(planted_run):
    import copy

    broken = copy.deepcopy(planted_run.model)
    broken.target_model.layers[0].weight.fill_(np.nan)
    with pytest.raises(ModelError, match="not numbers"):
        broken.classify(np.zeros((2, 60), np.float32))


def test_perturbations_tell_what_they_are(planted_run):
    moved = planted_run.perturbations
    np.testing.assert_allclose(moved.X, moved.layers["original"] + moved.layers["perturbation"], atol=1e-6)
    assert 0 <= moved.X.min() <= moved.X.max() <= 1
    assert moved.uns["tspg"]["target_class"] == "target"
    assert list(moved.uns["tspg"]["source_classes"]) == ["alpha", "beta"]
    assert set(moved.obs["source_class"]) == {"alpha", "beta", "target"}  # the target's own samples too
    assert moved.uns["tspg"]["f_accuracy"] == (moved.obs["predicted_after"] == "target").mean()
    assert moved.var["constant"].tolist() == [False] * 59 + [True]


def test_raw_perturbation_is_kept_on_request(planted_run, planted):
    moved = planted_run.model.perturb(planted.adata[:5], keep_raw=True)
    raw = moved.layers["raw_perturbation"]
    assert np.abs(raw).max() <= 1
    np.testing.assert_allclose(moved.X, (moved.layers["original"] + raw).clip(0, 1), atol=1e-6)
    assert "raw_perturbation" not in planted_run.perturbations.layers
