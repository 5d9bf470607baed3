"""A gallery of files made to do harm: none runs, connects, or reads and writes what is not its own."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

GALLERY_SIZE = 33


@dataclass(frozen=True)
class Shown:
    """What `tspg` made of a payload, and what an unsafe reader made of it afterwards."""

    payload: Any
    folder: Path
    tspg: dict
    canaries: list[str]
    changed: bool
    unsafe: dict


@pytest.fixture(scope="module")
def shown(gallery, watched, tree_of, tmp_path_factory) -> dict[str, Shown]:
    """Every payload given to `tspg`, then to the reader that falls for it."""
    here = tmp_path_factory.mktemp("gallery")
    labels = here / "labels.tsv"
    labels.write_text("".join(f"{sample}\t{name}\n" for sample, name in zip(gallery.SAMPLES, "aabbbb", strict=True)))
    (here / "out").mkdir()
    jobs, controls, folders = [], [], {}
    for payload in gallery.PAYLOADS:
        folder = folders[payload.name] = here / payload.name
        folder.mkdir()
        payload.make(payload, folder)
        out = str(here / "out" / payload.name)
        words = ["run", "--expression", str(folder / payload.name), "--labels", str(labels), "--target", "b"]
        jobs.append({"argv": [*words, "--out", out, "--threads", "1"], "out": [out]})
        controls.append({"reader": payload.reader, "file": str(folder / payload.name)})
    honest = gallery.sound(here / "honest.h5ad")
    jobs.append({"argv": ["inspect", "--expression", str(honest), "--label-column", "class"], "out": []})
    has_plugin = gallery.plugin(folders["filter.h5ad"])
    before = tree_of(here)
    found = watched(jobs, folders["filter.h5ad"])
    read = found.pop()
    assert (read["code"], read["events"], read["trace"]) == (0, [], "")  # the guard lets through what is sound
    canaries = {name: [path.name for path in folder.glob("CANARY*")] for name, folder in folders.items()}
    changed = tree_of(here) != before
    unsafe = watched(controls, folders["filter.h5ad"])
    if not has_plugin:
        unsafe[[payload.reader for payload in gallery.PAYLOADS].index("plugin")] = {}  # there is no C compiler
    return {
        payload.name: Shown(payload, folders[payload.name], tspg, canaries[payload.name], changed, control)
        for payload, tspg, control in zip(gallery.PAYLOADS, found, unsafe, strict=True)
    }


def test_no_payload_runs_or_reaches_anything(shown):
    assert {name: one.tspg["events"] for name, one in shown.items() if one.tspg["events"]} == {}
    assert {name: one.canaries for name, one in shown.items() if one.canaries} == {}


def test_nothing_is_written_for_any_payload(shown):
    assert not any(one.changed for one in shown.values())


def test_every_payload_is_refused_with_one_clear_line(shown):
    assert len(shown) == GALLERY_SIZE
    for name, one in shown.items():
        said, lines = one.tspg, one.tspg["errors"].splitlines()
        assert said["trace"] == "", name
        assert (said["code"], said["said"]) == (one.payload.code, ""), (name, said)
        assert len(lines) == 1, (name, lines)
        assert lines[0].startswith("tspg: error: "), (name, lines)
        assert Path(name).name in lines[0]
        assert re.search(one.payload.says, lines[0]), (name, lines[0])
        assert len(lines[0]) < 600, name


def test_every_payload_is_alive(shown):
    """The same files, read without a guard, run their code or show the content of another file."""
    dead = [
        name
        for name, one in shown.items()
        if one.unsafe and not one.unsafe["got"] and not list(one.folder.glob("CANARY*"))
    ]
    assert dead == [], {name: shown[name].unsafe["trace"][-300:] for name in dead}


def test_the_watch_hears_payloads_that_run(shown):
    """Each kind of file that carries code is heard by the hook when an unsafe reader lets it run."""
    with_code = {name for name, one in shown.items() if (one.folder / "CANARY").exists()}
    assert len(with_code) >= 15
    for name in with_code:
        heard = " ".join(shown[name].unsafe["events"])
        assert "CANARY" in heard, name
        assert re.search(r"pickle\.find_class|exec |compile |marshal\.loads", heard), (name, heard)
