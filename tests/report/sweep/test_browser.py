"""The page of a sweep as a user has it open: what is typed, clicked and sorted, on a desk and on a telephone."""

from pathlib import Path

import numpy as np
import pytest

from tests.report.sweep.made import HOSTILE, hostile_sweep, small_sweep, wide_sweep
from tspg.report.sweep.page import write_sweep_page

WIDTHS = [1400, 390]
IS_WIDE = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def small_page(tmp_path_factory) -> Path:
    page = tmp_path_factory.mktemp("small") / "sweep.html"
    write_sweep_page(page, small_sweep())
    return page


def texts(page, selector):
    return [" ".join(text.split()) for text in page.locator(selector).all_inner_texts()]


def column(page, part, field):
    return texts(page, f'#{part} .tabulator-row .tabulator-cell[tabulator-field="{field}"]')


@pytest.mark.parametrize("width", WIDTHS)
def test_the_answer_stands_on_the_first_screen(small_page, opened, width):
    page = opened(small_page, width)
    assert page.title() == "Which gene sets carry the move to which target?"
    assert page.locator("#answer .sentence").inner_text().startswith("all genes carries the move to 1 of 2")
    last = page.locator("#answer .counts").bounding_box()
    assert last["y"] + last["height"] < 900
    assert not page.evaluate(IS_WIDE)


def test_a_chip_leads_to_its_reason(small_page, opened):
    page = opened(small_page)
    reason = page.locator("#trust-random_genes")
    assert not reason.is_visible()
    page.locator('a[data-chip="random_genes"]').click()
    assert reason.is_visible()


def test_the_map_shows_every_measure_and_sorts_best_first(small_page, opened):
    page = opened(small_page)
    assert texts(page, "#map td[data-pair] b") == ["0.150", "0.500", "0.030", "–"]
    page.select_option("#measure", "energy_gain")
    assert texts(page, "#map td[data-pair] b") == ["0.150", "−0.100", "0.030", "–"]
    page.select_option("#measure", "energy_ratio")
    for head, order in (
        ("mean", ["all genes", "SMALL"]),
        ("mean", ["SMALL", "all genes"]),
        ("genes", ["SMALL", "all genes"]),
        ("Liver", ["SMALL", "all genes"]),  # what was not measured stands last, whichever way
        ("Liver", ["SMALL", "all genes"]),
        ("gene set", ["all genes", "SMALL"]),
    ):
        page.locator("#map thead button", has_text=head).last.click()
        assert texts(page, "#map tbody th") == order, head


def test_a_field_opens_its_runs_genes_and_numbers(small_page, opened):
    page = opened(small_page)
    page.locator('td[data-pair="0"]').hover()
    assert (
        "SMALL → Lung: Energy ratio 0.150 (seed 0 0.100, seed 1 0.200)" in page.locator("#sets .pointed").inner_text()
    )
    page.locator('td[data-pair="0"]').click()
    panel = page.locator('[data-panel="pair"]')
    assert panel.locator("h2").inner_text() == "SMALL → Lung"
    links = [link.get_attribute("href") for link in panel.locator("a").all()]
    assert links == [f"runs/SMALL.Lung.seed-{seed}.3f/report.html" for seed in (0, 1)]
    assert texts(page, '[data-panel="pair"] tbody tr')[0] == "Energy ratio 0.150 0.100 0.200 0.300"
    assert "p 0.01; called target 90% against 80%" in panel.inner_text()
    panel.locator('button[data-gene="GENE1"]').click()
    gene = page.locator('[data-panel="gene"]')
    assert gene.get_attribute("data-gene") == "GENE1"
    assert texts(page, '[data-panel="gene"] tbody tr') == [
        "SMALL → Lung raised 0.41 100%",
        "all genes → Lung raised 0.50 100%",
    ]
    page.keyboard.press("Escape")
    assert not gene.is_visible()


def test_the_map_works_by_the_keyboard(small_page, opened):
    page = opened(small_page)
    assert page.locator('#map [tabindex="0"]').count() == 1
    page.locator('td[data-pair="0"]').focus()
    for key, focused in (
        ("ArrowUp", "Lung"),
        ("ArrowDown", "0.150"),
        ("End", "0.500"),
        ("ArrowDown", "–"),
        ("Home", "all genes"),
        ("End", "–"),
    ):
        page.keyboard.press(key)
        assert focused in page.evaluate("document.activeElement.textContent"), key
    page.keyboard.press("Enter")
    assert "seed 1: skipped: the class has 3 samples" in page.locator('[data-panel="pair"]').inner_text()
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.dataset.pair") == "3"


