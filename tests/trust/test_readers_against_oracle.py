"""Every text reader gives what the plainest reading gives, or refuses: for sound tables, and for spoilt ones."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from trust import oracle
from tspg.data.expression import read_expression
from tspg.data.genesets import read_gene_list, read_gene_sets
from tspg.data.labels import read_labels
from tspg.errors import InputError

EXAMPLES = 60
ODD = ["NA", "nan", "None", "0012", "2E8", "1-Mar", "TRUE", "-1", "null", "é", "a b", "#1.2", "inf", 'x"y', '"', "a,b"]
NAMES = st.one_of(st.sampled_from(ODD), st.text("ABx1.:_é", min_size=1, max_size=4))
PLAIN = NAMES.filter(lambda name: name[0] != "#" and "," not in name)  # neither a comment nor several names
NUMBERS = st.floats(width=32, allow_nan=False, allow_infinity=False)
Lines = list[list[str]]


def unique(least: int, most: int = 5) -> st.SearchStrategy[list[str]]:
    return st.lists(NAMES, min_size=least, max_size=most, unique=True)


@st.composite
def matrices(draw: st.DrawFn) -> Lines:
    rows, columns = draw(unique(2)), draw(unique(1))
    return [["sample", *columns], *([row, *(repr(draw(NUMBERS)) for _ in columns)] for row in rows)]


@st.composite
def gcts(draw: st.DrawFn) -> Lines:
    header, *rows = draw(matrices())
    body = [[row[0], draw(NAMES), *row[1:]] for row in rows]
    return [["#1.2"], [str(len(rows)), str(len(header) - 1)], ["NAME", "Description", *header[1:]], *body]


@st.composite
def label_lists(draw: st.DrawFn) -> Lines:
    rows = [[sample, draw(NAMES)] for sample in draw(unique(2)) if sample not in oracle.SAMPLE_NAMES]
    return [["sample", "tissue"], *rows] if draw(st.booleans()) else rows


@st.composite
def collections(draw: st.DrawFn) -> Lines:
    names = draw(st.lists(PLAIN, min_size=2, max_size=5, unique=True))
    return [[name, "about", *draw(st.lists(NAMES, min_size=1, max_size=5))] for name in names]


def gene_lists() -> st.SearchStrategy[Lines]:
    return st.lists(PLAIN, min_size=2, max_size=5, unique=True).map(lambda names: [[name] for name in names])


def matrix(path: Path) -> Any:
    adata = read_expression(path, transform="none")
    return list(adata.obs_names), list(adata.var_names), adata.X.tolist()


def labels(path: Path) -> Any:
    found = read_labels(path)
    return dict(zip(found.index, found.to_numpy().tolist(), strict=True))


@dataclass(frozen=True)
class Format:
    """A text format: how sound files of it are drawn, how it is read, and how the oracle reads it."""

    ending: str
    drawn: st.SearchStrategy[Lines]
    read: Callable[[Path], Any]
    plainly: Callable[[bytes], Any]
    names_at: int = 1  # the first line that begins with a name of its own
    values_at: int | None = None  # the first field of such a line that is a number
    delimiter: str = "\t"

    def written(self, field: str) -> str:
        """A field as a program writes it: in CSV between quotation marks where it must be."""
        if self.delimiter == "\t" or not {'"', ","} & set(field):
            return field
        return '"' + field.replace('"', '""') + '"'


def gene_sets(path: Path) -> Any:
    return {name: list(found.genes) for name, found in read_gene_sets(path).items()}


def genes(path: Path) -> Any:
    return list(read_gene_list(path))


FORMATS = {
    "TSV": Format("tsv", matrices(), matrix, lambda content: oracle.matrix_of(content, "\t"), values_at=1),
    "CSV": Format(
        "csv", matrices(), matrix, lambda content: oracle.matrix_of(content, ","), values_at=1, delimiter=","
    ),
    "GCT": Format("gct", gcts(), matrix, oracle.gct_of, names_at=3, values_at=2),
    "labels": Format("tsv", label_lists(), labels, oracle.labels_of),
    "GMT": Format(
        "gmt",
        collections(),
        lambda path: {n: list(s.genes) for n, s in read_gene_sets(path).items()},
        oracle.gene_sets_of,
    ),
    "gene list": Format(
        "txt",
        gene_lists(),
        lambda path: list(read_gene_list(path)),
        oracle.genes_of,
    ),
}


def text_of(lines: Lines, one: Format) -> bytes:
    return "".join(one.delimiter.join(map(one.written, line)) + "\n" for line in lines).encode()


def raw_text_of(lines: Lines, one: Format) -> bytes:
    """The fields as they are, quotation marks and all."""
    return "".join(one.delimiter.join(line) + "\n" for line in lines).encode()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("oracle")


def same(found: Any, expected: Any) -> bool:
    """Whether two readings agree; numbers within what 32 bits tell apart."""
    if not isinstance(found, tuple):
        return bool(found == expected)
    return found[:2] == expected[:2] and np.allclose(found[2], expected[2], rtol=2e-7, atol=1e-44)


def test_the_oracle_reads_what_a_person_reads():
    assert oracle.matrix_of(b'id,"a ""b"", c",d\r\n"x",1.5,-2e1\r\n', ",") == (["x"], ['a "b", c', "d"], [[1.5, -20.0]])
    assert oracle.matrix_of(b"A\tB\ns\t1\t2", "\t") == (["s"], ["A", "B"], [[1.0, 2.0]])  # as R writes it
    assert oracle.gct_of(b"#1.2\n1\t2\nN\tD\ts\tt\nG\tx\t1\t2\n") == (["s", "t"], ["G"], [[1.0], [2.0]])
    assert oracle.labels_of(b"sample\tsex\torgan\ns\tf\tLung\n") == {"s": ["f", "Lung"]}
    assert oracle.gene_sets_of(b"S\tx\tB\t\tA\tB\n") == {"S": ["B", "A"]}
    for spoilt in (
        b"id\tA\ns\t1\t2\t3\n",
        b"id\tA\ns\tinf\n",
        b"id\tA\ns\t1\ns\t2\n",
        b"id\tA\ns\xff\t1\n",
        b"id\tA\n\t1\n",
    ):
        assert oracle.matrix_of(spoilt, "\t") is None


@pytest.mark.parametrize("name", list(FORMATS))
def test_sound_files_are_read_as_they_were_written(name, folder):
    one = FORMATS[name]
    path = folder / f"sound.{one.ending}"

    @settings(max_examples=EXAMPLES)
    @given(one.drawn)
    def check(lines: Lines) -> None:
        assume(one.ending == "gct" or lines[0][0][:1] != "#")  # comments have tests of their own
        path.write_bytes(text_of(lines, one))
        expected = one.plainly(path.read_bytes())
        assert expected is not None
        assert same(one.read(path), expected)

    check()


# Ways to spoil a file: fields of its lines, then its bytes. Each draws where.


def _line(draw: st.DrawFn, lines: Lines, first: int = 0) -> list[str]:
    return lines[draw(st.integers(min(first, len(lines) - 1), len(lines) - 1))]


def drop_field(draw: st.DrawFn, lines: Lines, _one: Format) -> None:
    line = _line(draw, lines)
    del line[draw(st.integers(0, len(line) - 1))]


def add_field(draw: st.DrawFn, lines: Lines, _one: Format) -> None:
    line = _line(draw, lines)
    line.insert(draw(st.integers(0, len(line))), draw(st.sampled_from(["", "1.5", "x"])))


def move_field(draw: st.DrawFn, lines: Lines, _one: Format) -> None:
    """One line too short and another too long: as many fields in all as there should be."""
    donor, taker = _line(draw, lines), _line(draw, lines)
    taker.append(donor.pop(draw(st.integers(0, len(donor) - 1))))


def double_name(_draw: st.DrawFn, lines: Lines, _one: Format) -> None:
    lines[-1][0] = lines[-2][0]


def swap_fields(draw: st.DrawFn, lines: Lines, _one: Format) -> None:
    line = _line(draw, lines)
    at = draw(st.integers(0, len(line) - 1))
    line[0], line[at] = line[at], line[0]


def name_is_na(draw: st.DrawFn, lines: Lines, one: Format) -> None:
    _line(draw, lines, one.names_at)[0] = draw(st.sampled_from(["NA", "NaN", "", "None"]))


def turn(_draw: st.DrawFn, lines: Lines, one: Format) -> None:
    lines[one.names_at - 1 :] = [list(line) for line in zip(*lines[one.names_at - 1 :], strict=False)]


def quote(draw: st.DrawFn, lines: Lines, _one: Format) -> None:
    line = _line(draw, lines)
    at = draw(st.integers(0, len(line) - 1))
    line[at] = draw(st.sampled_from(['"{}"', '"{}', '{}"', '""{}', '"{}"x'])).format(line[at])


def put(*words: str) -> Callable[[st.DrawFn, Lines, Format], None]:
    """Put a word where a number, or any other thing, stood."""

    def change(draw: st.DrawFn, lines: Lines, one: Format) -> None:
        line, first = _line(draw, lines, one.names_at), one.values_at or 0
        line[draw(st.integers(min(first, len(line) - 1), len(line) - 1))] = draw(st.sampled_from(words))

    return change


def insert(*pieces: bytes) -> Callable[[st.DrawFn, bytes], bytes]:
    """Put bytes anywhere into a file."""

    def change(draw: st.DrawFn, content: bytes) -> bytes:
        at = draw(st.integers(0, len(content) - 1))
        return content[:at] + draw(st.sampled_from(pieces)) + content[at:]

    return change


OF_FIELDS = {
    "a field dropped": drop_field,
    "a field added": add_field,
    "a field moved": move_field,
    "a name doubled": double_name,
    "fields swapped": swap_fields,
    "a name is NA": name_is_na,
    "turned": turn,
    "quoted": quote,
    "inf": put("inf", "-Infinity", "nan", "1e400"),
    "text": put("foo", "0x1F", "1_000", "1 ", "true", "1e", "\u0661"),
    "decimal comma": put("1,5", "1.000,5"),
}
OF_BYTES = {
    "byte order mark": lambda draw, content: draw(st.sampled_from([b"\xef\xbb\xbf", b"\xef\xbb\xbf" * 2])) + content,
    "carriage return": insert(b"\r", b"\r\n", b"\r\r\n"),
    "NUL": insert(b"\0"),
    "bad UTF-8": insert(b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xc0\x80"),
    "cut": lambda draw, content: content[: draw(st.integers(0, len(content) - 1))],
}
ALWAYS = {"NUL", "bad UTF-8"}  # faults that no file survives
NEVER_SOUND = {
    "TSV": {*ALWAYS, "inf", "text", "decimal comma", "a name doubled"},
    "GCT": {*ALWAYS, "inf", "text", "decimal comma", "a name doubled"},
    "CSV": {*ALWAYS, "inf", "text", "a name doubled"},  # 1,5 is two fields there
    "labels": ALWAYS,
    "GMT": ALWAYS,
    "gene list": ALWAYS,
}


@pytest.mark.parametrize("name", list(FORMATS))
def test_spoilt_files_are_refused_or_read_as_they_stand(name, folder):
    one = FORMATS[name]
    for fault in [*OF_FIELDS, *OF_BYTES]:
        answers = refusals(one, folder / f"spoilt.{one.ending}", fault)
        assert all(answers) if fault in NEVER_SOUND[name] else answers


def refusals(one, path, fault):
    """Whether files with a fault in them are refused, of some that are drawn."""
    answers = []

    @settings(max_examples=3 * EXAMPLES // len([*OF_FIELDS, *OF_BYTES]) + 1)
    @given(one.drawn, st.data())
    def check(lines: Lines, data: st.DataObject) -> None:
        answers.append(is_refused(one, path, fault, lines, data))

    check()
    return answers


def is_refused(one, path, fault, lines, data):
    """Whether a file with a fault in it is refused, in one line with its name; else it is read as by the oracle."""
    if fault in OF_FIELDS:
        OF_FIELDS[fault](data.draw, lines, one)
    content = raw_text_of(lines, one) if fault in ("quoted", "decimal comma") else text_of(lines, one)
    if fault in OF_BYTES:
        content = OF_BYTES[fault](data.draw, content)
    assume(one.ending == "gct" or b"#" not in content[:4])  # comments have tests of their own
    assume(b"\n" in content)
    path.write_bytes(content)
    message = ""
    try:
        found = one.read(path)
    except InputError as error:
        message = str(error)
    if message:
        assert "\n" not in message
        assert path.name in message
        return True
    expected = one.plainly(content)
    assert expected is not None
    assert same(found, expected)
    return False
