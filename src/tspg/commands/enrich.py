"""`tspg enrich`: what a finished run's genes do, or those of a list."""

from argparse import Namespace
from collections.abc import Mapping

import pandas as pd

from tspg.analysis.enrichment import Query, enrichment_tables, over_representation
from tspg.analysis.perturbations import read_perturbations
from tspg.analysis.thresholds import ENRICHED
from tspg.analysis.wording import counted
from tspg.claim import MANIFEST, new_folder
from tspg.data.annotations import annotation_files, read_annotations
from tspg.data.genesets import read_gene_list
from tspg.errors import UsageError
from tspg.files import sha256_of
from tspg.manifest import verify
from tspg.progress import Report
from tspg.report.run_files import Tables
from tspg.run_folder import save_tables
from tspg.strangers import fitting_together


def carry_out(options: Namespace, _report: Report) -> list[str]:
    """Enrichment tables in a folder of their own."""
    if (options.genes is None) != (options.background is None):
        raise UsageError("Give both --genes and --background: every gene that could have been in the list.")
    with new_folder(options.out):
        annotations, files = read_annotations(options.annotations), annotation_files(options.annotations)
        if options.run is not None:
            manifest = verify(options.run)
            with fitting_together(options.run):
                moved, found = read_perturbations(options.run), Tables(options.run)
                tables = enrichment_tables(
                    moved,
                    found["top_genes"],
                    annotations,
                    method=options.enrichment,
                    samples=manifest["samples"],
                    genes=found["genes"],
                    sample_genes=found["sample_genes"],
                )
            files.append(options.run / MANIFEST)
        else:
            genes, background = read_gene_list(options.genes), read_gene_list(options.background)
            tables = {"enrichment": over_representation({Query("", "", ""): genes}, background, annotations)}
            files += [options.genes, options.background]
        save_tables(options.out, tables, inputs={str(file): sha256_of(file) for file in files})
    return [*_enriched(tables), f"Tables: {', '.join(str(options.out / f'{name}.tsv') for name in tables)}"]


def _enriched(tables: Mapping[str, pd.DataFrame]) -> list[str]:
    """How much of each table is enriched, how much of it also if genes go together, and the surest term."""
    lines = []
    for name, table in tables.items():
        found = table[table["q_value"] < ENRICHED]
        line = f"{name}: {counted(len(found), 'term')} with q < {ENRICHED}"
        measure = "q_value_correlated" if "q_value_correlated" in table else "q_value"
        if measure != "q_value" and len(found):
            held = int((found[measure] < ENRICHED).sum())
            line += f", {held:,} of them also if the genes of a set go together (q_value_correlated)"
        if len(found):
            best = found.sort_values([measure, "p_value"], kind="stable").iloc[0]
            line += f"; the surest is {best['term']} ({measure} {best[measure]:.2g})"
        lines.append(f"{line}.")
    return lines
