"""The page without its program: right numbers, honest gaps, and names that stay text whatever they hold."""

import base64
import hashlib
import re
import shutil
from html import escape
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.report.page.folders import ANSWERS, HOSTILE, Page, full_folder, html_of, page_of, part_of, text_of
from tspg.data.demo import DEMO_FILE
from tspg.errors import ModelError
from tspg.model.config import ExperimentConfig
from tspg.report.page.build import write_report
from tspg.report.page.render import LIBRARIES, page_program, source_of
from tspg.utils.files import read_json, read_table, write_json, write_table
from tspg.utils.text import signed, small

DATABASES = r"https://(www\.gsea-msigdb\.org|www\.ncbi\.nlm\.nih\.gov|www\.genecards\.org|www\.ensembl\.org)/"


@pytest.fixture
def run(whole_folder, tmp_path) -> Path:
    return shutil.copytree(whole_folder, tmp_path / "run")


@pytest.fixture
def plain(plain_folder, tmp_path) -> Path:
    return shutil.copytree(plain_folder, tmp_path / "plain")


@pytest.mark.parametrize("kind", ["whole_folder", "plain_folder", "perturb_folder", "hostile_folder"])
def test_nothing_is_loaded_and_nothing_runs_but_the_page_s_own_programs(kind, request):
    folder = request.getfixturevalue(kind)
    html = html_of(folder)
    page = Page(html)
    assert page.open == []
    assert page.tags.isdisjoint({"iframe", "object", "embed", "link", "base", "form", "img", "video", "audio"})
    assert page.scripts[1:] == [source_of(LIBRARIES), page_program()]  # after the block of numbers
    assert page.scripts[0].isascii()
    digests = [base64.b64encode(hashlib.sha256(one.encode()).digest()).decode() for one in page.scripts[1:]]
    allowed = " ".join(f"'sha256-{one}'" for one in digests)
    policies = [a["content"] for _, a in page.elements if a.get("http-equiv") == "Content-Security-Policy"]
    assert policies == [
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
        f"script-src {allowed}; base-uri 'none'; form-action 'none'"
    ]
    assert not {name for _, attributes in page.elements for name in attributes if name.startswith("on")}
    assert not {name for _, attributes in page.elements for name in attributes} & {"src", "srcset", "action", "style"}
    styles = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    assert len(styles) == 1 + html.count("<noscript><style>") <= 2
    assert not re.search(r"url\(|@import", "".join(styles))
    links = [attributes for tag, attributes in page.elements if tag == "a"]
    inside = {link["href"] for link in links if link["href"].startswith("#")}
    assert inside <= {f"#{name}" for name in page.all("id")}
    away = [link for link in links if re.match(DATABASES, link["href"])]
    assert all(link["target"] == "_blank" and link["rel"] == "noopener noreferrer" for link in away)
    files = {link["href"] for link in links} - inside - {link["href"] for link in away}
    assert files == {path.name for path in folder.iterdir() if path.suffix in (".tsv", ".json", ".h5ad")}


def test_hostile_names_stay_text(hostile_folder, tmp_path):
    run = shutil.copytree(hostile_folder, tmp_path / "run")
    rows = [(f"{HOSTILE[1]}-controls", HOSTILE[0], 0.5, HOSTILE[4], "pass")]
    write_table(run / "controls.tsv", pd.DataFrame(rows, columns=["control", "measure", "value", "note", "answer"]))
    metrics = read_json(run / "metrics.json")
    metrics["verdict"]["realistic"]["sentence"] = f"{HOSTILE[1]}-verdict"
    write_json(run / "metrics.json", metrics)
    page = page_of(run)
    for name in HOSTILE:
        assert " ".join(name.split()) in page.text
    assert f"{HOSTILE[1]}-controls" in page.text
    assert f"{HOSTILE[1]}-verdict" in page.text
    assert "49" not in page.title


