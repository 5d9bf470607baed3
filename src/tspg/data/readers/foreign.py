"""Formats that are not read: how each is recognised, and the one command that converts it."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from string import Template


@dataclass(frozen=True)
class Foreign:
    """A format of other programs.

    It is recognised by `magic`, bytes at the position `magic_at`; in HDF5 files by `members`, names at the top level;
    and where the content does not tell, by `endings` of the file's name. In `advice`, `$file` and `$folder` are the
    user's file and its folder, `$name` is the file's path without ending, and `$prefix` what precedes `matrix.mtx`.
    """

    what: str
    advice: str
    endings: tuple[str, ...] = ()
    magic: tuple[bytes, ...] = ()
    magic_at: int = 0
    members: frozenset[str] = frozenset()

    def advice_on(self, path: Path) -> str:
        """What to do about one file of this format."""
        prefix, found, _ = path.name.partition("matrix.mtx")
        return Template(self.advice).safe_substitute(
            file=path,
            folder=path if path.is_dir() else path.parent,
            name=path.with_name(path.name.split(".")[0] or path.name),
            prefix=prefix if found else "",
        )


_ASSAY = (
    'write.table(SummarizedExperiment::assay(x), "$name.tsv", sep="\\t", quote=FALSE, col.names=NA), '
    "or as.matrix(x) in its place if x is a plain table"
)
_TO_H5AD = "Turn it into H5AD: python -c "
_WRITE_H5AD = ".write_h5ad('$name.h5ad')\""
_UNPACK = "Unpack it and give the file with the matrix, or the folder if it has one file per sample"


def _pandas(read: str) -> str:
    return (
        "Turn it into text first: python -c "
        f"\"import pandas; pandas.{read}('$file').to_csv('$name.tsv', sep='\\t', index=False)\""
    )


FORMATS = (
    Foreign(
        "an R object", f'Turn it into text in R: x <- readRDS("$file"); {_ASSAY}', (".rds",), (b"X\n\x00\x00\x00",)
    ),
    Foreign(
        "R data",
        f'Turn it into text in R: x <- get(load("$file")[1]); {_ASSAY}',
        (".rdata", ".rda"),
        (b"RDX2\n", b"RDX3\n"),
    ),
    Foreign(
        "an old or open spreadsheet",
        "Save the sheet as .xlsx or as text (CSV), with gene names formatted as text: "
        "libreoffice --headless --convert-to xlsx $file",
        (".xls", ".ods", ".xlsb"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",),
    ),
    Foreign(
        "a sparse matrix as 10x writes it",
        "Turn its folder into H5AD: python -c "
        f"\"import scanpy; scanpy.read_10x_mtx('$folder', prefix='$prefix'){_WRITE_H5AD}",
        (".mtx",),
        (b"%%MatrixMarket",),
    ),
    Foreign(
        "a MATLAB file",
        "Write the matrix with its names as text in MATLAB: writetable(array2table(X, 'RowNames', genes, "
        "'VariableNames', samples), '$name.csv', 'WriteRowNames', true)",
        (".mat",),
        (b"MATLAB ",),
    ),
    Foreign(
        "a SAS file",
        _pandas("read_sas"),
        (".sas7bdat", ".xpt"),
        (b"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xc2\xea\x81\x60",),
    ),
    Foreign("a Stata file", _pandas("read_stata"), (".dta",), (b"<stata_dta>",)),
    Foreign("an SPSS file", _pandas("read_spss"), (".sav",), (b"$FL2@(#)",)),
    Foreign(
        "a tar archive", f"{_UNPACK}: mkdir $name; tar xf $file -C $name", (".tar", ".tgz"), (b"ustar",), magic_at=257
    ),
    Foreign("an archive", _UNPACK, (".7z", ".rar"), (b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07")),
    Foreign(
        "a file of reads",
        "Count its reads first (salmon, STAR or featureCounts) and give the table of counts",
        (".bam", ".cram", ".sam", ".sra", ".fastq", ".fq"),
        (b"BAM\x01", b"CRAM"),
    ),
    Foreign("a microarray file", 'Normalise it first, in R: oligo::rma(oligo::read.celfiles("$file"))', (".cel",)),
    Foreign(
        "a pickle, which runs code when it is read",
        "Write the table as Parquet in Python, where you trust it: table.to_parquet('$name.parquet')",
        (".pkl", ".pickle", ".joblib", ".pt", ".pth"),
    ),
    Foreign("a pointer of Git LFS", "Fetch the file itself: git lfs pull", magic=(b"version https://git-lfs",)),
    Foreign(
        "a web page",
        "The download has failed or was of the page, not of the file. Download it again",
        magic=(b"<!DOCTYPE", b"<!doctype", b"<html", b"<HTML"),
    ),
    Foreign("a zarr store", f"{_TO_H5AD}\"import anndata; anndata.io.read_zarr('$file'){_WRITE_H5AD}", (".zarr",)),
    # HDF5 files: the first whose members are all there.
    Foreign(
        "a loom file",
        f"{_TO_H5AD}\"import anndata; anndata.io.read_loom('$file'){_WRITE_H5AD}",
        (".loom",),
        members=frozenset({"matrix", "row_attrs", "col_attrs"}),
    ),
    Foreign(
        "an ARCHS4 file, with samples in columns",
        "Take the samples that you want out of it: "
        "python -c \"import archs4py; archs4py.data.series('$file', 'GSE64016').to_csv('$name.tsv', sep='\\t')\" "
        "(another GSE number, or archs4py.data.meta with a word)",
        members=frozenset({"data", "meta"}),
    ),
    Foreign(
        "a GCTX file",
        'Turn it into text: python -c "from cmapPy.pandasGEXpress.parse import parse; '
        "parse('$file').data_df.to_csv('$name.tsv', sep='\\t')\"",
        (".gctx",),
        members=frozenset({"0"}),
    ),
    Foreign(
        "the binary output of kallisto",
        'Sum its transcripts up to genes in R: tximport::tximport("$file", type="kallisto", tx2gene=tx2gene)$$counts',
        members=frozenset({"est_counts", "aux"}),
    ),
    Foreign(
        "a MuData file",
        f"Take the RNA out of it: python -c \"import mudata; mudata.read('$file').mod['rna']{_WRITE_H5AD}",
        (".h5mu",),
        members=frozenset({"mod"}),
    ),
    Foreign(
        "a Seurat file",
        'Turn it into H5AD in R: SeuratDisk::Convert("$file", dest="h5ad")',
        (".h5seurat",),
        members=frozenset({"assays", "cell.names"}),
    ),
    Foreign(
        "a 10x matrix",
        f"{_TO_H5AD}\"import scanpy; scanpy.read_10x_h5('$file'){_WRITE_H5AD}",
        members=frozenset({"matrix"}),
    ),
    Foreign(
        "an HDF5 file, but not one that anndata has written",
        "Look into it with h5ls, and write its matrix with the names of samples and genes as H5AD or text",
        (".h5", ".hdf5"),
    ),
)
BY_ENDING = {ending: foreign for foreign in FORMATS for ending in foreign.endings}


def foreign_by_magic(head: bytes) -> Foreign | None:
    """The format of a file that begins with these bytes, if it is one of those that are not read."""
    return next((one for one in FORMATS if any(head.startswith(magic, one.magic_at) for magic in one.magic)), None)


def foreign_hdf5(names: Iterable[str]) -> Foreign | None:
    """The format of an HDF5 file with these names at its top level, if it is known and no AnnData file."""
    have = frozenset(names)
    if {"obs", "var"} <= have:
        return None
    return next((one for one in FORMATS if one.members and one.members <= have), None)
