"""Malformed labels, gene sets, gene lists and sweep files."""

import gzip
from collections.abc import Iterator

from trust.cases import Case
from trust.of_text import with_cell
from trust.study import LABELS, OBS, SAMPLES, Change, a_folder, added, holding, missing, replaced, rewritten


def labels_cases() -> Iterator[Case]:
    def case(name: str, change: Change, says: str, code: int = 3, more: str = "", file: str | None = None) -> Case:
        return Case("labels", name, change, says, code, file, more)

    header = "sample\ttissue\tsex\n" + "".join(
        f"{sample}\t{label}\tf\n" for sample, label in zip(SAMPLES, OBS["tissue"], strict=True)
    )
    yield case("there is no file", missing("labels.tsv"), "cannot be read|no such file")
    yield case("a folder in its place", a_folder("labels.tsv"), "[Ii]s a directory")
    yield case("empty", holding("labels.tsv", ""), "the file is empty")
    yield case("an empty first line", holding("labels.tsv", "\n" + LABELS), "starts with an empty line")
    yield case("an empty line before the end", added("labels.tsv", "\ns4\tB\n"), "line 13: .*the line is empty. Remove")
    yield case(
        "one column",
        holding("labels.tsv", "\n".join(SAMPLES)),
        "line 1: one field only.*Put tabs or commas between the fields",
    )
    yield case(
        "three columns without header",
        holding("labels.tsv", header.split("\n", 1)[1]),
        "line 1: 's0' is a sample of the matrix, so the file has no line of column names.*--label-column",
    )
    yield case(
        "a line too long",
        replaced("labels.tsv", "s4\tB", "s4\tB\tC"),
        "line 5: expected 2 fields as in the header, found 3",
    )
    yield case(
        "a line too short",
        replaced("labels.tsv", "s4\tB", "s4"),
        "line 5: expected 2 fields as in the header, found 1: 's4'",
    )
    yield case(
        "a sample in two classes",
        added("labels.tsv", "s4\tA\n"),
        "lines 5 and 13: sample 's4' is 'B' and 'A'. Remove the wrong line",
    )
    yield case(
        "a sample without a name",
        replaced("labels.tsv", "s4\tB", "\tB"),
        "1 of 12 samples have no label: 's4' .1 not in labels.tsv",
        file="m.tsv",
    )
    yield case(
        "an empty label",
        replaced("labels.tsv", "s4\tB", "s4\t"),
        "1 of 12 .* no label: 's4' .1 empty, NA or the like in column 'label' of labels.tsv.*--allow-unlabelled",
        file="m.tsv",
    )
    yield case(
        "NA for a label",
        replaced("labels.tsv", "s4\tB", "s4\tNA"),
        "1 of 12 samples have no label: 's4'.*--allow-unlabelled",
        file="m.tsv",
    )
    yield case(
        "a blank behind a label",
        replaced("labels.tsv", "s4\tB", "s4\tB "),
        "the label 'B ' of sample 's4' has (blanks|spaces) around it",
    )
    yield case(
        "a sample missing",
        replaced("labels.tsv", "s4\tB\n", ""),
        "1 of 12 samples have no label: 's4'.*--allow-unlabelled",
        file="m.tsv",
    )
    yield case("header alone", holding("labels.tsv", "sample\ttissue\n"), "header line but no sample below it")
    yield case(
        "two columns of one name",
        holding("labels.tsv", header.replace("sex", "tissue")),
        "1 column name.*'tissue'",
        more=" --label-column tissue",
    )
    yield case(
        "no such column",
        holding("labels.tsv", header),
        "no column 'tisue'. The columns are 'tissue', 'sex'",
        more=" --label-column tisue",
    )
    yield case(
        "several columns and none named",
        holding("labels.tsv", header),
        r"2 columns \(with so many different values: 'tissue' \(3\), 'sex' \(1\).*--label-column",
        code=2,
        file="",
    )
    yield case(
        "one class alone",
        holding("labels.tsv", "".join(f"{sample}\tT\n" for sample in SAMPLES)),
        "one class only.*two or more are needed",
        file="",
    )
    yield case(
        "no such target",
        holding("labels.tsv", LABELS.replace("T", "tumour")),
        "no class 'T'.*Closest: 'tumour'",
        code=2,
        file="",
    )
    yield case(
        "two samples of the target",
        holding("labels.tsv", LABELS.replace("s8\tT", "s8\tA").replace("s9\tT", "s9\tA")),
        "'T' has 2 samples; 3 or more",
        code=2,
        file="",
    )
    yield case(
        "a bell in a sample's name",
        replaced("labels.tsv", "s4", "s\x07"),
        "1 of 12 samples have no label: 's4'",
        file="m.tsv",
    )
    yield case(
        "a bell in a label",
        replaced("labels.tsv", "s4\tB", "s4\tB\x07"),
        r"sample 's4': class names hold control characters: 'B\\x07'. Remove",
    )
    yield case("a NUL byte", replaced("labels.tsv", "s4", "s\0"), "line 5: a NUL byte")
    yield case("Latin-1", replaced("labels.tsv", "s4\tB", b"s4\t\xe9"), "line 5.*not UTF-8")
    yield case("UTF-16", holding("labels.tsv", LABELS.encode("utf-16")), "UTF-16")
    yield case(
        "strict: classes alike",
        replaced("labels.tsv", "s4\tB", "s4\tb"),
        "--strict.*'B', 'b'",
        more=" --strict",
        file="m.tsv",
    )
    yield case(
        "strict: no end of the last line",
        holding("labels.tsv", LABELS[:-1]),
        "--strict: labels.tsv: the last line has no line end",
        more=" --strict",
    )


