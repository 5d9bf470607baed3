"""The page of a sweep: numbers as by hand, names that stay text, and a map that can be worked with."""

import json
import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tspg.report.sweep.findings import cautions_of, findings_of, what_was_run
from tspg.report.sweep.map import legend, map_rows
from tspg.report.sweep.measures import BY_KEY, MEASURES, N_COLOURS
from tspg.report.sweep.numbers import MOST_STABLE, numbers_of
from tspg.report.sweep.page import SWEEP_PROGRAM, write_sweep_page
from tspg.report.sweep.results import SweepResults, SweepTables
from tspg.report.sweep.tables import MOST_UNFINISHED, q_values, random_comparison, table_1, unfinished

SKIPPED, FAILED, DONE = ("skipped", "the class has 3 samples"), ("failed", "training diverged"), ("done", "")
# gene set, target, seed, how it ended, own energy ratio, of a plain shift, f held out, mean over classes, f accuracy
RUNS = [
    ("SMALL", "Lung", 0, *DONE, 0.10, 0.30, 0.90, 0.80, 1.00, "pass"),
    ("SMALL", "Lung", 1, *DONE, 0.20, 0.30, 0.80, 0.70, 0.90, "fail"),
    ("SMALL", "Liver", 0, *DONE, 0.50, 0.40, 0.91, 0.75, 0.80, "doubtful"),
    ("SMALL", "Liver", 1, *FAILED, *[np.nan] * 5, np.nan),
    ("", "Lung", 0, *DONE, 0.02, 0.06, 0.98, 0.96, 1.00, "pass"),
    ("", "Lung", 1, *DONE, 0.04, 0.06, 0.96, 0.94, 1.00, "probably"),
    ("", "Liver", 0, *SKIPPED, *[np.nan] * 5, np.nan),
    ("", "Liver", 1, *SKIPPED, *[np.nan] * 5, np.nan),
]
COLUMNS = [
    *(
        "gene_set",
        "target_class",
        "seed",
        "status",
        "reason",
        "evidence.generator.energy_ratio",
        "evidence.mean_shift.energy_ratio",
    ),
    *("target_model.test_accuracy", "target_model.test_balanced_accuracy", "perturbation.f_accuracy"),
    "verdict.realistic.answer",
]
RANDOM_COLUMNS = [
    *("gene_set", "target_class", "n_random", "energy_ratio", "random_energy_ratio", "energy_p_value"),
    *("hit_rate", "random_hit_rate", "hit_rate_p_value"),
]
STABILITY_COLUMNS = [
    *("gene_set", "target_class", "direction", "rank", "gene", "mean_perturbation", "selection_frequency"),
    *("sign_agreement", "weight", "n_seeds", "phi", "phi_low", "phi_high"),
]
FREQUENCY_COLUMNS = [
    *("gene_set", "direction", "gene", "n_runs", "n_runs_total", "frequency", "n_targets", "n_targets_total")
]


def small_runs() -> pd.DataFrame:
    runs = pd.DataFrame(RUNS, columns=COLUMNS)
    runs["n_genes"] = runs["gene_set"].map({"SMALL": 10, "": 3000})
    paths = [f"runs/{name or 'all'}.{target}.seed-{seed}.3f" for name, target, seed in runs.iloc[:, :3].to_numpy()]
    runs["run"] = np.where(runs["status"] == "skipped", "", paths)
    runs["report"] = np.where(
        (runs["status"] == "done") & (runs["gene_set"] == "SMALL"), runs["run"] + "/report.html", ""
    )
    return runs


def small_sweep() -> SweepTables:
    random = [
        ("SMALL", "Lung", 99, 0.15, 0.25, 0.01, 0.9, 0.8, 0.02),
        ("SMALL", "Liver", 99, 0.45, 0.40, 0.50, 0.7, 0.8, 0.60),
        ("", "Lung", 99, 0.03, 0.05, 0.04, 1.0, 0.9, 0.10),
    ]
    stability = [
        ("SMALL", "Lung", "up", 1, "GENE1", 0.41, 1.0, 1.0, 0.4, 2, 0.8, 0.7, 0.9),
        ("SMALL", "Lung", "up", 2, "GENE2", 0.22, 0.5, 1.0, 0.1, 2, 0.8, 0.7, 0.9),
        ("SMALL", "Lung", "down", 1, "GENE3", -0.33, 1.0, 1.0, 0.3, 2, 0.8, 0.7, 0.9),
        ("", "Lung", "up", 1, "GENE1", 0.50, 1.0, 1.0, 0.5, 2, 0.3, 0.2, 0.4),
    ]
    frequency = [
        ("SMALL", "up", "GENE2", 1, 3, 1 / 3, 1, 2),
        ("SMALL", "up", "GENE1", 3, 3, 1.0, 2, 2),
        ("SMALL", "down", "GENE3", 2, 3, 2 / 3, 1, 2),
    ]
    return SweepTables(
        small_runs(),
        pd.DataFrame(random, columns=RANDOM_COLUMNS),
        pd.DataFrame(stability, columns=STABILITY_COLUMNS),
        pd.DataFrame(frequency, columns=FREQUENCY_COLUMNS),
    )


