"""One file a sample: every layout against pandas, folders, tables of files, and what is refused."""

import gzip
import logging
from functools import partial

import numpy as np
import pandas as pd
import pytest

from tspg.data import expression
from tspg.data.readers.layouts import SAMPLE_LAYOUTS, sample_format
from tspg.errors import ExpressionError, UsageError

GENES = ["ENSG01.2", "ENSG02.1", "ENSG03.7"]
SAMPLES = ["A1", "B2", "C3"]

read_expression = partial(expression.read_expression, transform="none")  # the numbers of the files


def numbers(seed, n=3, whole=False):
    rng = np.random.default_rng(seed)
    return rng.integers(1, 900, n).astype(str) if whole else np.char.mod("%.5f", rng.gamma(1, 50, n))


def table(*columns, header=True, above="", below=""):
    """Lines of tab-separated columns, each a name and its cells."""
    rows = zip(*(cells for _, cells in columns), strict=True)
    lines = [[name for name, _ in columns], *rows] if header else list(rows)
    return above + "".join("\t".join(map(str, line)) + "\n" for line in lines) + below


def gdc(seed):
    counts = [
        (name, numbers(seed + at, whole=True))
        for at, name in enumerate(("unstranded", "stranded_first", "stranded_second"))
    ]
    linear = [(f"{name}_unstranded", numbers(seed + at)) for at, name in enumerate(("tpm", "fpkm", "fpkm_uq"), 5)]
    text = table(("gene_id", GENES), ("gene_name", list("abc")), ("gene_type", ["x"] * 3), *counts, *linear)
    head, rest = text.split("\n", 1)
    left_out = "".join(
        f"N_{name}\t\t\t7\t1\t2\t\t\t\n" for name in ("unmapped", "multimapping", "noFeature", "ambiguous")
    )
    return f"# gene-model: GENCODE v36\n{head}\n{left_out}{rest}"


def of(names, gene=0, **fixed):
    """A layout with a header: the column number `gene` holds the genes, those named the text given, others numbers."""
    return lambda seed: table(
        *((name, GENES if at == gene else fixed.get(f"c{at}", numbers(seed + at))) for at, name in enumerate(names))
    )


def star(seed):
    above = "N_unmapped\t5\t5\t5\nN_multimapping\t5\t5\t5\nN_noFeature\t5\t5\t5\nN_ambiguous\t5\t5\t5\n"
    columns = [("", numbers(seed + at, whole=True)) for at in range(3)]
    return table(("", GENES), *columns, header=False, above=above)


def htseq(seed, names=False):
    more = [("", list("abc"))] if names else []
    blank = "\t" if names else ""
    below = "".join(f"__{name}\t{blank}9\n" for name in ("no_feature", "ambiguous", "too_low_aQual", "not_aligned"))
    return table(("", GENES), *more, ("", numbers(seed, whole=True)), header=False, below=below)


KALLISTO = ["target_id", "length", "eff_length", "est_counts", "tpm"]
SALMON = ["Name", "Length", "EffectiveLength", "TPM", "NumReads"]
RSEM = ["gene_id", "transcript_id(s)", "length", "effective_length", "expected_count", "TPM", "FPKM"]
STRINGTIE = ["Gene ID", "Gene Name", "Reference", "Strand", "Start", "End", "Coverage", "FPKM", "TPM"]
CUFFLINKS = ["tracking_id", "class_code", "nearest_ref_id", "gene_id", "gene_short_name", "FPKM", "FPKM_status"]
OLD_RSEM = ["gene_id", "raw_count", "scaled_estimate"]
COUNTED = ["Geneid", "Chr", "Start", "End", "Strand", "Length"]
WORDS = list("xyz")

