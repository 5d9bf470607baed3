"""H5AD: matrices of every kind, and files that reach for what is not theirs."""

from contextlib import ExitStack

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from tspg.data.expression import read_expression
from tspg.data.readers import h5ad, table, unpacking
from tspg.errors import ExpressionError, LabelError, ResourceError, UsageError

SAMPLES, GENES = ["0012", "NA", "s3"], ["A", "B", "C", "D"]
VALUES = np.array([[1.5, 0, 3, 0], [0, 0, 0, 0], [4, 5, 0, 6.25]], np.float32)
OBS = pd.DataFrame({"tissue": ["Lung", "Liver", "Lung"], "age": [1, 2, 3]}, index=SAMPLES)


def write(folder, matrix=VALUES, obs=OBS, name="m.h5ad"):
    adata = anndata.AnnData(X=matrix, obs=obs.copy(), var=pd.DataFrame(index=GENES))
    adata.write_h5ad(folder / name)
    return folder / name


@pytest.fixture(params=[4, 1000], ids=["many blocks", "one block"])
def path_of(request, tmp_path, monkeypatch):
    monkeypatch.setattr(table, "BLOCK_VALUES", request.param)
    return lambda matrix: write(tmp_path, matrix)


@pytest.mark.parametrize(
    "matrix",
    [VALUES, VALUES.astype(np.float64), sparse.csr_matrix(VALUES), sparse.csc_matrix(VALUES), sparse.csr_array(VALUES)],
    ids=["dense", "float64", "CSR", "CSC", "CSR array"],
)
@pytest.mark.parametrize("genes", [None, ["D", "A"]])
def test_every_kind_of_matrix(path_of, matrix, genes):
    adata = read_expression(path_of(matrix), genes=genes, label_column="tissue")
    keep = list(range(4)) if genes is None else [0, 3]
    assert list(adata.obs_names) == SAMPLES
    assert list(adata.var_names) == [GENES[at] for at in keep]
    np.testing.assert_array_equal(adata.X, VALUES[:, keep])
    assert adata.X.dtype == np.float32
    assert adata.X.flags.c_contiguous
    assert list(adata.obs["tissue"]) == ["Lung", "Liver", "Lung"]
    assert list(adata.obs["age"]) == ["1", "2", "3"]


@pytest.fixture
def layered(tmp_path):
    """A file whose X holds other values than its layers."""
    adata = anndata.AnnData(X=VALUES + 7, obs=OBS.copy(), var=pd.DataFrame(index=GENES))
    adata.layers["dense"], adata.layers["columns"] = VALUES, sparse.csc_matrix(VALUES)
    adata.write_h5ad(tmp_path / "layered.h5ad")
    return tmp_path / "layered.h5ad"


@pytest.fixture
def scaled(tmp_path):
    """A file as scanpy's tutorials leave it: z-scores in X, counts in a layer, all genes in `raw`."""
    adata = anndata.AnnData(X=VALUES, obs=OBS.copy(), var=pd.DataFrame({"symbol": ["a", "b", "c", "d"]}, index=GENES))
    adata.raw = adata
    adata = adata[:, ["A", "C"]].copy()
    adata.layers["counts"] = adata.X * 2
    adata.X = adata.X - adata.X.mean(axis=0)
    adata.write_h5ad(tmp_path / "scaled.h5ad")
    return tmp_path / "scaled.h5ad"


def test_raw_is_read_with_its_own_genes(scaled):
    adata = read_expression(scaled, layer="raw", label_column="tissue")
    assert list(adata.var_names) == GENES
    np.testing.assert_array_equal(adata.X, VALUES)
    np.testing.assert_array_equal(read_expression(scaled, layer="raw", genes=["D"]).X, VALUES[:, [3]])


def test_scaled_values_are_doubted_where_a_layer_or_raw_may_be_meant(scaled, tmp_path):
    (doubt,) = [one for one in read_expression(scaled).uns["tspg_input"]["notes"] if "negative" in one]
    assert "The file also has 'counts', 'raw', which may be better: try --layer counts" in doubt
    with pytest.raises(ExpressionError, match="negative values"):
        read_expression(scaled, strict=True)
    for path, layer in ((scaled, "X"), (scaled, "counts"), (write(tmp_path, VALUES - 3), None)):
        assert not any(
            "negative values, as" in one for one in read_expression(path, layer=layer).uns["tspg_input"]["notes"]
        )