def runs_alone(runs: pd.DataFrame) -> SweepTables:
    empty = [pd.DataFrame(columns=names) for names in (RANDOM_COLUMNS, STABILITY_COLUMNS, FREQUENCY_COLUMNS)]
    return SweepTables(runs, *empty)


class Page(HTMLParser):
    """What a browser would make of the page: elements in order, text outside of programs, and the numbers inside."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.scripts: list[str] = []
        self.inside = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self.inside = tag
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, _tag):
        self.inside = ""

    def handle_data(self, data):
        if self.inside == "script":
            self.scripts[-1] += data
        elif self.inside != "style":
            self.text += data


@pytest.fixture(scope="module")
def small_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tests only read it."""
    page = tmp_path_factory.mktemp("page") / "sweep.html"
    (page.parent / "sweep.tsv").touch()
    write_sweep_page(page, small_sweep(), title="Two gene sets")
    return page


def lines_of(html: str, head: str) -> list[list[str]]:
    """The cells of the table that stands after `head`, line by line, as text."""
    table = re.search(r"<table.*?<tbody>(.*?)</tbody>", html[html.index(head) :], re.DOTALL)
    assert table is not None
    rows = re.findall(r"<tr>(.*?)</tr>", table[1], re.DOTALL)
    return [
        [unescape(re.sub(r"<[^>]*>", " ", cell)).strip() for cell in re.findall(r"<t[hd].*?</t[hd]>", row)]
        for row in rows
    ]


def test_the_map_holds_means_over_seeds_with_their_spread(small_page: Path):
    html = small_page.read_text(encoding="utf-8")
    assert lines_of(html, '<div class="box-of">') == [
        ["SMALL", "10", "0.325", "0.150 0.100 to 0.200", "0.500"],
        ["all genes", "3,000", "0.030", "0.030 0.020 to 0.040", "– skipped"],
    ]
    foot = re.search(r"<tfoot>(.*?)</tfoot>", html)
    assert foot is not None
    assert re.findall(r"<td>([^<]+)</td>", foot[1]) == ["0.090", "0.500"]
    assert 'class="s3 part">0.500' in html  # a seed of it failed
    assert "Beside it, on average: plain shift 0.253." in html  # of .30, .40 and .06


def test_what_was_run_and_found_is_said_in_numbers(small_page: Path):
    results = SweepResults(small_sweep())
    assert what_was_run(results) == "2 gene sets × 2 target classes × 2 seeds: 8 runs, 5 done, 1 failed and 2 skipped."
    of_f, realistic, shift, random, stable = findings_of(results)
    # SMALL: mean of .75 (Lung) and .75 (Liver)
    assert "right about 75% to 95% of held-out real samples" in of_f
    assert "With SMALL it is below 80%" in of_f
    assert "with every seed in 1 of 3 pairs" in realistic
    assert "most by all genes (1 of 1), fewest by SMALL (0 of 2)" in realistic
    assert "nearer to real target samples in 2 of 3 pairs, less near in 1, and about alike in 0" in shift
    assert "median energy ratio 0.150 against 0.300" in shift
    assert "p is at most 0.05 in 2 of 3 pairs; chance alone would give about 0.2" in random
    assert "1 remains" in random
    assert (
        "in 1 of 2 pairs (agreement phi at least 0.75, where 0 is chance and 1 the same); in 1 it is below 0.4"
        in stable
    )
    assert "up GENE1 (in 100% of the runs of their gene set); down GENE3 (in 67%" in stable
    text = unescape(small_page.read_text(encoding="utf-8"))
    assert all(sentence in text for sentence in (*findings_of(results), *cautions_of(results)))


