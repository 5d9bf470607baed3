"""The layouts of text tables that programs and archives write, one record each: matrices, and files of one sample.

To add one, write a record below and a test in `tests/data/readers/test_layouts.py` or `test_sample_files.py`. Columns
of text need no record, since they are set apart in any table. A record holds what the file does not show: which numbers
are no values, which column names the rows, the units of the values, and what to do about a file that is no matrix.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tspg.data.readers.kinds import plain_name
from tspg.data.scale import ESTIMATED_COUNTS, LINEAR, LOG_SCALE, RAW_COUNTS


@dataclass(frozen=True)
class MatrixLayout:
    """How one kind of matrix is recognised, by `starts`, `has` and `file` together, and what its columns are.

    Names are compared without the case of letters.
    """

    name: str  # a note says "read as NAME"
    starts: tuple[str, ...] = ()  # the first names of the header
    has: tuple[str, ...] = ()  # how names anywhere in the header end
    file: str = ""  # regular expression that occurs in the file's name
    row_names: str = ""  # the column that names the rows, if not the first
    values: str = ""  # how the names of columns of values end, if other numbers are beside them
    only_rows: tuple[str, frozenset[str]] | None = None  # a column, and its entries in the rows that are read
    nameless_rows: bool = False  # rows without a name are left out
    second_header: bool = False  # one more line of names follows the header
    genes_in_rows: bool | None = True  # None: the layout does not say
    units: str = ""  # of the values, if the layout fixes them
    refusal: str = ""  # what to do instead, if this is no matrix of genes and samples


_TESTS = "it holds the results of tests, not the values of samples. Give the matrix of normalised values."
_XENA = r"(htseq|star)_(counts|fpkm(.uq)?|tpm)|HiSeqV2|rsem_gene_(tpm|fpkm)|gene_expected_count|\.xena"
_FEATURE_COUNTS = ("Geneid", "Chr", "Start", "End", "Strand", "Length")

MATRIX_LAYOUTS = (
    # No matrices.
    MatrixLayout("results of DESeq2", has=("log2FoldChange", "pvalue"), refusal=_TESTS),
    MatrixLayout("results of Expression Atlas", ("Gene ID",), has=(".p-value", ".log2foldchange"), refusal=_TESTS),
    MatrixLayout("results of limma", has=("logFC", "adj.P.Val"), refusal=_TESTS),
    MatrixLayout("results of edgeR", has=("logFC", "logCPM"), refusal=_TESTS),
    MatrixLayout(
        "ICGC expression file",
        has=("icgc_donor_id", "gene_id"),
        refusal='it is a long table, one line per gene and sample. Turn it: python -c "import pandas as pd; '
        "pd.read_table('FILE').pivot(index='gene_id', columns='icgc_specimen_id', values='normalized_read_count')"
        ".to_csv('NEW.tsv', sep='\\t')\".",
    ),
    MatrixLayout("featureCounts output", _FEATURE_COUNTS),
    MatrixLayout(
        "featureCounts summary",
        ("Status",),
        file=r"\.summary",
        refusal="it counts reads, not genes. Give the file of the same name without .summary.",
    ),
    MatrixLayout("nf-core/rnaseq gene table", ("gene_id", "gene_name"), file=r"\.merged\."),
    MatrixLayout(
        "nf-core/rnaseq transcript table",
        ("tx", "gene_id"),
        refusal="it holds transcripts. Give the table of genes beside it (salmon.merged.gene_counts.tsv or gene_tpm).",
    ),
    MatrixLayout("cBioPortal table", ("Hugo_Symbol", "Entrez_Gene_Id"), nameless_rows=True),
    MatrixLayout("cBioPortal table", ("Entrez_Gene_Id", "Hugo_Symbol"), row_names="Hugo_Symbol", nameless_rows=True),
    *(
        MatrixLayout("UCSC Xena table", (corner,), file=_XENA, units=LOG_SCALE)
        for corner in ("Ensembl_ID", "sample", "xena_sample")
    ),
    MatrixLayout("Broad Firehose table", ("Hybridization REF",), second_header=True),
    MatrixLayout(
        "DepMap table",
        has=("ModelID", "IsDefaultEntryForModel"),
        row_names="ModelID",
        only_rows=("IsDefaultEntryForModel", frozenset({"yes", "true", "1"})),
        genes_in_rows=False,
    ),
    MatrixLayout("DepMap table", ("ModelID",), genes_in_rows=False),
    MatrixLayout("Expression Atlas table", ("Gene ID", "Gene Name")),
    MatrixLayout(
        "Cufflinks FPKM tracking", ("tracking_id", "class_code", "nearest_ref_id"), row_names="gene_id", values="_FPKM"
    ),
)


def matrix_layout(header: Sequence[str], file: str) -> MatrixLayout | None:
    """The layout of a table with this header and file name, or None if it is an ordinary one."""
    names = [name.casefold() for name in header]
    for layout in MATRIX_LAYOUTS:
        starts = [name.casefold() for name in layout.starts]
        ends_there = (any(name.endswith(end.casefold()) for name in names) for end in layout.has)
        if names[: len(starts)] == starts and all(ends_there) and re.search(layout.file, file, re.IGNORECASE):
            return layout
    return None


@dataclass(frozen=True)
class SampleLayout:
    """How one kind of file with the genes of one sample is recognised, and what its columns are.

    `values` are the columns that `--value` may name, the default first, with their units ("" if only the numbers can
    tell); empty means the last column, whatever its name.
    """

    name: str
    columns: tuple[str, ...]  # in the header, the genes' first; all columns of a file without a header
    values: dict[str, str] = field(default_factory=dict)
    endings: tuple[str, ...] = ()  # cut off a file's name to get the sample's
    symbol: str = ""  # the column with the genes' symbols
    n_columns: int = 0  # the number of columns, if it must be checked
    has_header: bool = True
    alone: bool = True  # such a file is never a matrix, not even one of a single sample
    genes_instead: str = ""  # how to get genes from a file of transcripts

    def sample_name(self, path: Path) -> str:
        """A file's name without what all files of this layout end in; empty if nothing is left."""
        name = plain_name(path.name)
        ending = max((one for one in self.endings if name.lower().endswith(one.lower())), key=len, default="")
        return name.removesuffix(name[len(name) - len(ending) :] if ending else Path(name).suffix).rstrip("._-")


