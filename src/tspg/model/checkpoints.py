"""The state of a training on disk, so that a stopped run resumes where it was, bit for bit.

A folder of checkpoints belongs to one task. Each training (of f, of a generator, of a fold) keeps its last two states:
a file of tensors each, and `checkpoints.json`, written after it, with the SHA-256 fingerprints of both. Random numbers
are not kept: `model/random.py` makes them from seed and epoch.
"""

import copy
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

from safetensors import SafetensorError
from torch import Tensor

from tspg.errors import ModelError, UsageError
from tspg.model.adam import Adam
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
SHARE_OF_TIME = 0.05  # spent on writing, at most: the larger the networks, the fewer states
STOPS = (signal.SIGINT, signal.SIGTERM)

logger = logging.getLogger(__name__)


class Part(Protocol):
    """What a training changes at every step: a network, an optimiser, the history."""

    def state_dict(self) -> Any:
        """The whole state."""

    def load_state_dict(self, state_dict: Any, /) -> Any:
        """Take over a state."""


class Training:
    """A training under way; `done` steps were done before this process."""

    done = 0

    def after(self, step: int) -> None:
        """Call after every step: the moment to keep the state, and to stop if asked to."""


class Checkpoints:
    """Where trainings keep their state; this base class keeps none, and every training starts anew."""

    def within(self, name: str) -> "Checkpoints":
        """A place for the trainings of one part of the work, such as a fold."""
        del name
        return self

    @contextmanager
    def training(self, name: str, parts: Mapping[str, Part]) -> Iterator[Training]:
        """Restore the parts of a training, and keep their state while the block trains them."""
        del name, parts
        yield Training()


NONE_KEPT = Checkpoints()


class CheckpointFolder(Checkpoints):
    """Checkpoints in the folder `checkpoints` of a run folder that this process holds.

    Parameters
    ----------
    out
        The run folder.
    task
        All that decides the result, as plain values: a folder of another task is refused.
    made_with
        Versions, threads and processor; where they differ, the rest of the training differs in its last digits.
        `warnings` then says so.

    Raises
    ------
    UsageError
        If the checkpoints there are those of another task.
    ModelError
        If the list of checkpoints is damaged, or of another version of tspg.
    """

    def __init__(self, out: Path, task: Mapping[str, Any], made_with: Mapping[str, Any]) -> None:
        self._folder = out / CHECKPOINTS
        self._about = json.loads(json.dumps({"question": task, "made_with": made_with}))  # as it will be read
        self._files: dict[str, list[dict[str, Any]]] = {}
        self._suffix = ""
        self.warnings: list[str] = []
        check_folder(self._folder)
        if (self._folder / LIST).is_file():
            self._read_list()

    def _read_list(self) -> None:
        path, again = self._folder / LIST, f"Delete {self._folder} and start anew."
        try:
            known = read_json(path)
            version, warnings = known["format_version"], list(map(str, known["doubts"]))
            changed, elsewhere = (_differences(known[part], self._about[part]) for part in ("question", "made_with"))
            files = {
                name: [{"file": one["file"], "step": int(one["step"]), "sha256": str(one["sha256"])} for one in kept]
                for name, kept in known["files"].items()
            }
            if not all(is_plain(one["file"]) for kept in files.values() for one in kept):
                raise ValueError("a file elsewhere")
        except (OSError, ValueError, KeyError, TypeError, AttributeError, ArithmeticError) as error:
            raise ModelError(f"{path}: the list of checkpoints is damaged. {again}") from error
        if version != FORMAT_VERSION:
            raise ModelError(f"{path}: format {version!r}; this tspg reads {FORMAT_VERSION}. {again}")
        if changed:
            raise UsageError(
                f"--out {self._folder.parent}: the unfinished run here has other data or settings ({changed}). "
                "Use the same ones, name another folder, or delete this one."
            )
        self._files, self.warnings = files, warnings
        if elsewhere:
            self.warnings.append(
                f"The training was stopped and resumed under other circumstances ({elsewhere}): its numbers "
                "may differ in their last digits from those of a run in one go."
            )

    def within(self, name: str) -> "CheckpointFolder":
        """The same folder, with a suffix to the names of its trainings."""
        part = copy.copy(self)
        part._suffix = f", {name}"
        return part

    @contextmanager
    def training(self, name: str, parts: Mapping[str, Part]) -> Iterator[Training]:
        """As in `Checkpoints`; an interrupt waits for the end of the step and is raised once the state is kept.

        Raises
        ------
        ModelError
            If there are states and all of them are damaged.
        """
        training = _KeptTraining(self, name + self._suffix, parts)
        with training.stopped_between_steps():
            yield training
            training.finish()

    def restore(self, name: str, parts: Mapping[str, Part]) -> int:
        """Give the parts the newest undamaged state; the number of its steps."""
        kept = self._files.get(name, [])
        for entry in reversed(kept):
            path = self._folder / entry["file"]
            try:
                content = path.read_bytes()
                if hashlib.sha256(content).hexdigest() != entry["sha256"]:
                    raise ValueError("its bytes were changed")
                _fill(parts, tensors_of(content))
            except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
                logger.warning("%s: this checkpoint is damaged (%s); trying the one before it", path, error)
                continue
            logger.info("%s: resumed after %s steps", name, f"{entry['step']:,}")
            return int(entry["step"])
        if kept:
            raise ModelError(
                f"{self._folder}: every checkpoint of the {name} is damaged. Delete the folder and start anew."
            )
        return 0

    def keep(self, name: str, step: int, parts: Mapping[str, Part]) -> None:
        """Write the state of a training, then the list with it; the oldest state goes."""
        states = {part: dict(owner.state_dict()) for part, owner in parts.items()}
        # The history may hold NaN, such as a hit rate of no samples.
        require_finite_weights(step, **{part: states[part] for part in parts if not isinstance(parts[part], History)})
        tensors = {f"{part}/{key}": value for part, state in states.items() for key, value in state.items()}
        file = f"{safe_name(name)}-{step:09}.safetensors"
        fingerprint = write_tensors(self._folder / file, tensors)
        others = [entry for entry in self._files.get(name, []) if entry["file"] != file]
        self._files[name] = [*others, {"file": file, "step": step, "sha256": fingerprint}][-KEPT:]
        content = {"format_version": FORMAT_VERSION, **self._about, "doubts": self.warnings, "files": self._files}
        write_json(self._folder / LIST, content)
        known = {entry["file"] for kept in self._files.values() for entry in kept} | {LIST}
        for path in self._folder.iterdir():
            if path.name not in known:
                path.unlink()


