"""The page: right numbers, honest gaps, and names that stay text whatever they hold."""

import re
import shutil
import subprocess
import tempfile
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from tspg.errors import ModelError
from tspg.files import safe_name, write_json
from tspg.report.findings import findings_of, number, percent
from tspg.report.html import write_report
from tspg.report.run_files import read_run

HOSTILE = [
    "</script><script>document.title='OWNED'</script>",
    "<img src=x onerror=\"document.title='OWNED'\">",
    "'\"><svg onload=document.title='OWNED'>",
    "{{ 7 * 7 }}{% raw %}",
    "price $5 & </style><style>body{display:none}</style>",
    "javascript:document.title='OWNED'",
    "--><!--",
]
VOID = {"meta", "img", "br", "link", "base", "input", "source", "embed", "col", "hr", "wbr"}


class Page(HTMLParser):
    """What a browser would make of the page: elements in order, their attributes, all text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(re.sub(r"base64,[A-Za-z0-9+/=]+", "base64,", html))  # the parser is slow on long pictures
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.text += data

    @property
    def tags(self):
        return {tag for tag, _ in self.elements}


def page_of(run_dir: Path) -> Page:
    return Page(write_report(run_dir).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def hostile_run(make_run, make_perturbations, drawn_run: Path, tmp_path_factory) -> Path:
    """A run whose every name attacks the page; shared, so tests write beside it."""
    genes = [f"{HOSTILE[i % len(HOSTILE)]}{i}" for i in range(30)]
    samples = [f"{HOSTILE[i % len(HOSTILE)]}#{i}" for i in range(4 * len(HOSTILE))]
    perturbations = make_perturbations(HOSTILE, target=HOSTILE[0], per_class=4, genes=genes, samples=samples)
    run = make_run(tmp_path_factory.mktemp("hostile"), perturbations)
    shutil.copytree(drawn_run / "figures", run / "figures")  # the page reads their names, not what they show
    shutil.copy(run / "figures" / "heatmap.png", run / "figures" / f"heatmap-{safe_name(samples[1])}.png")
    return run


def test_hostile_names_stay_text(hostile_run: Path):
    page = page_of(hostile_run)
    assert page.open == []
    assert page.tags.isdisjoint({"script", "svg", "iframe", "object", "a", "link", "base", "form"})
    assert [tag for tag, _ in page.elements].count("style") == 1
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    for name in HOSTILE:
        assert name in page.text
    described = [attributes["alt"] or "" for tag, attributes in page.elements if tag == "img"]
    assert any(f"{HOSTILE[1]}#1" in text for text in described)


def test_the_check_for_hostile_names_can_fail(hostile_run: Path):
    html = write_report(hostile_run).read_text(encoding="utf-8")
    raw = html.replace("</main>", f"{HOSTILE[1]}</main>")
    images = [attributes for tag, attributes in Page(raw).elements if tag == "img"]
    assert any("onerror" in attributes for attributes in images)


def chromium_dom(page: Path) -> str:
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("chromium is not on PATH")
    quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]
    with tempfile.TemporaryDirectory() as profile:
        options = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            f"--user-data-dir={profile}",
            *quiet,
        ]
        done = subprocess.run(
            [program, *options, "--dump-dom", page.as_uri()], capture_output=True, text=True, timeout=60, check=True
        )
    return done.stdout


def test_no_name_runs_as_a_program_in_a_browser(hostile_run: Path):
    dom = chromium_dom(write_report(hostile_run))
    title = re.search(r"<title>(.*?)</title>", dom, re.DOTALL)
    assert title is not None
    assert title[1].endswith("tspg report")
    assert "<script" not in dom


def test_the_browser_check_can_fail_where_nothing_protects(tmp_path: Path):
    unprotected = tmp_path / "raw.html"
    unprotected.write_text(f"<!doctype html><title>fine</title><p>{HOSTILE[1]}", encoding="utf-8")
    assert "<title>OWNED</title>" in chromium_dom(unprotected)


def test_the_content_policy_stops_even_a_raw_name(hostile_run: Path, tmp_path: Path):
    page = tmp_path / "raw.html"
    raw = write_report(hostile_run).read_text(encoding="utf-8").replace("</main>", f"{HOSTILE[0]}{HOSTILE[1]}</main>")
    page.write_text(raw, encoding="utf-8")
    assert "<title>OWNED</title>" not in chromium_dom(page)


def test_nothing_is_loaded_from_anywhere(make_run, make_perturbations, tmp_path: Path):
    html = write_report(make_run(tmp_path, make_perturbations(), figures=True)).read_text(encoding="utf-8")
    page = Page(html)
    sources = [
        value for _, attributes in page.elements for name, value in attributes.items() if name in ("src", "href")
    ]
    assert len(sources) == 5  # four figures and one sample
    assert all(source is not None and source.startswith("data:image/png;base64,") for source in sources)
    assert "url(" not in html
    assert "@import" not in html
    policies = [a["content"] for _, a in page.elements if a.get("http-equiv") == "Content-Security-Policy"]
    assert policies == [
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
    ]
    assert len(html) < 5_000_000


def test_the_numbers_of_the_run_are_on_the_page(make_run, make_perturbations, tmp_path: Path):
    text = " ".join(page_of(make_run(tmp_path, make_perturbations())).text.split())
    assert "called 3 of 6 held-out samples Lung (50%, 95% interval 20% to 80%); before, 0%." in text
    assert "very close to real Lung samples: energy ratio 0.042" in text
    assert "a plain shift by the difference of class means is farther away (0.310)" in text
    assert "Of the gene set 2 genes are not in the matrix: LOST1, LOST2." in text
    assert "1 gene does not vary in the training samples: FLAT1." in text
    assert "4 held-out values (1%) lay outside the range seen in training and were clipped." in text
    assert "A note on the data." in text
    assert "chance 33%" in text
    assert "1024-512-128" in text
    assert "--target Lung" in text


def test_every_class_stands_with_its_counts_and_role(make_run, make_perturbations, tmp_path: Path):
    html = write_report(make_run(tmp_path, make_perturbations())).read_text(encoding="utf-8")
    row = re.search(r"<tr[^>]*><th scope=\"row\">Lung</th>(.*?)</tr>", html)
    assert row is not None
    assert re.findall(r">([^<]*)</td>", row[1]) == ["target", "9", "3", "12"]


def test_genes_stand_under_their_own_source(make_run, make_perturbations, tmp_path: Path):
    perturbations = make_perturbations()
    html = write_report(make_run(tmp_path, perturbations)).read_text(encoding="utf-8")
    for name in ("Kidney", "Liver"):
        rows = (perturbations.obs["source_class"] == name).to_numpy()
        change = perturbations.layers["perturbation"][rows].mean(axis=0)
        expected = [f"G{i}" for i in [*np.argsort(-change)[:3], *np.argsort(change)[:3]]]
        block = re.search(rf"<summary>{name} .*?</details>", html, re.DOTALL)
        assert block is not None
        assert re.findall(r'class="gene">([^<]+)<', block[0]) == expected


@pytest.mark.parametrize(
    ("energy", "words"),
    [
        (-0.01, "very close to"),
        (0.2, "near real"),
        (0.6, "only part of the way"),
        (1.3, "farther than they started"),
    ],
)
def test_the_finding_follows_the_energy_ratio(make_run, make_perturbations, tmp_path: Path, energy, words):
    assert words in findings_of(read_run(make_run(tmp_path, make_perturbations(), energy=energy)))[1]


@pytest.mark.parametrize(
    ("energy", "words"), [(0.1, "is farther away"), (0.3, "does about as well"), (0.5, "comes nearer")]
)
def test_the_plain_shift_is_compared_in_words(make_run, make_perturbations, tmp_path: Path, energy, words):
    run = make_run(tmp_path, make_perturbations(), energy=energy)
    assert f"class means {words} (0.310)" in findings_of(read_run(run))[1]
    text = page_of(run).text
    assert ("the generator is not clearly better than a plain shift" in text) == (energy == 0.3)
    assert ("the generator is worse than a plain shift" in text) == (energy == 0.5)


def test_a_classifier_that_always_says_target_is_called_out(make_run, make_perturbations, tmp_path: Path):
    run = make_run(tmp_path, make_perturbations())
    warning = "The classifier called 100% of these samples Lung before they were moved"
    assert warning not in page_of(run).text
    table = (run / "evidence.tsv").read_text(encoding="utf-8")
    before = "untouched_source\thit_rate_f\t"
    (run / "evidence.tsv").write_text(table.replace(f"{before}0.0", f"{before}1.0"), encoding="utf-8")
    assert warning in page_of(run).text


def test_few_target_samples_are_said_to_be_few(make_run, make_perturbations, tmp_path: Path):
    assert "Few target samples were held out" in page_of(make_run(tmp_path, make_perturbations(), note="too few")).text


@pytest.mark.parametrize(
    "missing",
    [
        *("metrics.json", "model/model.json", "evidence.tsv", "top_genes.tsv", "gene_overlap.tsv"),
        *("history.tsv", "perturbations.h5ad", "figures/tsne.png"),
    ],
)
def test_a_missing_file_leaves_a_gap_that_is_named(make_run, make_perturbations, tmp_path: Path, missing):
    run = make_run(tmp_path, make_perturbations())
    (run / missing).unlink(missing_ok=True)
    assert "not available" in page_of(run).text.lower()


def test_an_empty_folder_gives_a_page_of_gaps(tmp_path: Path):
    page = page_of(tmp_path)
    assert page.open == []
    assert page.text.lower().count("not available") > 8


def test_a_folder_of_tspg_perturb_has_no_training(make_run, make_perturbations, tmp_path: Path):
    run = make_run(tmp_path, make_perturbations(split="new"))
    for name in ("history.tsv", "evidence.tsv", "model/model.json"):
        (run / name).unlink()
    write_json(run / "metrics.json", {"perturbation": {"f_accuracy": 0.75, "n": 36, "hit_rate": None}})
    text = " ".join(page_of(run).text.split())
    assert "called 27 of 36 samples Lung (75%)." in text
    assert "The trained model abc123 of an earlier run was applied as it stands" in text


def test_a_folder_that_is_not_there_or_damaged_is_one_clear_error(make_run, make_perturbations, tmp_path: Path):
    with pytest.raises(ModelError, match="there is no such folder"):
        write_report(tmp_path / "nowhere")
    run = make_run(tmp_path, make_perturbations())
    (run / "metrics.json").write_text('{"data": ', encoding="utf-8")
    with pytest.raises(ModelError, match=r"metrics\.json: is no readable JSON"):
        write_report(run)


def test_heavy_figures_are_named_instead_of_embedded(drawn_run: Path, tmp_path: Path):
    run = shutil.copytree(drawn_run, tmp_path / "run")
    path = run / "figures" / f"heatmap-{safe_name('sample-0')}.png"
    path.write_bytes(path.read_bytes() + bytes(4_000_000))
    assert f"figures/{path.name}" in page_of(run).text
    assert (run / "report.html").stat().st_size < 5_000_000


def test_the_same_folder_gives_the_same_page(make_run, make_perturbations, tmp_path: Path):
    run = make_run(tmp_path, make_perturbations())
    assert write_report(run).read_bytes() == write_report(run).read_bytes()


def test_no_path_of_the_machine_is_on_the_page(drawn_run: Path):
    html = write_report(drawn_run).read_text(encoding="utf-8")
    assert str(drawn_run) not in html
    assert drawn_run.name not in html


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0%"),
        (1, "100%"),
        (0.5, "50%"),
        (0.999, "99.9%"),
        (0.99999, ">99.9%"),
        (1e-6, "<0.1%"),
        (None, "not available"),
    ],
)
def test_percent_never_rounds_to_all_or_nothing(value, shown):
    assert percent(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (-0.126, "−0.13"),
        (18154, "18,154"),
        (1234.5, "1,234.50"),
        (float("nan"), "not available"),
        ("x", "not available"),
    ],
)
def test_numbers_are_written_for_people(value, shown):
    assert number(value) == shown
