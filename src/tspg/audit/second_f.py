"""A second f, trained with another seed: a judge of the generator's own kind that it was never trained to convince."""

from dataclasses import astuple

import numpy as np
import pandas as pd

from tspg.analysis.judges import Hearing
from tspg.analysis.measure import REAL, UNTOUCHED
from tspg.audit.subject import Names, Subject, donor_names
from tspg.data.prepare import FloatMatrix
from tspg.fitting import methods_to_compare
from tspg.model.device import choose_device
from tspg.model.methods import in_blocks
from tspg.model.training import train_target_model

MEASURE = "hit_rate_second_f"


def with_second_f(evidence: pd.DataFrame, subject: Subject) -> pd.DataFrame:
    """The evidence table with what a second f calls the moved profiles of every method, and real ones."""
    if (evidence["measure"] == MEASURE).any():
        return evidence
    prepared, config = subject.prepared, subject.config
    f = train_target_model(prepared, config.target_model, seed=config.seed + 1, device=choose_device(config.device))
    names = np.asarray(prepared.classes, dtype=object)

    def classify(profiles: FloatMatrix) -> Names:
        called: Names = names[in_blocks(f, profiles, len(names)).argmax(axis=1)]
        return called

    is_target, donors = prepared.in_class(subject.target), donor_names(prepared)
    rows, real = ~is_target & ~prepared.is_train, is_target & ~prepared.is_train
    sources, own_class = prepared.profiles[rows], prepared.source_class[rows]
    hearing = Hearing.of(
        classify,
        subject.target,
        sources=sources,
        real=prepared.profiles[real],
        source_groups=donors[rows],
        real_groups=donors[real],
    )
    found = {
        name: hearing.of_moved(move(sources, own_class))
        for name, move in methods_to_compare(subject.model, prepared).items()
    }
    found |= {UNTOUCHED: hearing.of_moved(sources), REAL: hearing.recall}
    added = pd.DataFrame([(name, MEASURE, *astuple(own)) for name, own in found.items()], columns=evidence.columns)
    return pd.concat([evidence, added], ignore_index=True)
