"""`tspg inspect`: what is in the files, and how long a run will take."""

import json
from argparse import Namespace

from tspg.cli import inputs
from tspg.data.genesets import read_gene_sets
from tspg.utils.progress import Progress
from tspg.utils.timing import Clock


def run(options: Namespace, progress: Progress) -> list[str]:
    """What the files hold."""
    from tspg.experiment.inspect import inspect_data

    gene_sets = read_gene_sets(*options.gene_sets) if options.gene_sets else None
    with Clock(progress).phase("read"):
        adata = inputs.profiles(options, refuse_linear=False)
    found = inspect_data(adata, label_column=inputs.label_column(options, adata), gene_sets=gene_sets)
    return json.dumps(found.as_dict(), indent=1, allow_nan=False).split("\n") if options.json else found.lines()
