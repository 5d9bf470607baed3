"""A tiny `tspg run` in a child process that is killed, or refused by the disk, at its n-th operation on files."""

import errno
import hashlib
import json
import os
import re
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

TRIED = frozenset({"tempfile.mkstemp", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "shutil.rmtree"})
REFUSED_BY_A_FULL_DISK = frozenset({"tempfile.mkstemp", "os.rename", "os.mkdir", "write"})
CHANGING = frozenset({"manifest.json", "metrics.json"})  # they hold seconds


@dataclass(frozen=True)
class Ended:
    """How a child ended: its exit code (negative: the signal), and the operations that it made, by kind."""

    code: int
    operations: list[str]
    errors: str

    def one_of_each_kind(self) -> list[int]:
        """The numbers, from 1, of the last operation of each kind."""
        return sorted({kind: at for at, kind in enumerate(self.operations, start=1)}.values())


def in_child(command: Callable[[], int], out: Path, scratch: Path, *, at: int = 0, do: str = "nothing") -> Ended:
    """Run a command in a fork of this process; at its operation number `at` inside `out`, kill it or raise ENOSPC."""
    counted, told = scratch / "operations", scratch / "errors"
    child = os.fork()
    if child == 0:
        code = 70
        try:
            for number, path in ((1, scratch / "output"), (2, told)):
                os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
            sys.stdout, sys.stderr = (os.fdopen(os.dup(number), "w", buffering=1) for number in (1, 2))
            made = _watch(out, at, do)
            code = command()
            counted.write_text(json.dumps(made))
        except BaseException:  # noqa: BLE001 - a child of a test must end here, whatever happens
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)
    _, status = os.waitpid(child, 0)
    made = json.loads(counted.read_text()) if os.WIFEXITED(status) and counted.is_file() else []
    return Ended(os.waitstatus_to_exitcode(status), made, told.read_text())


def _watch(out: Path, at: int, do: str) -> list[str]:
    """Note every operation inside `out` from now on."""
    made, inside = [], str(out)
    counted = TRIED if do != "refuse" else REFUSED_BY_A_FULL_DISK

    def operation(event: str, arguments: tuple[object, ...]) -> None:
        if event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR):
            event = "write"
        if event not in counted or not str(arguments[0]).startswith(inside):
            return
        # Before a temporary file is made there is what the operation before it left, and its first write is tried, too.
        alike = event == "tempfile.mkstemp"
        made.append(event if alike else f"{event} {_kind(str(arguments[0])[len(inside) :])}")
        if len(made) == at and do == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if len(made) == at and do == "refuse":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    sys.addaudithook(operation)
    return made


def _kind(path: str) -> str:
    """The folder of a path and its last ending: random names of temporaries and numbers make no other kind."""
    folder, _, name = path.rpartition("/")
    return re.sub(r"\d+", "#", folder) + "/*" + Path(name).suffix


def fingerprints(out: Path) -> dict[str, str]:
    """The SHA-256 of every file, but for those that hold times."""
    return {
        path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(out.rglob("*"))
        if path.is_file() and path.name not in CHANGING
    }
