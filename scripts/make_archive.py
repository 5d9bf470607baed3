"""Write the run folder that later versions must still read: `tests/archives/vVERSION`, once for every release.

    python scripts/make_archive.py

A tiny study by both presets, so that every file a run folder can hold is there. What is archived is never made
again: tests/end_to_end/test_archives.py opens it with the program of today.
"""

import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from anndata import AnnData

import tspg
from tspg.data.annotations import Annotation
from tspg.data.genesets import GeneSet, GeneSets
from tspg.experiment.run import run_experiments
from tspg.experiment.task import make_task
from tspg.model.config import PaperConfig, TargetModelConfig
from tspg.report.save import save_run

ARCHIVES = Path(__file__).resolve().parents[1] / "tests" / "archives"
GENERATORS = {
    "paper": PaperConfig((8, 4), 1, (8,), batch_size=16, steps=20, discriminator_units=(8, 4)),
    "transport": None,
}


def main() -> None:
    """Write one folder a preset, and the profiles that they were made of."""
    folder = ARCHIVES / f"v{tspg.__version__}"
    if folder.exists():
        sys.exit(f"{folder.name} is archived already; what was released does not change")
    study = made_up()
    folder.mkdir(parents=True)
    study.write_h5ad(folder / "study.h5ad")
    for preset, generator in GENERATORS.items():
        f = TargetModelConfig(hidden_units=(8, 4), epochs=20, batch_size=16)
        terms = [Annotation("Terms", GeneSets([GeneSet("HIGH", tuple(study.var_names[:10]))]), "made up")]
        task = make_task(
            study,
            "c",
            label_column="state",
            group_column="person",
            training=tspg.Training(preset=preset, folds=1, threads=1),
            annotations=terms,
        )
        task = replace(task, config=replace(task.config, target_model=f, generator=generator))
        (found,) = run_experiments([task])
        save_run(found, folder / preset, command=["tspg", "run"], xlsx=True)
        shutil.rmtree(folder / preset / "figures")  # they and the report are drawn again from the rest
        (folder / preset / "report.html").unlink()


def made_up() -> AnnData:
    """Forty-five samples of three classes, 24 genes; one class is high in ten of them."""
    rng = np.random.default_rng(0)
    state = np.repeat(["a", "b", "c"], 15)
    values = rng.normal(6, 1, (45, 24))
    values[state == "c", :10] += 3
    obs = pd.DataFrame({"state": state, "person": [f"p{number // 2}" for number in range(45)]})
    obs.index = [f"sample {number}" for number in range(45)]
    var = pd.DataFrame(index=[f"GENE{number}" for number in range(24)])
    return AnnData(values.astype(np.float32), obs, var)


if __name__ == "__main__":
    main()
