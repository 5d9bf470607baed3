"""A model on disk: a few safetensors files and one JSON file; loading runs no code from them."""

import json
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from safetensors import SafetensorError

import tspg
from tspg.config import LossWeights, PaperConfig, TargetModelConfig, TransportConfig
from tspg.data.adjust import Adjustment
from tspg.data.prepare import Scaler
from tspg.errors import ModelError
from tspg.files import write_json
from tspg.model.anchor import Anchor
from tspg.model.baselines import BASELINES
from tspg.model.methods import BaselineMethod, LinearMap, Method, PaperGenerator, TransportGenerator
from tspg.model.networks import Discriminator, Generator, TargetModel
from tspg.model.tensors import tensors_of, write_tensors
from tspg.model.trained import TrainedModel

FORMAT_VERSION = 2  # 1: f was told `least_batches`
DETAILS = ("file", "labels_file", "transform", "units", "notes", "gene_set")  # of the data, for the report
LATER_DETAILS = {"duplicates": "error"}  # and what they are in models from before there were any


def save_model(model: TrainedModel, folder: Path) -> None:
    """Write a trained model into `folder`; `model.json` comes last, so a half-written model never loads."""
    for name, tensors in model.files.items():
        write_tensors(folder / f"{name}.safetensors", tensors)
    write_json(folder / "model.json", _description(model))


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
        return _filled(TargetModel(n_genes, n_classes, config), path.parent, path.stem, device)
    except (RuntimeError, OSError, SafetensorError) as error:
        raise ModelError(f"{path}: f cannot be read ({error}). Delete the file; it is made again.") from error


def _description(model: TrainedModel) -> dict[str, Any]:
    return {
        "format_version": FORMAT_VERSION,
        "model_id": model.model_id,
        "versions": {"tspg": tspg.__version__, "torch": torch.__version__, "numpy": np.__version__},
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
    }


def model_folder(path: str | Path) -> Path:
    """The folder with `model.json`, given it or the run folder around it."""
    folder = Path(path)
    return folder if (folder / "model.json").is_file() else folder / "model"


def load_model(path: str | Path, *, device: torch.device | str = "cpu") -> TrainedModel:
    """Open a trained model from a run folder or its `model` folder; no other file is needed.

    Raises
    ------
    ModelError
        If a file is missing, damaged, of a newer format, or does not belong to the others.
    """
    folder = model_folder(path)
    try:
        described = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(
            f"{path}: there is no readable model.json here. Give the folder of a finished `tspg run`."
        ) from error
    version = described.get("format_version") if isinstance(described, dict) else None
    if version != FORMAT_VERSION:
        raise ModelError(
            f"{folder / 'model.json'}: format {version!r}; this tspg reads {FORMAT_VERSION}. "
            "Use the version of tspg that wrote it."
        )
    try:
        model = _rebuild(described, folder, torch.device(device))
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError, OSError, SafetensorError) as error:
        raise ModelError(
            f"{folder}: the model is damaged or incomplete ({error}). Train it again or restore the folder."
        ) from error
    if model.model_id != described.get("model_id"):
        raise ModelError(
            f"{folder}: the files do not belong together or were changed. Train again or restore the folder."
        )
    return model


def _rebuild(described: dict[str, Any], folder: Path, device: torch.device) -> TrainedModel:
    settings = described["settings"]
    n_genes, n_classes = len(described["genes"]), len(described["classes"])
    target_model = TargetModel(n_genes, n_classes, TargetModelConfig(**settings["target_model"]))
    return TrainedModel(
        target_model=_filled(target_model, folder, "target_model", device),
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
        details={key: described["details"][key] for key in DETAILS}
        | {key: described["details"].get(key, before) for key, before in LATER_DETAILS.items()},
    )


def _method(described: dict[str, Any], folder: Path, device: torch.device) -> Method:
    """What moves the profiles, by the name and preset it was made with."""
    settings, n_genes, classes = described["settings"], len(described["genes"]), tuple(described["classes"])
    name = settings["method"]
    if name == LinearMap.name:
        return LinearMap(Anchor.from_tensors(_tensors(folder, "anchor")))
    if name in BASELINES:
        arrays = {key: tensor.numpy() for key, tensor in _tensors(folder, name).items()}
        return BaselineMethod(BASELINES[name].from_arrays(arrays, classes, described["target_class"]), classes)
    if settings["preset"] == "paper":
        weights = LossWeights(**settings["generator"]["weights"])
        config = PaperConfig(**{**settings["generator"], "weights": weights})
        return PaperGenerator(
            _filled(Generator(n_genes, config), folder, "generator", device),
            _filled(Discriminator(n_genes, config), folder, "discriminator", device),
        )
    generator = Generator(n_genes, TransportConfig(**settings["generator"]))
    anchor = Anchor.from_tensors(_tensors(folder, "anchor"))
    return TransportGenerator(anchor, _filled(generator, folder, "generator", device))


def _adjustment(described: dict[str, Any] | None, folder: Path) -> Adjustment | None:
    if described is None:
        return None
    offsets = _tensors(folder, "adjustment")["offsets"].numpy()
    return Adjustment(described["column"], tuple(described["levels"]), offsets)


def _tensors(folder: Path, name: str) -> dict[str, torch.Tensor]:
    return tensors_of((folder / f"{name}.safetensors").read_bytes())


Network = TypeVar("Network", bound=torch.nn.Module)


def _filled(network: Network, folder: Path, name: str, device: torch.device) -> Network:
    """A network with its stored weights, ready to be asked."""
    network.load_state_dict(_tensors(folder, name))
    return network.to(device).eval().requires_grad_(False)
