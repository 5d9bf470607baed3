"""What would this person's own counterpart look like? Expected values against real samples of the same person.

    python benchmarks/truth_pairs.py [--data DATA] [--seed 11] [--quick] [--out FILE] [--show]

People with samples of both classes are held out, a third at a time (twice, with other thirds); everything is learned
from the others. True change: her own counterpart less her sample. Spearman and the share of the 100 genes that truly
change most are of changes in the user's units, genes of one sample at a time. Takes a minute.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr
from truth_data import HEALTHY, MOST_GENES, Numbers, Record, Rows, Study, finish, moved_by_map, parsed, read_study, top

from tspg.analysis.interpretation.differential import moderated_t
from tspg.model.expectation import Expectation, counterparts
from tspg.model.reference import SampleReference, class_references

FOLDS, REPEATS, LISTED, HEIGHT_HOURS = 3, 2, 100, 60
CHANGES, INTERVALS = "Change to her own counterpart", "Intervals of her own counterpart"
TASKS = (  # study, source classes, target
    ("kidney", ("KIRC", "KIRP", "KICH"), HEALTHY),
    ("influenza", ("acute",), "baseline"),
    ("influenza", ("early",), "baseline"),
    ("influenza", ("height",), "baseline"),  # the samples of one hour, whoever they are of
)


def one_fold(study: Study, sources: tuple[str, ...], target: str, train: Rows, seed: int) -> Iterator[Record]:
    """What people who were held out show, everything learned from the others."""
    training, held_out = study.rows(train), study.rows(~train)
    references = class_references(training.of_class, sorted(set(training.classes)), seed=seed)
    expected = SampleReference.fit(training.of_class, target, references, seed=seed)
    mover = moved_by_map(study.dataset(train), target)
    for source in sources:
        rows, own = counterparts(
            held_out.values, held_out.classes == source, held_out.classes == target, held_out.donors
        )
        values = held_out.values[rows].astype(np.float64)
        tasks = (
            (f"{source} to {target}", f"{', '.join(sources)} to {target}")
            if sources[1:]
            else (f"{source} to {target}",)
        )
        center, before = references[target].center, values - references[source].center
        learned, plain = expected.expectation(source), expected.expectations[target]
        pair = training.rows(np.isin(training.classes, (source, target)))
        changes = {
            "expected": center + learned.slope * before - values,
            "target mean": center - values,
            "mean shift": np.tile(center - references[source].center, (len(values), 1)),
            "P": mover.perturbation(values, source) * mover.width,
            "nearest target": mover.to_nearest(values) * mover.width,
            "class list, t": np.tile(
                moderated_t(pair.values, pair.classes == target, donors=pair.donors).t, (len(values), 1)
            ),
        }
        for task in tasks:
            for name, change in changes.items():
                yield from found(task, name, np.nan_to_num(change), own - values)
            for name, one in (("expected", learned), ("target mean", plain)):
                yield from covered(task, name, one, own - center - one.slope * before)


def found(task: str, method: str, changes: Numbers, true: Numbers) -> Iterator[Record]:
    """How well each person's changes are told."""
    k = min(LISTED, true.shape[1] // 10)
    shares = (top(changes, k) & top(true, k)).sum(axis=1) / k
    for change, own, share in zip(changes, true, shares, strict=True):
        yield CHANGES, task, "Spearman", method, float(spearmanr(change, own).statistic)
        yield CHANGES, task, f"first {k}", method, float(share)


def covered(task: str, method: str, expectation: Expectation, left: Numbers) -> Iterator[Record]:
    """How many of each person's values lie in her intervals, and how wide those are."""
    half = expectation.sd * expectation.tail.half_width
    for person in left:
        yield INTERVALS, task, method, "share inside", float((np.abs(person) <= half).mean())
    yield INTERVALS, task, method, "mean width", float(2 * half.mean())
    yield INTERVALS, task, method, "median slope", float(np.median(expectation.slope))
    yield INTERVALS, task, method, "pairs to learn from", float(expectation.n_pairs)


def measure(data: Path, seed: int, *, quick: bool) -> Iterator[Record]:
    """Everything, in turn."""
    for name, sources, target in TASKS[-1:] if quick else TASKS:
        study = read_study(data, name, HEIGHT_HOURS if "height" in sources else None).some_genes(MOST_GENES, seed)
        for repeat in range(1 if quick else REPEATS):
            for train in study.folds(FOLDS, seed + repeat):
                yield from one_fold(study, sources, target, train, seed)


def main() -> None:
    """Measure, store and show."""
    options = parsed(__doc__, __file__)
    finish(options, measure(options.data, options.seed, quick=options.quick))


if __name__ == "__main__":
    main()
