"""Does what one cohort taught hold on another? Evidence and genes on second cohorts that differ in lab or platform.

    python benchmarks/truth_second_cohort.py [--data DATA] [--seed 11] [--quick] [--out FILE] [--show]

Each run is `tspg run` with its defaults on the genes of the Hallmark collection, trained on the first cohort alone.
Takes twelve minutes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import anndata
import numpy as np
from truth_data import HEALTHY, STUDIES, Record, finish, parsed

import tspg
from tspg.analysis.evaluation.measure import REAL, UNTOUCHED

EVIDENCE, GENES = "Evidence on a second cohort", "Genes of a second cohort"
MEASURES = (
    *("hit_rate_logistic", "hit_rate_forest", "energy_ratio", "variance_ratio"),
    *("gene_correlation_at_equal_n", "individuality"),
)
AGREEMENT = ("same_sign", "sure", "spearman", "phi")


@dataclass(frozen=True)
class Task:
    """A study split in two by a column; `classes` of the second cohort are kept, None keeps all."""

    name: str
    study: str
    column: str
    first: str
    second: str
    target: str
    classes: tuple[str, ...] | None = None


ORGANS = ("Bladder", "Kidney", "Uterus")
TASKS = (
    Task("GTEx to TCGA, Kidney", "tissues", "source", "GTEx", "TCGA", "Kidney", ORGANS),
    Task("TCGA to GTEx, Kidney", "tissues", "source", "TCGA", "GTEx", "Kidney", ORGANS),
    Task("GTEx to TCGA, Uterus", "tissues", "source", "GTEx", "TCGA", "Uterus", ORGANS),
    Task("colorectal blocks, GI.MSI", "colorectal", "platform_block", "complete", "missing_block", "GI.MSI"),
    Task("kidney pipelines, normal", "kidney", "pipeline", "UNC RSEM", "RNAseqDB", HEALTHY),
)


def cohorts(task: Task, data: Path) -> tuple[anndata.AnnData, anndata.AnnData]:
    """Both cohorts of a task."""
    file, label, _ = STUDIES[task.study]
    adata = anndata.read_h5ad(data / file)
    part, classes = adata.obs[task.column].astype(str), adata.obs[label].astype(str)
    kept = np.ones(len(classes), dtype=bool) if task.classes is None else classes.isin(task.classes).to_numpy()
    return adata[part.str.startswith(task.first).to_numpy()], adata[part.str.startswith(task.second).to_numpy() & kept]


def found(task: Task, run: tspg.Run) -> Iterator[Record]:
    """What a run says of both cohorts."""
    own = run.model.method.name
    cases = (
        ("first cohort", run.evidence, own),
        ("second cohort", run.tables["test_evidence"], own),
        ("second, mean shift", run.tables["test_evidence"], "mean_shift"),
        ("second, not moved", run.tables["test_evidence"], UNTOUCHED),
        ("second, real", run.tables["test_evidence"], REAL),
    )
    for case, table, method in cases:
        values = table[table["method"] == method].set_index("measure")["value"]
        yield from ((EVIDENCE, task.name, case, measure, values.get(measure, np.nan)) for measure in MEASURES)
    cohort = run.metrics["test_cohort"]
    for case, numbers in {"all sources": cohort["genes"], **cohort["genes"]["by_class"]}.items():
        yield from ((GENES, task.name, case, measure, _number(numbers[measure])) for measure in AGREEMENT)
    for name, numbers in cohort["unknown_classes"].items():
        yield from ((EVIDENCE, task.name, f"unknown: {name}", key, _number(numbers[key])) for key in MEASURES[:3])
    yield EVIDENCE, task.name, "second cohort", "clipped", cohort["clipped_fraction"]


def _number(value: float | None) -> float:
    return np.nan if value is None else float(value)


def measure(data: Path, seed: int, *, quick: bool) -> Iterator[Record]:
    """Every task in turn."""
    gene_set = tspg.read_gene_sets(next((data / "genesets").glob("h.all*.gmt.gz"))).union()
    for task in TASKS[-2:-1] if quick else TASKS:
        first, second = cohorts(task, data)
        _, label, donor = STUDIES[task.study]
        yield from found(
            task,
            tspg.run(
                first,
                label_column=label,
                group_column=donor,
                target_class=task.target,
                gene_set=gene_set,
                second_cohort=tspg.SecondCohort(second),
                annotations=[],
                training=tspg.Training(
                    enrichment="ora", folds=1, steps=2 if quick else None, target_epochs=2 if quick else None
                ),
                seed=seed,
            ),
        )


def main() -> None:
    """Measure, store and show."""
    options = parsed(__doc__, __file__)
    finish(options, measure(options.data, options.seed, quick=options.quick))


if __name__ == "__main__":
    main()
