"""Write what the tests of the Galaxy tools read: `packaging/galaxy/test-data`.

    python scripts/make_galaxy_test_data.py

The small study of the nf-core process, as text and as H5AD; one new profile; a model with few weights.
"""

import shutil
import tarfile
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from anndata import AnnData

import tspg
from tspg.experiment.run import run_experiments
from tspg.experiment.task import make_task
from tspg.model.config import TargetModelConfig
from tspg.report.save import save_run

PACKAGING = Path(__file__).resolve().parents[1] / "packaging"
STUDY = PACKAGING / "nf-core" / "tspg" / "run" / "tests"
OUT = PACKAGING / "galaxy" / "test-data"
ODD_CLASS = 'after 5\' of "drug [A]"'  # what a shell or Galaxy might take apart


def main() -> None:
    """Write every file anew."""
    OUT.mkdir(exist_ok=True)
    for name in ("expression.tsv", "labels.tsv"):
        shutil.copyfile(STUDY / name, OUT / name)
    (OUT / "gene_sets.gmt").write_text(
        "RAISED\tmade up\t" + "\t".join(f"GENE{n}" for n in range(1, 7)) + "\n"
        "OTHERS\tmade up\t" + "\t".join(f"GENE{n}" for n in range(7, 12)) + "\n"
    )
    values = pd.read_table(STUDY / "expression.tsv", index_col=0)
    values.iloc[:1].rename(index={"s1": "patient 1"}).to_csv(OUT / "patient.tsv", sep="\t")
    labels = pd.read_table(STUDY / "labels.tsv", header=None, index_col=0)[1]
    as_h5ad(values, labels).write_h5ad(OUT / "study.h5ad", compression="gzip")
    write_model(values, labels, OUT / "model.tar")


def as_h5ad(values: pd.DataFrame, labels: pd.Series) -> AnnData:
    """The study on a linear scale, its controls as two classes, with two samples a donor, in two batches."""
    number = np.arange(len(values))
    control = np.where(number % 4 < 2, "healthy", "diseased")
    obs = pd.DataFrame(
        {
            "state": np.where(labels.loc[values.index] == "treated", ODD_CLASS, control),
            "donor": [f"d{one // 2}" for one in number],
            "batch": np.where(number % 3 == 0, "first", "second"),
        },
        index=values.index,
    )
    return AnnData((2**values - 1).to_numpy(dtype=np.float32), obs, pd.DataFrame(index=values.columns))


def write_model(values: pd.DataFrame, labels: pd.Series, file: Path) -> None:
    """The model of a run, as the Galaxy tool packs it."""
    task = make_task(
        AnnData(values.astype(np.float32), pd.DataFrame({"label": labels.loc[values.index]})),
        "treated",
        label_column="label",
        training=tspg.Training(folds=1, threads=1),
    )
    f = TargetModelConfig(hidden_units=(8, 4), epochs=20, batch_size=16)
    (found,) = run_experiments([replace(task, config=replace(task.config, target_model=f))])
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        save_run(found, run, command=["tspg", "run"])
        with tarfile.open(file, "w") as packed:
            packed.add(run / "model", "model", filter=of_nobody)


def of_nobody(about: tarfile.TarInfo) -> tarfile.TarInfo:
    """A file's entry without owner and day, so that the same model gives the same bytes."""
    about.mtime, about.uid, about.gid, about.uname, about.gname = 0, 0, 0, "", ""
    return about


if __name__ == "__main__":
    main()
