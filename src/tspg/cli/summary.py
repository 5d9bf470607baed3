"""What every command that leaves a report prints at its end."""

from pathlib import Path

from tspg.report.page.findings import findings_of, verdict_in_short
from tspg.report.page.second_cohort import second_in_short
from tspg.report.page.single_samples import clipping_warnings, outlier_warnings, samples_in_short, single_samples
from tspg.report.read import read_run

MOST_NOTES = 6  # in the terminal; the report has all


def summary(out: Path) -> list[str]:
    """What was found and what to know before believing it, then where to look."""
    found = read_run(out)
    notes = [f"Note: {note}" for note in (found.metric("data.notes") or [])[:MOST_NOTES]]
    verdict = [line for line in [verdict_in_short(found)] if line]
    return [
        "",
        *clipping_warnings(found),
        *outlier_warnings(found),
        *samples_in_short(found, single_samples(found)),
        *findings_of(found),
        *second_in_short(found),
        *verdict,
        *notes,
        "",
        f"Report: {out / 'report.html'}",
    ]
