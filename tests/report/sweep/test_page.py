"""The page of a sweep: numbers as by hand, names that stay text, and a map that can be worked with."""

import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.report.sweep.made import (
    FREQUENCY_COLUMNS,
    HOSTILE,
    RANDOM_COLUMNS,
    hostile_sweep,
    runs_alone,
    small_runs,
    small_sweep,
)
from tspg.report.page.render import LIBRARIES, source_of
from tspg.report.sweep.answer import answer_of
from tspg.report.sweep.data import MOST_STABLE, data_of
from tspg.report.sweep.findings import cautions_of, findings_of, what_was_run
from tspg.report.sweep.map import Maps, legend
from tspg.report.sweep.measures import BY_KEY, MEASURES, N_COLOURS
from tspg.report.sweep.page import sweep_program, write_sweep_page
from tspg.report.sweep.results import SweepResults, SweepTables
from tspg.report.sweep.tables import MOST_UNFINISHED, q_values, random_comparison, table_1, unfinished


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
    write_sweep_page(page, small_sweep())
    return page


def lines_of(html: str, head: str) -> list[list[str]]:
    """The cells of the table that stands after `head`, line by line, as text."""
    table = re.search(r"<table.*?<tbody>(.*?)</tbody>", html[html.index(head) :], re.DOTALL)
    assert table is not None
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", table[1], re.DOTALL)
    return [
        [unescape(re.sub(r"<[^>]*>", " ", cell)).strip() for cell in re.findall(r"<t[hd].*?</t[hd]>", row)]
        for row in rows
    ]


def test_the_map_holds_means_over_seeds_with_their_spread(small_page: Path):
    html = small_page.read_text(encoding="utf-8")
    assert lines_of(html, '<div class="map-of"') == [
        ["SMALL", "10", "0.325", "0.150 0.100 to 0.200", "0.500"],
        ["all genes", "3,000", "0.030", "0.030 0.020 to 0.040", "–  skipped"],
    ]
    foot = re.search(r"<tfoot>(.*?)</tfoot>", html)
    assert foot is not None
    assert re.findall(r"<td[^>]*>([^<]+)</td>", foot[1]) == ["0.090", "0.500"]
    assert 'class="s3 part">0.500' in html  # a seed of it failed
    assert "Beside it, on average: plain shift 0.253." in html  # of .30, .40 and .06


def test_what_was_run_and_found_is_said_in_numbers(small_page: Path):
    results = SweepResults(small_sweep())
    assert what_was_run(results) == "2 gene sets × 2 target classes × 2 seeds: 8 runs, 5 done, 1 failed and 2 skipped."
    found = {one.key: one for one in findings_of(results)}
    # SMALL: mean of .75 (Lung) and .75 (Liver)
    assert "right about 75% to 95% of held-out real samples" in found["classifier"].sentence
    assert "With SMALL it is below 80%" in found["classifier"].sentence
    assert "with every seed in 1 of 3 pairs" in found["realistic"].sentence
    assert "most by all genes (1 of 1), fewest by SMALL (0 of 2)" in found["realistic"].sentence
    shift = found["beats_mean_shift"].sentence
    assert "nearer to real target samples in 2 of 3 pairs, less near in 1, and about alike in 0" in shift
    assert "median energy ratio 0.150 against 0.300" in shift
    random = found["random_genes"].sentence
    assert "p is at most 0.05 in 2 of 3 pairs; chance alone would give about 0.2" in random
    assert "1 remains" in random
    stable = found["stable_genes"].sentence
    assert (
        "in 1 of 2 pairs (agreement phi at least 0.75, where 0 is chance and 1 the same); in 1 it is below 0.4"
        in stable
    )
    assert "raised GENE1 (in 100% of the runs of their gene set); lowered GENE3 (in 67%" in stable
    text = unescape(small_page.read_text(encoding="utf-8"))
    assert all(sentence in text for sentence in (*(one.sentence for one in found.values()), *cautions_of(results)))


def test_chips_count_where_it_was_found_so():
    chips = {one.key: (one.count, one.answer) for one in findings_of(SweepResults(small_sweep()))}
    assert chips == {
        "realistic": ("1 of 3", "doubtful"),
        "beats_mean_shift": ("2 of 3", "probably"),
        "random_genes": ("1 of 3", "doubtful"),
        "stable_genes": ("1 of 2", "probably"),
        "classifier": ("1 of 2", "probably"),  # .96 and .94 with all genes, .75 with SMALL
    }


