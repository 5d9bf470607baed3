"""Every malformed input is refused with one clear line, the right exit code and nothing written; its twin is read."""

import pytest

import tspg.experiment.run
import tspg.sweep.planning
from trust.cases import TWINS, Case
from trust.checks import MOST_MEMORY, PeakMemory, check_refusal, words_of
from trust.corpus import CASES
from tspg.cli.main import main
from tspg.errors import UsageError
from tspg.experiment.estimate import ResourceEstimate


@pytest.fixture(autouse=True)
def stopped_at_training(monkeypatch):
    """What is accepted would be worked on for seconds, and forecasts try some steps; here it need only come so far."""

    def stop(*_questions, **_options):
        raise UsageError("accepted")

    monkeypatch.setattr(tspg.experiment.run, "run_experiments", stop)
    monkeypatch.setattr(tspg.sweep.planning, "estimate_resources", lambda *_sizes: ResourceEstimate(1.0, 0.1))


def test_memory_is_measured():
    peak = PeakMemory()
    if not peak.start:
        pytest.skip("only Linux tells its peak")
    held = bytearray(b"x" * 500_000_000)
    assert len(held) > MOST_MEMORY
    assert peak.risen() > MOST_MEMORY


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_malformed_input_is_refused(case: Case, tmp_path, capsys):
    twin = TWINS[case.twin]
    twin.write(tmp_path)
    case.change(tmp_path)
    file = twin.file if case.file is None else case.file
    check_refusal(twin.command + case.more, tmp_path, capsys, code=case.code, says=case.says, file=file)


@pytest.mark.parametrize("name", list(TWINS))
def test_the_sound_twin_is_read_by_the_same_command(name, tmp_path, capsys):
    TWINS[name].write(tmp_path)
    code = main(words_of(TWINS[name].command, tmp_path))
    if name in ("lists", "sweep"):
        assert code == 0
    else:
        assert code == 2
        assert capsys.readouterr().err == "tspg: error: accepted\n"


def test_no_two_cases_share_a_name():
    assert len({case.id for case in CASES}) == len(CASES)


def test_the_corpus_is_as_large_as_it_should_be():
    assert len(CASES) >= 160
