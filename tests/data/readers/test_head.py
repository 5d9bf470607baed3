"""What stands before the rows of a text table is understood, and what it cannot be is refused."""

import re

import pytest

from tspg.data.readers.head import read_head, rows_of
from tspg.data.readers.streams import TextLines
from tspg.errors import ExpressionError, LabelError

ROWS = [["s1", "1.5", "2"], ["s2", "4", "5"]]
TABLE = "sample\tA\tB\ns1\t1.5\t2\ns2\t4\t5\n"


def read(folder, content, name="m.tsv", error=ExpressionError):
    (folder / name).write_text(content)
    with TextLines(folder / name, error) as lines:
        head = read_head(lines)
        return head, [fields for _, fields in rows_of(lines, head)]


@pytest.mark.parametrize(
    ("content", "name", "note"),
    [
        pytest.param(TABLE, "m.tsv", None, id="plain"),
        pytest.param(TABLE, "m", None, id="no ending"),
        pytest.param(TABLE, "m.csv", "tabs", id="tabs in CSV"),
        pytest.param(TABLE.replace("\t", ","), "m.tsv", "commas", id="commas in TSV"),
        pytest.param(TABLE.replace("\t", ","), "m.txt", "commas", id="commas in TXT"),
        pytest.param(TABLE.replace("\t", ";"), "m.csv", "semicolons", id="semicolons"),
        pytest.param(TABLE.replace("\t", " "), "m.txt", "spaces", id="spaces"),
        pytest.param("# gene-model: GENCODE v36\n" + TABLE, "m.tsv", "1 line .*GENCODE v36", id="comment"),
        pytest.param("#x\ty\tz\n#STRING\tSTRING\tNUMBER\n" + TABLE, "m.tsv", "2 lines", id="lines of cBioPortal"),
        pytest.param("# sample\tA\tB of it\n" + TABLE, "m.tsv", "1 line", id="comment like a header"),
        pytest.param("#" + TABLE, "m.tsv", None, id="header with #"),
        pytest.param("# by a program\n#" + TABLE, "m.tsv", "1 line", id="comment, header with #"),
        pytest.param("sep=;\n" + TABLE.replace("\t", ";"), "m.csv", "'sep=;' of Excel", id="sep="),
        pytest.param('"sep=,"\n' + TABLE.replace("\t", ","), "m.csv", "of Excel", id="quoted sep="),
        pytest.param("sep=,,,\n" + TABLE.replace("\t", ","), "m.csv", "of Excel", id="sep= with empty fields"),
        pytest.param(TABLE.replace("\n", "\t\n"), "m.tsv", "empty fields", id="every line ends in a tab"),
        pytest.param(TABLE.replace("\n", "\t\t\n"), "m.tsv", "empty fields", id="every line ends in two"),
        pytest.param(TABLE.replace("B\n", "B\t\n"), "m.tsv", "empty fields", id="the header ends in a tab"),
        pytest.param(TABLE.replace("2\n", "2\t\n").replace("5\n", "5\t\n"), "m.tsv", "empty fields", id="the rows"),
        pytest.param(TABLE + "\n\n", "m.tsv", None, id="blank lines at the end"),
        pytest.param(TABLE + "\t\t\n", "m.tsv", None, id="a line of delimiters at the end"),
        pytest.param(TABLE.removesuffix("\n"), "m.tsv", None, id="no last line end"),
    ],
)
def test_the_same_table_in_many_dresses(tmp_path, content, name, note):
    head, rows = read(tmp_path, content, name)
    assert head.header == ["sample", "A", "B"]
    assert head.rows == rows == ROWS
    assert len(head.notes) == (note is not None)
    if note is not None:
        assert re.search(note, head.notes[0])


@pytest.mark.parametrize("content", ['"A" "B"\n"s 1" 1.5 2\n"s2" 4 5\n', "A\tB\ns 1\t1.5\t2\ns2\t4\t5\n"])
def test_a_header_of_r_gets_an_empty_name_above_the_row_names(tmp_path, content):
    head, rows = read(tmp_path, content, "m.txt")
    assert head.header == ["", "A", "B"]
    assert rows == [["s 1", "1.5", "2"], ["s2", "4", "5"]]


def test_a_header_of_r_with_one_sample(tmp_path):
    head, rows = read(tmp_path, '"s1"\n"TP53"\t5\n"MYC"\t6\n')
    assert (head.header, rows) == (["", "s1"], [["TP53", "5"], ["MYC", "6"]])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("# a\n# b\n", "comment lines only"),
        ("\n" + TABLE, "starts with an empty line"),
        ("sample\ns1\n", "line 1: one field only"),
        ("Table S3\n\n" + TABLE, "line 1: one field only.*delete the lines above"),
        ("Table S3 of the paper\n" + TABLE, "one field only.*are 1 line.*delete the lines above"),
        (TABLE.replace("\t", "   "), "several spaces.*perl"),
        (TABLE.replace("A", "A\tC"), "line 2: the header has 4 fields, the lines below 3"),
        (TABLE.replace("\tA", ""), "line 2: the header has 2 fields, the lines below 3"),
        (TABLE.replace("sample", "x1").replace("2\n", "2\t\n").replace("5\n", "5\t\n"), "empty fields.*sed -E"),
        (TABLE.replace("\ns2", "\n\ns2"), "line 3: expected 3 fields.*the line is empty"),
        (TABLE + "\n\ns3\t1\t2\n", "line 4: expected 3 fields.*the line is empty"),
        (TABLE + "s3\t1\n", "line 4: expected 3 fields.*found 2"),
        (TABLE.replace("\n", "\t\n") + "s\t1\t2\t\n" * 60 + "s3\t1\t2\t3\n", "line 64.*a column that has no name"),
    ],
)
def test_what_is_no_table_is_refused_with_its_place(tmp_path, content, message):
    for error in (ExpressionError, LabelError):
        with pytest.raises(error, match=message) as caught:
            read(tmp_path, content, error=error)
        assert "m.tsv" in str(caught.value)


def test_a_missing_last_column_is_no_trailing_tab_under_a_header_of_r(tmp_path):
    # Read as a trailing tab, every value would go to its neighbour.
    with pytest.raises(ExpressionError, match="the lines below 4"):
        read(tmp_path, "x1\tx2\tx3\nTP53\t1\t2\t\nMYC\t3\t4\t\n")


def test_utf16_is_refused_with_the_command(tmp_path):
    (tmp_path / "m.tsv").write_bytes(TABLE.encode("utf-16"))
    with (
        TextLines(tmp_path / "m.tsv", ExpressionError) as lines,
        pytest.raises(ExpressionError, match="iconv -f utf-16"),
    ):
        read_head(lines)
