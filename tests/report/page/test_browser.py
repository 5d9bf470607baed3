"""The page in a browser, used as a reader would: by mouse and keyboard, on a telephone, in the dark, on paper."""

import io
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.report.page.folders import GENES, HOSTILE, IDS, full_folder, html_of
from tspg.analysis.interpretation.perturbations import read_perturbations
from tspg.utils.files import read_table

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="chromium is not on PATH")]
PANEL = "[data-panel=gene]"
SEARCH = "[data-part=genes] input[type=search]"
SHOWN = f"{PANEL}:not([hidden])"
# Where a gene is shown: each opens its panel.
PLACES = [
    "[data-part=answer] button.gene",
    "[data-part=answer] li[data-gene] .size",
    ".tabulator-row .tabulator-cell:nth-child(2)",
    ".tabulator-row button.gene",
    "#genes svg text[data-gene]",
    "#heatmap .names button",
    "#meaning button.gene",
]
STOPS = "a[href], button:not([disabled]), input, select, summary, [tabindex='0']"
TABBED = f"""() => Array.from(document.querySelectorAll("{STOPS}"))
  .filter((one) => one.checkVisibility({{ visibilityProperty: true }}) && one.getClientRects().length)"""


@pytest.fixture(scope="module")
def browser() -> Iterator[sync_api.Browser]:
    with sync_api.sync_playwright() as program:
        found = program.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def opened(browser) -> Iterator[Callable[..., sync_api.Page]]:
    """Opens the page of a folder; in the end nothing was said in the console and nothing asked of the network."""
    said, contexts = [], []

    def open_page(folder: Path, width: int = 1400, height: int = 900, **how) -> sync_api.Page:
        context = browser.new_context(viewport={"width": width, "height": height}, reduced_motion="reduce", **how)
        contexts.append(context)
        context.set_default_timeout(8000)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on(
            "request", lambda asked: said.append(asked.url) if not asked.url.startswith(("file:", "blob:")) else None
        )
        page.goto(((folder / "report.html").resolve()).as_uri())
        if how.get("java_script_enabled", True):
            page.wait_for_selector("body[data-ready=yes]", state="attached")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert said == []


@pytest.fixture(scope="module")
def whole(whole_folder) -> Path:
    html_of(whole_folder)
    return whole_folder


@pytest.fixture(scope="module")
def perturb(perturb_folder) -> Path:
    html_of(perturb_folder)
    return perturb_folder


@pytest.fixture(scope="module")
def hostile(hostile_folder) -> Path:
    html_of(hostile_folder)
    return hostile_folder


@pytest.fixture(scope="module")
def pooled(whole) -> pd.DataFrame:
    """The genes of all source samples together, as the page first shows them."""
    genes = read_table(whole / "genes.tsv")
    return genes[genes["source_class"] == ""].set_index("gene")


def rows_of(page: sync_api.Page) -> list[str]:
    """The genes of the rows that are shown."""
    return page.locator(".gene-table .tabulator-row").evaluate_all("rows => rows.map((row) => row.dataset.gene)")


def every_row(page: sync_api.Page) -> list[str]:
    """The genes of all pages of the table."""
    if page.locator("#genes button[data-page=first]").is_enabled():
        page.click("#genes button[data-page=first]")
    found = rows_of(page)
    while page.locator("#genes button[data-page=next]").is_enabled():
        page.click("#genes button[data-page=next]")
        found += rows_of(page)
    return found


def sorted_by(page: sync_api.Page, title: str) -> list[str]:
    page.locator(".tabulator-col", has=page.get_by_text(title, exact=True)).click()
    assert page.inner_text("#genes .tabulator-page-counter").startswith("Showing 1-")
    return every_row(page)


def text_of(page: sync_api.Page, selector: str) -> str:
    return " ".join(page.text_content(selector).split())


def is_narrow(page: sync_api.Page) -> bool:
    """Whether nothing makes the page wider than the window."""
    return page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


