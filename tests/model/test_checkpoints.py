"""A stopped training resumes bit for bit; damaged states, or those of another task, are never used silently."""

import json
import logging
import os
import signal
from dataclasses import replace
from functools import cache

import pandas as pd
import pytest
import torch

from tspg.data.prepare import prepare
from tspg.errors import DivergedError, ModelError, UsageError
from tspg.model import checkpoints as module
from tspg.model.adam import Adam
from tspg.model.checkpoints import LIST, CheckpointFolder
from tspg.model.config import PaperConfig, TargetModelConfig
from tspg.model.target_state import TargetState
from tspg.model.training import train_generator, train_target_model

F = TargetModelConfig(hidden_units=(8, 4), epochs=3, batch_size=32, warm_up=0.3)  # 96 samples: 3 steps an epoch
PAPER = PaperConfig(
    down_units=(8, 4), up_units=(4, 8), residual_blocks=1, discriminator_units=(8, 4), batch_size=32, steps=8
)


@pytest.fixture(scope="module")
def dataset(planted):
    return prepare(planted.adata, label_column="label", seed=3)


@pytest.fixture(scope="module")
def f(dataset):
    return train_target_model(dataset, F)


@pytest.fixture(autouse=True)
def kept_at_every_step(monkeypatch):
    monkeypatch.setattr(module, "SECONDS_BETWEEN", 0.0)
    monkeypatch.setattr(module, "SHARE_OF_TIME", 1e9)


def folder(out, task=None, **made_with):
    return CheckpointFolder(out, task or {"seed": 0}, made_with)


def weights(*networks):
    return [value for network in networks for value in network.state_dict().values()]


def learn_f(dataset, f, checkpoints):
    del f
    return weights(train_target_model(dataset, F, checkpoints=checkpoints)), pd.DataFrame()


def learn_f_until_enough(dataset, f, checkpoints):
    del f
    config = replace(F, epochs=10, warm_up=0.1, enough_loss=10.0, centred=True, label_smoothing=0.1)
    return weights(train_target_model(dataset, config, checkpoints=checkpoints)), pd.DataFrame()


def learn_paper(dataset, f, checkpoints, source_classes=None):
    state = TargetState.estimate(dataset.profiles[dataset.class_mask("target") & dataset.is_train])
    generator, discriminator, history = train_generator(
        dataset, f, state, PAPER, target_class="target", source_classes=source_classes, checkpoints=checkpoints
    )
    return weights(generator, discriminator), history.drop(columns="seconds")


def learn_paper_from_some(dataset, f, checkpoints):
    return learn_paper(dataset, f, checkpoints, source_classes=("alpha",))


TRAININGS = {  # with steps to stop after: the first, the end of an epoch, in the middle of one, the last
    learn_f: (1, 3, 5, 9),
    learn_f_until_enough: (4, 6, 8),  # its loss is low enough after 5 steps, and its rate falls in 3
    learn_paper: (1, 3, 5, 8),
    learn_paper_from_some: (1, 5),
}
TRAINING = pytest.mark.parametrize("learn", [learn_f, learn_paper], ids=lambda learn: learn.__name__)


@pytest.fixture(scope="module")
def in_one_go(dataset, f):
    return cache(lambda learn: learn(dataset, f, module.NONE_KEPT))


class Stopped(Exception):
    """What ends a training in these tests."""


def stop_after(monkeypatch, n_steps):
    """Let every training raise once its state after so many steps is kept; None lets it go on."""
    kept = module._KeptTraining.after

    def after(self, step):
        kept(self, step)
        if step == n_steps:
            raise Stopped

    monkeypatch.setattr(module._KeptTraining, "after", kept if n_steps is None else after)


def stopped_and_resumed(monkeypatch, learn, dataset, f, out, n_steps):
    with monkeypatch.context() as patch:
        stop_after(patch, n_steps)
        with pytest.raises(Stopped):
            learn(dataset, f, folder(out))
    return learn(dataset, f, folder(out))


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one[0], other[0], strict=True)) and one[1].equals(other[1])


@pytest.mark.parametrize(
    ("learn", "n_steps"),
    [(learn, step) for learn, steps in TRAININGS.items() for step in steps],
    ids=lambda value: value.__name__ if callable(value) else f"step-{value}",
)
def test_a_training_stopped_after_any_step_ends_bit_for_bit_as_in_one_go(
    learn, n_steps, dataset, f, in_one_go, tmp_path, monkeypatch
):
    in_one_go = in_one_go(learn)
    assert same(in_one_go, stopped_and_resumed(monkeypatch, learn, dataset, f, tmp_path, n_steps))
    assert same(in_one_go, learn(dataset, f, folder(tmp_path)))  # the finished state is kept, too


def test_states_are_those_of_the_steps_still_to_come(dataset, f, tmp_path, monkeypatch):
    seen = []
    step = Adam.step
    monkeypatch.setattr(Adam, "step", lambda *given, **named: (seen.append(1), step(*given, **named)))
    stopped_and_resumed(monkeypatch, learn_f, dataset, f, tmp_path, 4)
    assert len(seen) == 9