def gmt_cases() -> Iterator[Case]:
    def case(name: str, change: Change, says: str, more: str = "", file: str | None = None) -> Case:
        return Case("gmt", name, change, says, file=file, more=more)

    yield case("there is no file", missing("sets.gmt"), "cannot be read|no such file")
    yield case("a folder in its place", a_folder("sets.gmt"), "[Ii]s a directory")
    yield case("empty", holding("sets.gmt", ""), "the file is empty. It must hold one gene set per line")
    yield case(
        "blanks between fields",
        rewritten("sets.gmt", lambda old: old.replace(b"\t", b" ")),
        "line 1: expected a name.*between tabs, found 1 field",
    )
    yield case("no description", holding("sets.gmt", "FIRST\tG1\n"), "line 1: expected a name.*found 2 field")
    yield case(
        "cut in a line", rewritten("sets.gmt", lambda old: old[: old.index(b"SECOND") + 8]), "line 2: expected a name"
    )
    yield case(
        "a set twice",
        replaced("sets.gmt", "SECOND", "FIRST"),
        "line 2: gene set 'FIRST' occurs twice, with different genes",
    )
    yield case("a set without a name", replaced("sets.gmt", "SECOND", ""), "line 2: gene set '' has no name")
    yield case("a set without genes", added("sets.gmt", "THIRD\tabout\t\t\n"), "line 3: gene set 'THIRD' has no genes")
    yield case(
        "a bell in a set's name", replaced("sets.gmt", "SECOND", "SEC\x07"), r"line 2: .*control characters.*'SEC\\x07'"
    )
    yield case(
        "an escape in a gene", replaced("sets.gmt", "G5", "G\x1b[2J"), r"line 1: .*control characters.*'G\\x1b\[2J'"
    )
    yield case(
        "more genes than there can be",
        holding("sets.gmt", "FIRST\tx\t" + "\t".join(f"X{at}" for at in range(100_001)) + "\n"),
        "more than 100,000 genes in gene set 'FIRST'",
    )
    yield case("a NUL byte", replaced("sets.gmt", "SECOND", "S\0"), "line 2: a NUL byte")
    yield case("Latin-1", replaced("sets.gmt", "SECOND", b"S\xe9"), "line 2.*not UTF-8")
    yield case(
        "line ends of old Macs",
        rewritten("sets.gmt", lambda old: old.replace(b"\n", b"\r")),
        "line 1: old Mac line ends",
    )
    yield case("cut gzip data", rewritten("sets.gmt", lambda old: gzip.compress(old)[:-9]), "gzip data end too early")
    yield case(
        "no such set",
        holding("sets.gmt", "FIRTS\tx\tG1\n"),
        "no gene set 'FIRST' among the 1 read.*closest.*'FIRTS'",
        file="",
    )
    yield case(
        "genes of another kind",
        holding("sets.gmt", "FIRST\tx\tMmp9\tMmp3\n"),
        "0 of 2 genes of FIRST are in the expression matrix.*mouse symbols",
        file="",
    )
    yield case(
        "strict: few genes of the set",
        holding("sets.gmt", "FIRST\tx\tG1\tG2\tX1\n"),
        "--strict: gene set 'FIRST': 1 of 3 wanted genes",
        more=" --strict",
        file="m.tsv",
    )


