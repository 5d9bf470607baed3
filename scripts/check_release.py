"""Is what would be published fit to be published? Builds it, looks into it, installs it, and runs it as a user would.

    python scripts/check_release.py [--out dist] [--tests quick|all|none]

Everything happens in a scratch folder with virtual environments of its own, so the checkout and the environment you
are in stay as they are. The network is needed. What passed lies in `--out`, ready to be uploaded.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import tomllib
import venv
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
TOOLS = ("build==1.6.1", "check-wheel-contents==0.6.3", "twine==7.0.0")
MOST_BYTES = 12_000_000  # of the wheel or the source distribution; package indexes take up to 100 MB
SLOWEST_IMPORT = 1.0  # seconds for `import tspg` in a new process, the best of five
NEVER_PACKED = re.compile(r"(^|/)(__pycache__|\.git|\.ci|\.github|\.venv|dist|build|_build)/|\.(pyc|so|pt|pkl)$|~$")
# The rest of a checkout is for those who work on it there.
ONLY_IN_A_CHECKOUT = (".ci/", ".github/", ".pre-commit-config.yaml")
OF_THE_BUILD = {"PKG-INFO"}


def main() -> None:
    """Every check in turn; the first that fails ends the program with one line."""
    options = _options()
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        tools = Environment(scratch / "tools")
        tools.run("pip", "install", "-q", *TOOLS)
        wheel, sdist = built(tools, scratch)
        tools.run("twine", "check", "--strict", str(wheel), str(sdist))
        tools.run("check-wheel-contents", str(wheel))
        check_contents(wheel, sdist)
        user = Environment(scratch / "user")
        user.install(str(wheel))
        elsewhere = scratch / "elsewhere"
        elsewhere.mkdir()
        check_installed(user, elsewhere)
        if options.tests != "none":
            user.install(f"{wheel}[test]")
            check_tests(user, sdist, scratch, whole=options.tests == "all")
        options.out.mkdir(exist_ok=True)
        for file in (wheel, sdist):
            shutil.move(file, options.out / file.name)
    say(f"fit to be published: {options.out}/{wheel.name} and {sdist.name}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="folder for what passed (default: dist)")
    parser.add_argument("--tests", choices=["quick", "all", "none"], default="quick", help="tests of the sdist to run")
    return parser.parse_args()


class Environment:
    """A virtual environment that knows of nothing but what is installed into it."""

    def __init__(self, folder: Path) -> None:
        venv.create(folder, with_pip=True)
        self._programs = folder / "bin"

    def install(self, *wanted: str) -> None:
        """Install packages at the versions of constraints.txt."""
        self.run("pip", "install", "-q", "-c", str(ROOT / "constraints.txt"), *wanted)

    def run(self, program: str, *words: str, where: Path = ROOT) -> str:
        """What a program of this environment prints; it must end well."""
        command = [str(self._programs / program), *words]
        done = subprocess.run(  # noqa: S603 - programs of an environment that was made here
            command, cwd=where, env=self._variables(), capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            sys.exit(f"check_release: {' '.join([program, *words])} failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    def _variables(self) -> Mapping[str, str]:
        """The caller's variables, with this environment's programs first and no path of Python modules."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        return {**kept, "PATH": f"{self._programs}{os.pathsep}{os.environ['PATH']}", "MPLBACKEND": "Agg"}


def built(tools: Environment, scratch: Path) -> tuple[Path, Path]:
    """Wheel and source distribution; the wheel is the same bytes from the checkout and from the source distribution."""
    tools.run("python", "-m", "build", "--outdir", str(scratch / "from_sdist"), ".")  # sdist, and the wheel from it
    tools.run("python", "-m", "build", "--wheel", "--outdir", str(scratch / "from_tree"), ".")
    (wheel,), (sdist,) = (list((scratch / "from_sdist").glob(ending)) for ending in ("*.whl", "*.tar.gz"))
    require(
        wheel.read_bytes() == (scratch / "from_tree" / wheel.name).read_bytes(),
        "the wheel made from the source distribution is another than the one made from the checkout",
    )
    for file in (wheel, sdist):
        size = file.stat().st_size
        require(size <= MOST_BYTES, f"{file.name} has {size:,} bytes; {MOST_BYTES:,} are the most")
        say(f"{file.name}: {size:,} bytes")
    return wheel, sdist


