"""The embedded data set: colorectal tumours of the TCGA Research Network (`scripts/pack_demo.py`, `NOTICE`).

`coadread_values.npy.xz` is an array of bytes, (2, n_genes, n_samples), packed by xz; a value is
(256 x first plane + second plane) / 1000, in log2(RSEM + 1).
"""

import lzma
from pathlib import Path

import numpy as np
import pandas as pd
from anndata import AnnData

from tspg.data.genesets import GeneSets, read_gene_sets

EMBEDDED = Path(__file__).parent / "embedded"
VALUES_FILE = "coadread_values.npy.xz"
SAMPLES_FILE = "coadread_samples.tsv"
GENES_FILE = "coadread_genes.txt"
GENE_SETS_FILE = "h.all.v2023.2.Hs.symbols.gmt.gz"
LABEL_COLUMNS = ("subtype", "patient", "platform_block", "cancer_type")

NOTES = (
    "459 primary colorectal tumours (TCGA COAD and READ), one a patient, in log2(RSEM + 1).",
    "GI.HM-SNV has 10 samples only: too few to judge a model by.",
    "platform_block: 115 samples probably come from another sequencing platform, and half of GI.HM-SNV "
    "is among them; a difference between classes may partly be a difference between platforms.",
)

DEMO_FILE = "demo data"


def demo_data() -> AnnData:
    """459 colorectal tumours with their molecular subtypes, to try everything on.

    The matrix has shape (459, 4218): the Hallmark genes, in log2(RSEM + 1) with three decimals. Classes are in
    `obs["subtype"]`; each sample comes from another patient.

    Examples
    --------
    >>> adata = tspg.demo_data()
    >>> adata.shape
    (459, 4218)
    >>> sorted(adata.obs["subtype"].unique())
    ['GI.CIN', 'GI.GS', 'GI.HM-SNV', 'GI.MSI']
    """
    samples = pd.read_csv(EMBEDDED / SAMPLES_FILE, sep="\t", index_col="sample", dtype=str, na_filter=False)
    genes = (EMBEDDED / GENES_FILE).read_text(encoding="utf-8").splitlines()
    with lzma.open(EMBEDDED / VALUES_FILE) as stream:
        high, low = np.load(stream, allow_pickle=False)
    values = np.ascontiguousarray((high.T.astype(np.uint16) * 256 + low.T) / 1000, dtype=np.float32)
    adata = AnnData(X=values, obs=samples, var=pd.DataFrame(index=pd.Index(genes, name="gene")))
    adata.uns["tspg_input"] = {"file": DEMO_FILE, "notes": list(NOTES)}
    return adata


def demo_gene_sets() -> GeneSets:
    """The 50 Hallmark gene sets of MSigDB, whose union is the paper's largest experiment."""
    return read_gene_sets(EMBEDDED / GENE_SETS_FILE)
