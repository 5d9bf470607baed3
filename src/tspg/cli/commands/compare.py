"""`tspg compare`: genes that several targets share from one source, and those that one target alone needs."""

from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from tspg.analysis.interpretation.genes import compare_genes, compare_targets, compared_sources
from tspg.cli.terminal import wrapped
from tspg.errors import UsageError
from tspg.report.compare.groups import Compared, of_lists
from tspg.report.compare.page import write_compare_page
from tspg.report.figures.captions import of_overlap
from tspg.report.figures.overlap import plot_overlap
from tspg.report.figures.save import FEWEST_LISTS, save_figure, write_captions
from tspg.report.manifest import verify
from tspg.report.read import RunFiles, read_run
from tspg.report.save import save_tables
from tspg.utils.files import read_table, safe_name, sha256_of
from tspg.utils.lock import MANIFEST, new_folder
from tspg.utils.progress import Progress
from tspg.utils.timing import Clock
from tspg.utils.untrusted import require_consistent

PAGE = "compare.html"
MOST_NAMED, INDENT = 12, 6  # genes that are named in the terminal, the table has all; of the lines after the first
DONE = {"up": "raised", "down": "lowered"}


def run(options: Namespace, progress: Progress) -> list[str]:
    """Tables of every gene in a list and of every gene tested, and the page of all runs side by side."""
    with new_folder(options.out):
        runs, top = _finished(options.runs)
        table = compare_targets(top)
        tested = _tested(runs)
        views = tested or of_lists(table, list(top))
        by_source = {str(name): rows for name, rows in table.groupby("source_class")}
        figures: list[Path] = []
        if len(top) >= FEWEST_LISTS:
            with Clock(progress).phase("figures"):
                figures = _figures(options.out, by_source, list(top), options.figures)
        genes = {"compare_genes": pd.concat([view.table for view in tested], ignore_index=True)} if tested else {}
        manifests = {str(folder / MANIFEST): sha256_of(folder / MANIFEST) for folder in options.runs}
        tables = {"compare": table, **genes}
        write_compare_page(options.out / PAGE, views, runs, beside=[f"{name}.tsv" for name in tables])
        save_tables(options.out, tables, inputs=manifests)
    lines = [line for source, rows in by_source.items() for line in _shared(source, rows, list(top))]
    return [*lines, f"Page: {options.out / PAGE}", *(f"Figure: {figure}" for figure in figures)]


def _finished(folders: Sequence[Path]) -> tuple[list[RunFiles], dict[str, pd.DataFrame]]:
    """Finished runs, and by target their lists of top genes, as far as runs are compared by them."""
    runs: list[RunFiles] = []
    top: dict[str, pd.DataFrame] = {}
    for folder in folders:
        verify(folder)
        with require_consistent(folder):
            run = read_run(folder)
            if run.target in top:
                raise UsageError(f"{folder}: the target {run.target!r} comes twice. Compare runs to several targets.")
            table = read_table(folder / "top_genes.tsv")
            lists = table[["source_class", "sample", "direction", "gene"]]
            top[run.target] = lists.assign(rank=pd.to_numeric(table["rank"]))
            runs.append(run)
    if len(top) < 2:
        raise UsageError("Name two or more run folders.")
    return runs, top


def _tested(runs: Sequence[RunFiles]) -> list[Compared]:
    """The genes of all runs from each source that they have in common; none where a run has no test of its genes."""
    tables = {run.target: run.tables["genes"] for run in runs}
    if any(table.empty or table["q_value"].isna().all() for table in tables.values()):
        return []
    sources = compared_sources(tables)
    table = compare_genes(tables, sources)
    return [Compared(one, list(tables), table[table["source_class"] == one], is_tested=True) for one in sources]


def _figures(
    out: Path, by_source: Mapping[str, pd.DataFrame], targets: list[str], formats: Sequence[str]
) -> list[Path]:
    """Which combinations of targets share how many genes, one figure a source."""
    figures: list[Path] = []
    captions: dict[str, str] = {}
    for source, rows in by_source.items():
        lists = {
            str(way): {target: list(genes.loc[genes[f"rank in {target}"].notna(), "gene"]) for target in targets}
            for way, genes in rows.groupby("direction", sort=False)
        }
        name = "compare" if len(by_source) == 1 else f"compare-{safe_name(source)}"
        figures += save_figure(plot_overlap(lists), out / "figures", name, formats)
        captions[name] = of_overlap(lists, "targets")
    write_captions(out / "figures", captions)
    return figures


def _shared(source: str, rows: pd.DataFrame, targets: list[str]) -> list[str]:
    """Genes that all targets share from a source class, and that one alone needs."""
    lines = wrapped(f"From {source} to {', '.join(targets)}:")
    for way in rows["direction"].unique():
        of_way = rows[rows["direction"] == way]
        shared = list(of_way.loc[of_way["n_targets"] == len(targets), "gene"])
        lines += wrapped(f"  {DONE[way]} for all: {_first(shared)}", INDENT)
        for target in targets:
            alone = list(of_way.loc[of_way["targets"] == target, "gene"])
            lines += wrapped(f"  {DONE[way]} for {target} alone: {_first(alone)}", INDENT)
    return lines


def _first(genes: list[str]) -> str:
    rest = f" and {len(genes) - MOST_NAMED} more" if len(genes) > MOST_NAMED else ""
    return f"{', '.join(genes[:MOST_NAMED])}{rest}" if genes else "none"
