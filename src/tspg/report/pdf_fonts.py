"""The letters inside a PDF: the part of a font that figures share is cut out once, not once a figure."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, BinaryIO

from matplotlib.backends import _backend_pdf_ps as embedding
from matplotlib.font_manager import get_font

_ENOUGH = 8  # letters of ASCII from which on the rest of ASCII is embedded too
_cut_out: Any = embedding.get_glyphs_subset
_as_file: Any = embedding.font_as_file
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
    with _cut_out(font, set(glyphs)) as subset:
        return _Part(_as_file(subset.font).getvalue(), dict(subset.glyph_index_map))


@lru_cache(maxsize=16)
def _ascii(font: Any) -> frozenset[int]:
    face = get_font(font)
    return frozenset(face.get_char_index(code) for code in range(32, 127))
