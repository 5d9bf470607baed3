"""The plan as Snakemake's workflow asks for it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tspg.sweep.plan import Plan, mark_jobs, read_plan


def plan_of_workflow(config: Mapping[str, Any], *, is_main: bool) -> Plan:
    """The plan for a Snakemake that runs in a sweep's folder; with `sweep` in its configuration it is made first."""
    if is_main and "sweep" in config:
        from tspg.sweep.planning import plan_sweep  # PyTorch, which the processes of single jobs do without here

        here = Path()
        plan, store = plan_sweep(Path(config["sweep"]), here)
        store(here)
        mark_jobs(plan, here, here)
    return read_plan(Path())
