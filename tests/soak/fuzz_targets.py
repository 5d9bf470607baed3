"""What is fuzzed: each reader of files from strangers, with small sound files that mutation starts from.

A reading may end in a result or in a `TspgError`; anything else is a crasher, and so are a reading that takes
longer than a second for 4 kB and one that takes more than half a gigabyte. Crashers are kept in
`tests/corpus_crashers/TARGET/`, and `tests/trust/test_crashers.py` reads each of them again for ever.
"""

import gzip
import json
import random
import shutil
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any
from unittest import mock

import tspg
from tests.soak.mutations import DEEP, header_mutated, json_mutated

Reader = Callable[[Path], Any]
Mutate = Callable[[random.Random, bytes], bytes | None]
MEMORY = 2e8  # bytes that a matrix may take; only small ones are made here


@dataclass(frozen=True)
class Target:
    """A reader with the name of the file that leads to it, seeds, and words that its format knows.

    `binary` readers run in C, so that each batch of readings gets a process of its own, which may die.
    `sides` makes the files that must lie beside the mutated one; `mutate` changes a file with its structure kept.
    """

    read: Reader
    file: str
    seeds: Callable[[], list[bytes]]
    words: tuple[str, ...] = ()
    binary: bool = False
    sides: Callable[[Path], None] | None = None
    mutate: Mutate | None = None


def _read_gene_sets(path: Path) -> None:
    from tspg.data.genesets import read_gene_sets

    for gene_set in read_gene_sets(path).values():
        assert gene_set.name
        assert gene_set.genes
        assert len(set(gene_set.genes)) == len(gene_set.genes)


def _read_gene_list(path: Path) -> None:
    from tspg.data.genesets import read_gene_list

    genes = read_gene_list(path)
    assert genes
    assert len(set(genes)) == len(genes)


def _read_labels(path: Path) -> None:
    from tspg.data.labels import read_labels

    table = read_labels(path)
    assert len(table)
    assert table.index.is_unique
    assert all(isinstance(value, str) for column in table.columns for value in table[column])


def _read_table(path: Path) -> None:
    """As `read_expression` does before it puts names and values into an AnnData, which takes longest."""
    import numpy as np

    from tspg.data.collect import collect
    from tspg.data.readers.opening import open_table

    with ExitStack() as stack:
        matrix = collect(open_table(path, stack, limit=MEMORY), False, [None], MEMORY).select(None)
    assert matrix.values.size
    assert np.isfinite(matrix.values).all()
    assert len(set(matrix.sample_ids)) == len(matrix.sample_ids) == len(matrix.values)
    assert len(set(matrix.gene_ids)) == len(matrix.gene_ids) == len(matrix.values.T)


def _read_manifest(path: Path) -> None:
    from tspg.report.manifest import verify

    verify(path.parent)


