"""The trial of trial.md: which way of moving profiles becomes preset `transport`; writes trial.tsv.

`python benchmarks/trial.py` runs it, `--decide` says what the stored results decide, `--settings` tries the flow's
step on the two questions that the trial leaves out.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scipy.stats import wilcoxon

import tspg
from tspg.analysis.donors import donor_codes, donor_folds
from tspg.analysis.evidence import Move
from tspg.analysis.individuality import individuality
from tspg.analysis.judges import fit_judges
from tspg.analysis.structure import gene_correlation_at, variance_ratio
from tspg.audit.bench import Stage, share_called
from tspg.config import preset
from tspg.data.prepare import FloatMatrix, Prepared
from tspg.files import read_table, write_table
from tspg.model.anchor import Anchor
from tspg.model.learning import move_with
from tspg.model.methods import LinearMap, TransportGenerator
from tspg.model.networks import TargetModel
from tspg.model.training import train_target_model
from tspg.model.transport import train_residuals, typical_distance

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
STORED = Path(__file__).with_suffix(".tsv")
CANDIDATES = ("map", "flow", "network", "network_cross_fitted")  # the simplest first
# The measures in their order: which side is better, and the smallest difference that counts.
MEASURES = {
    "energy_ratio": (-1, 0.01),
    "individuality": (1, 0.02),
    "gene_correlation_at_equal_n": (1, 0.01),
    "log_variance_ratio": (-1, 0.05),
    "hits": (1, 0.02),
}
SURE = 0.05
FLOW_STEPS, FLOW_RATE = 60, 0.02  # of the typical distance between two target samples
NOWHERE = 1e-5  # two points that are this close are one
FOLDS, MOST_GENES = 5, 1000


@dataclass(frozen=True)
class Question:
    """A study's file, its columns of classes and donors, a target, and a part of its samples."""

    study: str
    label: str
    donor: str
    target: str
    where: tuple[str, str] | None = None

    @property
    def name(self) -> str:
        """What the question is called in the results."""
        part = "" if self.where is None else f" ({self.where[1]})"
        return f"{self.study.split('/')[0]}{part} -> {self.target}"


ORGANS = partial(Question, "normal_tissues/normal_tissues.h5ad", "organ", "donor")
KIDNEY = partial(Question, "tcga_kidney/tcga_kidney.h5ad", "diagnosis", "patient")
COLON = partial(Question, "tcga_coadread/tcga_coadread.h5ad", "subtype", "patient")
INFLUENZA = partial(Question, "flu_challenge/flu_challenge.h5ad", "state", "subject")
TRIAL = (
    *map(ORGANS, ("Bladder", "Breast", "Colon", "Head and neck mucosa", "Kidney", "Prostate")),
    *map(ORGANS, ("Salivary gland", "Stomach", "Uterus")),
    *map(KIDNEY, ("KIRC", "KIRP", "KICH")),
    *(COLON(target, ("platform_block", "complete")) for target in ("GI.CIN", "GI.MSI", "GI.GS")),
    *(COLON(target, ("platform_block", "missing_block")) for target in ("GI.CIN", "GI.MSI", "GI.GS")),
    *map(INFLUENZA, ("baseline", "early", "acute", "late")),
)
LEFT_OUT = (ORGANS("Lung"), KIDNEY("Solid Tissue Normal"))
SEEDS = (101, 102)


