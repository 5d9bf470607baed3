"""The figures of a run folder with the words that go with them, ready for the page."""

import base64
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tspg.report.page.findings import called_of
from tspg.report.page.genes import beside_difference
from tspg.report.read import RunFiles
from tspg.utils.files import safe_name

MOST_BYTES = 3_300_000  # base64 adds a third; the page stays under 5 MB
FEWEST_STEPS = 3  # of a history that is worth a figure
_PNG_HEAD = 24  # bytes, with width and height
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Caption:
    """Title and caption of a figure, and a text for those who cannot see it."""

    title: str
    caption: str
    alt: str


@dataclass(frozen=True)
class Picture:
    """A figure as the page needs it; `data` is empty where it would make the page too heavy."""

    file: str
    words: Caption
    data: str
    width: int
    height: int


def pictures_of(run: RunFiles) -> Iterator[tuple[str, Picture]]:
    """The figures of a run by name: the main ones first, then those of single samples, while the page stays light."""
    folder = run.folder / "figures"
    named = {**_main_figures(run), **_sample_figures(run, folder)}
    spent = 0
    for name, words in named.items():
        path = folder / f"{name}.png"
        content = path.read_bytes() if path.is_file() else b""
        if not content.startswith(_PNG_SIGNATURE) or len(content) < _PNG_HEAD:
            continue
        spent += len(content)
        data = base64.b64encode(content).decode() if spent <= MOST_BYTES else ""
        width, height = struct.unpack(">II", content[16:24])  # so the page keeps room before it is drawn
        yield name, Picture(path.name, words, data, width, height)


def _main_figures(run: RunFiles) -> dict[str, Caption]:
    """The figures that show something here: one moved sample has no rate, and two steps of training no course."""
    few = {"f_accuracy": len(run.obs) == 1, "history": len(run.tables["history"]) < FEWEST_STEPS}
    return {name: words for name, words in _words(run).items() if not few.get(name)}


def _words(run: RunFiles) -> dict[str, Caption]:
    target = run.target
    return {
        "f_accuracy": Caption(
            f"Who is called {target}",
            f"Share of each source class that the classifier f calls {target}, before and after perturbation, with "
            f"95% intervals (Clopper-Pearson; several samples of one donor count as fewer).{_which_count(run)}",
            f"Dot plot with a line for each source class. {called_of(run)}",
        ),
        "heatmap": Caption(
            "The transformation, gene by gene",
            "From left to right: x, before; P, the perturbation; x_adv, after; mu_T, the mean of real "
            f"{target} samples. Every line is a gene, in each panel in the order of P. The colours of P go by its "
            "root, so that small changes show. Where the method works, x_adv looks like mu_T.",
            f"Heat maps of source classes moved to {target}: before, perturbation, after, and target mean.",
        ),
        "difference": Caption(
            "What P adds beside differential expression",
            "Every point is a gene: across, the difference of the class means; upwards, P, the mean change by the "
            "model, both scaled, all source samples together. On the line both are the same. Named are the genes that "
            f"lead by moderated t. {beside_difference(run)}",
            f"Scatter plot of P against the difference of class means. {beside_difference(run)}",
        ),
        "path": Caption(
            "The path from before to after",
            "What holds if only the part a of the change P is added: the share of up to 20 samples of a class that f "
            f"and logistic regression call {target}, and the energy distance that is left to the {target} samples of "
            "training. Dots: from there on at least half are called so. Classifiers that switch long before the "
            "distance is gone are easily convinced.",
            "Small line charts, one for each source class, of classifier calls and remaining distance along the path.",
        ),
        "overlap": Caption(
            "Genes that the sources share",
            "Each column is a combination of source classes (filled dots); its bar counts the top genes that stand in "
            "exactly their lists. Genes in all lists were moved whatever the source; those of one class alone are "
            "about that source.",
            "Bars of how many top genes each combination of source classes shares, up and down.",
        ),
        "history": Caption(
            "Training",
            f"Each part of the loss and the held-out hit rate, in the units of {_losses(run)}.",
            "Line charts of the training losses and of the held-out hit rate.",
        ),
    }


def _which_count(run: RunFiles) -> str:
    """Which samples the reader should look at, where some of them were trained on."""
    is_held_out = "split" in run.obs and run.obs["split"].eq("test").any()
    return " The held-out samples count; from the others the model learned." if is_held_out else ""


def _losses(run: RunFiles) -> str:
    preset = run.settings.get("preset", "paper")
    return "the paper's Eqs. 1 to 5" if preset == "paper" else f"the preset {preset}"


def _sample_figures(run: RunFiles, folder: Path) -> dict[str, Caption]:
    """Single samples under their own names, which a file name cannot always hold."""
    if len(run.obs) == 1:  # the heat map of the run is hers
        return {}
    drawn = {path.stem for path in folder.glob("heatmap-*.png")}
    names = {f"heatmap-{safe_name(str(sample))}": str(sample) for sample in (run.obs.index if drawn else [])}
    return {stem: _sample_words(sample, run.target) for stem, sample in names.items() if stem in drawn}


def _sample_words(sample: str, target: str) -> Caption:
    caption = f"{sample} before (x), its perturbation (P), after (x_adv), and the mean of {target} (mu_T)."
    return Caption(f"Sample {sample}", caption, f"Heat map of one sample. {caption}")
