"""The PNG that we write is what another library reads."""

import io

import numpy as np
import pytest
from PIL import Image

from tspg.report.figures import plot_heatmap, save_figure
from tspg.report.png import png_of
from tspg.report.style import house_style


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (9, 1), (40, 33)])
def test_another_library_reads_the_same_pixels(shape):
    pixels = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    with Image.open(io.BytesIO(png_of(pixels, 160))) as image:
        assert (np.asarray(image) == pixels).all()
        assert image.info["dpi"] == pytest.approx((160, 160), abs=0.02)


def test_a_saved_figure_is_the_one_that_matplotlib_saves(make_perturbations, tmp_path):
    figure = plot_heatmap(make_perturbations(), sample="sample-3")
    path = save_figure(figure, tmp_path, "ours")
    with house_style():
        figure.savefig(tmp_path / "theirs.png", dpi=160)
    with Image.open(path) as ours, Image.open(tmp_path / "theirs.png") as theirs:
        assert ours.size == theirs.size
        assert (np.asarray(ours) == np.asarray(theirs.convert("RGB"))).all()
    assert figure.dpi != 160
