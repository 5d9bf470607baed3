"""The page of a run whose every name is an attack on browsers: the same page, with other words in it."""

import json
import re
import shutil
import subprocess
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tspg.analysis.interpretation.perturbations import read_perturbations, write_perturbations
from tspg.report.page.build import page_of
from tspg.utils.files import read_table, write_json, write_table

RUN = "document.title='OWNED';fetch('http://127.0.0.1:1/f')"
PAYLOADS = [
    f"<script>{RUN}</script>",
    f"</script><script>{RUN}</script>",
    f"</title><script>{RUN}</script>",
    f"</style><script>{RUN}</script>",
    f"</textarea></noscript></template><script>{RUN}</script>",
    f'<img src=x onerror="{RUN}">',
    f'"><img src=x onerror="{RUN}">',
    f'\'><img src=x onerror="{RUN}">',
    f'" onmouseover="{RUN}" autofocus onfocus="{RUN}" x="',
    "' onmouseover='document.title=1' x='",
    f"<svg onload={RUN}>",
    f'<svg><script xlink:href="data:,{RUN}"></script></svg>',
    f'<body onload="{RUN}">',
    f'<input autofocus onfocus="{RUN}">',
    f'<details open ontoggle="{RUN}">',
    f'<video><source onerror="{RUN}"></video>',
    f'<marquee onstart="{RUN}">',
    f'<iframe srcdoc="<script>parent.{RUN}</script>"></iframe>',
    f'<iframe src="javascript:parent.{RUN}"></iframe>',
    f'<a href="javascript:{RUN}">click</a>',
    f"javascript:{RUN}",
    f'<object data="data:text/html,<script>{RUN}</script>"></object>',
    '<embed src="http://127.0.0.1:1/e">',
    '<script src="http://127.0.0.1:1/s"></script>',
    '<img src="http://127.0.0.1:1/i">',
    '<link rel="stylesheet" href="http://127.0.0.1:1/l">',
    '<style>@import "http://127.0.0.1:1/c"; body{display:none}</style>',
    '<p style="background:url(http://127.0.0.1:1/u)">',
    '<meta http-equiv="refresh" content="0;url=http://127.0.0.1:1/m">',
    '<base href="http://127.0.0.1:1/">',
    '<form action="http://127.0.0.1:1/p"><button>go</button></form>',
    f'<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror={RUN}&gt;">',
    f"--><script>{RUN}</script><!--",
    f"]]><script>{RUN}</script>",
    f"&lt;script&gt;{RUN}&lt;/script&gt;",
    f"&#60;script&#62;{RUN}",
    f"+ADw-script+AD4-{RUN}",
    "{{ 7 * 7 }}{% raw %}",
    "${7*7}#{7*7}`${7*7}`",
    "\u2028</script>\u2029<!--<script>",
]
assert len(set(PAYLOADS)) == 40
GUARD = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')