def _read_model(path: Path) -> None:
    """With fingerprints that fit, as whoever makes a model to do harm would write them."""
    from tspg.model.storage import _fingerprint, load_model
    from tspg.utils.files import sha256_of

    folder = path.parent
    with suppress(OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        described = json.loads((folder / "model.json").read_text())
        described["files"] = {name: sha256_of(folder / name) for name in described["files"]}
        described["sha256"] = _fingerprint(described)
        (folder / "model.json").write_text(json.dumps(described))
    load_model(folder)


def _read_checkpoints(path: Path) -> None:
    from tspg.model.checkpoints import CheckpointFolder

    CheckpointFolder(path.parent.parent, QUESTION, QUESTION)


def _read_plan(path: Path) -> None:
    from tspg.sweep.plan import read_plan

    read_plan(path.parent)


def _read_result(path: Path) -> None:
    from tspg.report.read import Tables

    assert len(Tables(path.parent)["enrichment"].columns) > 0


def _read_settings(path: Path) -> None:
    from tspg.sweep.settings import read_settings

    read_settings(path)


def _texts(*texts: str) -> Callable[[], list[bytes]]:
    """Seeds of text, the first also with DOS line ends, with a byte order mark, and compressed."""

    def seeds() -> list[bytes]:
        first = texts[0].encode()
        packed = gzip.compress(first, mtime=0)
        return [*(text.encode() for text in texts), first.replace(b"\n", b"\r\n"), b"\xef\xbb\xbf" + first, packed]

    return seeds


GMT = "HALLMARK_A\thttp://x\tTP53\tMYC\tKRAS\nB\t\tMARCH1\tTP53\t\nC\tna\tAC012345.1\tENSG00000141510.12\n"
GENES = "TP53\nMYC\nENSG00000141510\nAC012345.1\n"
LABELS = "sample\torgan\tage\ns1\tLung\t12\ns2\tLiver\tNA\n0012\tLung\t\n"
LABELS_PLAIN = "s1\tLung\ns2\tLiver\nNA\tLung\n"
LABELS_CSV = 's1,Lung\n"s,2",Liver\nNA,"Whole ""blood"""\n'
TABLE = "id\tTP53\tMYC\tNA\ns1\t1.5\t0\t-2e3\ns2\t4.\t5\t.25\n"
TABLE_CSV = '"","TP53","MY,C"\n"s1",1,2\n"s2",3,4e0\n'
TABLE_R = '"A"\t"B"\n"r1"\t1\t2\n"r2"\t3\t4\n'
RESULT = 'term\tgene\tq_value\tnote\nA\tTP53\t0.01\t\nB\tNA\t1e-300\t"a ""b"""\n0012\t\t0.5\tx\n'
GCT = "#1.2\n2\t2\nName\tDescription\ts1\ts2\nTP53\tna\t1\t2\nMYC\tna\t3\t4.5\n"
GCT_3 = "#1.3\n1\t2\t1\t1\nid\tsymbol\ts1\ts2\norgan\tna\tLung\tLiver\nTP53\tx\t1\t2\n"
SWEEP = """[data]
expression = "m.tsv"
labels = "l.tsv"
gene_sets = ["h.gmt"]
[sweep]
gene_sets = ["A", "*"]
target_classes = "Lung"
seeds = [0, 1]
keep = "tables"
annotations = ["default", "OURS=a.gmt"]
epochs = 3
random_gene_sets = 0
max-memory = 1.5
transpose = false
"""
QUESTION = {"target_class": "Lung", "generator": {"epochs": 3, "widths": [4, 2]}}
CHECKPOINTS = {
    "format_version": 1,
    "question": QUESTION,
    "made_with": QUESTION,
    "doubts": ["a doubt"],
    "files": {"generator": [{"file": "generator-0123456789-000000003.safetensors", "step": 3, "sha256": "00ff"}]},
}
JOB = {"id": "j-1", "kind": "runs", "gene_set": "A", "seed": 0, "ground": "g-1", "memory_mb": 1000, "minutes": 3}
PLAN = {
    "version": 1,
    "identity": "00ff",
    "asked": {"keep": "all", "options": {"threads": 1}},
    "inputs": {"m.tsv": "00ff"},
    "seconds": {"A": 1.5},
    "bytes_on_disk": 1e6,
    "all_genes": "all",
    "sets": [{"name": "A", "n_genes": 3, "n_wanted": 3, "study": "A-1"}],
    "runs": [{"id": "r-1", "gene_set": "A", "n_genes": 3, "target_class": "Lung", "seed": 0, "skipped": ""}],
    "jobs": [{**JOB, "runs": ["r-1"]}],
}
KEYS = ("samples", "outputs", "settings", "versions", "format_version", "null", "true", "1e999", "NaN", '"', "..", "/")
TENSORS = ("dtype", "F32", "shape", "data_offsets", "__metadata__", "[0,0]")


def _json_seeds(content: Any) -> Callable[[], list[bytes]]:
    return lambda: [json.dumps(content).encode(), json.dumps(content, indent=1).encode(), b"[" * DEEP + b"]" * DEEP]


def _manifests() -> list[bytes]:
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    content = {"format_version": 1, "versions": {"tspg": "0.1.0"}, "settings": {"seed": 0, "threads": 1}}
    content |= {"samples": ["s1"], "inputs": {}, "outputs": {"model/model.json": empty, "t.tsv": empty}}
    return _json_seeds(content)()


def _manifest_sides(folder: Path) -> None:
    (folder / "model").mkdir()
    for name in ("model/model.json", "t.tsv"):
        (folder / name).touch()


@cache
def _model(preset: str) -> dict[str, bytes]:
    """The files of a tiny model."""
    import numpy as np
    import pandas as pd
    from anndata import AnnData

    from tspg.model.config import PRESETS, PaperConfig, TargetModelConfig
    from tspg.model.storage import save_model

    rng = np.random.default_rng(0)
    obs = pd.DataFrame({"organ": ["Lung", "Liver"] * 12}, index=[f"s{at}" for at in range(24)])
    adata = AnnData(rng.random((24, 3), np.float32), obs=obs, var=pd.DataFrame(index=["A", "B", "C"]))
    small = PaperConfig((4, 2), 1, (4,), steps=1, discriminator_units=(4,)) if preset == "paper" else None
    with mock.patch.dict(PRESETS, {preset: (TargetModelConfig(hidden_units=(4,), epochs=1), small)}):
        run = tspg.run(
            adata,
            target_class="Lung",
            label_column="organ",
            training=tspg.Training(preset=preset, folds=1),
            annotations=(),
        )
    with tempfile.TemporaryDirectory() as folder:
        save_model(run.model, Path(folder))
        return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def _beside(but: str, preset: str) -> Callable[[Path], None]:
    def sides(folder: Path) -> None:
        for name, content in _model(preset).items():
            if name != but:
                (folder / name).write_bytes(content)

    return sides


def _adata(kind: str) -> Any:
    import numpy as np
    import pandas as pd
    from anndata import AnnData
    from scipy import sparse

    values = np.array([[1.5, 0, 3, 0], [0, 2, 0, 0], [4, 5, 0, 6.25]], np.float32)
    obs = pd.DataFrame({"organ": pd.Categorical(["Lung", "Liver", "Lung"]), "age": [1, 2, 3]}, index=["a", "b", "c"])
    matrix = {"dense": np.asarray, "csr": sparse.csr_matrix, "csc": sparse.csc_matrix}[kind](values)
    return AnnData(X=matrix, obs=obs, var=pd.DataFrame(index=["A", "B", "C", "D"]))


def _h5ads() -> list[bytes]:
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for kind in ("dense", "csr", "csc"):
            for compression in (None, "gzip"):
                _adata(kind).write_h5ad(Path(folder) / "seed.h5ad", compression=compression)
                found.append((Path(folder) / "seed.h5ad").read_bytes())
    return found


def _parquets() -> list[bytes]:
    frame = _adata("dense").to_df()
    found = []
    for options in ({}, {"row_group_size": 1}, {"compression": "gzip"}):
        for index in (None, False):
            stream = BytesIO()
            table = frame if index is None else frame.reset_index(names="id")
            table.to_parquet(stream, index=index, **options)
            found.append(stream.getvalue())
    return found


def _npys() -> list[bytes]:
    import numpy as np

    found = []
    for kind in (np.float32, np.float64, np.int16):
        for order in ("C", "F"):
            stream = BytesIO()
            np.save(stream, np.asarray(np.arange(12).reshape(3, 4), kind, order=order))
            found.append(stream.getvalue())
    return found


def _npy_sides(folder: Path) -> None:
    (folder / "f.rownames.txt").write_text("a\nb\nc\n")
    (folder / "f.colnames.txt").write_text("A\nB\nC\nD\n")


def _part_of_model(name: str, preset: str, words: tuple[str, ...], mutate: Mutate) -> Target:
    """The reading of a model of which one file is mutated."""
    return Target(
        _read_model,
        name,
        lambda: [_model(preset)[name]],
        words,
        sides=_beside(name, preset),
        mutate=mutate,
    )


_QUOTES = ('"', '""', '","', "\r")
_NUMBERS = ("NA", "1e400", "inf", "1,5", "-", "0x1", "\t", "\n")
TARGETS: dict[str, Target] = {
    "gmt": Target(_read_gene_sets, "f.gmt", _texts(GMT), ("\t", "\n", "na", "\r")),
    "gene_list": Target(_read_gene_list, "f.txt", _texts(GENES), ("\t", "\n", "\r")),
    "labels": Target(_read_labels, "f.tsv", _texts(LABELS, LABELS_PLAIN), ("sample", "\t", "\n", *_QUOTES)),
    "labels_csv": Target(_read_labels, "f.csv", _texts(LABELS_CSV, LABELS.replace("\t", ",")), ("sample", *_QUOTES)),
    "manifest": Target(_read_manifest, "manifest.json", _manifests, KEYS, sides=_manifest_sides, mutate=json_mutated),
    "table": Target(_read_table, "f.tsv", _texts(TABLE, TABLE_R), (*_NUMBERS, *_QUOTES)),
    "table_csv": Target(_read_table, "f.csv", _texts(TABLE_CSV, TABLE.replace("\t", ",")), (*_NUMBERS, *_QUOTES)),
    "gct": Target(_read_table, "f.gct", _texts(GCT, GCT_3), ("#1.2", "#1.3", "9" * 20, *_NUMBERS)),
    "result": Target(_read_result, "enrichment.tsv", _texts(RESULT), ("True", "2020-01-01", *_NUMBERS, *_QUOTES)),
    "sweep": Target(
        _read_settings,
        "f.toml",
        _texts(SWEEP, "a = " + "[" * DEEP + "]" * DEEP),
        ("[data]", "[sweep]", "=", '"""', "1979-05-27", "0x1", "inf", "[["),
    ),
    "checkpoints": Target(
        _read_checkpoints, "checkpoints/checkpoints.json", _json_seeds(CHECKPOINTS), KEYS, mutate=json_mutated
    ),
    "plan": Target(_read_plan, "plan.json", _json_seeds(PLAN), KEYS, mutate=json_mutated),
    "model": _part_of_model(
        "model.json",
        "transport",
        (*KEYS, "scaler", "classes", "genes", "adjusted", "method", "preset", "paper"),
        json_mutated,
    ),
    "map": _part_of_model("generator.safetensors", "transport", TENSORS, header_mutated),
    "weights": _part_of_model("generator.safetensors", "paper", TENSORS, header_mutated),
    "h5ad": Target(_read_table, "f.h5ad", _h5ads, binary=True),
    "parquet": Target(_read_table, "f.parquet", _parquets, binary=True),
    "npy": Target(_read_table, "f.npy", _npys, binary=True, sides=_npy_sides),
}


def make_room(target: Target, folder: Path) -> None:
    """An empty folder with what must lie beside a file of this target."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / target.file).parent.mkdir(parents=True)
    if target.sides is not None:
        target.sides(folder)
