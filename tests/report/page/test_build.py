"""The page: right numbers, honest gaps, and names that stay text whatever they hold."""

import json
import re
import shutil
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tspg.analysis.evaluation.measure import info_of
from tspg.analysis.evaluation.verdict import QUESTIONS, answer_questions
from tspg.analysis.interpretation.enrichment import ORA_COLUMNS, RANKED_COLUMNS
from tspg.analysis.interpretation.gene_set_contribution import CONTRIBUTION_COLUMNS
from tspg.analysis.interpretation.samples import SAMPLE_COLUMNS
from tspg.data.demo import DEMO_FILE
from tspg.errors import ModelError
from tspg.model.config import ExperimentConfig
from tspg.report.page.build import write_report
from tspg.report.page.evidence import MEASURES, METHODS, TELLING
from tspg.report.page.findings import findings_of
from tspg.report.page.render import PROGRAM
from tspg.report.read import read_run, warnings_of_run
from tspg.utils.files import safe_name, write_json, write_table
from tspg.utils.text import number, percent

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
        self.programs: list[str] = []
        self.feed(re.sub(r"base64,[A-Za-z0-9+/=]+", "base64,", html))  # the parser is slow on long pictures
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "script" in self.open:
            self.programs.append(data)
        elif "style" not in self.open:
            self.text += data

    @property
    def tags(self):
        return {tag for tag, _ in self.elements}


