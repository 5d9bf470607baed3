"""Notebooks of the documentation as tests read them: as a page with blocks (`blocks.py`), and by what they printed."""

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SHELL = "%%bash\n"
NUMBER = re.compile(r"[−-]?\d[\d.,]*(?:e[+-]\d+)?")
CLOSE = 0.02  # numbers of other versions of the libraries


def text_of(page: Path) -> str:
    """A page as Markdown: a file as it is; of a notebook its texts, and its code in blocks, without magics."""
    text = page.read_text(encoding="utf-8")
    if page.suffix != ".ipynb":
        return text
    return "\n\n".join(_as_markdown(cell["cell_type"], "".join(cell["source"])) for cell in json.loads(text)["cells"])


def _as_markdown(kind: str, source: str) -> str:
    if kind != "code":
        return source
    if source.startswith(SHELL):
        return f"```bash\n{source.removeprefix(SHELL)}\n```"
    lines = [line for line in source.splitlines() if not line.startswith("%")]
    return "\n".join(["```python", *lines, "```"])


def printed_by(cell: Any) -> str:
    """What a code cell printed and showed, as text."""
    return "\n".join(_text(output) for output in cell.get("outputs", []))


def _text(output: Any) -> str:
    text = output["text"] if "text" in output else output.get("data", {}).get("text/plain", "")
    return text if isinstance(text, str) else "".join(text)


def differences(first: str, second: str) -> Iterator[str]:
    """Where two outputs differ: words must be the same, numbers close to each other."""
    words = [" ".join(NUMBER.sub("#", text).split()) for text in (first, second)]
    if words[0] != words[1]:
        yield f"{words[0]!r} and {words[1]!r}"
        return
    for one, other in zip(NUMBER.findall(first), NUMBER.findall(second), strict=True):
        if not math.isclose(_number(one), _number(other), rel_tol=CLOSE, abs_tol=CLOSE):
            yield f"{one} and {other}"


def _number(text: str) -> float:
    plain = text.replace("−", "-").replace(",", "").rstrip(".")
    return float(plain) if plain.count(".") < 2 else hash(plain)  # a version
