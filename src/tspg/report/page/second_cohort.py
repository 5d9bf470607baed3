"""What page and terminal show of a second cohort: its evidence beside the first's, and how far the genes agree."""

from typing import Any

import pandas as pd

from tspg.analysis.evaluation.measure import REAL
from tspg.report.page.evidence import MEASURES, TELLING, as_shown
from tspg.report.read import RunFiles
from tspg.utils.text import DASH, percent

_HOW = {"own": "by a map of its own", "one_for_all": "as every profile"}
_AS_LIKELIEST = "each as the class that the classifier finds likeliest"


def second_cohort(run: RunFiles) -> dict[str, Any]:
    """The evidence of both cohorts side by side and the agreement of genes; empty where there is one cohort."""
    counts, table = run.metric("test_cohort.classes"), run.tables["test_evidence"]
    if counts is None:
        return {}
    second = {(str(row["method"]), str(row["measure"])): row["value"] for row in table.to_dict("records")}
    genes = run.metric("test_cohort.genes")
    by_class = genes["by_class"]
    if len(by_class) > 1:
        by_class = {"all source samples together": genes, **by_class}
    return {
        "classes": ", ".join(f"{name} {n:,}" for name, n in counts.items()),
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
        "genes": by_class,
        "unknown": [
            {"title": name, "n": found["n"], "moved": _HOW.get(found["moved"], _AS_LIKELIEST)}
            | {key: _cell(key, found[key]) for key in ("energy_ratio", "hit_rate_f", "hit_rate_logistic")}
            for name, found in (run.metric("test_cohort.unknown_classes") or {}).items()
        ],
    }


def _cell(measure: str, value: Any = None) -> str:
    return DASH if value is None or pd.isna(value) else as_shown(measure, float(value))