SEARCHES = [  # what is typed, the answer, the genes that are shown
    ("VEGFA", "listed", ["VEGFA"]),
    ("adm", "listed", ["ADM"]),
    (f"{IDS['VEGFA']}.12", "listed", ["VEGFA"]),
    ("F3", "listed", ["F3"]),  # part of the name of ATF3
    ("odd name; 1", "listed", ["odd name; 1"]),
    ("EGLN3", "not-in-set", []),
    (IDS["CA9"].lower(), "not-in-set", []),
    ("TP53", "not-in-matrix", []),
    (IDS["TP53"], "not-in-matrix", []),
    ("<b>", "not-in-matrix", []),
    ("ATF", "not-in-matrix", ["ATF3"]),  # part of a name
    ("TP53, vegfa adm;EGLN3", "listed", ["ADM", "VEGFA"]),
]


def test_a_search_has_three_answers_by_symbol_and_by_id(opened, make_run, make_perturbations, tmp_path):
    genes = [*GENES[:30], "F3", "VEGFA", "odd name; 1"]
    run = full_folder(tmp_path / "run", make_perturbations(genes=genes, n_genes=33), make_run)
    html_of(run)
    table = read_table(run / "genes.tsv")
    ranks = table[table["source_class"] == ""].set_index("gene")[["rank_up", "rank_down"]].max(axis=1)
    page = opened(run)
    fields = page.locator(SEARCH)
    assert fields.count() == 1
    answer = page.locator("[data-part=genes] output")
    for text, expected, shown in SEARCHES:
        fields.fill(text)
        assert answer.get_attribute("data-answer") == expected, text
        assert sorted(rows_of(page)) == shown
        said = answer.inner_text()
        if expected == "listed" and len(shown) == 1:
            assert said.startswith(f"{text} is listed: rank {int(ranks[shown[0]])} of the genes that are ")
        elif len(shown) == 2:
            assert said == "2 of 4 listed; not in the gene set: EGLN3; not in the matrix: TP53."
        else:
            assert text in said
        if shown:
            fields.press("Enter")
            assert page.get_attribute(PANEL, "data-gene") in shown
            page.keyboard.press("Escape")
    fields.fill("")
    assert answer.get_attribute("data-answer") is None
    assert len(every_row(page)) == 33


def test_a_column_sorts_by_its_numbers_both_ways(opened, whole, pooled):
    page = opened(whole)
    assert sorted(every_row(page)) == GENES
    columns = {
        "gene": None,
        "log2 fold change": pooled["difference"],
        "q": -np.log10(pooled["q_value"]),
        "change P": pooled["perturbation"],
        "stability": pooled["stability"],
        "rank": pooled[["rank_up", "rank_down"]].max(axis=1),
    }
    for title, values in columns.items():
        falling, rising = sorted_by(page, title), sorted_by(page, title)
        if values is None:  # names start with A
            falling, rising = rising, falling
            assert falling == sorted(GENES, reverse=True)
            assert rising == sorted(GENES)
            continue
        known = values.replace(0, np.nan).dropna()  # a gene that was not tested has no rank
        for found, sign in ((falling, -1), (rising, 1)):
            order = [gene for gene in found if gene in known.index]
            steps = sign * np.diff(known[order])
            assert (steps >= -2 * known.abs().max() / 32767).all(), title
            assert sorted(found) == GENES


def test_cells_show_the_numbers_of_the_table(opened, whole, pooled):
    page = opened(whole)
    heads = page.locator(".tabulator-col:visible").evaluate_all("cells => cells.map((cell) => cell.textContent.trim())")
    cells = page.locator(".tabulator-row").evaluate_all(
        """rows => rows.map((row) => Array.from(row.children)
        .filter((one) => one.checkVisibility()).map((one) => one.textContent))"""
    )
    table = pd.DataFrame(
        [[text.replace("−", "-").replace("+", "") for text in row[: len(heads)]] for row in cells], columns=heads
    )
    own = pooled.loc[table["gene"]].reset_index()
    step = pooled["difference"].abs().max() / 32767
    np.testing.assert_allclose(table["log2 fold change"].astype(float), own["difference"], atol=0.005 + step, rtol=0)
    ends = table["95% interval"].str.split(" to ", expand=True).astype(float)
    np.testing.assert_allclose(ends, own[["difference_low", "difference_high"]], atol=0.005 + 2 * step, rtol=0)
    np.testing.assert_allclose(table["q"].astype(float), own["q_value"], rtol=0.06)
    np.testing.assert_allclose(table["change P"].astype(float), own["perturbation"], atol=0.0051, rtol=0)
    np.testing.assert_allclose(table["stability"].str.rstrip("% ★").astype(float), 100 * own["stability"], atol=0.51)
    rank = own["rank_up"].fillna(own["rank_down"]).astype(int).astype(str)
    way = np.where(own["rank_up"].notna(), "↑", "↓")
    assert table["rank"].tolist() == [f"{one} {arrow}" for one, arrow in zip(rank, way, strict=True)]
    ups = page.locator(".tabulator-row").evaluate_all("rows => rows.map((row) => row.classList.contains('is-up'))")
    assert ups == own["rank_up"].notna().tolist()  # red
    assert rank.astype(int).is_monotonic_increasing  # what is surest comes first, up and down


