"""Classes that a model was not trained on: each is moved by a map made of its samples, where possible."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tspg.errors import ModelError, UsageError
from tspg.model.methods import Method
from tspg.utils.names import check_characters, shown
from tspg.utils.typing import Float32Array, Int64Array, NameArray

FEWEST_SAMPLES = 5  # of a map: measured down to here by benchmarks/truth_new_class.py

# How the samples of a new class are moved. All but the first two: each as the class that f finds likeliest.
OWN_MAP = "own"  # by a map made of them
ONE_FOR_ALL = "one_for_all"  # as every profile: the method does not ask for the class
TOO_FEW = "too_few"
METHOD = "method"  # cannot learn a class from its samples
OLD_MODEL = "old_model"  # did not keep what is needed


@dataclass(frozen=True)
class ClassMaps:
    """A method with maps of the new classes among the samples.

    `classes` are those that the method knows, in its order; `new_classes` says how the samples of each class that the
    model was not trained on are moved.
    """

    method: Method
    classes: tuple[str, ...]
    new_classes: dict[str, str]

    def moved_as(self, class_index: Int64Array, target_class: str) -> NameArray:
        """The class whose map moves each sample; empty where it stays as it is, or one map moves all."""
        names: NameArray = np.asarray(self.classes, dtype=object)[class_index]
        names[(names == target_class) | (not self.method.asks_class)] = ""
        return names


def class_maps_for(
    method: Method,
    classes: tuple[str, ...],
    profiles: Float32Array,
    source_class: NameArray,
    likeliest: Callable[[Float32Array], Int64Array],
    *,
    new_class: str | None = None,
) -> ClassMaps:
    """A method with maps of the classes that are new to it, made of scaled profiles of them.

    `likeliest` gives the known class, besides the target, that each profile resembles most.

    Raises
    ------
    ModelError, UsageError
        If the map of `new_class` cannot be made from five samples or more. Other classes do without.
    """
    found: dict[str, str] = {}
    for name in sorted(set(map(str, source_class)) - {"", *classes}):
        cohort = profiles[source_class == name]
        if not method.asks_class:
            found[name] = ONE_FOR_ALL
        elif len(cohort) < FEWEST_SAMPLES:
            found[name] = TOO_FEW
        else:
            try:
                method, classes = method.with_class(cohort, likeliest(cohort)), (*classes, name)
                found[name] = OWN_MAP
            except (ModelError, UsageError) as error:
                if new_class is not None:
                    raise
                found[name] = OLD_MODEL if isinstance(error, ModelError) else METHOD
    return ClassMaps(method, classes, found)


def check_new_class(new_class: str, classes: Sequence[str]) -> None:
    """Refuse a name for a new class that is blank, or that the model knows.

    Raises
    ------
    UsageError
        Saying what to do instead.
    """
    if not new_class.strip():
        raise UsageError(f"{shown(new_class)} is no name for a new class. Give it one that can be printed.")
    check_characters([new_class], what="class", file="", error=UsageError)
    if new_class in classes:
        raise UsageError(
            f"{shown(new_class)} is no new class: the model was trained on it. Give it as the samples' class, in a "
            "labels file or column."
        )
