"""Further layouts of public tools and repositories: read with at most two options, or refused with the step."""

import gzip
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tspg.cli import inputs
from tspg.cli.main import main
from tspg.cli.parser import build_parser
from tspg.data.identifiers import symbol_table

N_SAMPLES, N_GENES = 40, 120


@dataclass(frozen=True)
class Study:
    """Counts of shape (samples, genes) of two classes; genes by three kinds of names."""

    counts: np.ndarray
    classes: list[str]
    symbols: list[str]
    ensembl: list[str]
    entrez: list[str]

    @property
    def cpm(self) -> np.ndarray:
        return self.counts / self.counts.sum(axis=1, keepdims=True) * 1e6

    @property
    def log(self) -> np.ndarray:
        return np.log2(self.cpm + 1)

    def labels(self, samples: list[str], name: str = "labels.tsv", *, header: str = "") -> None:
        lines = [f"{sample}\t{one}\n" for sample, one in zip(samples, self.classes, strict=True)]
        Path(name).write_text(header + "".join(lines))


@pytest.fixture(scope="module")
def study() -> Study:
    rng = np.random.default_rng(5)
    table = symbol_table()
    known = [one for one in sorted(table.protein_coding) if table.ids_of[table.symbol_of[one]] == [one]]
    ensembl = [known[at] for at in sorted(rng.choice(len(known), N_GENES, replace=False))]
    mean = np.exp(rng.normal(5, 1.5, N_GENES))
    tumour = np.arange(N_SAMPLES) % 2 == 0
    means = np.where(tumour[:, None] & (np.arange(N_GENES) < 20), 4.0, 1.0) * mean
    depth = np.exp(rng.normal(0, 0.4, N_SAMPLES))
    counts = rng.poisson(rng.gamma(4, means * depth[:, None] / 4))
    classes = ["tumour" if one else "normal" for one in tumour]
    return Study(
        counts,
        classes,
        [table.symbol_of[one] for one in ensembl],
        ensembl,
        [str(1000 + 7 * at) for at in range(N_GENES)],
    )


def _names(form: str) -> list[str]:
    return [form.format(at) for at in range(1, N_SAMPLES + 1)]


def _output(command: str, capfd, *, code: int = 0) -> str:
    found = main(command.split())
    output = "".join(capfd.readouterr())
    assert "Traceback" not in output
    assert found == code, output
    return output


def _read(command: str, capfd, expected: np.ndarray, *says: str) -> None:
    """Inspect must say these words, and the values read must be the expected ones, samples in any order."""
    output = _output(f"inspect {command}", capfd)
    for words in (f"{N_SAMPLES} samples x {N_GENES} genes", "tumour", *says):
        assert re.search(words, output), output
    options = build_parser().parse_args(["inspect", *command.split()])
    values = np.asarray(inputs.profiles(options, refuse_linear=False).X)
    in_order, expected_in_order = (part[np.argsort(part.sum(axis=1))] for part in (values, expected))
    np.testing.assert_allclose(in_order, expected_in_order, atol=2e-3)


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_feature_counts(study, capfd):
    """Subread User's Guide, featureCounts output: a comment, six columns, samples named by their files."""
    samples = _names("s{}")
    table = pd.DataFrame(study.counts.T, columns=[f"/data/bam/{one}.sorted.bam" for one in samples])
    chromosomes = [f"chr1;chr{at % 22 + 1}" for at in range(N_GENES)]
    for at, (name, cells) in enumerate(
        {
            "Geneid": study.ensembl,
            "Chr": chromosomes,
            "Start": ["11;200"] * N_GENES,
            "End": ["90;300"] * N_GENES,
            "Strand": ["+;+"] * N_GENES,
            "Length": range(500, 500 + N_GENES),
        }.items()
    ):
        table.insert(at, name, cells)
    text = '# Program:featureCounts v2.0.3; Command:"featureCounts" "-T" "8" "-a" "genes.gtf"\n'
    Path("counts.txt").write_text(text + table.to_csv(sep="\t", index=False))
    study.labels(samples)
    _read(
        "--expression counts.txt --labels labels.tsv --transform log2",
        capfd,
        study.log,
        "featureCounts",
        "counts per million",
    )


