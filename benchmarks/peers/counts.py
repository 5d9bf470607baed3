"""Callers of unusual genes that model counts, written from the formulas of their papers; and PyDESeq2 itself.

- OUTRIDER-like (Brechtmann et al. 2018): expected counts from an autoencoder of log counts, here principal components
  alone (its start, without the further fit of the decoder), as many as exceed the threshold of Gavish and Donoho
  (2014); a negative binomial per gene; two-sided p-values.
- bulkDGD-like (Prada-Luengo et al. 2023): a decoder from a latent point per sample to negative binomial means, trained
  together with the points; a new sample's point is found by gradient descent; two-sided p-values.
"""

import warnings
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import nbinom

Numbers = NDArray[np.float64]
LATENT, HIDDEN, EPOCHS, STEPS = 20, 128, 300, 150
LARGEST_SIZE = 1e4  # of a negative binomial; above it is a Poisson


def as_counts(values: NDArray[np.floating], added: float = 1.0) -> NDArray[np.int64]:
    """Counts from log2(count + added), rounded: the normalised counts that a study gives, not those of a sequencer."""
    return np.rint(np.maximum(np.exp2(values.astype(np.float64)) - added, 0)).astype(np.int64)


def size_factors(counts: NDArray[np.int64], reference: Numbers) -> Numbers:
    """The median ratio of each sample to mean log counts of a reference, over genes that the reference has."""
    usable = np.isfinite(reference)
    return np.exp(np.median(np.log(counts[:, usable] + 0.5) - reference[usable], axis=1))


def signed_evidence(counts: NDArray[np.int64], mean: Numbers, size: Numbers) -> Numbers:
    """-log10 of the two-sided p-value of counts under negative binomials, with the sign of the difference."""
    share = size / (size + mean)
    below, here = nbinom.cdf(counts, size, share), nbinom.pmf(counts, size, share)
    p = np.minimum(1, 2 * np.minimum(np.minimum(below, 0.5), np.minimum(1 - below + here, 0.5)))
    distance = np.abs(np.log(counts + 0.5) - np.log(mean + 0.5))  # orders those whose p is 0
    return np.sign(counts - mean) * (-np.log10(np.maximum(p, 1e-300)) + 1e-6 * distance)


def sizes(counts: NDArray[np.int64], mean: Numbers) -> Numbers:
    """The size of the negative binomial of each gene, by moments."""
    extra = ((counts - mean) ** 2 - mean).sum(axis=0)
    return np.clip(
        np.divide((mean**2).sum(axis=0), extra, out=np.full(len(extra), LARGEST_SIZE), where=extra > 0),
        1e-2,
        LARGEST_SIZE,
    )


@dataclass(frozen=True)
class OutriderLike:
    """Expected counts by principal components of the log counts of training people."""

    reference: Numbers
    centre: Numbers
    directions: Numbers
    size: Numbers

    @classmethod
    def fit(cls, counts: NDArray[np.int64]) -> "OutriderLike":
        """Learn components, by the optimal hard threshold, and the spread of every gene."""
        reference = np.log(counts + 0.5).mean(axis=0)
        logs = cls._logs(counts, reference)
        centre = logs.mean(axis=0)
        _, values, directions = np.linalg.svd(logs - centre, full_matrices=False)
        ratio = min(logs.shape) / max(logs.shape)
        limit = (0.56 * ratio**3 - 0.95 * ratio**2 + 1.82 * ratio + 1.43) * np.median(values)
        kept = directions[: max(1, int((values > limit).sum()))]
        fitted = cls(reference, centre, kept, np.empty(0))
        return cls(reference, centre, kept, sizes(counts, fitted.mean(counts)))

    @staticmethod
    def _logs(counts: NDArray[np.int64], reference: Numbers) -> Numbers:
        return np.log((counts + 1) / size_factors(counts, reference)[:, None])

    def mean(self, counts: NDArray[np.int64]) -> Numbers:
        """Expected counts."""
        logs = self._logs(counts, self.reference) - self.centre
        expected = logs @ self.directions.T @ self.directions + self.centre
        return np.exp(expected) * size_factors(counts, self.reference)[:, None]

    def scores(self, counts: NDArray[np.int64]) -> Numbers:
        """Signed evidence that a gene is unusual, a row for each person."""
        return signed_evidence(counts, self.mean(counts), self.size)


