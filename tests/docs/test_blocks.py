"""Every code block of the documents runs, in order, as a reader would run it: see `blocks.py` for how."""

from pathlib import Path

import pytest

from tests.docs.blocks import RUN, Reader, blocks_of, commands_of, files_named_in
from tests.docs.notebooks import text_of
from tests.docs.readers_files import KINDS, ROOT
from tests.quick import (
    few_draws,
    hallmark_alone,
    jobs_in_this_process,
    one_fit,
    short_training,
    small_demo,
    without_figures,
)

PLACES = (
    "README.md",
    "docs/start/*.md",
    "docs/tutorials/*.md",
    "docs/tutorials/*.ipynb",
    "docs/guides/*.md",
    "docs/sweep.md",
    "examples/gtex/README.md",
)
WHOLE = {"README.md"}  # its runs are cut short by no more than the options that it names
SHORTENED = (
    *(without_figures, one_fit, short_training, few_draws, hallmark_alone),
    *(small_demo, jobs_in_this_process),
)
TESTED_ELSEWHERE = {"file_formats.md"}  # test_file_formats.py
DOCUMENTS = sorted(path for place in PLACES for path in ROOT.glob(place) if path.name not in TESTED_ELSEWHERE)
MOST_NOT_RUN = 26

pytestmark = pytest.mark.skipif(not DOCUMENTS, reason="documents are part of a checkout, not of the package")


def name_of(document: Path) -> str:
    return document.relative_to(ROOT).as_posix()


@pytest.fixture(scope="session")
def demos(tmp_path_factory):
    return tmp_path_factory.mktemp("demos")


@pytest.fixture
def read(tmp_path, demos):
    return lambda text: Reader(tmp_path, demos).follow(text)


@pytest.mark.slow
@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_block_of_a_document_runs(document, tmp_path, read, monkeypatch):
    if name_of(document) not in WHOLE:
        for shorten in SHORTENED:
            shorten(monkeypatch)
    text = text_of(document)
    for kind in files_named_in(text):
        KINDS[kind](tmp_path)
    read(text)


def test_few_blocks_are_not_run_and_each_says_why():
    reasons = {
        f"{name_of(document)}:{block.line}": block.marks["not run"]
        for document in DOCUMENTS
        for block in blocks_of(text_of(document))
        if block.language in RUN and "not run" in block.marks
    }
    assert all(reasons.values()), reasons
    assert len(reasons) <= MOST_NOT_RUN, reasons


def fenced(language, text, *marks):
    return "".join(f"<!-- {mark} -->\n" for mark in marks) + f"```{language}\n{text}\n```\n"


def test_blocks_share_their_folder_and_their_names(read, tmp_path):
    read(
        fenced("bash", "echo one > file.txt")
        + fenced("python", "from pathlib import Path")
        + "Words.\n"
        + fenced("python", "text = Path('file.txt').read_text()")
        + fenced("python", "assert text == 'one\\n'")
    )
    assert (tmp_path / "file.txt").read_text() == "one\n"


@pytest.mark.parametrize(
    ("wrong", "because"),
    [
        (fenced("bash", "true; false"), "exit code 1"),
        (fenced("bash", "false | true"), "exit code 1"),
        (fenced("bash", "false\ntrue"), "exit code 1"),
        (fenced("bash", "tspg run --nonsense"), "exit code 2"),
        (fenced("bash", "tspg --version", "exits: 3"), "exit code 0"),
        (fenced("bash", "echo one") + fenced("text", "two", "as printed"), "not printed"),
        (fenced("python", "print(1 == 2)") + fenced("text", "True", "as printed"), "not printed"),
        (fenced("python", "1 / 0"), "division by zero"),
        (fenced("bash", "true", "not runn: why"), "not runn"),
        (fenced("bash", "for one in 1 2"), "no complete command"),
        (fenced("bash", "tspg demo --out a\ntspg demo --out b", "test with: --quick"), "one command"),
        (fenced("bash", "seq 9 | head -1"), "that one come first"),
        (fenced("bash", "seq 9 | grep -iq 1"), "that one come first"),
        ("```bash\ntrue\n", "never closed"),
    ],
)
def test_a_block_that_is_wrong_is_noticed(read, wrong, because):
    with pytest.raises((AssertionError, ValueError, ZeroDivisionError), match=because):
        read(wrong)


def test_what_is_marked_is_left_out_or_expected_to_fail(read):
    read(fenced("bash", "false", "not run: installs") + fenced("python", "1 / 0", "needs: no_such_module"))
    read(
        fenced("bash", "tspg inspect --expression absent.tsv", "exits: 3")
        + fenced("text", "…absent.tsv…", "as printed")
    )
    read(fenced("bash", "echo it took 13.5 s") + fenced("text", "it took 2 s", "as printed"))


def test_commands_may_span_lines_and_loops_stay_whole():
    text = "# a remark\ntspg run \\\n  --out x\n\nfor one in 1 2; do\n  echo $one\ndone\necho 'a\nb'"
    assert commands_of(text) == ["tspg run    --out x", "for one in 1 2; do\n  echo $one\ndone", "echo 'a\nb'"]
