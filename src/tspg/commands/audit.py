"""`tspg audit`: a finished run put to the test."""

from argparse import Namespace

from tspg.claim import claimed
from tspg.commands.told import summary
from tspg.manifest import read_manifest
from tspg.progress import Report
from tspg.report.run_files import read_run
from tspg.run_folder import add_tables


def carry_out(options: Namespace, report: Report) -> list[str]:
    """The controls of a finished run; those finished before are not repeated."""
    from tspg.audit.conduct import audit_metrics, audit_run

    read_manifest(options.run)  # before a lock is put where there is no run
    with claimed(options.run):
        found = audit_run(options.run, quick=options.quick, technical=options.technical, report=report)
        tables = {"controls": found.controls, "stable_genes": found.stable_genes, "evidence": found.evidence}
        add_tables(options.run, tables, audit_metrics(found, read_run(options.run)))
    return [*found.lines(), *summary(options.run)]
