"""Which genes drive a difference between classes? Planted drivers found by each score, and how well lists agree.

    python benchmarks/truth_class.py [--data DATA] [--seed 11] [--quick] [--out FILE] [--show]

Drivers are planted in real samples of one class, half of which play the target: 20 of 1,500 genes move by .75 or 1.5
standard deviations, and the ten genes that correlate most with each go along by half of correlation x effect.
Agreement: the first 20 genes up and down, of donors drawn anew (Nogueira's Phi). Takes four minutes.
"""

import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from truth_data import HEALTHY, Numbers, Record, Rows, Study, finish, moved_by_map, parsed, read_study, top

from tspg.analysis.evaluation.resampling import bootstrap_weights
from tspg.analysis.interpretation.differential import ModeratedT, moderated_t
from tspg.audit.stability import nogueira_stability, ranked

N_GENES, N_DRIVERS, N_PASSENGERS, LISTED = 1500, 20, 10, 20
SIDES, EFFECTS, DRAWS = (10, 30), (0.75, 1.5), 40
PLANTED, AGREEMENT = "Planted drivers, precision@20", "Agreement of the first 20 genes over donors drawn anew"
PLANTED_IN = (("tissues", "Breast"), ("tissues", "Uterus"), ("colorectal", "GI.CIN"))
QUESTIONS = (  # study, source, target, genes
    ("colorectal", "GI.CIN", "GI.MSI", None),
    ("colorectal", "GI.GS", "GI.MSI", None),
    ("colorectal", "GI.HM-SNV", "GI.MSI", None),
    ("kidney", HEALTHY, "KIRC", None),
    ("influenza", "baseline", "acute", None),
    ("tissues", "Kidney", "Liver", 4000),
)


def planted(tissue: Study, n: int, effect: float, rng: np.random.Generator) -> tuple[Study, Rows, Rows]:
    """Samples with planted drivers, which of them are the target, and which genes are drivers."""
    varying = tissue.columns(rng.choice(np.flatnonzero(np.ptp(tissue.values, axis=0) > 0), N_GENES, replace=False))
    sd, correlation = varying.values.std(axis=0, ddof=1), np.corrcoef(varying.values.T)
    drivers = rng.choice(N_GENES, N_DRIVERS, replace=False)
    is_driver = np.isin(np.arange(N_GENES), drivers)
    shift = np.zeros(N_GENES)
    for driver, sign in zip(drivers, rng.choice([-1, 1], N_DRIVERS), strict=True):
        others = np.where(np.arange(N_GENES) == driver, 0, correlation[driver])
        passengers = np.argsort(-np.abs(others), kind="stable")[:N_PASSENGERS]
        passengers = passengers[~is_driver[passengers]]
        shift[passengers] += 0.5 * sign * effect * others[passengers] * sd[passengers]
        shift[driver] += sign * effect * sd[driver]
    rows = rng.permutation(len(tissue.classes))[: 2 * n]
    is_target = np.arange(2 * n) < n
    values = (varying.values[rows] + np.outer(is_target, shift)).astype(np.float32)
    classes = np.where(is_target, "target", "source").astype(object)
    return Study(values, classes, tissue.donors[rows], varying.genes), is_target, is_driver


def difference_scores(values: Numbers, test: ModeratedT) -> dict[str, Numbers]:
    """What follows from differences and their errors: t, scaled and plain difference, and TREAT."""
    difference = np.nan_to_num(test.estimate)
    width = np.ptp(values, axis=0)
    least = np.quantile(np.abs(difference), 0.25)
    treat = np.sign(difference) * np.maximum(np.abs(difference) - least, 0) / test.standard_error
    scaled = difference / np.where(width > 0, width, np.inf)
    return {"moderated t": test.t, "P": scaled, "fold change": difference, "TREAT": treat}


def all_scores(study: Study, is_target: Rows) -> dict[str, Numbers]:
    """Every way to rank genes for one draw."""
    values = study.values.astype(np.float64)
    mover, sources = moved_by_map(study.dataset(), "target"), values[~is_target]
    return {
        **difference_scores(values, moderated_t(values, is_target)),
        **limma(values, is_target),
        "map's mean P": mover.perturbation(sources, "source").mean(axis=0),
        "Welch t": welch(values[is_target], sources),
        "logistic": logistic(values, is_target),
        "nearest target": mover.to_nearest(sources).mean(axis=0),
    }


