"""The Galaxy tools offer what the program takes, hand on what it writes, and let no text reach the shell."""

# ruff: noqa: S314 - the XML is our own

import re
import subprocess
import sys
import tomllib
from copy import deepcopy
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tspg.cli.parser import build_parser

ROOT = Path(__file__).resolve().parents[2]
GALAXY = ROOT / "packaging" / "galaxy"
if not GALAXY.is_dir():
    pytest.skip("the recipes are part of a checkout and of a source distribution", allow_module_level=True)

DATA = GALAXY / "test-data"
COMMANDS = ("run", "perturb")
MACROS = ET.parse(GALAXY / "macros.xml").getroot()
both = pytest.mark.parametrize("command", COMMANDS)


def tool(command: str) -> ET.Element:
    """A tool with its macros in place, as far as these tools use them: no tokens of their own but `help`."""
    found = ET.parse(GALAXY / f"tspg_{command}.xml").getroot()
    macros = {one.get("name"): one for one in MACROS.iter("xml")}
    while (parent := next((one for one in found.iter() if one.find("expand") is not None), None)) is not None:
        expand = parent.find("expand")
        at = list(parent).index(expand)
        parent.remove(expand)
        for number, one in enumerate(deepcopy(macros[expand.get("macro")])):
            parent.insert(at + number, one)
    return found


def shell(command: str) -> str:
    """The command line with the common parts in place."""
    text = tool(command).findtext("command")
    for token in MACROS.iter("token"):
        text = text.replace(token.get("name"), token.text)
    return text


def options(command: str) -> dict[str, tuple[str, ...] | None]:
    """What the program takes, each with its choices."""
    (commands,) = (action for action in build_parser()._actions if isinstance(action.choices, dict))
    actions = commands.choices[command]._actions
    return {flag: action.choices for action in actions for flag in action.option_strings}


def parameters(command: str) -> dict[str, ET.Element]:
    return {one.get("name"): one for one in tool(command).find("inputs").iter("param")}


def test_both_are_of_the_version_that_the_code_is_of_or_becomes():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (version,) = (one.text for one in MACROS.iter("token") if one.get("name") == "@TOOL_VERSION@")
    assert version == re.match(r"[\d.]+\d", project["version"])[0]
    own, *_ = project["license"].split(" AND ")  # a Galaxy tool has one; the others are of what the page carries
    assert {tool(command).get("license") for command in COMMANDS} == {own}


@both
def test_every_option_is_one_of_the_program_and_what_must_be_given_is(command):
    used = re.findall(r"^\s+(--[a-z-]+)", shell(command), flags=re.MULTILINE)
    assert {"--expression", "--labels", "--label-column", "--out"} <= set(used)
    assert set(used) <= set(options(command))
    assert f"tspg {command}\n" in shell(command)


@both
def test_what_can_be_chosen_is_what_the_program_knows(command):
    known = options(command)
    chosen = dict(re.findall(r"(--[a-z-]+) \$(\w+)$", shell(command), flags=re.MULTILINE))
    assert chosen
    for option, name in chosen.items():
        offered = [one.get("value") for one in parameters(command)[name].iter("option")]
        assert sorted(offered) == sorted(known[option])


@both
def test_every_question_is_used_and_no_other(command):
    asked = set(parameters(command)) | {one.get("name") for one in tool(command).find("inputs").iter("repeat")}
    text = shell(command).replace("$source.", "$sources.")
    used = {name for path in re.findall(r"\$([a-z][\w.]*)", text) for name in path.split(".")}
    assert used - {"classes", "source"} == asked


@both
def test_text_of_users_stands_in_quotation_marks_that_it_cannot_end(command):
    bare = re.sub(r"^\s*#.*$", "", shell(command), flags=re.MULTILINE)
    bare = re.findall(r"\$([a-z]\w*)", re.sub(r"'[^'\n]*'", "", bare))
    kinds = {name: one.get("type") for name, one in parameters(command).items()}
    assert {kinds[name] for name in bare} == {"select"}
    texts = [one for one in parameters(command).values() if one.get("type") == "text"]
    assert texts
    for one in texts:
        sanitizer = one.find("sanitizer")
        assert [mark.get("value") for mark in sanitizer.iter("remove")] == ["'"]
        (mapped,) = sanitizer.find("mapping")
        line = f"printf %s 'a{mapped.get('target')}b'"
        said = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True).stdout
        assert (said, mapped.get("source")) == ("a'b", "'")


@both
def test_the_tests_answer_what_is_asked_with_files_that_are_there(command):
    asked = parameters(command)
    tests = list(tool(command).find("tests"))
    outputs = tool(command).find("outputs").findall("data")
    assert len(tests) > 1
    for test in tests:
        if test.get("expect_failure") is None:
            assert test.get("expect_num_outputs") == str(len(outputs))
            assert {one.get("name") for one in test.iter("output")} <= {one.get("name") for one in outputs}
        for given in test.iter("param"):
            question = asked[given.get("name")]
            if question.get("type") == "data":
                assert (DATA / given.get("value")).is_file()
                assert given.get("ftype") in question.get("format").split(",")
            if question.get("type") == "select":
                assert given.get("value") in [one.get("value") for one in question.iter("option")]


@pytest.mark.slow
def test_the_program_writes_every_file_that_is_handed_on_and_reads_its_own_model_back(tmp_path):
    labels = ["--labels", DATA / "labels.tsv"]
    little = ["--target-epochs", "3", "--folds", "1", "--threads", "1"]
    program(tmp_path, "run", "--expression", DATA / "expression.tsv", *labels, "--target=treated", *little, "--out=run")
    pack = [sys.executable, "-m", "tarfile", "-c", "../model.tar", "model"]
    subprocess.run(pack, cwd=tmp_path / "run", check=True)
    assert missing("run", tmp_path) == []
    for model in (tmp_path / "model.tar", DATA / "model.tar"):
        home = tmp_path / model.parent.name
        home.mkdir(exist_ok=True)
        unpack = [sys.executable, "-m", "tarfile", "--filter", "data", "-e", model, home / "run"]
        subprocess.run(unpack, check=True)
        (home / "run" / "manifest.json").unlink(missing_ok=True)  # of the run above; Galaxy keeps the model alone
        program(home, "perturb", "--model=run", "--expression", DATA / "patient.tsv", "--out=patient")
        assert missing("perturb", home) == []


def program(home: Path, *words: object) -> None:
    subprocess.run([sys.executable, "-m", "tspg", *map(str, words)], cwd=home, check=True, capture_output=True)


def missing(command: str, home: Path) -> list[str]:
    outputs = [one.get("from_work_dir") for one in tool(command).find("outputs").findall("data")]
    assert outputs
    return [name for name in outputs if not (home / name).is_file()]
