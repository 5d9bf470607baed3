"""Which Pythons and libraries work: quick tests with the oldest and the newest libraries, as a Markdown table.

    python scripts/check_environments.py [--python 3.11 3.12 3.13] [--work DIR]

uv resolves each environment from what the registry has: the oldest takes the lower bounds of pyproject.toml that have
wheels, the newest what pip would take today. Of PyTorch it takes the version that was tested, built for processors;
where a Python has no such wheel, the tests of what needs no PyTorch run. `UV_FIND_LINKS` and `UV_INDEX` tell uv where
wheels lie.
"""

import argparse
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
UV = shutil.which("uv") or "uv"
TORCH = "torch==2.13.0+cpu"
WITHOUT_TORCH = "torch; sys_platform == 'none'"
SHOWN = ("numpy", "pandas", "scipy", "scikit-learn", "anndata", "matplotlib", "pyarrow", "torch")
LIGHT = ("tests/data", "tests/analysis", "tests/utils")
WHOLE = (*LIGHT, "tests/model", "tests/packaging")
RESOLUTIONS = {"oldest": "lowest-direct", "newest": "highest"}


def uv(*words: object) -> subprocess.CompletedProcess[str]:
    """Run uv in the repository."""
    return subprocess.run([UV, *map(str, words)], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603


def resolved(python: str, resolution: str, folder: Path) -> tuple[Path, bool]:
    """A file with the version of each library, and whether PyTorch is among them."""
    found, wanted = folder / "libraries.txt", folder / "wanted.txt"
    for line, option in ((TORCH, "--constraints"), (WITHOUT_TORCH, "--overrides")):
        wanted.write_text(line + "\n", encoding="utf-8")
        options = (option, wanted, "--resolution", resolution, "--index-strategy", "unsafe-best-match")
        options += ("--only-binary", ":all:")
        done = uv("pip", "compile", "-q", "pyproject.toml", "-o", found, *options, "--python", python)
        if done.returncode == 0:
            return found, option == "--constraints"
    raise SystemExit(f"Python {python}, {resolution}: {done.stderr}")


def checked(python: str, name: str, folder: Path) -> list[str]:
    """The cells of one line: versions, and what the tests said."""
    folder.mkdir(parents=True, exist_ok=True)
    libraries, has_torch = resolved(python, RESOLUTIONS[name], folder)
    pins = dict(re.findall(r"^([\w-]+)==([\w.+]+)", libraries.read_text(encoding="utf-8"), re.MULTILINE))
    environment = folder / "environment"
    uv("venv", "-q", "--clear", environment, "--python", python)
    override = () if has_torch else ("--overrides", folder / "wanted.txt")
    what = ("-r", libraries, "-c", libraries, *override, "-e", ".[test]", "--index-strategy", "unsafe-best-match")
    made = uv("pip", "install", "-q", *what, "--python", environment / "bin" / "python")
    outcome = made.stderr.strip().splitlines()[-1:] if made.returncode else []
    if not outcome:
        tests = [environment / "bin" / "python", "-m", "pytest", "-q", "-m", "not slow and not soak"]
        tests += WHOLE if has_torch else LIGHT
        ran = subprocess.run(tests, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
        (folder / "tests.txt").write_text(ran.stdout + ran.stderr, encoding="utf-8")
        outcome = ran.stdout.strip().splitlines()[-1:]
    versions = [f"{library} {pins[library.lower()]}" for library in SHOWN if library in pins]
    return [python, name, ", ".join(versions) + ("" if has_torch else "; no PyTorch"), " ".join(outcome).strip("= ")]


def main() -> None:
    """Check every Python with both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", nargs="+", default=["3.11", "3.12", "3.13", "3.14"])
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "tspg-environments")
    options = parser.parse_args()
    print("| Python | libraries | versions | tests |\n|---|---|---|---|", flush=True)
    for python in options.python:
        if uv("python", "find", python).returncode:
            print(f"| {python} | | this Python is not here | not run |", flush=True)
            continue
        for name in RESOLUTIONS:
            print("| " + " | ".join(checked(python, name, options.work / f"{python}-{name}")) + " |", flush=True)


if __name__ == "__main__":
    main()