@pytest.mark.parametrize(("other", "n_passed"), [("doubtful", 1), ("fail", 1), ("probably", 2), ("pass", 2)])
def test_every_seed_has_to_pass_surely_or_probably(other, n_passed):
    runs = small_runs()
    runs.loc[1, "verdict.realistic.answer"] = other  # beside a pass of the other seed
    assert f"with every seed in {n_passed} of 3 pairs" in findings_of(SweepResults(runs_alone(runs)))[1]


def test_too_few_random_sets_for_so_many_tests_are_named():
    tables = small_sweep()
    coarse = tables.random_gene_sets.assign(n_random=9, energy_p_value=[0.1, 0.5, 0.1])
    sentence = findings_of(SweepResults(SweepTables(tables.runs, coarse, tables.stability, tables.gene_frequency)))[3]
    assert "none remains; 9 random sets give no p below 0.1, too coarse for so many tests" in sentence


def test_what_was_not_tested_is_said():
    runs = small_runs()[["gene_set", "n_genes", "target_class", "seed", "status", "reason", "run"]]
    text = " ".join(findings_of(SweepResults(runs_alone(runs[runs["seed"] == 0]))))
    assert text.count("was tested in no run") == 1
    assert "so its calls cannot be judged" in text
    assert "was not measured" in text
    assert "better than random genes was not tested" in text
    assert "cannot be said: one seed was run" in text


def test_table_1_over_targets_and_seeds(small_page: Path):
    first, second = table_1(SweepResults(small_sweep()))
    assert first["test_accuracy"] == pytest.approx((0.90 + 0.80 + 0.91) / 3)
    assert (first["least_test_accuracy"], first["n_runs"], first["n_targets"]) == (0.80, 3, 2)
    assert first["f_accuracy"] == pytest.approx(0.9)
    assert (first["least_f_accuracy"], first["hardest"]) == (0.80, "Liver")
    assert second["hardest"] == ""  # all runs alike
    assert lines_of(small_page.read_text(encoding="utf-8"), "the paper's Table 1") == [
        ["SMALL", "10", "2", "3", "87%", "80%", "75%", "90%", "80%", "Liver"],
        ["all genes", "3,000", "1", "2", "97%", "96%", "95%", "100%", "100%", ""],
    ]


def test_gene_sets_stand_beside_random_ones_with_p_and_q(small_page: Path):
    assert q_values(pd.Series([0.01, np.nan, 0.50, 0.04])).tolist() == pytest.approx(
        [0.03, np.nan, 0.50, 0.06], nan_ok=True
    )
    assert [row["name"] for row in random_comparison(SweepResults(small_sweep()))] == ["SMALL", "all genes", "SMALL"]
    html = small_page.read_text(encoding="utf-8")
    assert lines_of(html, "<h2>Gene sets beside random ones") == [
        ["SMALL", "Lung", "99", "0.150", "0.250", "0.01", "0.03", "90%", "80%", "0.02"],
        ["all genes", "Lung", "99", "0.030", "0.050", "0.04", "0.06", "100%", "90%", "0.1"],
        ["SMALL", "Liver", "99", "0.450", "0.400", "0.5", "0.5", "70%", "80%", "0.6"],
    ]
    assert "never below 1 / (99 + 1) = 0.01" in html
    assert "3 pairs of gene set and target were tested: about 0.2 would have p at most 0.05" in html


def test_genes_that_come_back_stand_by_how_often(small_page: Path):
    html = small_page.read_text(encoding="utf-8")
    assert lines_of(html, "<h2>Genes that come back") == [
        ["GENE1", "3 of 3", "100%", "2 of 2"],
        ["GENE2", "1 of 3", "33%", "1 of 2"],
    ]


def test_runs_that_are_not_done_are_listed_with_reasons(small_page: Path):
    html = small_page.read_text(encoding="utf-8")
    assert "<li>2 runs skipped: the class has 3 samples</li>\n<li>1 run failed: training diverged</li>" in html
    assert lines_of(html, "<h2>Runs that are not done") == [
        ["SMALL", "Liver", "1", "failed", "training diverged"],
        ["all genes", "Liver", "0, 1", "skipped", "the class has 3 samples"],
    ]
    done = small_runs()
    results = SweepResults(runs_alone(done[done["status"] == "done"]))
    assert unfinished(results) == []
    assert what_was_run(results).endswith("5 runs, all done.")


