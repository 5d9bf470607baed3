"""Malformed matrices as text: TSV and CSV."""

import gzip
from collections.abc import Iterator

from trust.cases import Case
from trust.study import (
    FRAME,
    LABELS,
    SAMPLES,
    VALUES,
    Change,
    a_folder,
    holding,
    missing,
    replaced,
    rewritten,
    table,
    untouched,
)


def text_cases(twin: str, file: str, tab: str) -> Iterator[Case]:
    """Faults of matrices as text, the same for TSV and CSV."""

    def case(name: str, change: Change, says: str, **more: str) -> Case:
        return Case(twin, name, change, says, **more)

    def in_cell(text: str) -> Change:
        return rewritten(file, lambda old: with_cell(old, tab, text))

    yield case("there is no file", missing(file), r"no such file|No such file.*Check the file name")
    yield case("a folder in its place", a_folder(file), "no file in this folder")
    yield case("empty", holding(file, ""), "is empty")
    yield case("one line end", holding(file, "\n"), "starts with an empty line")
    yield case(
        "header only", rewritten(file, lambda old: old.split(b"\n")[0] + b"\n"), "header line but no row of values"
    )
    yield case(
        "an empty line in the middle",
        replaced(file, "\ns5", "\n\ns5"),
        r"line 7: expected 13 fields, found none: the line is empty",
    )
    yield case(
        "a row after an empty line at the end",
        rewritten(file, lambda old: old + b"\n" + old.split(b"\n")[1].replace(b"s0", b"s99") + b"\n"),
        r"line 14: expected 13 fields, found none: the line is empty",
    )
    yield case(
        "a field more in one line", replaced(file, "\ns4", f"{tab}9.5\ns4"), r"line 5: expected 13 fields, found 14"
    )
    yield case("a field less in one line", replaced(file, f"s4{tab}", "s4"), r"line 6: expected 13 fields, found 12")
    yield case(
        "cut in the last line",
        rewritten(file, lambda old: old[: old.rindex(tab.encode())]),
        "line 13: expected 13 fields",
    )
    yield case("a sample twice", replaced(file, "\ns4", "\ns3"), r"1 sample name.*'s3'.*Keep one sample per name")
    yield case("a gene twice", replaced(file, f"{tab}G4", f"{tab}G3"), r"1 gene name.*'G3'.*--duplicates")
    yield case("a sample without a name", replaced(file, "\ns4", "\n"), "sample number 5 has an empty name")
    yield case("a gene without a name", replaced(file, f"{tab}G4", f"{tab}"), "gene number 5 has an empty name")
    yield case("a bell in a gene's name", replaced(file, "G4", "G\x074"), r"control characters: 'G\\x074'. Remove")
    yield case("an escape in a sample's name", replaced(file, "s4", "s\x1b[2J4"), r"control characters: 's\\x1b\[2J4'")
    yield case("a word for a value", in_cell("foo"), r"line 4: row 's2', column 'G3': 'foo' is not a number")
    yield case(
        "no value", in_cell(""), r"line 4: row 's2', column 'G3': the value is missing.*remove the gene or the sample"
    )
    for word in ("NA", "NaN", "null", "#N/A", "-"):
        yield case(f"{word} for a value", in_cell(word), rf"column 'G3': the value is missing \('{word}'\)")
    for word in ("inf", "-Infinity", "1e400", "1e39"):
        yield case(
            f"{word} for a value", in_cell(word), rf"column 'G3': '{word}' is (infinite or too large|not a number)"
        )
    yield case("a space beside a value", in_cell(" 1.5"), "' 1.5' has spaces around the number")
    for number in ("1,234.5", "1 234", "1'234"):
        yield case(
            f"{number} for a value", in_cell(f'"{number}"' if tab == "," else number), "separators between thousands"
        )
    yield case("a hexadecimal value", in_cell("0x1F"), "'0x1F' is not a number")
    yield case("strokes between digits", in_cell("1_000"), "'1_000' is not a number")
    yield case("a formula for a value", in_cell("=1+2"), "'=1\\+2' is not a number")
    yield case("a NUL byte", replaced(file, "s4", "s\0"), "line 6: a NUL byte")
    yield case("a lone carriage return", replaced(file, "s4", "s\r4"), "line 6: old Mac line ends")
    yield case(
        "line ends of old Macs", rewritten(file, lambda old: old.replace(b"\n", b"\r")), "line 1: old Mac line ends"
    )
    yield case("Latin-1", replaced(file, "s4", "s\xe9".encode("latin-1")), r"line 6.*b'\\xe9'.*not UTF-8.*iconv")
    yield case("UTF-16", rewritten(file, lambda old: old.decode().encode("utf-16")), "UTF-16")
    yield case("a surrogate in UTF-8", replaced(file, "s4", b"\xed\xa0\x80"), "not UTF-8")
    yield case("cut gzip data", rewritten(file, lambda old: gzip.compress(old)[:-9]), "gzip data end too early.*again")
    yield case(
        "changed gzip data", rewritten(file, lambda old: gzip.compress(old)[:-8] + b"\0" * 8), "gzip data are damaged"
    )
    yield case("gzip data and something after", rewritten(file, lambda old: gzip.compress(old) + b"rest"), "damaged")
    yield case("an image", holding(file, b"\x89PNG\r\n\x1a\n" + bytes(range(256))), "UTF-8|NUL|carriage return")
    yield case(
        "other samples than the labels", replaced("labels.tsv", "s4", "x4"), r"1 of 12 samples have no label: 's4'"
    )


