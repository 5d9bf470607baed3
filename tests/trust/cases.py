"""What a malformed input is, and the sound twins that it is made of."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from trust import study
from trust.study import FRAME, Change, table


@dataclass(frozen=True)
class Twin:
    """Sound files of one kind, the command that reads them, and the file that its faults are told of."""

    write: Callable[[Path], object]
    command: str
    file: str


RUN = "run --labels {d}/labels.tsv --target T --out {d}/new/out --expression {d}/"
H5AD = "run --label-column tissue --target T --out {d}/new/out --expression {d}/m.h5ad"
SETS = " --gene-sets {d}/sets.gmt --gene-set FIRST"
TWINS = {
    "tsv": Twin(lambda d: study.write_text_study(d, "m.tsv", table()), RUN + "m.tsv", "m.tsv"),
    "turned": Twin(lambda d: study.write_text_study(d, "m.tsv", table(FRAME.T)), RUN + "m.tsv --transpose", "m.tsv"),
    "csv": Twin(lambda d: study.write_text_study(d, "m.csv", table(delimiter=",")), RUN + "m.csv", "m.csv"),
    "gct": Twin(lambda d: study.write_text_study(d, "m.gct", study.GCT2), RUN + "m.gct", "m.gct"),
    "gct 1.3": Twin(
        lambda d: study.write_text_study(d, "m.gct", study.GCT3),
        "run --label-column tissue --target T --out {d}/new/out --expression {d}/m.gct",
        "m.gct",
    ),
    "npy": Twin(study.write_npy, RUN + "m.npy", "m.npy"),
    "h5ad": Twin(study.write_h5ad, H5AD, "m.h5ad"),
    "h5ad csr": Twin(lambda d: study.write_h5ad(d, "csr"), H5AD, "m.h5ad"),
    "parquet": Twin(study.write_parquet, RUN + "m.parquet", "m.parquet"),
    "labels": Twin(lambda d: study.write_text_study(d, "m.tsv", table()), RUN + "m.tsv", "labels.tsv"),
    "gmt": Twin(lambda d: study.write_text_study(d, "m.tsv", table()), RUN + "m.tsv" + SETS, "sets.gmt"),
    "lists": Twin(
        study.write_lists,
        "enrich --genes {d}/genes.txt --background {d}/all.txt --annotations {d}/sets.gmt --out {d}/new/out",
        "genes.txt",
    ),
    "sweep": Twin(
        lambda d: study.write_text_study(d, "m.tsv", table()),
        "sweep --config {d}/sweep.toml --dry-run --out {d}/new/out",
        "sweep.toml",
    ),
}


@dataclass(frozen=True)
class Case:
    """One malformed input: what is done to the sound files, and what must come of it."""

    twin: str
    name: str
    change: Change
    says: str
    code: int = 3
    file: str | None = None  # where another than the twin's is the faulty one
    more: str = ""

    @property
    def id(self) -> str:
        """What a test report shows."""
        return f"{self.twin}: {self.name}"
