"""A model on disk: a few safetensors files and one JSON file; loading runs no code from them."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from safetensors import SafetensorError

from tspg._version import __version__
from tspg.data.batch import Adjustment
from tspg.data.prepare import Scaler
from tspg.data.scale import KINDS
from tspg.errors import InputError, ModelError, TspgError
from tspg.model.alignment import CohortAlignment
from tspg.model.baselines import BASELINES
from tspg.model.config import (
    GENERATOR,
    SETTINGS,
    TARGET_MODEL,
    GeneratorConfig,
    LossWeights,
    PaperConfig,
    TargetModelConfig,
)
from tspg.model.methods import BaselineMethod, LinearMap, Method, PaperGenerator, TransportGenerator
from tspg.model.networks import Discriminator, Generator, TargetModel
from tspg.model.ot_map import GaussianOTMap
from tspg.model.reference import SampleReference
from tspg.model.shift import Shift
from tspg.model.tensors import tensors_of, write_tensors
from tspg.model.trained_model import TrainedModel
from tspg.utils.files import read_json, sha256_of, write_json
from tspg.utils.names import check_names
from tspg.utils.options import DUPLICATES, TRANSFORMS
from tspg.utils.schema import (
    COUNT,
    NUMBERS,
    TEXT,
    TRUTH,
    Kind,
    fields,
    mapping_of,
    names,
    number,
    one_of,
    optional,
    whole,
)
from tspg.utils.untrusted import check_folder, is_plain

# 1: f was told `least_batches`; 2: no fingerprints yet; 3: no reference; 4: no spreads to make the map of a new class
# with, and no distribution of values. Every one of them can still be read.
FORMAT_VERSION = 5
# What JSON, NumPy, PyTorch and safetensors raise when something is missing or not what it should be.
_DAMAGED = (
    *(LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RuntimeError),
    *(OSError, SafetensorError),
)
DETAILS = ("file", "labels_file", "transform", "units", "notes", "gene_set")  # of the data, for the report
LATER_DETAILS = {
    "duplicates": "error",
    "layer": "",
    "is_log": False,
    "scale": None,
}  # and what they are in models from before there were any

# Every field of `model.json`; what is not named here is not read.
_GENE_SET = {"name": TEXT, "n_genes": COUNT, "n_found": COUNT, "missing": names()}
_SCALE = {
    "kind": one_of(KINDS),
    "why": TEXT,
    **dict.fromkeys(("figure", "smallest", "largest", "whole", "library", "library_ratio"), number()),
    "n_genes": COUNT,
    "transform": one_of(("none", "log2")),
    "scaled": TRUTH,
}
_TEXTS = ("file", "labels_file", "units", "layer")
DESCRIBED: Kind = fields(
    {
        "format_version": whole(1, FORMAT_VERSION),
        "model_id": TEXT,
        "target_class": TEXT,
        "source_classes": names(),
        "classes": names(1),
        "settings": fields(
            {
                **SETTINGS,
                "target_model": fields(TARGET_MODEL, needed=()),
                "generator": optional(fields(GENERATOR, needed=())),
            },
            needed=("preset", "method", "seed", "threads", "top_k", "target_model", "generator"),
        ),
        "details": fields(
            {
                **dict.fromkeys(_TEXTS, TEXT),
                "transform": one_of(TRANSFORMS),
                "duplicates": one_of(DUPLICATES),
                "is_log": TRUTH,
                "notes": names(),
                "gene_set": fields(_GENE_SET),
                "scale": optional(fields(_SCALE, needed=("kind", "transform"))),
            },
            needed=DETAILS,
        ),
        "split": mapping_of(one_of(("train", "test"))),
        "genes": names(1),
        "scaler": fields({"minimum": NUMBERS, "maximum": NUMBERS}),
        "target_mean": NUMBERS,
        "adjusted": optional(fields({"column": TEXT, "levels": names(1)})),
        "panel": optional(names()),
        "files": mapping_of(TEXT),
    },
    needed=(
        *("model_id", "target_class", "source_classes", "classes", "settings", "details", "split", "genes", "scaler"),
        "target_mean",
    ),
)


def save_model(model: TrainedModel, folder: Path) -> None:
    """Write a trained model into `folder`; `model.json` comes last, so a half-written model never loads."""
    files = {f"{name}.safetensors": tensors for name, tensors in model.files.items()}
    fingerprints = {name: write_tensors(folder / name, tensors) for name, tensors in files.items()}
    described = {**_description(model), "files": fingerprints}
    write_json(folder / "model.json", {**described, "sha256": _fingerprint(described)})


def _fingerprint(described: dict[str, Any]) -> str:
    """The SHA-256 of a description, but for what it says of itself."""
    said = {name: value for name, value in described.items() if name != "sha256"}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def save_target_model(target_model: TargetModel, path: Path) -> None:
    """Write f alone, for other targets of the same study."""
    write_tensors(path, target_model.state_dict())


def load_target_model(
    path: Path, n_genes: int, n_classes: int, config: TargetModelConfig, device: torch.device
) -> TargetModel:
    """F as `save_target_model` wrote it.

    Raises
    ------
    ModelError
        If the file is damaged or of another shape.
    """
    try:
        return _filled(lambda: TargetModel(n_genes, n_classes, config), path.parent, path.stem, device)
    except (RuntimeError, ValueError, OSError, SafetensorError) as error:
        raise ModelError(f"{path}: f cannot be read ({error}). Delete the file; it is made again.") from error


def _description(model: TrainedModel) -> dict[str, Any]:
    return {
        "format_version": FORMAT_VERSION,
        "model_id": model.model_id,
        "versions": {"tspg": __version__, "torch": torch.__version__, "numpy": np.__version__},
        "target_class": model.target_class,
        "source_classes": list(model.source_classes),
        "classes": list(model.classes),
        "settings": model.settings,
        "details": model.details,
        "split": model.split,
        "genes": list(model.gene_ids),
        "scaler": {"minimum": model.scaler.minimum.tolist(), "maximum": model.scaler.maximum.tolist()},
        "target_mean": model.target_mean.tolist(),
        "adjusted": None
        if model.adjustment is None
        else {"column": model.adjustment.column, "levels": list(model.adjustment.levels)},
        "panel": None if model.shift is None else list(model.shift.panel),
    }


def model_folder(path: str | Path) -> Path:
    """The folder with `model.json`, given it or the run folder around it."""
    folder = Path(path)
    return folder if (folder / "model.json").is_file() else folder / "model"


def load_model(path: str | Path, *, device: torch.device | str = "cpu") -> TrainedModel:
    """Open a trained model from a run folder or its `model` folder; no other file is needed.

    Parameters
    ----------
    path
        The folder of a finished `tspg run`, or its `model` folder alone.
    device
        Where to compute: `cpu` or `cuda`.

    Raises
    ------
    ModelError
        If a file is missing, damaged, of a newer format, or does not belong to the others.

    Examples
    --------
    >>> model = tspg.load_model("runs/msi")
    >>> model.target_class, len(model.gene_ids)
    ('GI.MSI', 50)
    >>> moved = model.perturb(adata[:1], label_column="subtype")  # one patient is enough
    >>> moved.shape
    (1, 50)
    """
    folder = model_folder(path)
    check_folder(Path(path))
    try:
        described = read_json(folder / "model.json")
    except (OSError, ValueError) as error:
        raise ModelError(
            f"{path}: there is no readable model.json here. Give the folder of a finished `tspg run`."
        ) from error
    version = described.get("format_version") if isinstance(described, dict) else None
    if version not in range(1, FORMAT_VERSION + 1):
        raise ModelError(
            f"{folder / 'model.json'}: format {version!r}; this tspg reads 1 to {FORMAT_VERSION}. "
            "Use the version of tspg that wrote it, or a later one."
        )
    try:
        is_older = version in (1, 2) and "sha256" not in described
        described = _migrated(described) if is_older else _vouched(described, folder)
        _check_described(described)
        model = _rebuild(described, folder, torch.device(device))
        _try_out(model)
    except ModelError:
        raise
    except TspgError as error:
        raise ModelError(f"{folder}: the model is damaged: {error}") from error
    except _DAMAGED as error:
        raise ModelError(
            f"{folder}: the model is damaged or incomplete ({error}). Train it again or restore the folder."
        ) from error
    if model.model_id != described.get("model_id"):
        raise ModelError(
            f"{folder}: the files do not belong together or were changed. Train again or restore the folder."
        )
    return model


def _migrated(described: dict[str, Any]) -> dict[str, Any]:
    """The description of an older format as it would be written now; the files stay as they are."""
    f = {name: value for name, value in described["settings"]["target_model"].items() if name != "least_batches"}
    return {**described, "settings": {**described["settings"], "target_model": f}}


def _vouched(described: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The description, once it and every file beside it are what was written."""
    if described["sha256"] != _fingerprint(described):
        raise ModelError(f"{folder / 'model.json'}: was changed after it was written. Restore it, or train again.")
    for name, known in described["files"].items():
        if not is_plain(name):
            raise ModelError(f"{folder / 'model.json'}: names a file elsewhere. Ask whoever made the model.")
        if sha256_of(folder / name) != known:
            raise ModelError(f"{folder / name}: was changed after it was written. Restore it, or train again.")
    return described


