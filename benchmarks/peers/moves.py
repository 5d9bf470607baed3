"""Are moved profiles real, and still the person? Other people's methods beside ours, on the same splits.

    python benchmarks/peers/moves.py [--data DATA] [--tasks Lung ...] [--seeds 0 1 2] [--methods ...] [--out FILE]

Every question is split and scaled as a run does, and `tspg.evidence_table` judges all methods at once, with the same
classifiers. What is stored already is not run again. `cpu` is process time: learning to move, and moving all that the
evidence asks for. The environment is that of requirements.txt, with `src` on PYTHONPATH.
"""

import argparse
import os
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import networks
import numpy as np
import pandas as pd
import transport
from learning import Lesson, Move, Names, Profiles
from tasks import DATA, QUESTIONS, THREADS, Split

import tspg
from tspg.analysis.evaluation.energy import energy_distance
from tspg.errors import TspgError
from tspg.experiment.fit import fit_target
from tspg.model.baselines import PairedRegression
from tspg.model.device import fixed_threads
from tspg.model.expectation import classes_with_pairs
from tspg.model.learning import fit_closed_form, move_with
from tspg.model.trained_model import TrainedModel
from tspg.utils.files import read_table, write_table
from tspg.utils.progress import silent
from tspg.utils.timing import Clock

STORED = Path(__file__).with_name("results.tsv")
COLUMNS = ["method", "task", "seed", "measure", "value", "low", "high", "cpu"]
MEASURES = (
    *("energy_ratio", "variance_ratio", "gene_correlation", "gene_correlation_at_equal_n", "individuality"),
    *("distance_correlation", "pair_error", "hit_rate_logistic", "hit_rate_forest", "source_leak", "coverage"),
)
EXCESS = "energy_excess"
PAPER_STEPS = {"Lung": 300, "GI.MSI": 150}  # of more; elsewhere as many as the preset takes
CLOSED_FORM = (*("mean_shift", "quantile_map", "nearest_target", "gaussian_draw", "target_mean", "paired_regression"),)
PEERS: dict[str, Callable[[Lesson], Move]] = {
    "POT Monge": lambda lesson: lesson.tuned(transport.monge, transport.RIDGES)[0],
    "POT EMD": transport.emd,
    "POT entropic": lambda lesson: lesson.tuned(transport.entropic, transport.BLURS)[0],
    "OT-CFM": networks.ot_cfm,
    "CellFlow": networks.cellflow,
    "CINEMA-OT": networks.cinema_ot,
    "scGen": networks.scgen,
}
METHODS = ("transport", "paper", *CLOSED_FORM, *PEERS)


def learned(name: str, split: Split) -> Move:
    """One method, learned from the training part of a split."""
    question, dataset = split.question, split.dataset
    if name in PEERS:
        return PEERS[name](Lesson.of(dataset, split.sources, question.target, split.seed))
    if name == "paper":
        return fit_target(
            split.classifier, split.task("paper", PAPER_STEPS.get(question.name)), Clock(), silent
        ).model.move
    if name == PairedRegression.name and classes_with_pairs(dataset, question.target).isdisjoint(split.sources):
        raise ValueError("no source class has enough people with samples of the target too")
    fitted = fit_closed_form("linear_map" if name == "transport" else name, dataset, question.target, seed=split.seed)
    return partial(move_with, fitted, classes=dataset.classes)


class Timed:
    """A method that counts the processor time that it takes."""

    def __init__(self, name: str, split: Split) -> None:
        self.cpu = 0.0
        self.move = self._counted(learned, name, split)

    def __call__(self, profiles: Profiles, classes: Names) -> Profiles:
        """Profiles moved."""
        return self._counted(self.move, profiles, classes)

    def _counted(self, function: Callable, *arguments: object) -> object:
        before = time.process_time()
        try:
            return function(*arguments)
        finally:
            self.cpu += time.process_time() - before


def judged(split: Split, names: list[str]) -> pd.DataFrame:
    """The evidence for these methods on one split, as rows of the stored results."""
    question = split.question
    before = time.process_time()
    model = TrainedModel.of(
        split.dataset,
        split.classifier.target_model,
        fit_closed_form("linear_map", split.dataset, question.target, seed=split.seed),
        split.task().config,
        {},
    )
    f_seconds = time.process_time() - before
    methods: dict[str, Timed] = {}
    for name in names:
        try:
            methods[name] = Timed(name, split)
        except (TspgError, ValueError, RuntimeError) as error:
            print(f"{question.name} {split.seed} {name}: {type(error).__name__}: {error}", flush=True)
        else:
            print(f"{question.name} {split.seed} {name}: {methods[name].cpu:.1f} s", flush=True)
    if "paper" in methods:
        methods["paper"].cpu += f_seconds  # its generator needs f
    evidence = tspg.evidence_table(
        split.dataset,
        methods,
        model.classify,
        target_class=question.target,
        source_classes=question.sources,
        seed=split.seed,
        classifiers=split.classifier.classifiers,
    )
    moves = {name: method.move for name, method in methods.items()}
    found = pd.concat([evidence, pd.DataFrame(excesses(split, moves))], ignore_index=True)
    return rows(found, {name: method.cpu for name, method in methods.items()}, question.name, split.seed)


def excesses(split: Split, moves: Mapping[str, Move]) -> Iterator[dict[str, object]]:
    """The numerator of the energy ratio, which is defined where the ratio is not: E(moved, T) - E(R, T)."""
    dataset, target = split.dataset, split.dataset.class_mask(split.question.target)
    held_out = np.isin(dataset.source_class, split.sources) & ~dataset.is_train
    real = dataset.profiles[target & ~dataset.is_train]
    least = energy_distance(dataset.profiles[target & dataset.is_train], real)
    for name, move in {**moves, "untouched_source": lambda profiles, _: profiles}.items():
        moved = move(dataset.profiles[held_out], dataset.source_class[held_out])
        yield {"method": name, "measure": EXCESS, "value": energy_distance(moved, real) - least}


def rows(evidence: pd.DataFrame, cpu: Mapping[str, float], task: str, seed: int) -> pd.DataFrame:
    """What is stored of a table of evidence."""
    kept = evidence[evidence["measure"].isin((*MEASURES, EXCESS)) & evidence["value"].notna()]
    table = kept.assign(task=task, seed=seed, cpu=kept["method"].map(cpu))[COLUMNS]
    return table.round({"value": 5, "low": 5, "high": 5, "cpu": 2})


def main() -> None:
    """Run what is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--tasks", nargs="+", default=[question.name for question in QUESTIONS])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=METHODS)
    parser.add_argument("--out", type=Path, default=STORED)
    options = parser.parse_args()
    for seed in options.seeds:
        for question in (question for question in QUESTIONS if question.name in options.tasks):
            stored = read_table(options.out) if options.out.exists() else pd.DataFrame(columns=COLUMNS)
            here = stored[(stored["task"] == question.name) & (stored["seed"] == seed)]
            missing = [name for name in options.methods if name not in set(here["method"])]
            if missing:
                with fixed_threads(THREADS):
                    found = judged(Split(question, seed, options.data), missing)
                kept = found[~found["method"].isin(set(here["method"]))]
                tables = [table for table in (stored, kept) if len(table)]
                write_table(options.out, pd.concat(tables, ignore_index=True))


if __name__ == "__main__":
    main()