class BulkDGDLike:
    """A decoder from latent points to counts, and the points of training people."""

    def __init__(self, counts: NDArray[np.int64], seed: int) -> None:
        torch.manual_seed(seed)
        n, genes = counts.shape
        self.reference = np.log(counts + 0.5).mean(axis=0)
        self.decoder = torch.nn.Sequential(
            torch.nn.Linear(LATENT, HIDDEN), torch.nn.ReLU(), torch.nn.Linear(HIDDEN, genes)
        )
        torch.nn.init.zeros_(self.decoder[2].weight)
        with torch.no_grad():
            self.decoder[2].bias.copy_(torch.tensor(self.reference, dtype=torch.float32))
        self.log_size = torch.nn.Parameter(torch.full((genes,), np.log(5.0), dtype=torch.float32))
        points = torch.nn.Parameter(0.1 * torch.randn(n, LATENT))
        optimiser = torch.optim.Adam(
            [
                {"params": self.decoder.parameters(), "lr": 1e-3, "weight_decay": 1e-5},
                {"params": [self.log_size, points], "lr": 1e-2},
            ]
        )
        self._descend(counts, points, optimiser, EPOCHS)
        for weights in (*self.decoder.parameters(), self.log_size):
            weights.requires_grad_(False)

    def _mean(self, points: torch.Tensor, counts: NDArray[np.int64]) -> torch.Tensor:
        sizes_ = torch.tensor(size_factors(counts, self.reference), dtype=torch.float32)
        return torch.exp(self.decoder(points).clamp(max=30)) * sizes_[:, None]

    def _descend(
        self, counts: NDArray[np.int64], points: torch.Tensor, optimiser: torch.optim.Optimizer, steps: int
    ) -> None:
        seen = torch.tensor(counts, dtype=torch.float32)
        for _ in range(steps):
            mean, size = self._mean(points, counts), torch.exp(self.log_size.clamp(-4, 9))
            likelihood = (
                torch.lgamma(seen + size)
                - torch.lgamma(size)
                + size * torch.log(size / (size + mean))
                + seen * torch.log(mean / (size + mean) + 1e-12)
            )
            loss = -likelihood.sum() + 0.5 * (points**2).sum()
            optimiser.zero_grad()
            (loss / seen.numel()).backward()
            optimiser.step()

    def scores(self, counts: NDArray[np.int64]) -> Numbers:
        """Signed evidence that a gene is unusual, a row for each person; her point is found first."""
        points = torch.nn.Parameter(torch.zeros(len(counts), LATENT))
        self._descend(counts, points, torch.optim.Adam([points], lr=5e-2), STEPS)
        with torch.no_grad():
            mean = self._mean(points, counts).double().numpy()
        size = np.exp(np.clip(self.log_size.numpy().astype(np.float64), -4, 9))
        return signed_evidence(counts, mean, size)


def pydeseq2(counts: NDArray[np.int64], is_target: NDArray[np.bool_]) -> Numbers:
    """The Wald statistic of PyDESeq2 for target against source, by its own recipe."""
    import pandas as pd
    from pydeseq2.dds import DeseqDataSet
    from pydeseq2.ds import DeseqStats

    names = [f"s{number}" for number in range(len(counts))]
    table = pd.DataFrame(counts, index=names, columns=[f"G{gene}" for gene in range(counts.shape[1])])
    states = pd.DataFrame({"state": np.where(is_target, "target", "source")}, index=names)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = DeseqDataSet(counts=table, metadata=states, design="~state", n_cpus=1, quiet=True)
        data.deseq2()
        found = DeseqStats(data, contrast=["state", "target", "source"], n_cpus=1, quiet=True)
        found.summary()
    return found.results_df["stat"].fillna(0.0).to_numpy()
