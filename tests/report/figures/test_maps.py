"""The maps: groups that were planted stay apart, moved samples lie where they are alike."""

import numpy as np
import pytest
from anndata import AnnData
from matplotlib.text import Text
from scipy.spatial.distance import cdist
from threadpoolctl import threadpool_limits

from tspg import plot_pca, plot_tsne
from tspg.report.figures.embedding import FEWEST_FOR_TSNE, choose, pca_map, tsne_map
from tspg.report.figures.save import save_figure, write_figures
from tspg.utils.files import read_table

NAMES = ("a", "b", "c", "target")


def planted(moved_to, size=15, n_genes=80, seed=3):
    """Four groups far apart; sources are moved to one of them, or, with `far`, to where no real sample is."""
    rng = np.random.default_rng(seed)
    centres = dict(zip((*NAMES, "far"), rng.uniform(0, 1, (5, n_genes)), strict=True))
    label = np.repeat(NAMES, size).astype(object)
    noise = rng.normal(0, 0.03, (2, len(label), n_genes))
    original = np.clip(np.stack([centres[name] for name in label]) + noise[0], 0, 1)
    moved = np.clip(centres[moved_to] + noise[1], 0, 1)
    adata = AnnData(moved, layers={"original": original, "perturbation": moved - original})
    adata.obs = adata.obs.assign(source_class=label, predicted_before=label, predicted_after="target", split="train")
    adata.uns["tspg"] = {"target_class": "target", "source_classes": [*NAMES[:3]]}
    return adata


def nearest_classes(adata, found):
    """Of moved signs the classes of the nearest real ones, and how far these are, as a share of how far groups are."""
    real_class = adata.obs["source_class"].to_numpy()[found.chosen.real_rows]
    distances, among = cdist(found.moved, found.real), cdist(found.real, found.real)
    np.fill_diagonal(among, np.inf)
    assert (real_class[among.argmin(axis=1)] == real_class).all()  # groups of real samples are apart
    apart = min(np.min(among[real_class == name][:, real_class != name]) for name in NAMES)
    return set(real_class[distances.argmin(axis=1)]), np.median(distances.min(axis=1)) / apart


@pytest.mark.parametrize("draw", [tsne_map, pca_map])
@pytest.mark.parametrize("group", ["target", "b"])
def test_moved_samples_lie_where_they_were_planted(draw, group):
    adata = planted(group)
    found = draw(adata, choose(adata), seed=0)
    near, ratio = nearest_classes(adata, found)
    assert near == {group}
    assert ratio < 0.5


def test_moved_samples_that_are_like_no_real_one_lie_beside_none():
    adata = planted("far")
    assert nearest_classes(adata, tsne_map(adata, choose(adata), seed=0))[1] > 0.8


def test_components_are_those_of_the_real_samples_by_singular_values():
    adata = planted("far")
    found = pca_map(adata, choose(adata))
    real, moved = (
        np.asarray(part, float) for part in (adata.layers["original"], adata.X[adata.obs["source_class"] != "target"])
    )
    centre = real.mean(axis=0)
    _, values, axes = np.linalg.svd(real - centre, full_matrices=False)
    for places, profiles in ((found.real, real), (found.moved, moved)):
        np.testing.assert_allclose(np.abs(places), np.abs((profiles - centre) @ axes[:2].T), atol=1e-6)
    np.testing.assert_allclose(found.shares, (values**2 / (values**2).sum())[:2])
    without = adata.copy()
    without.X = without.X * 0
    np.testing.assert_array_equal(pca_map(without, choose(without)).real, found.real)  # moved ones shape nothing


def few(n_samples, *, genes=60, alike=False):
    rng = np.random.default_rng(1)
    original = np.full((n_samples, genes), 0.5) if alike else rng.uniform(size=(n_samples, genes))
    adata = AnnData(original, layers={"original": original, "perturbation": 0 * original})
    adata.obs = adata.obs.assign(source_class="", predicted_before="a", predicted_after="target", split="test")
    adata.uns["tspg"] = {"target_class": "target", "source_classes": ["a"]}
    return adata


@pytest.mark.parametrize("n_samples", [1, 2, 3, 4, 30])
def test_few_samples_have_no_map_and_no_file_of_one(n_samples, tmp_path):
    adata = few(n_samples)
    write_figures(tmp_path, adata, formats=())
    has_map = {name: (tmp_path / f"{name}.tsv").is_file() for name in ("pca", "tsne")}
    assert has_map == {"pca": n_samples >= 3, "tsne": 2 * n_samples >= FEWEST_FOR_TSNE}
    for name, plot in (("pca", plot_pca), ("tsne", plot_tsne)):
        texts = [text.get_text() for text in plot(adata).findobj(Text)]
        assert ("Too few samples for a map." in texts) == (not has_map[name])


