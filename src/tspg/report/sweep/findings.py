"""What a sweep says, in sentences, with what it cannot say."""

import numpy as np
import pandas as pd

from tspg.analysis.evaluation.measure import MEAN_SHIFT
from tspg.analysis.evaluation.thresholds import ENERGY_TIE, NOT_TESTED, THRESHOLDS
from tspg.report.sweep.measures import BY_KEY
from tspg.report.sweep.study import DONE, STATUSES, Study, shown
from tspg.report.sweep.tables import DIRECTIONS, P_LIMIT, adjusted
from tspg.utils.text import counted, listed, number, percent

DOUBTFUL_CLASSIFIER = 0.8
_NAMED = 5


def what_was_run(study: Study) -> str:
    """The study in one line: how many gene sets, targets and seeds, and how the runs ended."""
    kinds = study.kinds.value_counts()
    ended = [f"{kinds[kind]:,} {kind}" for kind in STATUSES if kinds.get(kind)]
    planned = f"{counted(len(study.gene_sets), 'gene set')} × {_classes(len(study.targets))}"
    runs = f"{counted(len(study.seeds), 'seed')}: {counted(len(study.runs), 'run')}"
    return f"{planned} × {runs}, {'all done' if set(study.kinds) == {DONE} else listed(ended)}."


def count(marked: pd.DataFrame) -> int:
    """How many pairs of gene set and target are marked."""
    return int(marked.to_numpy().sum())


def _classes(n: int) -> str:
    return f"{n:,} target class{'' if n == 1 else 'es'}"


def findings_of(study: Study) -> list[str]:
    """Up to five sentences: f, likeness, the plain shift, random gene sets, and the genes that come back."""
    if not (study.kinds == DONE).any():
        return ["No run is done, so nothing can be said yet."]
    return [_of_f(study), _realistic(study), _beside_shift(study), *warnings_of(study)]


def warnings_of(study: Study) -> list[str]:
    """Whether random genes do as well, and whether the same genes come back; nothing where no run is done."""
    return [_beside_random(study), _stable(study)] if (study.kinds == DONE).any() else []


def _of_f(study: Study) -> str:
    accuracy = study.pairs(BY_KEY["test_balanced_accuracy"]).mean(axis=1).dropna()
    if accuracy.empty:
        return "How well f knows real samples that it never saw is not in the runs, so its calls cannot be judged."
    weak = [shown(str(name)) for name in accuracy[accuracy < DOUBTFUL_CLASSIFIER].sort_values().index]
    ends = dict.fromkeys((percent(accuracy.min()), percent(accuracy.max())))
    spread = " to ".join(ends)
    told = f"The classifier f is right about {spread} of held-out real samples, by gene set (mean over classes)"
    if not weak:
        return f"{told}, so what it calls a moved sample means something with every gene set."
    return f"{told}. With {_few(weak)} it is below {percent(DOUBTFUL_CLASSIFIER)}: there its calls are weak evidence."


def _realistic(study: Study) -> str:
    answers = study.pairs(BY_KEY["verdict_realistic"])
    tested = count(answers.notna())
    if not tested:
        return "Whether moved samples are like real ones was tested in no run."
    passed = study.pairs(BY_KEY["verdict_realistic"], least=True) > 0
    by_set = pd.DataFrame({"passed": passed.sum(axis=1), "of": answers.notna().sum(axis=1)})
    by_set = by_set[by_set["of"] > 0]
    return (
        f"Moved samples pass, surely or probably, as real target samples with every seed in {count(passed):,} of "
        f"{_pairs(tested)} of gene set and target that could be tested (the answer “Realistic?” of the runs)"
        f"{_best_and_worst(by_set)}."
    )


def _best_and_worst(by_set: pd.DataFrame) -> str:
    """The gene sets that carry most and fewest of the transitions, where they differ."""
    share = by_set["passed"] / by_set["of"]
    if len(share) < 2 or share.max() == share.min():
        return ""
    words = []
    for end, head in ((share.max(), "most"), (share.min(), "fewest")):
        names = [str(name) for name in share[share == end].index]
        row = by_set.loc[names[0]]
        words.append(f"{head} by {_few([shown(name) for name in names])} ({row['passed']} of {row['of']})")
    return f": {', '.join(words)}"


def _beside_shift(study: Study) -> str:
    gain = study.pairs(BY_KEY["energy_gain"])
    n = count(gain.notna())
    if study.method == MEAN_SHIFT:
        return "These runs are plain shifts by the difference of class means, so nothing stands beside them."
    if not n:
        return "Whether this is better than a plain shift by the difference of class means was not measured."
    nearer, farther = count(gain > ENERGY_TIE), count(gain < -ENERGY_TIE)
    own, shift = (_median(study, method) for method in (study.method, MEAN_SHIFT))
    return (
        f"Beside a plain shift by the difference of class means they come nearer to real target samples in {nearer:,} "
        f"of {_pairs(n)}, less near in {farther:,}, and about alike in {n - nearer - farther:,} (median energy ratio "
        f"{own} against {shift}; 0 is like real ones, 1 not moved)."
    )


