"""The heat map shows the right numbers under the right name (method.md, fault 6)."""

import re

import numpy as np
import pytest
from matplotlib import colormaps
from matplotlib.colors import Normalize
from matplotlib.text import Text

from tspg import plot_heatmap
from tspg.errors import UsageError
from tspg.report.figures.captions import of_heatmap
from tspg.report.figures.heatmap import PERTURBATION, default_classes
from tspg.report.figures.style import Picture

STRIPS = ("x", "P", "x_adv", "mu_T")


def panels(figure):
    """The texts and the colours of the strips of each panel, read back from the figure, and where the strips lie."""
    pictures = [one for one in figure.findobj(Picture) if one.get_gid() in STRIPS]
    texts = [text for text in figure.findobj(Text) if text.get_text()]
    inch = figure.dpi
    for first in range(0, len(pictures), len(STRIPS)):
        own = pictures[first : first + len(STRIPS)]
        assert [one.get_gid() for one in own] == list(STRIPS)
        (left, bottom), (right, top) = own[0].place.min, own[-1].place.max
        inside = [
            text.get_text()
            for text in texts
            if left - 0.1 * inch <= (at := text.get_transform().transform(text.get_position()))[0] <= right + 0.2 * inch
            and bottom - 0.1 * inch <= at[1] <= top + 0.6 * inch
        ]
        yield inside, {one.get_gid(): one.colours[:, 0] for one in own}


def drawn_as(colours, values, low=0.0, high=1.0):
    """The colours of values, by matplotlib."""
    return colormaps[colours](Normalize(low, high)(np.asarray(values, float)), bytes=True).tolist()


def root(values):
    return np.sign(values) * np.sqrt(np.abs(values))


def test_every_sample_is_drawn_under_its_own_name_and_class(make_perturbations):
    perturbations = make_perturbations(per_class=8)
    names = ["sample-17", "sample-2", "sample-9", "sample-0", "sample-12"]  # neither sorted nor a prefix
    drawn = list(panels(plot_heatmap(perturbations, sample=names)))
    assert len(drawn) == len(names)
    for name, (texts, strips) in zip(names, drawn, strict=True):
        one = perturbations[name]
        change = one.layers["perturbation"][0]
        order = np.argsort(-change, kind="stable")
        assert name in texts
        assert one.obs["source_class"].iloc[0] in texts
        assert strips["x"].tolist() == drawn_as("viridis", one.layers["original"][0][order])
        assert strips["P"].tolist() == drawn_as("RdBu_r", root(change[order]), -1)
        assert strips["x_adv"].tolist() == drawn_as("viridis", one.X[0][order])
        assert strips["mu_T"].tolist() == drawn_as("viridis", perturbations.var["target_mean"].to_numpy()[order])


def test_a_class_is_drawn_as_the_mean_of_its_samples(make_perturbations):
    perturbations = make_perturbations(per_class=8)
    ((texts, strips),) = panels(plot_heatmap(perturbations, source_class="Liver"))
    livers = perturbations[perturbations.obs["source_class"] == "Liver"]
    assert "Liver" in texts
    assert "mean of 8 samples" in texts
    change = np.sort(livers.layers["perturbation"].mean(axis=0, dtype=np.float64))[::-1]
    assert strips["P"].tolist() == drawn_as("RdBu_r", root(change), -1)


def test_genes_run_from_raised_to_lowered_and_are_named(make_perturbations):
    perturbations = make_perturbations(n_genes=200, genes=[f"GENE{i}" for i in range(200)])
    ((texts, _),) = panels(plot_heatmap(perturbations, sample="sample-5"))
    change = perturbations["sample-5"].layers["perturbation"][0]
    order = np.argsort(-change, kind="stable")
    named = [text for text in texts if text.startswith("GENE")]
    assert named == [f"GENE{i}" for i in [*order[:10], *order[-10:]]]


def test_a_gene_that_does_not_move_is_white_in_p(make_perturbations):
    perturbations = make_perturbations(n_genes=3)
    perturbations.layers["perturbation"][:] = [[0.5, 0.0, -0.5]]
    ((_, strips),) = panels(plot_heatmap(perturbations, sample="sample-1"))
    raised, white, lowered = strips["P"][:, :3].tolist()
    assert min(white) > 0.95 * 255
    assert raised[0] > raised[2]  # red
    assert lowered[2] > lowered[0]  # blue


def test_of_more_genes_than_dots_means_are_shown(make_perturbations):
    """Genes by turns at 0 and 1: where many share a dot, it has the colour of a half."""
    perturbations = make_perturbations(n_genes=40_000, per_class=2)
    perturbations.layers["perturbation"][:] = -np.linspace(0, 0.1, 40_000)
    perturbations.layers["original"][:] = np.arange(40_000) % 2
    ((_, strips),) = panels(plot_heatmap(perturbations, sample="sample-1"))
    assert len(strips["x"]) < 1500
    (half,) = drawn_as("viridis", [0.5])
    assert np.abs(strips["x"].astype(int) - half).max() < 12


def test_only_genes_that_moved_are_named(make_perturbations):
    perturbations = make_perturbations(n_genes=10)
    perturbations.layers["perturbation"][:, 1:] = 0
    perturbations.layers["perturbation"][:, 0] = 0.5
    ((texts, _),) = panels(plot_heatmap(perturbations, sample="sample-1"))
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
    ((_, strips), *_) = panels(plot_heatmap(perturbations))
    assert 0 < len(strips["P"]) <= n_genes


def test_the_colours_of_p_go_by_its_root_and_the_bar_says_so(make_perturbations):
    norm = PERTURBATION[1]
    assert np.ma.getdata(norm([-1, -0.25, 0, 0.25, 1])) == pytest.approx([0, 0.25, 0.5, 0.75, 1])
    assert np.asarray(norm.inverse(np.array([0, 0.25, 0.5, 0.75, 1]))) == pytest.approx([-1, -0.25, 0, 0.25, 1])
    figure = plot_heatmap(make_perturbations())
    words = [text.get_text() for text in figure.findobj(Text)]
    numbers = [word for word in words if re.fullmatch(r"\N{MINUS SIGN}?[\d.]+", word)]
    assert numbers == ["0", "0.5", "1", "\N{MINUS SIGN}1", "\N{MINUS SIGN}0.25", "0", "0.25", "1"]


def test_a_notebook_shows_it(make_perturbations):
    print_figure = pytest.importorskip("IPython.core.pylabtools").print_figure
    assert print_figure(plot_heatmap(make_perturbations())).startswith(b"\x89PNG")
