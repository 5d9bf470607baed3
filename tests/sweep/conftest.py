"""A small study as a user would have it: text files, gene sets, a sweep file, and one finished sweep to read."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from tspg.sweep import run as front
from tspg.sweep.job import run_job
from tspg.sweep.plan import read_plan

SWEEP = """
[data]
expression = "expression.tsv"
labels = "samples.tsv"
label_column = "label"
gene_sets = "sets.gmt"

[sweep]
gene_sets = {gene_sets}
target_classes = {target_classes}
seeds = {seeds}
group-column = "donor"
target_epochs = 2
steps = 4
annotations = "OURS=known.gmt"
random_gene_sets = {random_gene_sets}
{more}
"""


class Study:
    """A folder with the files of a study; `write` puts a sweep file beside them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(
        self,
        name="sweep.toml",
        *,
        gene_sets=("PLANTED", "OTHER"),
        target_classes=("target", "beta"),
        seeds=(0,),
        random_gene_sets=0,
        more="",
    ):
        quoted = {"gene_sets": list(gene_sets), "target_classes": list(target_classes)}
        text = SWEEP.format(
            **{key: str(value).replace("'", '"') for key, value in quoted.items()},
            seeds=list(seeds),
            random_gene_sets=random_gene_sets,
            more=more,
        )
        path = self.folder / name
        path.write_text(text)
        return path


@pytest.fixture(scope="session")
def study(planted, tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    table = pd.DataFrame(planted.adata.X, index=planted.adata.obs_names, columns=planted.adata.var_names)
    table.to_csv(folder / "expression.tsv", sep="\t", index_label="sample", float_format="%.3f")
    planted.adata.obs.to_csv(folder / "samples.tsv", sep="\t", index_label="sample")
    genes = list(planted.adata.var_names)
    sets = {"PLANTED": genes[:16], "OTHER": genes[8:30], "TINY": [*genes[:4], "ABSENT"], "NONE": ["NOT", "HERE"]}
    (folder / "sets.gmt").write_text("".join(f"{name}\tx\t" + "\t".join(of) + "\n" for name, of in sets.items()))
    (folder / "known.gmt").write_text("KNOWN UP\tx\t" + "\t".join(genes[:6]) + "\nMORE\tx\t" + "\t".join(genes[6:20]))
    return Study(folder)


@pytest.fixture(scope="session")
def finished_config(study):
    more = 'keep = "metrics"'
    return study.write("finished.toml", gene_sets=["PLANTED", "TINY"], seeds=[0, 1], random_gene_sets=19, more=more)


@pytest.fixture(scope="session")
def finished(finished_config, tmp_path_factory):
    """Plan, folder and summary of a sweep that was made in this process; tests must not write into it."""
    pytest.importorskip("snakemake")
    out = tmp_path_factory.mktemp("finished") / "sweep"

    def run_jobs(plan, out, **_):
        for job in plan.jobs:
            run_job(plan, job, out)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(front, "run_snakemake", run_jobs)
        lines = front.sweep(finished_config, out, cores=1, profile=None, progress=lambda *_: None)
    return read_plan(out), out, lines


@pytest.fixture
def finished_copy(finished, finished_config, tmp_path):
    """The sweep file and a copy of its finished sweep to write into."""
    return finished_config, shutil.copytree(finished[1], tmp_path / "copy", copy_function=shutil.copy2)
