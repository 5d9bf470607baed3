"""Make every image of the documentation, from real runs of `tspg`.

    python scripts/make_images.py --work DIR

Figures are copied from run folders; screenshots of reports are taken by Chromium without a window, and are left
as they are where there is no Chromium. Runs are made in DIR by the commands of the tutorials (an hour or less on
two cores) and kept there: finished ones are not made again. What needs the shared data is left out where they are
not beside the repository. Nothing is written but `docs/images/*.png`.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
SHARED = ROOT.parent / "shared" / "data"
HALLMARK = ROOT / "src" / "tspg" / "data" / "embedded" / "h.all.v2023.2.Hs.symbols.gmt.gz"
WIDTH, MOST_HEIGHT = 1100, 16000  # of the window that reports are looked at in, in pixels
FIGURE_WIDTH = 1000
MARGIN = 16
COLOURS = 128  # of a stored screenshot: files are a third as large, and look the same
PLACES = r"""
<script>
addEventListener("load", () => {
  const parts = [...document.querySelectorAll("h2, h3, .finding, .person")];
  const words = part => part.textContent.trim().replace(/[|\s]+/g, " ").slice(0, 60);
  document.body.dataset.places = parts.map(one => words(one) + "|" + one.getBoundingClientRect().top).join("\n");
});
</script>
"""
TUMOURS = ["--expression", "tumours.h5ad", "--label-column", "subtype", "--group-column", "patient"]
TISSUES = ["--expression", "normal_tissues.h5ad", "--label-column", "organ", "--group-column", "donor"]
APOPTOSIS = ["--gene-sets", "h.all.gmt.gz", "--gene-set", "HALLMARK_APOPTOSIS"]
KIDNEY = ["--expression", "matrix.tsv.gz", "--labels", "samples.tsv", "--label-column", "label"]
HYPOXIA = ["--gene-sets", "h.all.gmt.gz", "--gene-set", "HALLMARK_HYPOXIA", "--group-column", "patient"]
ONE = "TCGA-3L-AA1B-01"


@dataclass(frozen=True)
class Shot:
    """An image: of a run folder's figure, or of its page from one heading to the next one named."""

    run: str
    figure: str = ""
    first: str = ""
    end: str = ""
    page: str = "report.html"


RUNS = {  # folder: the words after `tspg`
    "demo": ["demo", "--out", "demo"],
    "audited": ["audit", "--run", "audited", "--quick"],
    "cohort": ["run", *TUMOURS, "--target", "GI.MSI", "--source", "GI.CIN", "GI.GS", "--out", "cohort"],
    "patient": ["perturb", "--model", "cohort", "--expression", "patient.tsv", "--out", "patient"],
    "study": ["sweep", "--config", str(ROOT / "examples" / "sweep.toml"), "--out", "study"],
    "lung": ["run", *TISSUES, *APOPTOSIS, "--target", "Lung", "--out", "lung"],
    "kirc": ["run", *KIDNEY, *HYPOXIA, "--source", "Solid Tissue Normal", "--target", "KIRC", "--out", "kirc"],
}
RUNS["cohort"][2] = "cohort.h5ad"
NEEDS = {"lung": "normal_tissues", "kirc": "tcga_kidney"}
LAST = {"study": "sweep.html", "audited": "controls.tsv"}  # what is there when all is done; else manifest.json

SHOTS = {
    "report": Shot("demo", first="Can this be believed?", end="Also keep in mind"),
    "report-caution": Shot("demo", first="Also keep in mind", end="Genes"),
    "report-evidence": Shot("demo", first="Evidence", end="Who is called"),
    "report-data": Shot("demo", first="Data", end="Training"),
    "report-map": Shot("demo", first="A map of the samples", end="Data"),
    "report-genes": Shot("demo", first="Genes", end="What P adds beside differential expression"),
    "report-shared": Shot("demo", first="Genes shared by the sources", end="What these genes do"),
    "report-meaning": Shot("demo", first="What these genes do", end="Lists: genes turned up"),
    "report-ranks": Shot("demo", first="Ranks of all genes", end="Evidence"),
    "report-difference": Shot("demo", figure="difference"),
    "report-called": Shot("demo", figure="f_accuracy"),
    "report-heatmap": Shot("demo", figure="heatmap"),
    "report-path": Shot("demo", figure="path"),
    "report-overlap": Shot("demo", figure="overlap"),
    "audit-verdict": Shot("audited", first="Can this be believed?", end="What was found"),
    "audit-controls": Shot("audited", first="Controls", end="A map of the samples"),
    "patient": Shot("patient", first=ONE, end="The moved profile"),
    "one-sample": Shot("patient", figure="heatmap"),
    "sweep": Shot("study", first="Gene sets × target classes", end="How often f is convinced", page="sweep.html"),
    "tissue-called": Shot("lung", figure="f_accuracy"),
    "tissue-verdict": Shot("lung", first="Can this be believed?", end="Also keep in mind"),
    "kidney-verdict": Shot("kirc", first="Can this be believed?", end="Also keep in mind"),
}


