"""One person's genes: which are unusual for her class, and which lie farthest from where the target would have them."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tspg.model.gene_statistics import q_values
from tspg.model.reference import SampleReference
from tspg.utils.typing import Float64Array

SAMPLE_GENE_COLUMNS = (
    *("sample", "gene", "value", "expected", "low", "high", "z_target", "p_target", "q_target"),
    *("z_own", "p_own", "q_own", "percentile_source", "percentile_target", "perturbation"),
)


def own_classes(obs: pd.DataFrame) -> list[str]:
    """The class that each moved sample is held against: its own, or where that is not known the one that f sees."""
    return [str(own or seen) for own, seen in zip(obs["source_class"], obs["predicted_before"], strict=True)]


def sample_gene_table(
    values: NDArray[np.floating],
    samples: Sequence[str],
    own_class: Sequence[str],
    perturbation: NDArray[np.floating],
    genes: Sequence[str],
    reference: SampleReference,
) -> pd.DataFrame:
    """Every gene of every sample: her value beside what her own class and the target class lead one to expect.

    Parameters
    ----------
    values
        Expression in the user's units, not clipped, shape (samples, genes).
    samples, own_class
        Name and own class of each sample; a class without a reference leaves what rests on it empty.
    perturbation
        Change by the model on the scaled axis, of the same shape.
    genes
        Their names.
    reference
        What real samples are like.

    Returns
    -------
    One row per sample and gene (`SAMPLE_GENE_COLUMNS`). Of each sample the genes most unusual for her own class
    come first (largest |z_own|).
    """
    parts = [
        _of_sample(values[[row]], samples[row], own_class[row], perturbation[row], genes, reference)
        for row in range(len(samples))
    ]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(SAMPLE_GENE_COLUMNS))


def _of_sample(
    value: NDArray[np.floating],
    sample: str,
    own_class: str,
    perturbation: NDArray[np.floating],
    genes: Sequence[str],
    reference: SampleReference,
) -> pd.DataFrame:
    own, target = reference.classes.get(own_class), reference.classes.get(reference.target_class)
    nothing = np.full(value.shape[1], np.nan)
    z_own = nothing if own is None else own.residual_z(value)[0]
    p_own = nothing if own is None else own.tail.p_value(z_own)
    columns = {
        "sample": sample,
        "gene": np.asarray(genes, dtype=object),
        "value": value[0].astype(np.float64),
        **_against_target(value[0].astype(np.float64), own_class, reference),
        "z_own": z_own,
        "p_own": p_own,
        "q_own": q_values(p_own),
        "percentile_source": nothing if own is None else own.percentile(value)[0],
        "percentile_target": nothing if target is None else target.percentile(value)[0],
        "perturbation": perturbation.astype(np.float64),
    }
    table = pd.DataFrame(columns)[list(SAMPLE_GENE_COLUMNS)]
    return table.iloc[np.argsort(-np.nan_to_num(np.abs(z_own), nan=-1.0), kind="stable")]


def _against_target(value: Float64Array, own_class: str, reference: SampleReference) -> dict[str, Float64Array]:
    """Where a sample of this class is expected in the target class, and how far off each value is."""
    nothing = np.full(len(value), np.nan)
    expected, expectation = reference.expected(value, own_class), reference.expectation(own_class)
    if expected is None or expectation is None:
        return dict.fromkeys(("expected", "low", "high", "z_target", "p_target", "q_target"), nothing)
    varies = expectation.sd > 0
    reach = np.where(varies, expectation.tail.half_width * expectation.sd, np.nan)
    z = (value - expected) / np.where(varies, expectation.sd, np.nan)
    p = expectation.tail.p_value(z)
    return {
        "expected": expected,
        "low": expected - reach,
        "high": expected + reach,
        "z_target": z,
        "p_target": p,
        "q_target": q_values(p),
    }
