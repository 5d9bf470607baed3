"""A model on disk: safetensors files and one JSON file. Loading runs no code from them."""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from torch import Tensor

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
from tspg.model.methods import LinearMap, Method, PaperGenerator, TransportGenerator
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
from tspg.utils.typing import NamedArrays
from tspg.utils.untrusted import check_folder, is_plain

# 1: f had `least_batches`; 2: no fingerprints yet; 3: no reference; 4: no spreads for the map of a new class, and no
# distribution of values. All of them can still be read.
FORMAT_VERSION = 5
# What JSON, NumPy, PyTorch and safetensors raise when something is missing or not what it should be.
_DAMAGED = (
    *(LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RuntimeError, OSError, SafetensorError),
)
DETAILS = ("file", "labels_file", "transform", "units", "notes", "gene_set")  # of the data, for the report
LATER_DETAILS = {"duplicates": "error", "layer": "", "is_log": False, "scale": None}  # of older models, which lack them

_SCALE = {
    "kind": one_of(KINDS),
    "why": TEXT,
    **dict.fromkeys(("figure", "smallest", "largest", "whole", "library", "library_ratio"), number()),
    "n_genes": COUNT,
    "transform": one_of(("none", "log2")),
    "scaled": TRUTH,
}
# Every field of `model.json` that is read.
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
                **dict.fromkeys(("file", "labels_file", "units", "layer"), TEXT),
                "transform": one_of(TRANSFORMS),
                "duplicates": one_of(DUPLICATES),
                "is_log": TRUTH,
                "notes": names(),
                "gene_set": fields({"name": TEXT, "n_genes": COUNT, "n_found": COUNT, "missing": names()}),
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
    adjustment = model.adjustment
    described = {
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
        "adjusted": adjustment and {"column": adjustment.column, "levels": list(adjustment.levels)},
        "panel": None if model.panel is None else list(model.panel),
        "files": {name: write_tensors(folder / name, tensors) for name, tensors in files.items()},
    }
    write_json(folder / "model.json", {**described, "sha256": _fingerprint(described)})


def _fingerprint(described: dict[str, Any]) -> str:
    """The SHA-256 of a description without its own `sha256`."""
    content = {name: value for name, value in described.items() if name != "sha256"}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


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
        return _network(lambda: TargetModel(n_genes, n_classes, config), path.parent, path.stem, device)
    except (RuntimeError, ValueError, OSError, SafetensorError) as error:
        raise ModelError(f"{path}: f cannot be read ({error}). Delete the file; it is made again.") from error


def model_folder(path: str | Path) -> Path:
    """The folder with `model.json`, given it or the run folder around it."""
    folder = Path(path)
    return folder if (folder / "model.json").is_file() else folder / "model"


