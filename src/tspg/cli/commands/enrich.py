"""`tspg enrich`: what a finished run's genes do, or those of a list."""

from argparse import Namespace
from collections.abc import Mapping, Sequence

import pandas as pd

from tspg.analysis.evaluation.thresholds import ENRICHED
from tspg.analysis.interpretation.enrichment import enrich, enrichment_tables
from tspg.analysis.interpretation.perturbations import read_perturbations
from tspg.cli.terminal import wrapped
from tspg.data.annotations import Annotation, annotation_files, carried_annotations, read_annotations
from tspg.data.genesets import read_gene_list
from tspg.data.identifiers import AvailableGenes, match_genes
from tspg.errors import UsageError
from tspg.report.manifest import verify
from tspg.report.read import Tables
from tspg.report.save import save_tables
from tspg.utils.files import sha256_of
from tspg.utils.lock import MANIFEST, new_folder
from tspg.utils.progress import Progress
from tspg.utils.text import counted, small
from tspg.utils.timing import Clock
from tspg.utils.untrusted import require_consistent

TESTS = {"enrichment": "Top genes", "enrichment_ranked": "All genes by rank"}


def run(options: Namespace, progress: Progress) -> list[str]:
    """Enrichment tables in a folder of their own."""
    if (options.genes is None) != (options.background is None):
        raise UsageError("Give both --genes and --background: every gene that could have been in the list.")
    clock = Clock(progress)
    with new_folder(options.out):
        annotations, files = read_annotations(options.annotations), annotation_files(options.annotations)
        notes = [note for one in annotations for note in one.gene_sets.notes]
        if options.run is not None:
            manifest = verify(options.run)
            with require_consistent(options.run):
                moved, found = read_perturbations(options.run), Tables(options.run)
                _require_known(annotations, list(map(str, moved.var_names)), "the run")
                with clock.phase("meaning"):
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
            background = read_gene_list(options.background)
            genes, ways = _as_in(background, read_gene_list(options.genes))
            notes += [f"genes were found in the background by another form of their names ({ways})"] if ways else []
            _require_known(annotations, background, "the background")
            with clock.phase("meaning"):
                tables = {"enrichment": enrich(genes, background, annotations)}
            files += [options.genes, options.background]
        save_tables(options.out, tables, inputs={str(file): sha256_of(file) for file in files})
    said = [*_enriched(tables), *(f"Note: {note}" for note in dict.fromkeys(notes))]
    return [
        *(part for line in said for part in wrapped(line)),
        *(f"Table: {options.out / f'{name}.tsv'}" for name in tables),
    ]


def _as_in(background: Sequence[str], genes: Sequence[str]) -> tuple[list[str], str]:
    """The genes under the names that the background has for them, as far as it has; and the ways that this took."""
    found, ways = AvailableGenes(background).find(genes)
    return [background[found[gene]] if gene in found else gene for gene in genes], ", ".join(ways)


def _require_known(annotations: Sequence[Annotation], genes: Sequence[str], where: str) -> None:
    """Refuse a user's annotations of which no gene is there: nothing could be enriched."""
    available = AvailableGenes(genes)
    for own in annotations:
        if own not in carried_annotations():
            match_genes(own.gene_sets.union().genes, available, name=own.category, where=where)


def _enriched(tables: Mapping[str, pd.DataFrame]) -> list[str]:
    """How much of each table is enriched, how much of it also if genes go together, and the surest term."""
    lines = []
    for name, table in tables.items():
        found = table[table["q_value"] < ENRICHED]
        line = f"{TESTS[name]}: {counted(len(found), 'gene set')} with q < {ENRICHED}"
        measure = "q_value_correlated" if "q_value_correlated" in table else "q_value"
        if measure != "q_value" and len(found):
            held = int((found[measure] < ENRICHED).sum())
            line += f", {held:,} of them also if the genes of a set go together"
        if len(found):
            best = found.sort_values([measure, "p_value"], kind="stable").iloc[0]
            line += f"; the surest is {best['term']} (q = {small(best[measure])})"
        lines.append(f"{line}.")
    return lines