def test_without_x_the_layers_are_named(scaled):
    with h5py.File(scaled, "r+") as file:
        del file["X"]
    with pytest.raises(ExpressionError, match=r"there is no X\. It has 'counts', 'raw': use --layer counts"):
        read_expression(scaled)
    with pytest.raises(UsageError, match=r"no layer 'log'\. There are: 'counts', 'raw'"):
        read_expression(scaled, layer="log")


def test_what_the_file_says_of_its_genes_is_kept(scaled):
    with ExitStack() as stack:
        table = h5ad.open_h5ad(scaled, stack, limit=1e9)
        assert table.gene_annotations.to_dict("index") == {"A": {"symbol": "a"}, "C": {"symbol": "c"}}


def test_text_of_a_fixed_length_and_names_that_are_numbers_are_text(tmp_path):
    path = write(tmp_path, obs=OBS.set_axis(["x1", "x2", "x3"]))
    with h5py.File(path, "r+") as file:
        for name, words in {"obs/_index": [b"s1", b"s2", b"s3"], "var/_index": [b"TP53", b"B", b"C", b"D"]}.items():
            about = dict(file[name].attrs)
            del file[name]
            file.create_dataset(name, data=np.array(words, "S8")).attrs.update(about)
        del file["obs/tissue"]
        made = file.create_dataset("obs/tissue", data=np.array([b"Lung", b"Liver", b"Lung"], "S5"))
        made.attrs.update({"encoding-type": "array", "encoding-version": "0.2.0"})
    adata = read_expression(path, label_column="tissue")
    assert list(adata.obs_names) == ["s1", "s2", "s3"]
    assert list(adata.var_names) == ["TP53", "B", "C", "D"]
    assert list(adata.obs["tissue"]) == ["Lung", "Liver", "Lung"]


def test_a_layer_is_read_in_place_of_x(layered):
    for layer, expected in {"dense": VALUES, "columns": VALUES, "X": VALUES + 7, None: VALUES + 7}.items():
        adata = read_expression(layered, layer=layer, genes=["B", "D"])
        np.testing.assert_array_equal(adata.X, expected[:, [1, 3]])
        assert adata.uns["tspg_input"].get("layer") == layer
        assert not adata.layers


@pytest.mark.parametrize("name", ["Dense", "../X", "dense/.."])
def test_a_layer_that_is_not_there_is_refused(layered, tmp_path, name):
    with pytest.raises(UsageError, match=r"there is no layer .* There are: 'columns', 'dense'; 'X' is the matrix"):
        read_expression(layered, layer=name)
    with pytest.raises(UsageError, match="The file has none"):
        read_expression(write(tmp_path), layer=name)


def test_only_h5ad_files_have_layers(tmp_path):
    (tmp_path / "m.tsv").write_text("id\tA\ns1\t1\n")
    with pytest.raises(UsageError, match="--layer dense: only H5AD files have layers"):
        read_expression(tmp_path / "m.tsv", layer="dense")


def test_a_layer_that_only_pretends_to_be_large_is_refused_where_it_is_read(layered):
    with h5py.File(layered, "r+") as file:
        del file["layers/dense"]
        huge = file["layers"].create_dataset("dense", shape=(3, 1 << 32), dtype="f4", chunks=(1, 1024))
        huge.attrs.update({"encoding-type": "array", "encoding-version": "0.2.0"})
    with pytest.raises(ExpressionError, match="'/layers/dense' declares"):
        read_expression(layered, layer="dense")
    assert read_expression(layered, layer="columns").shape == (3, 4)