def page_of(run_dir: Path) -> Page:
    return Page(write_report(run_dir).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def plain_run(make_run, make_perturbations, tmp_path_factory) -> Path:
    return make_run(tmp_path_factory.mktemp("plain") / "run", make_perturbations())


@pytest.fixture
def run(plain_run: Path, tmp_path: Path) -> Path:
    """A copy of an ordinary run without figures."""
    return shutil.copytree(plain_run, tmp_path / "run")


@pytest.fixture(scope="module")
def hostile_run(make_run, make_perturbations, drawn_run: Path, tmp_path_factory) -> Path:
    """A run whose every name attacks the page; shared, so tests write beside it."""
    genes = [f"{HOSTILE[i % len(HOSTILE)]}{i}" for i in range(30)]
    samples = [f"{HOSTILE[i % len(HOSTILE)]}#{i}" for i in range(4 * len(HOSTILE))]
    perturbations = make_perturbations(HOSTILE, target=HOSTILE[0], per_class=4, genes=genes, samples=samples)
    run = make_run(tmp_path_factory.mktemp("hostile"), perturbations)
    rows = [(f"{HOSTILE[1]}-controls", HOSTILE[0], 0.5, HOSTILE[4], "pass")]
    write_table(run / "controls.tsv", pd.DataFrame(rows, columns=["control", "measure", "value", "note", "answer"]))
    top = pd.read_csv(run / "top_genes.tsv", sep="\t", keep_default_na=False).head(1)
    stable = top[["source_class", "direction", "gene"]].assign(stable=f"{HOSTILE[1]}-stable")
    write_table(run / "stable_genes.tsv", stable)
    shutil.copytree(drawn_run / "figures", run / "figures")  # the page reads their names, not what they show
    shutil.copy(run / "figures" / "heatmap.png", run / "figures" / f"heatmap-{safe_name(samples[1])}.png")
    return run


def test_hostile_names_stay_text(hostile_run: Path):
    page = page_of(hostile_run)
    assert page.open == []
    for places, times in (("controls", 2), ("stable", 1)):  # an answer of the verdict and the table name a control
        assert page.text.count(f"{HOSTILE[1]}-{places}") == times
    assert page.tags.isdisjoint({"iframe", "object", "link", "base", "form"})
    assert page.programs == [PROGRAM]  # the page's own, and no other
    links = {attributes["href"] for tag, attributes in page.elements if tag == "a"}
    inside = {link for link in links if link.startswith("#")}
    assert inside <= {f"#{attributes['id']}" for _, attributes in page.elements if "id" in attributes}
    assert links - inside == {"metrics.json", *(path.name for path in hostile_run.glob("*.tsv"))}
    assert [tag for tag, _ in page.elements].count("style") == 1
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    for name in HOSTILE:
        assert name in page.text
    described = [attributes["alt"] or "" for tag, attributes in page.elements if tag == "img"]
    assert any(f"{HOSTILE[1]}#1" in text for text in described)


@pytest.fixture(scope="module")
def full_run(drawn_run: Path, tmp_path_factory) -> Path:
    """A run with every table of the page, whose answers are known."""
    run = shutil.copytree(drawn_run, tmp_path_factory.mktemp("full") / "run")
    top = pd.read_csv(run / "top_genes.tsv", sep="\t", keep_default_na=False)
    own = top[top["source_class"] == "Kidney"].assign(sample="sample-1")
    write_table(run / "top_genes.tsv", pd.concat([top, own]))
    best = (4, 18, 30, 900, 50, 1e-9, 1e-7, "G1 G2 G3 G4", "GOBP_BEST_TERM")
    same = (4, 18, 40, 900, 50, 1e-6, 1e-4, "G1 G2 G3 G4", "GOBP_BEST_TERM")
    ora = [
        ("Kidney", "", "up", "GO BP", "GOBP_BEST_TERM", *best),
        ("Kidney", "", "up", "GO BP", "GOBP_SAME_THING", *same),
        ("Liver", "", "down", "Hallmark", "HALLMARK_HYPOXIA", 1, 18, 40, 900, 50, 0.4, 0.9, "G9", ""),
    ]
    write_table(run / "enrichment.tsv", pd.DataFrame(ora, columns=list(ORA_COLUMNS)))
    ranked = [("Liver", "", "Hallmark", "HALLMARK_HYPOXIA", 114, -3.4, 7e-4, 3e-3, "HALLMARK_HYPOXIA", 0.06)]
    write_table(run / "enrichment_ranked.tsv", pd.DataFrame(ranked, columns=list(RANKED_COLUMNS)))
    path = pd.DataFrame({"source_class": "Kidney", "sample": "", "a": [0.0, 0.5, 1.0], "energy_left": [1.0, 0.5, 0.1]})
    write_table(run / "path.tsv", path.assign(called_by_f=[0.0, 0.6, 1.0], called_by_logistic=[0.0, 0.2, 0.9]))
    person = ("sample-1", "Kidney", "Kidney", "Lung", "test", "Kidney", 0.1, np.nan, "none", 0.0, 9.0, 2.0, 0.004, 250)
    write_table(run / "samples.tsv", pd.DataFrame([person], columns=list(SAMPLE_COLUMNS)))
    return run


def test_what_the_genes_do_is_on_the_page_with_its_doubts(full_run: Path):
    text = " ".join(page_of(full_run).text.split())
    assert "best term and 1 more that share its genes: same thing" in text
    assert "q 1.0e-07 *" in text
    assert "4 of 30: G1 G2 G3 G4 · GO BP" in text
    assert "hypoxia" in text
    assert "q 3.0e-03 lower than other genes, 114 genes" in text  # no star: it does not hold if genes go together
    called = (
        "at least half of the samples are called Lung by f from a = 0.50 on, by logistic regression from a = 1.00 on"
    )
    assert called in text
    assert "10% of the energy distance" in text
    assert "This profile lies outside the data that the model was trained on (9.00 to the nearest" in text


ACTIONS = """
const show = (key, value) => document.body.setAttribute(`data-${key}`, value);
const visible = (selector) => Array.from(document.querySelectorAll(selector)).filter((e) => !e.hidden);
const chooser = document.querySelector('select[data-for="genes"]');
chooser.value = Array.from(chooser.options).find((o) => o.text.startsWith("Liver")).value;
chooser.dispatchEvent(new Event("change"));
show("chosen", visible('[data-group="genes"]').map((e) => e.querySelector("summary").textContent.trim()).join("|"));
chooser.value = "all"; chooser.dispatchEvent(new Event("change"));
show("everything", visible('[data-group="genes"]').length);
const search = document.querySelector("input.search");
search.value = "g1"; search.dispatchEvent(new Event("input"));
const rows = visible("table.searchable tbody tr").filter((r) => r.closest("section") === search.closest("section"));
show("found", rows.length > 0 && rows.every((r) => r.textContent.toLowerCase().includes("g1")));
search.value = ""; search.dispatchEvent(new Event("input"));
const table = document.querySelector('[data-group="genes"] table.sortable');
const head = table.querySelectorAll("thead th")[2];
const column = () => Array.from(table.tBodies[0].rows).map((r) => parseFloat(r.cells[2].textContent));
head.querySelector("button").click();
show("rising", column().every((v, i, a) => i === 0 || a[i - 1] <= v));
head.click();
show("falling", column().every((v, i, a) => i === 0 || a[i - 1] >= v));
const point = document.querySelector("figure.map [data-sample]");
point.dispatchEvent(new MouseEvent("mouseenter"));
show("named", document.querySelector("figure.map output").textContent === point.querySelector("title").textContent);
const key = document.querySelectorAll("figure.map button")[1];
key.click();
const faded = Array.from(document.querySelectorAll("figure.map .faded"));
show("faded", faded.length > 0 && faded.every((p) => p.dataset.class !== key.dataset.class));
"""


def test_the_page_can_be_worked_with_in_a_browser(full_run: Path, worked_with):
    found = worked_with(write_report(full_run), PROGRAM, ACTIONS)
    assert found.pop("chosen").startswith("Liver → Lung")
    assert found.pop("everything") == "2"  # the classes; the named sample is above, by itself
    assert found == dict.fromkeys(["found", "rising", "falling", "named", "faded"], "true")


def test_nothing_is_loaded_from_anywhere(drawn_run: Path, hash_of):
    html = write_report(drawn_run).read_text(encoding="utf-8")
    page = Page(html)
    sources = [
        value for _, attributes in page.elements for name, value in attributes.items() if name in ("src", "href")
    ]
    pictures = [source for source in sources if source is not None and source.startswith("data:image/png;base64,")]
    assert len(pictures) == 4  # who is called the target, heat map, training, one sample; the map is drawn as SVG
    beside = {path.name for path in drawn_run.rglob("*") if path.suffix in (".tsv", ".json")}
    assert {source for source in sources if not source.startswith("#")} - set(pictures) <= beside
    assert "url(" not in html
    assert "@import" not in html
    policies = [a["content"] for _, a in page.elements if a.get("http-equiv") == "Content-Security-Policy"]
    assert policies == [
        f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src '{hash_of(PROGRAM)}'; "
        "base-uri 'none'; form-action 'none'"
    ]
    assert len(html) < 5_000_000


def test_the_numbers_of_the_run_are_on_the_page(run: Path):
    text = " ".join(page_of(run).text.split())
    assert "called 3 of 6 held-out samples Lung (50%, 95% interval 20% to 80%); before, 0%." in text
    assert "very close to real Lung samples: energy ratio 0.042" in text
    assert "a plain shift by the difference of class means is farther away (0.310)" in text
    assert text.count("LOST1, LOST2") == 1
    assert "1 gene does not vary in the training samples: FLAT1." in text
    assert "4 held-out values (1%) lay outside the range seen in training and were clipped." in text
    assert "A note on the data." in text
    assert "chance 33%" in text
    assert "1024-512-128" in text
    assert "--target Lung" in text


def test_every_class_has_its_counts_and_role(run: Path):
    html = write_report(run).read_text(encoding="utf-8")
    row = re.search(r"<tr[^>]*><th scope=\"row\">Lung</th>(.*?)</tr>", html)
    assert row is not None
    assert re.findall(r">([^<]*)</td>", row[1]) == ["target", "9", "3", "12"]


def test_genes_are_listed_under_their_own_source(run: Path, make_perturbations):
    perturbations = make_perturbations()
    html = write_report(run).read_text(encoding="utf-8")
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
def test_the_finding_follows_the_energy_ratio(run: Path, make_evidence, energy, words):
    assert words in findings_of(read_run(run_with(make_evidence(energy), run)))[-1]


@pytest.mark.parametrize(
    ("energy", "words"), [(0.1, "is farther away"), (0.3, "cannot be told from it"), (0.5, "comes nearer")]
)
def test_the_plain_shift_is_compared_in_words(run: Path, make_evidence, energy, words):
    run_with(make_evidence(energy), run)
    assert f"class means {words} (0.310)" in findings_of(read_run(run))[-1]
    shown = {0.1: "better", 0.3: "cannot be told apart", 0.5: "worse"}[energy]
    assert f"nergy ratio {energy:.3f} against 0.310 ({shown})" in page_of(run).text


def test_a_classifier_that_always_says_target_is_called_out(run: Path):
    warning = "The classifier called 100% of these samples Lung before they were moved"
    assert warning not in page_of(run).text
    table = (run / "evidence.tsv").read_text(encoding="utf-8")
    before = "untouched_source\thit_rate_f\t"
    (run / "evidence.tsv").write_text(table.replace(f"{before}0.0", f"{before}1.0"), encoding="utf-8")
    assert warning in page_of(run).text


def test_few_target_samples_withhold_the_verdict(run: Path, make_evidence):
    text = page_of(run_with(make_evidence(note="too few"), run)).text
    assert "Withheld: " in text
    assert "oo few target samples were held out; at least 10 are needed" in text


def full_evidence(methods=("generator", "mean_shift", "linear_map", "untouched_source", "real_target")) -> pd.DataFrame:
    """Evidence of today's shape, every number a different one."""
    measures = [*MEASURES, "a_new_measure"]
    records = [
        (method, measure, (1 + i * len(measures) + j) / 1000, 0.0001, 0.9, 40, "chance 0.33 (3 classes)")
        for i, method in enumerate(methods)
        for j, measure in enumerate(measures)
        if not (method == "real_target" and measure == "individuality")
    ]
    table = pd.DataFrame(records, columns=["method", "measure", "value", "low", "high", "n", "note"])
    forest = (table["measure"] == "hit_rate_forest") & (table["method"] != "real_target")
    table.loc[forest, "note"] = "not admitted; recall 0.54"
    return table


def run_with(table: pd.DataFrame, run: Path) -> Path:
    write_table(run / "evidence.tsv", table)
    return run


def test_the_verdict_is_the_first_box_and_answers_in_words(run: Path):
    verdict = {
        name: {"answer": answer, "sentence": f"Head {name}: and its rest.", "numbers": {}}
        for name, answer in zip(QUESTIONS, ["pass", "doubtful", "fail", "not tested", "probably", "pass"], strict=True)
    }
    metrics = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    write_json(run / "metrics.json", {**metrics, "verdict": verdict})
    html = write_report(run).read_text(encoding="utf-8")
    assert html.index('class="verdict"') < html.index('class="finding"') < html.index('class="caution"')
    rows = re.findall(r"<dt>([^<]*)</dt><dd class=\"answer (\w+)\"><span[^>]*>(.)</span>([^<]*)</dd>", html)
    assert [row[0] for row in rows] == list(QUESTIONS.values())
    assert [row[1:] for row in rows[:5]] == [
        ("pass", "✓", "pass"),
        ("doubtful", "?", "doubtful"),
        ("fail", "✕", "fail"),
        ("untested", "–", "not tested"),
        ("probably", "≈", "probably"),
    ]
    assert "Head realistic: and its rest." in html


def test_a_run_without_a_stored_verdict_is_judged_by_its_evidence(run: Path, make_evidence):
    run_with(make_evidence(0.5), run)
    assert read_run(run).verdict["beats_mean_shift"]["answer"] == "fail"
    assert "Not better than adding the difference of the class means" in page_of(run).text


def test_questions_of_an_older_version_are_asked_anew(run: Path, make_evidence):
    """Its tick for keeping the person rested on resemblance to the input alone, and is not shown again."""
    run_with(make_evidence(0.5), run)
    anew = read_run(run).verdict
    old = {"keeps_person": {"answer": "pass", "sentence": "What is high stays high: all of it.", "numbers": {}}}
    metrics = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    write_json(run / "metrics.json", {**metrics, "verdict": old})
    rows = [("stability", "stability, seeds", 0.9, 0.8, 1.0, 5, "", "pass")]
    columns = ["control", "measure", "value", "low", "high", "n", "note", "answer"]
    write_table(run / "controls.tsv", pd.DataFrame(rows, columns=columns))
    found = read_run(run).verdict
    assert list(found) == list(QUESTIONS)
    assert found["stable_genes"]["answer"] == "pass"  # by the controls of its audit
    assert {name: found[name] for name in ("realistic", "individual")} == {
        name: anew[name] for name in ("realistic", "individual")
    }
    assert "What is high stays high" not in page_of(run).text
    doubts = [answer["sentence"] for answer in found.values() if answer["answer"] in ("fail", "doubtful")]
    assert doubts
    assert warnings_of_run(run) == [f"About the model itself: {sentence}" for sentence in doubts]


def scaled_evidence() -> pd.DataFrame:
    """A run half-way from the shift to real samples by variance, and hits by which the shift is as good as real."""
    own, shift, real = "generator", "mean_shift", "real_target"
    rows = [
        (own, "variance_ratio", 1.25, np.nan, np.nan),
        (shift, "variance_ratio", 1.5, np.nan, np.nan),
        (real, "variance_ratio", 1.0, 0.9, 1.1),
        (own, "hit_rate_forest", 0.98, 0.9, 1.0),
        (shift, "hit_rate_forest", 0.99, 0.9, 1.0),
        (real, "hit_rate_forest", 1.0, 0.96, 1.0),
    ]
    return pd.DataFrame(rows, columns=["method", "measure", "value", "low", "high"]).assign(n=40, note="")


def test_the_run_has_its_place_on_the_scale_and_what_tells_nothing_is_grey(run: Path):
    html = write_report(run_with(scaled_evidence(), run)).read_text("utf-8")
    compare = re.search(r'<table class="plain compare">(.*?)</table>', html, re.DOTALL)[1]
    cells = [re.findall(r'<td class="n( muted)?">(.*?)</td>', row) for row in compare.split("<tr class=")[1:]]
    assert cells == [  # hits, then variance
        [(" muted", "98%"), ("", "1.25<small>s 0.50</small>")],
        [(" muted", "99%"), ("", "1.50")],
        [(" muted", "100%"), ("", "1.00")],
    ]
    text = unescape(html)
    assert "Grey, which cannot tell methods apart here: by forest. Even a simple method" in text
    assert "Above 1 it went past them" in text


def test_the_telling_measures_are_side_by_side_and_all_of_them_below(run: Path):
    table = full_evidence()
    html = write_report(run_with(table, run)).read_text(encoding="utf-8")
    compare = re.search(r'<table class="plain compare">(.*?)</table>', html, re.DOTALL)[1]
    kinds = re.findall(r'<tr class="(\w+)"><th scope="row">([^<]*)', compare)
    assert kinds[0] == ("own", "Generator (this run)")
    assert kinds[-2:] == [("untouched", "Not moved at all"), ("ceiling", "Real target samples")]
    own = re.findall(r'<td class="n[^"]*">([^<]*)', compare)[: len(TELLING)]
    expected = table[table["method"] == "generator"].set_index("measure").loc[list(TELLING), "value"]
    shown = [percent(v) if "hit" in name else number(v, 3 if "energy" in name else 2) for name, v in expected.items()]
    assert own == shown
    assert compare.count("not admitted") == 4
    assert '<td class="n muted">–</td>' in compare  # real samples were not moved, so they have no individuality
    full = re.search(r'<table class="full">(.*?)</table>', html, re.DOTALL)[1]
    assert full.count("<tr><td>") == len(table)
    for meaning in MEASURES.values():
        assert f"<b>{meaning.title}</b>" in full
    assert "<b>a new measure</b>" in full


def test_every_measure_and_method_of_an_experiment_has_plain_words(planted_run):
    table = planted_run.evidence
    of_pairs = {name for name in MEASURES if name.startswith("pair_")}  # nobody here gave samples of two classes
    measures = {name for name in table["measure"] if not info_of(name).is_reference}  # what chance gives has no words
    assert measures == set(MEASURES) - of_pairs - {"hit_rate_second_f"}  # the audit adds it
    assert set(table["method"]) == set(METHODS) - {"paired_regression"}
    assert planted_run.metrics["verdict"] == answer_questions(table, method="generator")


def test_the_chosen_method_leads_instead_of_the_generator(make_run, make_perturbations, tmp_path: Path):
    perturbations = make_perturbations()
    perturbations.uns["tspg"]["method"] = "mean_shift"
    run = run_with(full_evidence(("mean_shift", "untouched_source", "real_target")), make_run(tmp_path, perturbations))
    html = write_report(run).read_text(encoding="utf-8")
    assert "Mean shift (this run)" in html
    assert "Does not apply: " in html
    assert "no generator was trained" in html
    assert "a plain shift by the difference" not in html
    assert "by all genes together" in html


def test_the_method_paragraph_follows_the_preset(run: Path):
    assert "a discriminator (512-256-128) takes it for real" in page_of(run).text
    settings = ExperimentConfig("Lung", preset="transport", generator=None).as_dict()
    write_json(run / "model" / "model.json", {"target_class": "Lung", "settings": settings})
    text = page_of(run).text
    assert "Gaussian optimal transport" in text
    assert "--preset transport" in text
    assert "a discriminator" not in text
    assert "Eqs. 1–5" not in text
    settings["method"] = "linear_map"
    write_json(run / "model" / "model.json", {"target_class": "Lung", "settings": settings})
    text = page_of(run).text
    assert "Gaussian optimal transport" in text
    assert "--method linear_map" in text
    assert "--preset" not in text


def test_one_sample_is_no_plural(make_run, make_perturbations, tmp_path: Path):
    run = make_run(tmp_path, make_perturbations(split="test"))
    for name in ("history.tsv", "evidence.tsv", "model/model.json"):
        (run / name).unlink()
    moved = {"f_accuracy": 1.0, "n": 1, "hit_rate": None}
    data = {"n_samples": 1, "n_genes": 30, "clipped_cells": 1, "clipped_fraction": 0.03}
    write_json(run / "metrics.json", {"perturbation": moved, "data": data})
    text = " ".join(page_of(run).text.split())
    assert "called 1 of 1 sample Lung (100%)" in text
    assert "1 sample and 30 genes" in text
    assert "1 value (3%) lay outside the range seen in training and was clipped." in text
    assert "held-out values" not in text
    assert "The held-out samples count" not in text
    assert "see that run's report" in text
    assert "Can this be believed?" not in text


@pytest.mark.parametrize(
    "missing",
    ["metrics.json", "evidence.tsv", "top_genes.tsv", "figures/heatmap.png", "figures/f_accuracy.png"],
)
def test_a_missing_file_leaves_a_gap_that_is_named(drawn_run: Path, tmp_path: Path, missing):
    shutil.copytree(drawn_run, tmp_path / "run")
    whole = page_of(tmp_path / "run").text.lower().count("not available")
    (tmp_path / "run" / missing).unlink()
    assert page_of(tmp_path / "run").text.lower().count("not available") > whole


@pytest.mark.parametrize(
    ("missing", "heading"),
    [
        ("gene_overlap.tsv", "Genes shared by the sources"),
        ("figures/history.png", "Each part of the loss"),
        ("tsne.tsv", "Point at a sign"),
    ],
)
def test_what_not_every_run_has_leaves_no_heading(drawn_run: Path, tmp_path: Path, missing, heading):
    shutil.copytree(drawn_run, tmp_path / "run")
    assert heading in page_of(tmp_path / "run").text
    (tmp_path / "run" / missing).unlink()
    assert heading not in page_of(tmp_path / "run").text


def test_an_empty_folder_gives_a_page_of_gaps(tmp_path: Path):
    page = page_of(tmp_path)
    assert page.open == []
    assert page.text.lower().count("not available") > 8


def test_a_folder_of_tspg_perturb_has_no_training(make_run, make_perturbations, tmp_path: Path):
    run = make_run(tmp_path, make_perturbations(split="test"))
    for name in ("history.tsv", "evidence.tsv", "model/model.json"):
        (run / name).unlink()
    write_json(run / "metrics.json", {"perturbation": {"f_accuracy": 0.75, "n": 36, "hit_rate": None}})
    text = " ".join(page_of(run).text.split())
    assert "called 27 of 36 samples Lung (75%); before, " in text
    assert "The trained model abc123 of an earlier run was applied as it is" in text


def test_a_folder_that_is_not_there_or_damaged_is_one_clear_error(run: Path, tmp_path: Path):
    with pytest.raises(ModelError, match="there is no such folder"):
        write_report(tmp_path / "nowhere")
    (run / "metrics.json").write_text('{"data": ', encoding="utf-8")
    with pytest.raises(ModelError, match=r"metrics\.json: is no readable JSON"):
        write_report(run)


def test_heavy_figures_are_named_instead_of_embedded(drawn_run: Path, tmp_path: Path):
    run = shutil.copytree(drawn_run, tmp_path / "run")
    path = run / "figures" / f"heatmap-{safe_name('sample-0')}.png"
    path.write_bytes(path.read_bytes() + bytes(4_000_000))
    assert f"figures/{path.name}" in page_of(run).text
    assert (run / "report.html").stat().st_size < 5_000_000


def test_the_same_folder_gives_the_same_page(run: Path):
    assert write_report(run).read_bytes() == write_report(run).read_bytes()


def test_no_path_of_the_machine_is_on_the_page(drawn_run: Path):
    html = write_report(drawn_run).read_text(encoding="utf-8")
    assert str(drawn_run) not in html
    assert drawn_run.name not in html


def test_after_an_audit_the_page_has_the_controls_and_which_genes_are_stable(run: Path):
    before = write_report(run).read_text(encoding="utf-8")
    assert ">stable</th>" not in before
    assert 'id="controls"' not in before
    top = pd.read_csv(run / "top_genes.tsv", sep="\t", keep_default_na=False)
    single = top[top["source_class"] == "Kidney"].assign(sample="sample-1")
    write_table(run / "top_genes.tsv", pd.concat([top, single]))  # a sample's own list is not the class's
    up = top[top["direction"] == "up"]
    kidney, liver = (up[up["source_class"] == name]["gene"].tolist() for name in ("Kidney", "Liver"))
    other = next(gene for gene in kidney[2:] if gene not in liver)
    elsewhere = [("Kidney", "down", kidney[1], "yes"), ("Liver", "up", other, "yes")]  # of other lists than theirs
    stable = pd.DataFrame(
        [("Kidney", "up", kidney[0], "yes"), ("Kidney", "up", kidney[1], "no"), *elsewhere],
        columns=["source_class", "direction", "gene", "stable"],
    )
    write_table(run / "stable_genes.tsv", stable)
    rows = [("permuted_labels", "f_accuracy", 0.5, "", "pass"), ("stability", "stable_genes", 0.3, "", "fail")]
    controls = pd.DataFrame(rows, columns=["control", "measure", "value", "note", "answer"])
    write_table(run / "controls.tsv", controls)
    html = write_report(run).read_text(encoding="utf-8")
    assert [html.count(f"<td>{stable}</td>") for stable in ("yes", "no", "–")] == [1, 1, len(top) - 2]
    assert "in at least 80% of the fits" in html
    section = html[html.index('id="controls"') :]
    assert re.search(r"labels shuffled.*?✓.*?pass.*?f is right for 50%", section, re.DOTALL)
    assert re.search(r"same genes lead.*?✕.*?fail.*?30% of the top genes are stable", section, re.DOTALL)
    named = findings_of(read_run(run))[0]
    assert f"{kidney[0]} (from Kidney)" in named
    assert f"{kidney[1]} (" not in named
    write_table(run / "stable_genes.tsv", stable[1:2])
    assert findings_of(read_run(run))[0].endswith("None of them leads in fits with samples drawn anew.")


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (-0.2, 0.25, "are very close to real Lung samples"),
        (-0.9, 0.3, "to real Lung samples by all genes together can "),
    ],
)
def test_nearness_is_only_stated_where_its_interval_allows(run: Path, low, high, expected):
    table = full_evidence()
    own = (table["method"] == "generator") & (table["measure"] == "energy_ratio")
    table.loc[own, ["value", "low", "high"]] = 0.01, low, high
    sentence = findings_of(read_run(run_with(table, run)))[-1]
    assert expected in sentence
    assert f"energy ratio 0.010 (95% interval {number(low)} to {number(high)})" in sentence


