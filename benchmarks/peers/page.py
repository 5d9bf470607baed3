"""The part of docs/compared.md that is made from the stored results: tables and what follows from them.

    python benchmarks/peers/page.py [--check]

It stands between two comments; a page without them gets it at its end. `--check` says whether the page is up to date.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "compared.md"
BEGIN, END = "<!-- made by benchmarks/peers/page.py from stored results -->", "<!-- end of what page.py makes -->"
OURS = "transport"
RHO, EXCESS, VARIANCE, GENES, PERSON = (
    *("energy_ratio", "energy_excess", "variance_ratio", "gene_correlation", "individuality"),
)
PAIR = "pair_error"
GROUPS = (
    ("Other people in the target class", ("Lung", "GI.MSI"), (VARIANCE, GENES, PERSON)),
    ("The same people in both classes", ("KIRC", "acute"), (VARIANCE, GENES, PERSON, PAIR)),
)
WORDS = {
    RHO: "rho",
    EXCESS: "excess",
    VARIANCE: "variance",
    GENES: "gene correlation",
    PERSON: "individuality",
    PAIR: "pair error",
}
REAL = "real_target"
NOT_METHODS = ("untouched_source", REAL)


def means(results: pd.DataFrame) -> pd.DataFrame:
    """Means over splits: a row for each task and method, a column for each measure, and `cpu`."""
    wide = results.pivot_table(index=["task", "method"], columns="measure", values="value", sort=False)
    return wide.assign(cpu=results.groupby(["task", "method"])["cpu"].mean())


def realism(task: pd.DataFrame) -> str:
    """The measure of realism of a task: the energy ratio, or its numerator where that is not defined."""
    return RHO if RHO in task and task[RHO].notna().any() else EXCESS


def losses(task: pd.DataFrame) -> pd.DataFrame:
    """For each method how far it is from the best on the four measures; 0 is best and less than 0 counts as 0."""
    columns = {
        "realism": task[realism(task)].clip(lower=0),
        VARIANCE: np.log(task[VARIANCE].clip(lower=1e-3)).abs(),
        GENES: -task[GENES],
        PERSON: -task[PERSON],
    }
    return pd.DataFrame(columns).drop(index=list(NOT_METHODS), errors="ignore")


def ahead(task: pd.DataFrame, measures: tuple[str, ...]) -> list[str]:
    """The methods that are no worse than ours on all of these measures and better on one."""
    table = losses(task)[list(measures)]
    no_worse = (table <= table.loc[OURS]).all(axis=1)
    better = (table < table.loc[OURS]).any(axis=1)
    return table.index[no_worse & better].tolist()


def behind(task: pd.DataFrame) -> list[str]:
    """The methods that ours dominates: no better on any of the four measures."""
    table = losses(task)
    return table.index[(table >= table.loc[OURS]).all(axis=1) & (table.index != OURS)].tolist()


def number(value: float, digits: int = 2) -> str:
    """A number as the tables show it."""
    if not np.isfinite(value):
        return "-"
    digits = 3 if abs(value) < 0.1 and digits == 2 else digits
    return f"{value:.{digits}f}" if abs(value) < 10 else f"{value:.0f}"


def cell(row: pd.Series, columns: tuple[str, ...]) -> str:
    """The numbers of one method on one task."""
    return " / ".join(number(row.get(column, np.nan)) for column in columns)


def table(rows: list[list[str]]) -> list[str]:
    """A table in Markdown; the first row is its head."""
    head, *others = rows
    return [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *others)]


def moves_tables(found: pd.DataFrame) -> list[str]:
    """A table for each group of tasks."""
    lines = []
    for title, names, measures in GROUPS:
        tasks = {name: found.loc[name] for name in names if name in found.index.get_level_values(0)}
        if not tasks:
            continue
        columns = {name: (realism(task), *measures) for name, task in tasks.items()}
        heads = [f"{name}: {' / '.join(WORDS[column] for column in columns[name])}" for name in tasks]
        methods = dict.fromkeys(name for task in tasks.values() for name in task.index if name not in NOT_METHODS)
        rows = [["method", *heads, "CPU s"]]
        for method in (*methods, *NOT_METHODS):
            cells = [
                cell(task.loc[method], columns[name]) if method in task.index else "-" for name, task in tasks.items()
            ]
            seconds = [task.loc[method, "cpu"] for task in tasks.values() if method in task.index]
            rows.append([f"`{method}`", *cells, seconds_of(seconds)])
        lines += [f"**{title}**", "", *table(rows), ""]
    return lines


def seconds_of(seconds: list[float]) -> str:
    """The least and the most seconds."""
    known = sorted(
        {f"{value:.1f}" if value < 10 else f"{value:.0f}" for value in seconds if np.isfinite(value)}, key=float
    )
    return " to ".join(known[:1] + known[1:][-1:]) if known else "-"


def findings(found: pd.DataFrame) -> list[str]:
    """Who is ahead of whom, told from the numbers."""
    tasks = {name: found.loc[name] for name in dict.fromkeys(found.index.get_level_values(0))}
    both = {name: ahead(task, ("realism", PERSON)) for name, task in tasks.items()}
    whole = {name: ahead(task, ("realism", VARIANCE, GENES, PERSON)) for name, task in tasks.items()}
    lines = [
        told(both, f"no method is ahead of `{OURS}` on realism and person together", "ahead of it on both"),
        told(whole, f"none dominates `{OURS}` on all four numbers", "dominate it on all four"),
    ]
    for name, task in tasks.items():
        table_ = losses(task)
        best = {
            WORDS[realism(task)] if column == "realism" else WORDS[column]: table_.index[
                table_[column] == table_[column].min()
            ]
            for column in table_
        }
        winners = "; ".join(f"{word} {listed(list(names))}" for word, names in best.items())
        lines.append(f"{name}: best {winners}. `{OURS}` dominates {listed(behind(task)) or 'none'}.")
    return [f"- {line}" for line in lines]


def told(by_task: dict[str, list[str]], claim: str, otherwise: str) -> str:
    """A claim for the tasks where it is true, and the methods that break it elsewhere."""
    true = [name for name, methods in by_task.items() if not methods]
    broken = "; ".join(f"on {name} {listed(methods)}" for name, methods in by_task.items() if methods)
    where = f"On {' and '.join(true)} {claim}." if true else ""
    return f"{where} {f'Those {otherwise}: {broken}.' if broken else ''}".strip()


def listed(names: list[str]) -> str:
    """Names side by side."""
    return ", ".join(f"`{name}`" for name in names)


def genes_tables(genes: pd.DataFrame) -> list[str]:
    """A table for genes of a class, one for genes of a person."""
    lines = []
    for title, part in genes[genes["table"] != "CPU"].groupby("table", sort=False):
        kept = part[part["case"] == "mean"]
        wide = kept.pivot_table(index="measure", columns="task", values="value", sort=False)
        cpu = (
            genes[(genes["table"] == "CPU") & genes["task"].isin(wide.columns)]
            .groupby("measure")["value"]
            .agg(["min", "max"])
        )
        rows = [["caller", *wide.columns, "CPU s"]]
        rows += [[str(name), *map(number, row), seconds_of(cpu.loc[name].tolist())] for name, row in wide.iterrows()]
        lines += [f"**{title}**", "", *table(rows), ""]
    return lines


def block(results: pd.DataFrame, genes: pd.DataFrame) -> str:
    """All that the page says of the stored results."""
    found = means(results)
    n_methods = len(set(results["method"]) - set(NOT_METHODS))
    splits = results.groupby("task")["seed"].nunique()
    counted = str(splits.max()) if splits.nunique() == 1 else ", ".join(f"{task} {n}" for task, n in splits.items())
    lines = [
        BEGIN,
        "",
        "## Measured beside peers",
        "",
        f"{n_methods} methods on {len(splits)} tasks, splits each: {counted}; means over splits, all by the same evidence on",
        "held-out donors (`python benchmarks/peers/moves.py`; recipes, and what was shortened or tuned, in",
        "[its page](../benchmarks/peers/README.md)). rho: energy ratio, 0 is real, 1 not moved; variance and gene correlation",
        "against the target's, 1 is right; individuality 1 keeps all that sets a person apart (a mean shift does by",
        "construction); pair error: distance to the person's own sample, the target's mean is 1.",
    ]
    if any(realism(found.loc[name]) == EXCESS for name in splits.index):
        lines.append(
            "Excess: rho's numerator, where the sources lie no farther from real samples than chance and rho is not defined."
        )
    lines += ["", *moves_tables(found), *findings(found), ""]
    if len(genes):
        lines += [
            "Genes, on planted truth (`python benchmarks/peers/genes.py`): of the first 20, the share that was planted.",
            "",
            *genes_tables(genes),
        ]
    return "\n".join([*lines, END])


def with_block(page: str, made: str) -> str:
    """A page with the block in its place, or at its end."""
    if BEGIN in page and END in page:
        before, _, rest = page.partition(BEGIN)
        return before + made + rest.partition(END)[2]
    return f"{page.rstrip()}\n\n{made}\n"


def stored(name: str) -> pd.DataFrame:
    """A table beside this script; empty where it was not measured."""
    path = HERE / name
    return pd.read_csv(path, sep="\t") if path.exists() else pd.DataFrame()


def main() -> None:
    """Write the block, or check it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="only say whether the page is up to date")
    options = parser.parse_args()
    page = PAGE.read_text(encoding="utf-8")
    made = with_block(page, block(stored("results.tsv"), stored("genes.tsv")))
    if not options.check:
        PAGE.write_text(made, encoding="utf-8")
    elif made != page:
        sys.exit(f"{PAGE} is out of date: run python benchmarks/peers/page.py")


if __name__ == "__main__":
    main()
