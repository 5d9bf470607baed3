"""Parquet and Feather."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import feather

from tspg.data.expression import read_expression
from tspg.data.readers import arrow_safety
from tspg.errors import ExpressionError, ResourceError

FRAME = pd.DataFrame({"A": [1.5, 4], "NA": [2.0, 5], "C": [3.0, 6.25]}, index=["0012", "s2"])
VALUES = FRAME.to_numpy(np.float32)


@pytest.mark.parametrize("index", [True, False], ids=["pandas index", "first column"])
def test_parquet(tmp_path, index):
    path = tmp_path / "m.parquet"
    frame = FRAME if index else FRAME.rename_axis("id").reset_index()
    frame.to_parquet(path, index=index, row_group_size=1)
    adata = read_expression(path)
    assert list(adata.obs_names) == list(FRAME.index)
    assert list(adata.var_names) == list(FRAME.columns)
    np.testing.assert_array_equal(adata.X, VALUES)
    np.testing.assert_array_equal(read_expression(path, genes=["C"]).X, VALUES[:, 2:])
    np.testing.assert_array_equal(read_expression(path, transpose=True, genes=["s2"]).X, VALUES[1:].T)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (FRAME.assign(D=["1", "2"]), "column 'D' holds numbers that are written as text .*string"),
        (FRAME.assign(D=pd.Timestamp(0)), "column 'D' holds timestamp"),
        (FRAME.assign(D=[1, None]), "row 's2', column 'D': "),
        (FRAME.assign(D=[1, np.inf]), "row 's2', column 'D': inf is infinite or too large"),
        (FRAME.assign(D=pd.array([1, None], dtype="Int64")), "row 's2', column 'D': the value is missing"),
        (FRAME.reset_index(drop=True), "column 'A' holds double, not names"),
        (FRAME.set_axis(["s1", "s1"]), "sample name.*more than once"),
        (FRAME.iloc[:0], "0 rows and 4 columns. It is empty"),
    ],
)
def test_faults_of_parquet(tmp_path, frame, message):
    frame.to_parquet(tmp_path / "m.parquet")
    with pytest.raises(ExpressionError, match=message):
        read_expression(tmp_path / "m.parquet")


def test_parquet_with_two_columns_of_one_name(tmp_path):
    columns = [pa.array(["s1"]), pa.array([1.0]), pa.array([2.0])]
    pq.write_table(pa.Table.from_arrays(columns, names=["id", "A", "A"]), tmp_path / "m.parquet")
    with pytest.raises(ExpressionError, match="column 'A' occurs more than once"):
        read_expression(tmp_path / "m.parquet")


def test_damaged_parquet(tmp_path):
    path = tmp_path / "m.parquet"
    FRAME.to_parquet(path)
    content = path.read_bytes()
    for damaged in (b"", content[:-1], content[: len(content) // 2], b"PAR1" + b"\0" * 100 + b"PAR1"):
        path.write_bytes(damaged)
        with pytest.raises(ExpressionError, match="cannot be read as Parquet"):
            read_expression(path)
    with pytest.raises(ExpressionError, match="no such file"):
        read_expression(tmp_path / "absent.parquet")


def test_memory_limit(tmp_path):
    FRAME.to_parquet(tmp_path / "m.parquet")
    with pytest.raises(ResourceError):
        read_expression(tmp_path / "m.parquet", max_memory_gb=1e-9)


def with_metadata(folder, metadata):
    table = pa.Table.from_pandas(FRAME.reset_index(names="id"), preserve_index=False)
    pq.write_table(table.replace_schema_metadata({"pandas": metadata}), folder / "m.parquet")
    return folder / "m.parquet"


@pytest.mark.parametrize("metadata", ["null", "{}", '{"index_columns": []}', '{"index_columns": [5, [], "no"]}'])
def test_metadata_of_pandas_that_name_no_column_are_ignored(tmp_path, metadata):
    assert list(read_expression(with_metadata(tmp_path, metadata)).obs_names) == list(map(str, FRAME.index))


@pytest.mark.parametrize("metadata", ["[5]", '{"index_columns": 5}', "{", "[" * 5000, b"\xff"])
def test_metadata_of_pandas_that_are_damaged_are_refused(tmp_path, metadata):
    with pytest.raises(ExpressionError, match=r"m\.parquet: .* Write it again"):
        read_expression(with_metadata(tmp_path, metadata))


@pytest.mark.parametrize("compression", ["uncompressed", "lz4", "zstd"])
@pytest.mark.parametrize("n_rows", [1, 2])
def test_feather(tmp_path, compression, n_rows):
    path = tmp_path / "m.feather"
    feather.write_feather(FRAME.reset_index(names="id"), path, compression=compression, chunksize=n_rows)
    adata = read_expression(path, genes=["C", "A"])
    assert list(adata.obs_names) == list(FRAME.index)
    np.testing.assert_array_equal(adata.X, VALUES[:, [0, 2]])
    FRAME.to_feather(tmp_path / "of_pandas")  # its index is no column of names
    np.testing.assert_array_equal(read_expression(tmp_path / "of_pandas").X, VALUES)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda frame: frame.assign(D=["1", "2"]), "column 'D' holds numbers that are written as text .*string"),
        (lambda frame: frame.assign(C=[None, 1.0]), "row '0012', column 'C': the value is missing"),
        (lambda frame: frame.assign(C=[1e39, 1.0]), r"row '0012', column 'C': 1e\+39"),
        (lambda frame: frame.iloc[:0], "0 rows and 4 columns. It is empty"),
    ],
)
def test_faults_of_feather(tmp_path, change, says):
    feather.write_feather(change(FRAME.reset_index(names="id")), tmp_path / "m.feather")
    with pytest.raises(ExpressionError, match=says):
        read_expression(tmp_path / "m.feather")


@pytest.mark.parametrize("compression", ["uncompressed", "zstd"])
def test_the_memory_that_feather_asks_for_is_known_before(tmp_path, compression):
    path, n = tmp_path / "m.feather", 20_000_000
    table = pa.table({"id": np.zeros(n, np.int32), "x": np.zeros(n, np.float32)})
    feather.write_feather(table, path, compression=compression, chunksize=n // 2)
    with pa.memory_map(str(path)) as stream:
        sizes = arrow_safety.declared_in_arrow(stream)
    assert np.allclose(sizes, 8 * n // 2, rtol=1e-3)
    with pytest.raises(ResourceError, match=r"limit is 0\.1 GB"):
        read_expression(path, max_memory_gb=0.1)
    if compression == "zstd":
        with pytest.raises(ExpressionError, match="more than 200 times as many"):
            read_expression(path)


def test_damaged_feather_is_refused(tmp_path):
    feather.write_feather(FRAME.reset_index(names="id"), tmp_path / "m.feather", chunksize=1)
    content = (tmp_path / "m.feather").read_bytes()
    for cut in range(0, len(content), 31):
        (tmp_path / "m.feather").write_bytes(content[:cut])
        with pytest.raises(ExpressionError, match=r"cannot be read as Feather .*to_parquet"):
            read_expression(tmp_path / "m.feather")