def _median(study: Study, method: str) -> str:
    return number(float(np.nanmedian(study.pairs(BY_KEY["energy_ratio"], method))), 3)


def _beside_random(study: Study) -> str:
    table = study.tables.random_gene_sets
    p = table["energy_p_value"].astype(float).dropna()
    if p.empty:
        return "Whether these gene sets do better than random genes was not tested."
    n, small = len(p), int((p <= P_LIMIT).sum())
    kept = int((adjusted(p) <= P_LIMIT).sum())
    n_random = int(table["n_random"].max())
    coarse = f"; {n_random:,} random sets give no p below {1 / (n_random + 1):.2g}, too coarse for so many tests"
    return (
        f"Beside random gene sets of as many genes, p is at most {P_LIMIT} in {small:,} of {_pairs(n)}; chance alone "
        f"would give about {by_chance(n)}. After correction for {counted(n, 'test')} (Benjamini-Hochberg) "
        f"{kept or 'none'} {'remain' if kept > 1 else 'remains'}"
        f"{coarse if not kept and n > P_LIMIT * (n_random + 1) else ''}. Measured with the map in closed form."
    )


def by_chance(n_tests: int) -> str:
    """How many of so many tests would have a small p if there were nothing to find."""
    return f"{P_LIMIT * n_tests:,.{0 if n_tests >= 10 / P_LIMIT else 1}f}"


def _stable(study: Study) -> str:
    phi = study.pairs(BY_KEY["phi"])
    n = count(phi.notna())
    if not n:
        reason = "one seed was run" if len(study.seeds) == 1 else "no pair has more than one finished seed"
        return f"Whether the same genes come first with another seed cannot be said: {reason}.{_often(study)}"
    limits = THRESHOLDS["stability"]
    good, bad = count(phi >= limits.good), count(phi < limits.bad)
    poor = f"in {bad:,} it is below {limits.bad}, so there single genes should not be read"
    return (
        f"The same genes come first with every seed in {good:,} of {_pairs(n)} (agreement phi at least "
        f"{limits.good}, where 0 is chance and 1 the same); "
        f"{poor if bad else f'in none is it below {limits.bad}'}.{_often(study)}"
    )


def _often(study: Study) -> str:
    """The genes that stand among the top in most runs of one gene set."""
    table = study.tables.gene_frequency
    if table.empty:
        return ""
    share = table["n_runs"] / table["n_runs_total"]
    parts = []
    for direction in DIRECTIONS:
        own = share[table["direction"] == direction]
        names = list(dict.fromkeys(str(gene) for gene in table.loc[own[own == own.max()].index, "gene"]))
        if names:
            parts.append(f"{direction} {_few(names)} (in {percent(float(own.max()))} of the runs of their gene set)")
    return (
        f" Most often among the top genes: {'; '.join(parts)}. A gene that comes back for every target says more about "
        "the gene set than about one target."
    )


def _pairs(n: int) -> str:
    return counted(n, "pair")


def _few(names: list[str]) -> str:
    more = len(names) - _NAMED
    return listed([*names[:_NAMED], f"{more:,} more"] if more > 0 else names)


def _not_judged(study: Study) -> dict[str, str]:
    """Targets of which no run gives a verdict on likeness, and why; their numbers rest on a handful of samples."""
    answer, sentence = "verdict.realistic.answer", "verdict.realistic.sentence"
    if not {answer, sentence} <= set(study.runs):
        return {}
    done = study.runs[study.kinds == DONE]
    return {
        str(target): str(rows[sentence].iloc[0]).removeprefix("Withheld: ")
        for target, rows in done.groupby("target_class", sort=False)
        if (rows[answer] == NOT_TESTED).all()
    }


def cautions_of(study: Study) -> list[str]:
    """What a careful reader should know about every number of the page."""
    found = [
        "Of many gene sets and targets the best look better than they are: what stands out here should be seen again "
        "in other samples.",
    ]
    if len(study.seeds) > 1:
        found.append(
            "The spread over seeds says how much the split into training and held-out samples and the training itself "
            "matter, on the same people; it is no interval for new ones."
        )
    else:
        found.append("One seed was run, so no number here has a spread.")
    found += [f"{target} is not judged. {why}" for target, why in _not_judged(study).items()]
    if study.values(BY_KEY["energy_ratio"])[study.kinds == DONE].isna().any():
        found.append(
            "Where the energy ratio is not measured, held-out samples of the target and of the others cannot be told "
            "apart by these genes, or are too few: there is no distance to close."
        )
    if (study.kinds != DONE).any():
        found.append("A mean over seeds or targets is one over the runs that are done.")
    found.append("Nothing here says that a gene or a gene set causes a state: genes that go together are exchangeable.")
    return found