def test_the_real_samples_say_why_a_classifier_is_not_admitted(run: Path):
    table = full_evidence()
    real = table["method"] == "real_target"
    table.loc[real & (table["measure"] == "hit_rate_forest"), "value"] = 0.85
    table.loc[real & (table["measure"] == "hit_rate_logistic"), "value"] = 0.95
    html = write_report(run_with(table, run)).read_text(encoding="utf-8")
    assert "85%<small>under 90%</small>" in html
    assert "95%</td>" in html


def carried(*shares):
    """Gene sets moved alone: each with its share of the genes, and of the way."""
    rows = [("Kidney", "", "Hallmark", f"HALLMARK_MOVED_{n}", 5, *share, 0.0, 0.0) for n, share in enumerate(shares)]
    return pd.DataFrame(rows, columns=list(CONTRIBUTION_COLUMNS))


@pytest.mark.parametrize(
    ("shares", "shown"),
    [
        ([(0.2, 0.3), (0.1, 0.2)], ["moved 0", "moved 1"]),
        ([(1.0, 1.0), (0.1, 0.2)], ["moved 1"]),  # the run's own gene set is the whole move
        ([(0.2, 3.1), (0.1, 0.2)], []),  # the whole move hardly shortens the way, so shares of it mean nothing
    ],
)
def test_gene_sets_that_carry_are_shown_where_shares_mean_something(full_run: Path, tmp_path: Path, shares, shown):
    shutil.copytree(full_run, tmp_path / "run")
    write_table(tmp_path / "run" / "carriers.tsv", carried(*shares))
    assert re.findall(r"moved \d", page_of(tmp_path / "run").text) == shown


