"""The numbers of every finished run, gathered into one file from which the page is made."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import machine
import numpy as np
import pandas as pd
from anndata import AnnData

import tspg
from reproduction import kidney, lists
from reproduction.looks import looks
from reproduction.runs import (
    ALL,
    KIDNEY,
    ORGANS,
    PRESETS,
    TUMOURS,
    Planned,
    gene_sets,
    planned,
    read_metrics,
    read_study,
)
from tspg.utils.files import read_table, write_json

MEASURES = ("hit_rate_logistic", "hit_rate_forest", "energy_ratio", "variance_ratio", "gene_correlation")
MEASURES += ("clipped_fraction",)
DRAWS = 20  # of one random sample of every class, to tell how far the counts depend on the draw


def gather(data: Path, work: Path, out: Path) -> None:
    """Measure what has not been measured yet and write the numbers of all finished runs."""
    finished = [run for run in planned() if (work / run.name / "metrics.json").exists()]
    made = machine.description()
    runs = [{**_asked(run), **_measured(run, data, work / run.name), **_judged(work / run.name)} for run in finished]
    content = {
        "made": {"tspg": tspg.__version__, **{name: made[name] for name in ("versions", "date")}},
        "studies": [about(study, data) for study in (ORGANS, KIDNEY)],
        "gene_sets": {name: len(genes.genes) for name, genes in gene_sets(data).items()},
        "runs": runs,
        "kidney_overlaps": list(_kidney_overlaps(runs)),
    }
    write_json(out, rounded(content))


def about(study: Any, data: Path) -> dict[str, Any]:
    """The samples of a data set, counted."""
    obs = read_study(data / study.file).obs
    counts = obs[study.label].value_counts()
    return {
        "file": study.file,
        "samples": len(obs),
        "people": int(obs[study.group].nunique()),
        "genes": int(read_study(data / study.file).n_vars),
        "hallmark": len(set(gene_sets(data).union().genes) & set(read_study(data / study.file).var_names)),
        "classes": {str(name): int(n) for name, n in counts.items()},
    }


def _asked(run: Planned) -> dict[str, Any]:
    study = "kidney" if run.study is KIDNEY else "organs"
    return {
        "name": run.name,
        "study": study,
        "gene_set": run.gene_set,
        "target": run.target,
        "preset": run.preset,
        "seed": run.seed,
    }


def _judged(folder: Path) -> dict[str, Any]:
    """What the run itself says: of its metrics and its evidence."""
    metrics = read_metrics(folder)
    evidence = read_table(folder / "evidence.tsv").set_index(["method", "measure"])["value"]
    return {
        "n_genes": metrics["data"]["n_genes"],
        "f_accuracy": metrics["perturbation"]["f_accuracy"],
        "hit_rate": metrics["perturbation"]["hit_rate"],
        "n_held_out": metrics["perturbation"]["n_held_out"],
        "f_test_accuracy": metrics["target_model"]["test_accuracy"],
        "steps": metrics["training"]["steps"],
        "mean_shift_energy_ratio": evidence.get(("mean_shift", "energy_ratio")),
        "real_clipped_fraction": evidence.get(("real_target", "clipped_fraction")),
        **{name: evidence.get(("generator", name)) for name in MEASURES},
    }


def _measured(run: Planned, data: Path, folder: Path) -> dict[str, Any]:
    """What its moved profiles say, kept beside the run."""
    kept = folder / "numbers.json"
    if not kept.exists():
        write_json(kept, rounded(_measure(run, data, folder)))
        print("measured", run.name, flush=True)
    return json.loads(kept.read_text(encoding="utf-8"))


def _measure(run: Planned, data: Path, folder: Path) -> dict[str, Any]:
    moved = tspg.read_perturbations(folder)
    found: dict[str, Any] = {"looks": looks(moved, run.seed)}
    if run.study is KIDNEY:
        found["kidney"] = kidney.one_tumour(moved, data)
    elif run.gene_set == ALL and run.preset in PRESETS:
        found["lists"] = _lists(moved, run.seed)
        found["function"] = _function(moved, run, data)
    return found


def _lists(moved: AnnData, seed: int) -> dict[str, Any]:
    """How many genes are distinct: by one draw of samples, by twenty, by class means, and by mean differences."""
    draws = pd.DataFrame([lists.distinct(lists.lists_of_samples(moved, 1000 * seed + i)) for i in range(DRAWS)])
    return {
        "n_lists": len(moved.uns["tspg"]["source_classes"]),
        "samples": lists.distinct(lists.lists_of_samples(moved, seed)),
        "draws": {way: [int(draws[way].min()), int(draws[way].max())] for way in lists.WAYS},
        "classes": lists.distinct(lists.lists_of_classes(moved)),
        "mean_difference": lists.distinct(lists.lists_of_mean_difference(moved)),
    }


def _function(moved: AnnData, run: Planned, data: Path) -> dict[str, Any]:
    """What the lists do, against the genes that could be chosen and against every gene measured (as ToppFun does)."""
    chosen = lists.lists_of_samples(moved, run.seed)
    could_be = [str(gene) for gene in moved.var_names[~moved.var["constant"].to_numpy(bool)]]
    measured = [str(gene) for gene in read_study(data / run.study.file).var_names]
    inside, outside = (lists.enriched(chosen, background, data) for background in (could_be, measured))
    by_chance = lists.enriched(lists.random_lists(could_be, len(chosen) // 2, run.seed), measured, data)
    means = lists.enriched(lists.lists_of_classes(moved), could_be, data)
    return {
        "up_inside": lists.by_category(inside, "up"),
        "up_outside": lists.by_category(outside, "up"),
        "random_outside": lists.by_category(by_chance, "up"),
        "tissue_of_samples": lists.tissue_ranks(outside, run.target),
        "tissue_of_samples_inside": lists.tissue_ranks(inside, run.target),
        "tissue_of_classes": lists.tissue_ranks(means, run.target),
    }


def _kidney_overlaps(runs: Iterable[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    """Of healthy kidney moved to each of the three tumours: genes that their lists share, where all three are there."""
    own = [run for run in runs if run["study"] == "kidney"]
    for preset, seed in sorted({(run["preset"], run["seed"]) for run in own}):
        found = {run["target"]: run["kidney"]["lists"] for run in own if (run["preset"], run["seed"]) == (preset, seed)}
        if set(found) == set(TUMOURS):
            yield {"preset": preset, "seed": seed, **kidney.overlaps(found)}


def rounded(content: Any) -> Any:
    """The same with four significant digits, and None for what is no finite number."""
    if isinstance(content, dict):
        return {str(key): rounded(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [rounded(value) for value in content]
    if isinstance(content, float | np.floating):
        return float(f"{content:.4g}") if np.isfinite(content) else None
    return int(content) if isinstance(content, np.integer) else content
