"""Files that once made a reader fail in another way than by saying what is wrong: each is refused in words, or read."""

from contextlib import suppress
from pathlib import Path

import pytest

from tests.soak.fuzz_targets import TARGETS, make_room
from tspg.errors import TspgError

CORPUS = Path(__file__).parents[1] / "corpus_crashers"


def test_crashers_lie_where_a_reader_is_known():
    assert {path.name for path in CORPUS.iterdir()} <= set(TARGETS)


@pytest.mark.parametrize("crasher", sorted(CORPUS.glob("*/*")), ids=lambda path: f"{path.parent.name}-{path.stem}")
@pytest.mark.filterwarnings("ignore")
def test_a_file_that_once_broke_a_reader_does_so_no_more(crasher, tmp_path):
    target = TARGETS[crasher.parent.name]
    make_room(target, tmp_path / "room")
    (tmp_path / "room" / target.file).write_bytes(crasher.read_bytes())
    with suppress(TspgError):
        target.read(tmp_path / "room" / target.file)