@pytest.mark.parametrize(
    ("learn", "left_out"),
    [
        (learn_f, "exp_avg"),
        (learn_f, "exp_avg_sq"),
        (learn_f, "step"),
        (learn_paper, "exp_avg"),
        (learn_paper, "num_batches_tracked"),
        (learn_paper, "rows"),
        (learn_paper, "steps"),
    ],
)
def test_a_state_without_one_of_its_parts_would_be_noticed(
    learn, left_out, dataset, f, in_one_go, tmp_path, monkeypatch
):
    write = module.write_tensors

    def forgetful(path, tensors):
        of_history = {name for name in tensors if name.startswith("history/") and left_out in name}
        kept = {name: value for name, value in tensors.items() if name not in of_history}
        return write(path, {name: torch.zeros_like(v) if left_out in name else v for name, v in kept.items()})

    monkeypatch.setattr(module, "write_tensors", forgetful)
    stop = 5  # in the middle of an epoch, and of a row of the history
    assert not same(in_one_go(learn), stopped_and_resumed(monkeypatch, learn, dataset, f, tmp_path, stop))


@TRAINING
def test_the_last_two_states_are_kept_and_nothing_else(learn, dataset, f, tmp_path):
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / ".tspg-half.safetensors").touch()  # of a run that was killed
    learn(dataset, f, folder(tmp_path))
    files = json.loads((tmp_path / "checkpoints" / LIST).read_text())["files"]
    (kept,) = files.values()
    assert len(kept) == 2
    assert kept[0]["step"] == kept[1]["step"] - 1
    assert {path.name for path in (tmp_path / "checkpoints").iterdir()} == {LIST, *(entry["file"] for entry in kept)}


def damage(out, which, how):
    files = json.loads((out / "checkpoints" / LIST).read_text())["files"]["target model"]
    for entry in files[which]:
        path = out / "checkpoints" / entry["file"]
        content = bytearray(path.read_bytes())
        if how == "missing":
            path.unlink()
        elif how == "cut":
            path.write_bytes(content[:-1])
        else:
            content[len(content) // 2] ^= 1
            path.write_bytes(content)


@pytest.mark.parametrize("how", ["missing", "cut", "flipped"])
def test_a_damaged_state_gives_way_to_the_one_before_it(how, dataset, f, in_one_go, tmp_path, monkeypatch, caplog):
    with monkeypatch.context() as patch:
        stop_after(patch, 5)
        with pytest.raises(Stopped):
            learn_f(dataset, f, folder(tmp_path))
    damage(tmp_path, slice(1, 2), how)
    with caplog.at_level(logging.INFO, "tspg"):
        assert same(in_one_go(learn_f), learn_f(dataset, f, folder(tmp_path)))
    assert "000000005.safetensors: this checkpoint is damaged" in caplog.text
    assert "target model: resumed after 4 steps" in caplog.text


@pytest.mark.parametrize("how", ["missing", "cut", "flipped"])
def test_with_every_state_damaged_nothing_is_guessed(how, dataset, f, tmp_path):
    learn_f(dataset, f, folder(tmp_path))
    damage(tmp_path, slice(None), how)
    with pytest.raises(ModelError, match=r"every checkpoint of the target model is damaged. Delete"):
        learn_f(dataset, f, folder(tmp_path))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "list of checkpoints is damaged"),
        ("[]", "list of checkpoints is damaged"),
        ('{"format_version": 1}', "list of checkpoints is damaged"),
        ("../model/model.json", "list of checkpoints is damaged"),
        ('{"format_version": 2', "format 2; this tspg reads 1"),
    ],
)
def test_a_list_that_is_none_is_refused(content, says, dataset, f, tmp_path):
    learn_f(dataset, f, folder(tmp_path))
    path = tmp_path / "checkpoints" / LIST
    known = json.loads(path.read_text())
    if content.startswith(".."):  # a file elsewhere
        known["files"]["target model"][0]["file"] = content
        content = json.dumps(known)
    elif "2" in content:
        content = json.dumps({**known, "format_version": 2})
    path.write_text(content)
    with pytest.raises(ModelError, match=says):
        folder(tmp_path)


def test_another_task_is_refused_with_what_differs(dataset, f, tmp_path):
    learn_f(dataset, f, folder(tmp_path, {"seed": 0, "generator": {"epochs": 3, "steps": None}}))
    folder(tmp_path, {"seed": 0, "generator": {"epochs": 3, "steps": None}})
    with pytest.raises(UsageError, match=r"\(generator.epochs was 3, is 4, seed was 0, is 1\)"):
        folder(tmp_path, {"seed": 1, "generator": {"epochs": 4, "steps": None}})