@pytest.mark.parametrize(
    ("enough", "expected"),
    [
        (12, "both call at least half of them Lung: 12 of 30 (mean shift's own top genes: all are not enough)."),
        (
            None,
            "Moving all 30 genes is not enough for both f and logistic regression to call at least half of them Lung.",
        ),
    ],
)
def test_how_few_genes_are_enough_is_on_the_page_or_that_none_are(full_run: Path, tmp_path: Path, enough, expected):
    shutil.copytree(full_run, tmp_path / "run")
    rows = [("Kidney", "", "generator", enough, 30), ("Kidney", "", "mean_shift", None, 30)]
    columns = ["source_class", "sample", "genes_by", "n_genes", "n_genes_in_all"]
    write_table(tmp_path / "run" / "smallest_sets.tsv", pd.DataFrame(rows, columns=columns))
    assert expected in " ".join(page_of(tmp_path / "run").text.split())


def test_the_page_of_one_moved_sample_says_nothing_twice(drawn_run: Path, make_perturbations, tmp_path: Path):
    run = shutil.copytree(drawn_run, tmp_path / "run")
    make_perturbations(split="test")[:1].write_h5ad(run / "perturbations.h5ad")
    top = pd.read_csv(run / "top_genes.tsv", sep="\t", keep_default_na=False)
    write_table(run / "top_genes.tsv", top[top["source_class"] == "Kidney"].assign(sample="sample-0"))
    (run / "gene_overlap.tsv").unlink()
    tsne = pd.read_csv(run / "tsne.tsv", sep="\t", keep_default_na=False)
    write_table(run / "tsne.tsv", tsne.groupby("kind").head(1))
    for name in ("history.tsv", "evidence.tsv", "model/model.json"):
        (run / name).unlink()
    write_json(run / "metrics.json", {"perturbation": {"f_accuracy": 1.0, "n": 1, "hit_rate": None}})
    page = page_of(run)
    headings = re.findall(r"<h[123][^>]*>(.*?)</h[123]>", (run / "report.html").read_text(encoding="utf-8"))
    assert len(set(headings)) == len(headings)
    assert sum(tag == "img" for tag, _ in page.elements) == 1  # the heat map
    assert "A map" not in page.text
    assert "was measured in the run that trained it" in page.text


