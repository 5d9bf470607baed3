"""Are the genes turned down those of the source tissue (paper, section 3)? Answered from a finished run.

    tspg run ... --annotations default "Tissue HPA=tissueenrich_HPA.gmt.gz" --out RUN
    python benchmarks/source_tissue.py --run RUN --category "Tissue HPA"

For every source class: the best of its own tissue's sets among the genes turned down, with odds ratio, q and
rank among the sets of the category; and the rank of the target's own set among the genes turned up.
"""

import argparse
from pathlib import Path

import pandas as pd
from scipy.stats import rankdata

from tspg.utils.files import read_table

TISSUES = {  # what the sets call an organ, where it is not its own name
    "Bladder": ("Urinary Bladder", "Bladder"),
    "Head and neck mucosa": ("Esophagus", "Tonsil", "Salivary Gland"),
    "Kidney": ("Kidney",),
    "Salivary gland": ("Salivary Gland",),
    "Thyroid": ("Thyroid",),
    "Uterus": ("Endometrium", "Uterus"),
}


def main() -> None:
    """Print a line for each source class and the count of those whose own tissue comes first."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--category", required=True)
    options = parser.parse_args()
    table = read_table(options.run / "enrichment.tsv")
    table = table[(table["category"] == options.category) & (table["sample"] == "")]
    rows = [answer(source, rows) for source, rows in table[table["direction"] == "down"].groupby("source_class")]
    found = pd.DataFrame(rows, columns=["source", "own set", "overlap", "odds ratio", "q", "rank of tissue"])
    print(found.to_string(index=False))
    ranks = found["rank of tissue"]
    print(f"own tissue first: {(ranks == 1).sum()} of {len(found)}; among the first three: {(ranks <= 3).sum()}")


def answer(source: str, rows: pd.DataFrame) -> tuple[object, ...]:
    """The best own set of a source class: its odds ratio and q, and its tissue's rank among tissues."""
    tissue = rows["term"].str.partition(": ")[2]
    best = rows["p_value"].groupby(tissue).transform("min")
    ranks = dict(zip(tissue, rankdata(best.to_numpy(), method="dense"), strict=True))
    names = TISSUES.get(source, (source,))
    own = rows[[any(name.startswith(wanted) for wanted in names) for name in tissue]]
    if own.empty:
        return (source, "none shares a gene", 0, 0.0, 1.0, None)
    row = own.loc[own["p_value"].idxmin()]
    inside, outside = row["overlap"], row["query_size"] - row["overlap"]
    others = row["set_size"] - inside
    rest = row["background"] - row["query_size"] - others
    odds = inside * rest / (outside * others) if outside * others else float("inf")
    return (
        source,
        row["term"],
        inside,
        round(odds, 1),
        f"{row['q_value']:.1e}",
        int(ranks[row["term"].partition(": ")[2]]),
    )


if __name__ == "__main__":
    main()