class Page(HTMLParser):
    """What a browser makes of a page: how often each element with its attributes stands in it, and all text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: Counter[tuple[str, ...]] = Counter()
        self.text, self.title, self.inside = "", "", ""
        self.feed(re.sub(r"base64,[A-Za-z0-9+/=]+", "base64,", html))
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements[(tag, *sorted(name for name, _ in attrs))] += 1
        self.inside = tag

    def handle_data(self, data):
        if self.inside not in ("script", "style"):
            self.text += data
        if self.inside == "title" and self.elements[("title",)] == 1:  # of the page; points on the map have some, too
            self.title += data

    def handle_endtag(self, tag):
        if tag in ("script", "style", "title"):
            self.inside = ""


def renamed(content, names):
    if isinstance(content, dict):
        return {names.get(key, key): renamed(value, names) for key, value in content.items()}
    if isinstance(content, list):
        return [renamed(one, names) for one in content]
    return names.get(content, content) if isinstance(content, str) else content


@pytest.fixture(scope="module")
def hostile(run_folder: Path, tmp_path_factory) -> Path:
    """A copy of an ordinary run in which classes, genes, samples and terms bear the names of attacks."""
    folder = shutil.copytree(run_folder, tmp_path_factory.mktemp("hostile") / "run")
    shutil.rmtree(folder / "figures")
    moved = read_perturbations(folder)
    old = [*sorted(set(moved.obs["source_class"])), *moved.var_names, *moved.obs_names]
    names = {name: PAYLOADS[at % 40] + (str(at // 40) if at >= 40 else "") for at, name in enumerate(old)}
    moved.obs_names = [names[name] for name in moved.obs_names]
    moved.var_names = [names[name] for name in moved.var_names]
    for column in ("source_class", "predicted_before", "predicted_after"):
        moved.obs[column] = [names[name] for name in moved.obs[column]]
    facts = moved.uns["tspg"]
    moved.uns["tspg"] = {
        **renamed({**facts, "classes": list(facts["classes"]), "source_classes": list(facts["source_classes"])}, names),
        "gene_set": PAYLOADS[1],
    }
    write_perturbations(moved, folder / "perturbations.h5ad")
    for file in folder.glob("*.tsv"):
        table = read_table(file)
        for column in table.columns:
            if table[column].dtype == object:
                table[column] = [names.get(cell, cell) for cell in table[column]]
        write_table(file, table)
    for file in ("metrics.json", "model/model.json"):
        content = renamed(json.loads((folder / file).read_text(encoding="utf-8")), names)
        write_json(folder / file, content)
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    metrics["data"]["notes"] = PAYLOADS
    metrics["data"]["gene_set"]["name"] = PAYLOADS[1]
    write_json(folder / "metrics.json", metrics)
    return folder


@pytest.fixture(scope="module")
def page(hostile: Path) -> str:
    return page_of(hostile)


def test_payloads_make_no_element_and_no_attribute(page: str, run_folder: Path, tmp_path: Path):
    plain = shutil.copytree(run_folder, tmp_path / "plain")
    shutil.rmtree(plain / "figures")
    metrics = json.loads((plain / "metrics.json").read_text(encoding="utf-8"))
    metrics["data"]["notes"] = [f"note {number}" for number in range(40)]
    metrics["data"]["gene_set"]["name"] = "a gene set"
    write_json(plain / "metrics.json", metrics)
    ordinary, attacked = Page(page_of(plain)), Page(page)
    assert attacked.elements == ordinary.elements
    assert [name for name in PAYLOADS if name not in attacked.text] == []
    assert attacked.title == f"From 2 classes to {PAYLOADS[2]}: which genes change?"


def test_the_comparison_of_elements_can_fail(page: str):
    for payload in PAYLOADS[:6]:
        raw = Page(page.replace("</main>", f"{payload}</main>"))
        assert raw.elements != Page(page).elements


@contextmanager
def listening() -> Iterator[tuple[int, list[str]]]:
    """A server of this machine, and the paths it was asked for."""
    asked: list[str] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port, asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def opened(html: str, folder: Path) -> tuple[Page, list[str]]:
    """A page as Chromium holds it when its programs have run, and what it asked the network for."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("chromium is not on PATH")
    quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]
    with listening() as (port, asked), tempfile.TemporaryDirectory() as profile:
        (folder / "opened.html").write_text(html.replace("127.0.0.1:1/", f"127.0.0.1:{port}/"), encoding="utf-8")
        words = [program, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}", *quiet]
        words += ["--virtual-time-budget=2000", "--dump-dom", (folder / "opened.html").as_uri()]
        done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True)
        return Page(done.stdout.replace(f"127.0.0.1:{port}/", "127.0.0.1:1/")), list(asked)


def test_no_payload_runs_or_calls_out_in_a_browser(page: str, tmp_path: Path):
    found, asked = opened(page, tmp_path)
    assert found.title == Page(page).title
    assert asked == []
    assert all(name in found.text for name in PAYLOADS)
    assert found.elements[("body", "data-ready")] == 1  # its own program has made tables, plots and menus
    assert {one[0] for one in found.elements}.isdisjoint({"iframe", "object", "embed", "base", "form", "video", "img"})
    assert sum(n for (tag, *_), n in found.elements.items() if tag == "script") == 3  # its numbers, libraries, program


@pytest.mark.parametrize("payload", [PAYLOADS[1], PAYLOADS[5], PAYLOADS[24]])
def test_the_browser_check_can_fail(page: str, tmp_path: Path, payload: str):
    """Unescaped and without the content policy, the same payloads run and call out."""
    found, asked = opened(GUARD.sub("", page).replace("</main>", f"{payload}</main>"), tmp_path)
    assert asked
    assert found.title == "OWNED" or payload == PAYLOADS[24]


def test_the_content_policy_stops_payloads_that_are_not_escaped(page: str, tmp_path: Path):
    raw = "".join(one for one in PAYLOADS if "<meta" not in one and "<!--" not in one)  # a page may always leave itself
    found, asked = opened(page.replace("</main>", f"{raw}</main>"), tmp_path)
    assert found.title == Page(page).title
    assert asked == []
