"""`perturbations.h5ad` in scanpy: opened, analysed, plotted, written back, and read here again.

Runs where scanpy is installed, with `pip install -c constraints.txt -e '.[ecosystem]'`.
"""

import warnings
from pathlib import Path

import anndata
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import tspg
from tspg.analysis.interpretation.perturbations import write_perturbations
from tspg.experiment.fit import fit_classifier, fit_target
from tspg.experiment.task import make_task
from tspg.model.training import silent
from tspg.utils.timing import Clock

with warnings.catch_warnings():  # what scanpy and its own dependencies say while they are imported is not about us
    warnings.simplefilter("ignore")
    sc = pytest.importorskip("scanpy", reason="scanpy is not installed: pip install '.[ecosystem]'")

# Of scanpy's own calls: matplotlib has a newer way to colour what is missing; umap tells that a seed means one thread.
pytestmark = [
    pytest.mark.filterwarnings("ignore:The set_bad function will be deprecated:PendingDeprecationWarning"),
    pytest.mark.filterwarnings("ignore:n_jobs value 1 overridden:UserWarning"),
]
INK = 0.01  # share of a figure that is not background, at least


@pytest.fixture(scope="module")
def written(planted, tmp_path_factory) -> tuple[anndata.AnnData, Path]:
    """Perturbations as a run has them, and as its folder does."""
    task = make_task(
        planted.adata,
        "target",
        label_column="label",
        group_column="donor",
        annotations=(),
        training=tspg.Training(threads=1),
    )
    fitted = fit_target(fit_classifier(task, Clock()), task, Clock(), silent)
    perturbations = fitted.model.perturb_dataset(fitted.dataset)
    file = tmp_path_factory.mktemp("run") / "perturbations.h5ad"
    write_perturbations(perturbations, file)
    return perturbations, file


@pytest.fixture(scope="module")
def moved(written) -> anndata.AnnData:
    """Opened by scanpy, as a user would."""
    return sc.read_h5ad(written[1])


@pytest.fixture(scope="module")
def both(moved):
    """Every sample twice: as it was and as it was moved."""
    original = moved.copy()
    original.X = original.layers["original"].copy()
    return anndata.concat({"original": original, "moved": moved}, label="state", index_unique="-")


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


def ink(figure: Figure) -> float:
    """The share of a figure's pixels that differ from its corner."""
    figure.canvas.draw()
    pixels = np.asarray(figure.canvas.buffer_rgba())[..., :3]
    return float((pixels != pixels[0, 0]).any(axis=2).mean())


def test_scanpy_sees_what_was_written(moved, written):
    expected = written[0]
    np.testing.assert_array_equal(moved.X, expected.X)
    for layer in ("original", "perturbation"):
        found = sc.get.obs_df(moved, ["G0"], layer=layer)["G0"]
        np.testing.assert_array_equal(found, expected.layers[layer][:, 0])
    np.testing.assert_allclose(moved.layers["original"] + moved.layers["perturbation"], moved.X, atol=1e-6)
    assert moved.obs["source_class"].value_counts().to_dict() == {"alpha": 40, "beta": 40, "target": 40}


def test_moved_samples_lie_among_those_of_the_target(both):
    """Principal components and neighbours, by scanpy: as the planted truth has it."""
    both = both.copy()
    sc.pp.pca(both, n_comps=10, random_state=0)
    sc.pp.neighbors(both, n_neighbors=15, random_state=0)
    graph, state, label = both.obsp["connectivities"].toarray(), both.obs["state"], both.obs["source_class"]
    real = ((state == "original") & (label == "target")).to_numpy()
    ties = {
        (one, name): graph[((state == one) & (label == name)).to_numpy()][:, real].sum()
        for one in ("original", "moved")
        for name in ("alpha", "beta")
    }
    assert ties["original", "alpha"] < ties["moved", "alpha"]
    assert ties["original", "beta"] < ties["moved", "beta"]
    drawn = sc.pl.pca(both, color=["state", "source_class"], show=False, return_fig=True)
    assert ink(drawn) > INK


def test_umap_is_drawn(both):
    both = both.copy()
    sc.pp.pca(both, n_comps=10, random_state=0)
    sc.pp.neighbors(both, n_neighbors=15, random_state=0)
    sc.tl.umap(both, random_state=0)
    assert np.isfinite(both.obsm["X_umap"]).all()
    assert ink(sc.pl.umap(both, color="source_class", show=False, return_fig=True)) > INK


def test_genes_that_scanpy_ranks_are_those_that_were_planted(both, planted):
    """A rank test by scanpy: the moved sources against what they were before."""
    sources = both[both.obs["source_class"] != "target"].copy()
    sources.uns["log1p"] = {"base": None}
    sc.tl.rank_genes_groups(sources, "state", groups=["moved"], reference="original", method="wilcoxon")
    ranked = sc.get.rank_genes_groups_df(sources, group="moved").sort_values("scores", ascending=False)
    assert set(ranked["names"].iloc[:5]) == planted.up
    assert set(ranked["names"].iloc[-5:]) == planted.down
    sc.pl.rank_genes_groups(sources, n_genes=10, show=False)
    assert ink(plt.gcf()) > INK


def test_a_heat_map_of_the_changes_is_drawn(moved, planted):
    genes = {"up": sorted(planted.up), "down": sorted(planted.down)}
    drawn = sc.pl.heatmap(
        moved, genes, groupby="source_class", layer="perturbation", cmap="RdBu_r", vmin=-1, vmax=1, show=False
    )
    assert ink(drawn["heatmap_ax"].get_figure()) > INK


def test_what_scanpy_writes_is_read_again(moved, tmp_path):
    sc.pp.pca(moved := moved.copy(), n_comps=5, random_state=0)
    moved.write_h5ad(tmp_path / "annotated.h5ad")
    again = tspg.read_perturbations(tmp_path / "annotated.h5ad")
    np.testing.assert_array_equal(again.X, moved.X)
    pd.testing.assert_frame_equal(
        tspg.top_genes(again, k=5, direction="up"), tspg.top_genes(moved, k=5, direction="up")
    )
    assert tspg.plot_heatmap(again, source_class="alpha") is not None