@pytest.mark.parametrize("matrix", [sparse.csr_matrix(VALUES * 4), sparse.csc_matrix(VALUES * 4), VALUES * 4])
def test_libraries_of_counts(path_of, matrix):
    counts = VALUES * 4 + np.array([[0], [1], [0]], np.float32)
    matrix = type(matrix)(counts) if sparse.issparse(matrix) else counts
    adata = read_expression(path_of(matrix), genes=["A", "C"], transform="log2")
    sizes = counts.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(adata.X, np.log2(counts / sizes * 1e6 + 1)[:, [0, 2]], rtol=1e-6)


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_matrix, sparse.csc_matrix])
def test_a_missing_value_is_named(tmp_path, kind):
    broken = VALUES.copy()
    broken[2, 1] = np.nan
    with pytest.raises(ExpressionError, match=r"'s3'.*nan|'B'.*nan") as caught:
        read_expression(write(tmp_path, kind(broken)))
    assert "'s3'" in str(caught.value)
    assert "'B'" in str(caught.value)


def test_label_column(tmp_path):
    path = write(tmp_path)
    with pytest.raises(LabelError, match=r"no sample column 'tisue'.*'tissue', 'age'"):
        read_expression(path, label_column="tisue")
    obs = OBS.assign(tissue=pd.Categorical(["Lung", None, "Lung"]))
    path = write(tmp_path, obs=obs)
    with pytest.raises(LabelError, match=r"1 of 3 samples have no label: 'NA'.*--allow-unlabelled"):
        read_expression(path, label_column="tissue")
    adata = read_expression(path, label_column="tissue", allow_unlabelled=True)
    assert list(adata.obs["tissue"]) == ["Lung", "", "Lung"]


def test_doubled_names(tmp_path):
    path = write(tmp_path)
    with h5py.File(path, "a") as file:
        file["var/_index"][1] = "A"
    with pytest.raises(ExpressionError, match=r"gene name.*more than once: 'A'"):
        read_expression(path)


def secret(folder):
    (folder / "secret.bin").write_bytes(VALUES.tobytes())
    with h5py.File(folder / "secret.h5", "w") as file:
        file["values"] = VALUES
        file["group/values"] = VALUES
    return folder


def external_storage(file, folder):
    del file["X"]
    file.create_dataset("X", VALUES.shape, "f4", external=[(str(folder / "secret.bin"), 0, VALUES.nbytes)])


def external_link(file, folder):
    del file["X"]
    file["X"] = h5py.ExternalLink(str(folder / "secret.h5"), "values")


def external_obs(file, folder):
    del file["obs"]
    file["obs"] = h5py.ExternalLink(str(folder / "secret.h5"), "group")


def soft_link(file, folder):
    file["inner"] = h5py.ExternalLink(str(folder / "secret.h5"), "group")
    del file["X"]
    file["X"] = h5py.SoftLink("/inner/values")


def hidden_link(file, folder):
    file.create_group("uns/deep/er")["x"] = h5py.ExternalLink(str(folder / "secret.h5"), "values")


def virtual(file, folder):
    layout = h5py.VirtualLayout(VALUES.shape, "f4")
    layout[:] = h5py.VirtualSource(str(folder / "secret.h5"), "values", VALUES.shape)
    del file["X"]
    file.create_virtual_dataset("X", layout)


def unknown_filter(file, _):
    del file["X"]
    created = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    created.set_chunk(VALUES.shape)
    created.set_filter(32015, h5py.h5z.FLAG_OPTIONAL)
    space = h5py.h5s.create_simple(VALUES.shape)
    h5py.h5d.create(file.id, b"X", h5py.h5t.IEEE_F32LE, space, created)


def references(file, _):
    file.create_dataset("obs/other", (3,), h5py.ref_dtype)


def reference_attribute(file, _):
    file["obs/age"].attrs["categories"] = file["obs/tissue"].ref


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (external_storage, "'/X' lie in another file"),
        (external_link, "'/X' is a link"),
        (external_obs, "'/obs' is a link"),
        (soft_link, "is a link"),
        (hidden_link, "'/uns/deep/er/x' is a link"),
        (virtual, "'/X' lie in another file"),
        (unknown_filter, "'/X' is compressed with filter 32015"),
        (references, "'/obs/other' holds references"),
        (reference_attribute, "attribute 'categories'.*reference"),
    ],
)
def test_files_that_reach_outside_are_refused(tmp_path, harm, message):
    path = write(secret(tmp_path))
    with h5py.File(path, "a") as file:
        harm(file, tmp_path)
    with pytest.raises(ExpressionError, match=message):
        read_expression(path)


