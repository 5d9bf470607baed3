"""How a method in closed form moves profiles, as a Methods section would say it, and the command of a run."""

import shlex
from pathlib import Path
from typing import Any

from tspg.data.annotations import MSIGDB
from tspg.data.demo import DEMO_FILE
from tspg.report.page.single_samples import named_rows
from tspg.report.read import RunFiles

PAPER = "Targonski, Shealy, Smith and Feltus (2019, arXiv 1907.00118)"
CLOSED_FORM = {
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


def command_of(run: RunFiles) -> str:
    """A command line that makes the same run again, file names without their folders; empty where no model is."""
    settings = run.settings
    if not settings:
        return ""
    generator, target_model = settings["generator"], settings["target_model"]
    if run.metric("data.expression_file") == DEMO_FILE:
        return f"tspg demo{' --quick' if target_model.get('least_steps') == 1 else ''} --out NEW_FOLDER"
    details, method = run.model.get("details", {}), settings.get("method", "generator")
    ends_by_itself = target_model.get("enough_loss") is not None
    label_column: str | None = str(settings["label_column"])
    if details.get("labels_file") and label_column == "label":  # two columns without a header have no name
        label_column = None
    moved_by: list[tuple[str, Any]] = [("method", method)]
    if method == "generator":
        is_trained = settings["preset"] == "paper"
        length = "steps" if is_trained and generator["steps"] else "epochs"
        moved_by = [("preset", settings["preset"]), (length, generator[length] if is_trained else None)]
    reading, transform = run.reading, run.metric("data.transform")
    own = [one for one in run.metric("annotations") or [] if not str(one["origin"]).startswith(MSIGDB)]
    options = [
        ("expression", Path(str(run.metric("data.expression_file") or "FILE")).name),
        ("labels", details.get("labels_file") or None),
        ("label-column", label_column),
        ("sample-column", reading.get("sample_column")),
        ("layer", reading.get("layer")),
        ("value", reading.get("value")),
        ("transpose", "" if reading.get("transpose") else None),
        ("duplicates", _unless(reading.get("duplicates"), "error")),
        ("test-expression", run.metric("test_cohort.file")),
        ("test-labels", run.metric("test_cohort.labels_file") or None),
        *((name, settings[name]) for name in ("normalise", "align") if settings.get(name, "none") != "none"),
        ("target", settings["target_class"]),
        *(("source", name) for name in settings["source_classes"] or []),
        ("group-column", settings["group_column"]),
        ("split-column", settings.get("split_column")),
        ("adjust", settings.get("adjust_column")),
        ("folds", settings.get("folds", 1)),
        ("transform", None if transform == "none" and run.metric("data.is_log") else transform),
        ("gene-sets", "FILE.gmt" if settings["gene_set"] else None),
        ("gene-set", settings["gene_set"]),
        *moved_by,
        ("target-epochs", None if ends_by_itself else run.metric("training.target_epochs") or target_model["epochs"]),
        *(("annotations", f"{one['category']}=FILE") for one in own),
        ("enrichment", _unless(settings.get("enrichment"), "both")),
        ("seed", settings["seed"]),
        ("threads", settings["threads"]),
        *(("samples", row["sample"]) for row in named_rows(run)),
        ("out", "NEW_FOLDER"),
    ]
    words = [(f"--{name}", *([str(value)] if value != "" else [])) for name, value in options if value is not None]
    given = [word for pair in words for word in pair]
    return shlex.join(["tspg", "run", *given])


def _unless(value: Any, usual: str) -> Any:
    """A value; None where it is the usual one."""
    return None if value == usual else value
