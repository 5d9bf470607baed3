"""What the stored results of the trial (`trial.tsv`) say by the rule of trial.md: which way of moving is the default.

python benchmarks/trial.py
"""

from pathlib import Path

import pandas as pd
from scipy.stats import wilcoxon

from tspg.utils.files import read_table

STORED = Path(__file__).with_suffix(".tsv")
CANDIDATES = {  # the simplest first
    "map": "map",
    "flow": "flow",
    "network": "network",
    "network_cross_fitted": "network, cross-fitted",
}
# The measures in their order: what they are called, which side is better, and the smallest difference that counts.
MEASURES = {
    "energy_ratio": ("energy ratio", -1, 0.01),
    "individuality": ("individuality", 1, 0.02),
    "gene_correlation_at_equal_n": ("gene correlation at equal n", 1, 0.01),
    "log_variance_ratio": ("log variance ratio", -1, 0.05),
    "hits": ("hits", 1, 0.02),
}
SURE = 0.05


def main() -> None:
    """Print every challenger's gain on the map, and who wins."""
    results = read_table(STORED)
    print("\n".join(gains_on_the_map(results)))
    print(f"\nthe default is: {decide(results)}")


def decide(results: pd.DataFrame) -> str:
    """The candidate that becomes the default: the simplest holds the place until another one is better."""
    holder, *challengers = CANDIDATES
    for challenger in challengers:
        if is_better(compared(results, challenger, holder)):
            holder = challenger
    return holder


def is_better(found: pd.DataFrame) -> bool:
    """Whether the first measure in which two candidates differ speaks for the challenger."""
    counts = [margin for _, _, margin in MEASURES.values()]
    differs = found[(found["p"] < SURE) & (found["gain"].abs() >= counts)]
    return len(differs) > 0 and differs["gain"].iloc[0] > 0


def compared(results: pd.DataFrame, challenger: str, holder: str) -> pd.DataFrame:
    """For each measure the median over questions of a challenger's gain (above 0: better), and Wilcoxon's p."""
    means = results.groupby(["question", "candidate", "measure"])["value"].mean().unstack("measure")
    rows = {}
    for measure, (_, sign, _) in MEASURES.items():
        theirs, ours = (means.xs(name, level="candidate")[measure] for name in (challenger, holder))
        gain = (sign * (theirs - ours)).dropna()
        rows[measure] = {"gain": gain.median(), "p": wilcoxon(gain).pvalue}
    return pd.DataFrame(rows).T


def gains_on_the_map(results: pd.DataFrame) -> list[str]:
    """The table of trial.md: a row for each measure, a column for each challenger."""
    holder, *challengers = CANDIDATES
    found = {name: compared(results, name, holder) for name in challengers}
    rows = [["", *(CANDIDATES[name] for name in challengers)], ["---"] * (1 + len(challengers))]
    for measure, (words, *_) in MEASURES.items():
        gains = [found[name].loc[measure] for name in challengers]
        rows.append([words, *(f"{one['gain']:.4f}, p {one['p']:.2g}" for one in gains)])
    return [f"| {' | '.join(cells)} |" for cells in rows]


if __name__ == "__main__":
    main()