def test_a_long_list_of_failures_is_cut_and_counted(tmp_path: Path):
    runs = pd.DataFrame(
        {"gene_set": [f"SET{number}" for number in range(MOST_UNFINISHED + 7)], "seed": 0, "n_genes": 5}
    )
    runs = runs.assign(target_class="Lung", status="not run", reason="", run="")
    write_sweep_page(tmp_path / "sweep.html", runs_alone(runs), title="Nothing yet")
    html = (tmp_path / "sweep.html").read_text(encoding="utf-8")
    assert "7 more are in the table of runs." in html
    assert "No run is done, so nothing can be said yet." in html
    assert lines_of(html, '<div class="box-of">')[0] == ["SET0", "5", "", "○ not run"]


@pytest.mark.parametrize(
    ("key", "best", "worst"),
    [
        ("energy_ratio", 0.0, 1.0),
        ("energy_gain", 0.3, -0.3),
        ("hit_rate_forest", 1.0, 0.2),
        ("gene_correlation", 0.95, 0.1),
        ("variance_ratio", 1.0, 4.0),
        ("variance_ratio", 1.0, 0.1),
        ("individuality", 0.95, 0.1),
        ("test_balanced_accuracy", 0.99, 0.5),
        ("phi", 0.95, 0.1),
        ("energy_p_value", 0.001, 0.9),
        ("verdict_realistic", 1.0, -1.0),
    ],
)
def test_every_measure_knows_which_end_is_good(key, best, worst):
    measure = BY_KEY[key]
    assert measure.colour(best) > N_COLOURS // 2 > measure.colour(worst)


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.key)
def test_scales_are_whole(measure):
    values = [value for value, _ in measure.good]
    assert values == sorted(set(values))
    assert {measure.colour(value) for value in (-1e9, 1e9)} <= set(range(N_COLOURS))
    assert [text for _, text in legend(measure) if text]


def test_a_method_in_closed_form_is_read_by_its_own_name():
    runs = small_runs().rename(columns=lambda name: name.replace(".generator.", ".linear_map."))
    results = SweepResults(runs_alone(runs.assign(**{"training.method": "linear_map"})))
    assert map_rows(results, results.measures[0])[0]["mean"] == "0.325"


def test_the_numbers_inside_the_page_are_those_of_the_tables():
    numbers = numbers_of(SweepResults(small_sweep()))
    own = {measure["key"]: measure for measure in numbers["measures"]}
    assert own["energy_ratio"]["of_runs"] == [0.1, 0.2, 0.5, None, 0.02, 0.04, None, None]
    assert own["energy_gain"]["of_runs"][:3] == pytest.approx([0.2, 0.1, -0.1])
    assert own["phi"]["of_pairs"] == [0.8, None, 0.3, None]
    assert own["verdict_realistic"]["of_runs"] == [1, -1, 0, None, 1, 0.5, None, None]
    assert numbers["signs"] == {"1": "✓", "0.5": "≈", "0": "?", "-1": "✕"}
    assert "individuality" not in own  # not measured in this sweep
    start, ends, reports = numbers["paths"]["0"]
    assert [start + end for end in ends] == [f"runs/SMALL.Lung.seed-{seed}.3f/report.html" for seed in (0, 1)]
    assert reports == [1, 1]
    assert numbers["genes"] == ["GENE1", "GENE3", "GENE2"]
    assert numbers["stable"]["0"] == [2, [0.8, 0.7, 0.9], [0, 0.41, 1, 2, 0.22, 0.5], [1, -0.33, 1]]


def test_only_the_first_stable_genes_travel_in_the_page():
    tables = small_sweep()
    one = tables.stability.iloc[[0]]
    many = pd.concat([one.assign(rank=rank, gene=f"G{rank}") for rank in range(MOST_STABLE + 5, 0, -1)])
    flat = numbers_of(SweepResults(SweepTables(tables.runs, tables.random_gene_sets, many, tables.gene_frequency)))
    assert flat["genes"] == [f"G{rank}" for rank in range(1, MOST_STABLE + 1)]


HOSTILE = [
    "</script><script>document.title='OWNED'</script>",
    "<img src=x onerror=\"document.title='OWNED'\">",
    "'\"><svg onload=document.title='OWNED'>",
    "{{ 7 * 7 }}{% raw %}\u2028",
    "<!--<script>",
    "javascript:document.title='OWNED'",
]


