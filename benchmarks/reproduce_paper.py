"""The paper's tables and figures made again with the data at hand, side by side: docs/reproduction.md.

    python benchmarks/reproduce_paper.py --data ../shared/data --work FOLDER
    python benchmarks/reproduce_paper.py --page-only

The first makes every run that FOLDER lacks, measures them, draws the figures and writes the page; stop it at any time,
and it goes on. `--finished` leaves missing runs out. The second makes the page again from the stored numbers.
"""

import argparse
import os
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from reproduction.figures import draw_figures
from reproduction.numbers import gather
from reproduction.page import page, pictures_in
from reproduction.runs import run_missing
from reproduction.stored import Stored

from tspg.utils.files import write_text

ROOT = Path(__file__).resolve().parents[1]
NUMBERS = ROOT / "benchmarks" / "reproduction.json"
PAGE, PICTURES = ROOT / "docs" / "reproduction.md", ROOT / "docs" / "images" / "reproduction"


def main() -> None:
    """Make what is missing and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="the folder with normal_tissues/, tcga_kidney/ and genesets/")
    parser.add_argument("--work", type=Path, help="where runs are kept")
    parser.add_argument("--finished", action="store_true", help="make no run: measure those that are there")
    parser.add_argument("--last-first", action="store_true", help="begin with the last run, for a second process")
    parser.add_argument("--page-only", action="store_true", help="make the page from the stored numbers")
    options = parser.parse_args()
    if not options.page_only:
        if options.data is None or options.work is None:
            parser.error("--data and --work are needed, or --page-only")
        if not options.finished:
            run_missing(options.data, options.work, last_first=options.last_first)
        gather(options.data, options.work, NUMBERS)
        draw_figures(options.work, PICTURES)
    write_text(PAGE, page(Stored.read(NUMBERS), pictures_in(PICTURES)))


if __name__ == "__main__":
    main()
