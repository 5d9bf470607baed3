"""Every relative link of every page leads to a file, and to a heading of it where one is named."""

import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from tests.docs.notebooks import text_of

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = (".github", "benchmarks", "docs", "examples", "packaging", "scripts", "tests")
WRITTEN = (".md", ".ipynb")
PAGES = sorted(
    path
    for path in (*ROOT.glob("*.md"), *(page for folder in FOLDERS for page in (ROOT / folder).rglob("*")))
    if path.suffix in WRITTEN and "_build" not in path.parts and ".pytest_cache" not in path.parts
)
FENCE = re.compile(r"^ *(`{3,}|~{3,}).*?^ *\1`*$", flags=re.MULTILINE | re.DOTALL)
CODE = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)")
LINK = re.compile(r"!?\[[^\]]*\]\(<?([^()\s>]+)>?(?: \"[^\"]*\")?\)")
ELSEWHERE = re.compile(r"[a-z][a-z+.-]*:")
if not (ROOT / "docs" / "index.md").is_file():
    pytest.skip("the documentation is part of a checkout", allow_module_level=True)


def links_of(text):
    """The targets of all links in a text, code left out."""
    prose = CODE.sub("code", FENCE.sub("", text))
    return LINK.findall(prose)


def anchors_of(text):
    """The names by which headings can be led to: as GitHub and MyST make them."""
    seen = Counter()
    for heading in re.findall(r"^#{1,6} +(.+?) *#*$", FENCE.sub("", text), flags=re.MULTILINE):
        plain = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").lower()
        slug = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        yield slug if not seen[slug] else f"{slug}-{seen[slug]}"
        seen[slug] += 1


@cache
def anchors_in(path):
    return frozenset(anchors_of(text_of(path)))


def dead_links(page, text):
    """The links of a page that lead nowhere."""
    for link in links_of(text):
        if ELSEWHERE.match(link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or ROOT not in (target, *target.parents):
            yield f"{link}: there is no such file"
        elif anchor and (target.suffix not in WRITTEN or anchor not in anchors_in(target)):
            yield f"{link}: {target.name} has no such heading"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_no_link_is_dead(page):
    assert list(dead_links(page, text_of(page))) == []


def test_links_are_found_and_dead_ones_told():
    page = ROOT / "docs" / "page.md"
    text = """
[there](evidence.md) [and](evidence.md#measures) ![picture](images/none.png) [gone](gone.md "title")
[no heading](evidence.md#nowhere) [out](../../elsewhere.md) [page](https://example.org/x.md)
`[code](gone-too.md)`

```python
table[0](gone-as-well.md)
```
"""
    told = list(dead_links(page, text))
    assert [line.partition(":")[0] for line in told] == [
        *("images/none.png", "gone.md", "evidence.md#nowhere", "../../elsewhere.md"),
    ]


def test_headings_have_the_names_that_github_gives_them():
    text = "# What `tspg audit --run DIR [--quick]` does\n\n## Twice\n\n## Twice\n\n### A [link](x.md), and: more!\n"
    assert list(anchors_of(text)) == ["what-tspg-audit---run-dir---quick-does", "twice", "twice-1", "a-link-and-more"]


def test_every_page_of_the_documentation_can_be_reached_from_the_first():
    start = ROOT / "docs" / "index.md"
    reached, waiting = {start}, [start]
    while waiting:
        page = waiting.pop()
        for link in links_of(text_of(page)):
            target = (page.parent / link.partition("#")[0]).resolve()
            if target.suffix in WRITTEN and target.is_file() and target not in reached:
                reached.add(target)
                waiting.append(target)
    shown = {page for page in PAGES if page.is_relative_to(ROOT / "docs")}
    stubs = {page for page in shown if "; the site shows it here." in text_of(page)}
    assert shown - stubs - reached == set()


def test_the_index_for_machines_names_pages_that_are_there():
    text = (ROOT / "docs" / "llms.txt").read_text(encoding="utf-8")
    named = re.findall(r"\]\(([^)]+)\.html\)", text)
    assert len(named) > 20
    assert [page for page in named if not any((ROOT / "docs" / f"{page}{end}").is_file() for end in WRITTEN)] == []
