"""How the site is built: `python -m sphinx -W -b html docs docs/_build/html`. Nothing is fetched from the network.

Pages are plain Markdown, or notebooks stored with their outputs, that can be read in the repository too. Files outside
of `docs` have a page here as well (`SHOWN`), and links are led to it. Equations are MathML, which browsers draw by
themselves.
"""

import ast
import inspect
import os
import re
import textwrap
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator

import tspg

ROOT = Path(__file__).resolve().parents[1]
SHOWN = {  # page -> the file of the repository that it shows
    "guides/gtex": "examples/gtex/README.md",
    "house/architecture": "ARCHITECTURE.md",
    "house/benchmarks": "benchmarks/README.md",
    "house/contributing": "CONTRIBUTING.md",
    "house/security": "SECURITY.md",
    "house/soak": "tests/soak/REPORT.md",
    "house/trial": "benchmarks/trial.md",
    "reference/changelog": "CHANGELOG.md",
}
LINK = re.compile(r"\[(?P<text>[^\[\]]*)\]\((?P<path>[^()\s#:]+)(?P<anchor>#[^()\s]*)?\)")
PAGES = {ROOT / file: f"{page}.md" for page, file in SHOWN.items()} | {ROOT / "README.md": "index.md"}

project = "tspg"
author = "The tspg developers"
copyright = "The tspg developers"  # noqa: A001 - Sphinx's name for it
version = release = tspg.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
]
exclude_patterns = ["_build"]
nb_execution_mode = "off"  # notebooks are stored with their outputs: scripts/make_notebooks.py
html_extra_path = ["llms.txt"]  # a short index for machines, at the root of the site
smartquotes = False  # text as it is written
nitpicky = True
nitpick_ignore_regex = [("py:.*", r"(?!tspg\.).*")]  # names of other libraries are not looked up: no network
default_role = "code"  # docstrings write `name` as Markdown does
maximum_signature_line_length = 70

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # signatures have them
autosummary_generate = False
napoleon_custom_sections = ["Returns"]  # in sentences, not as a list of types

html_theme = "pydata_sphinx_theme"
html_title = f"tspg {release}"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "logo": {"text": f"tspg {release}"},
    "header_links_before_dropdown": 8,
    "navbar_align": "left",
    "navbar_persistent": ["search-button"],
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "tango",
    "pygments_dark_style": "monokai",
}
html_sidebars = {"index": [], "compared": [], "reproduction": []}
copybutton_exclude = ".linenos, .gp, .go"


def setup(app: Sphinx) -> None:
    """What this site does beside what Sphinx does."""
    app.connect("source-read", read_source)
    app.connect("autodoc-process-signature", as_written)
    app.add_html_math_renderer("mathml", inline_renderers=(draw_inline, None), block_renderers=(draw_block, None))


def read_source(app: Sphinx, docname: str, source: list[str]) -> None:
    """The text of a page, or of the file that it shows, with links as they lead from the page."""
    file = ROOT / SHOWN.get(docname, "none")
    if not file.is_file():
        file = Path(app.env.doc2path(docname))
    app.env.note_dependency(file)
    text, folder = file.read_text(encoding="utf-8"), (ROOT / "docs" / docname).parent
    source[0] = LINK.sub(lambda found: led(found, file.parent, folder), text)


def led(link: re.Match[str], home: Path, folder: Path) -> str:
    """A link of a file in `home` as a page in `folder` must write it; of one to a folder its text alone."""
    target = Path(os.path.normpath(home / link["path"]))
    if target.is_dir():
        return link["text"]
    if not target.is_file():
        return link[0]  # a dead one, and MyST says so
    page = ROOT / "docs" / PAGES[target] if target in PAGES else target
    return f"[{link['text']}]({os.path.relpath(page, folder)}{link['anchor'] or ''})"


def as_written(
    _app: Sphinx, what: str, _name: str, value: Any, _options: object, _signature: str, _returns: str
) -> tuple[str, str | None] | None:
    """The signature of a function, method or class as the source writes it: `AnnData`, not where AnnData lives."""
    if what not in {"function", "method", "class"}:
        return None
    written = ast.parse(textwrap.dedent(inspect.getsource(value))).body[0]
    if isinstance(written, ast.ClassDef):
        if is_dataclass(value):
            return f"({', '.join(ast.unparse(one) for one in written.body if isinstance(one, ast.AnnAssign))})", None
        written = next((one for one in written.body if getattr(one, "name", "") == "__init__"), written)
    if not isinstance(written, ast.FunctionDef):
        return None
    if written.args.args and written.args.args[0].arg in {"self", "cls"}:
        del written.args.args[0]
    arguments = re.sub(r": '(\w+)'", r": \1", ast.unparse(written.args))  # a name that is only imported for types
    returns = None if written.returns is None or written.name == "__init__" else ast.unparse(written.returns).strip("'")
    return f"({arguments})", returns


def draw_inline(page: HTML5Translator, node: nodes.Element) -> None:
    """Maths in a line."""
    page.body.append(tex2mathml(node.astext(), as_block=False))
    raise nodes.SkipNode


def draw_block(page: HTML5Translator, node: nodes.Element) -> None:
    """An equation on lines of its own."""
    page.body.append(f'<div class="math-block">{tex2mathml(node.astext(), as_block=True)}</div>')
    raise nodes.SkipNode
