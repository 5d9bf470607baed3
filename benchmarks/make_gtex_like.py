"""Write a synthetic expression text of GTEx's size (11,688 samples x 56,202 genes) and its labels.

Every row is put together from pieces that were formatted and compressed once, so the whole file of
some 4 GB of text takes seconds. The result is one ordinary gzip stream.

    python benchmarks/make_gtex_like.py /tmp/gtex
"""

import argparse
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from tspg.data.identifiers import symbol_table

N_CLASSES = 53
N_VARIANTS = 32
N_CHUNKS = 8
GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"


@dataclass(frozen=True)
class Piece:
    """Some bytes of text and the same bytes compressed, ready to be joined to others."""

    text: bytes
    compressed: bytes


def piece(text: bytes) -> Piece:
    """Compress text so that it can follow and precede other pieces in one stream."""
    compressor = zlib.compressobj(level=6, wbits=-15)
    return Piece(text, compressor.compress(text) + compressor.flush(zlib.Z_FULL_FLUSH))


def gene_ids(n_genes: int, rng: np.random.Generator) -> list[str]:
    """Ensembl ids with versions, protein-coding ones first to be chosen, in alphabetical order."""
    table = symbol_table()
    chosen = sorted(table.symbol_of, key=lambda gene: (gene not in table.protein_coding, gene))[:n_genes]
    return [f"{gene}.{version}" for gene, version in zip(sorted(chosen), rng.integers(1, 20, n_genes), strict=False)]


def value_pieces(n_genes: int, rng: np.random.Generator) -> list[list[Piece]]:
    """For each group of neighbouring genes several rows of TPM-like values, four digits each."""
    level = rng.lognormal(0.5, 2.5, n_genes) * (rng.random(n_genes) > 0.3)
    groups = np.array_split(np.arange(n_genes), N_CHUNKS)
    return [
        [piece(row_text(level[group] * rng.lognormal(0, 0.5, len(group)))) for _ in range(N_VARIANTS)]
        for group in groups
    ]


def row_text(values: np.ndarray) -> bytes:
    """Values as text, each after a tab."""
    return "".join(f"\t{value:.4g}" for value in values).encode()


def pieces(n_samples: int, n_genes: int, rng: np.random.Generator) -> Iterator[Piece]:
    """The whole file, piece by piece."""
    yield piece(("\t".join(["sample", *gene_ids(n_genes, rng)]) + "\n").encode())
    groups = value_pieces(n_genes, rng)
    end = piece(b"\n")
    for sample in range(n_samples):
        yield piece(sample_id(sample).encode())
        for group, variant in zip(groups, rng.integers(0, N_VARIANTS, len(groups)), strict=True):
            yield group[variant]
        yield end


def sample_id(number: int) -> str:
    """A sample's name, of the length of GTEx's."""
    return f"GTEX-S{number:05d}-0226-SM-{number * 7919 % 100_000:05d}"


def write_gzip(stream: BinaryIO, content: Iterator[Piece]) -> None:
    """Join pieces to one gzip stream."""
    stream.write(GZIP_HEADER)
    checksum = length = 0
    for part in content:
        stream.write(part.compressed)
        checksum = zlib.crc32(part.text, checksum)
        length += len(part.text)
    stream.write(zlib.compressobj(wbits=-15).flush() + struct.pack("<II", checksum, length & 0xFFFFFFFF))


def main() -> None:
    """Write `expression.tsv.gz` and `labels.tsv` into the folder given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--samples", type=int, default=11_688)
    parser.add_argument("--genes", type=int, default=56_202)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    with (options.folder / "expression.tsv.gz").open("wb") as stream:
        write_gzip(stream, pieces(options.samples, options.genes, np.random.default_rng(options.seed)))
    labels = "".join(f"{sample_id(at)}\tTissue {at % N_CLASSES + 1}\n" for at in range(options.samples))
    (options.folder / "labels.tsv").write_text(labels)


if __name__ == "__main__":
    main()
