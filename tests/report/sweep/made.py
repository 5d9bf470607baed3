"""Small sweeps whose numbers are known, and one whose every name attacks the page."""

import numpy as np
import pandas as pd

from tspg.report.sweep.results import SweepTables

SKIPPED, FAILED, DONE = ("skipped", "the class has 3 samples"), ("failed", "training diverged"), ("done", "")
# gene set, target, seed, how it ended, own energy ratio, of a plain shift, f held out, mean over classes, f accuracy
RUNS = [
    ("SMALL", "Lung", 0, *DONE, 0.10, 0.30, 0.90, 0.80, 1.00, "pass"),
    ("SMALL", "Lung", 1, *DONE, 0.20, 0.30, 0.80, 0.70, 0.90, "fail"),
    ("SMALL", "Liver", 0, *DONE, 0.50, 0.40, 0.91, 0.75, 0.80, "doubtful"),
    ("SMALL", "Liver", 1, *FAILED, *[np.nan] * 5, np.nan),
    ("", "Lung", 0, *DONE, 0.02, 0.06, 0.98, 0.96, 1.00, "pass"),
    ("", "Lung", 1, *DONE, 0.04, 0.06, 0.96, 0.94, 1.00, "probably"),
    ("", "Liver", 0, *SKIPPED, *[np.nan] * 5, np.nan),
    ("", "Liver", 1, *SKIPPED, *[np.nan] * 5, np.nan),
]
COLUMNS = [
    *(
        "gene_set",
        "target_class",
        "seed",
        "status",
        "reason",
        "evidence.generator.energy_ratio",
        "evidence.mean_shift.energy_ratio",
    ),
    *("target_model.test_accuracy", "target_model.test_balanced_accuracy", "perturbation.f_accuracy"),
    "verdict.realistic.answer",
]
RANDOM_COLUMNS = [
    *("gene_set", "target_class", "n_random", "energy_ratio", "random_energy_ratio", "energy_p_value"),
    *("hit_rate", "random_hit_rate", "hit_rate_p_value"),
]
STABILITY_COLUMNS = [
    *("gene_set", "target_class", "direction", "rank", "gene", "mean_perturbation", "selection_frequency"),
    *("sign_agreement", "weight", "n_seeds", "phi", "phi_low", "phi_high"),
]
FREQUENCY_COLUMNS = [
    *("gene_set", "direction", "gene", "n_runs", "n_runs_total", "frequency", "n_targets", "n_targets_total")
]


def small_runs() -> pd.DataFrame:
    runs = pd.DataFrame(RUNS, columns=COLUMNS)
    runs["n_genes"] = runs["gene_set"].map({"SMALL": 10, "": 3000})
    paths = [f"runs/{name or 'all'}.{target}.seed-{seed}.3f" for name, target, seed in runs.iloc[:, :3].to_numpy()]
    runs["run"] = np.where(runs["status"] == "skipped", "", paths)
    runs["report"] = np.where(
        (runs["status"] == "done") & (runs["gene_set"] == "SMALL"), runs["run"] + "/report.html", ""
    )
    return runs


def small_sweep() -> SweepTables:
    random = [
        ("SMALL", "Lung", 99, 0.15, 0.25, 0.01, 0.9, 0.8, 0.02),
        ("SMALL", "Liver", 99, 0.45, 0.40, 0.50, 0.7, 0.8, 0.60),
        ("", "Lung", 99, 0.03, 0.05, 0.04, 1.0, 0.9, 0.10),
    ]
    stability = [
        ("SMALL", "Lung", "up", 1, "GENE1", 0.41, 1.0, 1.0, 0.4, 2, 0.8, 0.7, 0.9),
        ("SMALL", "Lung", "up", 2, "GENE2", 0.22, 0.5, 1.0, 0.1, 2, 0.8, 0.7, 0.9),
        ("SMALL", "Lung", "down", 1, "GENE3", -0.33, 1.0, 1.0, 0.3, 2, 0.8, 0.7, 0.9),
        ("", "Lung", "up", 1, "GENE1", 0.50, 1.0, 1.0, 0.5, 2, 0.3, 0.2, 0.4),
    ]
    frequency = [
        ("SMALL", "up", "GENE2", 1, 3, 1 / 3, 1, 2),
        ("SMALL", "up", "GENE1", 3, 3, 1.0, 2, 2),
        ("SMALL", "down", "GENE3", 2, 3, 2 / 3, 1, 2),
    ]
    return SweepTables(
        small_runs(),
        pd.DataFrame(random, columns=RANDOM_COLUMNS),
        pd.DataFrame(stability, columns=STABILITY_COLUMNS),
        pd.DataFrame(frequency, columns=FREQUENCY_COLUMNS),
    )


def runs_alone(runs: pd.DataFrame) -> SweepTables:
    empty = [pd.DataFrame(columns=names) for names in (RANDOM_COLUMNS, STABILITY_COLUMNS, FREQUENCY_COLUMNS)]
    return SweepTables(runs, *empty)


HOSTILE = [
    "</script><script>document.title='OWNED'</script>",
    "<img src=x onerror=\"document.title='OWNED'\">",
    "'\"><svg onload=document.title='OWNED'>",
    "{{ 7 * 7 }}{% raw %}\u2028",
    "<!--<script>",
    "javascript:document.title='OWNED'",
]


def hostile_sweep() -> SweepTables:
    """The small sweep with names that attack the page."""
    names = dict(zip(["SMALL", "Lung", "Liver", "GENE1", "GENE2", "GENE3"], HOSTILE, strict=True))
    tables = small_sweep()
    renamed = [table.replace(names) for table in (tables.random_gene_sets, tables.stability, tables.gene_frequency)]
    runs = tables.runs.replace(names)
    runs["reason"] = runs["reason"].str.replace("training diverged", HOSTILE[0])
    runs["report"] = np.where(runs["report"] != "", "javascript:document.title='OWNED'//" + HOSTILE[1], "")
    return SweepTables(runs, *renamed)


def wide_sweep(n_targets: int, n_sets: int = 3) -> SweepTables:
    """Gene sets with long names by many targets: the energy ratio of a pair is its number by the number of pairs."""
    n = n_targets * n_sets
    sets, targets = [f"SET_{'X' * 200}_{i}" for i in range(n_sets)], [f"النسيج number {i}" for i in range(n_targets)]
    runs = pd.DataFrame([(one, target, 0) for one in sets for target in targets], columns=COLUMNS[:3])
    runs = runs.assign(n_genes=10, status="done", reason="", run="", report="")
    runs["evidence.generator.energy_ratio"] = np.arange(n) / n
    runs["verdict.realistic.answer"] = ["pass" if place < n / 2 else "fail" for place in range(n)]
    stability = pd.DataFrame(
        [(sets[0], targets[0], "up", rank, f"GENE{rank}", 0.5, 1.0, 1.0, 0.5, 1, *[np.nan] * 3) for rank in (1, 2)],
        columns=STABILITY_COLUMNS,
    )
    frequency = pd.DataFrame(
        [
            (sets[0], way, f"GENE{i}", 40 - i, 40, 1 - i / 40, 1, n_targets)
            for way in ("up", "down")
            for i in range(1, 16)
        ],
        columns=FREQUENCY_COLUMNS,
    )
    return SweepTables(runs, pd.DataFrame(columns=RANDOM_COLUMNS), stability, frequency)
