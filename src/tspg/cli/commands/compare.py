"""`tspg compare`: genes that several targets share from one source, and those that one target alone needs."""

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from tspg.analysis.interpretation.genes import compare_targets
from tspg.cli.terminal import wrapped
from tspg.errors import UsageError
from tspg.report.figures.captions import of_overlap
from tspg.report.figures.overlap import plot_overlap
from tspg.report.figures.save import FEWEST_LISTS, save_figure, write_captions
from tspg.report.manifest import verify
from tspg.report.read import read_run
from tspg.report.save import save_tables
from tspg.utils.files import read_table, safe_name, sha256_of
from tspg.utils.lock import MANIFEST, new_folder
from tspg.utils.progress import Progress
from tspg.utils.timing import Clock
from tspg.utils.untrusted import require_consistent

MOST_NAMED, INDENT = 12, 6  # genes that are named in the terminal, the table has all; of the lines after the first
DONE = {"up": "raised", "down": "lowered"}


def run(options: Namespace, progress: Progress) -> list[str]:
    """A table of every gene in a list, and one figure a source."""
    clock = Clock(progress)
    with new_folder(options.out):
        top = _top_genes(options.runs)
        table = compare_targets(top)
        by_source = {str(name): rows for name, rows in table.groupby("source_class")}
        figures: list[Path] = []
        captions: dict[str, str] = {}
        for source, rows in by_source.items() if len(top) >= FEWEST_LISTS else ():
            lists = {
                str(way): {target: list(genes.loc[genes[f"rank in {target}"].notna(), "gene"]) for target in top}
                for way, genes in rows.groupby("direction", sort=False)
            }
            name = "compare" if len(by_source) == 1 else f"compare-{safe_name(source)}"
            with clock.phase("figures"):
                figures += save_figure(plot_overlap(lists), options.out / "figures", name, options.figures)
            captions[name] = of_overlap(lists, "targets")
        if captions:
            write_captions(options.out / "figures", captions)
        manifests = {str(folder / MANIFEST): sha256_of(folder / MANIFEST) for folder in options.runs}
        save_tables(options.out, {"compare": table}, inputs=manifests)
    lines = [line for source, rows in by_source.items() for line in _shared(source, rows, list(top))]
    return [*lines, f"Table: {options.out / 'compare.tsv'}", *(f"Figure: {figure}" for figure in figures)]


def _top_genes(folders: Sequence[Path]) -> dict[str, pd.DataFrame]:
    """The lists of top genes of finished runs by target, as far as runs are compared by them."""
    top: dict[str, pd.DataFrame] = {}
    for folder in folders:
        verify(folder)
        with require_consistent(folder):
            target = read_run(folder).target
            if target in top:
                raise UsageError(f"{folder}: the target {target!r} comes twice. Compare runs to several targets.")
            table = read_table(folder / "top_genes.tsv")
            lists = table[["source_class", "sample", "direction", "gene"]]
            top[target] = lists.assign(rank=pd.to_numeric(table["rank"]))
    if len(top) < 2:
        raise UsageError("Name two or more run folders.")
    return top


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
