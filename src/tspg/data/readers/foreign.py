"""Formats that are not read: how each is known, and the one command that makes of it what is."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from string import Template


@dataclass(frozen=True)
class Foreign:
    """A format that other programs read.

    In `advice`, `$file` and `$name` stand for the user's file and its name without ending, `$folder` for its folder,
    and `$prefix` for what stands before `matrix.mtx` in its name.
    """

    what: str
    advice: str
    endings: tuple[str, ...] = ()

    def advice_on(self, path: Path) -> str:
        """What to do about one file of this format."""
        name = path.with_name(path.name.split(".")[0] or path.name)
        folder, prefix = path if path.is_dir() else path.parent, path.name.partition("matrix.mtx")
        known = {"file": path, "name": name, "folder": folder, "prefix": prefix[0] if prefix[1] else ""}
        return Template(self.advice).safe_substitute(known)


_WRITE = 'write.table($x, "$name.tsv", sep="\\t", quote=FALSE, col.names=NA)'
_ASSAY = f"{_WRITE.replace('$x', 'SummarizedExperiment::assay(x)')}, or as.matrix(x) in its place if x is a plain table"
_UNPACK = "Unpack it and give the file with the matrix, or the folder if it has one file per sample"
_PANDAS = (
    "Turn it into text first: python -c "
    "\"import pandas; pandas.$read('$file').to_csv('$name.tsv', sep='\\t', index=False)\""
)
_SHEET = "Save the sheet as .xlsx or as text (CSV), with gene names formatted as text"
_READS = "Count its reads first (salmon, STAR or featureCounts) and give the table of counts"

RDS = Foreign("an R object", f'Turn it into text in R: x <- readRDS("$file"); {_ASSAY}', (".rds",))
RDATA = Foreign("R data", f'Turn it into text in R: x <- get(load("$file")[1]); {_ASSAY}', (".rdata", ".rda"))
TENX_FOLDER = Foreign(
    "a sparse matrix as 10x writes it",
    "Turn its folder into H5AD: python -c "
    "\"import scanpy; scanpy.read_10x_mtx('$folder', prefix='$prefix').write_h5ad('$name.h5ad')\"",
    (".mtx",),
)
TENX = Foreign(
    "a 10x matrix",
    "Turn it into H5AD: python -c \"import scanpy; scanpy.read_10x_h5('$file').write_h5ad('$name.h5ad')\"",
)
ZARR = Foreign(
    "a zarr store",
    "Turn it into H5AD: python -c \"import anndata; anndata.io.read_zarr('$file').write_h5ad('$name.h5ad')\"",
    (".zarr",),
)
LOOM = Foreign(
    "a loom file",
    "Turn it into H5AD: python -c \"import anndata; anndata.io.read_loom('$file').write_h5ad('$name.h5ad')\"",
    (".loom",),
)
ARCHS4 = Foreign(
    "an ARCHS4 file, with samples in columns",
    "Take the samples that you want out of it: "
    "python -c \"import archs4py; archs4py.data.series('$file', 'GSE64016').to_csv('$name.tsv', sep='\\t')\" "
    "(another GSE number, or archs4py.data.meta with a word)",
)
GCTX = Foreign(
    "a GCTX file",
    'Turn it into text: python -c "from cmapPy.pandasGEXpress.parse import parse; '
    "parse('$file').data_df.to_csv('$name.tsv', sep='\\t')\"",
    (".gctx",),
)
KALLISTO = Foreign(
    "the binary output of kallisto",
    'Sum its transcripts up to genes in R: tximport::tximport("$file", type="kallisto", tx2gene=tx2gene)$$counts',
)
MUDATA = Foreign(
    "a MuData file",
    "Take the RNA out of it: python -c \"import mudata; mudata.read('$file').mod['rna'].write_h5ad('$name.h5ad')\"",
    (".h5mu",),
)
SEURAT = Foreign("a Seurat file", 'Turn it into H5AD in R: SeuratDisk::Convert("$file", dest="h5ad")', (".h5seurat",))
MATLAB = Foreign(
    "a MATLAB file",
    "Write the matrix with its names as text in MATLAB: writetable(array2table(X, 'RowNames', genes, "
    "'VariableNames', samples), '$name.csv', 'WriteRowNames', true)",
    (".mat",),
)
HDF5 = Foreign(
    "an HDF5 file, but not one that anndata has written",
    "Look into it with h5ls, and write its matrix with the names of samples and genes as H5AD or text",
    (".h5", ".hdf5"),
)
TAR = Foreign("a tar archive", f"{_UNPACK}: mkdir $name; tar xf $file -C $name", (".tar", ".tgz"))
WEB_PAGE = Foreign("a web page", "The download has failed or was of the page, not of the file. Download it again")
LFS = Foreign("a pointer of Git LFS", "Fetch the file itself: git lfs pull")
_OLD_SHEET = Foreign("a sheet", f"{_SHEET}: libreoffice --headless --convert-to xlsx $file", (".xls", ".ods", ".xlsb"))
_BAM = Foreign("a file of reads", _READS, (".bam", ".cram", ".sam", ".sra", ".fastq", ".fq"))

_ALL = (
    *(RDS, RDATA, TENX_FOLDER, ZARR, LOOM, GCTX, MUDATA, SEURAT, MATLAB, HDF5, TAR, _OLD_SHEET, _BAM),
    Foreign("a SAS file", _PANDAS.replace("$read", "read_sas"), (".sas7bdat", ".xpt")),
    Foreign("a Stata file", _PANDAS.replace("$read", "read_stata"), (".dta",)),
    Foreign("an SPSS file", _PANDAS.replace("$read", "read_spss"), (".sav",)),
    Foreign("an archive", _UNPACK, (".7z", ".rar")),
    Foreign("a file of a microarray", 'Normalise it first, in R: oligo::rma(oligo::read.celfiles("$file"))', (".cel",)),
    Foreign(
        "a pickle, which runs code when it is read",
        "Write the table as Parquet in Python, where you trust it: table.to_parquet('$name.parquet')",
        (".pkl", ".pickle", ".joblib", ".pt", ".pth"),
    ),
)
FOREIGN_ENDINGS = {ending: foreign for foreign in _ALL for ending in foreign.endings}
FOREIGN_MAGIC = (
    (0, b"X\n\x00\x00\x00", RDS),
    (0, b"RDX2\n", RDATA),
    (0, b"RDX3\n", RDATA),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", _OLD_SHEET),
    (0, b"%%MatrixMarket", TENX_FOLDER),
    (0, b"MATLAB ", MATLAB),
    (0, b"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xc2\xea\x81\x60", FOREIGN_ENDINGS[".sas7bdat"]),
    (0, b"<stata_dta>", FOREIGN_ENDINGS[".dta"]),
    (0, b"$FL2@(#)", FOREIGN_ENDINGS[".sav"]),
    (257, b"ustar", TAR),
    (0, b"7z\xbc\xaf\x27\x1c", FOREIGN_ENDINGS[".7z"]),
    (0, b"Rar!\x1a\x07", FOREIGN_ENDINGS[".rar"]),
    (0, b"BAM\x01", _BAM),
    (0, b"CRAM", _BAM),
    (0, b"version https://git-lfs", LFS),
    *((0, start, WEB_PAGE) for start in (b"<!DOCTYPE", b"<!doctype", b"<html", b"<HTML")),
)


def foreign_hdf5(names: Iterable[str]) -> Foreign | None:
    """What an HDF5 file is whose first level holds these names, if it is known and no AnnData file."""
    have = frozenset(names)
    layouts = (
        ({"matrix", "row_attrs", "col_attrs"}, LOOM),
        ({"data", "meta"}, ARCHS4),
        ({"0"}, GCTX),
        ({"est_counts", "aux"}, KALLISTO),
        ({"mod"}, MUDATA),
        ({"assays", "cell.names"}, SEURAT),
        ({"matrix"}, TENX),
    )
    if {"obs", "var"} <= have:
        return None
    return next((foreign for needed, foreign in layouts if needed <= have), None)
