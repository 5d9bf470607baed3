"""Labels files."""

import pytest

from tspg.data.labels import read_labels
from tspg.errors import LabelError


def write(folder, content, name="labels.tsv"):
    path = folder / name
    path.write_text(content)
    return path


def test_two_columns_without_header(tmp_path):
    table = read_labels(write(tmp_path, "NA\tSolid Tissue Normal\n0012\t1-Mar\n2E8\tNA\n"))
    assert list(table.index) == ["NA", "0012", "2E8"]
    assert list(table["label"]) == ["Solid Tissue Normal", "1-Mar", "NA"]
    assert table.attrs["unnamed_label"] is True


@pytest.mark.parametrize("name", ["sample", "Sample_ID", "SAMPID", "id", "sampleid", ""])
def test_a_known_first_name_is_a_header(tmp_path, name):
    table = read_labels(write(tmp_path, f"{name}\ttissue\ns1\tLung\n"))
    assert list(table.columns) == ["tissue"]
    assert "unnamed_label" not in table.attrs


def test_named_column_of_a_csv_with_quotes(tmp_path):
    content = 'barcode,sample,"tissue, exact"\nb1,s1,"Lung, left"\nb2,s2,Liver\n'
    path = write(tmp_path, content, "labels.csv")
    table = read_labels(path, label_column="tissue, exact", sample_column="sample")
    assert list(table.index) == ["s1", "s2"]
    assert list(table["tissue, exact"]) == ["Lung, left", "Liver"]
    assert list(table["barcode"]) == ["b1", "b2"]


def test_the_first_column_names_samples_otherwise(tmp_path):
    table = read_labels(write(tmp_path, "barcode\ttissue\nb1\tLung\n"), label_column="tissue")
    assert list(table.index) == ["b1"]


def test_cells_are_as_they_stand_also_where_nothing_stands(tmp_path):
    path = write(tmp_path, "sample\ttissue\tmsi\ns1\tLung\t\ns2\t\tNA\n")
    for column in ("tissue", None):
        table = read_labels(path, label_column=column)
        assert table.to_dict("list") == {"tissue": ["Lung", ""], "msi": ["", "NA"]}


def test_lines_that_say_the_same_twice_are_one(tmp_path):
    path = write(tmp_path, "sample\tlane\ttissue\ns1\t1\tLung\ns1\t2\tLung\ns2\t1\tLiver\n")
    assert read_labels(path, label_column="tissue").to_dict("index") == {
        "s1": {"lane": "1", "tissue": "Lung"},
        "s2": {"lane": "1", "tissue": "Liver"},
    }
    with pytest.raises(LabelError, match="lines 2 and 3: sample 's1' is '1' and '2'"):
        read_labels(path)


def test_columns_of_one_name_and_of_none_can_be_told_apart(tmp_path):
    table = read_labels(write(tmp_path, "sample\tage\t\tage\tx\ns1\t1\t2\t3\t4\n"))
    assert list(table.columns) == ["age", "column 3", "age.1", "x"]


@pytest.mark.parametrize("content", ["s1;Lung\ns2;Liver\n", "s1\tLung\t\ns2\tLiver\t\n", "s1,Lung\ns2,Liver\n\n"])
def test_other_separators_and_empty_ends(tmp_path, content):
    assert list(read_labels(write(tmp_path, content))["label"]) == ["Lung", "Liver"]


def test_a_cls_file_needs_the_matrix(tmp_path):
    with pytest.raises(LabelError, match="together with the matrix"):
        read_labels(write(tmp_path, "2 2 1\n# a b\na b\n"))
    with pytest.raises(LabelError, match="has no classes"):
        read_labels(write(tmp_path, "#numeric\n#age\n3.5 4\n"))


def test_quotation_marks_of_r(tmp_path):
    assert list(read_labels(write(tmp_path, '"s1"\t"Lung"\n"s2"\t"Liver"\n'))["label"]) == ["Lung", "Liver"]


@pytest.mark.parametrize(
    ("content", "column", "message"),
    [
        ("", None, "empty"),
        ("s1\n", None, "one field only"),
        ("s1\tLung\tx\n", None, "header line but no sample below it"),
        ("s1\tLung\ns2\tLiver\tx\ns3\tLung\n", None, "line 2: expected 2 fields as in the header, found 3"),
        ("s1\tLung\ns2\n", None, "line 2: (expected 2|the header has 2) fields"),
        ("s1\tLung\n\ns2\tLiver\n", None, "line 2"),
        ("s1\tLung\ns2\tLung\ns1\tLiver\n", None, "lines 1 and 3: sample 's1' is 'Lung' and 'Liver'"),
        ("s1\tLung\n\tLiver\n", None, "sample number 2 has an empty name"),
        ("s1\tLung \n", None, "line 1: the label 'Lung ' of sample 's1' has blanks"),
        ("sample\tx\n", None, "no sample below"),
        ("sample\ttissue\tsex\ns1\tLung\tF\n", "tisue", "no column 'tisue'. The columns are 'tissue', 'sex'"),
        ("sample\ttissue\ttissue\ns1\ta\tb\n", "tissue", "column name.*more than once"),
    ],
)
def test_faults(tmp_path, content, column, message):
    with pytest.raises(LabelError, match=message) as caught:
        read_labels(write(tmp_path, content), label_column=column)
    assert "labels.tsv" in str(caught.value)


def test_not_utf8(tmp_path):
    path = tmp_path / "labels.tsv"
    path.write_bytes("s1\tNiére\n".encode("latin-1"))
    with pytest.raises(LabelError, match="byte 5"):
        read_labels(path)


def test_a_spreadsheet_is_told_how_to_be_saved(tmp_path):
    with pytest.raises(LabelError, match=r"labels\.xlsx: cannot be read as an Excel file.*save the sheet as text"):
        read_labels(write(tmp_path, "PK\x03\x04", "labels.xlsx"))
