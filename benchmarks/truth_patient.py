"""Which genes are unusual in one person? Planted genes found by each score, and what p-values of real people are worth.

    python benchmarks/truth_patient.py [--data DATA] [--seed 11] [--quick] [--out FILE] [--show]

Every person is held out once (five folds, donors whole). In each held-out profile 20 genes move by 2, 3 or 4 standard
deviations of the class: scattered ones up or down at random, or the 20 that go with a random gene, each as it
goes with it. Calibration is told on the held-out profiles as they are. Up to 4,000 genes. Takes three minutes.
"""

from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np
from scipy.stats import false_discovery_control
from truth_data import (
    HEALTHY,
    MOST_GENES,
    ClassMap,
    Floats,
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
from tspg.model.expectation import Expectation
from tspg.model.reference import ClassReference

N_PLANTED, KINDS, SIZES, FOLDS = 20, ("scattered", "co-regulated"), (2, 3, 4), 5
FOUND, SHARES, POWER = "Planted genes of one person, precision@20", "Held-out people as they are", "Power"
TUMOURS = ("KIRC", "KIRP", "KICH")
MOVES = (  # study, own classes, target class, only Hallmark genes
    ("kidney", TUMOURS, HEALTHY, True),
    ("kidney", (HEALTHY,), "KIRC", True),
    ("kidney", ("KIRC",), HEALTHY, True),
    ("kidney", ("KIRC",), HEALTHY, False),
    ("kidney", (HEALTHY,), "KIRC", False),
    ("colorectal", ("GI.CIN",), "GI.MSI", False),
    ("tissues", ("Lung",), "Liver", False),
    ("tissues", ("Liver",), "Lung", False),
    ("tissues", ("Uterus",), "Lung", False),
    ("influenza", ("acute",), "baseline", False),
)
CALIBRATED = (
    *(("kidney", name) for name in (HEALTHY, *TUMOURS)),
    *(("colorectal", name) for name in ("GI.CIN", "GI.MSI", "GI.GS", "GI.HM-SNV")),
    *(("tissues", name) for name in ("Lung", "Uterus", "Breast", "Thyroid", "Liver", "Bladder")),
    *(("influenza", name) for name in ("acute", "early", "late", "baseline")),
)


def plant(values: Floats, training: Floats, kind: str, size: float, rng: np.random.Generator) -> tuple[Numbers, Rows]:
    """Profiles with genes moved by `size` standard deviations of the training samples, and which genes those are."""
    values, training = values.astype(np.float64), training.astype(np.float64)
    sd = training.std(axis=0, ddof=1)
    varying = np.flatnonzero(sd > 0)
    standard = (training[:, varying] - training[:, varying].mean(axis=0)) / sd[varying]
    shift = np.zeros(values.shape)
    for row in shift:
        if kind == "scattered":
            chosen, signs = rng.choice(len(varying), N_PLANTED, replace=False), rng.choice([-1, 1], N_PLANTED)
        else:
            correlation = standard[:, rng.integers(len(varying))] @ standard
            chosen = np.argsort(-np.abs(correlation), kind="stable")[:N_PLANTED]
            signs = rng.choice([-1, 1]) * np.sign(correlation[chosen])
        row[varying[chosen]] = size * signs * sd[varying[chosen]]
    return values + shift, shift != 0


def found_by_scores(study: Study, own_classes: tuple[str, ...], target: str, seed: int) -> Iterator[Record]:
    """Share of planted genes among the first 20 of each score, for every held-out person."""
    task = f"{'tumours' if own_classes == TUMOURS else own_classes[0]} to {target}, {len(study.genes)} genes"
    for fold, train in enumerate(study.folds(FOLDS, seed)):
        mover = moved_by_map(study.dataset(train), target)
        for number, own in enumerate(own_classes):
            held_out, training = (study.rows((study.classes == own) & side) for side in (~train, train))
            pair = study.rows(train & np.isin(study.classes, (own, target)))
            reference = ClassReference.fit(training.values.astype(np.float64), training.donors, seed=seed)
            t = moderated_t(pair.values, pair.classes == target, donors=pair.donors).t
            for kind, size in product(KINDS, SIZES):
                rng = np.random.default_rng([seed, fold, number, size, KINDS.index(kind)])
                values, planted = plant(held_out.values, training.values, kind, size, rng)
                for method, score in all_scores(values, reference, mover, own, t).items():
                    for share in (top(score, N_PLANTED) & planted).sum(axis=1) / N_PLANTED:
                        yield FOUND, task, f"{kind}, {size} sd", method, float(share)


def all_scores(values: Numbers, reference: ClassReference, mover: ClassMap, own: str, t: Numbers) -> dict[str, Numbers]:
    """Every way to rank the genes of one person, one row a person."""
    unit = np.where(reference.unit > 0, reference.unit, np.nan)
    return {
        "z_own": reference.residual_z(values),
        "z against own class": (values - reference.center) / unit,
        "P": mover.perturbation(values, own),
        "nearest target": mover.to_nearest(values),
        "class list, t": np.tile(t, (len(values), 1)),
    }


def held_out_people(study: Study, name: str, seed: int) -> Iterator[Record]:
    """How often p-values of real held-out people are small, and how many planted genes q-values find."""
    people = study.rows(study.classes == name)
    own, target, by_person, calls = [], [], [], []
    for fold, train in enumerate(people.folds(FOLDS, seed)):
        training, held_out = people.rows(train), people.rows(~train)
        reference = ClassReference.fit(training.values.astype(np.float64), training.donors, seed=seed)
        expected = Expectation.of_target(training.values.astype(np.float64), training.donors, seed=seed)
        p = own_p(reference, held_out.values)
        own.append(p)
        z = (held_out.values - reference.center)[:, expected.sd > 0] / expected.sd[expected.sd > 0]
        target.append(expected.tail.p_value(z))
        by_person += [(p[held_out.donors == donor] < 0.05).mean() for donor in np.unique(held_out.donors)]
        calls += called(p).sum(axis=1).tolist()
        for size in SIZES[1:]:
            rng = np.random.default_rng([seed, fold, size])
            values, planted = plant(
                held_out.values.astype(float), training.values.astype(float), "scattered", size, rng
            )
            hits = called(own_p(reference, values)) & planted[:, reference.unit > 0]
            for share in hits.sum(axis=1) / N_PLANTED:
                yield POWER, name, f"scattered, {size} sd", "share with q_own < .05", float(share)
    facts = {"n": len(people.classes), "donors": len(np.unique(people.donors)), "k": len(reference.components)}
    facts |= {f"p_own < {level}": share_below(own, level) for level in (0.05, 0.01, 0.001)}
    facts |= {"most of one person < 0.05": max(by_person)}
    facts |= {f"p_target < {level}": share_below(target, level) for level in (0.05, 0.001)}
    facts |= {"genes called: mean": np.mean(calls), "median": np.median(calls), "most": max(calls)}
    for measure, value in facts.items():
        yield SHARES, name, "held out", measure, float(value)


def own_p(reference: ClassReference, values: Numbers) -> Numbers:
    """p_own of the genes that vary."""
    return reference.tail.p_value(reference.residual_z(values)[:, reference.unit > 0])


def called(p: Numbers) -> Rows:
    """Which genes of each person have q < .05 (Benjamini-Hochberg over her genes)."""
    return false_discovery_control(p, axis=1) < 0.05


def share_below(parts: list[Numbers], level: float) -> float:
    """Share of all p-values below a level."""
    return float((np.concatenate([part.ravel() for part in parts]) < level).mean())


def measure(data: Path, seed: int, *, quick: bool) -> Iterator[Record]:
    """Everything, in turn."""
    for name, own_classes, target, only_hallmark in MOVES[1:2] if quick else MOVES:
        study = read_study(data, name)
        study = hallmark(data, study) if only_hallmark else study.some_genes(MOST_GENES, seed)
        yield from found_by_scores(study, own_classes, target, seed)
    for name, own in CALIBRATED[3:4] if quick else CALIBRATED:
        yield from held_out_people(read_study(data, name).some_genes(MOST_GENES, seed), own, seed)


def main() -> None:
    """Measure, store and show."""
    options = parsed(__doc__, __file__)
    finish(options, measure(options.data, options.seed, quick=options.quick))


if __name__ == "__main__":
    main()
