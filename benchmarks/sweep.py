"""What a sweep takes: wall and CPU time beside the same runs one by one, disk space, planning, collecting.

    python benchmarks/sweep.py --data DATA --out DIR [--cores 2] [--alone 36]
    python benchmarks/sweep.py --plan --out DIR [--sets 50] [--targets 53] [--seeds 5]

The first makes 6 Hallmark sets x 3 organs x 2 seeds of `normal_tissues` as a sweep, then some or all of these runs by
single `tspg run`s of as many threads, and compares the CPU time of both. The second plans a study of the paper's
size on a small synthetic matrix: Snakemake's dry run, with one run a job; and it collects as many made-up runs.
"""

import argparse
import json
import os
import resource
import shlex
import subprocess
import sys
import time
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
from synthetic import gtex_like

import tspg

HALLMARK = "genesets/h.all.v2023.2.Hs.symbols.gmt.gz"
NAMES = ("HEDGEHOG_SIGNALING", "PEROXISOME", "APOPTOSIS", "E2F_TARGETS", "MYOGENESIS", "OXIDATIVE_PHOSPHORYLATION")
TRAINING = ("target_model", "generator")
TOML = """
[data]
expression = {expression}
label_column = {label_column}
gene_sets = {gene_sets}
[sweep]
gene_sets = {names}
target_classes = {targets}
seeds = {seeds}
group_column = "donor"
keep = {keep}
random_gene_sets = {random}
{more}
"""


def main() -> None:
    """Do one of the two."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--alone", type=int, default=36, help="how many of the runs to make by themselves")
    parser.add_argument("--keep", default="all")
    parser.add_argument("--random", type=int, default=0, help="random gene sets for each gene set")
    parser.add_argument("--plan", action="store_true")
    parser.add_argument("--sets", type=int, default=50)
    parser.add_argument("--targets", type=int, default=53)
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    if options.plan:
        plan_whole_study(options)
    else:
        sweep_and_single_runs(options)


def write(path: Path, *, more: str = "", **values: object) -> None:
    """A sweep file."""
    path.write_text(TOML.format(**{name: json.dumps(value) for name, value in values.items()}, more=more))


def measured(command: list[str]) -> tuple[float, float, str]:
    """Wall and CPU seconds of a command with all that it starts, and what it printed."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own program
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{shlex.join(command)}\n{done.stdout}{done.stderr}")
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


def tspg_command(*words: str) -> list[str]:
    """A command of the program under test."""
    return [sys.executable, "-m", "tspg", *words]


