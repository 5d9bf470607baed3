"""Fig. 5 of the page: healthy kidney moved to three carcinomas."""

from collections.abc import Iterator, Sequence

from reproduction.kidney import CLAIMS
from reproduction.runs import ALL, PRESETS, TUMOURS
from reproduction.stored import Runs, Stored, decimals, mean, named, percent, small, spread, table, whole


def _found(stored: Stored) -> Iterator[tuple[str, str, Runs]]:
    for preset in PRESETS:
        for name in TUMOURS:
            runs = stored.runs(ALL, name, preset, "kidney")
            if runs:
                yield name, named(preset, runs), runs


def tumours(stored: Stored) -> str:
    """How well each tumour is reached, and what the lists are most like."""
    head = ("moved to", "preset", "f accuracy", "energy ratio", "gene correlation", "down: kidney's rank", "q")
    head = (*head, "up: first Hallmark hit (q)", "pipelines apart, up", "down")
    return table(head, (_tumour(*found) for found in _found(stored)))


def _tumour(name: str, preset: str, runs: Runs) -> Sequence[str]:
    own = [run["kidney"] for run in runs]
    down, best = [one["kidney"]["down"] for one in own], own[0]["best_hallmark_up"]
    return (
        name,
        preset,
        spread((run["f_accuracy"] for run in runs), percent),
        spread((run["energy_ratio"] for run in runs), decimals(3)),
        spread((run["gene_correlation"] for run in runs), decimals(2)),
        spread((one["rank"] for one in down), whole),
        spread((one["q"] for one in down), small),
        f"{best['term'].removeprefix('HALLMARK_').replace('_', ' ').lower()} ({small(best['q'])})",
        *(percent(mean([one["pipeline"][way] for one in own])) for way in ("up", "down")),
    )


def shared(stored: Stored) -> str:
    """How much the lists of the three tumours have in common."""
    rows = []
    for preset in PRESETS:
        found = stored.overlaps(preset)
        for way in ("down", "up") if found else ():
            counts = [spread((one[way][key] for one in found), whole) for key in ("distinct", "in_all", "in_one")]
            rows.append((named(preset, found), way, *counts))
    return table(("preset", "genes", "distinct in three lists of 20", "in all three", "in one"), rows)


def functions(stored: Stored) -> str:
    """The three functions that the paper names, in each tumour."""
    words = [word for word, _, _ in CLAIMS.values() if word != "annexins"]  # none in the data: said under the summary
    return table(("moved to", "preset", *words), (_functions(words, *found) for found in _found(stored)))


def _functions(words: Sequence[str], name: str, preset: str, runs: Runs) -> Sequence[str]:
    cells = []
    for word in words:
        rows = [run["kidney"]["claims"][word] for run in runs if word in run["kidney"]["claims"]]
        if not rows:
            cells.append("no such gene in the data")
            continue
        lists, ranks = (small(mean([row[key] for row in rows])) for key in ("q", "q_ranked"))
        cells.append(f"{whole(mean([row['overlap'] for row in rows]))}; {lists}; {ranks}")
    return (name, preset, *cells)
