"""What one process of a sweep does: a job, or the tables once jobs are done.

Most of what it needs is loaded when there is something to do: a job that is finished ends at once.
"""

from pathlib import Path

from tspg.errors import UsageError
from tspg.sweep.plan import mark, read_plan

TABLES = "tables"  # the name of the job that collects


def do_job(out: Path, name: str) -> list[str]:
    """One job of a planned sweep, or its tables once jobs are done: what Snakemake calls."""
    plan = read_plan(out)
    for entry in out.iterdir():  # the whole folder was looked through when the sweep was started
        if entry.is_symlink():
            raise UsageError(f"{entry}: is a link. Put the folder itself there; links are not followed.")
    if name == TABLES:
        from tspg.sweep.collect import TABLE, collect

        collect(plan, out)
        return [f"Table: {out / TABLE}"]
    job = plan.job(name)
    if plan.is_done(job, out):
        mark(job, out)
    else:
        from tspg.sweep.job import run_job

        run_job(plan, job, out)
    return []