# The name of a file of sample S; how it is written; which column is read, by its number; other columns that can be.
FILES = {
    "GDC STAR counts": (
        "S.rna_seq.augmented_star_gene_counts.tsv",
        gdc,
        3,
        {"tpm_unstranded": 6, "stranded_second": 5},
    ),
    "kallisto abundances": ("S/abundance.tsv", of(KALLISTO), 3, {"tpm": 4}),
    "salmon quantification": ("S/quant.genes.sf", of(SALMON), 4, {"TPM": 3}),
    "RSEM genes": ("S.genes.results", of(RSEM, c1=WORDS), 4, {"TPM": 5, "FPKM": 6}),
    "TCGA RSEM genes": (
        "S.rsem.genes.results",
        of(["gene_id", "raw_count", "scaled_estimate"]),
        1,
        {"scaled_estimate": 2},
    ),
    "TCGA normalised RSEM genes": ("S.rsem.genes.normalized_results", of(["gene_id", "normalized_count"]), 1, {}),
    "GDC miRNA quantification": (
        "S.mirbase21.mirnas.quantification.txt",
        of(["miRNA_ID", "read_count", "reads_per_million_miRNA_mapped", "cross-mapped"], c3=["N"] * 3),
        *(1, {"reads_per_million_miRNA_mapped": 2}),
    ),
    "StringTie gene abundances": ("S_gene_abund.tab", of(STRINGTIE, c1=WORDS, c2=WORDS, c3=WORDS), 8, {"FPKM": 7}),
    "Cufflinks genes": (
        "S/genes.fpkm_tracking",
        of(CUFFLINKS, c1=WORDS, c2=WORDS, c3=WORDS, c4=WORDS, c6=WORDS),
        5,
        {},
    ),
    "featureCounts output": ("S.featureCounts.txt", of([*COUNTED, "S.bam"], c1=WORDS, c4=WORDS), 6, {}),
    "STAR gene counts": ("S_ReadsPerGene.out.tab", star, 1, {"forward": 2, "reverse": 3}),
    "HTSeq counts with names": ("S.htseq.counts.gz", lambda seed: htseq(seed, names=True), 2, {}),
    "genes and values without a header, as HTSeq writes them": ("S.FPKM-UQ.txt.gz", htseq, 1, {}),
    "genes and values": ("gsm_S_counts.txt.gz", of(["gene", "S.bam"]), 1, {}),
}


def write(folder, name, text):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


def write_all(folder, layout):
    name, text, *_ = FILES[layout]
    return [write(folder, name.replace("S", sample, 1), text(10 * at)) for at, sample in enumerate(SAMPLES)]


def expected(path, column):
    """One column of a file by pandas, for the genes alone."""
    has_header = not path.name.endswith((".out.tab", ".counts.gz", "UQ.txt.gz"))
    frame = pd.read_csv(path, sep="\t", comment="#", header=0 if has_header else None)
    frame = frame[~frame.iloc[:, 0].astype(str).str.match("N_|__")]
    return frame.iloc[:, column].to_numpy(np.float32)


@pytest.mark.parametrize("layout", list(FILES))
def test_a_folder_of_each_layout_is_what_pandas_reads(tmp_path, layout):
    paths = write_all(tmp_path, layout)
    column, others = FILES[layout][2:]
    adata = read_expression(tmp_path)
    assert [name.removeprefix("gsm_") for name in adata.obs_names] == SAMPLES
    assert list(adata.var_names) == GENES
    np.testing.assert_array_equal(adata.X, [expected(path, column) for path in paths])
    assert any(note.startswith(f"read as {layout}: 3 file(s)") for note in adata.uns["tspg_input"]["notes"])
    for value, at in others.items():
        np.testing.assert_array_equal(read_expression(tmp_path, value=value).X, [expected(path, at) for path in paths])


def test_every_layout_is_tried():
    assert set(FILES) == {layout.name for layout in SAMPLE_LAYOUTS} - {"RSEM isoforms"}


@pytest.mark.parametrize(
    "text", ["gene\tS1\tS2\nA\t1\t2\n", "gene\t1001\nA\t5\n", "\tS1\nA\t5\n", "S1\tS2\nA\t1\t2\nB\t3\t4\n"]
)
def test_a_matrix_is_not_taken_for_a_file_of_one_sample(text):
    found = sample_format(text.encode())
    assert found is None or not found.layout.alone


@pytest.fixture
def of_gdc(tmp_path):
    """Files as GDC's client puts them, with its sample sheet."""
    lines = ["File ID\tFile Name\tProject ID\tSample ID\tSample Type"]
    for at, sample in enumerate(SAMPLES):
        write(tmp_path, f"id-{at}/f{at}.rna_seq.augmented_star_gene_counts.tsv", gdc(10 * at))
        write(tmp_path, f"id-{at}/annotations.txt", "id\tnote\n1\tx\n")
        kind = "Primary Tumor" if at else "Solid Tissue Normal"
        lines.append(f"id-{at}\tf{at}.rna_seq.augmented_star_gene_counts.tsv\tTCGA\t{sample}\t{kind}")
    write(tmp_path, "gdc_sample_sheet.tsv", "\n".join(lines) + "\n")
    return tmp_path


