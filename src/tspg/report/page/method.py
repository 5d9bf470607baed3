"""How the profiles were moved, as a Methods section would say it, and the command that repeats the run."""

import shlex
from pathlib import Path
from typing import Any

from tspg.data.demo import DEMO_FILE
from tspg.report.page.single_samples import named_rows
from tspg.report.read import RunFiles
from tspg.utils.text import NOT_AVAILABLE, number

PAPER = "Targonski, Shealy, Smith and Feltus (2019, arXiv 1907.00118)"
_CLOSED_FORM = {
    "linear_map": "A linear map moved each source class's cloud of profiles onto the target's: by its mean and, along "
    "the main directions in which profiles vary, its covariance (Gaussian optimal transport; covariances of small "
    "classes are shrunk towards the pool of all).",
    "mean_shift": "To each sample the difference between the target's mean and the mean of its own class was added.",
    "quantile_map": "Gene by gene, a value was replaced by the target's value of the same rank within its class.",
    "nearest_target": "Each sample was replaced by the closest real target sample of the training part.",
    "gaussian_draw": "Each sample was replaced by a random draw from a Gaussian with the target's mean and covariance.",
    "target_mean": "Each sample was replaced by the mean of the target's training samples.",
    "paired_regression": "To the target's mean the part of each sample's deviation from its own class mean was added "
    "that donors with samples of both classes keep (per-gene slopes by least squares, shrunk towards one slope of all "
    "genes; 0 for source classes with fewer than eight such donors).",
}

_OF_PRESET_PAPER = (
    f"The aim and the classifier are those of {PAPER}. Its generative adversarial network is --preset paper: on the "
    "questions that tspg was tried on, f calls its profiles the target, too, but they are less like real samples."
)


def method_of(run: RunFiles) -> list[str]:
    """The method of a run in sentences: scaling, the classifier f, what moves profiles, and what is shown."""
    sentences = ["Each gene was scaled to 0–1 on the training samples."]
    if run.settings:
        settings = run.settings["target_model"]
        epochs = run.metric("training.target_epochs") or settings["epochs"]
        sentences += [
            f"A classifier f (dense layers {_dashed(settings['hidden_units'])}, {number(epochs)} epochs) "
            f"learned all {run.n_classes} classes.",
            *_mover(run),
        ]
    else:
        sentences.append(
            f"The trained model {run.facts.get('model_id') or NOT_AVAILABLE} of an earlier run was applied as it is; "
            "its settings are in that run's folder."
        )
    return [*sentences, "P = x_adv − x is the perturbation, x_adv the perturbed sample, clipped to 0–1."]


def _mover(run: RunFiles) -> list[str]:
    if run.method in _CLOSED_FORM:
        return [
            _CLOSED_FORM[run.method],
            "It was fitted in closed form on the training samples; no generator was trained.",
        ]
    generator = run.settings["generator"]
    if generator is None:
        return [_CLOSED_FORM["linear_map"], _OF_PRESET_PAPER]
    down, up = _dashed(generator["down_units"]), _dashed(generator["up_units"])
    network = f"A generator G (layers {down}, {generator['residual_blocks']} residual blocks, {up})"
    steps = f"{number(run.metric('training.steps'))} steps, batches of {generator['batch_size']}"
    if run.settings["preset"] == "transport":  # of tspg 0.1.0
        return [
            f"The aim and the networks are those of {PAPER}; what the generator is trained for is not.",
            "Most of the way is a linear map in closed form: it moves each source class's cloud of profiles onto the "
            "target's, by its mean and, along the main directions in which profiles vary, its covariance.",
            f"{network} then learned a residual on top, so that moved profiles lie among real target samples (energy "
            f"distance), f calls them {run.target} (weight {generator['target_class_weight']}) and the residual stays "
            f"small (weight {generator['residual_weight']}).",
            f"Preset transport: {steps}; there is no discriminator.",
        ]
    weights = ", ".join(str(weight) for weight in generator["weights"].values())
    return [
        f"The method is that of {PAPER}.",
        f"{network} learned to add a perturbation to a sample so that f calls it {run.target}, a discriminator "
        f"({_dashed(generator['discriminator_units'])}) takes it for real, the change stays small, and the result lies "
        f"near draws from the target's distribution (Eqs. 1–5; weights {weights}).",
        f"Preset {run.settings['preset']}: {number(run.metric('training.epochs'))} epochs, {steps}.",
    ]


def _dashed(units: list[int]) -> str:
    return "-".join(str(unit) for unit in units)


def command_of(run: RunFiles) -> str:
    """A command line that makes the same run again, file names without their folders; empty where no model is."""
    settings = run.settings
    if not settings:
        return ""
    generator, target_model = settings["generator"], settings["target_model"]
    if run.metric("data.expression_file") == DEMO_FILE:
        return f"tspg demo{' --quick' if target_model.get('least_steps') == 1 else ''} --out NEW_FOLDER"
    details, method = run.model.get("details", {}), settings.get("method", "generator")
    label_column: str | None = str(settings["label_column"])
    if details.get("labels_file") and label_column == "label":  # two columns without a header have no name
        label_column = None
    moved_by: list[tuple[str, Any]] = [("method", method)]
    if method == "generator":
        is_trained = settings["preset"] == "paper"
        length = "steps" if is_trained and generator["steps"] else "epochs"
        moved_by = [("preset", settings["preset"]), (length, generator[length] if is_trained else None)]
    transform = run.metric("data.transform")
    options = [
        ("expression", Path(str(run.metric("data.expression_file") or "FILE")).name),
        ("labels", details.get("labels_file") or None),
        ("label-column", label_column),
        ("test-expression", run.metric("test_cohort.file")),
        ("test-labels", run.metric("test_cohort.labels_file") or None),
        *((name, settings[name]) for name in ("normalise", "align") if settings.get(name, "none") != "none"),
        ("target", settings["target_class"]),
        *(("source", name) for name in settings["source_classes"] or []),
        ("group-column", settings["group_column"]),
        ("adjust", settings.get("adjust_column")),
        ("folds", settings.get("folds", 1)),
        ("transform", None if transform == "none" and run.metric("data.is_log") else transform),
        ("gene-sets", "FILE.gmt" if settings["gene_set"] else None),
        ("gene-set", settings["gene_set"]),
        *moved_by,
        ("target-epochs", run.metric("training.target_epochs") or target_model["epochs"]),
        ("seed", settings["seed"]),
        ("threads", settings["threads"]),
        *(("samples", row["sample"]) for row in named_rows(run)),
        ("out", "NEW_FOLDER"),
    ]
    given = [word for name, value in options if value is not None for word in (f"--{name}", str(value))]
    return shlex.join(["tspg", "run", *given])
