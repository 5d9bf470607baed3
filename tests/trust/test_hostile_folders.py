"""Run folders, models and sweeps of strangers: nothing in them leads out, runs, hangs or ends in a traceback."""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tspg.errors import ModelError
from tspg.utils.lock import new_folder


@dataclass(frozen=True)
class Tried:
    """One command on one harmed folder, and what an unsafe reader makes of the folder."""

    name: str
    harm: Any
    found: dict
    unsafe: dict | None


def filled(words, **places):
    return [str(places.get(word, word)) for word in words]


@pytest.fixture(scope="module")
def tried(folders, run_folder, planted, watched, tree_of, tmp_path_factory):
    """Every command on every harmed folder, in one watched process; then the unsafe readers."""
    here = tmp_path_factory.mktemp("strangers")
    (here / "out").mkdir()
    sound = shutil.copytree(run_folder, here / "sound")
    patient, config = here / "patient.tsv", here / "sweep.toml"
    row = planted.adata[[4]].to_df()
    row.to_csv(patient, sep="\t", index_label="sample")
    config.write_text('[data]\nexpression = "patient.tsv"\nlabel_column = "c"\n[sweep]\ntarget_classes = "b"\n')
    jobs, cases, controls = [], [], []
    for number, harm in enumerate((*folders.HARMS, *folders.SWEEPS)):
        folder = here / f"{number}" / "inner" / "run"
        if harm in folders.HARMS:
            shutil.copytree(run_folder, folder)
            harm.do(folder)
            if "manifest" not in harm.name and "output" not in harm.name:
                folders.with_sums(folder)
        else:
            folder.mkdir(parents=True)
            harm.do(folder)
        for command in harm.commands:
            out = here / "out" / f"{number}-{command}"
            own = [f"{folder}/.tspg.lock", f"{folder}/locks"]
            places = {"RUN": folder, "OUT": out, "SOUND": sound, "PATIENT": patient, "CONFIG": config}
            jobs.append({"argv": filled(folders.COMMANDS[command], **places), "out": [str(out), *own]})
            cases.append((f"{harm.name}: {command}", harm, len(controls) if harm.reader else None))
        if harm.reader:
            controls.append({"reader": harm.reader, "file": str(folder / harm.at)})
    before = tree_of(here)
    found = watched(jobs, here)
    changed = {name for name, about in tree_of(here).items() if before.get(name) != about and "/locks" not in name}
    assert changed == set()
    assert not list(here.rglob("CANARY*"))
    unsafe = watched(controls, here)
    judged = [None if at is None else unsafe[at] for _, _, at in cases]
    return [Tried(name, harm, one, of) for (name, harm, _), one, of in zip(cases, found, judged, strict=True)]


def test_nothing_in_a_folder_runs_or_leads_out(tried):
    assert {one.name: one.found["events"] for one in tried if one.found["events"]} == {}


def test_every_folder_is_refused_with_one_clear_line(tried):
    for one in tried:
        lines = one.found["errors"].splitlines()
        assert one.found["trace"] == "", one.name
        assert (one.found["code"], one.found["said"]) == (one.harm.code, ""), (one.name, one.found)
        assert len(lines) == 1, (one.name, lines)
        assert lines[0].startswith("tspg: error: "), (one.name, lines)
        assert re.search(one.harm.says, lines[0]), (one.name, lines[0])
        assert lines[0].isprintable(), one.name


def test_every_reach_is_real(tried):
    """Without a guard the same folders run code, show what lies elsewhere, or let it be written to."""
    dead = [one.name for one in tried if one.unsafe is not None and not one.unsafe["got"] and not one.unsafe["events"]]
    assert dead == [], {one.name: one.unsafe["trace"][-300:] for one in tried if one.name in dead}


def test_checkpoints_that_lie_elsewhere_are_not_taken_up(tmp_path: Path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "checkpoints").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ModelError, match="checkpoints: is a link"), new_folder(tmp_path / "run", resume=True):
        (tmp_path / "run" / "checkpoints" / "CANARY").touch()
    assert not list((tmp_path / "elsewhere").iterdir())


def test_a_folder_may_itself_be_reached_through_a_link(run_folder: Path, tmp_path: Path, capsys):
    from tspg.cli.main import main

    real = shutil.copytree(run_folder, tmp_path / "real")
    shutil.rmtree(real / "figures")
    (tmp_path / "link").symlink_to(real)
    assert main(["report", "--run", str(tmp_path / "link")]) == 0, capsys.readouterr().err
    assert (real / "figures" / "heatmap.png").is_file()