def test_the_first_screen_names_genes_with_numbers_and_marks(run):
    genes = read_table(run / "genes.tsv")
    pooled = genes[genes["source_class"] == ""]
    first = [pooled.sort_values(f"rank_{way}")[:6] for way in ("up", "down")]
    expected = pd.concat(first).set_index("gene")
    stable = pd.DataFrame(
        [("Kidney", "up", expected.index[0], "yes")], columns=["source_class", "direction", "gene", "stable"]
    )
    write_table(run / "stable_genes.tsv", stable)
    html = part_of(html_of(run), "answer")
    rows = re.findall(r'<li data-gene="([^"]*)">(.*?)</li>', html, re.DOTALL)
    assert [name for name, _ in rows] == expected.index.tolist()
    widest = expected[["difference_low", "difference_high"]].abs().max(axis=None)
    for name, row in rows:
        gene = expected.loc[name]
        assert f'<span class="size">{signed(gene["difference"], 1)}</span>' in row
        assert f'<span class="hidden">{"sure" if gene["q_value"] < 0.05 else "not sure"}</span>' in row
        assert ("●" in row, "○" in row) == (gene["q_value"] < 0.05, gene["q_value"] >= 0.05)
        assert ("★" in row) == (name == expected.index[0])
        assert ("◆" in row) == (gene["stability"] >= 0.8 and name != expected.index[0])
        assert ('class="fill-up"' in row) == (gene["difference"] > 0)
        width, *ends = (float(re.search(f' {key}="([\\d.]+)"', row)[1]) for key in ("width", "x1", "x2"))
        low, high = sorted(abs(gene[["difference_low", "difference_high"]].to_numpy(float)))
        if gene["difference_low"] * gene["difference_high"] < 0:
            low = 0
        assert [width, *ends] == pytest.approx(np.array([abs(gene["difference"]), low, high]) * 100 / widest, abs=0.06)
    before = text_of(html[: html.index('<li data-gene="')])
    assert len(before.split()) <= 30
    chips = re.findall(r'<a href="#trust-(\w+)" data-chip="(\w+)" data-answer="([\w-]+)"', html)
    assert {name: answer.replace("-", " ") for _, name, answer in chips} == ANSWERS
    assert all(link == name for link, name, _ in chips)
    signs = re.findall(r'aria-hidden="true">(.)</span> [\w ]+: <b>([\w ]+)</b>', html)
    assert {answer: sign for sign, answer in signs} == {
        "pass": "✓", "probably": "≈", "doubtful": "?", "fail": "✕", "not tested": "–"
    }  # fmt: skip
    reasons = html_of(run)
    for name in ANSWERS:
        assert f'<p id="trust-{name}">Why {name}.</p>' in reasons
    assert '<p class="counts">36 samples · 60 genes · 3 classes · from Kidney and Liver</p>' in html


def test_the_static_lists_of_genes_are_those_of_the_table(run):
    genes = read_table(run / "genes.tsv")
    pooled = genes[genes["source_class"] == ""]
    tables = re.findall(r"<table>.*?</table>", part_of(html_of(run), "genes"), re.DOTALL)
    assert len(tables) == 2
    for table, way in zip(tables, ("up", "down"), strict=True):
        expected = pooled.sort_values(f"rank_{way}")[:20]
        rows = re.findall(r'<tr data-gene="([^"]*)"><th[^>]*>([^<]*)</th><td[^>]*>([^<]*)</td><td[^>]*>([^<]*)', table)
        numbers = zip(expected["gene"], expected["difference"], expected["q_value"], strict=True)
        assert rows == [(gene, gene, signed(size), small(q)) for gene, size, q in numbers]


def test_terms_are_shown_as_in_the_database_with_links(run):
    html = html_of(run)
    first = part_of(html, "answer")
    names = re.findall(r'<span class="name">([^<]*)</span> <small>([^<]*)</small>', first)
    assert names == [
        ("GOBP_BEST_TERM", "higher, q 1e-07, both tests"),
        ("HALLMARK_HYPOXIA", "lower, q 0.003, all genes ranked"),
        ("my genes", "lower, q 0.001, top genes"),
    ]
    meaning = part_of(html, "meaning")
    links = re.findall(r'<a href="([^"]*)" target="_blank" rel="noopener noreferrer">([^<]*)</a>', meaning)
    msigdb = "https://www.gsea-msigdb.org/gsea/msigdb/human/geneset/"
    assert links == [(f"{msigdb}{name}", name) for name in ("GOBP_BEST_TERM", "HALLMARK_HYPOXIA")]
    assert "No gene set found in KEGG." in text_of(meaning)
    for name in ("GOBP_SAME_THING", "HALLMARK_BY_CHANCE", "HALLMARK_TOGETHER"):
        assert name not in html


def test_the_numbers_of_the_run_are_on_the_page(run):
    text = page_of(run).text
    assert "calls 3 of 6 moved held-out samples Lung (50%, 95% interval 20% to 80%); before, 0%." in text
    assert text.count("LOST1, LOST2") == 1
    assert "1 gene does not vary in the training samples: FLAT1." in text
    assert "4 held-out values (1%) lay outside the range seen in training and were clipped." in text
    assert "A note on the data." in text
    assert "1024-512-128" in text
    assert "--target Lung" in text


