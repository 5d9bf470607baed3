"""Files of strangers, mutated millions of times: every reader refuses them in words or reads them, and nothing else.

Readers written in Python are fuzzed in one process with atheris, which keeps what reaches new code; without atheris
mutation is blind. Readers written in C get a process for every batch, so that a crash is counted, not suffered. For
speed the thread that decompresses ahead is left out. `python -m tests.soak.fuzz --seconds 600 gmt labels` alone.
"""

import argparse
import json
import mmap
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

from tests.soak.fuzz_targets import MEMORY, TARGETS, Target, make_room
from tests.soak.mutations import mutated
from tspg.errors import TspgError

ROOT = Path(__file__).resolve().parents[2]
CRASHERS = ROOT / "tests" / "corpus_crashers"
MOST_BYTES = 4096
SECONDS_PER_4_KB = 1.0
MOST_GROWTH = 512 << 20
BATCH = 500  # readings of a binary file in one process
STUCK = 20  # seconds after which a process that reads a binary file is ended
# Share of the time, by how many readings are wanted: of the first five 10 million together, of tables 2 million.
SHARES = {"gmt": 4, "gene_list": 4, "labels": 9, "labels_csv": 9, "manifest": 9, "table": 15, "table_csv": 15}
SHARES |= {"gct": 6, "sweep": 3, "plan": 2, "checkpoints": 2, "result": 4, "model": 5, "map": 2, "weights": 4}
SHARES |= {"h5ad": 12, "parquet": 3, "npy": 2}
WATCHED = ["tspg.data", "tspg.report.save", "tspg.model", "tspg.sweep", "tomllib", "json", "csv"]
IN_C = ("signal", "stuck", "too")  # crashes, endless loops, too much time or memory
MANY = ("gmt", "gene_list", "labels", "labels_csv", "manifest")
TABLES = ("table", "table_csv")


@dataclass
class Figures:
    """What became of the readings of one target."""

    target: str
    engine: str = ""
    readings: int = 0
    accepted: int = 0
    slowest: float = 0.0
    seconds: float = 0.0
    crashers: dict[str, str] = field(default_factory=dict)  # what happened -> the file that did it
    counted: dict[str, int] = field(default_factory=dict)  # what a library in C did, which cannot be mended here


class GeneSetTrial:
    """Reads one mutated file after another, and keeps those that do what no file may do."""

    def __init__(self, name: str, folder: Path, crashers: Path) -> None:
        self.target: Target = TARGETS[name]
        self.figures = Figures(name)
        self._path = folder / self.target.file
        self._crashers = crashers / name
        self._sizes: dict[str, int] = {}
        self._started = time.monotonic()
        make_room(self.target, folder)
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT)
        warnings.simplefilter("ignore")
        self._peak = self._memory()

    def one(self, data: bytes) -> None:
        """Write data to the file and read it."""
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, data, 0)
        before = time.process_time()
        try:
            self.target.read(self._path)
            self.figures.accepted += 1
        except TspgError:
            pass
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what is looked for
            self.keep(_described(error), data)
        seconds = time.process_time() - before
        self.figures.readings += 1
        self.figures.slowest = max(self.figures.slowest, seconds)
        if seconds > SECONDS_PER_4_KB * max(1, len(data) / MOST_BYTES):
            self.keep("too slow", data)
        if (peak := self._memory()) > self._peak + MOST_GROWTH:
            self.keep("too much memory", data)
            self._peak = peak

    def keep(self, what: str, data: bytes) -> None:
        """Keep the shortest file for each thing that happened; what a library in C did is counted alone."""
        if self.target.binary and what.startswith(IN_C):
            self.figures.counted[what] = self.figures.counted.get(what, 0) + 1
            return
        if len(data) >= self._sizes.get(what, sys.maxsize):
            return
        self._crashers.mkdir(parents=True, exist_ok=True)
        if what in self.figures.crashers:
            (self._crashers / self.figures.crashers[what]).unlink()
        name = sha256(data).hexdigest()[:12] + Path(self.target.file).suffix
        (self._crashers / name).write_bytes(data)
        self._sizes[what], self.figures.crashers[what] = len(data), name

    def store(self, path: Path) -> None:
        """Write the figures so far where the parent reads them."""
        self.figures.seconds = time.monotonic() - self._started
        path.write_text(json.dumps(asdict(self.figures)))

    @staticmethod
    def _memory() -> int:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _described(error: Exception) -> str:
    """The kind of an error and the innermost line of the package that it went through."""
    lines = traceback.extract_tb(error.__traceback__)
    ours = [line for line in lines if "/tspg/" in line.filename or "fuzz_targets" in line.filename]
    line = (ours or list(lines))[-1]
    return f"{type(error).__name__} from {Path(line.filename).name}, {line.name}: {line.line}"