@pytest.fixture
def hostile_page(tmp_path: Path) -> Path:
    """A sweep whose every name attacks the page."""
    names = dict(zip(["SMALL", "Lung", "Liver", "GENE1", "GENE2", "GENE3"], HOSTILE, strict=True))
    tables = small_sweep()
    renamed = [table.replace(names) for table in (tables.random_gene_sets, tables.stability, tables.gene_frequency)]
    runs = tables.runs.replace(names)
    runs["reason"] = runs["reason"].str.replace("training diverged", HOSTILE[0])
    runs["report"] = np.where(runs["report"] != "", "javascript:document.title='OWNED'//" + HOSTILE[1], "")
    page = tmp_path / "hostile.html"
    write_sweep_page(page, SweepTables(runs, *renamed), title=HOSTILE[0])
    return page


def test_hostile_names_stay_text(hostile_page: Path):
    page = Page(hostile_page.read_text(encoding="utf-8"))
    numbers, program = page.scripts
    assert program == SWEEP_PROGRAM
    assert json.loads(numbers)["sets"] == [HOSTILE[0], "all genes"]
    assert json.loads(numbers)["targets"] == HOSTILE[1:3]
    assert {tag for tag, _ in page.elements}.isdisjoint({"img", "svg", "iframe", "object", "link", "base", "form"})
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    assert all(name in page.text for name in HOSTILE)


OPEN_ALL = """
for (const field of all("td[data-pair]", map)) {
  field.click();
  field.dispatchEvent(new MouseEvent("mouseover", { bubbles: true }));
}
document.querySelector('td[data-pair="0"]').click();
const link = panel.querySelector("a");
document.body.dataset.scheme = link.protocol;
document.body.dataset.title = document.title;
document.body.dataset.scripts = document.scripts.length;
document.body.dataset.images = document.images.length;
"""


def test_no_name_runs_as_a_program_in_a_browser(hostile_page: Path, worked_with):
    found = worked_with(hostile_page, SWEEP_PROGRAM, OPEN_ALL)
    assert found == {"scheme": "file:", "title": f"{HOSTILE[0]} – tspg sweep", "scripts": "2", "images": "0"}


def test_nothing_is_loaded_from_anywhere(small_page: Path, hash_of):
    html = small_page.read_text(encoding="utf-8")
    page = Page(html)
    sources = [value for _, found in page.elements for name, value in found.items() if name in ("src", "href")]
    assert sources == ["sweep.tsv"]  # lies beside the page
    assert "url(" not in html
    assert "@import" not in html
    policies = [found["content"] for _, found in page.elements if found.get("http-equiv") == "Content-Security-Policy"]
    assert policies == [
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
        f"script-src '{hash_of(SWEEP_PROGRAM)}'; base-uri 'none'; form-action 'none'"
    ]
    assert page.scripts[1] == SWEEP_PROGRAM


def test_the_same_tables_give_the_same_page(small_page: Path):
    first = small_page.read_bytes()
    write_sweep_page(small_page, small_sweep(), title="Two gene sets")
    assert small_page.read_bytes() == first


