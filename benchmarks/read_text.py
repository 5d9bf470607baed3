"""Compare `read_expression` with pandas' C reader on the same cells of a large text, in one run.

Each reader works in a process of its own, one after the other, several rounds; the minimum of wall
and CPU time and the largest memory count. The file comes from `make_gtex_like.py`.

    python benchmarks/read_text.py /tmp/gtex --gene-sets h.all.gmt.gz
"""

import argparse
import gzip
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path

READERS = ("tspg", "pandas")


def read_with_tspg(expression: Path, wanted: list[str]) -> tuple[int, int]:
    """Read with this package and give the shape."""
    from tspg.data.expression import read_expression

    n_samples, n_genes = read_expression(expression, genes=wanted, transform="none").shape
    return n_samples, n_genes


def read_with_pandas(expression: Path, columns: list[str]) -> tuple[int, int]:
    """Read the same columns with pandas' C reader as float32 and give the shape."""
    import pandas as pd

    dtypes = dict.fromkeys(columns[1:], "float32")
    n_samples, n_genes = pd.read_csv(
        expression, sep="\t", usecols=columns, dtype=dtypes, index_col=0, engine="c", na_filter=False
    ).shape
    return n_samples, n_genes


def matched_columns(expression: Path, wanted: list[str]) -> list[str]:
    """The columns that hold the wanted genes, after the one of sample names."""
    from tspg.data.identifiers import match_genes

    with gzip.open(expression, "rt", encoding="utf-8") as stream:
        header = stream.readline().rstrip("\n").split("\t")
    positions = match_genes(wanted, header[1:]).positions
    return [header[0], *(header[1 + at] for at in positions)]


def measure_one(reader: str, expression: Path, names: Path) -> None:
    """In a process of its own: read once and print time and memory as JSON."""
    genes = json.loads(names.read_text())
    imports = {"tspg": "tspg.data.expression", "pandas": "pandas"}
    __import__(imports[reader])
    start, cpu_start = time.perf_counter(), time.process_time()
    shape = (read_with_tspg if reader == "tspg" else read_with_pandas)(expression, genes)
    used = {
        "shape": shape,
        "wall": time.perf_counter() - start,
        "cpu": time.process_time() - cpu_start,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9,
    }
    print(json.dumps(used))


def measure(reader: str, expression: Path, names: Path) -> dict[str, float]:
    """Start a process that reads once, and give its times (s) and peak memory (GB)."""
    command = [sys.executable, __file__, str(expression), "--one", reader, "--names", str(names)]
    output = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ).stdout  # noqa: S603
    measured: dict[str, float] = json.loads(output)
    return measured


def first_samples(expression: Path, n_samples: int, folder: Path) -> Path:
    """A copy of the file's header and first samples."""
    copy = folder / "first.tsv.gz"
    with gzip.open(expression, "rb") as source, gzip.open(copy, "wb", compresslevel=6) as target:
        target.writelines(islice(source, n_samples + 1))
    return copy


def compare(expression: Path, gene_sets: Path, rounds: int, first: int | None) -> None:
    """Measure both readers in turn and print a table."""
    from tspg.data.genesets import read_gene_sets

    wanted = list(read_gene_sets(gene_sets).union().genes)
    with tempfile.TemporaryDirectory() as folder:
        expression = first_samples(expression, first, Path(folder)) if first else expression
        names = {"tspg": wanted, "pandas": matched_columns(expression, wanted)}
        results: dict[str, list[dict[str, float]]] = {reader: [] for reader in READERS}
        for _ in range(rounds):
            for reader in READERS:
                file = Path(folder) / f"{reader}.json"
                file.write_text(json.dumps(names[reader]))
                results[reader].append(measure(reader, expression, file))
    print(f"{'reader':8} {'wall s':>8} {'CPU s':>8} {'peak GB':>8}  shape")
    for reader, runs in results.items():
        best = {key: min(run[key] for run in runs) for key in ("wall", "cpu")}
        peak = max(run["memory"] for run in runs)
        print(f"{reader:8} {best['wall']:8.1f} {best['cpu']:8.1f} {peak:8.2f}  {runs[0]['shape']}")


def main() -> None:
    """Compare the readers, or (inside) measure one of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of make_gtex_like.py")
    parser.add_argument("--gene-sets", type=Path, help="GMT file whose genes are read")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--first", type=int, help="only so many samples")
    parser.add_argument("--one", choices=READERS, help=argparse.SUPPRESS)
    parser.add_argument("--names", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        measure_one(options.one, options.data, options.names)
        return
    default = Path(__file__).parents[2] / "shared/data/genesets/h.all.v2023.2.Hs.symbols.gmt.gz"
    compare(options.data / "expression.tsv.gz", options.gene_sets or default, options.rounds, options.first)


if __name__ == "__main__":
    main()
