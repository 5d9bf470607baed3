"""Files are opened by what they hold, whatever their name; what is not read is refused with a command that helps."""

import bz2
import datetime as dt
import gzip
import lzma
import shlex
import zipfile
from pathlib import Path

import anndata
import h5py
import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pytest

from tspg.data.expression import read_expression
from tspg.data.genesets import read_gene_sets
from tspg.data.labels import read_labels
from tspg.data.readers import excel, unpacking
from tspg.data.readers.kinds import Kind, content_of
from tspg.errors import ExpressionError, GeneSetError, LabelError, UsageError

TEXT = b"sample\tA\tB\tC\ns1\t1.5\t2\t3\ns2\t4\t5\t6.25\n"
FRAME = pd.DataFrame([[1.5, 2.0, 3.0], [4.0, 5.0, 6.25]], dtype=np.float32, index=["s1", "s2"], columns=["A", "B", "C"])


def zipped(content, name="inner.tsv", **more):
    path = Path(more.pop("at"))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, data in {name: content, **more}.items():
            archive.writestr(member, data)
    return path.read_bytes()


PACKED = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "Zstandard": lambda data: pa.compress(data, codec="zstd", asbytes=True),
}


def in_two_parts(data, pack):
    return pack(data[:20]) + pack(data[20:])


@pytest.mark.parametrize("name", ["m.tsv", "m.tsv.gz", "m.txt.bz2", "m", "m.xls"])
@pytest.mark.parametrize("how", list(PACKED))
@pytest.mark.parametrize("parts", [1, 2])
def test_compressed_text_is_read_whatever_its_name(tmp_path, name, how, parts):
    (tmp_path / name).write_bytes(PACKED[how](TEXT) if parts == 1 else in_two_parts(TEXT, PACKED[how]))
    pd.testing.assert_frame_equal(read_expression(tmp_path / name).to_df(), FRAME, check_dtype=False, check_names=False)


@pytest.mark.parametrize("how", [*PACKED, "zip"])
def test_labels_and_gene_sets_may_be_compressed_in_any_way(tmp_path, how):
    pack = PACKED.get(how, lambda data: zipped(data, at=tmp_path / "z"))
    (tmp_path / "labels").write_bytes(pack(b"s1\tx\ns2\ty\n"))
    (tmp_path / "sets").write_bytes(pack(b"SET\tabout\tA\tB\n"))
    assert read_labels(tmp_path / "labels")["label"].to_dict() == {"s1": "x", "s2": "y"}
    assert read_gene_sets(tmp_path / "sets")["SET"].genes == ("A", "B")


def test_a_zip_with_one_file_is_that_file_and_its_name_says_where_fields_end(tmp_path):
    path = tmp_path / "download.zip"
    of_macos = {"__MACOSX/deep/._inner.csv": b"x", ".DS_Store": b"y"}
    zipped(TEXT.replace(b"\t", b","), "deep/inner.csv", at=path, **of_macos)
    np.testing.assert_array_equal(read_expression(path).X, FRAME.to_numpy(np.float32))


def test_a_zip_of_several_files_is_refused_with_their_names(tmp_path):
    zipped(TEXT, "a.tsv", at=tmp_path / "m.tsv", **{"b.tsv": TEXT})
    with pytest.raises(ExpressionError, match=r"archive of 2 files \('a.tsv', 'b.tsv'\). Unpack it \(unzip m.tsv\)"):
        read_expression(tmp_path / "m.tsv")


