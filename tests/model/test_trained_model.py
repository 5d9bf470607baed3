"""A trained model: the units of moved profiles, and what older models cannot do."""

from dataclasses import replace

import numpy as np
import pytest

from tspg.analysis.interpretation.perturbations import read_perturbations, write_perturbations
from tspg.errors import ModelError
from tspg.model.methods import Method


def test_moved_profiles_are_also_in_the_users_units(planted_run, planted, tmp_path, monkeypatch):
    monkeypatch.setattr("tspg.data.prepare._VALUES_AT_ONCE", 2)  # several blocks
    train = np.array([planted_run.model.split[name] == "train" for name in planted.adata.obs_names])
    low, high = (edge(planted.adata.X[train].astype(float), axis=0) for edge in (np.min, np.max))
    for moved in (planted_run.perturbations, planted_run.model.perturb(planted.adata[:3])):
        found = moved.layers["moved_units"]
        assert (found.dtype, found.shape) == (np.float32, moved.shape)
        np.testing.assert_allclose(found, low + moved.X * (high - low), rtol=1e-6)
        assert "scaled" in moved.uns["tspg"]["X_units"]
    write_perturbations(planted_run.perturbations, tmp_path / "perturbations.h5ad")
    again = read_perturbations(tmp_path).layers["moved_units"]
    np.testing.assert_array_equal(again, planted_run.perturbations.layers["moved_units"])


class Still(Method):
    """Moves nothing."""

    name, asks_class = "still", False

    def raw_perturbation(self, profiles, class_index):  # noqa: ARG002
        return np.zeros_like(profiles)

    def files(self):
        return {}


def test_a_profile_that_is_not_moved_keeps_its_values(planted_run, planted):
    moved = replace(planted_run.model, method=Still()).perturb(planted.adata)
    inside = moved.obs["clipped"].to_numpy() == 0
    assert inside.sum() > 90  # all training samples
    np.testing.assert_allclose(moved.layers["moved_units"][inside], planted.adata.X[inside], rtol=1e-6)


@pytest.mark.parametrize("options", [{"align": "cohort"}, {"normalise": "quantile"}])
def test_a_model_without_what_an_option_needs_says_so(planted_run, planted, options):
    older = replace(planted_run.model, shift=None, alignment=None)
    with pytest.raises(ModelError, match="Train it again"):
        older.perturb(planted.adata, label_column="label", **options)