def test_terms_are_ordered_by_q_and_none_is_named_where_none_is_enriched(full_run: Path, tmp_path: Path):
    shutil.copytree(full_run, tmp_path / "run")
    terms = [("LATER", 1e-9, 1e-5), ("SOONER", 1e-8, 1e-6)]  # of another category, which has fewer terms
    rows = [("Liver", "", "GO BP", name, 30, 5.0, p, q, name, 0.5) for name, p, q in terms]
    write_table(tmp_path / "run" / "enrichment_ranked.tsv", pd.DataFrame(rows, columns=list(RANKED_COLUMNS)))
    counted = pd.DataFrame(
        [
            ("up", "Hallmark", 0, 0, 0, "HALLMARK_FOUND_NOT", "Liver", 0.7),
            ("up", "GO BP", 1, 0, 1, "GOBP_IT", "Liver", 0.01),
        ],
        columns="direction category n_terms n_terms_strict n_sources best_term best_source best_q_value".split(),  # noqa: SIM905
    )
    write_table(tmp_path / "run" / "table_2.tsv", counted)
    text = page_of(tmp_path / "run").text
    assert text.index("SOONER") < text.index("LATER")
    assert "found not" not in text
    assert "7.0e-01" not in text
    assert "1.0e-02" in text


def test_shared_genes_are_in_several_lists_largest_first(run: Path):
    genes = [("up", "ALONE", 1, 0.9), ("up", "SMALL", 2, 0.1), ("up", "LARGE", 2, -0.4)]
    shared = pd.DataFrame(genes, columns=["direction", "gene", "n_sources", "mean_perturbation"])
    shared.insert(3, "n_sources_total", 2)
    write_table(run / "gene_overlap.tsv", shared)
    text = page_of(run).text
    assert text.index("LARGE") < text.index("SMALL")
    assert "ALONE" not in text
    write_table(run / "gene_overlap.tsv", shared[:1])
    assert "none in more than one list" in page_of(run).text