SAMPLE_LAYOUTS = (
    SampleLayout(
        "GDC STAR counts",
        ("gene_id", "gene_name", "unstranded", "tpm_unstranded"),
        {
            **dict.fromkeys(("unstranded", "stranded_first", "stranded_second"), RAW_COUNTS),
            **dict.fromkeys(("tpm_unstranded", "fpkm_unstranded", "fpkm_uq_unstranded"), LINEAR),
        },
        ("rna_seq.augmented_star_gene_counts.tsv",),
        symbol="gene_name",
    ),
    SampleLayout(
        "kallisto abundances",
        ("target_id", "length", "eff_length", "est_counts", "tpm"),
        {"est_counts": ESTIMATED_COUNTS, "tpm": LINEAR},
        ("abundance.tsv",),
        genes_instead='in R: tximport(files, type="kallisto", tx2gene=tx2gene)$counts',
    ),
    SampleLayout(
        "salmon quantification",
        ("Name", "Length", "EffectiveLength", "TPM", "NumReads"),
        {"NumReads": ESTIMATED_COUNTS, "TPM": LINEAR},
        ("quant.genes.sf", "quant.sf", "genes.sf"),
        genes_instead="quant.genes.sf, which salmon quant --geneMap writes beside it; or in R: "
        'tximport(files, type="salmon", tx2gene=tx2gene)$counts',
    ),
    SampleLayout(
        "RSEM genes",
        ("gene_id", "transcript_id(s)", "expected_count", "TPM", "FPKM"),
        {"expected_count": ESTIMATED_COUNTS, "TPM": LINEAR, "FPKM": LINEAR},
        ("genes.results",),
    ),
    SampleLayout(
        "RSEM isoforms",
        ("transcript_id", "gene_id", "expected_count", "TPM"),
        {"expected_count": ESTIMATED_COUNTS},
        ("isoforms.results",),
        genes_instead="the files called *.genes.results beside them",
    ),
    SampleLayout(
        "TCGA RSEM genes",
        ("gene_id", "raw_count", "scaled_estimate"),
        {"raw_count": ESTIMATED_COUNTS, "scaled_estimate": LINEAR},
        ("rsem.genes.results",),
    ),
    SampleLayout(
        "TCGA normalised RSEM genes",
        ("gene_id", "normalized_count"),
        {"normalized_count": LINEAR},
        ("rsem.genes.normalized_results",),
    ),
    SampleLayout(
        "GDC miRNA quantification",
        ("miRNA_ID", "read_count", "reads_per_million_miRNA_mapped"),
        {"read_count": RAW_COUNTS, "reads_per_million_miRNA_mapped": LINEAR},
        ("mirbase21.mirnas.quantification.txt", "mirnaseq.mirnas.quantification.txt", "mirnas.quantification.txt"),
    ),
    SampleLayout(
        "StringTie gene abundances",
        ("Gene ID", "Gene Name", "Coverage", "FPKM", "TPM"),
        dict.fromkeys(("TPM", "FPKM", "Coverage"), LINEAR),
        tuple(
            f"gene{word}{ending}"
            for word in ("_abund", "_abundance", "_abundances")
            for ending in (".txt", ".tsv", ".tab", ".csv")
        ),
        symbol="Gene Name",
    ),
    SampleLayout(
        "Cufflinks genes",
        ("tracking_id", "gene_short_name", "FPKM"),
        {"FPKM": LINEAR},
        ("genes.fpkm_tracking",),
        symbol="gene_short_name",
    ),
    SampleLayout(
        "featureCounts output",
        _FEATURE_COUNTS,
        endings=("featureCounts.txt", "featureCounts.tsv", "counts.txt"),
        n_columns=7,
        alone=False,
    ),
    SampleLayout(
        "STAR gene counts",
        ("gene", "unstranded", "forward", "reverse"),
        dict.fromkeys(("unstranded", "forward", "reverse"), RAW_COUNTS),
        ("ReadsPerGene.out.tab",),
        n_columns=4,
        has_header=False,
    ),
    SampleLayout(
        "HTSeq counts with names",
        ("gene", "gene_name", "value"),
        {"value": ""},
        ("htseq.counts", "htseq_counts.txt", "counts.txt", "counts.tsv"),
        symbol="gene_name",
        n_columns=3,
        has_header=False,
    ),
    SampleLayout(
        "genes and values without a header, as HTSeq writes them",
        ("gene", "value"),
        {"value": ""},
        ("htseq.counts", "htseq_counts.txt", "counts.txt", "counts.tsv", "FPKM.txt", "FPKM-UQ.txt"),
        n_columns=2,
        has_header=False,
    ),
    SampleLayout("genes and values", (), endings=("counts.txt", "counts.tsv"), n_columns=2, alone=False),
)


