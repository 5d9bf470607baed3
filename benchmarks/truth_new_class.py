"""How well does a class arrive that the model was never trained on? By today's rule, and by a map of its own samples.

    python benchmarks/truth_new_class.py [--data DATA] [--seed 11] [--quick] [--out FILE] [--show]

One source class at a time is left out of everything: scaler, f, closed-form map. Its samples are then moved as the
class that f finds likeliest, or by a map made of 5 of them (the other donors' samples are judged), of half of its
donors (the other half is judged), or of all (the same are judged). Energy ratio: 0 like held-out real samples of the
target, 1 like the samples before; beside it the share that a random forest calls the target. A class counts once in a
mean. Takes four minutes.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from truth_data import HEALTHY, MOST_GENES, Record, Rows, Study, finish, hallmark, parsed, read_study

import tspg
from tspg.analysis.evaluation.classifiers import fit_independent_classifiers
from tspg.audit.scores import EvalSet
from tspg.model.config import PRESETS, ExperimentConfig
from tspg.model.learning import fit_closed_form
from tspg.model.new_classes import FEWEST_SAMPLES
from tspg.model.trained_model import TrainedModel
from tspg.model.training import train_target_model
from tspg.utils.typing import Float32Array

DRAWS, HALVES = 6, 3
TOGETHER, BY_CLASS = "A class left out of training, mean over classes", "Energy ratio class by class"
TASKS = (  # study, target, genes
    ("tissues", "Lung", "Hallmark"),
    ("kidney", HEALTHY, "HALLMARK_HYPOXIA"),
    ("kidney", HEALTHY, "all"),
    ("colorectal", "GI.MSI", "all"),
)
RULE, FEW, HALF, WHOLE = "likeliest class", f"{FEWEST_SAMPLES} samples", "half of the class", "whole class"


def genes_of(data: Path, study: Study, genes: str, seed: int) -> Study:
    """The study with the genes of a task."""
    if genes == "Hallmark":
        return hallmark(data, study)
    if genes == "all":
        return study.some_genes(MOST_GENES, seed)
    wanted = set(tspg.read_gene_sets(next((data / "genesets").glob("h.all*.gmt.gz")))[genes].genes)
    return study.columns(np.array([gene in wanted for gene in study.genes]))


def trained(study: Study, target: str, seed: int) -> tuple[TrainedModel, tspg.Dataset]:
    """F and the closed-form map of a study, as a run would train them."""
    dataset = study.dataset()
    config = ExperimentConfig(target, preset="transport", method="linear_map", target_model=PRESETS["transport"][0])
    f = train_target_model(dataset, config.target_model, seed=seed)
    return TrainedModel.of(dataset, f, fit_closed_form("linear_map", dataset, target), config, {}), dataset


def by_cohort(model: TrainedModel, cohort: Float32Array, profiles: Float32Array) -> Float32Array:
    """Profiles of a new class, moved by a map that was made of its cohort."""
    method = model.method.with_class(cohort, model.likeliest_source(cohort))
    return np.clip(profiles + method.raw_perturbation(profiles, np.full(len(profiles), len(model.classes))), 0, 1)


def cohorts(donors: np.ndarray, rng: np.random.Generator) -> Iterator[tuple[str, Rows, Rows]]:
    """For each way and draw: the samples that the map is made of, and those that are judged."""
    everyone = np.ones(len(donors), dtype=bool)
    for _ in range(DRAWS):
        chosen = np.isin(np.arange(len(donors)), rng.permutation(len(donors))[:FEWEST_SAMPLES])
        yield FEW, chosen, ~np.isin(donors, donors[chosen])
    for _ in range(HALVES):
        half = np.isin(donors, rng.permutation(np.unique(donors))[::2])
        yield HALF, half, ~half
        yield HALF, ~half, half
    yield WHOLE, everyone, everyone


def left_out(study: Study, name: str, target: str, seed: int) -> Iterator[tuple[str, float, float]]:
    """Way, energy ratio and share called the target, for every draw of one class that is left out."""
    model, dataset = trained(study.rows(study.classes != name), target, seed)
    own = study.rows(study.classes == name)
    profiles = model.scaler.transform(own.values)[0]
    train = dataset.is_train
    forest = fit_independent_classifiers(dataset.profiles[train], dataset.source_class[train], seed=seed)["forest"]
    is_target = dataset.class_mask(target)
    real, reference = dataset.profiles[is_target & ~train], dataset.profiles[is_target & train]

    def judged(way: str, moved: Float32Array, rows: Rows) -> tuple[str, float, float]:
        stage = EvalSet(profiles[rows], own.classes[rows], real, reference)
        return way, stage.energy_ratio(moved), float((forest(moved) == target).mean())

    unlabelled = np.full(len(profiles), "", dtype=object)
    yield judged(RULE, model.move(profiles, unlabelled), np.ones(len(profiles), dtype=bool))
    for way, cohort, rows in cohorts(own.donors, np.random.default_rng([seed, len(name)])):
        yield judged(way, by_cohort(model, profiles[cohort], profiles[rows]), rows)


def measure(data: Path, seed: int, *, quick: bool) -> Iterator[Record]:
    """Everything, in turn."""
    for name, target, genes in TASKS[1:2] if quick else TASKS:
        study = genes_of(data, read_study(data, name), genes, seed)
        task = f"{name} to {target}, {len(study.genes)} genes"
        for source in sorted(set(study.classes) - {target})[: 1 if quick else None]:
            found: dict[str, list[tuple[float, float]]] = {}
            for way, *values in left_out(study, source, target, seed):
                found.setdefault(way, []).append((values[0], values[1]))
            for way, values in found.items():
                ratio, called = np.mean(values, axis=0)
                yield TOGETHER, task, way, "energy ratio", float(ratio)
                yield TOGETHER, task, way, "called by the forest", float(called)
                yield BY_CLASS, task, source, way, float(ratio)


def main() -> None:
    """Measure, store and show."""
    options = parsed(__doc__, __file__)
    finish(options, measure(options.data, options.seed, quick=options.quick))


if __name__ == "__main__":
    main()
