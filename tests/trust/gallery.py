"""Files made to do harm, each alive: a reader without a guard runs their code or is led to what is not theirs.

Every payload leaves a canary, a file that says that it ran, or reaches for a value that only another file holds.
"""

import base64
import gzip
import io
import json
import marshal
import pickle
import shutil
import struct
import subprocess
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import anndata
import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

SECRET = 7.125
SAMPLES, GENES = [f"s{n}" for n in range(6)], [f"G{n}" for n in range(4)]
VALUES = np.arange(24, dtype=np.float32).reshape(6, 4)


@dataclass(frozen=True)
class Payload:
    """How a file is made, what `tspg` says to it, and the reader that falls for it."""

    name: str
    make: Callable[["Payload", Path], None]  # into a folder
    says: str
    reader: str
    code: int = 3

    def source(self, folder: Path) -> str:
        """Python code that leaves the canary of this payload in a folder."""
        return f"open({str(folder / 'CANARY')!r}, 'w').close()"


class _Exec:
    """What a pickle of it does when it is read."""

    def __init__(self, source: str) -> None:
        self.source = source

    def __reduce__(self):
        return exec, (self.source,)


def pickled(payload: Payload, folder: Path) -> bytes:
    return pickle.dumps(_Exec(payload.source(folder)))


def as_pickle(payload: Payload, folder: Path) -> None:
    (folder / payload.name).write_bytes(pickled(payload, folder))
    if payload.name.endswith(".gz"):
        (folder / payload.name).write_bytes(gzip.compress(pickled(payload, folder)))


def as_object_array(payload: Payload, folder: Path) -> None:
    np.save(folder / payload.name, np.array([[_Exec(payload.source(folder))]], dtype=object), allow_pickle=True)


def as_npy_header(payload: Payload, folder: Path) -> None:
    code = f"(exec({payload.source(folder)!r}), 1)"
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {code}}}\n".encode()
    (folder / payload.name).write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header)


def as_npz(payload: Payload, folder: Path) -> None:
    with (folder / payload.name).open("wb") as stream:
        np.savez(stream, a=np.array([[_Exec(payload.source(folder))]], dtype=object))


def as_torch(payload: Payload, folder: Path) -> None:
    import torch

    torch.save({"w": _Exec(payload.source(folder))}, folder / payload.name)


def as_old_torch(payload: Payload, folder: Path) -> None:
    import torch

    content = {"w": _Exec(payload.source(folder))}
    torch.save(content, folder / payload.name, _use_new_zipfile_serialization=False)


def as_torch_tar(payload: Payload, folder: Path) -> None:
    with tarfile.open(folder / payload.name, "w") as archive:
        for name in ("storages", "tensors", "pickle"):
            about, content = tarfile.TarInfo(name), pickled(payload, folder)
            about.size = len(content)
            archive.addfile(about, io.BytesIO(content))


def as_joblib(payload: Payload, folder: Path) -> None:
    import joblib

    joblib.dump(_Exec(payload.source(folder)), folder / payload.name)


def as_keras(payload: Payload, folder: Path) -> None:
    code = base64.b64encode(marshal.dumps(compile(payload.source(folder), "CANARY", "exec"))).decode()
    layer = {"class_name": "Lambda", "config": {"function": {"class_name": "__lambda__", "config": {"code": code}}}}
    with h5py.File(folder / payload.name, "w") as file:
        file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": {"layers": [layer]}})


def sound(path: Path, values: np.ndarray = VALUES) -> Path:
    obs = pd.DataFrame({"class": list("aabbbb"), "age": range(6)}, index=SAMPLES[: len(values)])
    anndata.AnnData(X=values, obs=obs, var=pd.DataFrame(index=GENES)).write_h5ad(path)
    return path


def secrets(folder: Path) -> None:
    content = np.full_like(VALUES, SECRET)
    (folder / "secret.bin").write_bytes(content.tobytes())
    sound(folder / "secret.h5", content)


def in_h5ad(harm: Callable[[h5py.File, Path], None]) -> Callable[[Payload, Path], None]:
    """A sound H5AD file with one thing in it that is not."""

    def make(payload: Payload, folder: Path) -> None:
        secrets(folder)
        with h5py.File(sound(folder / payload.name), "a") as file:
            harm(file, folder)

    return make


