"""What the benchmarks with a known truth share: studies, plain gene scores, and how results are kept and shown.

`truth_class.py`, `truth_patient.py` and `truth_pairs.py` measure; nothing is run here.
"""

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

import tspg
from tspg.analysis.evaluation.resampling import donor_folds
from tspg.data.prepare import Dataset
from tspg.model.ot_map import GaussianOTMap
from tspg.utils.files import read_table, write_table

Numbers = NDArray[np.float64]
Floats = NDArray[np.floating]
Rows = NDArray[np.bool_]
Record = tuple[str, str, str, str, float]  # table, task, case, measure, value
COLUMNS = ["table", "task", "case", "measure", "value", "standard_error", "n"]
DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
MOST_GENES = 4000
STUDIES = {  # file, column of the classes, column of the donors
    "kidney": ("tcga_kidney/tcga_kidney.h5ad", "diagnosis", "patient"),
    "colorectal": ("tcga_coadread/tcga_coadread.h5ad", "subtype", "patient"),
    "tissues": ("normal_tissues/normal_tissues.h5ad", "organ", "donor"),
    "influenza": ("flu_challenge/flu_challenge.h5ad", "state", "subject"),
}
HEALTHY = "Solid Tissue Normal"


@dataclass(frozen=True)
class Study:
    """Samples x genes in the user's units, with the class and the donor of each sample."""

    values: NDArray[np.float32]
    classes: NDArray[np.object_]
    donors: NDArray[np.int64]
    genes: tuple[str, ...]

    def rows(self, chosen: Rows) -> "Study":
        """Some of the samples."""
        return replace(self, values=self.values[chosen], classes=self.classes[chosen], donors=self.donors[chosen])

    def of_class(self, name: str) -> tuple[Numbers, NDArray[np.int64]]:
        """The samples of one class, and the donor of each."""
        members = self.classes == name
        return self.values[members].astype(np.float64), self.donors[members]

    def columns(self, chosen: NDArray[np.int64] | Rows) -> "Study":
        """Some of the genes."""
        return replace(self, values=self.values[:, chosen], genes=tuple(np.asarray(self.genes)[chosen]))

    def some_genes(self, n: int, seed: int) -> "Study":
        """So many genes, drawn at random, where there are more."""
        n_genes = len(self.genes)
        return self if n_genes <= n else self.columns(np.random.default_rng(seed).choice(n_genes, n, replace=False))

    def folds(self, n_folds: int, seed: int) -> Iterator[Rows]:
        """For each fold which samples it learns from; all samples of a donor are on one side."""
        fold = donor_folds(self.donors, self.classes, n_folds=n_folds, seed=seed)
        return (fold != held_out for held_out in range(n_folds))

    def dataset(self, is_train: Rows | None = None) -> Dataset:
        """As a run prepares the samples, split by donor."""
        names = [f"s{number}" for number in range(len(self.classes))]
        obs = pd.DataFrame({"label": self.classes, "donor": [f"d{code}" for code in self.donors]}, index=names)
        adata = anndata.AnnData(self.values, obs, pd.DataFrame(index=list(self.genes)))
        return tspg.prepare(adata, label_column="label", group_column="donor", is_train=is_train)


def read_study(data: Path, name: str, hours: int | None = None) -> Study:
    """A study of shared/data; with `hours` that hour of the influenza study is a class of its own, "height"."""
    file, label, donor = STUDIES[name]
    adata = anndata.read_h5ad(data / file)
    classes = adata.obs[label].astype(str).to_numpy(dtype=object)
    if hours is not None:
        classes[(adata.obs["hours"] == hours).to_numpy()] = "height"
    donors = np.unique(adata.obs[donor].astype(str), return_inverse=True)[1]
    return Study(np.asarray(adata.X, dtype=np.float32), classes, donors, tuple(adata.var_names))


def hallmark(data: Path, study: Study) -> Study:
    """The genes of the Hallmark collection."""
    wanted = set(tspg.read_gene_sets(next((data / "genesets").glob("h.all*.gmt.gz"))).union().genes)
    return study.columns(np.array([gene in wanted for gene in study.genes]))


