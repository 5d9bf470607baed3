"""`tspg sweep`: gene sets x targets x seeds, or one job of them."""

from argparse import Namespace

from tspg.errors import UsageError
from tspg.sweep import run
from tspg.utils.progress import Progress


def run_command(options: Namespace, progress: Progress) -> list[str]:
    """Plan the whole sweep; then list it, or do it."""
    if options.job is not None:
        return run.do_job(options.out, options.job)
    if options.config is None:
        raise UsageError("Give the sweep file: --config FILE.toml.")
    if options.list:
        return run.list_runs(options.config, options.out)
    if options.dry_run:
        return run.dry_run_text(options.config, options.out, cores=options.cores, profile=options.profile)
    return run.sweep(options.config, options.out, cores=options.cores, profile=options.profile, progress=progress)
