"""What every command that leaves a report prints at its end: the answer first, then what must not be overlooked."""

from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

from tspg.analysis.evaluation.criteria import ANSWERS
from tspg.analysis.evaluation.thresholds import NOT_TESTED
from tspg.cli.terminal import printable, wrapped
from tspg.report.page.answer import Answer, Chip, GeneBar, GeneList, answers_of
from tspg.report.page.single_samples import clipping_warnings, single_samples
from tspg.report.read import RunFiles, read_run
from tspg.utils.text import counted, listed, number, small

MOST_SAMPLES, MOST_NOTES = 3, 6  # in the terminal; the report has all
LEAST_NAME, MOST_NAME, SIZE, Q = 16, 21, 9, 7  # widths of columns
LARGEST = 10_000  # size that is written out
BETWEEN = " | "


def summary(out: Path) -> list[str]:
    """The question, the answer, the genes and whether to trust them; where the report is, and warnings."""
    found = read_run(out)
    answers = answers_of(found)
    left = len(answers) - MOST_SAMPLES
    notes = [f"Note: {note}" for note in (found.metric("data.notes") or [])[:MOST_NOTES]]
    return [
        *(line for answer in answers[:MOST_SAMPLES] for line in _lines_of(answer)),
        *(["", f"{counted(left, 'more sample')}: see the report."] if left > 0 else []),
        "",
        *wrapped(_trust(answers[0].chips, is_of_training=found.is_of_training), 0),
        f"Report: {out / 'report.html'}",
        *(line for warning in (*clipping_warnings(found), *_outliers(found), *notes) for line in wrapped(warning)),
    ]


def _lines_of(answer: Answer) -> Iterator[str]:
    yield ""
    yield from wrapped(answer.question, 0)
    yield from wrapped(answer.sentence, 0)
    if answer.lists:
        yield ""
        yield from side_by_side(answer.lists)


def side_by_side(lists: list[GeneList]) -> Iterator[str]:
    """Two lists of genes beside each other: a title, what the numbers are, and a line for each gene."""
    names = [len(printable(one.gene)) for genes in lists for one in genes.genes]
    width = min(max([LEAST_NAME, *names]), MOST_NAME)
    blocks = [_block(genes, width) for genes in lists]
    empty = " " * (width + SIZE + Q)
    for cells in zip_longest(*blocks, fillvalue=empty):
        yield BETWEEN.join(cells).rstrip()


def _block(genes: GeneList, name: int) -> list[str]:
    """The lines of one list, all equally wide."""
    head = f"{'gene':<{name + SIZE - len(genes.measure)}}{genes.measure}{'q':>{Q}}"
    return [_cut(genes.title, name + SIZE + Q), head, *(_row(one, name) for one in genes.genes)]


def _row(one: GeneBar, name: int) -> str:
    size = number(one.size) if abs(one.size) < LARGEST else f"{one.size:.0e}"
    size = f"+{size}" if one.size > 0 else size
    return f"{_cut(one.gene, name)}{size:>{SIZE}}{small(one.q_value):>{Q}}"


def _cut(text: str, width: int) -> str:
    """Text in just so many columns; what does not fit ends in three dots."""
    shown = printable(text)
    return f"{shown if len(shown) <= width else f'{shown[: width - 3]}...':<{width}}"


def _outliers(run: RunFiles) -> list[str]:
    """A warning of the named samples that lie outside the training data."""
    names = [str(view.row["sample"]) for view in single_samples(run) if view.is_outlier]
    if not names:
        return []
    more = [f"{len(names) - MOST_SAMPLES} more"] if len(names) > MOST_SAMPLES else []
    who = listed([*names[:MOST_SAMPLES], *more])
    lies, them = ("lies", "it") if len(names) == 1 else ("lie", "them")
    where = f"{lies} outside the data that the model was trained on"
    return [f"Warning: {who} {where}: what the model says of {them} may mean nothing."]


def _trust(chips: list[Chip], *, is_of_training: bool) -> str:
    """The six questions by their answers; of new profiles those on the model."""
    question = f"Can {'it' if is_of_training else 'the model'} be trusted?"
    if not is_of_training and all(one.answer == NOT_TESTED for one in chips):
        return f"{question} See the report of the run that trained it."
    parts = [
        f"{answer}: {', '.join(one.title.lower() for one in chips if one.answer == answer)}"
        for answer in ANSWERS
        if any(one.answer == answer for one in chips)
    ]
    return f"{question} {'; '.join(parts)}."
