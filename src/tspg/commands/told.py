"""What is told at the end of every command that leaves a report."""

from pathlib import Path

from tspg.report.findings import findings_of, verdict_in_short
from tspg.report.people_view import far_out, out_of_range, people, people_in_short
from tspg.report.run_files import read_run
from tspg.report.second_view import second_in_short

MOST_NOTES = 6  # in the terminal; the report has all


def summary(out: Path) -> list[str]:
    """What was found and what to know before believing it, then where to look."""
    found = read_run(out)
    notes = [f"Note: {note}" for note in (found.metric("data.notes") or [])[:MOST_NOTES]]
    verdict = [line for line in [verdict_in_short(found)] if line]
    return [
        "",
        *out_of_range(found),
        *far_out(found),
        *people_in_short(found, people(found)),
        *findings_of(found),
        *second_in_short(found),
        *verdict,
        *notes,
        "",
        f"Report: {out / 'report.html'}",
    ]
