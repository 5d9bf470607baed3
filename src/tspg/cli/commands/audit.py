"""`tspg audit`: a finished run put to the test."""

from argparse import Namespace

from tspg.cli.terminal import wrapped
from tspg.report.manifest import read_manifest
from tspg.utils.lock import locked
from tspg.utils.progress import Progress

INDENT = 12  # of a control, behind its answer


def run(options: Namespace, progress: Progress) -> list[str]:
    """The controls of a finished run; those finished before are not repeated."""
    read_manifest(options.run)  # before a lock is put where there is no run
    from tspg.audit.run import audit_metrics, audit_run
    from tspg.cli.summary import summary
    from tspg.report.read import read_run
    from tspg.report.save import add_tables

    with locked(options.run):
        found = audit_run(options.run, quick=options.quick, technical=options.technical, progress=progress)
        tables = {"controls": found.controls, "stable_genes": found.stable_genes, "evidence": found.evidence}
        add_tables(options.run, tables, audit_metrics(found, read_run(options.run)))
    return [part for line in found.lines() for part in wrapped(line, INDENT)] + summary(options.run)