ACTIONS = """
const show = (key, value) => document.body.setAttribute(`data-${key}`, value);
const words = (list) => Array.from(list).map((e) => e.textContent.trim()).join("|");
const number = (field) => field.className.match(/^s\\d/) ? field.querySelector("span") : field;
const fields = () => words(all("td[data-pair]", map).map(number));
const names = () => words(all("tbody th", map));
const heads = () => words(all("thead th.target", map));
const pick = (key) => { chooser.value = key; chooser.dispatchEvent(new Event("change")); };
const type = (id, text) => { byId(id).value = text; byId(id).dispatchEvent(new Event("input")); };
const head = (text) => all("thead button", map).find((button) => button.textContent === text);
const press = (target, key) => target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));

show("first", fields());
show("colour", map.querySelector('td[data-pair="1"]').className);
pick("energy_gain"); show("gain", fields());
pick("verdict_realistic"); show("answers", fields()); show("passing", words(all("td.mean", map)));
pick("phi"); show("phi", fields());
pick("energy_ratio");
head("mean").click(); show("best", names());
head("mean").click(); show("worst", names());
head("genes").click(); show("fewest", names());
head("Liver").click(); show("liver", names());
head("Liver").click(); show("turned", names());
head("gene set").click(); show("named", names());
const bothWays = [false, true].map((turned) => sorted([0, 1, 2], (item) => [null, 2, 1][item], turned));
show("missing", bothWays.map((items) => items.join(" ")).join("|"));
map.querySelector("tfoot button").click(); show("columns", heads());
map.querySelector("tfoot button").click(); show("columnsturned", heads());
type("find-sets", "sma"); show("filtered", names()); show("count", byId("shown").textContent);
type("find-targets", "liv"); show("onecolumn", heads()); show("onemean", words(all("td.mean", map)));
type("find-sets", ""); type("find-targets", "");

map.querySelector('td[data-pair="0"]').dispatchEvent(new MouseEvent("mouseover", { bubbles: true }));
show("details", details.textContent);
map.querySelector('td[data-pair="0"]').click();
show("opened", panel.hidden ? "" : panel.querySelector("h2").textContent);
show("links", all("a", panel).map((link) => link.getAttribute("href")).join("|"));
show("energies", words(all("tbody tr", panel)[0].cells));
show("random", words(all("p", panel)).includes("against 0.250 (median), p 0.01; hit rate 90% against 80%, p 0.02"));
show("genes", words(all("td.gene", panel)));
show("interval", panel.textContent.includes("over 2 seeds: phi 0.80 (95% interval 0.70 to 0.90)"));
open(2);
show("folders", words(all("code", panel)));
panel.querySelector(".close").click();
show("closed", panel.hidden);

const stops = all('[tabindex="0"]', map);
show("stops", stops.length);
map.querySelector('td[data-pair="0"]').focus();
for (const key of ["ArrowUp", "ArrowUp"]) press(document.activeElement, key);
show("up", document.activeElement.textContent);
for (const key of ["ArrowDown", "Home"]) press(document.activeElement, key);
show("home", document.activeElement.textContent);
for (const key of ["End", "ArrowLeft"]) press(document.activeElement, key);
show("left", document.activeElement.dataset.pair);
press(document.activeElement, "Enter");
show("entered", document.activeElement === panel.querySelector("h2"));
show("why", panel.textContent.includes("seed 1: skipped: the class has 3 samples"));
press(document.activeElement, "Escape");
show("back", document.activeElement.dataset.pair);
"""


def test_the_map_can_be_worked_with_in_a_browser(small_page: Path, worked_with):
    found = worked_with(small_page, SWEEP_PROGRAM, ACTIONS)
    expected = {
        "first": "0.150|0.500|0.030|– skipped",
        "colour": f"s{BY_KEY['energy_ratio'].colour(0.5)} part",
        "gain": "0.150|−0.100|0.030|– skipped",
        "answers": "1✓ 1✕|?|1✓ 1≈|– skipped",
        "passing": "33%|100%",
        "phi": "0.80|· not measured|0.30|– skipped",
        "best": "all genes|SMALL",
        "worst": "SMALL|all genes",
        "fewest": "SMALL|all genes",
        "liver": "SMALL|all genes",
        "turned": "SMALL|all genes",
        "missing": "2 1 0|1 2 0",  # what has no number stands last whichever way
        "named": "all genes|SMALL",
        "columns": "Lung|Liver",
        "columnsturned": "Liver|Lung",
        "filtered": "SMALL",
        "count": "1 of 2 gene sets, 2 of 2 targets",
        "onecolumn": "Liver",
        "onemean": "0.500",
        "details": "SMALL → Lung: Energy ratio 0.150 (seed 0 0.100, seed 1 0.200)",
        "opened": "SMALL → Lung",
        "links": "runs/SMALL.Lung.seed-0.3f/report.html|runs/SMALL.Lung.seed-1.3f/report.html",
        "folders": "runs/all.Lung.seed-0.3f|runs/all.Lung.seed-1.3f",  # kept without a report
        "energies": "Energy ratio|0.150|0.100|0.200|0.300",
        "random": "true",
        "genes": "GENE1|GENE2|GENE3",
        "interval": "true",
        "closed": "true",
        "stops": "1",
        "up": "Lung",
        "home": "all genes",
        "left": "3",
        "entered": "true",
        "why": "true",
        "back": "3",
    }
    assert found == expected


