"""How fast, and how often "significant" by chance alone: enrichment of random lists.

    python benchmarks/enrichment.py [--lists 300]

Lists of 20 random Hallmark genes against every carried category, with the right background (Hallmark genes) and with
the wrong one (every gene that is annotated); and the time that 53 x 2 lists of 20 genes take against GO BP.
"""

import argparse
import time

import numpy as np

from tspg.analysis.interpretation.enrichment import Profile, Query, over_representation, ranked_enrichment
from tspg.data.annotations import carried_annotations


def main() -> None:
    """Print seconds, and shares of random lists and rankings with a term of q < .05."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lists", type=int, default=300)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    annotations = carried_annotations()
    hallmark = list(annotations[0].gene_sets.union().genes)
    genome = list(dict.fromkeys(gene for one in annotations for gene in one.gene_sets.union().genes))
    go_bp = next(one for one in annotations if one.category == "GO BP")

    some = {Query(f"{n}", "", way): list(rng.choice(genome, 20, False)) for n in range(53) for way in ("up", "down")}
    start = time.perf_counter()
    over_representation(some, genome, [go_bp])
    print(f"53 x 2 lists against {len(go_bp.gene_sets):,} sets of GO BP: {time.perf_counter() - start:.2f} s")

    lists = {Query(f"{n}", "", "up"): list(rng.choice(hallmark, 20, replace=False)) for n in range(options.lists)}
    for name, background in (("right", hallmark), ("genome", genome)):
        table = over_representation(lists, background, annotations)
        found = table[table["q_value"] < 0.05].groupby("category")["source_class"].nunique()
        any_term = table[table["q_value"] < 0.05]["source_class"].nunique()
        shares = ", ".join(f"{one.category} {found.get(one.category, 0) / len(lists):.3f}" for one in annotations)
        print(f"{name} background, lists with a term of q < .05: {any_term / len(lists):.3f} in any category; {shares}")

    changes = {Profile(f"{n}", ""): rng.normal(size=len(hallmark)) for n in range(options.lists)}
    table = ranked_enrichment(changes, hallmark, annotations)
    found = table[table["q_value"] < 0.05].groupby("category")["source_class"].nunique() / len(changes)
    print(f"random ranks with a term of q < .05: {found.round(3).to_dict()}; smallest p {table['p_value'].min():.1e}")


if __name__ == "__main__":
    main()
