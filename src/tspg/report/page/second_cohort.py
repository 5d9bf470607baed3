"""What page and terminal show of a second cohort: its evidence beside the first's, and how far the genes agree."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from tspg.analysis.evaluation.measure import REAL
from tspg.report.page.evidence import MEASURES, TELLING, as_shown
from tspg.report.read import RunFiles
from tspg.utils.text import DASH, counted, number, percent

_HOW = {"own": "by a map of its own", "one_for_all": "as every profile"}
_AS_LIKELIEST = "each as the class that f finds likeliest"


def second_cohort(run: RunFiles) -> dict[str, Any]:
    """The evidence of both cohorts side by side and the agreement of genes; empty where there is one cohort."""
    counts, table = run.metric("test_cohort.classes"), run.tables["test_evidence"]
    if counts is None:
        return {}
    second = {(str(row["method"]), str(row["measure"])): row["value"] for row in table.to_dict("records")}
    return {
        "who": ", ".join(f"{name} {n:,}" for name, n in counts.items()),
        "clipped": percent(run.metric("test_cohort.clipped_fraction")),
        "measures": [
            {
                "title": MEASURES[name].title,
                "first": _cell(name, (run.evidence(run.method, name) or {}).get("value")),
                "second": _cell(name, second.get((run.method, name))),
                "real": _cell(name, second.get((REAL, name))),
            }
            for name in TELLING
            if (run.method, name) in second
        ],
        "genes": [{"title": name, **_agreed(found)} for name, found in _by_class(run).items()],
        "unknown": [
            {"title": name, "n": found["n"], "moved": _HOW.get(found["moved"], _AS_LIKELIEST)}
            | {key: _cell(key, found[key]) for key in ("energy_ratio", "hit_rate_f", "hit_rate_logistic")}
            for name, found in _unknown_classes(run)
        ],
    }


def second_in_short(run: RunFiles) -> list[str]:
    """One line on a second cohort for the terminal; none where there is one cohort."""
    table = run.test_evidence
    if run.metric("test_cohort") is None:
        return []
    if table is None:
        return [f"On the second cohort: {', '.join(map(_unknown, _unknown_classes(run)))}."]
    energies = table[(table["method"] == run.method) & (table["measure"] == "energy_ratio")]["value"]
    first = run.evidence(run.method, "energy_ratio") or {}
    genes = run.metric("test_cohort.genes")
    led = genes["n_leading"]
    same = "" if led is None else f"; of the {led} leading genes {genes['same_sign']} go the same way"
    return [
        f"On the second cohort ({counted(run.metric('test_cohort.n_samples'), 'sample')}): energy ratio "
        f"{_cell('energy_ratio', *energies)}, {_cell('energy_ratio', first.get('value'))} on the first{same}."
    ]


def _unknown_classes(run: RunFiles) -> Iterable[tuple[str, Mapping[str, Any]]]:
    return (run.metric("test_cohort.unknown_classes") or {}).items()


def _unknown(one: tuple[str, Mapping[str, Any]]) -> str:
    name, found = one
    energy = _cell("energy_ratio", found["energy_ratio"])
    return f"{name}, a class that the first does not have ({counted(found['n'], 'sample')}), energy ratio {energy}"


def _cell(measure: str, value: Any = None) -> str:
    return DASH if value is None or pd.isna(value) else as_shown(measure, float(value))


def _by_class(run: RunFiles) -> dict[str, Any]:
    """The agreement of genes for every source class, after all together where there are several."""
    genes = run.metric("test_cohort.genes")
    together = {"all source samples together": genes} if len(genes["by_class"]) > 1 else {}
    return {**together, **genes["by_class"]}


def _agreed(found: Mapping[str, Any]) -> dict[str, str]:
    """Numbers of `agreement_of_tests` as the page has them."""
    n = found["n_leading"]
    return {
        "same_sign": DASH if n is None else f"{found['same_sign']} of {n}",
        "sure": DASH if n is None else f"{found['sure']} of {n}",
        "spearman": DASH if found["spearman"] is None else number(found["spearman"]),
        "phi": DASH if found["phi"] is None else number(found["phi"]),
    }
