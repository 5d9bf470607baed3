"""Profiles that are not like those a model was trained on: in numbers, and in words."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from anndata import AnnData
from scipy.stats import binomtest

from tspg.experiment.alignment_notes import alignment_note
from tspg.model.shift import FEWEST_SAMPLES, MODEL, Shift
from tspg.utils.text import percent

LEVEL = 0.05  # of p, for one sample and for how many there are
MANY_CLIPPED = 0.05  # share of values


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
    found: dict[str, Any], clipped_fraction: float, alignment: Mapping[str, float] | None = None
) -> Iterator[str]:
    """What to know before believing what became of profiles from elsewhere, and what was done to them first.

    `found` is what `shift_metrics` gives, and `alignment` the facts of a cohort that was to be aligned.
    """
    mended = found["normalised"] != "none" or (alignment is not None and alignment["weight"] > 0)
    chance = found["p_value"]
    is_odd = chance is not None and found["n_flagged"] > 0 and chance <= LEVEL * (1 + 1e-9)
    if is_odd:
        over = " (by the model's own genes: the file lacks others)" if found["genes"] == MODEL else ""
        step = "Another pipeline is put right by --normalise quantile or --align cohort; biology is not."
        yield (
            f"{_how_many(found)} not like the samples that the model was trained on{over}: "
            f"another pipeline or unknown biology.{'' if mended else f' {step}'}"
        )
    if found["normalised"] != "none":
        yield "The profiles were given the training samples' distribution of values; biology stays as it is."
    if alignment is not None:
        yield alignment_note(alignment)
    if clipped_fraction > MANY_CLIPPED:
        yield (
            f"{percent(clipped_fraction)} of all values lie outside the range seen in training and were clipped: what "
            "became of these profiles says little. Are they in the same units, from the same pipeline?"
            + ("" if is_odd or mended else " If not, try --normalise quantile.")
        )
    if not found["tested"]:
        yield f"Whether the profiles come from another pipeline was not tested: {_why_not(found)}."


def _how_many(found: dict[str, Any]) -> str:
    if found["n_samples"] == 1:
        return "The sample is"
    return f"{found['n_flagged']:,} of {found['n_samples']:,} samples are"


def _why_not(found: dict[str, Any]) -> str:
    n = found["n_training"]
    if n is None:
        return "the model does not hold what is needed. Train it again with `tspg run`"
    if n < FEWEST_SAMPLES:
        return f"the model was trained on {n} samples, and {FEWEST_SAMPLES} are needed"
    return "all of them took part in training"