def test_columns_apart_with_the_class_and_swapped_labels_are_named(make_run, make_perturbations, tmp_path):
    moved = make_perturbations()
    assert "shares no value" not in page_of(make_run(tmp_path / "plain", moved)).text
    moved.obs["platform"] = np.where(moved.obs["source_class"] == "Kidney", "array", "sequencer")
    moved.obs["sample_name"] = moved.obs_names
    moved.obs["predicted_before"] = [
        "Liver" if name in ("sample-1", "sample-4") else own for name, own in moved.obs["source_class"].items()
    ]
    text = page_of(make_run(tmp_path / "run", moved)).text
    assert "Lung shares no value of these columns with source classes" in text
    assert "one between these: platform (from Kidney)." in text
    assert "swapped labels? sample-1 (Kidney, called Liver)." in text  # sample-4 was held out


def test_every_class_has_its_counts_and_role(run):
    html = part_of(html_of(run), "data")
    for name, expected in (("Lung", ["target", "9", "3", "12", "6"]), ("Liver", ["source", "9", "3", "12", "6"])):
        row = re.search(rf'<tr[^>]*><th scope="row">{name}</th>(.*?)</tr>', html)
        assert re.findall(r">([^<]*)</td>", row[1]) == expected  # two samples a donor


def test_classes_are_counted_by_batch(run):
    table = re.search(r"<caption>batch</caption>.*?</table>", part_of(html_of(run), "data"), re.DOTALL)[0]
    assert re.findall(r'<th scope="col"[^>]*>([^<]*)', table) == ["class", "batch 0", "batch 1", "batch 2"]
    rows = re.findall(r'<th scope="row">(\w+)</th>(.*?)</tr>', table)
    of_class = {"Kidney": range(12), "Liver": range(12, 24), "Lung": range(24, 36)}
    assert {name: re.findall(r"\d+(?=</td>)", row) for name, row in rows} == {
        name: [str(sum(i % 5 % 3 == batch for i in own)) for batch in range(3)] for name, own in of_class.items()
    }


def test_shared_genes_are_in_several_lists_largest_first(plain):
    genes = [("up", "ALONE", 1, 0.9), ("up", "SMALL", 2, 0.1), ("up", "LARGE", 2, -0.4)]
    shared = pd.DataFrame(genes, columns=["direction", "gene", "n_sources", "mean_perturbation"])
    shared.insert(3, "n_sources_total", 2)
    write_table(plain / "gene_overlap.tsv", shared)
    text = page_of(plain).text
    assert text.index("LARGE") < text.index("SMALL")
    assert "ALONE" not in text
    assert "hold 3 distinct genes, 2 of them in every list" in text


def test_the_method_paragraph_follows_the_preset(plain):
    assert "a discriminator (512-256-128) takes it for real" in page_of(plain).text
    settings = ExperimentConfig("Lung", preset="transport", generator=None).as_dict()
    write_json(plain / "model" / "model.json", {"target_class": "Lung", "settings": settings})
    text = page_of(plain).text
    assert "Gaussian optimal transport" in text
    assert "--preset transport" in text
    assert "a discriminator" not in text
    assert "Eqs. 1–5" not in text
    settings["method"] = "linear_map"
    write_json(plain / "model" / "model.json", {"target_class": "Lung", "settings": settings})
    text = page_of(plain).text
    assert "Gaussian optimal transport" in text
    assert "--method linear_map" in text
    assert "--preset transport" not in text


@pytest.mark.parametrize(("least_steps", "command"), [(200, "tspg demo --out"), (1, "tspg demo --quick --out")])
def test_the_demo_is_repeated_as_it_was_asked(plain, least_steps, command):
    settings = ExperimentConfig(target_class="Lung").as_dict()
    settings["target_model"]["least_steps"] = least_steps
    write_json(plain / "model" / "model.json", {"target_class": "Lung", "settings": settings})
    metrics = read_json(plain / "metrics.json")
    metrics["data"]["expression_file"] = DEMO_FILE
    write_json(plain / "metrics.json", metrics)
    assert f"{command} NEW_FOLDER" in page_of(plain).text


