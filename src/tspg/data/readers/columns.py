"""Which columns of a text table name its rows, hold values, or describe genes or samples."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tspg.data.identifiers import is_known_gene
from tspg.data.readers.fields import Kind, kind_of
from tspg.data.readers.head import Head
from tspg.data.readers.layouts import Layout, recognised
from tspg.data.readers.table import NAMES_FROM_FILES
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
    r"grade|batch|run|plate|group|class|label|target|outcome|response|purity|score|height|weight|race|smoking)",
)
_MOST_ABOUT_SAMPLES, _LEAST_GENES = 20, 0.8
_NAMES = re.compile(r"(sample|gene|ensembl)?[_ ]?(id|name|symbol)?", re.IGNORECASE)  # what heads a column of names
_LEAST_TEXTS = 2  # one word alone is a bad cell
_LEAST_LONG = 4  # rows that tell a long table
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
    """What each column of a table is, by its position in a line; `kept_rows` is a column and what may stand in it."""

    layout: Layout | None
    names_at: int
    values_at: list[int]
    column_ids: list[str]
    in_file: list[str]  # the same names as the file has them, where they are file names
    ids_beside: list[str]  # what stood beside the symbols in the columns' names
    texts_at: dict[str, int]
    left_out: list[str]
    kept_rows: tuple[int, frozenset[str]] | None
    split_names: re.Pattern[str] | None  # how a row's name is cut into two
    second_header: bool
    notes: list[str]


def columns_of(head: Head, file: str, label_column: str | None = None) -> Columns:
    """What the columns of a table are that starts like this; that of the classes holds no values.

    Raises
    ------
    ExpressionError
        If this is no matrix of genes and samples.
    """
    layout = recognised(head, Path(file).name)
    if layout is not None and layout.refusal:
        raise ExpressionError(f"{file}: this is a file of another kind ({layout.name}): {layout.refusal}")
    second_header = layout is not None and layout.second_header and _is_second_header(file, head)
    rows = head.rows[1:] if second_header else head.rows
    texts = [at for at in range(len(head.header)) if _is_text(row[at] for row in rows if at < len(row))]
    names_at = _names_at(head, layout, rows, texts)
    texts = [at for at in texts if at != names_at]
    numbers = _numbers_about_genes(head, rows, {names_at, *texts})
    if names_at and _counts_rows(head, rows):
        numbers.add(0)
    values = [at for at in range(len(head.header)) if at not in {names_at, *texts, *numbers}]
    if layout is not None and layout.values:
        numbers |= {at for at in values if not head.header[at].endswith(layout.values)}
        values = [at for at in values if at not in numbers]
    about_samples = numbers_about_samples(head.header, values, label_column)
    values = [at for at in values if at not in about_samples]
    _check_values(file, head, values, texts, rows)
    in_file = [head.header[at].removesuffix(layout.values if layout is not None else "") for at in values]
    samples = names_from_files(in_file)
    ids, beside, split = _split_ids(samples or in_file)
    left_out = [head.header[at] for at in sorted(numbers) if head.header[at]]
    text_names = [head.header[at] for at in texts]
    split_rows = _pattern_of([row[names_at] for row in rows if names_at < len(row)])
    names_of_numbers = [head.header[at] for at in about_samples]
    about = _about(
        layout,
        text_names,
        names_of_numbers,
        left_out,
        head.header[names_at] if names_at else "",
        split or split_rows is not None,
    )
    if samples is not None:
        about.append(NAMES_FROM_FILES)
    return Columns(
        layout,
        names_at,
        values,
        ids,
        in_file if samples is not None else [],
        beside,
        dict(zip([*text_names, *names_of_numbers], [*texts, *about_samples], strict=True)),
        left_out,
        _kept_rows(head, layout),
        split_rows,
        second_header,
        about,
    )


def _is_second_header(file: str, head: Head) -> bool:
    """Whether the line below the header says what the numbers are; they must all be of one kind."""
    kinds = list(dict.fromkeys(head.rows[0][1:])) if head.rows else []
    if any(kind_of(kind) != Kind.TEXT for kind in kinds):
        return False
    if len(kinds) > 1:
        raise ExpressionError(
            f"{file}: there are several columns for each sample ({listed(kinds)}). Give the file that has one, such as "
            "RSEM_genes_normalized."
        )
    return bool(kinds)


def _is_text(cells: Iterable[str]) -> bool:
    """Whether a column holds words and no number at all."""
    n_texts = 0
    for cell in cells:
        kind = kind_of(cell)
        if kind == Kind.NUMBER:
            return False
        n_texts += kind == Kind.TEXT
    return n_texts >= _LEAST_TEXTS


def _names_at(head: Head, layout: Layout | None, rows: list[list[str]], texts: list[int]) -> int:
    """The column that names the rows: the first one, unless it only counts them, or names stand behind numbers."""
    if layout is not None and layout.row_names:
        return [name.casefold() for name in head.header].index(layout.row_names.casefold())
    if texts and rows and head.header[0] and all(kind_of(row[0]) == Kind.NUMBER for row in rows):
        named = [
            at for at in texts if _NAMES.fullmatch(head.header[at]) and len({row[at] for row in rows}) == len(rows)
        ]
        if named:
            return named[0]
    if not _counts_rows(head, rows):
        return 0
    unique = [at for at in texts if len({row[at] for row in rows}) == len(rows)]
    return unique[0] if unique else 0


def _counts_rows(head: Head, rows: list[list[str]]) -> bool:
    """Whether the first column is an index without a name, as pandas and R write it."""
    counts = [row[0] for row in rows]
    counted = len(counts) > 1 and any(counts == [str(at + first) for at in range(len(counts))] for first in (0, 1))
    return counted and head.header[0].casefold() in ("", "unnamed: 0", "index")


def _numbers_about_genes(head: Head, rows: list[list[str]], known: set[int]) -> set[int]:
    """Columns of numbers that are no values, beside the names at the start or at the end of the lines."""
    names = [name.casefold().replace(" ", "_").replace(".", "_") for name in head.header]
    found: set[int] = set()
    for order in (range(len(names)), reversed(range(len(names)))):
        for at in order:
            whole = not any("." in row[at].removesuffix(".0") for row in rows if at < len(row))
            if _ABOUT_GENES.fullmatch(names[at]) or (whole and _WHOLE_ABOUT_GENES.fullmatch(names[at])):
                found.add(at)
            elif at not in known:
                break
    found -= known
    return found if len(found | known) < len(names) else set()


def numbers_about_samples(names: Sequence[str], values: Sequence[int], label_column: str | None = None) -> list[int]:
    """Which columns of numbers describe samples: at either end, called by words, where all else is called by genes.

    Parameters
    ----------
    names
        The names of all columns.
    values
        Where columns of numbers stand that may be values.
    label_column
        The column that the user says holds the classes; it is one of them wherever it stands.
    """
    ends: set[int] = set()
    for order in (values, values[::-1]):
        for at in order:
            if not _ABOUT_SAMPLES.fullmatch(names[at]) or is_known_gene(names[at]):
                break
            ends.add(at)
    if ends:
        others, _, _ = _split_ids([names[at] for at in values if at not in ends])
        if len(ends) > _MOST_ABOUT_SAMPLES or sum(map(is_known_gene, others)) <= _LEAST_GENES * len(others):
            ends.clear()
    return [at for at in values if at in ends or names[at] == label_column]


def _check_values(file: str, head: Head, values: list[int], texts: list[int], rows: list[list[str]]) -> None:
    """Refuse a table without values, and one that has a line for each gene of a sample."""
    if texts and len(rows) >= _LEAST_LONG:
        first = [row[0] for row in rows]
        others = [at for at in texts if at and len({row[at] for row in rows}) > 1]
        if len(values) <= 3 and len(set(first)) <= len(first) / 2 and others:
            index, column = head.header[0], head.header[max(others, key=lambda at: len({row[at] for row in rows}))]
            value = head.header[values[-1]] if values else "VALUE"
            separator = "" if head.delimiter == "," else f", sep={head.delimiter!r}"
            raise ExpressionError(
                f"{file}: this is a long table, with one line for each gene of a sample. Turn it: python -c "
                f"\"import pandas as pd; pd.read_csv('{Path(file).name}'{separator}).pivot(index='{index}', "
                f"columns='{column}', values='{value}').to_csv('NEW.tsv', sep='\\t')\"."
            )
    if not values:
        what = f" beside the text ({listed(head.header[at] for at in texts)})" if texts else ""
        raise ExpressionError(f"{file}: there is no column of values{what}. Give a table with one number in each cell.")


def names_from_files(names: Sequence[str]) -> list[str] | None:
    """The samples that files are of, without folder and ending; None if not all names are such files' names."""
    found = [_FILE_OF_A_SAMPLE.fullmatch(name.replace("\\", "/")) for name in names]
    if not all(found):
        return None
    paths = [match["name"] for match in found if match]
    last = [path.rstrip("/").rpartition("/")[2] for path in paths]
    if len(set(last)) == len(last) and all(last):
        return last
    folders = [name.replace("\\", "/").rpartition("/")[0].rpartition("/")[2] for name in names]
    return folders if len(set(folders)) == len(folders) and all(folders) else None


