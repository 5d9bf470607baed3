"""The help: short enough to be read, and nothing of a command is left out of it."""

import re
import shlex

import pytest

from tspg.cli.main import main
from tspg.cli.parser import build_parser

SCREEN = 40  # lines
CONTRACT = {  # options of docs that must stay
    "demo": "--out --quick",
    "inspect": "--expression --labels --label-column --gene-sets --json",
    "run": "--expression --labels --label-column --target --out --source --sample-column --value --test-expression "
    "--test-labels --group-column --adjust --transpose --transform --strict --gene-sets --gene-set --preset --method "
    "--epochs --steps --target-epochs --folds --seed --threads --device --max-memory --samples --annotations "
    "--enrichment --xlsx --timings --resume",
    "perturb": "--model --expression --labels --label-column --new-class --normalise --align --samples --out",
    "audit": "--run --quick --technical",
    "enrich": "--run --genes --background --annotations --out",
    "compare": "--out",
    "report": "--run",
    "sweep": "--config --out --cores --profile --dry-run --list",
    "completion": "",
}
COMMANDS = {name: one for action in build_parser()._actions for name, one in (action.choices or {}).items()}


@pytest.fixture
def help_of(capsys, monkeypatch):
    """The lines that a terminal of 80 columns shows."""
    monkeypatch.setenv("COLUMNS", "80")

    def lines(*words: str) -> list[str]:
        with pytest.raises(SystemExit) as ended:
            main([*words, "--help"])
        assert ended.value.code == 0
        return capsys.readouterr().out.splitlines()

    return lines


def test_every_command_is_in_the_contract():
    assert set(COMMANDS) == set(CONTRACT)


@pytest.mark.parametrize("command", CONTRACT)
def test_the_help_of_a_command_fits_and_tells_every_option(help_of, command):
    lines = help_of(command)
    assert len(lines) <= (2 * SCREEN if command == "run" else SCREEN)
    assert max(map(len, lines)) <= 80
    told = {line.split()[0] for line in lines if re.match(r"  --", line)}
    assert set(CONTRACT[command].split()) <= told
    takes = {flag for one in COMMANDS[command]._actions for flag in one.option_strings if flag.startswith("--")}
    assert told == takes - {"--help"}


@pytest.mark.parametrize("command", CONTRACT)
def test_the_example_at_the_head_is_a_command_that_is_understood(help_of, command):
    usage, _, does, _, example, *_ = help_of(command)
    assert usage.startswith(f"usage: tspg {command}")
    assert does
    words = shlex.split(example.strip().removeprefix('eval "$(').removesuffix(')"'))
    assert words[:2] == ["tspg", command]
    given = build_parser().parse_args(words[1:])
    assert given.command == command
    needed = {one.option_strings[0] for one in COMMANDS[command]._actions if one.required and one.option_strings}
    assert needed <= set(usage.split())


def test_every_command_has_one_line(help_of):
    listed = [line.split()[0] for line in help_of() if re.match(r"    [a-z]", line)]
    assert listed == list(CONTRACT)


def test_words_on_options_stand_in_one_column(help_of):
    starts = {match.end() for line in help_of("run") if (match := re.match(r"  --\S+(?: [A-Z]+(?: \.\.\.)?)? +", line))}
    assert len(starts) == 1