def _check_described(described: dict[str, Any]) -> None:
    """Refuse a description that no training writes: a field of another kind, or fields that do not go together."""
    if (fault := DESCRIBED(described)) is not None:
        raise ValueError(f"in model.json, {fault}")
    genes, classes, scaler = described["genes"], described["classes"], described["scaler"]
    for what, known in (("gene", genes), ("class", classes), ("sample", list(described["split"]))):
        check_names(known, what=what, file="model.json", error=InputError)
    if described["target_class"] not in classes or not set(described["source_classes"]) <= set(classes):
        raise ValueError("target or source classes are not among its classes")
    if any(len(part) != len(genes) for part in (scaler["minimum"], scaler["maximum"], described["target_mean"])):
        raise ValueError("minimum, maximum and target mean are not one number a gene")
    if any(low > high for low, high in zip(scaler["minimum"], scaler["maximum"], strict=True)):
        raise ValueError("a minimum of the scaler is above its maximum")


def _try_out(model: TrainedModel) -> None:
    """Move one profile of each class: parts that do not fit together show now, not in the middle of an analysis."""
    profiles = np.full((len(model.classes), len(model.gene_ids)), 0.5, dtype=np.float32)
    model.classify(model.move(profiles, np.asarray(model.classes, dtype=object)))


