"""Do other callers find the planted genes? Beside ours, on the planted truths of truth_class.py and truth_patient.py.

    python benchmarks/peers/genes.py [--data DATA] [--seed 11] [--quick] [--out FILE] [--show]

Of a class: five of the draws of truth_class.py for each size and effect. Of a person: the people of truth_patient.py,
two of its questions. `cpu` is process time of a call (of a class) or of a fit and its people (of a person).
"""

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # scripts, not a package

import numpy as np
import truth_class
import truth_patient
from counts import BulkDGDLike, OutriderLike, as_counts, pydeseq2
from truth_data import (
    HEALTHY,
    MOST_GENES,
    Numbers,
    Record,
    Rows,
    Study,
    finish,
    hallmark,
    moved_by_map,
    parsed,
    read_study,
    top,
)

from tspg.analysis.interpretation.differential import moderated_t
from tspg.model.device import fixed_threads
from tspg.model.reference import ClassReference

CLASS, PERSON, CPU = "Planted drivers of a class, precision@20", "Planted genes of one person, precision@20", "CPU"
DRAWS, THREADS = 5, 2
PLANTED_IN = (("tissues", "Breast"), ("colorectal", "GI.CIN"))
PEOPLE = (  # study, own class, target class, only Hallmark genes, what was added before the logarithm
    ("kidney", HEALTHY, "KIRC", True, 0.25),
    ("kidney", "KIRC", HEALTHY, True, 0.25),
)
Scores = Callable[[], Numbers]


def of_a_class(data: Path, draws: int, seed: int, tasks: tuple[tuple[str, str], ...]) -> Iterator[Record]:
    """Share of drivers among the first 20 genes, and the seconds of a call."""
    for name, organ in tasks:
        study = read_study(data, name)
        study = study.rows(study.classes == organ)
        cases = [(n, effect) for n in truth_class.SIDES for effect in truth_class.EFFECTS]
        for number, (n, effect) in enumerate(cases):
            for draw in range(draws):
                rng = np.random.default_rng([seed, number, draw])
                case, is_target, is_driver = truth_class.planted(study, n, effect, rng)
                values = case.values.astype(np.float64)
                source = values[~is_target]
                callers: dict[str, Scores] = {
                    "tspg, moderated t": lambda: moderated_t(values, is_target).t,  # noqa: B023 - called at once
                    "tspg, P": lambda: _scaled_difference(values, is_target),  # noqa: B023
                    "pylimma": lambda: truth_class.limma(values, is_target)["pylimma"],  # noqa: B023
                    "PyDESeq2": lambda: pydeseq2(as_counts(values), is_target),  # noqa: B023
                    "logistic regression": lambda: truth_class.logistic(values, is_target),  # noqa: B023
                    "z-score": lambda: _z(values[is_target].mean(axis=0), source),  # noqa: B023
                }
                for caller, call in callers.items():
                    before = time.process_time()
                    scores = call()
                    yield CPU, organ, "of a class", caller, time.process_time() - before
                    share = float(is_driver[top(scores, truth_class.LISTED)[0]].mean())
                    yield CLASS, organ, f"n {n}, effect {effect}", caller, share
                    yield CLASS, organ, "mean", caller, share


def _scaled_difference(values: Numbers, is_target: np.ndarray) -> Numbers:
    return truth_class.difference_scores(values, moderated_t(values, is_target))["P"]


def _z(values: Numbers, own: Numbers) -> Numbers:
    sd = own.std(axis=0, ddof=1)
    return (values - own.mean(axis=0)) / np.where(sd > 0, sd, np.inf)


def of_a_person(data: Path, seed: int, *, quick: bool) -> Iterator[Record]:
    """Share of planted genes among the first 20 of each held-out person, and the seconds of a fit with its people."""
    for name, own, target, only_hallmark, added in PEOPLE[:1] if quick else PEOPLE:
        study = read_study(data, name)
        study = hallmark(data, study) if only_hallmark else study.some_genes(MOST_GENES, seed)
        task = f"{own} to {target}, {len(study.genes)} genes"
        for fold, train in enumerate(study.folds(truth_patient.FOLDS, seed)):
            held_out, training = (study.rows((study.classes == own) & side) for side in (~train, train))
            cases = {}
            for kind in truth_patient.KINDS:
                for size in truth_patient.SIZES:
                    rng = np.random.default_rng([seed, fold, 0, size, truth_patient.KINDS.index(kind)])
                    cases[f"{kind}, {size} sd"] = truth_patient.plant(held_out.values, training.values, kind, size, rng)
            wide = training.values.astype(np.float64)
            fits: dict[str, Callable[[], Callable[[Numbers], Numbers]]] = {
                "tspg, z_own": lambda: ClassReference.fit(wide, training.donors, seed=seed).residual_z,  # noqa: B023
                "tspg, P": lambda: _perturbation(study, train, target, own),  # noqa: B023
                "z-score": lambda: lambda values: _z(values, wide),  # noqa: B023
                "OUTRIDER-like": lambda: _of_counts(OutriderLike.fit(as_counts(wide, added)), added),  # noqa: B023
                "bulkDGD-like": lambda: _of_counts(BulkDGDLike(as_counts(wide, added), seed), added),  # noqa: B023
            }
            for caller, fit in fits.items():
                before = time.process_time()
                score = fit()
                found = {case: score(values) for case, (values, _) in cases.items()}
                yield CPU, task, "of a person", caller, time.process_time() - before
                for case, (_, planted) in cases.items():
                    hits = (top(found[case], truth_patient.N_PLANTED) & planted).sum(axis=1)
                    for share in hits / truth_patient.N_PLANTED:
                        yield PERSON, task, case, caller, float(share)
                        yield PERSON, task, "mean", caller, float(share)
            if quick:
                return


def _perturbation(study: Study, train: Rows, target: str, own: str) -> Callable[[Numbers], Numbers]:
    mover = moved_by_map(study.dataset(train), target)
    return lambda values: mover.perturbation(values, own)


def _of_counts(caller: OutriderLike | BulkDGDLike, added: float) -> Callable[[Numbers], Numbers]:
    return lambda values: caller.scores(as_counts(values, added))


def measure(data: Path, seed: int, *, quick: bool) -> Iterator[Record]:
    """Everything, in turn."""
    with fixed_threads(THREADS):
        yield from of_a_class(data, 1 if quick else DRAWS, seed, PLANTED_IN[: 1 if quick else None])
        yield from of_a_person(data, seed, quick=quick)


def main() -> None:
    """Measure, store and show."""
    options = parsed(__doc__, __file__)
    finish(options, measure(options.data, options.seed, quick=options.quick))


if __name__ == "__main__":
    main()