@pytest.mark.parametrize(
    "options", [{"compression": "gzip"}, {"compression": "lzf"}, {"shuffle": True, "fletcher32": True}]
)
def test_ordinary_filters_are_read(tmp_path, options):
    path = write(tmp_path)
    with h5py.File(path, "a") as file:
        del file["X"]
        file.create_dataset("X", data=VALUES, chunks=VALUES.shape, **options)
    np.testing.assert_array_equal(read_expression(path).X, VALUES)


def test_a_damaged_block_further_on_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(table, "BLOCK_VALUES", 4)
    path = write(tmp_path)
    with h5py.File(path, "a") as file:
        del file["X"]
        file.create_dataset("X", data=VALUES, chunks=(1, 4), compression="gzip")
        at = file["X"].id.get_chunk_info(2)
    content = bytearray(path.read_bytes())
    content[at.byte_offset : at.byte_offset + at.size] = b"\xff" * at.size
    path.write_bytes(content)
    with pytest.raises(ExpressionError, match="cannot be read as H5AD"):
        read_expression(path)


@pytest.mark.parametrize(("name", "of"), [("uns/self", "uns"), ("layers/again", "X"), ("uns/root", "/"), ("A", "obs")])
def test_a_second_name_is_refused_since_only_the_first_would_be_looked_at(tmp_path, name, of):
    path = write(tmp_path)
    with h5py.File(path, "a") as file:
        file[name] = file[of]
    with pytest.raises(ExpressionError, match="has a second name in the file"):
        read_expression(path)


def test_another_layer_out_of_proportion_is_not_asked_about(tmp_path):
    path = write(tmp_path)
    with h5py.File(path, "a") as file:
        file["layers/a"] = file["X"][:]
        file.create_dataset("layers/ab", shape=(10**5, 10**4), chunks=(10, 10), compression="gzip", dtype="f4")
    assert read_expression(path, layer="a").shape == VALUES.shape


@pytest.mark.parametrize(
    ("name", "chunks"), [("obs/huge", (10, 10)), ("obs/huge", None), ("var/huge", None), ("X", (10**4, 20_000))]
)
def test_sizes_that_only_pretend(tmp_path, name, chunks):
    path = write(tmp_path)
    with h5py.File(path, "a") as file:
        if name in file:
            del file[name]
        file.create_dataset(name, (10**6, 20_000), "f4", chunks=chunks)
    assert path.stat().st_size < 100_000
    with pytest.raises(ResourceError, match=f"'/{name}' declares"):
        read_expression(path, max_memory_gb=0.5)


def edit(name, value):
    def change(file):
        del file[name]
        file[name] = value

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (edit("X/indices", np.array([0, 2, 0, 1, 99])), "points outside"),
        (edit("X/indices", np.array([0, 2, 0, 1, -1])), "points outside"),
        (edit("X/indptr", np.array([0, 9, 2, 5])), "do not fit together"),
        (edit("X/indptr", np.array([0, 2, 5])), "do not fit together"),
        (edit("X/data", np.array([b"a"] * 5)), "not numbers"),
        (lambda file: file.__delitem__("X"), "there is no X"),
        (lambda file: file.__delitem__("obs"), "there is no group 'obs'"),
        (lambda file: file["X"].attrs.__setitem__("shape", [3, 5]), r"X has shape \(3, 5\)"),
    ],
)
def test_damaged_sparse_files(tmp_path, change, message):
    path = write(tmp_path, sparse.csr_matrix(VALUES))
    with h5py.File(path, "a") as file:
        change(file)
    with pytest.raises(ExpressionError, match=message):
        read_expression(path)


def test_no_hdf5(tmp_path):
    path = tmp_path / "m.h5ad"
    path.write_bytes(b"hello")
    with pytest.raises(ExpressionError, match="cannot be read as H5AD"):
        read_expression(path)
    with pytest.raises(ExpressionError, match="no such file"):
        read_expression(tmp_path / "absent.h5ad")


