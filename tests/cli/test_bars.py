"""Progress: a bar in a terminal, one line for each phase in a file, without numbers for programmers."""

import io
import re
import sys

import pytest

from tspg.cli.bars import TITLES, ProgressBars
from tspg.experiment.fit import PARTS
from tspg.utils.timing import Clock


class Screen(io.StringIO):
    """A terminal that remembers all that was written to it."""

    encoding = "utf-8"

    def isatty(self):
        return True

    @property
    def frames(self):
        return [frame for frame in re.split(r"[\r\n]", self.getvalue()) if frame.strip()]


@pytest.fixture
def seconds():
    """A clock that goes on by a second whenever it is looked at."""
    ticks = iter(range(10_000))
    return lambda: float(next(ticks))


def train(report, name="target model", epochs=50):
    for epoch in range(1, epochs + 1):
        report(name, epoch, epochs, {"epoch": epoch, "total_loss": 0.123, "hit_rate": 0.5, "loss": 0.7})


def whole_run(report):
    """The reports of a run with two folds, as `tspg.run` makes them."""
    clock = Clock(report)
    for phase in ("read", "prepare", "target_model", "generator", "genes"):
        with clock.phase(phase):
            if phase in ("target_model", "generator"):
                train(report, phase.replace("_", " "))
    with clock.phase("evidence"):
        for done in range(2 * PARTS + 1):
            report("folds", done, 2 * PARTS, {"fold": min(done // PARTS + 1, 2), "folds": 2, "loss": 0.1})
    with clock.phase("figures"):
        pass


def test_a_file_has_one_line_for_each_phase_when_it_begins(monkeypatch, seconds):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    bars = ProgressBars(seconds)
    bars("start", 0, 1, {})
    whole_run(bars)
    bars.close()
    lines = stream.getvalue().splitlines()
    assert all(re.fullmatch(r"tspg: +\d+ s  \S.*", line) for line in lines)
    assert [line.partition(" s  ")[2] for line in lines] == [
        "reading the files",
        "scaling the profiles",
        "training the classifier",
        "training the generator",
        "testing the genes",
        "evidence on held-out samples",
        "evidence: fold 1 of 2",
        "evidence: fold 2 of 2",
        "drawing the figures",
    ]
    at = [int(line.split()[1]) for line in lines]
    assert at == sorted(at)
    assert "\r" not in stream.getvalue()


def test_what_ends_in_a_refusal_leaves_no_line(monkeypatch, seconds):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    bars = ProgressBars(seconds)
    bars("start", 0, 1, {})
    bars("read", 0, 1, {})
    bars.close()
    assert stream.getvalue() == ""


def test_a_sweep_in_a_file_has_a_line_for_each_tenth(monkeypatch, seconds):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    bars = ProgressBars(seconds)
    for done in range(1001):
        bars("sweep", done, 1000, {"runs": 2 * done, "of": 2000})
        bars("sweep", done, 1000, {"runs": 2 * done, "of": 2000})  # nothing new
    lines = stream.getvalue().splitlines()
    assert len(lines) == 11
    assert lines[0].endswith("  0 of 2,000 runs")
    assert lines[-1].endswith("  2,000 of 2,000 runs")


def test_a_terminal_has_a_bar_with_phase_share_and_time_left_and_nothing_stays(monkeypatch):
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    bars = ProgressBars()
    bars("start", 0, 1, {})
    whole_run(bars)
    bars.close()
    text = screen.getvalue()
    for words in ("starting ...", "reading the files ...", "testing the genes ...", "drawing the figures ..."):
        assert words in text
    assert any(re.fullmatch(r"training the classifier \|.*\| \d+%, \S+ left", frame) for frame in screen.frames)
    assert any(frame.startswith("evidence: fold 1 of 2 |") for frame in screen.frames)
    assert not re.search("loss|hit_rate|epoch", text)
    assert screen.getvalue().endswith("\r")
    assert not text.rpartition("\r")[0].rpartition("\r")[2].strip()  # the last frame wipes the line


def test_a_bar_of_folds_goes_on_from_one_fold_to_the_next():
    from tspg.experiment.estimate import FitSeconds
    from tspg.experiment.fit import _within_fold

    told = []
    for fold in range(3):
        report = _within_fold(lambda *call: told.append(call), fold, 3, FitSeconds(2.0, 6.0, 2.0))
        train(report, "target model", 4)
        train(report, "generator", 4)
    done = [call[1] for call in told]
    assert done == sorted(done)
    assert {call[0] for call in told} == {"folds"}
    assert {call[2] for call in told} == {3 * PARTS}
    assert [call[3]["fold"] for call in told if call[1] % PARTS == 0] == [1, 2, 3]
    assert done[:5] == [0, 50, 100, 150, 200]  # a fifth of a fold is the classifier
    assert done[8] == 800  # and four fifths all training


def test_every_phase_of_a_run_has_a_title(planted_run):
    assert set(planted_run.metrics.get("seconds", planted_run.seconds)) <= set(TITLES)
    assert len(set(TITLES.values())) == len(TITLES)
