"""One table per sample: which genes are unusual for its class, and which differ most from the target class."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tspg.model.gene_statistics import q_values
from tspg.model.reference import SampleReference

SAMPLE_GENE_COLUMNS = (
    *("sample", "gene", "value", "expected", "low", "high", "z_target", "p_target", "q_target"),
    *("z_own", "p_own", "q_own", "percentile_source", "percentile_target", "perturbation"),
)


def comparison_classes(obs: pd.DataFrame) -> list[str]:
    """The class that each moved sample is compared with: its own, or where it is not known the one that f sees."""
    return [str(known or seen) for known, seen in zip(obs["source_class"], obs["predicted_before"], strict=True)]


def sample_gene_table(
    values: NDArray[np.floating],
    samples: Sequence[str],
    classes: Sequence[str],
    perturbation: NDArray[np.floating],
    genes: Sequence[str],
    reference: SampleReference,
) -> pd.DataFrame:
    """Every gene of every sample: its value, and how that compares with the sample's class and the target class.

    Parameters
    ----------
    values
        Expression in the user's units, not clipped, shape (samples, genes).
    samples, classes
        Name and class of each sample; columns about a class without a reference are empty.
    perturbation
        Change by the model on the scaled axis, of the same shape.
    genes
        Their names.
    reference
        What real samples are like.

    Returns
    -------
    One row per sample and gene (`SAMPLE_GENE_COLUMNS`). Of each sample the genes most unusual for its class come
    first (largest |z_own|).
    """
    parts = [
        _of_sample(values[[row]], samples[row], classes[row], perturbation[row], genes, reference)
        for row in range(len(samples))
    ]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(SAMPLE_GENE_COLUMNS))


def _of_sample(
    row: NDArray[np.floating],
    sample: str,
    class_name: str,
    perturbation: NDArray[np.floating],
    genes: Sequence[str],
    reference: SampleReference,
) -> pd.DataFrame:
    known, target = reference.classes.get(class_name), reference.classes.get(reference.target_class)
    value, nothing = row[0].astype(np.float64), np.full(row.shape[1], np.nan)
    z_own = nothing if known is None else known.residual_z(row)[0]
    p_own = nothing if known is None else known.tail.p_value(z_own)
    expected, expectation = reference.expected(value, class_name), reference.expectation(class_name)
    if expected is None or expectation is None:
        expected = reach = z_target = p_target = nothing
    else:
        sd = np.where(expectation.sd > 0, expectation.sd, np.nan)
        reach, z_target = expectation.tail.half_width * sd, (value - expected) / sd
        p_target = expectation.tail.p_value(z_target)
    columns = {
        "sample": sample,
        "gene": np.asarray(genes, dtype=object),
        "value": value,
        "expected": expected,
        "low": expected - reach,
        "high": expected + reach,
        "z_target": z_target,
        "p_target": p_target,
        "q_target": q_values(p_target),
        "z_own": z_own,
        "p_own": p_own,
        "q_own": q_values(p_own),
        "percentile_source": nothing if known is None else known.percentile(row)[0],
        "percentile_target": nothing if target is None else target.percentile(row)[0],
        "perturbation": perturbation.astype(np.float64),
    }
    return pd.DataFrame(columns).iloc[np.argsort(-np.nan_to_num(np.abs(z_own), nan=-1.0), kind="stable")]
