"""The layouts that programs and archives write: the same numbers as pandas reads from the same table."""

import gzip
import re
import subprocess
import sys
from contextlib import ExitStack

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tspg.data.expression import read_expression
from tspg.data.readers import streams
from tspg.data.readers.columns import names_from_files
from tspg.data.readers.layouts import MATRIX_LAYOUTS
from tspg.data.readers.opening import open_table
from tspg.errors import ExpressionError

SAMPLES = ["S1", "S2", "S3", "S4"]
GENES = [f"ENSG{at:011d}" for at in range(6)]
SYMBOLS = ["TP53", "MYC", "EGFR", "KRAS", "ALK", "MET"]
VALUES = pd.DataFrame(
    np.random.default_rng(0).gamma(0.5, 20, (6, 4)).round(3), index=GENES, columns=SAMPLES
)  # genes x samples
BESIDE = pd.DataFrame({"gene_name": SYMBOLS, "gene_type": "protein_coding", "Length": range(100, 700, 100)}, GENES)


def write(folder, table, name="m.tsv", *, above="", below="", sep="\t", **options):
    path = folder / name
    text = above + table.to_csv(sep=sep, **options) + below
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


def read(path, **options):
    """The matrix of a file with genes in rows, as genes x samples, and its notes in one text."""
    adata = read_expression(path, transpose=True, **options)
    return adata.to_df().T, "; ".join(adata.uns["tspg_input"]["notes"])


def opened(path):
    """A table read to its end."""
    with ExitStack() as stack:
        table = open_table(path, stack, limit=1e9)
        list(table.blocks)
    return table


def check_same(found, expected, *, genes=None, samples=None):
    assert list(found.index) == list(expected.index if genes is None else genes)
    assert list(found.columns) == list(expected.columns if samples is None else samples)
    np.testing.assert_array_equal(found.to_numpy(), expected.to_numpy(np.float32))


def test_featurecounts(tmp_path):
    about = pd.DataFrame(
        {"Chr": "chr1;chr1", "Start": "11;40", "End": "22;60", "Strand": "+;+", "Length": range(6)}, GENES
    )
    table = about.join(
        VALUES.set_axis([f"/data/run 1/{name}_Aligned.sortedByCoord.out.bam" for name in SAMPLES], axis=1)
    )
    path = write(
        tmp_path, table, "counts.txt", above='# Program:featureCounts v2.0; Command:"x"\n', index_label="Geneid"
    )
    found, notes = read(path)
    check_same(found, VALUES)
    assert "read as featureCounts output: " in notes
    assert "names were taken from file names" in notes
    assert opened(path).genes_in_rows


def test_featurecounts_with_one_number_a_gene_in_the_columns_of_places(tmp_path):
    about = pd.DataFrame({"Chr": range(1, 7), "Start": 11, "End": 22, "Strand": "-", "Length": range(6)}, GENES)
    table = about.join(VALUES.add_suffix(".bam"))
    check_same(read(write(tmp_path, table, "counts.txt", index_label="Geneid"))[0], VALUES)


def test_nf_core_and_its_symbols(tmp_path):
    path = write(tmp_path, BESIDE[["gene_name"]].join(VALUES), "salmon.merged.gene_counts.tsv", index_label="gene_id")
    found, notes = read(path)
    check_same(found, VALUES)
    assert "nf-core" in notes
    assert opened(path).row_texts == {"gene_name": SYMBOLS}


