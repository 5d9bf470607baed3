"""What a sweep found, in sentences, with what it cannot say."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from tspg.analysis.evaluation.measure import MEAN_SHIFT
from tspg.analysis.evaluation.thresholds import (
    DOUBTFUL,
    ENERGY_TIE,
    FAIL,
    NOT_TESTED,
    PASS,
    PROBABLY,
    THRESHOLDS,
)
from tspg.report.sweep.measures import BY_KEY
from tspg.report.sweep.results import STATUSES, SweepResults, display_name
from tspg.report.sweep.tables import DIRECTIONS, P_LIMIT, q_values
from tspg.utils.text import counted, listed, number, percent

DOUBTFUL_CLASSIFIER = 0.8
_NAMED = 5


@dataclass(frozen=True)
class Finding:
    """One question about the whole sweep: in how many of the gene sets, or pairs with a target, it was found so."""

    key: str
    title: str
    n_good: int
    n_tested: int
    sentence: str

    @property
    def answer(self) -> str:
        """Pass where it is so in all, probably in at least half of them, doubtful in some."""
        if not self.n_tested:
            return NOT_TESTED
        if self.n_good == self.n_tested:
            return PASS
        return PROBABLY if 2 * self.n_good >= self.n_tested else DOUBTFUL if self.n_good else FAIL

    @property
    def count(self) -> str:
        """In how many of those that were tested."""
        return f"{self.n_good:,} of {self.n_tested:,}" if self.n_tested else NOT_TESTED


def what_was_run(results: SweepResults) -> str:
    """The sweep in one line: how many gene sets, targets and seeds, and how the runs ended."""
    n, statuses = len(results.targets), results.runs["status"].value_counts()
    ended = [f"{statuses[status]:,} {status}" for status in STATUSES if statuses.get(status)]
    return (
        f"{counted(len(results.gene_sets), 'gene set')} × {n:,} target class{'' if n == 1 else 'es'} × "
        f"{counted(len(results.seeds), 'seed')}: {counted(len(results.runs), 'run')}, "
        f"{'all done' if results.is_done.all() else listed(ended)}."
    )


def findings_of(results: SweepResults) -> list[Finding]:
    """Likeness, the plain shift, random gene sets, the genes that come back, and the classifier."""
    return [
        _realistic(results),
        _beside_shift(results),
        _beside_random(results),
        _stable(results),
        _classifier(results),
    ]


def warnings_of(results: SweepResults) -> list[str]:
    """Whether random genes do as well, and whether the same genes come back; nothing where no run is done."""
    return [one(results).sentence for one in (_beside_random, _stable)] if results.is_done.any() else []


def carried(results: SweepResults) -> pd.DataFrame:
    """By gene set and target, whether moved samples pass, surely or probably, as real ones with every seed.

    Not a number where that was tested with no seed.
    """
    least = results.pairs(BY_KEY["verdict_realistic"], least=True)
    return (least > 0).astype(float).where(least.notna())


def better_than_random(results: SweepResults) -> tuple[int, int]:
    """In how many pairs a gene set does better than random ones, after correction, and in how many that was tested."""
    p = results.tables.random_gene_sets["energy_p_value"].astype(float).dropna()
    return int((q_values(p) <= P_LIMIT).sum()), len(p)


def _classifier(results: SweepResults) -> Finding:
    accuracy = results.pairs(BY_KEY["test_balanced_accuracy"]).mean(axis=1).dropna()
    n_good = int((accuracy >= DOUBTFUL_CLASSIFIER).sum())
    return Finding("classifier", "Classifier", n_good, len(accuracy), _of_classifier(accuracy))


def _of_classifier(accuracy: pd.Series) -> str:
    if accuracy.empty:
        return (
            "How well the classifier knows real samples that it never saw is not in the runs: nothing judges its calls."
        )
    weak = [display_name(name) for name in accuracy[accuracy < DOUBTFUL_CLASSIFIER].sort_values().index]
    spread = " to ".join(dict.fromkeys((percent(accuracy.min()), percent(accuracy.max()))))
    found = f"The classifier is right about {spread} of held-out real samples, by gene set (mean over classes)"
    if not weak:
        return f"{found}, so what it calls a moved sample means something with every gene set."
    return f"{found}. With {_few(weak)} it is below {percent(DOUBTFUL_CLASSIFIER)}: there its calls are weak evidence."


def _realistic(results: SweepResults) -> Finding:
    found = carried(results)
    passed, tested = found == 1, found.notna()
    sentence = _of_likeness(passed, tested)
    return Finding("realistic", "Realistic", _count(passed), _count(tested), sentence)


def _of_likeness(passed: pd.DataFrame, tested: pd.DataFrame) -> str:
    if not tested.any(axis=None):
        return "Whether moved samples are like real ones was tested in no run."
    by_set = pd.DataFrame({"passed": passed.sum(axis=1), "of": tested.sum(axis=1)}).query("of > 0")
    share, extremes = by_set["passed"] / by_set["of"], []
    if share.max() > share.min():
        for end, head in ((share.max(), "most"), (share.min(), "fewest")):
            names = share[share == end].index
            n_passed, n_tested = by_set.loc[names[0]]
            extremes.append(f"{head} by {_few([display_name(name) for name in names])} ({n_passed} of {n_tested})")
    return (
        f"Moved samples pass, surely or probably, as real target samples with every seed in {_count(passed):,} of "
        f"{counted(_count(tested), 'pair')} of gene set and target that could be tested (the answer “Realistic?” of the"
        f" runs){': ' if extremes else ''}{', '.join(extremes)}."
    )


def _beside_shift(results: SweepResults) -> Finding:
    gain = results.pairs(BY_KEY["energy_gain"])
    n = 0 if results.method == MEAN_SHIFT else _count(gain.notna())
    sentence = _of_shift(results, gain, n)
    return Finding("beats_mean_shift", "Better than simple", _count(gain > ENERGY_TIE), n, sentence)


def _of_shift(results: SweepResults, gain: pd.DataFrame, n: int) -> str:
    if results.method == MEAN_SHIFT:
        return "These runs are plain shifts by the difference of class means, so there is nothing to compare them with."
    if not n:
        return "Whether this is better than a plain shift by the difference of class means was not measured."
    nearer, farther = _count(gain > ENERGY_TIE), _count(gain < -ENERGY_TIE)
    own, shift = (
        number(float(np.nanmedian(results.pairs(BY_KEY["energy_ratio"], method))), 3)
        for method in (results.method, MEAN_SHIFT)
    )
    return (
        f"Beside a plain shift by the difference of class means they come nearer to real target samples in {nearer:,} "
        f"of {counted(n, 'pair')}, less near in {farther:,}, and about alike in {n - nearer - farther:,} (median "
        f"energy ratio {own} against {shift}; 0 is like real ones, 1 not moved)."
    )


def _beside_random(results: SweepResults) -> Finding:
    kept, n = better_than_random(results)
    return Finding("random_genes", "Better than random genes", kept, n, _of_random(results, kept, n))


def _of_random(results: SweepResults, kept: int, n: int) -> str:
    table = results.tables.random_gene_sets
    if not n:
        return "Whether these gene sets do better than random genes was not tested."
    small = int((table["energy_p_value"].astype(float) <= P_LIMIT).sum())
    n_random = int(table["n_random"].max())
    coarse = f"; {n_random:,} random sets give no p below {1 / (n_random + 1):.2g}, too coarse for so many tests"
    return (
        f"Beside random gene sets of as many genes, p is at most {P_LIMIT} in {small:,} of {counted(n, 'pair')}; chance"
        f" alone would give about {by_chance(n)}. After correction for {counted(n, 'test')} (Benjamini-Hochberg) "
        f"{kept or 'none'} {'remain' if kept > 1 else 'remains'}"
        f"{coarse if not kept and n > P_LIMIT * (n_random + 1) else ''}. Measured with the map in closed form."
    )


def by_chance(n_tests: int) -> str:
    """How many of so many tests would have a small p if there were nothing to find."""
    return f"{P_LIMIT * n_tests:,.{0 if n_tests >= 10 / P_LIMIT else 1}f}"


def _stable(results: SweepResults) -> Finding:
    phi, limits = results.pairs(BY_KEY["phi"]), THRESHOLDS["stability"]
    good, n = _count(phi >= limits.good), _count(phi.notna())
    return Finding("stable_genes", "Same genes with every seed", good, n, _of_stability(results, phi, good, n))


def _of_stability(results: SweepResults, phi: pd.DataFrame, good: int, n: int) -> str:
    often, limits = _often(results), THRESHOLDS["stability"]
    if not n:
        reason = "one seed was run" if len(results.seeds) == 1 else "no pair has more than one finished seed"
        return f"Whether the same genes come first with another seed cannot be said: {reason}.{often}"
    bad = _count(phi < limits.bad)
    poor = f"in {bad:,} it is below {limits.bad}, so single genes should not be read there"
    return (
        f"The same genes come first with every seed in {good:,} of {counted(n, 'pair')} (agreement phi at least "
        f"{limits.good}, where 0 is chance and 1 the same); {poor if bad else f'in none is it below {limits.bad}'}."
        f"{often}"
    )


def _often(results: SweepResults) -> str:
    """The genes that are among the top in most runs of one gene set."""
    table = results.tables.gene_frequency
    table = table.assign(share=table["n_runs"] / table["n_runs_total"])
    parts = []
    for direction in DIRECTIONS:
        own = table[table["direction"] == direction]
        names = list(dict.fromkeys(map(str, own.loc[own["share"] == own["share"].max(), "gene"])))
        if names:
            share = percent(float(own["share"].max()))
            parts.append(f"{DIRECTIONS[direction]} {_few(names)} (in {share} of the runs of their gene set)")
    if not parts:
        return ""
    return (
        f" Most often among the top genes: {'; '.join(parts)}. A gene that comes back for every target says more about "
        "the gene set than about one target."
    )


def _count(marked: pd.DataFrame) -> int:
    return int(marked.to_numpy().sum())


def _few(names: list[str]) -> str:
    more = len(names) - _NAMED
    return listed([*names[:_NAMED], f"{more:,} more"] if more > 0 else names)


def cautions_of(results: SweepResults) -> list[str]:
    """What a careful reader should know about every number of the page."""
    found = [
        "Of many gene sets and targets the best look better than they are: what is best here should be seen again "
        "in other samples.",
        "The spread over seeds says how much the split into training and held-out samples and the training itself "
        "matter, on the same people; it is no interval for new ones."
        if len(results.seeds) > 1
        else "One seed was run, so no number here has a spread.",
    ]
    answer, sentence = "verdict.realistic.answer", "verdict.realistic.sentence"
    done = results.runs[results.is_done]
    if {answer, sentence} <= set(done):
        for target, rows in done.groupby("target_class", sort=False):
            if (rows[answer] == NOT_TESTED).all():
                found.append(f"{target} is not judged. {rows[sentence].iloc[0]}")
    if results.values(BY_KEY["energy_ratio"])[results.is_done].isna().any():
        found.append(
            "Where the energy ratio is not measured, held-out samples of the target and of the others cannot be told "
            "apart by these genes, or are too few: there is no distance to close."
        )
    if not results.is_done.all():
        found.append("A mean over seeds or targets is one over the runs that are done.")
    return [
        *found,
        "Nothing here says that a gene or a gene set causes a state: genes that go together are exchangeable.",
    ]