@pytest.mark.parametrize("flat", [False, True])
def test_gdcs_sample_sheet_names_samples_and_labels_them(of_gdc, flat):
    paths = sorted(of_gdc.glob("*/*counts.tsv"))
    if flat:
        paths = [path.rename(of_gdc / path.name) for path in paths]
    adata = read_expression(of_gdc / "gdc_sample_sheet.tsv", label_column="Sample Type")
    assert list(adata.obs_names) == SAMPLES
    assert list(adata.obs["Sample Type"]) == ["Solid Tissue Normal", "Primary Tumor", "Primary Tumor"]
    np.testing.assert_array_equal(adata.X, [expected(path, 3) for path in paths])
    named = read_expression(of_gdc / "gdc_sample_sheet.tsv", sample_column="File ID")
    assert list(named.obs_names) == ["id-0", "id-1", "id-2"]
    assert list(read_expression(of_gdc).obs_names) == ["f0", "f1", "f2"]  # the folder alone


def test_a_sheet_of_ones_own_with_paths_and_labels_in_another_file(tmp_path):
    paths = write_all(tmp_path / "deep", "salmon quantification")
    rows = "".join(
        f"{path.relative_to(tmp_path)},{sample.lower()}\n" for path, sample in zip(paths, SAMPLES, strict=True)
    )
    write(tmp_path, "sheet.csv", "path,patient\n" + rows)
    write(tmp_path, "labels.tsv", "a1\tx\nb2\ty\nc3\ty\n")
    adata = read_expression(tmp_path / "sheet.csv", sample_column="patient")
    assert list(adata.obs_names) == ["a1", "b2", "c3"]
    np.testing.assert_array_equal(adata.X, [expected(path, 4) for path in paths])
    write(tmp_path, "sheet.csv", "file,sample\n" + rows)
    assert list(read_expression(tmp_path / "sheet.csv", labels=tmp_path / "labels.tsv").obs["label"]) == ["x", "y", "y"]
    write(tmp_path, "sheet.csv", "file\n" + "".join(f"{path}\n" for path in paths))
    assert list(read_expression(tmp_path / "sheet.csv").obs_names) == SAMPLES  # by the folders, paths being absolute


def test_genes_in_another_order_are_put_right_and_only_wanted_ones_kept(tmp_path):
    first, second, _ = write_all(tmp_path, "RSEM genes")
    lines = second.read_text().splitlines(keepends=True)
    second.write_text("".join([lines[0], *reversed(lines[1:])]))
    adata = read_expression(tmp_path, genes=["ENSG03.7", "ENSG01.2"])
    np.testing.assert_array_equal(adata.X[1], expected(second, 4)[[2, 0]])
    np.testing.assert_array_equal(adata.X[0], expected(first, 4)[[0, 2]])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda text: text.replace("ENSG02.1\t", "ENSG99\t"), r"B2\.genes\.results: it lacks gene 'ENSG02\.1' "),
        (lambda text: text + text.splitlines()[1].replace("ENSG01.2", "NEW") + "\n", "it has gene 'NEW'"),
        (lambda text: text + text.splitlines()[1] + "\n", "some occur more than once"),
        (
            lambda text: "\t".join([*text.split("\t")[:10], "oops", *text.split("\t")[11:]]),
            "line 2: gene 'ENSG01.2'.*'oops' is not a number",
        ),
        (lambda text: text[:-30], "line 4: expected 7 fields, found"),
        (lambda text: text.replace("\nENSG02", "\n\nENSG02"), "line 3: the line is empty"),
        (lambda text: text.replace("ENSG03", "\0"), "NUL byte"),
    ],
)
def test_a_file_that_does_not_fit_is_named_with_the_place(tmp_path, change, says):
    _, second, _ = write_all(tmp_path, "RSEM genes")
    second.write_text(change(second.read_text()))
    with pytest.raises(ExpressionError, match=says):
        read_expression(tmp_path)