def _end(trial: GeneSetTrial, seconds: float, figures: Path) -> Callable[[bytes], None]:
    """The trial as atheris calls it; it ends the process when time is up, since `atheris.Fuzz` never returns."""
    deadline = time.monotonic() + seconds

    def one(data: bytes) -> None:
        trial.one(data)
        if trial.figures.readings % 100 == 0 and time.monotonic() > deadline:
            trial.store(figures)
            os._exit(0)

    return one


def _in_one_process(name: str, seconds: float, seed: int, folder: Path, crashers: Path, figures: Path) -> None:
    target, seeds = TARGETS[name], TARGETS[name].seeds()
    if find_spec("atheris") is None:
        _import_readers()
        trial = GeneSetTrial(name, folder / "room", crashers)
        trial.figures.engine = "blind mutation"
        one, rng = _end(trial, seconds, figures), random.Random(seed)
        while True:
            data = mutated(rng, seeds, target.words)
            one((target.mutate and rng.random() < 0.5 and target.mutate(rng, rng.choice(seeds))) or data)
    import atheris

    with atheris.instrument_imports(include=WATCHED):
        _import_readers()
    trial = GeneSetTrial(name, folder / "room", crashers)
    trial.figures.engine = "atheris"
    corpus, dictionary = folder / "corpus", folder / "words"
    corpus.mkdir()
    for number, content in enumerate(seeds):
        (corpus / f"seed-{number}").write_bytes(content)
    escaped = ("".join(f"\\x{byte:02x}" for byte in word.encode()) for word in target.words)
    dictionary.write_text("".join(f'"{word}"\n' for word in escaped))
    options = [f"-max_len={MOST_BYTES}", f"-seed={seed}", f"-dict={dictionary}", "-rss_limit_mb=0"]

    def structured(data: bytes, most: int, number: int) -> bytes:
        rng = random.Random(number)
        if target.mutate is None or rng.random() < 0.2:
            return atheris.Mutate(data, most)
        changed = target.mutate(rng, data) or target.mutate(rng, rng.choice(seeds))  # blindly changed is seldom JSON
        return changed if changed and len(changed) <= most else atheris.Mutate(data, most)

    arguments = [sys.argv[0], str(corpus), *options, "-verbosity=0", "-close_fd_mask=2"]
    custom = {"custom_mutator": structured} if target.mutate else {}
    atheris.Setup(arguments, _end(trial, seconds, figures), **custom)
    atheris.Fuzz()


def _import_readers() -> None:
    import tspg.data.expression
    import tspg.data.genesets
    import tspg.data.readers.streams
    import tspg.model.checkpoints
    import tspg.model.storage
    import tspg.report.read
    import tspg.report.save
    import tspg.sweep.plan
    import tspg.sweep.settings

    tspg.data.readers.streams._one_ahead = lambda blocks: blocks


def _in_batches(name: str, seconds: float, seed: int, folder: Path, crashers: Path, figures: Path) -> None:
    """Read mutated binary files, `BATCH` in each forked process; the parent learns from `at` where one died."""
    seeds = TARGETS[name].seeds()
    _import_readers()
    trial = GeneSetTrial(name, folder / "room", crashers)
    deadline = time.monotonic() + seconds
    trial.figures.engine = "blind mutation, a process for each batch"
    batch = 0
    with mmap.mmap(-1, 8) as at:
        while time.monotonic() < deadline:
            start = batch * BATCH
            while start < (batch + 1) * BATCH:
                status = _forked(trial, range(start, (batch + 1) * BATCH), at, seeds, seed, folder / "child.json")
                died = int.from_bytes(at[:8])
                if os.WIFSIGNALED(status):
                    what = "stuck" if os.WTERMSIG(status) == signal.SIGALRM else f"signal {os.WTERMSIG(status)}"
                    trial.keep(what, mutated(random.Random(f"{seed} {died}"), seeds))
                elif os.waitstatus_to_exitcode(status) == 0:
                    _add(trial.figures, folder / "child.json")
                    break
                start = died + 1
                trial.figures.readings += 1
            batch += 1
    trial.store(figures)


