"""TSV and CSV: what is accepted, and the error of everything else."""

import csv
import gzip
import io
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tspg.data.expression import read_expression
from tspg.data.readers import streams, unpacking
from tspg.errors import ExpressionError, InputError, ResourceError

GOOD = "sample\tA\tB\tC\ns1\t1.5\t2\t3\ns2\t4\t5\t6.25\n"
VALUES = np.array([[1.5, 2, 3], [4, 5, 6.25]], np.float32)


def write(folder, content, name="matrix.tsv"):
    path = folder / name
    data = content if isinstance(content, bytes) else content.encode()
    path.write_bytes(gzip.compress(data, mtime=0) if name.endswith(".gz") else data)
    return path


@pytest.mark.parametrize(
    ("content", "name"),
    [
        pytest.param(GOOD, "m.tsv", id="TSV"),
        pytest.param(GOOD, "m.txt", id="TXT"),
        pytest.param(GOOD, "M.TSV.GZ", id="ending in capitals, plain inside"),
        pytest.param(GOOD, "m.tsv.gz", id="gzip"),
        pytest.param(gzip.compress(GOOD.encode(), mtime=0), "m.tsv", id="gzip without the ending"),
        pytest.param(
            gzip.compress(GOOD[:20].encode(), mtime=0) + gzip.compress(GOOD[20:].encode()), "m.tsv", id="joined"
        ),
        pytest.param(gzip.compress(GOOD.encode(), mtime=0) + b"\0" * 512, "m.tsv", id="gzip padded with zeros"),
        pytest.param(GOOD.replace("\t", ","), "m.csv", id="CSV"),
        pytest.param(GOOD.replace("\t", ","), "m.csv.gz", id="CSV gzip"),
        pytest.param(GOOD.replace("\n", "\r\n"), "m.tsv", id="Windows line ends"),
        pytest.param(b"\xef\xbb\xbf" + GOOD.encode(), "m.tsv", id="byte order mark"),
        pytest.param(GOOD.removeprefix("sample\t"), "m.tsv", id="header of R"),
        pytest.param(GOOD.removeprefix("sample"), "m.tsv", id="no name above the row names"),
        pytest.param(GOOD.removesuffix("\n"), "m.tsv", id="no final newline"),
        pytest.param(GOOD + "\n\n", "m.tsv", id="blank lines at the end"),
        pytest.param(GOOD.replace("\t", ","), "m.tsv", id="commas in TSV"),
        pytest.param(GOOD, "m.csv", id="tabs in CSV"),
        pytest.param(GOOD.replace("\t", " "), "m.txt", id="blanks"),
        pytest.param(GOOD.replace("\t", ";"), "m.csv", id="semicolons and decimal points"),
        pytest.param('"","A","B","C"\n"s1",1.5,2,3\n"s2",4,"5",6.25\n', "m.csv", id="CSV with quotes"),
        pytest.param('"A"\t"B"\t"C"\n"s1"\t1.5\t2\t3\n"s2"\t4\t5\t6.25\n', "m.tsv", id="write.table of R"),
        pytest.param(GOOD.replace("1.5", "+15E-1").replace("4", "4."), "m.tsv", id="other ways to write numbers"),
    ],
)
def test_the_same_matrix_in_many_dresses(tmp_path, content, name):
    adata = read_expression(write(tmp_path, content, name))
    assert list(adata.obs_names) == ["s1", "s2"]
    assert list(adata.var_names) == ["A", "B", "C"]
    np.testing.assert_array_equal(adata.X, VALUES)
    assert adata.X.dtype == np.float32
    assert adata.X.flags.c_contiguous
    assert adata.uns["tspg_input"]["file"] == name


STRANGE = ["NA", "nan", "0012", "2E8", "1-Mar", "None", "null", "-1", "TRUE", " x", "é", "1e400", "#N/A"]


