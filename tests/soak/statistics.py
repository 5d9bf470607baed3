"""The statistics of the reports, tried more often than the fast tests do: null p-values, intervals, audits, leaks.

python -m tests.soak.statistics
"""

import sys
import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
from anndata import AnnData

import tests.trust.test_calibration as calibration
import tests.trust.test_coverage as coverage
import tests.trust.test_leakage as leakage
import tspg
from tests.options import nested
from tspg.analysis.evaluation.resampling import monte_carlo_p
from tspg.audit.context import RunContext, dataset_again
from tspg.audit.null_controls import permuted_labels, pseudo_target
from tspg.audit.plan import Plan
from tspg.audit.random_gene_sets import GeneSetTrial, matched_draws

MEANT_FOR = 600.0  # seconds; in less time fewer studies are drawn
CHEAP, COSTLY = 20_000, 4_000  # studies without anything in them
SLOW = ("nearest", "source", "energy and", "outside", "random")  # nulls that take milliseconds a study
STUDIES = 1_000  # with a known truth
SEEDS = 10
FAITHFUL = {  # of the controls on nothing, each the mean over all studies
    "permuted labels: f_accuracy": lambda mean: abs(mean - 1 / 3) < 0.05,
    "permuted labels: hit_rate_logistic": lambda mean: mean < 0.1,
    "permuted labels: energy_ratio": lambda mean: abs(mean - 1) < 0.15,
    "permuted labels: stability": lambda mean: abs(mean) < 0.1,
    "split target: energy_ratio_defined": lambda mean: mean < 0.15,
    "split target: genes_beyond_noise": lambda mean: mean < 0.01,
    "split target: relative_change": lambda mean: mean < 0.5,
}

Result = tuple[str, str, bool]


def main(*, seconds: float = MEANT_FOR) -> list[Result]:
    """What was tried, the figure found, and whether it is as it should be."""
    return list(_results(min(1.0, seconds / MEANT_FOR)))


def _results(share: float) -> Iterator[Result]:
    yield from _p_values(share)
    yield from _intervals(share)
    yield from _controls()
    yield _random_sets(int(300 * share))
    yield from _leaks()


def _p_values(share: float) -> Iterator[Result]:
    for name, null in calibration.NULLS.items():
        n = int(share * (COSTLY if name.startswith(SLOW) else CHEAP))
        p_values = null(n, calibration.FEWER.get(name.split()[0], calibration.N_PERMUTATIONS))
        shares = " ".join(f"{(p_values <= a).mean():.4f}" for a in calibration.LEVELS)
        figure = f"{n:,} nulls: P(p <= .2 .1 .05 .01) = {shares}; {calibration.excess(p_values):+.1f} standard errors"
        yield f"p-value: {name}", figure, bool(calibration.is_calibrated(p_values))


def _intervals(share: float) -> Iterator[Result]:
    most = max(coverage.N_STUDIES, int(share * STUDIES))
    for name in coverage.COVERED:
        n = coverage.N_STUDIES if name in coverage.SLOW else most
        held = coverage.held(name, n)
        yield f"interval: {name}", f"{held / n:.3f} of {n}", held >= coverage.fewest(n, name)
    for name in coverage.CLUSTERED:
        held = coverage.held(name, most, kept=False)
        passed = held < coverage.fewest(most)
        yield f"interval without donors must fail: {name}", f"{held / most:.3f} of {most}", passed


def _study(seed: int) -> AnnData:
    """Three classes of 60 samples of people who give one each; ten of forty genes differ in `target`."""
    rng = np.random.default_rng([seed, 1])
    classes = np.repeat(["alpha", "beta", "target"], 60)
    values = rng.normal(8.0, 1.0, (180, 40))
    values[classes == "target", :5] += 3.0
    values[classes == "target", 5:10] -= 3.0
    obs = pd.DataFrame({"label": classes}, index=[f"s{number}" for number in range(180)])
    return AnnData(values.astype(np.float32), obs=obs, var=pd.DataFrame(index=[f"G{number}" for number in range(40)]))


def _subject(seed: int) -> RunContext:
    options = {"label_column": "label", "annotations": (), "threads": 1, "target_epochs": 8, "folds": 1}
    run = tspg.run(_study(seed), **nested(target_class="target", seed=seed, **options))
    dataset = dataset_again(run.perturbations, grouped=False)
    return RunContext(dataset, run.config, run.model, run.perturbations, {}, run.metrics, quick=True)