def test_star_gene_counts_in_a_folder(study, capfd):
    """STAR manual, --quantMode GeneCounts: one file for each sample, four columns, four N_ rows first."""
    samples = _names("RNA{:03}")
    Path("star").mkdir()
    for sample, counts in zip(samples, study.counts, strict=True):
        rows = [f"N_{name}\t70000\t80000\t90000\n" for name in ("unmapped", "multimapping", "noFeature", "ambiguous")]
        rows += [
            f"{gene}\t{count}\t{count // 2}\t{count - count // 2}\n"
            for gene, count in zip(study.ensembl, counts, strict=True)
        ]
        Path(f"star/{sample}ReadsPerGene.out.tab").write_text("".join(rows))
    study.labels(samples)
    _read("--expression star --labels labels.tsv --transform log2", capfd, study.log, "STAR", "N_unmapped")


def test_htseq_counts_by_a_sheet(study, capfd):
    """HTSeq documentation, htseq-count: two columns, no header, five __ rows last; files named in a sheet."""
    samples, sheet = _names("P{}-T"), ["sample\tfile\tstatus"]
    Path("counts").mkdir()
    for sample, one, counts in zip(samples, study.classes, study.counts, strict=True):
        rows = [f"{gene}\t{count}\n" for gene, count in zip(study.ensembl, counts, strict=True)]
        tail = ("no_feature", "ambiguous", "too_low_aQual", "not_aligned", "alignment_not_unique")
        rows += [f"__{name}\t12345\n" for name in tail]
        Path(f"counts/{sample}.htseq.counts").write_text("".join(rows))
        sheet.append(f"{sample}\tcounts/{sample}.htseq.counts\t{one}")
    Path("sheet.tsv").write_text("\n".join(sheet) + "\n")
    _read("--expression sheet.tsv --label-column status --transform log2", capfd, study.log, "HTSeq", "__no_feature")


def test_salmon_gene_quantifications_in_folders(study, capfd):
    """Salmon documentation, quant.genes.sf with --geneMap: a folder for each sample."""
    samples = _names("lib{}")
    for sample, counts, cpm in zip(samples, study.counts, study.cpm, strict=True):
        Path("quants", sample).mkdir(parents=True)
        table = pd.DataFrame({"Name": study.ensembl, "Length": 1500.0, "EffectiveLength": 1320.5})
        table["TPM"], table["NumReads"] = cpm, counts + 0.25
        table.to_csv(Path("quants", sample, "quant.genes.sf"), sep="\t", index=False)
    study.labels(samples)
    counts = study.counts + 0.25
    reads = np.log2(counts / counts.sum(axis=1, keepdims=True) * 1e6 + 1)
    _read("--expression quants --labels labels.tsv --transform log2", capfd, reads, "[Ss]almon", "counts per million")
    _read("--expression quants --labels labels.tsv --value TPM --transform log2", capfd, study.log)


def test_xena_legacy_hub(study, capfd):
    """UCSC Xena TCGA hub, HiSeqV2: no ending, corner `sample`, log2(x + 1); clinicalMatrix with sampleID first."""
    samples = _names("TCGA-AB-{:04}-01")
    frame = pd.DataFrame(study.log.T.round(4), index=study.symbols, columns=samples)
    with gzip.open("HiSeqV2", "wt") as file:
        frame.to_csv(file, sep="\t", index_label="sample")
    clinical = pd.DataFrame({"sampleID": samples, "_PATIENT": [one[:12] for one in samples], "gender": "FEMALE"})
    clinical["sample_type"] = study.classes
    extra = pd.DataFrame({"sampleID": ["TCGA-ZZ-9999-01"], "sample_type": [""]})
    pd.concat([clinical, extra]).to_csv("BRCA_clinicalMatrix", sep="\t", index=False)
    _read("--expression HiSeqV2 --labels BRCA_clinicalMatrix --label-column sample_type", capfd, study.log)


def test_xena_toil_tcga_labels_at_another_length(study, capfd):
    """UCSC Xena Toil hub: versioned Ensembl ids; labels with 28-letter GDC barcodes for 15-letter samples."""
    samples = _names("TCGA-AB-{:04}-01")
    names = [f"{gene}.{at % 9 + 1}" for at, gene in enumerate(study.ensembl)]
    frame = pd.DataFrame(study.log.T.round(4), index=names, columns=samples)
    frame.to_csv("TcgaTargetGtex_RSEM_Hugo_norm_count.gz", sep="\t", index_label="sample", compression="gzip")
    study.labels([f"{one}A-11R-1234-07" for one in samples])
    _read(
        "--expression TcgaTargetGtex_RSEM_Hugo_norm_count.gz --labels labels.tsv", capfd, study.log, "in common|barcode"
    )


