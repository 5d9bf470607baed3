"""Classes that a model was never trained on: each is moved by a map made of its own samples, where that can be."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tspg.errors import ModelError, UsageError
from tspg.utils.names import check_characters, shown
from tspg.utils.typing import Float32Array

if TYPE_CHECKING:
    from tspg.model.methods import Method

FEWEST_SAMPLES = 5  # that a map is made of: measured down to here by benchmarks/truth_new_class.py

# How the samples of a new class are moved. All but the first two: each as the class that f finds likeliest.
OWN = "own"  # by a map made of them
ONE_FOR_ALL = "one_for_all"  # as every profile: the method asks for no class
TOO_FEW = "too_few"
METHOD = "method"  # cannot learn a class from its own samples
OLD_MODEL = "old_model"  # which did not keep what is needed


@dataclass(frozen=True)
class ClassMap:
    """A method ready for the samples at hand.

    `classes` are those that the method knows, in its order; `new_classes` says of every class that the model was
    not trained on how its samples are moved.
    """

    method: "Method"
    classes: tuple[str, ...]
    new_classes: dict[str, str]

    def moved_as(self, class_index: NDArray[np.int64], target_class: str) -> NDArray[np.object_]:
        """The class whose map moves each sample; empty where it is left as it is, or there is one map for all."""
        names: NDArray[np.object_] = np.asarray(self.classes, dtype=object)[class_index]
        if not self.method.asks_class:
            return np.full(len(names), "", dtype=object)
        names[names == target_class] = ""
        return names


def class_map_for(
    method: "Method",
    classes: tuple[str, ...],
    profiles: Float32Array,
    told_class: NDArray[np.object_],
    likeliest: Callable[[Float32Array], NDArray[np.int64]],
    *,
    new_class: str | None = None,
) -> ClassMap:
    """A method with the maps of the classes that are new to it, made of scaled profiles of them.

    `likeliest` tells the known class, besides the target, that each profile is most like.

    Raises
    ------
    ModelError, UsageError
        If the map of `new_class` cannot be made, though there are samples enough. Other classes do without.
    """
    found: dict[str, str] = {}
    for name in sorted(set(map(str, told_class)) - {"", *classes}):
        cohort = profiles[told_class == name]
        if not method.asks_class:
            found[name] = ONE_FOR_ALL
        elif len(cohort) < FEWEST_SAMPLES:
            found[name] = TOO_FEW
        else:
            try:
                method, classes = method.with_class(name, cohort, likeliest(cohort)), (*classes, name)
                found[name] = OWN
            except (ModelError, UsageError) as error:
                if new_class is not None:
                    raise
                found[name] = OLD_MODEL if isinstance(error, ModelError) else METHOD
    return ClassMap(method, classes, found)


def check_new_class(new_class: str, classes: Sequence[str]) -> None:
    """Refuse a name for a new class that is none, or that the model knows.

    Raises
    ------
    UsageError
        With what to do instead.
    """
    if not new_class.strip():
        raise UsageError(f"{shown(new_class)} is no name for a new class. Give it one that can be printed.")
    check_characters([new_class], what="class", file="", error=UsageError)
    if new_class in classes:
        raise UsageError(
            f"{shown(new_class)} is no new class: the model was trained on it. Give it as the samples' class, by a "
            "labels file or column."
        )
