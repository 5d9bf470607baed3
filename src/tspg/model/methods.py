"""The ways of moving a profile to the target class, each behind the same three questions."""

from dataclasses import dataclass, replace
from typing import ClassVar, Protocol, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tspg.errors import ModelError, UsageError
from tspg.model.baseline import Baseline, ByClass
from tspg.model.networks import Discriminator, Generator
from tspg.model.ot_map import GaussianOTMap
from tspg.utils.typing import Float32Array

ROWS_AT_ONCE = 2048  # keeps the hidden layers of a large matrix out of memory

Tensors = dict[str, Tensor]


class Method(Protocol):
    """Moves scaled profiles to the target class."""

    @property
    def name(self) -> str:
        """What it is called in the evidence table, and what `--method` asks for."""

    @property
    def asks_class(self) -> bool:
        """Whether each class is moved in a way of its own."""

    def raw_perturbation(self, profiles: Float32Array, class_index: NDArray[np.int64]) -> Float32Array:
        """What is added to each profile before clipping; `class_index` is each one's own class."""

    def with_class(self, name: str, cohort: Float32Array, likeliest: NDArray[np.int64]) -> Self:
        """The method with one more class, which comes last, learned from scaled profiles of it.

        `likeliest` is the known class, none the target, that each of these is most like.

        Raises
        ------
        ModelError
            If the model did not keep what is needed.
        UsageError
            If the method cannot learn a class from its own samples.
        """

    def files(self) -> dict[str, Tensors]:
        """What a model folder keeps of it: the name of each safetensors file, and the tensors in it."""


@dataclass(frozen=True)
class PaperGenerator:
    """Preset `paper`: x + G(x). The profile's own class is not asked for."""

    generator: Generator
    discriminator: Discriminator
    name: ClassVar[str] = "generator"
    asks_class: ClassVar[bool] = False

    def raw_perturbation(self, profiles: Float32Array, class_index: NDArray[np.int64]) -> Float32Array:
        """G(x), in [-1, 1]."""
        del class_index
        return in_blocks(self.generator, profiles, profiles.shape[1])

    def with_class(self, name: str, cohort: Float32Array, likeliest: NDArray[np.int64]) -> Self:
        """Itself: G moves every profile alike."""
        del name, cohort, likeliest
        return self

    def files(self) -> dict[str, Tensors]:
        """The weights of G and D."""
        return {"generator": self.generator.state_dict(), "discriminator": self.discriminator.state_dict()}


@dataclass(frozen=True)
class TransportGenerator:
    """Preset `transport` of tspg 0.1.0: a + G(a), where a is x moved by the linear map. It is no longer trained."""

    anchor: GaussianOTMap
    generator: Generator
    name: ClassVar[str] = "generator"
    asks_class: ClassVar[bool] = True

    def raw_perturbation(self, profiles: Float32Array, class_index: NDArray[np.int64]) -> Float32Array:
        """What lies between x and a + G(a); a profile of the target class stays as it is."""
        anchored = self.anchor.move(profiles, class_index)
        moved = anchored + in_blocks(self.generator, anchored, profiles.shape[1])
        moved[class_index == self.anchor.target_index] = profiles[class_index == self.anchor.target_index]
        return moved - profiles

    def with_class(self, name: str, cohort: Float32Array, likeliest: NDArray[np.int64]) -> Self:
        """With an anchor for one more class; G stays."""
        del name
        return replace(self, anchor=self.anchor.with_class(cohort, likeliest))

    def files(self) -> dict[str, Tensors]:
        """The weights of G and the anchor's matrices."""
        return {"generator": self.generator.state_dict(), "anchor": self.anchor.tensors()}


@dataclass(frozen=True)
class LinearMap:
    """Preset `transport`: each profile moved from its own class in closed form. Also what preset `paper` is beside."""

    anchor: GaussianOTMap
    name: str = "linear_map"
    asks_class: ClassVar[bool] = True

    def raw_perturbation(self, profiles: Float32Array, class_index: NDArray[np.int64]) -> Float32Array:
        """What lies between x and a."""
        return self.anchor.move(profiles, class_index) - profiles

    def with_class(self, name: str, cohort: Float32Array, likeliest: NDArray[np.int64]) -> Self:
        """With an anchor for one more class."""
        del name
        return replace(self, anchor=self.anchor.with_class(cohort, likeliest))

    def files(self) -> dict[str, Tensors]:
        """The anchor's matrices."""
        return {"generator" if self.name == "generator" else "anchor": self.anchor.tensors()}


@dataclass(frozen=True)
class BaselineMethod:
    """A baseline chosen as the method: an ordinary model folder without a generator."""

    baseline: Baseline
    classes: tuple[str, ...]

    @property
    def name(self) -> str:
        """The baseline's name."""
        return self.baseline.name

    @property
    def asks_class(self) -> bool:
        """Whether the baseline asks for the class."""
        return self.baseline.asks_class

    def raw_perturbation(self, profiles: Float32Array, class_index: NDArray[np.int64]) -> Float32Array:
        """What lies between x and where the baseline puts it."""
        names = np.asarray(self.classes, dtype=object)[class_index]
        return self.baseline.move(profiles, names) - profiles

    def with_class(self, name: str, cohort: Float32Array, likeliest: NDArray[np.int64]) -> Self:
        """With one more class, for a baseline that knows classes by their own samples."""
        del likeliest
        if isinstance(self.baseline, ByClass):
            return replace(self, baseline=self.baseline.with_class(name, cohort), classes=(*self.classes, name))
        if not self.asks_class:
            return self
        raise UsageError(
            f"Method {self.name} cannot learn a new class from its own samples. Train a model with another method, "
            "such as `--method linear_map`, or leave the class out: each sample is then moved as the class that f "
            "finds likeliest."
        )

    def files(self) -> dict[str, Tensors]:
        """All that the baseline learned."""
        arrays = self.baseline.arrays()
        return {self.name: {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in arrays.items()}}


@torch.no_grad()
def in_blocks(network: torch.nn.Module, profiles: Float32Array, width: int) -> Float32Array:
    """A network's output for each profile, shape (samples, width), a block of rows at a time.

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