def test_ccle_gct(study, capfd):
    """CCLE 2019 portal: GCT 1.2 of RPKM, cell lines as SAMPLE_TISSUE; annotation table with CCLE_ID second."""
    samples = _names("LINE{}_LUNG")
    rows = ["#1.2", f"{N_GENES}\t{N_SAMPLES}", "\t".join(["Name", "Description", *samples])]
    names = zip(study.ensembl, study.symbols, study.cpm.T / 3, strict=True)
    rows += ["\t".join([f"{one}.4", symbol, *map("{:.5f}".format, cells)]) for one, symbol, cells in names]
    with gzip.open("CCLE_RNAseq_genes_rpkm_20180929.gct.gz", "wt") as file:
        file.write("\n".join(rows) + "\n")
    annotation = pd.DataFrame({"depMapID": _names("ACH-{:06}"), "CCLE_ID": samples, "Pathology": study.classes})
    annotation.to_csv("Cell_lines_annotations.txt", sep="\t", index=False)
    command = "--expression CCLE_RNAseq_genes_rpkm_20180929.gct.gz --labels Cell_lines_annotations.txt"
    _read(f"{command} --label-column Pathology --transform log2", capfd, np.log2(study.cpm / 3 + 1), "CCLE_ID")


def test_expression_atlas(study, capfd):
    """EMBL-EBI Expression Atlas, raw counts of an experiment: Gene ID, Gene Name, runs; condensed design as labels."""
    samples = _names("ERR{:06}")
    table = pd.DataFrame(study.counts.T, columns=samples)
    table.insert(0, "Gene ID", study.ensembl)
    table.insert(1, "Gene Name", study.symbols)
    table.to_csv("E-MTAB-1-raw-counts.tsv", sep="\t", index=False)
    design = pd.DataFrame({"Run": samples, "Sample Characteristic[organism]": "Homo sapiens", "Analysed": "Yes"})
    design["disease"] = study.classes
    design.to_csv("E-MTAB-1-experiment-design.tsv", sep="\t", index=False)
    command = "--expression E-MTAB-1-raw-counts.tsv --labels E-MTAB-1-experiment-design.tsv --label-column disease"
    _read(f"{command} --transform log2", capfd, study.log, "Gene Name")


def test_ncbi_generated_geo_counts_with_a_series_matrix_as_labels(study, capfd):
    """GEO, NCBI-generated counts: GeneID (Entrez) rows, GSM columns; classes from the series matrix of the study."""
    samples = _names("GSM{:07}")
    frame = pd.DataFrame(study.counts.T, index=study.entrez, columns=samples)
    frame.to_csv("GSE1_raw_counts_GRCh38.p13_NCBI.tsv.gz", sep="\t", index_label="GeneID", compression="gzip")
    quoted = "\t".join(f'"{one}"' for one in samples)
    state = "\t".join(f'"disease state: {one}"' for one in study.classes)
    with gzip.open("GSE1_series_matrix.txt.gz", "wt") as file:
        file.write(
            f'!Series_title\t"A study"\n!Series_geo_accession\t"GSE1"\n\n!Sample_geo_accession\t{quoted}\n'
            f'!Sample_characteristics_ch1\t{state}\n!series_matrix_table_begin\n"ID_REF"\t{quoted}\n'
            "!series_matrix_table_end\n"
        )
    Path("labels.tsv").write_text("".join(f"{a}\t{b}\n" for a, b in zip(samples, study.classes, strict=True)))
    command = "--expression GSE1_raw_counts_GRCh38.p13_NCBI.tsv.gz --transform log2 --labels"
    _read(f"{command} labels.tsv", capfd, study.log, "counts per million")
    Path("state.txt").write_text("disease state\n")
    code = main([*f"inspect {command} GSE1_series_matrix.txt.gz --label-column".split(), "disease state"])
    output = "".join(capfd.readouterr())
    assert code == 0, output
    assert "tumour" in output
    assert "counts" in _output("inspect --expression GSE1_series_matrix.txt.gz", capfd, code=3)