def test_cbioportal_leaves_out_rows_without_a_symbol(tmp_path):
    table = VALUES.set_axis(pd.Index(["TP53", "", "EGFR", "", "ALK", "MET"], name="Hugo_Symbol"))
    table.insert(0, "Entrez_Gene_Id", range(1000, 1006))
    expected = VALUES.iloc[[0, 2, 4, 5]]
    path = write(tmp_path, table, "data_mrna_seq_v2_rsem.txt")
    found, notes = read(path)
    check_same(found, expected, genes=["TP53", "EGFR", "ALK", "MET"])
    assert "2 row(s) were left out: they have no name" in notes
    found, _ = read(path, genes=["EGFR", "MET"])
    check_same(found, expected.iloc[[1, 3]], genes=["EGFR", "MET"])
    swapped = table.reset_index().set_index("Entrez_Gene_Id")
    check_same(read(write(tmp_path, swapped, "b.txt"))[0], expected, genes=["TP53", "EGFR", "ALK", "MET"])


def test_cbioportal_checks_the_cells_of_rows_without_a_symbol(tmp_path):
    table = VALUES.astype(object).set_axis(pd.Index(["TP53", "", "EGFR", "KRAS", "ALK", "MET"], name="Hugo_Symbol"))
    table.insert(0, "Entrez_Gene_Id", range(6))
    table.iloc[1, 2] = "foo"
    path = write(tmp_path, table)
    with (
        ExitStack() as stack,
        pytest.raises(ExpressionError, match="line 3: row '', column 'S2': 'foo' is not a number"),
    ):
        next(open_table(path, stack, limit=1e9).blocks).values()


@pytest.mark.parametrize("corner", ["Ensembl_ID", "sample", "xena_sample"])
@pytest.mark.parametrize(
    ("name", "units"),
    [("TCGA-KIRC.htseq_fpkm.tsv.gz", "log scale"), ("HiSeqV2", "log scale"), ("TCGA-KIRC.mine.tsv", "")],
)
def test_units_of_xena_are_known_by_its_names(tmp_path, corner, name, units):
    path = write(tmp_path, VALUES, name if "." in name else f"{name}.tsv", index_label=corner)
    check_same(read(path)[0], VALUES)
    assert opened(path).units == units


def test_depmap_splits_symbol_and_entrez(tmp_path):
    table = VALUES.T.set_axis([f"{symbol} ({at})" for at, symbol in enumerate(SYMBOLS)], axis=1)
    path = write(tmp_path, table, "OmicsExpression.csv", sep=",")
    adata = read_expression(path)
    check_same(adata.to_df(), VALUES.T, genes=SAMPLES, samples=SYMBOLS)
    assert opened(path).column_texts == {"second_name": ["0", "1", "2", "3", "4", "5"]}


def test_depmap_transposed(tmp_path):
    table = VALUES.set_axis([f"{symbol} ({at})" for at, symbol in enumerate(SYMBOLS)])
    check_same(read(write(tmp_path, table))[0], VALUES, genes=SYMBOLS)


def test_symbols_of_two_ids_keep_them(tmp_path):
    table = VALUES.T.set_axis(["A (1)", "B (2)", "A (3)", "C (4)", "D (5)", "E (6)"], axis=1)
    adata = read_expression(write(tmp_path, table))
    assert list(adata.var_names) == ["A (1)", "B", "A (3)", "C", "D", "E"]


def test_depmap_with_columns_of_samples(tmp_path):
    about = pd.DataFrame(
        {
            "SequencingID": ["CDS-a", "CDS-b", "CDS-c", "CDS-d"],
            "ModelID": ["ACH-1", "ACH-2", "ACH-2", "ACH-3"],
            "IsDefaultEntryForModel": ["Yes", "No", "Yes", "Yes"],
            "ModelConditionID": ["MC-1", "MC-2", "MC-3", "MC-4"],
            "IsDefaultEntryForMC": ["Yes"] * 4,
        }
    )
    table = about.join(
        VALUES.T.reset_index(drop=True).set_axis([f"{one} (1{at})" for at, one in enumerate(SYMBOLS)], axis=1)
    )
    path = write(tmp_path, table, "OmicsExpressionTPMLogp1HumanProteinCodingGenes.csv", sep=",")
    adata = read_expression(path)
    check_same(adata.to_df(), VALUES.T.iloc[[0, 2, 3]], genes=["ACH-1", "ACH-2", "ACH-3"], samples=SYMBOLS)
    assert "1 row(s) were left out" in " ".join(adata.uns["tspg_input"]["notes"])
    assert opened(path).row_texts["SequencingID"] == ["CDS-a", "CDS-c", "CDS-d"]


