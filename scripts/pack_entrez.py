"""Pack the table of Entrez ids and gene symbols that `tspg` carries.

    python scripts/pack_entrez.py --expression tcga_coadread.h5ad

Writes the genes of an H5AD file that have an id in `var["entrez"]`, by id, as an xz-packed table.
"""

import argparse
import lzma
from pathlib import Path

import anndata

from tspg.data.demo import EMBEDDED
from tspg.data.identifiers import ENTREZ_FILE


def main() -> None:
    """Read the command line, pack, and say how large the file became."""
    parser = argparse.ArgumentParser(description="Pack the table of Entrez ids that tspg carries.")
    parser.add_argument("--expression", type=Path, required=True, help="the H5AD file to take the ids from")
    parser.add_argument("--out", type=Path, default=EMBEDDED, help="folder to write to")
    options = parser.parse_args()
    entrez = anndata.read_h5ad(options.expression, backed="r").var["entrez"].astype(str)
    rows = sorted((int(number), str(symbol)) for symbol, number in entrez.items() if number)
    text = "entrez\tsymbol\n" + "".join(f"{number}\t{symbol}\n" for number, symbol in rows)
    path = options.out / ENTREZ_FILE
    path.write_bytes(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME))
    print(f"{path.stat().st_size:>10,} bytes  {path}")


if __name__ == "__main__":
    main()
