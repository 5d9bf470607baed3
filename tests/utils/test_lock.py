"""A run folder belongs to one process; what is not the program's is never touched, what is half-made never stays."""

import fcntl

import pytest

from tspg.errors import FolderInUseError, ResourceError, UsageError
from tspg.utils import lock as claim
from tspg.utils.lock import LOCK, MANIFEST, locked, new_folder


def names(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def stopped_after(out, *written):
    for name in written:
        (out / name).parent.mkdir(exist_ok=True)
        (out / name).write_text("{}")
    raise KeyboardInterrupt


def test_an_error_leaves_the_folder_as_it_was(tmp_path):
    (tmp_path / "empty").mkdir()
    for out in (tmp_path / "empty", tmp_path / "new" / "deep"):
        with pytest.raises(KeyboardInterrupt), new_folder(out):
            stopped_after(out, "model/model.json", "history.tsv", ".tspg-abc.tsv")
    assert names(tmp_path) == ["empty"]


def test_what_a_killed_run_left_is_cleared_away(tmp_path):
    (tmp_path / LOCK).touch()  # nobody holds it any more
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "tsne.png").write_text("old")
    (tmp_path / ".tspg-xyz.h5ad").write_text("half")
    with new_folder(tmp_path):
        assert names(tmp_path) == [LOCK]
        (tmp_path / MANIFEST).write_text("{}")
    assert names(tmp_path) == [MANIFEST]


def test_a_finished_run_survives_an_error_after_it(tmp_path):
    with pytest.raises(KeyboardInterrupt), new_folder(tmp_path):
        stopped_after(tmp_path, "metrics.json", MANIFEST)
    assert names(tmp_path) == [MANIFEST, "metrics.json"]


def test_checkpoints_are_work_that_only_a_finished_run_removes(tmp_path):
    with pytest.raises(KeyboardInterrupt), new_folder(tmp_path):
        stopped_after(tmp_path, "checkpoints/checkpoints.json", "history.tsv")
    assert names(tmp_path) == ["checkpoints", "checkpoints/checkpoints.json"]
    for left in ([], [LOCK], [LOCK, "metrics.json"]):
        for name in left:
            (tmp_path / name).touch()
        with pytest.raises(UsageError, match=r"unfinished run here\. Go on with it"), new_folder(tmp_path):
            pass
        assert names(tmp_path) == sorted([*left, "checkpoints", "checkpoints/checkpoints.json"])
    with new_folder(tmp_path, resume=True):
        assert names(tmp_path) == [LOCK, "checkpoints", "checkpoints/checkpoints.json"]
        (tmp_path / MANIFEST).write_text("{}")
    assert names(tmp_path) == [MANIFEST]


def test_there_need_be_nothing_to_resume(tmp_path):
    with new_folder(tmp_path / "run", resume=True):
        (tmp_path / "run" / MANIFEST).write_text("{}")
    with pytest.raises(UsageError, match="finished run"), new_folder(tmp_path / "run", resume=True):
        pass


@pytest.mark.parametrize("left", [["figures"], ["report.html"], ["thesis.txt"], [LOCK, "thesis.txt"]])
def test_files_of_others_are_never_touched(tmp_path, left):
    for name in left:
        (tmp_path / name).write_text("mine")
    with pytest.raises(UsageError, match="holds other files"), new_folder(tmp_path):
        pass
    assert names(tmp_path) == sorted(left)


def test_a_run_that_finished_meanwhile_is_not_cleared(tmp_path, monkeypatch):
    original = claim._take_lock

    def finish_first(out):
        out.mkdir(exist_ok=True)
        (out / MANIFEST).write_text("{}")
        return original(out)

    monkeypatch.setattr(claim, "_take_lock", finish_first)
    with pytest.raises(UsageError, match="finished run"), new_folder(tmp_path / "run"):
        pass
    assert names(tmp_path / "run") == [MANIFEST]


def test_a_lock_that_was_removed_under_us_is_not_ours(tmp_path, monkeypatch):
    original = fcntl.flock

    def removed_meanwhile(lock, how):
        (tmp_path / LOCK).unlink()
        original(lock, how)

    monkeypatch.setattr(fcntl, "flock", removed_meanwhile)
    with pytest.raises(FolderInUseError, match="another tspg"), locked(tmp_path):
        pass


def test_a_name_too_long_is_refused(tmp_path):
    with pytest.raises(UsageError, match="File name too long"), new_folder(tmp_path / ("x" * 300)):
        pass
    with pytest.raises(ResourceError, match="File name too long"), new_folder(tmp_path / "new" / ("x" * 300)):
        pass
    assert names(tmp_path) == []
