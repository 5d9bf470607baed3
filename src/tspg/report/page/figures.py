"""The figures of a run folder with their captions, ready for the page."""

import base64
import struct
from dataclasses import dataclass

from tspg.report.page.findings import called_of
from tspg.report.page.genes import agreement_with_difference
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
class PageFigure:
    """A figure as the page needs it; `data` is empty where it would make the page too heavy."""

    file: str
    caption: Caption
    data: str
    width: int
    height: int


def figures_of(run: RunFiles) -> dict[str, PageFigure]:
    """The figures of a run by name: the main ones first, then those of single samples, while the page stays light."""
    folder, figures, n_bytes = run.folder / "figures", {}, 0
    captions = _captions(run)
    if len(run.obs) == 1:  # one moved sample has no rate, and the heat map of the run is that of the sample
        del captions["f_accuracy"]
    else:
        captions |= _sample_captions(run)
    if len(run.tables["history"]) < FEWEST_STEPS:
        del captions["history"]
    for name, caption in captions.items():
        path = folder / f"{name}.png"
        content = path.read_bytes() if path.is_file() else b""
        if not content.startswith(_PNG_SIGNATURE) or len(content) < _PNG_HEAD:
            continue
        n_bytes += len(content)
        data = base64.b64encode(content).decode() if n_bytes <= MOST_BYTES else ""
        width, height = struct.unpack(">II", content[16:24])  # so the page keeps room before it is drawn
        figures[name] = PageFigure(path.name, caption, data, width, height)
    return figures


def _captions(run: RunFiles) -> dict[str, Caption]:
    target, agreement = run.target, agreement_with_difference(run)
    is_held_out = "split" in run.obs and run.obs["split"].eq("test").any()
    which = " The held-out samples count; the model was trained on the others." if is_held_out else ""
    preset = run.settings.get("preset", "paper")
    losses = "the paper's Eqs. 1 to 5" if preset == "paper" else f"the preset {preset}"
    return {
        "f_accuracy": Caption(
            f"Who is called {target}",
            f"Share of each source class that the classifier f calls {target}, before and after perturbation, with "
            f"95% intervals (Clopper-Pearson; several samples of one donor count as fewer).{which}",
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
            "What P adds to differential expression",
            "Every point is a gene: across, the difference of the class means; upwards, P, the mean change by the "
            "model, both scaled, all source samples together. On the line both are the same. Named are the genes that "
            f"lead by moderated t. {agreement}",
            f"Scatter plot of P against the difference of class means. {agreement}",
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
            "Each column is a combination of source classes (filled dots); its bar counts the top genes that are in "
            "exactly their lists. Genes in all lists were moved whatever the source; those of one class alone are "
            "about that source.",
            "Bars of how many top genes each combination of source classes shares, up and down.",
        ),
        "history": Caption(
            "Training",
            f"Each part of the loss and the held-out hit rate, in the units of {losses}.",
            "Line charts of the training losses and of the held-out hit rate.",
        ),
    }


def _sample_captions(run: RunFiles) -> dict[str, Caption]:
    """Captions for the heat maps of single samples, under their own names, which a file name cannot always hold."""
    drawn = {path.stem for path in (run.folder / "figures").glob("heatmap-*.png")}
    captions = {}
    for sample in run.obs.index.astype(str) if drawn else []:
        if (stem := f"heatmap-{safe_name(sample)}") in drawn:
            caption = f"{sample} before (x), its perturbation (P), after (x_adv), and the mean of {run.target} (mu_T)."
            captions[stem] = Caption(f"Sample {sample}", caption, f"Heat map of one sample. {caption}")
    return captions
