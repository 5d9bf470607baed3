"""The house around the code: what is imported, published, packed and promised."""

import argparse
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import tspg
from tests.docs.notebooks import text_of
from tests.packaging.released import last_release
from tspg.cli.parser import build_parser

ROOT = Path(__file__).resolve().parents[1]
EMBEDDED = Path(tspg.__file__).parent / "data" / "embedded"
MEGABYTE = 1_000_000


def modules_loaded_by(code: str) -> set[str]:
    """The top-level modules that a fresh interpreter holds after running `code`."""
    program = f"{code}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    return set(finished.stdout.split())


def committed_file(name: str) -> str:
    path = ROOT / name
    if not path.is_file():
        pytest.skip(f"{name} is part of a checkout, not of a source distribution")
    return path.read_text(encoding="utf-8")


def package_name(requirement: str) -> str:
    """The package that a requirement names, as package indexes compare names."""
    return re.split(r"[^\w.-]", requirement)[0].lower().replace("_", "-")


def test_import_loads_neither_torch_nor_matplotlib() -> None:
    assert modules_loaded_by("import tspg").isdisjoint({"torch", "matplotlib", "pandas", "anndata"})


def test_results_open_without_torch() -> None:
    names = ("demo_data", "evidence_table", "read_expression", "read_perturbations", "top_genes")
    uses = "; ".join(f"tspg.{name}" for name in (*names, "write_report"))
    assert "torch" not in modules_loaded_by(f"import tspg; {uses}")


def test_every_public_name_is_on_the_page_of_python_and_no_other() -> None:
    page = committed_file("docs/reference/python.md")
    described = re.findall(r"^\.\. auto(?:function|class|exception|module):: tspg\.(\w+)", page, flags=re.MULTILINE)
    assert sorted(described) == tspg.__all__
    assert set(dir(tspg)) >= set(tspg.__all__)


@pytest.mark.parametrize("name", tspg.__all__)
def test_public_name_can_be_loaded_and_explains_itself(name: str) -> None:
    value = getattr(tspg, name)
    assert value.__name__.removeprefix("tspg.") == name
    assert value.__doc__


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'top_gene'"):
        getattr(tspg, "top_gene")  # noqa: B009 - plain access would not pass the type checker


def test_version_is_the_same_everywhere() -> None:
    project = tomllib.loads(committed_file("pyproject.toml"))["project"]
    citation = re.search(r"^version: (\S+)$", committed_file("CITATION.cff"), flags=re.MULTILINE)
    assert citation is not None
    assert tspg.__version__ == project["version"]
    assert citation[1] == last_release()


def test_ci_runs_the_commands_that_the_readme_and_the_justfile_promise() -> None:
    ci = committed_file(".ci/run").splitlines()
    readme_command = r"\.venv/bin/(pip install .*'\.\[test\]') && \.venv/bin/(python -m pytest.*)"
    install, run_tests = re.findall(readme_command, committed_file("README.md"))[0]
    lint = re.findall(r"^lint:\n((?:    .+\n)+)", committed_file("justfile"), flags=re.MULTILINE)[0]
    assert install.replace("pip install", "pip install -q") in ci
    assert run_tests in ci
    assert {line.strip() for line in lint.splitlines()} <= set(ci)


def test_documents_use_only_options_that_the_commands_know() -> None:
    """Also in the blocks that no test can run, such as those for a cluster."""
    (commands,) = (action for action in build_parser()._actions if isinstance(action, argparse._SubParsersAction))
    known = {name: set(parser._option_string_actions) for name, parser in commands.choices.items()}
    uses = []
    pages = [
        page for folder in ("docs", "examples") for end in ("md", "ipynb") for page in (ROOT / folder).rglob(f"*.{end}")
    ]
    for document in [ROOT / "README.md", *pages]:
        for block in re.findall(r"^```(?:bash|console)$(.*?)^```$", text_of(document), re.M | re.S):
            lines = block.replace("\\\n", " ")
            uses += re.findall(r"(?:^(?:\$ )?|/bin/|&& )tspg ([a-z]+)([^\n|&;#]*)", lines, re.M)
    assert {command for command, _ in uses} == set(known) - {"completion"}  # which a shell calls
    unknown = {(one, flag) for one, rest in uses for flag in set(re.findall(r"(?<= )--[a-z-]+", rest)) - known[one]}
    assert not unknown


def test_pins_cover_every_declared_dependency() -> None:
    project = tomllib.loads(committed_file("pyproject.toml"))["project"]
    extras = project["optional-dependencies"].values()
    declared = {package_name(line) for lines in [project["dependencies"], *extras] for line in lines}
    pinned = {package_name(line) for line in committed_file("constraints.txt").splitlines() if "==" in line}
    assert declared - {"tspg"} <= pinned


def test_embedded_data_stay_small() -> None:
    sizes = {path.name: path.stat().st_size for path in EMBEDDED.iterdir()}
    assert sizes
    assert sum(sizes.values()) < 6 * MEGABYTE


def test_no_large_file_is_committed() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    list_runs = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    tracked = [ROOT / name for name in list_runs.stdout.split("\0") if name]
    assert [path for path in tracked if path.is_file() and path.stat().st_size > 4 * MEGABYTE] == []


def test_architecture_names_every_room_in_words_and_its_picture_no_other() -> None:
    text, picture = committed_file("ARCHITECTURE.md"), committed_file("docs/images/architecture.svg")
    inside = [path for path in Path(tspg.__file__).parent.iterdir() if not path.name.startswith("_")]
    rooms = {f"{path.name}/" if path.is_dir() else path.name for path in inside if path.name != "py.typed"}
    missing = {room for room in rooms if not re.search(rf"^(.* )?{re.escape(room)} ", text, flags=re.MULTILINE)}
    assert not missing
    assert set(re.findall(r"\b[a-z_]+(?:\.py\b|/(?=<))", picture)) <= rooms


@pytest.mark.slow
@pytest.mark.parametrize("own", [None, "ACTIVE"])
def test_importing_the_models_sets_nothing_for_other_libraries(own):
    """PyTorch's threads sleep while they wait, unless the user says otherwise, and the environment stays as it was."""
    program = "import os, tspg; tspg.run, tspg.load_model; print(os.environ.get('OMP_WAIT_POLICY'))"
    surroundings = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    surroundings |= {"OMP_DISPLAY_ENV": "TRUE", **({} if own is None else {"OMP_WAIT_POLICY": own})}
    done = subprocess.run([sys.executable, "-c", program], env=surroundings, capture_output=True, text=True, check=True)
    assert done.stdout == f"{own}\n"
    if "OMP_WAIT_POLICY" in done.stderr:  # the OpenMP of GNU tells it
        assert f"OMP_WAIT_POLICY = '{own or 'PASSIVE'}'" in done.stderr