def main() -> None:
    """Run the trial, or say what its stored results decide."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--decide", action="store_true", help="of the stored results, without running")
    parser.add_argument("--settings", action="store_true", help="try the flow on the two questions left out")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.settings:
        for rate in (0.005, 0.01, 0.02, 0.05):
            for question in LEFT_OUT:
                prepared, f = _prepared(question, SEEDS[0], 0)
                print(rate, question.name, _judged(prepared, f, question, SEEDS[0], ("map", "flow"), rate), flush=True)
        return
    if not options.decide:
        records = []
        for number, question in enumerate(TRIAL):
            for seed in SEEDS:
                prepared, f = _prepared(question, seed, number)
                found = _judged(prepared, f, question, seed, CANDIDATES)
                records += [
                    (question.name, seed, candidate, measure, value)
                    for candidate, numbers in found.items()
                    for measure, value in numbers.items()
                ]
                print(question.name, seed, {name: round(found[name]["energy_ratio"], 4) for name in found}, flush=True)
        columns = ["question", "seed", "candidate", "measure", "value"]
        write_table(STORED, pd.DataFrame(records, columns=columns))
    decide(read_table(STORED))


def decide(results: pd.DataFrame) -> str:
    """The candidate that becomes the default by the rule of trial.md, each comparison printed on the way."""
    means = results.groupby(["question", "candidate", "measure"])["value"].mean().unstack("measure")
    chosen = CANDIDATES[0]
    for challenger in CANDIDATES[1:]:
        if _is_better(means, challenger, chosen):
            chosen = challenger
    print(f"the default is: {chosen}")
    return chosen


def _is_better(means: pd.DataFrame, challenger: str, holder: str) -> bool:
    """Whether the first measure in which the two differ speaks for the challenger."""
    print(f"{challenger} against {holder}")
    first = None
    for measure, (sign, margin) in MEASURES.items():
        theirs, ours = (means.xs(name, level="candidate")[measure] for name in (challenger, holder))
        gain = (sign * (theirs - ours)).dropna()
        p, median = float(wilcoxon(gain).pvalue), float(gain.median())
        differs = p < SURE and abs(median) >= margin
        print(f"  {measure}: better in {(gain > 0).sum()} of {len(gain)}, median gain {median:.4f}, p {p:.2g}")
        if differs and first is None:
            first = median
    return first is not None and first > 0


def _prepared(question: Question, seed: int, number: int) -> tuple[Prepared, TargetModel]:
    """A question's split with genes of all Hallmark sets (first seed) or one set, and its f."""
    adata = tspg.read_expression(DATA / question.study)
    if question.where is not None:
        adata = adata[(adata.obs[question.where[0]] == question.where[1]).to_numpy()].copy()
    collection = tspg.read_gene_sets(next((DATA / "genesets").glob("h.all*.gmt.gz")))
    gene_set = collection.union() if seed == SEEDS[0] else collection[sorted(collection)[2 * number]]
    genes = sorted(set(gene_set.genes) & set(adata.var_names))
    wanted = set(np.random.default_rng(seed).permutation(genes)[:MOST_GENES])
    adata = adata[:, [gene in wanted for gene in adata.var_names]].copy()
    prepared = tspg.prepare(
        adata, label_column=question.label, group_column=question.donor, train_fraction=0.7, seed=seed
    )
    f = train_target_model(prepared, preset("transport")[0], seed=seed, device=torch.device("cpu"))
    return prepared, f


def _judged(
    prepared: Prepared,
    f: TargetModel,
    question: Question,
    seed: int,
    candidates: tuple[str, ...],
    rate: float = FLOW_RATE,
) -> dict[str, dict[str, float]]:
    """Every measure of the rule, for each candidate, on the held-out samples."""
    makers: dict[str, Callable[[], Move]] = {
        "map": lambda: _mover(LinearMap(Anchor.estimate(prepared, question.target)), prepared),
        "flow": lambda: _Flow.fit(prepared, question.target, seed, rate).move,
        "network": lambda: _network(prepared, f, question.target, seed, cross_fitted=False),
        "network_cross_fitted": lambda: _network(prepared, f, question.target, seed, cross_fitted=True),
    }

    stage, train = Stage.of(prepared, question.target), prepared.is_train
    means = np.stack([prepared.class_mean(name) for name in stage.source_class])
    target_mean = prepared.class_mean(question.target)
    judges = fit_judges(prepared.profiles[train], prepared.source_class[train], seed=seed)
    n = min(len(stage.sources), len(stage.real))
    found = {}
    for name in candidates:
        moved = makers[name]()(stage.sources, stage.source_class)
        hits = [
            min(share_called(judge(moved), question.target), share_called(judge(stage.real), question.target))
            for judge in judges.values()
        ]
        found[name] = {
            "energy_ratio": stage.energy_ratio(moved),
            "individuality": individuality(stage.sources, means, moved, target_mean, seed=seed).value,
            "gene_correlation_at_equal_n": gene_correlation_at(n, moved, stage.real, seed=seed).value,
            "log_variance_ratio": abs(float(np.log(variance_ratio(moved, stage.real, seed=seed).value))),
            "hits": float(np.mean(hits)),
        }
    return found


def _mover(method: LinearMap | TransportGenerator, prepared: Prepared) -> Move:
    return lambda profiles, source_class: move_with(method, profiles, source_class, prepared.classes)