def test_samples_that_are_all_alike_have_no_map_and_are_no_error():
    for adata in (few(20, alike=True), few(20, genes=1)):
        assert tsne_map(adata, choose(adata)) is None
        assert pca_map(adata, choose(adata)) is None
    repeated = few(20)
    repeated.layers["original"] = np.repeat(np.asarray(repeated.layers["original"])[:4], 5, axis=0)
    assert np.isfinite(tsne_map(repeated, choose(repeated)).real).all()


def test_tables_hold_what_the_maps_show(make_perturbations, tmp_path):
    perturbations = make_perturbations(per_class=10)
    write_figures(tmp_path, perturbations, formats=(), seed=3)
    tables = {name: read_table(tmp_path / f"{name}.tsv") for name in ("pca", "tsne")}
    shared = ["kind", "sample", "source_class", "predicted_before", "predicted_after"]
    assert tables["pca"][shared].equals(tables["tsne"][shared])
    assert list(tables["pca"].columns) == [*tables["tsne"].columns, "x_share", "y_share"]
    assert tables["tsne"]["kind"].value_counts().to_dict() == {"real": 30, "moved": 20}
    for name, plot in (("pca", plot_pca), ("tsne", plot_tsne)):
        lines = [
            line.get_xydata() for line in plot(perturbations, seed=3).axes[0].lines if line.get_zorder() in (2, 3, 5)
        ]
        drawn = sorted(map(tuple, np.vstack(lines)))
        np.testing.assert_allclose(drawn, sorted(map(tuple, tables[name][["x", "y"]].to_numpy())), rtol=1e-6)


@pytest.mark.parametrize("plot", [plot_pca, plot_tsne])
def test_the_same_seed_gives_the_same_bytes_and_another_seed_other_samples(make_perturbations, tmp_path, plot):
    perturbations = make_perturbations([f"c{i}" for i in range(6)], target="c0", per_class=6)
    first, again, other = (plot(perturbations, n_moved=10, seed=seed) for seed in (4, 4, 5))
    for one, name in ((first, "a"), (again, "b")):
        save_figure(one, tmp_path, name, ("svg", "png", "pdf"))
    for kind in ("svg", "png", "pdf"):
        assert (tmp_path / f"a.{kind}").read_bytes() == (tmp_path / f"b.{kind}").read_bytes()
    drawn = [[line.get_xydata().tolist() for line in figure.axes[0].lines] for figure in (first, other)]
    assert drawn[0] != drawn[1]


def test_named_samples_and_their_classes_are_always_on_the_map(make_perturbations):
    perturbations = make_perturbations([f"c{i:02}" for i in range(20)], target="c00", per_class=30)
    named = ["sample-595", "sample-45"]
    for seed in range(4):
        chosen = choose(perturbations, n_classes=5, n_moved=3, named=named, seed=seed)
        assert set(named) <= set(perturbations.obs_names[chosen.moved_rows])
        assert set(named) <= set(perturbations.obs_names[chosen.real_rows])
        assert {"c01", "c19"} <= set(chosen.classes)
        assert (len(chosen.classes), len(chosen.moved_rows)) == (4, 3)


def legend(figure):
    return [text.get_text() for text in figure.axes[0].get_legend().get_texts()]


def test_the_target_is_always_on_the_map_among_so_many_classes(make_perturbations):
    names = [f"class {i}" for i in range(14)]
    perturbations = make_perturbations(names, target="class 13", per_class=3)
    shown = legend(plot_pca(perturbations, n_classes=5, n_moved=39))
    assert shown[0] == "class 13 (target)"
    assert len(set(shown) & set(names[:13])) == 4
    assert shown[-1] == "source classes not on the map"


def test_only_samples_of_the_source_classes_are_shown_as_moved(make_perturbations):
    perturbations = make_perturbations(per_class=10)
    perturbations.uns["tspg"]["source_classes"] = ["Liver"]
    assert legend(plot_tsne(perturbations)) == ["Lung (target)", "Liver"]


def test_of_a_large_class_two_hundred_are_drawn(make_perturbations):
    perturbations = make_perturbations(("Liver", "Lung"), per_class=230)
    few_livers = perturbations[(perturbations.obs["source_class"] == "Lung") | (np.arange(460) < 40)].copy()
    lines = plot_pca(few_livers, n_moved=5).axes[0].lines
    drawn = {line.get_zorder(): len(line.get_xdata()) for line in lines}
    assert drawn == {2: 40, 3: 200, 4: 5, 5: 5}


def test_the_callers_threads_do_not_change_the_map():
    adata = planted("target", size=40)
    found = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            found.append(tsne_map(adata, choose(adata), seed=0))
    assert np.array_equal(found[0].real, found[1].real)
    assert np.array_equal(found[0].moved, found[1].moved)