@pytest.mark.parametrize("width", WIDTHS)
def test_tables_are_searched_and_sorted(small_page, opened, width):
    page = opened(small_page, width)
    page.locator("#genes .tabulator-col button", has_text="runs").click()
    assert column(page, "genes", "c3") == ["3 of 3", "2 of 3", "1 of 3"]
    page.locator("#genes .tabulator-col button", has_text="runs").focus()
    page.keyboard.press("Enter")  # by the keyboard as well
    assert column(page, "genes", "c0") == ["GENE2", "GENE3", "GENE1"]
    page.locator("#genes input[type=search]").fill("lowered")
    assert column(page, "genes", "c0") == ["GENE3"]
    assert page.locator("#genes .tabulator-row").get_attribute("data-gene") == "GENE3"
    page.locator('#random .tabulator-col[tabulator-field="c5"] button').click()
    assert column(page, "random", "c5") == ["0.5", "0.04", "0.01"]


def test_what_has_no_number_stands_last_whichever_way(tmp_path, opened):
    tables = small_sweep()
    tables.random_gene_sets.loc[0, "energy_p_value"] = np.nan
    write_sweep_page(tmp_path / "sweep.html", tables)
    page = opened(tmp_path / "sweep.html")
    for order in (["0.5", "0.04", "–"], ["0.04", "0.5", "–"]):
        page.locator('#random .tabulator-col[tabulator-field="c5"] button').click()
        assert column(page, "random", "c5") == order


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("n_targets", [2, 12])
def test_long_names_and_many_targets_stay_inside_the_page(tmp_path, opened, width, n_targets):
    write_sweep_page(tmp_path / "sweep.html", wide_sweep(n_targets))
    page = opened(tmp_path / "sweep.html", width)
    assert not page.evaluate(IS_WIDE)
    page.locator("#map thead button").nth(3).click()
    worst = page.locator("#map tbody tr").nth(0).locator("td[data-pair] b").first
    assert worst.inner_text() == "0.000"
    page.locator("#genes .tabulator-page", has_text="Next").click()
    assert len(column(page, "genes", "c0")) == 12
    page.locator("td[data-pair]").first.click()
    assert page.locator('[data-panel="pair"] h2').inner_text().endswith("→ النسيج number 0")
    assert not page.evaluate(IS_WIDE)


def test_many_gene_sets_and_targets_are_found_by_parts_of_their_names(tmp_path, opened):
    write_sweep_page(tmp_path / "sweep.html", wide_sweep(16, 20))
    page = opened(tmp_path / "sweep.html")
    page.fill("#find-targets", "number 15")
    page.fill("#find-sets", "x_19")
    assert texts(page, "#map thead th.target") == ["النسيج number 15"]
    assert page.locator("#map tbody tr").count() == 1
    assert page.locator("#map td[data-pair] b").is_hidden()  # as many targets leave no room for numbers
    page.check("#with-numbers")
    assert page.locator("#map td[data-pair] b").is_visible()


def test_no_name_runs_as_a_program(tmp_path, opened):
    write_sweep_page(tmp_path / "sweep.html", hostile_sweep())
    page = opened(tmp_path / "sweep.html")
    for field in page.locator("td[data-pair]").all():
        field.click()
        page.keyboard.press("Escape")
    page.locator('td[data-pair="0"]').click()
    assert page.evaluate("document.querySelector('[data-panel=pair] a').protocol") == "file:"
    assert HOSTILE[0] in page.locator('[data-panel="pair"] h2').inner_text()
    assert page.title() == "Which gene sets carry the move to which target?"
    assert page.evaluate("[document.images.length, document.scripts.length]") == [0, 3]


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_can_be_read_without_its_program(small_page, opened, width):
    page = opened(small_page, width, java_script_enabled=False)
    assert "0.150" in page.locator("#map").inner_text()
    assert "GENE2" in page.locator("#genes table").inner_text()
    assert page.locator("input, select").locator("visible=true").count() == 0
    assert not page.evaluate(IS_WIDE)


def test_the_program_draws_the_map_as_it_stands_without_it(small_page, opened):
    with_program, without = opened(small_page), opened(small_page, java_script_enabled=False)
    for selector in ("#map tbody tr", "#map tfoot tr", "#steps", "#about"):
        assert texts(with_program, selector) == texts(without, selector)
    classes = "Array.from(document.querySelectorAll('#map tbody td'), (cell) => cell.className)"
    assert with_program.evaluate(classes) == without.evaluate(classes)


def test_all_rows_are_printed(tmp_path, opened):
    write_sweep_page(tmp_path / "sweep.html", wide_sweep(2))
    page = opened(tmp_path / "sweep.html")
    assert page.locator("#genes table").is_hidden()
    page.emulate_media(media="print")
    assert page.locator("#genes table tbody tr").count() == 30
    assert page.locator("#genes table").is_visible()
    assert page.locator("#genes .tabulator").is_hidden()
