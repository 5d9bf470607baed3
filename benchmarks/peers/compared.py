"""The part of docs/compared.md that is made from the stored results: tables and what follows from them.

    python benchmarks/peers/compared.py [--check]

It stands between two comments; a page without them gets it at its end. `--check` says whether the page is up to date.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "compared.md"
BEGIN = "<!-- made by benchmarks/peers/compared.py from stored results -->"
END = "<!-- end of what compared.py makes -->"
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
    """Means over splits: a row for each task and method, a column for each measure, `cpu` and `splits`."""
    wide = results.pivot_table(index=["task", "method"], columns="measure", values="value", sort=False)
    grouped = results.groupby(["task", "method"])
    return wide.assign(cpu=grouped["cpu"].mean(), splits=grouped["seed"].nunique())


def realism(task: pd.DataFrame) -> str:
    """The measure of realism of a task: the energy ratio, or its numerator where that is not defined."""
    return RHO if RHO in task and task[RHO].notna().any() else EXCESS


def losses(task: pd.DataFrame) -> pd.DataFrame:
    """For each method how far it is from the best on the four measures; a realism below 0 counts as 0."""
    columns = {
        "realism": task[realism(task)].clip(lower=0),
        VARIANCE: np.log(task[VARIANCE].clip(lower=1e-3)).abs(),
        GENES: -task[GENES],
        PERSON: -task[PERSON],
    }
    found = pd.DataFrame(columns).drop(index=list(NOT_METHODS), errors="ignore")
    return found.fillna(np.inf)  # profiles that do not differ have no correlations


def against_ours(results: pd.DataFrame, task: str) -> dict[str, tuple[pd.Series, pd.Series]]:
    """The losses of every other method and ours, both in the mean over the splits that the method was run on."""
    part = results[results["task"] == task]
    pairs = {}
    for method in dict.fromkeys(part["method"]):
        if method not in (OURS, *NOT_METHODS):
            seeds = set(part.loc[part["method"] == method, "seed"])
            both = part[part["seed"].isin(seeds) & part["method"].isin([method, OURS])]
            table_ = losses(means(both).loc[task])
            pairs[method] = table_.loc[method], table_.loc[OURS]
    return pairs


def ahead(results: pd.DataFrame, task: str, measures: tuple[str, ...]) -> list[str]:
    """The methods that are no worse than ours on all of these measures and better on one."""
    found = []
    for method, (theirs, ours) in against_ours(results, task).items():
        there, here = theirs[list(measures)], ours[list(measures)]
        if (there <= here).all() and (there < here).any():
            found.append(method)
    return found


def behind(results: pd.DataFrame, task: str) -> list[str]:
    """The methods that ours dominates: they are better on none of the four measures."""
    return [method for method, (theirs, ours) in against_ours(results, task).items() if (theirs >= ours).all()]


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
        rows = [["method", "splits", *heads, "CPU s"]]
        for method in (*methods, *NOT_METHODS):
            has = {name: task.loc[method] for name, task in tasks.items() if method in task.index}
            cells = [cell(has[name], columns[name]) if name in has else "-" for name in tasks]
            splits = "/".join(dict.fromkeys(f"{row['splits']:.0f}" for row in has.values()))
            rows.append([f"`{method}`", splits, *cells, seconds_of([row["cpu"] for row in has.values()])])
        lines += [f"**{title}**", "", *table(rows), ""]
    return lines


def seconds_of(seconds: list[float]) -> str:
    """The least and the most seconds."""
    known = sorted(
        {f"{value:.1f}" if value < 10 else f"{value:.0f}" for value in seconds if np.isfinite(value)}, key=float
    )
    return " to ".join(known[:1] + known[1:][-1:]) if known else "-"


def findings(results: pd.DataFrame) -> list[str]:
    """Who is ahead of whom, told from the numbers."""
    found = means(results)
    tasks = {name: found.loc[name] for name in dict.fromkeys(found.index.get_level_values(0))}
    both = {name: ahead(results, name, ("realism", PERSON)) for name in tasks}
    whole = {name: ahead(results, name, ("realism", VARIANCE, GENES, PERSON)) for name in tasks}
    lines = [
        told(both, f"no method is ahead of `{OURS}` on realism and person together", "ahead of it on both"),
        told(whole, f"none is ahead of `{OURS}` on all four numbers", "ahead of it on all four"),
    ]
    for name, task in tasks.items():
        words = {"realism": WORDS[realism(task)], **WORDS}
        whole_task = losses(task[task["splits"] == task["splits"].max()])  # one split alone is another question
        best = {words[column]: values.index[values == values.min()] for column, values in whole_task.items()}
        winners = "; ".join(f"{word} {listed(list(names))}" for word, names in best.items())
        worse = behind(results, name)
        lines.append(
            f"{name}: best over all splits {winners}. `{OURS}` is ahead on all four of {listed(worse) or 'none'}."
        )
    return [f"- {line}" for line in lines]


def told(by_task: dict[str, list[str]], claim: str, otherwise: str) -> str:
    """A claim for the tasks where it is true, and the methods that break it elsewhere."""
    true = [name for name, methods in by_task.items() if not methods]
    broken = "; ".join(f"on {name} {listed(methods)}" for name, methods in by_task.items() if methods)
    where = f"On {', '.join(true)} {claim}." if true else ""
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
    tasks = dict.fromkeys(results["task"])
    lines = [
        BEGIN,
        "",
        "## Measured beside peers",
        "",
        f"{n_methods} methods on {len(tasks)} tasks, means over splits of the donors, by the same evidence",
        "(`python benchmarks/peers/moves.py`; recipes, what was tuned and what shortened:",
        "`benchmarks/peers/README.md`). rho: energy ratio, 0 is real, 1 not moved. Variance and",
        "gene correlation against the target's: 1 is right. Individuality: 1 keeps all that sets a person apart, as a",
        "mean shift does by construction. Pair error: distance to the person's own sample; the target's mean is 1.",
    ]
    if any(realism(found.loc[name]) == EXCESS for name in tasks):
        lines.append("Excess: rho's numerator, where sources lie no farther from real samples than chance: no rho.")
    lines += ["", *moves_tables(found), *findings(results), ""]
    if len(genes):
        lines += [
            "Planted genes (`python benchmarks/peers/genes.py`): the share of them among the first 20.",
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
        sys.exit(f"{PAGE} is out of date: run python benchmarks/peers/compared.py")


if __name__ == "__main__":
    main()
