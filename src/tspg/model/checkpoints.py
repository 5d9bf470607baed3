"""The state of a training on disk, so that a run that was stopped goes on where it was, bit for bit.

A folder of checkpoints answers to one question. Each training (of f, of a generator, of a fold's) keeps its
last two states: a file of tensors each, and `checkpoints.json`, written after it, which vouches for both
by their SHA-256 fingerprints. Random numbers need no keeping: `model/randomness.py` makes them from the
seed and the epoch.
"""

import hashlib
import json
import logging
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

import torch
from safetensors import SafetensorError
from torch import Tensor

from tspg.errors import ModelError, UsageError
from tspg.model.gan import require_finite_weights
from tspg.model.history import History
from tspg.model.tensors import tensors_of, write_tensors
from tspg.utils.files import read_json, safe_name, write_json
from tspg.utils.lock import CHECKPOINTS
from tspg.utils.untrusted import check_folder, is_plain

FORMAT_VERSION = 1
LIST = "checkpoints.json"
KEPT = 2  # states of a training: should the newer one be damaged, there is the other
SECONDS_BETWEEN = 30.0  # of work that may be lost
SHARE_OF_TIME = 0.05  # that writing may take: the larger the networks, the rarer
STOPS = (signal.SIGINT, signal.SIGTERM)

logger = logging.getLogger(__name__)


class Part(Protocol):
    """What a training changes at every step: a network, an optimiser, the history."""

    def state_dict(self) -> Any:
        """All that it is."""

    def load_state_dict(self, state_dict: Any, /) -> Any:
        """Become what `state_dict` gave."""


class Training:
    """A training under way: `done` steps were done before, and every further one is told to it."""

    done = 0

    def after(self, step: int) -> None:
        """So many steps are done now: the moment to keep the state, and to stop if that was asked for."""


class Checkpoints:
    """Where trainings keep their state; this one keeps none, and every training starts anew."""

    def within(self, name: str) -> "Checkpoints":
        """A place for the trainings of one part of the work, such as a fold."""
        del name
        return self

    @contextmanager
    def training(self, name: str, parts: Mapping[str, Part]) -> Iterator[Training]:
        """Bring the parts of a training to where they were, and keep their state while the block trains them."""
        del name, parts
        yield Training()


NONE_KEPT = Checkpoints()


