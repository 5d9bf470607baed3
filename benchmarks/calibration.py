"""Do real samples pass for real? The verdict's first question on moved profiles that are held-out target samples.

    python benchmarks/calibration.py --data DATA [--target Liver] [--repeats 200]

The target's samples are split by donor, again and again, into a training part, a held-out part and one
that plays the moved profiles. At least 95% of the repeats must pass, surely or probably, and p-values must be
super-uniform.
"""

import argparse
import os
from collections import Counter
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import anndata
import numpy as np

import tspg
from tspg.analysis.evaluation.criteria import REALISM, EvidenceView
from tspg.analysis.evaluation.evidence import evidence_table
from tspg.analysis.evaluation.thresholds import NOT_TESTED, PASS, PROBABLY
from tspg.analysis.evaluation.verdict import answer_questions
from tspg.data.prepare import Dataset

PASSING = (PASS, PROBABLY, NOT_TESTED)  # of a single criterion
SHARES = (0.4, 0.3, 0.3)  # of the target's donors: training, held out, taken for moved


def main() -> None:
    """Repeat, count the answers, and print the quantiles of the p-values."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--target", default="Liver")
    parser.add_argument("--gene-set", default="HALLMARK_APOPTOSIS")
    parser.add_argument("--repeats", type=int, default=200)
    options = parser.parse_args()
    adata = anndata.read_h5ad(options.data / "normal_tissues" / "normal_tissues.h5ad")
    genes = set(tspg.read_gene_sets(next((options.data / "genesets").glob("h.all*.gmt.gz")))[options.gene_set].genes)
    adata = adata[:, [gene in genes for gene in adata.var_names]].copy()
    dataset = tspg.prepare(adata, label_column="organ", group_column="donor")
    answers, failing, p_values = Counter(), Counter(), []
    for repeat in range(options.repeats):
        evidence = _repeat(dataset, options.target, repeat)
        answers[answer_questions(evidence, method="moved")["realistic"]["answer"]] += 1
        view = EvidenceView.of(evidence, "moved")
        failing.update(check.__name__ for check in REALISM if check(view).answer not in PASSING)
        p_values.append(view.own("energy_p_value").value)
    passing = sum(answers[answer] for answer in (PASS, PROBABLY)) / options.repeats
    print(dict(answers), f"passing, surely or probably: {passing:.3f}", dict(failing))
    print({level: float(np.mean(np.asarray(p_values) <= level)) for level in (0.01, 0.05, 0.1, 0.25, 0.5)})


def _repeat(dataset: Dataset, target: str, seed: int):
    rng = np.random.default_rng(seed)
    is_target, donors = dataset.class_mask(target), np.asarray(dataset.groups, dtype=object)
    names = rng.permutation(sorted(set(donors[is_target])))
    ends = np.cumsum([round(share * len(names)) for share in SHARES[:2]])
    training, held_out, moved = (is_target & np.isin(donors, part) for part in np.split(names, ends))
    others = np.flatnonzero(~is_target & ~np.isin(donors, donors[is_target]))
    sources = rng.permutation(others)[: int(moved.sum())]  # as many as there are profiles to take for them
    learned = np.setdiff1d(others, sources)
    is_train = training.copy()
    is_train[learned] = True
    kept = training | held_out
    kept[others] = True
    study = replace(
        dataset,
        profiles=dataset.profiles[kept],
        class_index=dataset.class_index[kept],
        is_train=is_train[kept],
        sample_ids=tuple(np.asarray(dataset.sample_ids)[kept]),
        groups=tuple(donors[kept]),
        annotation=None,
    )
    profiles = dataset.profiles[moved]
    learns_nothing = np.asarray([target], dtype=object)
    return evidence_table(
        study,
        {"moved": lambda x, _names: profiles if len(x) == len(profiles) else x},
        lambda x: np.repeat(learns_nothing, len(x)),
        target_class=target,
        seed=seed,
    )


if __name__ == "__main__":
    main()