def check_contents(wheel: Path, sdist: Path) -> None:
    """Both hold exactly the committed files that belong there, and the licences."""
    tracked = committed()
    version = _project()["version"]
    with zipfile.ZipFile(wheel) as archive:
        in_wheel = set(archive.namelist())
    about = f"tspg-{version}.dist-info"
    own = {f"{about}/{name}" for name in ("METADATA", "WHEEL", "entry_points.txt", "RECORD")}
    own |= {f"{about}/licenses/{name}" for name in _project()["license-files"]}
    require_same(in_wheel, {name.removeprefix("src/") for name in tracked if name.startswith("src/")} | own, "wheel")
    with tarfile.open(sdist) as archive:
        in_sdist = {one.name.partition("/")[2] for one in archive.getmembers() if one.isfile()}
    source = {name for name in tracked if not name.startswith(ONLY_IN_A_CHECKOUT)} | OF_THE_BUILD
    require_same(in_sdist, source, "source distribution")
    junk = sorted(name for name in in_wheel | in_sdist if NEVER_PACKED.search(name))
    require(not junk, f"packed, but not for others: {', '.join(junk)}")
    say(f"the wheel has {len(in_wheel)} files, the source distribution {len(in_sdist)}: all of those committed")


def check_installed(user: Environment, elsewhere: Path) -> None:
    """Away from the checkout the program starts, is quick to import, and its demo gives a whole report."""
    version = _project()["version"]
    for command in (("tspg", "--version"), ("python", "-m", "tspg", "--version")):
        require(user.run(*command, where=elsewhere).strip() == f"tspg {version}", f"{' '.join(command)}: not {version}")
    home = user.run("python", "-c", "import tspg; print(tspg.__file__)", where=elsewhere).strip()
    require("site-packages" in home, f"tspg was imported from {home}")
    require((Path(home).parent / "py.typed").is_file(), "py.typed is missing: type checkers would not look at tspg")
    seconds = min(_import_seconds(user, elsewhere) for _ in range(5))
    require(seconds <= SLOWEST_IMPORT, f"import tspg takes {seconds:.2f} s; {SLOWEST_IMPORT} s is the most")
    begun = time.monotonic()
    user.run("tspg", "demo", "--out", "demo", where=elsewhere)
    demo = elsewhere / "demo"
    listed = json.loads((demo / "manifest.json").read_text(encoding="utf-8"))["outputs"]
    missing = sorted(name for name in listed if not (demo / name).is_file())
    require(not missing, f"the demo's manifest lists files that are not there: {', '.join(missing)}")
    figures = sorted(path.name for path in (demo / "figures").iterdir())
    require(len(figures) > 0 and (demo / "report.html").stat().st_size > 0, "the demo has no figures or no report")
    require(user.run("pip", "check").strip() == "No broken requirements found.", "pip check finds fault")
    say(
        f"installed from the wheel: tspg {version}, import {seconds:.2f} s, demo {time.monotonic() - begun:.0f} s, "
        f"{len(listed)} files, {len(figures)} of them figures"
    )


def _import_seconds(user: Environment, elsewhere: Path) -> float:
    """How long `import tspg` takes in a new process."""
    timed = "import time; begun = time.perf_counter(); import tspg; print(time.perf_counter() - begun)"
    return float(user.run("python", "-c", timed, where=elsewhere))


def check_tests(user: Environment, sdist: Path, scratch: Path, *, whole: bool) -> None:
    """The tests that the source distribution carries pass with the wheel; its `src` is on no path of theirs."""
    with tarfile.open(sdist) as archive:
        archive.extractall(scratch, filter="data")
    folder = scratch / sdist.name.removesuffix(".tar.gz")
    chosen = [] if whole else quick_tests()
    begun = time.monotonic()
    summary = user.run("python", "-m", "pytest", "-q", *chosen, where=folder).strip().splitlines()[-1]
    say(f"tests of the source distribution ({'all' if whole else 'quick'}): {summary}")
    say(f"they took {time.monotonic() - begun:.0f} s")


def quick_tests() -> list[str]:
    """What `just quick` hands to pytest."""
    justfile = (ROOT / "justfile").read_text(encoding="utf-8")
    found = re.search(r"^quick-tests := '(.+)'$", justfile, flags=re.MULTILINE)
    if found is None:
        sys.exit("check_release: the justfile names no quick-tests")
    return found[1].split()


def _project() -> dict[str, Any]:
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project


def committed() -> set[str]:
    """The files that git knows; `src/tspg/cli/main.py` and so on."""
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S607
    return set(done.stdout.splitlines())


def require_same(found: set[str], wanted: set[str], what: str) -> None:
    """End the program if a file is missing or should not be there."""
    require(not wanted - found, f"the {what} lacks {', '.join(sorted(wanted - found))}")
    require(not found - wanted, f"the {what} holds {', '.join(sorted(found - wanted))} beside what is committed")


def require(is_true: bool, fault: str) -> None:
    """End the program with one line if something is not so."""
    if not is_true:
        sys.exit(f"check_release: {fault}")


def say(line: str) -> None:
    """One line of the result, at once."""
    print(line, flush=True)


if __name__ == "__main__":
    main()
