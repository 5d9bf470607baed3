"""`tspg completion`: what makes a shell complete commands, options and files."""

from argparse import Action, ArgumentParser, Namespace, _SubParsersAction
from collections.abc import Iterator
from pathlib import Path

import shtab

from tspg.cli.parser import build_parser
from tspg.utils.progress import Progress


def run(options: Namespace, _progress: Progress) -> list[str]:
    """The script, for the shell to read."""
    parser = build_parser()
    for action in _actions(parser):
        if action.type is Path:
            action.complete = shtab.DIR if "DIR" in str(action.metavar) else shtab.FILE  # type: ignore[attr-defined]
    return str(shtab.complete(parser, options.shell)).splitlines()


def _actions(parser: ArgumentParser) -> Iterator[Action]:
    """Every option of every command."""
    for action in parser._actions:
        if isinstance(action, _SubParsersAction):
            for command in action.choices.values():
                yield from _actions(command)
        else:
            yield action