def welch(target: Numbers, source: Numbers) -> Numbers:
    """Welch's t per gene; 0 for a gene that does not vary."""
    error = np.sqrt(target.var(axis=0, ddof=1) / len(target) + source.var(axis=0, ddof=1) / len(source))
    return (target.mean(axis=0) - source.mean(axis=0)) / np.where(error > 0, error, np.inf)


def logistic(values: Numbers, is_target: Rows) -> Numbers:
    """Coefficients of one logistic regression on all genes, standardised, with scikit-learn's penalty."""
    return LogisticRegression(max_iter=1000).fit(StandardScaler().fit_transform(values), is_target).coef_[0]


def limma(values: Numbers, is_target: Rows) -> dict[str, Numbers]:
    """Moderated t by pylimma, another program; nothing where it is not installed."""
    try:
        import pylimma
    except ImportError:
        return {}
    design = np.column_stack([np.ones(len(values)), is_target])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of genes that do not vary
        fit = pylimma.e_bayes(pylimma.lm_fit(values.T, design))
    return {"pylimma": np.asarray(fit["t"])[:, 1]}


def precision(study: Study, task: str, draws: int, seed: int) -> Iterator[Record]:
    """Share of drivers among the first 20 genes, for each score and draw."""
    found: dict[str, list[float]] = {}
    for number, (n, effect) in enumerate((n, effect) for n in SIDES for effect in EFFECTS):
        for draw in range(draws):
            case, is_target, is_driver = planted(study, n, effect, np.random.default_rng([seed, number, draw]))
            for name, scores in all_scores(case, is_target).items():
                share = float(is_driver[top(scores, LISTED)[0]].mean())
                found.setdefault(name, []).append(share)
                yield PLANTED, task, f"n {n}, effect {effect}", name, share
    yield from ((PLANTED, task, "mean", name, share) for name, shares in found.items() for share in shares)


def agreement(study: Study, task: str, classes: tuple[str, str], draws: int, seed: int) -> Iterator[Record]:
    """Phi of the first 20 genes up and down over donors drawn anew, for each score."""
    study = study.rows(np.isin(study.classes, classes))
    is_target = study.classes == classes[1]
    n_donors = int(study.donors.max()) + 1
    kinds = [np.bincount(study.donors, weights=side, minlength=n_donors) > 0 for side in (is_target, ~is_target)]
    strata = (kinds[0] + 2 * kinds[1])[study.donors]
    rng = np.random.default_rng([seed, 1])
    lists: dict[str, list[Rows]] = {}
    for weights in bootstrap_weights(study.donors, n_boot=draws, rng=rng, strata=strata).astype(int):
        rows = np.repeat(np.arange(len(weights)), weights)
        copy = np.arange(len(rows)) - np.searchsorted(rows, rows)
        test = moderated_t(study.values[rows], is_target[rows], donors=study.donors[rows] + n_donors * copy)
        scores = difference_scores(study.values[rows], test)
        scores["t, donors ignored"] = moderated_t(study.values[rows], is_target[rows]).t
        scores["logistic"] = logistic(study.values[rows], is_target[rows])
        for name, score in scores.items():
            lists.setdefault(name, []).append(listed(score))
    for name, selected in lists.items():
        phi, low, high = nogueira_stability(np.array(selected))
        yield from (
            (AGREEMENT, task, case, name, value) for case, value in (("Phi", phi), ("low", low), ("high", high))
        )


def listed(scores: Numbers) -> Rows:
    """Which genes lead, those up and those down side by side."""
    numbers = np.nan_to_num(scores)
    sides = [np.isin(np.arange(len(numbers)), ranked(numbers, numbers != 0, LISTED, way)) for way in ("up", "down")]
    return np.concatenate(sides)


def measure(data: Path, seed: int, *, quick: bool) -> Iterator[Record]:
    """Everything, in turn."""
    draws = 2 if quick else DRAWS
    for name, organ in PLANTED_IN[: 1 if quick else None]:
        study = read_study(data, name)
        yield from precision(study.rows(study.classes == organ), organ, draws, seed)
    for name, source, target, genes in QUESTIONS[-3:] if quick else QUESTIONS:
        study = read_study(data, name)
        study = study.some_genes(genes, seed) if genes else study
        yield from agreement(study, f"{source} to {target}", (source, target), draws, seed)


def main() -> None:
    """Measure, store and show."""
    options = parsed(__doc__, __file__)
    finish(options, measure(options.data, options.seed, quick=options.quick))


if __name__ == "__main__":
    main()