def top(scores: Numbers, k: int) -> Rows:
    """Which genes have the k largest |scores| of each row; one without a number comes last."""
    size = np.nan_to_num(np.abs(np.atleast_2d(scores)), nan=-1.0)
    found = np.zeros(size.shape, dtype=bool)
    np.put_along_axis(found, np.argsort(-size, axis=1, kind="stable")[:, :k], True, axis=1)
    return found


def moved_by_map(dataset: Dataset, target: str) -> "ClassMap":
    """The closed-form map of a prepared study, as a function of profiles in the user's units."""
    return ClassMap(dataset, GaussianOTMap.estimate(dataset, target))


@dataclass(frozen=True)
class ClassMap:
    """What two methods change in profiles, in scaled units: the closed-form map, and the nearest target sample."""

    dataset: Dataset
    anchor: GaussianOTMap

    def perturbation(self, values: Floats, source: str) -> Numbers:
        """P of each profile by the closed-form map."""
        scaled = self.dataset.scaler.transform(values)[0]
        moved = self.anchor.move(scaled, np.full(len(scaled), self.dataset.index_of(source)))
        return np.clip(moved, 0, 1) - scaled.astype(np.float64)

    def to_nearest(self, values: Floats) -> Numbers:
        """The nearest training sample of the target class, less the profile."""
        scaled = self.dataset.scaler.transform(values)[0].astype(np.float64)
        return nearest(scaled, self.targets) - scaled

    @property
    def targets(self) -> Numbers:
        """Scaled training samples of the target class."""
        name = self.dataset.classes[self.anchor.target_index]
        return self.dataset.profiles[self.dataset.class_mask(name) & self.dataset.is_train].astype(np.float64)

    @property
    def width(self) -> Numbers:
        """One scaled unit in the user's units, per gene."""
        return self.dataset.scaler.maximum - self.dataset.scaler.minimum


def nearest(profiles: Numbers, targets: Numbers) -> Numbers:
    """For each profile the target sample at the smallest Euclidean distance."""
    return targets[cdist(profiles, targets).argmin(axis=1)]


def parsed(document: str, script: str) -> argparse.Namespace:
    """The options that each of these benchmarks takes."""
    parser = argparse.ArgumentParser(description=document, formatter_class=argparse.RawDescriptionHelpFormatter)
    stored = Path(script).with_suffix(".tsv")
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the data sets (default: ../shared/data)")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--quick", action="store_true", help="few draws of few tasks, not stored: does it run?")
    parser.add_argument("--out", type=Path, help=f"where results are stored (default: benchmarks/{stored.name})")
    parser.add_argument("--show", action="store_true", help="only show what is stored")
    options = parser.parse_args()
    if options.out is None and not options.quick:
        options.out = stored
    if not options.show and not options.data.is_dir():
        parser.error(f"There is no folder {options.data}: say with --data where the data sets lie.")
    return options


def averaged(records: Iterable[Record]) -> pd.DataFrame:
    """Means over draws or people, with standard errors, in the order in which they first came."""
    table = pd.DataFrame(records, columns=COLUMNS[:5])
    grouped = table.groupby(COLUMNS[:4], sort=False)["value"]
    return grouped.agg(value="mean", standard_error="sem", n="count").reset_index()[COLUMNS]


def finish(options: argparse.Namespace, records: Iterable[Record]) -> None:
    """Measure unless only stored results are wanted, store, and print the tables."""
    if options.show:
        print(markdown(read_table(options.out)))
        return
    results = averaged(records)
    if options.out is not None:
        write_table(options.out, results.round({"value": 5, "standard_error": 5}))
    print(markdown(results))


def markdown(results: pd.DataFrame) -> str:
    """Results as Markdown, a table for each name, a row for each task and case, a column for each measure."""
    return "\n\n".join(f"{name}\n\n" + "\n".join(_lines(part)) for name, part in results.groupby("table", sort=False))


def _lines(part: pd.DataFrame) -> list[str]:
    wide = part.pivot_table(index=["task", "case"], columns="measure", values="value", sort=False, dropna=False)
    wide = wide.dropna(how="all")
    head = ["task", "case", *wide.columns]
    rows = [
        [*index, *(_number(value) for value in row)] for index, row in zip(wide.index, wide.to_numpy(), strict=True)
    ]
    return [f"| {' | '.join(map(str, cells))} |" for cells in (head, ["---"] * len(head), *rows)]


def _number(value: float) -> str:
    return "-" if not np.isfinite(value) else f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