def as_table(text: str) -> pd.DataFrame:
    return pd.read_csv(io.StringIO(text), sep="\t", keep_default_na=False, na_values=[""])


def test_the_sure_genes_alone_are_copied_and_downloaded_as_they_are_in_the_table(opened, whole, pooled, tmp_path):
    page = opened(whole, permissions=["clipboard-read", "clipboard-write"])
    sure = set(pooled.index[pooled["q_value"] < 0.05])
    for chosen in (set(GENES), sure):
        with page.expect_download() as download:
            page.click("text=Download TSV")
        download.value.save_as(tmp_path / "genes.tsv")
        page.click("#genes .tools button:text-matches('Cop(y|ied)')")
        copied = page.evaluate("navigator.clipboard.readText()")
        for text in ((tmp_path / "genes.tsv").read_text(encoding="utf-8-sig"), copied):
            table = as_table(text).set_index("gene")
            own = pooled.loc[table.index]
            assert set(table.index) == chosen
            assert len(table) == len(chosen)
            names = {"log2 fold change": "difference", "high": "difference_high", "change P": "perturbation"}
            names |= {
                "stability": "stability",
                next(name for name in ("low", "95% interval") if name in table): "difference_low",
            }
            for title, name in names.items():
                step = pooled[name].abs().max() / 32767
                np.testing.assert_allclose(table[title], own[name], atol=step, rtol=1e-4)
            for title, name in {"q": "q_value", "p": "p_value"}.items():
                np.testing.assert_allclose(table[title], own[name], rtol=0.007)
            rank = own["rank_up"].fillna(own["rank_down"]).fillna(0)
            assert table["rank"].tolist() == rank.tolist()
            assert table.loc["ADM", "Ensembl"] == "ENSG00000148926"
        page.check("text=q < 0.05 only")
        assert set(every_row(page)) == sure


def test_another_source_class_has_its_own_numbers(opened, whole):
    genes = read_table(whole / "genes.tsv")
    page = opened(whole)
    page.select_option("#genes select", label="Liver")
    own = genes[genes["source_class"] == "Liver"]
    leading = own[own[["rank_up", "rank_down"]].max(axis=1) <= 3]["gene"]
    assert set(rows_of(page)[:6]) == set(leading)


def medians(moved, gene: str) -> dict[str, float]:
    """The median of a gene in every class, before and moved, in the units of the matrix."""
    low, high = moved.var.loc[gene, ["minimum", "maximum"]].astype(float)
    target, found = moved.uns["tspg"]["target_class"], {}
    for name in moved.obs["source_class"].unique():
        rows = moved[moved.obs["source_class"] == name, gene]
        found[f"{name}, target class" if name == target else name] = np.median(rows.layers["original"])
        if name != target:
            found[f"{name}, moved"] = np.median(rows.X)
    return {name: low + (high - low) * value for name, value in found.items()}


def has_panel_of(page: sync_api.Page, moved, gene: str) -> None:
    """The panel of a gene is open and its medians are those of the profiles."""
    assert page.inner_text(f"{SHOWN} h2") == gene
    lines = page.locator(f"{PANEL} .class-name").all_text_contents()
    shown = {name: float(value.replace("−", "-")) for name, value in (line_of(line) for line in lines)}
    expected = medians(moved, gene)
    assert set(shown) == set(expected)
    width = float(moved.var.loc[gene, "maximum"] - moved.var.loc[gene, "minimum"])
    for name, value in expected.items():
        assert shown[name] == pytest.approx(value, abs=0.51 / 255 * width + 0.006)