@pytest.mark.parametrize(
    ("cell", "says"), [("", "the value is missing"), ("inf", "infinite"), (" 5", "spaces"), ("1,5", "decimal comma")]
)
def test_a_bad_cell_is_named_with_file_line_and_column(tmp_path, cell, says):
    paths = write_all(tmp_path, "GDC STAR counts")
    lines = paths[2].read_text().splitlines()
    fields = lines[7].split("\t")
    lines[7] = "\t".join([*fields[:3], cell, *fields[4:]])
    paths[2].write_text("\n".join(lines) + "\n")
    with pytest.raises(ExpressionError, match=rf"C3\..*tsv, line 8: gene 'ENSG02\.1', column 'unstranded': .*{says}"):
        read_expression(tmp_path)
    assert read_expression(tmp_path, value="stranded_first").shape == (3, 3)  # nobody asked for that cell


def test_one_file_alone_is_one_sample_unless_labels_are_given(tmp_path):
    path, *_ = write_all(tmp_path, "GDC STAR counts")
    adata = read_expression(path)
    assert list(adata.obs_names) == ["A1"]
    assert "the file holds one sample, which is called 'A1'" in adata.uns["tspg_input"]["notes"]
    for labels in ({"labels": write(tmp_path, "labels.txt", "A1\tx\n")}, {"label_column": "Sample Type"}):
        with pytest.raises(
            ExpressionError, match=rf"this is one sample \(GDC STAR counts\).*--expression {tmp_path}\)"
        ):
            read_expression(path, **labels)


@pytest.mark.parametrize("name", ["S/abundance.tsv", "S/quant.sf", "S.isoforms.results"])
def test_transcripts_are_refused_with_the_step(tmp_path, name):
    header = {"a": KALLISTO, "q": SALMON}.get(name[2], ["transcript_id", "gene_id", "expected_count", "TPM"])
    for at, sample in enumerate(SAMPLES):
        text = of(header)(at).replace("ENSG", "ENST")
        write(tmp_path, name.replace("S", sample), text)
    with pytest.raises(ExpressionError, match=r"rows are transcripts \('ENST01.2'.*(tximport|genes\.results)"):
        read_expression(tmp_path)


def test_other_files_are_left_out_and_several_kinds_are_refused(tmp_path):
    write_all(tmp_path, "RSEM genes")
    for sample in SAMPLES:
        write(tmp_path, f"{sample}.isoforms.results", of(["transcript_id", "gene_id", "expected_count", "TPM"])(3))
    write(tmp_path, ".hidden", "x")
    write(tmp_path, "README", "about this\n")
    adata = read_expression(tmp_path)
    assert list(adata.obs_names) == SAMPLES
    assert any(
        "4 other file(s) in the folder were not read: 'A1.isoforms" in one for one in adata.uns["tspg_input"]["notes"]
    )
    write_all(tmp_path, "STAR gene counts")
    with pytest.raises(ExpressionError, match=r"several kinds \(3 of RSEM genes, 3 of STAR gene counts\)"):
        read_expression(tmp_path)


def test_a_matrix_of_samples_called_by_files_is_no_sheet(tmp_path):
    path = write(tmp_path, "m.tsv", "filename\tTP53\tMYC\na.bam\t1\t2\nb.bam\t3\t4\n")
    assert read_expression(path).X.tolist() == [[1, 2], [3, 4]]


def test_a_sheet_as_r_writes_it_and_one_with_an_endless_name(tmp_path):
    paths = write_all(tmp_path, "RSEM genes")
    rows = "".join(f'"{at}","{path.name}","p{at}"\n' for at, path in enumerate(paths))
    sheet = write(tmp_path, "sheet.csv", '"","file","sample"\n' + rows)
    assert list(read_expression(sheet).obs_names) == ["p0", "p1", "p2"]
    write(tmp_path, "sheet.csv", f"file,kind\n{'x' * 5000}.tsv,a\n")
    with pytest.raises(ExpressionError, match=r"line 2: the file 'xxx.*is not there"):
        read_expression(sheet)