def test_the_parts_of_the_page_are_named_at_its_top(full_run: Path):
    links = [attributes["href"] for tag, attributes in page_of(full_run).elements if tag == "a"]
    parts = ["#single-samples", "#genes", "#meaning", "#evidence", "#map", "#data", "#method"]
    assert [link for link in links if link.startswith("#")] == parts


def test_a_figure_that_was_drawn_is_shown(drawn_run: Path, tmp_path: Path):
    shutil.copytree(drawn_run, tmp_path / "run")
    shutil.copy(drawn_run / "figures" / "heatmap.png", tmp_path / "run" / "figures" / "overlap.png")
    shutil.copy(drawn_run / "figures" / "heatmap.png", tmp_path / "run" / "figures" / "path.png")
    count = [sum(tag == "img" for tag, _ in page_of(run).elements) for run in (drawn_run, tmp_path / "run")]
    assert count[1] == count[0] + 2


@pytest.mark.parametrize(("least_steps", "command"), [(200, "tspg demo --out"), (1, "tspg demo --quick --out")])
def test_the_demo_is_repeated_as_it_was_asked(run: Path, least_steps, command):
    settings = ExperimentConfig(target_class="Lung").as_dict()
    settings["target_model"]["least_steps"] = least_steps
    write_json(run / "model" / "model.json", {"target_class": "Lung", "settings": settings})
    metrics = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    metrics["data"]["expression_file"] = DEMO_FILE
    write_json(run / "metrics.json", metrics)
    assert f"{command} NEW_FOLDER" in page_of(run).text