def test_truncated_files_are_refused(tmp_path):
    path = write(tmp_path)
    content = path.read_bytes()
    for at in np.linspace(1, len(content) - 1, 12).astype(int):
        path.write_bytes(content[:at])
        with pytest.raises(ExpressionError):
            read_expression(path)


def lists_of_varying_length(file, place):
    kind = h5py.vlen_dtype(np.int32)
    if place == "attribute":
        lists = np.empty(1, dtype=object)
        lists[0] = np.arange(3, dtype=np.int32)
        file["X"].attrs.create("odd", lists, dtype=kind)
    else:
        file.create_dataset("obsm/odd", (2,), dtype=kind)


@pytest.mark.parametrize("place", ["attribute", "data"])
def test_lists_of_varying_length_are_refused(tmp_path, place):
    path = write(tmp_path)
    read_expression(path)  # text of varying length is fine
    with h5py.File(path, "a") as file:
        lists_of_varying_length(file, place)
    with pytest.raises(ExpressionError, match=r"(attribute 'odd' of '/X'|'/obsm/odd') holds lists of varying length"):
        read_expression(path)


def test_a_kind_of_table_that_anndata_does_not_know_is_refused(tmp_path):
    path = write(tmp_path)
    with h5py.File(path, "a") as file:
        file["obs"].attrs["encoding-version"] = "9.9"
    with pytest.raises(ExpressionError, match="cannot be read as H5AD"):
        read_expression(path)


def test_a_dense_matrix_of_text_is_no_matrix_of_numbers(tmp_path):
    path = write(tmp_path)
    with h5py.File(path, "a") as file:
        attributes = dict(file["X"].attrs)
        del file["X"]
        file["X"] = np.full((3, 4), b"1")
        file["X"].attrs.update(attributes)
    with pytest.raises(ExpressionError, match=r"X holds \|S1, not numbers"):
        read_expression(path)


def test_more_genes_than_a_matrix_has_are_refused(tmp_path, monkeypatch):
    path = write(tmp_path)
    monkeypatch.setattr(table, "MOST_COLUMNS", 4)
    assert read_expression(path).n_vars == 4
    monkeypatch.setattr(table, "MOST_COLUMNS", 3)
    with pytest.raises(ExpressionError, match="more than 3 genes"):
        read_expression(path)


@pytest.mark.parametrize(("place", "refused"), [("X", True), ("obs/zeros", True), ("obsm/zeros", False)])
def test_zeros_that_fill_memory_out_of_a_small_file_are_refused_where_they_are_read(
    tmp_path, monkeypatch, place, refused
):
    monkeypatch.setattr(unpacking, "RATIO_FREE", 100_000)
    monkeypatch.setattr(unpacking, "RATIO_LIMIT", 10)
    path = write(tmp_path)
    with h5py.File(path, "a") as file:
        if place == "X":
            del file["X"]
        file.create_dataset(place, data=np.zeros((1000, 1000), np.float32), compression="gzip", chunks=(100, 100))
    if refused:
        with pytest.raises(ExpressionError, match=rf"'/{place}' declares 4,000,000 bytes in a file of "):
            read_expression(path)
    else:
        assert read_expression(path).n_obs == 3


@pytest.mark.parametrize(("place", "size"), [("X", "declares blocks of 40"), ("obs/wide", "declares 8,000")])
def test_a_block_counts_where_blocks_are_read_and_all_of_it_where_all_is(tmp_path, place, size):
    path = write(tmp_path)
    with h5py.File(path, "a") as file:
        if place == "X":
            del file["X"]
        chunks = (10**5, 10**5) if place == "X" else (1000, 1000)
        file.create_dataset(place, shape=(10**6, 10**6), dtype="f4" if place == "X" else "f8", chunks=chunks)
    with pytest.raises(ResourceError, match=rf"'/{place}' {size}\.0 GB, the limit is 1\.0 GB"):
        read_expression(path, max_memory_gb=1)
