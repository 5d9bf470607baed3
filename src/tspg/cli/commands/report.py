"""`tspg report`: figures and report once more, from the files of the folder."""

from argparse import Namespace

from tspg.cli.summary import summary
from tspg.report.save import refresh_report
from tspg.utils.progress import Progress


def run(options: Namespace, progress: Progress) -> list[str]:
    """Draw the figures and the report of a finished run again."""
    refresh_report(options.run, options.figures, progress)
    return summary(options.run)