def _rebuild(described: dict[str, Any], folder: Path, device: torch.device) -> TrainedModel:
    settings = described["settings"]
    n_genes, n_classes = len(described["genes"]), len(described["classes"])
    config = TargetModelConfig(**settings["target_model"])
    return TrainedModel(
        target_model=_filled(lambda: TargetModel(n_genes, n_classes, config), folder, "target_model", device),
        method=_method(described, folder, device),
        gene_ids=tuple(described["genes"]),
        scaler=Scaler(np.asarray(described["scaler"]["minimum"]), np.asarray(described["scaler"]["maximum"])),
        classes=tuple(described["classes"]),
        target_class=described["target_class"],
        source_classes=tuple(described["source_classes"]),
        target_mean=np.asarray(described["target_mean"]),
        split=described["split"],
        settings=settings,
        adjustment=_adjustment(described.get("adjusted"), folder),
        reference=_reference(described, folder),
        shift=_shift(described, folder),
        alignment=_alignment(described, folder),
        details={key: described["details"][key] for key in DETAILS}
        | {key: described["details"].get(key, before) for key, before in LATER_DETAILS.items()},
    )


def _method(described: dict[str, Any], folder: Path, device: torch.device) -> Method:
    """What moves the profiles, by the name and preset it was made with."""
    settings, n_genes, classes = described["settings"], len(described["genes"]), tuple(described["classes"])
    name = settings["method"]
    if name == LinearMap.name:
        return LinearMap(GaussianOTMap.from_tensors(_tensors(folder, "anchor")))
    if name in BASELINES:
        arrays = {key: tensor.numpy() for key, tensor in _tensors(folder, name).items()}
        return BaselineMethod(BASELINES[name].from_arrays(arrays, classes, described["target_class"]), classes)
    if settings["preset"] == "paper":
        weights = LossWeights(**settings["generator"]["weights"])
        config = PaperConfig(**{**settings["generator"], "weights": weights})
        return PaperGenerator(
            _generator(n_genes, config, folder, device),
            _filled(lambda: Discriminator(n_genes, config), folder, "discriminator", device),
        )
    if settings["generator"] is None:
        return LinearMap(GaussianOTMap.from_tensors(_tensors(folder, "generator")), name)
    layers = {key: settings["generator"][key] for key in ("down_units", "residual_blocks", "up_units")}
    generator = _generator(n_genes, GeneratorConfig(**layers), folder, device)  # a network of tspg 0.1.0
    return TransportGenerator(GaussianOTMap.from_tensors(_tensors(folder, "anchor")), generator)


