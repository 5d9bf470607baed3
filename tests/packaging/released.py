"""The last release: what recipes, citation and archives are of, while the next version is under way."""

import re
from pathlib import Path

import tspg

CHANGELOG = Path(__file__).resolve().parents[2] / "CHANGELOG.md"
IS_UNDER_WAY = ".dev" in tspg.__version__


def last_release() -> str:
    """This version, or of one that is under way the newest in the changelog."""
    if not IS_UNDER_WAY:
        return tspg.__version__
    return re.findall(r"^## \[(\d[^\]]*)\]", CHANGELOG.read_text(encoding="utf-8"), flags=re.MULTILINE)[0]
