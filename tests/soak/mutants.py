"""Would a test notice? Small faults are put into a copy of the package, one at a time, and the module's tests are run.

A mutant is killed if a test fails or hangs. Mutants are drawn by a seed, so many a module; each is tried in a forked
process, which has the large libraries already. `python -m tests.soak.mutants data/streams.py --most 20` alone.
"""

import argparse
import ast
import importlib
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WANTED = 0.85
SEED = 8
# Where tests of a module are looked for: first those that are about it, then the others of its room.
TESTS = {
    "data/adjust.py": "test_adjust test_prepare",
    "data/annotations.py": "test_annotations test_genesets",
    "data/binary.py": "test_binary",
    "data/collect.py": "test_text test_read_once test_units test_duplicates",
    "data/expression.py": "test_text test_labels test_units test_orientation test_h5ad test_read_once",
    "data/fields.py": "test_text test_labels",
    "data/gct.py": "test_gct",
    "data/genesets.py": "test_genesets test_annotations",
    "data/h5ad.py": "test_h5ad",
    "data/hdf5_safety.py": "test_h5ad",
    "data/identifiers.py": "test_identifiers",
    "data/labels.py": "test_labels",
    "data/naming.py": "test_text test_labels test_genesets test_orientation",
    "data/orientation.py": "test_orientation",
    "data/prepare.py": "test_prepare",
    "data/streams.py": "test_text",
    "data/table.py": "test_text test_binary test_h5ad",
    "data/text.py": "test_text",
    "data/units.py": "test_units",
    "files.py": "test_files",
    "analysis/bounds.py": "test_bounds",
    "analysis/energy.py": "test_energy",
    "analysis/enrichment.py": "test_enrichment",
    "analysis/judges.py": "test_judges",
    "analysis/neighbours.py": "test_neighbours",
    "analysis/rank_sums.py": "test_rank_sums",
    "analysis/structure.py": "test_structure",
    "analysis/thresholds.py": "test_thresholds test_verdict",
}
STRANGERS = ("test_crashers", "trust/test_malformed")
OPPOSITE: dict[type, type] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Div,
    ast.Mod: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.Pow: ast.Mult,
    ast.LShift: ast.RShift,
}


LIBRARIES = (
    *(
        "pytest",
        "hypothesis",
        "numpy",
        "pandas",
        "pyarrow.parquet",
        "pyarrow.csv",
        "pyarrow.compute",
        "h5py",
        "anndata",
    ),
    *("scipy.stats", "scipy.sparse", "sklearn.ensemble", "sklearn.linear_model", "sklearn.neighbors", "torch"),
)
SLOWEST = 120  # seconds after which a mutant's tests are taken to hang


@dataclass(frozen=True)
class Mutant:
    """One small fault: where it is, what it is, and the module with it."""

    module: str
    line: int
    what: str
    source: str


def mutants_of(module: str, source: str) -> list[Mutant]:
    """Every small fault that can be put into a module."""
    found = []
    n_changes = len(list(_changes(ast.parse(source))))
    for number in range(n_changes):
        tree = ast.parse(source)
        place, change = list(_changes(tree))[number]
        before = ast.unparse(place)
        change()
        after = ast.unparse(place)
        what = f"{_short(before)}  ->  {_short(after) if after != before else 'left out'}"
        found.append(Mutant(module, place.lineno, what, ast.unparse(ast.fix_missing_locations(tree))))
    return found


def _short(code: str) -> str:
    return code if len(code) < 90 else code[:87] + "..."


Change = tuple[ast.expr | ast.stmt, Callable[[], None]]


def _changes(tree: ast.Module) -> Iterator[Change]:
    """Each statement or expression with a change of it; annotations and what is only for type checkers stay."""
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield from (*_of_node(node), *_of_blocks(node))
        left_out = {"annotation", "returns", "decorator_list", "type_params"}
        for name, value in ast.iter_fields(node):
            if name not in left_out:
                waiting += [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, ast.AST)]


def _of_node(node: ast.AST) -> Iterator[Change]:
    """Changes inside one statement or expression."""
    match node:
        case ast.Compare():
            for at, operator in enumerate(node.ops):
                yield node, _set_item(node.ops, at, OPPOSITE[type(operator)]())
        case ast.BinOp() | ast.BoolOp() | ast.AugAssign() if type(node.op) in OPPOSITE:
            yield node, _set(node, "op", OPPOSITE[type(node.op)]())
        case ast.UnaryOp(op=ast.USub()):
            yield node, _set(node, "op", ast.UAdd())
        case ast.Constant(value=bool() | int() | float()):
            yield node, _set(node, "value", _other(node.value))
        case ast.Return(value=ast.expr()):
            yield node, _set(node, "value", ast.Constant(None))
        case ast.If() | ast.While() | ast.IfExp():
            yield node, _set(node, "test", ast.UnaryOp(ast.Not(), node.test))
        case _:
            pass


def _of_blocks(node: ast.AST) -> Iterator[Change]:
    for name in ("body", "orelse", "finalbody"):
        block = getattr(node, name, None)
        for at, statement in enumerate(block if isinstance(block, list) else []):
            if _can_be_left_out(statement):
                yield statement, _set_item(block, at, ast.Pass())


