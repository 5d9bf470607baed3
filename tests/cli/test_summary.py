"""What a command says at its end: the answer first, in lines that fit, aligned whatever the names are."""

import math
import shutil

import pytest

from tspg.cli.summary import side_by_side, summary
from tspg.cli.terminal import WIDTH
from tspg.report.page.answer import CHIPS, GeneBar, GeneList, answers_of
from tspg.report.read import read_run
from tspg.utils.files import read_json, write_json

NOTHING = math.nan
NAMES = (
    "G1",
    "HLA-DRB1",
    "ENSG00000141510.18",
    "a name that is longer than anybody's gene is",
    "Ä|ß",
    "tab\there",
    "\x1b[2J",
)


def bar(gene, size=1.5, q=1e-30):
    return GeneBar(gene, size, q_value=q)


def lists(first, second, measure="log2 fold change"):
    return [GeneList("Higher in KIRC", measure, first), GeneList("Lower in KIRC", measure, second)]


@pytest.mark.parametrize("measure", ["log2 fold change", "difference", "z", "change, scaled 0 to 1"])
@pytest.mark.parametrize("hidden", NAMES)
def test_genes_stand_in_columns_that_fit(measure, hidden):
    up = [bar("TP53", 0.004, NOTHING), bar(hidden, 12.34, 0.03), bar("B", -0.5, 0)]
    down = [bar("EGFR", -1234.5, 0.5), bar("MYC", 1e9)]
    title, head, *rows = side_by_side(lists(up, down, measure))
    lines = [title, head, *rows]
    assert max(map(len, lines)) <= WIDTH
    assert all(line.isprintable() for line in lines)
    border = title.index(" | ")
    assert all(line[border : border + 3].rstrip() == " |" for line in lines)
    size_ends, q_ends = head.index(measure) + len(measure), head.index("q", head.index(measure) + len(measure)) + 1
    assert [row[:size_ends].split()[-1] for row in rows] == ["+0.00", "+12.34", "−0.50"]
    assert all(row[size_ends - 1] != " " and row[q_ends - 1] != " " for row in rows)
    assert [row[size_ends:q_ends].strip() for row in rows] == ["–", "0.03", "0"]
    assert rows[0].rpartition(" | ")[2].split() == ["EGFR", "−1,234.50", "0.5"]
    assert rows[0].startswith("TP53 ")
    assert rows[1].startswith(
        hidden[:8].encode("unicode_escape").decode()[:4] if not hidden.isprintable() else hidden[:17]
    )


def test_a_title_that_is_too_long_is_cut():
    long = [GeneList(f"Higher in {'X' * 99}", "z", [bar("A")]), GeneList("Lower", "z", [bar("B")])]
    title = next(side_by_side(long))
    assert len(title) <= WIDTH
    assert "XXX... | Lower" in title


def test_one_list_stands_alone():
    assert list(side_by_side(lists([bar("A")], [])[:1]))[2].split() == ["A", "+1.50", "1e-30"]


def test_the_answer_comes_first_then_trust_report_and_notes(run_folder):
    lines = summary(run_folder)
    (answer,) = answers_of(read_run(run_folder))
    report = f"Report: {run_folder / 'report.html'}"
    assert lines[0] == ""
    assert lines[1] == answer.question
    text = " ".join(lines)
    assert answer.sentence in text
    named = [one.gene for genes in answer.lists for one in genes.genes]
    assert len(named) > 6
    assert all(f" {name} " in text for name in named)
    trust = next(at for at, line in enumerate(lines) if line.startswith("Can it be trusted? "))
    assert report in lines[trust:]
    judged = " ".join(lines[trust : lines.index(report)])
    assert all(judged.count(title.lower()) == 1 for title in CHIPS.values())
    assert all(line.startswith(("Note: ", "  ")) for line in lines[lines.index(report) + 1 :])
    assert all(len(line) <= WIDTH for line in lines if line != report)


def test_notes_are_few_and_no_name_steers_the_terminal(run_folder, tmp_path):
    folder = shutil.copytree(run_folder, tmp_path / "run")
    metrics = read_json(folder / "metrics.json")
    metrics["data"]["notes"] = [f"{at}: \x1b[2J and much more to say of it, " * 5 for at in range(9)]
    write_json(folder / "metrics.json", metrics)
    lines = summary(folder)
    assert sum(line.startswith("Note: ") for line in lines) == 6
    assert all(line.isprintable() for line in lines)
    assert all(len(line) <= WIDTH for line in lines if not line.startswith("Report: "))
