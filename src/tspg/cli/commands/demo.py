"""`tspg demo`: the embedded colorectal tumours, all four subtypes, moved to GI.MSI."""

from argparse import Namespace

from tspg.data.demo import demo_data, demo_gene_sets
from tspg.model.config import Training
from tspg.utils.lock import new_folder
from tspg.utils.progress import Progress

QUICK = 3  # epochs of f, for a smoke test


def run(options: Namespace, progress: Progress) -> list[str]:
    """One run folder from the embedded data."""
    with new_folder(options.out):
        from tspg.audit.inputs import DEMO
        from tspg.cli.summary import summary
        from tspg.experiment import run as experiment
        from tspg.report.save import write_run

        found = experiment.run(
            demo_data(),
            label_column="subtype",
            group_column="patient",
            target_class="GI.MSI",
            gene_set=demo_gene_sets().union(),
            training=Training(target_epochs=QUICK if options.quick else None, folds=1),
            progress=progress,
        )
        write_run(found, options.out, reading={"expression": DEMO}, progress=progress)
    smoke = [f"Smoke test: f learned for {QUICK} epochs only, so what it says means nothing."]
    return [*(smoke if options.quick else []), *summary(options.out)]