@pytest.mark.parametrize("suffix", ["tsv", "csv"])
def test_names_are_text_and_survive(tmp_path, suffix):
    delimiter = "\t" if suffix == "tsv" else ","
    header = delimiter.join(["id", *STRANGE])
    rows = [delimiter.join([name, *["1.5"] * len(STRANGE)]) for name in STRANGE]
    adata = read_expression(write(tmp_path, "\n".join([header, *rows, ""]), f"m.{suffix}"))
    assert list(adata.obs_names) == STRANGE
    assert list(adata.var_names) == STRANGE


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "empty"),
        ("\n" + GOOD, "empty line"),
        ("sample\tA\tB\tC\n", "no row of values"),
        ("sample\ns1\n", "no column of values"),
        (
            GOOD.replace("\t", ";").replace("1.5", "1,5"),
            "line 2: row 's1', column 'A': '1,5' has a decimal comma.*read_csv",
        ),
        (GOOD + "s3\t1\t2\n", "line 4: expected 4 fields, found 3"),
        (GOOD + "s3\t1\t2\t3\t4\n", "line 4: expected 4 fields, found 5"),
        (GOOD + "s3\t1\t2\ns4\t1\t2\t3\t4\n", "line 4: expected 4 fields, found 3"),
        ("sample\tA\ns1\t1\t2\n", "line 2: the header has 2 fields, the lines below 3"),
        (GOOD + "\ns3\t1\t2\t3\n", "line 4: expected 4 fields, found none: the line is empty"),
        (GOOD + "s1\t1\t2\t3\n", "1 sample name.*more than once: 's1'"),
        (GOOD.replace("B", "A"), "1 gene name.*more than once: 'A'"),
        (GOOD.replace("s2", ""), "sample number 2 has an empty name"),
        (GOOD.replace("B", ""), "gene number 2 has an empty name"),
        (GOOD.replace("B", "B\x07"), r"control characters: 'B\\x07'"),
        (GOOD.replace("\t5\t", "\tfoo\t"), "line 3: row 's2', column 'B': 'foo' is not a number"),
        (GOOD.replace("5\t6", "\t6"), "line 3: row 's2', column 'B': the value is missing"),
        (GOOD.replace("6.25", ""), "row 's2', column 'C': the value is missing"),
        *[
            (GOOD.replace("6.25", word), f"column 'C': the value is missing.*{word}.*not filled in")
            for word in ("NA", "nan", "NaN", "null")
        ],
        *[
            (GOOD.replace("6.25", word), f"column 'C': '{word}' is infinite or too large")
            for word in ("inf", "-Inf", "1e400", "1e39")
        ],
        (GOOD.replace("6.25", "6,25"), "'6,25' has a decimal comma"),
        *[
            (
                GOOD.replace("6.25", number),
                "column 'C': .* has separators between thousands. Save the file without them",
            )
            for number in ("1,234.5", "1 234", "1'234", "1,234,567", "-12\u00a0345.5", "1\u202f234\u202f567")
        ],
        (GOOD.replace("6.25", "1.234,5"), "'1.234,5' has a decimal comma"),
        (GOOD.replace("6.25", " 6.25"), "' 6.25' has spaces around"),
        (GOOD.replace("6.25", "1_000"), "'1_000' is not a number"),
        (GOOD.replace("6.25", "0x1F"), "'0x1F' is not a number"),
        (GOOD.replace("6.25", '"6.25"'), "is not a number"),
        (GOOD.replace("s2", "s\0"), "line 3: a NUL byte"),
        (GOOD.replace("s2\t", "s2\r\t"), "line 3: old Mac line ends"),
        (GOOD.replace("\n", "\r"), "line 1: old Mac line ends"),
        (GOOD.replace("s2", "é").encode("latin-1"), r"line 3: byte 24 of the file \(b'\\xe9'\) is not UTF-8"),
        (GOOD.encode("utf-16"), "UTF-16.*iconv -f utf-16"),
        (gzip.compress(GOOD.encode(), mtime=0)[:-9], "end too early"),
        (gzip.compress(GOOD.encode(), mtime=0)[:-8] + b"12345678", "damaged"),
        (gzip.compress(GOOD.encode(), mtime=0) + b"rest", "damaged"),
    ],
)
def test_faults_are_named_with_their_place(tmp_path, content, message):
    with pytest.raises(ExpressionError, match=message) as caught:
        read_expression(write(tmp_path, content))
    assert "matrix.tsv" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('id,A\n"s1,1\n', "line 2: the quotation marks do not fit"),
        ('id,A\ns0,1\n"s1"x,1\n', "line 3: the quotation marks do not fit"),
        ('id,A\n"s1",foo\n', "line 2: row 's1', column 'A': 'foo' is not a number"),
        ('id,A\n"s1",1,2\n', "line 2: the header has 2 fields, the lines below 3"),
    ],
)
def test_faults_of_csv(tmp_path, content, message):
    with pytest.raises(ExpressionError, match=message):
        read_expression(write(tmp_path, content, "matrix.csv"))