def test_two_files_of_one_sample_are_refused_with_both(of_gdc):
    sheet = of_gdc / "gdc_sample_sheet.tsv"
    sheet.write_text(sheet.read_text().replace("\tC3\t", "\tB2\t"))
    with pytest.raises(ExpressionError, match=r"sample 'B2' has two files: .*f1\..* and .*f2\..*--sample-column"):
        read_expression(sheet)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("f1.rna", "g1.rna", "line 3: the file 'g1.rna.*' is not there"),
        (
            "id-1\tf1.rna_seq.augmented_star_gene_counts.tsv",
            "id-1\tannotations.txt",
            "line 3: .* no file with the genes",
        ),
        ("\tB2\t", "\t\t", "sample number 1 has an empty name"),
        ("\tB2\tPrimary Tumor", "\tB2", "line 3: expected 5 fields"),
    ],
)
def test_a_sheet_that_does_not_lead_to_files_is_refused_with_the_line(of_gdc, old, new, says):
    sheet = of_gdc / "gdc_sample_sheet.tsv"
    assert old in sheet.read_text()
    sheet.write_text(sheet.read_text().replace(old, new))
    with pytest.raises(ExpressionError, match=says):
        read_expression(sheet)


def test_options_that_do_not_fit_are_refused(of_gdc):
    with pytest.raises(UsageError, match=r"no column of values 'TPM' in GDC STAR counts\. There are: 'unstranded', "):
        read_expression(of_gdc, value="TPM")
    with pytest.raises(UsageError, match=r"there is no column 'Case'\. The columns are "):
        read_expression(of_gdc / "gdc_sample_sheet.tsv", sample_column="Case")
    empty = of_gdc / "empty"
    empty.mkdir()
    with pytest.raises(ExpressionError, match="no file in this folder holds the genes of one sample"):
        read_expression(empty)


def test_lines_that_name_several_samples_are_noted(of_gdc):
    sheet = of_gdc / "gdc_sample_sheet.tsv"
    sheet.write_text(sheet.read_text().replace("\tC3\t", "\tC3, D4\t"))
    assert "1 line(s) of the sheet name several samples: 'C3, D4'" in read_expression(sheet).uns["tspg_input"]["notes"]


def test_progress_is_logged_where_files_are_many(tmp_path, caplog):
    for at in range(25):
        write(tmp_path, f"S{at:02d}.htseq.counts", htseq(at))
    with caplog.at_level(logging.INFO, "tspg"):
        assert read_expression(tmp_path).shape == (25, 3)
    assert [one.getMessage() for one in caplog.records][:2] == ["3 of 25 files read", "6 of 25 files read"]


def test_sample_column_is_of_the_sheet_and_of_the_labels_where_they_have_it(tmp_path, of_gdc):
    """Two aliquots of one sample are named by another column; labels are in the same sheet or in another file."""
    sheet = of_gdc / "gdc_sample_sheet.tsv"
    sheet.write_text(sheet.read_text().replace("\tC3\t", "\tB2\t"))
    ids = pd.read_table(sheet)["File ID"].tolist()
    options = {"label_column": "Sample Type", "sample_column": "File ID"}
    alone, same = (read_expression(sheet, labels=labels, **options) for labels in (None, sheet))
    assert list(alone.obs_names) == list(same.obs_names) == ids
    assert list(alone.obs["Sample Type"]) == list(same.obs["Sample Type"])
    write(tmp_path, "labels.tsv", "".join(f"{name}\tx\n" for name in ids))
    assert (
        list(read_expression(sheet, labels=tmp_path / "labels.tsv", sample_column="File ID").obs["label"]) == ["x"] * 3
    )


@pytest.mark.parametrize("folder", ["sal\\", "C:\\work\\sal\\", "/elsewhere/work/sal/"])
def test_paths_of_windows_or_of_another_computer_lead_to_the_files_beside_the_sheet(tmp_path, folder):
    rows = ""
    for at, name in enumerate(SAMPLES):
        write(tmp_path, f"sal/run{at}/quant.sf", FILES["salmon quantification"][1](at))
        rows += f"{folder}run{at}{folder[-1]}quant.sf,{name},k{at}\n"
    sheet = write(tmp_path, "coldata.csv", "files,names,condition\n" + rows)
    adata = read_expression(sheet, label_column="condition")
    assert list(adata.obs_names) == SAMPLES  # as tximeta calls the column
    assert list(adata.obs["condition"]) == ["k0", "k1", "k2"]
