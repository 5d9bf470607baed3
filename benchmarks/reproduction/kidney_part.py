"""Fig. 5 of the page: healthy kidney moved to three carcinomas."""

from collections.abc import Callable, Iterator, Sequence

from reproduction.kidney import CLAIMS
from reproduction.runs import ALL, PRESETS, TUMOURS
from reproduction.stored import NOT_RUN, Run, Show, Stored, decimals, middle, percent, small, table, whole

Get = Callable[[Run], float | None]


def tumours(stored: Stored) -> str:
    """How well each tumour is reached, and what the lists are most like; of `paper`, then of `transport`."""
    head = ("moved to", "f accuracy", "energy ratio", "gene correlation", "down: kidney's rank", "q")
    head = (*head, *_claimed(), "pipelines apart, up", "down")
    return table(head, (_tumour(stored, name) for name in TUMOURS))


def _claimed() -> list[str]:
    """The functions that the paper names, but for annexins, of which there is no gene in the data."""
    return [word for word, _, _ in CLAIMS.values() if word != "annexins"]


def _tumour(stored: Stored, name: str) -> Iterator[str]:
    both = [stored.runs(ALL, name, preset, "kidney") for preset in PRESETS]

    def pair(get: Get, show: Show) -> str:
        return ", ".join(middle(map(get, runs), show) if runs else NOT_RUN for runs in both)

    yield name
    yield pair(lambda run: run["f_accuracy"], percent)
    yield pair(lambda run: run["energy_ratio"], decimals(3))
    yield pair(lambda run: run["gene_correlation"], decimals(2))
    yield pair(lambda run: run["kidney"]["kidney"]["down"]["rank"], whole)
    yield pair(lambda run: run["kidney"]["kidney"]["down"]["q"], small)
    for word in _claimed():
        yield "; ".join(_function(runs, word) for runs in both)
    for way in ("up", "down"):
        yield pair(lambda run, way=way: run["kidney"]["pipeline"][way], percent)


def _function(runs: Sequence[Run], word: str) -> str:
    """Genes of the function in the list, q of the list, q of the ranks."""
    rows = [run["kidney"]["claims"][word] for run in runs]
    shown = {"overlap": whole, "q": small, "q_ranked": small}
    return "/".join(middle((row[key] for row in rows), show) for key, show in shown.items()) if rows else NOT_RUN
