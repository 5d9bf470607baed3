"""What a release says of itself is the same everywhere: its version, its day, and that there are notes on it."""

import re
from pathlib import Path

import pytest
import yaml

from tests.packaging.released import last_release

ROOT = Path(__file__).resolve().parents[2]
if not (ROOT / "CHANGELOG.md").is_file():
    pytest.skip("the changelog is part of a checkout and of a source distribution", allow_module_level=True)

SECTION = re.compile(r"^## \[(.+?)\](?: - (\S+))?$", flags=re.MULTILINE)
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_newest_section_is_of_the_last_release_and_of_the_day_that_the_citation_names():
    newest = next(section for section in SECTION.findall(CHANGELOG) if section[0] != "Unreleased")
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert newest == (last_release(), str(citation["date-released"]))
    assert citation["version"] == last_release()


def test_sections_go_from_new_to_old_and_what_is_not_released_yet_comes_first():
    names, days = zip(*SECTION.findall(CHANGELOG), strict=True)
    assert (names[0], days[0]) == ("Unreleased", "")
    assert all(re.fullmatch(r"20\d\d-[01]\d-[0-3]\d", day) for day in days[1:])
    assert list(days[1:]) == sorted(days[1:], reverse=True)
    assert len(set(names)) == len(names)


def test_every_section_but_the_first_says_something():
    texts = [part.strip() for part in re.split(r"^## .+$", CHANGELOG, flags=re.MULTILINE)[2:]]
    assert texts
    assert all(len(re.findall(r"^- ", text, flags=re.MULTILINE)) > 0 for text in texts)
