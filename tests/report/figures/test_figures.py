"""Every figure: nothing collides or leaves the page, letters and widths are a journal's, names are literal."""

import re
import struct
from itertools import combinations
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox
from scipy.stats import binomtest

from tspg import (
    plot_difference,
    plot_f_accuracy,
    plot_gene_heatmap,
    plot_heatmap,
    plot_history,
    plot_pca,
    plot_tsne,
    plot_volcano,
    save_run,
)
from tspg.analysis.evaluation.proportions import clopper_pearson
from tspg.errors import UsageError
from tspg.report.figures.captions import of_heatmap
from tspg.report.figures.gene_heatmap import groups_of
from tspg.report.figures.maps import class_styles
from tspg.report.figures.overlap import plot_overlap
from tspg.report.figures.path import plot_path
from tspg.report.figures.save import save_figure, write_figures
from tspg.report.figures.style import Line, Picture
from tspg.utils.files import safe_name
from tspg.utils.options import FIGURES

SIDES = ("width", "height")
LONG = "Brain - Nucleus accumbens (basal ganglia)"
GTEX_LIKE = [f"{LONG} {i}" if i % 3 else f"Tissue {i}" for i in range(53)]
HOSTILE = [
    "Lung",
    "price $5 and $6",
    r"\frac{a}{b}^2_3 $\alpha$",
    "_hidden",
    "<b>bold</b> & 'quotes' \"too\"",
    "Anatomical-entity-with-a-single-unbroken-name-of-sixty-letters",
    "M\u00fcller\u2013Lyer \u03b1/\u03b2 \u4e2d\u6587",
    "line\nbreak\tand\u202eturned",
    "%s {0} \\n #1",
]


def _texts(figure: Figure) -> list[tuple[Text, Bbox]]:
    """Every text that is drawn, with the room it takes as the renderer measures it."""
    drawn: list[Text] = []

    def watched(original):
        def draw(self: Text, renderer: object) -> None:
            drawn.append(self)
            original(self, renderer)

        return draw

    with pytest.MonkeyPatch.context() as patch:
        for kind in (Text, Line):
            patch.setattr(kind, "draw", watched(kind.draw))
        figure.canvas.draw()
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    return [
        (text, Text.get_window_extent(text, renderer))  # of an annotation without its line
        for text in drawn
        if text.get_visible() and text.get_text().strip()
    ]


def _faults(figure: Figure) -> list[str]:
    """Texts that leave the figure or lie on one another; a pixel of rounding is allowed."""
    texts = _texts(figure)
    page = figure.bbox.padded(1)
    outside = [
        text.get_text() for text, box in texts if not (page.contains(box.x0, box.y0) and page.contains(box.x1, box.y1))
    ]
    overlapping = [
        f"{first.get_text()!r} on {second.get_text()!r}"
        for (first, one), (second, two) in combinations(texts, 2)
        if one.padded(-1).overlaps(two.padded(-1))
    ]
    return outside + overlapping


@pytest.fixture(params=["ordinary", "hostile", "gtex", "one source"])
def perturbations(request, make_perturbations):
    return {
        "ordinary": make_perturbations,
        "hostile": lambda: make_perturbations(HOSTILE, per_class=4, genes=[f"{name}!{'x' * 30}" for name in _thirty()]),
        "gtex": lambda: make_perturbations(GTEX_LIKE, target=GTEX_LIKE[1], per_class=2),
        "one source": lambda: make_perturbations(("Lung", LONG), target="Lung"),
    }[request.param]()


def _thirty():
    return [HOSTILE[i % len(HOSTILE)] + str(i) for i in range(30)]


def gene_table(perturbations, n_untested=0):
    """The tests of all sources together, as `genes.tsv` has them: the first genes lead, up and down in turn."""
    n_genes = perturbations.n_vars
    sign, size = np.where(np.arange(n_genes) % 2, -1.0, 1.0), np.linspace(1, 0, n_genes) ** 2
    q_value = 10.0 ** -(20 * size)
    table = pd.DataFrame({"source_class": "", "gene": perturbations.var_names, "difference": 3 * sign * size})
    table["q_value"] = np.where(np.arange(n_genes) < n_genes - n_untested, q_value, np.nan)
    for way, leads in (("up", sign > 0), ("down", sign < 0)):
        ranks = np.where(leads & table["q_value"].notna(), np.cumsum(leads), 0)
        table[f"rank_{way}"] = pd.array(ranks, dtype="Int64")
        table.loc[ranks == 0, f"rank_{way}"] = pd.NA
    return table


