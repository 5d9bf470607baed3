"""CONTRIBUTING.md sends nobody to a file, a function or a recipe that is not there, and forgets none that is needed."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
if not (ROOT / "justfile").is_file():
    pytest.skip("CONTRIBUTING.md is about a checkout", allow_module_level=True)

PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
HOW_TOS = {
    what: (write, then)
    for what, write, then in re.findall(r"^\| (an? [^|]+?) \| (.+) \| (.+) \|$", PAGE, flags=re.MULTILINE)
}
NOT_COMMITTED = ("dist/", "docs/_build", ".venv", "../")
QUOTED = re.compile(r"`([^`\n]+)`")
PATH = re.compile(r"(?:[\w.*-]+/)+[\w.*-]*|[\w-]+\.(?:md|toml|txt|cff)|justfile|NOTICE")


def paths_in(text: str) -> list[str]:
    """Files and folders of the repository that a text names, placeholders in capitals included."""
    found = [word for word in QUOTED.findall(text) if PATH.fullmatch(word)]
    return [path for path in found if not path.startswith(NOT_COMMITTED)]


def exists(path: str) -> bool:
    """Whether it is there; of a placeholder (`NAME`, `VERSION`), whether its folder is."""
    wanted = re.sub(r"NAME|VERSION", "*", path)
    return any(ROOT.glob(wanted)) if "*" in wanted else (ROOT / path).exists()


def names_defined_in(path: Path) -> set[str]:
    """Functions, classes and constants of a module, and what its classes define."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
    return found


def source(path: str) -> str:
    return (ROOT / "src" / "tspg" / path).read_text(encoding="utf-8")


def test_there_is_a_how_to_for_everything_that_people_add():
    wanted = {"a reader", "a loss", "a baseline", "an annotation", "a figure", "a command", "an option of `tspg run`"}
    assert wanted <= set(HOW_TOS)


@pytest.mark.parametrize("path", sorted(set(paths_in(PAGE))))
def test_a_file_that_is_named_is_there(path):
    assert exists(path)


@pytest.mark.parametrize("what", HOW_TOS)
def test_a_how_to_names_one_file_to_write_first_and_where_its_tests_go(what):
    write, then = HOW_TOS[what]
    files = [path for path in paths_in(write) if path.startswith("src/tspg/")]
    assert files[0].endswith(".py")
    assert any(path.startswith("tests/") for path in paths_in(then))


@pytest.mark.parametrize("what", HOW_TOS)
def test_what_a_how_to_calls_by_name_is_defined_in_the_package(what):
    defined = set().union(*map(names_defined_in, (ROOT / "src").rglob("*.py")))
    called = {re.split(r"\(", word)[0] for word in QUOTED.findall("".join(HOW_TOS[what]))}
    names = {word for word in called if re.fullmatch(r"[A-Za-z]+_?[A-Za-z_]+", word) and "NAME" not in word}
    assert names - {"Figure", "NOTICE", "ax"} <= defined


def test_a_recipe_that_is_named_is_in_the_justfile():
    recipes = set(re.findall(r"^([a-z-]+)(?: \*?\w+)*:(?!=)", (ROOT / "justfile").read_text(), flags=re.MULTILINE))
    named = {word.split()[1] for word in QUOTED.findall(PAGE) if re.match(r"just [a-z]", word)}
    assert {"check", "quick", "release-check"} <= named
    assert named <= recipes


def test_before_a_commit_the_checks_of_lint_are_run():
    hooks = ROOT / ".pre-commit-config.yaml"
    if not hooks.is_file():
        pytest.skip("hooks are part of a checkout, not of a source distribution")
    entries = re.findall(r"entry: (.+)", hooks.read_text())
    (lint,) = re.findall(r"^lint:\n((?:    .+\n)+)", (ROOT / "justfile").read_text(), flags=re.MULTILINE)
    checks = [line.strip() for line in lint.splitlines()]
    assert {line.split()[0] for line in checks} == {line.split()[0] for line in entries}
    assert {line for line in entries if "ruff" not in line} <= set(checks)  # ruff mends what it can


def test_the_words_of_a_method_are_where_the_how_to_sends_whoever_adds_one():
    from tspg.model.config import METHODS
    from tspg.report.page import evidence as evidence_view
    from tspg.report.page import method as method_words

    in_closed_form = set(METHODS) - {"generator"}
    assert set(METHODS) <= set(evidence_view.METHODS)
    assert in_closed_form <= set(evidence_view.EXPLAINED)
    assert in_closed_form == set(method_words.CLOSED_FORM)


def test_every_figure_that_is_saved_has_its_caption():
    saved = set(re.findall(r'yield "(\w+)", plot_', source("report/figures/save.py")))
    assert len(saved) > 7
    assert {f"of_{name}" for name in saved} <= names_defined_in(ROOT / "src/tspg/report/figures/captions.py")


def test_every_format_is_opened_by_a_module_of_its_own():
    opened = set(re.findall(r"\bopen_(\w+)\(path", source("data/readers/opening.py")))
    assert len(opened) > 3
    modules = (ROOT / "src" / "tspg" / "data" / "readers").glob("*.py")
    defined = {name.removeprefix("open_") for path in modules for name in names_defined_in(path)}
    assert opened <= defined


def test_every_command_has_its_module_and_its_options():
    commands = set(re.findall(r'_command\(\s*commands,\s*"(\w+)"', source("cli/parser.py")))
    assert len(commands) > 8
    for name in commands:
        assert "run" in names_defined_in(ROOT / "src" / "tspg" / "cli" / "commands" / f"{name}.py")
