"""What the first screen of a sweep says: which gene sets carry the move, to which targets, and how sure that is."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from tspg.report.sweep.findings import Finding, better_than_random, carried, findings_of, what_was_run
from tspg.report.sweep.measures import BY_KEY, Measure
from tspg.report.sweep.results import SweepResults, display_name
from tspg.utils.text import counted, listed

NAMED = 6  # lines of a list
_NAMED_IN_SENTENCE = 2
_LETTERS = 60
ENERGY, CALLED = "energy_ratio", "hit_rate"


@dataclass(frozen=True)
class Line:
    """A gene set or target with its number, a bar from 0 to 1, and in how many cases it is carried."""

    name: str
    below: str
    text: str
    share: float
    mark: str


@dataclass(frozen=True)
class Answer:
    """What was asked of a sweep, and what came out."""

    question: str
    sentence: str
    lists: list[tuple[str, list[Line]]]
    measure: str  # what the numbers of the lists are
    chips: list[Finding]
    counts: str


def answer_of(results: SweepResults) -> Answer:
    """The answer of a sweep in typed values."""
    measure = BY_KEY[ENERGY] if results.pairs(BY_KEY[ENERGY]).notna().any(axis=None) else BY_KEY[CALLED]
    found, values = carried(results), results.pairs(measure)
    return Answer(
        _question(results.targets),
        _sentence(results, found),
        [("Gene sets", _gene_sets(results, measure, found, values)), ("Targets", _targets(measure, found, values))],
        "energy ratio: 0 like real target samples, 1 not moved; the bar is the share of the way"
        if measure.key == ENERGY
        else "share of held-out samples that the classifier calls the target",
        findings_of(results),
        what_was_run(results),
    )


def _question(targets: list[str]) -> str:
    return f"Which gene sets carry the move to {targets[0] if len(targets) == 1 else 'which target'}?"


def _sentence(results: SweepResults, found: pd.DataFrame) -> str:
    if not results.is_done.any():
        return "No run is done, so nothing can be said yet."
    return f"{_of_sets(results, found)}; {_of_random(results)}."


def _of_sets(results: SweepResults, found: pd.DataFrame) -> str:
    """Which gene sets carry the move to most targets."""
    judged = found.notna().any()
    n_judged = int(judged.sum())
    if not n_judged:
        return "Whether moved samples are like real ones was tested in no run"
    n_carried = (found == 1).sum(axis=1)
    most = int(n_carried.max())
    if not most:
        return (
            f"No gene set carries the move to any of {n_judged:,} target classes"
            if n_judged > 1
            else "No gene set carries the move"
        )
    best = [str(name) for name in n_carried[n_carried == most].index]
    names = [_short(display_name(name)) for name in best[:_NAMED_IN_SENTENCE]]
    more = len(best) - len(names)
    named = listed([*names, f"{more:,} more"] if more else names)
    if more and len(best) == len(found):
        named = f"All {len(best):,} gene sets"
    targets = [str(name) for name in found.columns[(found.loc[best] == 1).all()]]
    which = f" ({listed(list(map(_short, targets)))})" if len(targets) == most <= _NAMED_IN_SENTENCE else ""
    seeds = f", with each of {len(results.seeds)} seeds" if len(results.seeds) > 1 else ""
    of = f"{most:,} of {n_judged:,} target class{'' if n_judged == 1 else 'es'}"
    return f"{named} {'carry' if len(best) > 1 else 'carries'} the move to {of}{which}{seeds}"


def _short(name: str) -> str:
    """A name that leaves room for a sentence; in full it stands below."""
    return name if len(name) <= _LETTERS else f"{name[: _LETTERS - 1]}…"


def _of_random(results: SweepResults) -> str:
    kept, n = better_than_random(results)
    if not n:
        return "random gene sets were not tried beside them"
    if not kept:
        return "no gene set does better than random genes"
    return f"in {kept:,} of {counted(n, 'pair')} a gene set does better than random genes"


def _share(measure: Measure, value: float) -> float:
    """The length of a bar: of the energy ratio the part of the way that is done."""
    share = 1 - value if measure.key == ENERGY else value
    return float(np.clip(share, 0, 1)) if np.isfinite(share) else 0.0


def _line(measure: Measure, name: str, below: str, value: float, mark: str) -> Line:
    text = measure.text(value) if np.isfinite(value) else "–"
    return Line(name, below, text, _share(measure, value), mark)


def _ordered(measure: Measure, n_carried: pd.Series, values: pd.Series) -> list[str]:
    """Names by how often they are carried, then by how good their number is."""
    good = values.map(lambda value: measure.goodness(value) if np.isfinite(value) else -2.0)
    order = np.lexsort((-good.to_numpy(), -n_carried.to_numpy()))
    return [str(name) for name in values.index[order]]


def _gene_sets(results: SweepResults, measure: Measure, found: pd.DataFrame, values: pd.DataFrame) -> list[Line]:
    n_carried, n_judged, means = (found == 1).sum(axis=1), found.notna().sum(axis=1), values.mean(axis=1)
    lines = []
    for name in _ordered(measure, n_carried, means)[:NAMED]:
        n_genes = results.n_genes[name]
        mark = f"{n_carried[name]} of {n_judged[name]}" if n_judged[name] else "–"
        size = "" if n_genes is None else counted(n_genes, "gene")
        lines.append(_line(measure, display_name(name), size, float(means[name]), mark))
    return lines


def _targets(measure: Measure, found: pd.DataFrame, values: pd.DataFrame) -> list[Line]:
    lines = []
    for target in found.columns:
        name = _ordered(measure, (found[target] == 1).astype(int), values[target])[0]
        n_judged = int(found[target].notna().sum())
        mark = f"{int((found[target] == 1).sum())} of {n_judged}" if n_judged else "–"
        lines.append(_line(measure, str(target), f"best: {display_name(name)}", float(values[target][name]), mark))
    return sorted(lines, key=lambda line: -line.share)[:NAMED]
