"""`tspg report`: figures and report once more, from the files of the folder."""

from argparse import Namespace

from tspg.commands.told import summary
from tspg.progress import Report
from tspg.run_folder import refresh_report


def carry_out(options: Namespace, _report: Report) -> list[str]:
    """Draw the figures and the report of a finished run again."""
    refresh_report(options.run)
    return summary(options.run)