def test_a_fault_far_into_the_file_is_named_by_its_line(tmp_path, monkeypatch):
    monkeypatch.setattr(streams, "BLOCK", 64)  # many blocks
    rows = [f"s{at}\t{at}\t{at}\n" for at in range(1, 100)]
    read_expression(write(tmp_path, "id\tA\tB\n" + "".join(rows)), transform="none")
    rows[70] = "s71\t1\tx\n"
    with pytest.raises(ExpressionError, match=r"line 72: row 's71', column 'B': 'x'"):
        read_expression(write(tmp_path, "id\tA\tB\n" + "".join(rows)))
    rows[70] = "s71\t1\n"
    with pytest.raises(ExpressionError, match=r"line 72: expected 3 fields, found 2"):
        read_expression(write(tmp_path, "id\tA\tB\n" + "".join(rows)))
    rows[70] = "s\xe9\t1\t1\n"
    content = ("id\tA\tB\n" + "".join(rows)).encode("latin-1")
    with pytest.raises(ExpressionError, match=f"byte {content.index(0xE9)} "):
        read_expression(write(tmp_path, content))


def test_missing_file_folder_and_unknown_ending(tmp_path):
    with pytest.raises(ExpressionError, match="no such file"):
        read_expression(tmp_path / "absent.tsv")
    (tmp_path / "folder.tsv").mkdir()
    with pytest.raises(ExpressionError, match="no file in this folder"):
        read_expression(tmp_path / "folder.tsv")
    (tmp_path / "matrix.xlsx").touch()
    with pytest.raises(ExpressionError, match="cannot be read as an Excel file"):
        read_expression(tmp_path / "matrix.xlsx")


def test_wanted_genes_come_in_the_order_of_the_file(tmp_path):
    adata = read_expression(write(tmp_path, GOOD), genes=["C", "X", "A"])
    assert list(adata.var_names) == ["A", "C"]
    np.testing.assert_array_equal(adata.X, VALUES[:, [0, 2]])
    assert any("1 of 3 wanted genes are not in the matrix: 'X'" in note for note in adata.uns["tspg_input"]["notes"])


def test_wanted_genes_in_rows(tmp_path):
    turned = "id\ts1\ts2\nA\t1.5\t4\nB\t2\t5\nC\t3\t6.25\n"
    adata = read_expression(write(tmp_path, turned), genes=["C", "A"], transpose=True)
    assert list(adata.var_names) == ["A", "C"]
    assert list(adata.obs_names) == ["s1", "s2"]
    np.testing.assert_array_equal(adata.X, VALUES[:, [0, 2]])
    assert adata.X.flags.c_contiguous


@pytest.mark.parametrize(
    ("content", "note"),
    [
        (GOOD.removesuffix("\n"), "no line end"),
        (GOOD.removeprefix("sample\t"), "as R writes it"),
        (GOOD.replace("B", "1-Mar"), r"'1-Mar' \(probably MARCH1\)"),
        (GOOD.replace("B", "Sep-2"), r"'Sep-2' \(probably SEPT2\)"),
        (GOOD.replace("B", "2001-12-01"), r"'2001-12-01' \(probably DEC1\)"),
        (GOOD.replace("B", "2026-09-07 00:00:00"), r"'2026-09-07 00:00:00' \(probably SEPT7\)"),
        (GOOD.replace("B", "2.31E+13"), "made by a spreadsheet program: '2.31E"),
        (GOOD.replace("B", "=B"), "1 gene name.*formula.*'=B'"),
        (GOOD.replace("s1", "@s1"), "1 sample name.*formula.*'@s1'"),
        ('"A"\t"B"\t"C"\n"s1"\t1.5\t2\t3\n', "quotation marks were removed"),
    ],
)
def test_remarks_that_are_no_errors(tmp_path, content, note):
    notes = read_expression(write(tmp_path, content)).uns["tspg_input"]["notes"]
    assert any(re.search(note, found) for found in notes), notes