def _pattern_of(names: list[str]) -> re.Pattern[str] | None:
    """How names of genes are cut into the two that each consists of; None if they are not such pairs."""
    patterns = _TWO_NAMES if names else ()
    return next((one for one in patterns if sum(map(bool, map(one.match, names))) > 0.9 * len(names)), None)


def _split_ids(names: list[str]) -> tuple[list[str], list[str], bool]:
    """The first of the two names that each gene has, and the second; names that would occur twice stay as they are."""
    pattern = _pattern_of(names)
    if pattern is None:
        return names, [], False
    pairs = [pattern.match(name) for name in names]
    symbols = [pair[1] if pair else name for pair, name in zip(pairs, names, strict=True)]
    count = Counter(symbols)
    ids = [name if count[symbol] > 1 else symbol for symbol, name in zip(symbols, names, strict=True)]
    return ids, [pair[2] or "" if pair else "" for pair in pairs], True


def _kept_rows(head: Head, layout: Layout | None) -> tuple[int, frozenset[str]] | None:
    if layout is None or layout.only_rows is None:
        return None
    column, wanted = layout.only_rows
    return [name.casefold() for name in head.header].index(column.casefold()), wanted


def _about(
    layout: Layout | None, texts: list[str], numbers: list[str], left_out: list[str], row_names: str, split: bool
) -> list[str]:
    """What was understood, in one note."""
    parts = []
    if row_names:
        parts.append(f"column {shown(row_names)} names the rows")
    if texts:
        parts.append(f"{len(texts):,} column(s) of text are no values: {listed(texts, 4)}")
    if numbers:
        parts.append(f"{len(numbers):,} column(s) of numbers describe samples and are no genes: {listed(numbers, 4)}")
    if left_out:
        parts.append(f"{len(left_out):,} column(s) of numbers were left out: {listed(left_out, 4)}")
    if split:
        parts.append("genes have two names each, such as 'TP53 (7157)'; the first was taken")
    if layout is None:
        return ["; ".join(parts)] if parts else []
    return [f"read as {layout.name}" + (": " + "; ".join(parts) if parts else "")]
