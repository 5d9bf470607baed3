"""Every run behind `docs/reproduction.md`: which genes, moved where, learned how; trained once and kept.

A finished run is a folder with `perturbations.h5ad`, `evidence.tsv` and `metrics.json`; it is not made again.
Organs that the paper and the data at hand have in common keep their row; each other organ stands in for one
that is absent here, and was chosen before any of the runs was made.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import groupby
from pathlib import Path

import anndata
from anndata import AnnData

import tspg
from tspg.analysis.interpretation.perturbations import write_perturbations
from tspg.experiment.run import run_experiments
from tspg.experiment.task import make_task
from tspg.model.config import PaperConfig
from tspg.utils.files import write_json, write_table

SEEDS = (0, 1, 2)
PRESETS = ("paper", "transport")
WITHOUT_TD = "paper without L_td"
HEDGEHOG, PEROXISOME = "HALLMARK_HEDGEHOG_SIGNALING", "HALLMARK_PEROXISOME"
APOPTOSIS, E2F, ALL = "HALLMARK_APOPTOSIS", "HALLMARK_E2F_TARGETS", "all"
HEALTHY, TUMOURS = "Solid Tissue Normal", ("KICH", "KIRC", "KIRP")


@dataclass(frozen=True)
class Study:
    """A data set: its file below the data folder, the column with the classes and the one with the people."""

    file: str
    label: str
    group: str


ORGANS = Study("normal_tissues/normal_tissues.h5ad", "organ", "donor")
KIDNEY = Study("tcga_kidney/tcga_kidney.h5ad", "diagnosis", "patient")


@dataclass(frozen=True)
class Planned:
    """One run: genes of a set moved to a class, learned by a preset (or by Eq. 5 without Eq. 4), from a seed."""

    study: Study
    gene_set: str
    target: str
    preset: str
    seed: int

    @property
    def name(self) -> str:
        """The name of its folder."""
        kind = "kidney" if self.study is KIDNEY else "organs"
        words = (kind, self.gene_set.removeprefix("HALLMARK_"), self.target, self.preset, str(self.seed))
        return "-".join(words).lower().replace(" ", "_")

    @property
    def classifier(self) -> tuple[str, str, str, int]:
        """Runs that are equal in this share their split and f."""
        return (self.study.file, self.gene_set, self.preset, self.seed)


TABLE_1 = (
    (HEDGEHOG, "Prostate"),
    (PEROXISOME, "Kidney"),
    (APOPTOSIS, "Lung"),
    (E2F, "Bladder"),
    (ALL, "Thyroid"),
    (ALL, "Liver"),
)
FIGURE_4 = (ALL, "Kidney")
ABLATED = ((APOPTOSIS, "Lung"), (ALL, "Liver"))


def planned() -> list[Planned]:
    """All runs, the quick ones first."""
    small = [row for row in TABLE_1 if row[0] != ALL]
    large = [*(row for row in TABLE_1 if row[0] == ALL), FIGURE_4]
    plan = [Planned(ORGANS, *row, preset, seed) for preset in PRESETS for seed in SEEDS for row in small]
    plan += [Planned(ORGANS, *row, "transport", seed) for seed in SEEDS for row in large]
    plan += [Planned(KIDNEY, ALL, name, preset, seed) for preset in PRESETS for seed in SEEDS for name in TUMOURS]
    plan += [Planned(ORGANS, *ABLATED[0], WITHOUT_TD, seed) for seed in SEEDS]
    plan += [Planned(ORGANS, *ABLATED[1], WITHOUT_TD, seed) for seed in SEEDS]
    return plan + [
        Planned(ORGANS, *row, "paper", seed) for seed in SEEDS for row in large if seed == 0 or row != FIGURE_4
    ]


def run_missing(data: Path, work: Path, *, last_first: bool = False) -> None:
    """Make every run that is not there yet; stop it at any time. Two processes can share the work from both ends."""
    groups = [list(runs) for _, runs in groupby(planned(), key=lambda run: run.classifier)]
    for whole in reversed(groups) if last_first else groups:
        group = [run for run in whole if not (work / run.name / "metrics.json").exists()]
        if not group:
            continue
        for run, found in zip(group, _run_group(group, data), strict=True):
            folder = work / run.name
            write_perturbations(found.perturbations, folder / "perturbations.h5ad")
            write_table(folder / "evidence.tsv", found.evidence)
            write_json(folder / "metrics.json", {**found.metrics, "seconds": found.seconds})  # last: it is finished
            print(run.name, {name: round(value) for name, value in found.seconds.items()}, flush=True)


def _run_group(group: list[Planned], data: Path) -> Iterator[tspg.Run]:
    """Runs that differ in their target alone, on one split and one f."""
    first = group[0]
    sets = gene_sets(data)
    tasks = []
    for run in group:
        task = make_task(
            read_study(data / run.study.file),
            run.target,
            label_column=run.study.label,
            group_column=run.study.group,
            gene_set=sets.union() if run.gene_set == ALL else sets[run.gene_set],
            source_classes=(HEALTHY,) if run.study is KIDNEY else None,
            training=tspg.Training(
                preset="transport" if first.preset == "transport" else "paper",
                enrichment="ora",
                threads=1,
                device="cpu",
            ),
            annotations=(),  # genes are looked up for all runs at once, later
            seed=run.seed,
        )
        if run.preset == WITHOUT_TD:
            task = replace(task, config=replace(task.config, generator=without_target_distance()))
        tasks.append(task)
    return run_experiments(tasks)


def without_target_distance() -> PaperConfig:
    """Preset `paper` with the weight of Eq. 4 at 0."""
    config = PaperConfig()
    return replace(config, weights=replace(config.weights, target_distance=0.0))


@cache
def read_study(file: Path) -> AnnData:
    """The samples of a data set."""
    return anndata.read_h5ad(file)


@cache
def gene_sets(data: Path) -> tspg.GeneSets:
    """The Hallmark collection."""
    return tspg.read_gene_sets(next((data / "genesets").glob("h.all*.gmt.gz")))


def read_metrics(folder: Path) -> dict:
    """The numbers of a finished run."""
    return json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