def test_a_plain_file_gives_no_notes(tmp_path):
    assert read_expression(write(tmp_path, GOOD)).uns["tspg_input"]["notes"] == []


def test_ordinary_symbols_are_not_called_damaged(tmp_path):
    content = GOOD.replace("A\tB\tC", "MARCH1\tNOV\tH2-D1")
    assert read_expression(write(tmp_path, content)).uns["tspg_input"]["notes"] == []


def test_negative_values_are_allowed(tmp_path):
    adata = read_expression(write(tmp_path, GOOD.replace("1.5", "-1.5")))
    assert adata.X[0, 0] == -1.5


def test_gzip_bombs_are_refused_early(tmp_path, monkeypatch):
    monkeypatch.setattr(unpacking, "RATIO_FREE", 1 << 20)
    path = write(tmp_path, b"id\tA\n" + b"s\t" + b"0" * (8 << 20), "bomb.tsv.gz")
    with pytest.raises(ExpressionError, match=r"more than 200-fold.*gunzip"):
        read_expression(path)


def test_sparse_but_sound_gzip_is_read(tmp_path):
    content = "id\t" + "\t".join(f"G{at}" for at in range(50)) + "\n"
    content += "".join(f"s{row}" + "\t0" * 49 + "\t1\n" for row in range(2000))
    assert read_expression(write(tmp_path, content, "m.tsv.gz")).X.sum() == 2000


def test_gzip_that_grows_beyond_one_block_is_read_to_its_end(tmp_path, monkeypatch):
    monkeypatch.setattr(streams, "BLOCK", 1 << 10)
    content = "id\tA\n" + "".join(f"s{row:05d}\t0\n" for row in range(2_000))
    adata = read_expression(write(tmp_path, content, "m.tsv.gz"))
    assert list(adata.obs_names) == [f"s{row:05d}" for row in range(2_000)]


def test_the_place_of_a_bad_byte_counts_windows_line_ends_and_the_mark(tmp_path, monkeypatch):
    monkeypatch.setattr(streams, "BLOCK", 16)
    rows = "".join(f"s{row}\t{row}\r\n" for row in range(50)).encode()
    content = b"\xef\xbb\xbfid\tA\r\n" + rows + b"s\xff\t1\r\n"
    with pytest.raises(ExpressionError, match=f"byte {content.index(0xFF)} "):
        read_expression(write(tmp_path, content))


@pytest.mark.parametrize("block", [1, 16, 1 << 20])
@pytest.mark.parametrize("fault", ["s\0\t1", "s\r\t1", "s\t1\t2", "s\tx", "s\xe9"])
def test_the_line_of_a_fault_is_counted_over_all_blocks(tmp_path, monkeypatch, fault, block):
    monkeypatch.setattr(streams, "BLOCK", block)
    lines = ["id\tA", *(f"s{row}\t{row}" for row in range(50))]
    lines[40] = fault
    with pytest.raises(ExpressionError, match=r", line 41: "):
        read_expression(write(tmp_path, ("\n".join(lines) + "\n").encode("latin-1")))


@pytest.mark.parametrize("longer", [0, 1])
def test_a_line_may_be_as_long_as_the_limit_and_no_longer(tmp_path, monkeypatch, longer):
    content = "id\tA\ns1\t" + "0" * 90 + ".5"
    monkeypatch.setattr(streams, "LONGEST_LINE", len(content) - longer)
    if longer:
        with pytest.raises(ExpressionError, match="a line is longer than"):
            read_expression(write(tmp_path, content))
    else:
        assert read_expression(write(tmp_path, content)).X.tolist() == [[0.5]]


