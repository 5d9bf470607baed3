"""`tspg inspect`: what is in the files, and how long a run will take."""

import json
from argparse import Namespace

from tspg.cli import inputs
from tspg.cli.terminal import wrapped
from tspg.data.genesets import read_gene_sets
from tspg.utils.progress import Progress
from tspg.utils.timing import Clock

INDENT = 12  # of what is said, behind what it is about


def run(options: Namespace, progress: Progress) -> list[str]:
    """What the files hold."""
    from tspg.experiment.inspect import inspect_data

    gene_sets = read_gene_sets(*options.gene_sets) if options.gene_sets else None
    with Clock(progress).phase("read"):
        adata = inputs.profiles(options, refuse_linear=False)
    found = inspect_data(adata, label_column=inputs.label_column(options, adata), gene_sets=gene_sets)
    if options.json:
        return json.dumps(found.as_dict(), indent=1, allow_nan=False).split("\n")
    return [part for line in found.lines() for part in wrapped(line, INDENT)]
