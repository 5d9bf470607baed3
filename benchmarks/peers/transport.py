"""Methods of POT, a map for each source class: Gaussian Monge, exact (EMD) and entropic transport.

Only EMD has nothing to tune. The other two have one number each, chosen by the inner split of `Lesson.tuned`.
"""

from functools import partial

import numpy as np
import ot
from learning import Lesson, Move, Profiles, by_class
from numpy.typing import NDArray
from scipy.special import logsumexp

RIDGES = (1e-6, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)  # added to the covariances; POT's own is 1e-6
BLURS = (0.003, 0.01, 0.03, 0.1, 0.3)  # entropic regularisation, in median squared distances
Numbers = NDArray[np.float64]


def monge(lesson: Lesson, ridge: float) -> Move:
    """The transport map between Gaussians, with a ridge on both covariances.

    It is computed on the span of the samples of both classes. Outside of it both covariances are the ridge alone and
    the map is the identity, so nothing is lost.
    """

    def learned(source: Profiles, target: Profiles) -> "_Span":
        both = np.vstack([source, target]).astype(np.float64)
        centre = both.mean(axis=0)
        directions = np.linalg.svd(both - centre, full_matrices=False)[2][:-1]
        spans = [(part - centre) @ directions.T for part in (source, target)]
        matrix, offset = ot.gaussian.empirical_bures_wasserstein_mapping(*spans, reg=ridge)
        return _Span(centre, directions, np.asarray(matrix), np.asarray(offset).ravel())

    return by_class({name: learned(lesson.of_class(name), lesson.targets) for name in lesson.sources})


class _Span:
    """A linear map on the directions that samples span, and the identity outside of them."""

    def __init__(self, centre: Numbers, directions: Numbers, matrix: Numbers, offset: Numbers) -> None:
        self.centre, self.directions, self.matrix, self.offset = centre, directions, matrix, offset

    def __call__(self, profiles: Profiles) -> Numbers:
        inside = (profiles - self.centre) @ self.directions.T
        return profiles + (inside @ self.matrix + self.offset - inside) @ self.directions


def emd(lesson: Lesson) -> Move:
    """Exact transport between samples; another profile moves as the nearest training sample of its class does."""

    def learned(name: str) -> ot.da.EMDTransport:
        return ot.da.EMDTransport().fit(Xs=_wide(lesson.of_class(name)), Xt=_wide(lesson.targets))

    maps = {name: learned(name) for name in lesson.sources}
    return by_class({name: partial(_transformed, one) for name, one in maps.items()})


def _transformed(one: ot.da.EMDTransport, profiles: Profiles) -> Numbers:
    return np.asarray(one.transform(Xs=_wide(profiles)))


def entropic(lesson: Lesson, blur: float) -> Move:
    """The entropic map: target samples averaged with the weights that the dual potentials give to any profile."""

    def learned(source: Numbers, target: Numbers) -> partial[Numbers]:
        cost = ot.dist(source, target)
        epsilon = blur * float(np.median(cost))
        uniform = ot.unif(len(source)), ot.unif(len(target))
        with np.errstate(over="ignore"):  # of the potentials' exponentials, which are not used
            log = ot.bregman.sinkhorn_log(*uniform, cost, epsilon, numItermax=5000, log=True, warn=False)[1]
        return partial(_averaged, target=target, potential=np.asarray(log["log_v"]), epsilon=epsilon)

    return by_class({name: learned(_wide(lesson.of_class(name)), _wide(lesson.targets)) for name in lesson.sources})


def _averaged(profiles: Profiles, target: Numbers, potential: Numbers, epsilon: float) -> Numbers:
    logits = potential - ot.dist(_wide(profiles), target) / epsilon
    return np.exp(logits - logsumexp(logits, axis=1, keepdims=True)) @ target


def _wide(profiles: Profiles) -> Numbers:
    return profiles.astype(np.float64)
