"""The letters inside a PDF: the part of a font that figures share is cut out once, not once a figure."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import lru_cache
from io import BytesIO
from typing import Any, BinaryIO

from fontTools import subset
from matplotlib.backends import _backend_pdf_ps as embedding
from matplotlib.font_manager import get_font

# Rules for setting words: a PDF says where each letter stands, and to read them takes half the time.
_NOT_IN_A_PDF = ["FFTM", "GDEF", "GPOS", "GSUB", "MATH", "kern"]
_ENOUGH = 8  # letters of ASCII from which on the rest of ASCII is embedded too
_cut_out: Any = embedding.get_glyphs_subset
_replaced: Any = embedding  # matplotlib's module, in which we put a function of our own


class _Part:
    """A part of a font as matplotlib's PDF writer asks for it, its bytes already made."""

    def __init__(self, content: bytes, places: dict[int, int]) -> None:
        self._content = content
        self.glyph_index_map = places

    @property
    def font(self) -> "_Part":
        return self

    def save(self, file: BinaryIO, **_options: Any) -> None:
        file.write(self._content)

    def __enter__(self) -> "_Part":
        return self

    def __exit__(self, *_error: object) -> None:
        """Nothing is open."""


@contextmanager
def shared_fonts() -> Iterator[None]:
    """Save PDFs several times faster: cutting letters out of a font took more time than drawing the figure.

    Matplotlib has no setting for it, so its function is replaced meanwhile. The part depends on the letters
    alone, not on what was saved before: the same figure is the same bytes.
    """
    _replaced.get_glyphs_subset = _part_with
    try:
        yield
    finally:
        _replaced.get_glyphs_subset = _cut_out


def _part_with(font: Any, glyphs: Collection[int]) -> Any:
    if not all(isinstance(glyph, int) for glyph in glyphs):  # matplotlib before 3.11 names letters
        return _cut_out(font, glyphs)
    wanted = frozenset(glyphs)
    if len(wanted & _ascii(font)) >= _ENOUGH:  # names: other figures have others of the same letters
        wanted |= _ascii(font)
    return _part(font, wanted)


@lru_cache(maxsize=128)
def _part(font: Any, glyphs: frozenset[int]) -> _Part:
    options = subset.Options(glyph_names=True, recommended_glyphs=True)
    options.drop_tables += _NOT_IN_A_PDF
    options.font_number = font.face_index
    cutter, content = subset.Subsetter(options), BytesIO()
    with subset.load_font(font, options) as face:
        cutter.populate(gids=glyphs)
        cutter.subset(face)
        face.save(content, reorderTables=False)
    return _Part(content.getvalue(), dict(cutter.glyph_index_map))


@lru_cache(maxsize=16)
def _ascii(font: Any) -> frozenset[int]:
    face = get_font(font)
    return frozenset(face.get_char_index(code) for code in range(32, 127))