class CheckpointFolder(Checkpoints):
    """Checkpoints in the folder `checkpoints` of a run folder that this process holds.

    Parameters
    ----------
    out
        The run folder.
    question
        All that decides the result, as plain values: a folder that answers to another question is refused.
    made_with
        Versions, threads and processor; where they differ, the rest of the training differs in its last digits.

    Raises
    ------
    UsageError
        If the checkpoints there are those of another question.
    ModelError
        If the list of checkpoints is damaged, or of another version of tspg.
    """

    def __init__(self, out: Path, task: Mapping[str, Any], made_with: Mapping[str, Any]) -> None:
        self._folder = out / CHECKPOINTS
        self._list = self._folder / LIST
        self._about = json.loads(json.dumps({"question": task, "made_with": made_with}))  # as it will be read
        self._files: dict[str, list[dict[str, Any]]] = {}
        self.doubts: list[str] = []
        check_folder(self._folder)
        if self._list.is_file():
            self._take_up()

    def _take_up(self) -> None:
        again = f"Delete {self._folder} and start anew."
        try:
            known = read_json(self._list)
            version, doubts = known["format_version"], list(map(str, known["doubts"]))
            changed, elsewhere = (_differences(known[part], self._about[part]) for part in ("question", "made_with"))
            files = {name: [_entry(one) for one in kept] for name, kept in known["files"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError, ArithmeticError) as error:
            raise ModelError(f"{self._list}: the list of checkpoints is damaged. {again}") from error
        if version != FORMAT_VERSION:
            raise ModelError(f"{self._list}: format {version!r}; this tspg reads {FORMAT_VERSION}. {again}")
        if changed:
            raise UsageError(
                f"--out {self._folder.parent}: the unfinished run here asks another question ({changed}). "
                "Ask the same one, name another folder, or delete this one."
            )
        self.doubts = doubts
        if elsewhere:
            self.doubts.append(
                f"The training was stopped and resumed under other circumstances ({elsewhere}): its numbers "
                "may differ in their last digits from those of a run in one go."
            )
        self._files = files

    def within(self, name: str) -> Checkpoints:
        """The same folder, with the names of its trainings set apart."""
        return _Within(self, name)

    @contextmanager
    def training(self, name: str, parts: Mapping[str, Part]) -> Iterator[Training]:
        """As in `Checkpoints`; an interrupt waits for the end of the step and is raised once the state is kept.

        Raises
        ------
        ModelError
            If there are states and all of them are damaged.
        """
        training = _KeptTraining(self, name, parts)
        with training.stopped_between_steps():
            yield training
            training.finish()

    def restore(self, name: str, parts: Mapping[str, Part]) -> int:
        """Give the parts the newest state that is whole; how many steps that is."""
        kept = self._files.get(name, [])
        for entry in reversed(kept):
            path = self._folder / entry["file"]
            try:
                content = path.read_bytes()
                if hashlib.sha256(content).hexdigest() != entry["sha256"]:
                    raise ValueError("its bytes were changed")
                _fill(parts, tensors_of(content))
            except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
                logger.warning("%s: this checkpoint is damaged (%s); the one before it is looked for", path, error)
                continue
            logger.info("%s: taken up after %s steps", name, f"{entry['step']:,}")
            return int(entry["step"])
        if kept:
            raise ModelError(
                f"{self._folder}: every checkpoint of the {name} is damaged. Delete the folder and start anew."
            )
        return 0

    def keep(self, name: str, step: int, parts: Mapping[str, Part]) -> None:
        """Write the state of a training; the list vouches for it from then on, and the oldest goes."""
        states = {part: dict(_state_of(owner)) for part, owner in parts.items()}
        # The history may hold what is not a number, such as a hit rate of no samples.
        require_finite_weights(step, **{part: states[part] for part in parts if not isinstance(parts[part], History)})
        tensors = {f"{part}/{key}": value for part, state in states.items() for key, value in state.items()}
        file = f"{safe_name(name)}-{step:09}.safetensors"
        fingerprint = write_tensors(self._folder / file, tensors)
        others = [entry for entry in self._files.get(name, []) if entry["file"] != file]
        self._files[name] = [*others, {"file": file, "step": step, "sha256": fingerprint}][-KEPT:]
        told = {"format_version": FORMAT_VERSION, **self._about, "doubts": self.doubts, "files": self._files}
        write_json(self._list, told)
        known = {entry["file"] for kept in self._files.values() for entry in kept} | {LIST}
        for path in self._folder.iterdir():
            if path.name not in known:
                path.unlink()


class _Within(Checkpoints):
    """Checkpoints of one part of the work."""

    def __init__(self, folder: CheckpointFolder, name: str) -> None:
        self._folder, self._name = folder, name

    @contextmanager
    def training(self, name: str, parts: Mapping[str, Part]) -> Iterator[Training]:
        with self._folder.training(f"{name}, {self._name}", parts) as training:
            yield training


class _KeptTraining(Training):
    """A training whose state is kept from time to time, and before an interrupt ends it."""

    def __init__(self, folder: CheckpointFolder, name: str, parts: Mapping[str, Part]) -> None:
        self._folder, self._name, self._parts = folder, name, parts
        self.done = folder.restore(name, parts)
        self._step = self._kept = self.done
        self._next = time.monotonic() + SECONDS_BETWEEN
        self._asked: tuple[int, FrameType | None] | None = None

    @contextmanager
    def stopped_between_steps(self) -> Iterator[None]:
        """Let an interrupt wait for `after`; a second one does not wait."""
        self._before: dict[int, Any] = {}
        if threading.current_thread() is threading.main_thread():
            self._before = {number: now for number in STOPS if callable(now := signal.getsignal(number))}
        try:
            for number in self._before:
                signal.signal(number, self._ask)
            yield
        finally:
            for number, handler in self._before.items():
                signal.signal(number, handler)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self._asked is not None:
            self._before[number](number, frame)
        self._asked = (number, frame)

    def after(self, step: int) -> None:
        """Keep the state if it is time, or if the training is to stop now."""
        self._step = step
        if self._asked is None and time.monotonic() < self._next:
            return
        self._keep()
        self._stop_if_asked()

    def _stop_if_asked(self) -> None:
        if self._asked is not None:
            number, frame = self._asked
            self._before[number](number, frame)

    def finish(self) -> None:
        """Keep what was learned: no later interruption costs this training again."""
        if self._step != self._kept:  # what an optimiser knows is of use to further steps alone
            learned = {name: part for name, part in self._parts.items() if not isinstance(part, torch.optim.Optimizer)}
            self._folder.keep(self._name, self._step, learned)
        self._stop_if_asked()

    def _keep(self) -> None:
        started = time.monotonic()
        self._folder.keep(self._name, self._step, self._parts)
        self._kept, now = self._step, time.monotonic()
        self._next = now + max(SECONDS_BETWEEN, (now - started) / SHARE_OF_TIME)


def _entry(described: Mapping[str, Any]) -> dict[str, Any]:
    """One line of the list of checkpoints; a file name leads nowhere else."""
    if not is_plain(described["file"]):
        raise ValueError(described["file"])
    return {"file": described["file"], "step": int(described["step"]), "sha256": str(described["sha256"])}


def _differences(before: Any, now: Any, where: str = "") -> str:
    """What differs between two descriptions, in words; empty if nothing does."""
    if isinstance(before, dict) and isinstance(now, dict):
        found = [
            _differences(before.get(key), now.get(key), f"{where}.{key}" if where else key)
            for key in sorted({*before, *now})
        ]
        return ", ".join(part for part in found if part)
    return "" if before == now else f"{where} was {before}, is {now}"


def _state_of(part: Part) -> Iterator[tuple[str, Tensor]]:
    """The tensors of a part by name; an optimiser's settings are not among them, since they are not learned."""
    if not isinstance(part, torch.optim.Optimizer):
        yield from part.state_dict().items()
        return
    for number, moments in part.state_dict()["state"].items():
        for name, value in moments.items():
            yield f"{number}/{name}", value


def _fill(parts: Mapping[str, Part], tensors: Mapping[str, Tensor]) -> None:
    for name, part in parts.items():
        own = {key.removeprefix(f"{name}/"): value for key, value in tensors.items() if key.startswith(f"{name}/")}
        if not isinstance(part, torch.optim.Optimizer):
            part.load_state_dict(own)
            continue
        moments: dict[int, dict[str, Tensor]] = {}
        for key, value in own.items():
            number, moment = key.split("/")
            moments.setdefault(int(number), {})[moment] = value
        part.load_state_dict({"state": moments, "param_groups": part.state_dict()["param_groups"]})
