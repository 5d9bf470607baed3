"""What aligning a cohort mends of what another pipeline did, and how often it acts where nothing is wrong.

    python benchmarks/truth_alignment.py [--data DATA] [--seed 11] [--quick] [--out FILE] [--show]

False alarms: cohorts of held-out donors, one sample a donor, of all classes as they come or of one class. Other units:
held-out tumours in RSEM divided by gene lengths (log2-normal, 2.5 kb, sd 1.3) and library sizes (sd .1), as FPKM are,
moved to GI.MSI by the map of the others. Platform: a map of one platform, people of the other. The same people: normal
kidneys processed twice. Harm: one tumour called another that the map knows. rho is the energy ratio, 0 like real target
samples and 1 like the untouched sources; top 20 the share of a person's 20 genes up and 20 down that are those of her
own-pipeline profile. Takes two minutes of processor time.
"""

from collections.abc import Iterator
from pathlib import Path

import anndata
import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from truth_data import (
    HEALTHY,
    STUDIES,
    ClassMap,
    Numbers,
    Record,
    Rows,
    Study,
    finish,
    hallmark,
    moved_by_map,
    parsed,
    read_study,
)

from tspg.analysis.evaluation.energy import energy_distance
from tspg.model.alignment import Aligned, CohortAlignment

Units = NDArray[np.float32]
SIZES, LISTED = (5, 10, 30), 20
ALARMS, ONE_PLATFORM = "False alarms at .05", "Cohorts of one platform, a model of both"
NOTHING, UNITS, PLATFORM = "Nothing is wrong", "RSEM by a map, FPKM moved", "One platform by a map, the other moved"
PEOPLE, HARM = "The same people, processed twice", "KIRP called KIRC by a map without KIRP"
CALIBRATED = (  # name, study, only Hallmark genes, folds, splits
    ("colorectal, Hallmark", "colorectal", True, 5, 20),
    ("colorectal, 4,000 genes", "colorectal", False, 5, 20),
    ("kidney", "kidney", False, 5, 20),
    ("tissues, 4,000 genes", "tissues", False, 5, 20),
    ("influenza", "influenza", False, 3, 34),
)
MOST_GENES, DRAWS, SPLITS = 4000, 10, 5
LENGTH_MEAN, LENGTH_SD, LIBRARY_SD = 1.3, 1.3, 0.1  # of log2; lengths in kb


def learned(study: Study, classes: tuple[str, ...]) -> CohortAlignment:
    """What the training part of a study is like."""
    index = np.searchsorted(np.asarray(classes), study.classes.astype(str))
    return CohortAlignment.fit(study.values, index, classes, study.donors)


def classes_of(study: Study) -> tuple[str, ...]:
    """The names of the classes, sorted."""
    return tuple(sorted(set(study.classes)))