def _network(prepared: Prepared, f: TargetModel, target: str, seed: int, *, cross_fitted: bool) -> Move:
    """The residual network, taught on anchored training samples as they are, or each anchored without itself."""
    anchor = Anchor.estimate(prepared, target)
    taught = _CrossFitted.of(anchor, prepared, target, seed) if cross_fitted else anchor
    generator, _ = train_residuals(prepared, f, {target: taught}, preset("transport")[1], seed=seed)[target]
    return _mover(TransportGenerator(anchor, generator), prepared)


def _cross_fitted(prepared: Prepared, target: str, seed: int) -> tuple[NDArray[np.int64], FloatMatrix]:
    """The training samples, and each moved by a map that has not seen its donor."""
    train = np.flatnonzero(prepared.is_train)
    (codes,) = donor_codes((len(prepared.sample_ids), prepared.groups))
    folds = donor_folds(codes[train], prepared.source_class[train], n_folds=FOLDS, seed=seed)
    moved = np.empty((len(train), prepared.profiles.shape[1]), dtype=np.float32)
    for fold in range(FOLDS):
        is_train = prepared.is_train.copy()
        is_train[train[folds == fold]] = False
        if len(set(prepared.class_index[is_train])) < len(prepared.classes):
            is_train = prepared.is_train  # a class would be lost: its few samples are moved by the whole map
        rows = train[folds == fold]
        part = Anchor.estimate(replace(prepared, is_train=is_train), target)
        moved[folds == fold] = part.move(prepared.profiles[rows], prepared.class_index[rows])
    return train, moved


@dataclass(frozen=True)
class _CrossFitted:
    """An anchor that moves training samples by a map that has not seen them."""

    anchor: Anchor
    moved: dict[bytes, FloatMatrix]

    @classmethod
    def of(cls, anchor: Anchor, prepared: Prepared, target: str, seed: int) -> "_CrossFitted":
        train, moved = _cross_fitted(prepared, target, seed)
        return cls(anchor, {prepared.profiles[row].tobytes(): there for row, there in zip(train, moved, strict=True)})

    def move(self, profiles: FloatMatrix, class_index: NDArray[np.int64]) -> FloatMatrix:
        moved = self.anchor.move(profiles, class_index)
        for row, profile in enumerate(profiles):
            moved[row] = self.moved.get(profile.tobytes(), moved[row])
        return moved


@dataclass(frozen=True)
class _Flow:
    """Particles that flow down the energy distance to the target, from cross-fitted anchored training samples.

    A new sample is anchored, and follows the field that the training samples' particles make at every step.
    """

    anchor: Anchor
    targets: FloatMatrix
    particles: tuple[FloatMatrix, ...]
    step: float
    prepared: Prepared

    @classmethod
    def fit(cls, prepared: Prepared, target: str, seed: int, rate: float) -> "_Flow":
        train, moved = _cross_fitted(prepared, target, seed)
        at = moved[prepared.class_index[train] != prepared.index_of(target)]
        targets = prepared.profiles[prepared.in_class(target) & prepared.is_train]
        step, particles = rate * typical_distance(targets), []
        for _ in range(FLOW_STEPS):
            particles.append(at)
            at = at - step * _slope(at, at, targets)
        return cls(Anchor.estimate(prepared, target), targets, tuple(particles), step, prepared)

    def move(self, profiles: FloatMatrix, source_class: NDArray[np.object_]) -> FloatMatrix:
        at = self.anchor.move(profiles, np.searchsorted(self.prepared.classes, source_class.astype(str)))
        for particles in self.particles:
            at = at - self.step * _slope(at, particles, self.targets)
        return np.clip(at, 0, 1).astype(np.float32)


def _slope(at: FloatMatrix, particles: FloatMatrix, targets: FloatMatrix) -> FloatMatrix:
    """The gradient of the energy distance at each point: away from the particles, towards the targets."""
    return _mean_direction(at, targets) - _mean_direction(at, particles)


def _mean_direction(at: FloatMatrix, others: FloatMatrix) -> FloatMatrix:
    """The mean unit vector from the others to each point; a point itself has none."""
    here, there = at.astype(np.float64), others.astype(np.float64)
    squared = (here**2).sum(axis=1)[:, None] + (there**2).sum(axis=1) - 2 * here @ there.T
    apart = np.sqrt(np.maximum(squared, 0))
    is_other = apart > NOWHERE
    weights = np.divide(1.0, apart, out=np.zeros_like(apart), where=is_other)
    n = np.maximum(is_other.sum(axis=1), 1)
    found: FloatMatrix = ((weights.sum(axis=1)[:, None] * here - weights @ there) / n[:, None]).astype(np.float32)
    return found


if __name__ == "__main__":
    main()
