"""Malformed matrices as NPY, H5AD and Parquet."""

import gzip
import io
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from trust import study
from trust.cases import Case
from trust.study import (
    FRAME,
    GENES,
    SAMPLES,
    VALUES,
    Change,
    a_folder,
    added,
    holding,
    inside,
    instead,
    missing,
    replaced,
    rewritten,
    table,
)


def npy_cases() -> Iterator[Case]:
    def of(array: object, **names: list[str]) -> Change:
        return lambda folder: study.write_npy(folder, array, **names)

    def with_value(value: float) -> np.ndarray:
        array = VALUES.astype(np.float64)
        array[2, 3] = value
        return array

    def case(name: str, change: Change, says: str, file: str | None = None) -> Case:
        return Case("npy", name, change, says, file=file)

    header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000, 100000), }"
    bomb = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header) + 1) + header.encode() + b"\n"
    archive = io.BytesIO()
    np.savez(archive, VALUES)
    yield case("there is no file", missing("m.npy"), "no such file")
    yield case("a folder in its place", a_folder("m.npy"), "no file in this folder")
    yield case("empty", holding("m.npy", b""), "cannot be read as NPY")
    yield case("text", holding("m.npy", table()), "cannot be read as NPY")
    yield case("objects", of(VALUES.astype(object)), "cannot be read as NPY")
    yield case("a vector", of(VALUES[0]), r"expected one matrix of numbers, found array of shape \(12,\)")
    yield case("three dimensions", of(VALUES[None]), r"shape \(1, 12, 12\)")
    yield case("complex numbers", of(VALUES.astype(complex)), "type complex128")
    yield case("words", of(VALUES.astype(str)), "expected one matrix of numbers")
    yield case("truth values", of(VALUES > 2), "type bool")
    yield case("dates", of(VALUES.astype("datetime64[s]")), "expected one matrix of numbers")
    yield case("no number in a cell", of(with_value(np.nan)), "row 's2', column 'G3': the value is missing \\(nan\\)")
    yield case("infinity in a cell", of(with_value(np.inf)), "row 's2', column 'G3': inf is infinite or too large")
    yield case("too large a number", of(with_value(1e39)), r"row 's2', column 'G3': 1e\+39")
    yield case("cut", rewritten("m.npy", lambda old: old[:-1]), "cannot be read as NPY")
    yield case("something after the matrix", added("m.npy", b"x"), "longer than its array")
    yield case("more declared than there is", holding("m.npy", bomb), "cannot be read as NPY")
    yield case("an archive of matrices", holding("m.npy", archive.getvalue()), "Unpack it first: unzip m.npy")
    yield case("no samples", of(VALUES[:0], rows=[]), "empty|no samples")
    yield case(
        "no names of samples", missing("m.rownames.txt"), "no such file.*names of the rows of m.npy", "m.rownames.txt"
    )
    yield case("no names of genes", missing("m.colnames.txt"), "no such file.*names of the columns", "m.colnames.txt")
    yield case("a name too few", of(VALUES, rows=SAMPLES[:-1]), "11 names for the 12 rows", "m.rownames.txt")
    yield case("a name too many", of(VALUES, columns=[*GENES, "G"]), "13 names for the 12 columns", "m.colnames.txt")
    yield case("a sample twice", of(VALUES, rows=["s1", *SAMPLES[1:]]), "1 sample name.*'s1'")
    yield case("a gene twice", of(VALUES, columns=["G1", *GENES[1:]]), "1 gene name.*'G1'.*--duplicates")
    yield case("a gene without a name", of(VALUES, columns=["", *GENES[1:]]), "gene number 1 has an empty name")
    yield case("Latin-1 names", replaced("m.rownames.txt", "s4", b"s\xe9"), "line 5.*not UTF-8", "m.rownames.txt")


