"""Every figure: nothing collides, nothing leaves the page, names are literal, and equal input gives equal bytes."""

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

from tspg import plot_f_accuracy, plot_heatmap, plot_history, plot_tsne
from tspg.analysis.evaluation.proportions import clopper_pearson
from tspg.report.figures.save import save_figure, write_figures
from tspg.utils.files import safe_name

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
    original = Text.draw

    def draw(self: Text, renderer: object) -> None:
        drawn.append(self)
        original(self, renderer)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Text, "draw", draw)
        figure.canvas.draw()
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    return [
        (text, text.get_window_extent(renderer)) for text in drawn if text.get_visible() and text.get_text().strip()
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


@pytest.mark.parametrize("plot", [plot_tsne, plot_heatmap, plot_f_accuracy])
def test_no_text_leaves_the_figure_or_lies_on_another(plot, perturbations):
    assert _faults(plot(perturbations)) == []


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
def test_history_has_no_collisions(make_history, n_epochs):
    assert _faults(plot_history(make_history(n_epochs))) == []


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
    low, high = axes.lines[1].get_xdata()
    assert (low, high) == pytest.approx((0.025 ** (1 / 3), 1))  # Clopper-Pearson when all hit: (alpha/2)^(1/n)


@pytest.mark.parametrize(("hits", "n"), [(0, 1), (1, 1), (0, 9), (3, 9), (9, 9), (2283, 2284)])
def test_the_interval_is_that_of_scipy(hits, n):
    expected = binomtest(hits, n).proportion_ci(0.95, method="exact")
    assert clopper_pearson(hits, n) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_new_profiles_of_unknown_class_can_be_drawn(make_perturbations):
    perturbations = make_perturbations(split="test", per_class=4)
    perturbations.obs["source_class"] = ""
    for plot in (plot_tsne, plot_heatmap, plot_f_accuracy):
        assert _faults(plot(perturbations)) == []


def test_the_same_figure_is_the_same_bytes(make_perturbations, tmp_path: Path):
    perturbations = make_perturbations()
    for name in ("first", "second"):
        save_figure(plot_f_accuracy(perturbations), tmp_path, name)
    for ending in ("png", "pdf"):
        assert (tmp_path / f"first.{ending}").read_bytes() == (tmp_path / f"second.{ending}").read_bytes()
    assert b"CreationDate" not in (tmp_path / "first.pdf").read_bytes()


@pytest.mark.parametrize(("one_of_many", "kind"), [(False, b"/CIDFontType2"), (True, b"/Type3")])
def test_fonts_are_embedded_for_print_and_the_quick_way_in_one_of_many(
    make_perturbations, tmp_path: Path, one_of_many, kind
):
    figure = plot_heatmap(make_perturbations(), sample="sample-1")
    pdf = save_figure(figure, tmp_path, "figure", one_of_many=one_of_many).with_suffix(".pdf").read_bytes()
    assert {name for name in (b"/CIDFontType2", b"/Type3") if name in pdf} == {kind}


def test_a_users_own_settings_change_nothing(make_perturbations, tmp_path: Path):
    perturbations = make_perturbations()
    plain = save_figure(plot_heatmap(perturbations, sample="sample-1"), tmp_path, "plain").read_bytes()
    with mpl.rc_context({"font.size": 30, "savefig.dpi": 10, "axes.facecolor": "red", "image.cmap": "jet"}):
        changed = save_figure(plot_heatmap(perturbations, sample="sample-1"), tmp_path, "changed").read_bytes()
    assert changed == plain


def test_write_figures_uses_stable_names(drawn_run: Path):
    names = {"tsne", "heatmap", "history", "f_accuracy", f"heatmap-{safe_name('sample-0')}"}
    assert {path.name for path in (drawn_run / "figures").iterdir()} == {
        f"{name}.{ending}" for name in names for ending in ("png", "pdf")
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


@pytest.fixture(params=["history", "tsne", "f_accuracy", "heatmap"])
def plot_and_data(request, make_perturbations, make_history):
    plots = {"history": plot_history, "tsne": plot_tsne, "f_accuracy": plot_f_accuracy, "heatmap": plot_heatmap}
    data = make_history() if request.param == "history" else make_perturbations(per_class=6)
    return plots[request.param], data


def _drawn(figure: Figure, *, but: object = None) -> list[list]:
    """The numbers of all lines and images of a figure."""
    drawn = [axes for axes in figure.axes if axes is not but]
    lines = [line.get_xydata().tolist() for axes in drawn for line in axes.lines]
    return lines + [np.asarray(image.get_array()).tolist() for axes in drawn for image in axes.images]


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
    drawn = [axes for axes in figure.axes if axes.has_data()]
    assert drawn
    for axes in drawn:
        assert place.padded(1).containsx(axes.bbox.x0)
        assert place.padded(1).containsx(axes.bbox.x1)
        assert place.padded(1).containsy(axes.bbox.y0)
        assert place.padded(1).containsy(axes.bbox.y1)
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
    paths = write_figures(tmp_path, make_perturbations(per_class=2), history, for_print=False)
    assert not list(tmp_path.rglob("*.pdf"))
    assert {path.name for path in paths} == {"tsne.png", "heatmap.png", "f_accuracy.png"}
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in paths)
