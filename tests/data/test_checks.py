"""What may be wrong with a file that can be read: a note, or refused with `strict`."""

import re

import numpy as np
import pytest

from tspg.data.checks import warnings_about_classes
from tspg.data.expression import read_expression
from tspg.data.genesets import read_gene_sets
from tspg.errors import ExpressionError
from tspg.utils.names import notes_on_names

GENES = [f"G{at}" for at in range(12)]
SOUND = "id\t" + "\t".join(GENES) + "\n"
SOUND += "".join(f"s{row}\t" + "\t".join(f"{row + at / 4:.2f}" for at in range(12)) + "\n" for row in range(4))
LABELS = "s0\tLung\ns1\tLung\ns2\tLiver\ns3\tLiver\n"


@pytest.mark.parametrize(
    ("name", "likely"),
    [
        *(("2-Sept.", "SEPT2"), ("1. Mrz", "MARCH1"), ("01-Mär", "MARCH1"), ("Dez 1", "DEC1"), ("Mar-01", "MARCH1")),
        *(("2021/9/2", ""), ("9/2/2021", ""), ("02.09.2021", ""), ("44441", "")),
    ],
)
def test_dates_of_every_spreadsheet_are_told_among_symbols(name, likely):
    symbols = [f"GENE{at}" for at in range(40)]
    (note,) = notes_on_names([*symbols, name], what="gene")
    assert repr(name) in note
    assert (f"(probably {likely})" in note) == bool(likely)
    assert not notes_on_names([*symbols, "SEP15", "MARCH1", "DEC1", "H2AC12", "5S.1"], what="gene")
    assert not notes_on_names([str(at) for at in range(44400, 44480)], what="gene")  # Entrez ids


def test_classes_that_differ_by_a_character_nobody_sees_are_told():
    (warning,) = warnings_about_classes(["Liver", "Liver\u200b", "Lung"])
    assert "Are they the same?" in warning


def read(folder, matrix=SOUND, labels=LABELS, **options):
    (folder / "m.tsv").write_text(matrix)
    (folder / "labels.tsv").write_text(labels)
    return read_expression(folder / "m.tsv", labels=folder / "labels.tsv", **options)


DOUBTFUL = {
    "the last line of the matrix has no end": (SOUND[:-1], LABELS, {}, "m.tsv: the last line has no line end"),
    "the last line of the labels has no end": (SOUND, LABELS[:-1], {}, "labels.tsv: the last line has no line end"),
    "a gene that a spreadsheet made a date": (
        SOUND.replace("G3\t", "1-Mar\t"),
        LABELS,
        {},
        r"made by a spreadsheet program: '1-Mar' \(probably MARCH1\)",
    ),
    "a gene that is a formula": (SOUND.replace("G3\t", "=G3\t"), LABELS, {}, "1 gene name.*formula.*'=G3'"),
    "a sample that is a formula": (
        SOUND.replace("s3", "+s3"),
        LABELS.replace("s3", "+s3"),
        {},
        r"1 sample name.*formula.*'\+s3'",
    ),
    "a class that is a formula": (SOUND, LABELS.replace("Liver", "@Liver"), {}, "1 class name.*formula.*'@Liver'"),
    "classes that are one but for case": (SOUND, LABELS.replace("s3\tLiver", "s3\tliver"), {}, "'Liver', 'liver'"),
    "counts, looked at": (
        re.sub(r"\.\d\d", "", SOUND),
        LABELS,
        {"refuse_linear": False},
        "raw counts.*--transform log2.*--transform none",
    ),
    "logarithms added up": (SOUND.replace("G3\t", "G2\t"), LABELS, {"duplicates": "sum"}, "were added up, but"),
    "little of a gene set": (SOUND, LABELS, {"genes": ["G1", "G2", "X"]}, "1 of 3 wanted genes are not in the matrix"),
}


@pytest.mark.parametrize("fault", list(DOUBTFUL))
def test_a_warning_is_a_note_and_refused_when_strict(tmp_path, fault):
    matrix, labels, options, says = DOUBTFUL[fault]
    notes = read(tmp_path, matrix, labels, **options).uns["tspg_input"]["notes"]
    assert any(re.search(says, note) for note in notes), notes
    with pytest.raises(ExpressionError, match=rf"m\.tsv: refused because of --strict: .*{says}.*leave out --strict"):
        read(tmp_path, matrix, labels, strict=True, **options)


def test_a_sample_that_is_there_twice_is_refused_when_strict(tmp_path):
    lines = SOUND.splitlines(keepends=True)
    lines[4] = lines[2].replace("s1", "s3")
    with pytest.raises(ExpressionError, match=r"1 sample.*exactly the profile of another one: 's3' that of 's1'"):
        read(tmp_path, "".join(lines), strict=True)


def test_several_warnings_are_counted(tmp_path):
    with pytest.raises(ExpressionError, match="There are 1 more such notes"):
        read(tmp_path, SOUND[:-1], LABELS[:-1], strict=True)


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({}, id="as it is"),
        pytest.param({"genes": GENES[:11]}, id="a gene set that is there"),
        pytest.param({"genes": [*GENES[:11], "X"]}, id="a gene set of which most is there"),
        pytest.param({"labels": LABELS + "s9\tLung\n"}, id="more labels than samples"),
        pytest.param({"labels": LABELS[8:], "allow_unlabelled": True}, id="samples without a label"),
        pytest.param({"matrix": SOUND.removeprefix("id\t")}, id="a header of R"),
        pytest.param({"matrix": SOUND.replace("G3\t", "G2\t"), "duplicates": "mean"}, id="genes joined by their mean"),
        pytest.param({"matrix": re.sub(r"\.\d\d", "", SOUND), "transform": "log2"}, id="counts to be logged"),
    ],
)
def test_what_was_only_done_as_asked_is_no_warning(tmp_path, options):
    assert read(tmp_path, strict=True, **options).n_obs == 4


def test_counts_are_told_by_the_whole_file_so_every_gene_set_is_scaled_alike(tmp_path):
    """Genes with no more than one read each look like shares of something, but they are counts as the others are."""
    (tmp_path / "m.tsv").write_text("id\tA\tB\tC\ns1\t1\t0\t99\ns2\t0\t1\t49\n")
    whole = read_expression(tmp_path / "m.tsv", transform="log2")
    few = read_expression(tmp_path / "m.tsv", transform="log2", genes=["A", "B"])
    np.testing.assert_array_equal(few.X, whole.X[:, :2])
    np.testing.assert_allclose(few.X[0], [np.log2(1e6 / 100 + 1), 0], rtol=1e-6)


@pytest.mark.parametrize(("line", "is_warned"), [("SET\tTP53\tMYC\tA1\n", True), ("SET\tabout\tMYC\tA1\n", False)])
def test_a_gene_in_place_of_a_description_is_a_warning(tmp_path, line, is_warned):
    (tmp_path / "sets.gmt").write_text(line)
    (tmp_path / "m.tsv").write_text("s\tTP53\tMYC\tA1\na\t1\t2\t3\nb\t2\t3\t4.5\n")
    own = read_gene_sets(tmp_path / "sets.gmt")
    for genes in (own["SET"], own.union()):
        notes = read_expression(tmp_path / "m.tsv", genes=genes).uns["tspg_input"]["notes"]
        assert any("'TP53', is a gene of the matrix" in note for note in notes) is is_warned
