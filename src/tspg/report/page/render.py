"""What every page has in common: its style, its one program, and the guard against hostile names."""

import base64
import hashlib
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined, Template, TemplateError

from tspg.utils.text import counted, number, percent, small


def source_of(name: str) -> str:
    """The text of a file of this package: a template, a style, a program."""
    return files("tspg.report").joinpath(name).read_text(encoding="utf-8")


PROGRAM = source_of("page/page.js")


@lru_cache
def _template(name: str) -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(number=number, percent=percent, counted=counted, small=small)
    return environment.from_string(source_of(name))


def rendered(template: str, program: str, contents: Mapping[str, Any]) -> str:
    """A page as one text that opens offline.

    Every name of the data is escaped, and the page's content policy lets `program`, known by its hash, run and
    nothing else.
    """
    page = {
        "style": source_of("page/page.css"),
        "program": program,
        "program_hash": base64.b64encode(hashlib.sha256(program.encode()).digest()).decode(),
    }
    try:
        return _template(template).render({**contents, **page})
    except TemplateError as error:  # numbers or tables of another shape
        raise ValueError(f"the page cannot be made: {error}") from error