def h5ad_cases() -> Iterator[Case]:
    def case(name: str, change: Change, says: str, code: int = 3) -> Case:
        return Case("h5ad", name, change, says, code)

    def csr(name: str, change: Callable[[h5py.File], None], says: str) -> Case:
        return Case("h5ad csr", name, inside(change, "csr"), says)

    def with_value(value: float) -> Callable[[h5py.File], None]:
        return lambda file: file["X"].__setitem__((2, 3), value)

    yield case("there is no file", missing("m.h5ad"), "no such file")
    yield case("a folder in its place", a_folder("m.h5ad"), "no file in this folder")
    yield case("empty", holding("m.h5ad", b""), "cannot be read as H5AD")
    yield case("text", holding("m.h5ad", table()), "cannot be read as H5AD")
    yield case("gzip", rewritten("m.h5ad", gzip.compress), "Unpack it first: gunzip m.h5ad")
    yield case("cut", rewritten("m.h5ad", lambda old: old[: len(old) // 2]), "cannot be read as H5AD")
    yield case("nothing in it", lambda d: h5py.File(d / "m.h5ad", "w").close(), "no group 'obs'")
    yield case("no X", inside(lambda file: file.__delitem__("X")), "there is no X. Put the expression values there")
    yield case("no obs", inside(lambda file: file.__delitem__("obs")), "there is no group 'obs'")
    yield case("no var", inside(lambda file: file.__delitem__("var")), "there is no group 'var'")
    yield case("obs is a matrix", inside(lambda file: instead(file, "obs", VALUES)), "no group 'obs'")
    yield case("X of words", inside(lambda file: instead(file, "X", VALUES.astype("S8"))), "X holds .*not numbers")
    yield case("X of one dimension", inside(lambda file: instead(file, "X", VALUES[0])), r"X has shape \(12,\)")
    yield case(
        "X of a sample less",
        inside(lambda file: instead(file, "X", VALUES[1:])),
        r"X has shape \(11, 12\), but there are 12 samples",
    )
    yield case(
        "X of a gene less", inside(lambda file: instead(file, "X", VALUES[:, 1:])), r"X has shape \(12, 11\).*12 genes"
    )
    yield case(
        "no number in a cell", inside(with_value(np.nan)), "row 's2', column 'G3': the value is missing \\(nan\\)"
    )
    yield case("infinity in a cell", inside(with_value(np.inf)), "row 's2', column 'G3': inf is infinite or too large")
    yield case("a sample twice", inside(lambda file: file["obs/_index"].__setitem__(1, "s0")), "1 sample name.*'s0'")
    yield case(
        "a gene twice", inside(lambda file: file["var/_index"].__setitem__(1, "G0")), "1 gene name.*'G0'.*--duplicates"
    )
    yield case(
        "a gene without a name",
        inside(lambda file: file["var/_index"].__setitem__(1, "")),
        "gene number 2 has an empty name",
    )
    yield case("no index of obs", inside(lambda file: file.__delitem__("obs/_index")), "cannot be read as H5AD")
    yield case(
        "an index of obs too short",
        inside(lambda file: instead(file, "obs/_index", np.array(["s0"], "S2"))),
        "cannot be read|samples",
    )
    yield case(
        "no label column",
        inside(lambda file: file.move("obs/tissue", "obs/organ")),
        "no sample column 'tissue'|cannot be read as H5AD",
    )
    yield case(
        "a column of obs too long",
        inside(lambda file: instead(file, "obs/donor", np.arange(13))),
        "cannot be read as H5AD",
    )
    yield case(
        "a link to another file",
        inside(lambda file: file.__setitem__("obs/more", h5py.ExternalLink("x.h5", "/x"))),
        "'/obs/more' is a link to another place",
    )
    yield case(
        "a soft link",
        inside(lambda file: file.__setitem__("more", h5py.SoftLink("/X"))),
        "'/more' is a link to another place",
    )
    yield case("X in another file", inside(_external), "'/X' lie in another file")
    yield case("a virtual X", inside(_virtual), "'/X' lie in another file")
    yield case(
        "references",
        inside(lambda file: file.create_dataset("uns/r", data=file["X"].ref, dtype=h5py.ref_dtype)),
        "'/uns/r' holds references",
    )
    yield case("80 GB declared", inside(_declares), "'/obs/big' declares 80.0 GB, the limit is", code=4)
    yield csr(
        "column numbers outside", lambda file: file["X/indices"].__setitem__(0, 99), "points outside its 12 columns"
    )
    yield csr(
        "negative column numbers", lambda file: file["X/indices"].__setitem__(0, -1), "points outside its 12 columns"
    )
    yield csr(
        "row ends out of order", lambda file: file["X/indptr"].__setitem__(3, 0), "do not fit together.*with anndata"
    )
    yield csr("row ends beyond the values", lambda file: file["X/indptr"].__setitem__(12, 999), "do not fit together")
    yield csr(
        "a value less than columns", lambda file: instead(file, "X/data", VALUES.ravel()[1:]), "do not fit together"
    )
    yield csr("no values", lambda file: file.__delitem__("X/data"), "cannot be read as H5AD")
    yield csr("values that are words", lambda file: instead(file, "X/data", VALUES.ravel().astype("S8")), "not numbers")
    yield csr("no shape", lambda file: file["X"].attrs.__delitem__("shape"), r"X has shape \(\)")
    yield csr(
        "another shape",
        lambda file: file["X"].attrs.__setitem__("shape", [12, 10**9]),
        r"X has shape \(12, 1000000000\)",
    )
    yield csr(
        "no number in a cell",
        lambda file: file["X/data"].__setitem__(0, np.nan),
        "row 's0', column 'G0': the value is missing",
    )


def _external(file: h5py.File) -> None:
    del file["X"]
    file.create_dataset("X", shape=(12, 12), dtype="f4", external=[("other.bin", 0, 576)])


def _virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout(shape=(12, 12), dtype="f4")
    layout[:] = h5py.VirtualSource("other.h5", "X", shape=(12, 12))
    del file["X"]
    file.create_virtual_dataset("X", layout)


def _declares(file: h5py.File) -> None:
    file.create_dataset("obs/big", shape=(10_000_000_000,), dtype="f8", chunks=(1000,))


def parquet_cases() -> Iterator[Case]:
    def of(frame: pd.DataFrame) -> Change:
        return lambda folder: study.write_parquet(folder, frame)

    def case(name: str, change: Change, says: str) -> Case:
        return Case("parquet", name, change, says)

    def doubled(folder: Path) -> None:
        columns = [pa.array(SAMPLES), pa.array(VALUES[:, 0]), pa.array(VALUES[:, 1])]
        pq.write_table(pa.Table.from_arrays(columns, names=["id", "G0", "G0"]), folder / "m.parquet")

    yield case("there is no file", missing("m.parquet"), "no such file")
    yield case("a folder in its place", a_folder("m.parquet"), "no file in this folder")
    yield case("empty", holding("m.parquet", b""), "cannot be read as Parquet")
    yield case("text", holding("m.parquet", table()), "cannot be read as Parquet")
    yield case("cut at the end", rewritten("m.parquet", lambda old: old[:-1]), "cannot be read as Parquet")
    yield case(
        "cut in the middle", rewritten("m.parquet", lambda old: old[: len(old) // 2]), "cannot be read as Parquet"
    )
    yield case(
        "nothing between its marks", holding("m.parquet", b"PAR1" + b"\0" * 99 + b"PAR1"), "cannot be read as Parquet"
    )
    words = FRAME.assign(G3=FRAME["G3"].astype(str))
    yield case("numbers written as text", of(words), "column 'G3' holds numbers that are written as text")
    yield case("a column of dates", of(FRAME.assign(day=pd.Timestamp(0))), "column 'day' holds timestamp")
    yield case("a column of lists", of(FRAME.assign(all=[[1.0]] * 12)), "column 'all' holds list")
    yield case(
        "no number in a cell",
        of(FRAME.assign(G3=[np.inf, *VALUES[1:, 3]])),
        "row 's0', column 'G3': inf is infinite or too large",
    )
    yield case(
        "a value missing",
        of(FRAME.assign(G3=pd.array([1, None] * 6, dtype="Int64"))),
        "row 's1', column 'G3': the value is missing",
    )
    yield case("no names of samples", of(FRAME.reset_index(drop=True)), "column 'G0' holds .*, not names")
    yield case("a sample twice", of(FRAME.set_axis(["s1", *SAMPLES[1:]])), "1 sample name.*'s1'")
    yield case("a gene twice", doubled, "column 'G0' occurs more than once")
    yield case("no samples", of(FRAME.iloc[:0]), "0 rows and 13 columns. It is empty")
    yield case("names alone", of(FRAME[[]]), "12 samples and 0 genes. It is empty")
