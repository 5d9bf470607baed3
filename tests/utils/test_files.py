"""The one writer: a file is whole or absent; and names that are safe on every disk."""

import hashlib
import os
import resource
import stat
import unicodedata

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tspg.analysis.interpretation.perturbations import write_perturbations
from tspg.errors import ResourceError
from tspg.model.tensors import write_tensors
from tspg.report.excel import write_spreadsheet
from tspg.report.figures.history import plot_history
from tspg.report.figures.save import save_figure
from tspg.utils.files import (
    read_json,
    read_table,
    safe_name,
    sha256_of,
    whole_file,
    whole_stream,
    write_json,
    write_table,
    write_text,
)


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


WRITERS = {
    "text": lambda _: lambda path: write_text(path, "word " * 4000),
    "json": lambda _: lambda path: write_json(path, {"numbers": list(range(4000))}),
    "table": lambda run: lambda path: write_table(path, pd.concat([run.top_genes] * 4)),
    "tensors": lambda run: lambda path: write_tensors(path, run.model.files["target_model"]),
    "profiles": lambda run: lambda path: write_perturbations(run.perturbations, path.with_suffix(".h5ad")),
    "spreadsheet": lambda run: (
        lambda path: write_spreadsheet({"top_genes": pd.concat([run.top_genes] * 4)}, path.with_suffix(".xlsx"))
    ),
    "figure": lambda run: lambda path: save_figure(plot_history(run.history), path.parent, "history"),
}


@pytest.mark.parametrize("allowed", [0, 1, 1000, 5000, 9000])
@pytest.mark.parametrize("writer", WRITERS)
def test_a_disk_that_ends_in_the_middle_of_a_file_leaves_none(writer, allowed, planted_run, tmp_path):
    """The system refuses to let any file grow beyond so many bytes, as a full disk would."""
    write = WRITERS[writer](planted_run)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (allowed, before[1]))
    try:
        with pytest.raises(ResourceError, match="cannot be written"):
            write(tmp_path / "file")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []
    write(tmp_path / "file")  # with room there is a file, and it is larger
    assert max(path.stat().st_size for path in tmp_path.iterdir()) > allowed


def test_a_stream_takes_all_bytes_or_says_so(tmp_path):
    """The system takes what still fits and calls that a success; only the next call fails."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, before[1]))
    try:
        with pytest.raises(ResourceError, match="File too large"), whole_stream(tmp_path / "file") as stream:
            stream.write(bytes(10_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []
    with whole_stream(tmp_path / "file") as stream:
        assert stream.write(bytes(10_000)) == 10_000
    assert (tmp_path / "file").read_bytes() == bytes(10_000)


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


def test_json_nested_too_deeply_is_no_json(tmp_path):
    (tmp_path / "deep.json").write_text("[" * 5000 + "]" * 5000)
    with pytest.raises(ValueError, match="nested too deeply"):
        read_json(tmp_path / "deep.json")
    (tmp_path / "sound.json").write_text('{"ä": [1.5, null]}', encoding="utf-8")
    assert read_json(tmp_path / "sound.json") == {"ä": [1.5, None]}


def test_a_fingerprint_is_that_of_the_bytes(tmp_path):
    (tmp_path / "empty").write_bytes(b"")
    assert sha256_of(tmp_path / "empty") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    (tmp_path / "abc").write_bytes(b"abc")  # the example of FIPS 180
    assert sha256_of(tmp_path / "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    content = bytes(range(256)) * 10_000  # more than is read at once
    (tmp_path / "long").write_bytes(content)
    assert sha256_of(tmp_path / "long") == hashlib.sha256(content).hexdigest()


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


AWKWARD = ["", "NA", "0012", "2E8", "1-Mar", "True", "2026-01-01", 'say "so"', "a\tb", "a\nb", " x ", "é\u2028"]


@given(st.lists(st.floats(allow_nan=False), min_size=1), st.lists(st.sampled_from(AWKWARD), min_size=1))
def test_numbers_and_names_come_back_to_the_last_digit_and_letter(tmp_path_factory, numbers, names):
    path = tmp_path_factory.getbasetemp() / "back.tsv"
    n = max(len(numbers), len(names))
    table = pd.DataFrame({"term": (names * n)[:n], "value": (numbers * n)[:n]})
    write_table(path, table)
    found = read_table(path)
    assert found["term"].tolist() == table["term"].tolist()
    assert found["value"].tolist() == table["value"].tolist()


@pytest.mark.parametrize("words", [["True", "False"], ["2026-01-01", "2026-01-02"], ["12:00", "13:00"], ["NA", "x"]])
def test_words_in_any_column_stay_words(tmp_path, words):
    table = pd.DataFrame({"anything": words, "n": [1, 2]})
    write_table(tmp_path / "t.tsv", table)
    pd.testing.assert_frame_equal(read_table(tmp_path / "t.tsv"), table)


@pytest.mark.parametrize("faster", [True, False])
def test_rows_below_a_limit_are_those_of_the_whole_table(tmp_path, monkeypatch, faster):
    if not faster:
        monkeypatch.setattr("tspg.utils.files._MOST_AT_ONCE", 0)  # then pandas reads
    q = [0.2, 0.049, np.nan, 0.05, 1e-300, 0.0]
    table = pd.DataFrame({"term": [f"0{i}" for i in range(6)], "q_value": q, "group": "0012"})
    write_table(tmp_path / "t.tsv", table)
    whole = read_table(tmp_path / "t.tsv")
    found = read_table(tmp_path / "t.tsv", below=("q_value", 0.05))
    assert found["term"].tolist() == ["01", "04", "05"]
    pd.testing.assert_frame_equal(found, whole.iloc[[1, 4, 5]].reset_index(drop=True))


def test_decimals_come_back_to_the_last_digit_beside_a_column_without_any(tmp_path):
    values = np.random.default_rng(0).random(500) / 50
    table = pd.DataFrame({"x": values, "empty": np.full(500, np.nan), "n": np.arange(500)})
    write_table(tmp_path / "t.tsv", table)
    pd.testing.assert_frame_equal(read_table(tmp_path / "t.tsv"), table)
    assert len(read_table(tmp_path / "t.tsv", below=("empty", 0.05))) == 0


@pytest.mark.parametrize("faster", [True, False])
def test_columns_that_are_asked_for_are_those_of_the_whole_table(tmp_path, monkeypatch, faster):
    if not faster:
        monkeypatch.setattr("tspg.utils.files._MOST_AT_ONCE", 0)  # then pandas reads
    table = pd.DataFrame({"term": ["01", "NA"], "x": [0.1, 2.0], "empty": np.nan, "word": ["True", "False"]})
    write_table(tmp_path / "t.tsv", table)
    for columns in (["word", "term"], ["empty"], list(table)):
        pd.testing.assert_frame_equal(read_table(tmp_path / "t.tsv", columns=columns), table[columns])
