"""What one further fit for the evidence costs, part by part: the limits of automatic folds rest on it.

    python benchmarks/folds_cost.py --data DATA

Colorectal tumours with fewer samples and genes; CPU seconds, two threads.
"""

import argparse
import os
import time
from pathlib import Path

import tspg

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import anndata
import numpy as np

from tspg.experiment.fit import evidence_of, fit_classifier, fit_target, held_out_folds, prepare_task
from tspg.experiment.task import make_task
from tspg.model.device import fixed_threads
from tspg.utils.progress import silent
from tspg.utils.timing import Clock

SAMPLES, GENES = (150, 300, 459), (200, 4218, 17471)


def main() -> None:
    """Fit once for each size and print where the time went."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    adata = anndata.read_h5ad(parser.parse_args().data / "tcga_coadread" / "tcga_coadread.h5ad")
    rng = np.random.default_rng(0)
    for n in SAMPLES:
        for genes in GENES:
            rows, columns = (np.sort(rng.choice(*size, replace=False)) for size in ((459, n), (adata.n_vars, genes)))
            one_fit(adata[rows, columns].copy())


def one_fit(adata: anndata.AnnData) -> None:
    """Fit f and the method without the samples of one of five folds, and judge them by these."""
    task = make_task(
        adata, "GI.MSI", label_column="subtype", group_column="patient", annotations=(), training=tspg.Training(folds=5)
    )
    marks = []
    with fixed_threads(task.config.threads):
        held_out = held_out_folds(prepare_task(task), 5, seed=0) == 0
        marks.append(time.process_time())
        classifier = fit_classifier(task, Clock(), is_train=~held_out)
        marks.append(time.process_time())
        fitted = fit_target(classifier, task, Clock(), silent)
        marks.append(time.process_time())
        evidence_of(fitted, task)
        marks.append(time.process_time())
    f, method, evidence = np.diff(marks)
    print(
        f"{adata.shape}: f {f:.1f}, method {method:.1f}, evidence {evidence:.1f}; {marks[-1] - marks[0]:.1f} s",
        flush=True,
    )


if __name__ == "__main__":
    main()
