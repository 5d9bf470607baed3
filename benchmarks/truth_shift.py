"""Profiles of another pipeline: noticed or not, and put right by normalising quantiles or not.

    python benchmarks/truth_shift.py [--data DATA] [--seed 11] [--quick] [--out FILE] [--show]

False alarms: a fifth of each cohort is held out, donors whole, and tested by what the rest is like (p < .05).
Detected: the rest of a cohort against samples of another pipeline, or of biology that it does not hold.
Moved: 376 colorectal tumours train the closed-form map to GI.MSI, and 83 others are given in other units: counts of
libraries of a third to three times the size, as log2(x + 1), or as counts per million. rho is the energy ratio (0 like
real target samples, 1 like the sources), top 20 the overlap of a patient's 40 genes with those from her own pipeline.
Takes two minutes.
"""

from collections.abc import Iterator
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
from truth_data import STUDIES, Floats, Record, Rows, Study, finish, hallmark, parsed, read_study

import tspg
from tspg.analysis.evaluation.energy import mean_within, pairwise
from tspg.data.prepare import split_samples
from tspg.data.quantiles import Quantiles, panel_of, quantile_functions
from tspg.model.shift import Shift
from tspg.model.trained_model import TrainedModel

ALARMS = "False alarms on held-out samples of the same pipeline, p < .05"
FOUND = "Detected, p < .05"
MOVED = "Colorectal tumours to GI.MSI, 83 given in other units"
TARGET, N_NEW, SPLITS = "GI.MSI", 83, 10
LOWEST = 0.3


def annotation(data: Path, name: str, column: str) -> Rows:
    """A column that tells pipelines apart, as text."""
    return anndata.read_h5ad(data / STUDIES[name][0], backed="r").obs[column].astype(str).to_numpy()


def cohorts(data: Path) -> Iterator[tuple[str, Study]]:
    """Samples that went the same way from tissue to file."""
    for name, column in (("kidney", "pipeline"), ("tissues", "source"), ("colorectal", "platform_block")):
        study, by = read_study(data, name), annotation(data, name, column)
        if name != "tissues":
            yield name, study
        yield from ((f"{name}, {one}", study.rows(by == one)) for one in sorted(set(by)))
    yield "influenza", read_study(data, "influenza")


def fitted(study: Study, own: Floats, is_train: Rows, seed: int) -> tuple[Shift, dict[str, float]]:
    """What some samples are like, and the share of the others that is called odd: by the panel and by own genes."""
    shift, p = Shift.fit(quantiles(study), own, is_train, study.donors, seed=seed)
    new = own[~is_train]
    by_genes = shift.of_genes.p_values(quantile_functions(new), new)
    return shift, {"panel": (p[~is_train] < 0.05).mean(), "own genes": (by_genes < 0.05).mean()}


def quantiles(study: Study, missing: Rows | None = None) -> Quantiles:
    """The quantile functions over the panel, without those of its genes that are missing."""
    chosen = panel_of(study.genes)
    chosen = chosen if missing is None else chosen[~missing]
    return Quantiles(tuple(np.asarray(study.genes)[chosen]), quantile_functions(study.values[:, chosen]))


def alarms(data: Path, seed: int, splits: int) -> Iterator[Record]:
    """How often samples of the same pipeline are called odd: also by own genes, and where some of the panel lack."""
    for name, study in cohorts(data):
        codes, own = np.unique(study.classes, return_inverse=True)[1], hallmark(data, study).values
        for draw in range(splits):
            donors = [str(donor) for donor in study.donors]
            is_train = split_samples(codes, groups=donors, train_fraction=0.8, seed=seed + draw)
            shift, shares = fitted(study, own, is_train, seed)
            yield from ((ALARMS, name, "all genes", measure, share) for measure, share in shares.items())
            low = study.values[is_train][:, panel_of(study.genes)].mean(axis=0)
            for part in (0.002, 0.01):
                lacking = np.argsort(np.argsort(low)) < round(part * len(low))
                p = shift.of_panel.p_values(quantiles(study, lacking).values[~is_train], own[~is_train])
                yield ALARMS, name, f"without the lowest {part:.1%}", "panel", (p < 0.05).mean()


def found(data: Path, seed: int) -> Iterator[Record]:
    """How many samples of another pipeline, or of a class that was left out, are called odd."""
    tissues, by = read_study(data, "tissues"), annotation(data, "tissues", "source")
    both = np.isin(tissues.classes, list(set(tissues.classes[by == "GTEx"]) & set(tissues.classes[by == "TCGA"])))
    yield from detected(data, "GTEx to TCGA, organs of both", tissues.rows(both), (by == "GTEx")[both], seed)
    colorectal, by = read_study(data, "colorectal"), annotation(data, "colorectal", "platform_block")
    yield from detected(data, "colorectal, platform block", colorectal, by == "complete", seed)
    kidney = read_study(data, "kidney")
    yield from detected(data, "KIRP by a model without it", kidney, kidney.classes != "KIRP", seed)