def path_of(perturbations):
    """Every source class on its way."""
    steps = np.linspace(0, 1, 21)
    parts = [
        pd.DataFrame(
            {"source_class": name, "sample": "", "a": steps, "called_by_f": steps**2, "energy_left": 1 - steps}
        )
        for name in perturbations.uns["tspg"]["source_classes"]
    ]
    return pd.concat(parts).assign(called_by_logistic=lambda table: table["a"] ** 2)


def lists_of(perturbations):
    genes, names = list(perturbations.var_names), perturbations.uns["tspg"]["source_classes"]
    return {way: {name: genes[i % 7 : 12 + i % 5] for i, name in enumerate(names)} for way in ("up", "down")}


OF_PERTURBATIONS = {
    "tsne": plot_tsne,
    "pca": plot_pca,
    "heatmap": plot_heatmap,
    "f_accuracy": plot_f_accuracy,
    "volcano": lambda moved: plot_volcano(gene_table(moved)),
    "difference": lambda moved: plot_difference(moved, gene_table(moved)),
    "gene_heatmap": lambda moved: plot_gene_heatmap(moved, gene_table(moved)),
    "path": lambda moved: plot_path(path_of(moved)),
    "overlap": lambda moved: plot_overlap(lists_of(moved)),
}


@pytest.mark.parametrize("plot", OF_PERTURBATIONS.values(), ids=OF_PERTURBATIONS)
def test_no_text_leaves_the_figure_or_lies_on_another(plot, perturbations, tmp_path):
    figure = plot(perturbations)
    assert _faults(figure) == []
    assert_fit_for_print(figure, tmp_path)


def assert_fit_for_print(figure, folder):
    """One column or two of a journal wide, at most a page high, no letter below 6 points, and letters are letters."""
    (svg,) = save_figure(figure, folder, "figure", ["svg"])
    text = svg.read_text(encoding="utf-8")
    width, height = (float(re.search(rf'<svg [^>]*{side}="([\d.]+)pt"', text)[1]) / 72 * 25.4 for side in SIDES)
    assert min(abs(width - 89), abs(width - 183)) < 0.01
    assert height < 247
    sizes = [float(size) for size in re.findall(r"font(?:-size)?: (?:bold )?([\d.]+)px", text)]
    assert len(sizes) == text.count("<text")
    assert min(sizes) >= 6
    assert max(sizes) <= 7
    assert set(re.findall(r"'([^']+)'; ", text)) <= {"DejaVu Sans"}


def test_counts_of_a_large_study_stay_on_the_page(make_perturbations):
    assert _faults(plot_f_accuracy(make_perturbations(per_class=6000, n_genes=2))) == []


def test_the_check_for_collisions_can_fail(make_perturbations):
    figure = plot_f_accuracy(make_perturbations())
    figure.text(0.9, 0.5, "a text that runs out of the page")
    figure.axes[0].text(0.5, 0.5, "here")
    figure.axes[0].text(0.5, 0.5, "here too")
    faults = _faults(figure)
    assert "a text that runs out of the page" in faults
    assert "'here' on 'here too'" in faults


@pytest.mark.parametrize("n_epochs", [1, 150])
def test_history_has_no_collisions(make_history, n_epochs, tmp_path):
    figure = plot_history(make_history(n_epochs))
    assert _faults(figure) == []
    assert_fit_for_print(figure, tmp_path)


def test_history_says_what_is_not_available(make_history):
    history = make_history().drop(columns="realism_loss").assign(hit_rate=float("nan"))
    figure = plot_history(history)
    shown = [text.get_text() for text, _ in _texts(figure)]
    assert shown.count("not available") == 2


def test_history_draws_the_given_numbers(make_history):
    history = make_history(7)
    lines = {axes.get_title(loc="left"): axes.lines[0] for axes in plot_history(history).axes}
    assert lines["Hit rate"].get_ydata() == pytest.approx(history["hit_rate"])
    assert lines["Generator: sum"].get_ydata() == pytest.approx(history["total_loss"])


def test_names_are_literal(make_perturbations):
    figure = plot_f_accuracy(make_perturbations((*HOSTILE, "T"), target="T", per_class=3))
    shown = "".join(text.get_text() for text, _ in _texts(figure)).replace("\n", "").replace(" ", "")
    for name in HOSTILE:
        expected = "".join(c if c.isprintable() and ord(c) < 0x4E00 else ascii(c)[1:-1] for c in name)
        assert expected.replace("$", r"\$").replace(" ", "") in shown