def test_firehose_second_header_line(study, capfd):
    """Broad Firehose, RSEM_genes_normalized: a second header line of `normalized_count`, SYMBOL|entrez names."""
    samples = _names("TCGA-AB-{:04}-01A-11R-1234-07")
    rows = ["\t".join(["Hybridization REF", *samples]), "\t".join(["gene_id", *["normalized_count"] * N_SAMPLES])]
    names = [f"{a}|{b}" for a, b in zip(study.symbols, study.entrez, strict=True)]
    rows += ["\t".join([name, *map("{:.4f}".format, cells)]) for name, cells in zip(names, study.cpm.T, strict=True)]
    Path("BRCA.uncv2.mRNAseq_RSEM_normalized.txt").write_text("\n".join(rows) + "\n")
    study.labels(samples)
    command = "--expression BRCA.uncv2.mRNAseq_RSEM_normalized.txt --labels labels.tsv --transform log2"
    _read(command, capfd, study.log, "Firehose")


def test_prep_de_csv(study, capfd):
    """StringTie prepDE.py: gene_count_matrix.csv with gene_id `ENSG...|SYMBOL`."""
    samples = _names("run{}")
    names = [f"{a}|{b}" for a, b in zip(study.ensembl, study.symbols, strict=True)]
    pd.DataFrame(study.counts.T, index=names, columns=samples).to_csv("gene_count_matrix.csv", index_label="gene_id")
    study.labels(samples)
    Path("one.gmt").write_text("SET\tna\t" + "\t".join(study.symbols[:30]) + "\n")
    command = "--expression gene_count_matrix.csv --labels labels.tsv --gene-sets one.gmt --transform log2"
    _read(command, capfd, study.log, "100%")


def test_protein_atlas_long_table(study, capfd):
    """Human Protein Atlas, rna_tissue_consensus.tsv: one line for each gene and tissue, which is no matrix."""
    rows = ["Gene\tGene name\tTissue\tnTPM"]
    for gene, symbol, cells in zip(study.ensembl, study.symbols, study.cpm.T, strict=True):
        rows += [f"{gene}\t{symbol}\ttissue {at}\t{cell:.1f}" for at, cell in enumerate(cells[:5])]
    Path("rna_tissue_consensus.tsv").write_text("\n".join(rows) + "\n")
    assert "pivot" in _output("inspect --expression rna_tissue_consensus.tsv", capfd, code=3)


def test_recount_counts_with_names_last(study, capfd):
    """recount2, counts_gene.tsv.gz: runs first, the column gene_id last."""
    samples = _names("SRR{:06}")
    table = pd.DataFrame(study.counts.T, columns=samples)
    table["gene_id"] = [f"{one}.3" for one in study.ensembl]
    table.to_csv("counts_gene.tsv.gz", sep="\t", index=False, compression="gzip")
    study.labels(samples)
    _read("--expression counts_gene.tsv.gz --labels labels.tsv --transform log2", capfd, study.log, "gene_id")


def test_limma_voom_export_with_annotation_at_the_end(study, capfd):
    """edgeR and limma, write.csv of cpm(log=TRUE) beside genes: negative values, two text columns, R's own index."""
    samples = _names("{}")
    values = np.log2(study.cpm + 0.25) - 3
    table = pd.DataFrame(values.T.round(5), index=study.ensembl, columns=[f"X{one}" for one in samples])
    table["symbol"], table["description"] = study.symbols, "a gene, with a comma"
    table.to_csv("logcpm.csv")
    study.labels(samples, header="id\tgroup\n")
    _read("--expression logcpm.csv --labels labels.tsv", capfd, values, "symbol", "X")


def test_cell_ranger_and_loom_are_named(capfd):
    """10x Genomics Cell Ranger: a folder with matrix.mtx.gz, features.tsv.gz, barcodes.tsv.gz."""
    Path("filtered_feature_bc_matrix").mkdir()
    for name in ("matrix.mtx.gz", "features.tsv.gz", "barcodes.tsv.gz"):
        with gzip.open(Path("filtered_feature_bc_matrix") / name, "wt") as file:
            file.write("%%MatrixMarket matrix coordinate integer general\n")
    assert "read_10x_mtx" in _output("inspect --expression filtered_feature_bc_matrix", capfd, code=3)


def test_excel_csv_of_a_german_computer(study, capfd):
    """Excel, CSV with semicolons and decimal commas: refused with the cell and the step, never read as thousands."""
    samples = _names("s{}")
    frame = pd.DataFrame(study.log.round(3), index=samples, columns=study.symbols)
    frame.to_csv("matrix.csv", sep=";", decimal=",", index_label="Probe")
    study.labels(samples)
    output = _output("inspect --expression matrix.csv --labels labels.tsv", capfd, code=3)
    assert "decimal" in output
