"""The page of a comparison as a user has it open, on a desk and on a telephone."""

import pytest

from tests.report.compare.made import HOSTILE, known_tables, many_tables
from tspg.analysis.interpretation.genes import compare_genes, compare_targets, compared_sources
from tspg.report.compare.groups import Compared, of_lists
from tspg.report.compare.page import write_compare_page
from tspg.report.read import read_run

WIDTHS = [1400, 390]
IS_WIDE = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def made(make_run, make_perturbations, tmp_path_factory):
    """The page of a comparison of runs to the targets of `tables`; without tables of tests, of their lists."""

    def make(tables, *, is_tested=True):
        folder = tmp_path_factory.mktemp("compare")
        runs = []
        for place, target in enumerate(tables):
            perturbations = make_perturbations(("Colon", target), target=target)
            perturbations.uns["tspg"]["other_genes"] = ["OUTSIDE"]
            runs.append(read_run(make_run(folder / f"run-{place}", perturbations)))
        sources = compared_sources(tables)
        table = compare_genes(tables, sources)
        views = [Compared(one, list(tables), table[table["source_class"] == one], is_tested=True) for one in sources]
        if not is_tested:
            lists = {run.target: run.tables["top_genes"].assign(source_class="Colon") for run in runs}
            views = of_lists(compare_targets(lists), list(lists))
        write_compare_page(folder / "compare.html", views, runs)
        return folder / "compare.html"

    return make


@pytest.fixture(scope="module")
def known(made):
    return made(known_tables())


def genes(page):
    return page.locator("#genes .tabulator-row").evaluate_all("rows => rows.map((row) => row.dataset.gene)")


@pytest.mark.parametrize("width", WIDTHS)
def test_the_answer_stands_on_the_first_screen(known, opened, width):
    page = opened(known, width)
    assert page.title() == "From Colon to Lung and Liver: which genes are shared, which specific?"
    assert page.locator("#answer [data-gene]").first.bounding_box()["y"] < (400 if width == 1400 else 500)
    chips = page.locator("#answer table").bounding_box()
    assert chips["y"] + chips["height"] < 900
    assert not page.evaluate(IS_WIDE)


@pytest.mark.parametrize("width", WIDTHS)
def test_genes_are_filtered_by_where_they_differ(known, opened, width):
    page = opened(known, width)
    assert genes(page)[:2] == ["BOTH_DOWN", "BOTH_UP"]
    chooser = page.locator("#genes .tools select:visible")
    for name, found in (
        ("shared by all", {"BOTH_DOWN", "BOTH_UP"}),
        ("only in Lung", {"FIRST_ONLY"}),
        ("only in Liver", {"SECOND_ONLY", "LATE"}),
    ):
        chooser.select_option(label=name)
        assert set(genes(page)) == found
    chooser.select_option(label="all")
    page.get_by_label("q < 0.05 only").check()
    assert "NEITHER" not in genes(page)
    assert "OPPOSITE" in genes(page)


def test_a_search_has_three_answers(known, opened):
    page = opened(known)
    output = page.locator("#genes output")
    for text, answer, found in (
        ("both_up", "listed", ["BOTH_UP"]),
        ("OUTSIDE", "not-in-set", []),
        ("NOWHERE", "not-in-matrix", []),
        ("only", "not-in-matrix", ["FIRST_ONLY", "SECOND_ONLY"]),
    ):
        page.fill('#genes input[type="search"]', text)
        assert output.get_attribute("data-answer") == answer
        assert genes(page) == found


def test_columns_sort_by_size(known, opened):
    page = opened(known)
    page.locator('#genes .tabulator-col[tabulator-field="d1"] button').click()
    assert genes(page)[:3] == ["BOTH_DOWN", "OPPOSITE", "BOTH_UP"]  # 5, 4, 2 in Liver
    cell = page.locator('#genes .tabulator-row[data-gene="LATE"] .tabulator-cell[tabulator-field="d0"]')
    assert cell.inner_text() == "–"


def test_a_gene_opens_with_its_numbers_in_every_target(known, opened):
    page = opened(known)
    page.locator('#answer button[data-gene="BOTH_UP"]').click()
    panel = page.locator('[data-panel="gene"]')
    assert panel.locator("h2").inner_text() == "BOTH_UP"
    rows = [" ".join(row.split()) for row in panel.locator("tbody tr").all_inner_texts()]
    assert rows == ["Lung +3.00 1.0e−3 1", "Liver +2.00 0.010 1"]
    page.keyboard.press("Escape")
    assert not panel.is_visible()
    assert page.evaluate("document.activeElement.dataset.gene") == "BOTH_UP"


def test_a_chip_leads_to_its_reason(known, opened):
    page = opened(known)
    page.locator('#answer a[data-chip="realistic"]').last.click()
    assert page.locator("#trust-1-realistic").is_visible()
    assert not page.locator("#trust-0-realistic").is_visible()


def test_the_table_is_saved_with_full_numbers(known, opened):
    page = opened(known)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download TSV").click()
    lines = [line.split("\t") for line in download.value.path().read_text(encoding="utf-8-sig").splitlines()]
    heads = [head.strip('"') for head in lines[0]]
    row = next(line for line in lines if "OPPOSITE" in line[0])
    assert float(row[heads.index("difference in Liver")].strip('"')) == pytest.approx(-4, abs=1e-3)
    assert float(row[heads.index("q in Lung")].strip('"')) == pytest.approx(0.001, rel=1e-2)


@pytest.mark.parametrize("width", WIDTHS)
def test_twelve_targets_stay_inside_the_page(made, opened, width):
    names = [*HOSTILE, *(f"T{i}" for i in range(8))]
    page = opened(made(many_tables(names)), width)
    assert not page.evaluate(IS_WIDE)
    assert page.evaluate("[document.images.length, document.scripts.length]") == [0, 3]
    assert "OWNED" not in page.title()
    assert page.locator("#genes .tabulator svg, #genes .tabulator script").count() == 0
    assert HOSTILE[1] in page.locator("#genes .tabulator-header").inner_text()
    chooser = page.locator("#genes .tools select:visible")
    chooser.select_option(label="shared by all")
    assert len(genes(page)) == 12
    page.locator("#genes .tabulator-row").first.locator("button").click()
    assert page.locator('[data-panel="gene"] tbody tr').count() == 12
    assert not page.evaluate(IS_WIDE)


@pytest.mark.parametrize("width", WIDTHS)
def test_lists_are_compared_where_genes_were_not_tested(made, opened, width):
    page = opened(made(known_tables(), is_tested=False), width)
    assert "of the lists" in page.locator(".sentence").inner_text()
    assert "rank" in page.locator("#genes .tabulator-headers").inner_text()
    assert not page.evaluate(IS_WIDE)


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_can_be_read_without_its_program(known, opened, width):
    page = opened(known, width, java_script_enabled=False)
    assert not page.evaluate(IS_WIDE)
    text = page.locator("#genes").inner_text()
    assert "BOTH_DOWN" in text
    assert "−5.00" in text
    assert page.locator("input, select, #genes figure").locator("visible=true").count() == 0