def one_sample_each(donors: NDArray[np.int64], rows: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """One sample of every donor among some rows, in random order."""
    rows = rng.permutation(rows)
    return rows[np.sort(np.unique(donors[rows], return_index=True)[1])]


def false_alarms(name: str, study: Study, n_folds: int, splits: int, seed: int) -> Iterator[Record]:
    """How often cohorts of the training cohort's own kind are aligned; donors held out, split after split."""
    classes = classes_of(study)
    for split in range(splits):
        for fold, train in enumerate(study.folds(n_folds, seed + split)):
            alignment, rng = learned(study.rows(train), classes), np.random.default_rng([seed, split, fold])
            for n in SIZES:
                for _ in range(DRAWS):
                    of_one = study.classes == rng.choice(classes)
                    for case, rows in ((f"n {n}", ~train), (f"n {n}, one class", ~train & of_one)):
                        yield from drawn(ALARMS, name, case, study, alignment, rows, n, rng)


def one_platform(study: Study, of: NDArray[np.object_], splits: int, seed: int) -> Iterator[Record]:
    """How often cohorts that one platform measured are aligned to a model of both."""
    for split in range(splits):
        for fold, train in enumerate(study.folds(5, seed + split)):
            alignment, rng = learned(study.rows(train), classes_of(study)), np.random.default_rng([seed, split, fold])
            for n in SIZES[:2]:
                for name in np.unique(of):
                    for _ in range(DRAWS):
                        rows = ~train & (of == name)
                        yield from drawn(ONE_PLATFORM, name, f"n {n}", study, alignment, rows, n, rng)


def drawn(
    table: str,
    task: str,
    case: str,
    study: Study,
    alignment: CohortAlignment,
    held_out: Rows,
    n: int,
    rng: np.random.Generator,
) -> Iterator[Record]:
    """Whether one cohort of n held-out donors is aligned; nothing where there are fewer."""
    cohort = one_sample_each(study.donors, np.flatnonzero(held_out), rng)[:n]
    if len(cohort) == n:
        found = alignment.align(study.values[cohort], study.classes[cohort])
        yield table, task, case, "aligned", float(found.weight > 0)
        yield table, task, case, "p below .5", float(found.p_value < 0.5)
        yield table, task, case, "s / expected", found.size / found.expected


def aligned_in_cohorts(
    alignment: CohortAlignment, values: Units, names: NDArray[np.object_], n: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], Units, list[Aligned]]:
    """Samples dealt out to cohorts of n: who is in one, their values, and what became of each cohort."""
    dealt = rng.permutation(len(values))[: len(values) // n * n]
    found = [alignment.align(values[rows], names[rows]) for rows in dealt.reshape(-1, n)]
    return dealt, np.concatenate([one.values for one in found]), found


def perturbations(mover: ClassMap, values: Units, names: NDArray[np.object_]) -> tuple[Numbers, Numbers]:
    """Scaled profiles and P of each."""
    scaled = mover.dataset.scaler.transform(values)[0].astype(np.float64)
    found = np.zeros(scaled.shape)
    for name in np.unique(names.astype(str)):
        own = names == name
        found[own] = mover.perturbation(values[own], name)
    return scaled, found


def same_genes(one: Numbers, other: Numbers) -> Numbers:
    """For each person the share of 20 genes up and 20 down that two lists share."""
    shared = [
        sum(len(set(a[part]) & set(b[part])) for part in (slice(None, LISTED), slice(-LISTED, None)))
        for a, b in zip(np.argsort(one, axis=1), np.argsort(other, axis=1), strict=True)
    ]
    return np.array(shared) / (2 * LISTED)


class Axis:
    """Where clouds of profiles lie between real samples of the target, 0, and the untouched sources, 1."""

    def __init__(self, mover: ClassMap, sources: Numbers, real: Units) -> None:
        self.real = mover.dataset.scaler.transform(real)[0].astype(np.float64)
        self.start = energy_distance(mover.targets, self.real)
        self.gap = energy_distance(sources, self.real) - self.start

    def rho(self, profiles: Numbers) -> float:
        """The energy ratio."""
        return (energy_distance(profiles, self.real) - self.start) / self.gap


def moved(
    table: str,
    task: str,
    mover: ClassMap,
    alignment: CohortAlignment,
    sources: Study,
    changed: Units,
    real: Units,
    rng: np.random.Generator,
    sizes: tuple[int, ...] = (5, 30),
) -> Iterator[Record]:
    """Distance rho and top 20 of profiles changed by another pipeline, as they are and aligned in cohorts."""
    names = sources.classes
    scaled, own = perturbations(mover, sources.values, names)
    axis = Axis(mover, scaled, real)

    def told(case: str, rows: NDArray[np.int64], values: Units) -> Iterator[Record]:
        profiles, change = perturbations(mover, values, names[rows])
        yield table, task, case, "rho", axis.rho(profiles + change)
        for share in same_genes(change, own[rows]):
            yield table, task, case, "top 20", float(share)

    every = np.arange(len(names))
    if changed is sources.values:
        yield from told("own pipeline", every, sources.values)
    else:
        yield from told("not aligned", every, changed)
    for n in sizes:
        if len(names) >= n:
            rows, values, found = aligned_in_cohorts(alignment, changed, names, n, rng)
            yield from told(f"aligned, n {n}", rows, values)
            for one in found:
                yield table, task, f"aligned, n {n}", "weight", one.weight


def as_fpkm(values: Units, rng: np.random.Generator) -> Units:
    """log2(RSEM + 1) as log2(FPKM + 1)."""
    length = rng.normal(LENGTH_MEAN, LENGTH_SD, values.shape[1])
    library = rng.normal(0, LIBRARY_SD, (len(values), 1))
    return np.log2((2.0**values - 1) * 2.0 ** (library - length) + 1).astype(np.float32)


def other_units(study: Study, target: str, splits: int, seed: int) -> Iterator[Record]:
    """Held-out tumours in other units."""
    for split in range(splits):
        for fold, train in enumerate(study.folds(5, seed + split)):
            rng = np.random.default_rng([seed, split, fold])
            mover, alignment = (
                moved_by_map(study.dataset(train), target),
                learned(study.rows(train), classes_of(study)),
            )
            sources, real = (
                study.rows(~train & (study.classes != target)),
                study.rows(~train & (study.classes == target)),
            )
            changed = as_fpkm(sources.values, rng)
            yield from moved(
                NOTHING, "colorectal, Hallmark", mover, alignment, sources, sources.values, real.values, rng
            )
            yield from moved(UNITS, "colorectal, Hallmark", mover, alignment, sources, changed, real.values, rng)


def other_platform(data: Path, study: Study, target: str, splits: int, seed: int) -> Iterator[Record]:
    """The map of one platform's tumours moves those of the other; the target's held-out samples are of the first."""
    is_first = platform(data) == "complete"
    first, second = study.rows(is_first), study.rows(~is_first & (study.classes != target))
    for split in range(splits):
        for fold, train in enumerate(first.folds(5, seed + split)):
            rng = np.random.default_rng([seed, split, fold])
            mover, alignment = (
                moved_by_map(first.dataset(train), target),
                learned(first.rows(train), classes_of(first)),
            )
            real = first.values[~train & (first.classes == target)]
            yield from moved(PLATFORM, "colorectal, Hallmark", mover, alignment, second, second.values, real, rng)


def platform(data: Path) -> NDArray[np.object_]:
    """The platform of each colorectal tumour."""
    return anndata.read_h5ad(data / STUDIES["colorectal"][0]).obs["platform_block"].astype(str).to_numpy(dtype=object)


def called_another(study: Study, splits: int, seed: int) -> Iterator[Record]:
    """KIRP moved to normal as KIRC: alignment takes for a pipeline what is special about it."""
    known, others = study.rows(study.classes != "KIRP"), study.rows(study.classes == "KIRP")
    called = Study(others.values, np.full(len(others.classes), "KIRC", dtype=object), others.donors, others.genes)
    for split in range(splits):
        for fold, train in enumerate(known.folds(5, seed + split)):
            unseen = train & ~np.isin(known.donors, others.donors)
            rng = np.random.default_rng([seed, split, fold])
            mover, alignment = (
                moved_by_map(known.dataset(unseen), HEALTHY),
                learned(known.rows(unseen), classes_of(known)),
            )
            real = known.values[~train & (known.classes == HEALTHY)]
            yield from moved(HARM, "kidney", mover, alignment, called, called.values, real, rng)


def processed_twice(data: Path, splits: int, seed: int) -> Iterator[Record]:
    """Normal kidneys of people in both files, brought to a kidney study that has not seen them."""
    study, other = twice(data)
    for split in range(splits):
        for fold, train in enumerate(study.folds(5, seed + split)):
            rng = np.random.default_rng([seed, split, fold])
            mover, alignment = (
                moved_by_map(study.dataset(train), "KIRC"),
                learned(study.rows(train), classes_of(study)),
            )
            in_both = ~train & (study.classes == HEALTHY) & np.isfinite(other).all(axis=1)
            own, theirs, names = study.values[in_both], other[in_both], study.classes[in_both]
            cases = {"not aligned": (np.arange(len(names)), theirs)}
            for n in (5, len(names)):
                rows, values, found = aligned_in_cohorts(alignment, theirs, names, n, rng)
                case = "aligned, n 5" if n == 5 else "aligned, all that are held out"
                cases[case] = rows, values
                for one in found:
                    yield PEOPLE, "kidney", case, "weight", one.weight
            wanted = perturbations(mover, own, names)[1]
            for case, (rows, values) in cases.items():
                for measure, value in nearness(values, rows, own, alignment).items():
                    yield PEOPLE, "kidney", case, measure, value
                for share in same_genes(perturbations(mover, values, names[rows])[1], wanted[rows]):
                    yield PEOPLE, "kidney", case, "top 20", float(share)


def nearness(values: Units, rows: NDArray[np.int64], own: Units, alignment: CohortAlignment) -> dict[str, float]:
    """How far people lie from themselves, in distances between different people; and who is nearest to herself."""
    varies = alignment.sigma > 0
    one, other = (part[:, varies] / alignment.sigma[varies] for part in (values, own))
    distance, people = cdist(one, other), cdist(other, other)
    typical = np.median(people[np.triu_indices(len(people), 1)])
    found = {"distance": float(np.median(distance[np.arange(len(rows)), rows]) / typical)}
    return found | {"nearest is herself": float((distance.argmin(axis=1) == rows).mean())}


def twice(data: Path) -> tuple[Study, Numbers]:
    """The kidney study on the genes that both files have, and its samples in the other processing where it is there."""
    kidney, tissues = (anndata.read_h5ad(data / STUDIES[name][0]) for name in ("kidney", "tissues"))
    study = read_study(data, "kidney")
    shared = np.isin(study.genes, tissues.var_names)
    study = study.columns(shared)
    barcode = {
        str(name)[:12]: row
        for row, name in enumerate(tissues.obs["donor"])
        if tissues.obs["organ"].iloc[row] == "Kidney"
    }
    other = np.full(study.values.shape, np.nan, dtype=np.float32)
    values = tissues[:, list(study.genes)].X
    for row, (patient, name) in enumerate(zip(kidney.obs["patient"], study.classes, strict=True)):
        if name == HEALTHY and str(patient) in barcode:
            other[row] = values[barcode[str(patient)]]
    return study, other


def measure(data: Path, seed: int, *, quick: bool) -> Iterator[Record]:
    """Everything, in turn."""
    for name, file, only_hallmark, n_folds, splits in CALIBRATED[2:3] if quick else CALIBRATED:
        study = read_study(data, file)
        study = hallmark(data, study) if only_hallmark else study.some_genes(MOST_GENES, seed)
        yield from false_alarms(name, study, n_folds, 1 if quick else splits, seed)
    splits = 1 if quick else SPLITS
    if not quick:
        colorectal = hallmark(data, read_study(data, "colorectal"))
        yield from one_platform(colorectal, platform(data), splits, seed)
        yield from other_units(colorectal, "GI.MSI", splits, seed)
        yield from other_platform(data, colorectal, "GI.MSI", splits, seed)
    yield from processed_twice(data, splits, seed)
    yield from called_another(read_study(data, "kidney"), splits, seed)


def main() -> None:
    """Measure, store and show."""
    options = parsed(__doc__, __file__)
    finish(options, measure(options.data, options.seed, quick=options.quick))


if __name__ == "__main__":
    main()