def test_a_column_that_counts_the_rows_names_none(tmp_path):
    table = VALUES.T.reset_index(names="sample")
    adata = read_expression(write(tmp_path, table, sep=",", name="m.csv"))
    check_same(adata.to_df(), VALUES.T)


def test_expression_atlas(tmp_path):
    path = write(tmp_path, BESIDE[["gene_name"]].set_axis(["Gene Name"], axis=1).join(VALUES), index_label="Gene ID")
    found, notes = read(path)
    check_same(found, VALUES)
    assert "Expression Atlas" in notes


def test_firehose(tmp_path):
    symbols = ["?|100130426", *(f"{symbol}|{at}" for at, symbol in enumerate(SYMBOLS[1:]))]
    table = VALUES.set_axis(pd.Index(symbols, name="Hybridization REF"))
    second = "\t".join(["gene_id", *["normalized_count"] * 4])
    header, *rows = table.to_csv(sep="\t").splitlines()
    path = tmp_path / "KIRC.rnaseqv2.txt"
    path.write_text("\n".join([header, second, *rows]) + "\n")
    found, _ = read(path)
    check_same(found, VALUES, genes=["?|100130426", *SYMBOLS[1:]])
    assert opened(path).row_texts == {"second_name": ["", "0", "1", "2", "3", "4"]}
    path.write_text("\n".join([header, *rows]) + "\n")  # the second line taken away by hand
    check_same(read(path)[0], VALUES, genes=["?|100130426", *SYMBOLS[1:]])
    path.write_text("\n".join([header, second.replace("normalized", "raw", 1), *rows]) + "\n")
    with pytest.raises(ExpressionError, match="several columns for each sample"):
        read(path)


def test_ensembl_ids_with_symbols_of_stringtie(tmp_path):
    table = VALUES.set_axis([f"{gene}.1|{symbol}" for gene, symbol in zip(GENES, SYMBOLS, strict=True)])
    found, notes = read(write(tmp_path, table, "gene_count_matrix.csv", sep=",", index_label="gene_id"))
    check_same(found, VALUES, genes=[f"{gene}.1" for gene in GENES])
    assert "two names" in notes


def test_cufflinks(tmp_path):
    about = {"class_code": "-", "nearest_ref_id": "-", "gene_id": GENES, "gene_short_name": SYMBOLS, "tss_id": "-"}
    about |= {"locus": "chr1:1-20", "length": "-", "coverage": "-"}
    table = pd.DataFrame(about, pd.Index([f"XLOC_{at}" for at in range(6)], name="tracking_id"))
    for sample in SAMPLES:
        table[f"{sample}_FPKM"] = VALUES[sample].to_numpy()
        table[f"{sample}_conf_lo"], table[f"{sample}_conf_hi"], table[f"{sample}_status"] = 0.5, 9.5, "OK"
    check_same(read(write(tmp_path, table, "genes.fpkm_tracking.txt"))[0], VALUES)


def test_recount3(tmp_path):
    above = "##annotation=G026\n##date.generated=2020-08-20\n"
    path = write(tmp_path, VALUES, "sra.gene_sums.SRP009615.G026.tsv.gz", above=above, index_label="gene_id")
    check_same(read(path)[0], VALUES)


def test_merged_tables_of_the_gdc(tmp_path):
    found, notes = read(write(tmp_path, BESIDE[["gene_name", "gene_type"]].join(VALUES), index_label="gene_id"))
    check_same(found, VALUES)
    assert "'gene_name', 'gene_type'" in notes


