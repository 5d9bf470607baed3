"""The map: planted clusters stay apart, perturbed samples land on the target, the same seed gives the same bytes."""

import numpy as np
import pytest
from matplotlib.text import Text
from scipy.spatial.distance import cdist
from threadpoolctl import threadpool_limits

from tspg import plot_tsne
from tspg.report.figures import embedding
from tspg.report.figures.embedding import embed
from tspg.report.figures.save import save_figure


def clusters(n_clusters=4, size=15, n_genes=80, seed=3):
    rng = np.random.default_rng(seed)
    centres = rng.uniform(0, 1, (n_clusters, n_genes))
    label = np.repeat(np.arange(n_clusters), size)
    return np.clip(centres[label] + rng.normal(0, 0.03, (len(label), n_genes)), 0, 1), label, centres


@pytest.mark.parametrize("joint", [False, True])
def test_planted_clusters_stay_apart_and_moved_samples_land_on_their_target(joint):
    profiles, label, centres = clusters()
    rng = np.random.default_rng(5)
    moved = np.clip(centres[2] + rng.normal(0, 0.03, (20, profiles.shape[1])), 0, 1)
    found = embed(profiles, moved, joint=joint, seed=0)
    distances = cdist(found.real, found.real)
    np.fill_diagonal(distances, np.inf)
    assert (label[distances.argmin(axis=1)] == label).all()
    nearest = label[cdist(found.perturbed, found.real).argmin(axis=1)]
    assert (nearest == 2).all()


def test_perturbed_samples_do_not_shape_the_map_of_real_ones():
    profiles, _, centres = clusters()
    few, many = centres[:1], np.repeat(centres, 30, axis=0)
    alone, crowded = (embed(profiles, moved, joint=False, seed=0) for moved in (few, many))
    assert np.array_equal(alone.real, crowded.real)
    assert not np.array_equal(embed(profiles, many, joint=True, seed=0).real, alone.real)


@pytest.mark.parametrize("n_real", [1, 7, 8, 30])
@pytest.mark.parametrize("n_genes", [1, 60])
def test_few_samples_still_give_a_picture(n_real, n_genes):
    rng = np.random.default_rng(1)
    found = embed(rng.uniform(size=(n_real, n_genes)), rng.uniform(size=(5, n_genes)), joint=False, seed=0)
    assert found.method == ("PCA" if n_real < 8 or n_genes < 2 else "t-SNE")
    assert found.real.shape == (n_real, 2)
    assert found.perturbed.shape == (5, 2)
    assert np.isfinite(found.real).all()
    assert np.isfinite(found.perturbed).all()


def test_samples_that_are_all_alike_are_no_error():
    same = np.full((20, 5), 0.5)
    assert embed(same, same[:3], joint=False, seed=0).method == "PCA"
    repeated = np.repeat(clusters()[0][:4], 5, axis=0)
    assert np.isfinite(embed(repeated, repeated[:3], joint=False, seed=0).real).all()


def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_picture(make_perturbations, tmp_path):
    perturbations = make_perturbations([f"c{i}" for i in range(6)], target="c0", per_class=6)
    first, again, other = (plot_tsne(perturbations, n_perturbed=10, seed=seed) for seed in (4, 4, 5))
    pictures = [save_figure(figure, tmp_path, name).read_bytes() for figure, name in ((first, "a"), (again, "b"))]
    assert pictures[0] == pictures[1]
    drawn = [[line.get_xydata().tolist() for line in figure.axes[0].lines] for figure in (first, other)]
    assert drawn[0] != drawn[1]


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_perturbed_profiles_are_drawn_and_chosen_by_chance(make_perturbations, monkeypatch):
    perturbations = make_perturbations(per_class=30)
    seen = []

    def watch(real, moved, **how):
        seen.append(moved)
        return embed(real, moved, **how)

    monkeypatch.setattr(embedding, "embed", watch)
    for seed in (0, 1):
        plot_tsne(perturbations, n_perturbed=10, seed=seed)
    moved = np.asarray(perturbations.X, float)
    drawn = [[int(np.flatnonzero((moved == profile).all(axis=1))[0]) for profile in found] for found in seen]
    first_ten = np.flatnonzero(perturbations.obs["source_class"] != perturbations.uns["tspg"]["target_class"])[:10]
    assert [len(set(rows)) for rows in drawn] == [10, 10]
    assert drawn[0] != drawn[1]
    assert drawn[0] != first_ten.tolist()


def test_the_target_is_always_on_the_map_among_so_many_classes(make_perturbations):
    names = [f"class {i}" for i in range(14)]
    shown = legend(plot_tsne(make_perturbations(names, target="class 13", per_class=3), n_classes=5, n_perturbed=4))
    real = [text for text in shown if "3 real" in text]
    assert len(real) == 5
    others = sum(int(text.split()[-2]) for text in shown[1:])
    assert others == 4
    assert shown[0] == "class 13: 3 real, the target"


def test_counts_in_the_legend_are_the_points_drawn(make_perturbations):
    perturbations = make_perturbations(per_class=10)
    figure = plot_tsne(perturbations, n_perturbed=12)
    hollow = sum(len(line.get_xdata()) for line in figure.axes[0].lines if line.get_zorder() == 5)
    filled = sum(len(line.get_xdata()) for line in figure.axes[0].lines if line.get_zorder() in (2, 3))
    assert (hollow, filled) == (12, 30)
    counted = [int(text.split(" perturbed")[0].rsplit(" ", 1)[-1]) for text in legend(figure) if "perturbed" in text]
    assert sum(counted) == 12


def test_only_samples_of_the_source_classes_are_shown_as_perturbed(make_perturbations):
    perturbations = make_perturbations(per_class=10)
    perturbations.uns["tspg"]["source_classes"] = ["Liver"]
    shown = legend(plot_tsne(perturbations))
    assert [text for text in shown if "perturbed" in text] == ["Liver: 10 real, 10 perturbed"]


@pytest.mark.parametrize("per_class", [1, 12])
def test_the_figure_says_that_it_is_no_evidence(make_perturbations, per_class):
    figure = plot_tsne(make_perturbations(per_class=per_class))
    texts = " ".join(text.get_text() for text in figure.findobj(Text))
    assert "not evidence" in texts
    assert ("principal components" in texts) == (per_class == 1)


def test_of_a_large_class_two_hundred_are_drawn_and_the_legend_says_of_how_many(make_perturbations):
    perturbations = make_perturbations(("Liver", "Lung"), per_class=230)
    few = perturbations[(perturbations.obs["source_class"] == "Lung") | (np.arange(460) < 40)].copy()
    figure = plot_tsne(few, n_perturbed=5)
    assert legend(figure) == ["Lung: 200 of 230 real, the target", "Liver: 40 real, 5 perturbed"]
    drawn = {line.get_zorder(): len(line.get_xdata()) for line in figure.axes[0].lines if line.get_zorder() in (2, 3)}
    assert drawn == {2: 40, 3: 200}


def test_the_callers_threads_do_not_change_the_map():
    profiles = clusters(size=40)[0]
    found = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            found.append(embed(profiles, profiles[:5], joint=False, seed=0))
    assert np.array_equal(found[0].real, found[1].real)
    assert np.array_equal(found[0].perturbed, found[1].perturbed)
