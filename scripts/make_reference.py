"""The page of every command and option: `python scripts/make_reference.py` writes docs/reference/command_line.md.

With `--check` it writes nothing, and its exit code is 1 if the page is not what the program says of itself.
"""

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tspg.cli.main import build_parser
from tspg.errors import TspgError

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "command_line.md"
TOP = """# Command line

Every command and option, written by the program itself (`python scripts/make_reference.py`); `tspg COMMAND --help`
says it in short. An option that takes several values takes them in one go or one by one: `--source A B` is
`--source A --source B`. Options are written in full. What the commands leave behind: [files](files.md).
"""
WIDTH = 100  # of a usage line
DEFAULT = re.compile(r" \(default: (.*)\)$")


def page() -> str:
    """The whole page as Markdown."""
    parser = build_parser()
    commands = dict(commands_of(parser))
    listed = "\n".join(f"| [`tspg {name}`](#tspg-{name}) | {does(one)} |" for name, one in commands.items())
    overview = f"{usage(parser, 'tspg COMMAND')}\n\n{table(parser)}\n\n| command | |\n|---|---|\n{listed}"
    parts = [f"## `tspg {name}`\n\n{does(one)}\n\n{described(one)}" for name, one in commands.items()]
    return "\n\n".join([TOP.strip(), overview, *parts, exit_codes()]) + "\n"


def commands_of(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Each sub-command with its own parser."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.items()


def does(parser: argparse.ArgumentParser) -> str:
    """What a command does: its description without the example."""
    return cell(str(parser.description).partition("\n")[0])


def described(parser: argparse.ArgumentParser) -> str:
    """An example of a command, how it is written, and a table of its options."""
    example = str(parser.description).splitlines()[-1].strip()
    return f"```text\n{example}\n```\n\n{usage(parser, parser.prog)}\n\n{table(parser)}"


def usage(parser: argparse.ArgumentParser, start: str) -> str:
    """The command with all that it takes, in lines that fit."""
    lines = [start]
    for word in words(parser):
        if len(lines[-1]) + len(word) >= WIDTH:
            lines.append(" " * len(start))
        lines[-1] += f" {word}"
    return "```text\n" + "\n".join(lines) + "\n```"


def words(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Options as a usage line shows them: in brackets if they may be left out, with bars if one of them is given."""
    shown = set()
    for action in own(parser):
        group = next((one for one in parser._mutually_exclusive_groups if action in one._group_actions), None)
        if group is None:
            yield written(action) if action.required or not action.option_strings else f"[{written(action)}]"
        elif id(group) not in shown:
            shown.add(id(group))
            ones = " | ".join(written(one) for one in group._group_actions)
            yield f"({ones})" if group.required else f"[{ones}]"


def own(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """What a command takes, but for `--help` and its sub-commands; what must be given comes first."""
    passed = (argparse._HelpAction, argparse._SubParsersAction)
    found = [action for action in parser._actions if not isinstance(action, passed)]
    return sorted(found, key=lambda one: not (one.required or not one.option_strings))


def written(action: argparse.Action) -> str:
    """An option with the name of its value; three dots where it takes several."""
    value = ""
    if action.nargs != 0:
        value = "{" + ",".join(map(str, action.choices)) + "}" if action.choices else str(action.metavar or action.dest)
        value += " ..." if action.nargs in ("+", "*") else ""
    return " ".join(one for one in (action.option_strings[-1] if action.option_strings else "", value) if one)


def table(parser: argparse.ArgumentParser) -> str:
    """A table of the options: what they do, and what holds where they are not given."""
    rows = [
        f"| {code(written(action))} | {cell(meaning(parser, action))} | {default(action)} |" for action in own(parser)
    ]
    return "\n".join(["| option | | if not given |", "|---|---|---|", *rows])


def meaning(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    """The help of an option without its default, and which others it cannot stand beside."""
    others = [
        f"`{other.option_strings[-1]}`"
        for group in parser._mutually_exclusive_groups
        for other in group._group_actions
        if action in group._group_actions and other is not action
    ]
    text = DEFAULT.sub("", said(action))
    return text + (f"; not together with {' or '.join(others)}" if others else "")


def default(action: argparse.Action) -> str:
    """What holds without the option."""
    if control_text := DEFAULT.search(said(action)):
        value = control_text[1]
        return code(value) if value == str(action.default) else cell(value)
    if action.required or not action.option_strings:
        return "must be given"
    nothing: list[Any] = [None, False, [], argparse.SUPPRESS]
    return "" if action.default in nothing else code(str(action.default))


def exit_codes() -> str:
    """A table of what a command's exit code says, from the errors themselves."""
    words: dict[int, list[str]] = {0: ["Done."]}
    for error in sorted(TspgError.__subclasses__(), key=lambda one: one.exit_code):
        first_line = str(error.__doc__).splitlines()[0]
        words.setdefault(error.exit_code, []).append(re.split("[;:.]", first_line)[0] + ".")
    words |= {130: ["Stopped by Ctrl-C."], 143: ["Stopped by SIGTERM, as a cluster's queue sends it."]}
    rows = [f"| {number} | {cell(' '.join(ones))} |" for number, ones in words.items()]
    more = "More of each: [exit codes](exit_codes.md)."
    return "\n".join(["## Exit codes", "", "| code | |", "|---|---|", *rows, "", more])


def said(action: argparse.Action) -> str:
    """What there is to say of an option, at length, with names in it filled in as argparse does."""
    return str(getattr(action, "long", action.help or "")) % {**vars(action), "prog": "tspg"}


def cell(text: str | None) -> str:
    """Text for a cell of a table: options as code, pages as links."""
    marked = re.sub(r"(?<![`\w-])(--[a-z][a-z-]+)", r"`\1`", (text or "").replace("|", "\\|"))
    return re.sub(r"\bdocs/(\w+\.md)", r"[docs/\1](../\1)", marked)


def code(text: str) -> str:
    """Code for a cell of a table."""
    return f"`{text}`".replace("|", "\\|")


def main() -> int:
    """Write the page, or say whether it is up to date."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--check", action="store_true", help="write nothing; exit code 1 if the page is out of date")
    if not options.parse_args().check:
        PAGE.write_text(page(), encoding="utf-8")
        print(f"Written: {PAGE.name}")
    elif PAGE.read_text(encoding="utf-8") != page():
        print(f"{PAGE}: not what the program says of itself. Run: python scripts/make_reference.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
