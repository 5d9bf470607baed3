"""What every page has in common: its style, its libraries and program, and the guard against hostile names."""

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined, TemplateError

from tspg.utils.text import counted, number, percent, signed, small

LIBRARIES = "page/vendor/libraries.min.js"  # d3 and Tabulator; scripts/page renews them
MODULES = (  # each may use those before it
    *("text", "data", "panel", "tables", "search", "scatter", "views", "genes", "plots", "gene_panel", "map"),
    *("heatmap", "main"),
)
_IMPORT = re.compile(r'^import [^;]+ from "\./\w+\.js";\n', re.MULTILINE)


def source_of(name: str) -> str:
    """The text of a file of this package: a template, a style, a program."""
    return files("tspg.report").joinpath(name).read_text(encoding="utf-8")


def joined(paths: Sequence[str]) -> str:
    """Modules of the page's own program as one script: an inline module can import nothing from another."""
    texts = [re.sub(r"^export ", "", _IMPORT.sub("", source_of(path)), flags=re.MULTILINE) for path in paths]
    return '"use strict";\n{\n' + "\n".join(texts) + "}\n"


@lru_cache
def page_program() -> str:
    """The program of the page of a run."""
    return joined([f"page/js/{name}.js" for name in MODULES])


@lru_cache
def _environment() -> Environment:
    loader = FunctionLoader(source_of)
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(number=number, percent=percent, counted=counted, small=small, signed=signed)
    return environment


def rendered(template: str, program: str, contents: Mapping[str, Any]) -> str:
    """A page as one text that opens offline.

    Every name of the data is escaped, and the page's content policy lets the libraries and `program`, known by their
    hashes, run and nothing else.
    """
    scripts = [source_of(LIBRARIES), program]
    page = {
        "style": source_of("page/page.css"),
        "scripts": scripts,
        "hashes": [base64.b64encode(hashlib.sha256(one.encode()).digest()).decode() for one in scripts],
    }
    try:
        return _environment().get_template(template).render({**contents, **page})
    except TemplateError as error:  # numbers or tables of another shape
        raise ValueError(f"the page cannot be made: {error}") from error
