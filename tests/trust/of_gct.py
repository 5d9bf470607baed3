"""Malformed GCT files."""

from collections.abc import Iterator

from trust.cases import Case
from trust.study import VALUES, Change, holding, replaced, rewritten


def gct_cases() -> Iterator[Case]:
    def case(name: str, change: Change, says: str) -> Case:
        return Case("gct", name, change, says)

    yield case("empty", holding("m.gct", ""), "line 1: expected #1.2 or #1.3")
    yield case("no version", replaced("m.gct", "#1.2\n", ""), "line 1: expected #1.2 or #1.3, found '12")
    yield case("an unknown version", replaced("m.gct", "#1.2", "#2.0"), "line 1: expected #1.2 or #1.3, found '#2.0'")
    yield case("version alone", holding("m.gct", "#1.2\n"), "line 2: expected 2 whole numbers")
    yield case(
        "a word for a size", replaced("m.gct", "12\t12", "12\ttwelve"), "line 2: expected 2 whole numbers.*'12.ttwelve'"
    )
    yield case("a size too many", replaced("m.gct", "12\t12", "12\t12\t3"), "line 2: expected 2 whole numbers")
    yield case("a negative size", replaced("m.gct", "12\t12", "-12\t12"), "line 2: expected 2 whole numbers")
    yield case(
        "more samples declared", replaced("m.gct", "12\t12", "12\t13"), "line 3: expected 15 fields for the 13 samples"
    )
    yield case(
        "fewer samples declared", replaced("m.gct", "12\t12", "12\t11"), "line 3: expected 13 fields for the 11 samples"
    )
    yield case("an enormous size declared", replaced("m.gct", "12\t12", "12\t99999999999"), "line 3: expected")
    yield case(
        "more genes declared", replaced("m.gct", "12\t12", "13\t12"), "line 2 declares 13 genes, the file holds 12"
    )
    yield case(
        "fewer genes declared", replaced("m.gct", "12\t12", "11\t12"), "line 2 declares 11 genes, the file holds 12"
    )
    yield case("no genes", rewritten("m.gct", lambda old: b"\n".join(old.split(b"\n")[:3]) + b"\n"), "no row of values")
    yield case("cut in the middle", rewritten("m.gct", lambda old: old[: len(old) // 2]), "fields|declares")
    yield case(
        "cut between lines",
        rewritten("m.gct", lambda old: b"\n".join(old.split(b"\n")[:9]) + b"\n"),
        "declares 12 genes, the file holds 6",
    )
    yield case("a gene twice", replaced("m.gct", "\nG4", "\nG3"), r"1 gene name.*'G3'.*--duplicates")
    yield case("a sample twice", replaced("m.gct", "\ts4", "\ts3"), "1 sample name.*'s3'")
    yield case(
        "a word for a value",
        replaced("m.gct", f"\nG2\tabout\t{VALUES[0, 2]}", "\nG2\tabout\tfoo"),
        "line 6: row 'G2', column 's0': 'foo'",
    )
    yield case("a field less", replaced("m.gct", "\nG2\tabout", "\nG2"), "line 6: expected 14 fields, found 13")
    yield case(
        "commas between fields",
        rewritten("m.gct", lambda old: old.replace(b"\t", b",")),
        "line 2: expected 2 whole numbers between tabs",
    )
    yield case("a NUL byte", replaced("m.gct", "G2", "G\0"), "line 6: a NUL byte")
    yield Case(
        "gct 1.3",
        "a short line of notes",
        replaced("m.gct", "tissue\tna", "tissue"),
        "line 4: expected 14 fields, found 13",
    )
    missing = "no sample column 'tissue'.*'organ'"
    yield Case("gct 1.3", "no such label column", replaced("m.gct", "tissue", "organ"), missing)
    yield Case(
        "gct 1.3",
        "an empty label",
        replaced("m.gct", "\tA", "\t"),
        "1 of 12 samples have no label: 's0'.*--allow-unlabelled",
    )
    yield Case(
        "gct 1.3",
        "two lines of notes of one name",
        rewritten("m.gct", _with_notes_twice),
        "two lines describe the samples by 'tissue'",
    )


def _with_notes_twice(old: bytes) -> str:
    lines = old.decode().replace("12\t12\t1\t1", "12\t12\t1\t2").split("\n")
    return "\n".join([*lines[:4], lines[3], *lines[4:]])