SERIES = (
    '!Series_title\t"A study"\n!Series_geo_accession\t"GSE1"\n\n'
    '!Sample_title\t"a, 5"\t"b"\t"c"\t"d"\n'
    '!Sample_geo_accession\t"S1"\t"S2"\t"S3"\t"S4"\n'
    '!Sample_source_name_ch1\t"kidney"\t"kidney"\t"kidney"\t"kidney"\n'
    '!Sample_characteristics_ch1\t"tissue: tumour"\t"tissue: normal"\t"tissue: normal"\t"tissue: tumour"\n'
    '!Sample_characteristics_ch1\t"age: 50"\t""\t"stage: II"\t"age: 61"\n'
    "!series_matrix_table_begin\n"
)
SERIES_END = "!series_matrix_table_end\n"


def test_series_matrix_of_geo(tmp_path):
    path = tmp_path / "GSE1_series_matrix.txt.gz"
    table = VALUES.to_csv(sep="\t", index_label="ID_REF", quoting=2)
    path.write_bytes(gzip.compress((SERIES + table + SERIES_END).encode()))
    adata = read_expression(path, label_column="tissue")
    check_same(adata.to_df().T, VALUES)
    assert adata.obs["tissue"].tolist() == ["tumour", "normal", "normal", "tumour"]
    assert adata.obs["age"].tolist() == ["50", "", "", "61"]
    assert adata.obs["stage"].tolist() == ["", "", "II", ""]
    assert adata.obs["title"].tolist() == ["a, 5", "b", "c", "d"]


def test_a_series_matrix_without_accessions_has_the_order_of_its_table(tmp_path):
    above = re.sub("!Sample_geo_accession.*\n", "", SERIES)
    adata = read_expression(write(tmp_path, VALUES, "s.txt", above=above, below=SERIES_END, index_label="ID_REF"))
    assert adata.obs["tissue"].tolist() == ["tumour", "normal", "normal", "tumour"]


def test_a_series_matrix_with_characteristics_without_keys_and_labels_by_title(tmp_path):
    above = SERIES.replace("tissue: ", "").replace("stage: II", "treated")
    path = write(tmp_path, VALUES, "s.txt", above=above, below=SERIES_END, index_label="ID_REF")
    (tmp_path / "labels.tsv").write_text("d\tw\nb\tx\nc\ty\na, 5\tz\n")
    adata = read_expression(path, labels=tmp_path / "labels.tsv")
    assert adata.obs["label"].tolist() == ["z", "x", "y", "w"]
    assert adata.obs["characteristics_ch1"].tolist() == ["tumour", "normal", "normal", "tumour"]
    assert adata.obs["characteristics_ch1.1"].tolist() == ["", "", "treated", ""]
    assert adata.obs["age"].tolist() == ["50", "", "", "61"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (SERIES + '"ID_REF"\t"S1"\t"S2"\t"S3"\t"S4"\n' + SERIES_END, "holds no values.*supplementary.*as --labels"),
        (SERIES + "ID_REF\tS1\tS2\tS3\tS4\nTP53\t1\t2\t3\t4\n", "does not end in a line !series_matrix_table_end"),
        (SERIES.replace('\t"kidney"\n', "\n"), "!Sample_source_name_ch1 has 3 fields for 4 samples"),
        (SERIES + "ID_REF\tS1\tS2\tS3\tS5\nTP53\t1\t2\t3\t4\n" + SERIES_END, "no line .* names: 'S5'"),
        ("!Series_title\tx\n", "no line !series_matrix_table_begin follows"),
        (SERIES + "ID_REF\tS1\tS2\tS3\tS4\nTP53\t1\t2\tnull\t4\n" + SERIES_END, "line 11: .*'S3'.*missing"),
    ],
)
def test_faults_of_series_matrices(tmp_path, text, message):
    (tmp_path / "s.txt").write_text(text)
    with pytest.raises(ExpressionError, match=message):
        read_expression(tmp_path / "s.txt")


