"""The target state's mean and spread against NumPy, and its draws against both."""

import numpy as np
import pytest

from tspg.errors import ShapeError
from tspg.model.target_state import TargetState

SAMPLES, GENES, DRAWS = 6, 9, 200_000  # fewer samples than genes: the covariance is singular


@pytest.fixture
def profiles():
    return np.random.default_rng(1).random((SAMPLES, GENES))


def test_factor_gives_the_sample_covariance(profiles):
    state = TargetState.estimate(profiles)
    np.testing.assert_allclose(state.mean, profiles.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(state.factor @ state.factor.T, np.cov(profiles, rowvar=False), atol=1e-6)
    assert np.linalg.matrix_rank(np.cov(profiles, rowvar=False)) < GENES  # so a Cholesky factor does not exist


def test_draws_have_the_mean_and_covariance_of_the_samples(profiles):
    draws = TargetState.estimate(profiles).draw(DRAWS, np.random.default_rng(2)).astype(np.float64)
    covariance = np.cov(profiles, rowvar=False)
    # five standard errors: of a mean sqrt(v / n), of a covariance sqrt((v_i v_j + c_ij^2) / n)
    error_of_mean = np.sqrt(np.diag(covariance) / DRAWS)
    error = np.sqrt((np.outer(np.diag(covariance), np.diag(covariance)) + covariance**2) / DRAWS)
    assert (np.abs(draws.mean(axis=0) - profiles.mean(axis=0)) < 5 * error_of_mean).all()
    assert (np.abs(np.cov(draws, rowvar=False) - covariance) < 5 * error).all()


def test_draws_stay_in_the_plane_of_the_samples(profiles):
    state = TargetState.estimate(profiles)
    residual = state.draw(50, np.random.default_rng(3)) - state.mean
    inside = np.linalg.svd(profiles - profiles.mean(axis=0), full_matrices=False)[2][: SAMPLES - 1]
    np.testing.assert_allclose(residual, residual @ inside.T @ inside, atol=1e-5)


def test_one_sample_is_its_own_target_state():
    one = np.random.default_rng(4).random((1, GENES)).astype(np.float32)
    draws = TargetState.estimate(one).draw(3, np.random.default_rng(5))
    np.testing.assert_array_equal(draws, np.repeat(one, 3, axis=0))


def test_equal_seeds_draw_equal_states(profiles):
    state = TargetState.estimate(profiles)
    first, second, other = (state.draw(4, np.random.default_rng(seed)) for seed in (6, 6, 7))
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("shape", [(GENES,), (0, GENES)])
def test_no_samples_are_refused(shape):
    with pytest.raises(ShapeError, match="one or more samples"):
        TargetState.estimate(np.zeros(shape))