def line_of(line: str) -> tuple[str, str]:
    found = re.fullmatch(r"(.*) · median (\S+) · n = [\d,]+(?: \(\d+ drawn\))?", line, re.DOTALL)
    return found[1], found[2]


def test_a_gene_opens_its_panel_from_wherever_it_is_shown(opened, whole, pooled):
    moved = read_perturbations(whole)
    page = opened(whole)
    for place in PLACES:
        shown = page.locator(place).first
        gene = shown.evaluate("one => one.closest('[data-gene]').dataset.gene")
        button = place.split()[-1].startswith("button")
        shown.scroll_into_view_if_needed()
        shown.click()
        has_panel_of(page, moved, gene)
        assert page.evaluate("document.activeElement.closest('[data-panel=gene]') !== null"), place
        page.keyboard.press("Escape")
        assert page.locator(SHOWN).count() == 0
        if button:
            assert shown.evaluate("one => one === document.activeElement"), place
    panel = page.locator(PANEL)
    page.click(PLACES[0])
    gene = page.get_attribute(PANEL, "data-gene")
    row = panel.locator("tbody tr").first.locator("td").all_inner_texts()
    own = pooled.loc[gene]
    assert float(row[0].replace("−", "-")) == pytest.approx(own["difference"], abs=0.006)
    assert float(row[3].replace("−", "-")) == pytest.approx(own["perturbation"], abs=0.006)
    assert panel.locator("tbody th").all_inner_texts() == [
        "all source samples",
        "Kidney",
        "Liver",
        "sample sample-0",
        "sample sample-13",
    ]
    assert "HALLMARK_HYPOXIA" in panel.inner_text()
    links = panel.locator(".links a").evaluate_all("all => all.map((one) => [one.href, one.target, one.rel])")
    assert [link[1:] for link in links] == [["_blank", "noopener noreferrer"]] * 3
    assert all(gene in link[0] for link in links[:2])
    assert panel.locator(".pairs line").count() == 24
    page.click(f"{PANEL} .close")
    assert page.locator(SHOWN).count() == 0


BARE_LABEL = """labels => labels.map((one) => {
    const box = one.getBoundingClientRect(), isLeft = one.getAttribute("text-anchor") === "start";
    return [one.dataset.gene, isLeft ? box.left - 5 : box.right + 5, box.top + box.height / 2];
  }).find(([, x, y]) => !document.elementFromPoint(x, y).closest("[data-gene]"))"""


def test_a_point_of_a_plot_is_named_and_opens_its_gene(opened, whole, pooled):
    page = opened(whole)
    page.locator("#genes figure").first.scroll_into_view_if_needed()
    gene, *place = page.locator("#genes figure:first-of-type svg text[data-gene]").evaluate_all(BARE_LABEL)
    page.mouse.move(*place)
    pointed = text_of(page, "#genes .pointed").replace("−", "-")
    found = re.fullmatch(r"(\S+): log2 fold change (\S+), -log10 q (\S+)", pointed)
    assert found[1] == gene
    own = pooled.loc[gene]
    assert float(found[2]) == pytest.approx(own["difference"], abs=0.006)
    assert float(found[3]) == pytest.approx(-np.log10(own["q_value"]), abs=0.006)
    page.mouse.click(*place)
    assert page.get_attribute(SHOWN, "data-gene") == gene


def test_tab_reaches_everything_that_can_be_used(opened, whole):
    page = opened(whole)
    for _ in range(2):
        page.evaluate("document.activeElement.blur(); window.reached = []")
        for _ in range(200):
            page.keyboard.press("Tab")
            if page.evaluate("reached.includes(document.activeElement) || !reached.push(document.activeElement)"):
                break
        assert page.evaluate(f"({TABBED})().filter((one) => !reached.includes(one)).map((one) => one.outerHTML)") == []
        page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")


