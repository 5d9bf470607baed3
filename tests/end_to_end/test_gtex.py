"""examples/gtex reads the official files: tried on a miniature in their formats, with their names and columns."""

import gzip
import importlib
import sys
from pathlib import Path

import anndata
import numpy as np
import pytest

import tspg
from tspg.data.demo import EMBEDDED, GENE_SETS_FILE
from tspg.data.genesets import GeneSet
from tspg.data.identifiers import symbol_table
from tspg.sweep.settings import read_settings

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "gtex"
if not EXAMPLE.is_dir():
    pytest.skip("the examples are part of a checkout", allow_module_level=True)
sys.path.insert(0, str(EXAMPLE))  # scripts, not a package
prepare_gtex, prepare_tcga = map(importlib.import_module, ("prepare_gtex", "prepare_tcga"))

GENE_SETS = EMBEDDED / GENE_SETS_FILE
# The header of GTEx_v7_Annotations_SampleAttributesDS.txt.
ATTRIBUTES = """SAMPID SMATSSCR SMCENTER SMPTHNTS SMRIN SMTS SMTSD SMUBRID SMTSISCH SMTSPAX SMNABTCH SMNABTCHT SMNABTCHD
SMGEBTCH SMGEBTCHD SMGEBTCHT SMAFRZE SMGTC SME2MPRT SMCHMPRS SMNTRART SMNUMGPS SMMAPRT SMEXNCRT SM550NRM SMGNSDTC
SMUNMPRT SM350NRM SMRDLGTH SMMNCPB SME1MMRT SMSFLGTH SMESTLBS SMMPPD SMNTERRT SMRRNANM SMRDTTL SMVQCFL SMMNCV SMTRSCPT
SMMPPDPR SMCGLGTH SMGAPPCT SMUNPDRD SMNTRNRT SMMPUNRT SMEXPEFF SMMPPDUN SME2MMRT SME2ANTI SMALTALG SME2SNSE SMMFLGTH
SME1ANTI SMSPLTRD SMBSMMRT SME1SNSE SME1PCTS SMRRNART SME1MPRT SMNUM5CD SMDPMPRT SME2PCTS""".split()  # noqa: SIM905
DONORS = ("1117F", "111CU", "111FC", "111VG", "111YS", "1122O", "1128S", "113IC", "113JC", "117XS")
TARGETS = read_settings(EXAMPLE / "sweep.toml").target_classes
N_WANTED = 40


@pytest.fixture(scope="module")
def symbols():
    """Forty Hallmark genes, the Hedgehog set's among them."""
    hedgehog = tspg.read_gene_sets(GENE_SETS)["HALLMARK_HEDGEHOG_SIGNALING"].genes
    others = [gene for gene in tspg.read_gene_sets(GENE_SETS)["HALLMARK_APOPTOSIS"].genes if gene not in hedgehog]
    known = [gene for gene in (*hedgehog, *others) if len(symbol_table().ids_of.get(gene, ())) == 1]
    return known[:N_WANTED]


def ensembl(symbols):
    return [f"{symbol_table().ids_of[gene][0]}.{number % 9 + 1}" for number, gene in enumerate(symbols)]


def write_gz(path, lines):
    path.write_bytes(gzip.compress("".join(f"{line}\n" for line in lines).encode()))


