"""What the terminal says of a plan: lists that are cut to a few lines, and what is skipped."""

from collections.abc import Iterable

from tspg.sweep.plan import Plan

MOST_LINES = 10  # failures and reasons in the terminal; the table has all


def plan_notes(plan: Plan) -> list[str]:
    """What is skipped and why (gene sets whole, and targets of the others); sets with under half of their genes."""
    some = {run.gene_set for run in plan.wanted}
    skipped = [
        f"{f'to {run.target_class}' if run.gene_set in some else run.gene_set}: skipped, {run.skipped}"
        for run in plan.runs
        if run.skipped
    ]
    poor = [one for one in plan.sets if one.n_genes < one.n_wanted / 2]
    few = [f"{one.name}: only {one.n_genes} of its {one.n_wanted} genes are in the matrix" for one in poor]
    return [*dict.fromkeys(skipped), *few]


def few(lines: Iterable[str]) -> list[str]:
    """The first lines, indented, and how many more there are."""
    found = list(lines)
    more = [f"... and {len(found) - MOST_LINES:,} more"] if len(found) > MOST_LINES else []
    return [f"  {line}" for line in (*found[:MOST_LINES], *more)]
