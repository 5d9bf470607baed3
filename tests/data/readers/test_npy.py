"""NPY."""

import numpy as np
import pytest

from tspg.data.expression import read_expression
from tspg.data.readers import table
from tspg.errors import ExpressionError

ROWS, COLUMNS = ["0012", "s2"], ["A", "NA", "C"]
VALUES = np.array([[1.5, 2, 3], [4, 5, 6.25]], np.float32)


def write_npy(folder, array, rows=ROWS, columns=COLUMNS):
    path = folder / "m.npy"
    np.save(path, array)
    (folder / "m.rownames.txt").write_text("".join(f"{row}\n" for row in rows))
    (folder / "m.colnames.txt").write_text("".join(f"{column}\n" for column in columns))
    return path


@pytest.mark.parametrize(
    "array", [VALUES, VALUES.astype(">f8"), np.asfortranarray(VALUES)], ids=["f4", ">f8", "Fortran"]
)
def test_npy(tmp_path, monkeypatch, array):
    monkeypatch.setattr(table, "BLOCK_VALUES", 3)
    adata = read_expression(write_npy(tmp_path, array))
    assert list(adata.obs_names) == ROWS
    assert list(adata.var_names) == COLUMNS
    np.testing.assert_array_equal(adata.X, VALUES)


def test_npy_with_genes_in_rows(tmp_path):
    path = write_npy(tmp_path, VALUES.T, COLUMNS, ROWS)
    adata = read_expression(path, genes=["C", "A"], transpose=True)
    np.testing.assert_array_equal(adata.X, VALUES[:, [0, 2]])
    assert list(adata.obs_names) == ROWS


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (VALUES[0], r"expected one matrix of numbers, found array of shape \(3,\)"),
        (VALUES.astype(complex), "complex"),
        (VALUES.astype(str), "expected one matrix"),
        (VALUES.astype(object), "cannot be read as NPY"),
        (np.where(VALUES == 5, np.nan, VALUES), "row 's2', column 'NA': the value is missing"),
        (np.where(VALUES == 5, np.inf, VALUES), "row 's2', column 'NA': inf"),
        (np.where(VALUES == 5, 1e39, VALUES.astype(float)), r"row 's2', column 'NA': 1e\+39"),
        (VALUES[:1], "2 names for the 1 rows"),
        (VALUES[:, :2], "3 names for the 2 columns"),
    ],
)
def test_faults_of_npy(tmp_path, array, message):
    with pytest.raises(ExpressionError, match=message):
        read_expression(write_npy(tmp_path, array))


def test_npy_too_short_too_long_and_without_names(tmp_path):
    path = write_npy(tmp_path, VALUES)
    content = path.read_bytes()
    path.write_bytes(content[:-1])
    with pytest.raises(ExpressionError, match="cannot be read"):
        read_expression(path)
    path.write_bytes(content + b"x")
    with pytest.raises(ExpressionError, match="longer"):
        read_expression(path)
    path.write_bytes(b"")
    with pytest.raises(ExpressionError, match="cannot be read"):
        read_expression(path)
    path.write_bytes(content)
    (tmp_path / "m.rownames.txt").unlink()
    with pytest.raises(ExpressionError, match=r"m\.rownames\.txt: there is no such file"):
        read_expression(path)
    with pytest.raises(ExpressionError, match="no such file"):
        read_expression(tmp_path / "absent.npy")