def lists_cases() -> Iterator[Case]:
    def case(name: str, change: Change, says: str, file: str | None = None, more: str = "", code: int = 3) -> Case:
        return Case("lists", name, change, says, code, file, more)

    yield case("there is no file", missing("genes.txt"), "cannot be read|no such file")
    yield case("empty", holding("genes.txt", ""), "the file is empty. It must hold one gene per line")
    yield case(
        "several genes in a line",
        holding("genes.txt", "G1\tG2\n"),
        "line 1: expected one gene, found several fields.*one gene per line",
    )
    yield case("a bell in a gene", replaced("genes.txt", "G2", "G\x07"), r"line 2: .*control characters.*'G\\x07'")
    yield case("a NUL byte", replaced("genes.txt", "G2", "G\0"), "line 2: a NUL byte")
    yield case("Latin-1", replaced("genes.txt", "G2", b"\xe9"), "line 2.*not UTF-8")
    yield case("no background", missing("all.txt"), "cannot be read|no such file", file="all.txt")
    yield case("a gene outside of the background", replaced("all.txt", "G2\n", ""), "G2", file="")
    yield case("damaged gene sets", holding("sets.gmt", "FIRST\n"), "line 1: expected a name", file="sets.gmt")


def sweep_cases() -> Iterator[Case]:
    def case(name: str, change: Change, says: str, code: int = 2, file: str | None = None) -> Case:
        return Case("sweep", name, change, says, code, file)

    def line(old: str, new: str) -> Change:
        return replaced("sweep.toml", old, new)

    yield case("there is no file", missing("sweep.toml"), "no such file.*--config", 3)
    yield case("a folder in its place", a_folder("sweep.toml"), "[Ii]s a directory", 3)
    yield case("empty", holding("sweep.toml", ""), r"expression is missing in \[data\]")
    yield case("not TOML", line("[sweep]", "[sweep"), "not in TOML format: .*line 6", 3)
    yield case("a text without quotes", line('"m.tsv"', "m.tsv"), "not in TOML format", 3)
    yield case("Latin-1", rewritten("sweep.toml", lambda old: old + b"# \xe9\n"), "not UTF-8|utf-8", 3)
    yield case("an unknown table", line("[data]", "[date]"), "no table or key 'date' at the top")
    yield case(
        "an unknown key",
        line("target_classes", "target_clases"),
        "no key 'target_clases'. The closest is 'target_classes'",
    )
    yield case("no targets", line('target_classes = ["T"]\n', ""), r"target_classes is missing in \[sweep\]")
    yield case("a number for a text", line('"m.tsv"', "7"), "expression is 7; text is needed")
    yield case("a text for a number", line("steps = 1", 'steps = "1"'), "steps is '1'; a whole number is needed")
    yield case(
        "a truth value for a number", line("steps = 1", "steps = true"), "steps is True; a whole number is needed"
    )
    yield case("no targets in the list", line('["T"]', "[]"), r"target_classes is \[\]; a list of texts is needed")
    yield case(
        "an unknown rule for doubled genes",
        line("[sweep]", 'duplicates = "max"\n[sweep]'),
        "--duplicates max: .*error, first, mean, sum",
        file="",
    )
    yield case(
        "too many random sets", line("random_gene_sets = 0", "random_gene_sets = 100000"), "0 to 10,000 are possible"
    )
    yield case("one key in both tables", line("steps = 1", 'labels = "labels.tsv"'), r"labels belongs in \[data\]")
    yield case("a matrix that is not there", missing("m.tsv"), "cannot be read.*seen from its own folder", 3, "m.tsv")
    yield case("an unknown target", line('["T"]', '["t"]'), "no class 't'.*Closest: 'T'", file="")
    yield case("an unknown gene set", line('"FIRST"', '"FRIST"'), "no gene set 'FRIST'.*'FIRST'", 3, "")
    yield case(
        "a matrix with a fault",
        rewritten("m.tsv", lambda old: with_cell(old, "\t", "foo")),
        "line 4: row 's2', column 'G3': 'foo'",
        3,
        "m.tsv",
    )
    yield case(
        "strict and a doubt",
        lambda d: (line("[sweep]", "strict = true\n[sweep]")(d), replaced("m.tsv", "G4", "=G4")(d)),
        "--strict.*'=G4'",
        3,
        "m.tsv",
    )