def _other(value: bool | float) -> bool | float:
    if isinstance(value, bool):
        return not value
    return value + 1 if isinstance(value, int) else value * 2 + 0.5


def _can_be_left_out(statement: ast.stmt) -> bool:
    called = isinstance(statement, ast.Expr) and not isinstance(statement.value, ast.Constant)
    return called or isinstance(statement, ast.Raise | ast.AugAssign)


def _set(node: ast.AST, name: str, value: object) -> Callable[[], None]:
    return lambda: setattr(node, name, value)


def _set_item(items: list[ast.AST], at: int, value: ast.AST) -> Callable[[], None]:
    return lambda: items.__setitem__(at, value)


class Workshop:
    """A copy of the package and its tests, in which mutants are tried."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("src", "tests"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "soak"))
        shutil.copy(ROOT / "pyproject.toml", folder)

    def source(self, module: str) -> str:
        """A module as it is."""
        return (ROOT / "src" / "tspg" / module).read_text(encoding="utf-8")

    def survives(self, mutant: Mutant, tests: list[str]) -> bool:
        """Whether all tests pass with the fault in place."""
        path = self.folder / "src" / "tspg" / mutant.module
        with _replaced(path, mutant.source):
            return self.passes(tests)

    def passes(self, tests: list[str]) -> bool:
        """Whether tests pass, in a process that is ended when it hangs."""
        child = os.fork()
        if not child:
            self._test(tests)
        ends = time.monotonic() + SLOWEST
        while time.monotonic() < ends:
            finished, status = os.waitpid(child, os.WNOHANG)
            if finished:
                return status == 0
            time.sleep(0.02)
        os.killpg(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return False

    def _test(self, tests: list[str]) -> None:
        import pytest

        os.setpgid(0, 0)
        os.chdir(self.folder)
        sys.path.insert(0, str(self.folder / "src"))
        for name in [name for name in sys.modules if name.split(".")[0] == "tests"]:
            del sys.modules[name]
        os.environ |= {"PYTHONPATH": sys.path[0], "PYTHONDONTWRITEBYTECODE": "1"}
        sys.dont_write_bytecode = True
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        quiet = ["-x", "-q", "-m", "not slow", "-p", "no:randomly", "-p", "no:cacheprovider"]
        quiet += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # its plugins are imported already
        os._exit(int(pytest.main([*quiet, *tests])))

    def tests_of(self, module: str) -> tuple[list[str], list[str]]:
        """The tests that are about a module; and all of its room, with those of files from strangers."""
        tests = self.folder / "tests"
        room = tests / Path(module).parent
        near = [str(room / f"{name}.py") for name in TESTS[module].split()]
        if room == tests:
            return near, near
        strangers = [str(tests / f"{name}.py") for name in STRANGERS] if room.name == "data" else []
        return near, [str(room), *strangers]


@contextmanager
def _replaced(path: Path, text: str) -> Iterator[None]:
    kept = path.read_text(encoding="utf-8")
    path.write_text(text, encoding="utf-8")
    try:
        yield
    finally:
        path.write_text(kept, encoding="utf-8")


def survivors_of(shop: Workshop, module: str, most: int, seed: int, with_room: bool) -> tuple[int, list[Mutant]]:
    """How many mutants of a module were tried, and those that no test noticed."""
    near, room = shop.tests_of(module)
    if not shop.passes(near):
        return 1, [Mutant(module, 0, "its tests fail without any fault in it", "")]
    every = mutants_of(module, shop.source(module))
    drawn = random.Random(f"{seed} {module}").sample(every, min(most, len(every)))
    left = [mutant for mutant in drawn if shop.survives(mutant, near)]
    return len(drawn), [mutant for mutant in left if not with_room or near == room or shop.survives(mutant, room)]


def main(
    seconds: float = 3600,
    modules: tuple[str, ...] = (),
    most: int | None = None,
    seed: int = SEED,
    with_room: bool = True,
) -> list[tuple[str, str, bool]]:
    """Try mutants of every module, or those named; about 4 s each."""
    chosen = modules or tuple(TESTS)
    most = most or max(5, int(seconds / 4 / len(chosen)))
    for library in LIBRARIES:
        importlib.import_module(library)
    n_tried = n_left = 0
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        shop = Workshop(Path(folder))
        for module in chosen:
            n_drawn, survivors = survivors_of(shop, module, most, seed, with_room)
            n_tried, n_left = n_tried + n_drawn, n_left + len(survivors)
            named = "".join(f"; survived line {one.line}: {one.what}" for one in survivors)
            figure = f"{n_drawn - len(survivors)} of {n_drawn} killed{named}"
            rows.append((module, figure, len(survivors) <= (1 - WANTED) * n_drawn))
            sys.stderr.write(f"{module}: {figure.replace('; ', chr(10) + '    ')}\n")
    rows.append(("all modules", f"{n_tried - n_left} of {n_tried} killed", n_left <= (1 - WANTED) * n_tried))
    return rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="*")
    parser.add_argument("--most", type=int, default=30)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--near", action="store_true", help="only the tests that are about the module")
    given = parser.parse_args()
    found = main(modules=tuple(given.modules), most=given.most, seed=given.seed, with_room=not given.near)
    sys.stdout.write(f"{found[-1][1]}\n")
