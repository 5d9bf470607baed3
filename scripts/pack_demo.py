"""Pack the demo data that `tspg` carries from an H5AD file and a GMT file.

    python scripts/pack_demo.py --expression tcga_coadread.h5ad --gene-sets h.all.v2023.2.Hs.symbols.gmt.gz

Writes four files into the folder `src/tspg/data/embedded` (or `--out`); the same inputs give the
same content. `tspg.data.demo` describes the format and reads it.
"""

import argparse
import gzip
import io
import lzma
import shutil
from pathlib import Path

import anndata
import numpy as np
import numpy.typing as npt

from tspg.data import demo

XZ_PRESET = 9 | lzma.PRESET_EXTREME


def main() -> None:
    """Read the command line, pack, and say how large the files became."""
    parser = argparse.ArgumentParser(description="Pack the demo data that tspg carries.")
    parser.add_argument("--expression", type=Path, required=True, help="the H5AD file to take the demo from")
    parser.add_argument("--gene-sets", type=Path, required=True, help="the GMT file whose genes are kept")
    parser.add_argument("--out", type=Path, default=demo.EMBEDDED, help="folder to write to")
    options = parser.parse_args()
    for path in pack(options.expression, options.gene_sets, options.out):
        print(f"{path.stat().st_size:>10,} bytes  {path}")


def pack(expression: Path, gene_sets: Path, out: Path) -> list[Path]:
    """Write the demo files for the genes that any of the gene sets names, in the matrix's own order."""
    adata = anndata.read_h5ad(expression)
    named = genes_named_in(gene_sets)
    adata = adata[:, [gene for gene in adata.var_names if gene in named]]
    out.mkdir(parents=True, exist_ok=True)
    values, samples, genes, sets = (
        out / name for name in (demo.VALUES_FILE, demo.SAMPLES_FILE, demo.GENES_FILE, demo.GENE_SETS_FILE)
    )
    values.write_bytes(lzma.compress(npy_bytes(byte_planes(adata.X)), preset=XZ_PRESET))
    table = adata.obs[list(demo.LABEL_COLUMNS)].astype(str)
    samples.write_text(table.to_csv(sep="\t", index_label="sample", lineterminator="\n"), encoding="utf-8")
    genes.write_text("\n".join(adata.var_names) + "\n", encoding="utf-8")
    shutil.copyfile(gene_sets, sets)
    return [values, samples, genes, sets]


def genes_named_in(gene_sets: Path) -> set[str]:
    """Every gene that occurs in a gzipped GMT file."""
    with gzip.open(gene_sets, "rt", encoding="utf-8") as lines:
        return {gene for line in lines for gene in line.rstrip("\n").split("\t")[2:]}


def byte_planes(values: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """The values as thousandths, genes first, high bytes apart from low bytes, which packs tighter."""
    thousandths = np.rint(values.astype(np.float64) * 1000)
    if not np.array_equal((thousandths / 1000).astype(np.float32), values):
        raise SystemExit("The values are not rounded to three decimals: packing would change them.")
    if thousandths.min() < 0 or thousandths.max() > np.iinfo(np.uint16).max:
        raise SystemExit("The values do not fit into 0 to 65.535.")
    genes_first = thousandths.T.astype(np.uint16)
    return np.stack([genes_first >> 8, genes_first & 255]).astype(np.uint8)


def npy_bytes(array: npt.NDArray[np.uint8]) -> bytes:
    """The array as a NumPy file."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


if __name__ == "__main__":
    main()
