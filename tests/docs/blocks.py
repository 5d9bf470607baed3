"""Read the code blocks of a document and follow them as a reader would: in order, in one folder.

A notebook is followed alike (`notebooks.py`): its code cells are the blocks.

Comments directly above a block say how it is followed; a comment that is not one of these is an error:

    <!-- not run: REASON -->        the block is only checked to be there (installing, downloads, clusters)
    <!-- test with: OPTIONS -->     options added to its one command that takes long, so that the test is short; to
                                    `tspg run` one fold is added, too
    <!-- exits: CODE -->            its last command ends with this exit code
    <!-- needs: MODULE -->          the block is left out where the module is not installed
    <!-- as printed -->             above a ```text block: the block before printed these lines, but for numbers
    <!-- files: NAME -->            anywhere: files that the reader is supposed to have (tests/docs/readers_files.py)
"""

import contextlib
import importlib.util
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tspg.cli.main import main

RUN = ("bash", "python")
LONG = re.compile(r"tspg (?:audit|demo|perturb|run|sweep) ")  # what can be made short
MARKS = ("not run", "test with", "exits", "needs", "as printed", "files")
COMMENT = re.compile(r"<!--\s*(.*?)\s*-->")
FENCE = re.compile(r"(\s*)```(\S*)")
NUMBER = re.compile(r"[−-]?\d[\d.,]*")
FOR_A_SHELL = re.compile(r"[|&;<>$`*~]")
CLOSES_A_PIPE = re.compile(r"(?<!\|)\|&?\s*(head\b|sed \d+q|grep\b[^|]*\s-(\w*q|m|-quiet))")


@dataclass(frozen=True)
class Block:
    """One fenced block: its language, text, first line in the document, and the comments above it."""

    language: str
    text: str
    line: int
    marks: dict[str, str] = field(default_factory=dict)


@dataclass
class Printed:
    """What a block printed, and the exit code of its last command."""

    text: str = ""
    code: int = 0


def blocks_of(text: str) -> list[Block]:
    """Every fenced block of a document, in order, with the comments that stand directly above it."""
    found: list[Block] = []
    marks: dict[str, str] = {}
    lines = enumerate(text.splitlines(), start=1)
    for number, line in lines:
        comment, fence = COMMENT.fullmatch(line.strip()), FENCE.match(line)
        if comment:
            name, _, value = comment[1].partition(":")
            marks[name.strip()] = value.strip()
        elif fence:
            body = _until_closed(lines, fence[1])
            unknown = set(marks) - set(MARKS)
            if unknown and fence[2] in RUN:
                raise ValueError(f"line {number}: nobody knows what {sorted(unknown)} above a block means")
            found.append(Block(fence[2], body, number, marks))
            marks = {}
        elif line.strip():
            marks = {}
    return found


def _until_closed(lines: Iterator[tuple[int, str]], indent: str) -> str:
    body = []
    for _, line in lines:
        if line.strip() == "```":
            return textwrap.dedent("\n".join(body)) + "\n"
        body.append(line)
    raise ValueError(f"a block is never closed (indented by {len(indent)})")


def files_named_in(text: str) -> list[str]:
    """The kinds of files that a document says its reader has."""
    return [name for names in re.findall(r"<!--\s*files:\s*(.*?)\s*-->", text) for name in names.split(", ")]