def test_the_folder_of_tspg_perturb_has_an_answer_for_each_sample_and_no_training(perturb_folder):
    html = html_of(perturb_folder)
    page = Page(html)
    shown = re.findall(r'<div class="answer" data-sample="([^"]*)"( hidden)?>', html)
    assert shown == [("sample-0", ""), ("sample-13", " hidden")]
    assert html.count("<h1>") == 1
    assert "calls 36 of 36 moved samples Lung (100%); before, " in page.text
    assert "The trained model abc123 of an earlier run was applied as it is" in page.text
    assert "This profile lies outside the data that the model was trained on (9.00 to the nearest" in page.text
    table = read_table(perturb_folder / "sample_genes.tsv")
    for name in ("sample-0", "sample-13"):
        own = table[table["sample"] == name]
        n_outside = ((own["value"] < own["low"]) | (own["value"] > own["high"])).sum()
        assert f"{n_outside} of {len(own)} differ from what is expected in Lung (chance: 3)" in page.text
        assert f"{(own['q_own'] < 0.05).sum()} genes unusual for " in page.text
    assert page.text.count("36 samples, the first") == 0
    assert [tag for tag, _ in page.elements].count("tr") >= 36  # how each sample was moved


def test_one_sample_is_no_plural(plain):
    for name in ("history.tsv", "evidence.tsv", "model/model.json"):
        (plain / name).unlink()
    moved = {"f_accuracy": 1.0, "n": 1, "hit_rate": None}
    data = {"n_samples": 1, "n_genes": 30, "clipped_cells": 1, "clipped_fraction": 0.03}
    write_json(plain / "metrics.json", {"perturbation": moved, "data": data})
    text = page_of(plain).text
    assert "calls 1 of 1 moved sample Lung (100%)" in text
    assert "1 sample and 30 genes" in text
    assert "1 value (3%) lay outside the range seen in training and was clipped." in text
    assert "held-out values" not in text


GAPS = [  # a file that is missing, what the page says with it, and what without
    ("metrics.json", "36 samples and 60 genes", "not available and not available"),
    ("evidence.tsv", "Beside simple methods", "The comparison with simple methods is not available"),
    ("perturbations.h5ad", 'id="heatmap"', ""),
    ("gene_overlap.tsv", "Genes shared by the sources", ""),
    ("tsne.tsv", 'id="map"', 'id="map"'),  # a PCA is left
]


@pytest.mark.parametrize(("missing", "whole", "gap"), GAPS)
def test_a_missing_file_leaves_a_gap_that_is_named(run, missing, whole, gap):
    (run / "sample_genes.tsv").unlink()
    assert whole in html_of(run)
    (run / missing).unlink()
    html = html_of(run)
    assert gap in html
    assert whole not in html or whole == gap


def test_parts_that_a_folder_lacks_are_not_in_the_navigation(plain, run):
    nav = re.search(r"<nav.*?</nav>", html_of(run), re.DOTALL)[0]
    assert re.findall(r'href="#(\w+)"', nav) == [
        *("answer", "genes", "samples", "map", "heatmap", "meaning", "evidence", "data", "method")
    ]
    nav = re.search(r"<nav.*?</nav>", html_of(plain), re.DOTALL)[0]
    assert re.findall(r'href="#(\w+)"', nav) == ["answer", "genes", "meaning", "evidence", "data", "method"]


def test_an_empty_folder_gives_a_page_of_gaps(tmp_path):
    page = page_of(tmp_path)
    assert page.open == []
    assert page.text.lower().count("not available") > 4
    assert page.all("data-answer") == ["not-tested"] * 6


def test_a_folder_that_is_not_there_or_damaged_is_one_clear_error(plain, tmp_path):
    with pytest.raises(ModelError, match="there is no such folder"):
        write_report(tmp_path / "nowhere")
    (plain / "metrics.json").write_text('{"data": ', encoding="utf-8")
    with pytest.raises(ModelError, match=r"metrics\.json: is no readable JSON"):
        write_report(plain)


def test_the_same_folder_gives_the_same_page_without_a_path_of_the_machine(run, tmp_path):
    (run / "figures").mkdir()
    (run / "figures" / "volcano & more.svg").write_text("<svg/>")
    html = html_of(run)
    other = shutil.copytree(run, tmp_path / "elsewhere")
    assert html_of(other) == html
    assert str(tmp_path) not in html
    assert f'<a href="figures/{escape("volcano%20%26%20more.svg")}" download>' in html


@pytest.mark.parametrize("n_classes", [2, 53])
def test_names_of_any_length_and_number_of_classes_make_a_page(make_run, make_perturbations, tmp_path, n_classes):
    classes = [f"Tissue {i} {'long ' * (i % 7)}" for i in range(n_classes)]
    moved = make_perturbations(classes, target=classes[-1], per_class=4)
    page = page_of(full_folder(tmp_path / "run", moved, make_run))
    source = classes[0] if n_classes == 2 else f"{n_classes - 1} classes"
    assert page.title == " ".join(f"From {source} to {classes[-1]}: which genes change?".split())
    assert all(" ".join(name.split()) in page.text for name in classes)