def test_a_chip_leads_to_its_reason(opened, whole):
    page = opened(whole)
    chips = page.locator("[data-chip]")
    assert chips.count() == 6
    for chip in chips.all():
        name = chip.get_attribute("data-chip")
        chip.click()
        reason = page.locator(f"#trust-{name}")
        assert reason.is_visible()
        assert reason.inner_text() == f"Why {name}."
        sync_api.expect(reason).to_be_in_viewport()


def test_a_sample_is_picked_for_the_whole_page(opened, perturb):
    table, moved = read_table(perturb / "sample_genes.tsv"), read_perturbations(perturb)
    page = opened(perturb)
    for name in ("sample-13", "sample-0"):
        page.locator("select.sample").first.select_option(name)
        own = table[table["sample"] == name].set_index("gene")
        assert page.locator("[data-part=answer] [data-sample]:visible").get_attribute("data-sample") == name
        first = page.locator("[data-part=answer] [data-sample]:visible ol").first.locator("[data-gene].gene")
        assert first.all_inner_texts() == own["z_own"].abs().nlargest(6).index.tolist()
        assert name in text_of(page, "#samples [data-sample]:visible")
        assert set(page.locator("select.sample").evaluate_all("all => all.map((one) => one.value)")) == {name}
        assert rows_of(page)[:6] == own["z_own"].abs().nlargest(6).index.tolist()
        row, gene = page.locator(".tabulator-row").first, rows_of(page)[0]
        var = moved.var.loc[gene].astype(float, errors="ignore")
        after = moved[name, gene].X.item() * (var["maximum"] - var["minimum"]) + var["minimum"]
        for field, value in {"value": own.loc[gene, "value"], "moved": after}.items():
            cell = row.locator(f"[tabulator-field={field}]").inner_text()
            assert float(cell) == pytest.approx(value, abs=0.006)
        page.locator("#genes .tabulator-row button.gene").first.click()
        large = page.locator(f"{PANEL} circle[r='4.5'] title").all_text_contents()
        assert [float(text.removeprefix(f"{name}: ")) for text in large] == pytest.approx(
            [own.loc[gene, "value"], after], abs=0.51 / 255 * (var["maximum"] - var["minimum"]) + 0.006
        )
        page.keyboard.press("Escape")


def test_the_map_names_points_and_colours_by_any_column(opened, whole):
    table = read_table(whole / "tsne.tsv")
    page = opened(whole)
    part = page.locator("#map")
    menus = part.locator("select")
    options = [menu.locator("option").all_inner_texts() for menu in menus.all()]
    assert options == [["PCA of real samples", "t-SNE of real and moved samples"], ["class", "batch"]]
    assert "component 1 (41% of variance)" in text_of(page, "#map .plot svg")
    menus.nth(0).select_option(index=1)
    assert "t-SNE 1" in text_of(page, "#map .plot svg")
    menus.nth(1).select_option(label="batch")
    assert part.locator(".key button").all_inner_texts() == ["batch 0", "batch 1", "batch 2"]
    part.locator(".key button").nth(1).click()
    assert part.locator(".key button").nth(1).get_attribute("aria-pressed") == "true"
    spot = table.nsmallest(1, "x").iloc[0]  # at the left edge of the map
    box = part.locator(".plot canvas").bounding_box()
    y = (spot["y"] - table["y"].min()) / np.ptp(table["y"])
    low, high = box["height"] - 40, 10
    place = low + (high - low) * (y + 0.04) / 1.08
    page.mouse.move(box["x"] + 50 + (box["width"] - 64) * 0.04 / 1.08, box["y"] + place)
    called = spot["predicted_after"] if spot["kind"] == "moved" else spot["predicted_before"]
    pointed = text_of(page, "#map .pointed")
    assert pointed.startswith(f"{spot['sample']}: {spot['source_class']}")
    assert ("moved to Lung" in pointed) == (spot["kind"] == "moved")
    assert f"called {called}, batch batch {int(spot['sample'].split('-')[1]) % 5 % 3}" in pointed


PIXELS = """canvas => { const one = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return [one.width, one.height, Array.from(one.data)]; }"""


