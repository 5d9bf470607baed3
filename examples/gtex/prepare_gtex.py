"""GTEx's own files made into one H5AD file, which `tspg` reads in a moment.

    python examples/gtex/prepare_gtex.py --files DOWNLOADS --gene-sets h.all.gmt --out gtex.h5ad

Takes the genes of the gene sets, log2(TPM + 1), the tissue of every sample (SMTSD) and its donor.
"""
# ruff: noqa: T201 - a script that people run

import argparse
import csv
from pathlib import Path

import pandas as pd
from official_files import by_symbol, the_first_there

import tspg

EXPRESSION = (
    "GTEx_Analysis_2016-01-15_v7_RNASeQCv1.1.8_gene_tpm.gct.gz",  # the paper's: 11,688 samples, 53 tissues
    "GTEx_Analysis_2017-06-05_v8_RNASeQCv1.1.9_gene_tpm.gct.gz",  # 17,382 samples, 54 tissues
)
ATTRIBUTES = ("GTEx_v7_Annotations_SampleAttributesDS.txt", "GTEx_Analysis_v8_Annotations_SampleAttributesDS.txt")


def main() -> None:
    """Read, label and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=Path, required=True, help="the folder with the official files")
    parser.add_argument("--gene-sets", type=Path, required=True, help="GMT file: the genes to keep")
    parser.add_argument("--out", type=Path, required=True, help="the H5AD file to write")
    options = parser.parse_args()
    prepare(options.files, options.gene_sets, options.out)


def prepare(files: Path, gene_sets: Path, out: Path) -> None:
    """Write `out`, and the labels beside it as text."""
    expression = the_first_there(files, EXPRESSION)
    release = 0 if "_v7_" in expression.name else 1
    labels = out.with_name(out.stem + ".labels.tsv")
    labels_of(the_first_there(files, ATTRIBUTES[release : release + 1])).to_csv(labels, sep="\t")
    genes = tspg.read_gene_sets(gene_sets).union()
    adata = tspg.read_expression(expression, labels=labels, label_column="tissue", genes=genes, transform="log2")
    found = by_symbol(adata, genes.genes)
    found.write_h5ad(out)
    print(f"{out}: {found.n_obs:,} samples of {found.obs['tissue'].nunique()} tissues and "
          f"{found.obs['donor'].nunique():,} donors")  # fmt: skip


def labels_of(attributes: Path) -> pd.DataFrame:
    """Tissue and donor of every sample: GTEX-1117F-0226-SM-5GZZ7 is of donor GTEX-1117F."""
    table = pd.read_csv(
        attributes,
        sep="\t",
        usecols=["SAMPID", "SMTSD"],
        dtype=str,
        keep_default_na=False,
        quoting=csv.QUOTE_NONE,  # the pathologists' notes hold quotes of their own
    )
    donor = table["SAMPID"].str.split("-").str[:2].str.join("-")
    return pd.DataFrame({"sample": table["SAMPID"], "tissue": table["SMTSD"], "donor": donor}).set_index("sample")


if __name__ == "__main__":
    main()
