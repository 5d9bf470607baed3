"""Make every picture of a page in the documentation, from real runs: `python scripts/make_images.py --work DIR`.

Runs are made in DIR by the commands of the tutorials (half an hour or less on two cores) and kept there: finished ones
are not made again. Pages are looked at by Chromium through Playwright (`pip install '.[test]'`). What needs the
shared data is left as it is where they are not beside the repository. Nothing is written but `docs/images/*.png`.
"""

import argparse
import io
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

import tspg

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
SHARED = ROOT.parent / "shared" / "data" / "tcga_kidney"
HALLMARK = ROOT / "src" / "tspg" / "data" / "embedded" / "h.all.v2023.2.Hs.symbols.gmt.gz"
WINDOW = {"width": 1400, "height": 900}
SCALE, MARGIN, COLOURS = 0.8, 12, 128  # of a stored picture; with few colours files are a third as large
SETTLES = 1000  # milliseconds: plots are drawn a little after the table
ONE = "TCGA-3L-AA1B-01"
KIDNEY = ["--expression", "matrix.tsv.gz", "--labels", "samples.tsv", "--label-column", "label"]
HYPOXIA = ["--gene-sets", "h.all.gmt.gz", "--gene-set", "HALLMARK_HYPOXIA", "--group-column", "patient"]
TUMOURS = ["--expression", "cohort.h5ad", "--label-column", "subtype", "--group-column", "patient"]
RUNS = {  # folder: the words after `tspg`, as in start/own_files.md, tutorials/one_patient.ipynb and tutorials/sweep.md
    "kirc": ["run", *KIDNEY, *HYPOXIA, "--source", "Solid Tissue Normal", "--target", "KIRC", "--out", "kirc"],
    "cohort": ["run", *TUMOURS, "--target", "GI.MSI", "--source", "GI.CIN", "GI.GS", "--out", "cohort"],
    "patient": ["perturb", "--model", "cohort", "--expression", "patient.tsv", "--out", "patient"],
    "study": ["sweep", "--config", str(ROOT / "examples" / "sweep.toml"), "--out", "study"],
}
BEFORE = {"patient": "cohort"}  # what a run begins from


@dataclass(frozen=True)
class Shot:
    """A picture: the part of a run's page from the top of one element to the end of another, once it is prepared."""

    run: str
    first: str
    last: str
    prepare: Callable[[Page], None] = lambda _page: None
    page: str = "report.html"


def open_gene(page: Page) -> None:
    """A click on a gene of the first screen."""
    page.locator('[data-part=answer] button[data-gene="VEGFA"]').click()


SHOTS = {
    "first-screen": Shot("kirc", "[data-part=answer]", ".counts"),
    "gene-panel": Shot("kirc", "[data-panel=gene]", "[data-panel=gene] > :last-child", open_gene),
    "genes": Shot("kirc", "#genes", "#genes .plots"),
    "heat-map": Shot("kirc", "#heatmap", "#heatmap .caption"),
    "patient": Shot("patient", "[data-part=answer]", ".counts"),
    "sweep": Shot("study", "[data-part=answer]", ".counts", page="sweep.html"),
}


def main() -> None:
    """Make the runs, then the pictures; say what was left out, and why."""
    parser = argparse.ArgumentParser(description="Make every picture of a page in the documentation.")
    parser.add_argument("--work", type=Path, required=True, metavar="DIR", help="folder for the runs, kept")
    parser.add_argument("--only", nargs="+", default=list(SHOTS), choices=SHOTS, metavar="NAME", help="some alone")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as program:
        browser = program.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name in options.only:
            shot, target = SHOTS[name], IMAGES / f"{name}.png"
            if shot.run == "kirc" and not (is_made(options.work, "kirc") or SHARED.is_dir()):
                print(f"{name}: left as it is, since there is no {SHARED}")
                continue
            folder = make_run(options.work, shot.run)
            page = browser.new_page(viewport=WINDOW)
            store(seen(page, folder / shot.page, shot), target)
            page.close()
            print(f"{name}: {target.stat().st_size / 1000:.0f} kB")
        browser.close()


def is_made(work: Path, name: str) -> bool:
    """Whether a run is finished."""
    return (work / name / ("sweep.html" if name == "study" else "manifest.json")).exists()


def make_run(work: Path, name: str) -> Path:
    """The folder of a finished run, made now if need be."""
    out = work / name
    if not is_made(work, name):
        if name in BEFORE:
            make_run(work, BEFORE[name])
        lay_files(work)
        subprocess.run([sys.executable, "-m", "tspg", *RUNS[name]], cwd=work, check=True)  # noqa: S603 - our own words
    return out


def lay_files(work: Path) -> None:
    """The files that the tutorials begin with."""
    tumours = tspg.demo_data()
    tumours.write_h5ad(ROOT / "examples" / "demo.h5ad")
    tumours[tumours.obs_names != ONE].copy().write_h5ad(work / "cohort.h5ad")
    profile, of_class = tumours[[ONE]].to_df(), (tumours.obs["subtype"] == "GI.CIN").to_numpy()
    for gene, z in {"ERBB2": 4, "TP53": 4, "EGFR": -4}.items():  # planted, as in the tutorial
        profile[gene] += z * tumours[of_class].to_df()[gene].std()
    profile.to_csv(work / "patient.tsv", sep="\t", index_label="sample")
    shutil.copy(HALLMARK, work / "h.all.gmt.gz")
    if SHARED.is_dir():
        shutil.copy(SHARED / "kidney.expression.tsv.gz", work / "matrix.tsv.gz")
        labels = (SHARED / "kidney.labels.tsv").read_text(encoding="utf-8").splitlines()
        lines = ["sample\tlabel\tpatient", *(f"{line}\t{line[:12]}" for line in labels)]
        (work / "samples.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def seen(page: Page, file: Path, shot: Shot) -> Image.Image:
    """The part of a page that the shot asks for, as wide as its first element."""
    page.goto(file.resolve().as_uri())
    page.wait_for_selector("body[data-ready]")
    shot.prepare(page)
    page.wait_for_timeout(SETTLES)
    first, last = (page.locator(one).first.bounding_box() for one in (shot.first, shot.last))
    if first is None or last is None:
        raise SystemExit(f"{file}: there is no {shot.first} or no {shot.last}")
    left, top = max(0.0, first["x"] - MARGIN), max(0.0, first["y"] - MARGIN)
    right, bottom = first["x"] + first["width"] + MARGIN, last["y"] + last["height"] + MARGIN
    part = {"x": left, "y": top, "width": min(right, WINDOW["width"]) - left, "height": bottom - top}
    return Image.open(io.BytesIO(page.screenshot(clip=part, full_page=True)))


def store(picture: Image.Image, target: Path) -> None:
    """The picture as a small PNG file."""
    size = round(picture.width * SCALE), round(picture.height * SCALE)
    small = picture.convert("RGB").resize(size, Image.Resampling.LANCZOS)
    small.quantize(COLOURS, dither=Image.Dither.NONE).save(target, optimize=True)


if __name__ == "__main__":
    main()
