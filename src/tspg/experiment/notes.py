"""New profiles beside those that a model was trained on: how alike they are and how they were moved, in words last."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from anndata import AnnData
from scipy.stats import binomtest

from tspg.analysis.evaluation.thresholds import MANY_CLIPPED
from tspg.model.new_classes import FEWEST_SAMPLES as FEWEST_OF_CLASS
from tspg.model.new_classes import METHOD, OLD_MODEL, ONE_FOR_ALL, OWN_MAP, TOO_FEW
from tspg.model.shift import FEWEST_SAMPLES, MODEL, Shift
from tspg.utils.names import near_matches, shown
from tspg.utils.text import counted, number, percent

LEVEL = 0.05  # of p, for one sample and for how many there are
_AS_LIKELIEST = (
    "Each was moved as the class that the classifier finds likeliest besides the target; samples.tsv has the class."
)
_HOW_MOVED = {
    OWN_MAP: "They were moved by a map made of their own mean and spread: where each goes depends on the others given.",
    ONE_FOR_ALL: "Method {method} moves every profile alike, whatever its class.",
    TOO_FEW: f"These are too few to make a map of ({{fewest}} are needed). {_AS_LIKELIEST}",
    METHOD: f"Method {{method}} cannot learn a class from its own samples. {_AS_LIKELIEST}",
    OLD_MODEL: "The model was made by an earlier version of tspg and does not hold what the map of a new class is made "
    f"with: train it again to have one. {_AS_LIKELIEST}",
}


def shift_metrics(shift: Shift | None, perturbations: AnnData) -> dict[str, Any]:
    """How many of the profiles are not like the training samples; those that took part in training do not count.

    `p_value` says how likely as many would be by chance. `n_training` is None where the model holds no distribution.
    """
    about, obs = perturbations.uns["tspg"], perturbations.obs
    p = obs["p_shift"].to_numpy(dtype=float)[obs["split"].ne("train").to_numpy()]
    p = p[np.isfinite(p)]
    flagged = int((p < LEVEL).sum())
    return {
        "tested": len(p) > 0,
        "genes": about["shift_genes"],
        "n_samples": len(p),
        "n_flagged": flagged,
        "p_value": float(binomtest(flagged, len(p), LEVEL, alternative="greater").pvalue) if len(p) else None,
        "n_training": None if shift is None else shift.of_panel.n,
        "normalised": about["normalised"],
    }


def notes_on_profiles(
    shift: dict[str, Any], clipped_fraction: float, alignment: Mapping[str, float] | None = None
) -> Iterator[str]:
    """What to know before believing what became of profiles from elsewhere, and what was done to them first.

    `shift` is what `shift_metrics` gives, and `alignment` the facts of a cohort that was to be aligned.
    """
    corrected = shift["normalised"] != "none" or (alignment is not None and alignment["weight"] > 0)
    p_value, n = shift["p_value"], shift["n_samples"]
    is_odd = p_value is not None and shift["n_flagged"] > 0 and p_value <= LEVEL * (1 + 1e-9)
    if is_odd:
        subject = "The sample is" if n == 1 else f"{shift['n_flagged']:,} of {n:,} samples are"
        over = " (by the model's own genes: the file lacks others)" if shift["genes"] == MODEL else ""
        step = "Another pipeline is put right by --normalise quantile or --align cohort; biology is not."
        yield (
            f"{subject} not like the samples that the model was trained on{over}: "
            f"another pipeline or unknown biology.{'' if corrected else f' {step}'}"
        )
    if shift["normalised"] != "none":
        yield "The profiles were given the training samples' distribution of values; biology stays as it is."
    if alignment is not None:
        yield alignment_note(alignment)
    if clipped_fraction > MANY_CLIPPED:
        yield (
            f"{percent(clipped_fraction)} of all values lie outside the range seen in training and were clipped: what "
            "became of these profiles says little. Are they in the same units, from the same pipeline?"
            + ("" if is_odd or corrected else " If not, try --normalise quantile.")
        )
    if not shift["tested"]:
        n_training, reason = shift["n_training"], "all of them took part in training"
        if n_training is None:
            reason = "the model does not hold what is needed. Train it again with `tspg run`"
        elif n_training < FEWEST_SAMPLES:
            reason = f"the model was trained on {n_training} samples, and {FEWEST_SAMPLES} are needed"
        yield f"Whether the profiles come from another pipeline was not tested: {reason}."


def alignment_note(facts: Mapping[str, float]) -> str:
    """What was removed of a cohort's difference from the training cohort, and what that costs; from `Aligned.facts`."""
    cohort = f"The cohort of {counted(int(facts['n']), 'sample')}"
    difference = (
        f"mean squared difference {number(facts['size'])}, in squared standard deviations; by chance "
        f"{number(facts['expected'])}, and in 95 of 100 cohorts at most {number(facts['limit'])}"
    )
    if facts["weight"] == 0:
        return f"{cohort} was left as it is: it differs from the training cohort no more than by chance ({difference})."
    return (
        f"{cohort} was aligned: {percent(facts['weight'])} of its mean difference from the training cohort was "
        f"removed, gene by gene ({difference}). Real differences of this cohort are removed too; what is left are "
        "differences between its samples."
    )


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
    for how, words in _HOW_MOVED.items():
        names = [f"{shown(name)} ({counted(one['n'], 'sample')})" for name, one in found.items() if one["moved"] == how]
        if names:
            step = words.format(method=method, fewest=FEWEST_OF_CLASS)
            yield f"The model was not trained on {', '.join(names)}. {step}"
    if any(one["moved"] != OWN_MAP for one in found.values()):
        if unseen_energy_ratio is None:
            yield (
                "How far such samples stay from the target was not measured; `tspg audit` of the model's own run does."
            )
        else:
            yield (
                "How far such samples may stay from the target: in the audit of the model's own run the energy ratio "
                f"of a class left out of training was up to {number(unseen_energy_ratio)}, where 0 is like real target "
                "samples and 1 not moved."
            )
    if alike := near_matches(found, classes):
        meant = ", ".join(f"{shown(name)} ({shown(known)} is known)" for name, known in alike)
        yield f"Is the name of a class misspelt? {meant}."