def test_dollars_are_drawn_and_not_read_as_a_formula(make_perturbations):
    figure = plot_f_accuracy(make_perturbations(("$x^2$", "T"), target="T"))
    (width,) = {round(box.width) for text, box in _texts(figure) if "x^2" in text.get_text()}
    plain = plot_f_accuracy(make_perturbations(("Sx^2S", "T"), target="T"))
    (plain_width,) = {round(box.width) for text, box in _texts(plain) if "x^2" in text.get_text()}
    assert width == pytest.approx(plain_width, abs=2)


def test_f_accuracy_counts_by_class_and_part(make_perturbations):
    perturbations = make_perturbations(per_class=8)  # of each class: 2 held out, 6 for training
    missed = (perturbations.obs["source_class"] == "Kidney") & (perturbations.obs["split"] == "test")
    perturbations.obs.loc[missed, "predicted_after"] = "Kidney"
    held_out, all_samples = plot_f_accuracy(perturbations).axes

    def counts(axes):
        return [text.get_text() for text in axes.texts]

    labels = [label.get_text() for label in held_out.get_yticklabels()]
    assert labels == ["Liver", "Kidney", "All of these", "Lung (the target itself)"]
    assert counts(held_out) == ["2 of 2", "0 of 2", "2 of 4", "2 of 2"]
    assert counts(all_samples) == ["8 of 8", "6 of 8", "14 of 16", "8 of 8"]


def test_f_accuracy_draws_the_exact_interval(make_perturbations):
    axes = plot_f_accuracy(make_perturbations(per_class=12)).axes[0]  # 3 of 3 held out in each class
    _, intervals = axes.collections
    low, high = intervals.get_segments()[0][:, 0]
    assert (low, high) == pytest.approx((0.025 ** (1 / 3), 1))  # Clopper-Pearson when all hit: (alpha/2)^(1/n)


@pytest.mark.parametrize(("hits", "n"), [(0, 1), (1, 1), (0, 9), (3, 9), (9, 9), (2283, 2284)])
def test_the_interval_is_that_of_scipy(hits, n):
    expected = binomtest(hits, n).proportion_ci(0.95, method="exact")
    assert clopper_pearson(hits, n) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_new_profiles_of_unknown_class_can_be_drawn(make_perturbations):
    perturbations = make_perturbations(split="test", per_class=4)
    perturbations.obs["source_class"] = ""
    for plot in (plot_tsne, plot_pca, plot_heatmap, plot_f_accuracy):
        assert _faults(plot(perturbations)) == []
    assert of_heatmap(perturbations).startswith("The first 4 of 12 samples, moved to Lung")


def test_the_same_figure_is_the_same_bytes(make_perturbations, tmp_path: Path):
    perturbations = make_perturbations()
    for plot in (plot_f_accuracy, OF_PERTURBATIONS["volcano"]):
        for name in ("first", "second"):
            save_figure(plot(perturbations), tmp_path, name, FIGURES)
        for ending in FIGURES:
            assert (tmp_path / f"first.{ending}").read_bytes() == (tmp_path / f"second.{ending}").read_bytes()
    assert b"CreationDate" not in (tmp_path / "first.pdf").read_bytes()
    assert b"/CIDFontType2" in (tmp_path / "first.pdf").read_bytes()  # type 42, as journals want it


def test_a_png_has_300_points_an_inch(make_perturbations, tmp_path):
    for plot, mm in ((plot_tsne, 89), (OF_PERTURBATIONS["gene_heatmap"], 183)):
        (png,) = save_figure(plot(make_perturbations()), tmp_path, "figure", ["png"])
        assert struct.unpack(">II", png.read_bytes()[16:24])[0] == pytest.approx(mm / 25.4 * 300, abs=1)


def test_a_users_own_settings_change_nothing(make_perturbations, tmp_path: Path):
    perturbations = make_perturbations()
    plain = [path.read_bytes() for path in save_figure(plot_heatmap(perturbations), tmp_path, "plain")]
    with mpl.rc_context(
        {"font.size": 30, "savefig.dpi": 10, "axes.facecolor": "red", "svg.fonttype": "path", "image.cmap": "jet"}
    ):
        changed = [path.read_bytes() for path in save_figure(plot_heatmap(perturbations), tmp_path, "changed")]
    assert changed == plain