def goes_with(colours: list[int], values: np.ndarray, *, is_change: bool = False) -> bool:
    """Whether pixels are the greener, or for changes the redder, the higher the values."""
    red, green, blue, _ = np.array(colours).reshape(-1, 4).T
    shade = pd.Series(red - blue if is_change else green)
    return shade.corr(pd.Series(np.asarray(values, dtype=float).ravel()), method="spearman") > (
        0.9 if is_change else 0.99
    )


def test_the_heat_map_has_the_values_of_its_samples_and_the_paper_its_own_view(opened, whole):
    moved = read_perturbations(whole)
    page = opened(whole)
    names = page.locator("#heatmap .names button").all_inner_texts()
    canvases = page.locator("#heatmap canvas")
    for sources in (["Kidney", "Liver"], ["Liver"]):
        panels = [moved[moved.obs["source_class"] == name, names] for name in [*sources, "Lung"]]
        before, after = ([one.layers["original"] if kind else one.X for one in panels] for kind in (1, 0))
        expected = [np.vstack(before[:-1]), np.vstack(after[:-1]), before[-1]]
        for canvas, values in zip(canvases.all(), expected, strict=True):
            width, height, colours = canvas.evaluate(PIXELS)
            assert (height, width) == values.T.shape
            assert goes_with(colours, values.T)
        page.select_option("#heatmap .view select", label="Liver")
    page.click("text=All genes, as in the paper")
    assert page.locator("#heatmap .panel p").all_inner_texts() == ["x", "P", "x_adv", "mu_T"]
    assert page.locator("#heatmap .caption:visible").inner_text().startswith("x: samples of the source class")
    genes = read_table(whole / "genes.tsv").set_index(["source_class", "gene"])
    for source in ("", "Liver"):
        if source:
            page.select_option("#heatmap .view select", label=source)
        own = genes.loc[source].sort_values("perturbation", ascending=False)  # the most raised on top
        var = moved.var.loc[own.index]
        scaled = (own["mean_source"] - var["minimum"]) / (var["maximum"] - var["minimum"])
        after = np.clip(scaled + own["perturbation"], 0, 1)
        for canvas, values in zip(
            canvases.all(), (scaled, own["perturbation"], after, var["target_mean"]), strict=True
        ):
            width, height, colours = canvas.evaluate(PIXELS)
            assert (height, width) == (len(GENES), 1)
            assert goes_with(colours, np.clip(values, -1, 1), is_change=values is own["perturbation"])
    page.click("text=Leading genes")
    assert canvases.count() == 3


@pytest.mark.parametrize("width", [1400, 1024, 390])
def test_nothing_makes_the_page_wider_than_the_window(opened, whole, perturb, hostile, width):
    for folder in (whole, perturb, hostile):
        page = opened(folder, width)
        assert is_narrow(page), folder
        page.locator("[data-part=answer] button.gene:visible").first.click()
        page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
        assert is_narrow(page), folder
        box = page.locator(SHOWN).bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width + 0.5


@pytest.mark.parametrize(("width", "lowest"), [(1400, 400), (390, 500)])
def test_a_gene_comes_within_a_glance(opened, whole, perturb, width, lowest):
    for folder in (whole, perturb):
        page = opened(folder, width)
        assert page.locator("[data-gene]:visible").first.bounding_box()["y"] <= lowest


def test_a_run_s_page_is_short_before_anything_is_opened(opened, run_folder, tmp_path):
    folder = shutil.copytree(run_folder, tmp_path / "run")
    html_of(folder)
    page = opened(folder)
    assert page.evaluate("document.documentElement.scrollHeight") <= 5000
    assert len(page.inner_text("body").split()) <= 900


def test_without_its_program_the_page_can_be_read(opened, whole, perturb, pooled):
    page = opened(whole, java_script_enabled=False)
    for way in ("up", "down"):
        for gene in pooled.sort_values(f"rank_{way}").index[:20]:
            assert page.locator(f"[data-part=genes] tr[data-gene='{gene}']").is_visible()
    assert page.locator("[data-part=answer] [data-gene].gene:visible").count() == 12
    assert page.locator(SEARCH).is_hidden()
    page.click("#evidence summary >> nth=0")
    assert page.locator("#trust-realistic").is_visible()
    page = opened(perturb, java_script_enabled=False)
    assert page.locator("[data-part=answer] h1").is_visible()
    assert page.locator("[data-part=answer] [data-gene]:visible").count() >= 12


