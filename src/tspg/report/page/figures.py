"""The figures of a run folder, ready for the page; their captions are in its template."""

import base64
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from tspg.report.read import RunFiles
from tspg.utils.files import safe_name

MAIN = ("f_accuracy", "heatmap", "difference", "path", "overlap", "history")
MOST_BYTES = 3_300_000  # base64 adds a third; the page stays under 5 MB
FEWEST_STEPS = 3  # of a history that is worth a figure
_PNG_HEAD = 24  # bytes, with width and height
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class PageFigure:
    """A figure as the page needs it; `data` is empty where it would make the page too heavy."""

    file: str
    sample: str  # whose heat map it is; empty for all other figures
    data: str
    width: int
    height: int


def figures_of(run: RunFiles) -> dict[str, PageFigure]:
    """The figures of a run by name: the main ones first, then those of single samples, while the page stays light."""
    figures, n_bytes = {}, 0
    for name, sample in _names(run):
        path = run.folder / "figures" / f"{name}.png"
        content = path.read_bytes() if path.is_file() else b""
        if not content.startswith(_PNG_SIGNATURE) or len(content) < _PNG_HEAD:
            continue
        n_bytes += len(content)
        data = base64.b64encode(content).decode() if n_bytes <= MOST_BYTES else ""
        width, height = struct.unpack(">II", content[16:24])  # so the page keeps room before it is drawn
        figures[name] = PageFigure(path.name, sample, data, width, height)
    return figures


def _names(run: RunFiles) -> Iterator[tuple[str, str]]:
    """Names of figures that show something here, each with its sample, which a file name cannot always hold."""
    is_one = len(run.obs) == 1  # a single sample has no rate, and the heat map of the run is its own
    says_nothing = {"f_accuracy": is_one, "history": len(run.tables["history"]) < FEWEST_STEPS}
    yield from ((name, "") for name in MAIN if not says_nothing.get(name))
    drawn = {path.stem for path in (run.folder / "figures").glob("heatmap-*.png")}
    for sample in run.obs.index.astype(str) if drawn and not is_one else ():
        if (name := f"heatmap-{safe_name(sample)}") in drawn:
            yield name, sample
