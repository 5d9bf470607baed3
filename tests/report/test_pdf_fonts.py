"""The letters inside a PDF are those of its texts, whatever was saved before."""

import io
import re
import zlib

from fontTools.ttLib import TTFont
from matplotlib.backends import _backend_pdf_ps

from tspg.report import pdf_fonts
from tspg.report.figures import plot_heatmap, save_figure

FONT = re.compile(rb"/Length1 \d+.*?>>\nstream\n(.*?)\nendstream", re.DOTALL)


def saved(figure, folder, name):
    return save_figure(figure, folder, name).with_suffix(".pdf").read_bytes()


def embedded_letters(pdf):
    return [set(TTFont(io.BytesIO(zlib.decompress(stream))).getGlyphOrder()) for stream in FONT.findall(pdf)]


def test_a_pdf_is_the_same_bytes_whatever_was_saved_before(make_perturbations, tmp_path):
    perturbations = make_perturbations(genes=[f"GÉN{i}" for i in range(30)])
    pdf_fonts._part.cache_clear()
    alone = saved(plot_heatmap(perturbations, sample="sample-1"), tmp_path, "alone")
    pdf_fonts._part.cache_clear()
    saved(plot_heatmap(make_perturbations(), sample="sample-9"), tmp_path, "other")
    assert saved(plot_heatmap(perturbations, sample="sample-1"), tmp_path, "after") == alone


def test_every_letter_is_in_the_file(make_perturbations, tmp_path):
    genes = [f"GÉN{chr(0x391 + i % 17)}{i}" for i in range(30)]  # beside ASCII an accent and Greek capitals
    pdf = saved(plot_heatmap(make_perturbations(genes=genes), source_class="Kidney"), tmp_path, "figure")
    letters = set().union(*embedded_letters(pdf))
    assert {"G", "N", "Eacute", "Alpha", "Kappa", "mu", "minus"} <= letters
    assert len(letters) < 300  # a part of the font's six thousand


def test_matplotlib_is_left_as_it_was(make_perturbations, tmp_path):
    saved(plot_heatmap(make_perturbations()), tmp_path, "figure")
    assert _backend_pdf_ps.get_glyphs_subset.__module__ == "matplotlib.backends._backend_pdf_ps"