def test_the_page_follows_the_dark_and_can_be_printed(opened, whole):
    page = opened(whole, color_scheme="dark")
    light, ink = (
        sum(int(n) for n in re.findall(r"\d+", page.evaluate(f"getComputedStyle(document.body).{what}"))[:3])
        for what in ("backgroundColor", "color")
    )
    assert light < 150 < 500 < ink
    page.emulate_media(media="print", color_scheme="light")
    shown = page.inner_text("[data-part=answer]")
    assert all(
        gene in shown
        for gene in page.locator("[data-part=answer] li[data-gene]").evaluate_all(
            "all => all.map((one) => one.dataset.gene)"
        )
    )
    assert page.locator("nav").is_hidden()
    assert page.locator("#genes .tools").is_hidden()
    assert page.pdf().startswith(b"%PDF")


def test_hostile_names_stay_text_whatever_is_done_with_them(opened, hostile):
    page = opened(hostile)
    title = page.title()
    for gene in page.locator("[data-part=answer] button.gene").evaluate_all(
        "all => all.map((one) => one.dataset.gene)"
    ):
        page.locator(SEARCH).fill(gene)
        page.locator(SEARCH).press("Enter")
        assert page.evaluate(f"document.querySelector('{PANEL} h2').textContent") == gene
        lines = page.locator(f"{PANEL} .class-name").evaluate_all("all => all.map((one) => one.textContent)")
        assert all(any(line.startswith(name) for line in lines) for name in HOSTILE)
        page.keyboard.press("Escape")
    for select in page.locator("#genes select, #map select").all():
        for option in range(select.locator("option").count()):
            select.select_option(index=option)
    page.locator("#map .key button").first.click()
    page.click("text=All genes, as in the paper")
    assert page.title() == title
    assert page.evaluate("document.querySelectorAll('img, iframe, object, embed, form, script').length") == 3
    assert page.evaluate("document.querySelectorAll('svg[onload], [onerror]').length") == 0


SIZES = [(2, 6, 12), (53, 60, 3), (200, 60, 2), (4, 18154, 75)]  # classes, genes, samples of a class


@pytest.mark.parametrize(("n_classes", "n_genes", "per_class"), SIZES)
def test_small_and_large_runs_have_a_page_that_works(
    opened, make_run, make_perturbations, tmp_path, n_classes, n_genes, per_class
):
    classes = [f"Class {i}" for i in range(n_classes)]
    moved = make_perturbations(classes, target=classes[-1], per_class=per_class, n_genes=n_genes)
    run = full_folder(tmp_path / "run", moved, make_run)
    assert len(html_of(run).encode()) <= 4_000_000
    page = opened(run)
    assert is_narrow(page)
    gene = page.locator("[data-part=answer] button.gene").first.inner_text()
    page.locator(SEARCH).fill(gene)
    assert page.get_attribute("[data-part=genes] output", "data-answer") == "listed"
    page.locator(SEARCH).press("Enter")
    has_panel_of(page, moved, gene)
    page.keyboard.press("Escape")
    page.locator(SEARCH).fill("")
    pages = page.locator("#genes .tabulator-page-counter")  # none where all genes are shown
    assert f" of {n_genes}" in pages.inner_text().replace(",", "") if pages.count() else len(rows_of(page)) == n_genes


AXE = [  # width, scheme, whether the panel of a gene is open
    *((1400, "light", False), (1400, "dark", False), (1400, "light", True)),
    *((1400, "dark", True), (390, "light", True), (390, "dark", True)),
]


def test_axe_finds_nothing_serious(opened, whole, perturb):
    for folder in (whole, perturb):
        page = opened(folder, bypass_csp=True)
        page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
        for width, scheme, panel in AXE if folder == whole else AXE[-1:]:
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=scheme)
            if panel:
                page.locator("[data-part=answer] button.gene:visible").first.click()
            found = axe.Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
            page.keyboard.press("Escape")
            grave = [one for one in found if one["impact"] in ("serious", "critical")]
            assert [(one["id"], [node["target"] for node in one["nodes"]]) for one in grave] == []
