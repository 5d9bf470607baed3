"""The command line: options to one command, its lines to the terminal. Only this module prints or knows exit codes."""

import argparse
import importlib
import signal
import sys
from collections.abc import Sequence

from tspg.errors import ResourceError, TspgError, UsageError
from tspg.machine import is_out_of_memory
from tspg.options import build_parser
from tspg.terminal import ProgressBars, log_to_terminal, printable

INTERRUPTED = {signal.SIGINT: 130, signal.SIGTERM: 143}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one `tspg` command and give its exit code; every foreseen error is one line on stderr."""
    options = build_parser().parse_args(arguments)
    log_to_terminal()
    signal.signal(signal.SIGTERM, _stop)
    try:
        for line in carry_out(options):
            print(printable(line, but="\t"))
    except TspgError as error:
        for line in getattr(error, "lines", ()):
            print(printable(line, but="\t"))
        kept = _kept(options) if isinstance(error, ResourceError) else ""
        said = error.on_command_line if isinstance(error, UsageError) else str(error)
        print(f"tspg: error: {printable(f'{said} Then, {kept}' if kept else said)}", file=sys.stderr)
        return error.exit_code
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        print(
            "tspg: error: not enough memory. Use fewer genes (--gene-sets) or a larger machine; "
            "`tspg inspect` tells what to expect.",
            file=sys.stderr,
        )
        return 4
    except KeyboardInterrupt as stopped:
        print(f"tspg: interrupted; {_kept(options) or 'nothing half-written is left behind.'}", file=sys.stderr)
        return stopped.args[0] if stopped.args else INTERRUPTED[signal.SIGINT]
    return 0


def carry_out(options: argparse.Namespace) -> list[str]:
    """Do what the options ask for; the libraries are only imported now, so that help is instant."""
    command = importlib.import_module(f"tspg.commands.{options.command}")
    bars = ProgressBars()
    try:
        lines: list[str] = command.carry_out(options, bars)
    finally:
        bars.close()
    return lines


def _stop(signum: int, _frame: object) -> None:
    raise KeyboardInterrupt(INTERRUPTED[signal.Signals(signum)])


def _kept(options: argparse.Namespace) -> str:
    """Where the training of a run that was stopped goes on; empty if there is none."""
    from tspg.claim import CHECKPOINTS  # by now it was loaded anyway

    if options.command != "run" or not (options.out / CHECKPOINTS).is_dir():
        return ""
    return f"the same command with --resume goes on with the training, which is kept in {options.out}."


if __name__ == "__main__":
    sys.exit(main())
