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


def test_zsh_gets_a_script_of_its_own(capsys):
    assert main(["completion", "zsh"]) == 0
    assert capsys.readouterr().out.startswith("#compdef tspg")
