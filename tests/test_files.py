"""The one writer: a file is whole or absent; and names that are safe on every disk."""

import os
import stat
import unicodedata

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tspg.errors import ResourceError
from tspg.files import read_table, safe_name, sha256_of, whole_file, write_json, write_table, write_text


def test_a_failed_write_leaves_the_old_file_and_no_temporary(tmp_path):
    path = tmp_path / "table.tsv"
    write_text(path, "old\n")

    def fail():
        with whole_file(path) as temporary:
            temporary.write_text("half of the n")
            raise RuntimeError("crash")

    with pytest.raises(RuntimeError):
        fail()
    assert path.read_text() == "old\n"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_told_as_such(tmp_path):
    def fail():
        with whole_file(tmp_path / "table.tsv") as temporary:
            temporary.write_text("half")
            raise OSError(28, "No space left on device")

    with pytest.raises(ResourceError, match="No space left"):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_a_new_file_has_the_mode_of_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        write_text(tmp_path / "a.txt", "x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == 0o640


def test_a_table_comes_back_as_it_was(tmp_path):
    table = pd.DataFrame(
        {
            "gene": ["NA", "0012", "2E8", "1-Mar"],
            "source_class": ["nan", "", "None", "x"],
            "value": [0.1 + 0.2, np.nan, -1e-300, 5.0],
            "n": [1, 2, 3, 4],
        }
    )
    write_table(tmp_path / "t.tsv", table)
    pd.testing.assert_frame_equal(read_table(tmp_path / "t.tsv"), table)


def test_json_refuses_what_json_cannot_say(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "m.json", {"value": float("nan")})
    assert list(tmp_path.iterdir()) == []


def test_a_fingerprint_is_that_of_the_bytes(tmp_path):
    (tmp_path / "empty").write_bytes(b"")
    assert sha256_of(tmp_path / "empty") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


HOSTILE = [
    "..",
    ".",
    "",
    "/",
    "a/b",
    "a.b",
    "a b",
    "a\\b",
    "CON",
    "nul.",
    "x" * 300,
    "é",
    "e\u0301",
    "A",
    "a",
    "\u202etxt",
    "\x00",
    "a\n",
    "-rf",
    "~",
]


@given(st.lists(st.one_of(st.sampled_from(HOSTILE), st.text()), min_size=2, unique=True))
def test_names_never_leave_the_folder_nor_meet(names):
    safe = [safe_name(name) for name in names]
    assert len({unicodedata.normalize("NFC", name).casefold() for name in safe}) == len(names)
    for name in safe:
        assert name.isascii()
        assert set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
        assert 0 < len(name) <= 71
        assert not name.startswith(("-", "."))


def test_safe_names_can_be_read():
    assert safe_name("Brain - Nucleus accumbens (basal ganglia)").startswith("Brain-Nucleus-accumbens-basal-ganglia-")


def test_names_of_terms_and_classes_stay_text(tmp_path):
    facts = {
        name: ["01", "1e2"] for name in ("group", "term", "predicted_before", "best_term", "best_source", "targets")
    }
    write_table(tmp_path / "t.tsv", pd.DataFrame(facts))
    assert read_table(tmp_path / "t.tsv").to_dict("list") == facts
