"""Samples of classes that a model was never trained on: how they were moved, in numbers and in words."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from anndata import AnnData

from tspg.model.new_classes import FEWEST_SAMPLES, METHOD, OLD_MODEL, ONE_FOR_ALL, OWN_MAP, TOO_FEW
from tspg.utils.names import near_matches, shown
from tspg.utils.text import counted, number


def new_class_metrics(perturbations: AnnData) -> dict[str, dict[str, Any]]:
    """Every class of moved samples that the model was not trained on: how many, how moved, and as which classes."""
    about, obs = perturbations.uns["tspg"], perturbations.obs
    found = {}
    for name, how in zip(about.get("new_classes", ()), about.get("new_classes_moved", ()), strict=True):
        moved_as = obs.loc[obs["source_class"] == name, "moved_as"]
        counts = moved_as[moved_as != ""].value_counts().sort_index()
        found[str(name)] = {
            "n": len(moved_as),
            "moved": str(how),
            "moved_as": {str(one): int(n) for one, n in counts.items()},
        }
    return found


def notes_on_new_classes(
    found: Mapping[str, Mapping[str, Any]], classes: Sequence[str], method: str, unseen_energy_ratio: float | None
) -> Iterator[str]:
    """What to know of samples whose class the model was not trained on, from `new_class_metrics`.

    `unseen_energy_ratio` is what the audit of the model's run found for a class that it left out.
    """
    for how, words in _HOW.items():
        named = {name: one for name, one in found.items() if one["moved"] == how}
        if named:
            told = ", ".join(f"{shown(name)} ({counted(one['n'], 'sample')})" for name, one in named.items())
            yield f"The model was not trained on {told}. {words.format(method=method, fewest=FEWEST_SAMPLES)}"
    if any(one["moved"] != OWN_MAP for one in found.values()):
        yield _cost(unseen_energy_ratio)
    if alike := near_matches(found, classes):
        meant = ", ".join(f"{shown(name)} ({shown(known)} is known)" for name, known in alike)
        yield f"Is the name of a class misspelt? {meant}."


_AS_LIKELIEST = "Each was moved as the class that f finds likeliest besides the target; samples.tsv tells which."
_HOW = {
    OWN_MAP: "They were moved by a map made of their own mean and spread: where each goes depends on the others given.",
    ONE_FOR_ALL: "Method {method} moves every profile alike, whatever its class.",
    TOO_FEW: f"These are too few to make a map of ({{fewest}} are needed). {_AS_LIKELIEST}",
    METHOD: f"Method {{method}} cannot learn a class from its own samples. {_AS_LIKELIEST}",
    OLD_MODEL: "The model was made by an earlier version of tspg and does not hold what the map of a new class is made "
    f"with: train it again to have one. {_AS_LIKELIEST}",
}


def _cost(ratio: float | None) -> str:
    if ratio is None:
        return "How far such samples stay from the target was not measured; `tspg audit` of the model's own run does."
    return (
        f"How far such samples may stay from the target: in the audit of the model's own run the energy ratio of a "
        f"class left out of training was up to {number(ratio)}, where 0 is like real target samples and 1 not moved."
    )