@pytest.fixture
def gtex_files(tmp_path, symbols):
    """GTEx's two files: six tissues of ten donors, 43 genes, attributes of samples without expression too."""
    rng = np.random.default_rng(5)
    samples = [
        (f"GTEX-{donor}-{at + 2:02d}26-SM-5GZZ{at}", name) for at, name in enumerate(TARGETS) for donor in DONORS
    ]
    means = {name: rng.gamma(1.0, 20.0, N_WANTED) for name in TARGETS}
    values = np.array([rng.gamma(20.0, means[name] / 20.0) for _, name in samples]).T
    rows = [f"{gene}\t{symbol}" for gene, symbol in zip(ensembl(symbols), symbols, strict=True)]
    rows += ["ENSG00000223972.4\tDDX11L1", "ENSG00000182378.8\tPLCXD1", "ENSG00000182378.8_PAR_Y\tPLCXD1"]
    values = np.vstack([values, np.zeros((3, len(samples)))])
    lines = [f"{row}\t" + "\t".join(f"{value:.4g}" for value in line) for row, line in zip(rows, values, strict=True)]
    header = "\t".join(["Name", "Description", *(sample for sample, _ in samples)])
    write_gz(
        tmp_path / "GTEx_Analysis_2016-01-15_v7_RNASeQCv1.1.8_gene_tpm.gct.gz",
        ["#1.2", f"{len(rows)}\t{len(samples)}", header, *lines],
    )
    unused = [("GTEX-1117F-0003-SM-58Q7G", "Whole Blood"), ("K-562-SM-26GMQ", "Cells - Leukemia cell line (CML)")]
    table = ["\t".join(ATTRIBUTES)]
    for sample, tissue in [*unused, *samples]:
        known = {"SAMPID": sample, "SMTSD": tissue, "SMTS": tissue.split(" - ")[0], "SMRIN": "6.8"}
        known["SMPTHNTS"] = '"2 pieces, ~15% vessel stroma, rep delineated"' if sample != unused[0][0] else '6" thick'
        table.append("\t".join(known.get(column, "") for column in ATTRIBUTES))
    (tmp_path / "GTEx_v7_Annotations_SampleAttributesDS.txt").write_text("\n".join(table) + "\n", encoding="utf-8")
    return tmp_path, samples, dict(zip(symbols, values[:N_WANTED], strict=True))


def test_gtex_is_prepared_and_answers_a_row_of_table_1(gtex_files, symbols):
    folder, samples, values = gtex_files
    prepare_gtex.prepare(folder, GENE_SETS, folder / "gtex.h5ad")
    adata = anndata.read_h5ad(folder / "gtex.h5ad")
    assert set(adata.var_names) == set(symbols)
    assert dict(zip(adata.obs_names, adata.obs["tissue"], strict=True)) == dict(samples)
    assert set(adata.obs["donor"]) == {f"GTEX-{donor}" for donor in DONORS}
    gene, number = symbols[7], 31
    expected = np.log2(float(f"{values[gene][number]:.4g}") + 1)
    assert adata[samples[number][0], gene].X.item() == pytest.approx(expected, rel=1e-6)
    run = tspg.run(
        adata,
        label_column="tissue",
        group_column="donor",
        target_class="Nerve - Tibial",
        training=tspg.Training(steps=3, target_epochs=1, folds=1, threads=1),
        gene_set=tspg.read_gene_sets(GENE_SETS)["HALLMARK_HEDGEHOG_SIGNALING"],
        annotations=(),
    )
    assert run.metrics["data"]["n_samples"] == len(samples)
    assert set(run.top_genes["source_class"]) == set(TARGETS) - {"Nerve - Tibial"}
    own = set(run.perturbations.var_names)
    assert 0 < len(own) < adata.n_vars
    others = [one for one in adata.var_names if one not in own]
    assert list(run.perturbations.uns["tspg"]["other_genes"])[: len(others)] == others


def test_the_sweep_asks_for_gene_sets_and_tissues_that_there_are():
    settings = read_settings(EXAMPLE / "sweep.toml")
    known = tspg.read_gene_sets(*settings.gene_set_files)
    assert set(settings.gene_sets) - {"all"} <= set(known)
    assert settings.expression == EXAMPLE / "gtex.h5ad"
    official = {"Nerve - Tibial", "Brain - Spinal cord (cervical c-1)", "Lung", "Artery - Coronary", "Thyroid"}
    assert set(settings.target_classes) == official | {"Heart - Left Ventricle"}
    assert settings.options["group_column"] == "donor"