LONG = VALUES.rename_axis("Gene").reset_index().melt("Gene", var_name="Tissue", value_name="nTPM").sort_values("Gene")


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (["tx", "gene_id", "S1", "S2"], "transcripts.*gene_counts"),
        (["Status", "S1.bam", "S2.bam"], r"without \.summary"),
        (["", "baseMean", "log2FoldChange", "lfcSE", "stat", "pvalue", "padj"], "DESeq2.*results of tests"),
        (["", "logFC", "AveExpr", "t", "P.Value", "adj.P.Val", "B"], "limma"),
        (["Gene ID", "Gene Name", "g1_g2.p-value", "g1_g2.log2foldchange"], "results of Expression Atlas"),
        (["", "logFC", "logCPM", "LR", "PValue", "FDR"], "edgeR"),
        (["icgc_donor_id", "project_code", "icgc_specimen_id", "gene_id", "raw_read_count"], "pivot"),
    ],
)
def test_files_that_are_no_matrices_are_refused(tmp_path, header, message):
    path = tmp_path / ("counts.txt.summary.txt" if header[0] == "Status" else "m.tsv")
    path.write_text("\n".join(["\t".join(header), *["\t".join(["x", *["1"] * (len(header) - 1)])] * 2]) + "\n")
    with pytest.raises(ExpressionError, match=message):
        read_expression(path)


def test_a_long_table_is_refused_with_the_line_that_turns_it(tmp_path):
    table = LONG.set_index("Gene")
    table.insert(0, "Gene name", "x")
    path = write(tmp_path, table, "rna_tissue_consensus.tsv")
    with pytest.raises(ExpressionError, match="long table") as caught:
        read_expression(path)
    line = re.search(r'python -c "(.*)"\.', str(caught.value))[1]
    turn = line.replace("'rna_tissue_consensus.tsv'", repr(str(path))).replace("NEW.tsv", str(tmp_path / "NEW.tsv"))
    subprocess.run([sys.executable, "-c", turn.replace("\\\\", "\\")], check=True)
    check_same(read(tmp_path / "NEW.tsv")[0], VALUES)


def test_a_column_of_text_is_set_apart_wherever_it_stands(tmp_path):
    for at in range(5):
        table = VALUES.copy()
        table.insert(at, "note", list("abcdef"))
        path = write(tmp_path, table)
        found, notes = read(path)
        check_same(found, VALUES)
        assert "1 column(s) of text are no values: 'note'" in notes
        assert opened(path).row_texts == {"note": list("abcdef")}


def test_one_word_in_a_column_of_numbers_is_a_fault_with_its_place(tmp_path):
    for row in range(6):
        table = VALUES.astype(object)
        table.iloc[row, 2] = "foo"
        with pytest.raises(ExpressionError, match=f"line {row + 2}: row .*, column 'S3': 'foo' is not a number"):
            read(write(tmp_path, table))


def test_one_word_is_a_fault_also_beside_nothing(tmp_path):
    for others in ([], ["NA"], ["", "NA"]):
        table = VALUES.astype(object).iloc[: len(others) + 1]
        table["S2"] = [*others, "foo"]
        with pytest.raises(ExpressionError, match=r"line 2: .*column 'S2'"):
            read(write(tmp_path, table))


def test_what_stands_far_down_in_a_column_without_name_is_a_fault(tmp_path):
    rows = [f"g{at}\t1\t2\t" for at in range(100)]
    path = tmp_path / "m.tsv"
    path.write_text("\n".join(["gene\tS1\tS2\t", *rows, ""]))
    assert read(path)[0].shape == (100, 2)
    path.write_text("\n".join(["gene\tS1\tS2\t", *rows[:-1], "g99\t1\t2\t7", ""]))
    with pytest.raises(ExpressionError, match="line 101: there is a value in a column that has no name"):
        read(path)