def detected(data: Path, name: str, study: Study, is_own: Rows, seed: int) -> Iterator[Record]:
    """The share that is called odd."""
    for measure, share in fitted(study, hallmark(data, study).values, is_own, seed)[1].items():
        yield FOUND, name, "all genes", measure, share


def moved(data: Path, seed: int) -> Iterator[Record]:
    """Other units: detected, and how moved profiles fare with and without quantile normalisation."""
    adata = anndata.read_h5ad(data / STUDIES["colorectal"][0])
    gene_set = tspg.read_gene_sets(next((data / "genesets").glob("h.all*.gmt.gz"))).union()
    rng = np.random.default_rng(seed)
    is_new = np.isin(np.arange(adata.n_obs), rng.permutation(adata.n_obs)[:N_NEW])
    run = tspg.run(
        adata[~is_new],
        label_column="subtype",
        target_class=TARGET,
        gene_set=gene_set,
        training=tspg.Training(method="linear_map", folds=1),
    )
    new = adata[is_new].copy()
    counts = np.round((2.0 ** np.asarray(new.X) - 1) * 3 ** rng.uniform(-1, 1, (N_NEW, 1)))
    cpm = counts / counts.sum(axis=1, keepdims=True) * 1e6
    units = {"own pipeline": new.X, "log2(counts + 1)": np.log2(counts + 1), "log2(CPM + 1)": np.log2(cpm + 1)}
    means = np.asarray(adata[~is_new].X).mean(axis=0)
    there = (means > np.quantile(means, LOWEST)) | np.isin(adata.var_names, run.model.gene_ids)
    own = run.model.perturb(new, label_column="subtype")
    for name, values in units.items():
        given = anndata.AnnData(values.astype(np.float32), new.obs, pd.DataFrame(index=new.var_names))
        fewer, reference = given[:, there], adata[~is_new]
        yield from judged(name, "as it is", run.model, own, given)
        yield from judged(name, "normalised", run.model, own, given, normalise="quantile")
        yield from judged(name, "lowest 30% missing, as it is", run.model, own, fewer)
        how = {"normalise": "quantile", "reference": reference}
        yield from judged(name, "lowest 30% missing, with the reference", run.model, own, fewer, **how)


def judged(
    name: str, case: str, model: TrainedModel, own: anndata.AnnData, given: anndata.AnnData, **how: object
) -> Iterator[Record]:
    """What becomes of some profiles, against what became of the same from their own pipeline."""
    result = model.perturb(given, label_column="subtype", **how)
    is_source = (own.obs["source_class"] != TARGET).to_numpy()
    real, before = (own.layers["original"][rows].astype(np.float64) for rows in (~is_source, is_source))
    shares = [len(a & b) / 40 for a, b in zip(forty(result[is_source]), forty(own[is_source]), strict=True)]
    yield MOVED, name, case, "detected", (result.obs["p_shift"] < 0.05).mean()
    yield MOVED, name, case, "clipped", result.obs["clipped"].mean()
    yield MOVED, name, case, "rho", distance(result.X[is_source], real) / distance(before, real)
    yield MOVED, name, case, "top 20", float(np.mean(shares))
    yield MOVED, name, case, "called target", (result.obs["predicted_after"] == TARGET)[is_source].mean()


def forty(moved: anndata.AnnData) -> list[set[tuple[str, int]]]:
    """The 20 genes up and the 20 down of every sample."""
    order = np.argsort(-moved.layers["perturbation"], axis=1, kind="stable")
    return [{*(("up", at) for at in row[:20]), *(("down", at) for at in row[-20:])} for row in order]


def distance(one: Floats, other: Floats) -> float:
    """The energy distance between two clouds, without bias."""
    first, second = np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64)
    return float(2 * pairwise(first, second).mean() - mean_within(pairwise(first)) - mean_within(pairwise(second)))


def measure(data: Path, seed: int, *, quick: bool) -> Iterator[Record]:
    """Everything, in turn."""
    yield from alarms(data, seed, 1 if quick else SPLITS)
    yield from found(data, seed)
    if not quick:
        yield from moved(data, seed)


def main() -> None:
    """Measure, store and show."""
    options = parsed(__doc__, __file__)
    finish(options, measure(options.data, options.seed, quick=options.quick))


if __name__ == "__main__":
    main()