def load_model(path: str | Path, *, device: torch.device | str = "cpu") -> TrainedModel:
    """The trained model of a run folder or its `model` folder; no other file is needed.

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
        if version in (1, 2) and "sha256" not in described:
            described["settings"]["target_model"].pop("least_batches", None)
        else:
            _check_fingerprints(described, folder)
        _check_described(described)
        model = _rebuild(described, folder, torch.device(device))
        # Move one profile of each class: parts that do not fit together show now, not in the middle of an analysis.
        profiles = np.full((len(model.classes), len(model.gene_ids)), 0.5, dtype=np.float32)
        model.classify(model.move(profiles, np.asarray(model.classes, dtype=object)))
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


def _check_fingerprints(described: dict[str, Any], folder: Path) -> None:
    """Refuse a description, or a file that it lists, that was changed after it was written."""
    if described["sha256"] != _fingerprint(described):
        raise ModelError(f"{folder / 'model.json'}: was changed after it was written. Restore it, or train again.")
    for name, known in described["files"].items():
        if not is_plain(name):
            raise ModelError(f"{folder / 'model.json'}: names a file elsewhere. Ask the author of the model.")
        if sha256_of(folder / name) != known:
            raise ModelError(f"{folder / name}: was changed after it was written. Restore it, or train again.")


def _check_described(described: dict[str, Any]) -> None:
    """Refuse a description that no training writes: a field of another kind, or fields that contradict each other."""
    if (fault := DESCRIBED(described)) is not None:
        raise ValueError(f"in model.json, {fault}")
    genes, classes, scaler = described["genes"], described["classes"], described["scaler"]
    for what, known in (("gene", genes), ("class", classes), ("sample", list(described["split"]))):
        check_names(known, what=what, file="model.json", error=InputError)
    if described["target_class"] not in classes or not set(described["source_classes"]) <= set(classes):
        raise ValueError("target or source classes are not among its classes")
    if any(len(part) != len(genes) for part in (scaler["minimum"], scaler["maximum"], described["target_mean"])):
        raise ValueError("minimum, maximum and target mean are not one number per gene")
    if any(low > high for low, high in zip(scaler["minimum"], scaler["maximum"], strict=True)):
        raise ValueError("a minimum of the scaler is above its maximum")
    if (panel := described.get("panel")) is not None and len(set(panel)) < len(panel):
        raise ValueError("the panel names a gene twice")


def _rebuild(described: dict[str, Any], folder: Path, device: torch.device) -> TrainedModel:
    settings, details, scaler = described["settings"], described["details"], described["scaler"]
    genes, classes = tuple(described["genes"]), tuple(described["classes"])
    config = TargetModelConfig(**settings["target_model"])
    return TrainedModel(
        target_model=_network(lambda: TargetModel(len(genes), len(classes), config), folder, "target_model", device),
        method=_method(described, folder, device),
        gene_ids=genes,
        scaler=Scaler(np.asarray(scaler["minimum"]), np.asarray(scaler["maximum"])),
        classes=classes,
        target_class=described["target_class"],
        source_classes=tuple(described["source_classes"]),
        target_mean=np.asarray(described["target_mean"]),
        split=described["split"],
        settings=settings,
        details={key: details[key] for key in DETAILS}
        | {key: details.get(key, before) for key, before in LATER_DETAILS.items()},
        **_optional_parts(described, folder, classes, len(genes)),
    )


def _optional_parts(
    described: dict[str, Any], folder: Path, classes: tuple[str, ...], n_genes: int
) -> Mapping[str, Any]:
    """Adjustment, reference, shift and alignment; older models, and those of the estimator, lack some of them."""
    parts: dict[str, Any] = {}
    if (adjusted := described.get("adjusted")) is not None:
        offsets = _arrays(folder, "adjustment")["offsets"]
        parts["adjustment"] = Adjustment(adjusted["column"], tuple(adjusted["levels"]), offsets)
    if "reference.safetensors" in described.get("files", {}):
        arrays = _arrays(folder, "reference")
        if any(array.shape[-1] != n_genes for key, array in arrays.items() if not key.endswith(".facts")):
            raise ValueError("reference.safetensors holds another number of genes than model.json says")
        parts["reference"] = SampleReference.from_arrays(arrays, classes, described["target_class"])
    if (panel := described.get("panel")) is not None:
        parts["shift"] = Shift.from_arrays(_arrays(folder, "shift"), tuple(panel))
        parts["shift"].check(n_genes)
    if "alignment.safetensors" in described.get("files", {}):
        arrays, n = _arrays(folder, "alignment"), len(classes)
        shapes = {"means": (n, n_genes), "sigma": (n_genes,), "trace": (n,), "excess": (n,)}
        shapes |= {"products": (n, n), "errors": (n, n), "skew": (1,)}
        if {key: array.shape for key, array in arrays.items()} != shapes:
            raise ValueError("alignment.safetensors holds other classes or genes than model.json says")
        parts["alignment"] = CohortAlignment.from_arrays(arrays, classes)
    return parts


def _method(described: dict[str, Any], folder: Path, device: torch.device) -> Method:
    """The method, by the name and preset it was made with."""
    settings, n_genes, classes = described["settings"], len(described["genes"]), described["classes"]
    name, trained = settings["method"], settings["generator"]
    if name == LinearMap.name:
        return LinearMap(GaussianOTMap.from_tensors(_tensors(folder, "anchor")))
    if name in BASELINES:
        return BASELINES[name].from_arrays(_arrays(folder, name), classes.index(described["target_class"]))
    if trained is None and settings["preset"] != "paper":
        return LinearMap(GaussianOTMap.from_tensors(_tensors(folder, "generator")), name)
    if trained["residual_blocks"] > len(_tensors(folder, "generator")):
        raise ValueError(f"generator.safetensors holds no {trained['residual_blocks']} residual blocks")
    if settings["preset"] == "paper":
        config = PaperConfig(**{**trained, "weights": LossWeights(**trained["weights"])})
        generator = _network(lambda: Generator(n_genes, config), folder, "generator", device)
        return PaperGenerator(
            generator, _network(lambda: Discriminator(n_genes, config), folder, "discriminator", device)
        )
    layers = GeneratorConfig(**{key: trained[key] for key in ("down_units", "residual_blocks", "up_units")})
    generator = _network(lambda: Generator(n_genes, layers), folder, "generator", device)  # of tspg 0.1.0
    return TransportGenerator(GaussianOTMap.from_tensors(_tensors(folder, "anchor")), generator)


def _tensors(folder: Path, name: str) -> dict[str, Tensor]:
    return tensors_of((folder / f"{name}.safetensors").read_bytes())


def _arrays(folder: Path, name: str) -> NamedArrays:
    arrays: dict[str, NDArray[Any]] = {key: tensor.numpy() for key, tensor in _tensors(folder, name).items()}
    return arrays


Network = TypeVar("Network", bound=torch.nn.Module)


def _network(build: Callable[[], Network], folder: Path, name: str, device: torch.device) -> Network:
    """A network with its stored weights, ready to be used.

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