def with_cell(old: bytes, tab: str, text: str) -> bytes:
    """A matrix with another text in the third row's fourth value."""
    lines = old.decode().split("\n")
    fields = lines[3].split(tab)
    fields[4] = text
    lines[3] = tab.join(fields)
    return "\n".join(lines).encode()


def tsv_alone_cases() -> Iterator[Case]:
    yield Case(
        "tsv",
        "a decimal comma",
        rewritten("m.tsv", lambda old: with_cell(old, "\t", "1,5")),
        "'1,5' has a decimal comma",
    )
    yield Case(
        "tsv",
        "several spaces between fields",
        rewritten("m.tsv", lambda old: old.replace(b"\t", b"  ")),
        "between several spaces.*perl",
    )
    yield Case(
        "tsv",
        "samples in rows and --transpose",
        rewritten("m.tsv", lambda old: old),
        "labelled samples are in the rows. Leave out --transpose",
        more=" --transpose",
    )
    yield Case(
        "tsv",
        "samples on both sides",
        holding("m.tsv", table(FRAME.set_axis(SAMPLES, axis=1))),
        "both in the rows and in the columns",
    )
    yield Case(
        "tsv",
        "samples on neither side",
        holding("labels.tsv", LABELS.replace("s", "patient-")),
        "neither in the rows nor in the columns",
    )
    yield Case(
        "tsv",
        "some names in capital letters, one of another sample",
        holding("labels.tsv", LABELS.replace("s4", "S4").replace("s5", "x5")),
        "2 of 12 samples have no label: 's4', 's5'.*'s4' is nearly the labelled 'S4'",
    )
    yield Case(
        "tsv",
        "a bomb of zeros",
        holding("m.tsv", gzip.compress(b"id\tA\ns\t" + b"0" * (80 << 20), 9)),
        "200-fold.*gunzip",
    )
    yield Case(
        "tsv", "larger than allowed", untouched, "limit is 0.0 GB.*--max-memory", code=4, more=" --max-memory 0.0000001"
    )
    yield Case(
        "tsv",
        "counts to be logged that are negative",
        replaced("m.tsv", f"\t{VALUES[0, 0]}", "\t-1"),
        "smallest value is -1.*--transform none",
        more=" --transform log2",
    )
    yield Case(
        "tsv",
        "strict: no end of the last line",
        rewritten("m.tsv", lambda old: old[:-1]),
        "--strict.*no line end",
        more=" --strict",
    )
    yield Case(
        "tsv",
        "strict: a gene made a date",
        replaced("m.tsv", "G4", "Sep-2"),
        r"--strict.*'Sep-2' \(probably SEPT2\)",
        more=" --strict",
    )
    yield Case(
        "tsv",
        "strict: a gene that is a formula",
        replaced("m.tsv", "G4", "=G4"),
        "--strict.*formula.*'=G4'",
        more=" --strict",
    )
    yield Case(
        "tsv",
        "strict: one sample twice",
        rewritten("m.tsv", _with_sample_again),
        "--strict.*'s7' that of 's6'",
        more=" --strict",
    )
    yield Case(
        "turned",
        "--transpose of samples in rows",
        holding("m.tsv", table()),
        "labelled samples are in the rows. Leave out --transpose",
    )
    yield Case("turned", "a gene twice", replaced("m.tsv", "\nG4", "\nG3"), r"1 gene name.*'G3'.*--duplicates")
    yield Case("turned", "a sample twice", replaced("m.tsv", "\ts4", "\ts3"), "1 sample name.*'s3'")
    yield Case(
        "turned",
        "a word for a value",
        rewritten("m.tsv", lambda old: with_cell(old, "\t", "foo")),
        "line 4: row 'G2', column 's3': 'foo'",
    )
    yield Case(
        "csv",
        "a quotation mark left open",
        replaced("m.csv", "\ns4", '\n"s4'),
        "line 6: the quotation marks do not fit together",
    )
    yield Case(
        "csv", "a name over two lines", replaced("m.csv", "\ns4", '\n"s\n4"'), "line 6: the quotation marks do not fit"
    )
    yield Case(
        "csv",
        "text behind a quotation mark",
        replaced("m.csv", "\ns4", '\n"s4"x'),
        "line 6: the quotation marks do not fit",
    )


def _with_sample_again(old: bytes) -> str:
    lines = old.decode().splitlines(keepends=True)
    return "".join([*lines[:8], lines[7].replace("s6", "s7"), *lines[9:]])
