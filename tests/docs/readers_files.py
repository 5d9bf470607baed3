"""The files that a document's reader has: small ones under the names that the documents use."""

import gzip
import shutil
from collections.abc import Callable
from pathlib import Path

import anndata
import numpy as np
import pandas as pd

from tspg.data.demo import EMBEDDED, GENE_SETS_FILE, demo_data

ROOT = Path(__file__).resolve().parents[2]
TISSUES = ROOT.parent / "shared" / "data" / "normal_tissues" / "normal_tissues.h5ad"
KIDNEY = {"Solid Tissue Normal": 40, "KIRC": 40, "KICH": 30, "KIRP": 20}


def gene_sets(folder: Path) -> None:
    """`h.all.gmt`: the Hallmark collection, as it is downloaded."""
    with gzip.open(EMBEDDED / GENE_SETS_FILE) as packed, (folder / "h.all.gmt").open("wb") as plain:
        shutil.copyfileobj(packed, plain)


def own(folder: Path) -> None:
    """`matrix.tsv.gz`, `labels.tsv`, `samples.tsv`, `patient.tsv` and `h.all.gmt`: made up, but of real genes."""
    gene_sets(folder)
    rng = np.random.default_rng(3)
    hallmark = (folder / "h.all.gmt").read_text(encoding="utf-8").splitlines()
    hypoxia = next(line for line in hallmark if line.startswith("HALLMARK_HYPOXIA")).split("\t")[2:]
    classes = np.repeat(list(KIDNEY), list(KIDNEY.values()))
    values = rng.normal(8, 1, (len(classes), len(hypoxia)))
    for place, name in enumerate(KIDNEY):
        values[classes == name, 8 * place : 8 * place + 8] += 3
    samples = pd.Index([f"TCGA-{number:04}" for number in range(len(classes))], name="sample")
    matrix = pd.DataFrame(values.round(2), index=samples, columns=hypoxia)
    matrix.to_csv(folder / "matrix.tsv.gz", sep="\t")
    matrix.iloc[[50]].rename(index={matrix.index[50]: "patient-1"}).to_csv(folder / "patient.tsv", sep="\t")
    table = pd.DataFrame({"label": classes, "patient": [f"P{n // 2}" for n in range(len(classes))]}, index=samples)
    table.to_csv(folder / "samples.tsv", sep="\t")
    table["label"].to_csv(folder / "labels.tsv", sep="\t", header=False)


def tissues(folder: Path) -> None:
    """`normal_tissues.h5ad`: every second sample and gene of the shared data; else the embedded tumours as organs."""
    gene_sets(folder)
    if TISSUES.is_file():
        anndata.read_h5ad(TISSUES)[::2, ::2].copy().write_h5ad(folder / "normal_tissues.h5ad")
        return
    adata = demo_data()
    organs = {"GI.CIN": "Lung", "GI.MSI": "Liver", "GI.GS": "Colon", "GI.HM-SNV": "Kidney"}
    adata.obs = pd.DataFrame(
        {"organ": adata.obs["subtype"].map(organs).astype(str), "donor": adata.obs["patient"].astype(str)},
        index=adata.obs_names,
    )
    adata.uns.clear()
    adata.write_h5ad(folder / "normal_tissues.h5ad")


def authors(folder: Path) -> None:
    """The layout of the paper authors' program: `GEM.npy` with its names beside it, `labels.txt` and `genesets.txt`."""
    rng = np.random.default_rng(0)
    classes = np.repeat(["kidney", "liver", "lung"], 20)
    values = rng.normal(8, 1, (len(classes), 24)).astype(np.float32)
    for place, name in enumerate(["kidney", "liver", "lung"]):
        values[classes == name, 4 * place : 4 * place + 4] += 3
    samples, genes = [f"sample-{at:02}" for at in range(len(classes))], [f"gene-{at:02}" for at in range(24)]
    lines = {
        "GEM.rownames.txt": samples,
        "GEM.colnames.txt": genes,
        "labels.txt": [f"{name}\t{label}" for name, label in zip(samples, classes, strict=True)],
        "genesets.txt": ["\t".join(["FIRST", *genes[:15]]), "\t".join(["SECOND", *genes[9:]])],
    }
    np.save(folder / "GEM.npy", values)
    for name, content in lines.items():
        (folder / name).write_text("".join(f"{line}\n" for line in content), encoding="utf-8")


def from_r(folder: Path) -> None:
    """What `write.table` of R writes: `matrix.tsv`, genes in rows below an empty corner, and `samples.tsv`."""
    own(folder)
    matrix = pd.read_csv(folder / "matrix.tsv.gz", sep="\t", index_col="sample")
    matrix.T.to_csv(folder / "matrix.tsv", sep="\t", index_label="")
    samples = pd.read_csv(folder / "samples.tsv", sep="\t").rename(columns={"label": "class"})
    samples.to_csv(folder / "samples.tsv", sep="\t", index=False)


def checkout(folder: Path) -> None:
    """The folder of a checkout, as far as commands name files of it."""
    shutil.copytree(ROOT / "examples", folder / "examples")
    (folder / "src").symlink_to(ROOT / "src")
    for name in ("constraints.txt", "pyproject.toml"):
        (folder / name).symlink_to(ROOT / name)


def small_study(folder: Path) -> None:
    """A checkout whose example of a sweep trains for a few steps only, with one gene set, target and seed."""
    checkout(folder)
    file = folder / "examples" / "sweep.toml"
    text = file.read_text(encoding="utf-8")
    file.write_text(
        text.replace("random_gene_sets = 99", "random_gene_sets = 2\nsteps = 4\ntarget_epochs = 2")
        .replace("seeds = [0, 1]", "seeds = [0]")
        .replace('keep = "all"', 'keep = "metrics"')
        .replace('  "HALLMARK_MYOGENESIS",\n', "")
        .replace('  "HALLMARK_DNA_REPAIR",\n', "")
        .replace('"GI.MSI", "GI.GS"', '"GI.MSI"'),
        encoding="utf-8",
    )


KINDS: dict[str, Callable[[Path], None]] = {
    "authors": authors,
    "checkout": checkout,
    "from R": from_r,
    "gene sets": gene_sets,
    "own": own,
    "small study": small_study,
    "tissues": tissues,
}