@pytest.mark.parametrize("how", list(PACKED))
def test_cut_and_changed_data_are_recognised_by_content(tmp_path, how):
    rng = np.random.default_rng(0)
    content = TEXT + b"".join(b"r%d\t%f\t1\t2\n" % (row, rng.random()) for row in range(2000))
    packed = PACKED[how](content)
    changed = bytearray(packed)
    changed[len(packed) // 2] ^= 0xFF
    for data in (packed[:-20], packed[: len(packed) // 2], bytes(changed), packed + b"rest"):
        (tmp_path / "m.tsv.gz").write_bytes(data)
        with pytest.raises(ExpressionError, match=rf"m\.tsv\.gz: the {how} data (end too early|are damaged)"):
            read_expression(tmp_path / "m.tsv.gz")


def test_a_damaged_and_a_locked_zip_are_refused(tmp_path):
    packed = bytearray(zipped(TEXT * 50, at=tmp_path / "m.zip"))
    packed[60] ^= 0xFF
    (tmp_path / "m.zip").write_bytes(packed)
    with pytest.raises(ExpressionError, match="the zip data are damaged"):
        read_expression(tmp_path / "m.zip")
    packed = bytearray(zipped(TEXT, at=tmp_path / "m.zip"))
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        packed[packed.index(mark) + at] |= 1  # the flag of a password
    (tmp_path / "m.zip").write_bytes(packed)
    with pytest.raises(ExpressionError, match=r"cannot be unpacked .*password.* Unpack the file"):
        read_expression(tmp_path / "m.zip")


@pytest.mark.parametrize("how", [*PACKED, "zip"])
def test_bombs_of_every_kind_are_refused_early(tmp_path, monkeypatch, how):
    monkeypatch.setattr(unpacking, "RATIO_FREE", 1 << 20)
    pack = PACKED.get(how, lambda data: zipped(data, at=tmp_path / "z"))
    (tmp_path / "m.tsv").write_bytes(pack(b"id\tA\n" + b"s\t" + b"0" * (8 << 20)))
    with pytest.raises(ExpressionError, match=rf"the {how} data grow more than 200-fold"):
        read_expression(tmp_path / "m.tsv")


@pytest.mark.parametrize("ending", ["", ".tsv", ".gz", ".rds", ".xlsx"])
def test_binary_formats_are_known_by_their_first_bytes(tmp_path, ending):
    FRAME.to_parquet(tmp_path / f"p{ending}")
    anndata.AnnData(FRAME).write_h5ad(tmp_path / "h.h5ad")
    (tmp_path / "h.h5ad").rename(tmp_path / f"h{ending}")
    for kind in "ph":
        np.testing.assert_array_equal(read_expression(tmp_path / f"{kind}{ending}").X, FRAME.to_numpy(np.float32))


def test_a_gct_file_is_known_by_its_first_line(tmp_path):
    (tmp_path / "m.txt").write_text("#1.2\n2\t2\nNAME\tDescription\ts1\ts2\nA\tx\t1\t2\nB\tx\t3\t4\n")
    assert read_expression(tmp_path / "m.txt").to_df().to_numpy().tolist() == [[1, 3], [2, 4]]


def test_what_is_binary_inside_of_a_packing_is_to_be_unpacked_first(tmp_path):
    anndata.AnnData(FRAME).write_h5ad(tmp_path / "h.h5ad")
    (tmp_path / "h.h5ad.gz").write_bytes(gzip.compress((tmp_path / "h.h5ad").read_bytes()))
    with pytest.raises(ExpressionError, match=r"inside of gzip\. Unpack it first: gunzip h\.h5ad\.gz"):
        read_expression(tmp_path / "h.h5ad.gz")


FOREIGN = {
    "x.rds": (gzip.compress(b"X\n\0\0\0\3"), "readRDS"),
    "renamed.tsv": (bz2.compress(b"X\n\0\0\0\3"), "readRDS"),
    "x.RData": (lzma.compress(b"RDX3\nX\n"), r"get\(load"),
    "x.mtx.gz": (gzip.compress(b"%%MatrixMarket matrix"), "read_10x_mtx"),
    "GSM7_matrix.mtx": (b"%%MatrixMarket matrix", "prefix='GSM7_'"),
    "x.loom": (b"?", "read_loom"),
    "x.gctx": (b"?", "cmapPy"),
    "x.sas7bdat": (b"?", "pandas.read_sas"),
    "x.dta": (b"<stata_dta>", "pandas.read_stata"),
    "x.mat": (b"MATLAB 5.0 MAT-file", "writetable"),
    "x.xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "--convert-to xlsx"),
    "GSE1_RAW.tar": (b"\0" * 257 + b"ustar", "tar xf"),
    "x.bam": (gzip.compress(b"BAM\1"), "Count its reads"),
    "x.csv": (b"<!DOCTYPE html><html>", "web page.*Download it again"),
    "x.pkl": (b"\x80\x04", "to_parquet"),
}


@pytest.mark.parametrize("name", list(FOREIGN))
def test_what_is_not_read_is_refused_with_the_command_on_the_users_own_file(tmp_path, name):
    content, says = FOREIGN[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ExpressionError, match=says) as caught:
        read_expression(tmp_path / name)
    assert "\n" not in str(caught.value)
    assert "$" not in str(caught.value).replace(str(tmp_path), "")
    with pytest.raises(LabelError, match=says):
        read_labels(tmp_path / name)


def test_folders_of_other_programs_are_refused_with_the_command(tmp_path):
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "zarr.json").write_text("{}")
    (tmp_path / "named.zarr").mkdir()
    (tmp_path / "filtered").mkdir()
    (tmp_path / "filtered" / "matrix.mtx.gz").touch()
    for name, says in {"store": "read_zarr", "named.zarr": "read_zarr", "filtered": "read_10x_mtx"}.items():
        with pytest.raises(ExpressionError, match=rf"{says}\('{tmp_path / name}'.*\.write_h5ad\('{tmp_path}"):
            read_expression(tmp_path / name)


def test_python_code_in_advice_can_be_run_by_a_shell(tmp_path):
    (tmp_path / "x.dta").write_bytes(b"<stata_dta>")
    with pytest.raises(ExpressionError) as caught:
        read_expression(tmp_path / "x.dta")
    words = shlex.split(str(caught.value).split("first: ")[1].removesuffix("."))
    assert words[:2] == ["python", "-c"]
    compile(words[2], "advice", "exec")
    assert str(tmp_path / "x.dta") in words[2]


@pytest.mark.parametrize(
    ("groups", "says"),
    [
        (["matrix", "row_attrs", "col_attrs"], "read_loom"),
        (["matrix"], "read_10x_h5"),
        (["data", "meta"], "archs4py"),
        (["0"], "cmapPy"),
        (["est_counts", "aux"], "tximport"),
        (["assays", "cell.names"], "SeuratDisk"),
        (["tables"], "not one that anndata has written"),
    ],
)
def test_hdf5_files_of_others_are_known_by_what_is_in_them(tmp_path, groups, says):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        for group in groups:
            file.create_group(group)
    with pytest.raises(ExpressionError, match=says):
        read_expression(tmp_path / "x.h5")


def write_sheet(path, rows, *more):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for title in more:
        book.create_sheet(title)
    book.save(path)
    return path


@pytest.mark.parametrize("name", ["m.xlsx", "m.csv", "m", "m.xls"])
def test_an_excel_file_is_read_as_its_first_sheet_in_full_precision(tmp_path, name):
    values = np.random.default_rng(1).normal(size=(3, 4)) * 1e5
    rows = [["gene", "s1", "s2", "s3", "s4"], *([f"G{at}", *map(float, row)] for at, row in enumerate(values))]
    write_sheet(tmp_path / "b.xlsx", rows, "notes", "more").rename(tmp_path / name)
    adata = read_expression(tmp_path / name, transpose=True, transform="none")
    np.testing.assert_array_equal(adata.X, values.T.astype(np.float32))
    assert "the first sheet was read, 'Sheet'; the others were not: 'notes', 'more'" in adata.uns["tspg_input"]["notes"]


def test_labels_and_gene_sets_in_excel_files(tmp_path):
    day = dt.datetime(2020, 5, 17)  # noqa: DTZ001
    rows = [["sample", "class", "taken"], [101, "x", day], ["s\n2", True, day.replace(hour=3)], [], []]
    labels = read_labels(write_sheet(tmp_path / "l.xlsx", rows), label_column="class")
    assert labels["class"].to_dict() == {"101": "x", "s 2": "TRUE"}
    assert labels["taken"].to_list() == ["2020-05-17", "2020-05-17 03:00:00"]
    sets = read_gene_sets(write_sheet(tmp_path / "s.xlsx", [["A", "about", "TP53", "MYC"], ["B", "about", "BAX"]]))
    assert [one.genes for one in sets.values()] == [("TP53", "MYC"), ("BAX",)]


@pytest.mark.parametrize("turned", [False, True])
def test_genes_that_excel_turned_into_dates_are_refused_by_name(tmp_path, turned):
    rows = [["sample", "A", dt.date(2023, 9, 1), dt.date(2023, 3, 2)], ["s1", 1, 2, 3], ["s2", 4, 5, 6]]
    path = write_sheet(tmp_path / "m.xlsx", [list(row) for row in zip(*rows, strict=True)] if turned else rows)
    with pytest.raises(ExpressionError, match=r"'2023-09-01' \(probably SEPT1\), '2023-03-02' \(probably MARCH2\)"):
        read_expression(path, transpose=turned)
    with pytest.raises(GeneSetError, match="SEPT1"):
        read_gene_sets(write_sheet(tmp_path / "s.xlsx", [["A", "about", "TP53", dt.date(2023, 9, 1)]]))


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        (None, "row 's1', column 'B': the value is missing"),
        ("#N/A", "row 's1', column 'B': the value is missing"),
        ("#DIV/0!", "'#DIV/0!' is not a number"),
        (dt.date(2023, 9, 1), "'2023-09-01' is not a number"),
        ("=1+1", "row 's1', column 'B': the value is missing"),  # never calculated
    ],
)
def test_cells_of_a_sheet_are_read_as_strictly_as_text(tmp_path, cell, says):
    with pytest.raises(ExpressionError, match=says):
        read_expression(write_sheet(tmp_path / "m.xlsx", [["sample", "A", "B", "C"], ["s1", 1, cell, 2]]))