def test_the_answer_names_the_gene_set_that_carries_the_move():
    answer = answer_of(SweepResults(small_sweep()))
    assert answer.question == "Which gene sets carry the move to which target?"
    assert answer.sentence == (
        "all genes carries the move to 1 of 2 target classes (Lung), with each of 2 seeds; in 1 of 3 pairs a gene set "
        "does better than random genes."
    )
    (_, gene_sets), (_, targets) = answer.lists
    assert [(one.name, one.text, one.mark) for one in gene_sets] == [
        ("all genes", "0.030", "1 of 1"),
        ("SMALL", "0.325", "0 of 2"),
    ]
    assert gene_sets[1].share == pytest.approx(1 - 0.325)
    assert [(one.name, one.below) for one in targets] == [("Lung", "best: all genes"), ("Liver", "best: SMALL")]


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ("fail", "No gene set carries the move to any of 2 target classes; "),
        ("pass", "SMALL carries the move to 2 of 2 target classes (Lung and Liver), with each of 2 seeds; "),
        ("not tested", "Whether moved samples are like real ones was tested in no run; "),
    ],
)
def test_the_answer_follows_the_runs(answer, sentence):
    runs = small_runs()
    runs.loc[runs["status"] == "done", "verdict.realistic.answer"] = answer
    said = answer_of(SweepResults(runs_alone(runs))).sentence
    assert said == sentence + "random gene sets were not tried beside them."


@pytest.mark.parametrize(("other", "n_passed"), [("doubtful", 1), ("fail", 1), ("probably", 2), ("pass", 2)])
def test_every_seed_has_to_pass_surely_or_probably(other, n_passed):
    runs = small_runs()
    runs.loc[1, "verdict.realistic.answer"] = other  # beside a pass of the other seed
    assert f"with every seed in {n_passed} of 3 pairs" in findings_of(SweepResults(runs_alone(runs)))[0].sentence


def test_too_few_random_sets_for_so_many_tests_are_named():
    tables = small_sweep()
    coarse = tables.random_gene_sets.assign(n_random=9, energy_p_value=[0.1, 0.5, 0.1])
    sentence = findings_of(SweepResults(SweepTables(tables.runs, coarse, tables.stability, tables.gene_frequency)))[
        2
    ].sentence
    assert "none remains; 9 random sets give no p below 0.1, too coarse for so many tests" in sentence


def test_what_was_not_tested_is_said():
    runs = small_runs()[["gene_set", "n_genes", "target_class", "seed", "status", "reason", "run"]]
    text = " ".join(one.sentence for one in findings_of(SweepResults(runs_alone(runs[runs["seed"] == 0]))))
    assert text.count("was tested in no run") == 1
    assert "nothing judges its calls" in text
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
        ["SMALL", "10", "2", "3", "87%", "80%", "75%", "90%", "80% (Liver)"],
        ["all genes", "3,000", "1", "2", "97%", "96%", "95%", "100%", "100%"],
    ]


def test_gene_sets_stand_beside_random_ones_with_p_and_q(small_page: Path):
    assert q_values(pd.Series([0.01, np.nan, 0.50, 0.04])).tolist() == pytest.approx(
        [0.03, np.nan, 0.50, 0.06], nan_ok=True
    )
    assert [row["name"] for row in random_comparison(SweepResults(small_sweep()))] == ["SMALL", "all genes", "SMALL"]
    html = small_page.read_text(encoding="utf-8")
    assert lines_of(html, "<h2>Gene sets beside random genes") == [
        ["SMALL", "Lung", "99", "0.150", "0.250", "0.01", "0.03", "90%", "80%", "0.02"],
        ["all genes", "Lung", "99", "0.030", "0.050", "0.04", "0.06", "100%", "90%", "0.1"],
        ["SMALL", "Liver", "99", "0.450", "0.400", "0.5", "0.5", "70%", "80%", "0.6"],
    ]
    assert "never below 1 / (99 + 1) = 0.01" in html
    assert "3 pairs of gene set and target were tested: about 0.2 would have p at most 0.05" in html


