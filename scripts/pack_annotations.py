"""Pack the annotations that `tspg` carries from GMT files of MSigDB.

    python scripts/pack_annotations.py --gene-sets GENESETS_FOLDER

Writes an xz-packed GMT file for each of the categories in `tspg.data.annotations`, without the web
addresses and with the genes of a set in alphabetical order, in which they pack tighter.
"""

import argparse
import lzma
from pathlib import Path

from tspg.data.annotations import CARRIED
from tspg.data.demo import EMBEDDED
from tspg.data.genesets import GeneSets, read_gene_sets


def main() -> None:
    """Read the command line, pack, and say how large the files became."""
    parser = argparse.ArgumentParser(description="Pack the annotations that tspg carries.")
    parser.add_argument("--gene-sets", type=Path, required=True, help="folder with the gzipped GMT files")
    parser.add_argument("--out", type=Path, default=EMBEDDED, help="folder to write to")
    options = parser.parse_args()
    for carried in CARRIED:
        if carried.file.endswith(".gmt.xz"):
            source = options.gene_sets / carried.file.replace(".gmt.xz", ".gmt.gz")
            path = options.out / carried.file
            path.write_bytes(packed(read_gene_sets(source)))
            print(f"{path.stat().st_size:>10,} bytes  {path}")


def packed(gene_sets: GeneSets) -> bytes:
    """A GMT file as xz packs it tightest."""
    lines = ["\t".join([found.name, "", *sorted(found.genes)]) + "\n" for found in gene_sets.values()]
    return lzma.compress("".join(lines).encode(), preset=9 | lzma.PRESET_EXTREME)


if __name__ == "__main__":
    main()
