"""Which columns of a text table name its rows, hold values, or describe genes or samples."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tspg.data.identifiers import is_known_gene
from tspg.data.readers.blocks import RowFormat
from tspg.data.readers.fields import CellKind, kind_of, split_name
from tspg.data.readers.head import Head
from tspg.data.readers.layouts import MatrixLayout, matrix_layout
from tspg.errors import ExpressionError
from tspg.utils.names import listed, shown

# Columns of numbers that describe genes; no gene and hardly a sample has such a name.
_WHOLE_ABOUT_GENES = re.compile(
    r"(entrez|ncbi)_?(gene)?_?(id)?|gene_?id|hgnc_id|locuslink|((gene|tx)_?)?(start|end|stop)(_position)?|"
    r"chr|chrom|chromosome(_name)?|seqnames?|strand"
)
_ABOUT_GENES = re.compile(
    r"((gene|transcript|exon|exonic|effective|eff)_?)?(width|len|length)|(percentage_gene_)?gc_?content"
)
# Numbers about samples beside genes: words, which no gene is called without a digit in its name; short ones by name.
_ABOUT_SAMPLES = re.compile(
    r"(?=.*[a-z]{2})\D+|(pc|pca|umap|t?sne|sv)[ ._]?\d+|[A-Z]{2,}[ ._][A-Z][A-Z ._]+|"
    r"(?i:y|id|age|sex|gender|bmi|rin|os|pfs|dfs|rfs|efs|dss|dfi|pfi|event|status|time|days|months|dead|censor|stage|"
    r"grade|batch|run|plate|group|class|label|target|outcome|response|purity|score|height|weight|race|smoking)"
)
_MOST_ABOUT_SAMPLES, _LEAST_GENES = 20, 0.8
_NAMES = re.compile(r"(sample|gene|ensembl)?[_ ]?(id|name|symbol)?", re.IGNORECASE)  # heads a column of names
_LEAST_TEXTS = 2  # one word alone is a bad cell
_LEAST_LONG = 4  # rows that show a long table
_TWO_NAMES = (  # of one gene; the first is kept
    re.compile(r"(\S+) \((\d+|ENSG\d+(?:\.\d+)?|nan)\)$"),  # TP53 (7157), as DepMap writes it
    re.compile(r"(\?\|\d+|[^|]+(?=\|))\|?(\d+)?$"),  # TP53|7157 and ?|155060, as Firehose does
    re.compile(r"(ENS[A-Z]*G\d+(?:\.\d+)?)[|_]([^|]+)$"),  # ENSG00000141510.18|TP53, as StringTie does
)
_FILE_OF_A_SAMPLE = re.compile(
    r"(?P<name>.*?)"
    r"([._-]?(sorted|sort|dedup|deduplicated|markdup|markduplicates|rmdup|nodup|unique|umi_dedup|"
    r"aligned(\.sortedByCoord|\.toTranscriptome)?(\.out)?|accepted_hits|genome))*"
    r"(\.(bam|sam|cram)|[._]?(genes|isoforms)\.results|[._]?ReadsPerGene\.out\.tab|[._/]?quant(\.genes)?\.sf|"
    r"[._/]?abundance\.tsv|[._-]htseq[._-]counts?(\.(txt|tsv))?|[._]counts?\.(txt|tsv|csv|tab))(\.gz)?$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Columns:
    """What the columns of a table are.

    `in_file` are the names of the columns of values in the file, if samples are named otherwise because those are file
    names; `second_names` are the other names of genes that have two. `left_out` are columns of numbers that are no
    values, and `note` tells what was recognised.
    """

    form: RowFormat
    layout: MatrixLayout | None
    second_header: bool
    in_file: list[str]
    second_names: list[str]
    left_out: list[str]
    note: str


def columns_of(head: Head, label_column: str | None = None) -> Columns:
    """What the columns of a table are that starts like this; `label_column` holds classes, no values.

    Raises
    ------
    ExpressionError
        If this is no matrix of genes and samples.
    """
    header = head.header
    layout = matrix_layout(header, Path(head.file).name)
    if layout is not None and layout.refusal:
        raise ExpressionError(f"{head.file}: this is a file of another kind ({layout.name}): {layout.refusal}")
    second_header = layout is not None and layout.second_header and _is_second_header(head)
    rows = head.rows[1:] if second_header else head.rows
    texts = [at for at in range(len(header)) if _is_text(rows, at)]
    counts_rows = _counts_rows(header[0], list(_cells(rows, 0)))
    names_at = _names_at(head, layout, rows, texts, counts_rows=counts_rows)
    texts = [at for at in texts if at != names_at]
    left_out = _numbers_about_genes(header, rows, {names_at, *texts})
    if names_at and counts_rows:
        left_out.add(0)
    others = {names_at, *texts, *left_out}
    values = [at for at in range(len(header)) if at not in others]
    ending = "" if layout is None else layout.values
    left_out |= {at for at in values if not header[at].endswith(ending)}
    values = [at for at in values if at not in left_out]
    about_samples = numbers_about_samples(header, values, label_column)
    values = [at for at in values if at not in about_samples]
    _check_values(head, values, texts, rows)
    in_file = [header[at].removesuffix(ending) for at in values]
    samples = names_from_files(in_file)
    column_ids, second_names = _split_ids(samples or in_file)
    split_rows = _pattern_of(list(_cells(rows, names_at)))
    only_rows = None if layout is None else layout.only_rows
    form = RowFormat(
        head.file,
        head.delimiter,
        head.quoted,
        head.n_fields,
        np.asarray(values, np.intp),
        column_ids,
        names_at,
        texts_at={header[at]: at for at in [*texts, *about_samples]},
        n_empty=head.n_empty,
        only_rows=only_rows and (_at(header, only_rows[0]), only_rows[1]),
        nameless_left_out=layout is not None and layout.nameless_rows,
        split_names=split_rows,
    )
    known = [f"column {shown(header[names_at])} names the rows"] if names_at and header[names_at] else []
    left_out_names = [header[at] for at in sorted(left_out) if header[at]]
    for named, what in (
        ([header[at] for at in texts], "column(s) of text are no values"),
        ([header[at] for at in about_samples], "column(s) of numbers describe samples and are no genes"),
        (left_out_names, "column(s) of numbers were left out"),
    ):
        known += [f"{len(named):,} {what}: {listed(named, 4)}"] if named else []
    if second_names or split_rows is not None:
        known.append("genes have two names each, such as 'TP53 (7157)'; the first was taken")
    note = ": ".join(filter(None, ["" if layout is None else f"read as {layout.name}", "; ".join(known)]))
    return Columns(form, layout, second_header, in_file if samples else [], second_names, left_out_names, note)


def _at(header: Sequence[str], name: str) -> int:
    return [one.casefold() for one in header].index(name.casefold())


def _is_second_header(head: Head) -> bool:
    """Whether the line below the header names the kind of each number; they must all be of one kind."""
    kinds = list(dict.fromkeys(head.rows[0][1:])) if head.rows else []
    if any(kind_of(kind) != CellKind.TEXT for kind in kinds):
        return False
    if len(kinds) > 1:
        raise ExpressionError(
            f"{head.file}: there are several columns for each sample ({listed(kinds)}). Give the file that has one, "
            "such as RSEM_genes_normalized."
        )
    return bool(kinds)


def _cells(rows: list[list[str]], at: int) -> Iterator[str]:
    return (row[at] for row in rows if at < len(row))  # rows of wrong length are refused later, with their line


def _n_different(rows: list[list[str]], at: int) -> int:
    return len(set(_cells(rows, at)))


def _is_text(rows: list[list[str]], at: int) -> bool:
    """Whether a column holds words and no number at all; most columns are known by their first cell."""
    n_texts = 0
    for kind in map(kind_of, _cells(rows, at)):
        if kind == CellKind.NUMBER:
            return False
        n_texts += kind == CellKind.TEXT
    return n_texts >= _LEAST_TEXTS


def _names_at(
    head: Head, layout: MatrixLayout | None, rows: list[list[str]], texts: list[int], *, counts_rows: bool
) -> int:
    """The column that names the rows: the first one, unless it only counts them or holds numbers beside names."""
    if layout is not None and layout.row_names:
        return _at(head.header, layout.row_names)
    unique = [at for at in texts if _n_different(rows, at) == len(rows)]
    if rows and head.header[0] and all(kind_of(cell) == CellKind.NUMBER for cell in _cells(rows, 0)):
        named = [at for at in unique if _NAMES.fullmatch(head.header[at])]
        if named:
            return named[0]
    return unique[0] if unique and counts_rows else 0


def _counts_rows(name: str, cells: Sequence[str]) -> bool:
    """Whether the first column is an index without a name, as pandas and R write it."""
    counted = [[str(at + first) for at in range(len(cells))] for first in (0, 1)]
    return len(cells) > 1 and list(cells) in counted and name.casefold() in ("", "unnamed: 0", "index")


def _numbers_about_genes(header: list[str], rows: list[list[str]], known: set[int]) -> set[int]:
    """Columns of numbers that are no values, beside the names at the start or at the end of the lines."""
    names = [name.casefold().replace(" ", "_").replace(".", "_") for name in header]
    found: set[int] = set()
    for order in (range(len(names)), reversed(range(len(names)))):
        for at in order:
            whole = not any("." in cell.removesuffix(".0") for cell in _cells(rows, at))
            if _ABOUT_GENES.fullmatch(names[at]) or (whole and _WHOLE_ABOUT_GENES.fullmatch(names[at])):
                found.add(at)
            elif at not in known:
                break
    found -= known
    return found if len(found | known) < len(names) else set()


def numbers_about_samples(names: Sequence[str], values: Sequence[int], label_column: str | None = None) -> list[int]:
    """Which columns of numbers describe samples: words at either end, where the other names are those of genes.

    Parameters
    ----------
    names
        The names of all columns.
    values
        The positions of columns of numbers that may be values.
    label_column
        The column that the user says holds the classes; it is one of them wherever it is.
    """
    ends: set[int] = set()
    for order in (values, values[::-1]):
        for at in order:
            if not _ABOUT_SAMPLES.fullmatch(names[at]) or is_known_gene(names[at]):
                break
            ends.add(at)
    if ends:
        others, _ = _split_ids([names[at] for at in values if at not in ends])
        if len(ends) > _MOST_ABOUT_SAMPLES or sum(map(is_known_gene, others)) <= _LEAST_GENES * len(others):
            ends.clear()
    return [at for at in values if at in ends or names[at] == label_column]


def _check_values(head: Head, values: list[int], texts: list[int], rows: list[list[str]]) -> None:
    """Refuse a table without values, and one that has a line for each gene of a sample."""
    if texts and len(rows) >= _LEAST_LONG:
        n_different = {at: _n_different(rows, at) for at in {0, *texts}}
        others = [at for at in texts if at and n_different[at] > 1]
        if len(values) <= 3 and n_different[0] <= len(rows) / 2 and others:
            index, column = head.header[0], head.header[max(others, key=n_different.__getitem__)]
            value = head.header[values[-1]] if values else "VALUE"
            separator = "" if head.delimiter == "," else f", sep={head.delimiter!r}"
            raise ExpressionError(
                f"{head.file}: this is a long table, with one line for each gene of a sample. Turn it: python -c "
                f"\"import pandas as pd; pd.read_csv('{Path(head.file).name}'{separator}).pivot(index='{index}', "
                f"columns='{column}', values='{value}').to_csv('NEW.tsv', sep='\\t')\"."
            )
    if not values:
        what = f" beside the text ({listed(head.header[at] for at in texts)})" if texts else ""
        raise ExpressionError(
            f"{head.file}: there is no column of values{what}. Give a table with one number in each cell."
        )


def names_from_files(names: Sequence[str]) -> list[str] | None:
    """The samples of files, without folder and ending; None if not all names are such files' names."""
    paths = [name.replace("\\", "/") for name in names]
    found = [_FILE_OF_A_SAMPLE.fullmatch(path) for path in paths]
    if not all(found):
        return None
    last = [match["name"].rstrip("/").rpartition("/")[2] for match in found if match]
    folders = [path.rpartition("/")[0].rpartition("/")[2] for path in paths]
    return next((one for one in (last, folders) if len(set(one)) == len(one) and all(one)), None)


def _pattern_of(names: list[str]) -> re.Pattern[str] | None:
    """How names of genes are cut into the two that each consists of; None if they are not such pairs."""
    patterns = _TWO_NAMES if names else ()
    return next((one for one in patterns if sum(map(bool, map(one.match, names))) > 0.9 * len(names)), None)


def _split_ids(names: list[str]) -> tuple[list[str], list[str]]:
    """The first of the two names that each gene has, and the second; none of one name becomes another's double."""
    pattern = _pattern_of(names)
    if pattern is None:
        return names, []
    pairs = [split_name(name, pattern) for name in names]
    count = Counter(first for first, _ in pairs)
    ids = [name if count[first] > 1 else first for (first, _), name in zip(pairs, names, strict=True)]
    return ids, [second for _, second in pairs]
