"""`tspg sweep`: gene sets x targets x seeds, or one job of them."""

from argparse import Namespace

from tspg.errors import UsageError
from tspg.sweep.worker import do_job
from tspg.utils.progress import Progress


def run(options: Namespace, progress: Progress) -> list[str]:
    """Plan all runs; then list or make them."""
    if options.job is not None:
        return do_job(options.out, options.job)
    if options.config is None:
        raise UsageError("Give the sweep file: --config FILE.toml.")
    from tspg.sweep import run as sweeps  # what a job that is finished does without

    if options.list:
        return sweeps.list_runs(options.config, options.out)
    if options.dry_run:
        return sweeps.dry_run_text(options.config, options.out, cores=options.cores, profile=options.profile)
    return sweeps.sweep(options.config, options.out, cores=options.cores, profile=options.profile, progress=progress)