def _generator(n_genes: int, config: GeneratorConfig, folder: Path, device: torch.device) -> Generator:
    if config.residual_blocks > len(_tensors(folder, "generator")):
        raise ValueError(f"generator.safetensors holds no {config.residual_blocks} residual blocks")
    return _filled(lambda: Generator(n_genes, config), folder, "generator", device)


def _adjustment(described: dict[str, Any] | None, folder: Path) -> Adjustment | None:
    if described is None:
        return None
    offsets = _tensors(folder, "adjustment")["offsets"].numpy()
    return Adjustment(described["column"], tuple(described["levels"]), offsets)


def _reference(described: dict[str, Any], folder: Path) -> SampleReference | None:
    """What real samples are like; older models, and those of the estimator, do not hold it."""
    if "reference.safetensors" not in described.get("files", {}):
        return None
    arrays = {key: tensor.numpy() for key, tensor in _tensors(folder, "reference").items()}
    n_genes = len(described["genes"])
    if any(array.shape[-1] != n_genes for key, array in arrays.items() if not key.endswith(".facts")):
        raise ValueError("reference.safetensors holds another number of genes than model.json says")
    return SampleReference.from_arrays(arrays, described["classes"], described["target_class"])


def _shift(described: dict[str, Any], folder: Path) -> Shift | None:
    """How the values of training samples are distributed; older models, and those of the estimator, do not hold it."""
    panel = described.get("panel")
    if panel is None:
        return None
    if len(set(panel)) < len(panel):
        raise ValueError("the panel names a gene twice")
    arrays = {key: tensor.numpy() for key, tensor in _tensors(folder, "shift").items()}
    shift = Shift.from_arrays(arrays, tuple(panel))
    shift.check(len(described["genes"]))
    return shift


def _tensors(folder: Path, name: str) -> dict[str, torch.Tensor]:
    return tensors_of((folder / f"{name}.safetensors").read_bytes())


def _alignment(described: dict[str, Any], folder: Path) -> CohortAlignment | None:
    """What a cohort is aligned to; older models, and those of the estimator, do not hold it."""
    if "alignment.safetensors" not in described.get("files", {}):
        return None
    arrays = {key: tensor.numpy() for key, tensor in _tensors(folder, "alignment").items()}
    n_classes, n_genes = len(described["classes"]), len(described["genes"])
    shapes = {"means": (n_classes, n_genes), "sigma": (n_genes,), "trace": (n_classes,), "excess": (n_classes,)}
    shapes |= {"products": (n_classes, n_classes), "errors": (n_classes, n_classes), "skew": (1,)}
    if {key: array.shape for key, array in arrays.items()} != shapes:
        raise ValueError("alignment.safetensors holds other classes or genes than model.json says")
    return CohortAlignment.from_arrays(arrays, tuple(described["classes"]))


Network = TypeVar("Network", bound=torch.nn.Module)


def _filled(build: Callable[[], Network], folder: Path, name: str, device: torch.device) -> Network:
    """A network with its stored weights, ready to be asked.

    Its layers take no memory before their sizes are known to be those of the file, whatever `model.json` says.
    """
    tensors = _tensors(folder, name)
    with torch.device("meta"):
        network = build()
    if {key: part.shape for key, part in network.state_dict().items()} != {
        key: part.shape for key, part in tensors.items()
    }:
        raise ValueError(f"{name}.safetensors holds other layers than model.json says")
    network.to_empty(device=device).load_state_dict(tensors)
    return network.eval().requires_grad_(False)