def write_xena(path, first, symbols, barcodes, values):
    """A matrix as UCSC Xena hands it out: genes in rows, by Ensembl ids with versions."""
    rows = [
        "\t".join([gene, *(f"{value:.6f}" for value in line)])
        for gene, line in zip([*ensembl(symbols), "ENSG00000223972.5"], values, strict=True)
    ]
    write_gz(path, ["\t".join([first, *barcodes]), *rows])


@pytest.mark.parametrize("ending", ["htseq_fpkm", "star_fpkm"])
def test_kidney_cohorts_become_three_tumours_and_one_healthy_class(tmp_path, symbols, ending):
    rng = np.random.default_rng(6)
    expected = {}
    for at, cohort in enumerate(("KICH", "KIRC", "KIRP")):
        people = [f"TCGA-A{at}-33{number:02d}" for number in range(6)]
        kinds = {"01A": cohort, "11A": "Solid Tissue Normal", "05A": None}
        barcodes = [f"{person}-{kind}" for person in people for kind in kinds]
        expected |= {f"{person}-{kind}": name for person in people for kind, name in kinds.items() if name}
        values = rng.gamma(2.0, 1.0, (N_WANTED + 1, len(barcodes)))
        write_xena(tmp_path / f"TCGA-{cohort}.{ending}.tsv.gz", "Ensembl_ID", symbols, barcodes, values)
    prepare_tcga.prepare(tmp_path, GENE_SETS, tmp_path / "kidney.h5ad")
    adata = anndata.read_h5ad(tmp_path / "kidney.h5ad")
    assert dict(zip(adata.obs_names, adata.obs["diagnosis"], strict=True)) == expected
    assert set(adata.var_names) == set(symbols)
    assert set(adata.obs["patient"].value_counts()) == {2}


def test_all_tumours_are_named_by_their_primary_disease(tmp_path, symbols):
    diseases = {"01": "kidney clear cell carcinoma", "06": "skin cutaneous melanoma", "11": "thyroid carcinoma"}
    barcodes = [f"TCGA-BP-{number:04d}-{code}" for number in range(3) for code in diseases]
    values = np.log2(np.random.default_rng(7).gamma(1.0, 5.0, (N_WANTED + 1, len(barcodes))) + 0.001)
    write_xena(tmp_path / "tcga_RSEM_gene_tpm.gz", "sample", symbols, [*barcodes], values)
    lines = [f"{name}\t1\tPrimary Tumor\t{diseases[name[-2:]]}" for name in barcodes]
    write_gz(
        tmp_path / "TCGA_phenotype_denseDataOnlyDownload.tsv.gz",
        ["sample\tsample_type_id\tsample_type\t_primary_disease", *lines, "TCGA-ZZ-0000-01\t1\tPrimary Tumor\tthymoma"],
    )
    prepare_tcga.prepare(tmp_path, GENE_SETS, tmp_path / "tumours.h5ad", all_tumours=True)
    adata = anndata.read_h5ad(tmp_path / "tumours.h5ad")
    assert sorted(adata.obs_names) == sorted(name for name in barcodes if not name.endswith("11"))
    assert set(adata.obs["diagnosis"]) == {"kidney clear cell carcinoma", "skin cutaneous melanoma"}
    assert adata.X.min() < 0


def test_files_that_are_not_there_are_named(tmp_path):
    with pytest.raises(SystemExit, match=r"GTEx_Analysis_2016-01-15_v7_RNASeQCv1\.1\.8_gene_tpm\.gct\.gz"):
        prepare_gtex.prepare(tmp_path, GENE_SETS, tmp_path / "gtex.h5ad")


def test_genes_that_a_gene_set_lacks_do_not_get_in(symbols):
    adata = anndata.AnnData(np.ones((2, N_WANTED), np.float32))
    adata.var_names = ensembl(symbols)
    found = prepare_gtex.by_symbol(adata, GeneSet("few", tuple(symbols[:12])).genes)
    assert list(found.var_names) == symbols[:12]
    assert list(found.var["ensembl"]) == ensembl(symbols)[:12]
