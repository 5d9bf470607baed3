"""`tspg report`: figures and report once more, from the files of the folder."""

from argparse import Namespace

from tspg.report.manifest import read_manifest
from tspg.utils.progress import Progress


def run(options: Namespace, progress: Progress) -> list[str]:
    """Draw the figures and the report of a finished run again."""
    read_manifest(options.run)  # a folder without a run is refused before anything that draws is loaded
    from tspg.cli.summary import summary
    from tspg.report.save import refresh_report

    refresh_report(options.run, options.figures, progress)
    return summary(options.run)
