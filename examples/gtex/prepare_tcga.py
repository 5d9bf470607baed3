"""TCGA's tumours, as UCSC Xena hands them out, made into one H5AD file.

    python examples/gtex/prepare_tcga.py --files DOWNLOADS --gene-sets h.all.gmt --out kidney.h5ad
    python examples/gtex/prepare_tcga.py --files DOWNLOADS --gene-sets h.all.gmt --out pancancer.h5ad --all-tumours

The first takes KICH, KIRC and KIRP with their healthy kidneys (Fig. 5), the second all 33 tumour types of one file.
Values stay on the log scale of the files.
"""
# ruff: noqa: T201 - a script that people run

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

import anndata
import pandas as pd
from anndata import AnnData
from official_files import by_symbol, the_first_there

import tspg

KIDNEY = ("KICH", "KIRC", "KIRP")
# As of the paper's time (60,483 genes), and what took its place: both log2(FPKM + 1), genes in rows.
OF_COHORT = ("TCGA-{}.htseq_fpkm.tsv.gz", "TCGA-{}.star_fpkm.tsv.gz")
OF_ALL = ("tcga_RSEM_gene_tpm.gz",)  # log2(TPM + 0.001), genes in rows
PHENOTYPES = ("TCGA_phenotype_denseDataOnlyDownload.tsv.gz",)
HEALTHY, HEALTHY_CODE = "Solid Tissue Normal", "11"


def main() -> None:
    """Read, label and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=Path, required=True, help="the folder with the official files")
    parser.add_argument("--gene-sets", type=Path, required=True, help="GMT file: the genes to keep")
    parser.add_argument("--out", type=Path, required=True, help="the H5AD file to write")
    parser.add_argument("--all-tumours", action="store_true", help="all tumour types instead of the kidney")
    options = parser.parse_args()
    prepare(options.files, options.gene_sets, options.out, all_tumours=options.all_tumours)


def prepare(files: Path, gene_sets: Path, out: Path, *, all_tumours: bool = False) -> None:
    """Write `out`: classes in the column `diagnosis`, people in `patient`."""
    genes = tspg.read_gene_sets(gene_sets).union()
    adata = every_tumour(files, genes) if all_tumours else kidney(files, genes)
    adata.obs["patient"] = [name[:12] for name in adata.obs_names]  # TCGA-A3-3308-01A is of TCGA-A3-3308
    found = by_symbol(adata, genes.genes)
    found.write_h5ad(out)
    print(f"{out}: {found.n_obs:,} samples of {found.obs['patient'].nunique():,} people")
    print(found.obs["diagnosis"].value_counts().to_string())


def kidney(files: Path, genes: tspg.GeneSet) -> AnnData:
    """The three cohorts: primary tumours by their cohort, healthy kidneys as one class."""
    parts = []
    for cohort in KIDNEY:
        path = the_first_there(files, [name.format(cohort) for name in OF_COHORT])
        part = tspg.read_expression(path, transpose=True, genes=genes)
        code = sample_code(part)
        part.obs["diagnosis"] = code.map({"01": cohort, HEALTHY_CODE: HEALTHY})
        parts.append(part[part.obs["diagnosis"].notna().to_numpy()])
    return anndata.concat(parts)


def every_tumour(files: Path, genes: tspg.GeneSet) -> AnnData:
    """All tumours of the pan-cancer file by their primary disease; healthy samples are left out."""
    phenotypes = pd.read_csv(the_first_there(files, PHENOTYPES), sep="\t", dtype=str, keep_default_na=False)
    disease = phenotypes.set_index("sample")["_primary_disease"]
    with TemporaryDirectory() as folder:  # the file's official name does not say that it is a table
        path = the_first_there(files, OF_ALL)
        named = Path(folder) / f"tcga_RSEM_gene_tpm.tsv{'.gz' if path.suffix == '.gz' else ''}"
        named.symlink_to(path.resolve())
        adata = tspg.read_expression(named, transpose=True, genes=genes)
    adata.obs["diagnosis"] = disease.reindex(adata.obs_names).fillna("").to_numpy()
    is_tumour = (sample_code(adata) < "10").to_numpy() & adata.obs["diagnosis"].ne("").to_numpy()
    return adata[is_tumour].copy()


def sample_code(adata: AnnData) -> pd.Series:
    """The kind of sample in a TCGA barcode: 01 primary tumour, ..., 11 healthy tissue."""
    return pd.Series([name[13:15] for name in adata.obs_names], index=adata.obs_names)


if __name__ == "__main__":
    main()