def external_storage(file: h5py.File, folder: Path) -> None:
    del file["X"]
    place = [(str(folder / "secret.bin"), 0, VALUES.nbytes)]
    made = file.create_dataset("X", VALUES.shape, "f4", external=place)
    made.attrs.update({"encoding-type": "array", "encoding-version": "0.2.0"})


def external_link(file: h5py.File, folder: Path) -> None:
    del file["X"]
    file["X"] = h5py.ExternalLink(str(folder / "secret.h5"), "X")


def soft_link(file: h5py.File, folder: Path) -> None:
    file["inner"] = h5py.ExternalLink(str(folder / "secret.h5"), "/")
    del file["X"]
    file["X"] = h5py.SoftLink("/inner/X")


def link_on_the_way(file: h5py.File, folder: Path) -> None:
    file.create_group("uns/deep")["er"] = h5py.ExternalLink(str(folder / "secret.h5"), "/uns")
    with h5py.File(folder / "secret.h5", "a") as secret:
        secret["uns/x"] = np.full(3, SECRET)


def layer_elsewhere(file: h5py.File, folder: Path) -> None:
    file["layers"].create_dataset(
        "original", VALUES.shape, "f4", external=[(str(folder / "secret.bin"), 0, VALUES.nbytes)]
    )


def virtual(file: h5py.File, folder: Path) -> None:
    layout = h5py.VirtualLayout(VALUES.shape, "f4")
    layout[:] = h5py.VirtualSource(str(folder / "secret.h5"), "X", VALUES.shape)
    del file["X"]
    made = file.create_virtual_dataset("X", layout)
    made.attrs.update({"encoding-type": "array", "encoding-version": "0.2.0"})


def shape_bomb(file: h5py.File, _: Path) -> None:
    for name, n in (("obs/_index", 1_000_000), ("var/_index", 20_000)):
        del file[name]
        file.create_dataset(name, (n,), h5py.string_dtype())
    del file["X"]
    file.create_dataset("X", (1_000_000, 20_000), "f4", chunks=(10, 10))


def names_bomb(file: h5py.File, _: Path) -> None:
    attributes = dict(file["obs/_index"].attrs)
    del file["obs/_index"]
    made = file.create_dataset("obs/_index", (6,), "S500000000", chunks=(1,), compression="gzip")
    made.attrs.update(attributes)


def foreign_filter(file: h5py.File, _: Path) -> None:
    del file["X"]
    created = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    created.set_chunk(VALUES.shape)
    created.set_filter(32015, h5py.h5z.FLAG_OPTIONAL)
    made = h5py.h5d.create(file.id, b"X", h5py.h5t.IEEE_F32LE, h5py.h5s.create_simple(VALUES.shape), created)
    made.write_direct_chunk((0, 0), VALUES.tobytes())
    file["X"].attrs.update({"encoding-type": "array", "encoding-version": "0.2.0"})


def references(file: h5py.File, _: Path) -> None:
    file["obs/age"].attrs["categories"] = file["obs/class"].ref


