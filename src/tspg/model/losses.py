"""The paper's Eqs. 1-4, one function each (Eq. 5 is their weighted sum).

The paper leaves open how each is reduced over genes and samples. These reductions reproduce its results;
`docs/deviations.md` says what others do.
"""

import operator

import torch
from torch import Tensor

from tspg.errors import ShapeError


def discriminator_loss(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """L_GAN (Eq. 1) as D sees it: real profiles should score 1, perturbed ones 0.

    Least squares, as the text says (Mao et al. 2017), each a mean over its batch. The two inputs
    have shape (batch,); the batches may differ in size.
    """
    _require_vector(real_scores, "real_scores")
    _require_vector(fake_scores, "fake_scores")
    return (real_scores - 1).square().mean() + fake_scores.square().mean()


def realism_loss(fake_scores: Tensor) -> Tensor:
    """L_GAN (Eq. 1) as G sees it: perturbed profiles should score 1. Input has shape (batch,)."""
    _require_vector(fake_scores, "fake_scores")
    return (fake_scores - 1).square().mean()


def target_class_loss(probabilities: Tensor, target_index: int, confidence: float = 0.0) -> Tensor:
    """L_adv (Eq. 2): how far f is from calling the profiles the target class, summed over the batch.

    For each sample the probability of the likeliest other class minus that of the target, never
    below `confidence` (kappa). `probabilities` has shape (batch, classes). The class is given as an
    index: a one-hot matrix of the wrong rank would broadcast silently.

    Raises
    ------
    ShapeError
        If `probabilities` is no (batch, classes) matrix of two classes or more, or the index is not one of its columns.
    """
    if probabilities.ndim != 2 or probabilities.shape[1] < 2:
        raise ShapeError(
            f"probabilities has shape {tuple(probabilities.shape)}; (batch, two or more classes) is needed."
        )
    if not 0 <= operator.index(target_index) < probabilities.shape[1]:
        raise ShapeError(
            f"target_index is {target_index}; a class index from 0 to {probabilities.shape[1] - 1} is needed."
        )
    target = probabilities[:, target_index]
    others = torch.cat([probabilities[:, :target_index], probabilities[:, target_index + 1 :]], dim=1)
    return (others.amax(dim=1) - target).clamp(min=confidence).sum()


def perturbation_norm_loss(raw_perturbation: Tensor) -> Tensor:
    """L_norm (Eq. 3): the length (L2 norm over genes) of each sample's G(x), mean over samples."""
    if raw_perturbation.ndim != 2:
        raise ShapeError(f"raw_perturbation has shape {tuple(raw_perturbation.shape)}; (batch, genes) is needed.")
    lengths: Tensor = torch.linalg.vector_norm(raw_perturbation, dim=1)
    return lengths.mean()


def target_distance_loss(perturbed: Tensor, target_sample: Tensor) -> Tensor:
    """L_td (Eq. 4): L1 distance to draws r_t ~ N(mu_t, Sigma_t), summed over genes.

    Both inputs have shape (batch, genes); the result is the mean over samples. Summing over
    genes, as the paper's L1 norm does, makes this term outweigh L_norm; an average would let G stop short of the
    target state.

    Raises
    ------
    ShapeError
        If the shapes differ; a single mean profile would otherwise broadcast.
    """
    if perturbed.ndim != 2 or perturbed.shape != target_sample.shape:
        raise ShapeError(
            f"perturbed has shape {tuple(perturbed.shape)} and target_sample {tuple(target_sample.shape)}; "
            "both must be (batch, genes)."
        )
    return (perturbed - target_sample).abs().sum(dim=1).mean()


def _require_vector(scores: Tensor, name: str) -> None:
    if scores.ndim != 1:
        raise ShapeError(f"{name} has shape {tuple(scores.shape)}; one score per sample, shape (batch,), is needed.")
