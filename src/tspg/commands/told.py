"""What is told at the end of every command that leaves a report."""

from pathlib import Path

from tspg.report.findings import findings_of
from tspg.report.run_files import read_run

MOST_NOTES = 6  # in the terminal; the report has all


def summary(out: Path) -> list[str]:
    """What was found and what to know before believing it, then where to look."""
    found = read_run(out)
    notes = [f"Note: {note}" for note in (found.metric("data.notes") or [])[:MOST_NOTES]]
    return ["", *findings_of(found), *notes, "", f"Report: {out / 'report.html'}"]