def test_rows_that_might_have_matched_are_dropped(tmp_path):
    tp53 = "ENSG00000141510"  # the same gene by its Ensembl id; the exact name wins
    turned = f"id\ts1\ts2\n{tp53}\t8\t9\nMYC\t1.5\t4\nTP53\t3\t6.25\n"
    adata = read_expression(write(tmp_path, turned), genes=["TP53", "MYC"], transpose=True)
    assert list(adata.var_names) == ["MYC", "TP53"]
    np.testing.assert_array_equal(adata.X, VALUES[:, [0, 2]])


def test_a_line_without_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(streams, "BLOCK", 1 << 10)
    monkeypatch.setattr(streams, "LONGEST_LINE", 1 << 12)
    with pytest.raises(ExpressionError, match="a line is longer than 4,096 bytes"):
        read_expression(write(tmp_path, "x" * (1 << 14)))


def test_memory_limit(tmp_path):
    with pytest.raises(ResourceError, match="--max-memory"):
        read_expression(write(tmp_path, GOOD), max_memory_gb=20e-9)
    assert read_expression(write(tmp_path, GOOD), max_memory_gb=24e-9).shape == (2, 3)


# No control characters, tabs or surrogates; everything else may be part of a name.
names = st.text(
    st.characters(blacklist_categories=("Cc", "Cs"), blacklist_characters="\u2028\u2029"), min_size=1, max_size=6
)
name_lists = st.lists(names, min_size=1, max_size=5, unique=True)
numbers = st.floats(width=32, allow_nan=False, allow_infinity=False)


@st.composite
def matrices(draw):
    rows, columns = draw(name_lists), draw(name_lists)
    cells = st.lists(numbers, min_size=len(columns), max_size=len(columns))
    return rows, columns, draw(st.lists(cells, min_size=len(rows), max_size=len(rows)))


@given(matrices(), st.sampled_from(["tsv", "csv"]), st.integers(8, 300), st.booleans())
def test_round_trip_of_any_matrix(tmp_path_factory, matrix, suffix, block, turned):
    rows, columns, values = matrix
    if suffix == "tsv" and all(name[0] == name[-1] == '"' and len(name) > 1 for name in columns):
        return  # quotation marks around every name are those of R
    stream = io.StringIO()
    if suffix == "csv":
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerows(
            [["sample", *columns], *([row, *map(repr, cells)] for row, cells in zip(rows, values, strict=True))]
        )
    else:
        lines = [["sample", *columns], *([row, *map(repr, cells)] for row, cells in zip(rows, values, strict=True))]
        stream.write("".join("\t".join(line) + "\n" for line in lines))
    path = write(tmp_path_factory.mktemp("trip"), stream.getvalue(), f"m.{suffix}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streams, "BLOCK", block)
        adata = read_expression(path, transpose=turned, transform="none")
    expected = np.array(values, np.float32)
    if "left_out" in adata.uns["tspg_input"]:
        return  # a name such as CHR or LENGTH: noted, and tested by itself
    assert [list(adata.obs_names), list(adata.var_names)] == ([columns, rows] if turned else [rows, columns])
    np.testing.assert_array_equal(adata.X, expected.T if turned else expected)


@given(st.integers(0, len(GOOD) - 1), st.sampled_from('\t\n\r\0,x"9\xe9'), st.booleans())
def test_one_changed_character_is_read_as_written_or_refused(tmp_path_factory, at, character, insert):
    content = GOOD[:at] + character + GOOD[at + (not insert) :]
    path = write(tmp_path_factory.mktemp("changed"), content)
    try:
        adata = read_expression(path)
    except InputError:
        return
    lines = [line.split("\t") for line in content.replace("\r\n", "\n").split("\n") if line]
    width = max(at for line in lines for at, field in enumerate(line, 1) if field)
    lines = [line[:width] for line in lines if any(line)]  # empty fields at the ends are none
    header = lines[0] if len(lines[0]) < len(lines[1]) else lines[0][1:]
    assert list(adata.var_names) == header
    assert list(adata.obs_names) == [line[0] for line in lines[1:]]
    np.testing.assert_array_equal(adata.X, np.array([line[1:] for line in lines[1:]], np.float32))
