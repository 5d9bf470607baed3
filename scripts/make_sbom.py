"""What is installed with tspg, as a CycloneDX list: `python scripts/make_sbom.py [FILE]`, docs/sbom.json by default.

It lists the packages that tspg and its extras `sweep` and `xlsx` need, at the versions of constraints.txt, with the
licences that the installed packages declare, and the JavaScript libraries that the report's page carries. Nothing in it
depends on when or where it is made. Tables of docs/dependencies.md take their licences from here.
"""

import json
import re
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, metadata, requires
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
EXTRAS = ("sweep", "xlsx")
CARRIED = ROOT / "src" / "tspg" / "report" / "page" / "vendor" / "LICENSES.txt"
LONGEST_NAME = 60  # longer licence fields hold the text of the licence


def pins() -> dict[str, str]:
    """The version of every package in constraints.txt, by normalised name."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.split("==") for line in lines if "==" in line)
    return {canonicalize_name(name): number.strip() for name, number in pairs}


def licence_of(name: str) -> str:
    """The licence that an installed package declares: as an expression, by its name, or by its classifiers."""
    about = metadata(name)
    named = about.get("License-Expression") or about.get("License") or ""
    if named and len(named) <= LONGEST_NAME:
        return named
    if about.get("License-Expression"):
        return named
    classifiers = [line for line in about.get_all("Classifier") or [] if line.startswith("License ::")]
    return "; ".join(line.rpartition(" :: ")[2] for line in classifiers) or "not declared"


def direct() -> list[Requirement]:
    """What pyproject.toml says that tspg and its extras for users need."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    return [Requirement(line) for line in [*project["dependencies"], *(one for name in EXTRAS for one in extras[name])]]


def needed() -> dict[str, list[str]]:
    """Every package that is installed with tspg, each with those that it needs itself, by normalised name."""
    found: dict[str, list[str]] = {}
    waiting = [(canonicalize_name(one.name), frozenset(one.extras)) for one in direct()]
    while waiting:
        name, extras = waiting.pop()
        below = [one for one in _requirements(name) if _applies(one, extras)]
        waiting += [
            (canonicalize_name(one.name), frozenset(one.extras))
            for one in below
            if canonicalize_name(one.name) not in found
        ]
        found[name] = sorted({*found.get(name, []), *(canonicalize_name(one.name) for one in below)})
    return dict(sorted(found.items()))


def carried() -> list[tuple[str, str, str]]:
    """The JavaScript libraries inside the package: name, version and licence."""
    return re.findall(r"^([a-z0-9-]+) (\d[\w.]*) \((.+)\)$", CARRIED.read_text(encoding="utf-8"), flags=re.MULTILINE)


def _requirements(name: str) -> list[Requirement]:
    try:
        return [Requirement(line) for line in requires(name) or []]
    except PackageNotFoundError:
        sys.exit(
            f"{name} is not installed. Install tspg with its extras first: pip install -c constraints.txt '.[dev]'"
        )


def _applies(one: Requirement, extras: frozenset[str]) -> bool:
    return one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in {"", *extras})


def sbom() -> dict[str, Any]:
    """The CycloneDX document."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    numbers, below = pins(), needed()
    if missing := sorted(set(below) - set(numbers)):
        sys.exit(f"constraints.txt has no version of {', '.join(missing)}. Add them.")
    refs = {name: f"pkg:pypi/{name}@{numbers[name]}" for name in below}
    libraries = {f"pkg:npm/{name}@{number}": (name, number, licence) for name, number, licence in carried()}
    packages = {ref: (name, numbers[name], licence_of(name)) for name, ref in refs.items()}
    components = [
        {
            "type": "library",
            "bom-ref": ref,
            "name": name,
            "version": number,
            "purl": ref,
            "licenses": [{"license": {"name": re.sub(r"\s+", " ", licence)}}],
        }
        for ref, (name, number, licence) in (packages | libraries).items()
    ]
    own = f"pkg:pypi/tspg@{version}"
    first = sorted([*(refs[canonicalize_name(one.name)] for one in direct()), *libraries])
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {"type": "application", "bom-ref": own, "name": "tspg", "version": version, "purl": own}
        },
        "components": components,
        "dependencies": [
            {"ref": own, "dependsOn": first},
            *({"ref": refs[name], "dependsOn": [refs[one] for one in ones]} for name, ones in below.items()),
            *({"ref": ref, "dependsOn": []} for ref in libraries),
        ],
    }


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "sbom.json"
    content = sbom()
    target.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    print(f"{target}: {len(content['components'])} packages")
