"""Run the tutorials that are notebooks anew: `python scripts/make_notebooks.py [NAME ...]`, all of them by default.

Each runs from a fresh kernel in an empty folder, and its outputs replace those stored in `docs/tutorials/NAME.ipynb`.
Nothing is kept that depends on when or where that was: no times, no counts of earlier runs, no paths, and of shell
cells only what they print on stdout, not how far they are. Pictures get few colours, so that files stay small.
"""

import argparse
import base64
import io
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "tutorials"
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
SHELL = "%%bash"
COLOURS = 128  # of a picture
PATIENCE = 1800  # seconds for one cell
DRAWN = "image/png"


def main() -> None:
    """Run the notebooks and write them back."""
    known = sorted(path.stem for path in FOLDER.glob("*.ipynb"))
    parser = argparse.ArgumentParser(description="Run the tutorials that are notebooks anew.")
    parser.add_argument("names", nargs="*", default=known, metavar="NAME", help=f"some alone: {', '.join(known)}")
    options = parser.parse_args()
    unknown = sorted(set(options.names) - set(known))
    if unknown:
        sys.exit(f"There is no notebook {', '.join(unknown)} in docs/tutorials; there are {', '.join(known)}.")
    for name in options.names:
        path = FOLDER / f"{name}.ipynb"
        nbformat.write(executed(nbformat.read(path, as_version=4)), path)
        print(f"{name}: {path.stat().st_size / 1000:.0f} kB")


def executed(notebook: Any) -> Any:
    """The notebook with the outputs of a fresh kernel; a cell that fails is an error."""
    with tempfile.TemporaryDirectory() as folder:
        NotebookClient(
            notebook,
            timeout=PATIENCE,
            kernel_name="python3",
            resources={"metadata": {"path": folder}},
            coalesce_streams=True,
            record_timing=False,
        ).execute()
    notebook.metadata = nbformat.from_dict(METADATA)
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({})
        if cell.cell_type == "code":
            cell.outputs = [stored(one) for one in cell.outputs if is_kept(cell.source, one)]
    return notebook


def is_kept(source: str, output: Any) -> bool:
    """Whether an output is stored: not how far a shell command is, which it tells on stderr."""
    return not (source.startswith(SHELL) and output.get("name") == "stderr")


def stored(output: Any) -> Any:
    """An output as it is stored: pictures with few colours, and nothing beside what is shown."""
    if "data" in output:
        output.metadata = nbformat.from_dict({})
        if DRAWN in output.data:
            output.data[DRAWN] = small(output.data[DRAWN])
    return output


def small(picture: str) -> str:
    """A PNG in base64 with few colours."""
    with Image.open(io.BytesIO(base64.b64decode(picture))) as image:
        few = image.convert("RGB").quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    target = io.BytesIO()
    few.save(target, format="PNG", optimize=True)
    return base64.b64encode(target.getvalue()).decode("ascii")


if __name__ == "__main__":
    main()
