"""The command line: options to one command, its lines to the terminal. Only this module prints or knows exit codes."""

import argparse
import importlib
import os
import signal
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from tspg.cli.bars import ProgressBars
from tspg.cli.parser import build_parser
from tspg.cli.terminal import Forbearing, flushed, log_to_terminal, open_terminal, printable
from tspg.errors import ResourceError, TspgError, UsageError
from tspg.model.config import check_options
from tspg.utils.resources import is_out_of_memory

INTERRUPTED = {signal.SIGINT: 130, signal.SIGTERM: 143}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one `tspg` command and give its exit code; every foreseen error is one line on stderr."""
    open_terminal()
    os.environ.setdefault(
        "OMP_WAIT_POLICY", "PASSIVE"
    )  # as in tspg/__init__.py, for all libraries and jobs of this program
    try:
        return _run(build_parser().parse_args(arguments))
    finally:
        _print(())  # argparse prints, too
        flushed(sys.stderr)


def _run(options: argparse.Namespace) -> int:
    log_to_terminal()
    signal.signal(signal.SIGTERM, _stop)
    try:
        _require_text(options)
        check_options(vars(options))
        _print(run_command(options))
    except TspgError as error:
        _print(getattr(error, "lines", ()))
        message = error.on_command_line if isinstance(error, UsageError) else str(error)
        kept = _kept(options) if isinstance(error, ResourceError) else ""
        _print_error(f"error: {message} Then, {kept}" if kept else f"error: {message}")
        return error.exit_code
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        _print_error(
            "error: not enough memory. Use fewer genes (--gene-sets) or a larger machine; `tspg inspect` says what to "
            "expect."
        )
        return 4
    except KeyboardInterrupt as stopped:
        _print_error(f"interrupted; {_kept(options) or 'nothing half-written is left behind.'}")
        return stopped.args[0] if stopped.args else INTERRUPTED[signal.SIGINT]
    return 0


def run_command(options: argparse.Namespace) -> list[str]:
    """Run the command of the options; the libraries are only imported now, so that help is instant."""
    command = importlib.import_module(f"tspg.cli.commands.{options.command}")
    bars = ProgressBars()
    bars("start", 0, 1, {})
    try:
        lines: list[str] = command.run(options, bars)
    finally:
        bars.close()
    return lines


def _print(lines: Iterable[str]) -> None:
    """Print what was found; a tab stays a tab. Somebody who closed the pipe has read enough."""
    fault = None
    try:
        for line in lines:
            print(printable(line, but="\t"))
    except OSError as error:
        fault = error
    fault = flushed(sys.stdout) or fault
    if fault is not None and not isinstance(fault, BrokenPipeError):
        _print_error(f"what was found could not be printed here ({fault.strerror}); nothing else was lost.")


def _print_error(message: str) -> None:
    """Print what went wrong."""
    print(f"tspg: {printable(message)}", file=Forbearing(sys.stderr))


def _require_text(options: argparse.Namespace) -> None:
    """Refuse names that are no text: no report, table or manifest could hold them."""
    for value in vars(options).values():
        for name in value if isinstance(value, list) else [value]:
            if isinstance(name, str | Path):
                try:
                    os.fsencode(name).decode()
                except UnicodeDecodeError as error:
                    raise UsageError(
                        f"{os.fsencode(name)!r} is no name in UTF-8. Rename the file or folder."
                    ) from error


def _stop(signum: int, _frame: object) -> None:
    raise KeyboardInterrupt(INTERRUPTED[signal.Signals(signum)])


def _kept(options: argparse.Namespace) -> str:
    """Where the training of a run that was stopped goes on; empty if there is none."""
    from tspg.utils.lock import CHECKPOINTS  # by now it was loaded anyway

    if options.command != "run" or not (options.out / CHECKPOINTS).is_dir():
        return ""
    return f"the same command with --resume goes on with the training, which is kept in {options.out}."


if __name__ == "__main__":
    sys.exit(main())