def size(folder: Path) -> float:
    """Megabytes in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def sweep_and_single_runs(options: argparse.Namespace) -> None:
    """6 x 3 x 2 runs, as a sweep and one by one."""
    data, config, out = options.data.resolve(), options.out / "sweep.toml", options.out / f"sweep-{options.keep}"
    write(
        config,
        expression=str(data / "normal_tissues/normal_tissues.h5ad"),
        label_column="organ",
        gene_sets=[str(data / HALLMARK)],
        names=[f"HALLMARK_{name}" for name in NAMES],
        targets=["Lung", "Liver", "Colon"],
        seeds=[0, 1],
        keep=options.keep,
        random=options.random,
    )
    sweep = tspg_command("sweep", "--config", str(config), "--out", str(out), "--cores", str(options.cores))
    wall, cpu, _ = measured(sweep)
    table = tspg.read_sweep(out)
    done = table[table["status"] == "done"]
    spent = done.filter(like="seconds.").drop(columns="seconds.total").sum()
    training = spent[[f"seconds.{name}" for name in TRAINING]].sum()
    print(f"sweep of {len(table)} runs, {len(done)} done, {options.cores} cores: {wall:.0f} s wall, {cpu:.0f} s CPU")
    print(f"share of the cores' time not spent training: {1 - training / (wall * options.cores):.0%}")
    for name, value in spent.sort_values(ascending=False).items():
        print(f"  {name.removeprefix('seconds.'):<14}{value:>7.0f} s {value / spent.sum():>5.0%}")
    print(f"folder, keep = {options.keep}: {size(out):.0f} MB, of which runs {size(out / 'runs'):.0f} MB")
    again, _, _ = measured(sweep)
    print(f"the same command again, with nothing to do: {again:.1f} s")
    if options.alone:
        commands = [line.split("\t")[-1] for line in measured([*sweep, "--list"])[2].splitlines()[1:]]
        chosen = commands[:: max(1, len(commands) // options.alone)][: options.alone]
        alone = [measured(single(command, options.out / "alone" / str(at))) for at, command in enumerate(chosen)]
        each_wall, each_cpu = (float(np.mean([one[at] for one in alone])) for at in (0, 1))
        print(f"{len(chosen)} of these runs alone: {each_wall:.1f} s wall, {each_cpu:.1f} s CPU each")
        print(f"CPU time of a run in the sweep against alone: {cpu / len(done) / each_cpu:.2f}")


def single(command: str, out: Path) -> list[str]:
    """One line of `tspg sweep --list`, into another folder."""
    words = shlex.split(command)[1:]
    words[words.index("--out") + 1] = str(out)
    return tspg_command(*words)


def plan_whole_study(options: argparse.Namespace) -> None:
    """A dry run with one run a job, and the tables of as many runs."""
    genes, size_of_set = 2000, 150
    adata = gtex_like(n_samples=options.targets * 12, n_genes=genes, n_classes=options.targets)
    adata.write_h5ad(options.out / "study.h5ad")
    rng = np.random.default_rng(0)
    sets = [rng.choice(adata.var_names, size_of_set, replace=False) for _ in range(options.sets)]
    lines = [f"SET_{number:03d}\tx\t" + "\t".join(of) for number, of in enumerate(sets)]
    (options.out / "sets.gmt").write_text("\n".join(lines) + "\n")
    config, out = options.out / "plan.toml", options.out / "whole"
    write(
        config,
        expression="study.h5ad",
        label_column="tissue",
        gene_sets=["sets.gmt"],
        names=["*"],
        targets=["*"],
        seeds=list(range(options.seeds)),
        keep="metrics",
        random=options.random,
        more="targets_per_job = 1",
    )
    command = tspg_command("sweep", "--config", str(config), "--out", str(out), "--dry-run")
    wall, cpu, said = measured(command)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6
    print(f"dry run, one run a job: {wall:.0f} s wall, {cpu:.0f} s CPU, {peak:.2f} GB in the largest process")
    print(said)
    packed = options.out / "packed.toml"
    packed.write_text(config.read_text().replace("targets_per_job = 1", ""))
    wall, cpu, said = measured([*command[:5], str(packed), *command[6:]])
    print(f"dry run, packed: {wall:.0f} s wall, {cpu:.0f} s CPU\n{said}")
    collect_made_up_runs(config, out)


def collect_made_up_runs(config: Path, out: Path) -> None:
    """Fill the folders of all runs with copies of one real run's numbers, and collect them."""
    from tspg.sweep.job import run_job
    from tspg.sweep.plan import read_plan, run_folder
    from tspg.sweep.planning import plan_sweep

    plan, store = plan_sweep(config, out)
    store(out)
    plan = read_plan(out)
    run_job(plan, plan.jobs[0], out)
    real = run_folder(plan.runs_of(plan.jobs[0])[0], out)
    names = ("metrics.json", "genes.tsv", "top_genes.tsv", "manifest.json")
    files = {name: (real / name).read_bytes() for name in names}
    for run in plan.wanted:
        folder = run_folder(run, out)
        folder.mkdir(exist_ok=True)
        for name, content in files.items():
            (folder / name).write_bytes(content)
    wall, cpu, _ = measured(tspg_command("sweep", "--out", str(out), "--job", "tables"))
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6
    print(f"collecting {len(plan.wanted):,} runs: {wall:.0f} s wall, {cpu:.0f} s CPU, {peak:.2f} GB")
    for path in sorted(out.glob("*.*")):
        print(f"  {path.name:<24}{path.stat().st_size / 1e6:8.1f} MB")
    started = time.perf_counter()
    table: pd.DataFrame = tspg.read_sweep(out)
    print(
        f"tspg.read_sweep: {table.shape[0]:,} rows x {table.shape[1]} columns in {time.perf_counter() - started:.1f} s"
    )


if __name__ == "__main__":
    main()
