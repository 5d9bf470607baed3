"""The ways to move a profile to the target class, behind one interface."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np
import torch
from torch import Tensor

from tspg.errors import ModelError, UsageError
from tspg.model.networks import Discriminator, Generator
from tspg.model.ot_map import GaussianOTMap
from tspg.utils.typing import Float32Array, Int64Array

ROWS_AT_ONCE = 2048  # keeps the hidden layers of a large matrix out of memory


class Method(ABC):
    """Moves scaled profiles to the target class.

    `name` is what `--method` and the evidence table call it; `asks_class` says whether each class has its own map.
    """

    asks_class: ClassVar[bool]

    @property
    @abstractmethod
    def name(self) -> str:
        """What `--method` and the evidence table call it."""

    @abstractmethod
    def raw_perturbation(self, profiles: Float32Array, class_index: Int64Array) -> Float32Array:
        """What is added to each profile before clipping; `class_index` is the class of each."""

    @abstractmethod
    def files(self) -> dict[str, dict[str, Tensor]]:
        """What a model folder keeps of it: the name of each safetensors file and its tensors."""

    def with_class(self, cohort: Float32Array, likeliest: Int64Array) -> Self:
        """The method with one more class, which comes last, learned from scaled profiles `cohort`.

        `likeliest` is the known class, never the target, that each of them resembles most.

        Raises
        ------
        ModelError
            If the model was made by an earlier version, which did not keep what is needed.
        UsageError
            If the method cannot learn a class from its samples.
        """
        del cohort, likeliest
        raise UsageError(
            f"Method {self.name} cannot learn a new class from its own samples. Train a model with another method, "
            "such as `--method linear_map`, or leave the class out: each sample is then moved as the class that f "
            "finds likeliest."
        )


@dataclass(frozen=True)
class PaperGenerator(Method):
    """Preset `paper`: x + G(x), the same G for every class."""

    generator: Generator
    discriminator: Discriminator
    name: ClassVar[str] = "generator"
    asks_class: ClassVar[bool] = False

    def raw_perturbation(self, profiles: Float32Array, class_index: Int64Array) -> Float32Array:
        """G(x), in [-1, 1]."""
        del class_index
        return in_blocks(self.generator, profiles, profiles.shape[1])

    def files(self) -> dict[str, dict[str, Tensor]]:
        """The weights of G and D."""
        return {"generator": self.generator.state_dict(), "discriminator": self.discriminator.state_dict()}


@dataclass(frozen=True)
class LinearMap(Method):
    """Preset `transport`, and method `linear_map`: each profile moved from its class in closed form."""

    ot_map: GaussianOTMap
    name: str = "linear_map"
    asks_class: ClassVar[bool] = True

    def raw_perturbation(self, profiles: Float32Array, class_index: Int64Array) -> Float32Array:
        """The difference between x and the map's a(x)."""
        return self.ot_map.move(profiles, class_index) - profiles

    def with_class(self, cohort: Float32Array, likeliest: Int64Array) -> Self:
        """With a map of one more class."""
        return replace(self, ot_map=self.ot_map.with_class(cohort, likeliest))

    def files(self) -> dict[str, dict[str, Tensor]]:
        """The matrices of the map."""
        return {"generator" if self.name == "generator" else "anchor": self.ot_map.tensors()}


@dataclass(frozen=True)
class TransportGenerator(Method):
    """Preset `transport` of tspg 0.1.0: a + G(a), where a is x moved by the linear map. No longer trained."""

    ot_map: GaussianOTMap
    generator: Generator
    name: ClassVar[str] = "generator"
    asks_class: ClassVar[bool] = True

    def raw_perturbation(self, profiles: Float32Array, class_index: Int64Array) -> Float32Array:
        """The difference between x and a + G(a); 0 for a profile of the target class."""
        mapped = self.ot_map.move(profiles, class_index)
        moved = mapped + in_blocks(self.generator, mapped, profiles.shape[1])
        is_target = class_index == self.ot_map.target_index
        moved[is_target] = profiles[is_target]
        return moved - profiles

    def with_class(self, cohort: Float32Array, likeliest: Int64Array) -> Self:
        """With a map of one more class; G stays."""
        return replace(self, ot_map=self.ot_map.with_class(cohort, likeliest))

    def files(self) -> dict[str, dict[str, Tensor]]:
        """The weights of G and the matrices of the map."""
        return {"generator": self.generator.state_dict(), "anchor": self.ot_map.tensors()}


@torch.no_grad()
def in_blocks(network: torch.nn.Module, profiles: Float32Array, width: int) -> Float32Array:
    """A network's output for each profile, shape (samples, width), computed a block of rows at a time.

    Raises
    ------
    ModelError
        If a value is not a finite number: a broken network would call everything class 0.
    """
    device = next(network.parameters()).device
    result = np.empty((len(profiles), width), dtype=np.float32)
    for start in range(0, len(profiles), ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        result[rows] = network(torch.from_numpy(profiles[rows]).to(device)).cpu().numpy()
    if not np.isfinite(result).all():
        raise ModelError("The model gives values that are not numbers: it is damaged. Train it again.")
    return result
