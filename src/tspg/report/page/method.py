"""How the profiles were moved, as a Methods section would say it."""

from typing import Any

from tspg.report.read import RunFiles
from tspg.utils.text import number

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
    "The aim and the classifier are those of {paper}. Its generative adversarial network is --preset paper: on the "
    "questions that tspg was tried on, f calls its profiles the target, too, but they are less like real samples."
)


def method_of(run: RunFiles) -> list[str]:
    """The method of a run in sentences: scaling, the classifier f, what moves profiles, and what is shown."""
    sentences = ["Each gene was scaled to 0–1 on the training samples."]
    if run.settings:
        sentences += [_classifier(run), *_mover(run)]
    else:
        model = run.facts.get("model_id") or "not available"
        sentences.append(
            f"The trained model {model} of an earlier run was applied as it stands; its settings are in that run's "
            "folder."
        )
    return [*sentences, "P = x_adv − x is the perturbation, x_adv the perturbed sample, cut at 0 and 1."]


def _classifier(run: RunFiles) -> str:
    settings = run.settings["target_model"]
    epochs = run.metric("training.target_epochs") or settings["epochs"]
    n_classes = len(run.facts.get("classes", [])) or len(run.metric("data.classes") or {})
    return (
        f"A classifier f (dense layers {_dashed(settings['hidden_units'])}, {number(epochs)} epochs) "
        f"learned all {n_classes} classes."
    )


def _mover(run: RunFiles) -> list[str]:
    if run.method in _CLOSED_FORM:
        return [
            _CLOSED_FORM[run.method],
            "It was fitted in closed form on the training samples; no generator was trained.",
        ]
    generator = run.settings["generator"]
    if generator is None:
        return [_CLOSED_FORM["linear_map"], _OF_PRESET_PAPER.format(paper=PAPER)]
    if run.settings["preset"] == "transport":  # of tspg 0.1.0
        return _transport(run, generator)
    weights = ", ".join(str(weight) for weight in generator["weights"].values())
    return [
        f"The method is that of {PAPER}.",
        f"A generator G ({_layers(generator)}) learned to add a perturbation to a sample so that f calls it "
        f"{run.target}, a discriminator ({_dashed(generator['discriminator_units'])}) takes it for real, the change "
        f"stays small, and the result lies near draws from the target's distribution (Eqs. 1–5; weights {weights}).",
        f"Preset {run.settings['preset']}: {number(run.metric('training.epochs'))} epochs, {_steps(run, generator)}.",
    ]


def _transport(run: RunFiles, generator: dict[str, Any]) -> list[str]:
    return [
        f"The aim and the networks are those of {PAPER}; what the generator is trained for is not.",
        "Most of the way is a linear map in closed form, the anchor: it moves each source class's cloud of profiles "
        "onto the target's, by its mean and, along the main directions in which profiles vary, its covariance.",
        f"A generator G ({_layers(generator)}) then learned a residual on top, so that moved profiles lie among real "
        f"target samples (energy distance), f calls them {run.target} (weight {generator['target_class_weight']}) and "
        f"the residual stays small (weight {generator['residual_weight']}).",
        f"Preset transport: {_steps(run, generator)}; there is no discriminator.",
    ]


def _steps(run: RunFiles, generator: dict[str, Any]) -> str:
    return f"{number(run.metric('training.steps'))} steps, batches of {generator['batch_size']}"


def _layers(generator: dict[str, Any]) -> str:
    down, up = _dashed(generator["down_units"]), _dashed(generator["up_units"])
    return f"layers {down}, {generator['residual_blocks']} residual blocks, {up}"


def _dashed(units: list[int]) -> str:
    return "-".join(str(unit) for unit in units)