def plugin(folder: Path) -> bool:
    """A filter for HDF5 whose code leaves a canary as soon as it is loaded; False without a C compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        return False
    path = str(folder / "CANARY-plugin")
    (folder / "plugin.c").write_text(
        f'#include <stdio.h>\n__attribute__((constructor)) void go(void) {{ FILE *f = fopen("{path}", "w"); '
        "if (f) fclose(f); }\n"
    )
    words = [compiler, "-shared", "-fPIC", "-o", str(folder / "libharm.so"), str(folder / "plugin.c")]
    return subprocess.run(words, check=False).returncode == 0


def as_extension(payload: Payload, folder: Path) -> None:
    about = {
        b"ARROW:extension:name": b"arrow.py_extension_type",
        b"ARROW:extension:metadata": pickled(payload, folder),
    }
    fields = [pa.field("id", pa.string()), pa.field("x", pa.float32(), metadata=about)]
    table = pa.Table.from_arrays([pa.array(SAMPLES), pa.array(VALUES[:, 0])], schema=pa.schema(fields))
    pq.write_table(table, folder / payload.name)


def as_uuids(payload: Payload, folder: Path) -> None:
    kind = pa.uuid()
    column = pa.ExtensionArray.from_storage(kind, pa.array([bytes(range(n, n + 16)) for n in range(6)], pa.binary(16)))
    pq.write_table(pa.table({"id": SAMPLES, "x": VALUES[:, 0], "extension": column}), folder / payload.name)


def as_parquet_bomb(payload: Payload, folder: Path) -> None:
    n = 25_000_000
    names = pa.DictionaryArray.from_arrays(pa.array(np.zeros(n, np.int32)), ["a"])
    table = pa.table({"id": names, "x": pa.array(np.zeros(n, np.float32))})
    pq.write_table(table, folder / payload.name, row_group_size=n)


def as_gzip_bomb(payload: Payload, folder: Path) -> None:
    with gzip.open(folder / payload.name, "wb", compresslevel=9) as stream:
        for _ in range(110):
            stream.write(b"0\t" * 500_000)


def as_zip(payload: Payload, folder: Path) -> None:
    with zipfile.ZipFile(folder / payload.name, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../CANARY", "out of the folder")
        archive.writestr("/tmp/CANARY", "out of the folder")  # noqa: S108


PAYLOADS = (
    Payload("object.npy", as_object_array, "cannot be read as NPY", "numpy"),
    Payload("header.npy", as_npy_header, "cannot be read as NPY", "header"),
    Payload("renamed-npz.npy", as_npz, "NPY is not read inside of zip", "npz"),
    *(
        Payload(f"pickle{ending}", as_pickle, says, "pickle")
        for ending, says in {
            ".npy": "cannot be read as NPY",
            ".h5ad": "cannot be read as H5AD",
            ".parquet": "cannot be read as Parquet",
            ".gct": "is not UTF-8|NUL byte|expected #1.2",
            ".tsv": "is not UTF-8|NUL byte",
            ".csv": "is not UTF-8|NUL byte",
        }.items()
    ),
    Payload("pickle.tsv.gz", as_pickle, "is not UTF-8|NUL byte", "gzip pickle"),
    Payload("torch.npy", as_torch, "zip archive of 6 files", "torch"),
    Payload("torch.h5ad", as_torch, "zip archive of 6 files", "torch"),
    Payload("old-torch.npy", as_old_torch, "cannot be read as NPY", "torch"),
    Payload("torch-tar.npy", as_torch_tar, "this is a tar archive", "torch tar"),
    Payload("joblib.npy", as_joblib, "cannot be read as NPY", "joblib"),
    Payload("joblib.tsv", as_joblib, "is not UTF-8|NUL byte", "joblib"),
    Payload("keras.h5ad", as_keras, "there is no group 'obs'", "keras"),
    Payload("external-storage.h5ad", in_h5ad(external_storage), "'/X' lie in another file", "h5ad"),
    Payload("external-link.h5ad", in_h5ad(external_link), "'/X' is a link", "h5ad"),
    Payload("soft-link.h5ad", in_h5ad(soft_link), "is a link", "X"),
    Payload("link-on-the-way.h5ad", in_h5ad(link_on_the_way), "'/uns/deep/er' is a link", "uns"),
    Payload("layer.h5ad", in_h5ad(layer_elsewhere), "'/layers/original' lie in another file", "layer"),
    Payload("virtual.h5ad", in_h5ad(virtual), "'/X' lie in another file", "h5ad"),
    Payload("shape-bomb.h5ad", in_h5ad(shape_bomb), "'/X' declares 80,000,000,000 bytes", "declares"),
    Payload("names-bomb.h5ad", in_h5ad(names_bomb), "'/obs/_index' declares", "declares names"),
    Payload("filter.h5ad", in_h5ad(foreign_filter), "'/X' is compressed with filter 32015", "plugin"),
    Payload("reference.h5ad", in_h5ad(references), "attribute 'categories'.*reference", "reference"),
    Payload("extension.parquet", as_extension, "column 'x' is of an extension type", "extension"),
    Payload("uuids.parquet", as_uuids, "'extension' holds extension<arrow.uuid>", "has extension"),
    Payload("bomb.parquet", as_parquet_bomb, "more than 200 times as many", "parquet inflates"),
    Payload("bomb.tsv.gz", as_gzip_bomb, "grow more than 200-fold", "inflates"),
    Payload("zip.tsv.gz", as_zip, "zip archive of 2 files", "slips"),
    Payload("zip.npy", as_zip, "zip archive of 2 files", "slips"),
)
