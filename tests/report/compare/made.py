"""Tables of genes of several runs whose comparison is known by hand."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

HOSTILE = [
    "</script><script>document.title='OWNED'</script>",
    "'\"><svg onload=document.title='OWNED'>",
    "X" * 200,
    "النسيج",
]
# gene: difference and q in each of two targets
KNOWN = {
    "BOTH_UP": ((3.0, 0.001), (2.0, 0.01)),
    "BOTH_DOWN": ((-1.0, 0.01), (-5.0, 0.0001)),
    "OPPOSITE": ((4.0, 0.001), (-4.0, 0.001)),
    "FIRST_ONLY": ((2.5, 0.02), (0.1, 0.8)),
    "SECOND_ONLY": ((0.2, 0.7), (-1.5, 0.03)),
    "NEITHER": ((0.3, 0.5), (0.4, 0.06)),
}


def genes_table(genes: Mapping[str, tuple[float, float]], sources: Sequence[str] = ("", "Colon")) -> pd.DataFrame:
    """A `genes.tsv` with the same numbers from every source: genes are ranked by q in their direction."""
    table = pd.DataFrame(
        [(name, *numbers) for name, numbers in genes.items()], columns=["gene", "difference", "q_value"]
    )
    for way, sign in (("up", 1), ("down", -1)):
        own = table[np.sign(table["difference"]) == sign].sort_values("q_value", kind="stable")
        table[f"rank_{way}"] = pd.Series(np.arange(1.0, len(own) + 1), index=own.index)
    return pd.concat([table.assign(source_class=source) for source in sources], ignore_index=True)


def known_tables() -> dict[str, pd.DataFrame]:
    """The known genes to two targets; a gene more in the second."""
    first, second = ({name: numbers[place] for name, numbers in KNOWN.items()} for place in (0, 1))
    return {"Lung": genes_table(first), "Liver": genes_table({**second, "LATE": (1.0, 0.04)})}


def many_tables(targets: Sequence[str], n_genes: int = 40) -> dict[str, pd.DataFrame]:
    """Gene number i is higher in the first i + 1 targets, so the last are shared, and the first is in one alone."""
    return {
        target: genes_table({f"G{i}": (1.0 + i, 0.001 * (i + 1) if i >= place else 0.9) for i in range(n_genes)})
        for place, target in enumerate(targets)
    }