def main() -> None:
    """Make the runs, then the images; say what was left out, and why."""
    parser = argparse.ArgumentParser(description="Make every image of the documentation.")
    parser.add_argument("--work", type=Path, required=True, metavar="DIR", help="folder for the runs, kept")
    parser.add_argument("--only", nargs="+", default=list(SHOTS), metavar="NAME", help="some of the images alone")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    IMAGES.mkdir(parents=True, exist_ok=True)
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    for name in options.only:
        shot = SHOTS[name]
        if not is_made(options.work, shot.run) and shot.run in NEEDS and not (SHARED / NEEDS[shot.run]).is_dir():
            print(f"{name}: left as it is, since there is no {SHARED / NEEDS[shot.run]}")
        elif not shot.figure and browser is None:
            print(f"{name}: left as it is, since there is no Chromium on PATH")
        else:
            folder = make_run(options.work, shot.run)
            target = IMAGES / f"{name}.png"
            picture = (
                Image.open(folder / "figures" / f"{shot.figure}.png") if shot.figure else seen(folder, shot, browser)
            )
            store(picture, target, is_figure=bool(shot.figure))
            print(f"{name}: {target.stat().st_size / 1000:.0f} kB")


def is_made(work: Path, name: str) -> bool:
    """Whether a run is finished."""
    return (work / name / LAST.get(name, "manifest.json")).exists()


def make_run(work: Path, name: str) -> Path:
    """The folder of a finished run, made now if need be, and first those that it begins from."""
    out = work / name
    if is_made(work, name):
        return out
    for before in {"audited": ["demo"], "patient": ["cohort"]}.get(name, []):
        make_run(work, before)
    lay_files(work)
    if name == "audited":
        shutil.copytree(work / "demo", out)
    called(sys.executable, "-m", "tspg", *RUNS[name], folder=work)
    return out


def called(*words: str, folder: Path | None = None) -> str:
    """What a program printed."""
    done = subprocess.run(words, cwd=folder, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603 - our own words
    return done.stdout


def lay_files(work: Path) -> None:
    """The files that the tutorials begin with."""
    if (work / "tumours.h5ad").exists():
        return
    import tspg

    tumours = tspg.demo_data()
    tumours.write_h5ad(ROOT / "examples" / "demo.h5ad")
    tumours[tumours.obs_names != ONE].copy().write_h5ad(work / "cohort.h5ad")
    hers, of_class = tumours[[ONE]].to_df(), (tumours.obs["subtype"] == "GI.CIN").to_numpy()
    for gene, z in {"ERBB2": 4, "TP53": 4, "EGFR": -4}.items():  # planted, as in the tutorial
        hers[gene] += z * tumours[of_class].to_df()[gene].std()
    hers.to_csv(work / "patient.tsv", sep="\t")
    shutil.copy(HALLMARK, work / "h.all.gmt.gz")
    if SHARED.is_dir():
        (work / "normal_tissues.h5ad").symlink_to(SHARED / "normal_tissues" / "normal_tissues.h5ad")
        (work / "matrix.tsv.gz").symlink_to(SHARED / "tcga_kidney" / "kidney.expression.tsv.gz")
        labels = (SHARED / "tcga_kidney" / "kidney.labels.tsv").read_text(encoding="utf-8").splitlines()
        lines = ["sample\tlabel\tpatient", *(f"{line}\t{line[:12]}" for line in labels)]
        (work / "samples.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    tumours.write_h5ad(work / "tumours.h5ad")


def seen(folder: Path, shot: Shot, browser: str) -> Image.Image:
    """The part of a page that the shot asks for."""
    whole, places = page_of(folder / shot.page, browser)
    top, bottom = top_of(places, shot.first), top_of(places, shot.end, after=shot.first)
    return whole.crop((0, max(0, int(top) - MARGIN), WIDTH, int(bottom) - MARGIN))


@cache
def page_of(file: Path, browser: str) -> tuple[Image.Image, list[list[str]]]:
    """A page as a browser shows it, and where on it its headings are."""
    text = file.read_text(encoding="utf-8")
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text)  # or our program would not be let run
    with tempfile.TemporaryDirectory() as scratch:
        page, picture = Path(scratch) / "page.html", Path(scratch) / "page.png"
        page.write_text(text.replace("</body>", f"{PLACES}</body>"), encoding="utf-8")
        window = [f"--window-size={WIDTH},{MOST_HEIGHT}", "--hide-scrollbars", "--virtual-time-budget=5000"]
        look = [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={scratch}/user", *window]
        dom = called(*look, "--dump-dom", page.as_uri())
        called(*look, f"--screenshot={picture}", page.as_uri())
        told = re.search(r'data-places="([^"]*)"', dom)
        if told is None:
            raise SystemExit(f"{file}: the browser did not say where its headings are")
        return Image.open(picture).convert("RGB"), [line.split("|") for line in told[1].split("\n")]


def top_of(places: list[list[str]], text: str, *, after: str = "") -> float:
    """Where the part of a page begins that is headed so, or by words that begin so; the first one `after` another."""
    first = position(places, after, 0) + 1 if after else 0
    return float(places[position(places, text, first)][1])


def position(places: list[list[str]], text: str, first: int) -> int:
    """The place with exactly these words, else the first one whose words begin so."""
    words = [place[0] for place in places]
    begin_so = [i for i in range(first, len(words)) if words[i].startswith(text)]
    if not begin_so:
        raise SystemExit(f"no part of the page begins with {text!r}; there are: {words}")
    return next((i for i in begin_so if words[i] == text), begin_so[0])


def store(picture: Image.Image, target: Path, *, is_figure: bool) -> None:
    """The image as a small PNG file; figures keep all their colours, since their scales need them."""
    picture = picture.convert("RGB")
    if is_figure and picture.width > FIGURE_WIDTH:
        height = round(picture.height * FIGURE_WIDTH / picture.width)
        picture = picture.resize((FIGURE_WIDTH, height), Image.Resampling.LANCZOS)
    if not is_figure:
        picture = picture.quantize(COLOURS, dither=Image.Dither.NONE)
    picture.save(target, optimize=True)


if __name__ == "__main__":
    main()