def test_genes_that_come_back_stand_by_how_often(small_page: Path):
    html = small_page.read_text(encoding="utf-8")
    assert lines_of(html, "<h2>Genes that come back") == [
        ["GENE1", "SMALL", "raised", "3 of 3", "100%", "2 of 2"],
        ["GENE2", "SMALL", "raised", "1 of 3", "33%", "1 of 2"],
        ["GENE3", "SMALL", "lowered", "2 of 3", "67%", "1 of 2"],
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
    write_sweep_page(tmp_path / "sweep.html", runs_alone(runs))
    html = (tmp_path / "sweep.html").read_text(encoding="utf-8")
    assert "7 more are in sweep.tsv." in html
    assert "No run is done, so nothing can be said yet." in html
    assert lines_of(html, '<div class="map-of"')[0] == ["SET0", "5", "", "○  not run"]


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
    assert Maps(results).of(results.measures[0]).line_means[0].text == "0.325"


def data_of_tables(tables: SweepTables) -> dict[str, Any]:
    results = SweepResults(tables)
    return data_of(results, Maps(results).all())


def test_the_numbers_inside_the_page_are_those_of_the_tables():
    data = data_of_tables(small_sweep())
    own = {measure["key"]: measure for measure in data["measures"]}
    assert own["energy_ratio"]["seeds"] == [["0.100", "0.200"], ["0.500", "–"], ["0.020", "0.040"], ["–", "–"]]
    assert [field.text for field in own["energy_gain"]["fields"]] == ["0.150", "−0.100", "0.030", ""]
    assert [field.text for field in own["phi"]["fields"]] == ["0.80", "", "0.30", ""]
    assert [field.text for field in own["verdict_realistic"]["fields"]] == ["1✓ 1✕", "?", "1✓ 1≈", ""]
    assert [mean.text for mean in own["verdict_realistic"]["line_means"]] == ["33%", "100%"]  # of three and two runs
    assert "individuality" not in own  # not measured in this sweep
    assert data["runs"][0] == [[str(n), "done", f"runs/SMALL.Lung.seed-{n}.3f/report.html", 1] for n in (0, 1)]
    assert data["runs"][2][0] == ["0", "done", "runs/all.Lung.seed-0.3f", 0]  # kept without a page
    assert data["genes"] == ["GENE1", "GENE3", "GENE2"]
    sentence, up, down = data["stable"][0]
    assert "over 2 seeds: phi 0.80 (95% interval 0.70 to 0.90)" in sentence
    assert (up, down) == ([[0, "0.41", "100%"], [2, "0.22", "50%"]], [[1, "−0.33", "100%"]])


def test_only_the_first_stable_genes_travel_in_the_page():
    tables = small_sweep()
    one = tables.stability.iloc[[0]]
    many = pd.concat([one.assign(rank=rank, gene=f"G{rank}") for rank in range(MOST_STABLE + 5, 0, -1)])
    none = tables.gene_frequency.iloc[:0]
    data = data_of_tables(SweepTables(tables.runs, tables.random_gene_sets, many, none))
    assert data["genes"] == [f"G{rank}" for rank in range(1, MOST_STABLE + 1)]


@pytest.fixture
def hostile_page(tmp_path: Path) -> Path:
    """A sweep whose every name attacks the page."""
    page = tmp_path / "hostile.html"
    write_sweep_page(page, hostile_sweep())
    return page


def test_hostile_names_stay_text(hostile_page: Path):
    page = Page(hostile_page.read_text(encoding="utf-8"))
    assert page.scripts[1:] == [source_of(LIBRARIES), sweep_program()]
    assert {tag for tag, _ in page.elements}.isdisjoint({"img", "iframe", "object", "link", "base", "form"})
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    assert all(name in page.text for name in HOSTILE)


def test_nothing_is_loaded_from_anywhere(small_page: Path, hash_of):
    html = small_page.read_text(encoding="utf-8")
    page = Page(html)
    sources = [value for _, found in page.elements for name, value in found.items() if name in ("src", "href")]
    assert [one for one in sources if not one.startswith("#")] == ["sweep.tsv"]  # lies beside the page
    assert {one[1:] for one in sources if one.startswith("#")} <= {found.get("id") for _, found in page.elements}
    assert "@import" not in html
    policies = [found["content"] for _, found in page.elements if found.get("http-equiv") == "Content-Security-Policy"]
    hashes = " ".join(f"'{hash_of(one)}'" for one in (source_of(LIBRARIES), sweep_program()))
    assert policies == [
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
        f"script-src {hashes}; base-uri 'none'; form-action 'none'"
    ]


def test_the_same_tables_give_the_same_page(small_page: Path):
    first = small_page.read_bytes()
    write_sweep_page(small_page, small_sweep())
    assert small_page.read_bytes() == first


def test_the_page_uses_no_word_of_the_workshop(small_page: Path):
    text = Page(small_page.read_text(encoding="utf-8")).text
    for word in (r"\bf\b", "perturbed", "x_adv", "mu_T", "turned up", "turned down", "transition"):
        assert not re.search(word, text.replace("f accuracy in the paper", "")), word


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
    write_sweep_page(page, SweepTables(runs, random, stability, frequency))
    assert page.stat().st_size < 800_000  # of which the libraries take 280 kB


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