@dataclass(frozen=True)
class SampleFormat:
    """The layout of one file, its columns, what separates them, and the number of lines above the values."""

    layout: SampleLayout
    columns: tuple[str, ...]
    delimiter: str
    n_above: int

    @property
    def gene(self) -> str:
        """The column of the genes' names."""
        return (self.layout.columns or self.columns)[0]

    @property
    def values(self) -> dict[str, str]:
        """The columns that can be read as values, the default first, with their units."""
        known = {name: units for name, units in self.layout.values.items() if name in self.columns}
        return known or {self.columns[-1]: ""}


_TRANSCRIPT = re.compile(r"ENS[A-Z]*T\d|[NX][MR]_\d")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$")
_ROW_NAMES = frozenset({"", "gene", "gene_id", "geneid", "genes", "symbol", "id", "name", "sample", "sample_id"})


def sample_format(head: bytes) -> SampleFormat | None:
    """The format of a file of one sample that begins like this; None if it is none, such as a matrix."""
    lines = head.decode("utf-8", "replace").lstrip("\ufeff").replace("\r\n", "\n").split("\n")[:-1]
    n_comments = next((at for at, line in enumerate(lines) if not line.startswith("#")), len(lines))
    if len(lines) < n_comments + 2:
        return None
    first, second = lines[n_comments : n_comments + 2]
    delimiter = "\t" if "\t" in first else ","
    names, cells = first.split(delimiter), second.split(delimiter)
    for layout in SAMPLE_LAYOUTS:
        if layout.has_header and _fits_header(layout, names, cells):
            return SampleFormat(layout, tuple(names), delimiter, n_comments + 1)
        if not layout.has_header and n_comments == 0 and all(_fits_row(layout, row) for row in (names, cells)):
            return SampleFormat(layout, layout.columns, delimiter, 0)
    return None


def _fits_header(layout: SampleLayout, names: list[str], cells: list[str]) -> bool:
    is_header = not _NUMBER.match(names[-1]) or names[0].casefold() in _ROW_NAMES
    fits = len(cells) == len(names) == (layout.n_columns or len(names))
    return is_header and fits and set(layout.columns) <= set(names) and (layout.alone or bool(_NUMBER.match(cells[-1])))


def _fits_row(layout: SampleLayout, cells: list[str]) -> bool:
    """Whether a line fits a layout without a header: numbers exactly where it has values."""
    if len(cells) != layout.n_columns or cells[0].casefold() in _ROW_NAMES:
        return False
    named = zip(layout.columns[1:], cells[1:], strict=True)
    return all(bool(_NUMBER.match(cell)) == (name in layout.values) for name, cell in named)


def is_transcript(name: str) -> bool:
    """Whether a name is the Ensembl or RefSeq id of a transcript."""
    return _TRANSCRIPT.match(name) is not None