class Reader:
    """Follows a document in a folder; `demos` keeps the demo's results, which many documents begin with."""

    def __init__(self, folder: Path, demos: Path) -> None:
        self.folder, self.demos = folder, demos
        self.names: dict[str, Any] = {"__name__": "__main__"}

    def follow(self, text: str) -> None:
        """Run every block that can run; the first that does not do what the document says is an error."""
        before = Printed()
        with contextlib.chdir(self.folder):
            for block in blocks_of(text):
                if block.language in RUN and "not run" not in block.marks:
                    missing = [name for name in block.marks.get("needs", "").split() if not _is_installed(name)]
                    before = self._run(block) if not missing else Printed()
                elif "as printed" in block.marks:
                    _require_printed(block, before.text)

    def _run(self, block: Block) -> Printed:
        try:
            printed = self._python(block) if block.language == "python" else self._bash(block)
        except Exception as error:
            error.add_note(f"in the block at line {block.line}:\n{block.text}")
            raise
        expected = int(block.marks.get("exits", 0))
        assert printed.code == expected, f"line {block.line}: exit code {printed.code}\n{block.text}\n{printed.text}"
        return printed

    def _python(self, block: Block) -> Printed:
        program = compile("\n" * block.line + block.text, "block", "exec")  # a traceback tells the document's lines
        with _captured() as output, warnings.catch_warnings():
            if "needs" in block.marks:  # what other packages warn of is theirs
                warnings.simplefilter("ignore")
            exec(program, self.names)  # noqa: S102 - the documents are ours
        return Printed(output.getvalue())

    def _bash(self, block: Block) -> Printed:
        printed, more = Printed(), shlex.split(block.marks.get("test with", ""))
        commands = commands_of(block.text)
        if more and sum(LONG.match(one) is not None for one in commands) != 1:
            raise ValueError("options for the test can be given to one command alone")
        if CLOSES_A_PIPE.search(block.text):
            raise ValueError(
                "what writes to a command that stops reading can be stopped itself: let that one come first"
            )
        for command in commands:
            words = shlex.split(command, comments=True) + (more if LONG.match(command) else [])
            if more and words[:2] == ["tspg", "run"] and "--folds" not in words:
                words += ["--folds", "1"]
            if words[0] != "tspg" or FOR_A_SHELL.search(command):
                done = self._shell(command)
            else:
                done = self._demo(words[1:]) if words[1] == "demo" else _tspg(words[1:])
            printed = Printed(printed.text + done.text, done.code)
            if done.code:
                break
        return printed

    def _demo(self, words: list[str]) -> Printed:
        """The demo takes longest and is always the same: it is run once, and copied from then on."""
        out = Path(words[words.index("--out") + 1])
        kept = self.demos / shlex.join(words).replace("/", "-")
        if not kept.exists():
            done = _tspg(words)
            if done.code:
                return done
            shutil.copytree(out, kept / "out")
            (kept / "printed.txt").write_text(done.text, encoding="utf-8")
        elif not out.exists():
            shutil.copytree(kept / "out", out)
        return Printed((kept / "printed.txt").read_text(encoding="utf-8"))

    def _shell(self, command: str) -> Printed:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            env={**os.environ, "PATH": path},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return Printed(done.stdout, done.returncode)


def commands_of(text: str) -> list[str]:
    """The commands of a shell block, one by one: lines are joined until the shell takes them as complete."""
    found, waiting = [], ""
    for line in text.splitlines():
        waiting += line + "\n"
        if not waiting.strip() or waiting.lstrip().startswith("#"):
            waiting = ""
        elif not line.endswith("\\") and _is_complete(waiting):
            found.append(waiting.strip().replace("\\\n", " "))
            waiting = ""
    if waiting.strip():
        raise ValueError(f"this is no complete command: {waiting}")
    return found


def _is_complete(command: str) -> bool:
    done = subprocess.run(["bash", "-n"], input=command, capture_output=True, text=True, check=False)
    return not done.returncode and not done.stderr


def _tspg(words: list[str]) -> Printed:
    """`tspg` with these words, in this process: starting another one takes seconds."""
    with _captured() as output:
        try:
            code = main(words)
        except SystemExit as stopped:  # argparse, for options that it does not know
            code = int(stopped.code or 0)
    return Printed(output.getvalue(), code)


@contextlib.contextmanager
def _captured() -> Iterator[io.StringIO]:
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        yield output


def _is_installed(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _require_printed(block: Block, output: str) -> None:
    """Every line that the document shows was printed, but for numbers and what it leaves out with an ellipsis."""
    printed = _words(output)
    for line in block.text.splitlines():
        for piece in line.split("…"):
            assert _words(piece) in printed, f"line {block.line}: {piece!r} was not printed, but:\n{output}"


def _words(text: str) -> str:
    return " ".join(NUMBER.sub("#", text).split())
