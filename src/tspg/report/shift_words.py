"""Profiles that are not like those a model was trained on: in numbers, and in words."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from anndata import AnnData
from scipy.stats import binomtest

from tspg.analysis.wording import percent
from tspg.model.shift import FEWEST_SAMPLES, MODEL, Shift

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


def notes_on_shift(found: dict[str, Any], clipped_fraction: float) -> Iterator[str]:
    """What to know before believing what became of profiles from elsewhere, from `shift_metrics`."""
    step = (
        "They were given the training samples' distribution of values; biology stays as it is."
        if found["normalised"] != "none"
        else "Another pipeline is put right by --normalise quantile, biology is not."
    )
    chance = found["p_value"]
    is_odd = chance is not None and found["n_flagged"] > 0 and chance <= LEVEL * (1 + 1e-9)
    if is_odd:
        over = " (by the model's own genes: the file lacks others)" if found["genes"] == MODEL else ""
        yield (
            f"{_how_many(found)} not like the samples that the model was trained on{over}: "
            f"another pipeline or unknown biology. {step}"
        )
    if clipped_fraction > MANY_CLIPPED:
        yield (
            f"{percent(clipped_fraction)} of all values lie outside the range seen in training and were clipped: what "
            "became of these profiles says little. Are they in the same units, from the same pipeline?"
            + ("" if is_odd or found["normalised"] != "none" else " If not, try --normalise quantile.")
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
