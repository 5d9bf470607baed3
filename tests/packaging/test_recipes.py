"""The recipes for containers, conda and nf-core install and run the program that pyproject.toml and tspg describe."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
RECIPES = ROOT / "packaging"
if not RECIPES.is_dir():
    pytest.skip("the recipes are part of a checkout and of a source distribution", allow_module_level=True)

MODULE = RECIPES / "nf-core" / "tspg" / "run"
NAMES_OF_CONDA = {
    "matplotlib": "matplotlib-base",
    "opentsne": "opentsne",
    "snakemake": "snakemake-minimal",
    "torch": "pytorch",
}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def read(*parts: str) -> str:
    return RECIPES.joinpath(*parts).read_text(encoding="utf-8")


def conda_recipe() -> dict:
    return yaml.safe_load(read("conda", "recipe.yaml"))


def as_conda_has_them(requirements: list[str]) -> set[str]:
    """Requirements under conda's names, written as conda writes them."""
    pairs = [re.fullmatch(r"([\w.-]+)(>=[\d.]+)", line).groups() for line in requirements]
    return {f"{NAMES_OF_CONDA.get(name.lower(), name)} {least}" for name, least in pairs}


def test_every_recipe_is_of_the_version_that_the_code_is_of_or_becomes():
    version = re.match(r"[\d.]+\d", PROJECT["version"])[0]
    assert conda_recipe()["context"]["version"] == version
    named = [
        *re.findall(r"tspg:([\d.]+)", read("Dockerfile")),
        *re.findall(r'image\.version="(.+)"', read("Dockerfile")),
        *re.findall(r'container "tspg:(.+)"', (MODULE / "main.nf").read_text()),
        *re.findall(r"::tspg=(.+)", (MODULE / "environment.yml").read_text()),
    ]
    assert named == [version] * 5


def test_conda_installs_what_pip_installs():
    needs = conda_recipe()["requirements"]
    run = {line for line in needs["run"] if not line.startswith("python ")}
    assert run == as_conda_has_them(PROJECT["dependencies"])
    extras = PROJECT["optional-dependencies"]
    assert set(needs["run_constraints"]) == as_conda_has_them([*extras["sweep"], *extras["xlsx"]])
    assert f">={conda_recipe()['context']['python_min']}" == PROJECT["requires-python"]
    build_system = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]
    assert as_conda_has_them(build_system["requires"]) <= set(needs["host"])


def test_conda_makes_the_same_program_and_says_the_same_of_it():
    recipe = conda_recipe()
    programs = [f"{name} = {function}" for name, function in PROJECT["scripts"].items()]
    assert recipe["build"]["python"]["entry_points"] == programs
    about = recipe["about"]
    assert (about["summary"], about["license"]) == (PROJECT["description"], PROJECT["license"])
    assert about["license_file"] == PROJECT["license-files"]
    looked_for = [
        name for test in recipe["tests"] for name in test.get("package_contents", {}).get("site_packages", [])
    ]
    assert looked_for
    assert [name for name in looked_for if not (ROOT / "src" / name).is_file()] == []


def test_the_container_has_a_tested_python_and_all_that_a_user_may_ask_for_and_no_root():
    text = read("Dockerfile")
    pythons = set(re.findall(r"^FROM python:(\d+\.\d+)-", text, flags=re.MULTILINE))
    tested = {line.rpartition(" ")[2] for line in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", line)}
    assert pythons
    assert pythons <= tested
    (extras,) = re.findall(r"'\.\[(.+)\]'", text)
    assert f"tspg[{extras}]" in PROJECT["optional-dependencies"]["test"]  # every extra that is for users
    assert f'image.description="{PROJECT["description"]}"' in text
    users = re.findall(r"^USER (\d+)", text, flags=re.MULTILINE)
    assert users
    assert users[-1] != "0"


def test_the_build_of_the_container_is_given_what_it_copies():
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert allowed >= {"constraints.txt", "pyproject.toml", "src", PROJECT["readme"], *PROJECT["license-files"]}
    assert [name for name in allowed if not (ROOT / name).exists()] == []


def test_the_process_uses_only_options_that_the_program_knows():
    command = re.search(r'script:.*?"""(.*?)"""', (MODULE / "main.nf").read_text(), flags=re.DOTALL)[1]
    texts = command + (MODULE / "main.nf").read_text() + (MODULE / "tests" / "nextflow.config").read_text()
    used = set(re.findall(r"--[a-z][a-z-]+", texts)) - {"--version"}
    finished = subprocess.run(
        [sys.executable, "-m", "tspg", "run", "--help"], capture_output=True, text=True, check=True
    )
    assert {"--expression", "--labels", "--target", "--threads", "--out"} <= used
    assert used <= set(re.findall(r"--[a-z-]+", finished.stdout))


@pytest.mark.slow
def test_the_process_hands_on_files_that_a_run_leaves_and_its_stub_makes_each(tmp_path):
    text = (MODULE / "main.nf").read_text()
    files = set(re.findall(r'path\("\$\{prefix\}/(.+?)"\)', text))
    study = ["--expression", "expression.tsv", "--labels", "labels.tsv", "--target", "treated"]
    (little,) = re.findall(r"ext\.args = '(.+)'", (MODULE / "tests" / "nextflow.config").read_text())
    command = [sys.executable, "-m", "tspg", "run", *study, *little.split(), "--out", str(tmp_path / "run")]
    subprocess.run(command, cwd=MODULE / "tests", check=True, capture_output=True)
    assert files
    assert files <= {path.name for path in (tmp_path / "run").iterdir()}
    assert files == set(re.findall(r"\$\{prefix\}/(\S+)", text.partition("stub:")[2]))


def test_what_the_process_takes_and_gives_is_described():
    text = (MODULE / "main.nf").read_text()
    about = yaml.safe_load((MODULE / "meta.yml").read_text())
    assert set(about["output"]) == set(re.findall(r"emit: (\w+)", text))
    inputs = text.partition("input:")[2].partition("output:")[0]
    (first, second) = about["input"]
    described = [name for part in first for name in part] + list(second)
    assert described == re.findall(r"(?:val\(|path\(|path )(\w+)", inputs)
