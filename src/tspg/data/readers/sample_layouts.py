"""Files with the genes of one sample, as programs and archives write them: one record each.

To add one, write a record below and a line in `tests/data/readers/test_sample_files.py`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tspg.data.readers.kinds import plain_name
from tspg.data.scale import ESTIMATED_COUNTS, LINEAR, RAW_COUNTS

_TRANSCRIPT = re.compile(r"ENS[A-Z]*T\d|[NX][MR]_\d")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$")
_ROW_NAMES = frozenset({"", "gene", "gene_id", "geneid", "genes", "symbol", "id", "name", "sample", "sample_id"})


@dataclass(frozen=True)
class SampleLayout:
    """How one kind of file is known, and which of its columns are what.

    `columns` are names that the header holds all of, the first of them that of the genes; a file without a header is
    called by them. `values` are the columns that `--value` may name, the first unless it says so, with their units
    ("" where only the numbers can tell); empty means the last column, whatever it is called. `endings` are cut off a
    file's name to get the sample's. `n_columns` is how many columns there are where that must be checked. `alone`
    says that such a file is no matrix, even one of a single sample.
    """

    name: str
    columns: tuple[str, ...]
    values: dict[str, str] = field(default_factory=dict)
    endings: tuple[str, ...] = ()
    symbol: str = ""
    n_columns: int = 0
    has_header: bool = True
    alone: bool = True
    genes_instead: str = ""

    def sample_name(self, path: Path) -> str:
        """What a file of this layout is called without what all such files end in; empty if nothing is left."""
        name = plain_name(path.name)
        ending = max((one for one in self.endings if name.lower().endswith(one.lower())), key=len, default="")
        return name.removesuffix(name[len(name) - len(ending) :] if ending else Path(name).suffix).rstrip("._-")


_TEXT = (".txt", ".tsv", ".tab", ".csv")
LAYOUTS = (
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
        genes_instead="the files called *.genes.results that lie beside them",
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
        tuple(f"gene{word}{ending}" for word in ("_abund", "_abundance", "_abundances") for ending in _TEXT),
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
        ("Geneid", "Chr", "Start", "End", "Strand", "Length"),
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
class Recognised:
    """The layout of a file, the names of its columns, what is between them, and how many lines are above the values."""

    layout: SampleLayout
    columns: tuple[str, ...]
    delimiter: str
    n_above: int

    @property
    def gene(self) -> str:
        """The column of the genes' names."""
        return self.layout.columns[0] if self.layout.columns else self.columns[0]

    @property
    def values(self) -> dict[str, str]:
        """The columns that can be read as values, with their units."""
        known = {name: units for name, units in self.layout.values.items() if name in self.columns}
        return known or {self.columns[-1]: ""}


def recognised(head: bytes) -> Recognised | None:
    """What kind of file with one sample begins like this; None if it is none, such as a matrix of many samples."""
    lines = head.decode("utf-8", "replace").lstrip("\ufeff").replace("\r\n", "\n").split("\n")[:-1]
    n_comments = next((at for at, line in enumerate(lines) if not line.startswith("#")), len(lines))
    if len(lines) < n_comments + 2:
        return None
    first, second = lines[n_comments : n_comments + 2]
    delimiter = "\t" if "\t" in first else ","
    names, cells = first.split(delimiter), second.split(delimiter)
    for layout in LAYOUTS:
        if layout.has_header and _has_header(layout, names, cells):
            return Recognised(layout, tuple(names), delimiter, n_comments + 1)
        if not layout.has_header and n_comments == 0 and _is_values(layout, names) and _is_values(layout, cells):
            return Recognised(layout, layout.columns, delimiter, 0)
    return None


def _has_header(layout: SampleLayout, names: Sequence[str], cells: Sequence[str]) -> bool:
    is_header = not _NUMBER.match(names[-1]) or names[0].casefold() in _ROW_NAMES
    fits = len(cells) == len(names) == (layout.n_columns or len(names))
    return is_header and fits and set(layout.columns) <= set(names) and (layout.alone or bool(_NUMBER.match(cells[-1])))


def _is_values(layout: SampleLayout, cells: Sequence[str]) -> bool:
    """Whether a line is one of values of a layout without a header: numbers wherever it has values."""
    if len(cells) != layout.n_columns or cells[0].casefold() in _ROW_NAMES:
        return False
    return all(
        bool(_NUMBER.match(cell)) == (name in layout.values)
        for name, cell in zip(layout.columns[1:], cells[1:], strict=True)
    )


def transcripts_among(names: Sequence[str]) -> bool:
    """Whether most of some first names are those of transcripts."""
    return sum(bool(_TRANSCRIPT.match(name)) for name in names) > len(names) / 2