@pytest.mark.parametrize("block", [16, 1 << 20])
def test_blank_lines_are_harmless_at_the_very_end_only(tmp_path, monkeypatch, block):
    monkeypatch.setattr(streams, "BLOCK", block)
    rows = [f"g{at}\t1\t2" for at in range(100)]
    path = tmp_path / "m.tsv"
    path.write_text("\n".join(["gene\tS1\tS2", *rows, *[""] * 60]))
    assert read(path)[0].shape == (100, 2)
    path.write_text("\n".join(["gene\tS1\tS2", *rows, *[""] * 60, rows[0] + "x", ""]))
    with pytest.raises(ExpressionError, match=r"line 102: .*the line is empty"):
        read(path)


def test_numbers_that_are_written_wrongly_are_no_text(tmp_path):
    for word in ("1,5", "1 234", "1'234", "0x1F", "#REF!", "=A1", "<0.1", "1_000", "0.1,0.5,1.5"):
        table = VALUES.astype(object)
        table["S2"] = word
        with pytest.raises(ExpressionError, match=r"line 2: .*column 'S2'"):
            read(write(tmp_path, table))


@pytest.mark.parametrize("name", ["Length", "length", "Entrez_Gene_Id", "entrezgene", "width", "start", "gene_length"])
def test_numbers_about_genes_are_left_out_beside_the_names_only(tmp_path, name):
    for at in (0, 4):
        table = VALUES.copy()
        table.insert(at, name, range(6))
        path = write(tmp_path, table, index_label="gene")
        check_same(read(path)[0], VALUES)
        assert opened(path).left_out == [name]
    table = VALUES.copy()
    table.insert(2, name, range(6))
    assert name in read(write(tmp_path, table, index_label="gene"))[0].columns


@pytest.mark.parametrize(
    ("files", "samples"),
    [
        (["a/S1.bam", "a/S2.bam"], ["S1", "S2"]),
        (["S1.sorted.dedup.bam", "S2.sorted.dedup.bam"], ["S1", "S2"]),
        (["S1.markdup.sorted.bam", "S2.markdup.sorted.bam"], ["S1", "S2"]),
        (["run/S1/Aligned.sortedByCoord.out.bam", "run/S2/Aligned.sortedByCoord.out.bam"], ["S1", "S2"]),
        (["S1.genes.results", "S2.genes.results"], ["S1", "S2"]),
        (["S1ReadsPerGene.out.tab", "S2_ReadsPerGene.out.tab"], ["S1", "S2"]),
        (["x/S1/quant.sf", "x/S2/quant.sf"], ["S1", "S2"]),
        (["C:\\data\\S1.bam", "C:\\data\\S2.bam"], ["S1", "S2"]),
        (["S1.bam", "S2"], None),
        (["S1", "S2"], None),
        (["a/S1.bam", "b/S1.bam"], ["a", "b"]),
    ],
)
def test_samples_of_files(files, samples):
    assert names_from_files(files) == samples


def test_names_of_files_stay_where_the_labels_have_them(tmp_path):
    labels = tmp_path / "labels.tsv"
    labels.write_text("".join(f"{name}.bam\tx\n" for name in SAMPLES))
    path = write(tmp_path, VALUES.add_suffix(".bam"), index_label="gene")
    found, notes = read(path, labels=labels)
    check_same(found, VALUES, samples=[f"{name}.bam" for name in SAMPLES])
    assert "file names" not in notes


@given(
    st.sampled_from(["", "# a comment\n", "#a\n#b\tc\n"]),
    st.sampled_from("\t,; "),
    st.sampled_from(["", "{sep}"]),
    st.lists(st.sampled_from(["gene_name", "gene_type"]), unique=True),
    st.sampled_from(["", "\n", "\n\n"]),
)
def test_dress_changes_no_value(tmp_path_factory, above, sep, end, texts, below):
    table = BESIDE[texts].join(VALUES).to_csv(sep=sep, index_label="gene")
    text = above + table.replace("\n", end.format(sep=sep) + "\n") + below
    path = tmp_path_factory.mktemp("dress") / "m.tsv"
    path.write_text(text)
    check_same(read(path)[0], VALUES)


