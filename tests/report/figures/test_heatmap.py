"""The heat map shows the right numbers under the right name (method.md, fault 6)."""

import re

import numpy as np
import pytest
from matplotlib.text import Text

from tspg import plot_heatmap
from tspg.errors import UsageError
from tspg.report.figures.captions import of_heatmap
from tspg.report.figures.heatmap import PERTURBATION, default_classes


def panels(figure):
    """Title lines and drawn strips of each panel, read back from the figure."""
    for axes in figure.axes:
        if (axes.get_gid() or "").startswith("panel"):
            strips = {image.get_gid(): np.asarray(image.get_array())[:, 0] for image in axes.images}
            texts = [text.get_text() for text in axes.findobj(Text) if text.get_text()]
            yield texts, strips, axes


def test_every_sample_is_drawn_under_its_own_name_and_class(make_perturbations):
    perturbations = make_perturbations(per_class=8)
    names = ["sample-17", "sample-2", "sample-9", "sample-0", "sample-12"]  # neither sorted nor a prefix
    drawn = list(panels(plot_heatmap(perturbations, sample=names)))
    assert len(drawn) == len(names)
    for name, (texts, strips, _) in zip(names, drawn, strict=True):
        one = perturbations[name]
        change = one.layers["perturbation"][0]
        order = np.argsort(-change, kind="stable")
        assert name in texts
        assert one.obs["source_class"].iloc[0] in texts
        assert strips["x"] == pytest.approx(one.layers["original"][0][order])
        assert strips["P"] == pytest.approx(change[order])
        assert strips["x_adv"] == pytest.approx(one.X[0][order])
        assert strips["mu_T"] == pytest.approx(perturbations.var["target_mean"].to_numpy()[order])


def test_a_class_is_drawn_as_the_mean_of_its_samples(make_perturbations):
    perturbations = make_perturbations(per_class=8)
    ((texts, strips, _),) = panels(plot_heatmap(perturbations, source_class="Liver"))
    livers = perturbations[perturbations.obs["source_class"] == "Liver"]
    assert "Liver" in texts
    assert "mean of 8 samples" in texts
    assert strips["P"] == pytest.approx(np.sort(livers.layers["perturbation"].mean(axis=0))[::-1], abs=1e-6)


def test_genes_run_from_raised_to_lowered_and_are_named(make_perturbations):
    perturbations = make_perturbations(n_genes=200, genes=[f"GENE{i}" for i in range(200)])
    ((texts, strips, _),) = panels(plot_heatmap(perturbations, sample="sample-5"))
    assert (np.diff(strips["P"]) <= 0).all()
    change = perturbations["sample-5"].layers["perturbation"][0]
    order = np.argsort(-change, kind="stable")
    named = [text for text in texts if text.startswith("GENE")]
    assert named == [f"GENE{i}" for i in [*order[:10], *order[-10:]]]


def test_colours_of_p_are_symmetric_around_no_change(make_perturbations):
    for _, _, axes in panels(plot_heatmap(make_perturbations())):
        limits = {image.get_gid(): image.get_clim() for image in axes.images}
        assert limits == {"x": (0, 1), "P": (-1, 1), "x_adv": (0, 1), "mu_T": (0, 1)}
        (p,) = (image for image in axes.images if image.get_gid() == "P")
        red, green, blue, _ = p.cmap(p.norm(0.0))
        assert min(red, green, blue) > 0.95  # white


def test_only_genes_that_moved_are_named(make_perturbations):
    perturbations = make_perturbations(n_genes=10)
    perturbations.layers["perturbation"][:, 1:] = 0
    perturbations.layers["perturbation"][:, 0] = 0.5
    ((texts, _, _),) = panels(plot_heatmap(perturbations, sample="sample-1"))
    assert [text for text in texts if text.startswith("G")] == ["G0"]


@pytest.mark.parametrize(("n_sources", "expected"), [(1, 1), (4, 4), (12, 12), (15, 12)])
def test_by_default_the_largest_are_drawn_and_the_caption_names_the_others(make_perturbations, n_sources, expected):
    names = [f"class {i}" for i in range(n_sources)]
    perturbations = make_perturbations([*names, "T"], target="T", per_class=20)
    sizes = {name: 20 - i for i, name in enumerate(names)}
    rank = perturbations.obs.groupby("source_class").cumcount()
    kept = rank < perturbations.obs["source_class"].map(sizes).fillna(20)
    perturbations = perturbations[kept.to_numpy()]
    assert default_classes(perturbations) == names[:expected]
    assert len(list(panels(plot_heatmap(perturbations)))) == expected
    text = of_heatmap(perturbations)
    assert ("Left out" in text) == (expected < n_sources)
    assert all(name in text for name in names[expected:])


@pytest.mark.parametrize("choice", [{"sample": "sampel-3"}, {"source_class": ["Liver", "Kidny"]}])
def test_an_unknown_name_is_refused_with_the_closest_ones(make_perturbations, choice):
    with pytest.raises(UsageError, match=r"there is no such (sample|class).*(sample-3|Kidney)"):
        plot_heatmap(make_perturbations(), **choice)


@pytest.mark.parametrize("n_genes", [1, 18_154])
def test_works_for_few_and_for_many_genes(make_perturbations, n_genes):
    perturbations = make_perturbations(n_genes=n_genes, per_class=2)
    ((_, strips, _), *_) = panels(plot_heatmap(perturbations))
    assert len(strips["P"]) == n_genes


def test_the_colours_of_p_go_by_its_root_and_the_bar_says_so(make_perturbations):
    norm = PERTURBATION[1]
    assert np.ma.getdata(norm([-1, -0.25, 0, 0.25, 1])) == pytest.approx([0, 0.25, 0.5, 0.75, 1])
    assert np.asarray(norm.inverse(np.array([0, 0.25, 0.5, 0.75, 1]))) == pytest.approx([-1, -0.25, 0, 0.25, 1])
    figure = plot_heatmap(make_perturbations())
    (axes,) = (axes for axes in figure.axes if axes.get_gid() == "colours")
    words = [text.get_text() for text in axes.texts]
    numbers = [word for word in words if re.fullmatch(r"\N{MINUS SIGN}?[\d.]+", word)]
    assert numbers == ["0", "0.5", "1", "\N{MINUS SIGN}1", "\N{MINUS SIGN}0.25", "0", "0.25", "1"]