def test_write_figures_uses_stable_names(drawn_run: Path):
    names = {"pca", "tsne", "heatmap", "history", "f_accuracy", f"heatmap-{safe_name('sample-0')}"}
    assert {path.name for path in (drawn_run / "figures").iterdir()} == {"captions.md"} | {
        f"{name}.{ending}" for name in names for ending in ("png", "svg")
    }


TRANSPORT = ("energy_distance", "residual_size", "target_class")


def test_the_history_of_the_preset_transport_shows_its_own_losses():
    falling = np.linspace(2, 1, 6)
    steps = 10 * np.arange(1, 7)
    losses = {f"{term}_loss": falling + i for i, term in enumerate(TRANSPORT)}
    weighted = {f"weighted_{term}_loss": falling for term in TRANSPORT}
    sums = {"total_loss": 3 * falling, "hit_rate": 2 - falling}
    history = pd.DataFrame({"epoch": steps // 10, "step": steps, **losses, **weighted, **sums})
    figure = plot_history(history)
    assert _faults(figure) == []
    panels = {axes.get_title(loc="left"): axes for axes in figure.axes}
    assert len(panels) == 6
    assert "Discriminator" not in panels
    assert panels["Energy distance"].lines[0].get_xydata() == pytest.approx(np.c_[steps, falling])
    assert panels["Size of the residual"].lines[0].get_ydata() == pytest.approx(falling + 1)
    assert len(panels["Terms with their weights"].lines) == 3


@pytest.fixture(params=["history", "tsne", "pca", "f_accuracy", "heatmap", "volcano", "difference", "gene_heatmap"])
def plot_and_data(request, make_perturbations, make_history):
    if request.param == "history":
        return plot_history, make_history()
    moved = make_perturbations(per_class=6)
    with_genes = {
        "volcano": lambda moved, **how: plot_volcano(gene_table(moved), **how),
        "difference": lambda moved, **how: plot_difference(moved, gene_table(moved), **how),
        "gene_heatmap": lambda moved, **how: plot_gene_heatmap(moved, gene_table(moved), **how),
    }
    return with_genes.get(request.param) or OF_PERTURBATIONS[request.param], moved


def _drawn(figure: Figure, *, but: object = None) -> list[list]:
    """The numbers of all lines and images of a figure."""
    drawn = [axes for axes in figure.axes if axes is not but]
    lines = [line.get_xydata().tolist() for axes in drawn for line in axes.lines]
    lines += [np.asarray(image.get_array()).tolist() for axes in drawn for image in axes.images]
    return lines + [picture.colours.tolist() for picture in figure.findobj(Picture)]


def test_a_plot_draws_into_the_axes_it_is_given_and_opens_no_other_figure(plot_and_data, monkeypatch):
    plot, data = plot_and_data
    figure = Figure(figsize=(24, 16))
    own, other = figure.subplots(1, 2)
    place, opened, original = own.bbox.frozen(), [], Figure.__init__

    def watched(self, *args, **kwargs):
        opened.append(self)
        original(self, *args, **kwargs)

    monkeypatch.setattr(Figure, "__init__", watched)
    assert plot(data, ax=own) is own.figure
    assert opened == []
    assert plt.get_fignums() == []
    assert not other.has_data()
    drawn = [axes.bbox for axes in figure.axes if axes.has_data()]
    drawn += [picture.place for picture in figure.findobj(Picture)]
    assert drawn
    for box in drawn:
        assert place.padded(1).containsx(box.x0)
        assert place.padded(1).containsx(box.x1)
        assert place.padded(1).containsy(box.y0)
        assert place.padded(1).containsy(box.y1)
    assert _drawn(figure, but=other) == _drawn(plot(data))


def test_axes_of_a_subfigure_are_drawn_into_and_its_figure_comes_back(make_perturbations):
    figure = Figure(figsize=(20, 10))
    _, right = figure.subfigures(1, 2)
    assert plot_f_accuracy(make_perturbations(per_class=4), ax=right.subplots()) is figure
    assert all(axes.bbox.x0 > figure.bbox.width / 2 for axes in figure.axes)


def test_a_method_without_training_has_no_history_to_draw():
    empty = pd.DataFrame({"epoch": [], "step": []})
    assert [text.get_text() for text in plot_history(empty).texts] == [
        "No training: the method is known in closed form."
    ]


@pytest.mark.parametrize("history", [None, pd.DataFrame({"epoch": [], "step": []})], ids=["none", "empty"])
def test_without_history_there_is_no_such_figure(make_perturbations, tmp_path: Path, history):
    paths = write_figures(tmp_path, make_perturbations(per_class=2), history, formats=["png"])
    figures = {path for path in paths if path.suffix == ".png"}
    assert {path.stem for path in figures} == {"pca", "tsne", "heatmap", "f_accuracy"}
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in figures)
    assert set(paths) == {path for path in tmp_path.rglob("*") if path.is_file()}
    assert {path.name for path in set(paths) - figures} == {"pca.tsv", "tsne.tsv", "captions.md"}


@pytest.mark.parametrize("wanted", ["svg", ["tiff"], ["png", "PDF"]])
def test_formats_that_figures_do_not_have_are_refused(wanted, tmp_path):
    with pytest.raises(UsageError, match=r"figures.*some of svg, png, pdf is needed"):
        save_run(None, tmp_path / "run", figures=wanted)
    assert not (tmp_path / "run").exists()


def write_all(folder, perturbations, **more):
    """Every figure of a run with the tables that the others here use."""
    top = [
        (source, "", way, gene)
        for way, named in lists_of(perturbations).items()
        for source, genes in named.items()
        for gene in genes
    ]
    tables = {
        "genes": gene_table(perturbations, n_untested=3),
        "path": path_of(perturbations),
        "top_genes": pd.DataFrame(top, columns=["source_class", "sample", "direction", "gene"]),
    }
    return write_figures(folder, perturbations, tables=tables, **more)


def captions_in(folder):
    text = (folder / "figures" / "captions.md").read_text(encoding="utf-8")
    return dict(re.findall(r"^## (.+)\n\n(.+)$", text, re.M))


def test_every_figure_has_its_caption_and_names_what_is_left_out(make_perturbations, tmp_path):
    names = [f"class {i:02}" for i in range(20)]
    perturbations = make_perturbations([*names, "T"], target="T", per_class=15, n_genes=60)
    write_all(tmp_path, perturbations, formats=["svg"], samples=["sample-7"])
    captions = captions_in(tmp_path)
    assert set(captions) == {path.stem for path in (tmp_path / "figures").glob("*.svg")}
    expected = {"volcano", "difference", "gene_heatmap", "heatmap", "pca", "tsne", "f_accuracy", "path", "overlap"}
    assert set(captions) == expected | {f"heatmap-{safe_name('sample-7')}"}
    assert captions["heatmap"].endswith(f"Left out, as the smallest: {', '.join(names[12:19])} and class 19.")
    assert "class 16, class 17, class 18 and class 19; path.tsv has them." in captions["path"]
    assert "57 genes" in captions["volcano"]
    assert "3 genes could not be tested" in captions["volcano"]
    assert "n = 300 source samples and 15 of T" in captions["volcano"]
    assert "80 of 300 samples" in captions["gene_heatmap"]
    assert "200 of 300 samples moved to T" in captions["tsne"]
    missing = captions["pca"].partition("Not on the map: real samples of ")[2]
    drawn = captions["pca"].partition("Not on the map")[0]
    assert all((name in missing) != (name in drawn) for name in names)
    assert "15 T" not in captions["pca"]
    assert "T 15" in captions["pca"]


def test_a_name_cannot_break_the_captions(make_perturbations, tmp_path):
    write_all(tmp_path, make_perturbations((*HOSTILE, "T"), target="T", per_class=3), formats=["svg"])
    captions = captions_in(tmp_path)
    assert len(captions) == len(list((tmp_path / "figures").glob("*.svg")))
    assert "line\\nbreak\\tand\\u202eturned" in captions["pca"]


def test_the_volcano_draws_every_tested_gene_and_names_those_that_lead(make_perturbations):
    genes = gene_table(make_perturbations(n_genes=200), n_untested=20)
    genes.loc[0, "q_value"] = 0.0  # smaller than a computer can say
    (axes,) = plot_volcano(genes).axes
    tested = genes[genes["q_value"].notna()]
    across, upwards = axes.collections[0].get_offsets().T
    np.testing.assert_allclose(across, tested["difference"])
    np.testing.assert_allclose(upwards[1:], -np.log10(tested["q_value"][1:]))
    assert np.isfinite(upwards).all()
    named = {text.get_text() for text in axes.texts}
    assert named == {f"G{i}" for i in range(20)}
    assert axes.get_xlabel() == "log2 fold change"
    assert plot_volcano(genes, is_log=False).axes[0].get_xlabel() == "difference of the means"
    low, high = axes.get_xlim()
    assert low < across.min()
    assert high > across.max()


def test_of_many_genes_points_are_one_picture_and_the_file_stays_small(make_perturbations, tmp_path):
    perturbations = make_perturbations(n_genes=18_154, per_class=4)
    for plot in ("volcano", "difference", "heatmap", "gene_heatmap"):
        svg, _ = save_figure(OF_PERTURBATIONS[plot](perturbations), tmp_path, plot)
        assert svg.stat().st_size < 400_000
        assert b"<image" in svg.read_bytes()
        assert b"G0" in svg.read_bytes()  # names stay text


def test_the_heat_map_of_genes_shows_standard_deviations_of_the_same_people_before_and_moved(make_perturbations):
    perturbations = make_perturbations(("Kidney", "Liver", "Lung"), per_class=6, n_genes=50)
    genes = gene_table(perturbations)
    figure = plot_gene_heatmap(perturbations, genes)
    groups = {axes.get_gid(): np.asarray(axes.images[0].get_array()) for axes in figure.axes}
    before, moved, target = (groups[name] for name in ("2 source classes, real", "moved to Lung", "Lung, real"))
    shown = [*range(0, 40, 2), *range(39, 0, -2)]  # raised ones first, the most lowered one last
    original = np.asarray(perturbations.layers["original"], float)[:, shown]
    classes = perturbations.obs["source_class"].to_numpy()
    alike = np.where(classes == "Lung", 1 / 6, 1 / 12)  # six samples of the target count as much as twelve of sources
    mean = np.average(original, axis=0, weights=alike)
    spread = np.sqrt(np.average((original - mean) ** 2, axis=0, weights=alike))
    z, z_moved = ((values - mean) / spread for values in (original, np.asarray(perturbations.X, float)[:, shown]))
    order = [int(np.flatnonzero(np.isclose(z, column).all(axis=1))[0]) for column in before.T]
    assert sorted(order) == sorted(np.flatnonzero(classes != "Lung"))
    assert classes[order].tolist() == ["Kidney"] * 6 + ["Liver"] * 6
    np.testing.assert_allclose(moved.T, z_moved[order], atol=1e-6)
    assert sorted(map(tuple, target.T.round(6))) == sorted(map(tuple, z[classes == "Lung"].round(6)))
    names = [text.get_text() for text, _ in _texts(figure) if text.get_text().startswith("G")]
    assert names == [f"G{i}" for i in shown]


def test_of_large_groups_every_class_gives_its_share(make_perturbations):
    perturbations = make_perturbations(("A", "B", "T"), target="T", per_class=200)
    few = perturbations[(perturbations.obs["source_class"] != "B") | (np.arange(600) % 10 == 0)].copy()
    for seed in (0, 1):
        source, moved, target = groups_of(few, n_samples=44, seed=seed)
        counts = few.obs["source_class"].iloc[source.rows].value_counts().to_dict()
        assert counts == {"A": 40, "B": 4}
        assert (source.n, target.n, len(target.rows)) == (220, 200, 44)
        assert moved.rows.tolist() == source.rows.tolist()


def test_classes_of_a_map_differ_without_colours_too():
    styles = class_styles([f"c{i}" for i in range(10)])
    assert len({marker for _, marker in styles.values()}) == 10
    many = class_styles([f"c{i}" for i in range(100)])
    assert len(set(many.values())) == 100


def test_names_of_genes_stay_beside_their_rows_where_a_notebook_cuts_the_margins_off(make_perturbations):
    """Jupyter saves tightly: rows move, and their names have to move with them."""
    moved = make_perturbations(per_class=6)
    figure = plot_gene_heatmap(moved, gene_table(moved))
    (target,) = (axes for axes in figure.axes if axes.get_gid().endswith("real") and len(axes.findobj(Line)) > 3)
    names = [line for line in target.findobj(Line) if line.get_text() in moved.var_names]
    for place in (target.get_position(), [0.3, 0.2, 0.4, 0.5]):
        target.set_position(place)
        beside = [line.get_transform().transform(line.get_position())[1] for line in names]
        rows = target.bbox.y1 - target.bbox.height * (np.arange(len(names)) + 0.5) / len(names)
        np.testing.assert_allclose(beside, rows)
    assert len(names) > 3