def test_every_layout_says_what_is_done():
    for layout in MATRIX_LAYOUTS:
        assert layout.starts or layout.has
        assert layout.refusal == "" or layout.refusal.endswith(".")


def test_numbers_about_samples_at_either_end_are_no_genes(tmp_path):
    """`age` behind a text, `OS_time` at the end; a column of unknown genes stays, in the middle and at an end."""
    genes = ["TP53", "MYC", "EGFR", "KRAS", "Unheard", "ALK", "MET", "BRAF", "PTEN", "CDK4"]
    values = pd.DataFrame(np.arange(40).reshape(4, 10) / 8, SAMPLES, genes)
    about = pd.DataFrame({"tissue": ["a", "b"] * 2, "age": [31, 45, 60, 28], "sex": ["M", "F"] * 2}, SAMPLES)
    ends = pd.DataFrame({"OS_time": [100, 30, 7, 4]}, SAMPLES)
    adata = read_expression(write(tmp_path, about.join(values).join(ends), index_label="sample"), label_column="tissue")
    assert list(adata.var_names) == genes
    np.testing.assert_array_equal(adata.X, values.to_numpy(np.float32))
    assert list(adata.obs["age"]) == ["31", "45", "60", "28"]
    assert list(adata.obs["OS_time"]) == ["100", "30", "7", "4"]
    assert "numbers describe samples and are no genes: 'age', 'OS_time'" in "".join(adata.uns["tspg_input"]["notes"])
    other = values.set_axis([f"gene{chr(at)}" for at in range(97, 107)], axis=1)  # of an organism nobody here knows
    assert read_expression(write(tmp_path, other, index_label="sample")).shape == (4, 10)
    last = values.rename(columns={"CDK4": "AC233755.1"})
    assert read_expression(write(tmp_path, last, index_label="sample")).shape == (4, 10)


def test_a_column_of_numbers_can_be_the_classes(tmp_path):
    table = VALUES.T.assign(c1=[0, 1, 0, 1])
    adata = read_expression(write(tmp_path, table, index_label="sample"), label_column="c1")
    assert list(adata.obs["c1"]) == ["0", "1", "0", "1"]
    assert list(adata.var_names) == GENES


@pytest.mark.parametrize("write_as", ["to_parquet", "to_feather"])
def test_words_in_binary_tables_describe_rows_as_in_text_tables(tmp_path, write_as):
    table = pd.DataFrame(np.arange(24).reshape(4, 6) / 8, SAMPLES, SYMBOLS)
    table.insert(0, "tissue", ["a", None, "b", "a"])
    table.insert(1, "age", [31, 45, 60, 28])
    table["sex"] = pd.Categorical(["M", "F", "F", "M"])
    table["treated"] = [True, False, True, False]
    getattr(table.rename_axis("sample").reset_index(), write_as)(tmp_path / "m")
    adata = read_expression(tmp_path / "m", label_column="sex")
    assert list(adata.var_names) == SYMBOLS
    np.testing.assert_array_equal(adata.X, table[SYMBOLS].to_numpy(np.float32))
    for name in ("age", "sex", "treated"):
        assert adata.obs[name].tolist() == table[name].astype(str).tolist()
    assert adata.obs["tissue"].tolist() == ["a", "", "b", "a"]
    table["MET"] = table["MET"].astype(str)
    getattr(table.rename_axis("sample").reset_index(), write_as)(tmp_path / "m")
    with pytest.raises(ExpressionError, match="'MET' holds numbers that are written as text"):
        read_expression(tmp_path / "m", label_column="sex")