class _KeptTraining(Training):
    """A training whose state is kept from time to time, and before an interrupt ends it."""

    def __init__(self, folder: CheckpointFolder, name: str, parts: Mapping[str, Part]) -> None:
        self._folder, self._name, self._parts = folder, name, parts
        self.done = self._step = self._kept = folder.restore(name, parts)
        self._next = time.monotonic() + SECONDS_BETWEEN
        self._interrupt: tuple[int, FrameType | None] | None = None
        self._handlers: dict[int, Any] = {}

    @contextmanager
    def stopped_between_steps(self) -> Iterator[None]:
        """Let an interrupt wait for `after`; a second one does not wait."""
        if threading.current_thread() is threading.main_thread():
            self._handlers = {number: now for number in STOPS if callable(now := signal.getsignal(number))}
        try:
            for number in self._handlers:
                signal.signal(number, self._remember)
            yield
        finally:
            for number, handler in self._handlers.items():
                signal.signal(number, handler)

    def _remember(self, number: int, frame: FrameType | None) -> None:
        if self._interrupt is not None:
            self._handlers[number](number, frame)
        self._interrupt = (number, frame)

    def _raise_interrupt(self) -> None:
        if self._interrupt is not None:
            number, frame = self._interrupt
            self._handlers[number](number, frame)

    def after(self, step: int) -> None:
        """Keep the state if it is time, or if the training is to stop now."""
        self._step = step
        if self._interrupt is None and time.monotonic() < self._next:
            return
        started = time.monotonic()
        self._folder.keep(self._name, step, self._parts)
        self._kept, now = step, time.monotonic()
        self._next = now + max(SECONDS_BETWEEN, (now - started) / SHARE_OF_TIME)
        self._raise_interrupt()

    def finish(self) -> None:
        """Keep what was learned, so that no later interruption costs this training again."""
        if self._step != self._kept:  # the state of an optimiser matters to further steps alone
            learned = {name: part for name, part in self._parts.items() if not isinstance(part, Adam)}
            self._folder.keep(self._name, self._step, learned)
        self._raise_interrupt()


def _differences(before: Any, now: Any, where: str = "") -> str:
    """What differs between two descriptions, in words; empty if nothing does."""
    if isinstance(before, dict) and isinstance(now, dict):
        found = [
            _differences(before.get(key), now.get(key), f"{where}.{key}" if where else key)
            for key in sorted({*before, *now})
        ]
        return ", ".join(part for part in found if part)
    return "" if before == now else f"{where} was {before}, is {now}"


def _fill(parts: Mapping[str, Part], tensors: Mapping[str, Tensor]) -> None:
    for name, part in parts.items():
        state = {key.removeprefix(f"{name}/"): value for key, value in tensors.items() if key.startswith(f"{name}/")}
        part.load_state_dict(state)
