"""The layouts of tables that programs and archives write: one record each, and how it is known from the table's head.

To add one, write a record below and a test in `tests/data/readers/test_layouts.py`. Columns of text need no record:
they are set apart in any table. A record says what cannot be seen: which numbers are no values, which column names the
rows, in what units the values are, and what to do about a file that is no matrix.
"""

import re
from dataclasses import dataclass

from tspg.data.readers.head import Head
from tspg.data.scale import LOG_SCALE


@dataclass(frozen=True)
class Layout:
    """How one kind of table is known, and what its columns are; names are compared without the case of letters.

    It is known by everything that is said of `starts`, `has` and `file` together.

    Parameters
    ----------
    name
        What a note calls it: "read as NAME".
    starts
        The first names of the header.
    has
        How names anywhere in the header end.
    file
        Regular expression that the file's name holds.
    row_names
        The column that names the rows, if not the first.
    values
        How the name of a column of values ends, where other numbers stand beside them.
    only_rows
        A column, and what stands in it in the rows that are read.
    nameless_rows
        Rows without a name are left out.
    second_header
        One more line of names stands below the header.
    genes_in_rows
        Whether genes are rows; None if the layout does not say.
    units
        The units of the values, if the layout fixes them.
    refusal
        What to do instead, if this is no matrix of genes and samples.
    """

    name: str
    starts: tuple[str, ...] = ()
    has: tuple[str, ...] = ()
    file: str = ""
    row_names: str = ""
    values: str = ""
    only_rows: tuple[str, frozenset[str]] | None = None
    nameless_rows: bool = False
    second_header: bool = False
    genes_in_rows: bool | None = True
    units: str = ""
    refusal: str = ""


_TESTS = "it holds the results of tests, not the values of samples. Give the matrix of normalised values."
_XENA = r"(htseq|star)_(counts|fpkm(.uq)?|tpm)|HiSeqV2|rsem_gene_(tpm|fpkm)|gene_expected_count|\.xena"

LAYOUTS = (
    # No matrices.
    Layout("results of DESeq2", has=("log2FoldChange", "pvalue"), refusal=_TESTS),
    Layout("results of Expression Atlas", ("Gene ID",), has=(".p-value", ".log2foldchange"), refusal=_TESTS),
    Layout("results of limma", has=("logFC", "adj.P.Val"), refusal=_TESTS),
    Layout("results of edgeR", has=("logFC", "logCPM"), refusal=_TESTS),
    Layout(
        "ICGC expression file",
        has=("icgc_donor_id", "gene_id"),
        refusal='it is a long table, one line per gene and sample. Turn it: python -c "import pandas as pd; '
        "pd.read_table('FILE').pivot(index='gene_id', columns='icgc_specimen_id', values='normalized_read_count')"
        ".to_csv('NEW.tsv', sep='\\t')\".",
    ),
    Layout("featureCounts output", ("Geneid", "Chr", "Start", "End", "Strand", "Length")),
    Layout(
        "featureCounts summary",
        ("Status",),
        file=r"\.summary",
        refusal="it counts reads, not genes. Give the file of the same name without .summary.",
    ),
    Layout("nf-core/rnaseq gene table", ("gene_id", "gene_name"), file=r"\.merged\."),
    Layout(
        "nf-core/rnaseq transcript table",
        ("tx", "gene_id"),
        refusal="it holds transcripts. Give the table of genes beside it (salmon.merged.gene_counts.tsv or gene_tpm).",
    ),
    Layout("cBioPortal table", ("Hugo_Symbol", "Entrez_Gene_Id"), nameless_rows=True),
    Layout("cBioPortal table", ("Entrez_Gene_Id", "Hugo_Symbol"), row_names="Hugo_Symbol", nameless_rows=True),
    Layout("UCSC Xena table", ("Ensembl_ID",), file=_XENA, units=LOG_SCALE),
    Layout("UCSC Xena table", ("sample",), file=_XENA, units=LOG_SCALE),
    Layout("UCSC Xena table", ("xena_sample",), file=_XENA, units=LOG_SCALE),
    Layout("Broad Firehose table", ("Hybridization REF",), second_header=True),
    Layout(
        "DepMap table",
        has=("ModelID", "IsDefaultEntryForModel"),
        row_names="ModelID",
        only_rows=("IsDefaultEntryForModel", frozenset({"yes", "true", "1"})),
        genes_in_rows=False,
    ),
    Layout("DepMap table", ("ModelID",), genes_in_rows=False),
    Layout("Expression Atlas table", ("Gene ID", "Gene Name")),
    Layout(
        "Cufflinks FPKM tracking",
        ("tracking_id", "class_code", "nearest_ref_id"),
        row_names="gene_id",
        values="_FPKM",
    ),
)


def recognised(head: Head, file: str) -> Layout | None:
    """The layout of a table that starts like this, or None if it is an ordinary one."""
    names = [name.casefold() for name in head.header]
    return next((layout for layout in LAYOUTS if _fits(layout, names, file)), None)


def _fits(layout: Layout, names: list[str], file: str) -> bool:
    starts = [name.casefold() for name in layout.starts]
    return (
        names[: len(starts)] == starts
        and all(any(name.endswith(end.casefold()) for name in names) for end in layout.has)
        and re.search(layout.file, file, re.IGNORECASE) is not None
    )
