"""What tspg is built on is written down as it is: no dependency unnamed, no licence made up, no list out of date."""

import json
import re
import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PAGE, SCRIPT, SBOM = (ROOT / name for name in ("docs/dependencies.md", "scripts/make_sbom.py", "docs/sbom.json"))
if not (SCRIPT.is_file() and (ROOT / "constraints.txt").is_file()):
    pytest.skip("the script is part of a checkout, not of an installed package", allow_module_level=True)

spec = spec_from_file_location("make_sbom", SCRIPT)
make_sbom = module_from_spec(spec)
spec.loader.exec_module(make_sbom)


def rows():
    """Name and licence of every package that the page lists."""
    lists = PAGE.read_text().partition("## Known holes")[0].split("\n## ")[1:]
    return [row for one in lists for row in re.findall(r"(?:^|; |;\n|\n\n)([\w-]+): ([^;]+?)(?=;|\.\n)", one)]


def declared():
    project = make_sbom.tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    names = [Requirement(line).name for lines in (project["dependencies"], *extras) for line in lines]
    return {name for name in names if name != "tspg"}


def installed(name):
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def test_the_page_names_every_direct_dependency_once_and_nothing_else():
    assert sorted(name for name, _ in rows()) == sorted(declared())


@pytest.mark.parametrize(("name", "licence"), rows())
def test_a_licence_is_the_one_that_the_package_declares(name, licence):
    if installed(name) is None:
        pytest.skip(f"{name} is not installed")
    assert licence == make_sbom.licence_of(name)


def test_the_list_of_what_is_installed_is_up_to_date():
    pins = make_sbom.pins()
    other = {name for name in make_sbom.needed() if (installed(name) or "").partition("+")[0] != pins.get(name)}
    if other or sys.version_info[:2] != (3, 11) or sys.platform != "linux":
        pytest.skip(f"other versions than those of constraints.txt are installed: {', '.join(sorted(other))}")
    stored = json.loads(SBOM.read_text())
    assert stored == make_sbom.sbom()
    assert f"{len(stored['components'])} packages" in PAGE.read_text()


def test_every_part_of_the_list_hangs_together():
    stored = json.loads(SBOM.read_text())
    refs = {one["bom-ref"] for one in stored["components"]}
    own = stored["metadata"]["component"]["bom-ref"]
    assert {one["ref"] for one in stored["dependencies"]} == refs | {own}
    assert {ref for one in stored["dependencies"] for ref in one["dependsOn"]} == refs
    pins = make_sbom.pins()
    versions = {one["purl"]: one["version"] for one in stored["components"]}
    of_pypi = {f"pkg:pypi/{name}@{number}" for name, number in pins.items()}
    of_npm = {purl.removeprefix("pkg:npm/").replace("@", " ") for purl in versions.keys() - of_pypi}
    notice = " ".join((ROOT / "NOTICE").read_text().lower().split())
    assert [one for one in of_npm if one.replace("tabulator-tables", "tabulator") not in notice] == []
    assert {"tabulator-tables", "d3-scale"} <= {one.partition(" ")[0] for one in of_npm}
    assert canonicalize_name("torch") in {one["name"] for one in stored["components"]}
    assert SBOM.stat().st_size < 200_000