def test_other_circumstances_give_a_warning_that_stays(dataset, f, tmp_path):
    learn_f(dataset, f, folder(tmp_path, threads="1", torch="2.13"))
    assert folder(tmp_path, threads="1", torch="2.13").warnings == []
    elsewhere = folder(tmp_path, threads="2", torch="2.13")
    (warning,) = elsewhere.warnings
    assert "threads was 1, is 2" in warning
    learn_paper(dataset, f, elsewhere)
    assert folder(tmp_path, threads="2", torch="2.13").warnings == [warning]


@pytest.mark.parametrize(("number", "at"), [(signal.SIGINT, 4), (signal.SIGTERM, 9)])
def test_an_interrupt_waits_until_the_state_is_kept(number, at, dataset, f, in_one_go, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "SECONDS_BETWEEN", 1e9)  # nothing but the interrupt
    whole = in_one_go(learn_f)  # before steps are counted
    taken, before = [], signal.getsignal(number)
    step = Adam.step

    def interrupted(*given, **named):
        taken.append(1)
        if len(taken) == at:
            os.kill(os.getpid(), number)
        return step(*given, **named)

    def stop(_number, _frame):
        raise Stopped

    monkeypatch.setattr(Adam, "step", interrupted)
    signal.signal(number, stop)
    try:
        with pytest.raises(Stopped):
            learn_f(dataset, f, folder(tmp_path))
        assert signal.getsignal(number) is stop
    finally:
        signal.signal(number, before)
    assert len(taken) == at
    taken[:] = [None] * 100  # no further interrupt
    assert same(whole, learn_f(dataset, f, folder(tmp_path)))
    assert len(taken) == 100 + 9 - at


def test_an_interrupt_after_the_last_step_is_not_lost(dataset, tmp_path):
    before = signal.getsignal(signal.SIGTERM)

    def stop(_number, _frame):
        raise Stopped

    def interrupted_at_the_end(_phase, done, total, _numbers):
        if done == total:
            os.kill(os.getpid(), signal.SIGTERM)

    signal.signal(signal.SIGTERM, stop)
    try:
        with pytest.raises(Stopped):
            train_target_model(dataset, F, progress=interrupted_at_the_end, checkpoints=folder(tmp_path))
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_second_interrupt_does_not_wait(dataset, tmp_path, monkeypatch):
    before = signal.getsignal(signal.SIGTERM)

    def stop(_number, _frame):
        raise Stopped

    def interrupted_twice(*_given, **_named):
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(Adam, "step", interrupted_twice)
    monkeypatch.setattr(module, "SECONDS_BETWEEN", 1e9)
    signal.signal(signal.SIGTERM, stop)
    try:
        with pytest.raises(Stopped):
            train_target_model(dataset, F, checkpoints=folder(tmp_path))
    finally:
        signal.signal(signal.SIGTERM, before)
    assert not (tmp_path / "checkpoints").exists()


def test_a_state_that_is_no_number_is_not_kept(dataset, f, tmp_path, monkeypatch):
    stepped = Adam.step

    def spoilt(optimiser, *given, **named):
        stepped(optimiser, *given, **named)
        if optimiser.state_dict()["0/step"] == 5:
            optimiser.parameters[0].data[0, 0] = torch.nan

    monkeypatch.setattr(Adam, "step", spoilt)
    with pytest.raises(DivergedError, match="step 5: the weights layers"):
        learn_f(dataset, f, folder(tmp_path))
    kept = json.loads((tmp_path / "checkpoints" / LIST).read_text())["files"]["target model"]
    assert [entry["step"] for entry in kept] == [3, 4]


def test_states_are_kept_as_rarely_as_said(dataset, f, tmp_path, monkeypatch):
    now = iter(range(10_000))
    monkeypatch.setattr(module.time, "monotonic", lambda: float(next(now)))
    monkeypatch.setattr(module, "SECONDS_BETWEEN", 3.5)
    kept = []
    monkeypatch.setattr(CheckpointFolder, "keep", lambda _self, _name, step, _parts: kept.append(step))
    learn_f(dataset, f, folder(tmp_path))
    # One reading of the clock a step: the fourth step is the first later than 3.5. Writing reads it twice more.
    assert kept == [4, 8, 9]
    kept.clear()
    monkeypatch.setattr(module, "SHARE_OF_TIME", 0.2)  # a second of writing for every five
    learn_f(dataset, f, folder(tmp_path / "other"))
    assert kept == [4, 9]


def test_folds_have_states_of_their_own(dataset, f, tmp_path):
    first = learn_f(dataset, f, folder(tmp_path).within("fold 1 of 2"))
    assert set(json.loads((tmp_path / "checkpoints" / LIST).read_text())["files"]) == {"target model, fold 1 of 2"}
    again = folder(tmp_path)
    half = replace(dataset, is_train=~dataset.is_train)
    second = weights(train_target_model(half, F, checkpoints=again.within("fold 2 of 2")))
    assert not all(torch.equal(a, b) for a, b in zip(first[0], second, strict=True))
