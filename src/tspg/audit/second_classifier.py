"""A second f, trained with another seed: a classifier that the generator was never trained to convince."""

import numpy as np
import pandas as pd

from tspg.analysis.evaluation.classifiers import ClassifierScore
from tspg.analysis.evaluation.measure import COLUMNS, REAL, UNTOUCHED
from tspg.audit.context import RunContext, donor_names
from tspg.experiment.fit import methods_to_compare
from tspg.model.device import choose_device
from tspg.model.methods import in_blocks
from tspg.model.training import train_target_model
from tspg.utils.typing import Float32Array, NameArray

MEASURE = "hit_rate_second_f"


def has_second_classifier(evidence: pd.DataFrame) -> bool:
    """Whether an audit has added a second f before."""
    return bool((evidence["measure"] == MEASURE).any())


def with_second_classifier(evidence: pd.DataFrame, context: RunContext) -> pd.DataFrame:
    """The evidence table with the share that a second f calls the target, of every method and of real samples."""
    if has_second_classifier(evidence):
        return evidence
    dataset, config = context.dataset, context.config
    f = train_target_model(dataset, config.target_model, seed=config.seed + 1, device=choose_device(config.device))
    names = np.asarray(dataset.classes, dtype=object)

    def classify(profiles: Float32Array) -> NameArray:
        called: NameArray = names[in_blocks(f, profiles, len(names)).argmax(axis=1)]
        return called

    is_target, donors = dataset.class_mask(context.target), donor_names(dataset)
    rows, real = ~is_target & ~dataset.is_train, is_target & ~dataset.is_train
    sources, own_class = dataset.profiles[rows], dataset.source_class[rows]
    score = ClassifierScore.of(
        classify,
        context.target,
        sources=sources,
        real=dataset.profiles[real],
        source_groups=donors[rows],
        real_groups=donors[real],
    )
    methods = methods_to_compare(context.model, dataset)
    found = {name: score.of_moved(move(sources, own_class)) for name, move in methods.items()}
    found |= {UNTOUCHED: score.of_moved(sources), REAL: score.recall}
    added = pd.DataFrame([(name, MEASURE, *own.cells) for name, own in found.items()], columns=COLUMNS)
    return pd.concat([evidence, added], ignore_index=True)