AGREE = """
document.body.dataset.map = Array.from(map.tBodies[0].rows, (row) => row.textContent.replace(/\\s+/g, " ")).join("|");
document.body.dataset.colours = all("td[data-pair]", map).map((field) => field.className).join("|");
document.body.dataset.legend = byId("steps").innerHTML;
document.body.dataset.about = byId("about").textContent.trim();
"""


def test_the_program_draws_the_map_as_it_stands_without_it(tmp_path: Path, worked_with):
    runs = small_runs()
    ratios = [0.0004, 1234.0, -0.0001, np.nan, 0.05, 0.0501, np.nan, np.nan]
    page = tmp_path / "sweep.html"
    write_sweep_page(page, runs_alone(runs.assign(**{COLUMNS[5]: ratios})), title="Alike")
    html = page.read_text(encoding="utf-8")
    found = worked_with(page, SWEEP_PROGRAM, AGREE)
    body = re.search(r'id="map".*?<tbody>(.*?)</tbody>', html, re.DOTALL)
    assert body is not None
    rows = re.findall(r"<tr>(.*?)</tr>", body[1])
    assert found["map"].split("|") == [unescape(re.sub(r"<[^>]*>", "", row)) for row in rows]
    assert found["colours"].split("|") == [css for css in re.findall(r'<td class="([^"]*)">', body[1]) if css != "mean"]
    steps = re.search(r'id="steps"[^>]*>(.*?)</div>', html)
    about = re.search(r'id="about">(.*?)</p>', html)
    assert steps is not None
    assert about is not None
    assert found["legend"] == steps[1]
    assert found["about"] == re.sub(r"<[^>]*>", "", about[1])


def test_a_large_study_stays_light(tmp_path: Path):
    sets, targets, seeds = (pd.Index(range(n)) for n in (10, 53, 5))
    grid = pd.MultiIndex.from_product([sets, targets, seeds], names=["gene_set", "target_class", "seed"])
    runs = grid.to_frame(index=False)
    runs["gene_set"] = "HALLMARK_OF_A_LONG_NAME_" + runs["gene_set"].astype(str)
    runs["target_class"] = "A tissue with a long name " + runs["target_class"].astype(str)
    rng = np.random.default_rng(0)
    numbers = {
        m.column.format(method="generator"): rng.random(len(runs))
        for m in MEASURES
        if not m.table and m.form != "answer"
    }
    folders = [
        f"runs/{row.gene_set}.{row.target_class}.seed-{row.seed}.{rng.integers(1 << 40):010x}"
        for row in runs.itertuples()
    ]
    runs = runs.assign(n_genes=200, status="done", reason="", run=folders, **numbers)
    pairs = runs.drop_duplicates(["gene_set", "target_class"])[["gene_set", "target_class"]]
    random = pairs.assign(n_random=99, **dict.fromkeys(RANDOM_COLUMNS[3:], 0.123456))
    ranks = pd.DataFrame([(way, rank, f"GENE{rank}{way}") for way in ("up", "down") for rank in range(1, 21)])
    ranks.columns = ["direction", "rank", "gene"]
    stability = pairs.merge(ranks, how="cross").assign(mean_perturbation=0.123, selection_frequency=0.8, n_seeds=5)
    stability = stability.assign(phi=0.7, phi_low=0.6, phi_high=0.8)
    frequency = pd.DataFrame(columns=FREQUENCY_COLUMNS)
    page = tmp_path / "sweep.html"
    write_sweep_page(page, SweepTables(runs, random, stability, frequency), title="Large")
    assert page.stat().st_size < 800_000  # 1.5 kB per gene set and target


def test_targets_that_no_run_judges_are_named_with_the_reason():
    runs = small_runs()
    why = {"Lung": "Like real ones.", "Liver": "Withheld: 6 held-out target samples are too few."}
    runs["verdict.realistic.sentence"] = runs["target_class"].map(why)
    runs.loc[runs["target_class"] == "Liver", "verdict.realistic.answer"] = "not tested"
    cautions = cautions_of(SweepResults(runs_alone(runs)))
    assert "Liver is not judged. Withheld: 6 held-out target samples are too few." in cautions
    assert not any(line.startswith(("Lung is not judged", "Where the energy ratio")) for line in cautions)
    runs.loc[0, "evidence.generator.energy_ratio"] = np.nan  # of a run that is done
    assert any(line.startswith("Where the energy ratio") for line in cautions_of(SweepResults(runs_alone(runs))))