def _controls() -> list[Result]:
    """100 permutations of labels and 100 random splits of the target, ten for each of ten studies."""
    plan = replace(Plan(), permutations=10, splits=10)
    rows: dict[str, list[float]] = {}
    answers: dict[str, list[str]] = {}
    for seed in range(SEEDS):
        subject = _subject(seed)
        for name, control in {"permuted labels": permuted_labels, "split target": pseudo_target}.items():
            for row in control(subject, plan).rows:
                rows.setdefault(f"{name}: {row.measure}", []).append(row.value)
                answers.setdefault(f"{name}: {row.measure}", []).append(row.answer)
    found = []
    for name, values in rows.items():
        told = ", ".join(f"{answers[name].count(answer)} {answer}" for answer in dict.fromkeys(answers[name]))
        mean, spread = float(np.mean(values)), float(np.std(values, ddof=1))
        found.append((name, f"{mean:.3f}, sd over {SEEDS} studies {spread:.3f}; {told}", bool(FAITHFUL[name](mean))))
    return found


def _random_sets(n: int) -> Result:
    """A gene set that is itself random, by the closed-form map that an audit and a sweep try it with."""
    p_values = []
    for seed in range(n):
        rng = np.random.default_rng([seed, 2])
        values = rng.normal(8.0, 1.0, (60, 60)) + rng.normal(0.0, 0.5, (60, 1))
        values[30:] += rng.normal(0.0, 0.6, 60)
        obs = pd.DataFrame({"label": np.repeat(["a", "t"], 30)}, index=[f"s{number}" for number in range(60)])
        genes = pd.DataFrame(index=[f"G{number}" for number in range(60)])
        dataset = tspg.prepare(AnnData(values.astype(np.float32), obs, genes), label_column="label", seed=seed)
        own, training = np.sort(rng.choice(60, 16, replace=False)), values[dataset.is_train]
        draws = matched_draws(training.mean(axis=0), training.var(axis=0), own, np.arange(60), 19, rng)
        ratios = [-GeneSetTrial.of(dataset, values[:, drawn]).score("t", seed=seed)[0] for drawn in (own, *draws)]
        others = np.nan_to_num(ratios[1:], nan=-np.inf)
        p_values.append(monte_carlo_p(ratios[0], others) if np.isfinite(ratios[0]) else 1.0)  # else no p is told
    share = float(np.mean(np.array(p_values) <= 0.05))
    figure = f"{n} sets: P(p <= .05) = {share:.3f}; {calibration.excess(p_values):+.1f} standard errors"
    return "random gene sets by the closed-form map", figure, bool(calibration.is_calibrated(p_values))


def _leaks() -> list[Result]:
    """Both presets, each attack on the held-out samples, ten splits."""
    found = []
    adata = _study(0)
    adata.obs["platform"] = np.where(np.arange(180) % 4 < 2, "one", "two")
    adata.obs["donor"] = [f"d{number // 2}" for number in range(180)]
    for preset in leakage.PRESETS:
        same = tried = 0
        for seed in range(SEEDS):
            is_train = tspg.prepare(adata, label_column="label", group_column="donor", seed=seed).is_train
            dataset = leakage.prepared_from(adata, is_train)
            before = leakage.everything_learned(dataset, adata, preset)
            for attack in (leakage.times_a_million, leakage.labels_permuted, leakage.no_numbers):
                tried += 1
                same += leakage.everything_learned(attack(dataset, adata, is_train), adata, preset) == before
        figure = f"{same} of {tried} learned the same bytes"
        found.append((f"held-out samples changed, preset {preset}", figure, same == tried))
    return found


if __name__ == "__main__":
    started, n_failed = time.perf_counter(), 0
    for what, figure, passed in _results(1.0):
        sys.stdout.write(f"{'ok  ' if passed else 'FAIL'} {what:52} {figure}\n")
        sys.stdout.flush()
        n_failed += not passed
    sys.stdout.write(f"{n_failed} not as wanted, {time.perf_counter() - started:.0f} s\n")
    sys.exit(n_failed > 0)