def _forked(trial: GeneSetTrial, numbers: range, at: mmap.mmap, seeds: list[bytes], seed: int, stored: Path) -> int:
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    trial.figures.readings = trial.figures.accepted = 0
    trial.figures.counted = {}
    for number in numbers:
        at[:8] = number.to_bytes(8)
        signal.alarm(STUCK)
        trial.one(mutated(random.Random(f"{seed} {number}"), seeds))
    trial.store(stored)
    os._exit(0)


def _add(figures: Figures, stored: Path) -> None:
    child = Figures(**json.loads(stored.read_text()))
    figures.readings += child.readings
    figures.accepted += child.accepted
    figures.slowest = max(figures.slowest, child.slowest)
    figures.crashers |= child.crashers
    for what, times in child.counted.items():
        figures.counted[what] = figures.counted.get(what, 0) + times


@contextmanager
def _quick_folder() -> Iterator[Path]:
    """A folder in memory where there is one."""
    memory = Path("/dev/shm")  # noqa: S108 - a place for small files, in a folder of its own
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        yield Path(folder)


def _fuzzed(name: str, seconds: float, seed: int, crashers: Path) -> Figures:
    """The figures of one target, fuzzed in a process of its own."""
    with _quick_folder() as folder:
        words = [
            "--inside",
            str(folder),
            "--seconds",
            f"{seconds:.0f}",
            "--seed",
            str(seed),
            "--crashers",
            str(crashers),
        ]
        command = [sys.executable, "-m", "tests.soak.fuzz", *words, name]
        finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        stored = folder / "figures.json"
        if finished.returncode or not stored.is_file():
            last = (finished.stderr.strip().splitlines() or ["nothing said"])[-1]
            return Figures(name, crashers={f"the process ended with {finished.returncode}: {last}": "no file"})
        return Figures(**json.loads(stored.read_text()))


def _rows(all_figures: list[Figures]) -> Iterator[tuple[str, str, bool]]:
    for one in all_figures:
        told = "".join(f"; {what} ({file})" for what, file in one.crashers.items())
        told += "".join(f"; {times:,} x {what}, in a C library" for what, times in one.counted.items())
        yield (
            f"{one.target}, {one.engine}",
            f"{one.readings:,} readings in {one.seconds:,.0f} s, {one.accepted:,} accepted, the slowest "
            f"{one.slowest:.2f} s, {len(one.crashers)} crashers{told}",
            not one.crashers,
        )
    for what, names, least in (("text readers", MANY, 10_000_000), ("tables", TABLES, 2_000_000)):
        if set(names) <= {one.target for one in all_figures}:
            n_readings = sum(one.readings for one in all_figures if one.target in names)
            yield f"{what} together", f"{n_readings:,} readings, wanted {least:,}", n_readings >= least


def main(
    seconds: float = 4500, names: tuple[str, ...] = (), seed: int = 0, crashers: Path = CRASHERS
) -> list[tuple[str, str, bool]]:
    """Fuzz every target, or those named, for their share of the time."""
    chosen = names or tuple(TARGETS)
    share = seconds / sum(SHARES[name] for name in chosen)
    return list(_rows([_fuzzed(name, SHARES[name] * share, seed, crashers) for name in chosen]))


def _command_line() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help=f"all if none is named: {', '.join(TARGETS)}")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--crashers", type=Path, default=CRASHERS)
    parser.add_argument("--inside", type=Path, help="a folder for the one target that is fuzzed in this process")
    given = parser.parse_args()
    if given.inside is None:
        for what, figure, passed in main(given.seconds, tuple(given.names), given.seed, given.crashers):
            sys.stdout.write(f"{'ok  ' if passed else 'FAIL'} {what}: {figure}\n")
        return
    name = given.names[0]
    fuzz = _in_batches if TARGETS[name].binary else _in_one_process
    room = int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 + 8e9 + MEMORY)
    resource.setrlimit(resource.RLIMIT_AS, (room, room))
    fuzz(name, given.seconds, given.seed, given.inside, given.crashers, given.inside / "figures.json")


if __name__ == "__main__":
    _command_line()