def test_an_empty_row_and_a_longer_one_in_a_sheet_are_refused(tmp_path):
    for rows, says in (
        ([["s1", 1], [], ["s2", 2]], "line 3.*the line is empty"),
        ([["s1", 1, 2]], "line 2.*the lines below 3"),
    ):
        with pytest.raises(ExpressionError, match=says):
            read_expression(write_sheet(tmp_path / "m.xlsx", [["sample", "A"], *rows]))


def test_an_excel_bomb_and_a_missing_library_are_refused(tmp_path, monkeypatch):
    path = write_sheet(tmp_path / "m.xlsx", [["sample", "A"], *([f"s{at % 9}", 0] for at in range(2_000))])
    monkeypatch.setattr(unpacking, "RATIO_FREE", 1 << 10)
    monkeypatch.setattr(unpacking, "RATIO_LIMIT", 2)
    with pytest.raises(ExpressionError, match=r"m\.xlsx: declares .* times as many"):
        read_expression(path)
    monkeypatch.setattr(excel, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match=r"pip install 'tspg\[xlsx\]'"):
        read_expression(path)


def test_the_name_decides_where_the_content_cannot(tmp_path):
    for name, kind in {
        "m.h5ad": Kind.HDF5,
        "m.npy": Kind.NPY,
        "m.feather": Kind.FEATHER,
        "m.GCT.gz": Kind.GCT,
        "m.xyz": Kind.TEXT,
    }.items():
        (tmp_path / name).write_bytes(b"what is this")
        assert content_of(tmp_path / name).kind == kind


def test_a_zip_that_is_cut_is_recognised_by_its_name(tmp_path):
    for name, says in {
        "x.rds": "readRDS",
        "x.feather": "cannot be read as Feather.*to_parquet",
        "x.xlsx": "cannot be read as an Excel file",
        "x.csv": "zip data are damaged .*if it is an Excel file, save its sheet as text",
    }.items():
        (tmp_path / name).write_bytes(b"PK\3\4\x14\0\6\0")
        with pytest.raises(ExpressionError, match=says):
            read_expression(tmp_path / name)
