"""`tspg completion`: the script makes a real shell complete commands, options, choices and files."""

import shutil
import subprocess

import pytest

from tspg.cli.main import main


@pytest.fixture(scope="module")
def completed(tmp_path_factory):
    """What bash offers for the last of some words, in a folder with one file and one folder."""
    bash, folder = shutil.which("bash"), tmp_path_factory.mktemp("home")
    if bash is None:
        pytest.skip("there is no bash here")
    (folder / "matrix.tsv").touch()
    (folder / "matrices").mkdir()

    def offers(script: str, *words: str) -> set[str]:
        asked = " ".join(f"'{word}'" for word in ("tspg", *words))
        complete = f'COMP_WORDS=({asked}); COMP_CWORD={len(words)}; _shtab_tspg; printf "%s\\n" "${{COMPREPLY[@]}}"'
        finished = subprocess.run(
            [bash, "-c", f"{script}\n{complete}"], cwd=folder, capture_output=True, text=True, check=True
        )
        return set(finished.stdout.split())

    return offers


@pytest.fixture
def script(capsys):
    assert main(["completion", "bash"]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["pe"], ["perturb"]),
        (["run", "--target"], ["--target", "--target-epochs"]),
        (["run", "--preset", ""], ["paper", "transport"]),
        (["run", "--expression", "matri"], ["matrix.tsv", "matrices"]),
        (["report", "--run", "matri"], ["matrices"]),
        (["completion", ""], ["bash", "zsh"]),
    ],
    ids=" ".join,
)
def test_bash_completes(completed, script, words, offered):
    assert completed(script, *words) == set(offered)


ZSH = """
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell 'autoload -Uz compinit; compinit -u -D; eval "$(<script)"; print READ""Y'
zpty -w shell 'line() { print -r -- "LINE<$BUFFER>" }; zle -N line; bindkey "^X" line; print SE""T'
zpty -r shell said '*READY*'
zpty -r shell said '*SET*'
zpty -w -n shell "$1"$'\\t\\x18'
zpty -r shell said '*LINE<*>*'
print -r -- "${${said##*LINE<}%%>*}"
"""


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ("tspg pe", "tspg perturb "),
        ("tspg run --preset tr", "tspg run --preset transport "),
        ("tspg run --expression matrix", "tspg run --expression matrix.tsv "),
        ("tspg report --run matri", "tspg report --run matrices/"),
        ("tspg completion z", "tspg completion zsh "),
    ],
)
def test_zsh_completes_what_is_typed(capsys, tmp_path, typed, line):
    zsh = shutil.which("zsh")
    if zsh is None:
        pytest.skip("there is no zsh here")
    assert main(["completion", "zsh"]) == 0
    (tmp_path / "script").write_text(capsys.readouterr().out)
    (tmp_path / "matrix.tsv").touch()
    (tmp_path / "matrices").mkdir()
    command = [zsh, "-f", "-c", ZSH, "zsh", typed]
    finished = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60)
    assert finished.stdout == f"{line}\n"


def test_zsh_gets_a_script_of_its_own(capsys):
    assert main(["completion", "zsh"]) == 0
    assert capsys.readouterr().out.startswith("#compdef tspg")
