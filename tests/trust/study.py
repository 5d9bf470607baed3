"""One small sound study in every format that `tspg` reads, and the ways to spoil its files."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anndata
import h5py
import numpy as np
import pandas as pd
from scipy import sparse

GENES = [f"G{at}" for at in range(12)]
CLASSES = ["A", "B", "T"]
SAMPLES = [f"s{row}" for row in range(12)]
CLASS_OF = [CLASSES[row // 4] for row in range(12)]
VALUES = np.array([[row % 5 + at / 4 + row / 8 + 0.125 for at in range(12)] for row in range(12)], np.float32)
FRAME = pd.DataFrame(VALUES, index=SAMPLES, columns=GENES)
OBS = pd.DataFrame({"tissue": CLASS_OF, "donor": SAMPLES}, index=SAMPLES)

Change = Callable[[Path], None]


def table(frame: pd.DataFrame = FRAME, delimiter: str = "\t") -> str:
    """A matrix as text, the way a user would have it."""
    lines = [
        ["sample", *frame.columns],
        *([name, *map(str, row)] for name, row in zip(frame.index, frame.to_numpy(), strict=True)),
    ]
    return "".join(delimiter.join(map(str, line)) + "\n" for line in lines)


LABELS = "".join(f"{sample}\t{label}\n" for sample, label in zip(SAMPLES, CLASS_OF, strict=True))
GMT = "FIRST\tabout\t" + "\t".join(GENES[:11]) + "\nSECOND\tabout\t" + "\t".join(GENES[1:]) + "\n"
GCT2 = "#1.2\n12\t12\nNAME\tDescription\t" + "\t".join(SAMPLES) + "\n"
GCT2 += "".join(f"{gene}\tabout\t" + "\t".join(map(str, VALUES[:, at])) + "\n" for at, gene in enumerate(GENES))
GCT3 = "#1.3\n12\t12\t1\t1\nid\tabout\t" + "\t".join(SAMPLES) + "\n"
GCT3 += "tissue\tna\t" + "\t".join(CLASS_OF) + "\n" + GCT2.split("\n", 3)[3]
SWEEP = """[data]
expression = "m.tsv"
labels = "labels.tsv"
gene_sets = "sets.gmt"

[sweep]
gene_sets = ["FIRST", "SECOND"]
target_classes = ["T"]
random_gene_sets = 0
annotations = "sets.gmt"
target_epochs = 1
steps = 1
"""


def write_text_study(folder: Path, name: str, text: str) -> None:
    """A matrix in a text format, labels, gene sets and a sweep file."""
    (folder / name).write_text(text)
    (folder / "labels.tsv").write_text(LABELS)
    (folder / "sets.gmt").write_text(GMT)
    (folder / "sweep.toml").write_text(SWEEP)


def write_npy(folder: Path, array: Any = VALUES, rows: list[str] = SAMPLES, columns: list[str] = GENES) -> None:
    """A matrix as NPY with its names beside it, and labels."""
    np.save(folder / "m.npy", array, allow_pickle=True)
    (folder / "m.rownames.txt").write_text("".join(f"{name}\n" for name in rows))
    (folder / "m.colnames.txt").write_text("".join(f"{name}\n" for name in columns))
    (folder / "labels.tsv").write_text(LABELS)


def write_h5ad(folder: Path, kind: str = "dense") -> None:
    """A matrix as H5AD with its labels inside, dense or sparse."""
    matrix = {"dense": np.asarray, "csr": sparse.csr_matrix, "csc": sparse.csc_matrix}[kind](VALUES)
    anndata.AnnData(X=matrix, obs=OBS.copy(), var=pd.DataFrame(index=GENES)).write_h5ad(folder / "m.h5ad")


def write_parquet(folder: Path, frame: pd.DataFrame = FRAME) -> None:
    """A matrix as Parquet, and labels."""
    frame.to_parquet(folder / "m.parquet")
    (folder / "labels.tsv").write_text(LABELS)


def write_lists(folder: Path) -> None:
    """Genes of interest, those that could have been, and gene sets to look them up in."""
    (folder / "genes.txt").write_text("G1\nG2\nG3\n")
    (folder / "all.txt").write_text("".join(f"{gene}\n" for gene in GENES))
    (folder / "sets.gmt").write_text(GMT)


def replaced(name: str, old: str, new: str | bytes) -> Change:
    """Put something else in the first place where `old` stands in a file."""

    def change(folder: Path) -> None:
        content, piece = (folder / name).read_bytes(), old.encode()
        assert piece in content, f"{old!r} is not in {name}"
        (folder / name).write_bytes(content.replace(piece, new if isinstance(new, bytes) else new.encode(), 1))

    return change


def rewritten(name: str, how: Callable[[bytes], bytes | str]) -> Change:
    """Write a file anew, as a function of what it held."""

    def change(folder: Path) -> None:
        path = folder / name
        content = how(path.read_bytes() if path.exists() else b"")
        path.write_bytes(content if isinstance(content, bytes) else content.encode())

    return change


def holding(name: str, content: bytes | str) -> Change:
    """Write a file anew with this content."""
    return rewritten(name, lambda _: content)


def added(name: str, content: bytes | str) -> Change:
    """Put something at the end of a file."""
    return rewritten(name, lambda before: before + (content if isinstance(content, bytes) else content.encode()))


def missing(name: str) -> Change:
    """Remove a file."""
    return lambda folder: (folder / name).unlink()


def a_folder(name: str) -> Change:
    """Put a folder in a file's place."""

    def change(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).mkdir()

    return change


def untouched(folder: Path) -> None:
    """Spoil no file: what is wrong is in the options."""
    assert folder.is_dir()


def inside(change: Callable[[h5py.File], None], kind: str = "dense") -> Change:
    """Spoil something inside of the H5AD file."""

    def spoil(folder: Path) -> None:
        write_h5ad(folder, kind)
        with h5py.File(folder / "m.h5ad", "r+") as file:
            change(file)

    return spoil


def instead(file: h5py.File, path: str, data: Any, **options: Any) -> None:
    """Put another data set in the place of one, with the attributes of the old."""
    before = dict(file[path].attrs) if path in file else {}
    if path in file:
        del file[path]
    made = file.create_dataset(path, data=data, **options)
    for name, value in before.items():
        made.attrs[name] = value
